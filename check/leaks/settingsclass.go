package leaks

import (
	"maps"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
)

// A settingsClass is a class with what it inherits.
type settingsClass struct {
	*wholeClass
	name, file       string
	prefix, nested   string
	exact            bool // case counts
	extra            string
	byName, readsEnv bool
	elsewhere        bool // values come from a folder of secrets, too
	// dim tells that names cannot be told, and nothing is said of the class.
	dim bool
}

// classes are all that were read.
type classes struct {
	named map[string][]*pyClass
	whole map[*pyClass]*wholeClass // what was resolved; nil while it is
}

func newClasses() *classes {
	return &classes{map[string][]*pyClass{}, map[*pyClass]*wholeClass{}}
}

// A wholeClass is what a class has and inherits.
type wholeClass struct {
	fields []pyField
	config map[string]string
	// isSettings tells whether BaseSettings is among its bases.
	isSettings, open, sources, first bool
}

// find is the class that a name means in a file: the file's own, or the only
// one.
func (cs *classes) find(name, file string) *pyClass {
	name, _, _ = strings.Cut(name, "[")
	name = name[strings.LastIndexByte(name, '.')+1:]
	all := cs.named[name]
	if i := slices.IndexFunc(all, func(c *pyClass) bool { return c.file == file }); i >= 0 {
		return all[i]
	}
	if len(all) == 1 {
		return all[0]
	}
	return nil
}

// plainBases bring no fields.
var plainBases = []string{"BaseSettings", "BaseModel", "object", "ABC", "Generic", "Protocol"}

// resolve gathers what a class has and inherits.
func (cs *classes) resolve(c *pyClass) *wholeClass {
	if w, ok := cs.whole[c]; ok {
		if w == nil {
			return &wholeClass{open: true} // a base of itself
		}
		return w
	}
	cs.whole[c] = nil
	w := &wholeClass{config: map[string]string{}, open: c.open, sources: c.sources}
	for _, base := range slices.Backward(c.bases) {
		name, _, _ := strings.Cut(base, "[")
		name = name[strings.LastIndexByte(name, '.')+1:]
		if slices.Contains(plainBases, name) {
			w.isSettings = w.isSettings || name == "BaseSettings"
			w.first = w.first || name == "BaseSettings" && c.first
			continue
		}
		b := cs.find(base, c.file)
		if b == nil {
			w.open = true
			continue
		}
		o := cs.resolve(b)
		w.fields = merge(w.fields, o.fields)
		maps.Copy(w.config, o.config)
		w.isSettings, w.open, w.sources, w.first = w.isSettings || o.isSettings, w.open || o.open, w.sources || o.sources, w.first || o.first
	}
	w.fields = merge(w.fields, c.fields)
	maps.Copy(w.config, c.config)
	cs.whole[c] = w
	return w
}

// merge puts fields over those of the same name.
func merge(under, over []pyField) []pyField {
	out := slices.Clone(under)
	for _, f := range over {
		if i := slices.IndexFunc(out, func(o pyField) bool { return o.name == f.name }); i >= 0 {
			out[i] = f
		} else {
			out = append(out, f)
		}
	}
	return out
}

// settings makes a settings class of a class; nil means that it is none.
func (cs *classes) settings(c *pyClass) *settingsClass {
	w := cs.resolve(c)
	if !w.isSettings {
		return nil
	}
	s := &settingsClass{wholeClass: w, name: c.name, file: c.file, extra: "forbid"}
	config := w.config
	text := func(key string, to *string) {
		if v, ok := config[key]; ok && v != "None" {
			if *to, ok = pyText(v); !ok {
				s.dim = true
			}
		}
	}
	text("env_prefix", &s.prefix)
	text("env_nested_delimiter", &s.nested)
	s.exact = config["case_sensitive"] == "True"
	s.byName = config["populate_by_name"] == "True" || config["validate_by_name"] == "True"
	s.readsEnv = config["env_file"] != "" && config["env_file"] != "None"
	if v, ok := config["extra"]; ok {
		s.extra = strings.Trim(v[strings.LastIndexByte(v, '.')+1:], `"'`)
	}
	if w.first && s.extra == "forbid" {
		s.extra = "ignore" // it looked for its fields in .env, and for nothing else
	}
	for _, key := range []string{"alias_generator", "env_prefix_target"} {
		if _, ok := config[key]; ok {
			s.dim = true
		}
	}
	if v := config["secrets_dir"]; v != "" && v != "None" {
		s.elsewhere = true
	}
	return s
}

// names are the variables that a field is read from.
func (s *settingsClass) names(f pyField) []string {
	if len(f.aliases) == 0 {
		return []string{s.prefix + f.name}
	}
	out := f.aliases
	if s.byName {
		out = append(slices.Clone(out), s.prefix+f.name)
	}
	return out
}

