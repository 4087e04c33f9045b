package pymodel

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// A Level tells how much of a value a client chose.
type Level uint8

// The levels.
const (
	// Clean is what no client chose.
	Clean Level = iota
	// Typed is chosen by a client and cannot hold a text of its choice: a
	// number, a UUID, what was escaped, or what was compared with a list.
	Typed
	// Tainted is any text.
	Tainted
)

// taint follows what clients send through the functions of a project. It is
// of values, not of paths: it does not know which branch was taken, but that a
// value was compared with a list of what is allowed counts as a check of it.
type taint struct {
	project *Project
	flows   map[*Func]*flow
	seeds   map[*Func]bool // what FastAPI fills
	attrs   map[*Class]map[string]Level
	callers map[*Func][]*Func
	readers map[string][]*Func // of attributes that methods give
	work    []*Func
}

// A flow is what is known of a function.
type flow struct {
	params  map[string]Level
	vars    map[string]Level
	checked checks
	returns Level
	fills   []fill
	queued  bool
	rounds  int
}

// A fill is a parameter that FastAPI fills with what a function returns.
type fill struct {
	f    *Func
	name string
}

func newTaint(p *Project) *taint {
	t := &taint{project: p, flows: map[*Func]*flow{}, seeds: map[*Func]bool{}, attrs: map[*Class]map[string]Level{}, callers: map[*Func][]*Func{}}
	t.index()
	for _, r := range p.Routes {
		t.seed(r.Func)
		for _, d := range r.Deps {
			if d.Func != nil {
				t.seed(d.Func)
			}
			if d.Class != nil {
				name := "__call__"
				if d.Expr == nil || !d.made() {
					name = "__init__" // the class itself: FastAPI fills what makes it
				}
				if b := d.Class.Scope.Names[name]; b != nil && b.Func != nil {
					t.seed(b.Func)
				}
			}
		}
	}
	for _, m := range p.Modules {
		for _, f := range m.Funcs {
			if slices.ContainsFunc(f.Params, func(p *Param) bool { return f.isRequest(p) }) {
				t.flow(f)
				t.queue(f)
			}
			if f.validates() {
				t.seed(f)
			}
		}
	}
	for len(t.work) > 0 {
		f := t.work[0]
		t.work = t.work[1:]
		t.flows[f].queued = false
		t.run(f)
	}
	return t
}

// index notes who calls a function, and who reads an attribute.
func (t *taint) index() {
	given := map[string]bool{}
	for _, list := range t.project.given {
		for _, a := range list {
			given[a.name] = true
		}
	}
	read := make([][]string, 0, len(t.project.Modules))
	var funcs []*Func
	for _, m := range t.project.Modules {
		for _, f := range m.Funcs {
			for _, c := range f.Calls {
				to := c.sym.called()
				if to == nil {
					to = c.duck()
				}
				if to != nil && !slices.Contains(t.callers[to], f) {
					t.callers[to] = append(t.callers[to], f)
				}
			}
			if len(given) > 0 {
				funcs, read = append(funcs, f), append(read, f.reads(given))
			}
		}
	}
	t.readers = map[string][]*Func{}
	for i, names := range read {
		for _, n := range names {
			t.readers[n] = append(t.readers[n], funcs[i])
		}
	}
}

func (t *taint) flow(f *Func) *flow {
	fl := t.flows[f]
	if fl == nil {
		fl = &flow{params: map[string]Level{}, vars: map[string]Level{}, checked: f.checked()}
		t.flows[f] = fl
	}
	return fl
}

func (t *taint) queue(f *Func) {
	fl := t.flow(f)
	// A bound for what calls itself: levels only rise, so this is rarely met.
	if !fl.queued && fl.rounds < 20 {
		fl.queued = true
		t.work = append(t.work, f)
	}
}

// isRequest tells whether a parameter is the request itself.
func (f *Func) isRequest(p *Param) bool {
	if p.Annotation != nil {
		t := f.Outer.Annotation(p.Annotation)
		return t.IsA("starlette.requests.Request", "starlette.requests.HTTPConnection", "starlette.websockets.WebSocket")
	}
	return (p.Name == "request" || p.Name == "websocket") && p.Default == nil
}

