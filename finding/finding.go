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
	// Verdict of who issued the secret that was found, where one was asked.
	Verdict Verdict `json:"verdict,omitzero"`
}

// A Verdict is what the issuer of a secret says of it. The zero value is that
// nobody was asked.
type Verdict int

// The verdicts. That an issuer could not be asked is none of the others: it
// says nothing of the secret.
const (
	NotAsked Verdict = iota
	VerdictValid
	VerdictInvalid
	VerdictUnsupported // there is nobody, or no way, to ask
	VerdictFailed      // the question had no answer that can be read
)

var verdictNames = [...]string{"not asked", "valid", "invalid", "unsupported", "failed"}

func (v Verdict) String() string {
	if v < NotAsked || v > VerdictFailed {
		return fmt.Sprintf("Verdict(%d)", int(v))
	}
	return verdictNames[v]
}

// MarshalText writes the verdict's name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a verdict's name.
func (v *Verdict) UnmarshalText(text []byte) error {
	i := slices.Index(verdictNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("%q is not a verdict: want one of %q", text, verdictNames)
	}
	*v = Verdict(i)
	return nil
}

// Sort orders findings by rule, then place, then problem.
func Sort(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Where, b.Where), cmp.Compare(a.Problem, b.Problem))
	})
}
