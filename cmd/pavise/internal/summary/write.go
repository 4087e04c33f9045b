package summary

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/finding"
)

// Formats are those that a report is written in.
func Formats() []string {
	out := []string{}
	for _, f := range finding.Formats() {
		out = append(out, string(f))
	}
	return append(out, "badge")
}

// Write writes the report.
func Write(w io.Writer, format string, r *Report) error {
	switch format {
	case "text":
		return writeText(w, r)
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	case "markdown":
		return writeMarkdown(w, r)
	case "html":
		return writePage(w, r)
	case "badge":
		message := r.Grade.Letter
		if r.Grade.None != "" {
			message = "not graded"
		}
		return json.NewEncoder(w).Encode(map[string]any{"schemaVersion": 1, "label": "pavise", "message": message, "color": r.Grade.Colour()})
	}
	run := finding.Run{Tool: r.Tool, Version: r.Version, Findings: r.All(), Unknowns: r.Unknowns(), Rules: r.Rules}
	run.Notes = append(run.Notes, r.Grade.Title()+": "+strings.Join(r.Grade.Lines, "; "))
	for _, a := range r.Areas {
		if a.Skipped != "" {
			run.Skipped = append(run.Skipped, finding.Unclear{Where: a.Name, Problem: a.Skipped})
		}
		for _, n := range a.Notes {
			run.Notes = append(run.Notes, a.Name+": "+n)
		}
	}
	return finding.Write(w, finding.Format(format), run)
}

func writeText(w io.Writer, r *Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-10s %8s %8s %15s\n", "area", "kept", "broken", "could not tell")
	for _, a := range r.Areas {
		if a.Skipped != "" {
			fmt.Fprintf(&b, "%-10s not looked at: %s\n", a.Name, finding.Visible(a.Skipped))
			continue
		}
		fmt.Fprintf(&b, "%-10s %8d %8d %15d   %s, %s\n", a.Name, a.Kept, a.Broken(), len(a.Unknowns), a.Of, a.Took.Round(100*time.Millisecond))
	}
	for _, a := range r.Areas {
		for _, n := range a.Notes {
			fmt.Fprintf(&b, "note: %s: %s\n", a.Name, finding.Visible(n))
		}
	}
	if len(r.Top) > 0 {
		b.WriteString("\nto do first\n")
	}
	for i, f := range r.Top {
		fmt.Fprintf(&b, "%2d. %-8s %s  %s\n    %s\n    %s\n", i+1, f.Severity, f.Rule, finding.Visible(f.Where), finding.Visible(f.Problem), finding.Visible(f.Fix))
	}
	if r.Known+r.Ignored > 0 {
		fmt.Fprintf(&b, "\n%d known findings and %d ignored ones do not count\n", r.Known, r.Ignored)
	}
	fmt.Fprintf(&b, "\n%s", r.Grade.Title())
	if since := r.Grade.Since(r.Before); since != "" {
		fmt.Fprintf(&b, " (%s)", since)
	}
	b.WriteString("\n")
	for _, l := range r.Grade.Lines {
		fmt.Fprintf(&b, "  %s\n", finding.Visible(l))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeMarkdown is for a comment on a change: short, with the rest folded away.
func writeMarkdown(w io.Writer, r *Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## pavise: %s", r.Grade.Title())
	if since := r.Grade.Since(r.Before); since != "" && r.Before.Points != r.Grade.Points {
		fmt.Fprintf(&b, " (%s)", since)
	}
	b.WriteString("\n\n| area | kept | broken | could not tell |\n|---|---|---|---|\n")
	for _, a := range r.Areas {
		if a.Skipped != "" {
			fmt.Fprintf(&b, "| %s | | | not looked at: %s |\n", a.Name, finding.EscapeMarkdown(a.Skipped))
			continue
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", a.Name, a.Kept, a.Broken(), len(a.Unknowns))
	}
	if len(r.Top) > 0 {
		b.WriteString("\n### To do first\n\n")
	}
	for i, f := range r.Top {
		fmt.Fprintf(&b, "%d. **%s** %s at %s: %s  \n   %s\n", i+1, f.Severity, finding.EscapeMarkdown(f.Rule), finding.EscapeMarkdown(f.Where), finding.EscapeMarkdown(f.Problem), finding.EscapeMarkdown(f.Fix))
	}
	all := r.All()
	if len(all) > len(r.Top) {
		fmt.Fprintf(&b, "\n<details><summary>All %d findings</summary>\n\n| severity | rule | where | problem |\n|---|---|---|---|\n", len(all))
		for _, f := range all {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.Severity, finding.EscapeMarkdown(f.Rule), finding.EscapeMarkdown(f.Where), finding.EscapeMarkdown(f.Problem))
		}
		b.WriteString("\n</details>\n")
	}
	fmt.Fprintf(&b, "\n<details><summary>The grade</summary>\n\n%s\n\n</details>\n", "- "+strings.Join(escapeAll(r.Grade.Lines), "\n- "))
	_, err := io.WriteString(w, b.String())
	return err
}

func escapeAll(lines []string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, finding.EscapeMarkdown(l))
	}
	return out
}
