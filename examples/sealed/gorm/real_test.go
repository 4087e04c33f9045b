//go:build real

package gorm

import (
	"testing"

	"gorm.io/driver/postgres"

	"github.com/pavise-dev/pavise/examples/sealed/internal/suite"
)

func TestPostgres(t *testing.T) {
	db := suite.Postgres(t)
	run(t, db, postgres.New(postgres.Config{Conn: db}))
}
