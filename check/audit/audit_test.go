package audit

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/audit/advisories"
	"github.com/pavise-dev/pavise/check/audit/inventory"
	"github.com/pavise-dev/pavise/finding"
)

// now is the day of these tests.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// records are small ones of ours.
var records = map[string]string{
	"PyPI/PYSEC-2025-1": `{"id":"PYSEC-2025-1","aliases":["CVE-2025-1"],"modified":"2026-02-28T00:00:00Z","summary":"Reads any file","details":"Long text.\n\u001b[31mred",
		"affected":[{"package":{"ecosystem":"PyPI","name":"Alpha"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.2"}]}]}]}`,
	"PyPI/GHSA-1": `{"id":"GHSA-1","aliases":["CVE-2025-1"],"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],
		"affected":[{"package":{"ecosystem":"PyPI","name":"alpha"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}]}`,
	"PyPI/CVE-2025-1": `{"id":"CVE-2025-1","severity":[{"type":"CVSS_V4","score":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}],"affected":[]}`,
	// 1.2 is fixed for the first, and affected by this one: 1.3rc1 and 1.3.1 are not.
	"PyPI/PYSEC-2025-2": `{"id":"PYSEC-2025-2","affected":[{"package":{"ecosystem":"PyPI","name":"alpha"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1.0"},{"fixed":"1.3rc1"},{"introduced":"1.3"},{"fixed":"1.3.1"}]}]}]}`,
	"PyPI/PYSEC-2025-3": `{"id":"PYSEC-2025-3","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}],"affected":[{"package":{"ecosystem":"PyPI","name":"beta"},"versions":["1.0"]}]}`,
	"PyPI/PYSEC-2025-4": `{"id":"PYSEC-2025-4","affected":[{"package":{"ecosystem":"PyPI","name":"gamma"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"someday"}]}]}]}`,
	"PyPI/MAL-2025-1":   `{"id":"MAL-2025-1","summary":"Steals <b>tokens</b>","affected":[{"package":{"ecosystem":"PyPI","name":"evil"},"versions":["6.6"]}]}`,
	"Go/GO-2025-1":      `{"id":"GO-2025-1","aliases":["CVE-2025-9"],"modified":"2022-01-01T00:00:00Z","summary":"Panics","affected":[{"package":{"ecosystem":"Go","name":"example.com/m"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]}]}`,
}

// recordsFolder writes the records into a folder.
func recordsFolder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range records {
		file := filepath.Join(dir, filepath.FromSlash(name)+".json")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// database compiles the records.
func database(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "advisories.db")
	if _, err := advisories.Update(t.Context(), path, advisories.UpdateOptions{From: recordsFolder(t)}); err != nil {
		t.Fatal(err)
	}
	return path
}

// project writes files into a folder, which becomes the current one.
func project(t testing.TB, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.(*testing.T).Chdir(dir)
}

