package leaks

import (
	"strings"
	"testing"
)

// TestRulesByTheirExamples: each rule finds its true examples at the marked
// place, and none of the false ones.
func TestRulesByTheirExamples(t *testing.T) {
	s := NewScanner()
	for _, r := range Rules() {
		if len(r.True) < 3 || len(r.False) < 3 {
			t.Errorf("%s has %d true and %d false examples, want 3 of each", r.ID, len(r.True), len(r.False))
		}
		for i, line := range r.True {
			before, rest, _ := strings.Cut(line, "⟦")
			secret, after, ok := strings.Cut(rest, "⟧")
			if !ok {
				t.Fatalf("%s: true example %d has no marks", r.ID, i)
			}
			found := s.Scan("app/config.py", []byte("first = 1\n"+before+secret+after+"\nlast = 2\n"))
			if len(found) != 1 || found[0].Rule != "leaks/"+r.ID {
				var rules []string
				for _, l := range found {
					rules = append(rules, l.Rule)
				}
				t.Errorf("%s: true example %d: found %v", r.ID, i, rules)
				continue
			}
			l := found[0]
			if l.Line != 2 && !strings.Contains(before, "\n") || !strings.Contains(secret, l.secret) && !strings.Contains(l.secret, secret) {
				t.Errorf("%s: true example %d: line %d, another secret", r.ID, i, l.Line)
			}
			if f := l.Finding(); strings.Contains(f.Problem+f.Fix+f.Where, l.secret) {
				t.Errorf("%s: the finding shows the secret", r.ID)
			}
		}
		for i, line := range r.False {
			for _, l := range s.Scan("app/config.py", []byte("first = 1\n"+line+"\n")) {
				if l.Rule == "leaks/"+r.ID {
					t.Errorf("%s: false example %d is found: %s", r.ID, i, line)
				}
			}
		}
	}
}
