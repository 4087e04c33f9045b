package summary_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/cmd/pavise/internal/summary"
	"github.com/pavise-dev/pavise/finding"
)

func found(rule, where, problem string, s finding.Severity) finding.Finding {
	return finding.Finding{Rule: rule, Where: where, Problem: problem, Fix: "mend it", Severity: s}
}

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func sample() []summary.Area {
	return []summary.Area{
		{Name: "lint", Kept: 200, Of: "rules", Findings: []finding.Finding{
			found("lint/sql-injection", "app/db.py:3:5", "q is part of the statement", finding.Critical),
			found("lint/no-timeout", "app/http.py:9:1", "no timeout", finding.Low),
			found("lint/no-timeout", "app/http.py:20:1", "no timeout", finding.Low),
		}},
		{Name: "probe", Kept: 12, Of: "checks", Findings: []finding.Finding{
			found("probe/bola-read", "GET http://127.0.0.1:1/orders/{id}", "b reads what a made; shown by curl http://127.0.0.1:1/orders/17", finding.Critical),
		}, Unknowns: []finding.Unclear{{Where: "POST /x", Problem: "no valid request"}}},
		{Name: "audit", Skipped: "there is no database"},
	}
}

func TestGrade(t *testing.T) {
	r := summary.New(summary.Options{Areas: sample()})
	if r.Grade.Points != 100-50-2 || r.Grade.Letter != "D" {
		t.Errorf("%+v", r.Grade)
	}
	text := strings.Join(r.Grade.Lines, "\n")
	for _, want := range []string{"100 to begin with", "- 50 for 2 critical, 25 each", "- 2 for 2 low", "= 48", "1 thing could not be told"} {
		if !strings.Contains(text, want) {
			t.Errorf("the arithmetic lacks %q:\n%s", want, text)
		}
	}
	for name, tc := range map[string]struct {
		areas  []summary.Area
		letter string
		points int
	}{
		"all is kept":         {[]summary.Area{{Name: "lint", Kept: 9}, {Name: "leaks", Kept: 9}}, "A", 100},
		"one of four missing": {[]summary.Area{{Kept: 9}, {Kept: 9}, {Kept: 9}, {Name: "audit", Skipped: "no database"}}, "B", 100},
		"as many missing":     {[]summary.Area{{Kept: 9}, {Name: "audit", Skipped: "no database"}}, "B", 100},
		"most are missing":    {[]summary.Area{{Kept: 9}, {Name: "audit", Skipped: "no database"}, {Name: "leaks", Unknowns: unclear(1)}}, "C", 100},
		"worse than missing":  {[]summary.Area{{Findings: many(3, finding.Critical)}, {Name: "audit", Skipped: "no database"}}, "E", 25},
		"empty":               {[]summary.Area{{Kept: 9}, {Name: "leaks"}}, "A", 100},
		"most unknown":        {[]summary.Area{{Name: "leaks", Kept: 2, Unknowns: unclear(3)}, {Kept: 9}}, "B", 100},
		"some unknown":        {[]summary.Area{{Name: "leaks", Kept: 3, Unknowns: unclear(3)}, {Kept: 9}}, "A", 100},
		"one high":            {[]summary.Area{{Findings: []finding.Finding{found("a", "", "", finding.High)}}}, "B", 90},
		"one critical":        {[]summary.Area{{Findings: []finding.Finding{found("a", "", "", finding.Critical)}}}, "D", 75},
		"nobody scored it":    {[]summary.Area{{Findings: []finding.Finding{found("a", "", "", finding.Unknown)}}}, "A", 97},
		"many small ones":     {[]summary.Area{{Findings: many(500, finding.Low)}}, "A", 90},
		"many of all":         {[]summary.Area{{Findings: append(many(90, finding.Critical), many(90, finding.High)...)}}, "E", 0},
		"information is free": {[]summary.Area{{Findings: many(50, finding.Info)}}, "A", 100},
	} {
		g := summary.New(summary.Options{Areas: tc.areas}).Grade
		if g.Letter != tc.letter || g.Points != tc.points {
			t.Errorf("%s: %s with %d points, want %s with %d", name, g.Letter, g.Points, tc.letter, tc.points)
		}
	}
}

