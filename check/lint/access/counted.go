package access

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

// limitWords are of what counts how often somebody comes.
var limitWords = []string{"rate", "limit", "limits", "limiter", "ratelimit", "ratelimiter", "throttle", "throttled", "attempts", "attempt", "lockout", "brute", "quota", "bucket", "buckets", "hits", "failures", "failed", "banned", "bans", "limited", "windows", "throttled"}

// A claim is where a client's own word about its address is read.
type claim struct {
	m  *pymodel.Module
	at pyast.Node
}

// claims are what is known of places, as places are.
type claims map[place]*claim

func (c claims) of(at place, find func() *claim) *claim {
	from, ok := c[at]
	if !ok {
		from = find()
		c[at] = from
	}
	return from
}

// claimed finds where a value comes from a header in which a client may write
// first: nil where none is, or where the end of it is read, or the proxy known.
func (known claims) claimed(s *pymodel.Scope, e pyast.Expr, depth int) *claim {
	if depth > 8 || e == nil {
		return nil
	}
	next := func(s *pymodel.Scope, e pyast.Expr) *claim { return known.claimed(s, e, depth+1) }
	switch headerRead(s, e) {
	case "x-forwarded-for", "x-real-ip", "x-client-ip", "client-ip", "x-originating-ip", "x-remote-ip", "x-remote-addr", "x-cluster-client-ip":
		if f := s.Enclosing(); f == nil || !believes(f) {
			return &claim{s.Module, e}
		}
		return nil
	}
	switch x := e.(type) {
	case *pyast.Await:
		return next(s, x.Value)
	case *pyast.Subscript:
		if n, known := s.Number(x.Slice); !known || n != 0 {
			return nil
		}
		return next(s, x.Value)
	case *pyast.BoolOp:
		for _, v := range x.Values {
			if c := next(s, v); c != nil {
				return c
			}
		}
	case *pyast.IfExp:
		if c := next(s, x.Body); c != nil {
			return c
		}
		return next(s, x.Orelse)
	case *pyast.JoinedStr:
		for _, v := range x.Values {
			if f, ok := v.(*pyast.FormattedValue); ok {
				if c := next(s, f.Value); c != nil {
					return c
				}
			}
		}
	case *pyast.BinOp:
		if c := next(s, x.Left); c != nil {
			return c
		}
		return next(s, x.Right)
	case *pyast.Tuple:
		for _, v := range x.Elts {
			if c := next(s, v); c != nil {
				return c
			}
		}
	case *pyast.Call:
		if a, ok := x.Func.(*pyast.Attribute); ok {
			switch a.Attr {
			case "strip", "split", "lower", "partition":
				return next(s, a.Value)
			}
		}
		if b := s.Symbol(x.Func).Binding; b != nil && b.Func != nil {
			return known.returns(b.Func, depth+1)
		}
		switch s.Qualified(x.Func) {
		case "builtins.str", "builtins.hash":
			if len(x.Args) == 1 {
				return next(s, x.Args[0])
			}
		case "builtins.next":
			return nil
		}
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || at.Func == nil {
			return nil
		}
		if b.Param {
			if name := headerParam(at.Func, x.ID); name == "x-forwarded-for" || name == "x-real-ip" {
				if !believes(at.Func) {
					return &claim{at.Module, e}
				}
				return nil
			}
			for _, p := range at.Func.Params {
				if p.Name != x.ID {
					continue
				}
				if d, ok := at.Func.ParamDep(p); ok && d.Func != nil {
					return known.returns(d.Func, depth+1)
				}
			}
		}
		return known.of(place{at, x.ID, depth}, func() *claim {
			for _, d := range at.Defs {
				if d.Name == x.ID && !d.Held {
					if c := next(at, d.Value); c != nil {
						return c
					}
				}
			}
			return nil
		})
	}
	return nil
}

