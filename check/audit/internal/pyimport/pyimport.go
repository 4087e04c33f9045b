// Package pyimport finds what a Python file imports.
//
// It reads the tokens of a file, not its grammar: strings and comments are
// passed over, and what stands at the beginning of a statement is looked at.
// It sees imports within functions and conditions, and those by a literal name
// through importlib; it sees none by a computed name.
package pyimport

import (
	"strings"
)

// MaxFile is the most bytes of a file that are read; generated ones can be
// larger, and import at their beginning.
const MaxFile = 8 << 20

// Names returns the modules that the source imports, dotted, without relative
// ones, each once, in the order of their first appearance. For "from a import
// b" it returns a and a.b, for b may be a module or not.
func Names(source string) []string {
	s := &scanner{text: source[:min(len(source), MaxFile)], seen: map[string]bool{}}
	s.file()
	return s.names
}

type kind byte

const (
	end kind = iota // of the file
	word
	text      // a string, its content in value if it is a plain literal
	newline   // the end of a statement: a line's end, or ;
	operation // one character
)

type token struct {
	kind  kind
	value string
}

type scanner struct {
	text  string
	at    int
	depth int // of brackets, in which a line's end is none
	seen  map[string]bool
	names []string
}

func (s *scanner) add(name string) {
	if name != "" && name[0] != '.' && !s.seen[name] {
		s.seen[name] = true
		s.names = append(s.names, name)
	}
}

func (s *scanner) file() {
	begin := true // of a statement
	var before, last token
	t := s.next()
	for t.kind != end {
		switch {
		case begin && t.kind == word && t.value == "import":
			t = s.imports()
			begin = t.kind == newline
			continue
		case begin && t.kind == word && t.value == "from":
			t = s.from()
			begin = t.kind == newline
			continue
		case t.kind == operation && t.value == "(" && last.kind == word &&
			(last.value == "__import__" || last.value == "import_module" || last.value == "find_spec" && before.value == "."):
			if t = s.next(); t.kind == text {
				s.add(t.value)
			}
			continue
		}
		// After a colon a statement may begin: if x: import y. In a
		// dictionary or a slice "import" cannot follow, for it is a keyword.
		begin = t.kind == newline || t.kind == operation && t.value == ":"
		before, last = last, t
		t = s.next()
	}
}

// dotted reads a name such as a.b.c, and returns what follows it.
func (s *scanner) dotted(t token) (string, token) {
	name := ""
	for t.kind == word || t.kind == operation && t.value == "." {
		if t.kind == word && name != "" && !strings.HasSuffix(name, ".") {
			break // "a as b", "a import b"
		}
		name += t.value
		t = s.next()
	}
	return name, t
}

// imports reads what follows "import".
func (s *scanner) imports() token {
	for {
		name, t := s.dotted(s.next())
		s.add(strings.TrimSuffix(name, "."))
		if t.kind == word && t.value == "as" {
			s.next()
			t = s.next()
		}
		if t.kind != operation || t.value != "," {
			return t
		}
	}
}

// from reads what follows "from".
func (s *scanner) from() token {
	module, t := s.dotted(s.next())
	if t.kind != word || t.value != "import" {
		return t // "yield from x", or no statement of Python's
	}
	s.add(module)
	relative := module == "" || module[0] == '.'
	t = s.next()
	for t.kind == operation && (t.value == "(" || t.value == ",") || t.kind == word {
		if t.kind != word {
			t = s.next()
			continue
		}
		if !relative {
			s.add(module + "." + t.value)
		}
		if t = s.next(); t.kind == word && t.value == "as" {
			s.next()
			t = s.next()
		}
		if t.kind == operation && t.value == ")" {
			return s.next()
		}
	}
	return t
}

func (s *scanner) next() token {
	for s.at < len(s.text) {
		c := s.text[s.at]
		switch {
		case c == ' ' || c == '\t' || c == '\f':
			s.at++
		case c == '\\':
			s.at++ // a line that goes on
			if s.at < len(s.text) && s.text[s.at] == '\r' {
				s.at++
			}
			if s.at < len(s.text) && s.text[s.at] == '\n' {
				s.at++
			}
		case c == '\n' || c == '\r' || c == ';':
			s.at++
			if s.depth == 0 {
				return token{newline, ""}
			}
		case c == '#':
			for s.at < len(s.text) && s.text[s.at] != '\n' && s.text[s.at] != '\r' {
				s.at++
			}
		case c == '"' || c == '\'':
			return token{text, s.literal("")}
		case isName(c):
			start := s.at
			for s.at < len(s.text) && isName(s.text[s.at]) {
				s.at++
			}
			w := s.text[start:s.at]
			if s.at < len(s.text) && (s.text[s.at] == '"' || s.text[s.at] == '\'') && isPrefix(w) {
				return token{text, s.literal(strings.ToLower(w))}
			}
			return token{word, w}
		default:
			s.at++
			switch c {
			case '(', '[', '{':
				s.depth++
			case ')', ']', '}':
				s.depth = max(s.depth-1, 0)
			}
			return token{operation, string(rune(c))}
		}
	}
	return token{end, ""}
}

func isName(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func isPrefix(w string) bool {
	return len(w) <= 2 && strings.Trim(strings.ToLower(w), "rbuft") == ""
}

// literal passes over a string. It returns its content, which is of use where
// nothing in it is escaped or formatted.
func (s *scanner) literal(prefix string) string {
	quote := s.text[s.at : s.at+1]
	triple := strings.HasPrefix(s.text[s.at:], strings.Repeat(quote, 3))
	if triple {
		quote = strings.Repeat(quote, 3)
	}
	s.at += len(quote)
	start := s.at
	for s.at < len(s.text) {
		switch {
		case s.text[s.at] == '\\':
			// Also in a raw string a quote after it does not end it.
			s.at = min(s.at+2, len(s.text))
			continue
		case !triple && (s.text[s.at] == '\n' || s.text[s.at] == '\r'):
			// No string of Python's: what follows is a line again.
			return ""
		case strings.HasPrefix(s.text[s.at:], quote):
			content := s.text[start:s.at]
			s.at += len(quote)
			if strings.ContainsAny(prefix, "ft") || strings.ContainsAny(content, "\\{") {
				return ""
			}
			return content
		}
		s.at++
	}
	return ""
}
