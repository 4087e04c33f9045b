package inventory

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestRealLocks: files that the tools themselves wrote.
func TestRealLocks(t *testing.T) {
	inv, err := Read(context.Background(), Options{Paths: []string{"testdata/uv/uv.lock"}})
	if err != nil || len(inv.Problems) > 0 {
		t.Fatal(err, inv.Problems)
	}
	var ours []string
	for _, d := range inv.Dependencies {
		if d.Status == Audited {
			ours = append(ours, d.Key()+"=="+d.Version)
		}
	}
	f, err := os.Open("testdata/uv/export.expected")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var theirs []string
	for scan := bufio.NewScanner(f); scan.Scan(); {
		pin, _, _ := strings.Cut(scan.Text(), " ")
		if strings.Contains(pin, "==") {
			theirs = append(theirs, pin)
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	if len(theirs) == 0 || !slices.Equal(ours, theirs) {
		t.Errorf("uv.lock: ours %v, uv export's %v", ours, theirs)
	}
	for _, name := range []string{"testdata/pylock/pylock.toml", "testdata/pipenv/Pipfile.lock"} {
		inv, err := Read(context.Background(), Options{Paths: []string{name}})
		if err != nil || len(inv.Problems) > 0 || inv.Count(Audited) < 3 || inv.Count(Unaudited) > 0 {
			t.Errorf("%s: %v, %v", name, err, show(inv))
		}
	}
}

func TestGoBinary(t *testing.T) {
	name := filepath.Join(t.TempDir(), "orders")
	// Stamped with the commit of a clean clone, the module itself would have a version.
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", name, "github.com/pavise-dev/pavise/examples/orders").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	inv, err := Read(context.Background(), Options{Paths: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	got := show(inv)
	for _, want := range []string{"audited stdlib 1.", "audited github.com/microcosm-cc/bluemonday v1.", "excluded github.com/pavise-dev/pavise"} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
}

func TestSearch(t *testing.T) {
	dir := folder(t, map[string]string{
		"requirements.txt":                "a==1\n",
		"requirements/prod.txt":           "b==1\n",
		"svc/requirements-dev.in":         "c==1\n",
		".venv/lib/requirements.txt":      "no==1\n",
		"node_modules/x/requirements.txt": "no==1\n",
		"old/requirements.txt":            "no==1\n",
		"svc/legacy.requirements.txt":     "d==1\n",
		"notes.txt":                       "no==1\n",
		"testdata/requirements.txt":       "no==1\n",
	})
	inv, err := Read(context.Background(), Options{Paths: []string{dir}, Exclude: []string{"./old/"}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range inv.Dependencies {
		names = append(names, d.Name)
	}
	slices.Sort(names)
	if got := strings.Join(names, ""); got != "abcd" {
		t.Errorf("found %s in\n%s", got, show(inv))
	}
	if _, err := Read(context.Background(), Options{Paths: []string{dir}, Exclude: []string{"old", "["}}); err == nil || !strings.Contains(err.Error(), `exclude "[" is no pattern`) {
		t.Errorf("a pattern that is none: %v", err)
	}
	// What is named is read, wherever it is.
	inv, err = Read(context.Background(), Options{Paths: []string{filepath.Join(dir, "testdata", "requirements.txt")}})
	if err != nil || len(inv.Dependencies) != 1 {
		t.Errorf("%v, %v", inv, err)
	}
	if _, err := Read(context.Background(), Options{Paths: []string{filepath.Join(dir, "node_modules", "x", "..", "..", "nosuch")}}); err == nil {
		t.Error("a path that is not there is no error")
	}
	if _, err := Read(context.Background(), Options{Paths: []string{filepath.Join(dir, "notes.txt")}}); err == nil {
		t.Error("a file of no known format is no error")
	}
	if _, err := Read(context.Background(), Options{Paths: []string{t.TempDir()}}); !errors.Is(err, ErrNothing) {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestUnreadableFilesAreProblems: a file that cannot be read is never left
// out.
func TestUnreadableFilesAreProblems(t *testing.T) {
	dir := folder(t, map[string]string{"uv.lock": "not toml = = =", "Pipfile.lock": "[]", "poetry.lock": "", "go.mod": "\x00", "pyproject.toml": "a = [", "bom.json": "{"})
	if err := os.Mkdir(filepath.Join(dir, "pdm.lock"), 0o755); err != nil {
		t.Fatal(err)
	}
	inv, err := Read(context.Background(), Options{Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]bool{}
	for _, p := range inv.Problems {
		files[filepath.Base(p.Where.File)] = true
	}
	if len(files) != 6 {
		t.Errorf("problems: %+v", inv.Problems)
	}
}

// FuzzFormats: whatever a file holds, each dependency says what became of it,
// and reading it again gives the same.
func FuzzFormats(f *testing.F) {
	all := formats()
	for i, format := range all {
		f.Add(byte(i), []byte(format.name))
	}
	f.Add(byte(3), []byte("version = 1\n[[package]]\nname=\"a\"\nversion=\"1\"\nsource={git=\"x\"}\n"))
	f.Add(byte(4), []byte("[metadata]\nlock-version=\"2.0\"\n[[package]]\nname=\"a\"\nversion=\"1\"\nmarkers={a=\"os_name=='x'\"}"))
	f.Add(byte(6), []byte(`{"_meta":{"pipfile-spec":6},"default":{"a":{"version":"==1"}}}`))
	f.Add(byte(9), []byte("module x\ngo 1.22.1\nrequire y.z/a v1.0.0\nreplace y.z/a => ./b"))
	f.Add(byte(11), []byte(`{"bomFormat":"CycloneDX","components":[{"type":"library","name":"a","purl":"pkg:pypi/a@1"}]}`))
	f.Add(byte(12), []byte(`{"spdxVersion":"SPDX-2.3","packages":[{"name":"a"}]}`))
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		format := all[int(which)%len(all)]
		read := func() *run {
			r := &run{seen: map[string]bool{}, includedBy: map[string][]string{}, constraints: map[string][]string{}}
			s := &source{run: r, path: "/nonexistent/" + format.name, data: data}
			if err := format.read(s); err != nil {
				s.problem(0, "%w", err)
			}
			return r
		}
		r := read()
		for _, d := range r.found.Dependencies {
			if (d.Status == Audited) != (d.Reason == "") || d.Status == Audited && (d.Name == "" || d.Version == "") {
				t.Errorf("%+v", d)
			}
			if d.Where.File == "" || d.Where.Line < 0 {
				t.Errorf("%+v is nowhere", d)
			}
		}
		again := read()
		for i := range again.found.Problems {
			r.found.Problems[i].Err, again.found.Problems[i].Err = nil, nil
		}
		if !reflect.DeepEqual(r.found, again.found) {
			t.Errorf("%+v\nand then\n%+v", r.found, again.found)
		}
	})
}
