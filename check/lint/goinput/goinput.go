// Package goinput finds places in Go where what a client sent becomes SQL, a
// command, a path, an address or a page.
package goinput

import (
	"go/ast"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
)

// Analyzer finds where input is used as what it is not.
var Analyzer = &analysis.Analyzer{Name: "goinput", Rules: []*analysis.Rule{injection, command, traversal, zipSlip, ssrf, redirect, xss, template, gob, mailHead}, Run: run}

func run(p *analysis.Pass) {
	guarded := checksAddresses(p)
	said := flows{}
	for _, f := range p.Go.Files {
		if analysis.GoSample(f.Path) {
			continue
		}
		for _, fn := range f.Funcs {
			archives(p, fn, said)
		}
		for _, c := range f.Calls {
			query(p, c)
			commands(p, c)
			paths(p, c, said)
			if !guarded {
				requests(p, c)
			}
			redirects(p, c)
			pages(p, c)
			templates(p, c)
			mails(p, c)
		}
	}
}

// suffixed tells whether a call is one of the methods of one of the types.
func suffixed(name string, types []string, methods ...string) bool {
	for _, t := range types {
		rest, ok := strings.CutPrefix(name, t+".")
		if !ok {
			continue
		}
		for _, m := range methods {
			if rest == m {
				return true
			}
		}
	}
	return false
}

// starts takes a text apart and gives what it begins with: what is written,
// and then the first part that is put in.
func starts(f *gomodel.File, e ast.Expr) (string, *gomodel.Part) {
	var head strings.Builder
	for _, part := range f.Parts(e) {
		if part.Expr != nil {
			return head.String(), &part
		}
		head.WriteString(part.Text)
	}
	return head.String(), nil
}

// what is how a part is called in a problem.
func what(e ast.Expr) string {
	if name := gomodel.Written(e); name != "" && len(name) < 40 {
		return name
	}
	return "a value"
}
