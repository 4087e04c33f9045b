package compose

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// ${NAME:-value} is as good as value wherever nobody sets NAME, and nothing
// says so when it starts.

// Marks around a default within a text; no text of a file holds them.
const (
	opened = "\x01"
	named  = "\x02"
	closed = "\x03"
)

// fill writes the defaults of variables where those stand, between marks and
// with the variable's name, and unset where there is none.
func fill(s string, depth int) string {
	var b strings.Builder
	for s != "" {
		before, rest, found := strings.Cut(s, "$")
		b.WriteString(before)
		if !found {
			break
		}
		switch {
		case strings.HasPrefix(rest, "$"):
			b.WriteByte('$')
			s = rest[1:]
		case strings.HasPrefix(rest, "{"):
			inner, after := braces(rest)
			name := inner[:len(inner)-len(strings.TrimLeft(inner, letters))]
			value, ok := strings.CutPrefix(strings.TrimPrefix(inner[len(name):], ":"), "-")
			if !ok || depth > 4 {
				b.WriteString(unset)
			} else {
				b.WriteString(opened + name + named + unmark(fill(value, depth+1)) + closed)
			}
			s = after
		default:
			b.WriteString(unset)
			s = strings.TrimLeft(rest, letters)
		}
	}
	return b.String()
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789"

// braces takes what stands in braces from the beginning of a text.
func braces(s string) (inner, after string) {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return s[1:i], s[i+1:]
			}
		}
	}
	return s[1:], ""
}

// unmark is a text without the marks.
func unmark(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, opened)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, rest, _ = strings.Cut(rest, named)
		value, after, _ := strings.Cut(rest, closed)
		b.WriteString(value)
		s = after
	}
}

// variable is the first one whose default is in a text.
func variable(s string) string {
	_, rest, _ := strings.Cut(s, opened)
	name, _, _ := strings.Cut(rest, named)
	return name
}

// unset stands where a variable without a default does.
const unset = "\x00"

// A fallback is a default of a secret.
type fallback struct {
	*service
	name, variable string
	severity       finding.Severity
	weak           string
	own            bool // of the service that asks for it
	at             *deploy.Node
}

// defaults tells once of each variable that has a secret as its default: of
// the place where it matters most.
func defaults(all []*service) {
	var found []*fallback
	note := func(f *fallback) {
		i := slices.IndexFunc(found, func(o *fallback) bool { return o.variable == f.variable })
		switch {
		case i < 0:
			found = append(found, f)
		case f.severity > found[i].severity, f.severity == found[i].severity && f.own && !found[i].own:
			found[i] = f
		}
	}
	for _, s := range all {
		look := func(name, value string, at *deploy.Node) {
			if f := s.fallback(all, name, value); f != nil {
				f.at = at
				note(f)
			}
		}
		s.Get("environment").Environment(look)
		s.Get("build", "args").Environment(look)
	}
	for _, f := range found {
		f.report(plain, f.severity, f.at, "%s of %s is %s where nobody sets %s", f.name, f.service.name, f.weak, f.variable)
	}
}

func (s *service) fallback(all []*service, name, value string) *fallback {
	if !strings.Contains(value, "$") {
		return nil
	}
	text := fill(value, 0)
	reached := s
	secret := text
	if _, password, in := deploy.Userinfo(text); in {
		secret = password
		if host := unmark(hostOf(text)); host != "" {
			reached = nil
			if i := slices.IndexFunc(all, func(o *service) bool { return o.name == host }); i >= 0 {
				reached = all[i]
			}
		}
	} else if !isSecret(name) {
		return nil
	}
	f := &fallback{service: s, name: name, variable: variable(secret), severity: finding.Low, own: reached == s}
	if f.variable == "" || strings.Contains(secret, unset) {
		return nil
	}
	switch s.judge(name, strings.ReplaceAll(unmark(text), unset, "x")) {
	case deploy.Real:
		f.weak = "one that is written down"
	case deploy.Weak:
		f.weak = "a word that can be guessed"
	case deploy.Placeholder:
		f.weak = "a placeholder"
	default:
		return nil
	}
	// What signs is of use to whoever can send a request; a password, to whom
	// the port is open.
	if reached == s && analysis.Names(name, "secret", "key", "jwt", "signing", "session") || reached != nil && reached.open() {
		f.severity = finding.Medium
	}
	return f
}

// hostOf is the name of the host in an address.
func hostOf(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	host, _, _ := strings.Cut(rest[strings.LastIndexByte(rest, '@')+1:], ":")
	return host
}

// open tells whether a port of the service is published on all interfaces.
func (s *service) open() bool {
	return s.Get("network_mode").Is("host") || slices.ContainsFunc(s.Get("ports").Items(), func(p *deploy.Node) bool {
		address := p.Get("host_ip").Text()
		if p.Value != "" {
			address, _ = published(p.Value)
		}
		return everywhere(address)
	})
}
