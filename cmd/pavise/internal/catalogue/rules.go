// Package catalogue knows the rules of every tool, and which of them mean the
// same: the guard that refuses an unknown host, the rule of lint that misses
// the check, and the probe that sends one.
//
// What the rules say themselves comes from them. What belongs together, what
// the hardening guide asks for, and what nothing here looks at are tables.
package catalogue

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/check/audit"
	"github.com/pavise-dev/pavise/check/leaks"
	"github.com/pavise-dev/pavise/check/lint"
	"github.com/pavise-dev/pavise/check/probe"
	"github.com/pavise-dev/pavise/finding"
)

// A Rule is one rule of one tool.
type Rule struct {
	ID       string
	Tool     string // guard, audit, leaks, lint or probe
	Claim    string // of audit, leaks and lint, what is wrong where it finds something
	Severity string
	Refs     []string
	Help     string // of audit and leaks, which have no page of their own
	Page     string // where it is described, from docs/reference
}

// Rules are the rules of all tools: those of the guards in the order of the
// chain, the others by their names or in the order in which they are made.
func Rules() []Rule {
	var out []Rule
	for _, r := range pavise.Rules() {
		// A promise that is broken is a finding of medium severity.
		out = append(out, Rule{ID: r.ID, Tool: "guard", Claim: r.Claim, Severity: finding.Medium.String(), Refs: plain(r.Refs), Page: "rules.md#" + strings.ReplaceAll(r.ID, "/", "")})
	}
	out = append(out, auditRules()...)
	out = append(out, leaksRules()...)
	for _, r := range lint.Rules() {
		out = append(out, Rule{ID: r.ID, Tool: "lint", Claim: r.Title, Severity: r.Severity.String(), Refs: plain(r.Refs), Page: r.ID + ".md"})
	}
	for _, c := range probe.APIChecks() {
		out = append(out, Rule{ID: c.ID, Tool: "probe", Claim: c.Claim, Severity: c.Severity.String(), Refs: plain(c.Refs), Page: c.ID + ".md"})
	}
	return out
}

// auditRules have the severities that the package writes: an advisory brings
// its own.
func auditRules() []Rule {
	of := map[string]Rule{
		audit.RuleVulnerable:    {Severity: "of the advisory", Refs: []string{"CWE-1395"}},
		audit.RuleMalicious:     {Severity: finding.Critical.String(), Refs: []string{"CWE-506"}},
		audit.RuleUnpinned:      {Severity: finding.Low.String(), Refs: []string{"CWE-1357"}},
		audit.RuleIgnoreExpired: {Severity: finding.Low.String()},
		audit.RuleIgnoreUnused:  {Severity: finding.Low.String()},
	}
	return described("audit", audit.Rules(), func(id string) Rule { return of[id] })
}

// leaksRules are of the shapes of secrets, and of how a folder keeps its own.
func leaksRules() []Rule {
	shapes := map[string]Rule{}
	for _, r := range leaks.Rules() {
		shapes["leaks/"+r.ID] = Rule{Severity: r.Severity.String(), Refs: plain(leaks.References("leaks/" + r.ID))}
	}
	keeping := map[string]string{
		"leaks/env-tracked": "medium, high", "leaks/env-in-history": "high", "leaks/env-in-image": "high", "leaks/env-placeholder": "high",
		"leaks/env-weak-key": "medium", "leaks/key-file": "critical", "leaks/key-in-history": "critical", "leaks/secret-mode": "low",
		"leaks/env-example-missing": "low", "leaks/env-example-unread": "low",
	}
	return described("leaks", leaks.Descriptions(), func(id string) Rule {
		if r, ok := shapes[id]; ok {
			return r
		}
		return Rule{Severity: keeping[id], Refs: plain(leaks.References(id))}
	})
}

// described are the rules that come as a map, by their names.
func described(tool string, rules map[string]finding.Rule, more func(id string) Rule) []Rule {
	var out []Rule
	for id, d := range rules {
		r := more(id)
		r.ID, r.Tool, r.Claim, r.Help = id, tool, d.Short, d.Help
		r.Page = tool + ".md#" + strings.TrimPrefix(id, tool+"/")
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Rule) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// plain brings references to the form that the rules of lint have: API8,
// V3.4.4.
func plain(refs []string) []string {
	out := make([]string, 0, len(refs))
	for _, r := range refs {
		r = strings.TrimPrefix(strings.TrimPrefix(r, "ASVS 5.0 "), "OWASP ")
		if strings.HasPrefix(r, "API") {
			r = strings.TrimSuffix(r, ":2023")
		}
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// An index knows which rules a control has.
type index struct {
	rules  []Rule
	byID   map[string]Rule
	named  map[string]bool // by its whole id, in some control
	areas  []Area
	has    map[string][]Rule // by the control
	ofRule map[string][]Control
}

func newIndex() *index {
	x := &index{rules: Rules(), byID: map[string]Rule{}, named: map[string]bool{}, areas: Areas(), has: map[string][]Rule{}, ofRule: map[string][]Control{}}
	for _, r := range x.rules {
		x.byID[r.ID] = r
	}
	for _, a := range x.areas {
		for _, c := range a.Controls {
			for _, id := range strings.Fields(c.Rules) {
				x.named[id] = true
			}
		}
	}
	for _, a := range x.areas {
		for _, c := range a.Controls {
			x.has[c.ID] = x.find(c)
			for _, r := range x.of(c) {
				x.ofRule[r.ID] = append(x.ofRule[r.ID], c)
			}
		}
	}
	return x
}

// matches tells whether a word of a control's rules stands for a rule.
func (x *index) matches(word, id string) bool {
	if word == id {
		return true
	}
	family, ok := strings.CutSuffix(word, "*")
	return ok && strings.HasPrefix(id, family) && !x.named[id]
}

// of are the rules of a control, in the order of the tools.
func (x *index) of(c Control) []Rule { return x.has[c.ID] }

func (x *index) find(c Control) []Rule {
	words := strings.Fields(c.Rules)
	var out []Rule
	for _, r := range x.rules {
		if slices.ContainsFunc(words, func(w string) bool { return x.matches(w, r.ID) }) {
			out = append(out, r)
		}
	}
	return out
}

// refs are those of a control: its own and its rules'.
func (x *index) refs(c Control) []string {
	out := strings.Fields(c.Refs)
	for _, r := range x.of(c) {
		out = append(out, r.Refs...)
	}
	return out
}

// Related are the rules of the other tools that share a control with a rule.
func Related(id string) []string {
	x := newIndex()
	var out []string
	for _, c := range x.ofRule[id] {
		for _, r := range x.of(c) {
			// A family of rules is told of by one line, not by a hundred.
			name := r.ID
			if r.Tool == "leaks" && !x.named[r.ID] {
				name = "leaks"
			}
			if r.Tool != x.byID[id].Tool && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}
