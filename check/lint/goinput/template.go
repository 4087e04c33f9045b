package goinput

import (
	"go/ast"
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/gomodel"
	"github.com/pavise-dev/pavise/finding"
)

var template = &analysis.Rule{
	ID: "lint/go-template-injection", Title: "A template is made from what a client sent", Severity: finding.High,
	Refs: []string{"CWE-1336", "V1.3.7"},
	Text: "Whoever writes a template calls the methods and reads the fields of all that it is given, and loops for as long as he likes.",
	Fix:  "Write the template into the program, and give it the value: {{.Name}}.",
	File: "page.go",
	Bad: `package main

import (
	"net/http"
	"text/template"
)

func greet(w http.ResponseWriter, r *http.Request) {
	t, err := template.New("x").Parse("Hello " + r.FormValue("name"))
	render(w, t, err)
}
`,
	Good: `package main

import (
	"html/template"
	"net/http"
)

var page = template.Must(template.New("x").Parse("Hello {{.}}"))

func greet(w http.ResponseWriter, r *http.Request) {
	page.Execute(w, r.FormValue("name"))
}
`,
}

var gob = &analysis.Rule{
	ID: "lint/go-deserialization", Title: "gob is decoded from what a client sent", Severity: finding.Low,
	Refs: []string{"CWE-502", "API4", "V1.5.2", "https://pkg.go.dev/encoding/gob#hdr-Security"},
	Text: "encoding/gob is not made for input that is not trusted: a few bytes make it allocate gigabytes.",
	Fix:  "Take JSON, with a bound on the body.",
	File: "state.go",
	Bad: `package main

import (
	"encoding/gob"
	"net/http"
)

func restore(w http.ResponseWriter, r *http.Request) {
	var s state
	err := gob.NewDecoder(r.Body).Decode(&s)
	reply(w, s, err)
}
`,
	Good: `package main

import (
	"encoding/json"
	"net/http"
)

func restore(w http.ResponseWriter, r *http.Request) {
	var s state
	err := json.NewDecoder(r.Body).Decode(&s)
	reply(w, s, err)
}
`,
}

// kept tells whether a text is a field of what is stored, and a client sends
// what is put there.
func kept(f *gomodel.File, e ast.Expr, depth int) bool {
	if depth > 3 {
		return false
	}
	if sel, ok := e.(*ast.SelectorExpr); ok && f.VarOf(e) == nil {
		if f.Level(sel.X) == gomodel.Tainted {
			return false // what was sent is followed by itself
		}
		list, _ := f.Given(sel)
		return slices.ContainsFunc(list, func(g gomodel.Given) bool { return g.File.Level(g.Expr) == gomodel.Tainted })
	}
	v := f.VarOf(e)
	if v == nil || v.Func == nil {
		return false
	}
	list, _ := f.Given(e)
	return slices.ContainsFunc(list, func(g gomodel.Given) bool { return kept(g.File, g.Expr, depth+1) })
}

// templates looks at a call that makes a template, or decodes gob.
func templates(p *analysis.Pass, c *gomodel.Call) {
	f := c.File
	switch c.Name {
	case "text/template.Template.Parse", "html/template.Template.Parse":
		a := c.Arg(0)
		if a == nil {
			return
		}
		for _, part := range f.Parts(a) {
			if part.Expr != nil && part.File.Level(part.Expr) == gomodel.Tainted {
				p.GoAt(template, f, c, "%s, which a client sends, is part of a template", what(part.Expr))
				return
			}
			if part.Expr != nil && kept(part.File, part.Expr, 0) {
				// Who may change it is not known: often it is an administrator.
				p.GoSeverity(template, finding.Medium, f, c, "%s, which a client sent and which was stored, is part of a template", what(part.Expr))
				return
			}
		}
	case "encoding/gob.NewDecoder":
		if a := c.Arg(0); a != nil && f.Level(a) == gomodel.Tainted {
			p.GoAt(gob, f, c, "what a client sends is decoded as gob")
		}
	}
}
