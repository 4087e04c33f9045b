package pymodel

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// handed is the project's function that a call runs, and what it gets: the one
// that is called, the one whose class is made, or one that is handed to a
// pool, a thread or a queue together with its arguments.
func (c *Call) handed() (*Func, passed) {
	own := passed{call: c, args: c.Args, keywords: c.Keywords}
	sym := c.Scope.Symbol(c.Func)
	if b := sym.Binding; b != nil {
		switch {
		case b.Func != nil:
			return b.Func, own
		case b.Class != nil:
			if init := b.Class.Scope.Names["__init__"]; init != nil && init.Func != nil {
				return init.Func, own
			}
		}
	}
	if f, bound := sym.partial(); f != nil {
		own.skip = bound
		return f, own
	}
	if f := c.duck(); f != nil {
		return f, own
	}
	skip := 0
	switch c.Method() {
	case "run_in_threadpool", "to_thread", "run_sync", "add_task", "partial", "submit", "Thread", "Process", "apply_async", "enqueue", "call_soon", "add_job", "create_task", "BackgroundTask", "start_soon", "call_soon_threadsafe":
	case "run_in_executor", "call_later":
		skip = 1
	case "delay", "send", "kiq", "si", "s":
		if f := c.Scope.Symbol(c.Receiver()).Binding; c.Receiver() != nil && f != nil && f.Func != nil {
			return f.Func, own // a task of celery, dramatiq, taskiq
		}
		return nil, own
	default:
		return nil, own
	}
	if len(c.Args) > skip {
		own.args = c.Args[skip+1:]
		sym := c.Scope.Symbol(c.Args[skip])
		if b := sym.Binding; b != nil && b.Func != nil {
			return b.Func, own
		}
		if f, bound := sym.partial(); f != nil {
			own.skip = bound
			return f, own
		}
		if f := c.Scope.duck(&pyast.Call{Func: c.Args[skip], Args: own.args}); f != nil {
			return f, own
		}
	}
	if b := c.Scope.Symbol(c.Keyword("target")).Binding; b != nil && b.Func != nil {
		if t, ok := c.Keyword("args").(*pyast.Tuple); ok {
			return b.Func, passed{call: c, args: t.Elts}
		}
	}
	return nil, own
}

// partial is the project's function that a name holds with its first arguments,
// and how many these are: run = partial(f, x). It is nil when it is none.
func (sym Symbol) partial() (*Func, int) {
	b, s := sym.Binding, sym.Scope
	bound := 0
	for range maxFollow {
		if b == nil || s == nil || b.Param || b.Part || b.With || b.Count != 1 {
			return nil, 0
		}
		made, ok := b.Value.(*pyast.Call)
		if !ok || len(made.Args) == 0 {
			return nil, 0
		}
		if name := s.Qualified(made.Func); name != "functools.partial" && name != "functools.partialmethod" || HasStars(made) {
			return nil, 0
		}
		bound += len(made.Args) - 1
		to := s.Symbol(made.Args[0])
		if to.Binding != nil && to.Binding.Func != nil {
			return to.Binding.Func, bound
		}
		b, s = to.Binding, to.Scope
	}
	return nil, 0
}

// called is the project's function that is called, by its name or as a partial
// of it.
func (sym Symbol) called() *Func {
	if sym.Binding != nil && sym.Binding.Func != nil {
		return sym.Binding.Func
	}
	f, _ := sym.partial()
	return f
}

// Handed is the call that is made later, or elsewhere, of a function that is
// handed over with its arguments: asyncio.to_thread(requests.get, url). It is
// nil when none is.
func (c *Call) Handed() *Call {
	skip := 0
	switch c.Method() {
	case "run_in_threadpool", "to_thread", "run_sync", "add_task", "partial", "submit", "call_soon", "add_job", "map":
	case "run_in_executor", "call_later":
		skip = 1
	default:
		return nil
	}
	if len(c.Args) <= skip {
		return nil
	}
	f := c.Args[skip]
	switch f.(type) {
	case *pyast.Name, *pyast.Attribute:
	default:
		return nil
	}
	made := &pyast.Call{Span: c.Span, Func: f, Args: c.Args[skip+1:], Keywords: c.Keywords}
	return &Call{Call: made, Module: c.Module, Scope: c.Scope, Cond: c.Cond, sym: Symbol{Name: c.Scope.Qualified(f)}}
}

