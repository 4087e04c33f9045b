// Package schema is the schema of the application.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// User has a sealed column.
type User struct{ ent.Schema }

// Fields of the user. The id is the application's, not the database's: a token
// is bound to it, so it must be known before the row is written.
func (User) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.Text("ssn").Optional().Nillable().Sensitive(),
	}
}
