// Package gorm seals columns of GORM models: a field with the tag
// serializer:sealed is a token in the database and a value in Go.
//
// A token is bound to the table, the column and the primary key of its row. So
// the primary key must be there before the row is written: give rows a UUID in
// BeforeCreate, not a number that the database makes. And it must come before
// the sealed fields in the struct and in every Select, since GORM fills fields
// in the order of the columns.
package gorm

import (
	"context"
	"fmt"
	"reflect"

	"gorm.io/gorm/schema"

	"github.com/pavise-dev/pavise/fieldcrypt"
)

// Sealed is a GORM serializer. GORM knows serializers by name, once a
// program:
//
//	schema.RegisterSerializer("sealed", gorm.Sealed{Ring: ring})
type Sealed struct{ Ring *fieldcrypt.Ring }

// Scan opens a token into the field.
func (s Sealed) Scan(ctx context.Context, field *schema.Field, row reflect.Value, token any) error {
	place, err := placeOf(ctx, field, row)
	if err != nil {
		return err
	}
	value := reflect.New(field.FieldType)
	if err := s.Ring.Open(value.Interface(), place).Scan(token); err != nil {
		return err
	}
	field.ReflectValueOf(ctx, row).Set(value.Elem())
	return nil
}

// Value seals the field.
func (s Sealed) Value(ctx context.Context, field *schema.Field, row reflect.Value, value any) (any, error) {
	place, err := placeOf(ctx, field, row)
	if err != nil {
		return nil, err
	}
	return s.Ring.Seal(value, place).Value()
}

func placeOf(ctx context.Context, field *schema.Field, row reflect.Value) (fieldcrypt.Context, error) {
	key := field.Schema.PrioritizedPrimaryField
	if key == nil {
		return fieldcrypt.Context{}, fmt.Errorf("%s has no primary key of one column", field.Schema.Table)
	}
	if row.Kind() != reflect.Struct && row.Kind() != reflect.Pointer {
		return fieldcrypt.Context{}, fmt.Errorf("%s.%s is sealed: write it row by row", field.Schema.Table, field.DBName)
	}
	id, zero := key.ValueOf(ctx, row)
	if zero {
		return fieldcrypt.Context{}, fmt.Errorf("%s.%s is sealed: the row's %s must be known before it is written, and selected before it is read", field.Schema.Table, field.DBName, key.DBName)
	}
	return fieldcrypt.Context{Table: field.Schema.Table, Column: field.DBName, PrimaryKey: fmt.Sprint(id)}, nil
}