// runs is the function that FastAPI calls for a dependency: the one that is
// named, or that of the object.
func (d Dep) runs() *Func {
	if d.Func != nil || d.Class == nil || d.Expr == nil {
		return d.Func
	}
	b := d.Class.Scope.Names["__call__"]
	if b == nil || d.Class.Scope.Names["__init__"] != nil && !d.made() {
		return nil
	}
	return b.Func
}

// made tells whether a dependency is an object, and not a class.
func (d Dep) made() bool {
	_, call := d.Expr.(*pyast.Call)
	return call || d.Name != "" && !strings.HasSuffix(d.Name, "."+d.Class.Name)
}

// duck is the only method of the project of a name of several words, where the
// class of the value that has it is not known: store.find_by_owner(owner).
func (c *Call) duck() *Func { return c.Scope.duck(c.Call) }

func (s *Scope) duck(c *pyast.Call) *Func {
	a, ok := c.Func.(*pyast.Attribute)
	if !ok || !strings.Contains(strings.Trim(a.Attr, "_"), "_") || s.Module.project.methods == nil {
		return nil
	}
	f := s.Module.project.methods()[a.Attr]
	if f == nil || len(c.Args) > len(f.given()) || s.TypeOf(a.Value).Name != "" {
		return nil
	}
	// What is in the state of an application has a name, but not a class.
	if sym := s.Symbol(c.Func); sym.Name != "" && (sym.Binding != nil || !strings.Contains(sym.Name, ".state.")) {
		return nil
	}
	return f
}

// unique are the methods whose names only one class has.
func (p *Project) unique() map[string]*Func {
	out := map[string]*Func{}
	for _, m := range p.Modules {
		if m.Test {
			continue
		}
		for _, f := range m.Funcs {
			if f.Class == nil {
				continue
			}
			if _, twice := out[f.Name]; twice {
				out[f.Name] = nil
			} else {
				out[f.Name] = f
			}
		}
	}
	return out
}

// given are the parameters that a caller gives: not self.
func (f *Func) given() []*Param {
	if f.Class != nil && len(f.Params) > 0 && (f.Params[0].Name == "self" || f.Params[0].Name == "cls") {
		return f.Params[1:]
	}
	return f.Params
}

// at is the parameter that an argument of a position comes to: one of the
// named, or that of the rest.
func (f *Func) at(i int) string {
	list := f.given()
	if i < len(list)-len(f.Args.KwOnly) {
		return list[i].Name
	}
	if f.Args.Vararg != nil {
		return f.Args.Vararg.Name
	}
	return ""
}

// keyword is the parameter that an argument with a name comes to.
func (f *Func) keyword(name string) string {
	if slices.ContainsFunc(f.Params, func(x *Param) bool { return x.Name == name }) {
		return name
	}
	if f.Args.Kwarg != nil {
		return f.Args.Kwarg.Name
	}
	return ""
}

// rest tells whether a parameter holds what comes beside the named ones.
func (f *Func) rest(name string) bool {
	return f.Args.Vararg != nil && f.Args.Vararg.Name == name || f.Args.Kwarg != nil && f.Args.Kwarg.Name == name
}

// Rest tells whether an expression spreads what a function got beside its named
// parameters: *args.
func (s *Scope) Rest(e pyast.Expr) bool {
	star, ok := e.(*pyast.Starred)
	if !ok {
		return false
	}
	n, ok := star.Value.(*pyast.Name)
	if !ok {
		return false
	}
	b, at := s.Lookup(n.ID)
	return b != nil && b.Param && at.Func != nil && at.Func.rest(n.ID)
}

// A passed is a call of a function, with what it gets.
type passed struct {
	call     *Call
	args     []pyast.Expr
	keywords []*pyast.Keyword
	skip     int // parameters that a partial filled before
}

func (p *Project) passes() map[*Func][]passed {
	out := map[*Func][]passed{}
	for _, m := range p.Modules {
		if m.Test {
			continue
		}
		for _, c := range m.Calls {
			if f, got := c.handed(); f != nil {
				out[f] = append(out[f], got)
			}
		}
	}
	return out
}
