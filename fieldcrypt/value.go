package fieldcrypt

import (
	"database/sql"
	"database/sql/driver"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/pavise-dev/pavise/secret"
)

// Seal returns a parameter for a statement: v, sealed in its place when the
// statement is run. Each run seals anew.
//
// A string, []byte, [secret.String] or [secret.Bytes] is sealed as its bytes, a
// [time.Time] as RFC 3339 text in UTC, and anything else as its own text
// (encoding.TextMarshaler) or as JSON. A nil, a nil pointer and an invalid
// sql.Null are NULL, which is not sealed.
func (r *Ring) Seal(v any, c Context) driver.Valuer { return sealed{r, v, c} }

type sealed struct {
	ring    *Ring
	value   any
	context Context
}

// Value is for database/sql and whatever else takes a driver.Valuer.
func (s sealed) Value() (driver.Value, error) {
	plaintext, null, err := plain(s.value)
	if err != nil {
		return nil, fmt.Errorf("fieldcrypt: sealing %s.%s: %w", s.context.Table, s.context.Column, err)
	}
	if null {
		return nil, nil
	}
	defer clear(plaintext)
	token, err := s.ring.Encrypt(plaintext, s.context)
	if err != nil {
		return nil, err
	}
	return token, nil
}

// plain returns a copy of the value's bytes.
func plain(v any) (b []byte, null bool, err error) {
	switch v := v.(type) {
	case nil:
		return nil, true, nil
	case string:
		return []byte(v), false, nil
	case []byte:
		return append([]byte{}, v...), v == nil, nil
	case secret.String:
		return []byte(v.Expose()), false, nil
	case secret.Bytes:
		return append([]byte{}, v.Expose()...), false, nil
	case time.Time:
		return []byte(v.UTC().Format(time.RFC3339Nano)), false, nil
	}
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.Pointer {
		if rv.IsNil() {
			return nil, true, nil
		}
		return plain(rv.Elem().Interface())
	}
	if valid, ok := nullable(rv); ok {
		if !valid.Bool() {
			return nil, true, nil
		}
		return plain(rv.Field(0).Interface())
	}
	if m, ok := v.(encoding.TextMarshaler); ok {
		b, err = m.MarshalText()
		return b, false, err
	}
	b, err = json.Marshal(v)
	if err != nil {
		// The error of encoding/json can quote the value.
		return nil, false, fmt.Errorf("a %T has no JSON form", v)
	}
	return b, false, nil
}

// nullable recognises sql.Null[T], sql.NullString and their kin: two fields,
// of which the second is Valid. Their field is set by Open, too.
func nullable(v reflect.Value) (valid reflect.Value, ok bool) {
	if v.Kind() != reflect.Struct || v.NumField() != 2 || v.Type().PkgPath() != "database/sql" || v.Type().Field(1).Name != "Valid" {
		return reflect.Value{}, false
	}
	return v.Field(1), true
}

// Open returns a destination for Scan: the token is opened in its place and
// its value put into what dst points to. The types are those of [Ring.Seal]; a
// pointer to a pointer and sql.Null take NULL, a pointer to []byte becomes nil,
// and any other destination refuses NULL as database/sql does.
//
// Scan's error for a token that does not open is [ErrDecrypt].
func (r *Ring) Open(dst any, c Context) sql.Scanner { return opened{r, dst, c} }

type opened struct {
	ring    *Ring
	dst     any
	context Context
}

var errDestination = errors.New("fieldcrypt: Open needs a pointer that is not nil")

// Scan is for database/sql.
func (o opened) Scan(src any) error {
	dst := reflect.ValueOf(o.dst)
	if dst.Kind() != reflect.Pointer || dst.IsNil() {
		return errDestination
	}
	var token string
	switch src := src.(type) {
	case nil:
		return null(dst.Elem(), o.context)
	case string:
		token = src
	case []byte:
		token = string(src)
	default:
		return fmt.Errorf("fieldcrypt: %s.%s holds a %T, and a token is text", o.context.Table, o.context.Column, src)
	}
	plaintext, err := o.ring.Decrypt(token, o.context)
	if err != nil {
		return err
	}
	if err := put(dst.Elem(), plaintext); err != nil {
		return fmt.Errorf("fieldcrypt: opening %s.%s: %w", o.context.Table, o.context.Column, err)
	}
	return nil
}

func null(dst reflect.Value, c Context) error {
	if _, ok := nullable(dst); ok || dst.Kind() == reflect.Pointer || dst.Type() == reflect.TypeFor[[]byte]() || dst.Kind() == reflect.Interface {
		dst.SetZero()
		return nil
	}
	return fmt.Errorf("fieldcrypt: %s.%s is NULL, which a %s cannot be; open it into a pointer or an sql.Null", c.Table, c.Column, dst.Type())
}

// put sets dst from the value's bytes, which it may keep.
func put(dst reflect.Value, b []byte) error {
	switch p := dst.Addr().Interface().(type) {
	case *string:
		*p = string(b)
		return nil
	case *[]byte:
		*p = b
		return nil
	case *any:
		*p = b
		return nil
	case *secret.String:
		*p = secret.New(string(b))
		return nil
	case *secret.Bytes:
		*p = secret.NewBytes(b)
		return nil
	case *time.Time:
		at, err := time.Parse(time.RFC3339Nano, string(b))
		if err != nil {
			return errors.New("the value is no RFC 3339 time") // time's error quotes it
		}
		*p = at
		return nil
	}
	if dst.Kind() == reflect.Pointer {
		v := reflect.New(dst.Type().Elem())
		if err := put(v.Elem(), b); err != nil {
			return err
		}
		dst.Set(v)
		return nil
	}
	if valid, ok := nullable(dst); ok {
		if err := put(dst.Field(0), b); err != nil {
			return err
		}
		valid.SetBool(true)
		return nil
	}
	if u, ok := dst.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if u.UnmarshalText(b) != nil {
			return fmt.Errorf("the value is not the text of a %s", dst.Type())
		}
		return nil
	}
	if json.Unmarshal(b, dst.Addr().Interface()) != nil {
		return fmt.Errorf("the value is not the JSON of a %s", dst.Type()) // json's error quotes it
	}
	return nil
}
