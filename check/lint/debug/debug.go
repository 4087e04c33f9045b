// Package debug finds applications that show their insides when they fail.
package debug

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

var on = &analysis.Rule{
	ID: "lint/debug-on", Title: "Debug mode is on", Severity: finding.High,
	Refs:   []string{"CWE-489", "API8", "V13.4.2"},
	Text:   "An unhandled error is answered with the source around it, the values of local variables and the settings; some servers let a visitor run code.",
	Fix:    "Leave debug out, or take it from a setting that is off unless the environment says so.",
	Pavise: "probe/verbose-errors",
	Bad:    "from fastapi import FastAPI\n\napp = FastAPI(debug=True)\n",
	Good:   "from fastapi import FastAPI\nfrom .settings import settings\n\napp = FastAPI(debug=settings.debug)\n",
}

// Analyzer finds debug modes.
var Analyzer = &analysis.Analyzer{Name: "debug", Rules: []*analysis.Rule{on}, Run: run}

func run(p *analysis.Pass) {
	p.Calls(func(c *pymodel.Call) {
		if len(c.Keywords) == 0 {
			return
		}
		debug := c.Keyword("debug")
		if debug == nil || !c.Scope.Is(debug, pyast.True) {
			return
		}
		if c.Is("fastapi.FastAPI", "starlette.applications.Starlette", "flask.Flask.run", "uvicorn.run", "aiohttp.web.run_app") || isApp(p, c) {
			p.PythonFix(on, c.Module, debug, off(debug), "debug=True")
		}
	})
	p.Modules(func(m *pymodel.Module) {
		for _, a := range m.Assigns {
			for _, t := range a.Node.Targets {
				attr, ok := t.(*pyast.Attribute)
				if ok && attr.Attr == "debug" && a.Scope.Is(a.Node.Value, pyast.True) && a.Scope.TypeOf(attr.Value).IsA("fastapi.FastAPI", "starlette.applications.Starlette", "flask.Flask") {
					p.PythonFix(on, m, a.Node, off(a.Node.Value), "debug is set to True")
				}
			}
		}
	})
	p.Classes(func(c *pymodel.Class) {
		if !c.IsSettings() {
			return
		}
		for _, f := range c.Fields {
			if !analysis.Names(f.Name, "debug") || f.Value == nil {
				continue
			}
			value := f.Value
			if call, ok := value.(*pyast.Call); ok && c.Scope.Qualified(call.Func) == "pydantic.Field" {
				value = pymodel.Arg(call, 0, "default")
			}
			if c.Scope.Is(value, pyast.True) {
				p.PythonFix(on, c.Module, f.Node, off(value), "%s is on where the environment does not turn it off", f.Name)
			}
		}
	})
}

func isApp(p *analysis.Pass, c *pymodel.Call) bool {
	for _, a := range p.Python.Apps {
		if a.Call.Call == c.Call {
			return true
		}
	}
	return false
}

func off(value pyast.Expr) []analysis.Edit {
	if _, ok := value.(*pyast.Constant); !ok {
		return nil
	}
	return []analysis.Edit{{From: value.Pos(), To: value.End(), Text: "False"}}
}
