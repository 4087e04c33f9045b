// Command pavise hardens an HTTP API from outside, and proves it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// The exit codes are API.
const (
	exitFine     = 0
	exitFindings = 1 // something was found: a promise is broken
	exitUsage    = 2 // wrong usage, or a policy that does not hold together
	exitUnknown  = 3 // could not tell
)

// exitError ends the program with a code. Its error, if it has one, is
// printed; its hint says what to do next.
type exitError struct {
	code int
	err  error
	hint string
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// run is the whole program, but for what belongs to the process.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := &sink{w: stdout}
	t := &terminal{in: stdin, out: out, err: stderr}
	root := command(t)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(out)
	root.SetErr(stderr)
	c, err := root.ExecuteContextC(ctx)
	if lost := out.failed(); err == nil && lost != nil && c.Name() != "up" {
		// A result that nobody got is no result. What up writes is its access
		// log, and the API's fate is not that of its log.
		err = &exitError{code: exitUnknown, err: fmt.Errorf("the result could not be written: %w", lost), hint: "is the disk full, or the output closed?"}
	}
	if err == nil {
		return exitFine
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{code: exitUsage, err: err, hint: "see " + c.CommandPath() + " --help"}
	}
	if exit.err != nil {
		t.fail(exit.err, exit.hint)
	}
	return exit.code
}

// command lists what there is.
func command(t *terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "pavise",
		Short: "Harden an HTTP API from outside, and prove it",
		Long: `Pavise stands in front of an HTTP API and enforces one security policy there,
without a change to the API; and it proves from the outside that the policy holds.

  pavise demo                         see it work, without an API of your own
  pavise init                         write a policy for this project
  pavise up -- uvicorn app.main:app   serve the API behind the policy
  pavise report                       what would have been refused
  pavise probe URL                    put the policy's promises to a live API
  pavise enforce RULE                 refuse what was only observed
  pavise check -- uvicorn app.main:app  everything below at once, with a grade
  pavise audit                        compare the dependencies with known vulnerabilities
  pavise leaks                        find secrets in the source
  pavise lint                         find what is wrong in the source

Exit codes: 0 nothing found, 1 findings, 2 wrong usage or policy, 3 could not tell.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.AddCommand(
		demoCommand(t),
		upCommand(t),
		initCommand(t),
		probeCommand(t),
		policyCommand(t),
		explainCommand(t),
		reportCommand(t),
		enforceCommand(t),
		checkCommand(t),
		auditCommand(t),
		dbCommand(t),
		leaksCommand(t),
		lintCommand(t),
		keysCommand(t),
		passwordCommand(t),
		rotateCommand(t),
		settingsCommand(t),
		tokenCommand(t),
		versionCommand(t),
		docsCommand(t),
	)
	return root
}
