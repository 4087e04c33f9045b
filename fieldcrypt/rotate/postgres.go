package rotate

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

type postgres struct {
	pool  *pgxpool.Pool
	types sync.Map     // of the key, by table
	size  atomic.Int64 // of the last chunk's text, as the next one's will be
}

// application is how the run is seen in pg_stat_activity.
const application = "pavise rotate"

func openPostgres(ctx context.Context, dsn string) (store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, redactURL(dsn, err)
	}
	config.ConnConfig.RuntimeParams["application_name"] = application
	config.MaxConns = max(config.MaxConns, maxWorkers/4)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, redactURL(dsn, err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, redactURL(dsn, err)
	}
	return &postgres{pool: pool}, nil
}

func (p *postgres) close() error {
	p.pool.Close()
	return nil
}

func (*postgres) concurrent() bool { return true }

func (p *postgres) setup(ctx context.Context) error {
	// Two processes may come here at once, and IF NOT EXISTS does not stand
	// for that.
	return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('`+checkpoints+`'))`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS `+checkpoints+` (
			run text NOT NULL, tab text NOT NULL, n bigint NOT NULL, low text, high text, planned bigint NOT NULL,
			done boolean NOT NULL DEFAULT false, rows bigint NOT NULL DEFAULT 0, changed bigint NOT NULL DEFAULT 0,
			current bigint NOT NULL DEFAULT 0, nulls bigint NOT NULL DEFAULT 0, unreadable bigint NOT NULL DEFAULT 0,
			contended bigint NOT NULL DEFAULT 0, PRIMARY KEY (run, tab, n))`)
		return err
	})
}

func (p *postgres) describe(ctx context.Context, t *Table) error {
	rows, err := p.pool.Query(ctx, `SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`, quote(`"`, t.Name))
	if err != nil {
		return err
	}
	types := map[string]string{}
	var name, typ string
	if _, err := pgx.ForEachRow(rows, []any{&name, &typ}, func() error {
		types[name] = typ
		return nil
	}); err != nil {
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "42P01" {
			return errors.New("there is no such table; name it with its schema if it is not in the search path")
		}
		return err
	}
	var errs []error
	for _, c := range append([]string{t.Key, t.Tenant}, t.Columns...) {
		if _, ok := types[c]; !ok && c != "" {
			errs = append(errs, fmt.Errorf("there is no column %s", c))
		}
	}
	for _, c := range t.Columns {
		if typ, ok := types[c]; ok && !slices.Contains([]string{"text", "character varying", "character"}, typ) {
			errs = append(errs, fmt.Errorf("column %s is %s, and tokens are text", c, typ))
		}
	}
	p.types.Store(t.Name, types[t.Key])
	return errors.Join(errs...)
}

func (p *postgres) totals(ctx context.Context, run string, t *Table) (n tally, left int64, err error) {
	err = p.pool.QueryRow(ctx, `SELECT coalesce(sum(planned),0)::bigint, coalesce(sum(rows),0)::bigint, coalesce(sum(changed),0)::bigint, coalesce(sum(current),0)::bigint,
		coalesce(sum(nulls),0)::bigint, coalesce(sum(unreadable),0)::bigint, coalesce(sum(contended),0)::bigint, count(*) FILTER (WHERE NOT done)
		FROM `+checkpoints+` WHERE run = $1 AND tab = $2`, run, t.Name).
		Scan(&n.planned, &n.rows, &n.changed, &n.current, &n.null, &n.unreadable, &n.contended, &left)
	return n, left, err
}

