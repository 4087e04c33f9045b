//go:build real

package data

import (
	"bytes"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/pavise-dev/pavise/fieldcrypt"
	"github.com/pavise-dev/pavise/fieldcrypt/rotate"
	"github.com/pavise-dev/pavise/secret"
)

func fernetRing(t testing.TB, n int) (*fieldcrypt.Ring, []string) {
	t.Helper()
	var r *fieldcrypt.Ring
	for range n {
		k, err := fieldcrypt.NewKey(fieldcrypt.Fernet, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if r == nil {
			r, err = fieldcrypt.NewRing(k)
		} else {
			r, err = r.Add(k)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var keys []string
	for _, k := range r.Keys() {
		keys = append(keys, k.Export().Expose())
	}
	return r, keys
}

// TestFernetBothWays: Python opens what Go seals, and Go what Python does,
// under several keys.
func TestFernetBothWays(t *testing.T) {
	p := startPeer(t)
	r, keys := fernetRing(t, 3)
	for n := range 200 {
		want := make([]byte, n)
		for i := range want {
			want[i] = byte(rand.Uint32())
		}
		token, err := r.Encrypt(want, fieldcrypt.Context{})
		if err != nil {
			t.Fatal(err)
		}
		var back []byte
		if p.ask(t, &back, "fernet_open", keys, token); !bytes.Equal(back, want) {
			t.Fatalf("Python does not open %d bytes", n)
		}
		p.ask(t, &token, "fernet_seal", []string{keys[n%3]}, want)
		if got, err := r.Decrypt(token, fieldcrypt.Context{}); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes of Python's: %v", n, err)
		}
	}
	var token string
	p.ask(t, &token, "fernet_seal", []string{keys[2]}, []byte("x"))
	rotated, changed, err := r.Rotate(token, fieldcrypt.Context{})
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	var theirs []any
	p.ask(t, &theirs, "fernet_rotate", keys, rotated)
	var original []any
	p.ask(t, &original, "fernet_rotate", keys, token)
	if theirs[1] != original[1] || original[2] != original[1] {
		t.Errorf("the time of a token changed: %v, and Python's %v", theirs, original)
	}
}

// mutate changes a token in a way that some decoder could overlook.
func mutate(r *rand.Rand, token string) string {
	b := []byte(token)
	at := r.IntN(len(b))
	const odd = "=-_+/ \n\r\t!*.,~AZaz09\x00\x7f\x80é"
	c := odd[r.IntN(len(odd))]
	switch r.IntN(8) {
	case 0:
		b[at] = c
	case 1:
		b = slices.Insert(b, at, c)
	case 2:
		b = slices.Delete(b, at, at+1)
	case 3:
		b = append(b, c)
	case 4:
		b = b[:at]
	case 5: // the last characters, where bits are left over
		b[len(b)-1-r.IntN(min(4, len(b)))] = c
	case 6:
		b = append(b, b[r.IntN(len(b)):]...)
	case 7:
		b = slices.Insert(b, at, '=')
	}
	if r.IntN(3) == 0 && len(b) > 0 {
		return mutate(r, string(b))
	}
	return string(b)
}

// TestMutatedTokens: with Compat a ring opens exactly what Python opens. The
// environment's PAVISE_MUTATIONS runs more than CI does.
func TestMutatedTokens(t *testing.T) {
	p := startPeer(t)
	r, keys := fernetRing(t, 2)
	rounds := 10_000
	if text := os.Getenv("PAVISE_MUTATIONS"); text != "" {
		rounds, _ = strconv.Atoi(text)
	}
	random := rand.New(rand.NewPCG(1, 2))
	opened, stricter := 0, 0
	for i := range rounds {
		token, err := r.Encrypt(make([]byte, random.IntN(40)), fieldcrypt.Context{})
		if err != nil {
			t.Fatal(err)
		}
		changed := mutate(random, token)
		var theirs *[]byte
		p.ask(t, &theirs, "fernet_open", keys, changed)
		ours, err := r.Compat().Decrypt(jsonText(changed), fieldcrypt.Context{})
		if (theirs != nil) != (err == nil) || theirs != nil && !bytes.Equal(*theirs, ours) {
			t.Fatalf("%d: %q: Python opens it: %v, Compat: %v", i, changed, theirs != nil, err)
		}
		if theirs != nil {
			opened++
		}
		// Without Compat one text is left of each token.
		if _, err := r.Decrypt(changed, fieldcrypt.Context{}); err == nil && changed != token {
			t.Fatalf("%q opens strictly", changed)
		} else if err != nil && theirs != nil {
			stricter++
		}
	}
	t.Logf("%d mutations, of which Python opens %d, and a strict ring refuses %d of those", rounds, opened, stricter)
	if stricter == 0 {
		t.Error("no mutation was one that Python opens: they prove nothing")
	}
}

// jsonText is what a string is after it went to Python as JSON: what is no
// UTF-8 became U+FFFD.
func jsonText(s string) string { return string([]rune(s)) }

// TestOneTable: Python, by the hardening page's column type, and Go write and
// read the same column; then Go moves it to its own format.
func TestOneTable(t *testing.T) {
	p := startPeer(t)
	r, keys := fernetRing(t, 1)
	path := filepath.Join(t.TempDir(), "app.db")
	p.ask(t, nil, "table_write", path, keys[0], [][]any{{1, "Zoë"}, {2, nil}, {3, ""}})
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("INSERT INTO users (id, ssn) VALUES (4, ?), (5, ?)", r.Seal("from Go", fieldcrypt.Context{}), r.Seal(nil, fieldcrypt.Context{})); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint([][]any{{1, "Zoë"}, {2, nil}, {3, ""}, {4, "from Go"}, {5, nil}})
	var rows [][]any
	if p.ask(t, &rows, "table_read", path, keys[0]); fmt.Sprint(rows) != want {
		t.Errorf("Python reads %v, want %v", rows, want)
	}
	read := func(r *fieldcrypt.Ring) string {
		var all [][]any
		for id := 1; id <= 5; id++ {
			var ssn *string
			if err := db.QueryRow("SELECT ssn FROM users WHERE id = ?", id).Scan(r.Open(&ssn, fieldcrypt.Context{Table: "users", Column: "ssn", PrimaryKey: fmt.Sprint(id)})); err != nil {
				t.Fatal(err)
			}
			if ssn == nil {
				all = append(all, []any{id, nil})
			} else {
				all = append(all, []any{id, *ssn})
			}
		}
		return fmt.Sprint(all)
	}
	if got := read(r); got != want {
		t.Errorf("Go reads %s, want %s", got, want)
	}
	if got := rotateTo(t, path, r); read(got) != want {
		t.Errorf("after the migration Go reads %s, want %s", read(got), want)
	}
}

// rotateTo seals the column anew with a key of the own format, and returns a
// ring that has no other.
func rotateTo(t *testing.T, path string, r *fieldcrypt.Ring) *fieldcrypt.Ring {
	t.Helper()
	k, err := fieldcrypt.NewKey(fieldcrypt.V1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	both, err := r.Add(k)
	if err != nil {
		t.Fatal(err)
	}
	db, err := rotate.Open(t.Context(), "sqlite://"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	reports, err := rotate.Run(t.Context(), db, rotate.Options{Ring: both, Tables: []rotate.Table{{Name: "users", Key: "id", Columns: []string{"ssn"}}}})
	if err != nil || reports[0].Unreadable != 0 {
		t.Fatalf("%+v, %v", reports, err)
	}
	alone, err := fieldcrypt.NewRing(k)
	if err != nil {
		t.Fatal(err)
	}
	return alone
}

// TestEngines: what SQLAlchemy-Utils' engines sealed opens, and moves to the
// own format.
func TestEngines(t *testing.T) {
	p := startPeer(t)
	pass := secret.New("a passphrase")
	for _, c := range []struct {
		engine  fieldcrypt.Engine
		padding string
	}{{"fernet", ""}, {"aes-gcm", ""}, {"aes", ""}, {"aes", "naive"}, {"aes", "pkcs5"}, {"aes", "oneandzeroes"}, {"aes", "zeroes"}} {
		t.Run(fmt.Sprint(c.engine, c.padding), func(t *testing.T) {
			r, _ := fernetRing(t, 1)
			var err error
			if c.engine == fieldcrypt.EngineFernet {
				k, err := fieldcrypt.KeyFromPassphrase(fieldcrypt.DecryptOnly, pass)
				if err != nil {
					t.Fatal(err)
				}
				r, err = r.Add(k)
				if err != nil {
					t.Fatal(err)
				}
			} else if r, err = r.WithLegacy(fieldcrypt.Legacy{Engine: c.engine, Passphrase: pass, Padding: c.padding}); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "app.db")
			db, err := sql.Open("sqlite", "file:"+path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec("CREATE TABLE users (id INTEGER PRIMARY KEY, ssn TEXT)"); err != nil {
				t.Fatal(err)
			}
			values := []string{"", "a", "Zoë", "078-05-1120", "exactly sixteen.", "more than sixteen characters of text"}
			for id, value := range values {
				var token string
				p.ask(t, &token, "engine_seal", c.engine, pass.Expose(), c.padding, value)
				if got, err := r.Decrypt(token, fieldcrypt.Context{}); err != nil || string(got) != value {
					t.Errorf("%q: %q, %v", value, got, err)
				}
				if _, err := db.Exec("INSERT INTO users VALUES (?, ?)", id, token); err != nil {
					t.Fatal(err)
				}
			}
			alone := rotateTo(t, path, r)
			for id, want := range values {
				var got string
				if err := db.QueryRow("SELECT ssn FROM users WHERE id = ?", id).Scan(alone.Open(&got, fieldcrypt.Context{Table: "users", Column: "ssn", PrimaryKey: fmt.Sprint(id)})); err != nil || got != want {
					t.Errorf("after the migration %q is %q, %v", want, got, err)
				}
			}
		})
	}
}