func run(t testing.TB, o Options) *Report {
	t.Helper()
	if o.Database == "" {
		o.Database = database(t)
	}
	if o.Now == nil {
		o.Now = func() time.Time { return now }
	}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ids names what was found: "ID package version".
func ids(list []Vulnerability) []string {
	var out []string
	for i := range list {
		out = append(out, list[i].ID+" "+list[i].Package+" "+list[i].Version)
	}
	return out
}

func find(t testing.TB, r *Report, id string) *Vulnerability {
	t.Helper()
	for i := range r.Vulnerabilities {
		if r.Vulnerabilities[i].ID == id {
			return &r.Vulnerabilities[i]
		}
	}
	t.Fatalf("there is no %s in %v", id, ids(r.Vulnerabilities))
	return nil
}

const pins = "Alpha==1.1\nbeta==1.0\ngamma==1.0\nevil==6.6\nclean==1\nodd===2004d\n"

func TestRun(t *testing.T) {
	project(t, map[string]string{"requirements.txt": pins, "go.mod": "module x\n\ngo 1.26.8\n\nrequire example.com/m v1.1.0\n"})
	r := run(t, Options{})
	// The malicious one first, then by severity, with what nobody scored
	// between high and medium.
	want := []string{"MAL-2025-1 evil 6.6", "CVE-2025-1 Alpha 1.1", "PYSEC-2025-2 Alpha 1.1", "CVE-2025-9 example.com/m v1.1.0", "PYSEC-2025-3 beta 1.0"}
	if got := ids(r.Vulnerabilities); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	merged := find(t, r, "CVE-2025-1")
	if !slices.Equal(merged.Records, []string{"GHSA-1", "PYSEC-2025-1"}) || !slices.Equal(merged.Aliases, []string{"GHSA-1", "PYSEC-2025-1"}) {
		t.Errorf("aliases are merged into %+v", merged)
	}
	// The severity is that of an alias that names no package: CVSS v4 before v3.
	if merged.Severity != finding.Critical || !strings.HasPrefix(merged.Vector, "CVSS:4.0/") || merged.Score != 9.3 {
		t.Errorf("severity %s, %v, %s", merged.Severity, merged.Score, merged.Vector)
	}
	if merged.Where[0].String() != "requirements.txt:1" || merged.Summary != "Reads any file" {
		t.Errorf("%+v", merged)
	}
	// One update is enough: 1.2 is fixed for this one only, 1.3rc1 is no
	// final release.
	if !slices.Equal(merged.Fixed, []string{"1.2.0"}) || merged.Safe != "1.3.1" {
		t.Errorf("fixed %v, safe %s", merged.Fixed, merged.Safe)
	}
	if evil := find(t, r, "MAL-2025-1"); evil.Severity != finding.Critical || !evil.Malicious || evil.Safe != "" {
		t.Errorf("%+v", evil)
	}
	if low := find(t, r, "PYSEC-2025-3"); low.Severity != finding.Low || low.Safe != "" {
		t.Errorf("%+v", low)
	}
	if got := ids(r.Undecided); !slices.Equal(got, []string{"PYSEC-2025-4 gamma 1.0"}) {
		t.Errorf("undecided: %v", got)
	}
	var unknown []string
	for _, u := range r.Unknowns() {
		unknown = append(unknown, u.Where)
		if u.Always {
			t.Errorf("%+v", u)
		}
	}
	if !slices.Equal(unknown, []string{"advisory database", "requirements.txt:3", "requirements.txt:6"}) && !slices.Equal(unknown, []string{"requirements.txt:3", "requirements.txt:6", "advisory database"}) {
		t.Errorf("unknown: %v", unknown)
	}
}

// TestAgeIsOfWhatIsUsed: Go's records are old here, and a Python project does
// not care.
func TestAgeIsOfWhatIsUsed(t *testing.T) {
	db := database(t)
	project(t, map[string]string{"requirements.txt": "clean==1\n"})
	r := run(t, Options{Database: db})
	if as, ok := r.AsOf(); r.Old != 0 || !ok || as.Year() != 2026 {
		t.Errorf("old: %v, as of %v", r.Old, as)
	}
	if r := run(t, Options{Database: db, MaxAge: time.Hour}); r.Old < 24*time.Hour {
		t.Errorf("old: %v", r.Old)
	}
	project(t, map[string]string{"go.mod": "module x\n\ngo 1.26.8\n"})
	if r := run(t, Options{Database: db}); r.Old == 0 {
		t.Error("records of 2022 are not called old")
	}
	// Records that do not say when they are of may be of any time.
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "PyPI"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "PyPI", "a.json"), []byte(records["PyPI/PYSEC-2025-3"]), 0o644); err != nil {
		t.Fatal(err)
	}
	undated := filepath.Join(t.TempDir(), "a.db")
	if _, err := advisories.Update(t.Context(), undated, advisories.UpdateOptions{From: dir, Ecosystems: []string{"PyPI"}}); err != nil {
		t.Fatal(err)
	}
	project(t, map[string]string{"requirements.txt": "clean==1\n"})
	if r := run(t, Options{Database: undated}); r.Old == 0 || len(r.Unknowns()) != 1 {
		t.Errorf("records without a date are not called old: %v", r.Unknowns())
	}
}

