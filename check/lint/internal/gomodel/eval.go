package gomodel

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// Level is how much of a value a client chose.
func (f *File) Level(e ast.Expr) Level {
	if f.Test {
		return Clean
	}
	return f.eval(e).given().whole().level
}

// Reaches tells whether a text that a client chose gets to where it is used,
// and was not made fit for that use.
func (f *File) Reaches(e ast.Expr, u Use) bool {
	if f.Test {
		return false
	}
	v := f.eval(e).given().whole()
	return v.level == Tainted && v.safe&u == 0
}

// isRequest tells whether a value is a request that came in.
func (f *File) isRequest(e ast.Expr) bool { return requests[f.TypeOf(e)] && !f.outgoing(e, 0) }

// outgoing tells whether a request is one that the program sends.
func (f *File) outgoing(e ast.Expr, depth int) bool {
	id, ok := unstar(unparen(e)).(*ast.Ident)
	if !ok || depth > maxFollow || f.uses[id] == nil {
		return false
	}
	v := f.uses[id]
	if v.Param && v.owner != nil {
		if v.owner.Name == "RoundTrip" {
			return true
		}
		return f.handedOut(v, depth+1)
	}
	return slices.ContainsFunc(v.defs, func(d *def) bool {
		c, ok := unparen(d.value).(*ast.CallExpr)
		if !ok {
			return false
		}
		call := v.File.calls[c]
		return call != nil && (strings.HasPrefix(call.Name, "net/http.NewRequest") || call.Name == "net/http/httptest.NewRequest" || len(call.targets) > 0)
	})
}

// handedOut tells whether all callers give a parameter requests to be sent.
func (f *File) handedOut(v *Var, depth int) bool {
	at := slices.Index(v.owner.Params, v)
	sites := f.Project.sites[v.owner]
	if at < 0 || len(sites) == 0 {
		return false
	}
	for _, c := range sites {
		if c.Arg(at) == nil || !c.File.outgoing(c.Args[at], depth) {
			return false
		}
	}
	return true
}

// eval is what is known of where a value came from.
func (f *File) eval(e ast.Expr) value {
	v := f.origin(e)
	if (v.level > Clean || len(v.deps) > 0) && f.Project.Scalar(f.TypeOf(e)) {
		return v.typed()
	}
	return v
}

func (f *File) origin(e ast.Expr) value {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return f.eval(e.X)
	case *ast.StarExpr:
		return f.eval(e.X)
	case *ast.UnaryExpr:
		return f.eval(e.X)
	case *ast.BinaryExpr:
		switch e.Op {
		case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ, token.LAND, token.LOR:
			return value{}
		}
		return f.eval(e.X).whole().base(f.eval(e.Y).whole())
	case *ast.IndexExpr:
		return f.eval(e.X).whole()
	case *ast.SliceExpr:
		return f.eval(e.X)
	case *ast.TypeAssertExpr:
		return f.eval(e.X)
	case *ast.CompositeLit:
		return f.literal(e)
	case *ast.Ident:
		if v := f.uses[e]; v != nil {
			return v.at(e.Pos())
		}
	case *ast.SelectorExpr:
		return f.selector(e)
	case *ast.CallExpr:
		return f.callValue(e, 0)
	}
	return value{}
}

// literal keeps the fields of a struct apart.
func (f *File) literal(e *ast.CompositeLit) value {
	var out value
	for _, x := range e.Elts {
		kv, ok := x.(*ast.KeyValueExpr)
		if !ok {
			out = out.base(f.eval(x).whole())
			continue
		}
		id, named := kv.Key.(*ast.Ident)
		if named && f.uses[id] == nil {
			out = out.with(id.Name, f.eval(kv.Value))
		} else {
			out = out.base(f.eval(kv.Value).whole()).base(f.eval(kv.Key).whole())
		}
	}
	return out
}

func (f *File) selector(e *ast.SelectorExpr) value {
	if x, ok := e.X.(*ast.Ident); ok && f.uses[x] == nil {
		if k := f.own[x.Name]; k != nil {
			if d := k.names[e.Sel.Name]; d != nil && d.v != nil {
				return d.v.at(token.NoPos)
			}
			return value{}
		}
	}
	if f.isRequest(e.X) {
		switch {
		case notSent(f.TypeOf(e.X), e.Sel.Name):
			return value{}
		case ofURL(e.Sel.Name):
			return tainted(Redirect | Serve)
		}
		return tainted(0)
	}
	v := f.eval(e.X).field(e.Sel.Name)
	if e.Sel.Name == "Filename" && f.TypeOf(e.X) == "mime/multipart.FileHeader" {
		return v.safeFor(Path | Serve) // the base of what was sent
	}
	return v
}

