package finding

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// writeText writes for people, in 80 columns.
func writeText(w io.Writer, r Run) error {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%-8s  %s  %s\n", f.Severity, Visible(f.Where), Visible(f.Rule))
		wrap(&b, "          ", said(f))
		if f.Fix != "" {
			wrap(&b, "          ", "fix: "+f.Fix)
		}
	}
	if len(r.Unknowns) > 0 {
		b.WriteString("\nCould not tell\n")
		for _, u := range r.Unknowns {
			wrap(&b, "  ", u.Where+": "+u.Problem)
		}
	}
	for _, n := range r.Notes {
		wrap(&b, "", "note: "+n)
	}
	fmt.Fprintf(&b, "%s: %s.\n", Visible(r.Tool), count(r))
	_, err := io.WriteString(w, b.String())
	return err
}

// wrap writes a paragraph in lines of up to 80 columns.
func wrap(b *strings.Builder, indent, text string) {
	const width = 80
	line := indent
	for _, word := range strings.Fields(Visible(text)) {
		if line != indent && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// writeJSON writes the run for machines: an object with the members version
// (1), tool, tool_version, findings, unknown and notes, of which the last
// three are arrays and never null.
func writeJSON(w io.Writer, r Run) error {
	out := struct {
		Version     int       `json:"version"`
		Tool        string    `json:"tool"`
		ToolVersion string    `json:"tool_version"`
		Findings    []Finding `json:"findings"`
		Unknown     []Unclear `json:"unknown"`
		Notes       []string  `json:"notes"`
	}{1, r.Tool, r.Version, r.Findings, r.Unknowns, r.Notes}
	if out.Findings == nil {
		out.Findings = []Finding{}
	}
	if out.Unknown == nil {
		out.Unknown = []Unclear{}
	}
	if out.Notes == nil {
		out.Notes = []string{}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}
