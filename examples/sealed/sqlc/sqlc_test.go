package sqlc

import (
	"context"
	"database/sql"
	"os"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/pavise-dev/pavise/examples/sealed/internal/suite"
	"github.com/pavise-dev/pavise/examples/sealed/sqlc/lite"
	"github.com/pavise-dev/pavise/examples/sealed/sqlc/token"
	"github.com/pavise-dev/pavise/fieldcrypt"
)

func place(id string) fieldcrypt.Context {
	return fieldcrypt.Context{Table: "users", Column: "ssn", PrimaryKey: id}
}

type people struct {
	ring    *fieldcrypt.Ring
	queries *lite.Queries
}

func (p people) Create(ctx context.Context, id string, ssn *string) error {
	sealed, err := token.Seal(p.ring, ssn, place(id))
	if err != nil {
		return err
	}
	return p.queries.CreateUser(ctx, lite.CreateUserParams{ID: id, Ssn: sealed})
}

func (p people) SSN(ctx context.Context, id string) (ssn *string, err error) {
	u, err := p.queries.GetUser(ctx, id)
	if err != nil {
		return nil, err
	}
	err = u.Ssn.Open(p.ring, &ssn, place(u.ID))
	return ssn, err
}

func (p people) SetSSN(ctx context.Context, id string, ssn *string) error {
	sealed, err := token.Seal(p.ring, ssn, place(id))
	if err != nil {
		return err
	}
	return p.queries.SetSSN(ctx, lite.SetSSNParams{ID: id, Ssn: sealed})
}

// migrate makes the table once.
func migrate(t *testing.T, db *sql.DB) {
	t.Helper()
	if _, err := db.Exec("SELECT 1 FROM users"); err == nil {
		return
	}
	schema, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(string(schema)); err != nil {
		t.Fatal(err)
	}
}

func TestSQLite(t *testing.T) {
	db := suite.SQLite(t)
	suite.Run(t, db, func(t *testing.T, ring *fieldcrypt.Ring) suite.People {
		migrate(t, db)
		return people{ring, lite.New(db)}
	})
}