// Where nothing was looked at nothing is good, in any format.
func TestNotGraded(t *testing.T) {
	skipped := summary.Area{Name: "audit", Skipped: "there is no database"}
	for name, tc := range map[string]struct {
		areas []summary.Area
		why   string
	}{
		"no areas":          {nil, ""},
		"all are skipped":   {[]summary.Area{skipped, {Name: "lint", Skipped: "it is left out"}}, "lint was not looked at: it is left out"},
		"could not be told": {[]summary.Area{skipped, {Name: "leaks", Unknowns: unclear(2)}}, "leaks could not be told"},
		"nothing is there":  {[]summary.Area{skipped, {Name: "leaks", Of: "files"}}, "there is nothing for leaks"},
	} {
		r := summary.New(summary.Options{Areas: tc.areas, Ignores: []summary.Ignore{{Rule: "check/nothing"}}, Before: &summary.Grade{Letter: "B", Points: 80}})
		if g := r.Grade; g.Letter != "" || g.Points != 0 || g.None != "nothing was looked at" || !strings.Contains(strings.Join(g.Lines, "\n"), tc.why) {
			t.Errorf("%s: %+v", name, g)
		}
		for format, want := range map[string]string{
			"text": "not graded: nothing was looked at (B before)\n", "json": `"not_graded": "nothing was looked at"`, "markdown": "## pavise: not graded: nothing was looked at (B before)\n",
			"sarif": "not graded: nothing was looked at", "html": `aria-label="not graded: nothing was looked at">–<`, "badge": `"message":"not graded"`, "junit": "<testsuites",
		} {
			var b bytes.Buffer
			if err := summary.Write(&b, format, r); err != nil {
				t.Fatal(err)
			}
			if text := b.String(); !strings.Contains(text, want) || strings.Contains(text, "grade A") || strings.Contains(text, "points)") || strings.Contains(text, "of 100 points") {
				t.Errorf("%s: %s lacks %q:\n%s", name, format, want, text)
			}
		}
		if c := r.Grade.Colour(); c != "lightgrey" {
			t.Errorf("%s: the badge is %s", name, c)
		}
		// The next run has nothing to compare with, and that is no mistake.
		var b bytes.Buffer
		if err := summary.Write(&b, "json", r); err != nil {
			t.Fatal(err)
		}
		before, err := summary.ParseBefore(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if r := summary.New(summary.Options{Areas: sample(), Before: before}); r.Before != nil {
			t.Errorf("%s: compared with %+v", name, r.Before)
		}
	}
	// An area that was not looked at is no test that passed.
	var b bytes.Buffer
	if err := summary.Write(&b, "junit", summary.New(summary.Options{Areas: []summary.Area{skipped}})); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); !strings.Contains(text, `<skipped message="there is no database">`) || strings.Contains(text, "nothing was found") {
		t.Errorf("%s", text)
	}
}

func unclear(n int) []finding.Unclear {
	out := make([]finding.Unclear, n)
	for i := range out {
		out[i] = finding.Unclear{Where: "a", Problem: "unreadable"}
	}
	return out
}

func many(n int, s finding.Severity) []finding.Finding {
	var out []finding.Finding
	for range n {
		out = append(out, found("a", "", "", s))
	}
	return out
}

