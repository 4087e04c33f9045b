package summary

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/pavise-dev/pavise/finding"
)

//go:embed page
var pageFiles embed.FS

// writePage writes one page that loads nothing. Its own policy allows its
// style and its script by their hashes, and nothing else: what a finding
// quotes cannot become a part of the page.
func writePage(w io.Writer, r *Report) error {
	var parts [3]string
	for i, name := range []string{"page/page.html", "page/page.css", "page/page.js"} {
		data, err := pageFiles.ReadFile(name)
		if err != nil {
			return err
		}
		parts[i] = string(data)
	}
	page, err := template.New("page").Funcs(template.FuncMap{
		"clean": finding.Visible,
		"join":  func(s []string) string { return strings.Join(s, ", ") },
	}).Parse(parts[0])
	if err != nil {
		return err
	}
	trend := ""
	if r.Before != nil {
		trend = fmt.Sprintf("%s with %d before", r.Before.Letter, r.Before.Points)
	}
	return page.Execute(w, struct {
		R        *Report
		CSP      string
		CSS      template.CSS
		JS       template.JS
		Trend    string
		Unknowns []finding.Unclear
	}{
		R: r, Trend: trend, Unknowns: r.Unknowns(),
		CSS: template.CSS(parts[1]), //nolint:gosec // it is ours
		JS:  template.JS(parts[2]),  //nolint:gosec // it is ours
		CSP: "default-src 'none'; style-src '" + hash(parts[1]) + "'; script-src '" + hash(parts[2]) + "'; base-uri 'none'; form-action 'none'",
	})
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
