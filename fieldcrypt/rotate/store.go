package rotate

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// DB is a database that can be rotated. See [Open].
type DB struct{ store store }

// Close closes the connections.
func (db *DB) Close() error { return db.store.close() }

// Open connects to a database by its URL:
//
//	postgres://user:password@host:5432/name
//	mysql://user:password@host:3306/name
//	sqlite:///path/to/file.db
//
// SQLAlchemy's forms with a driver (postgresql+asyncpg://…) are read too. No
// error shows the password.
func Open(ctx context.Context, dsn string) (*DB, error) {
	scheme, rest, ok := strings.Cut(dsn, "://")
	if !ok {
		return nil, fmt.Errorf("rotate: the DSN is no URL: want postgres://, mysql:// or sqlite://")
	}
	scheme, _, _ = strings.Cut(strings.ToLower(scheme), "+")
	var s store
	var err error
	switch scheme {
	case "postgres", "postgresql":
		s, err = openPostgres(ctx, "postgres://"+rest)
	case "mysql", "mariadb":
		s, err = openMySQL(ctx, "mysql://"+rest)
	case "sqlite", "sqlite3":
		s, err = openSQLite(ctx, rest)
	default:
		return nil, fmt.Errorf("rotate: databases of kind %q are not known: want postgres, mysql or sqlite", scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("rotate: %s: %w", scheme, err)
	}
	return &DB{s}, nil
}

// redactURL takes the password out of what a driver says about its DSN.
func redactURL(dsn string, err error) error {
	u, parseErr := url.Parse(dsn)
	if parseErr != nil {
		return fmt.Errorf("the DSN is no URL")
	}
	text := err.Error()
	if password, ok := u.User.Password(); ok && password != "" {
		text = strings.ReplaceAll(text, password, "***")
		text = strings.ReplaceAll(text, url.QueryEscape(password), "***")
		text = strings.ReplaceAll(text, url.PathEscape(password), "***")
	}
	return fmt.Errorf("%s", text)
}

// store is what a kind of database does.
type store interface {
	// setup makes the table of checkpoints if it is not there.
	setup(ctx context.Context) error
	// describe checks that the table and its columns are there, and are text.
	describe(ctx context.Context, t *Table) error
	// totals sums what the chunks of a run have noted, and how many are left.
	totals(ctx context.Context, run string, t *Table) (sum tally, left int64, err error)
	// plan notes the chunks of a table in place of those of a former run, and
	// returns how many rows there are.
	plan(ctx context.Context, run string, t *Table, chunk int) (int64, error)
	// chunk calls work with the next chunk that nobody has, in one
	// transaction together with the note of what work counted. It returns
	// false if there is none.
	chunk(ctx context.Context, run string, t *Table, work func(tx tx, low, high *string) (tally, error)) (bool, error)
	// scan calls f for each row, in any order.
	scan(ctx context.Context, t *Table, f func(*row) error) error
	// concurrent says whether several chunks can be worked on at once.
	concurrent() bool
	// passing reports whether an error of chunk may be gone the next time.
	passing(err error) bool
	// pressed returns why the run should pause now, or nothing.
	pressed(ctx context.Context, lag, transaction time.Duration) (string, error)
	close() error
}

// tx is a transaction on one chunk.
type tx interface {
	// rows returns the rows with low < key <= high; nil is no bound.
	rows(ctx context.Context, t *Table, low, high *string) ([]row, error)
	// again returns those rows that are still there.
	again(ctx context.Context, t *Table, keys []string) ([]row, error)
	// update writes each change whose row holds, in all columns, what was
	// read, and returns which those are. If something else than what was sent
	// came to stand there, the error is errDigest.
	update(ctx context.Context, t *Table, changes []change) (written []bool, err error)
}

// checkpoints is the table in which a run notes what is done. It holds no
// value and no token.
const checkpoints = "pavise_rotation"

// quote quotes a name that checkTables let pass.
func quote(mark, name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = mark + p + mark
	}
	return strings.Join(parts, ".")
}

// tenantOf is the expression of a row's tenant as text.
func tenantOf(t *Table, text func(string) string) string {
	if t.Tenant == "" {
		return "''"
	}
	return text(t.Tenant)
}
