package advisories

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// records are small ones of ours, each named after the trap that it is.
var records = map[string]string{
	"T-plain": `{"id":"T-plain","aliases":["CVE-2020-1"],"summary":"Plain","modified":"2024-01-02T00:00:00Z",
		"affected":[{"package":{"ecosystem":"PyPI","name":"Plain_Name"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.0"}]}]}]}`,
	"T-git-first": `{"id":"T-git-first","affected":[{"package":{"ecosystem":"PyPI","name":"git-first"},"ranges":[
		{"type":"GIT","repo":"https://example.com/r","events":[{"introduced":"0"},{"fixed":"abc"}]},
		{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.5"}]}]}]}`,
	"T-unsorted": `{"id":"T-unsorted","affected":[{"package":{"ecosystem":"PyPI","name":"unsorted"},"ranges":[{"type":"ECOSYSTEM","events":[
		{"fixed":"3.2"},{"introduced":"2.0"},{"fixed":"1.10"},{"introduced":"0"},{"introduced":"3.0"},{"fixed":"2.9"}]}]}]}`,
	"T-last":         `{"id":"T-last","affected":[{"package":{"ecosystem":"PyPI","name":"last"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1"},{"last_affected":"1.4"}]}]}]}`,
	"T-limit":        `{"id":"T-limit","affected":[{"package":{"ecosystem":"PyPI","name":"limit"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1"},{"limit":"2"}]}]}]}`,
	"T-two-keys":     `{"id":"T-two-keys","affected":[{"package":{"ecosystem":"PyPI","name":"two-keys"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1","fixed":"2"}]}]}]}`,
	"T-listed":       `{"id":"T-listed","affected":[{"package":{"ecosystem":"PyPI","name":"listed"},"versions":["1.0","2.0rc1","2004d","3.0+x1"]}]}`,
	"T-listed-build": `{"id":"T-listed-build","affected":[{"package":{"ecosystem":"PyPI","name":"listed"},"versions":["1.0+cu118"]}]}`,
	"T-fixed-build":  `{"id":"T-fixed-build","affected":[{"package":{"ecosystem":"PyPI","name":"fixed-build"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.2+patch.2"}]}]}]}`,
	"T-touching":     `{"id":"T-touching","affected":[{"package":{"ecosystem":"PyPI","name":"touching"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1.3"},{"fixed":"1.4"},{"introduced":"1.2"},{"fixed":"1.3"}]}]}]}`,
	"T-withdrawn":    `{"id":"T-withdrawn","withdrawn":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"PyPI","name":"plain-name"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`,
	"T-new-schema": `{"id":"T-new-schema","schema_version":"9.0.0","severity":[{"type":"CVSS_V9","score":"CVSS:9.0/X:Y"}],"future":{"a":[1]},"credits":7,
		"affected":[{"package":{"ecosystem":"PyPI","name":"new-schema","purl":3},"versions":["1.0"],"ranges":[{"type":"QUANTUM","events":[{"introduced":"0"}]}],"ecosystem_specific":[1]}]}`,
	"T-new-event":  `{"id":"T-new-event","affected":[{"package":{"ecosystem":"PyPI","name":"new-event"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"tunnelled":"1"}]}]}]}`,
	"T-odd-bound":  `{"id":"T-odd-bound","affected":[{"package":{"ecosystem":"PyPI","name":"odd-bound"},"versions":["1.0"],"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"next tuesday"}]}]}]}`,
	"T-nothing":    `{"id":"T-nothing","affected":[{"package":{"ecosystem":"PyPI","name":"nothing"}}]}`,
	"T-epoch":      `{"id":"T-epoch","affected":[{"package":{"ecosystem":"PyPI","name":"epoch"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1!0"},{"fixed":"1!2.0"}]}]}]}`,
	"MAL-2024-1":   `{"id":"MAL-2024-1","affected":[{"package":{"ecosystem":"PyPI","name":"evil"},"versions":["1.0"]}]}`,
	"PYSEC-2024-1": `{"id":"PYSEC-2024-1","aliases":["GHSA-aaaa-bbbb-cccc"],"details":"First sentence. Second one.\nMore.","affected":[{"package":{"ecosystem":"PyPI","name":"aliased"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2"}]}]}]}`,
	"GHSA-aaaa-bbbb-cccc": `{"id":"GHSA-aaaa-bbbb-cccc","aliases":["CVE-2024-9"],"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"database_specific":{"severity":"CRITICAL"},
		"affected":[{"package":{"ecosystem":"PyPI","name":"Aliased"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2"}]}]},{"package":{"ecosystem":"npm","name":"aliased"},"versions":["1.0"]}]}`,
	"GO-2024-1": `{"id":"GO-2024-1","aliases":["CVE-2024-10"],"affected":[{"package":{"ecosystem":"Go","name":"example.com/M"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"},{"introduced":"2.0.0-rc.1"}]}]}]}`,
	"GO-2024-2": `{"id":"GO-2024-2","affected":[{"package":{"ecosystem":"Go","name":"example.com/custom"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
		"ecosystem_specific":{"custom_ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.9.0"}]}]}}]}`,
	"GO-2024-3": `{"id":"GO-2024-3","affected":[{"package":{"ecosystem":"Go","name":"stdlib"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.21.9"},{"introduced":"1.22.0-0"},{"fixed":"1.22.2"}]}]}]}`,
}

