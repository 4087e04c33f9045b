package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// auditPins is how many packages are pinned, and auditRecords how many
// advisories the smaller database holds: as many as OSV had of PyPI in 2024.
const (
	auditPins    = 200
	auditRecords = 6000
)

// audit compares pins with advisories, offline, beside osv-scanner on the same
// records; and again with ten times as many of them.
func (b *bench) audit(page *bytes.Buffer) error {
	scanner := os.Getenv("PAVISE_OSV_SCANNER")
	if scanner == "" {
		return errors.New("PAVISE_OSV_SCANNER names no program; scripts/bench builds one")
	}
	pavise := filepath.Join(b.dir, "pavise-audit")
	build := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", pavise, "./cmd/pavise")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	pins := filepath.Join(b.dir, "audit", "requirements.txt")
	if err := os.MkdirAll(filepath.Dir(pins), 0o750); err != nil {
		return err
	}
	var text strings.Builder
	for i := range auditPins {
		fmt.Fprintf(&text, "package-%d==1.%d.0\n", i*7, i%20)
	}
	if err := os.WriteFile(pins, []byte(text.String()), 0o600); err != nil {
		return err
	}
	type contestant struct {
		name string
		cmd  func() *exec.Cmd
		wall []time.Duration
		mem  []float64
	}
	var all []*contestant
	for _, size := range []int{1, 10} {
		name := fmt.Sprintf("%d advisories", size*auditRecords)
		cache := filepath.Join(b.dir, fmt.Sprintf("osv-%d", size))
		if err := inventRecords(filepath.Join(cache, "osv-scalibr", "PyPI", "all.zip"), size*auditRecords); err != nil {
			return err
		}
		db := filepath.Join(b.dir, fmt.Sprintf("audit-%d.db", size))
		start := time.Now()
		if out, err := exec.CommandContext(b.ctx, pavise, "db", "update", "--quiet", "--ecosystem", "PyPI", "--from", filepath.Join(cache, "osv-scalibr"), "--db", db).CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		fmt.Fprintf(os.Stderr, "%s compiled in %v\n", name, time.Since(start))
		all = append(all,
			&contestant{name: "pavise audit, " + name, cmd: func() *exec.Cmd {
				return exec.CommandContext(b.ctx, pavise, "audit", "--quiet", "--db", db, pins)
			}},
			&contestant{name: "osv-scanner, " + name, cmd: func() *exec.Cmd {
				c := exec.CommandContext(b.ctx, scanner, "scan", "source", "--offline-vulnerabilities", "--no-resolve", "-L", "requirements.txt:"+pins)
				c.Env = append(os.Environ(), "OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY="+cache)
				return c
			}})
	}
	for range max(b.rounds, 3) {
		for _, c := range all {
			u, err := measure(c.cmd())
			if err != nil || u.code != 1 {
				return fmt.Errorf("%s: exit code %d, which says that nothing was found; %w", c.name, u.code, err)
			}
			c.wall = append(c.wall, u.wall)
			c.mem = append(c.mem, u.memory)
		}
	}
	fmt.Fprintf(page, "\n## Auditing %d pins\n\nOffline, against invented advisories of as many packages as there are records; osv-scanner reads\nits copy of the records each time, pavise looks up those that it needs in what `pavise db update` compiled.\n\n", auditPins)
	fmt.Fprintf(page, "|  | time | memory | osv-scanner's time, in ours |\n|---|---|---|---|\n")
	median := func(d []time.Duration) time.Duration { slices.Sort(d); return d[len(d)/2] }
	for i := 0; i < len(all); i += 2 {
		ours, theirs := median(all[i].wall), median(all[i+1].wall)
		for _, c := range all[i : i+2] {
			slices.Sort(c.mem)
			ratio := "1"
			if c == all[i] {
				ratio = fmt.Sprintf("%.0f", float64(theirs)/float64(ours))
			}
			fmt.Fprintf(page, "| %s | %d ms | %.0f MB | %s |\n", c.name, median(c.wall).Milliseconds(), c.mem[len(c.mem)/2], ratio)
		}
	}
	fmt.Fprintf(page, "\nWith ten times as many advisories pavise takes %.2f times as long.\n", float64(median(all[2].wall))/float64(median(all[0].wall)))
	return nil
}

// inventRecords writes records as OSV publishes them: one a package, with a
// range, listed versions and a text.
func inventRecords(file string, n int) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	z := zip.NewWriter(f)
	r := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("a request with a crafted header lets an attacker read or write files outside of the folder that the service was given and run code in its place")
	for i := range n {
		var details strings.Builder
		for range 100 {
			details.WriteString(words[r.IntN(len(words))] + " ")
		}
		var versions []string
		for v := range 20 {
			versions = append(versions, fmt.Sprintf("1.%d.0", v), fmt.Sprintf("1.%d.1", v))
		}
		record := map[string]any{
			"schema_version": "1.6.0", "id": fmt.Sprintf("PYSEC-2024-%d", i), "modified": "2026-01-01T00:00:00Z", "published": "2026-01-01T00:00:00Z",
			"aliases": []string{fmt.Sprintf("CVE-2024-%d", i)}, "summary": "Reads files outside of its folder", "details": details.String(),
			"severity": []any{map[string]string{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}},
			"affected": []any{map[string]any{
				"package":  map[string]string{"ecosystem": "PyPI", "name": fmt.Sprintf("package-%d", i)},
				"ranges":   []any{map[string]any{"type": "ECOSYSTEM", "events": []any{map[string]string{"introduced": "0"}, map[string]string{"fixed": "2.0"}}}},
				"versions": versions,
			}},
		}
		data, err := json.Marshal(record)
		if err != nil {
			return err
		}
		w, err := z.Create(fmt.Sprintf("PYSEC-2024-%d.json", i))
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return f.Close()
}
