// Package cors finds policies of CORS that let other sites read what is meant
// for one's own.
package cors

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

const head = "from fastapi import FastAPI\nfrom fastapi.middleware.cors import CORSMiddleware\n\napp = FastAPI()\n"

var credentials = &analysis.Rule{
	ID: "lint/cors-credentials", Title: "Every site may read with the user's cookies", Severity: finding.High,
	Refs:   []string{"CWE-942", "CWE-346", "API8", "V3.4.2"},
	Text:   "With allow_credentials, Starlette answers \"*\" with the origin that asked: any page that a logged-in user visits reads what that user may.",
	Fix:    "List the origins of your own pages, or leave credentials out.",
	Pavise: "origins.allow",
	Bad:    head + "app.add_middleware(CORSMiddleware, allow_origins=[\"*\"], allow_credentials=True)\n",
	Good:   head + "app.add_middleware(CORSMiddleware, allow_origins=[\"https://shop.example.com\"], allow_credentials=True)\n",
}

var wildcard = &analysis.Rule{
	ID: "lint/cors-wildcard", Title: "Every site may read", Severity: finding.Low,
	Refs:   []string{"CWE-942", "API8", "V3.4.2"},
	Text:   "allow_origins \"*\" is right for data that is public, and for nothing else: within a company's network, any page on the internet reads what the API gives without a login.",
	Fix:    "List the origins of your own pages.",
	Pavise: "origins.allow",
	Bad:    head + "app.add_middleware(CORSMiddleware, allow_origins=[\"*\"])\n",
	Good:   head + "app.add_middleware(CORSMiddleware, allow_origins=[\"https://shop.example.com\"])\n",
}

var pattern = &analysis.Rule{
	ID: "lint/cors-regex", Title: "A pattern of origins matches too much", Severity: finding.Medium,
	Refs:   []string{"CWE-942", "CWE-777", "API8", "V3.4.2"},
	Text:   "A dot that is not escaped stands for any character, and .* for any host: example.com then is also exampleXcom, which somebody can register.",
	Fix:    "Escape dots, and let a wildcard stand for a label only: https://[a-z0-9-]+\\.example\\.com.",
	Pavise: "origins.allow",
	Bad:    head + "app.add_middleware(CORSMiddleware, allow_origin_regex=r\"https://.*\\.?example.com\")\n",
	Good:   head + "app.add_middleware(CORSMiddleware, allow_origin_regex=r\"https://([a-z0-9-]+\\.)?example\\.com\")\n",
}

var reflected = &analysis.Rule{
	ID: "lint/cors-reflect", Title: "The origin is sent back as it came", Severity: finding.High,
	Refs:   []string{"CWE-942", "CWE-346", "API8", "V3.4.2"},
	Text:   "An Access-Control-Allow-Origin that repeats what was asked allows every site.",
	Fix:    "Compare the origin with a list before it is sent back, and add Vary: Origin.",
	Pavise: "origins.allow",
	Bad:    "async def cors(request, call_next):\n    response = await call_next(request)\n    response.headers[\"Access-Control-Allow-Origin\"] = request.headers.get(\"origin\", \"*\")\n    return response\n",
	Good:   "ALLOWED = {\"https://shop.example.com\"}\n\n\nasync def cors(request, call_next):\n    response = await call_next(request)\n    origin = request.headers.get(\"origin\", \"\")\n    if origin in ALLOWED:\n        response.headers[\"Access-Control-Allow-Origin\"] = origin\n    return response\n",
}

// Analyzer finds policies of CORS that are too wide.
var Analyzer = &analysis.Analyzer{Name: "cors", Rules: []*analysis.Rule{credentials, wildcard, pattern, reflected}, Run: run}

func run(p *analysis.Pass) {
	p.Apps(func(a *pymodel.App) {
		for _, m := range a.Middleware {
			if strings.HasSuffix(m.Name, ".CORSMiddleware") {
				middleware(p, m)
			}
		}
	})
	p.Modules(func(m *pymodel.Module) {
		for _, a := range m.Assigns {
			for _, t := range a.Node.Targets {
				if sub, ok := t.(*pyast.Subscript); ok {
					reflect(p, a.Scope, a.Node, sub.Slice, a.Node.Value)
				}
			}
		}
		for _, f := range m.Funcs {
			pyast.Walk(f.Body, func(n pyast.Node) bool {
				if d, ok := n.(*pyast.Dict); ok {
					for i, k := range d.Keys {
						if k != nil {
							reflect(p, f.Scope, k, k, d.Values[i])
						}
					}
				}
				return true
			})
		}
	})
}

