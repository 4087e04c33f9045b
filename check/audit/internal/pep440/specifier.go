package pep440

import (
	"fmt"
	"slices"
	"strings"
)

// A Specifier is one clause, such as >=1.2 or ==1.4.*.
type Specifier struct {
	// Op is one of ~= == != <= >= < > ===.
	Op string
	// Version as written, without the ".*" of a prefix.
	Text string
	// Prefix tells whether a ".*" followed.
	Prefix bool

	version Version // not for ===
}

// A Set is what a comma separates; a version must satisfy each. The empty set
// is satisfied by all.
type Set []Specifier

// operators, the longer before what they begin with.
var operators = [...]string{"===", "~=", "==", "!=", "<=", ">=", "<", ">"}

// ParseSet reads specifiers such as ">=1.2, !=1.3.*, <2".
func ParseSet(s string) (Set, error) {
	var set Set
	for _, part := range strings.Split(s, ",") {
		if part = strings.Trim(part, space); part == "" {
			continue // packaging accepts ">=1," too
		}
		spec, err := ParseSpecifier(part)
		if err != nil {
			return nil, err
		}
		set = append(set, spec)
	}
	return set, nil
}

// ParseSpecifier reads one clause.
func ParseSpecifier(s string) (Specifier, error) {
	s = strings.Trim(s, space)
	i := slices.IndexFunc(operators[:], func(op string) bool { return strings.HasPrefix(s, op) })
	if i < 0 {
		return Specifier{}, fmt.Errorf("%q does not begin with one of %s", clip(s), strings.Join(operators[:], " "))
	}
	spec := Specifier{Op: operators[i], Text: strings.Trim(s[len(operators[i]):], space)}
	if spec.Op == "===" {
		if spec.Text == "" || strings.ContainsAny(spec.Text, space+";)") {
			return Specifier{}, fmt.Errorf("%q names no version", clip(s))
		}
		return spec, nil
	}
	if spec.Op == "==" || spec.Op == "!=" {
		spec.Text, spec.Prefix = strings.CutSuffix(spec.Text, ".*")
	}
	var err error
	if spec.version, err = Parse(spec.Text); err != nil {
		return Specifier{}, fmt.Errorf("%q: %w", clip(s), err)
	}
	v := spec.version
	switch {
	case spec.Prefix && strings.Trim(spec.Text, space) != spec.Text:
		return Specifier{}, fmt.Errorf("%q: a space stands before .*", clip(s))
	case spec.Prefix && (v.pre.name != "" || v.post.name != "" || v.dev.name != "" || v.local != nil):
		return Specifier{}, fmt.Errorf("%q: only a plain release may be followed by .*", clip(s))
	case v.local != nil && spec.Op != "==" && spec.Op != "!=":
		return Specifier{}, fmt.Errorf("%q: a local version can only be compared with == and !=", clip(s))
	case spec.Op == "~=" && len(v.release) < 2:
		return Specifier{}, fmt.Errorf("%q: ~= needs a release of two numbers at least", clip(s))
	}
	return spec, nil
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

func (s Specifier) String() string {
	if s.Prefix {
		return s.Op + s.Text + ".*"
	}
	return s.Op + s.Text
}

func (set Set) String() string {
	parts := make([]string, len(set))
	for i, s := range set {
		parts[i] = s.String()
	}
	return strings.Join(parts, ",")
}

// Pinned returns the one version that the set admits by an == or ===, if it
// has one. What else the set says is not judged.
func (set Set) Pinned() (version string, ok bool) {
	for _, s := range set {
		if (s.Op == "==" && !s.Prefix) || s.Op == "===" {
			return s.Text, true
		}
	}
	return "", false
}

// Prereleases tells whether the set names a pre-release, and so admits them.
func (set Set) Prereleases() bool {
	return slices.ContainsFunc(set, func(s Specifier) bool {
		if s.Op == "===" {
			v, err := Parse(s.Text)
			return err == nil && v.IsPrerelease()
		}
		return s.Op != "!=" && s.version.IsPrerelease()
	})
}

// Contains tells whether the version satisfies every specifier. Pre-releases
// do only if the caller or a specifier admits them.
func (set Set) Contains(v Version, prereleases bool) bool {
	if v.IsPrerelease() && !prereleases && !set.Prereleases() {
		return false
	}
	for _, s := range set {
		if !s.matches(v) {
			return false
		}
	}
	return true
}

func (s Specifier) matches(v Version) bool {
	switch s.Op {
	case "===":
		return strings.EqualFold(v.String(), s.Text)
	case "==":
		return s.equals(v)
	case "!=":
		return !s.equals(v)
	case "~=":
		return v.WithoutLocal().Compare(s.version) >= 0 && hasPrefix(v, s.version.epoch, s.version.release[:len(s.version.release)-1])
	case "<=":
		return v.WithoutLocal().Compare(s.version) <= 0
	case ">=":
		return v.WithoutLocal().Compare(s.version) >= 0
	case "<":
		// <1.0 does not admit 1.0rc1: who excludes a release excludes what led
		// to it.
		first := s.version.WithoutLocal()
		first.dev = phase{"dev", "0"}
		return v.Compare(s.version) < 0 && (!v.IsPrerelease() || s.version.IsPrerelease() || v.Compare(first) < 0)
	case ">":
		// Nor does >1.0 admit 1.0.post1 or 1.0+local.
		before := v.WithoutLocal()
		before.post, before.dev = phase{}, phase{}
		return v.Compare(s.version) > 0 &&
			(!v.IsPostrelease() || s.version.IsPostrelease() || before.Compare(s.version) != 0) &&
			(!v.HasLocal() || v.WithoutLocal().Compare(s.version) != 0)
	}
	return false
}

func (s Specifier) equals(v Version) bool {
	if s.Prefix {
		return hasPrefix(v, s.version.epoch, s.version.release)
	}
	if !s.version.HasLocal() {
		v = v.WithoutLocal()
	}
	return v.Compare(s.version) == 0
}

// hasPrefix tells whether the release, filled up with zeros, begins so.
func hasPrefix(v Version, epoch string, release []string) bool {
	if v.epoch != epoch {
		return false
	}
	for i, n := range release {
		have := "0"
		if i < len(v.release) {
			have = v.release[i]
		}
		if have != n {
			return false
		}
	}
	return true
}
