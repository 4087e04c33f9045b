package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise/fieldcrypt"
	"github.com/pavise-dev/pavise/fieldcrypt/rotate"
)

// tableSource says which columns of which tables are sealed.
type tableSource struct {
	dsn, dsnEnv string
	file        string
	table       rotate.Table
}

func (s *tableSource) dsnFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.dsn, "dsn", "", "the database, such as postgres://user@host/name, mysql://… or sqlite:///path; others on the machine can read a password in it")
	f.StringVar(&s.dsnEnv, "dsn-env", "", "environment variable with the database's DSN")
	c.MarkFlagsMutuallyExclusive("dsn", "dsn-env")
}

func (s *tableSource) flags(c *cobra.Command) {
	s.dsnFlags(c)
	f := c.Flags()
	f.StringVar(&s.table.Name, "table", "", "the table")
	f.StringVar(&s.table.Key, "pk", "id", "column of its primary key")
	f.StringArrayVar(&s.table.Columns, "column", nil, "column that holds tokens; may be given several times")
	f.StringVar(&s.table.Tenant, "tenant", "", "column of the tenant that tokens are bound to, if they are")
	f.StringVar(&s.file, "tables", "", "YAML file with a list of table, pk, columns and tenant, in place of the flags")
	c.MarkFlagsMutuallyExclusive("table", "tables")
	c.MarkFlagsMutuallyExclusive("column", "tables")
}

// given reports whether there is anything to look at.
func (s *tableSource) given() bool { return s.dsn != "" || s.dsnEnv != "" }

func (s *tableSource) tables() ([]rotate.Table, error) {
	if s.file == "" {
		if s.table.Name == "" || len(s.table.Columns) == 0 {
			return nil, &exitError{code: exitUsage, err: errors.New("which columns are sealed is not given"), hint: "--table users --pk id --column ssn, or --tables FILE for several tables"}
		}
		return []rotate.Table{s.table}, nil
	}
	data, err := os.ReadFile(s.file)
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	var list []struct {
		Table   string   `yaml:"table"`
		Key     string   `yaml:"pk"`
		Columns []string `yaml:"columns"`
		Tenant  string   `yaml:"tenant"`
	}
	if err := yaml.UnmarshalWithOptions(data, &list, yaml.Strict()); err != nil {
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("%s: %s", s.file, yaml.FormatError(err, false, true)), hint: "want a list of table, pk, columns and tenant"}
	}
	var tables []rotate.Table
	for _, t := range list {
		if t.Key == "" {
			t.Key = "id"
		}
		tables = append(tables, rotate.Table{Name: t.Table, Key: t.Key, Columns: t.Columns, Tenant: t.Tenant})
	}
	return tables, nil
}

func (s *tableSource) open(ctx context.Context) (*rotate.DB, error) {
	dsn := s.dsn
	if s.dsnEnv != "" {
		if dsn = os.Getenv(s.dsnEnv); dsn == "" {
			return nil, &exitError{code: exitUsage, err: fmt.Errorf("--dsn-env: the environment has no %s", s.dsnEnv)}
		}
	}
	if dsn == "" {
		return nil, &exitError{code: exitUsage, err: errors.New("which database is not given"), hint: "--dsn-env DATABASE_URL"}
	}
	db, err := rotate.Open(ctx, dsn)
	if err != nil {
		return nil, &exitError{code: exitUnknown, err: err, hint: "is the server running, and can this user connect?"}
	}
	return db, nil
}

func rotateCommand(t *terminal) *cobra.Command {
	var (
		ring   ringSource
		tables tableSource
		o      rotate.Options
		dry    bool
	)
	c := &cobra.Command{
		Use:   "rotate",
		Short: "Seal the columns of a database anew with the primary key",
		Long: `Seal the columns of a database anew with the ring's primary key, while the
application runs. Values that the application writes meanwhile are kept. A run that
was cut short, even killed, goes on where it was when it is called again.

Before: every service must have the ring with the new primary key. Afterwards the
former keys can be retired: pavise keys retire counts again before it does so.

--dry-run only counts the tokens by key. What is done is noted in a table of its own,
pavise_rotation.

Exit codes: 0 every token is of the primary key, 1 some are not, 2 wrong usage, 3 the
run was cut short.`,
		Example: `  pavise rotate --ring ring.json --dsn-env DATABASE_URL --table users --pk id --column ssn --column tax_id --dry-run
  pavise rotate --ring ring.json --dsn-env DATABASE_URL --tables sealed.yaml --workers 2 --rate 5000`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			r, err := ring.read()
			if err != nil {
				return err
			}
			list, err := tables.tables()
			if err != nil {
				return err
			}
			db, err := tables.open(ctx)
			if err != nil {
				return err
			}
			defer db.Close()
			if !dry {
				o.Ring, o.Tables = r, list
				o.Progress = progress(t)
				reports, err := rotate.Run(ctx, db, o)
				for _, n := range reports {
					t.rotated(n)
				}
				if err != nil {
					return &exitError{code: exitUnknown, err: err, hint: "what was done is done; run the same command again to go on"}
				}
			}
			census, err := rotate.Count(ctx, db, r, list)
			if err != nil {
				return &exitError{code: exitUnknown, err: err}
			}
			return t.census(r, census)
		},
	}
	ring.readFlags(c)
	tables.flags(c)
	f := c.Flags()
	f.BoolVar(&dry, "dry-run", false, "count the tokens by key, and change nothing")
	f.IntVar(&o.Chunk, "chunk", rotate.DefaultChunk, "rows of a transaction")
	limitFlags(c, &o)
	c.AddCommand(rotateEnqueue(t), rotateWork(t))
	return c
}

