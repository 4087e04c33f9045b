package output

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// responseHeaders looks at headers that are given to what makes a response,
// and at methods of its headers.
func responseHeaders(p *analysis.Pass, c *pymodel.Call) {
	if a, ok := c.Func.(*pyast.Attribute); ok && isHeaders(c.Scope, a.Value) {
		switch a.Attr {
		case "append", "setdefault":
			oneHeader(p, c.Scope, c.Arg(0, "key"), c.Arg(1, "value"), c.Call)
		case "update":
			d, at := c.Scope.Dict(c.Arg(0, ""))
			dict(p, at, d)
		}
		return
	}
	e := c.Keyword("headers")
	if e == nil || !isResponse(c.Scope, c.Call) && !c.Is("starlette.exceptions.HTTPException") {
		return
	}
	d, at := c.Scope.Dict(e)
	dict(p, at, d)
	// headers = {}; headers["X"] = …
	if n, ok := e.(*pyast.Name); ok {
		for _, a := range c.Module.Assigns {
			for _, t := range a.Node.Targets {
				if sub, ok := t.(*pyast.Subscript); ok && a.Scope == c.Scope {
					if base, ok := sub.Value.(*pyast.Name); ok && base.ID == n.ID {
						oneHeader(p, a.Scope, sub.Slice, a.Node.Value, a.Node)
					}
				}
			}
		}
	}
}

func dict(p *analysis.Pass, s *pymodel.Scope, d *pyast.Dict) {
	if d == nil {
		return
	}
	for i, k := range d.Keys {
		if k != nil {
			oneHeader(p, s, k, d.Values[i], d.Values[i])
		}
	}
}

// setHeader looks at response.headers["X"] = value.
func setHeader(p *analysis.Pass, s *pymodel.Scope, sub *pyast.Subscript, value pyast.Expr) {
	if isHeaders(s, sub.Value) {
		oneHeader(p, s, sub.Slice, value, sub)
	}
}

// isHeaders tells whether a value is the headers of a response.
func isHeaders(s *pymodel.Scope, e pyast.Expr) bool {
	a, ok := e.(*pyast.Attribute)
	if !ok || a.Attr != "headers" {
		return false
	}
	if analysis.Names(analysis.Leaf(a.Value), "response", "resp", "res") {
		return true
	}
	return s.TypeOf(a.Value).IsA("starlette.responses.Response", "starlette.responses.JSONResponse", "starlette.responses.StreamingResponse", "starlette.responses.FileResponse")
}

func oneHeader(p *analysis.Pass, s *pymodel.Scope, key, value pyast.Expr, at pyast.Node) {
	if key == nil || value == nil {
		return
	}
	name, known := s.Text(key)
	switch strings.ToLower(name) {
	case "location":
		target(p, s, value, at)
		return
	case "access-control-allow-origin":
		return // cors speaks of it
	}
	if !known && breaks(p, s, key) {
		p.PythonAt(header, s.Module, at, "the request names a header of the response")
		return
	}
	if breaks(p, s, value) && !admins(p, s.Enclosing()) {
		if name == "" {
			name = "a header"
		}
		p.PythonAt(header, s.Module, at, "text of the request goes into %s as it came", name)
	}
}

// admins tells whether only those who run the service reach a route.
func admins(p *analysis.Pass, f *pymodel.Func) bool {
	return slices.ContainsFunc(p.Python.Routes, func(r *pymodel.Route) bool {
		return r.Func == f && slices.ContainsFunc(r.Deps, func(d pymodel.Dep) bool {
			return analysis.Names(d.Name[strings.LastIndexByte(d.Name, '.')+1:], "admin", "superuser")
		})
	})
}

// breaks tells whether text of the request with a line break may be in a
// value. What came in a header has none.
func breaks(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr) bool {
	return raw(p, s, e, 0) && !fromHeaders(s, e, 0)
}

func fromHeaders(s *pymodel.Scope, e pyast.Expr, depth int) bool {
	if depth > 6 {
		return false
	}
	found := false
	pyast.Inspect(e, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Attribute:
			found = found || n.Attr == "headers" || n.Attr == "cookies" || n.Attr == "url" || n.Attr == "base_url"
		case *pyast.Name:
			_, at := s.Lookup(n.ID)
			if at != nil && at.Func != nil && fromHeader(at.Func, n.ID) {
				found = true
			}
			for _, d := range defs(s, n) {
				if !pymodel.Uses(d, n.ID) && fromHeaders(s, d, depth+1) {
					found = true
				}
			}
		}
		return !found
	})
	return found
}

var levels = []string{"debug", "info", "warning", "warn", "error", "critical", "exception", "log", "success"}

// logging tells once of text of requests in the log.
func logging(p *analysis.Pass) {
	structured := false
	p.Modules(func(m *pymodel.Module) {
		for _, b := range m.Scope.Names {
			name, _, _ := strings.Cut(b.Import, ".")
			switch name {
			case "structlog", "pythonjsonlogger", "json_log_formatter", "json_logging", "jsonformatter", "ecs_logging", "logfire":
				structured = true
			}
		}
	})
	if structured {
		return
	}
	var first *pymodel.Call
	count := 0
	p.Calls(func(c *pymodel.Call) {
		if c.Keyword("serialize") != nil && c.Method() == "add" {
			structured = true // loguru, in JSON
		}
		if !slices.Contains(levels, c.Method()) || !isLogger(c) {
			return
		}
		message := 0
		if c.Method() == "log" {
			message = 1
		}
		if len(c.Args) <= message {
			return
		}
		text, known := c.Scope.Text(c.Args[message])
		if raw(p, c.Scope, c.Args[message], 0) || known && strings.Contains(text, "%s") && slices.ContainsFunc(c.Args[message+1:], func(e pyast.Expr) bool { return raw(p, c.Scope, e, 0) }) {
			count++
			if first == nil {
				first = c
			}
		}
	})
	if first == nil || structured {
		return
	}
	p.PythonAt(logs, first.Module, first, "text of the request goes into the log with its line breaks (%s)", times(count))
}

func times(n int) string {
	if n == 1 {
		return "in one place"
	}
	return strings.Replace("here and in N more", "N", itoa(n-1), 1)
}

func isLogger(c *pymodel.Call) bool {
	if strings.HasPrefix(c.Name(), "logging.") || strings.HasPrefix(c.Name(), "loguru.logger.") {
		return true
	}
	r := c.Receiver()
	return r != nil && analysis.Names(analysis.Leaf(r), "logger", "log", "logging")
}
