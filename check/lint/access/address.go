package access

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// An origin is where an address, or a name, comes from.
type origin uint8

const (
	elsewhere origin = iota
	connection
	header
)

// headerRead is the header that an expression reads; "" when it reads none.
func headerRead(s *pymodel.Scope, e pyast.Expr) string {
	var key pyast.Expr
	var from pyast.Expr
	switch x := e.(type) {
	case *pyast.Call:
		a, ok := x.Func.(*pyast.Attribute)
		if !ok || a.Attr != "get" || len(x.Args) == 0 {
			return ""
		}
		key, from = x.Args[0], a.Value
	case *pyast.Subscript:
		key, from = x.Slice, x.Value
	default:
		return ""
	}
	if leaf := analysis.Leaf(from); leaf != "headers" {
		return ""
	}
	text, _ := s.Text(key)
	return strings.ToLower(text)
}

// headerParam is the header that a parameter is filled with.
func headerParam(f *pymodel.Func, name string) string {
	for _, p := range f.Params {
		if p.Name == name {
			if sent, ok := handler.Sent(f, p, "Header"); ok {
				return strings.ReplaceAll(strings.ToLower(sent), "_", "-")
			}
		}
	}
	return ""
}

func forwarded(name string) bool {
	switch name {
	case "x-forwarded-for", "x-real-ip", "x-client-ip", "client-ip", "true-client-ip", "cf-connecting-ip", "x-originating-ip", "x-remote-ip", "x-remote-addr", "forwarded", "x-cluster-client-ip", "x-forwarded-host":
		return true
	}
	return false
}

// A place is a name of a scope, or what its function returns, as many steps
// away.
type place struct {
	scope *pymodel.Scope
	name  string
	depth int
}

// places are what is known of them: a function compares the same names again
// and again.
type places map[place]origin

func (p places) of(at place, find func() origin) origin {
	from, ok := p[at]
	if !ok {
		from = find()
		p[at] = from
	}
	return from
}

// address tells where a value that is an address of the client comes from.
func (known places) address(s *pymodel.Scope, e pyast.Expr, depth int) origin {
	if depth > 8 || e == nil {
		return elsewhere
	}
	if forwarded(headerRead(s, e)) {
		return header
	}
	switch x := e.(type) {
	case *pyast.Attribute:
		if x.Attr == "host" && analysis.Leaf(x.Value) == "client" {
			return connection
		}
	case *pyast.Await:
		return known.address(s, x.Value, depth+1)
	case *pyast.Subscript:
		if a, ok := x.Value.(*pyast.Attribute); ok && a.Attr == "client" {
			return connection
		}
		return known.address(s, x.Value, depth+1)
	case *pyast.BoolOp:
		o := elsewhere
		for _, v := range x.Values {
			o = max(o, known.address(s, v, depth+1))
		}
		return o
	case *pyast.IfExp:
		return max(known.address(s, x.Body, depth+1), known.address(s, x.Orelse, depth+1))
	case *pyast.Call:
		if a, ok := x.Func.(*pyast.Attribute); ok {
			switch a.Attr {
			case "strip", "split", "lower", "partition", "rsplit":
				return known.address(s, a.Value, depth+1)
			}
		}
		sym := s.Symbol(x.Func)
		if strings.HasPrefix(sym.Name, "ipaddress.") && len(x.Args) > 0 {
			return known.address(s, x.Args[0], depth+1)
		}
		if sym.Binding == nil || sym.Binding.Func == nil {
			return elsewhere
		}
		f := sym.Binding.Func
		return known.of(place{f.Scope, "return", depth}, func() origin {
			o := elsewhere
			pyast.Walk(f.Body, func(n pyast.Node) bool {
				if r, ok := n.(*pyast.Return); ok && r.Value != nil {
					o = max(o, known.address(f.Scope, r.Value, depth+1))
				}
				return true
			})
			return o
		})
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || at.Func == nil {
			return elsewhere
		}
		if b.Param && forwarded(headerParam(at.Func, x.ID)) {
			return header
		}
		return known.of(place{at, x.ID, depth}, func() origin {
			o := elsewhere
			for _, d := range at.Defs {
				if d.Name == x.ID {
					o = max(o, known.address(at, d.Value, depth+1))
				}
			}
			return o
		})
	}
	return elsewhere
}

// addresses tells of addresses that decide.
func addresses(p *analysis.Pass) {
	known := places{}
	p.Funcs(func(f *pymodel.Func) {
		said := false
		say := func(n pyast.Node, o origin, loopback bool) {
			if said {
				return
			}
			said = true
			switch {
			case o == header:
				p.PythonAt(clientIP, f.Module, n, "%s decides by a header in which any client writes an address", f.Name)
			case loopback:
				p.PythonAt(clientIP, f.Module, n, "%s lets in whoever comes from this host, and behind a proxy everybody does", f.Name)
			default:
				p.PythonSeverity(clientIP, finding.Medium, f.Module, n, "%s decides by the address of the client", f.Name)
			}
		}
		if counts(f) {
			return
		}
		pyast.Walk(f.Body, func(n pyast.Node) bool {
			switch n := n.(type) {
			case *pyast.FunctionDef, *pyast.ClassDef:
				return false
			case *pyast.Compare:
				if len(n.Ops) != 1 {
					return true
				}
				left, right := n.Left, n.Comparators[0]
				o := known.address(f.Scope, left, 0)
				if o == elsewhere {
					if o = known.address(f.Scope, right, 0); o == elsewhere || n.Ops[0] == pyast.In || n.Ops[0] == pyast.NotIn {
						return true
					}
					right = left
				}
				if loopback, ok := list(f.Scope, right); ok {
					say(n, o, loopback)
				}
			case *pyast.Call:
				a, ok := n.Func.(*pyast.Attribute)
				if ok && a.Attr == "startswith" && len(n.Args) == 1 {
					if o := known.address(f.Scope, a.Value, 0); o != elsewhere {
						if texts, ok := list(f.Scope, n.Args[0]); ok || texts {
							say(n, o, texts)
						}
					}
				}
			case *pyast.Attribute:
				if n.Attr == "is_loopback" || n.Attr == "is_private" {
					if o := known.address(f.Scope, n.Value, 0); o == header || o == connection && n.Attr == "is_loopback" {
						say(n, o, true)
					}
				}
			}
			return true
		})
	})
}

