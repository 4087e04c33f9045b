package audit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/audit/advisories"
	"github.com/pavise-dev/pavise/check/audit/inventory"
)

// TestReachPython: imports are followed through what is installed, and what
// they do not lead to is still a finding.
func TestReachPython(t *testing.T) {
	site := "venv/lib/python3.11/site-packages/"
	dist := func(name, version, module, source string) map[string]string {
		info := site + name + "-" + version + ".dist-info/"
		return map[string]string{
			info + "METADATA":              "Name: " + name + "\nVersion: " + version + "\n",
			info + "RECORD":                module + "/__init__.py,sha256=x,1\n../../../bin/" + name + ",,\n",
			site + module + "/__init__.py": source,
		}
	}
	files := map[string]string{
		"app/main.py":            "def f():\n    from Middle.x import y\n",
		"tests/__pycache__/a.py": "import beta_module",
		"requirements.txt":       "alpha==1.1\n",
	}
	for _, d := range []map[string]string{
		dist("middle", "1.0", "Middle", "import alpha_module.sub"),
		dist("Alpha", "1.1", "alpha_module", ""),
		dist("beta", "1.0", "beta_module", "import alpha_module"),
	} {
		for name, text := range d {
			files[name] = text
		}
	}
	project(t, files)
	db := database(t)
	r := run(t, Options{Database: db, Reach: true, Inventory: inventory.Options{Paths: []string{"."}, Environments: []string{"venv"}}})
	if v := find(t, r, "CVE-2025-1"); v.Reach != Imported {
		t.Errorf("alpha, which middle imports: %q", v.Reach)
	}
	if v := find(t, r, "PYSEC-2025-3"); v.Reach != NotSeenImported {
		t.Errorf("beta, which nobody imports: %q", v.Reach)
	}

	// Without an environment only the project's own imports tell.
	project(t, map[string]string{"requirements.txt": "alpha==1.1\nbeta==1.0\n", "main.py": "import alpha"})
	r = run(t, Options{Database: db, Reach: true})
	if v := find(t, r, "CVE-2025-1"); v.Reach != Imported {
		t.Errorf("alpha: %q", v.Reach)
	}
	if v := find(t, r, "PYSEC-2025-3"); v.Reach != "" || !strings.Contains(strings.Join(r.Notes, ""), "--env") {
		t.Errorf("beta: %q, %q", v.Reach, r.Notes)
	}
}

// TestReachGo runs the analysis of a module that calls one vulnerable
// function, imports another package and requires a third module.
func TestReachGo(t *testing.T) {
	record := func(id, module, pkg, symbol string) string {
		return `{"schema_version":"1.3.1","id":"` + id + `","modified":"2026-02-28T00:00:00Z","summary":"s","details":"d","affected":[{"package":{"ecosystem":"Go","name":"` + module + `"},
			"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"9.9.9"}]}],
			"ecosystem_specific":{"imports":[{"path":"` + pkg + `","symbols":["` + symbol + `"]}]}}],"database_specific":{"url":"https://pkg.go.dev/vuln/` + id + `"}}`
	}
	dir := t.TempDir()
	for id, text := range map[string]string{
		"GO-2026-1": record("GO-2026-1", "golang.org/x/mod", "golang.org/x/mod/semver", "Compare"),
		"GO-2026-2": record("GO-2026-2", "golang.org/x/mod", "golang.org/x/mod/semver", "Max"),
		"GO-2026-3": record("GO-2026-3", "golang.org/x/mod", "golang.org/x/mod/zip", "Create"),
	} {
		if err := os.MkdirAll(filepath.Join(dir, "Go"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "Go", id+".json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	db := filepath.Join(t.TempDir(), "go.db")
	if _, err := advisories.Update(t.Context(), db, advisories.UpdateOptions{From: dir, Ecosystems: []string{"Go"}}); err != nil {
		t.Fatal(err)
	}
	// The module in use here is in the cache of modules, with its checksum.
	sum, err := os.ReadFile("../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	version := ""
	for line := range strings.Lines(string(sum)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "golang.org/x/mod" && !strings.HasSuffix(f[1], "/go.mod") {
			version = f[1]
		}
	}
	project(t, map[string]string{
		"go.mod":  "module example.com/app\n\ngo 1.26.8\n\nrequire golang.org/x/mod " + version + "\n",
		"go.sum":  string(sum),
		"main.go": "package main\n\nimport \"golang.org/x/mod/semver\"\n\nfunc main() { println(semver.Compare(\"v1\", \"v2\")) }\n",
	})
	r := run(t, Options{Database: db, Reach: true})
	for id, want := range map[string]Reach{"GO-2026-1": Called, "GO-2026-2": Imported, "GO-2026-3": NotImported} {
		if v := find(t, r, id); v.Reach != want {
			t.Errorf("%s: %q, want %q (%q)", id, v.Reach, want, r.Notes)
		}
	}
}
