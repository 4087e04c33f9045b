package advisories

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/audit/inventory"
)

// excerptRecords are what is easily lost on the way into an excerpt.
var excerptRecords = map[string]string{
	// One hole in two packages, of which the excerpt is about one.
	"PyPI/T-shared": `{"id":"T-shared","affected":[{"package":{"ecosystem":"PyPI","name":"shared"},"versions":["1.0"]},{"package":{"ecosystem":"PyPI","name":"stranger"},"versions":["1.0"]}]}`,
	"PyPI/T-other":  `{"id":"T-other","modified":"2025-05-05T00:00:00Z","affected":[{"package":{"ecosystem":"PyPI","name":"stranger"},"versions":["2.0"]}]}`,
	// An alias of an alias, about another package of another ecosystem, has
	// the score and the best known name.
	"PyPI/T-unscored": `{"id":"T-unscored","aliases":["T-between"],"affected":[{"package":{"ecosystem":"PyPI","name":"unscored"},"versions":["1.0"]}]}`,
	"Go/GO-2024-7":    `{"id":"GO-2024-7","aliases":["T-between","CVE-2024-7"],"summary":"In both","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"Go","name":"example.com/stranger"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`,
	"Go/CVE-2024-7":   `{"id":"CVE-2024-7","affected":[]}`,
	"PyPI/broken":     `{"id":`,
	"PyPI/..%2Fevil":  `{"id":"../evil","affected":[{"package":{"ecosystem":"PyPI","name":"shared"},"versions":["3.0"]}]}`,
}

