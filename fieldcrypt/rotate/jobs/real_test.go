//go:build real

package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/pavise-dev/pavise/fieldcrypt"
	"github.com/pavise-dev/pavise/fieldcrypt/rotate"
	"github.com/pavise-dev/pavise/secret"
)

// schemaDSN is a schema of the test's own, so that River's tables of another
// test are not in the way.
func schemaDSN(t *testing.T) (string, *sql.DB) {
	t.Helper()
	dsn := os.Getenv("PAVISE_POSTGRES")
	if dsn == "" {
		t.Fatal("PAVISE_POSTGRES names no server; scripts/test starts one")
	}
	schema := strings.ToLower(t.Name())
	all, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	for _, s := range []string{"DROP SCHEMA IF EXISTS " + schema + " CASCADE", "CREATE SCHEMA " + schema} {
		if _, err := all.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	dsn += "?search_path=" + schema
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return dsn, db
}

func place(id int) fieldcrypt.Context {
	return fieldcrypt.Context{Table: "users", Column: "ssn", PrimaryKey: fmt.Sprint(id)}
}

// seed makes a table of rows under an old key, and the ring with a new one.
func seed(t *testing.T, db *sql.DB, rows int) *fieldcrypt.Ring {
	t.Helper()
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
	if _, err := db.Exec("CREATE TABLE users (id bigint PRIMARY KEY, ssn text)"); err != nil {
		t.Fatal(err)
	}
	for id := range rows {
		if _, err := db.Exec("INSERT INTO users VALUES ($1, $2)", id, old.Seal(fmt.Sprint("ssn of ", id), place(id))); err != nil {
			t.Fatal(err)
		}
	}
	ring, err := old.Add(key())
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func verify(t *testing.T, db *sql.DB, ring *fieldcrypt.Ring, rows int) {
	t.Helper()
	for id := range rows {
		var token string
		if err := db.QueryRow("SELECT ssn FROM users WHERE id = $1", id).Scan(&token); err != nil {
			t.Fatal(err)
		}
		value, err := ring.Decrypt(token, place(id))
		if err != nil || string(value) != fmt.Sprint("ssn of ", id) {
			t.Fatalf("row %d: %q, %v", id, value, err)
		}
		if made, err := ring.KeyOf(token); err != nil || made != ring.Primary().ID {
			t.Fatalf("row %d is of key %s, %v", id, made, err)
		}
	}
}

func open(t *testing.T, dsn string) *rotate.DB {
	t.Helper()
	db, err := rotate.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

var users = rotate.Table{Name: "users", Key: "id", Columns: []string{"ssn"}}

// TestKilledWorker: a worker is killed while it has chunks; another one does
// them within a minute, and each chunk is done once.
func TestKilledWorker(t *testing.T) {
	dsn, db := schemaDSN(t)
	const rows, chunk = 1000, 100
	ring := seed(t, db, rows)
	o := rotate.Options{Ring: ring, Tables: []rotate.Table{users}, Chunk: chunk}
	if chunks, added, err := Enqueue(t.Context(), open(t, dsn), o); err != nil || chunks != rows/chunk+1 || added != chunks {
		t.Fatalf("%d chunks, %d added, %v", chunks, added, err)
	}
	// Who enqueues twice adds nothing.
	if chunks, added, err := Enqueue(t.Context(), open(t, dsn), o); err != nil || chunks != rows/chunk+1 || added != 0 {
		t.Fatalf("%d chunks, %d added, %v", chunks, added, err)
	}

	cmd := exec.Command(os.Args[0], "-test.run", "^TestChild$", "-test.count", "1")
	cmd.Env = append(os.Environ(), "PAVISE_JOBS_DSN="+dsn, "PAVISE_JOBS_RING="+ring.Text().Expose())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	count := func(state string) (n int) {
		if err := db.QueryRow("SELECT count(*) FROM river_job WHERE state = $1", state).Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	for deadline := time.Now().Add(time.Minute); count("completed") < 2 || count("running") == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the worker does not begin")
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	killed := time.Now()
	if n := count("running"); n == 0 {
		t.Fatal("the worker had no job when it was killed")
	}
	reports, err := Work(t.Context(), open(t, dsn), rotate.Options{Ring: ring, Workers: 2}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(killed)
	if r := reports[0]; len(reports) != 1 || r.Rows != rows || r.Changed != rows || r.Unreadable != 0 {
		t.Errorf("%+v", reports)
	}
	if took > time.Minute {
		t.Errorf("what the killed worker had was done after %s", took)
	}
	verify(t, db, ring, rows)
	var rescued int
	if err := db.QueryRow("SELECT count(*) FROM river_job WHERE errors::text LIKE '%rescued%'").Scan(&rescued); err != nil || rescued == 0 {
		t.Errorf("no job was taken from the killed worker: %v", err)
	}
}

// TestChild is the worker that is killed: it is so slow that it always has
// chunks.
func TestChild(t *testing.T) {
	dsn := os.Getenv("PAVISE_JOBS_DSN")
	if dsn == "" {
		return // it is called by another test
	}
	ring, err := fieldcrypt.ParseRing(secret.New(os.Getenv("PAVISE_JOBS_RING")))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = Work(t.Context(), open(t, dsn), rotate.Options{Ring: ring, Workers: 2, RowsPerSecond: 100}, slog.New(slog.DiscardHandler))
}

// TestHeld: a chunk that somebody has waits for him, and is not waited for by
// the worker.
func TestHeld(t *testing.T) {
	dsn, db := schemaDSN(t)
	ring := seed(t, db, 10)
	if _, _, err := Enqueue(t.Context(), open(t, dsn), rotate.Options{Ring: ring, Tables: []rotate.Table{users}}); err != nil {
		t.Fatal(err)
	}
	r, err := rotate.NewRunner(t.Context(), open(t, dsn), rotate.Options{Ring: ring, Tables: []rotate.Table{users}})
	if err != nil {
		t.Fatal(err)
	}
	chunks, err := r.Plan(t.Context())
	if err != nil || len(chunks) != 1 {
		t.Fatalf("%+v, %v", chunks, err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("SELECT * FROM pavise_rotation FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	if err := r.Do(t.Context(), chunks[0]); !errors.Is(err, rotate.ErrBusy) {
		t.Errorf("%v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // done, and done already
		if err := r.Do(t.Context(), chunks[0]); err != nil {
			t.Errorf("%v", err)
		}
	}
	verify(t, db, ring, 10)
}

// TestMistakes: what a worker or an operator can get wrong.
func TestMistakes(t *testing.T) {
	dsn, db := schemaDSN(t)
	ring := seed(t, db, 10)
	log := slog.New(slog.DiscardHandler)
	if _, err := Work(t.Context(), open(t, dsn), rotate.Options{Ring: ring}, log); err == nil || !strings.Contains(err.Error(), "nothing was enqueued") {
		t.Errorf("%v", err)
	}
	if _, _, err := Enqueue(t.Context(), open(t, dsn), rotate.Options{Ring: ring}); err == nil || !strings.Contains(err.Error(), "no table") {
		t.Errorf("%v", err)
	}
	o := rotate.Options{Ring: ring, Tables: []rotate.Table{users}}
	if _, _, err := Enqueue(t.Context(), open(t, dsn), o); err != nil {
		t.Fatal(err)
	}
	// A worker whose ring has another primary key does not touch the chunk.
	former, err := ring.Promote(ring.Keys()[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rotate.NewRunner(t.Context(), open(t, dsn), rotate.Options{Ring: former})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Do(t.Context(), rotate.Chunk{Run: ring.Primary().ID, Table: users})
	if err == nil || !strings.Contains(err.Error(), "give every worker the same ring") {
		t.Errorf("%v", err)
	}
	// Names in a job are checked like those of a caller.
	evil := users
	evil.Columns = []string{`ssn" = NULL --`}
	if err := r.Do(t.Context(), rotate.Chunk{Run: former.Primary().ID, Table: evil}); err == nil || !strings.Contains(err.Error(), "is no name") {
		t.Errorf("%v", err)
	}
	if _, err := db.Exec("UPDATE river_job SET state = 'cancelled', finalized_at = now()"); err != nil {
		t.Fatal(err)
	}
	if _, err := Work(t.Context(), open(t, dsn), rotate.Options{Ring: ring}, log); err == nil || !strings.Contains(err.Error(), "enqueue again") {
		t.Errorf("%v", err)
	}
	if _, added, err := Enqueue(t.Context(), open(t, dsn), o); err != nil || added != 1 {
		t.Errorf("%d, %v", added, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := Work(ctx, open(t, dsn), rotate.Options{Ring: ring}, log); err != nil {
		t.Errorf("%v", err)
	}
	verify(t, db, ring, 10)
	if _, err := db.Exec("DELETE FROM river_migration WHERE version = (SELECT max(version) FROM river_migration)"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Enqueue(t.Context(), open(t, dsn), o); err == nil || !strings.Contains(err.Error(), "river migrate-up") {
		t.Errorf("%v", err)
	}
}
