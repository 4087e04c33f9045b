// Package apidocs finds applications whose documentation is open wherever they
// run.
package apidocs

import (
	"fmt"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

var exposed = &analysis.Rule{
	ID: "lint/docs-exposed", Title: "The documentation is served in production", Severity: finding.Medium, Kind: analysis.Posture,
	Refs:   []string{"CWE-200", "API9", "V13.4.5"},
	Text:   "/docs, /redoc and /openapi.json list every route, parameter and model to whoever asks, those too that no page links to. Closing the pages and leaving openapi.json open closes nothing.",
	Fix:    "Make openapi_url None unless a setting opens it; docs_url and redoc_url follow it.",
	Pavise: "apidocs", Guard: "apidocs",
	Bad:  "from fastapi import FastAPI\n\napp = FastAPI(title=\"orders\")\n",
	Good: "from fastapi import FastAPI\nfrom .settings import settings\n\napp = FastAPI(openapi_url=\"/openapi.json\" if settings.docs else None)\n",
}

// Analyzer finds open documentation.
var Analyzer = &analysis.Analyzer{Name: "apidocs", Rules: []*analysis.Rule{exposed}, Run: run}

func run(p *analysis.Pass) {
	if p.Guarded(exposed) {
		return
	}
	for _, a := range p.MainApps() {
		if !a.Is("fastapi.FastAPI") || pymodel.HasStars(a.Call.Call) || gated(a, "openapi_url") {
			continue
		}
		var open []string
		for _, key := range []string{"docs_url", "redoc_url"} {
			if !gated(a, key) {
				open = append(open, strings.TrimSuffix(key, "_url"))
			}
		}
		problem := "the documentation is open: openapi.json, " + strings.Join(open, " and ")
		if len(open) == 0 {
			problem = "docs and redoc are closed, and openapi.json, from which they are made, is open"
		}
		p.PythonFix(exposed, a.Module, a, fix(a), "%s", problem)
	}
}

// gated tells whether a URL is None, or depends on something.
func gated(a *pymodel.App, key string) bool {
	e := a.Keyword(key)
	if e == nil {
		return a.Cond // made in a branch: the other may be production's
	}
	if _, built := e.(*pyast.JoinedStr); built {
		return false
	}
	v, known := a.Scope.Const(e)
	return !known || v.Kind == pyast.None
}

// fix closes the documentation unless the environment opens it.
func fix(a *pymodel.App) []analysis.Edit {
	value := `"/openapi.json"`
	from, to := a.End()-1, a.End()-1
	prefix := ", "
	if src := strings.TrimRight(a.Module.File.Src[:from], " \t\n"); strings.HasSuffix(src, "(") || strings.HasSuffix(src, ",") {
		prefix = ""
	}
	head := prefix + "openapi_url="
	if e := a.Keyword("openapi_url"); e != nil {
		value, head = a.Module.File.Text(e), ""
		from, to = e.Pos(), e.End()
	}
	edits := []analysis.Edit{{From: from, To: to, Text: fmt.Sprintf(`%s%s if os.environ.get("OPEN_DOCS") == "1" else None`, head, value)}}
	if a.Scope.Qualified(&pyast.Name{ID: "os"}) != "os" {
		if i := importsAt(a.Module); i >= 0 {
			edits = append(edits, analysis.Edit{From: i, To: i, Text: "import os\n"})
		}
	}
	return edits
}

// importsAt is where the first import stands that may have another before it.
func importsAt(m *pymodel.Module) int {
	for _, s := range m.File.Body {
		switch s := s.(type) {
		case *pyast.Import:
			return s.Pos()
		case *pyast.ImportFrom:
			if s.Module != "__future__" {
				return s.Pos()
			}
		}
	}
	return -1
}
