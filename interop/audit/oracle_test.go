//go:build real

// Package audit holds pavise audit against the Python packages that do a part
// of the same. scripts/test prepares them.
package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/audit/advisories"
)

// python is a program of the pinned environment.
func python(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("PAVISE_AUDIT_PEERS")
	if dir == "" {
		t.Fatal("PAVISE_AUDIT_PEERS is not set: run scripts/test")
	}
	return filepath.Join(dir, "bin", name)
}

// oracle runs a command of oracle.py; questions that are not nil go to its
// standard input.
func oracle(t testing.TB, questions, answer any, args ...string) {
	t.Helper()
	cmd := exec.Command(python(t, "python"), append([]string{"oracle.py"}, args...)...)
	cmd.Stderr = os.Stderr
	if questions != nil {
		data, err := json.Marshal(questions)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdin = bytes.NewReader(data)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatal(err)
	}
}

// inventedRecords writes records of packages that do not exist, with ranges
// and versions as odd as those of real ones.
func inventedRecords(t testing.TB) string {
	t.Helper()
	r := rand.New(rand.NewPCG(6, 7))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	number := func() string { return fmt.Sprint(r.IntN(4)) }
	version := func() string {
		v := number()
		if r.IntN(12) == 0 {
			v = "1!" + v
		}
		for range 1 + r.IntN(3) {
			v += "." + number()
		}
		return v + pick("", "", "", "a1", "b2", "rc1", ".post1", ".dev3", "-1", "c1.dev2", ".RC2", "+local.2")
	}
	type object = map[string]any
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "PyPI"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 1500 {
		var all []object
		for range 1 + r.IntN(2) {
			a := object{"package": object{"ecosystem": pick("PyPI", "PyPI", "PyPI", "npm"), "name": pick(pick("Some_Pkg", "some.pkg", "Other", "Y__z"), fmt.Sprint("p", i/3), fmt.Sprint("P-", i), fmt.Sprint("p_", i), fmt.Sprint("p", i))}}
			ranges := []object{} // null is no list to others
			for range r.IntN(3) {
				if r.IntN(4) == 0 {
					ranges = append(ranges, object{"type": "GIT", "repo": "https://example.com/r", "events": []object{{"introduced": "0"}, {"fixed": "c0ffee"}}})
				}
				events := []object{{"introduced": pick("0", version())}}
				for range r.IntN(4) {
					events = append(events, object{pick("introduced", "fixed", "fixed", "last_affected"): version()})
				}
				if r.IntN(10) == 0 {
					events = append(events, object{"limit": version()})
				}
				r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
				ranges = append(ranges, object{"type": "ECOSYSTEM", "events": events})
			}
			versions := []string{}
			for range r.IntN(6) {
				versions = append(versions, pick(version(), version(), "not a version"))
			}
			a["ranges"], a["versions"] = ranges, versions
			all = append(all, a)
		}
		rec := object{"id": fmt.Sprintf("PYSEC-2020-%d", i), "affected": all}
		if r.IntN(20) == 0 {
			rec["withdrawn"] = "2024-01-01T00:00:00Z"
		}
		data, err := json.Marshal(rec)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "PyPI", fmt.Sprintf("%d.json", i)), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// realRecords is a folder of OSV's own records beside the repository, or "".
func realRecords() string {
	dir := filepath.Join("..", "..", "..", "shared", "advisories")
	if _, err := os.Stat(filepath.Join(dir, "PyPI")); err != nil {
		return ""
	}
	return dir
}

func compile(t testing.TB, from string) (*advisories.DB, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "advisories.db")
	if _, err := advisories.Update(t.Context(), path, advisories.UpdateOptions{From: from, Ecosystems: []string{"PyPI"}}); err != nil {
		t.Fatal(err)
	}
	db, err := advisories.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, path
}

// TestMatcherAgreesWithPackaging: for versions around everything that the
// records name, the database finds exactly the records that a slow and
// obvious matcher on top of the packaging library finds.
func TestMatcherAgreesWithPackaging(t *testing.T) {
	t.Run("invented", func(t *testing.T) { matcherAgrees(t, inventedRecords(t), 20000) })
	if dir := realRecords(); dir != "" {
		t.Run("real", func(t *testing.T) { matcherAgrees(t, dir, 30000) })
	}
}

func matcherAgrees(t *testing.T, dir string, pairs int) {
	db, _ := compile(t, dir)
	var cases [][4]json.RawMessage
	oracle(t, nil, &cases, "match", dir, fmt.Sprint(pairs))
	if len(cases) < pairs {
		t.Errorf("%d pairs, want %d", len(cases), pairs)
	}
	hits, wrong := 0, 0
	for _, c := range cases {
		var name, version string
		var sure, maybe []string
		for i, into := range []any{&name, &version, &sure, &maybe} {
			if err := json.Unmarshal(c[i], into); err != nil {
				t.Fatal(err)
			}
		}
		hits += len(sure)
		v, err := advisories.ParseVersion("PyPI", version)
		if err != nil {
			t.Errorf("%s: %v", version, err)
			continue
		}
		pkg, err := db.Lookup("PyPI", name)
		if err != nil || pkg == nil {
			t.Errorf("%s is not in the database: %v", name, err)
			continue
		}
		var found, undecided []string
		for _, m := range pkg.Match(v) {
			a, err := db.Advisory(m)
			if err != nil {
				t.Fatal(err)
			}
			if m.Undecided != "" {
				undecided = append(undecided, a.ID)
			} else {
				found = append(found, a.ID)
			}
		}
		found = sorted(found)
		undecided = slices.DeleteFunc(sorted(undecided), func(id string) bool { return slices.Contains(found, id) })
		if !slices.Equal(found, sure) || !slices.Equal(undecided, maybe) {
			if wrong++; wrong <= 20 {
				t.Errorf("%s %s: found %v (undecided %v), which the oracle does not; the oracle %v (%v)", name, version,
					without(found, sure), without(undecided, maybe), without(sure, found), without(maybe, undecided))
			}
		}
	}
	if wrong > 0 || hits == 0 {
		t.Errorf("%d of %d pairs are wrong", wrong, len(cases))
	}
	t.Logf("%d pairs, %d hits", len(cases), hits)
}

