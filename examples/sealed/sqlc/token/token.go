// Package token is the type that sqlc gives to sealed columns.
package token

import (
	"database/sql/driver"
	"fmt"

	"github.com/pavise-dev/pavise/fieldcrypt"
)

// Token is what a sealed column holds, or NULL. It is neither sealed nor opened
// by itself, since only a query's caller knows the row: [Seal] makes one, and
// [Token.Open] reads it.
type Token struct{ text *string }

// Seal seals a value for its place. A nil is NULL.
func Seal(ring *fieldcrypt.Ring, v any, place fieldcrypt.Context) (Token, error) {
	token, err := ring.Seal(v, place).Value()
	if err != nil || token == nil {
		return Token{}, err
	}
	text, ok := token.(string)
	if !ok {
		return Token{}, fmt.Errorf("a token of type %T", token)
	}
	return Token{&text}, nil
}

// Open opens the token into what v points to.
func (t Token) Open(ring *fieldcrypt.Ring, v any, place fieldcrypt.Context) error {
	value, err := t.Value()
	if err != nil {
		return err
	}
	return ring.Open(v, place).Scan(value)
}

// Value is for database/sql.
func (t Token) Value() (driver.Value, error) {
	if t.text == nil {
		return nil, nil
	}
	return *t.text, nil
}

// Scan is for database/sql.
func (t *Token) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		t.text = nil
	case string:
		t.text = &v
	case []byte:
		text := string(v)
		t.text = &text
	default:
		return fmt.Errorf("a sealed column of type %T: want text", v)
	}
	return nil
}
