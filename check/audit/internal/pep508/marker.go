package pep508

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/audit/internal/pep440"
)

// Truth is what a marker comes to.
type Truth int

// The truths. Unknown is the zero value: it depends on what was not chosen.
const (
	Unknown Truth = iota
	False
	True
)

// A Marker is a condition on the environment.
type Marker struct {
	// Either op and two parts, or a comparison.
	op          string // "and", "or"; "" for a comparison
	left, right *Marker
	cmp         string
	a, b        operand
}

// An operand is a variable or a text.
type operand struct {
	text     string
	variable bool
}

// variables that a marker may ask for.
var variables = [...]string{
	"python_version", "python_full_version", "os_name", "sys_platform", "platform_release", "platform_system",
	"platform_version", "platform_machine", "platform_python_implementation", "implementation_name",
	"implementation_version", "extra", "extras", "dependency_groups",
}

// legacy names of variables, from PEP 345, that are still read.
func modern(name string) string {
	switch name {
	case "os.name":
		return "os_name"
	case "sys.platform":
		return "sys_platform"
	case "platform.version":
		return "platform_version"
	case "platform.machine":
		return "platform_machine"
	case "platform.python_implementation", "python_implementation":
		return "platform_python_implementation"
	}
	return name
}

// ParseMarker reads a marker by itself.
func ParseMarker(s string) (*Marker, error) {
	p := &parser{text: s}
	if len(s) > MaxLength {
		return nil, p.errorf("is longer than %d bytes", MaxLength)
	}
	m, err := p.marker(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.rest() != "" {
		return nil, p.errorf("did not understand what follows the marker")
	}
	return m, nil
}

// marker reads terms joined by or.
func (p *parser) marker(depth int) (*Marker, error) {
	if depth > maxDepth {
		return nil, p.errorf("the marker is nested deeper than %d", maxDepth)
	}
	left, err := p.conjunction(depth)
	for err == nil && p.word("or") {
		var right *Marker
		right, err = p.conjunction(depth)
		left = &Marker{op: "or", left: left, right: right}
	}
	return left, err
}

func (p *parser) conjunction(depth int) (*Marker, error) {
	left, err := p.term(depth)
	for err == nil && p.word("and") {
		var right *Marker
		right, err = p.term(depth)
		left = &Marker{op: "and", left: left, right: right}
	}
	return left, err
}

func (p *parser) term(depth int) (*Marker, error) {
	p.space()
	if p.take("(") {
		m, err := p.marker(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.space(); !p.take(")") {
			return nil, p.errorf("wanted )")
		}
		return m, nil
	}
	m := &Marker{}
	var err error
	if m.a, err = p.operand(); err != nil {
		return nil, err
	}
	p.space()
	switch {
	case p.word("in"):
		m.cmp = "in"
	case p.word("not"):
		if !p.word("in") {
			return nil, p.errorf("wanted in after not")
		}
		m.cmp = "not in"
	default:
		for _, op := range []string{"===", "~=", "==", "!=", "<=", ">=", "<", ">"} {
			if p.take(op) {
				m.cmp = op
				break
			}
		}
		if m.cmp == "" {
			return nil, p.errorf("wanted a comparison: == != <= >= < > ~= === in, not in")
		}
	}
	if m.b, err = p.operand(); err != nil {
		return nil, err
	}
	if !m.a.variable && !m.b.variable {
		return nil, p.errorf("two texts are compared: a marker asks for a variable")
	}
	return m, nil
}

// word reads a word that ends there.
func (p *parser) word(w string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest(), w)
	if !ok || rest != "" && (rest[0] == '_' || rest[0] >= '0' && rest[0] <= '9' || rest[0] >= 'a' && rest[0] <= 'z' || rest[0] >= 'A' && rest[0] <= 'Z') {
		return false
	}
	p.at += len(w)
	return true
}

func (p *parser) operand() (operand, error) {
	p.space()
	for _, quote := range []string{"'", `"`} {
		if p.take(quote) {
			end := strings.Index(p.rest(), quote)
			if end < 0 {
				return operand{}, p.errorf("the text has no closing %s", quote)
			}
			text := p.rest()[:end]
			p.at += end + 1
			return operand{text: text}, nil
		}
	}
	start := p.at
	for p.at < len(p.text) && (p.text[p.at] == '_' || p.text[p.at] == '.' || p.text[p.at] >= 'a' && p.text[p.at] <= 'z') {
		p.at++
	}
	name := modern(p.text[start:p.at])
	if !slices.Contains(variables[:], name) {
		p.at = start
		return operand{}, p.errorf("wanted a variable such as python_version, or a text in quotes")
	}
	return operand{text: name, variable: true}, nil
}

func (o operand) String() string {
	switch {
	case o.variable:
		return o.text
	case strings.Contains(o.text, `"`):
		return "'" + o.text + "'"
	}
	return `"` + o.text + `"`
}

// String is the marker in one form.
func (m *Marker) String() string {
	if m.op == "" {
		return m.a.String() + " " + m.cmp + " " + m.b.String()
	}
	side := func(s *Marker) string {
		if m.op == "and" && s.op == "or" {
			return "(" + s.String() + ")"
		}
		return s.String()
	}
	// The parser joins to the left; what stands on the right as a group of
	// its own keeps its parentheses.
	right := side(m.right)
	if m.right.op == m.op {
		right = "(" + m.right.String() + ")"
	}
	return side(m.left) + " " + m.op + " " + right
}

// An Environment gives the variables' values. What is missing is unknown.
type Environment struct {
	Values map[string]string
	// Extras and Groups are what "extra", "extras" and "dependency_groups"
	// hold; nil means unknown.
	Extras, Groups []string
}

// For is the environment of CPython of a version such as "3.12" or "3.12.4" on
// a platform: linux, darwin or windows. Empty means unknown.
func For(python, platform string) Environment {
	e := Environment{Values: map[string]string{}}
	if python != "" {
		parts := strings.SplitN(python, ".", 3)
		e.Values["python_version"] = strings.Join(parts[:min(len(parts), 2)], ".")
		if len(parts) == 3 {
			e.Values["python_full_version"] = python
			e.Values["implementation_version"] = python
		}
		// Who names a version means the reference implementation of it.
		e.Values["implementation_name"] = "cpython"
		e.Values["platform_python_implementation"] = "CPython"
	}
	switch platform {
	case "linux":
		e.Values["os_name"], e.Values["sys_platform"], e.Values["platform_system"] = "posix", "linux", "Linux"
	case "darwin":
		e.Values["os_name"], e.Values["sys_platform"], e.Values["platform_system"] = "posix", "darwin", "Darwin"
	case "windows":
		e.Values["os_name"], e.Values["sys_platform"], e.Values["platform_system"] = "nt", "win32", "Windows"
	}
	return e
}

// Eval evaluates the marker. Where a variable is not known, so is what is
// compared with it, and what is joined with that unless the other side
// decides.
func (m *Marker) Eval(e Environment) Truth {
	switch m.op {
	case "and":
		l, r := m.left.Eval(e), m.right.Eval(e)
		switch {
		case l == False || r == False:
			return False
		case l == Unknown || r == Unknown:
			return Unknown
		}
		return True
	case "or":
		l, r := m.left.Eval(e), m.right.Eval(e)
		switch {
		case l == True || r == True:
			return True
		case l == Unknown || r == Unknown:
			return Unknown
		}
		return False
	}
	return m.compare(e)
}

func truth(b bool) Truth {
	if b {
		return True
	}
	return False
}

func (m *Marker) compare(e Environment) Truth {
	name, other := m.a, m.b
	if !m.a.variable {
		name, other = m.b, m.a
	}
	switch name.text {
	case "extra", "extras", "dependency_groups":
		return m.member(e, name, other)
	}
	values := [2]string{}
	for i, o := range []operand{m.a, m.b} {
		v := o.text
		if o.variable {
			known, ok := e.Values[o.text]
			if !ok {
				if o.text == "python_full_version" {
					return m.anyPatch(e)
				}
				return Unknown
			}
			v = known
		}
		values[i] = v
	}
	return compare(values[0], m.cmp, values[1], name.text)
}

// anyPatch evaluates a condition on python_full_version where only major and
// minor are known: it is certain if it is so for the first patch and for one
// beyond all.
func (m *Marker) anyPatch(e Environment) Truth {
	minor, ok := e.Values["python_version"]
	if !ok {
		return Unknown
	}
	with := func(full string) Truth {
		values := map[string]string{"python_full_version": full}
		for k, v := range e.Values {
			values[k] = v
		}
		return m.compare(Environment{Values: values, Extras: e.Extras, Groups: e.Groups})
	}
	first, last := with(minor+".0"), with(minor+".99999")
	if first == last && m.cmp != "==" && m.cmp != "!=" && m.cmp != "===" && m.cmp != "in" && m.cmp != "not in" && m.cmp != "~=" {
		return first
	}
	if first == last && strings.HasSuffix(m.a.text+m.b.text, ".*") {
		return first
	}
	return Unknown
}

// member evaluates a condition on a set: extra == "x" asks whether x is in it.
func (m *Marker) member(e Environment, name, other operand) Truth {
	set := e.Extras
	if name.text == "dependency_groups" {
		set = e.Groups
	}
	if set == nil || other.variable {
		return Unknown
	}
	if slices.Contains(set, "*") {
		return Unknown // all: what asks for one, and what asks for none
	}
	has := slices.ContainsFunc(set, func(s string) bool { return normal(s) == normal(other.text) })
	switch m.cmp {
	case "==", "in", "===":
		return truth(has)
	case "!=", "not in":
		return truth(!has)
	}
	return Unknown
}

// normal is PEP 685's form of an extra's name.
func normal(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == '-' || r == '_' || r == '.' }), "-")
}

// compare compares as versions where the variable holds one and the right side
// is one (with the operator, a specifier), and otherwise as texts. Texts have
// no order: tools differ there, and what they differ in excludes nothing.
func compare(left, op, right, variable string) Truth {
	// platform_release may look like a version and not be one.
	versions := variable == "python_version" || variable == "python_full_version" || variable == "implementation_version"
	if versions && op != "in" && op != "not in" {
		if spec, err := pep440.ParseSpecifier(op + right); err == nil {
			if v, err := pep440.Parse(left); err == nil {
				return truth(pep440.Set{spec}.Contains(v, true))
			}
		}
	}
	switch op {
	case "in":
		return truth(strings.Contains(right, left))
	case "not in":
		return truth(!strings.Contains(right, left))
	case "==", "===":
		return truth(left == right)
	case "!=":
		return truth(left != right)
	}
	return Unknown
}
