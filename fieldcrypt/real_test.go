//go:build real

package fieldcrypt_test

import (
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pavise-dev/pavise/fieldcrypt"
)

// TestPgx: sealed values are parameters and destinations of pgx as they are,
// without database/sql.
func TestPgx(t *testing.T) {
	dsn := os.Getenv("PAVISE_POSTGRES")
	if dsn == "" {
		t.Fatal("PAVISE_POSTGRES names no server; scripts/test starts one")
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	r := ring(t, fieldcrypt.V1)
	c := fieldcrypt.Context{Table: "sealed", Column: "v", PrimaryKey: "1"}
	if _, err := conn.Exec(t.Context(), "CREATE TEMPORARY TABLE sealed (id bigint PRIMARY KEY, v text, w varchar(500))"); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if _, err := conn.Exec(t.Context(), "INSERT INTO sealed VALUES (1, $1, $2)", r.Seal(at, c), r.Seal(nil, c)); err != nil {
		t.Fatal(err)
	}
	var got time.Time
	var null *string
	if err := conn.QueryRow(t.Context(), "SELECT v, w FROM sealed WHERE id = 1").Scan(r.Open(&got, c), r.Open(&null, c)); err != nil || !got.Equal(at) || null != nil {
		t.Errorf("%v, %v, %v", got, null, err)
	}
	var stored string
	if err := conn.QueryRow(t.Context(), "SELECT v FROM sealed").Scan(&stored); err != nil || fieldcrypt.FormatOf(stored) != fieldcrypt.V1 {
		t.Errorf("%q is stored, %v", stored, err)
	}
}
