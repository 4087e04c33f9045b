package pymodel

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// handed is the project's function that a call runs, and what it gets: the one
// that is called, the one whose class is made, or one that is handed to a
// pool, a thread or a queue together with its arguments.
func (c *Call) handed() (*Func, []pyast.Expr, []*pyast.Keyword) {
	sym := c.Scope.Symbol(c.Func)
	if b := sym.Binding; b != nil {
		switch {
		case b.Func != nil:
			return b.Func, c.Args, c.Keywords
		case b.Class != nil:
			if init := b.Class.Scope.Names["__init__"]; init != nil && init.Func != nil {
				return init.Func, c.Args, c.Keywords
			}
		}
	}
	if f := c.duck(); f != nil {
		return f, c.Args, c.Keywords
	}
	skip := 0
	switch c.Method() {
	case "run_in_threadpool", "to_thread", "run_sync", "add_task", "partial", "submit", "Thread", "Process", "apply_async", "enqueue", "call_soon", "add_job", "create_task":
	case "run_in_executor", "call_later":
		skip = 1
	case "delay", "send", "kiq", "si", "s":
		if f := c.Scope.Symbol(c.Receiver()).Binding; c.Receiver() != nil && f != nil && f.Func != nil {
			return f.Func, c.Args, c.Keywords // a task of celery, dramatiq, taskiq
		}
		return nil, nil, nil
	default:
		return nil, nil, nil
	}
	if len(c.Args) > skip {
		if b := c.Scope.Symbol(c.Args[skip]).Binding; b != nil && b.Func != nil {
			return b.Func, c.Args[skip+1:], c.Keywords
		}
	}
	if b := c.Scope.Symbol(c.Keyword("target")).Binding; b != nil && b.Func != nil {
		if t, ok := c.Keyword("args").(*pyast.Tuple); ok {
			return b.Func, t.Elts, nil
		}
	}
	return nil, nil, nil
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

// A passed is a call of a function, with what it gets.
type passed struct {
	call     *Call
	args     []pyast.Expr
	keywords []*pyast.Keyword
}

func (p *Project) passes() map[*Func][]passed {
	out := map[*Func][]passed{}
	for _, m := range p.Modules {
		if m.Test {
			continue
		}
		for _, c := range m.Calls {
			if f, args, keywords := c.handed(); f != nil {
				out[f] = append(out[f], passed{c, args, keywords})
			}
		}
	}
	return out
}
