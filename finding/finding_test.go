package finding_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/finding"
)

func TestSeverityTextRoundTrips(t *testing.T) {
	for s := finding.Unknown; s <= finding.Critical; s++ {
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back finding.Severity
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Errorf("%s came back as %s, %v", s, back, err)
		}
	}
	var s finding.Severity
	if err := s.UnmarshalText([]byte("terrible")); err == nil {
		t.Error("accepted a severity that is none")
	}
}

func TestSort(t *testing.T) {
	fs := []finding.Finding{{Rule: "b", Where: "1"}, {Rule: "a", Where: "2"}, {Rule: "a", Where: "1", Problem: "y"}, {Rule: "a", Where: "1", Problem: "x"}}
	finding.Sort(fs)
	var got []string
	for _, f := range fs {
		got = append(got, f.Rule+f.Where+f.Problem)
	}
	if want := []string{"a1x", "a1y", "a2", "b1"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFileOf(t *testing.T) {
	for where, want := range map[string]string{
		"app/db.py:3:5": "app/db.py", "app/db.py:3": "app/db.py", "app/db.py": "app/db.py", "Makefile:7": "Makefile", `app\db.py:3`: "app/db.py", `C:\app\db.py:3`: "C:/app/db.py",
		"": "", "advisory database": "", "policy": "",
		"http://127.0.0.1:8000": "", "GET http://127.0.0.1:8000": "", "GET http://127.0.0.1:8000/a.py:3": "", "GET /orders/{id}": "",
	} {
		if got := finding.FileOf(where); got != want {
			t.Errorf("%q is of %q, want %q", where, got, want)
		}
	}
}

// Results show what was there, and obey none of it.
func TestPrintable(t *testing.T) {
	for s, want := range map[string]string{
		"plain “text” ä": "plain “text” ä", "": "", `a "b" \c`: `a "b" \c`,
		"\x1b[2J": `\x1b[2J`, "a\nb": `a\nb`, "\u202ex": `\u202ex`, "\xff": `\xff`, "\u009b2J": `\u009b2J`,
	} {
		if got := finding.Printable(s); got != want {
			t.Errorf("%q is printed as %s, want %s", s, got, want)
		}
	}
}

// What was left out is said in every format, and is neither fine nor a
// failure.
func TestSkipped(t *testing.T) {
	r := finding.Run{Tool: "t", Skipped: []finding.Unclear{{Where: "audit", Problem: "no database"}}}
	for _, f := range finding.Formats() {
		var b strings.Builder
		if err := finding.Write(&b, f, r); err != nil {
			t.Fatal(err)
		}
		want := "audit was not looked at: no database"
		if f == finding.JUnit {
			want = `<skipped message="no database">`
		}
		if !strings.Contains(b.String(), want) || strings.Contains(b.String(), `name="nothing was found"`) {
			t.Errorf("%s lacks %q:\n%s", f, want, b.String())
		}
	}
}

func TestJSONShape(t *testing.T) {
	out, err := json.Marshal(finding.Finding{Rule: "headers/nosniff", Where: "https://x", Problem: "p", Severity: finding.High})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"rule":"headers/nosniff","where":"https://x","problem":"p","severity":"high"}`; string(out) != want {
		t.Errorf("got %s, want %s", out, want)
	}
}

func TestVerdict(t *testing.T) {
	for v := finding.NotAsked; v <= finding.VerdictFailed; v++ {
		text, err := v.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back finding.Verdict
		if err := back.UnmarshalText(text); err != nil || back != v {
			t.Errorf("%s came back as %s, %v", v, back, err)
		}
	}
	var v finding.Verdict
	if err := v.UnmarshalText([]byte("perhaps")); err == nil {
		t.Error("accepted a verdict that is none")
	}
	asked := finding.Run{Tool: "t", Findings: []finding.Finding{{Rule: "a/b", Where: "x.py:1:1", Problem: "p", Severity: finding.High, Verdict: finding.VerdictInvalid}}}
	for format, want := range map[finding.Format]string{finding.Text: "verdict of its provider: invalid", finding.JSON: `"verdict": "invalid"`, finding.SARIF: `"verdict": "invalid"`,
		finding.JUnit: "verdict of its provider: invalid", finding.Markdown: "verdict of its provider: invalid", finding.HTML: "verdict of its provider: invalid"} {
		var b strings.Builder
		if err := finding.Write(&b, format, asked); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%s: %v, no %q in %s", format, err, want, b.String())
		}
	}
}
