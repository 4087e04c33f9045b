package audit

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/audit/advisories"
	"github.com/pavise-dev/pavise/check/audit/inventory"
)

// excerptDatabase compiles an excerpt of the records, about the project in the
// current folder.
func excerptDatabase(t *testing.T, ecosystems ...string) string {
	t.Helper()
	inv, err := inventory.Read(t.Context(), inventory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x, err := advisories.TakeExcerpt(t.Context(), advisories.ExcerptOptions{
		UpdateOptions: advisories.UpdateOptions{From: recordsFolder(t), Ecosystems: ecosystems}, Dependencies: inv.Dependencies,
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := x.Write(dir, func(name string, data []byte) error { return os.WriteFile(name, data, 0o644) }); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "excerpt.db")
	if _, err := advisories.Update(t.Context(), path, advisories.UpdateOptions{From: dir}); err != nil {
		t.Fatal(err)
	}
	return path
}

const excerptGoMod = "module x\n\ngo 1.26.8\n\nrequire example.com/m v1.1.0\n"

func TestExcerptFindsTheSame(t *testing.T) {
	whole := database(t)
	for name, files := range map[string]map[string]string{
		"all":     {"requirements.txt": pins + "loose>=1\n", "go.mod": excerptGoMod},
		"python":  {"requirements.txt": "alpha==1.2\nlocal @ file:///src/local\nonly==1; python_version < '3'\n"},
		"go":      {"go.mod": "module x\n\ngo 1.22\n\nrequire example.com/m v1.2.0\n"},
		"nothing": {"requirements.txt": "clean==1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			project(t, files)
			// Another Python, and a Go that is named by hand, need nothing more.
			for _, in := range []inventory.Options{{}, {Python: "2.7", GoVersion: "go1.26.9"}} {
				want := run(t, Options{Database: whole, Inventory: in, MaxAge: 1e6 * time.Hour, Details: true})
				got := run(t, Options{Database: excerptDatabase(t), Inventory: in, MaxAge: 1e6 * time.Hour, Details: true})
				if !reflect.DeepEqual(got.Vulnerabilities, want.Vulnerabilities) || !reflect.DeepEqual(got.Undecided, want.Undecided) ||
					!reflect.DeepEqual(got.Inventory, want.Inventory) || !reflect.DeepEqual(got.Unknowns(), want.Unknowns()) {
					t.Errorf("got %+v, want %+v", got, want)
				}
				gotAsOf, _ := got.AsOf()
				if wantAsOf, _ := want.AsOf(); !gotAsOf.Equal(wantAsOf) {
					t.Errorf("as of %s, want %s", gotAsOf, wantAsOf)
				}
			}
		})
	}
}

// TestExcerptDoesNotKnowWhatIsNew: what the project depends on since then has
// no record in the database, and is not clean for that.
func TestExcerptDoesNotKnowWhatIsNew(t *testing.T) {
	project(t, map[string]string{"requirements.txt": "clean==1\n"})
	db := excerptDatabase(t)
	python := excerptDatabase(t, "PyPI")
	if err := os.WriteFile("requirements.txt", []byte("clean==1\nBeta==1.0\nnew===2004d\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := run(t, Options{Database: db})
	if len(r.Vulnerabilities) > 0 || r.Inventory.Count(inventory.Audited) != 1 || r.Inventory.Count(inventory.Unaudited) != 2 {
		t.Errorf("%+v", r.Inventory)
	}
	var got []string
	for _, u := range r.Unknowns() {
		if u.Always {
			t.Errorf("%+v", u)
		}
		got = append(got, u.Where+" "+u.Problem)
	}
	want := []string{
		"requirements.txt:2 Beta 1.0: the database is an excerpt that does not know Beta: make it anew with pavise db excerpt",
		"requirements.txt:3 new 2004d: the database is an excerpt that does not know new: make it anew with pavise db excerpt",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}

	// Where it knows nothing at all, there is no verdict.
	project(t, map[string]string{"go.mod": excerptGoMod})
	for _, database := range []string{db, python} {
		r := run(t, Options{Database: database})
		unknown := r.Unknowns()
		if r.Inventory.Count(inventory.Audited) != 0 || len(unknown) != 3 {
			t.Fatalf("%+v", unknown)
		}
		for _, u := range unknown {
			if !u.Always || !strings.Contains(u.Problem, "make it anew with pavise db excerpt") {
				t.Errorf("%+v", u)
			}
		}
	}
}

func TestOldExcerpt(t *testing.T) {
	project(t, map[string]string{"requirements.txt": "clean==1\n"})
	r := run(t, Options{Database: excerptDatabase(t), MaxAge: time.Hour})
	if u := r.Unknowns(); len(u) != 1 || !strings.HasSuffix(u[0].Problem, "days old: make the excerpt anew with pavise db excerpt") {
		t.Errorf("%+v", u)
	}
}