// validates tells whether a method is a validator of a model, which sees what
// was sent before anything else does.
func (f *Func) validates() bool {
	return f.Class != nil && f.Class.IsA("pydantic.BaseModel", "sqlmodel.SQLModel") && !f.Class.IsSettings() && !f.Class.IsTable() &&
		slices.ContainsFunc(f.Decorators, func(d pyast.Expr) bool { return strings.HasSuffix(exprName(d), "validator") })
}

// seed notes the parameters that FastAPI fills from the request.
func (t *taint) seed(f *Func) {
	if t.flows[f] != nil && len(t.flows[f].params) > 0 {
		return
	}
	fl := t.flow(f)
	t.seeds[f] = true
	for i, p := range f.Params {
		if i == 0 && f.Class != nil && (p.Name == "self" || p.Name == "cls") {
			continue
		}
		fl.params[p.Name] = f.source(p)
		if d, ok := f.ParamDep(p); ok && d.runs() != nil && d.runs() != f {
			// What a dependency returns is filled in as it becomes known.
			g := t.flow(d.runs())
			fl.params[p.Name] = max(fl.params[p.Name], g.returns)
			g.fills = append(g.fills, fill{f, p.Name})
		}
	}
	t.queue(f)
}

// source is how much of a handler's parameter a client chooses.
func (f *Func) source(p *Param) Level {
	if f.isRequest(p) {
		return Clean // what is taken from it is not
	}
	if d, ok := f.ParamDep(p); ok {
		if d.Expr == nil && strings.HasSuffix(d.Name, "RequestForm") {
			return Tainted
		}
		if _, made := d.Expr.(*pyast.Call); !made && d.Class != nil && d.Class.carries() {
			return Tainted // a model of the query
		}
		if d.Security && d.Func == nil && d.Class == nil {
			return Tainted // a scheme gives what was sent, unverified
		}
		return Clean
	}
	if f.Outer.patterned(p.Default) {
		return Typed
	}
	if p.Annotation == nil {
		return Tainted
	}
	if list, at := f.Outer.Annotated(p.Annotation); slices.ContainsFunc(list, at.patterned) {
		return Typed
	}
	return f.Outer.typeLevel(p.Annotation)
}

// typeLevel is how much a client chooses of what has a type.
func (s *Scope) typeLevel(annotation pyast.Expr) Level {
	switch e := annotation.(type) {
	case *pyast.BinOp: // int | str
		return max(s.memberLevel(e.Left), s.memberLevel(e.Right))
	case *pyast.Subscript:
		if t, ok := e.Slice.(*pyast.Tuple); ok && s.Qualified(e.Value) == "typing.Union" {
			l := Clean
			for _, x := range t.Elts {
				l = max(l, s.memberLevel(x))
			}
			return l
		}
	}
	t := s.Annotation(annotation)
	switch t.Name {
	case "builtins.int", "builtins.float", "builtins.bool", "uuid.UUID", "datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta",
		"decimal.Decimal", "typing.Literal", "pydantic.UUID4", "pydantic.PositiveInt", "pydantic.NonNegativeInt", "pydantic.UUID1", "pydantic.conint":
		return Typed
	case "", "builtins.str", "builtins.bytes", "builtins.list", "builtins.dict", "builtins.set", "builtins.tuple", "typing.Any", "typing.List", "typing.Dict",
		"typing.Set", "typing.Sequence", "typing.Mapping", "pydantic.EmailStr", "pydantic.HttpUrl", "pydantic.AnyUrl", "pydantic.AnyHttpUrl", "pydantic.constr", "starlette.datastructures.UploadFile", "pydantic.SecretStr":
		if elem, ok := annotation.(*pyast.Subscript); ok && t.Name != "" && strings.HasSuffix(strings.ToLower(t.Name), "list") {
			return s.typeLevel(elem.Slice)
		}
		return Tainted
	}
	if t.Class != nil {
		if t.Class.IsA("enum.Enum", "enum.StrEnum", "enum.IntEnum") {
			return Typed
		}
		if t.Class.IsA("pydantic.BaseModel", "sqlmodel.SQLModel", "typing.TypedDict") {
			return Tainted
		}
		if slices.ContainsFunc(t.Class.Decorators, func(d pyast.Expr) bool { return strings.Contains(exprName(d), "dataclass") }) {
			return Tainted
		}
	}
	return Clean
}

// memberLevel is that of one type of several; None holds nothing.
func (s *Scope) memberLevel(e pyast.Expr) Level {
	if c, ok := e.(*pyast.Constant); ok && c.Kind == pyast.None {
		return Clean
	}
	return s.typeLevel(e)
}

