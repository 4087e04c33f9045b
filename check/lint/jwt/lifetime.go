package jwt

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// month is the longest that a token may live without a word, in minutes.
const month = 31 * 24 * 60

// lasting are tokens that are meant to live long, and are kept or good once.
func lasting(name string) bool {
	return analysis.Names(name, "refresh", "invite", "invitation", "unsubscribe", "remember", "device", "api key", "api token", "api tokens", "long token", "long lived", "personal", "license")
}

// lifetimes looks for long lives: of what is put into exp, wherever the time
// comes from, and of settings.
type lifetimes struct {
	*analysis.Pass
	said map[pyast.Node]bool
	seen map[seen]bool
}

type seen struct {
	scope *pymodel.Scope
	name  string
}

func newLifetimes(p *analysis.Pass) *lifetimes {
	return &lifetimes{Pass: p, said: map[pyast.Node]bool{}}
}

func (l *lifetimes) run() {
	l.Funcs(func(f *pymodel.Func) {
		if lasting(f.Name) {
			return
		}
		for _, e := range exps(f) {
			l.seen = map[seen]bool{}
			l.time(f.Scope, e, false, 0)
		}
	})
	l.Classes(func(c *pymodel.Class) {
		if !c.IsSettings() {
			return
		}
		for _, field := range c.Fields {
			if unit := tokenLife(field.Name); unit > 0 && field.Value != nil {
				for _, a := range l.amounts(c.Scope, field.Value, 0) {
					l.say(pymodel.Origin{Expr: field.Value, Scope: c.Scope}, a.n*unit/60)
				}
			}
		}
	})
}

// tokenLife is how many seconds the unit has in which a setting says how long
// an access token lives; 0 when it says none.
func tokenLife(name string) int64 {
	if !analysis.Names(name, "token", "jwt") || lasting(name) || analysis.Names(name, "reset", "verify", "verification", "email", "confirmation", "activation", "password") ||
		!analysis.Names(name, "expire", "expires", "expiry", "expiration", "lifetime", "ttl", "exp", "valid", "validity") {
		return 0
	}
	for unit, seconds := range units {
		if analysis.Names(name, unit, strings.TrimSuffix(unit, "s")) {
			return seconds
		}
	}
	return 0
}

var units = map[string]int64{"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1, "weeks": 7 * 86400}

func (l *lifetimes) say(o pymodel.Origin, minutes int64) {
	// One that is beyond an hundred years is none, but a date.
	if minutes <= month || minutes > 1200*month || l.said[o.Expr] || o.Scope.Module.Test {
		return
	}
	l.said[o.Expr] = true
	l.PythonAt(longExpiry, o.Scope.Module, o.Expr, "the token lives for %d days", minutes/1440)
}

// exps are the values that a function puts into exp.
func exps(f *pymodel.Func) []pyast.Expr {
	var out []pyast.Expr
	isExp := func(e pyast.Expr) bool {
		c, ok := e.(*pyast.Constant)
		return ok && c.Kind == pyast.Str && c.Value == "exp"
	}
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.FunctionDef, *pyast.ClassDef:
			return false
		case *pyast.Dict:
			for i, k := range n.Keys {
				if k != nil && isExp(k) {
					out = append(out, n.Values[i])
				}
			}
		case *pyast.Keyword:
			if n.Name == "exp" {
				out = append(out, n.Value)
			}
		case *pyast.Assign:
			if sub, ok := n.Targets[0].(*pyast.Subscript); ok && isExp(sub.Slice) {
				out = append(out, n.Value)
			}
		}
		return true
	})
	return out
}

