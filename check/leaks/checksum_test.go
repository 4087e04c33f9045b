package leaks

import (
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/finding"
)

// TestChecksums: a token whose checksum is right is what its rule says; with
// one character changed it is a finding of low severity that says why.
func TestChecksums(t *testing.T) {
	gitlab := "glpat-" + chars(40, base62) + ".01.1" + "c"
	age := "AGE-SECRET-KEY-1" + ageSample()
	cases := map[string]struct {
		token  string
		change int // a character of the body
	}{
		// The examples that the formats were announced with: made by others.
		"GitHub's example": {"ghp_" + "zQWBuTSOoRi4A9spHcVY5ncnsDkx" + "kJ0mLq17", 10},
		"npm's example":    {"npm_" + "qkJaB6MffYVzZXWqmcoF49yrUxP" + "3wf0LsakP", 10},
		"GitHub, leading":  {"gho_" + withSum(zeroSum(t)), 12},
		"GitLab, routable": {gitlab + base36Sum(gitlab), 20},
		"Grafana":          {"glsa_" + chars(32, base62) + "_" + littleSum("glsa_"+chars(32, base62)), 9},
		"age":              {age, 30},
	}
	s := NewScanner()
	for name, c := range cases {
		look := func(token string) Leak {
			found := s.Scan("app/config.py", []byte("value = '"+token+"'\n"))
			if len(found) != 1 {
				t.Fatalf("%s: %d leaks", name, len(found))
			}
			return found[0]
		}
		if l := look(c.token); l.Severity < finding.High || strings.Contains(l.Finding().Problem, "checksum") {
			t.Errorf("%s is %s: %s", name, l.Severity, l.Finding().Problem)
		}
		other := byte('Q')
		if c.token[c.change] == other {
			other = 'P'
		}
		l := look(c.token[:c.change] + string(other) + c.token[c.change+1:])
		if f := l.Finding(); f.Severity != finding.Low || !strings.Contains(f.Problem, "checksum is wrong") || strings.Contains(f.Fix, "replace") {
			t.Errorf("%s with another character is %s: %s", name, f.Severity, f.Problem)
		}
	}
	// What has no checksum is not doubted for it.
	for _, token := range []string{"glpat-" + chars(20, base62), "ghp_" + chars(50, base62)} {
		if l := s.Scan("a", []byte(token)); len(l) != 1 || l[0].Severity != finding.Critical {
			t.Errorf("%s…: %v", token[:6], len(l))
		}
	}
	// A known answer of BIP 173.
	if bech32Rest("a12uel5l") != 1 || bech32Rest("a12uel5m") == 1 {
		t.Error("the checksum of BIP 173 is another")
	}
}

// zeroSum is a body whose checksum begins with a zero, which must not be lost.
func zeroSum(t *testing.T) string {
	for n := range len(base62) {
		body := chars(29, base62) + base62[n:n+1]
		if base62Sum(body)[0] == '0' {
			return body
		}
	}
	t.Fatal("none")
	return ""
}
