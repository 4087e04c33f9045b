package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise/fieldcrypt/rotate"
	"github.com/pavise-dev/pavise/fieldcrypt/rotate/jobs"
)

func rotateEnqueue(t *terminal) *cobra.Command {
	var (
		ring   ringSource
		tables tableSource
		o      rotate.Options
	)
	c := &cobra.Command{
		Use:   "enqueue",
		Short: "Share a rotation out among machines, as River jobs in PostgreSQL",
		Long: `Make a River job of each chunk of the tables, in the PostgreSQL that is rotated, for
pavise rotate work on any number of machines. River's tables are made if there are none.
Called again it adds what is missing.`,
		Example: "  pavise rotate enqueue --ring ring.json --dsn-env DATABASE_URL --tables sealed.yaml",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := ring.read()
			if err != nil {
				return err
			}
			list, err := tables.tables()
			if err != nil {
				return err
			}
			db, err := tables.open(c.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			o.Ring, o.Tables = r, list
			chunks, added, err := jobs.Enqueue(c.Context(), db, o)
			if err != nil {
				return &exitError{code: exitUnknown, err: err}
			}
			t.printf("%d chunks to do, %d of them added to the queue %s\n", chunks, added, jobs.Queue)
			return nil
		},
	}
	ring.readFlags(c)
	tables.flags(c)
	c.Flags().IntVar(&o.Chunk, "chunk", rotate.DefaultChunk, "rows of a job")
	return c
}

func rotateWork(t *terminal) *cobra.Command {
	var (
		ring   ringSource
		tables tableSource
		o      rotate.Options
	)
	c := &cobra.Command{
		Use:   "work",
		Short: "Work on the chunks of a rotation that was shared out",
		Long: `Work on the jobs that pavise rotate enqueue made for the ring's primary key, until none
is left. The jobs say which tables. What a worker had that is killed is done by another
within a minute. Limits hold for this worker.

Exit codes: 0 every token could be sealed anew, 1 some could not, 2 wrong usage, 3 cut
short.`,
		Example: "  pavise rotate work --ring ring.json --dsn-env DATABASE_URL --workers 2",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			r, err := ring.read()
			if err != nil {
				return err
			}
			db, err := tables.open(ctx)
			if err != nil {
				return err
			}
			defer db.Close()
			o.Ring, o.Progress = r, progress(t)
			reports, err := jobs.Work(ctx, db, o, slog.New(slog.NewTextHandler(t.err, nil)))
			var odd int64
			for _, n := range reports {
				t.rotated(n)
				odd += n.Unreadable + n.Contended
			}
			if err != nil {
				return &exitError{code: exitUnknown, err: err, hint: "what was done is done; other workers go on, and the same command does too"}
			}
			if odd > 0 {
				return &exitError{code: exitFindings, err: fmt.Errorf("%d tokens were left as they were", odd), hint: "pavise rotate --dry-run counts what is of which key"}
			}
			return nil
		},
	}
	ring.readFlags(c)
	tables.dsnFlags(c)
	limitFlags(c, &o)
	return c
}
