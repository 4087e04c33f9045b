package rotate

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"

	"github.com/pavise-dev/pavise/fieldcrypt"
)

// row is what a table holds of one row. A nil token is NULL.
type row struct {
	key    string
	tenant string
	tokens []*string
}

// change is what is to be written: old is what must still be there, and new is
// nil where a column stays.
type change struct {
	row  *row
	news []*string
}

// tally counts what happened to the rows of a chunk.
type tally struct {
	planned                                             int64
	rows, changed, current, null, unreadable, contended int64
}

func (n tally) report(t *Table) Report {
	return Report{Table: t.Name, Rows: n.rows, Changed: n.changed, Current: n.current, Null: n.null, Unreadable: n.unreadable, Contended: n.contended}
}

// errDigest means that what was written is not what was read. It ends the
// run with the chunk rolled back.
var errDigest = errors.New("a chunk's values are not the same after as before: nothing of it was written; this is a fault of the program or of the machine's memory")

// rounds is how often a row is tried that somebody else keeps writing.
const rounds = 5

// rotateRows seals the rows of a chunk anew.
func rotateRows(ctx context.Context, tx tx, ring *fieldcrypt.Ring, t *Table, low, high *string) (tally, error) {
	rows, err := tx.rows(ctx, t, low, high)
	if err != nil {
		return tally{}, err
	}
	n := tally{rows: int64(len(rows))}
	before, after := newDigests()
	for round := 0; ; round++ {
		changes, counted := rotateTokens(ring, t, rows, &n)
		if len(changes) == 0 {
			break
		}
		written, err := tx.update(ctx, t, changes)
		if err != nil {
			return n, err
		}
		var again []string
		for _, c := range changes {
			got, ok := written[c.row.key]
			if !ok {
				again = append(again, c.row.key)
				n.subtract(counted[c.row.key])
				continue
			}
			if err := before.add(ring, t, c.row, c.row.tokens, c.news); err != nil {
				return n, err
			}
			if err := after.add(ring, t, c.row, got, c.news); err != nil {
				return n, err
			}
		}
		if len(again) == 0 {
			break
		}
		if round == rounds {
			n.contended += int64(len(again))
			break
		}
		if rows, err = tx.again(ctx, t, again); err != nil {
			return n, err
		}
	}
	if before.sum != after.sum {
		return n, errDigest
	}
	return n, nil
}

// rotateTokens finds what is to be written, and counts each column once. What
// it counted of a row that is to be written is returned, since it may have to
// be taken back.
func rotateTokens(ring *fieldcrypt.Ring, t *Table, rows []row, n *tally) ([]change, map[string]tally) {
	var changes []change
	counted := map[string]tally{}
	for i := range rows {
		r := &rows[i]
		var own tally
		var news []*string
		for c, token := range r.tokens {
			if token == nil {
				own.null++
				continue
			}
			next, changed, err := ring.Rotate(*token, t.context(r, c))
			switch {
			case err != nil:
				own.unreadable++
			case !changed:
				own.current++
			default:
				own.changed++
				if news == nil {
					news = make([]*string, len(r.tokens))
				}
				news[c] = &next
			}
		}
		n.add(own)
		if news != nil {
			changes = append(changes, change{r, news})
			counted[r.key] = own
		}
	}
	return changes, counted
}

func (n *tally) add(m tally) {
	n.changed += m.changed
	n.current += m.current
	n.null += m.null
	n.unreadable += m.unreadable
}

func (n *tally) subtract(m tally) {
	n.changed -= m.changed
	n.current -= m.current
	n.null -= m.null
	n.unreadable -= m.unreadable
}

// digest is the sum of keyed hashes of values with their places: the same for
// the same values in any order.
type digest struct {
	mac hash.Hash
	sum [4]uint64
}

// newDigests returns two with one key.
func newDigests() (before, after digest) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return digest{mac: hmac.New(sha256.New, key)}, digest{mac: hmac.New(sha256.New, key)}
}

// add adds the values of the columns that are written anew.
func (d *digest) add(ring *fieldcrypt.Ring, t *Table, r *row, tokens, news []*string) error {
	for c, token := range tokens {
		if news[c] == nil {
			continue
		}
		if token == nil {
			return errDigest
		}
		value, err := ring.Decrypt(*token, t.context(r, c))
		if err != nil {
			return errDigest
		}
		d.mac.Reset()
		d.mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(r.key))))
		d.mac.Write([]byte(r.key))
		d.mac.Write([]byte{byte(c >> 8), byte(c)})
		d.mac.Write(value)
		clear(value)
		var sum [sha256.Size]byte
		d.mac.Sum(sum[:0])
		for i := range d.sum {
			d.sum[i] += binary.BigEndian.Uint64(sum[8*i:])
		}
	}
	return nil
}
