//go:build real

// Package lint holds pavise lint against a peer. scripts/test prepares it.
package lint

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pavise-dev/pavise/check/lint"
)

// samples writes the linter's samples of Python below a folder, each in a
// project of its own.
func samples(t *testing.T, to string) {
	t.Helper()
	write := func(name string, data []byte) {
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names, err := filepath.Glob("../../check/lint/*/testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range names {
		analyzer := filepath.Base(filepath.Dir(filepath.Dir(name)))
		base := filepath.Base(name)
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		switch filepath.Ext(name) {
		case ".py":
			write(filepath.Join(to, analyzer, strings.TrimSuffix(base, ".py")+".one", base), data)
			n++
		case ".txtar":
			for _, f := range txtar.Parse(data).Files {
				write(filepath.Join(to, analyzer, base, filepath.FromSlash(f.Name)), f.Data)
				n++
			}
		}
	}
	if n < 100 {
		t.Fatalf("only %d files of samples", n)
	}
}

// differs is why what bandit finds is no finding of ours.
func differs(id, line string) string {
	switch {
	case id == "B413":
		return "it takes the package that is maintained for the one that is not"
	case id == "B104" && !strings.Contains(line, "run("):
		return "an address alone listens on nothing: we tell where it is served"
	case id == "B608" && !strings.Contains(line, "execute"):
		return "a text alone asks no database: we tell where it is executed, or with what it is built"
	case id == "B103" && strings.Contains(line, "0o1777"):
		return "in a folder with the sticky bit nobody replaces what is another's"
	case id == "B108":
		return "a path below /tmp that is not opened is none"
	case id == "B324" && strings.Contains(line, "hashlib.sha1()"):
		return "what is hashed is told of where it is put in"
	case id == "B324" && strings.Contains(line, "return hashlib.md5(text.encode())"):
		return "a helper is told of where it is called with a secret"
	case id == "B317":
		return "a parser that reads nothing of strangers harms nobody: we tell where it is given a request"
	case id == "B608":
		return "the columns are a list of the source's own"
	}
	return ""
}

// TestBandit asks bandit about our samples: what it finds, medium or worse, we
// find in the same statement, or the sample says that nothing is to be found.
func TestBandit(t *testing.T) {
	peers := os.Getenv("PAVISE_LINT_PEERS")
	if peers == "" {
		t.Fatal("PAVISE_LINT_PEERS is not set: run scripts/test")
	}
	dir := t.TempDir()
	samples(t, dir)
	out, err := exec.Command(filepath.Join(peers, "bin", "bandit"), "-q", "-r", "-ll", "-f", "json", dir).Output()
	if len(out) == 0 {
		t.Fatal(err)
	}
	var theirs struct {
		Results []struct {
			File  string `json:"filename"`
			Lines []int  `json:"line_range"`
			ID    string `json:"test_id"`
			Name  string `json:"test_name"`
		} `json:"results"`
	}
	if err := json.Unmarshal(out, &theirs); err != nil {
		t.Fatal(err)
	}
	// Each sample is a project.
	projects, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, p := range projects {
		subs := []string{p}
		if filepath.Ext(p) == ".txtar" {
			if subs, err = filepath.Glob(filepath.Join(p, "*")); err != nil {
				t.Fatal(err)
			}
		}
		report, err := lint.Run(context.Background(), lint.Options{Paths: subs})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range report.Found {
			found[fmt.Sprintf("%s:%d", f.File, f.Line)] = true
		}
	}
	same, meant := 0, 0
	for _, r := range theirs.Results {
		data, err := os.ReadFile(r.File)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(data), "\n")
		ours, ok := false, false
		for _, n := range r.Lines {
			ours = ours || found[fmt.Sprintf("%s:%d", filepath.ToSlash(r.File), n)]
			ok = ok || strings.Contains(lines[n-1], `ok "lint/`)
		}
		first := lines[r.Lines[0]-1]
		switch {
		case ours:
			same++
		case ok || differs(r.ID, first) != "":
			meant++
		default:
			t.Errorf("%s:%d: bandit finds %s %s, and we do not: %s", strings.TrimPrefix(r.File, dir), r.Lines[0], r.ID, r.Name, strings.TrimSpace(first))
		}
	}
	t.Logf("of %d findings of bandit %d are ours too, and %d are none on purpose", len(theirs.Results), same, meant)
	if same < 60 {
		t.Errorf("only %d findings are the same", same)
	}
}
