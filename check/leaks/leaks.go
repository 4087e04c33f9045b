// Package leaks finds secrets in files, in what is about to be committed, and
// in a repository's history.
//
// What is found is never printed: a finding says which kind of secret stands
// where, and at most its first characters and its length.
package leaks

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/finding"
)

// A Leak is a secret at a place.
type Leak struct {
	// Rule that found it, such as "leaks/github-token".
	Rule string
	// Path is slash-separated, as the user would write it.
	Path string
	// Line and Column count from 1; the column in characters.
	Line, Column int
	// What kind of secret it is.
	What     string
	Severity finding.Severity
	// Commit that added it, where a history was read.
	Commit string
	// Verdict of who issued it, where that was asked.
	Verdict finding.Verdict

	secret string // never leaves the package
	// doubtful tells that the secret's own checksum is wrong.
	doubtful bool
	issuer   *provider // who was asked
}

// masked says enough of a secret to find it again: the beginning that all of
// its kind share, and how long it is.
func (l *Leak) masked(prefix int) string {
	n := utf8.RuneCountInString(l.secret)
	shown := ""
	// No more than what names the kind, and never half of it.
	if prefix > 0 && prefix*3 <= len(l.secret) {
		shown = l.secret[:prefix]
	}
	return fmt.Sprintf("%s**** (%d characters)", shown, n)
}

// Finding is the leak in the shape that every check reports.
func (l *Leak) Finding() finding.Finding {
	where := fmt.Sprintf("%s:%d:%d", l.Path, l.Line, l.Column)
	r := ruleOf(l.Rule)
	problem := fmt.Sprintf("%s: %s", l.What, l.masked(r.prefix(l.secret)))
	fix := r.Fix
	if fix == "" {
		fix = "take it out, read it from the environment or a secrets directory, and replace it where it is valid: it has been seen"
	}
	if l.doubtful {
		problem += ", whose checksum is wrong: it was made up, or is not of today's form"
		fix = "see whether it is one; let it be with a comment if it is not"
	}
	if l.Commit != "" {
		problem += ", added by commit " + l.Commit
	}
	if l.Commit != "" && !l.doubtful {
		fix = "replace it where it is valid: taking it out does not take it out of the history"
	}
	switch {
	case l.Verdict == finding.VerdictValid:
		fix = "revoke it at once: it is live; then take it out, and read its successor from the environment or a secrets directory"
	case l.Verdict == finding.VerdictInvalid && l.issuer.own:
		fix += "; " + l.issuer.name + " does not know it, though a server of your own may"
	case l.Verdict == finding.VerdictInvalid:
		fix = "take it out: it is not valid any more"
	}
	return finding.Finding{Rule: l.Rule, Where: where, Problem: problem, Fix: fix, Severity: l.Severity, Verdict: l.Verdict, Refs: References(l.Rule)}
}

// prefix is how many characters of the secret every secret of the rule has.
func (r *Rule) prefix(secret string) int {
	for _, p := range r.Prefixes {
		if strings.HasPrefix(secret, p) {
			return len(p)
		}
	}
	return 0
}
