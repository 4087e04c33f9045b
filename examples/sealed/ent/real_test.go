//go:build real

package ent

import (
	"testing"

	"entgo.io/ent/dialect"

	"github.com/pavise-dev/pavise/examples/sealed/internal/suite"
)

func TestPostgres(t *testing.T) { run(t, suite.Postgres(t), dialect.Postgres) }
