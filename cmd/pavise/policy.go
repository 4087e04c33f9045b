package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/guard"
)

func policyCommand(t *terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "Show, validate and compare policies",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(policyShow(t), policyValidate(t), policySchema(t), policyDiff(t))
	return c
}

func policyShow(t *terminal) *cobra.Command {
	var (
		file, format string
		loosened     bool
	)
	c := &cobra.Command{
		Use:   "show",
		Short: "Print the policy, the mode of each rule, and where it is loosened",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if format != "text" && format != "json" {
				return &exitError{code: exitUsage, err: fmt.Errorf("--format %q is not text or json", format)}
			}
			l, err := loadPolicy(file)
			if err != nil {
				return err
			}
			g, err := l.guard()
			if err != nil {
				return err
			}
			loose := l.policy.Loosened()
			if loose == nil {
				loose = []guard.Loosening{} // a list in JSON, also where nothing is in it
			}
			if format == "json" {
				modes := map[string]string{}
				for _, r := range pavise.Rules() {
					modes[r.ID] = string(g.Mode(r.ID))
				}
				enc := json.NewEncoder(t.out)
				enc.SetIndent("", "  ")
				set, err := flatten(l.policy)
				if err != nil {
					return err
				}
				return enc.Encode(map[string]any{"set": set, "modes": modes, "loosened": loose})
			}
			if !loosened {
				t.printf("# %s; what is not set has the strict default\n", l.name())
				text, err := yaml.Marshal(l.policy)
				if err != nil {
					return &exitError{code: exitUsage, err: err}
				}
				t.printf("%s\n", strings.TrimRight(string(text), "\n"))
				t.printf("\n# the mode of each rule\n")
				for _, r := range pavise.Rules() {
					t.printf("# %-8s %s\n", g.Mode(r.ID), r.ID)
				}
				t.printf("\n")
			}
			if len(loose) == 0 {
				t.printf("# nothing is loosened\n")
			}
			for _, x := range loose {
				t.printf("# loosened: %s %s\n#   %s\n", x.Key, parenthesis(x.Rule), x.Effect)
			}
			return nil
		},
	}
	policyFlag(c, &file)
	c.Flags().BoolVar(&loosened, "loosened", false, "only where it is weaker than the built-in policy")
	c.Flags().StringVar(&format, "format", "text", "text or json")
	completeWords(c, "format", "text", "json")
	return c
}

func parenthesis(rule string) string {
	if rule == "" {
		return ""
	}
	return "(" + rule + ")"
}

func policyValidate(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "validate [FILE]",
		Short: "Check a policy file and print every mistake with its place",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := defaultPolicy
			if len(args) == 1 {
				name = args[0]
			}
			l, err := loadPolicy(name)
			if err != nil {
				return err
			}
			if _, err := l.guard(); err != nil {
				return err
			}
			t.printf("%s holds together\n", name)
			return nil
		},
	}
}

func policySchema(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of policy files",
		Args:  cobra.NoArgs,
		Run:   func(*cobra.Command, []string) { t.printf("%s", pavise.Schema()) },
	}
}

func policyDiff(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "diff OLD [NEW]",
		Short: "Compare two policies by what they mean",
		Long: `Compare two policy files key by key, whatever their order and comments, and say
which loosenings come and go. With one file, compare the built-in policy with it.

Exit codes: 0 the same, 1 different, 2 wrong usage or policy.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			old := &loaded{}
			var err error
			if len(args) == 2 {
				if old, err = loadPolicy(args[0]); err != nil {
					return err
				}
			}
			next, err := loadPolicy(args[len(args)-1])
			if err != nil {
				return err
			}
			for _, l := range []*loaded{old, next} {
				if _, err := l.guard(); err != nil {
					return err
				}
			}
			same, err := t.diff(old.policy, next.policy)
			if err != nil {
				return err
			}
			if !same {
				return &exitError{code: exitFindings}
			}
			t.printf("the policies are the same\n")
			return nil
		},
	}
}

// plain returns a policy without what only repeats a default.
func plain(p pavise.Policy) pavise.Policy {
	if p.Version == 1 {
		p.Version = 0
	}
	if p.Mode == guard.Enforce {
		p.Mode = ""
	}
	return p
}

func (t *terminal) diff(old, next pavise.Policy) (same bool, err error) {
	old, next = plain(old), plain(next)
	a, err := flatten(old)
	if err != nil {
		return false, err
	}
	b, err := flatten(next)
	if err != nil {
		return false, err
	}
	keys := map[string]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	sorted := make([]string, 0, len(keys))
	for k := range keys {
		sorted = append(sorted, k)
	}
	slices.Sort(sorted)
	same = true
	for _, k := range sorted {
		was, hadIt := a[k]
		is, hasIt := b[k]
		switch {
		case hadIt && hasIt && was == is:
			continue
		case !hadIt:
			t.printf("+ %s: %s\n", k, is)
		case !hasIt:
			t.printf("- %s: %s\n", k, was)
		default:
			t.printf("~ %s: %s -> %s\n", k, was, is)
		}
		same = false
	}
	before, after := old.Loosened(), next.Loosened()
	for _, l := range after {
		if !slices.Contains(before, l) {
			t.printf("! weaker: %s %s: %s\n", l.Key, parenthesis(l.Rule), l.Effect)
		}
	}
	for _, l := range before {
		if !slices.Contains(after, l) {
			t.printf("! stronger: %s %s no longer: %s\n", l.Key, parenthesis(l.Rule), l.Effect)
		}
	}
	return same, nil
}

// flatten returns what a policy sets, by the path of its key.
func flatten(p pavise.Policy) (map[string]string, error) {
	text, err := yaml.Marshal(p)
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	out := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, child := range v {
				if path != "" {
					walk(path+"."+k, child)
				} else {
					walk(k, child)
				}
			}
		case []any:
			for i, child := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), child)
			}
		default:
			out[path] = fmt.Sprint(v)
		}
	}
	walk("", tree)
	return out, nil
}

// exists reports whether there is something of that name.
func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