func without(ids, others []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(others, id) })
}

func sorted(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// TestPipAuditAgrees: the real pip-audit, asking a service that answers from
// the same records, finds the same in the requirements files that both read.
func TestPipAuditAgrees(t *testing.T) {
	dir := realRecords()
	if dir == "" {
		dir = inventedRecords(t)
	}
	pins := samplePins(t, dir)
	_, database := compile(t, dir)
	service := serveOSV(t, dir)
	hash := " --hash=sha256:" + strings.Repeat("a", 64)
	hashed := strings.Join(pins[:100], hash+"\n") + hash
	for name, files := range map[string]map[string]string{
		"pins":   {"requirements.txt": strings.Join(pins, "\n") + "\n"},
		"hashes": {"requirements.txt": strings.ReplaceAll(hashed, " --hash", " \\\n    --hash") + "  # via x\n"},
		// Files in files, comments, extras, spaces, an option, markers of both
		// kinds, and a byte order mark.
		"words": {
			"requirements.txt": "\ufeff--pre\n-r more/a.txt\n" + strings.Join(pins[:40], "  # why\n") + "\n",
			"more/a.txt":       strings.ReplaceAll(strings.Join(pins[40:80], " ; python_version >= '3'\n"), "==", " == ") + "\n--requirement=b.txt\n",
			"more/b.txt": strings.ReplaceAll(strings.Join(pins[80:120], "\n"), "==", "[x, y]==") + "\n" +
				strings.Join(pins[120:160], " ; sys_platform == 'win32'\n") + " ; python_version < '3'\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			var all []string
			for name, text := range files {
				file := filepath.Join(folder, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				all = append(all, file)
			}
			// Without an installation pip-audit passes over -r in silence: it is
			// given the files that ours finds by it.
			want, read := pipAudit(t, service, all...)
			file := filepath.Join(folder, "requirements.txt")
			got, audited := ours(t, database, file)
			if read != audited || read < 40 || len(want) == 0 {
				t.Errorf("pip-audit read %d requirements, ours %d; it found %d", read, audited, len(want))
			}
			for key, ids := range want {
				// Ours merges aliases; each of its records is one of theirs.
				if a, b := sorted(ids), sorted(got[key]); !slices.Equal(a, b) {
					t.Errorf("%s: pip-audit %v, ours %v", key, a, b)
				}
				delete(got, key)
			}
			for key, ids := range got {
				t.Errorf("%s: %v, which pip-audit does not find", key, ids)
			}
		})
	}
}

// serveOSV starts a service that answers as OSV's does, and returns its port.
func serveOSV(t *testing.T, dir string) (port int) {
	t.Helper()
	serve := exec.Command(python(t, "python"), "oracle.py", "serve", dir)
	serve.Stderr = os.Stderr
	out, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = serve.Process.Kill(); _ = serve.Wait() })
	if _, err := fmt.Fscan(out, &port); err != nil {
		t.Fatal(err)
	}
	return port
}

// pipAudit runs it, and returns what it found by name and version, and how
// many requirements it read.
func pipAudit(t *testing.T, port int, files ...string) (found map[string][]string, read int) {
	t.Helper()
	cmd := exec.Command(python(t, "pip-audit"), "-s", "osv", "--osv-url", fmt.Sprintf("http://127.0.0.1:%d/v1/query", port),
		"--disable-pip", "--no-deps", "--progress-spinner", "off", "--format", "json")
	for _, f := range files {
		cmd.Args = append(cmd.Args, "--requirement", f)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	answer, err := cmd.Output()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1 {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	var theirs struct {
		Dependencies []struct {
			Name, Version string
			Vulns         []struct{ ID string }
		}
	}
	if err := json.Unmarshal(answer, &theirs); err != nil {
		t.Fatalf("%v\n%s\n%s", err, answer, stderr.String())
	}
	found = map[string][]string{}
	for _, d := range theirs.Dependencies {
		for _, v := range d.Vulns {
			found[d.Name+" "+d.Version] = append(found[d.Name+" "+d.Version], v.ID)
		}
	}
	return found, len(theirs.Dependencies)
}

// samplePins are exact versions of many packages that the records name.
func samplePins(t *testing.T, dir string) []string {
	t.Helper()
	var cases [][4]json.RawMessage
	oracle(t, nil, &cases, "match", dir, "3000")
	var questions [][2]string
	for _, c := range cases {
		var version string
		_ = json.Unmarshal(c[1], &version)
		questions = append(questions, [2]string{version, version})
	}
	var answers [][]json.RawMessage
	oracle(t, questions, &answers, "versions")
	normal := map[string]string{}
	for i, answer := range answers {
		var form string
		if json.Unmarshal(answer[0], &form) == nil {
			normal[questions[i][0]] = form
		}
	}
	var out []string
	seen := map[string]bool{}
	for _, c := range cases {
		var name, version string
		_ = json.Unmarshal(c[0], &name)
		_ = json.Unmarshal(c[1], &version)
		// In its normal form, for that is what pip-audit prints.
		if !seen[name] && normal[version] == version && len(out) < 250 {
			seen[name] = true
			out = append(out, name+"=="+version)
		}
	}
	return out
}