func (p *postgres) plan(ctx context.Context, run string, t *Table, chunk int) (total int64, err error) {
	key := quote(`"`, t.Key)
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		// One process plans; another that comes at the same time finds it done.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext($1))`, checkpoints+run+t.Name); err != nil {
			return err
		}
		var left int64
		if err := tx.QueryRow(ctx, `SELECT count(*) FILTER (WHERE NOT done), coalesce(sum(planned),0)::bigint FROM `+checkpoints+` WHERE run = $1 AND tab = $2`, run, t.Name).Scan(&left, &total); err != nil || left > 0 {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM `+checkpoints+` WHERE run = $1 AND tab = $2`, run, t.Name); err != nil {
			return err
		}
		// The last chunk has no end: rows that are added meanwhile belong to it.
		if _, err := tx.Exec(ctx, `
			WITH keyed AS (SELECT `+key+` AS k, row_number() OVER (ORDER BY `+key+`) AS i FROM `+quote(`"`, t.Name)+`),
			ends AS (SELECT k, i / $3::bigint AS n FROM keyed WHERE i % $3::bigint = 0),
			size AS (SELECT count(*) AS rows FROM keyed),
			bounds AS (
				SELECT n - 1 AS n, lag(k) OVER (ORDER BY n) AS low, k AS high, $3::bigint AS planned FROM ends
				UNION ALL SELECT rows / $3::bigint, (SELECT k FROM ends ORDER BY n DESC LIMIT 1), NULL, rows % $3::bigint FROM size)
			INSERT INTO `+checkpoints+` (run, tab, n, low, high, planned) SELECT $1, $2, n, low::text, high::text, planned FROM bounds`,
			run, t.Name, chunk); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT coalesce(sum(planned),0)::bigint FROM `+checkpoints+` WHERE run = $1 AND tab = $2`, run, t.Name).Scan(&total)
	})
	return total, err
}

func (p *postgres) chunk(ctx context.Context, run string, t *Table, work func(tx, *string, *string) (tally, error)) (more bool, err error) {
	return p.take(ctx, run, t, nil, work)
}

// take is chunk, of the n-th chunk alone if n is given.
func (p *postgres) take(ctx context.Context, run string, t *Table, only *int64, work func(tx, *string, *string) (tally, error)) (more bool, err error) {
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		// Who waits for somebody's lock holds locks himself; better to let go
		// and come back.
		if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '5s'`); err != nil {
			return err
		}
		var n int64
		var low, high *string
		err := tx.QueryRow(ctx, `SELECT n, low, high FROM `+checkpoints+` WHERE run = $1 AND tab = $2 AND NOT done AND n = coalesce($3, n) ORDER BY n LIMIT 1 FOR UPDATE SKIP LOCKED`, run, t.Name, only).Scan(&n, &low, &high)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		more = true
		typ, _ := p.types.Load(t.Name)
		c, err := work(&postgresTx{tx: tx, typ: typ.(string), size: &p.size}, low, high)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE `+checkpoints+` SET done = true, rows = $4, changed = $5, current = $6, nulls = $7, unreadable = $8, contended = $9 WHERE run = $1 AND tab = $2 AND n = $3`,
			run, t.Name, n, c.rows, c.changed, c.current, c.null, c.unreadable, c.contended)
		return err
	})
	return more && err == nil, err
}

// passing: a deadlock, a lock that could not be had in time, a serialization
// failure.
func (*postgres) passing(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && slices.Contains([]string{"40P01", "55P03", "40001"}, pg.Code)
}

func (p *postgres) pressed(ctx context.Context, lag, transaction time.Duration) (string, error) {
	var seconds float64
	if lag > 0 {
		if err := p.pool.QueryRow(ctx, `SELECT coalesce(extract(epoch FROM max(replay_lag)), 0)::float8 FROM pg_stat_replication`).Scan(&seconds); err != nil {
			return "", err
		}
		if seconds > lag.Seconds() {
			return fmt.Sprintf("a replica is %.0f s behind", seconds), nil
		}
	}
	if transaction > 0 {
		if err := p.pool.QueryRow(ctx, `SELECT coalesce(extract(epoch FROM max(now() - xact_start)), 0)::float8 FROM pg_stat_activity
			WHERE backend_type = 'client backend' AND datname = current_database() AND application_name <> $1`, application).Scan(&seconds); err != nil {
			return "", err
		}
		if seconds > transaction.Seconds() {
			return fmt.Sprintf("somebody's transaction is %.0f s old", seconds), nil
		}
	}
	return "", nil
}

