package fieldcrypt_test

import (
	"database/sql"
	"errors"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/pavise-dev/pavise/fieldcrypt"
	"github.com/pavise-dev/pavise/secret"
)

func ring(t testing.TB, format fieldcrypt.Format) *fieldcrypt.Ring {
	t.Helper()
	k, err := fieldcrypt.NewKey(format, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r, err := fieldcrypt.NewRing(k)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func database(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

type address struct {
	Street string   `json:"street"`
	Lines  []string `json:"lines"`
}

// roundTrip writes a value to a column and reads it back into a new one of
// its type, or of another.
func roundTrip[From, To any](t *testing.T, from From, to *To) (stored sql.NullString, err error) {
	t.Helper()
	db, r := database(t), ring(t, fieldcrypt.V1)
	c := fieldcrypt.Context{Table: "t", Column: "v", PrimaryKey: "1"}
	if _, err := db.Exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO t VALUES (1, ?)`, r.Seal(from, c)); err != nil {
		return stored, err
	}
	if err := db.QueryRow(`SELECT v FROM t`).Scan(&stored); err != nil {
		t.Fatal(err)
	}
	return stored, db.QueryRow(`SELECT v FROM t`).Scan(r.Open(to, c))
}

func same[T any](v T) func(*testing.T) {
	return func(t *testing.T) {
		var got T
		stored, err := roundTrip(t, v, &got)
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%#v came back as %#v, %v", v, got, err)
		}
		if !strings.HasPrefix(stored.String, "pv1.") {
			t.Errorf("stored as %q", stored.String)
		}
	}
}

func null[T any](v T) func(*testing.T) {
	return func(t *testing.T) {
		got := v
		stored, err := roundTrip(t, v, &got)
		if err != nil || stored.Valid || !reflect.ValueOf(&got).Elem().IsZero() {
			t.Errorf("%#v: %#v, %v, stored as %v", v, got, err, stored)
		}
	}
}

func TestColumnTypes(t *testing.T) {
	text := "text"
	for name, run := range map[string]func(*testing.T){
		"string":            same("Zoë\x00"),
		"empty string":      same(""),
		"bytes":             same([]byte{0, 1, 255}),
		"empty bytes":       same([]byte{}),
		"time":              same(time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)),
		"int":               same(-42),
		"struct":            same(address{"Main", []string{"a", "b"}}),
		"slice":             same([]string{"a"}),
		"map":               same(map[string]int{"a": 1}),
		"text marshaler":    same(netip.MustParseAddr("2001:db8::1")),
		"pointer":           same(&text),
		"pointer to struct": same(&address{Street: "x"}),
		"sql.Null":          same(sql.Null[string]{V: "x", Valid: true}),
		"sql.NullTime":      same(sql.NullTime{Time: time.Unix(1, 0).UTC(), Valid: true}),
		"NULL pointer":      null[*string](nil),
		"NULL bytes":        null[[]byte](nil),
		"NULL sql.Null":     null(sql.Null[int]{V: 3}),
		"NULL NullString":   null(sql.NullString{String: "x"}),
		"NULL any":          null[any](nil),
	} {
		t.Run(name, run)
	}
	var s secret.String
	if _, err := roundTrip(t, secret.New("hidden"), &s); err != nil || s.Expose() != "hidden" {
		t.Errorf("secret: %v", err)
	}
	var b secret.Bytes
	if _, err := roundTrip(t, secret.NewBytes([]byte("hidden")), &b); err != nil || string(b.Expose()) != "hidden" {
		t.Errorf("secret bytes: %v", err)
	}
}

// TestColumnErrors: an error names the column, and shows neither the value nor
// what was wrong with it.
func TestColumnErrors(t *testing.T) {
	var n int
	var at time.Time
	var plain string
	var address netip.Addr
	for name, run := range map[string]func() error{
		"not a number": func() error { _, err := roundTrip(t, "sorrel", &n); return err },
		"not a time":   func() error { _, err := roundTrip(t, "sorrel", &at); return err },
		"not an IP":    func() error { _, err := roundTrip(t, "sorrel", &address); return err },
		"NULL":         func() error { _, err := roundTrip[any](t, nil, &plain); return err },
		"no JSON":      func() error { _, err := roundTrip(t, map[string]any{"sorrel": make(chan int)}, &plain); return err },
	} {
		err := run()
		if err == nil || !strings.Contains(err.Error(), "t.v") || strings.Contains(err.Error(), "sorrel") {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := ring(t, fieldcrypt.V1)
	for name, dst := range map[string]any{"nil": nil, "not a pointer": plain, "nil pointer": (*string)(nil)} {
		if err := r.Open(dst, fieldcrypt.Context{}).Scan("x"); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := r.Open(&plain, fieldcrypt.Context{}).Scan(int64(3)); err == nil {
		t.Error("a number is no token")
	}
	if err := r.Open(&plain, fieldcrypt.Context{}).Scan("plaintext"); !errors.Is(err, fieldcrypt.ErrDecrypt) {
		t.Errorf("what is not sealed opens: %v", err)
	}
}
