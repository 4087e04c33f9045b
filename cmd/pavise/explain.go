package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/check/lint"
	"github.com/pavise-dev/pavise/check/probe"
	"github.com/pavise-dev/pavise/cmd/pavise/internal/catalogue"
	"github.com/pavise-dev/pavise/guard"
)

func explainCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [RULE]",
		Short: "Say what a rule claims, stops and costs",
		Long: `Say what a rule claims, which attack it stops, what enforces it, where that is
written down, how to loosen it and what that costs; of a rule of audit, leaks, lint or
probe, what it finds and what to do, and of lint a bad and a good sample; and which rules
of the other tools are of the same thing. The name of a guard explains its rules, that of
a tool lists them. Without a rule, list all.`,
		Example: "  pavise explain headers/nosniff\n  pavise explain hosts\n  pavise explain lint/jwt-verify-off\n  pavise explain probe",
		Args:    cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return ruleNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			tool, _, one := strings.Cut(name, "/")
			if name == "" || !one && slices.Contains(listed(), name) {
				t.list(name)
				return nil
			}
			if slices.Contains(listed(), tool) {
				return t.explainOf(tool, name)
			}
			found, err := findRules(name)
			if err != nil {
				return err
			}
			for i, r := range found {
				if i > 0 {
					t.printf("\n")
				}
				t.explain(r)
			}
			return nil
		},
	}
}

// listed are the tools whose rules are listed by their name, and begin with
// it.
func listed() []string { return []string{"audit", "leaks", "lint", "probe"} }

// list shows the rules of a tool, or of all.
func (t *terminal) list(tool string) {
	var rules []catalogue.Rule
	width := 0
	for _, r := range catalogue.Rules() {
		if tool == "" || r.Tool == tool {
			rules = append(rules, r)
			width = max(width, len(r.ID))
		}
	}
	for _, r := range rules {
		t.printf("%-*s  %s\n", width, r.ID, r.Claim)
	}
}

// explainOf explains one rule of a tool that is not a guard.
func (t *terminal) explainOf(tool, id string) error {
	var names []string
	for _, r := range catalogue.Rules() {
		if r.Tool != tool {
			continue
		}
		names = append(names, r.ID)
		if r.ID == id {
			t.explainRule(r)
			return nil
		}
	}
	hint := "pavise explain " + tool + " lists them"
	if near := nearest(id, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return &exitError{code: exitUsage, err: fmt.Errorf("there is no rule %q", id), hint: hint}
}

func (t *terminal) explainRule(r catalogue.Rule) {
	switch r.Tool {
	case "lint":
		rules := lint.Rules()
		t.explainLint(rules[slices.IndexFunc(rules, func(l *lint.Rule) bool { return l.ID == r.ID })])
	case "probe":
		checks := probe.APIChecks()
		t.explainProbe(checks[slices.IndexFunc(checks, func(c *probe.APICheck) bool { return c.ID == r.ID })])
	default:
		t.explainFinding(r)
	}
}

// explainFinding explains a rule of audit or leaks.
func (t *terminal) explainFinding(r catalogue.Rule) {
	t.printf("%s\n\n", r.ID)
	t.printf("finds     %s\n", fill(r.Claim))
	t.printf("severity  %s\n", r.Severity)
	t.printf("why, fix  %s\n", fill(r.Help))
	if len(r.Refs) > 0 {
		t.printf("refs      %s\n", fill(strings.Join(r.Refs, ", ")))
	}
	t.also(r.ID)
}

func (t *terminal) explainProbe(c *probe.APICheck) {
	t.printf("%s\n\n", c.ID)
	t.printf("claim     %s\n", fill(c.Claim))
	severity := c.Severity.String()
	if c.Intrusive {
		severity += "; made with --intrusive alone"
	}
	t.printf("severity  %s\n", severity)
	if c.Sure != "" {
		t.printf("sure      %s\n", fill(c.Sure))
	}
	t.printf("fix       %s\n", fill(c.Fix))
	if c.Pavise != "" {
		t.printf("pavise    %s\n", fill(c.Pavise))
	}
	t.printf("refs      %s\n", fill(strings.Join(c.Refs, ", ")))
	t.also(c.ID)
}

// also tells which rules of the other tools are of the same thing.
func (t *terminal) also(id string) {
	if also := catalogue.Related(id); len(also) > 0 {
		t.printf("also      %s\n", fill(strings.Join(also, ", ")))
	}
}

func (t *terminal) explainLint(r *lint.Rule) {
	t.printf("%s\n\n", r.ID)
	t.printf("finds     %s\n", fill(r.Title))
	t.printf("severity  %s, a %s\n", r.Severity, r.Kind)
	t.printf("why       %s\n", fill(r.Text))
	t.printf("fix       %s\n", fill(r.Fix))
	if r.Pavise != "" {
		t.printf("pavise    %s\n", fill(r.Pavise))
	}
	t.printf("refs      %s\n", fill(strings.Join(r.Refs, ", ")))
	t.also(r.ID)
	t.printf("\nbad\n\n%s\ngood\n\n%s", indented(r.Bad), indented(r.Good))
}

// indented sets a sample off from what is around it.
func indented(sample string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(sample, "\n") + "\n") {
		if line != "\n" {
			b.WriteString("    ")
		}
		b.WriteString(line)
	}
	return b.String()
}

