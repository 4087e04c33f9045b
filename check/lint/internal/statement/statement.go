// Package statement reads statements of SQL as far as findings rest on them:
// which table they are about, which columns they give, set and ask for. What
// it does not understand it leaves out, and a statement that is put together
// while the program runs is not one for it.
package statement

import (
	"slices"
	"strings"
)

// A Statement is one of SQL. All names are in small letters, and without what
// they belong to: i.user_id is user_id.
type Statement struct {
	// Verb is select, insert, update or delete.
	Verb  string
	Table string
	// Columns are those that are given, in their order, or inserted; "" stands
	// for an expression, "*" for all.
	Columns []string
	Set     []Set
	// Asked are the columns that conditions name, those of joins and inner
	// statements among them.
	Asked []string
	// Where are the conditions that a value is compared with a column in.
	Where []Condition
	// Joined tells that rows are of more than one table.
	Joined bool
	// Locks tells that what is read stays as it is until the transaction ends.
	Locks bool
}

// A Set gives a column a value.
type Set struct {
	Column string
	// Place is the number of the placeholder that is the whole value, from 1;
	// 0 where the value is something else.
	Place int
	// Own tells that the value is worked out of the column itself.
	Own bool
}

// A Condition compares a column with a placeholder.
type Condition struct {
	Column string
	Place  int
}

// Asks tells whether a condition names a column for which f holds.
func (s *Statement) Asks(f func(column string) bool) bool { return slices.ContainsFunc(s.Asked, f) }

// Read reads a statement; nil when the text is none.
func Read(text string) *Statement {
	if !begins(text) {
		return nil
	}
	r := &reader{words: split(text)}
	s := &Statement{Verb: r.next().text}
	switch s.Verb {
	case "select":
		r.selected(s)
	case "insert":
		r.inserted(s)
	case "update":
		s.Table = r.table()
		r.set(s)
	case "delete":
		if r.is("from") {
			r.next()
		}
		s.Table = r.table()
	}
	if s.Table == "" {
		return nil
	}
	r.rest(s)
	return s
}

// begins tells whether a text may be a statement, which nearly none is.
func begins(text string) bool {
	text = strings.TrimLeft(text, " \t\r\n(")
	for _, verb := range []string{"select", "insert", "update", "delete"} {
		if len(text) > len(verb) && strings.EqualFold(text[:len(verb)], verb) && strings.IndexByte(" \t\r\n*", text[len(verb)]) >= 0 {
			return true
		}
	}
	return false
}

type kind uint8

const (
	sign  kind = iota
	word       // a name or a keyword
	name       // a quoted name
	value      // a number or a text
	place      // a placeholder
)

type token struct {
	kind
	text  string
	depth int // of parentheses
	place int
}

type reader struct {
	words []token
	at    int
}

func (r *reader) peek() token {
	if r.at < len(r.words) {
		return r.words[r.at]
	}
	return token{}
}

func (r *reader) next() token {
	t := r.peek()
	r.at++
	return t
}

func (r *reader) is(words ...string) bool {
	t := r.peek()
	return t.kind == word && slices.Contains(words, t.text)
}

// table is the name that stands next, and its short name is passed over.
func (r *reader) table() string {
	if r.is("only", "or") { // UPDATE OR IGNORE t
		if r.next().text == "or" {
			r.next()
		}
	}
	t := r.peek()
	if t.kind != word && t.kind != name || keywords[t.text] && t.kind == word {
		return ""
	}
	r.next()
	if r.is("as") {
		r.next()
	}
	if t := r.peek(); t.kind == word && !keywords[t.text] {
		r.next()
	}
	return last(t.text)
}

func (r *reader) selected(s *Statement) {
	if r.is("distinct", "all") {
		r.next()
	}
	var part []token
	flush := func() {
		s.Columns = append(s.Columns, column(part))
		part = nil
	}
	depth := r.peek().depth
	for r.at < len(r.words) {
		t := r.peek()
		switch {
		case t.depth <= depth && t.kind == word && t.text == "from":
			flush()
			r.next()
			s.Table = r.table()
			return
		case t.depth <= depth && t.text == ",":
			flush()
		default:
			part = append(part, t)
		}
		r.next()
	}
}

// column is the name of what is read as it is.
func column(part []token) string {
	if len(part) > 2 && part[len(part)-2].text == "as" {
		part = part[:len(part)-2]
	}
	switch {
	case len(part) == 1 && (part[0].kind == name || part[0].kind == word && !keywords[part[0].text]):
		return last(part[0].text)
	case len(part) == 1 && part[0].text == "*":
		return "*"
	}
	return ""
}

func (r *reader) inserted(s *Statement) {
	for r.is("or", "ignore", "replace", "into") { // INSERT OR IGNORE INTO
		r.next()
	}
	s.Table = r.table()
	if r.peek().text != "(" {
		return
	}
	for r.next(); r.at < len(r.words) && r.peek().text != ")"; r.next() {
		if t := r.peek(); t.kind == word || t.kind == name {
			s.Columns = append(s.Columns, last(t.text))
		}
	}
}

// set reads SET a = ?, b = b + 1 up to the conditions.
func (r *reader) set(s *Statement) {
	for r.at < len(r.words) && !r.is("set", "where") {
		r.next()
	}
	if !r.is("set") {
		return
	}
	r.next()
	for r.at < len(r.words) && !r.ends() {
		col := r.next()
		if r.peek().text != "=" || col.kind != word && col.kind != name {
			continue
		}
		r.next()
		var part []token
		for r.at < len(r.words) && !r.ends() && (r.peek().text != "," || r.peek().depth > col.depth) {
			part = append(part, r.next())
		}
		one := Set{Column: last(col.text)}
		if len(part) == 1 {
			one.Place = part[0].place
		}
		reckons := slices.ContainsFunc(part, func(t token) bool { return t.kind == sign && strings.Contains("+-*/", t.text) })
		one.Own = reckons && slices.ContainsFunc(part, func(t token) bool { return (t.kind == word || t.kind == name) && last(t.text) == one.Column })
		s.Set = append(s.Set, one)
	}
}

func (r *reader) ends() bool {
	return r.peek().depth == 0 && r.is("where", "from", "returning", "order", "limit", "join")
}

// rest reads what stands behind the table: joins, conditions and locks.
func (r *reader) rest(s *Statement) {
	asking := false
	for ; r.at < len(r.words); r.at++ {
		t := r.words[r.at]
		switch t.kind {
		case sign:
			if t.text == "," && !asking && s.Verb == "select" {
				s.Joined = true
			}
			continue
		case word:
			switch t.text {
			case "join":
				s.Joined = true
			case "where", "on", "having":
				asking = true
			case "order", "group", "limit", "returning", "offset":
				if t.depth == 0 {
					asking = false
				}
			case "for":
				r.at++
				s.Locks = s.Locks || r.is("update", "share", "no", "key")
			case "conflict": // ON CONFLICT DO NOTHING
				asking = false
			}
			if keywords[t.text] {
				continue
			}
		case value, place:
			continue
		}
		if !asking || r.at+1 < len(r.words) && r.words[r.at+1].text == "(" {
			continue
		}
		s.Asked = append(s.Asked, last(t.text))
		if r.at+2 < len(r.words) && r.words[r.at+1].text == "=" && r.words[r.at+2].kind == place {
			s.Where = append(s.Where, Condition{last(t.text), r.words[r.at+2].place})
		}
	}
}

func last(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
