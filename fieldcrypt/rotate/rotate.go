// Package rotate seals whole tables anew: after a key was promoted, or from
// one format of tokens to another, while the application reads and writes
// them.
//
// A table is worked through in chunks of its primary key. Each chunk is one
// transaction: its rows are read, their tokens rotated here, and written back
// only where the column still holds the very token that was read
// (compare-and-swap), together with the note that the chunk is done. So a run
// that was killed at any moment goes on where it was, and a value that the
// application wrote meanwhile is never lost.
package rotate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pavise-dev/pavise/fieldcrypt"
)

// A Table is what is to be sealed anew.
type Table struct {
	// Name of the table, "users" or "app.users".
	Name string `json:"name"`
	// Key is the column of the primary key. Its values, as the database
	// writes them as text, are the PrimaryKey of the tokens' context.
	Key string `json:"key"`
	// Columns hold the tokens, as text. NULL stays NULL.
	Columns []string `json:"columns"`
	// Tenant is the column of the context's Tenant; empty means that there
	// is none.
	Tenant string `json:"tenant,omitempty"`
}

// context is the place of a token.
func (t *Table) context(r *row, column int) fieldcrypt.Context {
	return fieldcrypt.Context{Tenant: r.tenant, Table: t.Name, Column: t.Columns[column], PrimaryKey: r.key}
}

// Options say what a run does.
type Options struct {
	// Ring whose primary key seals. Every former key must be able to open.
	Ring *fieldcrypt.Ring
	// Tables, one after the other.
	Tables []Table
	// Chunk is how many rows one transaction holds; 0 means 5,000, and at
	// most 100,000 are possible.
	Chunk int
	// Workers is how many chunks are worked on at once; 0 means 1. Databases
	// other than PostgreSQL have one.
	Workers int
	// RowsPerSecond slows the run down; 0 means as fast as it goes.
	RowsPerSecond int
	// MaxLag pauses the run while a replica of PostgreSQL is behind by more;
	// 0 means it never does.
	MaxLag time.Duration
	// MaxTransaction pauses the run while somebody's transaction in
	// PostgreSQL is older; 0 means it never does. What the run writes cannot
	// be vacuumed until such a transaction ends.
	MaxTransaction time.Duration
	// Progress is called after each chunk, by one goroutine at a time.
	Progress func(Progress)
}

// Progress is how far a run is.
type Progress struct {
	Table string
	Rows  int64         // of the table that are done, in this run and before
	Total int64         // of the table when it was planned
	Rate  float64       // rows a second, of this process
	Left  time.Duration // for this table at that rate; 0 if nobody knows yet
	Pause string        // why nothing moves, or nothing
}

// A Report is what became of a table.
type Report struct {
	Table   string
	Rows    int64 // looked at, by all processes since the run was planned
	Changed int64 // tokens sealed anew
	Current int64 // tokens that the primary key had made already
	Null    int64
	// Unreadable tokens open with no key of the ring, in their place. They
	// were left as they are.
	Unreadable int64
	// Contended rows were written by others faster than the run could follow.
	// They hold what was written, and are judged by the census.
	Contended int64
}

// Defaults and bounds of Options.
const (
	DefaultChunk = 5000
	maxChunk     = 100_000
	maxWorkers   = 64
)

func (o *Options) check() error {
	var errs []error
	if o.Ring == nil {
		errs = append(errs, errors.New("there is no key ring"))
	}
	if o.Chunk < 0 || o.Chunk > maxChunk {
		errs = append(errs, fmt.Errorf("chunk: %d rows: want 1 to %d", o.Chunk, maxChunk))
	}
	if o.Workers < 0 || o.Workers > maxWorkers {
		errs = append(errs, fmt.Errorf("workers: %d: want 1 to %d", o.Workers, maxWorkers))
	}
	if o.RowsPerSecond < 0 || o.MaxLag < 0 || o.MaxTransaction < 0 {
		errs = append(errs, errors.New("a rate or a duration is negative"))
	}
	return errors.Join(errs...)
}

func (o *Options) defaults() {
	if o.Chunk == 0 {
		o.Chunk = DefaultChunk
	}
	if o.Workers == 0 {
		o.Workers = 1
	}
}

