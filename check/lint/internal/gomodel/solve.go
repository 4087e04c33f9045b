package gomodel

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// A summary is what a function does with what it is given.
type summary struct {
	results []value
	// outs is what it puts where a parameter points.
	outs map[*Var]value
}

// maxRounds bounds how often a function is looked at again because of one that
// it calls.
const maxRounds = 12

// effects notes the calls that put something into a variable.
func (f *File) effects() {
	for _, c := range f.Calls {
		if c.Func == nil {
			continue
		}
		if recv := c.Receiver(); recv != nil && (mutators[c.Method()] && holders[f.TypeOf(recv)] || f.ownBuilder(c, recv)) {
			f.effect(c, recv, -1)
		}
		for i, a := range c.Args {
			switch x := unparen(a).(type) {
			case *ast.UnaryExpr:
				if x.Op == token.AND {
					f.effect(c, x.X, i)
				}
			case *ast.Ident:
				if len(c.targets) > 0 && f.mayFill(c.targets[0], i) || fillers[c.Method()] || strings.HasPrefix(c.Name, "fmt.Fprint") {
					f.effect(c, x, i)
				}
			}
		}
	}
}

// ownBuilder tells whether a method of the project's own may put something
// into a variable that was made in the function.
func (f *File) ownBuilder(c *Call, recv ast.Expr) bool {
	if len(c.targets) == 0 || len(c.Args) == 0 {
		return false
	}
	id, ok := unparen(recv).(*ast.Ident)
	return ok && f.uses[id] != nil && !f.uses[id].Param && f.uses[id].Func == c.Func
}

// mayFill tells whether a function may put something where a parameter points.
func (f *File) mayFill(to *Func, i int) bool {
	if i >= len(to.Params) {
		return false
	}
	switch t := to.Params[i].Type.(type) {
	case *ast.InterfaceType:
		return true
	case *ast.Ident:
		return t.Name == "any"
	case *ast.StarExpr:
		name := to.File.TypeExpr(t)
		return !requests[name] && (f.Project.types[name] != nil || !strings.Contains(name, "."))
	}
	return false
}

// effect notes that a call fills what an expression names.
func (f *File) effect(c *Call, to ast.Expr, arg int) {
	d := &def{pos: c.End(), fn: c.Func, form: filled, call: c, arg: arg, block: spanOf(c.Func.Node)}
	for {
		switch x := unparen(to).(type) {
		case *ast.Ident:
			if v := f.uses[x]; v != nil && v.Func != nil && x.Name != "_" {
				d.v = v
				v.add(d)
			}
			return
		case *ast.SelectorExpr:
			d.field = x.Sel.Name
			to = x.X
		case *ast.IndexExpr:
			to = x.X
		case *ast.StarExpr:
			to = x.X
		case *ast.UnaryExpr:
			to = x.X
		default:
			return
		}
	}
}

// solve finds where the values of all variables come from: first what each
// function makes of its parameters, then what the parameters are.
func (p *Project) solve(files []*File) {
	if !served(files) {
		return // nobody sends anything
	}
	var roots []*Func
	for _, f := range files {
		for _, fn := range f.Funcs {
			if fn.Outer == nil && fn.Body != nil {
				roots = append(roots, fn)
			}
		}
	}
	work := newQueue(roots, maxRounds)
	for fn := work.next(); fn != nil; fn = work.next() {
		for _, changed := range fn.summarise() {
			for _, c := range p.sites[changed] {
				if c.Func != nil {
					work.add(c.Func.Root())
				}
			}
		}
	}
	work = newQueue(roots, 10*maxRounds)
	gifts := map[*Func][]gift{}
	for fn := work.next(); fn != nil; fn = work.next() {
		list, ok := gifts[fn]
		if !ok {
			list = fn.gifts()
			gifts[fn] = list
		}
		for _, g := range list {
			if g.give() {
				work.add(g.to.owner.Root())
			}
		}
	}
}

