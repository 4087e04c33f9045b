package finding_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	sarif "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/xeipuuv/gojsonschema"
	"golang.org/x/net/html"

	"github.com/pavise-dev/pavise/finding"
)

// sample has every kind of place, and texts that want to be more than text.
func sample() finding.Run {
	return finding.Run{
		Tool: "pavise audit", Version: "1.2.3",
		Findings: []finding.Finding{
			{Rule: "audit/vulnerable", Where: "requirements.txt:12", Problem: "flask 1.0 has CVE-2020-1: </script><b>x", Fix: "update flask to 2.0", Severity: finding.Critical, Refs: []string{"CVE-2020-1", "CWE-1395"}},
			{Rule: "audit/vulnerable", Where: "a b/pinned & co.txt:3:7", Problem: "| @everyone #1 [x](http://evil.example) ]]> \x1b[31m \u202e", Severity: finding.Unknown},
			{Rule: "headers/nosniff", Where: "https://example.com/a?b=c:80", Problem: "is missing", Severity: finding.Low},
			{Rule: "audit/unpinned", Where: `C:\src\requirements.txt:2`, Problem: "loose", Severity: finding.Info},
			{Rule: "audit/vulnerable", Where: "Go toolchain", Problem: "old", Severity: finding.High},
		},
		Unknowns: []finding.Unclear{{Where: "advisory database", Problem: "is 9 days old"}, {Where: "x.lock", Problem: "is not TOML: <>&"}},
		Notes:    []string{"ignored: x"},
		Rules:    map[string]finding.Rule{"audit/vulnerable": {Short: "A known vulnerability", Help: "Update it."}},
	}
}

func write(t testing.TB, f finding.Format, r finding.Run) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := finding.Write(&b, f, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUnknownFormat(t *testing.T) {
	if err := finding.Write(io.Discard, "pdf", sample()); !errors.Is(err, finding.ErrFormat) {
		t.Errorf("got %v", err)
	}
}

// sarifSchema is OASIS's schema of SARIF 2.1.0, as the library of the tests
// holds it: its own validation is of its own types, which write null for what
// is absent.
func sarifSchema(t *testing.T) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	schema := ""
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 && v.Names[0].Name == "schema" {
			if text, ok := v.Values[0].(*ast.BasicLit); ok {
				schema, err = strconv.Unquote(text.Value)
			}
		}
		return true
	})
	if err != nil || !strings.Contains(schema, "Static Analysis Results Format") {
		t.Fatalf("the schema was not found: %v", err)
	}
	return schema
}

// TestSARIF: the OASIS schema accepts what is written, and no member is there
// that the standard does not know.
func TestSARIF(t *testing.T) {
	schema := sarifSchema(t)
	for name, r := range map[string]finding.Run{"sample": sample(), "empty": {Tool: "pavise audit"}} {
		data := write(t, finding.SARIF, r)
		var report sarif.Report
		strict := json.NewDecoder(bytes.NewReader(data))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&report); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, data)
		}
		result, err := gojsonschema.Validate(gojsonschema.NewStringLoader(schema), gojsonschema.NewBytesLoader(data))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range result.Errors() {
			t.Errorf("%s: %s", name, e)
		}
	}
	var got struct {
		Runs []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine, StartColumn int }
					}
				}
				PartialFingerprints map[string]string
			}
			Invocations []struct {
				ExecutionSuccessful        bool
				ToolExecutionNotifications []any
			}
		}
	}
	if err := json.Unmarshal(write(t, finding.SARIF, sample()), &got); err != nil {
		t.Fatal(err)
	}
	run := got.Runs[0]
	first := run.Results[0]
	place := first.Locations[0].PhysicalLocation
	if first.Level != "error" || place.ArtifactLocation.URI != "requirements.txt" || place.Region.StartLine != 12 || len(first.PartialFingerprints) == 0 {
		t.Errorf("%+v", first)
	}
	if place := run.Results[1].Locations[0].PhysicalLocation; place.ArtifactLocation.URI != "a%20b/pinned%20&%20co.txt" || place.Region.StartColumn != 7 {
		t.Errorf("%+v", place)
	}
	for _, res := range run.Results {
		if run.Tool.Driver.Rules[res.RuleIndex].ID != res.RuleID {
			t.Errorf("%s refers to the rule %s", res.RuleID, run.Tool.Driver.Rules[res.RuleIndex].ID)
		}
	}
	if len(run.Invocations[0].ToolExecutionNotifications) != 3 {
		t.Error("what could not be told is not in the invocation")
	}
}

// TestSARIFFingerprints: lines that are added above change nothing of them.
func TestSARIFFingerprints(t *testing.T) {
	prints := func(where string) string {
		r := finding.Run{Tool: "t", Findings: []finding.Finding{{Rule: "r", Where: where, Problem: "p"}}}
		var got struct {
			Runs []struct {
				Results []struct{ PartialFingerprints map[string]string }
			}
		}
		if err := json.Unmarshal(write(t, finding.SARIF, r), &got); err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(got.Runs[0].Results[0].PartialFingerprints)
		return string(text)
	}
	if prints("a.txt:1") != prints("a.txt:1001") {
		t.Error("the line is in the fingerprint")
	}
	if prints("a.txt:1") == prints("b.txt:1") {
		t.Error("the file is not in the fingerprint")
	}
}

