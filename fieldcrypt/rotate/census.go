package rotate

import (
	"context"
	"fmt"

	"github.com/pavise-dev/pavise/fieldcrypt"
)

// A Census counts the tokens of a table by the key that made them.
type Census struct {
	Table string
	Rows  int64
	Null  int64 // columns that hold no token
	// Keys counts tokens by the id of their key, those included that the
	// ring does not have.
	Keys map[string]int64
	// Unreadable tokens are of no format and no key that the ring could try,
	// such as values that were never sealed.
	Unreadable int64
	// First are the primary keys of the first rows with such, 10 at most.
	First []string
}

// Needs reports how many tokens a key must open.
func (c *Census) Needs(id string) int64 { return c.Keys[id] }

// Count takes the census of tables. It changes nothing. A [fieldcrypt.V1] token
// is counted by the key that it names, whether it opens or not.
func Count(ctx context.Context, db *DB, ring *fieldcrypt.Ring, tables []Table) ([]Census, error) {
	if err := checkTables(tables); err != nil {
		return nil, fmt.Errorf("rotate: %w", err)
	}
	var all []Census
	for i := range tables {
		t := &tables[i]
		c := Census{Table: t.Name, Keys: map[string]int64{}}
		err := db.store.describe(ctx, t)
		if err == nil {
			err = db.store.scan(ctx, t, func(r *row) error {
				c.add(ring, r)
				return nil
			})
		}
		if err != nil {
			return all, fmt.Errorf("rotate: counting %s: %w", t.Name, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func (c *Census) add(ring *fieldcrypt.Ring, r *row) {
	c.Rows++
	odd := false
	for _, token := range r.tokens {
		if token == nil {
			c.Null++
			continue
		}
		id, err := ring.KeyOf(*token)
		if err != nil {
			c.Unreadable++
			odd = true
			continue
		}
		c.Keys[id]++
	}
	if odd && len(c.First) < 10 {
		c.First = append(c.First, r.key)
	}
}
