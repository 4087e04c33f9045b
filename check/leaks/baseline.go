package leaks

import "github.com/pavise-dev/pavise/check/internal/baseline"

// A Baseline is a list of known leaks that says nothing of the secrets, and
// nothing of lines: an entry is an HMAC of rule, path and secret. The key is in
// the file, so that a secret of few possibilities could be guessed by whoever
// has it; it keeps entries of two projects apart.
type Baseline struct{ known *baseline.Baseline }

// NewBaseline makes an empty one.
func NewBaseline() *Baseline { return &Baseline{baseline.New(baseline.Leaks)} }

// ParseBaseline reads a file of one.
func ParseBaseline(data []byte) (*Baseline, error) {
	known, err := baseline.Parse(baseline.Leaks, data)
	if err != nil {
		return nil, err
	}
	return &Baseline{known}, nil
}

// Holds tells whether a leak is known.
func (b *Baseline) Holds(l Leak) bool { return b.known.Holds(l.Rule, l.Path, l.secret) }

// Add makes leaks known.
func (b *Baseline) Add(leaks []Leak) {
	for i := range leaks {
		b.known.Add(leaks[i].Rule, leaks[i].Path, leaks[i].secret)
	}
}

// Encode writes the file: the same for the same leaks, whatever their lines.
func (b *Baseline) Encode() []byte { return b.known.Encode() }
