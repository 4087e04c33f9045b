package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pavise-dev/pavise/fieldcrypt"
	"github.com/pavise-dev/pavise/fieldcrypt/rotate"
)

// rotation seals two columns of a table anew, and lets PostgreSQL write as much
// by a statement of its own, in turn.
func (b *bench) rotation(page *bytes.Buffer) error {
	dsn := os.Getenv("PAVISE_POSTGRES")
	if dsn == "" {
		return errors.New("PAVISE_POSTGRES names no server; scripts/bench starts one")
	}
	conn, err := pgx.Connect(b.ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(b.ctx))
	var rate [2][]float64
	rounds := min(b.rounds, 3)
	for round := range rounds {
		ring, err := seedRotation(b.ctx, conn, b.rows)
		if err != nil {
			return err
		}
		own := func() error {
			_, err := conn.Exec(b.ctx, `UPDATE sealed_own SET a = reverse(a), b = reverse(b)`)
			return err
		}
		ours := func() error {
			db, err := rotate.Open(b.ctx, dsn)
			if err != nil {
				return err
			}
			defer db.Close()
			reports, err := rotate.Run(b.ctx, db, rotate.Options{Ring: ring, Workers: 2, Tables: []rotate.Table{{Name: "sealed_ours", Key: "id", Columns: []string{"a", "b"}}}})
			if err == nil && reports[0].Changed != int64(2*b.rows) {
				err = fmt.Errorf("%+v", reports[0])
			}
			return err
		}
		for k := range 2 {
			i := (k + round) % 2
			start := time.Now()
			if err := []func() error{own, ours}[i](); err != nil {
				return err
			}
			rate[i] = append(rate[i], float64(b.rows)/time.Since(start).Seconds())
			fmt.Fprintf(os.Stderr, "round %d %-12s %8.0f rows/s\n", round+1, []string{"PostgreSQL", "pavise"}[i], rate[i][len(rate[i])-1])
		}
	}
	fmt.Fprintf(page, "## Rotating a table\n\n%d rows with two Fernet tokens of 100 characters each, on PostgreSQL on the same machine (fsync off),\nsealed anew by two workers in chunks of %d rows, with compare-and-swap, checkpoints and digests;\nagainst one `UPDATE` by PostgreSQL that writes as many bytes to the same columns. Medians of %d.\n\n", b.rows, rotate.DefaultChunk, rounds)
	table(page, []string{"", "rows/s", "ratio"}, [][]string{
		{"PostgreSQL's own UPDATE", fmt.Sprintf("%.0f", median(rate[0])), "1.00"},
		{"pavise rotate, 2 workers", fmt.Sprintf("%.0f", median(rate[1])), fmt.Sprintf("%.2f", median(rate[1])/median(rate[0]))},
	})
	return nil
}

// seedRotation makes two tables that are alike, and a ring with a new primary
// key.
func seedRotation(ctx context.Context, conn *pgx.Conn, rows int) (*fieldcrypt.Ring, error) {
	old, err := fieldcrypt.NewKey(fieldcrypt.Fernet, time.Now())
	if err != nil {
		return nil, err
	}
	ring, err := fieldcrypt.NewRing(old)
	if err != nil {
		return nil, err
	}
	for _, s := range []string{
		"DROP TABLE IF EXISTS sealed_ours, sealed_own, pavise_rotation",
		"CREATE UNLOGGED TABLE sealed_ours (id bigint PRIMARY KEY, a text, b text)",
	} {
		if _, err := conn.Exec(ctx, s); err != nil {
			return nil, err
		}
	}
	value := []byte("123-45-6789") // makes a token of 100 characters
	if _, err := conn.CopyFrom(ctx, pgx.Identifier{"sealed_ours"}, []string{"id", "a", "b"}, pgx.CopyFromSlice(rows, func(i int) ([]any, error) {
		a, err := ring.Encrypt(value, fieldcrypt.Context{})
		if err != nil {
			return nil, err
		}
		b, err := ring.Encrypt(value, fieldcrypt.Context{})
		return []any{i, a, b}, err
	})); err != nil {
		return nil, err
	}
	for _, s := range []string{
		"CREATE UNLOGGED TABLE sealed_own (LIKE sealed_ours INCLUDING ALL)",
		"INSERT INTO sealed_own SELECT * FROM sealed_ours",
		"ALTER TABLE sealed_ours SET LOGGED", "ALTER TABLE sealed_own SET LOGGED",
		"VACUUM ANALYZE sealed_ours", "VACUUM ANALYZE sealed_own", "CHECKPOINT",
	} {
		if _, err := conn.Exec(ctx, s); err != nil {
			return nil, err
		}
	}
	next, err := fieldcrypt.NewKey(fieldcrypt.Fernet, time.Now())
	if err != nil {
		return nil, err
	}
	return ring.Add(next)
}
