package repository

import (
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/analysistest"
)

func TestSamples(t *testing.T) { analysistest.Run(t, Analyzer) }

// TestIgnores holds what is said of a .gitignore, whose first line cannot say
// what is wanted of it, and the lines that are added.
func TestIgnores(t *testing.T) {
	for _, c := range []struct {
		ignore, severity, problem, added string
		others                           []string
	}{
		{".env.local\n", "medium", "git would take .env, .env.production, server.pem and server.key", ".env\n.env.*\n!.env.example\n*.pem\n*.key\n", nil},
		{".env\n*.pem", "low", "git would take .env.production and server.key", "\n.env.*\n!.env.example\n*.key\n", nil},
		{".env*\n!.env\n*.pem\n*.key\n", "medium", "git would take .env", ".env\n", nil},
		{".env/\n*.key\n*.pem\n", "medium", "git would take .env and .env.production", ".env\n.env.*\n!.env.example\n!.env.sample\n", []string{"api/.env.sample"}},
		{".env\n", "low", "git would take server.pem and server.key", "*.pem\n*.key\n", []string{".env.test"}},
		{"other/.env\n/deep/**/.env\n.env.*\n*.pem\n*.key\n", "medium", "git would take .env", ".env\n", nil},
		{"*\n!*.py\n", "", "", "", nil},
		{"\n\\.env\n.env.?*\n*.pem\n*.key\n", "", "", "", nil},
	} {
		files := map[string][]byte{"main.py": []byte(app), ".gitignore": []byte(c.ignore)}
		for _, n := range c.others {
			files[n] = nil
		}
		found, _ := analysistest.Find(Analyzer, files, nil)
		if c.problem == "" {
			if len(found) > 0 {
				t.Errorf("%q: %s", c.ignore, found[0].Problem)
			}
			continue
		}
		if len(found) != 1 || found[0].Problem != c.problem || found[0].Severity.String() != c.severity || found[0].Edits[0].Text != c.added {
			t.Errorf("%q: found %v", c.ignore, found)
			continue
		}
		e := found[0].Edits[0]
		files[".gitignore"] = []byte(c.ignore[:e.From] + e.Text + c.ignore[e.To:])
		if again, _ := analysistest.Find(Analyzer, files, nil); len(again) > 0 {
			t.Errorf("%q is still said of %q", again[0].Problem, files[".gitignore"])
		}
	}
	found, _ := analysistest.Find(Analyzer, map[string][]byte{"main.py": []byte(app)}, nil)
	if len(found) != 1 || found[0].Edits[0].From != 0 || found[0].Problem[:22] != "there is no .gitignore" {
		t.Errorf("without a file: found %v", found)
	}
}

// FuzzAnalyzer holds the analyzer to never failing, to speaking of places that
// are there, and to edits of what is there.
func FuzzAnalyzer(f *testing.F) {
	names := []string{"requirements.txt", "pyproject.toml", "pip.conf", ".gitignore", "Dockerfile", "Makefile", ".github/workflows/a.yml", ".github/dependabot.yml"}
	for _, r := range Analyzer.Rules {
		f.Add([]byte(r.Bad))
		f.Add([]byte(r.Good))
	}
	f.Add([]byte("a @ git+https://@\n-e git+x://y\n--index-url\n-i=http://[::1\nb[ ==1\\\n\\"))
	f.Add([]byte("[tool.poetry.dependencies]\na = {git = 'git://'}\n[[tool.uv.index]]\nurl = 'http://'\n"))
	f.Add([]byte("!**/[\n\\\n!\n/**\n*/\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, name := range names {
			p, _ := analysis.Load(t.Context(), []analysis.Source{{Path: name, Data: data}, {Path: "main.py", Data: []byte(app)}}, []string{name, "main.py"})
			p.Deploy.Repository = true
			lines := strings.Split(string(data), "\n")
			Analyzer.Run(&analysis.Pass{Project: p, Report: func(found analysis.Finding) {
				if found.File == ".gitignore" && name != ".gitignore" {
					return
				}
				if found.File != name || found.Line < 1 || found.Line > len(lines) || found.Column < 1 || found.Column > len(lines[found.Line-1])+1 {
					t.Errorf("%s: %s is no place of %q", found.Rule.ID, found.Where(), data)
				}
				for _, e := range found.Edits {
					if e.From < 0 || e.To < e.From || e.To > len(data) {
						t.Errorf("%s edits %d to %d of %d bytes", found.Rule.ID, e.From, e.To, len(data))
					}
				}
			}})
		}
	})
}