// time follows a point of time, or what is added to now. Of a number, only one
// that is added is a life.
func (l *lifetimes) time(s *pymodel.Scope, e pyast.Expr, added bool, depth int) {
	if e == nil || depth > 14 {
		return
	}
	depth++
	switch x := e.(type) {
	case *pyast.Constant:
		if added {
			l.seconds(s, e)
		}
	case *pyast.BinOp:
		switch x.Op {
		case pyast.Add:
			l.time(s, x.Left, true, depth)
			l.time(s, x.Right, true, depth)
		case pyast.Mult:
			if added {
				l.seconds(s, e)
			}
		}
	case *pyast.IfExp:
		l.time(s, x.Body, added, depth)
		l.time(s, x.Orelse, added, depth)
	case *pyast.BoolOp:
		for _, v := range x.Values {
			l.time(s, v, added, depth)
		}
	case *pyast.Attribute:
		sym := s.Symbol(x)
		if b := sym.Binding; b != nil && b.Value != nil && !b.Param && !b.Part && sym.Scope.Func == nil && !lasting(x.Attr) {
			l.named(sym, e, s, added)
		}
	case *pyast.Name:
		b, at := s.Lookup(x.ID)
		if b == nil || lasting(x.ID) {
			return
		}
		if at.Func == nil {
			if sym := s.Symbol(x); sym.Binding != nil && sym.Binding.Value != nil && !sym.Binding.Part {
				l.named(sym, e, s, added)
			}
			return
		}
		if l.seen[seen{at, x.ID}] {
			return
		}
		l.seen[seen{at, x.ID}] = true
		for _, d := range at.Defs {
			if d.Name == x.ID && !d.Part {
				l.time(at, d.Value, added, depth)
			}
		}
		for _, o := range l.given(at.Func, x.ID) {
			l.time(o.Scope, o.Expr, added, depth)
		}
	case *pyast.Call:
		name := s.Qualified(x.Func)
		if name == "datetime.timedelta" {
			l.delta(s, x)
			return
		}
		if b := s.Symbol(x.Func).Binding; b != nil && b.Func != nil {
			if !lasting(b.Func.Name) && !l.seen[seen{b.Func.Scope, "return"}] {
				l.seen[seen{b.Func.Scope, "return"}] = true
				for _, r := range b.Func.Results() {
					l.time(b.Func.Scope, r, added, depth)
				}
			}
			return
		}
		if name == "builtins.int" || name == "builtins.round" || name == "calendar.timegm" || name == "datetime.datetime.timestamp" {
			for _, a := range x.Args {
				l.time(s, a, added, depth)
			}
		}
		if a, ok := x.Func.(*pyast.Attribute); ok {
			switch a.Attr {
			case "timestamp", "utctimetuple", "timetuple", "replace", "isoformat", "astimezone", "total_seconds":
				l.time(s, a.Value, added, depth)
			case "shift", "add": // arrow and pendulum
				l.delta(s, x)
			}
		}
	}
}

// named follows a constant of a module, or of settings.
func (l *lifetimes) named(sym pymodel.Symbol, e pyast.Expr, s *pymodel.Scope, added bool) {
	if made, ok := sym.Binding.Value.(*pyast.Call); ok && sym.Scope.Qualified(made.Func) == "datetime.timedelta" {
		l.delta(sym.Scope, made)
		return
	}
	if added {
		l.seconds(s, e)
	}
}

// given are what a parameter gets: its default, and what the project's calls
// hand over for tokens that do not last by their names.
func (l *lifetimes) given(f *pymodel.Func, name string) []pymodel.Origin {
	var out []pymodel.Origin
	for _, x := range f.Params {
		if x.Name == name && x.Default != nil {
			out = append(out, pymodel.Origin{Expr: x.Default, Scope: f.Outer})
		}
	}
	for _, o := range l.Python.Given(f, name) {
		from := o.Scope.Enclosing()
		if o.Scope.Module.Test || from != nil && lasting(from.Name) {
			continue
		}
		calls := o.Scope.Module.Calls
		if i := slices.IndexFunc(calls, func(c *pymodel.Call) bool {
			return c.Pos() <= o.Expr.Pos() && o.Expr.End() <= c.End() && c.Target() == f
		}); i >= 0 && analysis.Mentions(calls[i].Call, lasting) {
			continue
		}
		out = append(out, o)
	}
	return out
}

// seconds tells of a number of seconds.
func (l *lifetimes) seconds(s *pymodel.Scope, e pyast.Expr) {
	for _, a := range l.amounts(s, e, 0) {
		l.say(a.at, a.n/60)
	}
}