// cutName takes a name off a variable, as case counts or not.
func (s *settingsClass) cutName(variable, name string) (rest string, ok bool) {
	if len(variable) < len(name) || variable[:len(name)] != name && (s.exact || !strings.EqualFold(variable[:len(name)], name)) {
		return "", false
	}
	return variable[len(name):], true
}

// flat are types that have no parts.
var flat = lazy.Regexp(`^(?:str|int|float|bool|bytes|Decimal|SecretStr|SecretBytes|Path|UUID|datetime|date|timedelta|[A-Za-z]*(?:Url|Dsn)|list|set|tuple|frozenset|Literal)(?:\[|$)`)

// part is the class that a field's type names; known tells whether the type's
// parts are known, be it that it has none.
func (cs *classes) part(f pyField) (c *pyClass, known bool) {
	typ := strings.Trim(strings.TrimSpace(f.typ), `"'`)
	if inner, ok := strings.CutPrefix(strings.TrimPrefix(typ, "typing."), "Optional["); ok {
		typ = strings.TrimSuffix(inner, "]")
	}
	parts := slices.DeleteFunc(pySplit(typ, '|'), func(p string) bool { return p == "None" })
	if len(parts) != 1 {
		return nil, false
	}
	if flat().MatchString(parts[0]) {
		return nil, true
	}
	c = cs.find(parts[0], f.file)
	return c, c != nil
}

// reads tells whether a field takes a variable.
func (cs *classes) reads(s *settingsClass, f pyField, names []string, variable string, depth int) bool {
	for _, name := range names {
		rest, ok := s.cutName(variable, name)
		switch {
		case name == "" || ok && rest == "":
			return true
		case !ok || s.nested == "" || !strings.HasPrefix(rest, s.nested):
			continue
		}
		c, known := cs.part(f)
		if c == nil || depth > 8 {
			return !known
		}
		w := cs.resolve(c)
		if w.open || strings.Contains(w.config["extra"], "allow") || slices.ContainsFunc(w.fields, func(p pyField) bool {
			return cs.reads(s, p, append([]string{p.name}, p.aliases...), rest[len(s.nested):], depth+1)
		}) {
			return true
		}
	}
	return false
}

// missing are the variables of a required field that no line sets.
func (cs *classes) missing(s *settingsClass, f pyField, names, lines []string, depth int) []string {
	if !f.required || slices.Contains(names, "") || slices.ContainsFunc(lines, func(l string) bool {
		return slices.ContainsFunc(names, func(n string) bool { rest, ok := s.cutName(l, n); return ok && rest == "" })
	}) {
		return nil
	}
	c, _ := cs.part(f)
	if s.nested != "" && depth < 4 {
		if c != nil {
			var out []string
			for _, p := range cs.resolve(c).fields {
				out = append(out, cs.missing(s, p, below(names, s.nested, p), lines, depth+1)...)
			}
			if len(out) > 0 {
				return out
			}
		}
		if slices.ContainsFunc(lines, func(l string) bool { return cs.reads(s, f, names, l, depth) }) {
			return nil // a part of it is set, and none of the others must be
		}
	}
	if s.exact {
		return names[:1]
	}
	return []string{strings.ToUpper(names[0])}
}

// below are the names of a part.
func below(names []string, nested string, p pyField) []string {
	own := p.aliases
	if len(own) == 0 {
		own = []string{p.name}
	}
	var out []string
	for _, n := range names {
		for _, o := range own {
			out = append(out, n+nested+o)
		}
	}
	return out
}

// takes tells whether any field takes a variable, or all are taken.
func (cs *classes) takes(s *settingsClass, variable string) bool {
	return s.extra != "forbid" && s.extra != "ignore" || slices.ContainsFunc(s.fields, func(f pyField) bool { return cs.reads(s, f, s.names(f), variable, 0) })
}

// scalar are types that pydantic-settings does not read as JSON.
var scalar = lazy.Regexp(`^(?:str|int|float|bool|bytes|Decimal|SecretStr|SecretBytes|Path|UUID|datetime|date|timedelta|[A-Za-z]*(?:Url|Dsn)|Literal)(?:\[|$)`)

// forbids tells whether the class refuses a line that no field reads. It lets
// be what is the name of a field without the prefix, and what begins with the
// name of a field that may have parts.
func (s *settingsClass) forbids(variable string) bool {
	return s.extra == "forbid" && !s.bare(variable) && !slices.ContainsFunc(s.fields, func(f pyField) bool {
		return !scalar().MatchString(f.typ) && slices.ContainsFunc(s.names(f), func(n string) bool { _, ok := s.cutName(variable, n); return ok })
	})
}

// bare tells whether a variable is the name of a field, and lacks the prefix.
func (s *settingsClass) bare(variable string) bool {
	return s.prefix != "" && slices.ContainsFunc(s.fields, func(f pyField) bool { return strings.EqualFold(f.name, variable) })
}