func checkTables(tables []Table) error {
	var errs []error
	if len(tables) == 0 {
		errs = append(errs, errors.New("there is no table to rotate"))
	}
	seen := map[string]bool{}
	for i, t := range tables {
		at := fmt.Sprintf("tables[%d]", i)
		if t.Name != "" {
			at = "table " + t.Name
		}
		if t.Name == "" || t.Key == "" || len(t.Columns) == 0 {
			errs = append(errs, fmt.Errorf("%s: needs a name, the column of its primary key, and at least one column to rotate", at))
		}
		if seen[t.Name] {
			errs = append(errs, fmt.Errorf("%s: is there twice", at))
		}
		seen[t.Name] = true
		for _, c := range t.Columns {
			if c == t.Key || c == t.Tenant {
				errs = append(errs, fmt.Errorf("%s: %s is the key or the tenant, which a token is bound to", at, c))
			}
		}
		if len(slices.Compact(slices.Sorted(slices.Values(t.Columns)))) != len(t.Columns) {
			errs = append(errs, fmt.Errorf("%s: a column is there twice", at))
		}
		for _, name := range append([]string{t.Name, t.Key, t.Tenant}, t.Columns...) {
			if strings.ContainsAny(name, "\"`\x00") || len(name) > 128 {
				errs = append(errs, fmt.Errorf("%s: %q is no name", at, name))
			}
		}
	}
	return errors.Join(errs...)
}

// Run seals the tables anew, and returns a report for each. A run that was cut
// short, by ctx or by a crash, goes on where it was when it is called again
// with a ring that has the same primary key; one that was finished begins
// anew, and finds everything current.
func Run(ctx context.Context, db *DB, o Options) ([]Report, error) {
	if err := errors.Join(o.check(), checkTables(o.Tables)); err != nil {
		return nil, fmt.Errorf("rotate: %w", err)
	}
	o.defaults()
	if !db.store.concurrent() {
		o.Workers = 1
	}
	if err := db.store.setup(ctx); err != nil {
		return nil, fmt.Errorf("rotate: making the table of checkpoints: %w", err)
	}
	var reports []Report
	for i := range o.Tables {
		r, err := runTable(ctx, db.store, &o, &o.Tables[i])
		reports = append(reports, r)
		if err != nil {
			return reports, fmt.Errorf("rotate: %s: %w", o.Tables[i].Name, err)
		}
	}
	return reports, nil
}

func runTable(ctx context.Context, s store, o *Options, t *Table) (Report, error) {
	if err := s.describe(ctx, t); err != nil {
		return Report{Table: t.Name}, err
	}
	run := o.Ring.Primary().ID
	total, err := plan(ctx, s, run, t, o.Chunk)
	if err != nil {
		return Report{Table: t.Name}, err
	}
	m := newMeter(ctx, s, o, run, t, total)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for range o.Workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				more, err := oneChunk(ctx, s, o, t, run, m)
				if err != nil {
					cancel(err)
				}
				if !more {
					return
				}
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return Report{Table: t.Name}, err
	}
	sum, _, err := s.totals(ctx, run, t)
	return sum.report(t), err
}

// plan divides the table, unless a former run that was not finished did.
func plan(ctx context.Context, s store, run string, t *Table, chunk int) (total int64, err error) {
	sum, left, err := s.totals(ctx, run, t)
	if err != nil {
		return 0, err
	}
	if left > 0 {
		return sum.planned, nil
	}
	return s.plan(ctx, run, t, chunk)
}

// oneChunk works on the next chunk that nobody has.
func oneChunk(ctx context.Context, s store, o *Options, t *Table, run string, m *meter) (more bool, err error) {
	return chunkOf(ctx, s, o, t, m, func(work func(tx, *string, *string) (tally, error)) (bool, error) {
		return s.chunk(ctx, run, t, work)
	})
}

// chunkOf rotates the rows of the chunk that take takes.
func chunkOf(ctx context.Context, s store, o *Options, t *Table, m *meter, take func(work func(tx, *string, *string) (tally, error)) (bool, error)) (more bool, err error) {
	if err := m.wait(ctx); err != nil {
		return false, err
	}
	const attempts = 8
	for attempt := 1; ; attempt++ {
		var done tally
		more, err = take(func(tx tx, low, high *string) (tally, error) {
			var err error
			done, err = rotateRows(ctx, tx, o.Ring, t, low, high)
			return done, err
		})
		switch {
		case err == nil:
			if more {
				m.add(ctx, done.rows)
			}
			return more, nil
		case attempt < attempts && s.passing(err):
			// Somebody held a lock, or we held each other up.
			if err := sleep(ctx, time.Duration(attempt)*50*time.Millisecond); err != nil {
				return false, err
			}
		default:
			return false, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
