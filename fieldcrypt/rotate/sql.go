package rotate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"modernc.org/sqlite"
)

// sqlStore is a database behind database/sql, worked on by one process, one
// chunk at a time and one statement a row.
type sqlStore struct {
	db      *sql.DB
	dialect dialect
}

// dialect is where the databases differ.
type dialect struct {
	quote string
	text  func(quoted string) string // the column as text
	// same compares a column with a parameter: to the byte, and NULL with
	// NULL. MySQL's = calls "a" and "A " alike, as most of its collations do.
	same func(quoted string) string
	// columns lists a table's columns and their types.
	columns string
	isText  func(typ string) bool
	passing func(error) bool
}

func openSQLite(ctx context.Context, path string) (store, error) {
	path, query, _ := strings.Cut(path, "?")
	if path == "" || path == "/" {
		return nil, errors.New("there is no file in the DSN: want sqlite:///path/to/file.db")
	}
	// SQLAlchemy writes a relative path behind three slashes and an absolute
	// one behind four; elsewhere three stand before an absolute one.
	path = "/" + strings.TrimLeft(path, "/")
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, errors.New("the DSN's query does not parse")
	}
	values.Set("mode", "rw") // a database that is not there is not made
	values.Add("_pragma", "busy_timeout(10000)")
	values.Set("_txlock", "immediate")
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+values.Encode())
	if err == nil {
		db.SetMaxOpenConns(1)
		err = db.PingContext(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &sqlStore{db, dialect{
		quote:   `"`,
		text:    func(q string) string { return "CAST(" + q + " AS TEXT)" },
		same:    func(q string) string { return q + " IS ?" },
		columns: `SELECT name, type FROM pragma_table_info(?)`,
		isText: func(typ string) bool {
			typ = strings.ToUpper(typ)
			return typ == "" || strings.Contains(typ, "CHAR") || strings.Contains(typ, "TEXT") || strings.Contains(typ, "CLOB")
		},
		passing: func(err error) bool {
			var e *sqlite.Error
			return errors.As(err, &e) && e.Code()&0xff == 5 // SQLITE_BUSY
		},
	}}, nil
}

func openMySQL(ctx context.Context, dsn string) (store, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, errors.New("the DSN is no URL")
	}
	c := mysql.NewConfig()
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	c.Net, c.Addr = "tcp", u.Host
	if u.Port() == "" {
		c.Addr += ":3306"
	}
	if socket := u.Query().Get("unix_socket"); socket != "" {
		c.Net, c.Addr = "unix", socket
	}
	c.DBName = strings.TrimPrefix(u.Path, "/")
	if tls := u.Query().Get("tls"); tls != "" {
		c.TLSConfig = tls
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, redactURL(dsn, err)
	}
	db := sql.OpenDB(connector)
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, redactURL(dsn, err)
	}
	return &sqlStore{db, dialect{
		quote:   "`",
		text:    func(q string) string { return "CAST(" + q + " AS CHAR)" },
		same:    func(q string) string { return "CAST(" + q + " AS BINARY) <=> CAST(? AS BINARY)" },
		columns: "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = database() AND table_name = ?",
		isText: func(typ string) bool {
			return slices.Contains([]string{"char", "varchar", "text", "tinytext", "mediumtext", "longtext"}, strings.ToLower(typ))
		},
		passing: func(err error) bool {
			var e *mysql.MySQLError
			return errors.As(err, &e) && (e.Number == 1213 || e.Number == 1205) // deadlock, lock wait timeout
		},
	}}, nil
}

func (s *sqlStore) close() error              { return s.db.Close() }
func (s *sqlStore) concurrent() bool          { return false }
func (s *sqlStore) passing(err error) bool    { return s.dialect.passing(err) }
func (s *sqlStore) name(name string) string   { return quote(s.dialect.quote, name) }
func (s *sqlStore) asText(name string) string { return s.dialect.text(s.name(name)) }

func (s *sqlStore) pressed(context.Context, time.Duration, time.Duration) (string, error) {
	return "", nil // only PostgreSQL is asked
}

