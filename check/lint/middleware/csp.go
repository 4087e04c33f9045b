package middleware

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// contentPolicies looks at the texts of content security policies, wherever a
// header is made: in tables, lists of pairs, assignments and calls.
func contentPolicies(p *analysis.Pass, m *pymodel.Module) {
	said := map[pyast.Node]bool{}
	pair := func(key, value pyast.Expr) {
		if key == nil || value == nil || said[value] {
			return
		}
		s := scopeAt(m, value)
		name, ok := s.Const(key)
		if !ok || !strings.EqualFold(name.Text, "Content-Security-Policy") {
			return
		}
		said[value] = true
		if documentation(m, value) {
			return
		}
		if why := weakPolicy(directives(s, value)); why != "" {
			p.PythonAt(cspWeak, m, value, "%s", why)
		}
	}
	pyast.Walk(m.File.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Dict:
			for i, k := range n.Keys {
				pair(k, n.Values[i])
			}
		case *pyast.Tuple:
			if len(n.Elts) == 2 {
				pair(n.Elts[0], n.Elts[1])
			}
		case *pyast.Call:
			if len(n.Args) == 2 {
				pair(n.Args[0], n.Args[1])
			}
		case *pyast.Assign:
			for _, t := range n.Targets {
				if sub, ok := t.(*pyast.Subscript); ok {
					pair(sub.Slice, n.Value)
				}
			}
		}
		return true
	})
}

// scopeAt is the scope of the function that a node stands in.
func scopeAt(m *pymodel.Module, n pyast.Node) *pymodel.Scope {
	best := m.Scope
	for _, f := range m.Funcs {
		if f.Pos() <= n.Pos() && n.End() <= f.End() && (best.Func == nil || best.Func.Pos() <= f.Pos()) {
			best = f.Scope
		}
	}
	return best
}

// documentation tells whether a policy is that of the pages of FastAPI which
// show the API: they have a script within.
func documentation(m *pymodel.Module, value pyast.Expr) bool {
	docs := func(n pyast.Node) bool {
		return analysis.Mentions(n, func(id string) bool {
			return analysis.Names(id, "docs", "doc", "redoc", "swagger", "openapi", "scalar")
		})
	}
	if docs(value) {
		return true
	}
	found := false
	analysis.Surround(m.File.Body, func(n pyast.Node, in []pyast.Node) {
		if n != pyast.Node(value) {
			return
		}
		for _, around := range in {
			switch x := around.(type) {
			case *pyast.If:
				found = found || docs(x.Test)
			case *pyast.IfExp:
				found = found || docs(x.Test)
			case *pyast.FunctionDef:
				found = found || analysis.Names(x.Name, "docs", "redoc", "swagger")
			case *pyast.ClassDef:
				found = found || analysis.Names(x.Name, "docs", "redoc", "swagger")
			case *pyast.Assign:
				found = found || docs(x.Targets[0])
			}
		}
	})
	return found
}

// directives are those of a policy, by their names; what is not known of them
// stands as …. They are nil when the policy is not known.
func directives(s *pymodel.Scope, value pyast.Expr) map[string][]string {
	var text strings.Builder
	if v, ok := s.Const(value); ok {
		text.WriteString(v.Text)
	} else if v, ok := s.UnsetText(value); ok {
		text.WriteString(v)
	} else {
		e := value
		if c, ok := e.(*pyast.Call); ok {
			if a, ok := c.Func.(*pyast.Attribute); ok && a.Attr == "encode" {
				e = a.Value // "default-src …".encode()
			}
		}
		if made, at := joined(s, e); made != nil {
			return written(at, made)
		}
		if list, at := parts(s, e); list != nil {
			for _, x := range list {
				known, ok := at.Text(x)
				if !ok {
					known = pieces(at, x)
				}
				text.WriteString(known + ";")
			}
		} else {
			text.WriteString(pieces(s, e))
		}
	}
	out := map[string][]string{}
	for d := range strings.SplitSeq(text.String(), ";") {
		words := strings.Fields(strings.ToLower(d))
		if len(words) > 0 && out[words[0]] == nil {
			out[words[0]] = append([]string{}, words[1:]...)
		}
	}
	return out
}

func pieces(s *pymodel.Scope, e pyast.Expr) string {
	var text strings.Builder
	for _, piece := range s.Pieces(e) {
		if piece.Expr == nil {
			text.WriteString(piece.Text)
		} else {
			text.WriteString("…")
		}
	}
	return text.String()
}

// parts are the elements of "; ".join([…]).
func parts(s *pymodel.Scope, e pyast.Expr) ([]pyast.Expr, *pymodel.Scope) {
	c := s.Made(e)
	if c == nil || len(c.Args) != 1 {
		return nil, nil
	}
	a, ok := c.Func.(*pyast.Attribute)
	if !ok || a.Attr != "join" {
		return nil, nil
	}
	return s.List(c.Args[0])
}

// joined is the dict in "; ".join(f"{k} {v}" for k, v in POLICY.items()).
func joined(s *pymodel.Scope, e pyast.Expr) (*pyast.Dict, *pymodel.Scope) {
	c := s.Made(e)
	if c == nil || len(c.Args) != 1 {
		return nil, nil
	}
	var gens []*pyast.Comprehension
	switch x := c.Args[0].(type) {
	case *pyast.GeneratorExp:
		gens = x.Generators
	case *pyast.ListComp:
		gens = x.Generators
	}
	if len(gens) != 1 {
		return nil, nil
	}
	items, ok := gens[0].Iter.(*pyast.Call)
	if !ok {
		return nil, nil
	}
	a, ok := items.Func.(*pyast.Attribute)
	if !ok || a.Attr != "items" {
		return nil, nil
	}
	return s.Dict(a.Value)
}

// written are the directives of a dict.
func written(s *pymodel.Scope, d *pyast.Dict) map[string][]string {
	out := map[string][]string{}
	for i, k := range d.Keys {
		name, ok := s.Text(k)
		if k == nil || !ok {
			continue
		}
		if text, ok := s.Text(d.Values[i]); ok {
			out[strings.ToLower(name)] = strings.Fields(strings.ToLower(text))
		} else if list, all := s.Texts(d.Values[i]); all {
			out[strings.ToLower(name)] = list
		} else {
			out[strings.ToLower(name)] = []string{"…"}
		}
	}
	return out
}

// weakPolicy is why a policy lets scripts of strangers run; "" when it does not.
func weakPolicy(have map[string][]string) string {
	name := ""
	for _, n := range []string{"script-src-elem", "script-src", "default-src"} {
		if have[n] != nil {
			name = n
			break
		}
	}
	// One that says nothing of scripts is there for something else, as
	// frame-ancestors is.
	if name == "" {
		return ""
	}
	list := have[name]
	// A nonce or a hash switches 'unsafe-inline' off, and 'strict-dynamic' the
	// lists of hosts: they stand there for old browsers.
	if slices.ContainsFunc(list, func(w string) bool {
		return strings.Contains(w, "…") || strings.HasPrefix(w, "'nonce-") || strings.HasPrefix(w, "'sha") || w == "'strict-dynamic'" || strings.ContainsAny(w, "{%$")
	}) {
		return ""
	}
	for _, w := range list {
		switch w {
		case "*", "http:", "https:", "http://*", "https://*":
			return name + " lets scripts of every host run: " + w
		case "data:":
			return name + " lets a script be written into an address: data:"
		case "'unsafe-inline'":
			return name + " lets scripts within the page run: 'unsafe-inline'"
		case "'unsafe-eval'":
			return name + " lets texts be run as scripts: 'unsafe-eval'"
		}
	}
	return ""
}
