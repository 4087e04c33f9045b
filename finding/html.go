package finding

import (
	"html/template"
	"io"
)

const pageText = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Run.Tool}}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid #ccc}
td:nth-child(2){font-family:ui-monospace,monospace;overflow-wrap:anywhere}
.critical,.high{color:#a00}.medium,.unknown{color:#850}</style></head><body>
<h1>{{.Run.Tool}}</h1><p>{{.Count}}.</p>
{{with .Run.Findings}}<table><thead><tr><th>Severity</th><th>Where</th><th>Problem</th><th>Fix</th></tr></thead><tbody>
{{range .}}<tr><td class="{{.Severity}}">{{.Severity}}</td><td>{{.Where}}</td><td>{{.Problem}}</td><td>{{.Fix}}</td></tr>
{{end}}</tbody></table>{{end}}
{{with .Run.Unknowns}}<h2>Could not tell</h2><table><thead><tr><th>Where</th><th>Problem</th></tr></thead><tbody>
{{range .}}<tr><td>{{.Where}}</td><td>{{.Problem}}</td></tr>
{{end}}</tbody></table>{{end}}
{{with .Run.Notes}}<ul>{{range .}}<li>{{.}}</li>{{end}}</ul>{{end}}
</body></html>
`

// writeHTML writes a page that loads nothing and runs nothing.
func writeHTML(w io.Writer, r Run) error {
	safe := r
	safe.Findings = append([]Finding{}, r.Findings...)
	for i := range safe.Findings {
		f := &safe.Findings[i]
		f.Where, f.Problem, f.Fix = Visible(f.Where), Visible(said(*f)), Visible(f.Fix)
	}
	page, err := template.New("page").Parse(pageText)
	if err != nil {
		return err
	}
	return page.Execute(w, struct {
		Run   Run
		Count string
	}{safe, count(r)})
}