// served tells whether any function is given a request.
func served(files []*File) bool {
	for _, f := range files {
		for _, fn := range f.Funcs {
			for _, v := range fn.Params {
				if requests[v.typeOf(0)] {
					return true
				}
			}
		}
	}
	return false
}

// A gift is what a call gives to a parameter.
type gift struct {
	to *Var
	value
}

// gifts are what a root, and what is within, gives to others.
func (fn *Func) gifts() []gift {
	var out []gift
	for _, in := range fn.Within() {
		for _, c := range in.Calls {
			for _, to := range c.targets {
				args := &arguments{call: c, to: to}
				for _, v := range append([]*Var{to.Recv}, to.Params...) {
					if v == nil || requests[v.typeOf(0)] {
						continue
					}
					if given := args.of(v); given.level > Clean || len(given.deps) > 0 || len(given.fields) > 0 {
						out = append(out, gift{v, given})
					}
				}
			}
		}
	}
	return out
}

// give joins a gift to what the parameter has, and tells whether that changed.
func (g gift) give() bool {
	arg := g.given()
	if arg.level == Clean && !slices.ContainsFunc(arg.fields, func(f fieldValue) bool { return f.level > Clean }) && g.to.in.level == Clean && len(g.to.in.fields) == 0 {
		return false
	}
	if g.to.File.Project.Scalar(g.to.typeOf(0)) {
		arg = arg.typed()
	}
	in := g.to.in.join(arg)
	if in.same(g.to.in) {
		return false
	}
	g.to.in = in
	return true
}

type queue struct {
	work []*Func
	most int
}

func newQueue(roots []*Func, most int) *queue {
	q := &queue{most: most}
	for _, fn := range roots {
		fn.rounds = 0
		q.add(fn)
	}
	return q
}

func (q *queue) add(fn *Func) {
	if !fn.queued && fn.rounds < q.most {
		fn.queued = true
		q.work = append(q.work, fn)
	}
}

func (q *queue) next() *Func {
	if len(q.work) == 0 {
		return nil
	}
	fn := q.work[0]
	q.work = q.work[1:]
	fn.queued = false
	fn.rounds++
	return fn
}

// summarise evaluates a root and what is within, and tells which summaries
// changed.
func (fn *Func) summarise() []*Func {
	for range 6 {
		changed := false
		for _, d := range fn.defs {
			if v := d.evaluate(); !v.same(d.val) {
				d.val, changed = v, true
			}
		}
		if !changed {
			break
		}
	}
	var out []*Func
	for _, in := range fn.Within() {
		if in.conclude() {
			out = append(out, in)
		}
	}
	return out
}

func (d *def) evaluate() value {
	f := d.v.File
	if d.fn != nil {
		f = d.fn.File
	}
	if d.form == filled {
		return d.call.fills(d.arg)
	}
	if d.value == nil {
		return value{}
	}
	if d.v.typedForm(d) {
		return f.eval(d.value).typed()
	}
	if call, ok := unparen(d.value).(*ast.CallExpr); ok {
		return f.callValue(call, d.result)
	}
	switch d.form {
	case ranged:
		return f.eval(d.value).whole()
	case keyed:
		if d.typeOf(0) == "int" {
			return value{}
		}
		return f.eval(d.value).whole()
	}
	return f.eval(d.value)
}

// typedForm tells whether what a variable gets is a number.
func (v *Var) typedForm(d *def) bool {
	if d.field != "" {
		return false
	}
	return v.File.Project.Scalar(v.typeOf(0))
}