func TestJUnit(t *testing.T) {
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string `xml:"name,attr"`
				File    string `xml:"file,attr"`
				Line    int    `xml:"line,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(write(t, finding.JUnit, sample()), &got); err != nil {
		t.Fatal(err)
	}
	if got.Tests != 7 || got.Failures != 5 || got.Errors != 2 || got.Suites[0].Cases[0].File != "requirements.txt" || got.Suites[0].Cases[0].Line != 12 {
		t.Errorf("%+v", got)
	}
	if m := got.Suites[0].Cases[0].Failure.Message; !strings.Contains(m, "</script><b>x") {
		t.Errorf("the message is %q", m)
	}
	// An empty report would be taken for one that did not run.
	got.Tests = 0
	if err := xml.Unmarshal(write(t, finding.JUnit, finding.Run{Tool: "t"}), &got); err != nil || got.Tests != 1 {
		t.Errorf("%d tests, %v", got.Tests, err)
	}
}

func TestText(t *testing.T) {
	got := string(write(t, finding.Text, sample()))
	for _, want := range []string{"requirements.txt:12", "update flask to 2.0", "advisory database", "is 9 days old"} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
	if strings.ContainsAny(got, "\x1b\u202e") {
		t.Error("a finding steers the terminal")
	}
}

func TestJSON(t *testing.T) {
	var got struct {
		Findings []finding.Finding
		Unknowns []finding.Unclear `json:"unknown"`
	}
	if err := json.Unmarshal(write(t, finding.JSON, sample()), &got); err != nil || len(got.Findings) != 5 || len(got.Unknowns) != 2 {
		t.Errorf("%v: %+v", err, got)
	}
	if got := string(write(t, finding.JSON, finding.Run{Tool: "t"})); strings.Contains(got, "null") {
		t.Errorf("an empty list is null: %s", got)
	}
}

func TestMarkdown(t *testing.T) {
	got := string(write(t, finding.Markdown, sample()))
	for _, bad := range []string{"http://", "@everyone", " #1", "<b>", "[x](", "\x1b"} {
		if strings.Contains(got, bad) {
			t.Errorf("%q is in\n%s", bad, got)
		}
	}
	if !strings.Contains(got, "| critical | requirements.txt:12 | flask 1.0 has CVE-2020-1: ") {
		t.Errorf("hard to read:\n%s", got)
	}
}

// FuzzWriters: whatever a finding says, a reader of the format gets the same
// number of findings, cells and elements as of plain words.
func FuzzWriters(f *testing.F) {
	f.Add("a.txt:1", "x | y", "</td><script>alert(1)</script>")
	f.Add("]]>", "\x00\ufffe\xff", "`](javascript:x)")
	f.Fuzz(func(t *testing.T, where, problem, fix string) {
		odd := finding.Run{Tool: "t", Findings: []finding.Finding{{Rule: "r", Where: where, Problem: problem, Fix: fix}}, Unknowns: []finding.Unclear{{Where: where, Problem: problem}}, Notes: []string{fix}}
		plain := finding.Run{Tool: "t", Findings: []finding.Finding{{Rule: "r", Where: "a", Problem: "b", Fix: "c"}}, Unknowns: []finding.Unclear{{Where: "a", Problem: "b"}}, Notes: []string{"c"}}
		for format, shape := range map[finding.Format]func([]byte) (string, error){
			finding.HTML: htmlShape, finding.JUnit: xmlShape, finding.Markdown: markdownShape, finding.SARIF: jsonShape, finding.JSON: jsonShape,
		} {
			got, err := shape(write(t, format, odd))
			if err != nil {
				t.Fatalf("%s: %v", format, err)
			}
			want, err := shape(write(t, format, plain))
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Fatalf("%s: %s, and of plain words %s", format, got, want)
			}
		}
		if text := write(t, finding.Text, odd); bytes.ContainsAny(text, "\x1b\x07\u009b\u202e") {
			t.Fatalf("text steers the terminal: %q", text)
		}
	})
}

func htmlShape(data []byte) (string, error) {
	z := html.NewTokenizer(bytes.NewReader(data))
	var b strings.Builder
	for {
		switch z.Next() {
		case html.ErrorToken:
			if errors.Is(z.Err(), io.EOF) {
				return b.String(), nil
			}
			return "", z.Err()
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			b.Write(append(name, ' '))
		}
	}
}

func xmlShape(data []byte) (string, error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	var b strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		}
		if err != nil {
			return "", err
		}
		if e, ok := token.(xml.StartElement); ok {
			b.WriteString(e.Name.Local + " ")
		}
	}
}

// markdownShape counts lines, and the cells of each.
func markdownShape(data []byte) (string, error) {
	var b strings.Builder
	for line := range strings.Lines(string(data)) {
		b.WriteByte(byte('0' + strings.Count(line, "|")))
	}
	return b.String(), nil
}

func jsonShape(data []byte) (string, error) {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return "", err
	}
	return "an object", nil
}