// limitFlags are those of a process that rotates.
func limitFlags(c *cobra.Command, o *rotate.Options) {
	f := c.Flags()
	f.IntVar(&o.Workers, "workers", 1, "transactions at once, on PostgreSQL")
	f.IntVar(&o.RowsPerSecond, "rate", 0, "rows a second at most; 0 is no limit")
	f.DurationVar(&o.MaxLag, "max-lag", 0, "pause while a PostgreSQL replica is behind by more; 0 never pauses")
	f.DurationVar(&o.MaxTransaction, "max-transaction", 0, "pause while somebody's PostgreSQL transaction is older; 0 never pauses")
}

func (t *terminal) rotated(n rotate.Report) {
	t.printf("%s: %d rows, %d tokens sealed anew, %d were current, %d NULL, %d unreadable\n", printable(n.Table), n.Rows, n.Changed, n.Current, n.Null, n.Unreadable)
}

// progress tells every few seconds how far the run is.
func progress(t *terminal) func(rotate.Progress) {
	const every = 5 * time.Second
	last := time.Now()
	return func(p rotate.Progress) {
		if time.Since(last) < every {
			return
		}
		last = time.Now()
		if p.Pause != "" {
			t.notef("%s: %d of %d rows; waiting, since %s", printable(p.Table), p.Rows, p.Total, p.Pause)
			return
		}
		t.notef("%s: %d of %d rows, %.0f a second, about %s left", printable(p.Table), p.Rows, p.Total, p.Rate, p.Left)
	}
}

// census prints how many tokens each key made. It is a finding if a token is
// not of the primary key.
func (t *terminal) census(r *fieldcrypt.Ring, all []rotate.Census) error {
	primary := r.Primary().ID
	states := map[string]fieldcrypt.State{}
	for _, k := range r.Keys() {
		states[k.ID] = k.State
	}
	var old, unreadable int64
	for _, c := range all {
		t.printf("%s: %d rows\n", printable(c.Table), c.Rows)
		for _, id := range slices.Sorted(maps.Keys(c.Keys)) {
			state := string(states[id])
			if state == "" {
				state = "not in the ring"
			}
			t.printf("  key %s  %d tokens  %s\n", id, c.Keys[id], state)
			if id != primary {
				old += c.Keys[id]
			}
		}
		if c.Unreadable > 0 {
			t.printf("  unreadable  %d values, the first in rows %s\n", c.Unreadable, printable(strings.Join(c.First, ", ")))
		}
		unreadable += c.Unreadable
	}
	if old+unreadable == 0 {
		return nil
	}
	err := &exitError{code: exitFindings, err: fmt.Errorf("%d tokens are not of the primary key %s, and %d values are unreadable", old, primary, unreadable)}
	if unreadable > 0 {
		err.hint = "unreadable values are of a key that the ring does not have, or were never sealed"
	}
	return err
}

func keysRetire(t *terminal) *cobra.Command {
	var (
		ring      ringSource
		tables    tableSource
		unchecked bool
	)
	c := &cobra.Command{
		Use:   "retire ID",
		Short: "Let a key open nothing any more",
		Long: `Let a key open nothing any more. The tables whose columns are sealed are counted
first, and while one token still needs the key it is not retired. --unchecked leaves
that out; what the key sealed is then lost if there still is something.`,
		Example: "  pavise keys retire 1f2e3d4c --ring ring.json --dsn-env DATABASE_URL --tables sealed.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			id := args[0]
			r, err := ring.read()
			if err != nil {
				return err
			}
			next, err := r.Retire(id)
			if err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			if !unchecked {
				if !tables.given() {
					return &exitError{code: exitUsage, err: fmt.Errorf("whether something still needs key %s is not known", id), hint: "name the database and its sealed columns, or say --unchecked"}
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
				census, err := rotate.Count(c.Context(), db, r, list)
				if err != nil {
					return &exitError{code: exitUnknown, err: err, hint: "the ring is as it was"}
				}
				for _, n := range census {
					if needs := n.Needs(id); needs > 0 {
						return &exitError{code: exitFindings, err: fmt.Errorf("%d tokens in %s still need key %s; the ring is as it was", needs, printable(n.Table), id), hint: "pavise rotate seals them anew"}
					}
				}
			}
			if err := ring.write(next); err != nil {
				return err
			}
			t.printf("key %s is retired\n", id)
			return nil
		},
	}
	ring.fileFlags(c)
	tables.flags(c)
	c.Flags().BoolVar(&unchecked, "unchecked", false, "retire it without looking at any table")
	return c
}
