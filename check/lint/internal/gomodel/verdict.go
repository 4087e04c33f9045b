package gomodel

import (
	"go/ast"
	"slices"
	"strings"
)

// verdict is what a call that says true or false tells of its arguments.
func (c *Call) verdict() (yes, no []subject) {
	f := c.File
	last := c.Arg(len(c.Args) - 1)
	switch c.Name {
	case "slices.Contains", "golang.org/x/exp/slices.Contains":
		return f.subjects(last, 0), nil
	case "regexp.MatchString", "regexp.Regexp.MatchString", "regexp.Regexp.Match":
		return f.subjects(last, 0), nil
	case "path/filepath.IsLocal", "io/fs.ValidPath":
		return f.subjects(last, Path|Serve), nil
	case "strings.EqualFold":
		for i := range 2 {
			if _, ok := f.Text(c.Arg(1 - i)); ok {
				return f.subjects(c.Arg(i), 0), nil
			}
		}
	case "strings.Contains", "strings.ContainsAny", "strings.ContainsRune":
		if text, ok := f.Text(last); ok && text == "//" {
			return nil, f.subjects(c.Arg(0), Path|Serve|single)
		} else if ok && (strings.Contains(text, "..") || strings.ContainsAny(text, `/\`)) {
			return nil, f.subjects(c.Arg(0), Path|Serve)
		}
	case "strings.HasPrefix":
		return f.prefix(c.Arg(0), last)
	case "strings.HasSuffix":
		if u := f.subjects(c.Arg(0), Redirect); slices.ContainsFunc(u, func(s subject) bool { return s.use&URL != 0 }) {
			return u, nil
		}
	default:
		if yes, no, ok := c.own(); ok {
			return yes, no
		}
		return c.named()
	}
	return nil, nil
}

// own is what a function of the project tells that does nothing but compare;
// ok tells that it is one.
func (c *Call) own() (yes, no []subject, ok bool) {
	if len(c.targets) != 1 || c.targets[0].Body == nil || len(c.targets[0].Body.List) == 0 {
		return nil, nil, false
	}
	to := c.targets[0]
	list := to.Body.List
	var all []subject
	for _, s := range list[:len(list)-1] { // if … { return false }
		cond, isIf := s.(*ast.IfStmt)
		if !isIf || cond.Init != nil || cond.Else != nil || len(cond.Body.List) != 1 || !answers(cond.Body.List[0], "false") || !to.File.plainly(cond.Cond) {
			return nil, nil, false
		}
		_, n := to.File.condition(cond.Cond, 1)
		all = append(all, n...)
	}
	last, isReturn := list[len(list)-1].(*ast.ReturnStmt)
	if !isReturn || len(last.Results) != 1 || !to.File.plainly(last.Results[0]) {
		return nil, nil, false
	}
	y, n := to.File.condition(last.Results[0], 1)
	all = append(all, y...)
	given := func(list []subject) []subject {
		var out []subject
		for _, s := range list {
			if i := slices.Index(to.Params, s.v); i >= 0 && s.field == "" && c.Arg(i) != nil {
				out = append(out, c.File.subjects(c.Args[i], s.use)...)
			}
		}
		return out
	}
	yes = given(all)
	if len(list) == 1 {
		no = given(n)
	}
	return yes, no, len(yes)+len(no) > 0
}

func answers(s ast.Stmt, with string) bool {
	r, ok := s.(*ast.ReturnStmt)
	return ok && len(r.Results) == 1 && leaf(r.Results[0]) == with
}

// plainly tells whether a condition is made of comparisons and of calls that
// only look at texts.
func (f *File) plainly(e ast.Expr) bool {
	switch e := unparen(e).(type) {
	case *ast.UnaryExpr:
		return f.plainly(e.X)
	case *ast.BinaryExpr:
		return f.plainly(e.X) && f.plainly(e.Y)
	case *ast.CallExpr:
		c := f.calls[e]
		return c != nil && (strings.HasPrefix(c.Name, "strings.") || c.Name == "len")
	case *ast.Ident, *ast.BasicLit, *ast.IndexExpr:
		return true
	}
	return false
}

// prefix is what a prefix tells: of a path, that it stays below a folder; of a
// URL, where it goes, when the host is in it.
func (f *File) prefix(e, with ast.Expr) (yes, no []subject) {
	text, known := f.Text(with)
	switch {
	case !known:
		return f.subjects(e, Path|Serve|URL|Redirect), nil
	case text == "/":
		return f.subjects(e, slash), f.subjects(e, Path|Serve)
	case strings.HasPrefix(text, "//"):
		return nil, f.subjects(e, single)
	case strings.HasPrefix(text, "..") || text == `\`:
		return nil, f.subjects(e, Path|Serve)
	}
	u := Path | Serve
	if _, rest, ok := strings.Cut(text, "://"); ok && rest != "" {
		u |= URL | Redirect
	} else if strings.HasPrefix(text, "/") && text != `/\` {
		u |= Redirect
	}
	return f.subjects(e, u), nil
}

// named is what a function tells by its name: that a value is right, or that
// it is not.
func (c *Call) named() (yes, no []subject) {
	name := strings.ToLower(c.Method())
	f := c.File
	of := func(u Use) []subject {
		var out []subject
		for _, a := range c.Args {
			f.subject(a, u, 0, &out)
		}
		if recv := c.Receiver(); recv != nil && len(c.Args) == 0 {
			f.subject(recv, u, 0, &out)
		}
		return out
	}
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
	}
	switch {
	case has("invalid", "unsafe", "notallowed", "disallowed", "block", "private", "internal", "forbidden", "denied", "loopback", "linklocal", "malicious", "dangerous", "traversal", "reserved"):
		return nil, of(Path | Serve | URL | Redirect)
	case has("valid", "allow", "permit", "safe", "whitelist", "alphanum", "isslug", "isident", "isalpha", "isnumeric", "supported", "inset", "contains", "includes", "inslice", "inlist", "oneof", "member"):
		return of(0), nil
	case strings.HasPrefix(name, "within"), strings.HasPrefix(name, "inside"), strings.HasPrefix(name, "isin"), strings.HasPrefix(name, "islocal"), strings.HasPrefix(name, "issub"), strings.HasPrefix(name, "isrel"):
		return of(Path | Serve | URL | Redirect), nil
	case has("public") && strings.HasPrefix(name, "is"):
		return of(URL), nil
	}
	return nil, nil
}

// succeeded is what is known where a call gave no error: that a parser read
// its argument, or that a function which checks is content.
func (c *Call) succeeded() []subject {
	switch c.Name {
	case "strconv.Atoi", "strconv.ParseInt", "strconv.ParseUint", "strconv.ParseBool", "strconv.ParseFloat", "time.Parse", "time.ParseDuration", "github.com/google/uuid.Parse", "github.com/google/uuid.Validate", "github.com/gofrs/uuid.FromString", "net/netip.ParseAddr":
		return c.File.subjects(c.Arg(len(c.Args)-1), 0)
	case "path/filepath.Rel", "net/url.Parse", "net/url.ParseRequestURI":
		return nil
	}
	name := strings.ToLower(c.Method())
	u := Path | Serve | URL | Redirect
	switch {
	case strings.Contains(name, "valid"), strings.Contains(name, "allow"), strings.Contains(name, "sanit"), strings.Contains(name, "permit"):
		u = 0
	case strings.HasPrefix(name, "check"), strings.HasPrefix(name, "ensure"), strings.HasPrefix(name, "verify"), strings.HasPrefix(name, "assert"), strings.HasPrefix(name, "guard"), strings.HasPrefix(name, "must"), strings.HasPrefix(name, "reject"):
		if strings.Contains(name, "pass") || strings.Contains(name, "token") || strings.Contains(name, "auth") || strings.Contains(name, "user") {
			return nil
		}
	default:
		return nil
	}
	var out []subject
	for _, a := range c.Args {
		c.File.subject(a, u, 0, &out)
	}
	if recv := c.Receiver(); recv != nil && len(c.Args) == 0 {
		c.File.subject(recv, u, 0, &out)
	}
	return out
}
