// Command bench measures the gateway side by side with its peers, on loopback
// and in one run, and the packages for application code beside those of Python:
// go run ./bench.
//
// The contestants take turns in short rounds, so that whatever else the
// machine does hits all of them alike, and medians are compared, as ratios.
// It needs nginx with headers-more and wrk (Debian packages), Python 3, and Go;
// scripts/bench installs them.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 7, "rounds that each contestant runs")
	length := flag.Duration("length", 3*time.Second, "of one round")
	out := flag.String("out", "", "file for the results in Markdown (default standard output)")
	idle := flag.Int("idle", 10000, "idle connections for the measure of memory")
	rows := flag.Int("rows", 1_000_000, "rows of the table that is rotated")
	only := flag.String("only", "", "run one part: proxies, guide, latency, memory, data, rotation, audit, leaks, lint or allocations")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *rounds, *length, *idle, *rows, *out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int, length time.Duration, idle, rows int, out, only string) error {
	dir, err := os.MkdirTemp("", "pavise-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{ctx: ctx, dir: dir, rounds: rounds, length: length, idle: idle, rows: rows}
	defer b.stop()
	if err := b.prepare(); err != nil {
		return err
	}
	var page bytes.Buffer
	b.head(&page)
	parts := []struct {
		name string
		run  func(*bytes.Buffer) error
	}{
		{"proxies", b.proxies}, {"guide", b.guide}, {"latency", b.latency}, {"memory", b.memory}, {"data", b.data}, {"rotation", b.rotation}, {"audit", b.audit}, {"leaks", b.leaks}, {"lint", b.lint}, {"allocations", b.allocations},
	}
	for _, p := range parts {
		if only != "" && only != p.name {
			continue
		}
		fmt.Fprintf(os.Stderr, "== %s\n", p.name)
		if err := p.run(&page); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
	}
	if out == "" {
		_, err = os.Stdout.Write(page.Bytes())
		return err
	}
	tmp := filepath.Join(filepath.Dir(out), "."+filepath.Base(out))
	if err := os.WriteFile(tmp, page.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, out)
}

// median of a copy of xs.
func median(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	xs = slices.Clone(xs)
	slices.Sort(xs)
	if n := len(xs); n%2 == 0 {
		return (xs[n/2-1] + xs[n/2]) / 2
	}
	return xs[len(xs)/2]
}

// spread is half the distance between the quartiles, relative to the median.
func spread(xs []float64) float64 {
	xs = slices.Clone(xs)
	slices.Sort(xs)
	if len(xs) < 4 || median(xs) == 0 {
		return 0
	}
	return (xs[len(xs)*3/4] - xs[len(xs)/4]) / 2 / median(xs)
}

func table(page *bytes.Buffer, head []string, rows [][]string) {
	fmt.Fprintf(page, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, r := range rows {
		fmt.Fprintf(page, "| %s |\n", strings.Join(r, " | "))
	}
	page.WriteString("\n")
}