func exprName(e pyast.Expr) string {
	switch e := e.(type) {
	case *pyast.Call:
		return exprName(e.Func)
	case *pyast.Attribute:
		return e.Attr
	case *pyast.Name:
		return e.ID
	}
	return ""
}

// Dotted is a name, or a name with attributes, as it is written.
func Dotted(e pyast.Expr) string {
	switch e := e.(type) {
	case *pyast.Name:
		return e.ID
	case *pyast.Attribute:
		if base := Dotted(e.Value); base != "" {
			return base + "." + e.Attr
		}
	}
	return ""
}

func (t *taint) run(f *Func) {
	fl := t.flows[f]
	fl.rounds++
	for name, l := range fl.params {
		fl.vars[name] = max(fl.vars[name], l)
	}
	// Twice: a loop may use what it binds later.
	for range 2 {
		for _, d := range f.Scope.Defs {
			l := t.level(f.Scope, d.Value, 0)
			if f.Scope.names(d) {
				l = min(l, Typed)
			}
			if c, ok := d.Value.(*pyast.Call); ok && l < Tainted && Uses(c, d.Name) && fl.vars[d.Name] == Tainted {
				fl.vars[d.Name] = l // x = int(x)
				fl.checked[d.Name] = whole
				continue
			}
			fl.vars[d.Name] = max(fl.vars[d.Name], l)
		}
	}
	for _, c := range f.Calls {
		t.pass(c)
	}
	t.keep(f)
	before := fl.returns
	pyast.Walk(f.Body, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Return:
			if n.Value != nil {
				fl.returns = max(fl.returns, t.level(f.Scope, n.Value, 0))
			}
		case *pyast.FunctionDef, *pyast.ClassDef, *pyast.Lambda:
			return false
		}
		return true
	})
	if fl.returns != before {
		for _, to := range fl.fills {
			if g := t.flow(to.f); g.params[to.name] < fl.returns {
				g.params[to.name] = fl.returns
				t.queue(to.f)
			}
		}
		// Those who call it see more.
		for _, g := range t.callers[f] {
			if t.flows[g] != nil {
				t.queue(g)
			}
		}
	}
}

// Uses tells whether a name stands in what is written.
func Uses(n pyast.Node, name string) bool {
	found := false
	pyast.Inspect(n, func(n pyast.Node) bool {
		if x, ok := n.(*pyast.Name); ok && x.ID == name {
			found = true
		}
		return !found
	})
	return found
}

// Target is the project's own function that is called; nil when it is not one.
func (c *Call) Target() *Func { return c.target }

// pass hands the levels of arguments to the function that is called.
func (t *taint) pass(c *Call) {
	to, got := c.handed()
	if to == nil {
		return
	}
	raise := func(name string, l Level) {
		if l == Clean || name == "" {
			return
		}
		// What its type does not let through does not come in.
		if a := to.annotation(name); a != nil && l == Tainted && to.Outer.typeLevel(a) == Typed {
			l = Typed
		}
		if fl := t.flow(to); fl.params[name] < l {
			fl.params[name] = l
			t.queue(to)
		}
	}
	for i, a := range got.args {
		if name := to.at(got.skip + i); name != "" {
			raise(name, t.level(c.Scope, a, 0))
		}
	}
	for _, k := range got.keywords {
		name := to.keyword(k.Name)
		if k.Name == "" {
			if to.Args.Kwarg == nil {
				continue
			}
			name = to.Args.Kwarg.Name
		}
		if name == "" {
			continue
		}
		l := t.level(c.Scope, k.Value, 0)
		raise(name, l)
		if name != k.Name {
			raise(entry(name, k.Name), l) // values["month"] is not values["owner"]
		}
	}
}

// annotation is what a parameter is said to be.
func (f *Func) annotation(name string) pyast.Expr {
	for _, p := range f.Params {
		if p.Name == name {
			return p.Annotation
		}
	}
	for _, rest := range []*pyast.Arg{f.Args.Vararg, f.Args.Kwarg} {
		if rest != nil && rest.Name == name {
			return rest.Annotation
		}
	}
	return nil
}

// entry names what a parameter of the rest holds under a key; "" is any.
func entry(name, key string) string { return name + "[" + key + "]" }
