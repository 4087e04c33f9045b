//go:build real

package rotate

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/pavise-dev/pavise/fieldcrypt"
)

func dsn(t *testing.T, name string) string {
	t.Helper()
	dsn := os.Getenv(name)
	if dsn == "" {
		t.Fatalf("%s names no server; scripts/test starts one", name)
	}
	return dsn
}

func postgresPlace(t *testing.T) *place {
	dsn := dsn(t, "PAVISE_POSTGRES")
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &place{dsn: dsn, db: db, param: func(n int) string { return fmt.Sprint("$", n) }}
}

func TestPostgres(t *testing.T) { suite(t, postgresPlace(t)) }

func TestMariaDB(t *testing.T) {
	dsn := dsn(t, "PAVISE_MARIADB")
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.DBName = "tcp", u.Host, u.User.Username(), strings.TrimPrefix(u.Path, "/")
	c.Passwd, _ = u.User.Password()
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	suite(t, &place{dsn: dsn, db: db, param: question})
}

// TestKeyTypes: what a primary key can be, in PostgreSQL, and names that need
// quotes.
func TestKeyTypes(t *testing.T) {
	p := postgresPlace(t)
	for typ, keys := range map[string][]string{
		"bigint":         {"-9223372036854775808", "-1", "0", "9007199254740993"},
		"uuid":           {"00000000-0000-0000-0000-000000000001", "9b2c1c39-3f0c-4c5e-8a0a-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"},
		"text":           {"", "A", "a", "Zoë", "it's; --", "z"},
		"timestamptz":    {"2026-01-01 00:00:00+00", "2026-01-01 00:00:00.000001+00"},
		"numeric(30,10)": {"-1.0000000000", "0.0000000001", "12345678901234567890.0000000000"},
	} {
		t.Run(typ, func(t *testing.T) {
			p.exec(t, `DROP SCHEMA IF EXISTS "My App" CASCADE`)
			p.exec(t, `CREATE SCHEMA "My App"`)
			p.exec(t, `CREATE TABLE "My App"."Order" ("Key" `+typ+` PRIMARY KEY, "select" text)`)
			old, both := rings(t)
			context := func(k string) fieldcrypt.Context {
				return fieldcrypt.Context{Table: "My App.Order", Column: "select", PrimaryKey: k}
			}
			for _, k := range keys {
				p.exec(t, `INSERT INTO "My App"."Order" VALUES ($1::text::`+typ+`, $2)`, k, old.Seal("value of "+k, context(k)))
			}
			// A chunk a row: every bound is compared as its type.
			reports, err := Run(t.Context(), open(t, p.dsn), Options{Ring: both, Chunk: 1, Workers: 3, Tables: []Table{{Name: "My App.Order", Key: "Key", Columns: []string{"select"}}}})
			if err != nil || reports[0].Changed != int64(len(keys)) {
				t.Fatalf("%+v, %v", reports, err)
			}
			for _, k := range keys {
				var token, value string
				if err := p.db.QueryRow(`SELECT "select" FROM "My App"."Order" WHERE "Key" = $1::text::`+typ, k).Scan(&token); err != nil {
					t.Fatal(err)
				}
				if err := both.Open(&value, context(k)).Scan(token); err != nil || value != "value of "+k {
					t.Errorf("%q: %q, %v", k, value, err)
				}
				if id, err := both.KeyOf(token); err != nil || id != both.Primary().ID {
					t.Errorf("%q is of key %s, %v", k, id, err)
				}
			}
		})
	}
}

// TestPauses: while somebody's transaction is old, nothing is written.
func TestPauses(t *testing.T) {
	p := postgresPlace(t)
	u := seed(t, p, 100, fieldcrypt.V1, fieldcrypt.V1)
	tx, err := p.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("SELECT 1"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
	var once sync.Once
	paused := ""
	reports, err := Run(t.Context(), open(t, p.dsn), Options{Ring: u.ring, Tables: []Table{u.table}, MaxTransaction: time.Second, MaxLag: time.Hour, Progress: func(now Progress) {
		once.Do(func() {
			paused = now.Pause
			_ = tx.Rollback()
		})
	}})
	if err != nil || !strings.Contains(paused, "transaction") || reports[0].Changed != int64(len(u.want)) {
		t.Errorf("the first that was told is %q; %+v, %v", paused, reports, err)
	}
	u.verify(t)
}

// TestLocked: a row that somebody holds does not hold up the run for good.
func TestLocked(t *testing.T) {
	p := postgresPlace(t)
	u := seed(t, p, 100, fieldcrypt.V1, fieldcrypt.V1)
	tx, err := p.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("UPDATE users SET name = 'held' WHERE id = 4"); err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(6 * time.Second) // longer than the run waits at a time
		_ = tx.Commit()
	}()
	if _, err := Run(t.Context(), open(t, p.dsn), Options{Ring: u.ring, Tables: []Table{u.table}}); err != nil {
		t.Error(err)
	}
	u.verify(t)
}

// TestTrigger: a trigger that makes something else of what is written ends the
// run, and nothing of the chunk stays.
func TestTrigger(t *testing.T) {
	p := postgresPlace(t)
	old, both := rings(t)
	p.exec(t, `DROP TABLE IF EXISTS triggered, pavise_rotation`)
	p.exec(t, `CREATE TABLE triggered (id bigint PRIMARY KEY, ssn text)`)
	p.exec(t, `INSERT INTO triggered VALUES (1, $1)`, old.Seal("one", fieldcrypt.Context{Table: "triggered", Column: "ssn", PrimaryKey: "1"}))
	p.exec(t, `CREATE OR REPLACE FUNCTION lower_ssn() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.ssn = lower(NEW.ssn); RETURN NEW; END'`)
	p.exec(t, `CREATE TRIGGER lower_ssn BEFORE UPDATE ON triggered FOR EACH ROW EXECUTE FUNCTION lower_ssn()`)
	db, err := Open(t.Context(), p.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = Run(t.Context(), db, Options{Ring: both, Tables: []Table{{Name: "triggered", Key: "id", Columns: []string{"ssn"}}}})
	if !errors.Is(err, errDigest) {
		t.Errorf("%v", err)
	}
	var value string
	if err := p.db.QueryRowContext(t.Context(), `SELECT ssn FROM triggered`).Scan(both.Open(&value, fieldcrypt.Context{Table: "triggered", Column: "ssn", PrimaryKey: "1"})); err != nil || value != "one" {
		t.Errorf("%q, %v", value, err)
	}
}