// at is what a variable holds at a place.
func (v *Var) at(p token.Pos) value {
	var cur value
	if v.Param && !requests[v.typeOf(0)] {
		cur.deps = []dep{{v: v}}
	}
	v.sort()
	if v.Func == nil || v.captured(p) {
		for _, d := range v.defs {
			cur = d.apply(cur, false)
		}
		return v.checked(cur, p, nil)
	}
	killer := -1
	for i, d := range v.defs {
		if d.pos <= p && d.whole() && d.block.holds(p) {
			killer = i
		}
	}
	var last *def
	if killer >= 0 {
		last = v.defs[killer]
		cur = last.val
	}
	for _, d := range v.defs[killer+1:] {
		switch {
		case d.pos <= p:
			cur = d.apply(cur, d.block.holds(p))
		case v.again(d, last, p):
			cur = d.apply(cur, false)
		}
	}
	return v.checked(cur, p, last)
}

// sort brings the definitions into the order of the source.
func (v *Var) sort() {
	if !v.sorted {
		slices.SortStableFunc(v.defs, func(a, b *def) int { return int(a.pos - b.pos) })
		v.sorted = true
	}
}

func (d *def) whole() bool { return d.field == "" && d.form != added && d.form != filled }

// apply is a value after a definition; certain tells that it was reached.
func (d *def) apply(cur value, certain bool) value {
	switch {
	case d.field != "" && certain && d.form == assigned:
		return cur.with(d.field, d.val)
	case d.field != "":
		return cur.with(d.field, cur.field(d.field).join(d.val.whole()))
	}
	return cur.join(d.val)
}

// again tells whether a loop brings a later definition to a place.
func (v *Var) again(d, killer *def, p token.Pos) bool {
	return slices.ContainsFunc(v.Func.loops, func(l span) bool {
		return l.holds(p) && l.holds(d.pos) && (killer == nil || killer.pos < l.from)
	})
}

// captured tells whether a place is in a function within the variable's own.
func (v *Var) captured(p token.Pos) bool {
	return slices.ContainsFunc(v.Func.inner, func(in *Func) bool { return spanOf(in.Node).holds(p) })
}

// callValue is what is known of one of a call's results.
func (f *File) callValue(e *ast.CallExpr, i int) value {
	c := f.calls[e]
	if c == nil {
		return value{}
	}
	v := c.value(i)
	if len(v.deps) > 0 || v.level > Clean {
		if f.Project.Scalar(f.resultType(e, i, 0)) {
			return v.typed()
		}
	}
	return v
}

func (c *Call) value(i int) value {
	f := c.File
	if f.isType(c.Fun) {
		if len(c.Args) == 1 {
			return f.eval(c.Args[0])
		}
		return value{}
	}
	quoting := quotes(c.Method())
	if len(c.targets) > 0 {
		var out value
		for _, to := range c.targets {
			if i < len(to.sum.results) {
				out = out.join(to.sum.results[i].put(&arguments{call: c, to: to}))
			}
		}
		if quoting {
			return out.typed()
		}
		return out
	}
	recv := c.Receiver()
	if recv != nil && f.isRequest(recv) {
		return c.sent(f.TypeOf(recv), i)
	}
	switch {
	case typed[c.Name], quoting, c.Name == "strings.Map":
		return c.given(i).typed()
	case makesSafe[c.Name] != 0:
		return c.given(i).safeFor(makesSafe[c.Name])
	case pathParams[c.Name]:
		return tainted(Serve)
	case recv != nil:
		return c.ofReceiver(recv, i)
	}
	switch c.Name {
	case "append", "min", "max", "cmp.Or":
		return c.given(0)
	case "fmt.Sprintf":
		return c.sprintf()
	case "path/filepath.Clean", "path.Clean", "path/filepath.Join", "path.Join":
		if f.rooted(c) {
			return c.given(i).safeFor(Path | Serve)
		}
	}
	switch {
	case !strings.Contains(c.Name, "."):
		return value{} // of the language, or held in a variable
	case carry(c.Name):
		return c.given(i)
	}
	return c.given(i).typed()
}

// given is what the arguments of a call are. Of several results it is the
// first, and those whose type is known.
func (c *Call) given(i int) value {
	if i > 0 && results[c.Name+"#"+string(rune('0'+i%10))] == "" {
		return value{}
	}
	var out value
	for _, a := range c.Args {
		if requests[c.File.TypeOf(a)] {
			continue
		}
		out = out.base(c.File.eval(a).whole())
	}
	return out
}