func (t *terminal) explain(r guard.Rule) {
	name, _, _ := strings.Cut(r.ID, "/")
	t.printf("%s\n\n", r.ID)
	t.printf("claim     %s\n", fill(r.Claim))
	t.printf("attack    %s\n", fill(r.Attack))
	t.printf("enforced  %s\n", fill("by the guard "+name+" in front of the API; docs/guides/"+name+".md"))
	t.printf("refs      %s\n", fill(strings.Join(r.Refs, ", ")))
	t.printf("loosen    %s\n", strings.ReplaceAll(strings.TrimRight(r.Loosen, "\n"), "\n", "\n          "))
	t.printf("cost      %s\n", fill(r.Cost))
	t.also(r.ID)
}

// fill breaks a text into lines of a readable width, indented as explain's
// texts are.
func fill(s string) string {
	const width, indent = 70, 10
	var b strings.Builder
	n := 0
	for i, word := range strings.Fields(s) {
		switch {
		case i == 0:
		case n+1+len(word) > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			n = 0
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += len(word)
	}
	return b.String()
}

// findRules finds a rule by its id, or the rules of a guard by its name.
func findRules(name string) ([]guard.Rule, error) {
	var found []guard.Rule
	for _, r := range pavise.Rules() {
		if r.ID == name || strings.HasPrefix(r.ID, name+"/") {
			found = append(found, r)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	err := fmt.Errorf("there is no rule %q", name)
	if near := nearest(name, ruleNames()); near != "" {
		return nil, &exitError{code: exitUsage, err: err, hint: "did you mean " + near + "?"}
	}
	return nil, &exitError{code: exitUsage, err: err, hint: "pavise explain lists all rules"}
}

// ruleNames are all rules, all guards and all tools.
func ruleNames() []string {
	var names []string
	for _, r := range pavise.Rules() {
		name, _, _ := strings.Cut(r.ID, "/")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		names = append(names, r.ID)
	}
	names = append(names, listed()...)
	for _, r := range catalogue.Rules() {
		if r.Tool != "guard" {
			names = append(names, r.ID)
		}
	}
	return names
}

// nearest finds the word that takes the fewest edits to write, if those are
// few.
func nearest(word string, words []string) string {
	best, distance := "", len(word)/3+2
	for _, w := range words {
		if d := edits(word, w); d < distance {
			best, distance = w, d
		}
	}
	return best
}

func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
