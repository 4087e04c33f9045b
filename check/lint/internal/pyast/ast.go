package pyast

// Span is the part of the source that a node stands for, in bytes.
type Span struct{ From, To int32 }

// Pos is the offset of the node's first byte.
func (s *Span) Pos() int { return int(s.From) }

// End is the offset behind the node's last byte.
func (s *Span) End() int { return int(s.To) }

// A Node is a part of a file. The nodes have the names and the fields that
// the reference gives them (Python Language Reference, module ast), but that
// one flag stands for each pair of a plain and an asynchronous statement.
type Node interface {
	Pos() int
	End() int
	inspect(walker)
}

// Expr is an expression.
type Expr interface {
	Node
	expr()
}

// Stmt is a statement.
type Stmt interface {
	Node
	stmt()
}

// Pattern is what stands behind case.
type Pattern interface {
	Node
	pattern()
}

// Ctx tells what is done to a name, an attribute or an element.
type Ctx uint8

// The contexts.
const (
	Load Ctx = iota
	Store
	Del
)

// Op is an operator.
type Op uint8

// The operators, with the names of the reference.
const (
	NoOp Op = iota
	And
	Or
	Add
	Sub
	Mult
	MatMult
	Div
	Mod
	Pow
	LShift
	RShift
	BitOr
	BitXor
	BitAnd
	FloorDiv
	Invert
	Not
	UAdd
	USub
	Eq
	NotEq
	Lt
	LtE
	Gt
	GtE
	Is
	IsNot
	In
	NotIn
)

// Kind is the type of a constant.
type Kind uint8

// The kinds of constants.
const (
	None Kind = iota
	True
	False
	Ellipsis
	Str
	Bytes
	Int
	Float
	Imaginary
)

// Expressions.
type (
	// BoolOp is `a and b and c`.
	BoolOp struct {
		Span
		Op     Op
		Values []Expr
	}
	// NamedExpr is `target := value`.
	NamedExpr struct {
		Span
		Target, Value Expr
	}
	// BinOp is `left + right`.
	BinOp struct {
		Span
		Left  Expr
		Op    Op
		Right Expr
	}
	// UnaryOp is `-operand`.
	UnaryOp struct {
		Span
		Op      Op
		Operand Expr
	}
	// Lambda is `lambda args: body`.
	Lambda struct {
		Span
		Args *Arguments
		Body Expr
	}
	// IfExp is `body if test else orelse`.
	IfExp struct {
		Span
		Test, Body, Orelse Expr
	}
	// Dict is `{key: value, **other}`: a nil key is of `**other`.
	Dict struct {
		Span
		Keys, Values []Expr
	}
	// Set is `{a, b}`.
	Set struct {
		Span
		Elts []Expr
	}
	// ListComp is `[elt for … in …]`.
	ListComp struct {
		Span
		Elt        Expr
		Generators []*Comprehension
	}
	// SetComp is `{elt for … in …}`.
	SetComp struct {
		Span
		Elt        Expr
		Generators []*Comprehension
	}
	// DictComp is `{key: value for … in …}`.
	DictComp struct {
		Span
		Key, Value Expr
		Generators []*Comprehension
	}
	// GeneratorExp is `(elt for … in …)`.
	GeneratorExp struct {
		Span
		Elt        Expr
		Generators []*Comprehension
	}
	// Await is `await value`.
	Await struct {
		Span
		Value Expr
	}
	// Yield is `yield value`; the value may be nil.
	Yield struct {
		Span
		Value Expr
	}
	// YieldFrom is `yield from value`.
	YieldFrom struct {
		Span
		Value Expr
	}
	// Compare is `left < a <= b`.
	Compare struct {
		Span
		Left        Expr
		Ops         []Op
		Comparators []Expr
	}
	// Call is `func(args, name=value)`.
	Call struct {
		Span
		Func     Expr
		Args     []Expr
		Keywords []*Keyword
	}
	// FormattedValue is `{value!r:spec}` in an f-string.
	FormattedValue struct {
		Span
		Value      Expr
		Conversion int // the letter, or -1
		FormatSpec Expr
	}
	// Interpolation is `{value!r:spec}` in a t-string (PEP 750).
	Interpolation struct {
		Span
		Value      Expr
		Str        string // the expression as it is written
		Conversion int
		FormatSpec Expr
	}
	// JoinedStr is an f-string.
	JoinedStr struct {
		Span
		Values []Expr
	}
	// TemplateStr is a t-string (PEP 750).
	TemplateStr struct {
		Span
		Values []Expr
	}
	// Constant is a literal. Value is the text of a string, the bytes of a
	// bytes literal, and the source of a number; it is empty otherwise. A
	// surrogate that an escape wrote is in it as three bytes, and a character
	// that an escape named as U+FFFD.
	Constant struct {
		Span
		Kind  Kind
		Value string
	}
	// Attribute is `value.attr`.
	Attribute struct {
		Span
		Value Expr
		Attr  string
		Ctx   Ctx
		Mark  uint32 // for who reads the tree, to find again what he knows of it
	}
	// Subscript is `value[slice]`.
	Subscript struct {
		Span
		Value, Slice Expr
		Ctx          Ctx
	}
	// Starred is `*value`.
	Starred struct {
		Span
		Value Expr
		Ctx   Ctx
	}
	// Name is an identifier, in normal form KC.
	Name struct {
		Span
		ID   string
		Ctx  Ctx
		Mark uint32 // as of an Attribute
	}
	// List is `[a, b]`.
	List struct {
		Span
		Elts []Expr
		Ctx  Ctx
	}
	// Tuple is `a, b`, in parentheses or not.
	Tuple struct {
		Span
		Elts []Expr
		Ctx  Ctx
	}
	// Slice is `lower:upper:step`; each may be nil.
	Slice struct {
		Span
		Lower, Upper, Step Expr
	}
)

