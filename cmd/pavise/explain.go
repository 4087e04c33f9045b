package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/guard"
)

func explainCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [RULE]",
		Short: "Say what a rule claims, stops and costs",
		Long: `Say what a rule claims, which attack it stops, what enforces it, where that is
written down, how to loosen it and what that costs. Without a rule, list all.`,
		Example: "  pavise explain headers/nosniff\n  pavise explain hosts",
		Args:    cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return ruleNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			rules := pavise.Rules()
			if len(args) == 0 {
				width := 0
				for _, r := range rules {
					width = max(width, len(r.ID))
				}
				for _, r := range rules {
					t.printf("%-*s  %s\n", width, r.ID, r.Claim)
				}
				return nil
			}
			found, err := findRules(args[0])
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

func (t *terminal) explain(r guard.Rule) {
	name, _, _ := strings.Cut(r.ID, "/")
	t.printf("%s\n\n", r.ID)
	t.printf("claim     %s\n", fill(r.Claim))
	t.printf("attack    %s\n", fill(r.Attack))
	t.printf("enforced  %s\n", fill("by the guard "+name+" in front of the API; docs/guides/"+name+".md"))
	t.printf("refs      %s\n", fill(strings.Join(r.Refs, ", ")))
	t.printf("loosen    %s\n", strings.ReplaceAll(strings.TrimRight(r.Loosen, "\n"), "\n", "\n          "))
	t.printf("cost      %s\n", fill(r.Cost))
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

// ruleNames are all rules and all guards.
func ruleNames() []string {
	var names []string
	for _, r := range pavise.Rules() {
		name, _, _ := strings.Cut(r.ID, "/")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		names = append(names, r.ID)
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
