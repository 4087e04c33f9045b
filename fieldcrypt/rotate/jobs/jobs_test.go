package jobs

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/riverqueue/river/rivertype"

	"github.com/pavise-dev/pavise/fieldcrypt"
	"github.com/pavise-dev/pavise/fieldcrypt/rotate"
)

// TestOnlyPostgres: other databases have no place for jobs.
func TestOnlyPostgres(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	file, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Ping(); err != nil {
		t.Fatal(err)
	}
	k, err := fieldcrypt.NewKey(fieldcrypt.V1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ring, err := fieldcrypt.NewRing(k)
	if err != nil {
		t.Fatal(err)
	}
	db, err := rotate.Open(t.Context(), "sqlite://"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, _, err = Enqueue(t.Context(), db, rotate.Options{Ring: ring, Tables: []rotate.Table{{Name: "users", Key: "id", Columns: []string{"ssn"}}}})
	if err == nil || !strings.Contains(err.Error(), "PostgreSQL only") {
		t.Errorf("%v", err)
	}
}

// TestRetry: the first failure is followed at once, and none by more than a
// minute.
func TestRetry(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: 0, 3: 3 * time.Second, 500: time.Minute} {
		job := &rivertype.JobRow{Errors: make([]rivertype.AttemptError, failures)}
		if got := time.Until(retry{}.NextRetry(job)); got > want || got < want-time.Second {
			t.Errorf("after %d failures it waits %s, want %s", failures, got, want)
		}
	}
}