// TestNothingAuditedIsNotClean: a file none of whose lines could be compared
// is no clean project.
func TestNothingAuditedIsNotClean(t *testing.T) {
	project(t, map[string]string{"requirements.txt": "alpha>=1\ngit+https://example.com/x\n"})
	r := run(t, Options{})
	for _, u := range r.Unknowns() {
		if !u.Always {
			t.Errorf("%+v does not count", u)
		}
	}
	if len(r.Unknowns()) != 2 {
		t.Errorf("%+v", r.Unknowns())
	}
	var b strings.Builder
	if err := r.WriteText(&b, TextOptions{}); err != nil || !strings.Contains(b.String(), "Nothing was audited.") {
		t.Errorf("%v: %s", err, b.String())
	}
}

// TestMalformedLinesAreSaidOnce, and they always count.
func TestMalformedLinesAreSaidOnce(t *testing.T) {
	project(t, map[string]string{"requirements.txt": "clean==1\n= broken\n"})
	unknown := run(t, Options{}).Unknowns()
	if len(unknown) != 1 || !unknown[0].Always || unknown[0].Where != "requirements.txt:2" {
		t.Errorf("%+v", unknown)
	}
}

func TestNoDatabase(t *testing.T) {
	project(t, map[string]string{"requirements.txt": pins})
	_, err := Run(t.Context(), Options{Database: "nosuch.db"})
	if !errors.Is(err, ErrDatabase) || !errors.Is(err, advisories.ErrNone) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile("broken.db", []byte("not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Run(t.Context(), Options{Database: "broken.db"})
	var corrupt *advisories.CorruptError
	if !errors.Is(err, ErrDatabase) || !errors.As(err, &corrupt) {
		t.Errorf("got %v", err)
	}
	if _, err := Run(t.Context(), Options{Database: database(t), Inventory: inventory.Options{Paths: []string{t.TempDir()}}}); !errors.Is(err, inventory.ErrNothing) {
		t.Errorf("got %v", err)
	}
}

// TestMissingEcosystem: a database of Python alone says nothing of Go.
func TestMissingEcosystem(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "PyPI"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "PyPI", "a.json"), []byte(records["PyPI/PYSEC-2025-3"]), 0o644); err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(t.TempDir(), "a.db")
	if _, err := advisories.Update(t.Context(), db, advisories.UpdateOptions{From: dir, Ecosystems: []string{"PyPI"}}); err != nil {
		t.Fatal(err)
	}
	project(t, map[string]string{"go.mod": "module x\n\ngo 1.26.8\n\nrequire example.com/m v1.1.0\n"})
	r := run(t, Options{Database: db})
	if n := r.Inventory.Count(inventory.Audited); n != 0 {
		t.Errorf("%d are called audited", n)
	}
	for _, u := range r.Unknowns() {
		if !strings.Contains(u.Problem, "holds no advisories of Go") {
			t.Errorf("%+v", u)
		}
	}
}