// conclude makes the summary of a function, and tells whether it changed.
func (fn *Func) conclude() bool {
	var s summary
	n := fn.Type.Results.NumFields()
	for i := range n {
		var v value
		for _, r := range fn.returns {
			switch {
			case len(r.Results) == n:
				v = v.join(fn.File.eval(r.Results[i]))
			case len(r.Results) == 1:
				if call, ok := unparen(r.Results[0]).(*ast.CallExpr); ok {
					v = v.join(fn.File.callValue(call, i))
				}
			case len(r.Results) == 0 && i < len(fn.results):
				v = v.join(fn.results[i].at(r.Pos()))
			}
		}
		if t := fn.File.TypeExpr(flat(fn.Type.Results, i)); fn.File.Project.Scalar(t) {
			v = v.typed()
		} else if t == "error" {
			v = value{}
		}
		s.results = append(s.results, v)
	}
	for _, v := range append([]*Var{fn.Recv}, fn.Params...) {
		if v == nil {
			continue
		}
		var out value
		some := false
		for _, d := range v.defs {
			switch {
			case d.field != "":
				out, some = out.with(d.field, out.field(d.field).join(d.val)), true
			case d.form == filled || d.form == added:
				out, some = out.join(d.val), true
			}
		}
		if some {
			if s.outs == nil {
				s.outs = map[*Var]value{}
			}
			s.outs[v] = out
		}
	}
	if fn.sum.same(s) {
		return false
	}
	fn.sum = s
	return true
}

func (s summary) same(t summary) bool {
	if len(s.results) != len(t.results) || len(s.outs) != len(t.outs) {
		return false
	}
	for i := range s.results {
		if !s.results[i].same(t.results[i]) {
			return false
		}
	}
	for v, out := range s.outs {
		if have, ok := t.outs[v]; !ok || !have.same(out) {
			return false
		}
	}
	return true
}

// fills is what a call puts where one of its arguments points.
func (c *Call) fills(arg int) value {
	f := c.File
	if len(c.targets) > 0 {
		var out value
		for _, to := range c.targets {
			v := to.Recv
			if arg >= 0 {
				if len(to.Params) == 0 || arg >= len(to.Params) && !to.Variadic {
					continue
				}
				v = to.Params[min(arg, len(to.Params)-1)]
			}
			if o, ok := to.sum.outs[v]; ok {
				out = out.join(o.put(&arguments{call: c, to: to}))
			}
		}
		return out
	}
	method := c.Method()
	var from value
	switch {
	case arg < 0 || arg == 0 && strings.HasPrefix(c.Name, "fmt.Fprint"):
		for _, a := range c.Args[max(arg+1, 0):] {
			from = from.join(f.eval(a).whole())
		}
		return from
	case !fillers[method], strings.HasPrefix(c.Name, "github.com/gorilla/securecookie."):
		return value{} // what was signed was chosen by who signed it
	case method == "Copy" || method == "ReadFull" || method == "ReadAtLeast":
		if arg != 0 && method == "Copy" || !holders[f.TypeOf(unstarred(c.Args[arg]))] && method == "Copy" {
			return value{}
		}
	}
	for i, a := range c.Args {
		if i != arg {
			from = from.join(f.asSent(a))
		}
	}
	if recv := c.Receiver(); recv != nil {
		from = from.join(f.asSent(recv))
	}
	return from
}

func unstarred(e ast.Expr) ast.Expr {
	if u, ok := unparen(e).(*ast.UnaryExpr); ok {
		return u.X
	}
	return e
}

// asSent is a value, of a request what was sent with it.
func (f *File) asSent(e ast.Expr) value {
	if f.isRequest(e) {
		return tainted(0)
	}
	return f.eval(e).whole()
}

// A Site is where a parameter is given a value.
type Site struct {
	*Call
	Arg ast.Expr
}

// Sites are where the calls of a function give a value to its parameter.
func (p *Project) Sites(v *Var) []Site {
	var out []Site
	if v.owner == nil || v == v.owner.Recv {
		return nil
	}
	for _, c := range p.sites[v.owner] {
		if a := c.Arg(v.index); a != nil {
			out = append(out, Site{c, a})
		}
	}
	return out
}

// Receiver tells whether a variable is what a method belongs to.
func (v *Var) Receiver() bool { return v.owner != nil && v.owner.Recv == v }