func (s *sqlStore) setup(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS `+checkpoints+` (
		run VARCHAR(64) NOT NULL, tab VARCHAR(128) NOT NULL, n BIGINT NOT NULL, low TEXT, high TEXT, planned BIGINT NOT NULL,
		done INT NOT NULL DEFAULT 0, row_count BIGINT NOT NULL DEFAULT 0, changed BIGINT NOT NULL DEFAULT 0,
		current BIGINT NOT NULL DEFAULT 0, nulls BIGINT NOT NULL DEFAULT 0, unreadable BIGINT NOT NULL DEFAULT 0,
		contended BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (run, tab, n))`)
	return err
}

func (s *sqlStore) describe(ctx context.Context, t *Table) error {
	rows, err := s.db.QueryContext(ctx, s.dialect.columns, t.Name)
	if err != nil {
		return err
	}
	defer rows.Close()
	types := map[string]string{}
	for rows.Next() {
		var name, typ string
		if err := rows.Scan(&name, &typ); err != nil {
			return err
		}
		types[name] = typ
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if len(types) == 0 {
		return errors.New("there is no such table")
	}
	var errs []error
	for _, c := range append([]string{t.Key, t.Tenant}, t.Columns...) {
		if _, ok := types[c]; !ok && c != "" {
			errs = append(errs, fmt.Errorf("there is no column %s", c))
		}
	}
	for _, c := range t.Columns {
		if typ, ok := types[c]; ok && !s.dialect.isText(typ) {
			errs = append(errs, fmt.Errorf("column %s is %s, and tokens are text", c, typ))
		}
	}
	return errors.Join(errs...)
}

func (s *sqlStore) totals(ctx context.Context, run string, t *Table) (n tally, left int64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT coalesce(sum(planned),0), coalesce(sum(row_count),0), coalesce(sum(changed),0), coalesce(sum(current),0),
		coalesce(sum(nulls),0), coalesce(sum(unreadable),0), coalesce(sum(contended),0), coalesce(sum(1-done),0)
		FROM `+checkpoints+` WHERE run = ? AND tab = ?`, run, t.Name).
		Scan(&n.planned, &n.rows, &n.changed, &n.current, &n.null, &n.unreadable, &n.contended, &left)
	return n, left, err
}

// transact commits what f did, or nothing of it.
func (s *sqlStore) transact(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

func (s *sqlStore) plan(ctx context.Context, run string, t *Table, chunk int) (total int64, err error) {
	key, tab := s.name(t.Key), s.name(t.Name)
	err = s.transact(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM "+tab).Scan(&total); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, "SELECT "+s.dialect.text("k")+" FROM (SELECT "+key+" AS k, row_number() OVER (ORDER BY "+key+") AS i FROM "+tab+") AS numbered WHERE i % ? = 0 ORDER BY i", chunk)
		if err != nil {
			return err
		}
		defer rows.Close()
		var ends []string
		for rows.Next() {
			var end string
			if err := rows.Scan(&end); err != nil {
				return err
			}
			ends = append(ends, end)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+checkpoints+" WHERE run = ? AND tab = ?", run, t.Name); err != nil {
			return err
		}
		var low any
		for n := range len(ends) + 1 {
			// The last chunk has no end: rows that are added meanwhile
			// belong to it.
			var high any
			planned := total - int64(chunk)*int64(len(ends))
			if n < len(ends) {
				high, planned = ends[n], int64(chunk)
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO "+checkpoints+" (run, tab, n, low, high, planned) VALUES (?, ?, ?, ?, ?, ?)", run, t.Name, n, low, high, planned); err != nil {
				return err
			}
			low = high
		}
		return nil
	})
	return total, err
}