// Statements.
type (
	// FunctionDef is `def name(args): body`. Its span begins with def.
	FunctionDef struct {
		Span
		Async      bool
		Name       string
		Args       *Arguments
		Body       []Stmt
		Decorators []Expr
		Returns    Expr
		TypeParams []*TypeParam
	}
	// ClassDef is `class Name(bases, metaclass=…): body`.
	ClassDef struct {
		Span
		Name       string
		Bases      []Expr
		Keywords   []*Keyword
		Body       []Stmt
		Decorators []Expr
		TypeParams []*TypeParam
	}
	// Return is `return value`; the value may be nil.
	Return struct {
		Span
		Value Expr
	}
	// Delete is `del targets`.
	Delete struct {
		Span
		Targets []Expr
	}
	// Assign is `a = b = value`.
	Assign struct {
		Span
		Targets []Expr
		Value   Expr
	}
	// TypeAlias is `type Name[T] = value` (PEP 695).
	TypeAlias struct {
		Span
		Name       Expr
		TypeParams []*TypeParam
		Value      Expr
	}
	// AugAssign is `target += value`.
	AugAssign struct {
		Span
		Target Expr
		Op     Op
		Value  Expr
	}
	// AnnAssign is `target: annotation = value`; the value may be nil.
	// Simple tells that the target is a name without parentheses.
	AnnAssign struct {
		Span
		Target, Annotation, Value Expr
		Simple                    bool
	}
	// For is `for target in iter: body` and its else.
	For struct {
		Span
		Async        bool
		Target, Iter Expr
		Body, Orelse []Stmt
	}
	// While is `while test: body` and its else.
	While struct {
		Span
		Test         Expr
		Body, Orelse []Stmt
	}
	// If is `if test: body`; elif is an If that is alone in Orelse.
	If struct {
		Span
		Test         Expr
		Body, Orelse []Stmt
	}
	// With is `with items: body`.
	With struct {
		Span
		Async bool
		Items []*WithItem
		Body  []Stmt
	}
	// Match is `match subject:` and its cases.
	Match struct {
		Span
		Subject Expr
		Cases   []*MatchCase
	}
	// Raise is `raise exc from cause`; both may be nil.
	Raise struct {
		Span
		Exc, Cause Expr
	}
	// Try is `try: body` with its handlers; Star is of `except*`.
	Try struct {
		Span
		Star              bool
		Body              []Stmt
		Handlers          []*ExceptHandler
		Orelse, Finalbody []Stmt
	}
	// Assert is `assert test, msg`; the message may be nil.
	Assert struct {
		Span
		Test, Msg Expr
	}
	// Import is `import names`.
	Import struct {
		Span
		Names []*Alias
	}
	// ImportFrom is `from module import names`; Level counts leading dots.
	ImportFrom struct {
		Span
		Module string
		Names  []*Alias
		Level  int
	}
	// Global is `global names`.
	Global struct {
		Span
		Names []string
	}
	// Nonlocal is `nonlocal names`.
	Nonlocal struct {
		Span
		Names []string
	}
	// ExprStmt is an expression that stands alone.
	ExprStmt struct {
		Span
		Value Expr
	}
	// Pass is `pass`.
	Pass struct{ Span }
	// Break is `break`.
	Break struct{ Span }
	// Continue is `continue`.
	Continue struct{ Span }
	// Bad is what could not be read. File.Errors says why.
	Bad struct{ Span }
)

