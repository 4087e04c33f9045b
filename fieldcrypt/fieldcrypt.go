// Package fieldcrypt seals single values: a column of a table, a field of a
// document, a token.
//
// A [Ring] holds ordered keys. The primary key seals, every key that is not
// retired opens, so that keys are rotated while the data stays readable:
//
//	ring, err := fieldcrypt.ReadRing("/run/secrets/ring.json")
//	...
//	where := fieldcrypt.Context{Table: "users", Column: "ssn", PrimaryKey: id}
//	db.Exec(`UPDATE users SET ssn = $1 WHERE id = $2`, ring.Seal(ssn, where), id)
//	db.QueryRow(`SELECT ssn FROM users WHERE id = $1`, id).Scan(ring.Open(&ssn, where))
//
// There are two formats of tokens, told apart by their first bytes. [V1]
// binds a value to its place by associated data, so that a token that is
// moved to another row or column does not open there. [Fernet] is that of
// Python's cryptography, byte for byte, for tables that Python and Go share;
// it knows no place.
//
// It is not for passwords, which nobody should be able to read again: see
// package passwords.
package fieldcrypt

import (
	"encoding/binary"
	"errors"
)

// ErrDecrypt is the one error of opening a token: that it is malformed, was
// changed, is too old, belongs to another place, or was sealed with a key that
// is not in the ring or is retired. Which of these it was is not told, since
// whoever can try tokens could learn from it.
var ErrDecrypt = errors.New("fieldcrypt: the token does not open")

// Context is the place that a [V1] token belongs to. A token opens only in the
// context that it was sealed in. Fields may be empty, but all of them empty
// binds a value to nothing. [Fernet] tokens have no context.
type Context struct {
	Tenant     string // whose data it is, if a table holds several tenants'
	Table      string
	Column     string
	PrimaryKey string // of the row, in the text form that the application keeps to
}

// append writes each field behind its length, so that no two contexts have
// one form: ("ab", "c") is not ("a", "bc").
func (c Context) append(b []byte) []byte {
	for _, field := range [...]string{c.Tenant, c.Table, c.Column, c.PrimaryKey} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(field)))
		b = append(b, field...)
	}
	return b
}
