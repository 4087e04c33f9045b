package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/openvex/go-vex/pkg/vex"

	"github.com/pavise-dev/pavise/check/audit/inventory"
)

// TestText: the whole report, as it is read at 80 columns.
func TestText(t *testing.T) {
	project(t, map[string]string{"requirements.txt": pins})
	r := run(t, Options{Ignores: []Ignore{{ID: "PYSEC-2025-3", Reason: "not called"}}})
	var b strings.Builder
	if err := r.WriteText(&b, TextOptions{}); err != nil {
		t.Fatal(err)
	}
	const want = `evil 6.6  requirements.txt:4
  SEVERITY  CVSS  VULNERABILITY        FIXED IN    SUMMARY
  critical  -     MAL-2025-1           -           Steals <b>tokens</b>
  fix: remove it: the package is malicious

Alpha 1.1  requirements.txt:1
  SEVERITY  CVSS  VULNERABILITY        FIXED IN    SUMMARY
  critical  9.3   CVE-2025-1           1.2.0       Reads any file
  unknown   -     PYSEC-2025-2         1.3rc1
  fix: update to 1.3.1

Could not tell
  requirements.txt:3: gamma 1.0: PYSEC-2025-4: a range of the advisory cannot be
  compared
  requirements.txt:6: odd 2004d: "2004d" is not a PEP 440 version

3 vulnerabilities in 2 packages.
6 dependencies in 1 file: 5 audited, 1 unaudited, 1 vulnerability ignored.
Advisories as of 2026-02-28.
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	for _, o := range []TextOptions{{Details: true, Verbose: true}, {Width: 40, Details: true}, {Colour: true}} {
		b.Reset()
		if err := r.WriteText(&b, o); err != nil {
			t.Fatal(err)
		}
		if !o.Colour && strings.Contains(b.String(), "\x1b") {
			t.Errorf("%+v: an advisory steers the terminal", o)
		}
	}
}

// TestDetails: an advisory's text is printed, and steers no terminal.
func TestDetails(t *testing.T) {
	project(t, map[string]string{"requirements.txt": pins})
	r := run(t, Options{Details: true})
	var b strings.Builder
	if err := r.WriteText(&b, TextOptions{Details: true}); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); !strings.Contains(got, "Long text.") || strings.ContainsRune(got, '\x1b') || !strings.Contains(got, "also GHSA-1, PYSEC-2025-1") {
		t.Errorf("got\n%s", got)
	}
	for line := range strings.Lines(b.String()) {
		if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > 80 {
			t.Errorf("wider than 80 columns: %s", line)
		}
	}
}

// TestJSON: members that others rely on.
func TestJSON(t *testing.T) {
	project(t, map[string]string{"requirements.txt": pins + "loose\n"})
	r := run(t, Options{Ignores: []Ignore{{ID: "PYSEC-2025-3", Reason: "not called"}, {ID: "CVE-1", Reason: "gone"}}})
	var b bytes.Buffer
	if err := r.WriteJSON(&b, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	var members []string
	for k := range got {
		members = append(members, k)
	}
	slices.Sort(members)
	if want := strings.Fields("counts database dependencies files ignored notes stale_ignores tool tool_version unknown unpinned version vulnerabilities"); !slices.Equal(members, want) {
		t.Errorf("members %v, want %v", members, want)
	}
	if got["version"] != float64(JSONVersion) || got["tool_version"] != "1.2.3" {
		t.Errorf("version %v of %v", got["version"], got["tool_version"])
	}
	for _, list := range []string{"dependencies", "files", "ignored", "notes", "stale_ignores", "unknown", "unpinned", "vulnerabilities"} {
		if _, ok := got[list].([]any); !ok {
			t.Errorf("%s is %v, and no list", list, got[list])
		}
	}
	counts := fmt.Sprint(got["counts"])
	if want := "map[audited:5 excluded:0 ignored:1 unaudited:2 vulnerabilities:3 vulnerable_packages:2]"; counts != want {
		t.Errorf("counts %s, want %s", counts, want)
	}
	first := got["vulnerabilities"].([]any)[1].(map[string]any)
	where := fmt.Sprint(first["where"])
	if first["id"] != "CVE-2025-1" || first["severity"] != "critical" || first["safe_version"] != "1.3.1" || where != "[map[file:requirements.txt line:1]]" {
		t.Errorf("%v", first)
	}
}

func TestCycloneDX(t *testing.T) {
	project(t, map[string]string{"requirements.txt": pins + "torch==2.0+cu118\n"})
	r := run(t, Options{Ignores: []Ignore{{ID: "PYSEC-2025-3", Reason: "not called"}}})
	var b bytes.Buffer
	if err := r.WriteCycloneDX(&b, "1.2.3", now); err != nil {
		t.Fatal(err)
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(&b, cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	if bom.SpecVersion != cdx.SpecVersion1_6 || bom.Components == nil || bom.Vulnerabilities == nil {
		t.Fatalf("%+v", bom)
	}
	refs := map[string]bool{}
	purls := []string{}
	for _, c := range *bom.Components {
		if refs[c.BOMRef] {
			t.Errorf("the reference %s is there twice", c.BOMRef)
		}
		refs[c.BOMRef] = true
		purls = append(purls, c.PackageURL)
	}
	if !slices.Contains(purls, "pkg:pypi/torch@2.0%2Bcu118") || !slices.Contains(purls, "pkg:pypi/alpha@1.1") {
		t.Errorf("%v", purls)
	}
	states := map[string]string{}
	for _, v := range *bom.Vulnerabilities {
		state := ""
		if v.Analysis != nil {
			state = string(v.Analysis.State)
		}
		states[v.ID] = state
		for _, a := range *v.Affects {
			if !refs[a.Ref] {
				t.Errorf("%s affects %s, which is no component", v.ID, a.Ref)
			}
		}
	}
	if len(states) < 4 {
		t.Errorf("%v", states)
	}
	// It can be audited again, and says the same.
	var again bytes.Buffer
	if err := r.WriteCycloneDX(&again, "1.2.3", now); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("bom.json", again.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	second := run(t, Options{Inventory: inventory.Options{Paths: []string{"bom.json"}}})
	if len(second.Vulnerabilities) != len(r.Vulnerabilities)+len(r.Ignored) {
		t.Errorf("of the bill of materials: %v", ids(second.Vulnerabilities))
	}
}

// TestVEX: what is written is OpenVEX to its own library, and a statement that
// dismisses is obeyed.
func TestVEX(t *testing.T) {
	project(t, map[string]string{"requirements.txt": "alpha==1.1\nbeta==1.0\ngamma==1.0\n"})
	db := database(t)
	r := run(t, Options{Database: db, Ignores: []Ignore{{ID: "PYSEC-2025-3", Reason: "not called"}}})
	var b, again bytes.Buffer
	if err := r.WriteVEX(&b, "pkg:github/us/app", now); err != nil {
		t.Fatal(err)
	}
	_ = r.WriteVEX(&again, "pkg:github/us/app", now)
	if b.String() != again.String() {
		t.Error("the document is another one the second time")
	}
	doc, err := vex.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	statuses := map[string]vex.Status{}
	for _, s := range doc.Statements {
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", s.Vulnerability.Name, err)
		}
		statuses[string(s.Vulnerability.Name)] = s.Status
	}
	want := map[string]vex.Status{"CVE-2025-1": vex.StatusAffected, "PYSEC-2025-2": vex.StatusAffected, "PYSEC-2025-3": vex.StatusAffected, "PYSEC-2025-4": vex.StatusUnderInvestigation}
	if fmt.Sprint(statuses) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", statuses, want)
	}
	if err := os.WriteFile("own.vex.json", b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(t, Options{Database: db, VEX: []string{"own.vex.json"}}); len(got.Ignored) != 0 {
		t.Errorf("statements of affected dismiss %v", got.Ignored)
	}

	statement := func(body string) string {
		return `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a","timestamp":"2026-01-01T00:00:00Z","version":1,"statements":[` + body + `]}`
	}
	const dismiss = `"status":"not_affected","justification":"vulnerable_code_not_present"`
	for name, c := range map[string]struct {
		doc  string
		want bool
	}{
		"the project":           {statement(`{"vulnerability":{"name":"CVE-2025-1"},"products":[{"@id":"pkg:github/us/app"}],` + dismiss + `}`), true},
		"no product":            {statement(`{"vulnerability":{"name":"cve-2025-1"},` + dismiss + `}`), true},
		"an alias":              {statement(`{"vulnerability":{"name":"x","aliases":["GHSA-1"]},` + dismiss + `}`), true},
		"another vulnerability": {statement(`{"vulnerability":{"name":"CVE-2025-2"},` + dismiss + `}`), false},
		"the package":           {statement(`{"vulnerability":{"name":"CVE-2025-1"},"products":[{"@id":"pkg:pypi/Alpha@1.1"}],` + dismiss + `}`), true},
		"any version":           {statement(`{"vulnerability":{"name":"CVE-2025-1"},"products":[{"@id":"pkg:pypi/alpha"}],` + dismiss + `}`), true},
		"another version":       {statement(`{"vulnerability":{"name":"CVE-2025-1"},"products":[{"@id":"pkg:pypi/alpha@1.0"}],` + dismiss + `}`), false},
		"another ecosystem":     {statement(`{"vulnerability":{"name":"CVE-2025-1"},"products":[{"@id":"p","subcomponents":[{"@id":"pkg:npm/alpha@1.1"}]}],` + dismiss + `}`), false},
		"a subcomponent":        {statement(`{"vulnerability":{"name":"CVE-2025-1"},"products":[{"@id":"p","subcomponents":[{"@id":"pkg:pypi/alpha@1.1"}]}],` + dismiss + `}`), true},
		"an identifier":         {statement(`{"vulnerability":{"name":"CVE-2025-1"},"products":[{"identifiers":{"purl":"pkg:pypi/alpha@1.1"}}],` + dismiss + `}`), true},
		"version 0.0.1":         {strings.Replace(statement(`{"vulnerability":"CVE-2025-1","products":["pkg:pypi/alpha@1.1"],`+dismiss+`}`), "/v0.2.0", "", 1), true},
		"affected":              {statement(`{"vulnerability":{"name":"CVE-2025-1"},"status":"affected","action_statement":"x"}`), false},
		"taken back":            {statement(`{"vulnerability":{"name":"CVE-2025-1"},` + dismiss + `},{"vulnerability":{"name":"CVE-2025-1"},"status":"affected","action_statement":"x","timestamp":"2026-02-01T00:00:00Z"}`), false},
		"fixed by us":           {statement(`{"vulnerability":{"name":"CVE-2025-1"},"status":"fixed"}`), true},
	} {
		if err := os.WriteFile("in.vex.json", []byte(c.doc), 0o600); err != nil {
			t.Fatal(err)
		}
		got := run(t, Options{Database: db, VEX: []string{"in.vex.json"}})
		if dismissed := len(got.Ignored) == 1 && got.Ignored[0].By == "in.vex.json"; dismissed != c.want {
			t.Errorf("%s: dismissed %v", name, dismissed)
		}
	}
	for name, doc := range map[string]string{
		"no JSON":          "{",
		"another context":  `{"@context":"https://example.com","statements":[]}`,
		"no justification": statement(`{"vulnerability":{"name":"CVE-2025-1"},"status":"not_affected"}`),
		"a made up one":    statement(`{"vulnerability":{"name":"CVE-2025-1"},"status":"not_affected","justification":"trust me"}`),
		"a made up status": statement(`{"vulnerability":{"name":"CVE-2025-1"},"status":"fine"}`),
		"no vulnerability": statement(`{"status":"fixed"}`),
	} {
		if err := os.WriteFile("in.vex.json", []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Run(t.Context(), Options{Database: db, VEX: []string{"in.vex.json"}}); err == nil || !strings.Contains(err.Error(), "in.vex.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFix: pins are raised to the smallest safe version, and what is left is
// said.
func TestFix(t *testing.T) {
	const before = "# ours\nAlpha==1.1  # keep\nbeta==1.0\nevil==6.6\n"
	project(t, map[string]string{
		"requirements.txt":        before,
		"hashed.requirements.txt": "alpha==1.1 \\\n    --hash=sha256:aa\n",
		"sub dir/uv.lock":         "version = 1\n[[package]]\nname = \"alpha\"\nversion = \"1.1\"\nsource = { registry = \"x\" }\n",
		"go.mod":                  "module x\n\ngo 1.26.8\n\nrequire example.com/m v1.1.0 // why\n",
	})
	db := database(t)
	r := run(t, Options{Database: db})
	fixes, err := Plan(r, false)
	if err != nil {
		t.Fatal(err)
	}
	after, notes := map[string]string{}, map[string]string{}
	for _, f := range fixes {
		after[f.File], notes[f.File] = string(f.After), strings.Join(f.Notes, "\n")
		if (f.Diff() == "") != (f.After == nil) {
			t.Errorf("%s: the difference is %q", f.File, f.Diff())
		}
	}
	if want := "# ours\nAlpha==1.3.1  # keep\nbeta==1.0\nevil==6.6\n"; after["requirements.txt"] != want {
		t.Errorf("got %q", after["requirements.txt"])
	}
	for _, want := range []string{"beta 1.0: no safe version is known", "evil 6.6: it is malicious: remove it"} {
		if !strings.Contains(notes["requirements.txt"], want) {
			t.Errorf("there is no %q in %q", want, notes["requirements.txt"])
		}
	}
	if after["hashed.requirements.txt"] != "" || !strings.Contains(notes["hashed.requirements.txt"], "has hashes") {
		t.Errorf("hashes: %q, %q", after["hashed.requirements.txt"], notes["hashed.requirements.txt"])
	}
	if want := "alpha 1.1: run cd 'sub dir' && uv lock --upgrade-package alpha==1.3.1"; notes["sub dir/uv.lock"] != want {
		t.Errorf("got %q", notes["sub dir/uv.lock"])
	}
	if want := "module x\n\ngo 1.26.8\n\nrequire example.com/m v1.2.0 // why\n"; after["go.mod"] != want {
		t.Errorf("got %q", after["go.mod"])
	}
	for _, f := range fixes {
		if f.File == "requirements.txt" && !strings.Contains(f.Diff(), "-Alpha==1.1  # keep\n+Alpha==1.3.1  # keep\n") {
			t.Errorf("got %s", f.Diff())
		}
	}
	// With the hashes let go, they are named.
	fixes, err = Plan(r, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fixes {
		if f.File == "hashed.requirements.txt" && (string(f.After) != "alpha==1.3.1\n" || !strings.Contains(strings.Join(f.Notes, ""), "--hash=sha256:aa")) {
			t.Errorf("%q, %q", f.After, f.Notes)
		}
	}
}

// TestShellQuote: names come from files that others wrote, and commands are
// pasted.
func TestShellQuote(t *testing.T) {
	for in, want := range map[string]string{"a==1.0": "a==1.0", "../x": "../x", "a b": "'a b'", "$(rm)": "'$(rm)'", "it's": `'it'\''s'`, "": "''"} {
		if got := shellQuote(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