// excerptSource is a folder of all records.
func excerptSource(t testing.TB) string {
	t.Helper()
	dir := folder(t)
	for name, text := range excerptRecords {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)+".json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// zipped is the folder as one archive, its files in no order.
func zipped(t testing.TB, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(names)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create(filepath.Base(name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "osv.zip")
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// depends are dependencies, "PyPI name" each.
func depends(names ...string) []inventory.Dependency {
	var out []inventory.Dependency
	for _, n := range names {
		e, name, _ := strings.Cut(n, " ")
		out = append(out, inventory.Dependency{Ecosystem: inventory.Ecosystem(e), Name: name})
	}
	return out
}

var excerptProject = []string{
	"PyPI plain.NAME", "PyPI listed", "PyPI aliased", "PyPI shared", "PyPI unscored", "PyPI new_event", "PyPI Clean", "PyPI plain-name",
	"Go example.com/M", "Go example.com/clean", "npm left-pad", "PyPI ",
}

func put(name string, data []byte) error { return os.WriteFile(name, data, 0o644) }

func take(t testing.TB, from string, names ...string) *Excerpt {
	t.Helper()
	x, err := TakeExcerpt(context.Background(), ExcerptOptions{UpdateOptions: UpdateOptions{From: from}, Dependencies: depends(names...)})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// excerpt takes one and writes it into a folder.
func excerpt(t testing.TB, from string, names ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "excerpt")
	if err := take(t, from, names...).Write(dir, put); err != nil {
		t.Fatal(err)
	}
	return dir
}

// told is all that a database tells of a version, but for where it stands.
func told(t testing.TB, db *DB, ecosystem, name, version string) (out []any) {
	t.Helper()
	p, err := db.Lookup(ecosystem, name)
	if err != nil {
		t.Fatal(err)
	}
	if p == nil {
		return nil
	}
	matches := p.MatchText(version)
	if v, err := ParseVersion(ecosystem, version); err == nil {
		matches = p.Match(v)
	}
	for _, m := range matches {
		a, err := db.Advisory(m)
		if err != nil {
			t.Fatal(err)
		}
		text, err := db.Details(a)
		if err != nil {
			t.Fatal(err)
		}
		source, err := db.Source(a)
		if err != nil {
			t.Fatal(err)
		}
		a.text, a.details, a.raw = part{}, part{}, part{}
		m.at, m.length = 0, 0
		out = append(out, *a, m, text, string(source))
	}
	return out
}

func TestExcerptAnswersAsTheWhole(t *testing.T) {
	source := excerptSource(t)
	_, whole := build(t, source)
	for _, from := range []string{source, zipped(t, source)} {
		_, db := build(t, excerpt(t, from, excerptProject...))
		found := 0
		for _, d := range append(depends(excerptProject[:10]...), depends("Go stdlib", "Go toolchain")...) {
			p, err := db.Lookup(string(d.Ecosystem), d.Name)
			if err != nil || p == nil {
				t.Errorf("%s %s is not known, %v", d.Ecosystem, d.Name, err)
			}
			for _, version := range []string{"0", "1.0", "1.0+cu118", "2.0", "3.0", "2004d", "v1.1.9", "v1.2.0", "v9.0.0", "1.21.8"} {
				got, want := told(t, db, string(d.Ecosystem), d.Name, version), told(t, whole, string(d.Ecosystem), d.Name, version)
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s %s %s: got %+v, want %+v", d.Ecosystem, d.Name, version, got, want)
				}
				found += len(got)
			}
		}
		if found == 0 {
			t.Error("nothing was compared")
		}
		// The score and the name came from another package's record.
		if got := told(t, db, "PyPI", "unscored", "1.0")[0].(Advisory); got.Names[0] != "CVE-2024-7" || len(got.Severity) != 1 {
			t.Errorf("%+v", got)
		}
		// Of what it is not about it knows nothing, and not a part.
		for _, d := range depends("PyPI stranger", "PyPI evil", "Go example.com/stranger", "Go example.com/m", "npm aliased") {
			if p, err := db.Lookup(string(d.Ecosystem), d.Name); p != nil || err != nil {
				t.Errorf("%s %s is known, %v", d.Ecosystem, d.Name, err)
			}
		}
		got, want := db.Status(), whole.Status()
		if !got.Excerpt || want.Excerpt || got.Packages != 8 || got.Advisories != 13 {
			t.Errorf("status %+v", got)
		}
		for i, about := range []int{7, 4} {
			g, w := got.Sources[i], want.Sources[i]
			if g.About != about || w.About != 0 || from == source && (!g.AsOf.Equal(w.AsOf) || !g.Newest.Equal(w.Newest) || !slices.Equal(g.Unreadable, w.Unreadable)) {
				t.Errorf("source %+v of %+v", g, w)
			}
		}
	}
}

// unzip is the files of an archive, by name.
func unzip(t testing.TB, name string) map[string]string {
	t.Helper()
	z, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := map[string]string{}
	for _, f := range z.File {
		data, err := unpack(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Extra) > 0 || f.Modified.Year() > 1979 { // the format has no earlier day
			t.Errorf("%s has a date: %s", f.Name, f.Modified)
		}
		out[f.Name] = string(data)
	}
	return out
}

func TestExcerptHoldsRecordsAsTheyAre(t *testing.T) {
	dir := excerpt(t, excerptSource(t), excerptProject...)
	want := map[string]map[string]string{
		"PyPI": {
			"T-plain.json": records["T-plain"], "T-listed.json": records["T-listed"], "T-listed-build.json": records["T-listed-build"],
			"PYSEC-2024-1.json": records["PYSEC-2024-1"], "GHSA-aaaa-bbbb-cccc.json": records["GHSA-aaaa-bbbb-cccc"], "T-new-event.json": records["T-new-event"],
			"T-shared.json": excerptRecords["PyPI/T-shared"], "T-unscored.json": excerptRecords["PyPI/T-unscored"],
			"..%2Fevil.json": excerptRecords["PyPI/..%2Fevil"], "CVE-2024-7.json": excerptRecords["Go/CVE-2024-7"],
		},
		"Go": {
			"GO-2024-1.json": records["GO-2024-1"], "GO-2024-3.json": records["GO-2024-3"],
			"GO-2024-7.json": excerptRecords["Go/GO-2024-7"], "CVE-2024-7.json": excerptRecords["Go/CVE-2024-7"],
		},
	}
	for e, files := range want {
		if got := unzip(t, filepath.Join(dir, e, "all.zip")); !reflect.DeepEqual(got, files) {
			t.Errorf("%s: got %q", e, got)
		}
	}
}

func TestExcerptIsTheSameEachTime(t *testing.T) {
	source := excerptSource(t)
	first := take(t, source, excerptProject...)
	reversed := slices.Clone(excerptProject)
	slices.Reverse(reversed)
	if again := take(t, source, reversed...); !reflect.DeepEqual(first, again) {
		t.Error("the second excerpt differs")
	}
	// One of it, for less, is that of the whole.
	dir := filepath.Join(t.TempDir(), "x")
	if err := first.Write(dir, put); err != nil {
		t.Fatal(err)
	}
	if a, b := take(t, dir, "PyPI listed", "Go example.com/M"), take(t, source, "PyPI listed", "Go example.com/M"); !reflect.DeepEqual(a, b) {
		t.Errorf("%+v and %+v", a, b)
	}
	_, err := TakeExcerpt(context.Background(), ExcerptOptions{UpdateOptions: UpdateOptions{From: dir}, Dependencies: depends("PyPI listed", "PyPI a", "PyPI b", "PyPI c", "PyPI d")})
	if err == nil || !strings.Contains(err.Error(), "does not know a, b, c and 1 more") {
		t.Errorf("got %v", err)
	}
}

// TestExcerptWithoutRecords: no advisory is about anything that the project
// has, which is good news and no broken source.
func TestExcerptWithoutRecords(t *testing.T) {
	_, db := build(t, excerpt(t, excerptSource(t), "PyPI clean"))
	if p, err := db.Lookup("PyPI", "clean"); err != nil || p == nil || p.Len() != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := db.Lookup("PyPI", "plain-name"); err != nil || p != nil {
		t.Errorf("%+v, %v", p, err)
	}
	_, err := TakeExcerpt(context.Background(), ExcerptOptions{UpdateOptions: UpdateOptions{From: excerptSource(t)}, Dependencies: depends("npm left-pad")})
	if err == nil || !strings.Contains(err.Error(), "no dependency is of PyPI or Go") {
		t.Errorf("got %v", err)
	}
}

func TestExcerptReplacesOnlyExcerpts(t *testing.T) {
	x := take(t, excerptSource(t), "PyPI listed")
	dir := t.TempDir()
	if err := x.Write(dir, put); err != nil {
		t.Fatal(err)
	}
	if err := x.Write(dir, put); err != nil {
		t.Errorf("an excerpt is not replaced: %v", err)
	}
	// What a run that broke off left behind.
	if err := os.Remove(filepath.Join(dir, excerptFile)); err != nil {
		t.Fatal(err)
	}
	if err := x.Write(dir, put); err != nil {
		t.Errorf("an archive of an excerpt is not replaced: %v", err)
	}
	whole := t.TempDir()
	name := filepath.Join(whole, "PyPI", "all.zip")
	if err := errors.Join(os.Mkdir(filepath.Dir(name), 0o755), put(name, archive(t, "T-plain"))); err != nil {
		t.Fatal(err)
	}
	if err := x.Write(whole, put); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(whole, excerptFile)); err == nil {
		t.Error("a part of it was written")
	}
}

// TestDamagedExcerpts: whatever becomes of one, packages that it does not know
// are not taken for clean.
func TestDamagedExcerpts(t *testing.T) {
	source := excerptSource(t)
	edit := func(old, text string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			name := filepath.Join(dir, excerptFile)
			data, err := os.ReadFile(name)
			if err != nil || !bytes.Contains(data, []byte(old)) {
				t.Fatalf("there is no %q, %v", old, err)
			}
			if err := put(name, bytes.Replace(data, []byte(old), []byte(text), 1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	replace := func(file string, data []byte) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := put(filepath.Join(dir, file), data); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(file string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		want   string
	}{
		"cut off":              {edit("\n}\n", ""), "excerpt.json: the excerpt cannot be used: it is not JSON"},
		"empty":                {replace(excerptFile, nil), "excerpt.json: the excerpt cannot be used: it is not JSON"},
		"a conflict":           {edit("{", "<<<<<<< HEAD\n{"), "excerpt.json: the excerpt cannot be used: it is not JSON"},
		"more behind it":       {edit("\n}\n", "\n}\n{}"), "it is not JSON"},
		"a later version":      {edit(`"version": 1`, `"version": 2, "new": true`), "its version is 2, and this program reads 1"},
		"no version":           {edit(`"version": 1,`, ``), "its version is none"},
		"an unknown key":       {edit(`"version": 1,`, `"version": 1, "new": true,`), `unknown field "new"`},
		"an unknown ecosystem": {edit(`"Go": {`, `"npm": {`), `ecosystem "npm" is not one of PyPI, Go`},
		"not sorted":           {edit(`"aliased"`, `"zebra"`), "are not sorted"},
		"not normal":           {edit(`"aliased"`, `"Aliased"`), "not the name that PyPI compares"},
		"twice":                {edit(`"aliased",`, `"aliased", "aliased",`), "are not sorted"},
		"nameless":             {edit(`"aliased"`, `""`), "are not sorted"},
		"of nothing":           {replace(excerptFile, []byte(`{"version":1,"ecosystems":{"PyPI":{"packages":[],"sum":""}}}`)), "it names no package"},
		"large":                {replace(excerptFile, bytes.Repeat([]byte(" "), maxExcerpt+1)), "more than 16 MB"},
		// What the program that merges texts would make of two excerpts.
		"a name more":      {edit(`"aliased",`, `"aliased", "apart",`), "all.zip: the excerpt cannot be used: it and excerpt.json do not belong together"},
		"a newer date":     {edit(`"as_of": "2025`, `"as_of": "2026`), "do not belong together"},
		"another sum":      {edit(`"sum": "`, `"sum": "0`), "do not belong together"},
		"another archive":  {replace("PyPI/all.zip", archive(t, "T-plain")), "do not belong together"},
		"no archive":       {remove("PyPI/all.zip"), "PyPI/all.zip: the excerpt cannot be used: it is missing"},
		"no excerpt.json":  {remove(excerptFile), "all.zip: the excerpt cannot be used by itself"},
		"without the list": {edit(`"packages": [`, `"packages": [], "unreadable": [`), "do not belong together"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := excerpt(t, source, excerptProject...)
			c.damage(t, dir)
			path := filepath.Join(t.TempDir(), "a.db")
			_, err := Update(context.Background(), path, UpdateOptions{From: dir})
			if !errors.Is(err, ErrExcerpt) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("a database was made")
			}
			// It can be made anew in its place.
			if err := take(t, source, excerptProject...).Write(dir, put); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestExcerptOfOneEcosystem(t *testing.T) {
	x, err := TakeExcerpt(context.Background(), ExcerptOptions{
		UpdateOptions: UpdateOptions{From: excerptSource(t), Ecosystems: []string{"PyPI"}}, Dependencies: depends(excerptProject...),
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := x.Write(dir, put); err != nil {
		t.Fatal(err)
	}
	// Without being told which, it is the one that is there.
	_, db := build(t, dir)
	if s := db.Status(); !s.Has("PyPI") || s.Has("Go") {
		t.Errorf("%+v", s)
	}
	_, err = Update(context.Background(), filepath.Join(t.TempDir(), "a.db"), UpdateOptions{From: dir, Ecosystems: []string{"PyPI", "Go"}})
	if !errors.Is(err, ErrExcerpt) || !strings.Contains(err.Error(), "nothing of Go, only of PyPI") {
		t.Errorf("got %v", err)
	}
}

// TestExcerptIsNoMirror: served, its archives come without the list.
func TestExcerptIsNoMirror(t *testing.T) {
	s := httptest.NewServer(http.FileServer(http.Dir(excerpt(t, excerptSource(t), excerptProject...))))
	defer s.Close()
	path := filepath.Join(t.TempDir(), "a.db")
	if _, err := Update(context.Background(), path, UpdateOptions{From: s.URL}); !errors.Is(err, ErrExcerpt) {
		t.Errorf("got %v", err)
	}
}

// TestExcerptOfAMirror fetches once what Update fetched before.
func TestExcerptOfAMirror(t *testing.T) {
	m := &mirror{data: archive(t, "T-plain", "T-last"), tag: `"one"`}
	o := ExcerptOptions{UpdateOptions: serve(t, m), Database: filepath.Join(t.TempDir(), "new", "a.db"), Dependencies: depends("PyPI last")}
	for range 2 {
		x, err := TakeExcerpt(context.Background(), o)
		if err != nil || x.Records != 1 || x.Packages != 1 {
			t.Fatalf("%+v, %v", x, err)
		}
	}
	if m.codes[1] != http.StatusNotModified {
		t.Errorf("the second fetch was answered %d, want 304", m.codes[1])
	}
}

// TestExcerptsFormatIsItsOwn: who does not know of excerpts must not read one's
// database, and a header that denies it is damage.
func TestExcerptsFormatIsItsOwn(t *testing.T) {
	for from, format := range map[string]byte{folder(t): formatVersion, excerpt(t, excerptSource(t), "PyPI listed"): formatExcerpt} {
		path, _ := build(t, from)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if data[8] != format {
			t.Errorf("format %d, want %d", data[8], format)
		}
		h, err := decodeHeader(data, int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		h.excerpt = !h.excerpt
		copy(data, h.encode())
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		var corrupt *CorruptError
		if _, err := Open(path); !errors.As(err, &corrupt) {
			t.Errorf("got %v", err)
		}
	}
}

// FuzzParseExcerptIndex: what is read and written again is read as the same,
// every name in it can be looked up, and the sum is one of all that it says.
func FuzzParseExcerptIndex(f *testing.F) {
	dir := excerpt(f, excerptSource(f), excerptProject...)
	data, err := os.ReadFile(filepath.Join(dir, excerptFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"ecosystems":{"Go":{"packages":["a","b"]}}}`))
	f.Add([]byte(`{"version":1,"Ecosystems":{"PyPI":{"packages":["a"],"as_of":"9999-12-31T23:59:59.5-23:59","unreadable":["\ud800"],"sum":"x"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := parseExcerptIndex(data)
		if err != nil {
			return
		}
		text, err := x.encode()
		if err != nil {
			t.Fatal(err)
		}
		y, err := parseExcerptIndex(text)
		if err != nil {
			t.Fatalf("%s cannot be read: %v", text, err)
		}
		if again, err := y.encode(); err != nil || !bytes.Equal(text, again) {
			t.Errorf("%s became %s, %v", text, again, err)
		}
		for e, part := range x.Ecosystems {
			for _, name := range part.Packages {
				if err := x.knowsAll(e, []string{name}); err != nil || nameKey(e, name) != name {
					t.Errorf("%q: %v", name, err)
				}
			}
			sum := func(p excerptPart) string {
				s, err := p.sumOf(strings.NewReader("archive"))
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			if sum(part) != sum(y.Ecosystems[e]) {
				t.Errorf("%s: the sum has changed", e)
			}
			more := part
			more.Packages = append(slices.Clone(part.Packages), "zzz")
			if sum(more) == sum(part) {
				t.Errorf("%s: a name more has the same sum", e)
			}
		}
	})
}

// TestExcerptFailsHalfWay: archives that were replaced without the list are not
// read with the old one.
func TestExcerptFailsHalfWay(t *testing.T) {
	source := excerptSource(t)
	dir := excerpt(t, source, "PyPI listed")
	full := errors.New("the disk is full")
	err := take(t, source, "PyPI listed", "PyPI evil").Write(dir, func(name string, data []byte) error {
		if filepath.Base(name) == excerptFile {
			return full
		}
		return put(name, data)
	})
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if _, err := Update(context.Background(), filepath.Join(t.TempDir(), "a.db"), UpdateOptions{From: dir}); !errors.Is(err, ErrExcerpt) {
		t.Errorf("got %v", err)
	}
}
