package rotate

import (
	"context"
	"sync"
	"time"
)

// meter counts rows, tells the progress, and holds the workers back.
type meter struct {
	store store
	o     *Options
	table string
	start time.Time

	mu     sync.Mutex
	rows   int64 // of this process
	before int64 // of others, before it
	total  int64
	next   time.Time // when the rate allows the next chunk
	asked  time.Time // when the database was last asked how it is
}

func newMeter(ctx context.Context, s store, o *Options, run string, t *Table, total int64) *meter {
	m := &meter{store: s, o: o, table: t.Name, start: time.Now(), total: total}
	if sum, _, err := s.totals(ctx, run, t); err == nil {
		m.before = sum.rows
	}
	return m
}

// add counts the rows of a chunk.
func (m *meter) add(_ context.Context, rows int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows += rows
	if m.o.RowsPerSecond > 0 {
		cost := time.Duration(float64(rows) / float64(m.o.RowsPerSecond) * float64(time.Second))
		if now := time.Now(); m.next.Before(now) {
			m.next = now
		}
		m.next = m.next.Add(cost)
	}
	m.tell("")
}

// tell calls Progress; mu is held.
func (m *meter) tell(pause string) {
	if m.o.Progress == nil {
		return
	}
	p := Progress{Table: m.table, Rows: m.before + m.rows, Total: max(m.total, m.before+m.rows), Pause: pause}
	if d := time.Since(m.start).Seconds(); d > 0 {
		p.Rate = float64(m.rows) / d
	}
	if p.Rate > 0 {
		p.Left = time.Duration(float64(p.Total-p.Rows) / p.Rate * float64(time.Second)).Round(time.Second)
	}
	m.o.Progress(p)
}

// pressEvery is how often the database is asked whether to pause.
const pressEvery = time.Second

// wait returns when the next chunk may begin.
func (m *meter) wait(ctx context.Context) error {
	for {
		m.mu.Lock()
		rest := time.Until(m.next)
		ask := (m.o.MaxLag > 0 || m.o.MaxTransaction > 0) && time.Since(m.asked) >= pressEvery
		if ask {
			m.asked = time.Now()
		}
		m.mu.Unlock()
		if rest > 0 {
			if err := sleep(ctx, rest); err != nil {
				return err
			}
			continue
		}
		if !ask {
			return nil
		}
		why, err := m.store.pressed(ctx, m.o.MaxLag, m.o.MaxTransaction)
		if err != nil {
			return err
		}
		if why == "" {
			return nil
		}
		m.mu.Lock()
		m.tell(why)
		m.next = time.Now().Add(pressEvery) // for all workers
		m.mu.Unlock()
	}
}