// counts tells whether a function is about something else: it logs, limits,
// or asks whether a proxy may be believed.
func counts(f *pymodel.Func) bool {
	return analysis.Names(f.Name, "log", "rate", "limit", "throttle", "client ip", "real ip", "remote address", "remote addr", "key func", "locate", "country", "get ip", "geo")
}

// list tells whether an expression is a list of addresses that are let in, and
// whether this host is in it.
func list(s *pymodel.Scope, e pyast.Expr) (loopback, ok bool) {
	texts, _ := s.Texts(e)
	if one, known := s.Text(e); known {
		texts = []string{one}
	}
	for _, t := range texts {
		switch {
		case strings.HasPrefix(t, "127.") || t == "localhost" || t == "::1":
			return true, true
		case isAddress(t):
			ok = true
		}
	}
	name := analysis.Leaf(e)
	if analysis.Names(name, "proxy", "proxies", "blocked", "banned", "blacklist", "denylist", "deny", "block", "blocklist") {
		return false, false
	}
	return false, ok || analysis.Names(name, "allowed", "allow", "allowlist", "whitelist", "whitelisted", "trusted", "internal", "ips", "networks", "admin ip", "admin ips")
}

func isAddress(t string) bool {
	if _, err := netip.ParseAddr(t); err == nil {
		return true
	}
	if _, err := netip.ParsePrefix(t); err == nil {
		return true
	}
	// The beginning of one: 10. or 192.168.
	return len(t) > 1 && t[len(t)-1] == '.' && strings.Trim(t, "0123456789.") == ""
}

// identities tells of headers that say who calls.
func identities(p *analysis.Pass, s *handler.Set) {
	guards := guarding(s)
	p.Funcs(func(f *pymodel.Func) {
		if guards[f] && !provesHeader(f) {
			if at, name := vouched(f); at != nil {
				p.PythonAt(headerIdentity, f.Module, at, "%s believes the header %s, which any client writes", f.Name, name)
				return
			}
		}
		if analysis.Names(f.Name, "log", "logging", "rate", "limit", "trace", "correlation", "context") {
			return
		}
		handled := s.Dependencies[f]
		for _, h := range s.Handlers {
			if h.Func != f {
				continue
			}
			handled = true
			// Where somebody is asked by other means, the header is an addition.
			if len(h.Guards) > 0 && !decides(f, "") || slices.ContainsFunc(h.Guards, proves) {
				return
			}
		}
		for _, param := range f.Params {
			name := headerParam(f, param.Name)
			if !handled || !handler.Identity(name) || !decides(f, param.Name) {
				continue
			}
			if !proves(f) {
				p.PythonAt(headerIdentity, f.Module, param.Node, "%s believes the header %s", f.Name, name)
			}
			return
		}
		said := false
		pyast.Walk(f.Body, func(n pyast.Node) bool {
			e, ok := n.(pyast.Expr)
			if !ok || said {
				return !said
			}
			if c, ok := n.(*pyast.Call); ok && logs(&pymodel.Call{Call: c}) {
				return false
			}
			if name := headerRead(f.Scope, e); handler.Identity(name) {
				if sub, ok := e.(*pyast.Subscript); ok && sub.Ctx != pyast.Load {
					return true
				}
				said = true
				if !proves(f) {
					p.PythonAt(headerIdentity, f.Module, e, "%s believes the header %s", f.Name, name)
				}
			}
			return true
		})
	})
}

// proves tells whether a function asks a proxy for its secret, or verifies
// what was signed.
func proves(f *pymodel.Func) bool {
	for _, c := range f.Calls {
		if strings.HasSuffix(c.Name(), "compare_digest") || c.Is("jwt.decode", "jose.jwt.decode") || analysis.Names(c.Method(), "verify", "verify signature", "trusted proxy") {
			return true
		}
	}
	return analysis.Mentions(f.FunctionDef, func(id string) bool {
		return analysis.Names(id, "proxy secret", "gateway secret", "x proxy secret", "x gateway secret", "internal secret", "shared secret", "trusted proxies", "trusted proxy", "signature")
	})
}

// decides tells whether a parameter is more than logged.
func decides(f *pymodel.Func, name string) bool {
	found := false
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Call:
			if logs(&pymodel.Call{Call: n}) {
				return false
			}
		case *pyast.Name:
			found = found || n.ID == name
		case *pyast.Compare:
			if name == "" {
				for _, side := range append([]pyast.Expr{n.Left}, n.Comparators...) {
					found = found || handler.Identity(headerRead(f.Scope, side)) || handler.Identity(headerParam(f, analysis.Leaf(side)))
				}
			}
		}
		return !found
	})
	return found
}
