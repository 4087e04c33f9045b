package pymodel

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// project reads the files of a txtar.
func project(t *testing.T, text string) *Project {
	t.Helper()
	var sources []Source
	for _, f := range txtar.Parse([]byte(text)).Files {
		tree, err := pyast.Parse(f.Data)
		if err != nil || len(tree.Errors) > 0 {
			t.Fatalf("%s: %v %v", f.Name, err, tree.Errors)
		}
		sources = append(sources, Source{Path: f.Name, File: tree})
	}
	return New(sources)
}

// said are the calls of a name that a line says something of, behind a #.
func said(t *testing.T, p *Project, name string, f func(c *Call, says string)) {
	t.Helper()
	asked := 0
	for _, m := range p.Modules {
		lines := strings.Split(m.File.Src, "\n")
		for _, c := range m.Calls {
			if c.Method() != name {
				continue
			}
			line, _ := m.File.Position(c.Pos())
			if _, says, ok := strings.Cut(lines[line-1], "# "); ok {
				asked++
				f(c, says)
			}
		}
	}
	if asked == 0 {
		t.Fatalf("nothing calls %s", name)
	}
}
