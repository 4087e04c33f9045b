package fieldcrypt

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
)

// An Index finds rows by the value of a sealed column: it maps a value to a
// short keyed hash that is stored in a column beside it and searched for
// there. Equal values have equal hashes, and that is what it tells whoever
// reads the table: which rows are alike. Do not index a column of few values.
type Index struct {
	hashes [][]byte // keys, the primary one's first
	bits   int
}

// Bounds of the length of an index, in bits.
const (
	minIndexBits = 8
	maxIndexBits = 256
)

// Index returns the index of a column. The context's PrimaryKey must be
// empty, since the same value must be found in every row; the others keep
// the hashes of two columns apart.
//
// Of a truncated hash less can be told, and the more rows are found that have
// another value: [FalsePositives] says how many. The rows found must be opened
// and compared. 0 bits mean 64; other lengths are multiples of 8 from 8 to 256.
func (r *Ring) Index(c Context, bits int) (*Index, error) {
	if bits == 0 {
		bits = 64
	}
	if bits < minIndexBits || bits > maxIndexBits || bits%8 != 0 {
		return nil, fmt.Errorf("fieldcrypt: an index of %d bits: want a multiple of 8 from %d to %d", bits, minIndexBits, maxIndexBits)
	}
	if c.PrimaryKey != "" {
		return nil, fmt.Errorf("fieldcrypt: an index for one row finds nothing: its context has no PrimaryKey")
	}
	x := &Index{bits: bits}
	info := string(c.append([]byte("pavise fieldcrypt index v1")))
	for i := range r.keys {
		if r.keys[i].State == Retired {
			continue
		}
		key, err := hkdf.Key(sha256.New, r.keys[i].material.Expose(), nil, info, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("fieldcrypt: %w", err)
		}
		x.hashes = append(x.hashes, key)
	}
	return x, nil
}

// Of returns the hash to store with a value, in hexadecimal. The value must be
// brought to one form first: case, spaces, Unicode normal form.
func (x *Index) Of(value []byte) string { return x.hash(0, value) }

// All returns every hash that rows with the value can have while keys are
// rotated, the primary key's first: look for WHERE ssn_index IN (...). After
// the last row was rotated the first alone is enough.
func (x *Index) All(value []byte) []string {
	all := make([]string, len(x.hashes))
	for i := range all {
		all[i] = x.hash(i, value)
	}
	return all
}

func (x *Index) hash(i int, value []byte) string {
	mac := hmac.New(sha256.New, x.hashes[i])
	mac.Write(value)
	return hex.EncodeToString(mac.Sum(nil)[:x.bits/8])
}

// FalsePositives is how many rows with another value a look-up finds on
// average, in a table with that many distinct values.
func FalsePositives(bits int, distinct int) float64 {
	return float64(distinct) * math.Exp2(-float64(bits))
}
