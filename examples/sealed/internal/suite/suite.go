// Package suite is what every way to a sealed column has to stand.
package suite

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/pavise-dev/pavise/fieldcrypt"
)

// People is a table of users whose column ssn is sealed, reached through an
// ORM. A nil is NULL.
type People interface {
	Create(ctx context.Context, id string, ssn *string) error
	SSN(ctx context.Context, id string) (*string, error)
	SetSSN(ctx context.Context, id string, ssn *string) error
}

// SQLite opens a new database in a file, with the driver "sqlite" that the
// test imports: there are two of that name.
func SQLite(t *testing.T) *sql.DB {
	return open(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "app.db")+"?_pragma=foreign_keys(1)")
}

// Postgres opens a schema of the test's own on the server that the environment
// names. That there is none is a failure.
func Postgres(t *testing.T) *sql.DB {
	t.Helper()
	dsn := os.Getenv("PAVISE_POSTGRES")
	if dsn == "" {
		t.Fatal("PAVISE_POSTGRES names no server; scripts/test starts one")
	}
	all := open(t, "pgx", dsn)
	schema := fmt.Sprintf("sealed_%d", os.Getpid()) // other packages' tests run at the same time
	if _, err := all.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := all.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil {
			t.Error(err)
		}
	})
	return open(t, "pgx", dsn+"?search_path="+schema)
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Run puts the people that open returns for a ring to the test. The table
// users, with id and ssn, must be there when open returns.
func Run(t *testing.T, db *sql.DB, open func(t *testing.T, ring *fieldcrypt.Ring) People) {
	ctx := t.Context()
	key := func() fieldcrypt.Key {
		k, err := fieldcrypt.NewKey(fieldcrypt.V1, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	old, err := fieldcrypt.NewRing(key())
	if err != nil {
		t.Fatal(err)
	}
	people := open(t, old)
	ssn := "123-45-6789"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	reads := func(p People, id, want string) {
		t.Helper()
		if got, err := p.SSN(ctx, id); err != nil || got == nil || *got != want {
			t.Errorf("row %s: %v, %v; want %q", id, got, err, want)
		}
	}
	token := func(id string) (token sql.NullString) {
		t.Helper()
		must(db.QueryRow("SELECT ssn FROM users WHERE id = '" + id + "'").Scan(&token))
		return token
	}
	must(people.Create(ctx, "a", &ssn))
	must(people.Create(ctx, "b", &ssn))
	must(people.Create(ctx, "none", nil))

	if stored := token("a"); strings.Contains(stored.String, ssn) || fieldcrypt.FormatOf(stored.String) != fieldcrypt.V1 {
		t.Errorf("stored as %q", stored.String)
	}
	if token("a") == token("b") {
		t.Error("equal values have equal tokens")
	}
	reads(people, "a", ssn)
	if got, err := people.SSN(ctx, "none"); err != nil || got != nil || token("none").Valid {
		t.Errorf("NULL: %v, %v, stored as %v", got, err, token("none"))
	}

	// Whoever can write to the table cannot give one row's value to another.
	if _, err := db.Exec("UPDATE users SET ssn = (SELECT ssn FROM users WHERE id = 'a') WHERE id = 'b'"); err != nil {
		t.Fatal(err)
	}
	if got, err := people.SSN(ctx, "b"); err == nil {
		t.Errorf("a token from another row opens: %v", got)
	}
	must(people.SetSSN(ctx, "b", &ssn))
	reads(people, "b", ssn)
	must(people.SetSSN(ctx, "b", nil))
	if token("b").Valid {
		t.Error("set to NULL, and something stays")
	}

	// After a new key, old rows open, and what is written is of the new key.
	ring, err := old.Add(key())
	must(err)
	people = open(t, ring)
	reads(people, "a", ssn)
	next := "987-65-4321"
	must(people.SetSSN(ctx, "a", &next))
	reads(people, "a", next)
	if id, err := ring.KeyOf(token("a").String); err != nil || id != ring.Primary().ID {
		t.Errorf("written with key %s, %v", id, err)
	}
}