func (known claims) returns(f *pymodel.Func, depth int) *claim {
	return known.of(place{f.Scope, "return", depth}, func() *claim {
		for _, r := range f.Results() {
			if c := known.claimed(f.Scope, r, depth); c != nil {
				return c
			}
		}
		return nil
	})
}

// believes tells whether a function asks whether the header may be believed.
func believes(f *pymodel.Func) bool {
	return analysis.Mentions(f.FunctionDef, func(id string) bool {
		return analysis.Names(id, "trust", "trusted", "proxies", "proxy", "proxied", "hops", "hop", "depth")
	})
}

// limits tells of what counts by an address that the client writes itself.
func limits(p *analysis.Pass) {
	known := claims{}
	said := map[pyast.Node]bool{}
	say := func(c *claim, by string) {
		if c == nil || said[c.at] || c.m.Test {
			return
		}
		said[c.at] = true
		p.PythonSeverity(clientIP, finding.Medium, c.m, c.at, "%s counts by an address that any client writes into a header, and so is new each time", by)
	}
	p.Calls(func(c *pymodel.Call) {
		// Limiter(key_func=client_ip), RateLimiter(identifier=client_ip)
		for _, name := range []string{"key_func", "key_function", "identifier", "get_identifier", "key"} {
			e := c.Keyword(name)
			if e == nil || name == "key" && !analysis.Names(c.Method(), limitWords...) {
				continue
			}
			if l, ok := e.(*pyast.Lambda); ok {
				say(known.claimed(c.Scope, l.Body, 0), c.Method())
			} else if b := c.Scope.Symbol(e).Binding; b != nil && b.Func != nil {
				say(known.returns(b.Func, 0), c.Method())
			}
		}
		if c.Method() == "Limiter" && len(c.Args) > 0 {
			if b := c.Scope.Symbol(c.Args[0]).Binding; b != nil && b.Func != nil {
				say(known.returns(b.Func, 0), "Limiter")
			}
		}
		if c.Receiver() != nil && logs(c) {
			return
		}
		// hit_limit("login", client_ip(request)), redis.incr(f"login:{ip}")
		f := c.Scope.Enclosing()
		by := ""
		switch {
		case analysis.Names(c.Method(), limitWords...):
			by = c.Method()
		case slices.Contains([]string{"incr", "incrby", "zadd", "zcard", "hincrby"}, strings.ToLower(c.Method())):
			by = c.Method()
		case f != nil && counter(f) && !c.Is("starlette.exceptions.HTTPException") && !constructs(c):
			by = named(f)
		case f != nil && c.Receiver() != nil && analysis.Names(analysis.Leaf(c.Receiver()), limitWords...):
			by = analysis.Leaf(c.Receiver())
		}
		if by == "" {
			return
		}
		for _, a := range arguments(c.Call) {
			say(known.claimed(c.Scope, a, 0), by)
		}
	})
	p.Funcs(func(f *pymodel.Func) {
		pyast.Walk(f.Body, func(n pyast.Node) bool {
			switch n := n.(type) {
			case *pyast.FunctionDef, *pyast.ClassDef:
				return false
			case *pyast.Subscript:
				// attempts[ip], self.hits[ip]
				if leaf := analysis.Leaf(n.Value); leaf != "headers" && (analysis.Names(leaf, limitWords...) || counter(f)) {
					say(known.claimed(f.Scope, n.Slice, 0), leaf)
				}
			}
			return true
		})
	})
}

// counter tells whether a function, or its class, is one that limits.
func counter(f *pymodel.Func) bool {
	words := []string{"rate", "limit", "limited", "throttled", "limiter", "ratelimit", "throttle", "lockout", "brute"}
	return analysis.Names(f.Name, words...) || f.Class != nil && analysis.Names(f.Class.Name, words...)
}

func named(f *pymodel.Func) string {
	if f.Class != nil {
		return f.Class.Name
	}
	return f.Name
}