func reflect(p *analysis.Pass, s *pymodel.Scope, at pyast.Node, key, value pyast.Expr) {
	name, ok := s.Text(key)
	if ok && strings.EqualFold(name, "access-control-allow-origin") && p.Python.Level(s, value) == pymodel.Tainted && !p.Python.Checked(s, value) {
		p.PythonAt(reflected, s.Module, at, "Access-Control-Allow-Origin is what the request says")
	}
}

// argument is what the middleware is given, also in **options.
func argument(m *pymodel.Middleware, name string) (pyast.Expr, *pymodel.Scope) {
	if e := m.Arg(name); e != nil {
		return e, m.Scope
	}
	for _, k := range m.Args {
		if k.Name != "" {
			continue
		}
		if d, at := m.Scope.Dict(k.Value); d != nil {
			if e := at.Entry(d, name); e != nil {
				return e, at
			}
		}
		if made := m.Scope.Made(k.Value); made != nil && m.Scope.Qualified(made.Func) == "builtins.dict" {
			if e := pymodel.Keyword(made, name); e != nil {
				return e, m.Scope
			}
		}
	}
	return nil, m.Scope
}

func middleware(p *analysis.Pass, m *pymodel.Middleware) {
	arg := func(name string) (pyast.Expr, *pymodel.Scope) { return argument(m, name) }
	e, at := arg("allow_credentials")
	creds := e != nil && (at.Is(e, pyast.True) || at.UnsetIs(e, pyast.True))
	e, at = arg("allow_origins")
	origins, _ := at.Texts(e)
	unless := ""
	if len(origins) == 0 && e != nil {
		if origins = at.UnsetTexts(e); slices.Contains(origins, "*") {
			unless = " where the environment does not say otherwise"
		}
	}
	all := slices.Contains(origins, "*")
	e, at = arg("allow_origin_regex")
	re, known := at.Text(e)
	if !known && e != nil {
		re, _ = at.UnsetText(e)
		if !all && re != "" {
			unless = " where the environment does not say otherwise"
		}
	}
	any := anything(re)
	switch {
	case (all || any) && creds && unless != "":
		p.PythonSeverity(credentials, finding.Medium, m.Scope.Module, m.Call, "every origin is allowed%s, with allow_credentials", unless)
	case (all || any) && creds:
		what := `allow_origins is ["*"]`
		if !all {
			what = "allow_origin_regex matches every origin"
		}
		p.PythonAt(credentials, m.Scope.Module, m.Call, "%s, with allow_credentials", what)
	case all || any:
		p.PythonAt(wildcard, m.Scope.Module, m.Call, "every origin is allowed%s", unless)
	case re != "":
		if what := loose(re); what != "" {
			p.PythonAt(pattern, m.Scope.Module, m.Call, "allow_origin_regex %s%s", what, unless)
		}
	}
}

func compile(re string) *regexp.Regexp {
	if re == "" {
		return nil
	}
	r, err := regexp.Compile("^(?:" + re + ")$") // Starlette asks for a full match
	if err != nil {
		return nil
	}
	return r
}

// anything tells whether a pattern matches origins that have nothing in common.
func anything(re string) bool {
	r := compile(re)
	return r != nil && r.MatchString("https://pv.invalid") && r.MatchString("https://qx7.test")
}

// loose tries what a pattern should not match: its own text with another
// character for a dot that is not escaped, and a host behind .*
func loose(re string) string {
	r := compile(re)
	if r == nil {
		return ""
	}
	for i := range len(re) {
		if re[i] == '.' && (i == 0 || re[i-1] != '\\') && i+1 < len(re) && letter(re[i+1]) && i > 0 && (letter(re[i-1]) || re[i-1] == ')' || re[i-1] == '?') && !inClass(re, i) {
			return "has a dot that is not escaped, before " + word(re[i+1:])
		}
	}
	i := strings.Index(re, ".*")
	if i < 0 {
		i = strings.Index(re, ".+")
	}
	if i >= 0 && !inClass(re, i) && (i == 0 || re[i-1] != '\\') {
		rest := strings.TrimLeft(re[i+2:], "?)")
		if rest == "" || letter(rest[0]) {
			return "has .* where the name of a host can go on"
		}
		if strings.HasPrefix(rest, `\.?`) || strings.HasPrefix(rest, "(") {
			return "has .* before a name that need not follow a dot"
		}
	}
	return ""
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func word(s string) string {
	i := 0
	for i < len(s) && letter(s[i]) {
		i++
	}
	return s[:i]
}

func inClass(re string, at int) bool {
	open := strings.LastIndexByte(re[:at], '[')
	return open >= 0 && !strings.Contains(re[open:at], "]")
}
