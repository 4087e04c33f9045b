package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise/check/audit/advisories"
)

func dbCommand(t *terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "db",
		Short: "The advisory database that pavise audit compares with",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(dbUpdateCommand(t), dbExcerptCommand(t), dbStatusCommand(t))
	return c
}

// dbFlag adds the flag that names the database.
func dbFlag(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "db", "", "the database's file (default: in the user's cache folder)")
}

func databasePath(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	path, err := advisories.DefaultPath()
	if err != nil {
		return "", &exitError{code: exitUsage, err: fmt.Errorf("there is no place for the database: %w", err), hint: "name a file with --db"}
	}
	return path, nil
}

func dbUpdateCommand(t *terminal) *cobra.Command {
	var (
		path  string
		quiet bool
		o     advisories.UpdateOptions
	)
	c := &cobra.Command{
		Use:   "update",
		Short: "Make the advisory database anew from OSV's records",
		Long: `Make the advisory database anew from OSV's records. They are fetched from OSV over
HTTPS, or read from a folder, a zip or a mirror; a folder or a mirror holds one
ECOSYSTEM/all.zip each, and a folder may be what pavise db excerpt wrote. A fetch
that breaks off is continued the next time, and what has not changed is not fetched
again. The database is swapped in when it is whole: audits that run meanwhile go on
with the old one, and if the update fails, so do all.`,
		Example: `  pavise db update
  pavise db update --from https://osv.internal.example/mirror
  pavise db update --from ./advisories --ecosystem PyPI`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			path, err := databasePath(path)
			if err != nil {
				return err
			}
			p := t.spinner(quiet)
			o.Progress = p.step
			status, err := advisories.Update(c.Context(), path, o)
			p.done()
			if errors.Is(err, advisories.ErrBusy) {
				return &exitError{code: exitUnknown, err: err, hint: "wait for it, or name another file with --db"}
			}
			if err != nil {
				exit := &exitError{code: exitUnknown, err: fmt.Errorf("the advisory database was not updated, and stays as it was: %w", err), hint: "--from takes a folder, a zip or a mirror's address where there is no way to OSV"}
				if errors.Is(err, advisories.ErrExcerpt) {
					exit.hint = "pavise db excerpt makes it anew, where the full records are"
				}
				return exit
			}
			if !quiet {
				writeStatus(t.out, path, status, time.Now())
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&o.From, "from", "", "a folder, a zip or an address (default: OSV's own)")
	f.StringSliceVar(&o.Ecosystems, "ecosystem", nil, "PyPI, Go (default: both)")
	f.BoolVarP(&quiet, "quiet", "q", false, "print nothing but errors")
	dbFlag(c, &path)
	completeWords(c, "ecosystem", advisories.Ecosystems()...)
	return c
}

func dbStatusCommand(t *terminal) *cobra.Command {
	var path, format string
	c := &cobra.Command{
		Use:   "status",
		Short: "What the advisory database holds, and how old it is",
		Args:  cobra.NoArgs,
		RunE: func(_ *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return &exitError{code: exitUsage, err: fmt.Errorf("--format %q is not text or json", format)}
			}
			path, err := databasePath(path)
			if err != nil {
				return err
			}
			db, err := advisories.Open(path)
			if err != nil {
				return &exitError{code: exitUnknown, err: err, hint: "pavise db update makes one"}
			}
			defer db.Close() //nolint:errcheck // read only
			if format == "json" {
				enc := json.NewEncoder(t.out)
				enc.SetIndent("", "  ")
				return enc.Encode(db.Status())
			}
			writeStatus(t.out, path, db.Status(), time.Now())
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text or json")
	dbFlag(c, &path)
	completeWords(c, "format", "text", "json")
	return c
}

func writeStatus(w io.Writer, path string, s advisories.Status, now time.Time) {
	fmt.Fprintf(w, "%s\n  %d advisories about %d packages, compiled %s\n", printable(path), s.Advisories, s.Packages, s.Built.Format(time.DateTime)) //nolint:errcheck // the sink remembers
	if s.Excerpt {
		about := 0
		for _, src := range s.Sources {
			about += src.About
		}
		fmt.Fprintf(w, "  an excerpt about %d packages: nothing is known of others\n", about) //nolint:errcheck // the sink remembers
	}
	for _, src := range s.Sources {
		age := int(now.Sub(src.AsOf) / (24 * time.Hour))
		fmt.Fprintf(w, "  %-5s %d records, %d withdrawn, as of %s (%d days ago), from %s\n", src.Ecosystem, src.Records, src.Withdrawn, src.AsOf.Format(time.DateOnly), age, printable(src.From)) //nolint:errcheck // the sink remembers
		for _, list := range []struct {
			what  string
			names []string
		}{{"not read", src.Unreadable}, {"read in part", src.Partial}} {
			for i, name := range list.names {
				if i == 10 {
					fmt.Fprintf(w, "    %s: and %d more\n", list.what, len(list.names)-i) //nolint:errcheck // the sink remembers
					break
				}
				fmt.Fprintf(w, "    %s: %s\n", list.what, printable(name)) //nolint:errcheck // the sink remembers
			}
		}
	}
}
