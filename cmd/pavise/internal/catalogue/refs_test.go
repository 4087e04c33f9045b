package catalogue

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestStandard holds the list to the size of ASVS 5.0.0.
func TestStandard(t *testing.T) {
	if n := len(standard()); n != 345 {
		t.Errorf("%d requirements, ASVS 5.0.0 has 345", n)
	}
	for _, it := range asvs() {
		if !slices.ContainsFunc(sections(), func(s section) bool { return strings.HasPrefix(s.id, it.id+".") }) {
			t.Errorf("%s has no section", it.id)
		}
	}
	if got := unnamed("V8", []string{"V8.2.1", "V8.4.2", "V1.1.1"}); !slices.Equal(got, []string{"V8.1 Authorization Documentation", "V8.3 Operation Level Authorization"}) {
		t.Errorf("V8: %q", got)
	}
}

// written are the references in a text of Go that are of ASVS, or are meant to
// be: V and a number, in quotes or behind the standard's name. A control has
// several in one text.
var written = regexp.MustCompile(`(?:["\s]|ASVS (?:5\.0 )?)(V?\d+(?:\.\d+){2,})\b`)

func requirementsIn(text string) []string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if !strings.Contains(line, "Refs:") && !strings.Contains(line, "ASVS") && !strings.Contains(line, "asvs") {
			continue
		}
		for _, m := range written.FindAllStringSubmatch(line, -1) {
			version := m[1] == "5.0.0" // of the standard itself
			if !version && (strings.HasPrefix(m[1], "V") || strings.Contains(m[0], "ASVS")) {
				out = append(out, "V"+strings.TrimPrefix(m[1], "V"))
			}
		}
	}
	return out
}

// wrong says what is wrong with a reference, or nothing.
func wrong(ref string) string {
	switch {
	case regexp.MustCompile(`^V\d`).MatchString(ref):
		if !standard()[ref] {
			return "ASVS 5.0.0 has no such requirement"
		}
	case strings.HasPrefix(ref, "API"):
		if n, err := strconv.Atoi(ref[len("API"):]); err != nil || n < 1 || n > 10 {
			return "the API Security Top 10 has no such item"
		}
	case strings.HasPrefix(ref, "CWE-"):
		if n, err := strconv.Atoi(ref[len("CWE-"):]); err != nil || n < 1 {
			return "is no number of a weakness"
		} else if slices.Contains(noWeakness(), n) {
			return "is a category, a view or withdrawn: name the weakness itself"
		}
	}
	return ""
}

// noWeakness are numbers of CWE that a finding must not be mapped to:
// categories, views, and entries that are deprecated or about to be.
func noWeakness() []int {
	return []int{
		2, 16, 17, 18, 19, 21, 132, 133, 136, 137, 189, 199, 216, 217, 218, 225, 227, 247, 249, 251, 254, 255, 264, 265, 275,
		310, 320, 355, 361, 371, 373, 387, 388, 389, 391, 398, 399, 411, 417, 423, 429, 438, 442, 443, 452, 458, 465, 516,
		534, 545, 569, 592, 596, 629, 635, 699, 700, 711, 722, 723, 724, 725, 726, 727, 728, 729, 730, 731, 769, 840,
		928, 929, 930, 931, 932, 933, 934, 935, 936, 937, 938, 1000, 1003, 1026, 1027, 1028, 1029, 1030, 1031, 1032, 1033, 1034,
		1035, 1036, 1187, 1344, 1345, 1346, 1347, 1348, 1349, 1352, 1353, 1354, 1355, 1356,
	}
}

// TestRefsExist finds references that are misspelt: those of every rule and
// control, and those that stand in the source alone.
func TestRefsExist(t *testing.T) {
	x := newIndex()
	for _, r := range x.rules {
		for _, ref := range r.Refs {
			if why := wrong(ref); why != "" {
				t.Errorf("%s: %s: %s", r.ID, ref, why)
			}
		}
	}
	for _, c := range controlsOf(x.areas) {
		for _, ref := range strings.Fields(c.Refs) {
			if why := wrong(ref); why != "" {
				t.Errorf("the control %s: %s: %s", c.ID, ref, why)
			}
		}
	}
	n := 0
	for _, dir := range []string{"check", "guard", "promise", "cmd/pavise"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			data, err := os.ReadFile(name)
			for _, ref := range requirementsIn(string(data)) {
				n++
				if !standard()[ref] {
					t.Errorf("%s: ASVS 5.0.0 has no requirement %s", name, ref)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < 300 {
		t.Errorf("only %d references in the source", n)
	}
}

// TestWrongRefs is what the tests above rest on.
func TestWrongRefs(t *testing.T) {
	for ref, ok := range map[string]bool{
		"V6.2.1": true, "V6.2.13": false, "V6.2": false, "V6.9.1": false, "V18.1.1": false, "V6.2.1.1": false,
		"API1": true, "API10": true, "API11": false, "API0": false, "APIx": false,
		"CWE-89": true, "CWE-16": false, "CWE-937": false, "CWE-592": false, "CWE-": false, "RFC 9110 section 5.5": true,
	} {
		if why := wrong(ref); (why == "") != ok {
			t.Errorf("%s: %q", ref, why)
		}
	}
	text := `	Refs: []string{"CWE-1", "V1.2.3", "ASVS 5.0 V4.5.6"},
	{ID: "x", Refs: "V7.8.9 V10.11.12"},
	// (ASVS 4.1.2), of ASVS 5.0.0
	Refs: []string{asvs + "V3.4.4"},
	version = "V9.9.9"
`
	if got := requirementsIn(text); !slices.Equal(got, []string{"V1.2.3", "V4.5.6", "V7.8.9", "V10.11.12", "V4.1.2", "V3.4.4"}) {
		t.Errorf("read %q", got)
	}
}
