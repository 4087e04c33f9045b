package gomodel

import (
	"go/ast"
	"slices"
)

// A Level tells how much of a value a client chose.
type Level uint8

// The levels.
const (
	Clean Level = iota
	// Typed is a number, or a text that was checked.
	Typed
	Tainted
)

// A value is what is known of where a value came from: it is joined, and
// never changed.
type value struct {
	level Level
	safe  Use // where it may go though it is tainted
	deps  []dep
	// fields are those that are known apart from the rest.
	fields []fieldValue
}

// A dep is a parameter that a value depends on.
type dep struct {
	v     *Var
	field string
	typed bool // a number is made of it, or it was checked
	safe  Use
}

type fieldValue struct {
	name string
	value
}

// maxDeps and maxFields bound what is kept apart: what is more is joined.
const (
	maxDeps   = 8
	maxFields = 24
)

func tainted(safe Use) value { return value{level: Tainted, safe: safe.full()} }

// full is a use with what follows from it.
func (u Use) full() Use {
	switch {
	case u&Redirect != 0:
		return u | slash | single
	case u&slash != 0 && u&single != 0:
		return u | Redirect
	}
	return u
}

// plain joins levels: of two tainted values, only what both may do is safe.
func (a value) plain(level Level, safe Use) value {
	switch {
	case level == Tainted && a.level == Tainted:
		a.safe &= safe
	case level > a.level:
		a.level, a.safe = level, safe
	}
	return a
}

func (a value) depend(d dep) value {
	for i, have := range a.deps {
		if have.v != d.v || have.field != d.field {
			continue
		}
		joined := dep{d.v, d.field, have.typed && d.typed, have.safe & d.safe}
		switch {
		case have.typed && !d.typed:
			joined.safe = d.safe
		case d.typed && !have.typed:
			joined.safe = have.safe
		}
		if joined != have {
			a.deps = slices.Clone(a.deps)
			a.deps[i] = joined
		}
		return a
	}
	if len(a.deps) < maxDeps {
		a.deps = append(slices.Clip(a.deps), d)
	}
	return a
}

// join is what may be either value.
func (a value) join(b value) value {
	out := a.base(b)
	out.fields = nil
	for _, f := range a.fields {
		out.fields = append(out.fields, fieldValue{f.name, f.join(b.field(f.name))})
	}
	for _, f := range b.fields {
		if _, ok := a.own(f.name); !ok && len(out.fields) < maxFields {
			out.fields = append(out.fields, fieldValue{f.name, f.join(a.field(f.name))})
		}
	}
	return out
}

func (a value) base(b value) value {
	a = a.plain(b.level, b.safe)
	for _, d := range b.deps {
		a = a.depend(d)
	}
	return a
}

func (a value) own(name string) (value, bool) {
	for _, f := range a.fields {
		if f.name == name {
			return f.value, true
		}
	}
	return value{}, false
}

// field is a field of the value.
func (a value) field(name string) value {
	if f, ok := a.own(name); ok {
		return f
	}
	out := value{level: a.level, safe: a.safe}
	for _, d := range a.deps {
		if d.field == "" {
			d.field = name
		}
		out = out.depend(d)
	}
	return out
}

// with is the value with a field of its own.
func (a value) with(name string, v value) value {
	v = v.whole()
	fields := make([]fieldValue, 0, len(a.fields)+1)
	for _, f := range a.fields {
		if f.name != name {
			fields = append(fields, f)
		}
	}
	if len(fields) >= maxFields {
		return a.base(v)
	}
	a.fields = append(fields, fieldValue{name, v})
	return a
}

// whole is the value with its fields joined into one.
func (a value) whole() value {
	if len(a.fields) == 0 {
		return a
	}
	out := value{level: a.level, safe: a.safe, deps: a.deps}
	for _, f := range a.fields {
		out = out.base(f.whole())
	}
	return out
}

// typed is the value as a number of it, or as what was checked.
func (a value) typed() value {
	a = a.whole()
	out := value{level: min(a.level, Typed)}
	for _, d := range a.deps {
		d.typed = true
		out = out.depend(d)
	}
	return out
}

