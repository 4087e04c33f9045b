package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/fieldcrypt"
)

// call runs the program in the test's process.
func call(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	var b bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &b, &b)
	return b.String(), code
}

// TestRotateWholeLife: a key is added, promoted, everything is sealed anew,
// and the old key retires, but not before.
func TestRotateWholeLife(t *testing.T) {
	dir := t.TempDir()
	ringFile := filepath.Join(dir, "ring.json")
	says := func(wantCode int, want string, args ...string) string {
		t.Helper()
		out, code := call(t, args...)
		if code != wantCode || !strings.Contains(out, want) {
			t.Fatalf("pavise %s: code %d, want %d and %q\n%s", strings.Join(args, " "), code, wantCode, want, out)
		}
		return out
	}
	says(0, "wrote", "keys", "new", "--ring", ringFile, "--format", "fernet")
	old, err := fieldcrypt.ReadRing(ringFile, fieldcrypt.Unlock{})
	if err != nil {
		t.Fatal(err)
	}

	path := filepath.Join(dir, "app.db")
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE users (id INTEGER PRIMARY KEY, ssn VARCHAR(500))"); err != nil {
		t.Fatal(err)
	}
	for id := range 20 {
		if _, err := db.Exec("INSERT INTO users VALUES (?, ?)", id, old.Seal(fmt.Sprint("ssn ", id), fieldcrypt.Context{})); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TEST_DATABASE_URL", "sqlite://"+path)
	tables := filepath.Join(dir, "sealed.yaml")
	if err := os.WriteFile(tables, []byte("- table: users\n  pk: id\n  columns: [ssn]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := []string{"--ring", ringFile, "--dsn-env", "TEST_DATABASE_URL", "--table", "users", "--column", "ssn"}
	listed := []string{"--ring", ringFile, "--dsn-env", "TEST_DATABASE_URL", "--tables", tables}

	says(0, "primary", "keys", "add", "--ring", ringFile, "--promote")
	oldID := old.Primary().ID
	says(1, "20 tokens are not of the primary key", append([]string{"rotate", "--dry-run"}, at...)...)
	says(1, "20 tokens in users still need key "+oldID, append([]string{"keys", "retire", oldID}, listed...)...)
	says(2, "--unchecked", "keys", "retire", oldID, "--ring", ringFile)
	says(0, "20 tokens sealed anew", append([]string{"rotate"}, at...)...)
	says(0, "0 tokens sealed anew, 20 were current", append([]string{"rotate"}, listed...)...)
	says(0, "is retired", append([]string{"keys", "retire", oldID}, listed...)...)

	now, err := fieldcrypt.ReadRing(ringFile, fieldcrypt.Unlock{})
	if err != nil {
		t.Fatal(err)
	}
	var ssn string
	where := fieldcrypt.Context{Table: "users", Column: "ssn", PrimaryKey: "7"}
	if err := db.QueryRow("SELECT ssn FROM users WHERE id = 7").Scan(now.Open(&ssn, where)); err != nil || ssn != "ssn 7" {
		t.Errorf("%q, %v", ssn, err)
	}

	if _, err := db.Exec("UPDATE users SET ssn = 'in the clear' WHERE id = 3"); err != nil {
		t.Fatal(err)
	}
	out := says(1, "1 values are unreadable", append([]string{"rotate"}, at...)...)
	if !strings.Contains(out, "rows 3") || strings.Contains(out, "in the clear") {
		t.Errorf("%s", out)
	}

	for want, args := range map[string][]string{
		"which columns are sealed":  {"rotate", "--ring", ringFile, "--dsn", "sqlite:///x"},
		"which database":            {"rotate", "--ring", ringFile, "--table", "users", "--column", "ssn"},
		"has no NO_SUCH_VARIABLE":   {"rotate", "--ring", ringFile, "--dsn-env", "NO_SUCH_VARIABLE", "--table", "users", "--column", "ssn"},
		"none of the others can be": append([]string{"rotate", "--tables", tables}, at...),
	} {
		says(2, want, args...)
	}
	says(3, "no column nosuch", "rotate", "--ring", ringFile, "--dsn-env", "TEST_DATABASE_URL", "--table", "users", "--column", "nosuch")
	if err := os.WriteFile(tables, []byte("- table: users\n  column: ssn\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	says(2, "unknown field", append([]string{"rotate"}, listed...)...)
}
