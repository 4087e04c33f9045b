package finding

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

// writeMarkdown writes a table, for a comment or a job's summary. What others
// wrote cannot leave its cell, become a link, or call anybody.
func writeMarkdown(w io.Writer, r Run) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s.\n", EscapeMarkdown(r.Tool), EscapeMarkdown(count(r)))
	if len(r.Findings) > 0 {
		b.WriteString("\n| Severity | Where | Problem | Fix |\n|---|---|---|---|\n")
		for _, f := range r.Findings {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.Severity, EscapeMarkdown(f.Where), EscapeMarkdown(said(f)), EscapeMarkdown(f.Fix))
		}
	}
	if len(r.Unknowns) > 0 {
		b.WriteString("\n### Could not tell\n\n| Where | Problem |\n|---|---|\n")
		for _, u := range r.Unknowns {
			fmt.Fprintf(&b, "| %s | %s |\n", EscapeMarkdown(u.Where), EscapeMarkdown(u.Problem))
		}
	}
	if len(r.Notes) > 0 {
		b.WriteString("\n")
		for _, n := range r.Notes {
			fmt.Fprintf(&b, "- %s\n", EscapeMarkdown(n))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// EscapeMarkdown makes a text mean itself. What begins a link, a mention or an
// issue's number becomes a character reference, which Markdown shows and does
// not read.
func EscapeMarkdown(s string) string {
	s = strings.TrimSpace(Visible(s))
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '@' || r == '#' || r == '&' || r == '<' || r == '>' || r == '|' || r == '\\', r == ':' && strings.HasPrefix(s[i:], "://"):
			fmt.Fprintf(&b, "&#%d;", r)
		case strings.ContainsRune("`*_{}[]()!~", r), i == 0 && (r == '-' || r == '+' || r == '='):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	// A bare www. is a link too, and 1. begins a list.
	out := bareLink.ReplaceAllString(b.String(), "$1&#46;")
	return listNumber.ReplaceAllString(out, "$1&#46;")
}

var (
	bareLink   = regexp.MustCompile(`(?i)(www)\.`)
	listNumber = regexp.MustCompile(`^([0-9]+)\.`)
)
