// Package lazy puts off what a command may never need: every command is
// linked with every check.
package lazy

import (
	"regexp"
	"sync"
)

// Regexp compiles an expression when it is first asked for. One that is wrong
// is a bug, and panics then.
func Regexp(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
