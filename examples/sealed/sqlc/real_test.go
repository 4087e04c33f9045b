//go:build real

package sqlc

import (
	"context"
	"testing"

	"github.com/pavise-dev/pavise/examples/sealed/internal/suite"
	"github.com/pavise-dev/pavise/examples/sealed/sqlc/pg"
	"github.com/pavise-dev/pavise/examples/sealed/sqlc/token"
	"github.com/pavise-dev/pavise/fieldcrypt"
)

type postgresPeople struct {
	ring    *fieldcrypt.Ring
	queries *pg.Queries
}

func (p postgresPeople) Create(ctx context.Context, id string, ssn *string) error {
	sealed, err := token.Seal(p.ring, ssn, place(id))
	if err != nil {
		return err
	}
	return p.queries.CreateUser(ctx, pg.CreateUserParams{ID: id, Ssn: sealed})
}

func (p postgresPeople) SSN(ctx context.Context, id string) (ssn *string, err error) {
	u, err := p.queries.GetUser(ctx, id)
	if err != nil {
		return nil, err
	}
	err = u.Ssn.Open(p.ring, &ssn, place(u.ID))
	return ssn, err
}

func (p postgresPeople) SetSSN(ctx context.Context, id string, ssn *string) error {
	sealed, err := token.Seal(p.ring, ssn, place(id))
	if err != nil {
		return err
	}
	return p.queries.SetSSN(ctx, pg.SetSSNParams{ID: id, Ssn: sealed})
}

func TestPostgres(t *testing.T) {
	db := suite.Postgres(t)
	suite.Run(t, db, func(t *testing.T, ring *fieldcrypt.Ring) suite.People {
		migrate(t, db)
		return postgresPeople{ring, pg.New(db)}
	})
}
