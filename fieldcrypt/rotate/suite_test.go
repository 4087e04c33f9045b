package rotate

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/fieldcrypt"
	"github.com/pavise-dev/pavise/secret"
)

// place is a database of one kind, with an own connection for the test's side.
type place struct {
	dsn   string
	db    *sql.DB
	param func(n int) string // the n-th parameter in a statement
}

// mark of a statement's parameters.
func question(int) string { return "?" }

func (p *place) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	if _, err := p.db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// users is a table with two sealed columns.
type users struct {
	*place
	table Table
	ring  *fieldcrypt.Ring // seals with the old key, and then with the new
	want  map[string]string
	mu    sync.Mutex   // of want
	turn  sync.RWMutex // a writer has it for each write, and promote for itself
}

func key(t testing.TB, f fieldcrypt.Format) fieldcrypt.Key {
	t.Helper()
	k, err := fieldcrypt.NewKey(f, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// seed makes a table of n rows whose tokens are of a key of one format, and
// promotes a key of another.
func seed(t testing.TB, p *place, n int, from, to fieldcrypt.Format) *users {
	t.Helper()
	old, err := fieldcrypt.NewRing(key(t, from))
	if err != nil {
		t.Fatal(err)
	}
	u := &users{place: p, ring: old, want: map[string]string{}, table: Table{Name: "users", Key: "id", Columns: []string{"ssn", "tax_id"}, Tenant: "tenant"}}
	p.exec(t, "DROP TABLE IF EXISTS users")
	p.exec(t, "CREATE TABLE users (id INTEGER PRIMARY KEY, tenant VARCHAR(20), name VARCHAR(50), ssn VARCHAR(500), tax_id TEXT)")
	tx, err := p.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	insert, err := tx.Prepare(fmt.Sprintf("INSERT INTO users VALUES (%s, %s, %s, %s, %s)", p.param(1), p.param(2), p.param(3), p.param(4), p.param(5)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		id := i*3 + 1
		var ssn, tax any
		if i%7 != 0 {
			ssn = u.seal(t, id, "ssn", fmt.Sprintf("ssn of %d", id))
		}
		if i%5 != 0 {
			tax = u.seal(t, id, "tax_id", fmt.Sprintf("tax of %d", id))
		}
		if _, err := insert.Exec(id, tenantName(id), "name", ssn, tax); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if u.ring, err = old.Add(key(t, to)); err != nil {
		t.Fatal(err)
	}
	return u
}

func tenantName(id int) string { return fmt.Sprint("tenant", id%2) }

func (u *users) context(id int, column string) fieldcrypt.Context {
	return fieldcrypt.Context{Tenant: tenantName(id), Table: "users", Column: column, PrimaryKey: fmt.Sprint(id)}
}

// seal returns the token of a value and notes that it is the row's.
func (u *users) seal(t testing.TB, id int, column, value string) string {
	token, err := u.ring.Encrypt([]byte(value), u.context(id, column))
	if err != nil {
		t.Error(err)
	}
	u.mu.Lock()
	u.want[fmt.Sprint(column, " ", id)] = value
	u.mu.Unlock()
	return token
}

// values opens the whole table, and counts tokens that are not of the primary
// key.
func (u *users) values(t testing.TB) (got map[string]string, stale int) {
	t.Helper()
	got = map[string]string{}
	rows, err := u.db.Query("SELECT id, ssn, tax_id FROM users")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		tokens := make([]sql.NullString, 2)
		if err := rows.Scan(&id, &tokens[0], &tokens[1]); err != nil {
			t.Fatal(err)
		}
		for i, column := range u.table.Columns {
			if !tokens[i].Valid {
				continue
			}
			value, err := u.ring.Decrypt(tokens[i].String, u.context(id, column))
			if err != nil {
				t.Errorf("%s of %d is lost: %v", column, id, err)
				continue
			}
			got[fmt.Sprint(column, " ", id)] = string(value)
			if made, err := u.ring.KeyOf(tokens[i].String); err != nil || made != u.ring.Primary().ID {
				stale++
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return got, stale
}

func (u *users) verify(t testing.TB) {
	t.Helper()
	got, stale := u.values(t)
	if stale > 0 {
		t.Errorf("%d tokens are of the old key", stale)
	}
	if !maps.Equal(got, u.want) {
		bad := 0
		for k, v := range u.want {
			if got[k] != v {
				if bad++; bad < 5 {
					t.Errorf("%s is %q, want %q", k, got[k], v)
				}
			}
		}
		t.Errorf("%d values, want %d; %d are wrong", len(got), len(u.want), bad)
	}
}

func open(t testing.TB, dsn string) *DB {
	t.Helper()
	db, err := Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// suite runs on each kind of database.
func suite(t *testing.T, p *place) {
	t.Run("formats", func(t *testing.T) {
		for _, c := range []struct{ from, to fieldcrypt.Format }{
			{fieldcrypt.Fernet, fieldcrypt.Fernet}, {fieldcrypt.Fernet, fieldcrypt.V1}, {fieldcrypt.V1, fieldcrypt.V1},
		} {
			u := seed(t, p, 1000, c.from, c.to)
			db := open(t, p.dsn)
			o := Options{Ring: u.ring, Tables: []Table{u.table}, Chunk: 128, Workers: 2}
			reports, err := Run(t.Context(), db, o)
			if err != nil {
				t.Fatal(err)
			}
			if r := reports[0]; r.Rows != 1000 || r.Changed != int64(len(u.want)) || r.Null != 2000-r.Changed || r.Current+r.Unreadable+r.Contended != 0 {
				t.Errorf("%s to %s: %+v", c.from, c.to, r)
			}
			u.verify(t)
			// A second pass finds all current and writes nothing.
			if reports, err = Run(t.Context(), db, o); err != nil {
				t.Fatal(err)
			}
			if r := reports[0]; r.Changed != 0 || r.Current != int64(len(u.want)) {
				t.Errorf("a second pass: %+v", r)
			}
			census, err := Count(t.Context(), db, u.ring, o.Tables)
			if err != nil {
				t.Fatal(err)
			}
			if c := census[0]; c.Rows != 1000 || len(c.Keys) != 1 || c.Needs(u.ring.Primary().ID) != int64(len(u.want)) || c.Unreadable != 0 {
				t.Errorf("%+v", c)
			}
		}
	})
	t.Run("sizes", func(t *testing.T) {
		for _, n := range []int{0, 1, 9, 10, 11, 20} {
			u := seed(t, p, n, fieldcrypt.V1, fieldcrypt.V1)
			reports, err := Run(t.Context(), open(t, p.dsn), Options{Ring: u.ring, Tables: []Table{u.table}, Chunk: 10})
			if err != nil || reports[0].Rows != int64(n) {
				t.Errorf("%d rows: %+v, %v", n, reports, err)
			}
			u.verify(t)
		}
	})
	t.Run("unreadable", func(t *testing.T) {
		u := seed(t, p, 50, fieldcrypt.V1, fieldcrypt.V1)
		// A value that was never sealed, and a token from another row.
		p.exec(t, "UPDATE users SET ssn = 'in the clear' WHERE id = 4")
		var other string
		if err := p.db.QueryRow("SELECT ssn FROM users WHERE id = 7").Scan(&other); err != nil {
			t.Fatal(err)
		}
		p.exec(t, "UPDATE users SET ssn = "+p.param(1)+" WHERE id = 10", other)
		db := open(t, p.dsn)
		reports, err := Run(t.Context(), db, Options{Ring: u.ring, Tables: []Table{u.table}})
		if err != nil || reports[0].Unreadable != 2 {
			t.Errorf("%+v, %v", reports, err)
		}
		var still string
		if err := p.db.QueryRow("SELECT ssn FROM users WHERE id = 4").Scan(&still); err != nil || still != "in the clear" {
			t.Errorf("what could not be read was changed to %q, %v", still, err)
		}
		census, err := Count(t.Context(), db, u.ring, []Table{u.table})
		if err != nil || census[0].Unreadable != 1 || !slices.Equal(census[0].First, []string{"4"}) || census[0].Needs(u.ring.Keys()[1].ID) != 1 {
			t.Errorf("%+v, %v", census, err)
		}
	})
	t.Run("resume", func(t *testing.T) {
		u := seed(t, p, 300, fieldcrypt.V1, fieldcrypt.V1)
		db := open(t, p.dsn)
		ctx, cancel := context.WithCancel(t.Context())
		o := Options{Ring: u.ring, Tables: []Table{u.table}, Chunk: 50, Progress: func(p Progress) {
			if p.Rows >= 100 {
				cancel()
			}
		}}
		if _, err := Run(ctx, db, o); err == nil {
			t.Fatal("not cut short")
		}
		first := int64(-1)
		o.Progress = func(p Progress) {
			if first < 0 {
				first = p.Rows
			}
		}
		reports, err := Run(t.Context(), db, o)
		if err != nil || first < 150 || reports[0].Rows != 300 || reports[0].Changed != int64(len(u.want)) {
			t.Errorf("began anew: the first chunk ended at %d; %+v, %v", first, reports, err)
		}
		u.verify(t)
	})
	t.Run("mistakes", func(t *testing.T) {
		u := seed(t, p, 1, fieldcrypt.V1, fieldcrypt.V1)
		db := open(t, p.dsn)
		for want, table := range map[string]Table{
			"no such table":      {Name: "nosuch", Key: "id", Columns: []string{"ssn"}},
			"no column nosuch":   {Name: "users", Key: "id", Columns: []string{"nosuch"}},
			"tokens are text":    {Name: "users", Key: "tenant", Columns: []string{"id"}},
			"is the key":         {Name: "users", Key: "id", Columns: []string{"id"}},
			"a column is there ": {Name: "users", Key: "id", Columns: []string{"ssn", "ssn"}},
			"is no name":         {Name: "users", Key: "id", Columns: []string{"s\"sn"}},
			"needs a name":       {},
		} {
			if _, err := Run(t.Context(), db, Options{Ring: u.ring, Tables: []Table{table}}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want one with %q", err, want)
			}
		}
	})
	t.Run("live", func(t *testing.T) { live(t, p, 3000, 0) })
	t.Run("killed", func(t *testing.T) { live(t, p, 3000, 20) })
}

// live rotates while the application writes with the new key, and reads back
// what it wrote: nothing may be lost, stale or clobbered. The process that
// rotates is killed so many times, at random moments.
func live(t *testing.T, p *place, n, kills int) {
	u := seed(t, p, n, fieldcrypt.Fernet, fieldcrypt.V1)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	// Each writer has rows of its own, so that the last write is known.
	const writers = 3
	for w := range writers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), uint64(n)))
			for i := 0; ctx.Err() == nil; i++ {
				id := (random.IntN(n/writers)*writers+w)*3 + 1
				if id > n*3-2 {
					continue
				}
				column := u.table.Columns[random.IntN(2)]
				u.turn.RLock()
				token, err := u.ring.Encrypt(fmt.Appendf(nil, "written %d", i), u.context(id, column))
				if err != nil {
					u.turn.RUnlock()
					t.Error(err)
					return
				}
				res, err := p.db.Exec("UPDATE users SET "+column+" = "+p.param(1)+" WHERE id = "+p.param(2), token, id)
				u.turn.RUnlock()
				if err != nil {
					if strings.Contains(err.Error(), "locked") || strings.Contains(err.Error(), "eadlock") {
						continue
					}
					t.Errorf("a writer was refused: %v", err)
					return
				}
				if changed, err := res.RowsAffected(); err == nil && changed == 1 {
					u.mu.Lock()
					u.want[fmt.Sprint(column, " ", id)] = fmt.Sprintf("written %d", i)
					u.mu.Unlock()
				}
				time.Sleep(time.Duration(random.IntN(2000)) * time.Microsecond)
			}
		})
	}
	random := rand.New(rand.NewPCG(uint64(kills), 1))
	killed := 0
	for killed < kills {
		if finished := child(t, p.dsn, u.ring, time.Duration(random.IntN(250))*time.Millisecond); finished {
			// All is current now; a key that is promoted makes work again.
			u.promote(t)
			continue
		}
		killed++
	}
	reports, err := Run(t.Context(), open(t, p.dsn), Options{Ring: u.ring, Tables: []Table{u.table}, Chunk: 64, Workers: 2})
	cancel()
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if r := reports[0]; r.Unreadable != 0 {
		t.Errorf("%+v", r)
	}
	u.verify(t)
}

// promote gives the table's ring a new primary key, once no writer holds a
// token of the former one.
func (u *users) promote(t *testing.T) {
	u.turn.Lock()
	defer u.turn.Unlock()
	next, err := u.ring.Add(key(t, fieldcrypt.V1))
	if err != nil {
		t.Fatal(err)
	}
	u.ring = next
}

// child rotates in another process, which is killed after a while. It returns
// whether that came too late.
func child(t *testing.T, dsn string, ring *fieldcrypt.Ring, after time.Duration) (finished bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestChild$", "-test.count", "1")
	cmd.Env = append(os.Environ(), "PAVISE_ROTATE_DSN="+dsn, "PAVISE_ROTATE_RING="+ring.Text().Expose())
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after+30*time.Millisecond, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	timer.Stop()
	if err != nil && !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the rotating process failed: %v\n%s", err, out.String())
	}
	return err == nil
}

// TestChild is the process that is killed.
func TestChild(t *testing.T) {
	dsn := os.Getenv("PAVISE_ROTATE_DSN")
	if dsn == "" {
		return // it is called by others
	}
	ring, err := fieldcrypt.ParseRing(secret.New(os.Getenv("PAVISE_ROTATE_RING")))
	if err != nil {
		t.Fatal(err)
	}
	table := Table{Name: "users", Key: "id", Columns: []string{"ssn", "tax_id"}, Tenant: "tenant"}
	if _, err := Run(t.Context(), open(t, dsn), Options{Ring: ring, Tables: []Table{table}, Chunk: 64, Workers: 2}); err != nil {
		t.Fatal(err)
	}
}