func TestFails(t *testing.T) {
	project(t, map[string]string{"requirements.txt": "beta==1.0\n"})
	low := run(t, Options{})
	project(t, map[string]string{"go.mod": "module x\n\ngo 1.26.8\n\nrequire example.com/m v1.1.0\n"})
	unscored := run(t, Options{})
	project(t, map[string]string{"requirements.txt": "clean==1\n"})
	clean := run(t, Options{})
	for _, c := range []struct {
		name      string
		r         *Report
		threshold finding.Severity
		want      bool
	}{
		{"low at any", low, finding.Info, true},
		{"low at low", low, finding.Low, true},
		{"low at high", low, finding.High, false},
		{"unscored at critical", unscored, finding.Critical, true},
		{"clean at any", clean, finding.Info, false},
	} {
		if got := c.r.Fails(c.threshold); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestIgnores(t *testing.T) {
	project(t, map[string]string{"requirements.txt": pins})
	db := database(t)
	with := func(ignores ...Ignore) *Report { return run(t, Options{Database: db, Ignores: ignores}) }
	stale := func(r *Report) string {
		var out []string
		for _, s := range r.Stale {
			out = append(out, s.ID+": "+s.Why)
		}
		return strings.Join(out, "; ")
	}
	for _, c := range []struct {
		name    string
		ignore  Ignore
		ignored bool
		stale   string
	}{
		{"by its name", Ignore{ID: "CVE-2025-1", Reason: "r"}, true, ""},
		{"by an alias, in another case", Ignore{ID: "ghsa-1", Reason: "r"}, true, ""},
		{"of the package", Ignore{ID: "CVE-2025-1", Package: "ALPHA", Reason: "r"}, true, ""},
		{"of another package", Ignore{ID: "CVE-2025-1", Package: "beta", Reason: "r"}, false, "it matches nothing that was found"},
		{"the last day", Ignore{ID: "CVE-2025-1", Reason: "r", Until: "2026-03-01"}, true, ""},
		{"the day after", Ignore{ID: "CVE-2025-1", Reason: "r", Until: "2026-02-28"}, false, "it has expired: its date, 2026-02-28, is past"},
		{"until fixed, and it is", Ignore{ID: "CVE-2025-1", Reason: "r", Until: UntilFixed}, false, "it has expired: version 1.3.1 is safe"},
		{"until fixed, and it is not", Ignore{ID: "PYSEC-2025-3", Reason: "r", Until: UntilFixed}, true, ""},
		{"of nothing", Ignore{ID: "CVE-1999-1", Reason: "r"}, false, "it matches nothing that was found"},
	} {
		r := with(c.ignore)
		if got := len(r.Ignored) == 1; got != c.ignored || !strings.HasSuffix(stale(r), c.stale) || (c.stale == "") != (len(r.Stale) == 0) {
			t.Errorf("%s: ignored %v, stale %q", c.name, got, stale(r))
		}
		if len(r.Vulnerabilities)+len(r.Ignored) != 4 {
			t.Errorf("%s: %d and %d", c.name, len(r.Vulnerabilities), len(r.Ignored))
		}
		rules := []string{}
		for _, f := range r.Findings() {
			rules = append(rules, f.Rule)
		}
		if c.stale != "" && !slices.Contains(rules, RuleIgnoreUnused) && !slices.Contains(rules, RuleIgnoreExpired) {
			t.Errorf("%s: a stale ignore is no finding: %v", c.name, rules)
		}
	}
	for _, bad := range []Ignore{{Reason: "r"}, {ID: "x"}, {ID: "x", Reason: "  "}, {ID: "x", Reason: "r", Until: "tomorrow"}} {
		if _, err := Run(t.Context(), Options{Database: db, Ignores: []Ignore{bad}}); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}

func TestUnpinned(t *testing.T) {
	project(t, map[string]string{"requirements.txt": "clean==1\nloose>=1\n"})
	r := run(t, Options{})
	f := r.Findings()
	if len(f) != 1 || f[0].Rule != RuleUnpinned || f[0].Where != "requirements.txt:2" {
		t.Errorf("%+v", f)
	}
	if !r.Fails(finding.Info) || r.Fails(finding.High) {
		t.Error("what is not pinned is a finding of low severity")
	}
}

func TestPriorities(t *testing.T) {
	project(t, map[string]string{"requirements.txt": "alpha==1.1\nbeta==1.0\n", "epss.csv": "#model_version:v2025,score_date:2026-01-01\ncve,epss,percentile\nCVE-2025-1,0.5,0.9\n",
		"kev.json": `{"vulnerabilities":[{"cveID":"CVE-2025-1"}]}`, "bad.csv": "a,b\n", "bad.json": "[]"})
	db := database(t)
	r := run(t, Options{Database: db, EPSS: "epss.csv", KEV: "kev.json"})
	if v := find(t, r, "CVE-2025-1"); v.EPSS != 0.5 || !v.KEV || r.Vulnerabilities[0].ID != "CVE-2025-1" {
		t.Errorf("%+v", v)
	}
	for _, o := range []Options{{EPSS: "bad.csv"}, {KEV: "bad.json"}, {EPSS: "nosuch"}, {KEV: "nosuch"}} {
		o.Database = db
		if _, err := Run(t.Context(), o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}
