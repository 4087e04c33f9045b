package gorm

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"

	"github.com/pavise-dev/pavise/examples/sealed/internal/suite"
	"github.com/pavise-dev/pavise/fieldcrypt"
)

// User is what an application would have.
type User struct {
	ID  string  `gorm:"primaryKey"`
	SSN *string `gorm:"column:ssn;serializer:sealed"`
}

type people struct{ db *gorm.DB }

func (p people) Create(ctx context.Context, id string, ssn *string) error {
	return p.db.WithContext(ctx).Create(&User{ID: id, SSN: ssn}).Error
}

func (p people) SSN(ctx context.Context, id string) (*string, error) {
	var u User
	err := p.db.WithContext(ctx).First(&u, "id = ?", id).Error
	return u.SSN, err
}

func (p people) SetSSN(ctx context.Context, id string, ssn *string) error {
	return p.db.WithContext(ctx).Model(&User{ID: id}).Select("ssn").Updates(&User{ID: id, SSN: ssn}).Error
}

func run(t *testing.T, db *sql.DB, dialect gorm.Dialector) {
	connect := func(t *testing.T, ring *fieldcrypt.Ring) *gorm.DB {
		schema.RegisterSerializer("sealed", Sealed{ring})
		g, err := gorm.Open(dialect, &gorm.Config{Logger: logger.Discard})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.AutoMigrate(&User{}); err != nil {
			t.Fatal(err)
		}
		return g
	}
	var g *gorm.DB
	suite.Run(t, db, func(t *testing.T, ring *fieldcrypt.Ring) suite.People {
		g = connect(t, ring)
		return people{g}
	})

	// Several rows at once, and the ways in which the place is not known.
	x, y := "x", "y"
	if err := g.Create([]*User{{ID: "x", SSN: &x}, {ID: "y", SSN: &y}}).Error; err != nil {
		t.Fatal(err)
	}
	var users []User
	if err := g.Order("id").Find(&users, "id IN ?", []string{"x", "y"}).Error; err != nil || len(users) != 2 || *users[0].SSN != "x" || *users[1].SSN != "y" {
		t.Errorf("%+v, %v", users, err)
	}
	if err := g.Model(&User{}).Where("id = ?", "x").Updates(&User{SSN: &y}).Error; err == nil || !strings.Contains(err.Error(), "must be known") {
		t.Errorf("%v", err)
	}
	var u User
	if err := g.Select("ssn").First(&u, "id = ?", "x").Error; err == nil || !strings.Contains(err.Error(), "selected before") {
		t.Errorf("%v", err)
	}
}

func TestSQLite(t *testing.T) {
	db := suite.SQLite(t)
	run(t, db, sqlite.Dialector{Conn: db})
}
