package leaks

import (
	"regexp"
	"strings"
	"sync"

	"github.com/pavise-dev/pavise/finding"
)

// A Rule is one kind of secret.
type Rule struct {
	// ID within the check: "github-token" is leaks/github-token.
	ID string
	// What it finds, as a noun.
	What string
	// Keywords, in lower case: one of them stands in the line, or Pattern is
	// not tried.
	Keywords []string
	// Pattern has one group, the secret.
	Pattern string
	// Any holds characters of which one stands in the line as well; empty
	// means that none is asked for.
	Any string
	// Entropy is the least, in bits a character.
	Entropy float64
	// Prefixes that every secret of the kind begins with, and that may be
	// shown.
	Prefixes []string
	Severity finding.Severity
	// Fix says what to do; empty means what is said of all.
	Fix string
	// Literal tells that the secret is of the shape that a provider gives, so
	// that words within it do not make it a placeholder.
	Literal bool
	// True and False are lines: examples, and the rule's tests. In True, the
	// mark ⟦ ⟧ is around the secret. They are put together from pieces where a
	// scanner would take them for secrets.
	True, False []string
	// valid looks at the secret's structure, and at the name before it where
	// Pattern has one; nil means that there is nothing to look at.
	valid func(name, secret string) bool
	// sound tells whether the checksum in the secret is right; nil means that
	// its provider documents none.
	sound func(secret string) bool
	// span is how far behind a keyword the secret may end, in bytes, where it
	// may be in another line; 0 means in the line of the keyword.
	span int
	// login tells that tests hold such secrets, which open nothing else.
	login bool

	// anchored tells that Keywords are what the secret begins with, and that
	// Pattern is of what stands from there on.
	anchored bool
	// named tells that Pattern's first group is the name, and the others the
	// secret.
	named   bool
	pattern *regexp.Regexp
}

// assignment is the rule of what has the name of a secret.
const assignment = "secret-assignment"

// rules are put together when somebody scans: other programs link them too.
var rules = sync.OnceValue(compile)

func compile() []*Rule {
	var out []*Rule
	for _, list := range [][]Rule{providers(), structures(), contexts()} {
		for i := range list {
			r := &list[i]
			r.pattern = regexp.MustCompile(r.Pattern)
			if r.Severity == finding.Unknown {
				r.Severity = finding.High
			}
			out = append(out, r)
		}
	}
	return out
}

// Rules lists the rules.
func Rules() []*Rule { return rules() }

func ruleOf(id string) *Rule {
	id = strings.TrimPrefix(id, "leaks/")
	for _, r := range rules() {
		if r.ID == id {
			return r
		}
	}
	return &Rule{ID: id, What: "secret"}
}

// References are those of a rule, by its whole id. A file of secrets is what
// V13.3.1 keeps out of the source and of what is built from it; V13.4.1 is of
// git's own folder alone.
func References(id string) []string {
	const management = "ASVS 5.0 V13.3.1"
	switch strings.TrimPrefix(id, "leaks/") {
	case ruleEnvTracked, ruleEnvHistory, ruleKeyFile, ruleKeyHistory:
		return []string{"CWE-540", management}
	case ruleEnvImage:
		return []string{"CWE-538", management}
	case rulePlaceholder:
		return []string{"CWE-1392", "ASVS 5.0 V11.5.1", "ASVS 5.0 V13.2.3"}
	case ruleWeakKey:
		return []string{"CWE-326", "ASVS 5.0 V11.2.3"}
	case ruleMode:
		return []string{"CWE-732", "ASVS 5.0 V13.3.2"}
	case ruleUnset, ruleUnread:
		return []string{"CWE-1059"}
	case "fernet-key-at-import": // no key is known: it is lost
		return []string{"CWE-665", management}
	}
	return []string{"CWE-798", management}
}

// Descriptions are the rules for a writer of findings.
func Descriptions() map[string]finding.Rule {
	out := map[string]finding.Rule{}
	for _, r := range rules() {
		out["leaks/"+r.ID] = finding.Rule{Short: "A " + r.What + " is in the source", Help: "Whoever reads the repository, its history or an image made of it has the secret. Replace it where it is valid, and read the new one from the environment or a secrets directory."}
	}
	for id, text := range hygieneRules {
		out["leaks/"+id] = finding.Rule{Short: text, Help: "See the guide on secrets."}
	}
	return out
}
