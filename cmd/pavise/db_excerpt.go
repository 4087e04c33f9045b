package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise/check/audit/advisories"
	"github.com/pavise-dev/pavise/check/audit/inventory"
)

func dbExcerptCommand(t *terminal) *cobra.Command {
	var (
		policy string
		quiet  bool
		paths  []string
		in     inventory.Options
		o      advisories.ExcerptOptions
	)
	c := &cobra.Command{
		Use:   "excerpt DIR",
		Short: "Take from OSV's records those about one project, to be committed",
		Long: `Take from OSV's records those about one project's dependencies, and write them
into a folder that is small enough to be committed. Where there is no network,
pavise db update --from DIR makes the database of it.

An excerpt knows the packages that the project depends on today. What is added
later is not called clean: pavise audit says that it could not tell, until the
excerpt is made anew. The same records and dependencies make the same bytes.`,
		Example: `  pavise db excerpt security/advisories
  pavise db excerpt advisories --for . --env .venv --from https://osv.internal.example/mirror
  pavise db update --from security/advisories`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			loaded, err := loadPolicy(policy)
			if err != nil {
				return err
			}
			// The project is what pavise audit takes for it, on every machine.
			run := auditRun{t: t}
			run.o.Inventory = in
			if _, err := run.settle(c, loaded, paths); err != nil {
				return err
			}
			run.o.Inventory.Python, run.o.Inventory.Platform = "", ""
			inv, err := inventory.Read(c.Context(), run.o.Inventory)
			if errors.Is(err, inventory.ErrNothing) || errors.Is(err, context.Canceled) {
				return auditError(err)
			}
			if err != nil {
				return &exitError{code: exitUsage, err: err, hint: "--for names the project's files and folders"}
			}
			for _, p := range inv.Problems {
				t.notef("%s: %s: what it depends on may be missing from the excerpt", printable(p.Where.String()), printable(p.Text))
			}
			o.Dependencies = inv.Dependencies
			p := t.spinner(quiet)
			o.Progress = p.step
			x, err := advisories.TakeExcerpt(c.Context(), o)
			p.done()
			if errors.Is(err, advisories.ErrBusy) {
				return &exitError{code: exitUnknown, err: err, hint: "wait for it, or name another file with --db"}
			}
			if err != nil {
				return &exitError{code: exitUnknown, err: fmt.Errorf("there is no new excerpt: %w", err), hint: "--from takes a folder, a zip or a mirror's address where there is no way to OSV"}
			}
			if err := x.Write(args[0], replaceFile); err != nil {
				return &exitError{code: exitUnknown, err: fmt.Errorf("the excerpt could not be written: %w", err), hint: "name a folder that is new or has an excerpt, such as security/advisories"}
			}
			for _, e := range advisories.Ecosystems() {
				of := func(d inventory.Dependency) bool { return string(d.Ecosystem) == e }
				if slices.ContainsFunc(inv.Dependencies, of) && !slices.ContainsFunc(x.Parts, func(p advisories.ExcerptPart) bool { return p.Ecosystem == e }) {
					t.notef("the excerpt has nothing of %s, of which the project has dependencies", e)
				}
			}
			if !quiet {
				writeExcerpt(t, args[0], x)
			}
			return nil
		},
	}
	policyFlag(c, &policy)
	f := c.Flags()
	f.StringSliceVar(&paths, "for", nil, "the project's files and folders (default: as for pavise audit)")
	f.StringSliceVar(&in.Environments, "env", nil, "a Python environment: its folder, site-packages or interpreter")
	f.StringSliceVar(&in.Exclude, "exclude", nil, "names and paths not to search, with * and ?")
	f.StringVar(&o.From, "from", "", "a folder, a zip or an address (default: OSV's own)")
	f.StringSliceVar(&o.Ecosystems, "ecosystem", nil, "PyPI, Go (default: both)")
	f.StringVar(&o.Database, "db", "", "the database beside which downloads are kept (default: in the user's cache folder)")
	f.BoolVarP(&quiet, "quiet", "q", false, "print nothing but errors")
	completeWords(c, "ecosystem", advisories.Ecosystems()...)
	return c
}

// writeExcerpt says what was written.
func writeExcerpt(t *terminal, dir string, x *advisories.Excerpt) {
	var parts []string
	for _, p := range x.Parts {
		asOf := "without a date"
		if !p.AsOf.IsZero() {
			asOf = "as of " + p.AsOf.Format(time.DateOnly)
		}
		parts = append(parts, fmt.Sprintf("%d of %s %s", p.Packages, p.Ecosystem, asOf))
	}
	t.printf("%s: %d records about %d packages, %d KB\n", printable(dir), x.Records, x.Packages, (x.Size()+1023)>>10)
	t.printf("  %s\n", strings.Join(parts, ", "))
}