// safeFor is the value where it was made fit for uses.
func (a value) safeFor(u Use) value {
	if u == 0 {
		return a
	}
	if a.level == Tainted {
		a.safe = (a.safe | u).full()
	}
	if len(a.deps) > 0 {
		a.deps = slices.Clone(a.deps)
		for i := range a.deps {
			a.deps[i].safe = (a.deps[i].safe | u).full()
		}
	}
	if len(a.fields) > 0 {
		a.fields = slices.Clone(a.fields)
		for i := range a.fields {
			a.fields[i].value = a.fields[i].safeFor(u)
		}
	}
	return a
}

func (a value) same(b value) bool {
	return a.level == b.level && a.safe == b.safe && slices.Equal(a.deps, b.deps) &&
		slices.EqualFunc(a.fields, b.fields, func(x, y fieldValue) bool { return x.name == y.name && x.same(y.value) })
}

// given is what the callers give to the parameters that a value depends on.
func (a value) given() value {
	out := value{level: a.level, safe: a.safe}
	for _, d := range a.deps {
		in := d.v.in
		if d.field != "" {
			in = in.field(d.field)
		} else if len(in.fields) > 0 {
			out.fields = mergeFields(out.fields, in.fields, d)
			in.fields = nil
		}
		out = out.base(d.pass(in))
	}
	for _, f := range a.fields {
		out = out.with(f.name, f.given())
	}
	return out
}

func mergeFields(have, more []fieldValue, d dep) []fieldValue {
	for _, f := range more {
		f.value = d.pass(f.value)
		i := slices.IndexFunc(have, func(h fieldValue) bool { return h.name == f.name })
		if i < 0 {
			have = append(slices.Clip(have), f)
		} else {
			have = slices.Clone(have)
			have[i].value = have[i].join(f.value)
		}
	}
	return have
}

// pass is a value as it comes out of what a dep says.
func (d dep) pass(v value) value {
	if d.typed {
		return v.typed()
	}
	return v.safeFor(d.safe)
}

// put replaces the parameters of a function by what a call gives to them.
func (a value) put(args *arguments) value {
	out := value{level: a.level, safe: a.safe}
	for _, d := range a.deps {
		if d.v.owner != args.to {
			out = out.depend(d)
			continue
		}
		arg := args.of(d.v)
		if d.field != "" {
			arg = arg.field(d.field)
		} else {
			out.fields = mergeFields(out.fields, arg.fields, d)
			arg.fields = nil
		}
		out = out.base(d.pass(arg))
	}
	for _, f := range a.fields {
		out = out.with(f.name, f.put(args))
	}
	return out
}

// arguments are what a call gives to a function.
type arguments struct {
	call *Call
	to   *Func
	have map[*Var]value
}

// of is what a parameter is given.
func (a *arguments) of(v *Var) value {
	if got, ok := a.have[v]; ok {
		return got
	}
	got := a.evaluate(v)
	if a.have == nil {
		a.have = map[*Var]value{}
	}
	a.have[v] = got
	return got
}

func (a *arguments) evaluate(v *Var) value {
	f := a.call.File
	if v == a.to.Recv {
		// Through an interface it may be the receiver of another.
		recv := a.call.Receiver()
		if recv == nil || len(a.call.targets) > 1 {
			return value{}
		}
		return f.eval(recv)
	}
	if inner, ok := a.several(); ok { // f(g()) with several results
		return f.callValue(inner, v.index)
	}
	if v.index >= len(a.call.Args) {
		return value{}
	}
	out := f.eval(a.call.Args[v.index])
	if a.to.Variadic && v.index == len(a.to.Params)-1 {
		for _, more := range a.call.Args[v.index+1:] {
			out = out.join(f.eval(more))
		}
	}
	return out
}

func (a *arguments) several() (*ast.CallExpr, bool) {
	if len(a.call.Args) != 1 || len(a.to.Params) < 2 {
		return nil, false
	}
	c, ok := unparen(a.call.Args[0]).(*ast.CallExpr)
	return c, ok
}
