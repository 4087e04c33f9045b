package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise/check/probe"
)

func probeCommand(t *terminal) *cobra.Command {
	var (
		file, format string
		o            probe.Options
	)
	c := &cobra.Command{
		Use:   "probe URL",
		Short: "Put the policy's promises to a live API",
		Long: `Put the policy's promises to a live API and print which are kept, which are
broken (what came, what was wanted, and the line that shows it), and about which
it could not be told.

The URL is the API's root. Where the API answers to another name than the URL's,
give it with --host. Promises whose test loads the service or trips its limits
are left out unless --intrusive is given: use that on a service of your own only.

Exit codes: 0 all kept, 1 some broken, 2 wrong usage or policy, 3 could not tell.`,
		Example: `  pavise probe http://127.0.0.1:8000
  pavise probe https://10.0.0.7 --host api.example.com --policy pavise.yaml
  pavise probe https://api.example.com --format json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return &exitError{code: exitUsage, err: fmt.Errorf("--format %q is not text or json", format)}
			}
			if o.Timeout <= 0 {
				return &exitError{code: exitUsage, err: fmt.Errorf("--timeout %s is not more than zero", o.Timeout)}
			}
			loaded, err := loadPolicy(file)
			if err != nil {
				return err
			}
			guard, err := loaded.guard()
			if err != nil {
				return err
			}
			o.URL = args[0]
			o.Promises = guard.Promises()
			if len(o.Promises) == 0 {
				return &exitError{code: exitUnknown, err: fmt.Errorf("%s promises nothing: everything is only observed", loaded.name()), hint: "pavise enforce RULE makes a promise of a rule"}
			}
			report, err := probe.Run(c.Context(), o)
			if errors.Is(err, probe.ErrOptions) {
				return &exitError{code: exitUsage, err: err, hint: "pavise probe http://127.0.0.1:8000"}
			}
			if err != nil {
				return &exitError{code: exitUnknown, err: err, hint: "is the API running, and is the URL its root?"}
			}
			if format == "json" {
				err = report.WriteJSON(t.out)
			} else {
				err = report.WriteText(t.out)
			}
			if err != nil {
				return &exitError{code: exitUnknown, err: err}
			}
			return verdict(report)
		},
	}
	policyFlag(c, &file)
	f := c.Flags()
	f.StringVar(&format, "format", "text", "text or json")
	f.StringVar(&o.Host, "host", "", "the Host to ask for, where it is not the URL's")
	f.BoolVar(&o.Intrusive, "intrusive", false, "also test what loads the service or trips its limits")
	f.BoolVar(&o.InsecureSkipVerify, "insecure-skip-verify", false, "accept any certificate")
	f.DurationVar(&o.Timeout, "timeout", 30*time.Second, "for the test of one promise")
	completeWords(c, "format", "text", "json")
	return c
}

// verdict is the exit of a run that printed a report.
func verdict(r *probe.Report) error {
	switch {
	case r.Count(probe.Broken) > 0:
		return &exitError{code: exitFindings}
	case r.Count(probe.CouldNotTell) > 0:
		return &exitError{code: exitUnknown}
	}
	return nil
}