// delta tells of a timedelta.
func (l *lifetimes) delta(s *pymodel.Scope, c *pyast.Call) {
	var sum int64
	var far []amount
	add := func(e pyast.Expr, unit int64) {
		if e == nil || analysis.Mentions(e, lasting) {
			return
		}
		if n, ok := s.Number(e); ok {
			sum += n * unit / 60
			return
		}
		for _, a := range l.amounts(s, e, 0) {
			a.n *= unit
			if inside(a.at.Expr, c) {
				a.at = pymodel.Origin{Expr: c, Scope: s}
			}
			far = append(far, a)
		}
	}
	for unit, seconds := range units {
		add(pymodel.Keyword(c, unit), seconds)
	}
	if len(c.Args) > 0 {
		add(c.Args[0], units["days"])
	}
	if len(c.Args) > 1 {
		add(c.Args[1], 1)
	}
	l.say(pymodel.Origin{Expr: c, Scope: s}, sum)
	for _, a := range far {
		l.say(a.at, a.n/60)
	}
}

func inside(e, of pyast.Node) bool { return of.Pos() <= e.Pos() && e.End() <= of.End() }

// An amount is a number, and where it is written.
type amount struct {
	n  int64
	at pymodel.Origin
}

// amounts are the numbers that a value may be: of a setting, the one that it
// is when nothing else is said.
func (l *lifetimes) amounts(s *pymodel.Scope, e pyast.Expr, depth int) []amount {
	if e == nil || depth > 10 {
		return nil
	}
	depth++
	if n, ok := s.Number(e); ok {
		return []amount{{n, pymodel.Origin{Expr: e, Scope: s}}}
	}
	switch x := e.(type) {
	case *pyast.Constant:
		if x.Kind == pyast.Str {
			if n, err := strconv.ParseInt(x.Value, 10, 64); err == nil {
				return []amount{{n, pymodel.Origin{Expr: e, Scope: s}}}
			}
		}
	case *pyast.BinOp:
		if x.Op != pyast.Mult {
			return nil
		}
		left, right := l.amounts(s, x.Left, depth), l.amounts(s, x.Right, depth)
		if len(left) == 1 && len(right) == 1 && left[0].n < 1<<31 && right[0].n < 1<<31 {
			at := left[0].at
			if _, ok := s.Number(x.Left); ok {
				at = right[0].at
			}
			return []amount{{left[0].n * right[0].n, at}}
		}
	case *pyast.IfExp:
		return append(l.amounts(s, x.Body, depth), l.amounts(s, x.Orelse, depth)...)
	case *pyast.BoolOp:
		var out []amount
		for _, v := range x.Values {
			out = append(out, l.amounts(s, v, depth)...)
		}
		return out
	case *pyast.Name, *pyast.Attribute:
		if lasting(analysis.Leaf(x)) {
			return nil
		}
		if n, ok := x.(*pyast.Name); ok {
			if b, at := s.Lookup(n.ID); b != nil && b.Param && at.Func != nil {
				var out []amount
				for _, o := range l.given(at.Func, n.ID) {
					out = append(out, l.amounts(o.Scope, o.Expr, depth)...)
				}
				return out
			}
		}
		if sym := s.Symbol(x); sym.Binding != nil && sym.Binding.Value != nil && !sym.Binding.Part && !sym.Binding.With {
			out := l.amounts(sym.Scope, sym.Binding.Value, depth)
			if sym.Scope.Class != nil && len(out) == 1 { // the field as a whole
				out[0].at = pymodel.Origin{Expr: sym.Binding.Value, Scope: sym.Scope}
			}
			return out
		}
	case *pyast.Call:
		name := s.Qualified(x.Func)
		switch {
		case name == "builtins.int" || name == "builtins.float":
			if len(x.Args) == 1 {
				return l.amounts(s, x.Args[0], depth)
			}
		case strings.HasPrefix(name, "pydantic.") && strings.HasSuffix(name, ".Field"):
			return l.amounts(s, pymodel.Arg(x, 0, "default"), depth)
		case s.FromEnvironment(x) || analysis.Names(name, "config", "env", "getenv"):
			return l.amounts(s, pymodel.Arg(x, 1, "default"), depth)
		}
	}
	return nil
}
