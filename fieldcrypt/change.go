package fieldcrypt

import (
	"fmt"
	"strings"

	"github.com/pavise-dev/pavise/secret"
)

// Add returns a ring with one more key. A primary key takes the place of the
// former one, which from then on only opens.
func (r *Ring) Add(k Key) (*Ring, error) {
	keys := r.Keys()
	if k.State == Primary {
		keys[0] = keys[0].with(DecryptOnly)
	}
	return r.renew(append(keys, k))
}

// Promote returns a ring in which the key with the id seals, and the former
// primary key only opens.
func (r *Ring) Promote(id string) (*Ring, error) {
	i, err := r.find(id)
	if err != nil || i == 0 {
		return r, err
	}
	keys := r.Keys()
	keys[0], keys[i] = keys[0].with(DecryptOnly), keys[i].with(Primary)
	return r.renew(keys)
}

// Retire returns a ring in which the key with the id opens nothing any more.
// The primary key cannot be retired. Whether rows still need the key must be
// known before: a census tells.
func (r *Ring) Retire(id string) (*Ring, error) {
	i, err := r.find(id)
	if err != nil {
		return nil, err
	}
	if i == 0 {
		return nil, fmt.Errorf("fieldcrypt: key %s is the primary one; promote another first", id)
	}
	keys := r.Keys()
	keys[i] = keys[i].with(Retired)
	return r.renew(keys)
}

func (r *Ring) renew(keys []Key) (*Ring, error) {
	next, err := NewRing(keys...)
	if err == nil {
		next.compat, next.legacy = r.compat, r.legacy
	}
	return next, err
}

func (r *Ring) find(id string) (int, error) {
	var ids []string
	for i, k := range r.keys {
		if k.ID == id {
			return i, nil
		}
		ids = append(ids, k.ID)
	}
	return 0, fmt.Errorf("fieldcrypt: the ring has no key %q; it has %s", id, strings.Join(ids, ", "))
}

// Export returns every key that opens Fernet tokens, the primary one first,
// separated by commas: the keys of Python's MultiFernet. It is an error if the
// primary key is no Fernet key, since Python could not seal what Go seals.
func (r *Ring) Export() (secret.String, error) {
	if r.keys[0].Format != Fernet {
		return secret.String{}, fmt.Errorf("fieldcrypt: the primary key %s is a %s key, which Python's Fernet does not know", r.keys[0].ID, r.keys[0].Format)
	}
	var all []string
	for _, k := range r.keys {
		if k.Format == Fernet && k.State != Retired {
			all = append(all, k.Export().Expose())
		}
	}
	return secret.New(strings.Join(all, ",")), nil
}
