package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// semgrepRules are five of ours in semgrep's words: it brings none, and what
// it would fetch is not for everybody to have.
const semgrepRules = `rules:
  - {id: debug-on, languages: [python], severity: ERROR, message: m, pattern: "fastapi.FastAPI(..., debug=True, ...)"}
  - {id: tls-verify-off, languages: [python], severity: ERROR, message: m, pattern: "requests.$F(..., verify=False, ...)"}
  - {id: shell-true, languages: [python], severity: ERROR, message: m, pattern: "subprocess.$F(..., shell=True, ...)"}
  - {id: weak-hash, languages: [python], severity: ERROR, message: m, pattern: "hashlib.md5(...)"}
  - {id: sql, languages: [python], severity: ERROR, message: m, pattern: '$C.execute(f"...", ...)'}
`

// lint reads 8 MB of well-kept Python, beside bandit and semgrep.
func (b *bench) lint(page *bytes.Buffer) error {
	bandit, semgrep, peers := os.Getenv("PAVISE_LINT_PEERS"), os.Getenv("PAVISE_SEMGREP"), os.Getenv("PAVISE_DATA_PEERS")
	if bandit == "" || semgrep == "" || peers == "" {
		return errors.New("PAVISE_LINT_PEERS, PAVISE_SEMGREP or PAVISE_DATA_PEERS is not set; scripts/bench does it")
	}
	pavise := filepath.Join(b.dir, "pavise-lint")
	if out, err := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-o", pavise, "./cmd/pavise").CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(peers, "lib", "python3*", "site-packages", "sqlalchemy"))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("sqlalchemy is not in %s: %w", peers, err)
	}
	tree := filepath.Join(b.dir, "lint-tree")
	size, err := copySources(found[0], tree)
	if err != nil {
		return err
	}
	rules := filepath.Join(b.dir, "semgrep.yml")
	if err := os.WriteFile(rules, []byte(semgrepRules), 0o600); err != nil {
		return err
	}
	contestants := []struct {
		name string
		args []string
	}{
		{"pavise lint, all rules", []string{pavise, "lint", "--output", os.DevNull, tree}},
		{"bandit, all rules", []string{filepath.Join(bandit, "bin", "bandit"), "-q", "-r", "-f", "json", "-o", filepath.Join(b.dir, "bandit.json"), tree}},
		{"semgrep, five rules", []string{filepath.Join(semgrep, "bin", "semgrep"), "scan", "--metrics", "off", "--disable-version-check", "--quiet", "--jobs", "2", "--no-git-ignore", "--json", "--output", filepath.Join(b.dir, "semgrep.json"), "--config", rules, tree}},
	}
	wall, cpu, mem := make([][]time.Duration, 3), make([][]time.Duration, 3), make([][]float64, 3)
	for range min(max(b.rounds, 3), 5) {
		for i, c := range contestants {
			cmd := exec.CommandContext(b.ctx, c.args[0], c.args[1:]...)
			cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(c.args[0])+":"+os.Getenv("PATH"))
			u, err := measure(cmd)
			if err != nil || u.code > 1 {
				return fmt.Errorf("%s: exit code %d, %w", c.name, u.code, err)
			}
			wall[i], cpu[i], mem[i] = append(wall[i], u.wall), append(cpu[i], u.cpu), append(mem[i], u.memory)
		}
	}
	fmt.Fprintf(page, "\n## Reading source\n\n%.1f MB of Python source, SQLAlchemy, on both processors.\n\n", float64(size)/1e6)
	fmt.Fprintf(page, "|  | time | processor | memory | times pavise |\n|---|---|---|---|---|\n")
	for i, c := range contestants {
		for _, xs := range [][]time.Duration{wall[i], cpu[i]} {
			slices.Sort(xs)
		}
		slices.Sort(mem[i])
		middle := len(wall[i]) / 2
		fmt.Fprintf(page, "| %s | %.2f s | %.2f s | %.0f MB | %.1f |\n", c.name, wall[i][middle].Seconds(), cpu[i][middle].Seconds(), mem[i][middle], float64(wall[i][middle])/float64(wall[0][middle]))
	}
	return nil
}
