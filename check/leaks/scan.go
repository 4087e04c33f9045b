package leaks

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/finding"
)

// A Scanner finds secrets in texts. It is safe for concurrent use.
type Scanner struct {
	words *automaton
	rules []wordRule // by the automaton's words
}

type wordRule struct {
	rule   *Rule
	length int
}

// NewScanner makes one of all rules.
func NewScanner() *Scanner {
	s := &Scanner{}
	var words []string
	for _, r := range rules() {
		for _, w := range r.Keywords {
			words = append(words, w)
			s.rules = append(s.rules, wordRule{r, len(w)})
		}
	}
	s.words = newAutomaton(words)
	return s
}

// Lines are looked at around a keyword, and no further than this: a line of a
// minified file may be the whole of it.
const reach = 1 << 10

// binary is how much of a file is looked at to tell whether it is text.
const binary = 8 << 10

// IsBinary tells whether data is no text: it holds a NUL near its beginning.
// UTF-16 is made UTF-8 before it is asked.
func IsBinary(data []byte) bool {
	return bytes.IndexByte(data[:min(len(data), binary)], 0) >= 0
}

// A hit is a secret at an offset.
type hit struct {
	rule     *Rule
	from, to int
}

// Scan finds the secrets of a text. Name is its path, which tells its kind.
func (s *Scanner) Scan(name string, text []byte) []Leak {
	var hits []hit
	last := map[*Rule]int{} // the end of the window that was tried last
	s.words.each(text, func(word, end int) {
		r := s.rules[word].rule
		start := end - s.rules[word].length
		if r.anchored {
			if start > 0 && wordByte(text[start-1]) {
				return
			}
			limit := min(len(text), start+4*reach)
			hits = appendMatch(hits, r, text, start, limit, true)
			return
		}
		if start < last[r] {
			return // within a window that was looked at
		}
		from, to := window(text, start, end, r)
		last[r] = to
		if r.Any != "" && !bytes.ContainsAny(text[from:to], r.Any) {
			return
		}
		hits = appendMatch(hits, r, text, from, to, false)
	})
	if k := kindOf(name); k != unquotedNone {
		hits = append(hits, unquoted(k, text)...)
	}
	return s.leaks(name, text, hits)
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// window is the line around a keyword, and for what spans lines some more.
func window(text []byte, start, end int, r *Rule) (from, to int) {
	from = max(0, start-reach)
	if i := bytes.LastIndexByte(text[from:start], '\n'); i >= 0 {
		from += i + 1
	}
	if r.span > 0 {
		return from, min(len(text), end+r.span)
	}
	to = min(len(text), end+reach)
	if i := bytes.IndexByte(text[end:to], '\n'); i >= 0 {
		to = end + i
	}
	return from, to
}

func appendMatch(hits []hit, r *Rule, text []byte, from, to int, once bool) []hit {
	for from < to {
		m := r.pattern.FindSubmatchIndex(text[from:to])
		if m == nil {
			return hits
		}
		groups := len(m)/2 - 1
		name := ""
		first := 1
		if r.named {
			name, first = string(text[from+m[2]:from+m[3]]), 2
		}
		for g := first; g <= groups; g++ {
			if m[2*g] < 0 {
				continue
			}
			a, b := from+m[2*g], from+m[2*g+1]
			if r.ID == assignment && within(text, from+m[2], from+m[3], a) {
				continue
			}
			if accept(r, name, string(text[a:b])) {
				hits = append(hits, hit{r, a, b})
			}
		}
		if once {
			return hits
		}
		// On from the end of what was looked at, so that a line with several
		// is searched for all.
		next := from + m[1]
		if next <= from {
			next = from + 1
		}
		from = next
	}
	return hits
}

// within tells whether the quote before a value is the end of the text that
// the name is in, as in "KEY=" + value, and begins none.
func within(text []byte, nameFrom, nameTo, value int) bool {
	if nameFrom == 0 || value == 0 {
		return false
	}
	before, after := text[nameFrom-1], text[nameTo]
	return (before == '"' || before == '\'') && text[value-1] == before && after != before && after != ']'
}

// accept tells whether what a pattern found is a secret.
func accept(r *Rule, name, value string) bool {
	switch {
	case r.named && otherName().MatchString(name):
		return false
	case r.Literal:
		if r.Prefixes != nil && repeats(value[r.prefix(value):]) {
			return false
		}
	case isPlaceholder(value) || len(value) < 4:
		return false
	}
	if r.Entropy > 0 && entropy(value) < r.Entropy {
		return false
	}
	return r.valid == nil || r.valid(name, value)
}

// leaks turns hits into what is reported: one a place, of the rule that says
// most, without what a comment allows.
func (s *Scanner) leaks(name string, text []byte, hits []hit) []Leak {
	// In the order of the rules: a provider's says whose secret it is, a name
	// alone says least.
	rank := func(r *Rule) int { return slices.Index(rules(), r) }
	slices.SortStableFunc(hits, func(a, b hit) int {
		if a.rule != b.rule {
			return rank(a.rule) - rank(b.rule)
		}
		return a.from - b.from
	})
	var kept []hit
	for _, h := range hits {
		if !slices.ContainsFunc(kept, func(k hit) bool { return h.from < k.to && k.from < h.to }) {
			kept = append(kept, h)
		}
	}
	slices.SortFunc(kept, func(a, b hit) int { return a.from - b.from })
	var out []Leak
	line, at := 1, 0
	quiet := inTests(name)
	for _, h := range kept {
		if quiet && h.rule.login && (entropy(string(text[h.from:h.to])) < 3.6 || strings.Contains("/"+name, "/testdata/")) {
			continue // what a test logs in with, or is given to work on
		}
		line += bytes.Count(text[at:h.from], []byte("\n"))
		at = h.from
		begin := bytes.LastIndexByte(text[:h.from], '\n') + 1
		end := len(text)
		if i := bytes.IndexByte(text[h.from:], '\n'); i >= 0 {
			end = h.from + i
		}
		if allowed(text, begin, end, "leaks/"+h.rule.ID) {
			continue
		}
		l := Leak{
			Rule: "leaks/" + h.rule.ID, Path: name, Line: line, Column: utf8.RuneCount(text[begin:h.from]) + 1,
			What: h.rule.What, Severity: h.rule.Severity, secret: string(text[h.from:h.to]),
		}
		if h.rule.sound != nil && !h.rule.sound(l.secret) {
			l.doubtful, l.Severity = true, finding.Low
		}
		out = append(out, l)
	}
	return out
}

// allow is the comment that lets a line be. It names the rule and gives a
// reason.
var allow = lazy.Regexp(`pavise:allow[ \t]+(leaks/[a-z0-9-]+)[ \t]+\S`)

// allowed looks at the line and the one above it.
func allowed(text []byte, begin, end int, rule string) bool {
	if begin > 0 {
		begin = bytes.LastIndexByte(text[:begin-1], '\n') + 1
	}
	for _, m := range allow().FindAllSubmatch(text[max(begin, end-4*reach):end], -1) {
		if string(m[1]) == rule {
			return true
		}
	}
	return false
}

// testPath is where tests, their data and texts for readers are.
var testPath = lazy.Regexp(`(?i)(?:^|/)(?:tests?|testing|testdata|__tests__|spec|fixtures|docs?|docs_src)(?:/|$)|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.[a-z]+$|\.(?:md|rst|adoc)$`)

func inTests(name string) bool { return testPath().MatchString(name) }

// unquotedKind is a kind of file whose values need no quotes.
type unquotedKind int

const (
	unquotedNone   unquotedKind = iota
	unquotedEnv                 // NAME=value
	unquotedYAML                // name: value
	unquotedDocker              // ENV NAME value, ARG NAME=value
)

func kindOf(name string) unquotedKind {
	base := strings.ToLower(path.Base(name))
	switch ext := path.Ext(base); {
	case strings.HasPrefix(base, ".env"), ext == ".env", ext == ".ini", ext == ".cfg", ext == ".conf", ext == ".properties", ext == ".toml", ext == ".sh", ext == ".bash", base == ".pypirc", base == "pip.conf", base == "config", base == "credentials", base == ".pgpass":
		return unquotedEnv
	case ext == ".yml", ext == ".yaml":
		return unquotedYAML
	case isDockerfile(base):
		return unquotedDocker
	}
	return unquotedNone
}

const plainValue = `([^\s"'#;,{}\[\]()<>|&` + "`" + `\\$][^\s"'#;,` + "`" + `]{5,300})`

var (
	envLine    = lazy.Regexp(`(?im)^[ \t]*(?:export[ \t]+|set[ \t]+|-[ \t]+)?["']?([A-Za-z0-9_.-]{0,60}` + secretName + `[A-Za-z0-9_]{0,20})["']?[ \t]*=[ \t]*["']?` + plainValue + `["']?[ \t]*(?:[#;].*)?\r?$`)
	yamlLine   = lazy.Regexp(`(?im)^[ \t]*(?:-[ \t]+)?["']?([A-Za-z0-9_.-]{0,60}` + secretName + `[A-Za-z0-9_]{0,20})["']?[ \t]*[:=][ \t]*["']?` + plainValue + `["']?[ \t]*(?:#.*)?\r?$`)
	yamlPair   = lazy.Regexp(`(?im)^[ \t]*(?:-[ \t]+)?name:[ \t]*["']?([A-Za-z0-9_.-]{0,60}` + secretName + `[A-Za-z0-9_]{0,20})["']?[ \t]*\r?\n[ \t]*value:[ \t]*["']?` + plainValue + `["']?[ \t]*(?:#.*)?\r?$`)
	dockerLine = lazy.Regexp(`(?im)^[ \t]*(?:ENV|ARG|LABEL)[ \t]+(?:[^\n]*[ \t])?([A-Za-z0-9_.-]{0,60}` + secretName + `[A-Za-z0-9_]{0,20})[ \t]*[= \t][ \t]*["']?` + plainValue)
)

// unquoted finds assignments without quotes.
func unquoted(k unquotedKind, text []byte) []hit {
	var patterns []*regexp.Regexp
	switch k {
	case unquotedEnv:
		patterns = []*regexp.Regexp{envLine()}
	case unquotedYAML:
		patterns = []*regexp.Regexp{yamlLine(), yamlPair()}
	case unquotedDocker:
		patterns = []*regexp.Regexp{dockerLine(), envLine()}
	}
	var out []hit
	r := ruleOf(assignment)
	for _, p := range patterns {
		for _, m := range p.FindAllSubmatchIndex(text, -1) {
			name, value := string(text[m[2]:m[3]]), strings.TrimRight(string(text[m[4]:m[5]]), "\"'")
			if assigned(name, value) {
				out = append(out, hit{r, m[4], m[4] + len(value)})
			}
		}
	}
	return out
}
