// Package jobs shares a rotation out among machines: each chunk of each table
// is a River job (https://riverqueue.com) in the PostgreSQL that is rotated.
//
// A worker that is killed leaves nothing behind: PostgreSQL rolls its chunk
// back, and River gives the job to another worker within a minute. A job that
// is given out twice meets the lock of the chunk, or the note that it is done.
//
// For one machine, package rotate is enough, and faster.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/pavise-dev/pavise/fieldcrypt/rotate"
)

// The names that the jobs have in River's tables.
const (
	Queue = "pavise_rotate"
	Kind  = "pavise_rotate_chunk"
)

// A killed worker's job is taken for lost after rescueAfter. River's leader
// looks every 30 s, and schedules what it found within 5; a new leader, if the
// killed one led, is there after 15.
const rescueAfter = 10 * time.Second

// busyFor is how long a job waits whose chunk somebody has.
const busyFor = 5 * time.Second

type chunkArgs struct{ rotate.Chunk }

func (chunkArgs) Kind() string { return Kind }

func (chunkArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Queue:       Queue,
		MaxAttempts: 1000, // what fails is tried until somebody cancels it or repairs the cause
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
		}},
	}
}

// Enqueue plans the tables and makes a job of each chunk that is not done and
// has none yet. It makes River's tables if there are none; tables of an older
// River are an error, since they belong to the application.
func Enqueue(ctx context.Context, db *rotate.DB, o rotate.Options) (chunks, added int, err error) {
	r, err := rotate.NewRunner(ctx, db, o)
	if err != nil {
		return 0, 0, err
	}
	if err := migrate(ctx, r.Pool()); err != nil {
		return 0, 0, err
	}
	left, err := r.Plan(ctx)
	if err != nil {
		return 0, 0, err
	}
	client, err := river.NewClient(riverpgxv5.New(r.Pool()), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, 0, fmt.Errorf("jobs: %w", err)
	}
	const batch = 1000
	for start := 0; start < len(left); start += batch {
		var params []river.InsertManyParams
		for _, c := range left[start:min(start+batch, len(left))] {
			params = append(params, river.InsertManyParams{Args: chunkArgs{c}})
		}
		results, err := client.InsertMany(ctx, params)
		if err != nil {
			return len(left), added, fmt.Errorf("jobs: adding jobs: %w", err)
		}
		for _, r := range results {
			if !r.UniqueSkippedAsDuplicate {
				added++
			}
		}
	}
	return len(left), added, nil
}

func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		// Two processes may come here at once.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('pavise river'))`); err != nil {
			return err
		}
		have, err := migrator.ExistingVersions(ctx)
		if err != nil {
			return err
		}
		if len(have) == 0 {
			_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
			return err
		}
		all := migrator.AllVersions()
		if last, want := have[len(have)-1].Version, all[len(all)-1].Version; last < want {
			return fmt.Errorf("they are of version %d, and %d is needed: river migrate-up brings them there", last, want)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("jobs: River's tables: %w", err)
	}
	return nil
}

// Work works on the jobs of the ring's primary key until no chunk is left or
// ctx ends, and returns what became of the tables, by all workers together.
// Options.Tables is not read: jobs name their tables. What fails is logged, and
// tried again.
func Work(ctx context.Context, db *rotate.DB, o rotate.Options, log *slog.Logger) ([]rotate.Report, error) {
	o.Tables = nil
	r, err := rotate.NewRunner(ctx, db, o)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, r.Pool()); err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{runner: r, ctx: running, log: log})
	client, err := river.NewClient(riverpgxv5.New(r.Pool()), &river.Config{
		Queues:               map[string]river.QueueConfig{Queue: {MaxWorkers: max(o.Workers, 1)}},
		Workers:              workers,
		JobTimeout:           rescueAfter,
		RescueStuckJobsAfter: rescueAfter,
		FetchCooldown:        5 * time.Millisecond, // a chunk takes some tens of them
		FetchPollInterval:    500 * time.Millisecond,
		RetryPolicy:          retry{},
		Logger:               slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	if err := client.Start(running); err != nil {
		return nil, fmt.Errorf("jobs: starting to work: %w", err)
	}
	stop := func() { _ = client.StopAndCancel(context.WithoutCancel(ctx)) }
	for {
		reports, left, err := r.Reports(ctx)
		var waiting int
		if err == nil {
			waiting, err = pending(ctx, r.Pool())
		}
		switch {
		case err != nil:
		case len(reports) == 0:
			err = fmt.Errorf("jobs: nothing was enqueued for the primary key %s", o.Ring.Primary().ID)
		case left == 0:
			stop()
			return reports, nil
		case waiting == 0:
			// Between two looks the last chunk may have been done.
			if reports, left, err = r.Reports(ctx); err == nil && left > 0 {
				err = fmt.Errorf("jobs: %d chunks are not done, and nobody is to do them: their jobs were cancelled; enqueue again", left)
			} else if err == nil {
				stop()
				return reports, nil
			}
		}
		if err != nil {
			cancel()
			stop()
			return reports, err
		}
		select {
		case <-ctx.Done():
			cancel()
			stop()
			return reports, context.Cause(ctx)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// pending counts the jobs that are still to end.
func pending(ctx context.Context, pool *pgxpool.Pool) (n int, err error) {
	err = pool.QueryRow(ctx, `SELECT count(*) FROM river_job WHERE kind = $1 AND finalized_at IS NULL`, Kind).Scan(&n)
	return n, err
}

type worker struct {
	river.WorkerDefaults[chunkArgs]
	runner *rotate.Runner
	ctx    context.Context // of Work
	log    *slog.Logger
}

// Work goes by Work's context and not by its job's, which ends when the job
// is taken for lost: a chunk that is large or has to wait may need longer.
func (w *worker) Work(_ context.Context, job *river.Job[chunkArgs]) error {
	err := w.runner.Do(w.ctx, job.Args.Chunk)
	switch {
	case errors.Is(err, rotate.ErrBusy):
		return river.JobSnooze(busyFor)
	case err != nil && w.ctx.Err() == nil:
		w.log.Warn("a chunk failed and will be tried again", "error", err.Error(), "attempt", job.Attempt)
	}
	return err
}

// retry tries a job again that failed once at once, and later with a second
// more each time, up to a minute. A killed worker counts as a failure.
type retry struct{}

func (retry) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(time.Duration(min(len(job.Errors), 60)) * time.Second)
}
