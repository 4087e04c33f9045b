// Package pep508 reads dependency specifiers of Python and the environment
// markers in them.
//
// Source: PEP 508, "Dependency specification for Python Software Packages",
// as the packaging library of the Python Packaging Authority reads it.
package pep508

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/audit/internal/pep440"
)

// A Requirement is one dependency specifier.
type Requirement struct {
	// Name as written.
	Name string
	// Extras as written, in order.
	Extras []string
	// Specifiers of the version; empty where any will do, or where a URL
	// says what.
	Specifiers pep440.Set
	// URL of a direct reference ("name @ url"), or empty.
	URL string
	// Marker says where it is needed; nil means everywhere.
	Marker *Marker
}

// maxDepth bounds the nesting of markers: the parser calls itself.
const maxDepth = 50

// MaxLength bounds a requirement. Those with many markers have 2 KB.
const MaxLength = 64 << 10

// Parse reads a requirement. The error says what is wrong and where, and
// repeats nothing of a URL, which may hold a credential.
func Parse(s string) (Requirement, error) {
	var r Requirement
	if len(s) > MaxLength {
		return r, fmt.Errorf("is longer than %d bytes", MaxLength)
	}
	p := &parser{text: s}
	if p.at = strings.IndexAny(s, "\r\n\f\v\x00"); p.at >= 0 {
		return r, p.errorf("a control character is no part of a requirement")
	}
	p.at = 0
	p.space()
	if r.Name = p.name(); r.Name == "" {
		return r, p.errorf("wanted a name of letters, digits, - _ and .")
	}
	p.space()
	if p.take("[") {
		for {
			p.space()
			if p.take("]") && len(r.Extras) == 0 {
				break
			}
			e := p.name()
			if e == "" {
				return r, p.errorf("wanted the name of an extra")
			}
			r.Extras = append(r.Extras, e)
			p.space()
			if p.take("]") {
				break
			}
			if !p.take(",") {
				return r, p.errorf("wanted , or ] after an extra")
			}
		}
		p.space()
	}
	if p.take("@") {
		p.space()
		// A URL ends with the next space; a marker needs one before its ;.
		rest := p.rest()
		end := strings.IndexAny(rest, " \t")
		if end < 0 {
			end = len(rest)
		}
		if r.URL = rest[:end]; r.URL == "" {
			return r, p.errorf("wanted a URL after @")
		}
		p.at += end
		p.space()
		if p.rest() != "" && !strings.HasPrefix(p.rest(), ";") {
			return r, p.errorf("wanted ; and a marker, or the end, after the URL")
		}
	} else {
		var text string
		if p.take("(") {
			end := strings.IndexByte(p.rest(), ')')
			if end < 0 {
				return r, p.errorf("wanted ) after the versions")
			}
			text = p.rest()[:end]
			p.at += end + 1
			p.space()
		} else {
			end := strings.IndexByte(p.rest(), ';')
			if end < 0 {
				end = len(p.rest())
			}
			text = p.rest()[:end]
			p.at += end
		}
		var err error
		if r.Specifiers, err = parseSpecifiers(text); err != nil {
			return r, err
		}
	}
	if p.take(";") {
		p.space()
		m, err := p.marker(0)
		if err != nil {
			return r, err
		}
		r.Marker = m
	}
	p.space()
	if p.rest() != "" {
		return r, p.errorf("did not understand what follows")
	}
	return r, nil
}

func parseSpecifiers(text string) (pep440.Set, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	parts := strings.Split(text, ",")
	if last := len(parts) - 1; last > 0 && strings.TrimSpace(parts[last]) == "" {
		parts = parts[:last] // one comma too many is read by pip as well
	}
	var set pep440.Set
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if part == "" {
			return nil, errors.New("a version is missing beside a comma")
		}
		spec, err := pep440.ParseSpecifier(part)
		if err != nil {
			return nil, err
		}
		if strings.ContainsAny(spec.Text, " \t") {
			return nil, fmt.Errorf("%q: two versions without a comma between them", part)
		}
		set = append(set, spec)
	}
	return set, nil
}

// String is the requirement in one form.
func (r Requirement) String() string {
	var b strings.Builder
	b.WriteString(r.Name)
	if len(r.Extras) > 0 {
		extras := slices.Clone(r.Extras)
		slices.Sort(extras)
		b.WriteString("[" + strings.Join(slices.Compact(extras), ",") + "]")
	}
	if r.URL != "" {
		b.WriteString(" @ " + r.URL)
		if r.Marker != nil {
			b.WriteString(" ")
		}
	}
	b.WriteString(r.Specifiers.String())
	if r.Marker != nil {
		b.WriteString("; " + r.Marker.String())
	}
	return b.String()
}

// parser walks over a text.
type parser struct {
	text string
	at   int
}

func (p *parser) rest() string { return p.text[p.at:] }

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("at column %d: %s", p.at+1, fmt.Sprintf(format, args...))
}

func (p *parser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

func (p *parser) take(s string) bool {
	if !strings.HasPrefix(p.rest(), s) {
		return false
	}
	p.at += len(s)
	return true
}

// name reads letters, digits and - _ . between them.
func (p *parser) name() string {
	alnum := func(c byte) bool {
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	end := p.at
	for i := p.at; i < len(p.text); i++ {
		c := p.text[i]
		if alnum(c) {
			end = i + 1
		} else if i == p.at || c != '-' && c != '_' && c != '.' {
			break
		}
	}
	out := p.text[p.at:end]
	p.at = end
	return out
}
