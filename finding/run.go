package finding

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Run is what a check has to say: what it found, and what it could not tell.
// Every writer writes both, for "could not tell" is never "fine".
type Run struct {
	// Tool that looked, such as "pavise audit", and its version.
	Tool, Version string
	Findings      []Finding
	Unknowns      []Unclear
	// Skipped are the parts that were not looked at, each with why. What was
	// left out on purpose is no failure, and no success.
	Skipped []Unclear
	// Notes are for the reader.
	Notes []string
	// Rules describe the rules of the findings; those without a description
	// are described by their name.
	Rules map[string]Rule
}

// An Unclear is something that could not be told.
type Unclear struct {
	Where   string `json:"where"`
	Problem string `json:"problem"`
}

// A Rule describes one kind of finding.
type Rule struct {
	// Short is a sentence, Help a paragraph.
	Short, Help string
	// URL of the documentation; empty means none.
	URL string
}

// A Format is a way to write a Run.
type Format string

// The formats.
const (
	Text     Format = "text"
	JSON     Format = "json"
	SARIF    Format = "sarif"
	JUnit    Format = "junit"
	Markdown Format = "markdown"
	HTML     Format = "html"
)

// Formats lists them.
func Formats() []Format { return []Format{Text, JSON, SARIF, JUnit, Markdown, HTML} }

// ErrFormat says that there is no such format.
var ErrFormat = errors.New("no such format")

// Write writes the run.
func Write(w io.Writer, f Format, r Run) error {
	if f != JUnit { // which has a word for it
		notes := make([]string, 0, len(r.Skipped)+len(r.Notes))
		for _, u := range r.Skipped {
			notes = append(notes, u.Where+" was not looked at: "+u.Problem)
		}
		r.Notes = append(notes, r.Notes...)
	}
	switch f {
	case Text:
		return writeText(w, r)
	case JSON:
		return writeJSON(w, r)
	case SARIF:
		return writeSARIF(w, r)
	case JUnit:
		return writeJUnit(w, r)
	case Markdown:
		return writeMarkdown(w, r)
	case HTML:
		return writeHTML(w, r)
	}
	return fmt.Errorf("%w: %q", ErrFormat, f)
}

// A place is what a Where says.
type place struct {
	file         string // slash-separated; empty for a URL or a bare name
	line, column int
	text         string
}

// FileOf is the file that a Where names, without line and column; empty where
// it is a URL, an operation or a bare name.
func FileOf(where string) string { return placeOf(where).file }

// placeOf takes a Where apart: a URL or an operation at one, file:line:column,
// file:line, or a name.
func placeOf(where string) place {
	p := place{text: where}
	if strings.Index(where, "://") > 1 {
		return p // a scheme of one letter is a drive of Windows
	}
	rest := where
	var numbers []int
	for len(numbers) < 2 {
		i := strings.LastIndexByte(rest, ':')
		if i <= 0 {
			break
		}
		n, err := strconv.Atoi(rest[i+1:])
		if err != nil || n < 1 || n > 1<<31-1 || rest[i+1] == '+' {
			break
		}
		numbers = append([]int{n}, numbers...)
		rest = rest[:i]
	}
	// A bare name, such as "advisory database", is no file.
	if len(numbers) == 0 && (strings.ContainsAny(rest, " \t\n") || !strings.ContainsAny(rest, "./\\")) {
		return p
	}
	p.file = strings.ReplaceAll(rest, "\\", "/")
	if len(numbers) > 0 {
		p.line = numbers[0]
	}
	if len(numbers) > 1 {
		p.column = numbers[1]
	}
	return p
}

// said is the problem with the verdict, for people. The problem alone is what
// a finding is known again by.
func said(f Finding) string {
	if f.Verdict == NotAsked {
		return f.Problem
	}
	return f.Problem + "; verdict of its provider: " + f.Verdict.String()
}

// Visible makes what a terminal or a page might obey plain: control
// characters, what changes the direction of text, and broken UTF-8.
func Visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029', r == utf8.RuneError, r == '\ufffe', r == '\uffff':
			return '\ufffd'
		}
		return r
	}, s)
}

// Printable writes what a terminal might obey, such as an escape sequence in a
// path or in an answer, as Go escapes it: unlike [Visible] it tells what was
// there.
func Printable(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		return s
	}
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// count is how many findings there are of each severity, from the worst.
func count(r Run) string {
	var parts []string
	for s := Critical; s >= Unknown; s-- {
		n := 0
		for _, f := range r.Findings {
			if f.Severity == s {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	out := "nothing was found"
	if len(parts) > 0 {
		out = strings.Join(parts, ", ")
	}
	if n := len(r.Unknowns); n > 0 {
		out += fmt.Sprintf("; %d could not be told", n)
	}
	return out
}