// Patterns.
type (
	// MatchValue is `case value`.
	MatchValue struct {
		Span
		Value Expr
	}
	// MatchSingleton is `case None`, `case True`, `case False`.
	MatchSingleton struct {
		Span
		Kind Kind
	}
	// MatchSequence is `case [a, b]`.
	MatchSequence struct {
		Span
		Patterns []Pattern
	}
	// MatchMapping is `case {key: pattern, **rest}`.
	MatchMapping struct {
		Span
		Keys     []Expr
		Patterns []Pattern
		Rest     string
	}
	// MatchClass is `case Class(pattern, name=pattern)`.
	MatchClass struct {
		Span
		Class       Expr
		Patterns    []Pattern
		KwdAttrs    []string
		KwdPatterns []Pattern
	}
	// MatchStar is `*name`; the wildcard has no name.
	MatchStar struct {
		Span
		Name string
	}
	// MatchAs is `pattern as name`; without a pattern it is a name, and
	// without both the wildcard.
	MatchAs struct {
		Span
		Pattern Pattern
		Name    string
	}
	// MatchOr is `a | b`.
	MatchOr struct {
		Span
		Patterns []Pattern
	}
)

// Parts of expressions and statements.
type (
	// Arguments are a function's parameters. KwDefaults has a nil for each
	// keyword-only parameter without a default.
	Arguments struct {
		Span
		PosOnly, Args []*Arg
		Vararg        *Arg
		KwOnly        []*Arg
		KwDefaults    []Expr
		Kwarg         *Arg
		Defaults      []Expr
	}
	// Arg is a parameter.
	Arg struct {
		Span
		Name       string
		Annotation Expr
	}
	// Keyword is `name=value` in a call; `**value` has no name.
	Keyword struct {
		Span
		Name  string
		Value Expr
	}
	// Alias is `name as asname` in an import.
	Alias struct {
		Span
		Name, AsName string
	}
	// WithItem is `context as vars`.
	WithItem struct {
		Span
		Context, Vars Expr
	}
	// MatchCase is `case pattern if guard: body`.
	MatchCase struct {
		Span
		Pattern Pattern
		Guard   Expr
		Body    []Stmt
	}
	// ExceptHandler is `except type as name: body`.
	ExceptHandler struct {
		Span
		Type Expr
		Name string
		Body []Stmt
	}
	// Comprehension is `for target in iter if …`.
	Comprehension struct {
		Span
		Target, Iter Expr
		Ifs          []Expr
		Async        bool
	}
	// TypeParam is `T: bound = default`, `*Ts` or `**P` (PEP 695, 696).
	TypeParam struct {
		Span
		Stars          int // 0, 1 or 2
		Name           string
		Bound, Default Expr
	}
)

func (*BoolOp) expr()         {}
func (*NamedExpr) expr()      {}
func (*BinOp) expr()          {}
func (*UnaryOp) expr()        {}
func (*Lambda) expr()         {}
func (*IfExp) expr()          {}
func (*Dict) expr()           {}
func (*Set) expr()            {}
func (*ListComp) expr()       {}
func (*SetComp) expr()        {}
func (*DictComp) expr()       {}
func (*GeneratorExp) expr()   {}
func (*Await) expr()          {}
func (*Yield) expr()          {}
func (*YieldFrom) expr()      {}
func (*Compare) expr()        {}
func (*Call) expr()           {}
func (*FormattedValue) expr() {}
func (*Interpolation) expr()  {}
func (*JoinedStr) expr()      {}
func (*TemplateStr) expr()    {}
func (*Constant) expr()       {}
func (*Attribute) expr()      {}
func (*Subscript) expr()      {}
func (*Starred) expr()        {}
func (*Name) expr()           {}
func (*List) expr()           {}
func (*Tuple) expr()          {}
func (*Slice) expr()          {}

func (*FunctionDef) stmt() {}
func (*ClassDef) stmt()    {}
func (*Return) stmt()      {}
func (*Delete) stmt()      {}
func (*Assign) stmt()      {}
func (*TypeAlias) stmt()   {}
func (*AugAssign) stmt()   {}
func (*AnnAssign) stmt()   {}
func (*For) stmt()         {}
func (*While) stmt()       {}
func (*If) stmt()          {}
func (*With) stmt()        {}
func (*Match) stmt()       {}
func (*Raise) stmt()       {}
func (*Try) stmt()         {}
func (*Assert) stmt()      {}
func (*Import) stmt()      {}
func (*ImportFrom) stmt()  {}
func (*Global) stmt()      {}
func (*Nonlocal) stmt()    {}
func (*ExprStmt) stmt()    {}
func (*Pass) stmt()        {}
func (*Break) stmt()       {}
func (*Continue) stmt()    {}
func (*Bad) stmt()         {}

func (*MatchValue) pattern()     {}
func (*MatchSingleton) pattern() {}
func (*MatchSequence) pattern()  {}
func (*MatchMapping) pattern()   {}
func (*MatchClass) pattern()     {}
func (*MatchStar) pattern()      {}
func (*MatchAs) pattern()        {}
func (*MatchOr) pattern()        {}
