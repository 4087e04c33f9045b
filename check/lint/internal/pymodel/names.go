package pymodel

import (
	"strings"
	"sync"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// maxFollow bounds how many imports, aliases and bases are followed: a chain
// may go round.
const maxFollow = 12

// A Symbol is what an expression names.
type Symbol struct {
	// Name in full: of what is imported from elsewhere as its package calls
	// it, of what is the project's own by its module.
	Name string
	// Binding and Scope are of what is the project's own.
	Binding *Binding
	Scope   *Scope
	// Module is set when it is a module of the project.
	Module *Module
}

// Qualified is the full name of what an expression names, or of the method
// that it takes from a value whose class is known; "" when it is not known.
func (s *Scope) Qualified(e pyast.Expr) string { return s.symbol(e, 0).Name }

// Symbol is what an expression names.
func (s *Scope) Symbol(e pyast.Expr) Symbol { return s.symbol(e, 0) }

func (s *Scope) symbol(e pyast.Expr, depth int) Symbol {
	if depth > maxFollow {
		return Symbol{}
	}
	switch e := e.(type) {
	case *pyast.Name:
		if c := s.marked(e.Mark, e); c != nil {
			return c.sym
		}
		b, at := s.Lookup(e.ID)
		if b == nil {
			if from := s.Module.starred(e.ID, depth+1); from.Name != "" {
				return from
			}
			if builtins()[e.ID] {
				return Symbol{Name: "builtins." + e.ID}
			}
			return Symbol{}
		}
		return at.bound(e.ID, b, depth)
	case *pyast.Attribute:
		if c := s.marked(e.Mark, e); c != nil {
			return c.sym
		}
		if name, ok := e.Value.(*pyast.Name); ok && (name.ID == "self" || name.ID == "cls") {
			if f := s.Enclosing(); f != nil && f.Class != nil {
				return f.Class.member(e.Attr, depth+1)
			}
		}
		base := s.symbol(e.Value, depth+1)
		switch {
		case base.Module != nil:
			return base.Module.member(e.Attr, depth+1)
		case base.Binding != nil && base.Binding.Class != nil:
			return base.Binding.Class.member(e.Attr, depth+1)
		case base.Binding == nil && base.Name != "":
			return Symbol{Name: canonical(base.Name + "." + e.Attr)}
		}
		t := s.typeOf(e.Value, depth+1)
		if t.Class != nil {
			return t.Class.member(e.Attr, depth+1)
		}
		if t.Name != "" {
			return Symbol{Name: canonical(t.Name + "." + e.Attr)}
		}
	}
	return Symbol{}
}

// bound is what a binding of this scope names.
func (s *Scope) bound(name string, b *Binding, depth int) Symbol {
	switch {
	case b.imported != nil:
		return *b.imported
	case b.Import != "":
		return s.Module.imported(s.Module.absolute(b.Import), depth+1)
	case b.Value != nil && !b.With && !b.Part && b.Count == 1:
		// An alias names what it stands for.
		switch b.Value.(type) {
		case *pyast.Name, *pyast.Attribute:
			if to := s.symbol(b.Value, depth+1); to.Name != "" {
				return to
			}
		}
	}
	full := b.full
	if full == "" { // of a comprehension or a lambda
		full = s.Module.Name + "." + name
	}
	return Symbol{Name: full, Binding: b, Scope: s}
}

// imported is what a dotted name of an import stands for.
func (m *Module) imported(dotted string, depth int) Symbol {
	if depth > maxFollow {
		return Symbol{}
	}
	for i := len(dotted); i > 0; i = strings.LastIndexByte(dotted[:i], '.') {
		if to := m.project.find(dotted[:i], m); to != nil && (to != m || i == len(dotted)) {
			if i == len(dotted) {
				return Symbol{Name: to.Name, Module: to}
			}
			rest := strings.Split(dotted[i+1:], ".")
			s := to.member(rest[0], depth+1)
			for _, attr := range rest[1:] {
				switch {
				case s.Module != nil:
					s = s.Module.member(attr, depth+1)
				case s.Binding != nil && s.Binding.Class != nil:
					s = s.Binding.Class.member(attr, depth+1)
				default:
					return Symbol{}
				}
			}
			return s
		}
	}
	return Symbol{Name: canonical(dotted)}
}

// member is a name of a module.
func (m *Module) member(name string, depth int) Symbol {
	if depth > maxFollow {
		return Symbol{}
	}
	if b := m.Scope.Names[name]; b != nil {
		return m.Scope.bound(name, b, depth+1)
	}
	if to := m.project.find(m.Name+"."+name, m); to != nil {
		return Symbol{Name: to.Name, Module: to}
	}
	return m.starred(name, depth+1)
}

// starred is a name that comes by `from module import *`.
func (m *Module) starred(name string, depth int) Symbol {
	if depth > maxFollow || strings.HasPrefix(name, "_") {
		return Symbol{}
	}
	for _, from := range m.stars {
		if to := m.project.find(m.absolute(from), m); to != nil && to != m {
			if s := to.member(name, depth+1); s.Name != "" {
				return s
			}
		}
	}
	return Symbol{}
}

// member is a name of a class, or of one that it derives from.
func (c *Class) member(name string, depth int) Symbol {
	if depth > maxFollow {
		return Symbol{}
	}
	if b := c.Scope.Names[name]; b != nil {
		return Symbol{Name: b.full, Binding: b, Scope: c.Scope}
	}
	for _, base := range c.Bases {
		up := c.Outer.symbol(generic(base), depth+1)
		switch {
		case up.Binding != nil && up.Binding.Class != nil && up.Binding.Class != c:
			if s := up.Binding.Class.member(name, depth+1); s.Name != "" {
				return s
			}
		case up.Binding == nil && up.Module == nil && up.Name != "":
			return Symbol{Name: canonical(up.Name + "." + name)}
		}
	}
	return Symbol{}
}

// generic is a base class without its parameters: Base of Base[T].
func generic(base pyast.Expr) pyast.Expr {
	if sub, ok := base.(*pyast.Subscript); ok {
		return sub.Value
	}
	return base
}

// A Type is the class of a value.
type Type struct {
	Name  string
	Class *Class // when it is the project's own
}

// TypeOf is the class that a value is of; without a name when that is not
// known.
func (s *Scope) TypeOf(e pyast.Expr) Type { return s.typeOf(e, 0) }

func (s *Scope) typeOf(e pyast.Expr, depth int) Type {
	if depth > maxFollow {
		return Type{}
	}
	switch e := e.(type) {
	case *pyast.Await:
		return s.typeOf(e.Value, depth+1)
	case *pyast.NamedExpr:
		return s.typeOf(e.Value, depth+1)
	case *pyast.BoolOp:
		return s.typeOf(e.Values[0], depth+1)
	case *pyast.IfExp:
		return s.typeOf(e.Body, depth+1)
	case *pyast.Call:
		f := s.symbol(e.Func, depth+1)
		switch {
		case f.Binding != nil && f.Binding.Class != nil:
			return Type{f.Name, f.Binding.Class}
		case f.Binding != nil && f.Binding.Func != nil:
			if r := f.Binding.Func.Returns; r != nil {
				return f.Binding.Func.Outer.annotation(r, depth+1)
			}
			return f.Binding.Func.makes(depth + 1)
		case f.Binding == nil && f.Module == nil && f.Name != "":
			if made := factories[f.Name]; made != "" {
				return Type{Name: made}
			}
			last := f.Name[strings.LastIndexByte(f.Name, '.')+1:]
			if last[0] >= 'A' && last[0] <= 'Z' {
				return Type{Name: f.Name}
			}
		}
	case *pyast.Name, *pyast.Attribute:
		sym := s.symbol(e, depth+1)
		b := sym.Binding
		if b == nil {
			if a, ok := e.(*pyast.Attribute); ok {
				return s.attribute(a, depth+1)
			}
			return Type{}
		}
		if b.Annotation != nil {
			if t := sym.Scope.annotation(b.Annotation, depth+1); t.Name != "" {
				return t
			}
		}
		if b.Value != nil && !b.Part {
			return sym.Scope.typeOf(b.Value, depth+1)
		}
	}
	return Type{}
}

// factories are functions whose value is of a class.
var factories = map[string]string{
	"sqlite3.connect": "sqlite3.Connection", "psycopg2.connect": "psycopg2.connection", "psycopg.connect": "psycopg.Connection",
	"asyncpg.connect": "asyncpg.Connection", "asyncpg.create_pool": "asyncpg.Pool", "pymysql.connect": "pymysql.Connection",
	"sqlalchemy.create_engine": "sqlalchemy.Engine", "sqlalchemy.ext.asyncio.create_async_engine": "sqlalchemy.ext.asyncio.AsyncEngine",
	"hashlib.md5": "hashlib.Hash", "hashlib.sha1": "hashlib.Hash", "hashlib.new": "hashlib.Hash",
}

// Annotation is the class that an annotation names, without what is around
// it: Annotated, Optional, None.
func (s *Scope) Annotation(e pyast.Expr) Type { return s.annotation(e, 0) }

func (s *Scope) annotation(e pyast.Expr, depth int) Type {
	if depth > maxFollow || e == nil {
		return Type{}
	}
	switch e := e.(type) {
	case *pyast.Constant:
		if inner := Forward(e); inner != nil {
			return s.annotation(inner, depth+1)
		}
	case *pyast.BinOp:
		if e.Op == pyast.BitOr {
			if c, ok := e.Left.(*pyast.Constant); ok && c.Kind == pyast.None {
				return s.annotation(e.Right, depth+1)
			}
			return s.annotation(e.Left, depth+1)
		}
	case *pyast.Subscript:
		name := s.symbol(e.Value, depth+1).Name
		switch name {
		case "typing.Annotated", "typing.Optional", "typing.Union", "typing.Required", "typing.NotRequired", "typing.Final", "typing.ClassVar":
			return s.annotation(first(e.Slice), depth+1)
		}
		return s.annotation(e.Value, depth+1)
	case *pyast.Name, *pyast.Attribute:
		sym := s.symbol(e, depth+1)
		switch {
		case sym.Binding != nil && sym.Binding.Class != nil:
			return Type{sym.Name, sym.Binding.Class}
		case sym.Binding != nil && sym.Binding.Value != nil && sym.Scope.Func == nil:
			return sym.Scope.annotation(sym.Binding.Value, depth+1)
		case sym.Binding == nil && sym.Module == nil:
			return Type{Name: sym.Name}
		}
	}
	return Type{}
}

// Forward reads an annotation that is written as a string. What it gives has
// no place in the file.
func Forward(c *pyast.Constant) pyast.Expr {
	if c.Kind != pyast.Str || len(c.Value) > 1000 {
		return nil
	}
	f, err := pyast.Parse([]byte(c.Value))
	if err != nil || len(f.Errors) > 0 || len(f.Body) != 1 {
		return nil
	}
	if x, ok := f.Body[0].(*pyast.ExprStmt); ok {
		return x.Value
	}
	return nil
}

func first(e pyast.Expr) pyast.Expr {
	if t, ok := e.(*pyast.Tuple); ok && len(t.Elts) > 0 {
		return t.Elts[0]
	}
	return e
}

// Annotated is what stands in Annotated[…] behind the type, through aliases,
// and the scope that it is written in.
func (s *Scope) Annotated(e pyast.Expr) ([]pyast.Expr, *Scope) {
	for range maxFollow {
		switch x := e.(type) {
		case *pyast.Subscript:
			if t, ok := x.Slice.(*pyast.Tuple); ok && s.Qualified(x.Value) == "typing.Annotated" && len(t.Elts) > 1 {
				return t.Elts[1:], s
			}
			return nil, s
		case *pyast.Name, *pyast.Attribute:
			sym := s.Symbol(e)
			if sym.Binding == nil || sym.Binding.Value == nil || sym.Scope.Func != nil {
				return nil, s
			}
			e, s = sym.Binding.Value, sym.Scope
		case *pyast.Constant:
			if e = Forward(x); e == nil {
				return nil, s
			}
		case *pyast.BinOp:
			e = x.Left
		default:
			return nil, s
		}
	}
	return nil, s
}

// IsA tells whether a class is one of the named, or derives from one.
func (c *Class) IsA(names ...string) bool { return c.isA(names, 0) }

func (c *Class) isA(names []string, depth int) bool {
	if depth > maxFollow {
		return false
	}
	for _, base := range c.Bases {
		if sub, ok := base.(*pyast.Subscript); ok {
			base = sub.Value // Generic bases
		}
		up := c.Outer.Symbol(base)
		for _, n := range names {
			if up.Name == n {
				return true
			}
		}
		if up.Binding == nil {
			continue
		}
		if up.Binding.Class != nil {
			if up.Binding.Class != c && up.Binding.Class.isA(names, depth+1) {
				return true
			}
		} else if t := up.Scope.madeBase(up.Binding.Value); t != "" {
			for _, n := range names {
				if t == n {
					return true
				}
			}
		}
	}
	return false
}

// madeBase is the base class that a function makes.
func (s *Scope) madeBase(e pyast.Expr) string {
	if c, ok := e.(*pyast.Call); ok {
		switch s.Qualified(c.Func) {
		case "sqlalchemy.orm.declarative_base", "sqlalchemy.ext.declarative.declarative_base":
			return "sqlalchemy.orm.DeclarativeBase"
		}
	}
	return ""
}

// IsA tells whether a value's class is one of the named, or derives from one.
func (t Type) IsA(names ...string) bool {
	for _, n := range names {
		if t.Name == n {
			return true
		}
	}
	return t.Class != nil && t.Class.IsA(names...)
}

// AllFields are those of a class and of the project's classes that it derives
// from; its own come first.
func (c *Class) AllFields() []*Field {
	var out []*Field
	seen := map[string]bool{}
	var add func(c *Class, depth int)
	add = func(c *Class, depth int) {
		for _, f := range c.Fields {
			if !seen[f.Name] {
				seen[f.Name] = true
				out = append(out, f)
			}
		}
		if depth > maxFollow {
			return
		}
		for _, base := range c.Bases {
			if up := c.Outer.Symbol(generic(base)); up.Binding != nil && up.Binding.Class != nil && up.Binding.Class != c {
				add(up.Binding.Class, depth+1)
			}
		}
	}
	add(c, 0)
	return out
}

// canonical is one name for what packages give under several.
func canonical(name string) string {
	if to := reexports[name]; to != "" {
		return to
	}
	for _, r := range prefixes {
		if rest, ok := strings.CutPrefix(name, r[0]); ok {
			return r[1] + rest
		}
	}
	return name
}

var reexports = map[string]string{
	"fastapi.Request": "starlette.requests.Request", "fastapi.Response": "starlette.responses.Response",
	"fastapi.WebSocket": "starlette.websockets.WebSocket", "fastapi.BackgroundTasks": "starlette.background.BackgroundTasks",
	"fastapi.HTTPException": "starlette.exceptions.HTTPException", "fastapi.exceptions.HTTPException": "starlette.exceptions.HTTPException",
	"fastapi.UploadFile":  "starlette.datastructures.UploadFile",
	"sqlalchemy.sql.text": "sqlalchemy.text", "sqlalchemy.sql.expression.text": "sqlalchemy.text", "sqlmodel.text": "sqlalchemy.text",
	"sqlmodel.Session": "sqlalchemy.orm.Session", "sqlmodel.ext.asyncio.session.AsyncSession": "sqlalchemy.ext.asyncio.AsyncSession",
	"sqlmodel.create_engine": "sqlalchemy.create_engine", "sqlalchemy.engine.create_engine": "sqlalchemy.create_engine",
	"pydantic.BaseSettings": "pydantic_settings.BaseSettings", "pydantic.v1.BaseSettings": "pydantic_settings.BaseSettings",
	"pydantic.v1.BaseModel": "pydantic.BaseModel", "pydantic.main.BaseModel": "pydantic.BaseModel",
	"typing_extensions.Annotated": "typing.Annotated", "typing_extensions.Literal": "typing.Literal",
	"urllib2.urlopen":              "urllib.request.urlopen",
	"fastapi.applications.FastAPI": "fastapi.FastAPI", "fastapi.routing.APIRouter": "fastapi.APIRouter",
	"jwt.api_jwt.decode": "jwt.decode",
}

var prefixes = [][2]string{
	{"fastapi.responses.", "starlette.responses."}, {"fastapi.middleware.", "starlette.middleware."},
	{"fastapi.staticfiles.", "starlette.staticfiles."}, {"fastapi.templating.", "starlette.templating."},
	{"fastapi.requests.", "starlette.requests."}, {"fastapi.websockets.", "starlette.websockets."},
	{"fastapi.datastructures.", "starlette.datastructures."}, {"fastapi.Request.", "starlette.requests.Request."},
	{"fastapi.UploadFile.", "starlette.datastructures.UploadFile."}, {"fastapi.Response.", "starlette.responses.Response."},
	{"fastapi.params.", "fastapi."}, {"fastapi.param_functions.", "fastapi."}, {"typing_extensions.", "typing."},
	{"fastapi.security.oauth2.", "fastapi.security."}, {"fastapi.security.http.", "fastapi.security."}, {"fastapi.security.api_key.", "fastapi.security."},
	{"sqlmodel.Session.", "sqlalchemy.orm.Session."}, {"sqlalchemy.orm.session.", "sqlalchemy.orm."},
	{"sqlalchemy.ext.asyncio.session.", "sqlalchemy.ext.asyncio."}, {"Cryptodome.", "Crypto."},
	{"passlib.handlers.", "passlib.hash."},
}

var builtins = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, n := range strings.Fields(builtinNames) {
		out[n] = true
	}
	return out
})

const builtinNames = "open eval exec compile print int float bool str bytes len setattr getattr delattr hasattr dict list tuple set sorted map filter zip range input type isinstance issubclass super vars globals locals __import__ repr format min max sum any all enumerate reversed hash id ascii chr ord hex oct round abs iter next staticmethod classmethod property Exception BaseException ValueError TypeError KeyError RuntimeError NotImplementedError PermissionError memoryview bytearray frozenset complex object callable dir divmod pow slice"
