package pep440

import (
	"slices"
	"strings"
	"testing"
)

// order is from PEP 440 itself, with what it calls equal on one line.
const order = `
1.dev0 1.0.DEV
1.0.dev456 v1.0-dev_456
1.0a1 1.0-alpha.1 1.0_A_1
1.0a2.dev456 1.0a2dev456
1.0a12.dev456
1.0a12
1.0b1.dev456
1.0b2 1-beta2
1.0b2.post345.dev456
1.0b2.post345
1.0rc1.dev456 1.0c1.dev456
1.0rc1 1.0-pre.1 1.0preview1 1.0.c01
1.0 1 1.0.0.0 v1 01.0
1.0+abc.5 1.0+ABC_5
1.0+abc.7
1.0+5
1.0.post456.dev34
1.0.post456 1.0-456 1.0.rev456 1.0r456
1.0.15
1.1.dev1
1.1
1.9
1.10
1.99999999999999999999998
1.99999999999999999999999
1!0.1
`

func TestOrder(t *testing.T) {
	var all []Version
	for line := range strings.Lines(strings.TrimSpace(order)) {
		words := strings.Fields(line)
		first := parse(t, words[0])
		for _, w := range words[1:] {
			if v := parse(t, w); v.Compare(first) != 0 || v.Key() != first.Key() {
				t.Errorf("%s is not %s: %q, %q", w, words[0], v.Key(), first.Key())
			}
		}
		all = append(all, first)
	}
	for i := range all {
		for j := range all {
			if got, want := all[i].Compare(all[j]), sign(i-j); got != want {
				t.Errorf("%s to %s: %d, want %d", all[i], all[j], got, want)
			}
		}
	}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func parse(t testing.TB, s string) Version {
	t.Helper()
	v, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestNoVersions(t *testing.T) {
	for _, s := range []string{"", " ", "v", "1.", ".1", "1..2", "1.0+", "1.0+a..b", "1.0+a-", "1!", "!1", "1.0 1", "french toast",
		"1.0.x", "2004d", "1.*", "1.0a1b2", "1.0-", "1.0dev1post1", "１.0", "1.0\x00", strings.Repeat("1", MaxLength+1)} {
		if v, err := Parse(s); err == nil {
			t.Errorf("%.40q is read as %s", s, v)
		} else if len(err.Error()) > 200 {
			t.Errorf("%.20q: the error is %d bytes long", s, len(err.Error()))
		}
	}
}

// TestKeysDoNotRunTogether: a key is numbers one after the other, and none may
// be read as a part of its neighbour.
func TestKeysDoNotRunTogether(t *testing.T) {
	for _, pair := range [][2]string{
		{"1.2", "12"}, {"1.2.3", "1.23"}, {"1.0a1", "1.0.1"}, {"1", "1.0.0.1"}, {"1.0+a.b", "1.0+ab"}, {"1.0+a", "1.0+a.0"},
		{strings.Repeat("9", 127), strings.Repeat("9", 128)}, {"1" + strings.Repeat("0", 300), "1" + strings.Repeat("0", 299)},
	} {
		a, b := parse(t, pair[0]), parse(t, pair[1])
		if a.Key() == b.Key() {
			t.Errorf("%.20s and %.20s have one key", pair[0], pair[1])
		}
	}
	if parse(t, strings.Repeat("9", 127)).Compare(parse(t, "1"+strings.Repeat("0", 127))) != -1 {
		t.Error("a number of 127 digits does not come before one of 128")
	}
}

func TestContains(t *testing.T) {
	for _, c := range []struct {
		set, yes, no string
	}{
		{"", "1 2.0", ""},
		{"==1.4.*", "1.4 1.4.9 1.4.post1", "1.40 1.3 1.5"},
		{"!=1.4.*", "1.40 1.3", "1.4 1.4.1"},
		{"==1.1", "1.1 1.1.0 1.1+local", "1.1.post1 1.1.1"},
		{"==1.1+a", "1.1+A", "1.1 1.1+b"},
		{"~=2.2", "2.2 2.3 2.99", "3.0 2.1"},
		{"~=1.4.5", "1.4.5 1.4.9.post1", "1.5 1.4.4"},
		{"~=2.2.post3", "2.2.post3 2.3", "2.2 3"},
		{">1.7", "1.7.1 1.8", "1.7 1.7.post1 1.7+local"},
		{">1.7.post2", "1.7.post3 1.7.1", "1.7 1.7.post2"},
		{"<1.7", "1.6", "1.7 1.7rc1"},
		{"<1.7rc1", "1.7b1", "1.7rc1 1.7"},
		{">=1.0,<2.0,!=1.5", "1.0 1.9", "2.0 1.5 0.9"},
		{">=1,", "1", "0"},
		{"===1.0", "1.0", "1 1.0.0"},
		{">=1.0", "", "1.1rc1"},
		{">=1.0rc1", "1.0rc2", "1.0rc0"},
	} {
		set, err := ParseSet(c.set)
		if err != nil {
			t.Fatalf("%s: %v", c.set, err)
		}
		for _, v := range strings.Fields(c.yes) {
			if !set.Contains(parse(t, v), false) {
				t.Errorf("%q does not admit %s", c.set, v)
			}
		}
		for _, v := range strings.Fields(c.no) {
			if set.Contains(parse(t, v), false) {
				t.Errorf("%q admits %s", c.set, v)
			}
		}
	}
}

func TestNoSpecifiers(t *testing.T) {
	for _, s := range []string{"1.0", "=1.0", "==", "==1.*.2", ">=1.*", "~=1", ">=1.0+local", "==1.0rc1.*", "===", "=== 1;2", "==1.0 2.0", "!1"} {
		if set, err := ParseSet(s); err == nil {
			t.Errorf("%q is read as %s", s, set)
		}
	}
}

func TestPinned(t *testing.T) {
	for set, want := range map[string]string{"==1.0": "1.0", "==1.0,>0": "1.0", "===abc": "abc", "==1.*": "", ">=1": "", "": ""} {
		s, err := ParseSet(set)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := s.Pinned(); got != want {
			t.Errorf("%q is pinned to %q, want %q", set, got, want)
		}
	}
}

// FuzzVersion: the normal form is a version with the same key and the same
// normal form, and two versions are in the order of their keys, whichever is
// asked first.
func FuzzVersion(f *testing.F) {
	for _, line := range strings.Fields(order) {
		f.Add(line, "1.0")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		v, err := Parse(a)
		if err != nil {
			return
		}
		again, err := Parse(v.String())
		if err != nil || again.Key() != v.Key() || again.String() != v.String() {
			t.Fatalf("%q: normal form %q: %v", a, v, err)
		}
		if p, err := Parse(v.Public()); err != nil || p.Key() != v.WithoutLocal().Key() {
			t.Fatalf("%q: public form %q: %v", a, v.Public(), err)
		}
		w, err := Parse(b)
		if err != nil {
			return
		}
		if v.Compare(w) != -w.Compare(v) {
			t.Fatalf("%q and %q: %d and %d", a, b, v.Compare(w), w.Compare(v))
		}
		if slow := obvious(v, w); slow != v.Compare(w) {
			t.Fatalf("%q and %q: %d, and slowly %d", a, b, v.Compare(w), slow)
		}
	})
}

// obvious compares part by part, as PEP 440 tells it.
func obvious(v, w Version) int {
	number := func(a, b string) int {
		if d := len(a) - len(b); d != 0 {
			return sign(d)
		}
		return strings.Compare(a, b)
	}
	if d := number(v.epoch, w.epoch); d != 0 {
		return d
	}
	for i := range max(len(v.release), len(w.release)) {
		at := func(r []string) string {
			if i < len(r) {
				return r[i]
			}
			return "0"
		}
		if d := number(at(v.release), at(w.release)); d != 0 {
			return d
		}
	}
	pre := func(v Version) (int, string) {
		switch {
		case v.pre.name != "":
			return slices.Index([]string{"a", "b", "rc"}, v.pre.name), v.pre.number
		case v.post.name == "" && v.dev.name != "":
			return -1, "0"
		}
		return 3, "0"
	}
	phase := func(p phase, none int) (int, string) {
		if p.name == "" {
			return none, "0"
		}
		return 0, p.number
	}
	for _, part := range []func(Version) (int, string){
		pre,
		func(v Version) (int, string) { return phase(v.post, -1) },
		func(v Version) (int, string) { return phase(v.dev, 1) },
	} {
		a, an := part(v)
		b, bn := part(w)
		if a != b {
			return sign(a - b)
		}
		if d := number(an, bn); d != 0 {
			return d
		}
	}
	for i := range min(len(v.local), len(w.local)) {
		a, b := v.local[i], w.local[i]
		switch {
		case allDigits(a) && allDigits(b):
			if d := number(a, b); d != 0 {
				return d
			}
		case allDigits(a):
			return 1
		case allDigits(b):
			return -1
		case a != b:
			return strings.Compare(a, b)
		}
	}
	return sign(len(v.local) - len(w.local))
}
