//go:build real

package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/pavise-dev/pavise/fieldcrypt"
)

// TestRealRotateJobs: a rotation that is shared out, from the command line.
func TestRealRotateJobs(t *testing.T) {
	dsn := os.Getenv("PAVISE_POSTGRES")
	if dsn == "" {
		t.Fatal("PAVISE_POSTGRES names no server; scripts/test starts one")
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec("DROP SCHEMA IF EXISTS cli_jobs CASCADE")
	exec("CREATE SCHEMA cli_jobs")
	exec("CREATE TABLE cli_jobs.users (id bigint PRIMARY KEY, ssn text)")
	t.Setenv("TEST_DATABASE_URL", dsn+"?search_path=cli_jobs")

	ringFile := filepath.Join(t.TempDir(), "ring.json")
	says := func(wantCode int, want string, args ...string) {
		t.Helper()
		out, code := call(t, args...)
		if code != wantCode || !strings.Contains(out, want) {
			t.Fatalf("pavise %s: code %d, want %d and %q\n%s", strings.Join(args, " "), code, wantCode, want, out)
		}
	}
	says(0, "wrote", "keys", "new", "--ring", ringFile)
	ring, err := fieldcrypt.ReadRing(ringFile, fieldcrypt.Unlock{})
	if err != nil {
		t.Fatal(err)
	}
	for id := range 95 {
		exec("INSERT INTO cli_jobs.users VALUES ($1, $2)", id, ring.Seal("x", fieldcrypt.Context{Table: "users", Column: "ssn", PrimaryKey: fmt.Sprint(id)}))
	}
	says(0, "primary", "keys", "add", "--ring", ringFile, "--promote")
	at := []string{"--ring", ringFile, "--dsn-env", "TEST_DATABASE_URL"}
	table := append([]string{"--table", "users", "--column", "ssn"}, at...)
	says(3, "nothing was enqueued", append([]string{"rotate", "work"}, at...)...)
	says(0, "10 chunks to do, 10 of them added", append([]string{"rotate", "enqueue", "--chunk", "10"}, table...)...)
	says(0, "users: 95 rows, 95 tokens sealed anew", append([]string{"rotate", "work", "--workers", "2"}, at...)...)
	says(0, "95 tokens", append([]string{"rotate", "--dry-run"}, table...)...)

	exec("UPDATE cli_jobs.users SET ssn = 'in the clear' WHERE id = 3")
	says(0, "10 chunks to do, 10 of them added", append([]string{"rotate", "enqueue", "--chunk", "10"}, table...)...)
	says(1, "1 tokens were left", append([]string{"rotate", "work"}, at...)...)
}