// sprintf is what a format makes: of what is written as a number, no text.
func (c *Call) sprintf() value {
	if len(c.Args) == 0 {
		return value{}
	}
	format, ok := c.File.Text(c.Args[0])
	if !ok || strings.ContainsAny(format, "[*") {
		return c.given(0)
	}
	var out value
	next := 1
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		for i++; i < len(format) && strings.IndexByte("+-# 0123456789.", format[i]) >= 0; i++ {
		}
		if i >= len(format) || format[i] == '%' || next >= len(c.Args) {
			continue
		}
		v := c.File.eval(c.Args[next]).whole()
		next++
		if strings.IndexByte("dxXtfFeEgGbocUp", format[i]) >= 0 {
			v = v.typed()
		}
		out = out.base(v)
	}
	return out
}

// sent is what a method of a request gives.
func (c *Call) sent(t string, i int) value {
	method := c.Method()
	switch {
	case i > 0 && method != "BasicAuth" && results[c.Name+"#"+string(rune('0'+i%10))] == "":
		return value{}
	case pathParams[c.Name]:
		return tainted(Serve)
	case notSent(t, method):
		return value{}
	}
	return tainted(0)
}

// leads is the text of a URL whose host is known apart: where it leads is what
// the host says.
func (a value) leads(host value) value {
	switch {
	case len(host.deps) > 0:
		return a
	case host.level < Tainted:
		return a.safeFor(URL | Redirect)
	}
	return a.safeFor(host.safe & (URL | Redirect))
}

// ofReceiver is what a method gives that is none of the project's own.
func (c *Call) ofReceiver(recv ast.Expr, i int) value {
	f := c.File
	parts := f.eval(recv)
	from := parts.whole()
	if c.Name == "net/url.URL.String" {
		return from.leads(parts.field("Host").whole())
	}
	if c.Name == "net/url.URL.Query" && from.level == Tainted {
		from.safe = 0 // a page that sends a client here chooses the query
	}
	if i > 0 && results[c.Name+"#"+string(rune('0'+i%10))] == "" {
		return value{}
	}
	if from.level > Clean || len(from.deps) > 0 {
		switch c.Method() {
		case "Int64", "Int", "Len", "Size", "IsZero", "Unix", "Time":
			return from.typed()
		case "Value", "Close", "Error":
			return value{}
		}
		if strings.HasPrefix(c.Name, "database/sql.") || strings.HasPrefix(c.Name, "gorm.io/") || strings.HasPrefix(c.Name, "golang.org/x/oauth2.") {
			return value{}
		}
		return from
	}
	switch {
	case strings.HasPrefix(c.Name, "regexp.Regexp."):
		return c.given(i).typed()
	case c.Name == "strings.Replacer.Replace", c.Name == "encoding/base64.Encoding.DecodeString", c.Name == "net/url.URL.Parse", c.Name == "net/url.URL.ResolveReference", c.Name == "net/url.URL.JoinPath":
		return c.given(i)
	}
	return value{}
}

// quotes tells whether a function of this name makes a text fit for where it
// is put.
func quotes(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasPrefix(lower, "quoteident") || strings.HasPrefix(lower, "quoteliteral") || strings.HasPrefix(lower, "quotename") || strings.HasPrefix(lower, "quotetable") || strings.HasPrefix(lower, "quotecol") ||
		strings.HasPrefix(lower, "escape") && lower != "escape" || strings.HasPrefix(lower, "sanit") || strings.HasPrefix(lower, "slugify")
}

// rooted tells whether a path is cleaned as one from the root, which two dots
// cannot leave.
func (f *File) rooted(c *Call) bool {
	if len(c.Args) == 0 {
		return false
	}
	first := unparen(c.Args[0])
	if b, ok := first.(*ast.BinaryExpr); ok && c.Method() == "Clean" {
		first = leftmost(b)
	}
	if c.Method() == "Clean" && first == unparen(c.Args[0]) {
		return f.slashed(first)
	}
	if sep := f.Qualified(first); sep == "path/filepath.Separator" || sep == "os.PathSeparator" {
		return true
	}
	if conv, ok := first.(*ast.CallExpr); ok && len(conv.Args) == 1 {
		sep := f.Qualified(conv.Args[0])
		return sep == "path/filepath.Separator" || sep == "os.PathSeparator"
	}
	text, ok := f.Text(first)
	return ok && (text == "/" || text == `\`)
}

// slashed tells whether a variable is given a slash where it has none:
// if name[0] != '/' { name = "/" + name }.
func (f *File) slashed(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	if !ok || f.uses[id] == nil {
		return false
	}
	return slices.ContainsFunc(f.uses[id].defs, func(d *def) bool {
		b, ok := d.value.(*ast.BinaryExpr)
		if !ok || d.form != assigned || d.pos > id.Pos() {
			return false
		}
		text, known := f.Text(leftmost(b))
		return known && text == "/"
	})
}

func leftmost(b *ast.BinaryExpr) ast.Expr {
	for {
		x := unparen(b.X)
		next, ok := x.(*ast.BinaryExpr)
		if !ok {
			return x
		}
		b = next
	}
}
