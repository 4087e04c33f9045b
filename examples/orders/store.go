package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/pavise-dev/pavise/fieldcrypt"
)

// store is the database. Every statement has parameters; no text of a request
// is ever part of one.
type store struct {
	*sql.DB
	ring     *fieldcrypt.Ring
	postgres bool
}

var (
	errNotFound = errors.New("not found")
	errTaken    = errors.New("taken")
)

const tables = `
CREATE TABLE IF NOT EXISTS users (id BIGINT PRIMARY KEY, email VARCHAR(254) NOT NULL UNIQUE, hash VARCHAR(512) NOT NULL, name VARCHAR(100) NOT NULL, ssn VARCHAR(500), tax_id VARCHAR(500));
CREATE TABLE IF NOT EXISTS orders (id BIGINT PRIMARY KEY, owner BIGINT NOT NULL REFERENCES users, item VARCHAR(200) NOT NULL, quantity BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS comments (id BIGINT PRIMARY KEY, author BIGINT NOT NULL REFERENCES users, text VARCHAR(10000) NOT NULL)`

func openStore(ctx context.Context, url string, ring *fieldcrypt.Ring) (*store, error) {
	s := &store{ring: ring}
	var err error
	switch {
	case strings.HasPrefix(url, "sqlite:"):
		s.DB, err = sql.Open("sqlite", "file:"+strings.TrimPrefix(url, "sqlite:")+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)")
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		s.postgres = true
		s.DB, err = sql.Open("pgx", url)
	default:
		return nil, errors.New("APP_DATABASE_URL: want sqlite:FILE or postgres://…")
	}
	if err != nil {
		return nil, errors.New("APP_DATABASE_URL: the driver does not read it")
	}
	for statement := range strings.SplitSeq(tables, ";") {
		if _, err := s.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(fmt.Errorf("making the tables: %w", err), s.Close())
		}
	}
	return s, nil
}

// q writes parameters as the database has them.
func (s *store) q(statement string) string {
	if !s.postgres {
		return statement
	}
	var b strings.Builder
	n := 0
	for _, c := range statement {
		if c == '?' {
			n++
			b.WriteString("$" + strconv.Itoa(n))
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// insert adds a row whose id is the next one.
func (s *store) insert(ctx context.Context, table, columns string, args ...any) (id int64, err error) {
	marks := strings.Repeat(", ?", len(args))
	err = s.QueryRowContext(ctx, s.q("INSERT INTO "+table+" (id, "+columns+") VALUES ((SELECT coalesce(max(id), 0) + 1 FROM "+table+")"+marks+") RETURNING id"), args...).Scan(&id)
	return id, err
}

func (s *store) signUp(ctx context.Context, email, hash, name string) (int64, error) {
	id, err := s.insert(ctx, "users", "email, hash, name", email, hash, name)
	if err != nil && (strings.Contains(err.Error(), "UNIQUE") || strings.Contains(err.Error(), "unique")) {
		return 0, errTaken
	}
	return id, err
}

func (s *store) credentials(ctx context.Context, email string) (id int64, hash string, err error) {
	err = s.QueryRowContext(ctx, s.q("SELECT id, hash FROM users WHERE email = ?"), email).Scan(&id, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		err = errNotFound
	}
	return id, hash, err
}

// saveHash is passwords.Save for one user.
func (s *store) saveHash(id int64) func(context.Context, string, string) (bool, error) {
	return func(ctx context.Context, old, new string) (bool, error) {
		res, err := s.ExecContext(ctx, s.q("UPDATE users SET hash = ? WHERE id = ? AND hash = ?"), new, id, old)
		if err != nil {
			return false, err
		}
		n, err := res.RowsAffected()
		return n == 1, err
	}
}

type profile struct {
	Email string  `json:"email"`
	Name  string  `json:"name"`
	SSN   *string `json:"ssn"`
	TaxID *string `json:"tax_id"`
}

func sealedIn(column, user string) fieldcrypt.Context {
	return fieldcrypt.Context{Table: "users", Column: column, PrimaryKey: user}
}

func (s *store) profile(ctx context.Context, user string) (p profile, err error) {
	err = s.QueryRowContext(ctx, s.q("SELECT email, name, ssn, tax_id FROM users WHERE id = ?"), user).
		Scan(&p.Email, &p.Name, s.ring.Open(&p.SSN, sealedIn("ssn", user)), s.ring.Open(&p.TaxID, sealedIn("tax_id", user)))
	if errors.Is(err, sql.ErrNoRows) {
		err = errNotFound
	}
	return p, err
}

func (s *store) saveProfile(ctx context.Context, user string, ssn, taxID *string) error {
	_, err := s.ExecContext(ctx, s.q("UPDATE users SET ssn = ?, tax_id = ? WHERE id = ?"), s.ring.Seal(ssn, sealedIn("ssn", user)), s.ring.Seal(taxID, sealedIn("tax_id", user)), user)
	return err
}

type order struct {
	ID       int64  `json:"id"`
	Item     string `json:"item"`
	Quantity int64  `json:"quantity"`
}

// order returns one of the user's own. Another's is not told from one that is
// not there.
func (s *store) order(ctx context.Context, user, id string) (o order, err error) {
	err = s.QueryRowContext(ctx, s.q("SELECT id, item, quantity FROM orders WHERE id = ? AND owner = ?"), id, user).Scan(&o.ID, &o.Item, &o.Quantity)
	if errors.Is(err, sql.ErrNoRows) {
		err = errNotFound
	}
	return o, err
}

// list collects rows.
func list[T any](ctx context.Context, s *store, scan func(*sql.Rows) (T, error), statement string, args ...any) ([]T, error) {
	rows, err := s.QueryContext(ctx, s.q(statement), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func (s *store) orders(ctx context.Context, user string) ([]order, error) {
	return list(ctx, s, func(r *sql.Rows) (o order, err error) { return o, r.Scan(&o.ID, &o.Item, &o.Quantity) },
		"SELECT id, item, quantity FROM orders WHERE owner = ? ORDER BY id", user)
}

// names finds people by a part of their names, in which the wildcards of LIKE
// are characters like others.
func (s *store) names(ctx context.Context, part string) ([]string, error) {
	part = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(part)
	return list(ctx, s, func(r *sql.Rows) (name string, err error) { return name, r.Scan(&name) },
		`SELECT name FROM users WHERE name LIKE ? ESCAPE '\' ORDER BY name LIMIT 50`, "%"+part+"%")
}

func (s *store) comments(ctx context.Context) ([]string, error) {
	return list(ctx, s, func(r *sql.Rows) (text string, err error) { return text, r.Scan(&text) }, "SELECT text FROM comments ORDER BY id LIMIT 100")
}
