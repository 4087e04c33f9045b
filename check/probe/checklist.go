package probe

import "slices"

// A ChecklistItem is a question of the usual security testing checklist, and
// the checks that answer it.
type ChecklistItem struct {
	Question string
	Checks   []string
}

// Checklist is the testing checklist that teams write into a wiki: what they
// ask by hand, these checks ask of every operation.
func Checklist() []ChecklistItem {
	return []ChecklistItem{
		{"is a request without credentials refused?", []string{"probe/anonymous-refused"}},
		{"is a malformed or tampered token refused?", []string{"probe/token-checked", "probe/malformed-token", "probe/jwt-signature", "probe/jwt-algorithm"}},
		{"does a token end?", []string{"probe/jwt-expires", "probe/jwt-claims"}},
		{"is the object of another user out of reach?", []string{"probe/bola-read", "probe/bola-write", "probe/lists-scoped"}},
		{"is SQL in a parameter only a text?", []string{"probe/sql-injection"}},
		{"is markup in a parameter only a text?", []string{"probe/reflected-xss", "probe/stored-xss"}},
		{"are fields that a client has no say in ignored?", []string{"probe/mass-assignment"}},
		{"is another content type refused?", []string{"probe/media-type"}},
		{"is a body that is too large refused?", []string{"probe/body-limit"}},
		{"do all responses have the security headers?", []string{"probe/nosniff", "probe/framing", "probe/csp", "probe/referrer-policy"}},
		{"is the server kept quiet about itself?", []string{"probe/server-banner", "probe/version-headers"}},
		{"are passwords tried a few times only?", []string{"probe/login-throttled"}},
		{"is the documentation closed?", []string{"probe/docs-open"}},
		{"do errors tell nothing?", []string{"probe/verbose-errors"}},
	}
}

// Answer is pass if no check of an item failed and one passed, fail if one
// failed, and inconclusive otherwise.
func (r *APIReport) Answer(i ChecklistItem) string {
	answer := "inconclusive"
	for _, res := range r.Results {
		if !slices.Contains(i.Checks, res.Check) {
			continue
		}
		switch res.Verdict {
		case "fail":
			return "fail"
		case "pass":
			answer = "pass"
		}
	}
	return answer
}
