package pymodel

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// A Dep is a dependency.
type Dep struct {
	Name     string // in full
	Func     *Func
	Class    *Class
	Security bool // by Security(…), or one of fastapi.security
	Scheme   bool // one of fastapi.security itself: it verifies nothing
	// Expr is what stands in Depends(…); nil when nothing does.
	Expr pyast.Expr
}

// depsIn reads dependencies=[Depends(…), …].
func (s *Scope) depsIn(e pyast.Expr) []Dep {
	if e == nil {
		return nil
	}
	var out []Dep
	list, at := s.List(e)
	for _, x := range list {
		if d, ok := at.dep(x); ok {
			out = append(out, d)
		}
	}
	return out
}

// dep reads Depends(f) or Security(f).
func (s *Scope) dep(e pyast.Expr) (Dep, bool) {
	if n, ok := e.(*pyast.Name); ok {
		sym := s.Symbol(n)
		if sym.Binding == nil || sym.Binding.Value == nil {
			return Dep{}, false
		}
		e, s = sym.Binding.Value, sym.Scope
	}
	c, ok := e.(*pyast.Call)
	if !ok {
		return Dep{}, false
	}
	d := Dep{}
	switch s.Qualified(c.Func) {
	case "fastapi.Depends":
	case "fastapi.Security":
		d.Security = true
	default:
		return Dep{}, false
	}
	d.Expr = Arg(c, 0, "dependency")
	if d.Expr == nil {
		return d, true
	}
	target := d.Expr
	if made, ok := target.(*pyast.Call); ok {
		target = made.Func // RoleChecker("admin"), a factory or an instance
	}
	sym := s.Symbol(target)
	d.Name = sym.Name
	if sym.Binding != nil {
		d.Func, d.Class = sym.Binding.Func, sym.Binding.Class
		if sym.Binding.Value != nil {
			t := sym.Scope.TypeOf(sym.Binding.Value)
			d.Class = t.Class
			if strings.HasPrefix(t.Name, "fastapi.security.") {
				d.Security, d.Scheme = true, true
			}
			if t.Name != "" && d.Name == "" {
				d.Name = t.Name
			}
		}
	}
	if strings.HasPrefix(s.TypeOf(d.Expr).Name, "fastapi.security.") {
		d.Security, d.Scheme = true, true
	}
	return d, true
}

// fieldDeps are those of a class whose methods are routes: of its fields, and
// of what it derives from.
func (c *Class) fieldDeps(out []Dep, depth int) []Dep {
	if depth > maxFollow {
		return out
	}
	for _, f := range c.Fields {
		list, at := []pyast.Expr(nil), c.Scope
		if f.Annotation != nil {
			list, at = c.Scope.Annotated(f.Annotation)
		}
		if f.Value != nil {
			list, at = append(slices.Clone(list), f.Value), c.Scope
		}
		for _, e := range list {
			if d, ok := at.dep(e); ok {
				out = d.below(append(out, d), 0)
			}
		}
	}
	for _, base := range c.Bases {
		if up := c.Outer.Symbol(generic(base)); up.Binding != nil && up.Binding.Class != nil && up.Binding.Class != c {
			out = up.Binding.Class.fieldDeps(out, depth+1)
		}
	}
	if b := c.Scope.Names["__init__"]; b != nil && b.Func != nil {
		out = b.Func.allDeps(out, 0)
	}
	return out
}

// ParamDep is the dependency that fills a parameter.
func (f *Func) ParamDep(p *Param) (Dep, bool) {
	if p.Default != nil {
		if d, ok := f.Outer.dep(p.Default); ok {
			if d.Expr == nil {
				t := f.Outer.Annotation(p.Annotation)
				d.Name, d.Class = t.Name, t.Class
			}
			return d, true
		}
	}
	if p.Annotation != nil {
		list, at := f.Outer.Annotated(p.Annotation)
		for _, e := range list {
			if d, ok := at.dep(e); ok {
				if d.Expr == nil {
					t := f.Outer.Annotation(p.Annotation)
					d.Name, d.Class = t.Name, t.Class
				}
				return d, true
			}
		}
	}
	return Dep{}, false
}

// allDeps are those of a function, and of what it depends on.
func (f *Func) allDeps(out []Dep, depth int) []Dep {
	for _, p := range f.Params {
		d, ok := f.ParamDep(p)
		if !ok {
			continue
		}
		out = append(out, d)
		out = d.below(out, depth)
	}
	return out
}

func (d Dep) below(out []Dep, depth int) []Dep {
	if depth > maxFollow {
		return out
	}
	if d.Func != nil {
		out = d.Func.allDeps(out, depth+1)
	}
	if d.Class != nil {
		for _, name := range []string{"__call__", "__init__"} {
			if b := d.Class.Scope.Names[name]; b != nil && b.Func != nil {
				out = b.Func.allDeps(out, depth+1)
			}
		}
	}
	return out
}

// Authenticated tells whether the route depends on who calls: on a scheme of
// fastapi.security, or on a function that is called so.
func (r *Route) Authenticated() bool {
	return slices.ContainsFunc(r.Deps, Dep.Authenticates)
}

// Authenticates tells whether a dependency is one on who calls.
func (d Dep) Authenticates() bool {
	if d.Security || strings.HasPrefix(d.Name, "fastapi.security.") && !strings.Contains(d.Name, "RequestForm") {
		return true
	}
	return authWord(d.Name[strings.LastIndexByte(d.Name, '.')+1:])
}

// Words splits an identifier into its words, in lower case.
func Words(name string) []string {
	out := make([]string, 0, 4)
	eachWord(name, func(word string) { out = append(out, strings.ToLower(word)) })
	return out
}

// Spaced is an identifier's words in small letters, each with a space before
// and behind it.
func Spaced(name string) string {
	var b strings.Builder
	b.Grow(len(name) + 8)
	b.WriteByte(' ')
	eachWord(name, func(word string) {
		for i := range len(word) {
			c := word[i]
			if c >= utf8.RuneSelf {
				b.WriteString(strings.ToLower(word[i:]))
				break
			}
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			b.WriteByte(c)
		}
		b.WriteByte(' ')
	})
	return b.String()
}

func eachWord(name string, f func(word string)) {
	start := 0
	flush := func(i int) {
		if i > start {
			f(name[start:i])
		}
		start = i
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c < 0x80 && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z'):
			flush(i)
			start = i + 1
		case c >= 'A' && c <= 'Z' && i > 0 && (name[i-1] >= 'a' && name[i-1] <= 'z' || i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z'):
			flush(i)
		}
	}
	flush(len(name))
}

func authWord(name string) bool {
	return slices.ContainsFunc(Words(name), func(w string) bool {
		switch w {
		case "auth", "authenticated", "authenticate", "authenticator", "authorize", "authorized", "authorization", "authentication", "user", "superuser", "token", "identity", "principal", "permission", "permissions", "role", "roles",
			"admin", "login", "logged", "credentials", "apikey", "jwt", "bearer", "subject", "session", "account", "oauth", "oauth2", "member", "scope", "scopes", "me", "caller":
			return w != "session" || strings.Contains(strings.ToLower(name), "user")
		case "key":
			return strings.Contains(strings.ToLower(name), "api")
		}
		return false
	})
}
