package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise"
)

// snippet is a fenced block of a page.
type snippet struct {
	page string // "docs/start.md:17"
	lang string // what stands after the fence
	text string
}

func snippets(t *testing.T) []snippet {
	t.Helper()
	var all []snippet
	read := func(path string) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(data), "\n")
		for i := 0; i < len(lines); i++ {
			lang, ok := strings.CutPrefix(lines[i], "```")
			if !ok {
				continue
			}
			start := i + 1
			for i++; i < len(lines) && !strings.HasPrefix(lines[i], "```"); i++ {
			}
			name, _ := filepath.Rel("../..", path)
			all = append(all, snippet{filepath.ToSlash(name), strings.TrimSpace(lang), strings.Join(lines[start:min(i, len(lines))], "\n") + "\n"})
		}
	}
	for _, p := range []string{"README.md", "SECURITY.md", "CHANGELOG.md"} {
		read(filepath.Join("../..", p))
	}
	for _, dir := range []string{"docs", "examples"} {
		err := filepath.WalkDir(filepath.Join("../..", dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, ".md") {
				read(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d snippets", len(all))
	}
	return all
}

// TestPolicySnippets builds a guard from each piece of policy that a page
// shows.
func TestPolicySnippets(t *testing.T) {
	n := 0
	for _, s := range snippets(t) {
		if s.lang == "yaml" {
			t.Errorf("%s: mark a fence as `yaml policy` if it is a policy, so that it is tested, or as `yaml other`", s.page)
		}
		if s.lang != "yaml policy" {
			continue
		}
		n++
		p, err := pavise.Parse([]byte(s.text))
		if err == nil {
			_, err = pavise.New(p)
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", s.page, err, s.text)
		}
	}
	if n < 20 {
		t.Errorf("only %d pieces of policy", n)
	}
}

// TestCommandSnippets holds every command line in the pages to the commands
// and flags that there are.
func TestCommandSnippets(t *testing.T) {
	n := 0
	for _, s := range snippets(t) {
		if s.lang != "sh" && s.lang != "console" {
			continue
		}
		text := strings.ReplaceAll(s.text, "\\\n", " ")
		for line := range strings.SplitSeq(text, "\n") {
			line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
			line = strings.Replace(line, "go run ./cmd/pavise ", "pavise ", 1)
			line, _, _ = strings.Cut(line, " #")
			line, _, _ = strings.Cut(line, " > ")
			words := strings.Fields(line)
			if len(words) == 0 || words[0] != "pavise" {
				continue
			}
			n++
			root := command(&terminal{})
			c, args, err := root.Find(words[1:])
			if err != nil || c == root {
				t.Errorf("%s: %s: no such command", s.page, line)
				continue
			}
			c.InitDefaultHelpFlag()
			if err := c.ParseFlags(args); err != nil {
				t.Errorf("%s: %s: %v", s.page, line, err)
			} else if err := c.ValidateArgs(c.Flags().Args()); err != nil && c.Args != nil {
				t.Errorf("%s: %s: %v", s.page, line, err)
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d command lines", n)
	}
}

// TestGoSnippets builds every Go program in the pages.
func TestGoSnippets(t *testing.T) {
	dir, err := os.MkdirTemp("../..", ".snippets-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	n := 0
	for _, s := range snippets(t) {
		if s.lang != "go" {
			continue
		}
		n++
		sub := filepath.Join(dir, "s"+string(rune('a'+n)))
		if err := os.Mkdir(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		name := "main.go"
		if strings.Contains(s.text, "testing.T") {
			name = "main_test.go"
		}
		if err := os.WriteFile(filepath.Join(sub, name), []byte(s.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("go", "vet", "./"+filepath.ToSlash(sub)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", s.page, err, out)
		}
	}
	if n == 0 {
		t.Error("no Go program in any page")
	}
}

var (
	link  = regexp.MustCompile(`\]\(([^)#: ]+)(#[^)]*)?\)`)
	fence = regexp.MustCompile("(?ms)^```.*?^```") // Go's generics look like links
)

// TestLinks follows every relative link of the pages.
func TestLinks(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == ".cache" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".md") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(string(data), ""), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEveryGuardHasAGuide and every rule is in the reference, which
// TestReferenceIsFresh compares.
func TestEveryGuardHasAGuide(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range pavise.Rules() {
		name, _, _ := strings.Cut(r.ID, "/")
		if seen[name] {
			continue
		}
		seen[name] = true
		if _, err := os.Stat(filepath.Join("../../docs/guides", name+".md")); err != nil {
			t.Errorf("the guard %s has no page: %v", name, err)
		}
	}
}
