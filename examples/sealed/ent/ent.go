// Package ent seals columns of ent entities: a hook seals what is written, an
// interceptor opens what is read. The code under gen is ent's.
//
// A token is bound to the table, the column and the primary key of its row, so
// an update of many rows at once cannot set a sealed column, and is refused.
package ent

import (
	"context"
	"errors"

	"entgo.io/ent"

	"github.com/pavise-dev/pavise/examples/sealed/ent/gen"
	"github.com/pavise-dev/pavise/examples/sealed/ent/gen/hook"
	"github.com/pavise-dev/pavise/examples/sealed/ent/gen/user"
	"github.com/pavise-dev/pavise/fieldcrypt"
)

// Seal makes the client seal and open the column ssn of users.
func Seal(client *gen.Client, ring *fieldcrypt.Ring) {
	s := sealer{ring}
	client.User.Use(s.hook)
	client.User.Intercept(ent.InterceptFunc(s.intercept))
}

type sealer struct{ ring *fieldcrypt.Ring }

func (s sealer) place(id string) fieldcrypt.Context {
	return fieldcrypt.Context{Table: user.Table, Column: user.FieldSsn, PrimaryKey: id}
}

// hook seals what a mutation sets, and opens what it returns.
func (s sealer) hook(next ent.Mutator) ent.Mutator {
	return hook.UserFunc(func(ctx context.Context, m *gen.UserMutation) (ent.Value, error) {
		if ssn, ok := m.Ssn(); ok {
			id, known := m.ID()
			if !known {
				return nil, errors.New("users.ssn is sealed: update it row by row, by its id")
			}
			token, err := s.ring.Encrypt([]byte(ssn), s.place(id))
			if err != nil {
				return nil, err
			}
			m.SetSsn(token)
		}
		value, err := next.Mutate(ctx, m)
		if u, ok := value.(*gen.User); ok && err == nil {
			err = s.open(u)
		}
		return value, err
	})
}

// intercept opens what a query returns.
func (s sealer) intercept(next ent.Querier) ent.Querier {
	return ent.QuerierFunc(func(ctx context.Context, q ent.Query) (ent.Value, error) {
		value, err := next.Query(ctx, q)
		if users, ok := value.([]*gen.User); ok && err == nil {
			for _, u := range users {
				if err := s.open(u); err != nil {
					return nil, err
				}
			}
		}
		return value, err
	})
}

func (s sealer) open(u *gen.User) error {
	if u.Ssn == nil {
		return nil
	}
	value, err := s.ring.Decrypt(*u.Ssn, s.place(u.ID))
	if err != nil {
		return err
	}
	*u.Ssn = string(value)
	return nil
}
