package rotate

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A Chunk is a part of a table in a run that was planned. It holds nothing
// that is secret.
type Chunk struct {
	Run   string `json:"run"` // the id of the primary key
	Table Table  `json:"table"`
	N     int64  `json:"n"`
}

// A Runner rotates single chunks, for who shares them out among machines; see
// the package jobs. [Run] needs none. It may be used by many goroutines at
// once.
type Runner struct {
	store *postgres
	o     Options
	run   string

	mu     sync.Mutex
	meters map[string]*meter // by the table's name
}

// NewRunner returns a runner on a PostgreSQL. Options.Tables are what Plan
// plans; a runner that only works needs none. Options.Workers is ignored, and
// the limits hold for this runner alone.
func NewRunner(ctx context.Context, db *DB, o Options) (*Runner, error) {
	err := o.check()
	if len(o.Tables) > 0 {
		err = errors.Join(err, checkTables(o.Tables))
	}
	if err != nil {
		return nil, fmt.Errorf("rotate: %w", err)
	}
	p, ok := db.store.(*postgres)
	if !ok {
		return nil, errors.New("rotate: chunks can be shared out on PostgreSQL only; other databases are rotated by one process")
	}
	o.defaults()
	if err := p.setup(ctx); err != nil {
		return nil, fmt.Errorf("rotate: making the table of checkpoints: %w", err)
	}
	return &Runner{store: p, o: o, run: o.Ring.Primary().ID, meters: map[string]*meter{}}, nil
}

// Pool returns the connections to PostgreSQL.
func (r *Runner) Pool() *pgxpool.Pool { return r.store.pool }

// Plan divides the tables, unless an earlier call did whose chunks are not all
// done, and returns the chunks that are left.
func (r *Runner) Plan(ctx context.Context) ([]Chunk, error) {
	if err := checkTables(r.o.Tables); err != nil {
		return nil, fmt.Errorf("rotate: %w", err)
	}
	var chunks []Chunk
	for i := range r.o.Tables {
		t := &r.o.Tables[i]
		err := r.store.describe(ctx, t)
		if err == nil {
			_, err = plan(ctx, r.store, r.run, t, r.o.Chunk)
		}
		var left []int64
		if err == nil {
			left, err = r.store.left(ctx, r.run, t)
		}
		if err != nil {
			return nil, fmt.Errorf("rotate: %s: %w", t.Name, err)
		}
		for _, n := range left {
			chunks = append(chunks, Chunk{Run: r.run, Table: *t, N: n})
		}
	}
	return chunks, nil
}

// ErrBusy says that somebody else works on the chunk at this moment.
var ErrBusy = errors.New("rotate: somebody else works on the chunk")

// Do rotates a chunk. It returns nil too if the chunk was done before, and
// [ErrBusy] if somebody has it. The chunk's names are checked as those of
// Options are.
func (r *Runner) Do(ctx context.Context, c Chunk) error {
	if c.Run != r.run {
		return fmt.Errorf("rotate: the chunk is to be sealed with key %s, and the primary key of this ring is %s: give every worker the same ring", c.Run, r.run)
	}
	if err := checkTables([]Table{c.Table}); err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	m, err := r.meter(ctx, &c.Table)
	if err != nil {
		return fmt.Errorf("rotate: %s: %w", c.Table.Name, err)
	}
	took, err := chunkOf(ctx, r.store, &r.o, &c.Table, m, func(work func(tx, *string, *string) (tally, error)) (bool, error) {
		return r.store.take(ctx, c.Run, &c.Table, &c.N, work)
	})
	if err != nil {
		return fmt.Errorf("rotate: %s, chunk %d: %w", c.Table.Name, c.N, err)
	}
	if took {
		return nil
	}
	done, err := r.store.done(ctx, c)
	if err == nil && !done {
		return ErrBusy
	}
	return err
}

// meter is the one of the table, which is looked at when it is first met.
func (r *Runner) meter(ctx context.Context, t *Table) (*meter, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m, ok := r.meters[t.Name]; ok {
		return m, nil
	}
	if err := r.store.describe(ctx, t); err != nil {
		return nil, err
	}
	sum, _, err := r.store.totals(ctx, r.run, t)
	if err != nil {
		return nil, err
	}
	m := newMeter(ctx, r.store, &r.o, r.run, t, sum.planned)
	r.meters[t.Name] = m
	return m, nil
}

// Reports returns what became of each table of the run so far, and how many
// chunks are left.
func (r *Runner) Reports(ctx context.Context) (reports []Report, left int64, err error) {
	names, err := r.store.planned(ctx, r.run)
	for _, name := range names {
		t := &Table{Name: name}
		var n tally
		var l int64
		if n, l, err = r.store.totals(ctx, r.run, t); err != nil {
			break
		}
		reports, left = append(reports, n.report(t)), left+l
	}
	if err != nil {
		return nil, 0, fmt.Errorf("rotate: %w", err)
	}
	return reports, left, nil
}

// left returns the numbers of the chunks that are not done.
func (p *postgres) left(ctx context.Context, run string, t *Table) ([]int64, error) {
	rows, err := p.pool.Query(ctx, `SELECT n FROM `+checkpoints+` WHERE run = $1 AND tab = $2 AND NOT done ORDER BY n`, run, t.Name)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

func (p *postgres) done(ctx context.Context, c Chunk) (done bool, err error) {
	err = p.pool.QueryRow(ctx, `SELECT done FROM `+checkpoints+` WHERE run = $1 AND tab = $2 AND n = $3`, c.Run, c.Table.Name, c.N).Scan(&done)
	if errors.Is(err, pgx.ErrNoRows) {
		// A later plan divided the table otherwise.
		return true, nil
	}
	return done, err
}

// planned returns the tables of a run.
func (p *postgres) planned(ctx context.Context, run string) ([]string, error) {
	rows, err := p.pool.Query(ctx, `SELECT DISTINCT tab FROM `+checkpoints+` WHERE run = $1 ORDER BY tab`, run)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
