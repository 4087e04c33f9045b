package rotate

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/pavise-dev/pavise/fieldcrypt"
)

// row is what a table holds of one row. A nil token is NULL.
type row struct {
	key    string
	tenant string
	tokens []*string
}

// change is what is to be written: the row's tokens must still be there, and
// a new one is nil where a column stays.
type change struct {
	row  *row
	news []*string
	// counted is what the tally counted of the row, and seen the digest of the
	// values that were read; both hold only if the row is written.
	counted tally
	seen    sum
}

// size is how many bytes of tokens a change sends.
func (c *change) size() int {
	n := len(c.row.key)
	for i := range c.news {
		for _, s := range []*string{c.row.tokens[i], c.news[i]} {
			if s != nil {
				n += len(*s)
			}
		}
	}
	return n
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
		changes := rotateTokens(ring, t, rows, &n, before)
		if len(changes) == 0 {
			break
		}
		written, err := tx.update(ctx, t, changes)
		if err != nil {
			return n, err
		}
		var again []string
		for i, c := range changes {
			if !written[i] {
				again = append(again, c.row.key)
				n.subtract(c.counted)
				continue
			}
			before.sum.add(c.seen)
			if err := after.reopen(ring, t, c); err != nil {
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

// rotateTokens finds what is to be written, and counts each column once.
func rotateTokens(ring *fieldcrypt.Ring, t *Table, rows []row, n *tally, before *digest) []change {
	changes := make([]change, 0, len(rows))
	width := len(t.Columns)
	sealed, news := make([]string, width*len(rows)), make([]*string, width*len(rows))
	for i := range rows {
		r := &rows[i]
		c := change{row: r}
		for j, token := range r.tokens {
			if token == nil {
				c.counted.null++
				continue
			}
			next, changed, err := ring.RotateFunc(*token, t.context(r, j), func(value []byte) {
				c.seen.add(before.of(r, j, value))
			})
			switch {
			case err != nil:
				c.counted.unreadable++
			case !changed:
				c.counted.current++
			default:
				c.counted.changed++
				c.news = news[i*width : (i+1)*width]
				sealed[i*width+j] = next
				c.news[j] = &sealed[i*width+j]
			}
		}
		n.add(c.counted)
		if c.news != nil {
			changes = append(changes, c)
		}
	}
	return changes
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

// sum is a sum of hashes: the same in any order.
type sum [4]uint64

func (s *sum) add(o sum) {
	for i := range s {
		s[i] += o[i]
	}
}

// digest adds hashes of values with their places under a random key, which is
// never shown, nor is the sum: a key in front is enough.
type digest struct {
	text []byte // begins with the key
	sum  sum
}

const digestKey = 32

// newDigests returns two with one key.
func newDigests() (before, after *digest) {
	key := make([]byte, digestKey, 512)
	_, _ = rand.Read(key)
	return &digest{text: key}, &digest{text: append(make([]byte, 0, 512), key...)}
}

// of is the hash of a value in its place.
func (d *digest) of(r *row, column int, value []byte) sum {
	d.text = binary.BigEndian.AppendUint64(d.text[:digestKey], uint64(len(r.key)))
	d.text = append(d.text, r.key...)
	d.text = binary.BigEndian.AppendUint16(d.text, uint16(column))
	d.text = append(d.text, value...)
	hashed := sha256.Sum256(d.text)
	clear(d.text[digestKey:])
	var s sum
	for i := range s {
		s[i] = binary.BigEndian.Uint64(hashed[8*i:])
	}
	return s
}

// reopen adds the values of the tokens that were written.
func (d *digest) reopen(ring *fieldcrypt.Ring, t *Table, c change) error {
	for j, token := range c.news {
		if token == nil {
			continue
		}
		value, err := ring.Decrypt(*token, t.context(c.row, j))
		if err != nil {
			return errDigest
		}
		d.sum.add(d.of(c.row, j, value))
		clear(value)
	}
	return nil
}