func (s *sqlStore) chunk(ctx context.Context, run string, t *Table, work func(tx, *string, *string) (tally, error)) (more bool, err error) {
	err = s.transact(ctx, func(tx *sql.Tx) error {
		var n int64
		var low, high *string
		err := tx.QueryRowContext(ctx, "SELECT n, low, high FROM "+checkpoints+" WHERE run = ? AND tab = ? AND done = 0 ORDER BY n LIMIT 1", run, t.Name).Scan(&n, &low, &high)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		more = true
		c, err := work(&sqlTx{s, tx}, low, high)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE "+checkpoints+" SET done = 1, row_count = ?, changed = ?, current = ?, nulls = ?, unreadable = ?, contended = ? WHERE run = ? AND tab = ? AND n = ?",
			c.rows, c.changed, c.current, c.null, c.unreadable, c.contended, run, t.Name, n)
		return err
	})
	return more && err == nil, err
}

func (s *sqlStore) selecting(t *Table) string {
	columns := []string{s.asText(t.Key), "coalesce(" + tenantOf(t, s.asText) + ", '')"}
	for _, c := range t.Columns {
		columns = append(columns, s.name(c))
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + s.name(t.Name)
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func each(ctx context.Context, q querier, t *Table, f func(*row) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		r := row{tokens: make([]*string, len(t.Columns))}
		dst := []any{&r.key, &r.tenant}
		for i := range r.tokens {
			dst = append(dst, &r.tokens[i])
		}
		if err := rows.Scan(dst...); err != nil {
			return err
		}
		if err := f(&r); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s *sqlStore) scan(ctx context.Context, t *Table, f func(*row) error) error {
	return each(ctx, s.db, t, f, s.selecting(t))
}

type sqlTx struct {
	s  *sqlStore
	tx *sql.Tx
}

func (x *sqlTx) collect(ctx context.Context, t *Table, where string, args ...any) ([]row, error) {
	var rows []row
	err := each(ctx, x.tx, t, func(r *row) error {
		rows = append(rows, *r)
		return nil
	}, x.s.selecting(t)+where, args...)
	return rows, err
}

func (x *sqlTx) rows(ctx context.Context, t *Table, low, high *string) ([]row, error) {
	where, args := " WHERE 1 = 1", []any{}
	if low != nil {
		where, args = where+" AND "+x.s.name(t.Key)+" > ?", append(args, *low)
	}
	if high != nil {
		where, args = where+" AND "+x.s.name(t.Key)+" <= ?", append(args, *high)
	}
	return x.collect(ctx, t, where, args...)
}

func (x *sqlTx) again(ctx context.Context, t *Table, keys []string) ([]row, error) {
	var all []row
	for part := range slices.Chunk(keys, 500) {
		args := make([]any, len(part))
		for i, k := range part {
			args[i] = k
		}
		// FOR UPDATE would read what others committed also in MySQL's
		// snapshot; SQLite has one writer, and nothing to wait for.
		rows, err := x.collect(ctx, t, " WHERE "+x.s.name(t.Key)+" IN (?"+strings.Repeat(", ?", len(part)-1)+")"+x.s.fresh(), args...)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// fresh makes a SELECT see what others have committed since the transaction
// began.
func (s *sqlStore) fresh() string {
	if s.dialect.quote == "`" {
		return " FOR UPDATE"
	}
	return ""
}

func (x *sqlTx) update(ctx context.Context, t *Table, changes []change) ([]bool, error) {
	var set, same []string
	for _, c := range t.Columns {
		q := x.s.name(c)
		set = append(set, q+" = ?")
		same = append(same, x.s.dialect.same(q))
	}
	stmt, err := x.tx.PrepareContext(ctx, "UPDATE "+x.s.name(t.Name)+" SET "+strings.Join(set, ", ")+" WHERE "+x.s.name(t.Key)+" = ? AND "+strings.Join(same, " AND "))
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	written := make([]bool, len(changes))
	for i, c := range changes {
		args := make([]any, 0, 2*len(t.Columns)+1)
		for j, token := range c.row.tokens {
			if c.news[j] != nil {
				token = c.news[j]
			}
			args = append(args, token)
		}
		args = append(args, c.row.key)
		for _, old := range c.row.tokens {
			args = append(args, old)
		}
		res, err := stmt.ExecContext(ctx, args...)
		if err != nil {
			return nil, err
		}
		if n, err := res.RowsAffected(); err != nil {
			return nil, err
		} else {
			written[i] = n == 1
		}
	}
	return written, nil
}
