package ent

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	_ "modernc.org/sqlite"

	"github.com/pavise-dev/pavise/examples/sealed/ent/gen"
	"github.com/pavise-dev/pavise/examples/sealed/internal/suite"
	"github.com/pavise-dev/pavise/fieldcrypt"
)

type people struct{ client *gen.Client }

func (p people) Create(ctx context.Context, id string, ssn *string) error {
	u, err := p.client.User.Create().SetID(id).SetNillableSsn(ssn).Save(ctx)
	if err == nil && ssn != nil && *u.Ssn != *ssn {
		return errors.New("what was created comes back sealed")
	}
	return err
}

func (p people) SSN(ctx context.Context, id string) (*string, error) {
	u, err := p.client.User.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return u.Ssn, nil
}

func (p people) SetSSN(ctx context.Context, id string, ssn *string) error {
	update := p.client.User.UpdateOneID(id)
	if ssn == nil {
		return update.ClearSsn().Exec(ctx)
	}
	return update.SetSsn(*ssn).Exec(ctx)
}

func run(t *testing.T, db *sql.DB, driver string) {
	var client *gen.Client
	suite.Run(t, db, func(t *testing.T, ring *fieldcrypt.Ring) suite.People {
		client = gen.NewClient(gen.Driver(entsql.OpenDB(driver, db)))
		if err := client.Schema.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
		Seal(client, ring)
		return people{client}
	})
	if err := client.User.Update().SetSsn("all alike").Exec(t.Context()); err == nil || !strings.Contains(err.Error(), "row by row") {
		t.Errorf("%v", err)
	}
}

func TestSQLite(t *testing.T) { run(t, suite.SQLite(t), dialect.SQLite) }
