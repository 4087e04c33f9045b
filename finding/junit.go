package finding

import (
	"encoding/xml"
	"io"
	"strings"
)

// The shape of JUnit's report that CI systems read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string       `xml:"classname,attr"`
		Name    string       `xml:"name,attr"`
		File    string       `xml:"file,attr,omitempty"`
		Line    int          `xml:"line,attr,omitempty"`
		Failure *junitDetail `xml:"failure"`
		Error   *junitDetail `xml:"error"`
		Skipped *junitReason `xml:"skipped"`
	}
	junitReason struct {
		Message string `xml:"message,attr"`
	}
	junitDetail struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes a suite a rule, a failed case a finding, an erroneous one
// for what could not be told and a skipped one for what was left out. A run
// without any is one case that passes: an empty report is taken for one that
// did not run.
func writeJUnit(w io.Writer, r Run) error {
	all := junitSuites{Name: Visible(r.Tool)}
	index := map[string]int{}
	suite := func(name string) *junitSuite {
		i, ok := index[name]
		if !ok {
			i = len(all.Suites)
			index[name] = i
			all.Suites = append(all.Suites, junitSuite{Name: Visible(name)})
		}
		return &all.Suites[i]
	}
	for _, f := range r.Findings {
		p := placeOf(f.Where)
		text := []string{"severity: " + f.Severity.String(), "where: " + f.Where}
		if f.Fix != "" {
			text = append(text, "fix: "+f.Fix)
		}
		if len(f.Refs) > 0 {
			text = append(text, "refs: "+strings.Join(f.Refs, ", "))
		}
		for i := range text {
			text[i] = Visible(text[i])
		}
		s := suite(f.Rule)
		s.Cases = append(s.Cases, junitCase{
			Class: Visible(f.Rule), Name: Visible(f.Where + ": " + f.Problem), File: Visible(p.file), Line: p.line,
			Failure: &junitDetail{Type: f.Severity.String(), Message: Visible(said(f)), Text: strings.Join(text, "\n")},
		})
		s.Tests, s.Failures = s.Tests+1, s.Failures+1
		all.Tests, all.Failures = all.Tests+1, all.Failures+1
	}
	for _, u := range r.Unknowns {
		s := suite("could not tell")
		p := placeOf(u.Where)
		s.Cases = append(s.Cases, junitCase{
			Class: "could not tell", Name: Visible(u.Where + ": " + u.Problem), File: Visible(p.file), Line: p.line,
			Error: &junitDetail{Type: "unknown", Message: Visible(u.Problem), Text: Visible(u.Where)},
		})
		s.Tests, s.Errors = s.Tests+1, s.Errors+1
		all.Tests, all.Errors = all.Tests+1, all.Errors+1
	}
	for _, u := range r.Skipped {
		s := suite("not looked at")
		s.Cases = append(s.Cases, junitCase{Class: "not looked at", Name: Visible(u.Where), Skipped: &junitReason{Visible(u.Problem)}})
		s.Tests, s.Skipped = s.Tests+1, s.Skipped+1
		all.Tests, all.Skipped = all.Tests+1, all.Skipped+1
	}
	if all.Tests == 0 {
		s := suite(r.Tool)
		s.Cases = append(s.Cases, junitCase{Class: Visible(r.Tool), Name: "nothing was found"})
		s.Tests, all.Tests = 1, 1
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