func (p *postgres) scan(ctx context.Context, t *Table, f func(*row) error) error {
	rows, err := p.pool.Query(ctx, postgresSelect(t))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := postgresRow(rows, t)
		if err != nil {
			return err
		}
		if err := f(&r); err != nil {
			return err
		}
	}
	return rows.Err()
}

type postgresTx struct {
	tx    pgx.Tx
	typ   string // of the key
	size  *atomic.Int64
	bound []string // the operators of the chunk's bounds
	ends  []any    // and their values
}

func postgresSelect(t *Table) string {
	text := func(name string) string { return quote(`"`, name) + "::text" }
	columns := []string{text(t.Key), "coalesce(" + tenantOf(t, text) + ", '')"}
	for _, c := range t.Columns {
		columns = append(columns, text(c))
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + quote(`"`, t.Name)
}

func postgresRow(rows pgx.CollectableRow, t *Table) (row, error) {
	r := row{tokens: make([]*string, len(t.Columns))}
	dst := []any{&r.key, &r.tenant}
	for i := range r.tokens {
		dst = append(dst, &r.tokens[i])
	}
	return r, rows.Scan(dst...)
}

// collect reads the rows of a postgresSelect. All their text is one string.
func (x *postgresTx) collect(ctx context.Context, t *Table, query string, args ...any) ([]row, error) {
	got, err := x.tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer got.Close()
	width := len(t.Columns)
	text := make([]byte, 0, x.size.Load())
	var ends []int // of each value, or -1 for NULL
	for got.Next() {
		for _, v := range got.RawValues() {
			if v == nil {
				ends = append(ends, -1)
				continue
			}
			text = append(text, v...)
			ends = append(ends, len(text))
		}
	}
	if err := got.Err(); err != nil {
		return nil, err
	}
	x.size.Store(min(int64(len(text)), batch))
	all, start := string(text), 0
	values, tokens := make([]string, len(ends)), make([]*string, len(ends))
	for i, end := range ends {
		if end >= 0 {
			values[i], start = all[start:end], end
			tokens[i] = &values[i]
		}
	}
	rows := make([]row, 0, len(ends)/(2+width))
	for ; len(values) > 0; values, tokens = values[2+width:], tokens[2+width:] {
		rows = append(rows, row{key: values[0], tenant: values[1], tokens: tokens[2 : 2+width]})
	}
	return rows, nil
}

func (x *postgresTx) rows(ctx context.Context, t *Table, low, high *string) ([]row, error) {
	x.bound, x.ends = nil, nil
	if low != nil {
		x.bound, x.ends = append(x.bound, " > "), append(x.ends, *low)
	}
	if high != nil {
		x.bound, x.ends = append(x.bound, " <= "), append(x.ends, *high)
	}
	return x.collect(ctx, t, postgresSelect(t)+" AS t WHERE true"+x.within(t, 1), x.ends...)
}

// within is the condition that a row is one of the chunk's, with parameters
// from the n-th.
func (x *postgresTx) within(t *Table, n int) string {
	var b strings.Builder
	for i, op := range x.bound {
		fmt.Fprintf(&b, " AND t.%s%s$%d::text::%s", quote(`"`, t.Key), op, n+i, x.typ)
	}
	return b.String()
}

func (x *postgresTx) again(ctx context.Context, t *Table, keys []string) ([]row, error) {
	return x.collect(ctx, t, postgresSelect(t)+" WHERE "+quote(`"`, t.Key)+" = ANY($1::text[]::"+x.typ+"[])", keys)
}

// batch is how many bytes of tokens one statement writes. PostgreSQL takes no
// message beyond a gigabyte.
const batch = 16 << 20

func (x *postgresTx) update(ctx context.Context, t *Table, changes []change) ([]bool, error) {
	statement := x.updateStatement(t)
	written := make([]bool, len(changes))
	for start := 0; start < len(changes); {
		end, size := start, 0
		for end < len(changes) && size < batch {
			size += changes[end].size()
			end++
		}
		if err := x.updateSome(ctx, t, statement, changes[start:end], written[start:end]); err != nil {
			return nil, err
		}
		start = end
	}
	return written, nil
}

// updateStatement writes a batch. While it waits for a row that somebody
// writes, PostgreSQL judges its condition anew by what was written. Tokens are
// compared as bytes, whatever the collation of their column calls equal.
func (x *postgresTx) updateStatement(t *Table) string {
	names, unnest := []string{"k"}, []string{"$1::text[]"}
	var set, same, stands []string
	for j, c := range t.Columns {
		names = append(names, fmt.Sprintf("o%d", j), fmt.Sprintf("n%d", j))
		unnest = append(unnest, fmt.Sprintf("$%d::text[]", 2*j+2), fmt.Sprintf("$%d::text[]", 2*j+3))
		q := quote(`"`, c)
		set = append(set, fmt.Sprintf("%s = coalesce(v.n%d, t.%s)", q, j, q))
		same = append(same, fmt.Sprintf(`t.%s::text COLLATE "C" IS NOT DISTINCT FROM v.o%d`, q, j))
		stands = append(stands, fmt.Sprintf(`coalesce(t.%s::text COLLATE "C" = v.n%d, v.n%[2]d IS NULL)`, q, j))
	}
	// The bounds change nothing but how the rows are found: without them the
	// planner reads the whole table for each chunk.
	return "UPDATE " + quote(`"`, t.Name) + " AS t SET " + strings.Join(set, ", ") +
		" FROM unnest(" + strings.Join(unnest, ", ") + ") WITH ORDINALITY AS v(" + strings.Join(names, ", ") + ", i)" +
		" WHERE t." + quote(`"`, t.Key) + " = v.k::" + x.typ + " AND " + strings.Join(same, " AND ") + x.within(t, len(unnest)+1) +
		" RETURNING v.i, " + strings.Join(stands, " AND ")
}

// updateSome goes below pgx, whose way to encode a slice of strings took as
// long as opening and sealing them.
func (x *postgresTx) updateSome(ctx context.Context, t *Table, statement string, changes []change, written []bool) error {
	width := len(t.Columns)
	params := [][]byte{textArray(changes, func(c *change) *string { return &c.row.key })}
	for j := range width {
		params = append(params,
			textArray(changes, func(c *change) *string { return c.row.tokens[j] }),
			textArray(changes, func(c *change) *string { return c.news[j] }))
	}
	formats := slices.Repeat([]int16{pgtype.BinaryFormatCode}, len(params))
	oids := slices.Repeat([]uint32{pgtype.TextArrayOID}, len(params))
	for _, end := range x.ends {
		params, formats, oids = append(params, []byte(end.(string))), append(formats, pgtype.TextFormatCode), append(oids, pgtype.TextOID)
	}
	got := x.tx.Conn().PgConn().ExecParams(ctx, statement, params, oids, formats, []int16{pgtype.BinaryFormatCode})
	var err error
	for got.NextRow() {
		v := got.Values()
		i, stood := binary.BigEndian.Uint64(v[0]), v[1][0] == 1
		if !stood {
			err = errDigest
		}
		written[i-1] = true
	}
	_, closeErr := got.Close()
	return errors.Join(closeErr, err)
}

// textArray is text[] as PostgreSQL sends and receives it: dimensions, whether
// there are NULLs, the elements' type, size and lower bound, and then each
// element behind its length.
func textArray(changes []change, of func(*change) *string) []byte {
	size := 20
	for i := range changes {
		size += 4
		if s := of(&changes[i]); s != nil {
			size += len(*s)
		}
	}
	b := make([]byte, 0, size)
	for _, head := range []uint32{1, 1, pgtype.TextOID, uint32(len(changes)), 1} {
		b = binary.BigEndian.AppendUint32(b, head)
	}
	for i := range changes {
		if s := of(&changes[i]); s != nil {
			b = binary.BigEndian.AppendUint32(b, uint32(len(*s)))
			b = append(b, *s...)
		} else {
			b = binary.BigEndian.AppendUint32(b, 1<<32-1)
		}
	}
	return b
}
