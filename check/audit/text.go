package audit

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/check/audit/inventory"
	"github.com/pavise-dev/pavise/finding"
)

// TextOptions say how a report reads.
type TextOptions struct {
	// Width in columns; 0 means 80.
	Width int
	// Colour marks severities with terminal sequences.
	Colour bool
	// Details prints the advisories' texts below their lines.
	Details bool
	// Verbose lists what was excluded and ignored, and not only how much.
	Verbose bool
}

// WriteText writes the report for people: a table a package, then what was
// ignored and what could not be told, then a line that sums it up.
func (r *Report) WriteText(w io.Writer, o TextOptions) error {
	if o.Width <= 0 {
		o.Width = 80
	}
	t := &textWriter{o: o}
	t.vulnerabilities(r)
	t.others(r)
	t.unknowns(r)
	t.summary(r)
	_, err := io.WriteString(w, t.b.String())
	return err
}

type textWriter struct {
	o TextOptions
	b strings.Builder
}

func (t *textWriter) line(format string, args ...any) {
	t.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// vulnerabilities writes a block a package, in the order of the first of each.
func (t *textWriter) vulnerabilities(r *Report) {
	type pkg struct{ ecosystem, name, version string }
	var packages []pkg
	of := map[pkg][]*Vulnerability{}
	for i := range r.Vulnerabilities {
		v := &r.Vulnerabilities[i]
		p := pkg{string(v.Ecosystem), v.Package, v.Version}
		if _, ok := of[p]; !ok {
			packages = append(packages, p)
		}
		of[p] = append(of[p], v)
	}
	for _, p := range packages {
		list := of[p]
		head := fmt.Sprintf("%s %s", finding.Visible(p.name), finding.Visible(p.version))
		places := make([]string, len(list[0].Where))
		for i, w := range list[0].Where {
			places[i] = finding.Visible(w.String())
		}
		fix := "no safe version is known"
		switch {
		case list[0].Malicious:
			fix = "remove it: the package is malicious"
		case list[0].Safe != "":
			fix = "update to " + finding.Visible(list[0].Safe)
		}
		t.line("%s", t.bold(head)+"  "+strings.Join(places, ", "))
		t.line("  %-8s  %-4s  %-19s  %-10s  %s", "SEVERITY", "CVSS", "VULNERABILITY", "FIXED IN", "SUMMARY")
		for _, v := range list {
			t.vulnerability(v)
		}
		t.line("  fix: %s", fix)
		t.line("")
	}
}

func (t *textWriter) vulnerability(v *Vulnerability) {
	score, fixed := "-", "-"
	if v.Vector != "" {
		score = fmt.Sprintf("%.1f", v.Score)
	}
	if len(v.Fixed) > 0 {
		fixed = finding.Visible(v.Fixed[0])
	}
	severity := fmt.Sprintf("%-8s", v.Severity)
	row := fmt.Sprintf("%-4s  %-19s  %-10s  ", score, finding.Visible(v.ID), fixed)
	room := max(t.o.Width-12-utf8.RuneCountInString(row), 16)
	t.line("  %s  %s%s", t.coloured(v.Severity, severity), row, cut(finding.Visible(v.Summary), room))
	var more []string
	if v.KEV {
		more = append(more, "exploitation is known (KEV)")
	}
	if v.EPSS > 0 {
		more = append(more, fmt.Sprintf("EPSS %.2f", v.EPSS))
	}
	if v.Reach != "" {
		more = append(more, string(v.Reach))
	}
	if v.Note != "" {
		more = append(more, v.Note)
	}
	if len(more) > 0 {
		t.wrapped("      ", strings.Join(more, "; "))
	}
	if t.o.Details {
		if len(v.Aliases) > 0 {
			t.wrapped("      ", "also "+strings.Join(v.Aliases, ", "))
		}
		for _, paragraph := range strings.Split(v.Details, "\n") {
			t.wrapped("      ", paragraph)
		}
		if v.URL != "" {
			t.line("      %s", finding.Visible(v.URL))
		}
	}
}

func (t *textWriter) others(r *Report) {
	for _, f := range r.Findings() {
		switch f.Rule {
		case RuleUnpinned, RuleIgnoreExpired, RuleIgnoreUnused:
			t.line("%s", t.bold(f.Rule)+"  "+finding.Visible(f.Where))
			t.wrapped("  ", f.Problem)
			t.wrapped("  ", "fix: "+f.Fix)
			t.line("")
		}
	}
	if len(r.Ignored) > 0 && t.o.Verbose {
		t.line("%s", t.bold("Ignored"))
		for i := range r.Ignored {
			v := &r.Ignored[i]
			t.wrapped("  ", fmt.Sprintf("%s %s: %s: %s (%s)", v.Package, v.Version, v.ID, v.Reason, v.By))
		}
		t.line("")
	}
	if t.o.Verbose {
		for _, d := range r.Inventory.Dependencies {
			if d.Status == inventory.Excluded {
				t.wrapped("", fmt.Sprintf("excluded: %s: %s: %s", d.Where, title(d), d.Reason))
			}
		}
	}
}

func (t *textWriter) unknowns(r *Report) {
	unknown := r.Unknowns()
	if len(unknown) == 0 {
		return
	}
	t.line("%s", t.bold("Could not tell"))
	for _, u := range unknown {
		t.wrapped("  ", u.Where+": "+u.Problem)
	}
	t.line("")
}

func (t *textWriter) summary(r *Report) {
	for _, n := range r.Notes {
		t.wrapped("", "note: "+n)
	}
	if n := len(r.Vulnerabilities); n > 0 {
		t.line("%s in %s.", plural(n, "vulnerability", "vulnerabilities"), plural(r.packages(), "package", "packages"))
	} else if r.Inventory.Count(inventory.Audited) > 0 {
		t.line("No vulnerability is known in what was audited.")
	} else {
		t.line("Nothing was audited.")
	}
	parts := []string{fmt.Sprintf("%d audited", r.Inventory.Count(inventory.Audited))}
	if n := r.Inventory.Count(inventory.Excluded); n > 0 {
		parts = append(parts, fmt.Sprintf("%d excluded", n))
	}
	parts = append(parts, fmt.Sprintf("%d unaudited", r.Inventory.Count(inventory.Unaudited)))
	if n := len(r.Ignored); n > 0 {
		parts = append(parts, fmt.Sprintf("%s ignored", plural(n, "vulnerability", "vulnerabilities")))
	}
	asOf := ""
	if as, _ := r.AsOf(); !as.IsZero() {
		asOf = " Advisories as of " + as.Format(time.DateOnly) + "."
	}
	t.wrapped("", fmt.Sprintf("%s in %s: %s.%s",
		plural(len(r.Inventory.Dependencies), "dependency", "dependencies"), plural(len(r.Inventory.Files), "file", "files"),
		strings.Join(parts, ", "), asOf))
}

// wrapped writes a paragraph in lines no wider than the page, but for words
// that are.
func (t *textWriter) wrapped(indent, text string) {
	line := indent
	for _, word := range strings.Fields(finding.Visible(text)) {
		if line != indent && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > t.o.Width {
			t.line("%s", line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	if line != indent {
		t.line("%s", line)
	}
}

func (t *textWriter) bold(s string) string {
	if !t.o.Colour {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}

func (t *textWriter) coloured(s finding.Severity, text string) string {
	if !t.o.Colour {
		return text
	}
	code := "33" // yellow
	switch s {
	case finding.Critical, finding.High:
		code = "31"
	case finding.Low, finding.Info:
		code = "36"
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// cut shortens a text to so many runes.
func cut(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return strings.TrimRight(string(runes[:most-1]), " ") + "…"
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
