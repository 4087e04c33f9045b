// Package rate is being built.
package rate

import (
	"net/http"

	"github.com/pavise-dev/pavise/promise"
)

type Policy struct{}
type Guard struct{}

func New(p Policy) (*Guard, error)                   { return &Guard{}, nil }
func (g *Guard) Wrap(next http.Handler) http.Handler { return next }
func (g *Guard) Promises() []promise.Promise         { return nil }
