// Package pep440 reads Python version numbers and orders them.
//
// A version is compared by a key: a string of bytes whose plain order is the
// order of PEP 440. A key can be stored, so a database of advisories is
// compared with without parsing any of its versions again.
//
// Source: PEP 440, "Version Identification and Dependency Specification", as
// the packaging library of the Python Packaging Authority reads it.
package pep440

import (
	"cmp"
	"fmt"
	"strings"
)

// MaxLength is the most bytes a version may have. Real ones have under 50; a
// longer text is an attack on whoever prints or compares it.
const MaxLength = 1024

// A Version is one version. Its zero value is not one; [Parse] makes them.
type Version struct {
	epoch   string   // digits without leading zeros, "0" for none
	release []string // digits without leading zeros, at least one
	pre     phase    // a, b, rc
	post    phase
	dev     phase
	local   []string // lower case, digits without leading zeros
}

// A phase is a letter and a number, such as rc1.
type phase struct {
	name   string // "" for none
	number string
}

// A SyntaxError says that a text is not a version.
type SyntaxError struct{ Text string }

func (e *SyntaxError) Error() string {
	text := e.Text
	if len(text) > 64 {
		text = text[:64] + "…"
	}
	return fmt.Sprintf("%q is not a PEP 440 version", text)
}

// Parse reads a version in any of the spellings that PEP 440 normalizes
// ("v1.0-RC.1", " 1.0.post"). Its error is a *SyntaxError.
func Parse(s string) (Version, error) {
	p := parser{rest: strings.ToLower(strings.Trim(s, space))}
	v, ok := p.version()
	if !ok || p.rest != "" || len(s) > MaxLength {
		return Version{}, &SyntaxError{Text: s}
	}
	return v, nil
}

// space is what Python's \s matches of ASCII.
const space = " \t\n\r\f\v\x1c\x1d\x1e\x1f"

type parser struct{ rest string }

func (p *parser) version() (Version, bool) {
	var v Version
	p.literal("v")
	first, ok := p.digits()
	if !ok {
		return v, false
	}
	v.epoch = "0"
	if p.literal("!") {
		v.epoch = first
		if first, ok = p.digits(); !ok {
			return v, false
		}
	}
	v.release = append(make([]string, 0, 4), first)
	for len(p.rest) > 1 && p.rest[0] == '.' && isDigit(p.rest[1]) {
		p.rest = p.rest[1:]
		n, _ := p.digits()
		v.release = append(v.release, n)
	}
	v.pre = p.phase("alpha", "a", "beta", "b", "preview", "pre", "c", "rc")
	switch v.pre.name {
	case "alpha":
		v.pre.name = "a"
	case "beta":
		v.pre.name = "b"
	case "preview", "pre", "c":
		v.pre.name = "rc"
	}
	// 1.0-1 is a post release, and so is 1.0.rev1.
	if len(p.rest) > 1 && p.rest[0] == '-' && isDigit(p.rest[1]) {
		p.rest = p.rest[1:]
		n, _ := p.digits()
		v.post = phase{"post", n}
	} else if v.post = p.phase("post", "rev", "r"); v.post.name != "" {
		v.post.name = "post"
	}
	v.dev = p.phase("dev")
	if p.literal("+") {
		for {
			part := p.while(func(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'z' })
			if part == "" {
				return v, false
			}
			if allDigits(part) {
				part = trimZeros(part)
			}
			v.local = append(v.local, part)
			if p.rest == "" || !isSeparator(p.rest[0]) {
				break
			}
			p.rest = p.rest[1:]
		}
	}
	return v, true
}

// phase reads "[-_.]? name [-_.]? digits?", or nothing at all.
func (p *parser) phase(names ...string) phase {
	start := p.rest
	if p.rest != "" && isSeparator(p.rest[0]) {
		p.rest = p.rest[1:]
	}
	for _, name := range names {
		if !p.literal(name) {
			continue
		}
		if p.rest != "" && isSeparator(p.rest[0]) {
			p.rest = p.rest[1:] // also where no number follows: 1.0a. is 1.0a0
		}
		n, ok := p.digits()
		if !ok {
			n = "0"
		}
		return phase{name, n}
	}
	p.rest = start
	return phase{}
}

func (p *parser) literal(s string) bool {
	rest, ok := strings.CutPrefix(p.rest, s)
	p.rest = rest
	return ok
}

func (p *parser) digits() (string, bool) {
	d := p.while(isDigit)
	return trimZeros(d), d != ""
}