// folder writes records as files, one folder an ecosystem.
func folder(t testing.TB, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, e := range Ecosystems() {
		if err := os.Mkdir(filepath.Join(dir, e), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if names == nil {
		for name := range records {
			names = append(names, name)
		}
	}
	for _, name := range names {
		e := "PyPI"
		if strings.HasPrefix(name, "GO-") {
			e = "Go"
		}
		if err := os.WriteFile(filepath.Join(dir, e, name+".json"), []byte(records[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func build(t testing.TB, from string, ecosystems ...string) (string, *DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "advisories.db")
	if _, err := Update(context.Background(), path, UpdateOptions{From: from, Ecosystems: ecosystems}); err != nil {
		t.Fatal(err)
	}
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return path, db
}

// ask says what the database knows of a version: "ID" for each advisory that
// concerns it, "ID?" for each that may.
func ask(t testing.TB, db *DB, ecosystem, name, version string) string {
	t.Helper()
	p, err := db.Lookup(ecosystem, name)
	if err != nil {
		t.Fatal(err)
	}
	if p == nil {
		return ""
	}
	var matches []Match
	v, err := ParseVersion(ecosystem, version)
	if err != nil {
		matches = p.MatchText(version)
	} else {
		matches = p.Match(v)
	}
	var out []string
	for _, m := range matches {
		a, err := db.Advisory(m)
		if err != nil {
			t.Fatal(err)
		}
		id := a.ID
		if m.Undecided != "" {
			id += "?"
		}
		if m.Custom {
			id += "~"
		}
		out = append(out, id)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestMatchTraps(t *testing.T) {
	_, db := build(t, folder(t))
	for _, c := range []struct{ ecosystem, name, version, want string }{
		// Names compare as PEP 503 says, on both sides.
		{"PyPI", "plain.NAME", "1.9", "T-plain"},
		{"PyPI", "plain--name", "2.0", ""},
		{"PyPI", "plain-name", "2.0rc1", "T-plain"},
		{"PyPI", "plain-name", "1.9+local.1", "T-plain"},
		{"PyPI", "plain-name", "2.0+local.1", ""},
		{"PyPI", "plain-name", "2.0.post1", ""},
		{"PyPI", "plain-name", "0a0.dev0", "T-plain"},
		// A withdrawn record would concern every version.
		{"PyPI", "plain-name", "99", ""},
		{"PyPI", "git-first", "1.4.9", "T-git-first"},
		{"PyPI", "git-first", "1.5", ""},
		{"PyPI", "unsorted", "1.9", "T-unsorted"},
		{"PyPI", "unsorted", "1.10.0", ""},
		{"PyPI", "unsorted", "1.99", ""},
		{"PyPI", "unsorted", "2.0", "T-unsorted"},
		{"PyPI", "unsorted", "2.9", ""},
		{"PyPI", "unsorted", "3.1", "T-unsorted"},
		{"PyPI", "unsorted", "3.2", ""},
		{"PyPI", "last", "1.4", "T-last"},
		{"PyPI", "last", "1.4.0.0", "T-last"},
		{"PyPI", "last", "1.4.1", ""},
		{"PyPI", "last", "0.9", ""},
		{"PyPI", "limit", "1.5", "T-limit"},
		{"PyPI", "limit", "2", ""},
		{"PyPI", "two-keys", "1.5", "T-two-keys"},
		{"PyPI", "two-keys", "2", ""},
		{"PyPI", "listed", "1.0.0", "T-listed"},
		{"PyPI", "listed", "1", "T-listed"},
		{"PyPI", "listed", "v1.0+cu118", "T-listed T-listed-build"},
		{"PyPI", "listed", "1.0+cu121", "T-listed"},
		// What is fixed in a build is not fixed in what it is a build of.
		{"PyPI", "fixed-build", "1.2", "T-fixed-build"},
		{"PyPI", "fixed-build", "1.2+patch.1", "T-fixed-build"},
		{"PyPI", "fixed-build", "1.2+patch.2", ""},
		{"PyPI", "fixed-build", "1.2.1", ""},
		// Where one stretch ends and the next begins.
		{"PyPI", "touching", "1.3", "T-touching"},
		{"PyPI", "touching", "1.4", ""},
		{"PyPI", "listed", "2.0-RC.1", "T-listed"},
		{"PyPI", "listed", "2004D", "T-listed"},
		{"PyPI", "listed", "2004e", ""},
		{"PyPI", "listed", "3.0+x1", "T-listed"},
		{"PyPI", "listed", "3.0", ""},
		{"PyPI", "new-schema", "1.0", "T-new-schema"},
		{"PyPI", "new-event", "1.0", "T-new-event?"},
		{"PyPI", "odd-bound", "1.0", "T-odd-bound"},
		{"PyPI", "odd-bound", "1.1", "T-odd-bound?"},
		{"PyPI", "nothing", "1.0", "T-nothing?"},
		{"PyPI", "epoch", "1!1.0", "T-epoch"},
		{"PyPI", "epoch", "9999", ""},
		{"PyPI", "epoch", "1!2.0", ""},
		{"PyPI", "evil", "1.0", "MAL-2024-1"},
		{"PyPI", "aliased", "1", "GHSA-aaaa-bbbb-cccc PYSEC-2024-1"},
		{"npm", "aliased", "1.0", ""},
		{"Go", "example.com/M", "v1.1.9", "GO-2024-1"},
		{"Go", "example.com/m", "v1.1.9", ""}, // Go's paths keep their case
		{"Go", "example.com/M", "v1.2.0", ""},
		{"Go", "example.com/M", "v1.2.0-rc.1", "GO-2024-1"},
		{"Go", "example.com/M", "v1.2.0-0.20240101000000-abcdef012345", "GO-2024-1"},
		{"Go", "example.com/M", "v2.0.0+incompatible", "GO-2024-1"},
		{"Go", "example.com/custom", "v1.8.0", "GO-2024-2"},
		{"Go", "example.com/custom", "v1.9.0", "GO-2024-2~"},
		{"Go", "stdlib", "1.21.8", "GO-2024-3"},
		{"Go", "stdlib", "1.21.9", ""},
		{"Go", "stdlib", "1.22.0-rc.1", "GO-2024-3"},
		{"Go", "stdlib", "1.22.2", ""},
	} {
		if got := ask(t, db, c.ecosystem, c.name, c.version); got != c.want {
			t.Errorf("%s %s %s: got %q, want %q", c.ecosystem, c.name, c.version, got, c.want)
		}
	}
}

func TestAliasesMergeTransitively(t *testing.T) {
	_, db := build(t, folder(t))
	p, err := db.Lookup("PyPI", "aliased")
	if err != nil || p == nil {
		t.Fatal(err)
	}
	v, _ := ParseVersion("PyPI", "1")
	for _, m := range p.Match(v) {
		a, err := db.Advisory(m)
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"CVE-2024-9", "GHSA-aaaa-bbbb-cccc", "PYSEC-2024-1"}; !slices.Equal(a.Names, want) {
			t.Errorf("%s: names %q, want %q", a.ID, a.Names, want)
		}
		// The score is of the alias that has one.
		if len(a.Severity) != 1 || a.Rating != "CRITICAL" {
			t.Errorf("%s: severity %v, rating %q", a.ID, a.Severity, a.Rating)
		}
		if a.ID == "PYSEC-2024-1" {
			if a.Summary != "First sentence." {
				t.Errorf("summary %q", a.Summary)
			}
			if text, err := db.Details(a); err != nil || text != "First sentence. Second one.\nMore." {
				t.Errorf("details %q, %v", text, err)
			}
		}
	}
}

func TestGoRecordsKeepTheirSource(t *testing.T) {
	_, db := build(t, folder(t))
	p, _ := db.Lookup("Go", "example.com/M")
	v, _ := ParseVersion("Go", "v1.0.0")
	a, err := db.Advisory(p.Match(v)[0])
	if err != nil {
		t.Fatal(err)
	}
	if got, err := db.Source(a); err != nil || string(got) != records["GO-2024-1"] {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestStatusTellsWhatWasLost(t *testing.T) {
	dir := folder(t)
	for name, text := range map[string]string{"broken.json": `{"id":`, "noid.json": `{"affected":[]}`, "list.json": `[]`} {
		if err := os.WriteFile(filepath.Join(dir, "PyPI", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, db := build(t, dir)
	s := db.Status().Sources[0]
	if len(s.Unreadable) != 3 || s.Withdrawn != 1 {
		t.Errorf("unreadable %q, withdrawn %d", s.Unreadable, s.Withdrawn)
	}
	if !slices.ContainsFunc(s.Partial, func(p string) bool { return strings.HasPrefix(p, "T-new-event: ") }) {
		t.Errorf("partial %q", s.Partial)
	}
	if want := time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC); !s.AsOf.Equal(want) {
		t.Errorf("as of %s, want %s: the newest record's date", s.AsOf, want)
	}
}

func TestNoDatabaseIsNotAnEmptyOne(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, ErrNone) {
		t.Errorf("got %v, want ErrNone", err)
	}
}

// TestDamageIsRefused flips each byte and cuts the file at each length. What
// is asked afterwards either fails or answers as before.
func TestDamageIsRefused(t *testing.T) {
	path, _ := build(t, folder(t, "T-plain", "T-listed", "GO-2024-1"))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	questions := [][3]string{{"PyPI", "plain-name", "1.9"}, {"PyPI", "listed", "1.0"}, {"Go", "example.com/M", "v1.0.0"}}
	answers := func(path string) (out string, err error) {
		db, err := Open(path)
		if err != nil {
			return "", err
		}
		defer db.Close()
		for _, q := range questions {
			p, err := db.Lookup(q[0], q[1])
			if err != nil {
				return "", err
			}
			if p == nil {
				out += "-"
				continue
			}
			v, _ := ParseVersion(q[0], q[2])
			for _, m := range p.Match(v) {
				a, err := db.Advisory(m)
				if err != nil {
					return "", err
				}
				text, err := db.Details(a)
				if err != nil {
					return "", err
				}
				j, _ := json.Marshal(a)
				out += string(j) + text
			}
		}
		return out, nil
	}
	want, err := answers(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(t.TempDir(), "damaged.db")
	refused := 0
	try := func(what string, data []byte) {
		if err := os.WriteFile(damaged, data, 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := answers(damaged)
		var corrupt *CorruptError
		switch {
		case err == nil && got != want:
			t.Fatalf("%s: answers %q without an error", what, got)
		case err != nil && !errors.As(err, &corrupt):
			t.Fatalf("%s: %v is no CorruptError", what, err)
		case err != nil:
			refused++
		}
	}
	for i := range whole {
		b := slices.Clone(whole)
		b[i] ^= 0x41
		try(fmt.Sprintf("byte %d", i), b)
	}
	for n := range whole {
		try(fmt.Sprintf("cut to %d bytes", n), whole[:n])
	}
	if refused < len(whole)*3/2 {
		t.Errorf("only %d of %d damaged files were refused", refused, 2*len(whole))
	}
}

// FuzzWithin compares the matcher with OSV's algorithm in its own words, on
// events in any order.
func FuzzWithin(f *testing.F) {
	f.Add([]byte{0, 1, 1, 5, 0, 3}, byte(4))
	f.Add([]byte{2, 7, 0, 0, 1, 9, 3, 3}, byte(8))
	f.Fuzz(func(t *testing.T, data []byte, at byte) {
		var r osvRange
		r.Type = "ECOSYSTEM"
		for len(data) >= 2 && len(r.Events) < 12 {
			kind := []eventKind{introduced, fixed, lastAffected, limit}[data[0]%4]
			r.Events = append(r.Events, event{kind, fmt.Sprint(data[1] % 16)})
			data = data[2:]
		}
		bounds, ok := (&encoder{ecosystem: "PyPI"}).bounds(r)
		if !ok {
			t.Fatal("numbers are versions")
		}
		n := int(at % 16)
		v, _ := ParseVersion("PyPI", fmt.Sprint(n))
		// The slow way: of the events at or before the version, the last one
		// decides; at one version, introduced comes after fixed, and a last
		// affected version counts from the next on.
		affected, limited, below := false, false, false
		for _, e := range r.Events {
			affected = affected || e.kind == introduced && e.text == "0" // before every version
		}
		for m := 0; m <= n; m++ {
			for _, kind := range []eventKind{fixed, introduced, lastAffected} {
				for _, e := range r.Events {
					if e.kind != kind || e.text != fmt.Sprint(m) || kind == introduced && m == 0 {
						continue
					}
					switch {
					case kind == introduced:
						affected = true
					case kind == fixed, m < n:
						affected = false
					}
				}
			}
		}
		for _, e := range r.Events {
			if e.kind == limit {
				var m int
				fmt.Sscan(e.text, &m)
				limited, below = true, below || n < m
			}
		}
		if want := affected && (!limited || below); within(bounds, v) != want {
			t.Errorf("%v at %d: got %v, want %v", r.Events, n, !want, want)
		}
	})
}

// FuzzParseRecord: whatever the bytes, a record with an id is kept, and what
// is compiled of it can be read back.
func FuzzParseRecord(f *testing.F) {
	for _, r := range records {
		f.Add([]byte(r))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, _, err := parseRecord(data)
		if err != nil {
			return
		}
		for i := range rec.Affected {
			a := &rec.Affected[i]
			a.Ecosystem = "PyPI"
			e := &encoder{ecosystem: "PyPI"}
			e.list(a)
			e.begin("name", 1)
			e.affected(a, 7, 9)
			p, ok := decodePackage(string(e.w.b))
			if !ok || p.Len() != 1 {
				t.Fatalf("what was encoded of %q cannot be decoded", data)
			}
			for _, text := range a.Versions {
				v, err := ParseVersion("PyPI", text)
				if err == nil && len(p.Match(v)) != 1 {
					t.Errorf("listed version %q does not match", text)
				}
				if err != nil && len(p.MatchText(text)) != 1 {
					t.Errorf("listed text %q does not match", text)
				}
			}
		}
	})
}
