// Package finding holds the one shape of a reported problem, and its writers.
package finding

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity orders findings. The zero value is Unknown, which no threshold
// lets pass.
type Severity int

// The severities, from the least.
const (
	Unknown Severity = iota
	Info
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"unknown", "info", "low", "medium", "high", "critical"}

func (s Severity) String() string {
	if s < Unknown || s > Critical {
		return fmt.Sprintf("Severity(%d)", int(s))
	}
	return severityNames[s]
}

// MarshalText writes the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a severity's name.
func (s *Severity) UnmarshalText(text []byte) error {
	i := slices.Index(severityNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("%q is not a severity: want one of %q", text, severityNames)
	}
	*s = Severity(i)
	return nil
}

// A Finding is one reported problem. It has no field that could hold a
// secret: Problem says what is wrong, never the value that was found.
type Finding struct {
	Rule     string   `json:"rule"`           // "guard/claim" or "check/claim"
	Where    string   `json:"where"`          // a URL, or file:line:column
	Problem  string   `json:"problem"`        // one sentence
	Fix      string   `json:"fix,omitempty"`  // what to do next
	Severity Severity `json:"severity"`       // how bad it is
	Refs     []string `json:"refs,omitempty"` // CWE, ASVS, RFC, CVE
}

// Sort orders findings by rule, then place, then problem.
func Sort(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Where, b.Where), cmp.Compare(a.Problem, b.Problem))
	})
}