func (p *parser) while(ok func(byte) bool) string {
	i := 0
	for i < len(p.rest) && ok(p.rest[i]) {
		i++
	}
	out := p.rest[:i]
	p.rest = p.rest[i:]
	return out
}

func isDigit(c byte) bool     { return c >= '0' && c <= '9' }
func isSeparator(c byte) bool { return c == '.' || c == '-' || c == '_' }

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

func trimZeros(s string) string {
	t := strings.TrimLeft(s, "0")
	if t == "" && s != "" {
		return "0"
	}
	return t
}

// String is the version in its normal form.
func (v Version) String() string {
	s := v.Public()
	if v.local != nil {
		s += "+" + strings.Join(v.local, ".")
	}
	return s
}

// Public is the normal form without the local part: 1.2+cu118 is 1.2.
func (v Version) Public() string {
	var b strings.Builder
	if v.epoch != "0" {
		b.WriteString(v.epoch + "!")
	}
	b.WriteString(strings.Join(v.release, "."))
	if v.pre.name != "" {
		b.WriteString(v.pre.name + v.pre.number)
	}
	if v.post.name != "" {
		b.WriteString(".post" + v.post.number)
	}
	if v.dev.name != "" {
		b.WriteString(".dev" + v.dev.number)
	}
	return b.String()
}

// IsPrerelease tells whether the version comes before a final one: an alpha,
// beta, release candidate or development version.
func (v Version) IsPrerelease() bool { return v.pre.name != "" || v.dev.name != "" }

// IsPostrelease tells whether the version is a post release.
func (v Version) IsPostrelease() bool { return v.post.name != "" }

// HasLocal tells whether the version has a local part.
func (v Version) HasLocal() bool { return v.local != nil }

// WithoutLocal is the version without its local part.
func (v Version) WithoutLocal() Version {
	v.local = nil
	return v
}

// Compare orders two versions as PEP 440 does: -1, 0 or +1.
func (v Version) Compare(w Version) int { return cmp.Compare(v.Key(), w.Key()) }

// Kinds of phases in a key, in their order. Each is followed by what it says;
// a missing pre release is finalized to what PEP 440 orders it as.
const (
	keyDevOnly = 0x10 // 1.0.dev1 comes before 1.0a1
	keyAlpha   = 0x20
	keyBeta    = 0x30
	keyRC      = 0x40
	keyFinal   = 0x50

	keyNoPost = 0x10
	keyPost   = 0x20

	keyDev   = 0x10
	keyNoDev = 0x20

	keyEnd        = 0x00 // ends a release or a local part: a longer one follows
	keyLocalText  = 0x10
	keyLocalDigit = 0x20
)

// Key is a string whose byte order is the versions' order, and which is the
// same for versions that PEP 440 calls equal.
func (v Version) Key() string {
	b := make([]byte, 0, 32)
	b = appendNumber(b, v.epoch)
	release := v.release
	for len(release) > 1 && release[len(release)-1] == "0" {
		release = release[:len(release)-1] // 1.0 is 1
	}
	for _, n := range release {
		b = appendNumber(b, n)
	}
	b = append(b, keyEnd)
	switch {
	case v.pre.name == "a":
		b = appendNumber(append(b, keyAlpha), v.pre.number)
	case v.pre.name == "b":
		b = appendNumber(append(b, keyBeta), v.pre.number)
	case v.pre.name == "rc":
		b = appendNumber(append(b, keyRC), v.pre.number)
	case v.post.name == "" && v.dev.name != "":
		b = append(b, keyDevOnly)
	default:
		b = append(b, keyFinal)
	}
	if v.post.name != "" {
		b = appendNumber(append(b, keyPost), v.post.number)
	} else {
		b = append(b, keyNoPost)
	}
	if v.dev.name != "" {
		b = appendNumber(append(b, keyDev), v.dev.number)
	} else {
		b = append(b, keyNoDev)
	}
	for _, part := range v.local {
		if allDigits(part) {
			b = appendNumber(append(b, keyLocalDigit), part)
		} else {
			b = append(append(append(b, keyLocalText), part...), keyEnd)
		}
	}
	return string(b)
}

// appendNumber writes digits so that a longer number comes after a shorter
// one: the length first. The length is never keyEnd, for there is one digit
// at least, and takes two bytes from 128 digits on.
func appendNumber(b []byte, digits string) []byte {
	if n := len(digits); n < 0x80 {
		b = append(b, byte(n))
	} else {
		b = append(b, 0x80|byte(n>>8), byte(n))
	}
	return append(b, digits...)
}
