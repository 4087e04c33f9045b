package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// leaks looks for secrets in the source of well-kept Python packages, beside
// gitleaks.
func (b *bench) leaks(page *bytes.Buffer) error {
	gitleaks, peers := os.Getenv("PAVISE_GITLEAKS"), os.Getenv("PAVISE_DATA_PEERS")
	if gitleaks == "" || peers == "" {
		return errors.New("PAVISE_GITLEAKS or PAVISE_DATA_PEERS is not set; scripts/bench does it")
	}
	pavise := filepath.Join(b.dir, "pavise-leaks")
	if out, err := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-o", pavise, "./cmd/pavise").CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	tree := filepath.Join(b.dir, "leaks-tree")
	bytesOf, err := copySources(peers, tree)
	if err != nil {
		return err
	}
	contestants := []struct {
		name string
		args []string
	}{
		{"pavise leaks", []string{pavise, "leaks", tree}},
		{"gitleaks", []string{gitleaks, "dir", tree, "--no-banner", "--redact", "--exit-code", "0"}},
	}
	cpu, mem := make([][]time.Duration, 2), make([][]float64, 2)
	for range min(max(b.rounds, 3), 5) {
		for i, c := range contestants {
			u, err := measure(exec.CommandContext(b.ctx, c.args[0], c.args[1:]...))
			if err != nil || u.code > 1 {
				return fmt.Errorf("%s: exit code %d, %w", c.name, u.code, err)
			}
			cpu[i], mem[i] = append(cpu[i], u.cpu), append(mem[i], u.memory)
		}
	}
	fmt.Fprintf(page, "\n## Looking for secrets\n\n%d MB of Python source of well-kept packages, on both processors; MB for each second of a processor.\n\n", bytesOf>>20)
	fmt.Fprintf(page, "|  | MB/s | memory | in gitleaks' |\n|---|---|---|---|\n")
	var rate [2]float64
	for i := range contestants {
		slices.Sort(cpu[i])
		slices.Sort(mem[i])
		rate[i] = float64(bytesOf) / 1e6 / cpu[i][len(cpu[i])/2].Seconds()
	}
	for i, c := range contestants {
		fmt.Fprintf(page, "| %s | %.1f | %.0f MB | %.1f |\n", c.name, rate[i], mem[i][len(mem[i])/2], rate[i]/rate[1])
	}
	return nil
}

// copySources copies the Python files of an environment.
func copySources(from, to string) (n int64, err error) {
	err = filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".py") {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		// Not below a folder of Python's own, which gitleaks passes over.
		_, rel, ok := strings.Cut(filepath.ToSlash(name), "/site-packages/")
		if !ok {
			return nil
		}
		file := filepath.Join(to, filepath.FromSlash(rel))
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			return err
		}
		n += int64(len(data))
		return os.WriteFile(file, data, 0o600)
	})
	return n, err
}