func TestTop(t *testing.T) {
	r := summary.New(summary.Options{Areas: sample()})
	var got []string
	for _, f := range r.Top {
		got = append(got, f.Rule)
	}
	// What was proved comes before what was read; one of a rule is enough.
	if want := "probe/bola-read lint/sql-injection lint/no-timeout"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// A hole that nobody scored fails the run like others, and each dependency has
// to be updated by itself.
func TestTopOfDependencies(t *testing.T) {
	hole := func(problem string, s finding.Severity) finding.Finding {
		return found("audit/vulnerable", "go.mod:3", problem, s)
	}
	r := summary.New(summary.Options{Areas: []summary.Area{{Name: "audit", Findings: []finding.Finding{
		hole("a v1 has CVE-1", finding.Unknown), hole("a v1 has CVE-2", finding.Low), hole("b v1 has CVE-3", finding.High), hole("c v1 has CVE-4", finding.Low),
	}}}})
	var got []string
	for _, f := range r.Top {
		got = append(got, f.Problem[len(f.Problem)-5:])
	}
	if want := "CVE-3 CVE-1 CVE-4"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestBaseline(t *testing.T) {
	first := summary.New(summary.Options{Areas: sample()})
	file := summary.EncodeBaseline(first)
	known, err := summary.ParseBaseline(file)
	if err != nil {
		t.Fatal(err)
	}
	// Lines move, ids of objects change, and a third one comes.
	areas := sample()
	areas[0].Findings[0].Where = "app/db.py:300:5"
	areas[1].Findings[0].Problem = "b reads what a made; shown by curl http://127.0.0.1:1/orders/99"
	areas[1].Findings[0].Where = "GET http://127.0.0.1:4711/orders/{id}"
	areas[0].Findings = append(areas[0].Findings, found("lint/no-timeout", "app/http.py:30:1", "no timeout", finding.Low))
	r := summary.New(summary.Options{Areas: areas, Known: known})
	if all := r.All(); len(all) != 1 || all[0].Where != "app/http.py:30:1" || r.Known != 4 {
		t.Errorf("%v, %d known", all, r.Known)
	}
	if bytes.Contains(file, []byte("app/")) {
		t.Errorf("the baseline tells where:\n%s", file)
	}
	for text, want := range map[string]string{"": "is no baseline", `{"version": 9}`: "is of version 9"} {
		if _, err := summary.ParseBaseline([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestIgnores(t *testing.T) {
	now := day("2027-02-01")
	r := summary.New(summary.Options{Areas: sample(), Now: now, Ignores: []summary.Ignore{
		{Rule: "lint/no-*", Where: "app", Reason: "fine"},
		{Rule: "probe/bola-read", Where: "GET /orders", Reason: "fine", Until: day("2027-02-01")},
		{Rule: "lint/sql-injection", Reason: "fine", Until: day("2027-01-31")},
		{Rule: "lint/nothing", Reason: "fine"},
	}})
	if r.Ignored != 3 {
		t.Errorf("%d are ignored", r.Ignored)
	}
	var stale []string
	for _, f := range r.All() {
		if f.Rule == summary.Stale {
			stale = append(stale, f.Problem)
		}
	}
	// The last day still counts; the day after does not.
	if len(stale) != 2 || !strings.Contains(stale[0]+stale[1], "until 2027-01-31") || !strings.Contains(stale[0]+stale[1], "lint/nothing") {
		t.Errorf("%q", stale)
	}
}

// An ignore of an area that was not looked at may be of use: it is not said to
// be stale, and one that has expired is.
func TestIgnoresOfMissingAreas(t *testing.T) {
	areas := []summary.Area{{Name: "lint", Kept: 1}, {Name: "promises", Skipped: "no API"}, {Name: "probe", Skipped: "no API"}}
	for rule, want := range map[string]int{"probe/bola-read": 0, "probe/*": 0, "hosts/listed": 0, "lint/no-timeout": 1, "l*/no-timeout": 0} {
		r := summary.New(summary.Options{Areas: areas, Ignores: []summary.Ignore{{Rule: rule, Reason: "fine"}}})
		if got := len(r.All()); got != want {
			t.Errorf("%s: %d findings, want %d", rule, got, want)
		}
	}
	r := summary.New(summary.Options{Areas: areas, Now: day("2027-02-01"), Ignores: []summary.Ignore{{Rule: "probe/bola-read", Reason: "fine", Until: day("2027-01-01")}}})
	if len(r.All()) != 1 {
		t.Errorf("%v", r.All())
	}
}

func TestSince(t *testing.T) {
	r := summary.New(summary.Options{Areas: sample(), Changed: map[string]bool{"app/http.py": true}})
	var got []string
	for _, f := range r.All() {
		got = append(got, f.Rule)
	}
	// What a live API does is of no file, and counts.
	if want := "lint/no-timeout lint/no-timeout probe/bola-read"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestWrite(t *testing.T) {
	areas := sample()
	areas[0].Findings[0].Problem = "<script>alert(1)</script> | @everyone \x1b[31m `x`"
	r := summary.New(summary.Options{Areas: areas, Version: "1.2.3", Project: "."})
	for _, format := range summary.Formats() {
		var b bytes.Buffer
		if err := summary.Write(&b, format, r); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if strings.Contains(b.String(), "\x1b") {
			t.Errorf("%s lets an escape through", format)
		}
		if format != "text" && format != "json" && strings.Contains(b.String(), "<script>alert") {
			t.Errorf("%s lets markup through", format)
		}
	}
	var b bytes.Buffer
	if err := summary.Write(&b, "markdown", r); err != nil || strings.Contains(b.String(), " @everyone") || !strings.Contains(b.String(), "grade D") {
		t.Errorf("%v\n%s", err, b.String())
	}
	b.Reset()
	var badge struct {
		Message string `json:"message"`
		Color   string `json:"color"`
	}
	if err := summary.Write(&b, "badge", r); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b.Bytes(), &badge); err != nil || badge.Message != "D" || badge.Color != "orange" {
		t.Errorf("%v %+v", err, badge)
	}
	// A report in JSON is what the next one is compared with.
	b.Reset()
	if err := summary.Write(&b, "json", r); err != nil {
		t.Fatal(err)
	}
	before, err := summary.ParseBefore(b.Bytes())
	if err != nil || before.Points != r.Grade.Points {
		t.Errorf("%v %+v", err, before)
	}
	if _, err := summary.ParseBefore([]byte(`{}`)); err == nil {
		t.Error("an empty report is one")
	}
}

func TestText(t *testing.T) {
	r := summary.New(summary.Options{Areas: sample(), Before: &summary.Grade{Letter: "B", Points: 80}})
	var b bytes.Buffer
	if err := summary.Write(&b, "text", r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"grade D (B before, -32 points)", "audit", "not looked at: there is no database", "to do first", " 1. critical"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, b.String())
		}
	}
}

func FuzzWrite(f *testing.F) {
	f.Add("lint/x", "app/a.py:1:1", "a <b> |c| `d`", "text")
	f.Add("probe/y", "GET http://h/", "\x1b[1m\u202e", "markdown")
	f.Fuzz(func(t *testing.T, rule, where, problem, format string) {
		r := summary.New(summary.Options{Areas: []summary.Area{{Name: "lint", Findings: []finding.Finding{found(rule, where, problem, finding.High)}}}})
		var b bytes.Buffer
		if err := summary.Write(&b, format, r); err != nil {
			return
		}
		// JSON is data, and its reader's business.
		if format != "json" && format != "badge" && format != "sarif" && strings.ContainsAny(b.String(), "\x1b\u202e") {
			t.Errorf("%s lets a control through: %q", format, b.String())
		}
		known, err := summary.ParseBaseline(summary.EncodeBaseline(r))
		if err != nil {
			t.Fatal(err)
		}
		if again := summary.New(summary.Options{Areas: r.Areas, Known: known}); len(again.All()) != 0 {
			t.Error("what is in the baseline is found again")
		}
	})
}
