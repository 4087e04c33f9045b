package injection

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

func markupChecks() []*trial.Check {
	return []*trial.Check{{
		ID: "probe/reflected-xss", Claim: "no answer that a browser renders repeats markup as it was sent", Severity: finding.High,
		Refs: []string{"CWE-79", "V1.2.1"},
		Sure: "an element of ours, or an attribute where a value stands in one, was in an HTML answer twice; JSON, plain text and what is downloaded are no HTML",
		Fix:  "Escape values where HTML is written: html/template, autoescape.", Pavise: "headers",
		Run: bySlot(textual, reflected),
	}, {
		ID: "probe/stored-xss", Claim: "no page shows markup that a user stored", Severity: finding.High,
		Refs: []string{"CWE-79", "V1.2.1"},
		Sure: "an element that this run stored stood in an HTML answer, and a second one after it",
		Fix:  "Escape values where HTML is written, or clean markup with a list of what is allowed.", Pavise: "headers",
		Run: pages,
	}, {
		ID: "probe/upload-inline", Claim: "a file that was sent is never rendered as a page of the API", Severity: finding.High,
		Refs: []string{"CWE-434", "CWE-79", "V3.2.1"},
		Sure: "a page of ours came back as HTML or SVG that a browser renders, twice",
		Fix:  "Serve uploads with Content-Disposition: attachment and nosniff, or from another host.", Pavise: "headers",
		Run: bySlot(isFile, inline),
	}}
}

const element = "<pv1>"

// renders tells whether a browser takes an answer for a page in which scripts
// may run. It guesses the type where there is none and guessing is allowed.
func renders(e *traffic.Exchange) bool {
	if e == nil || e.Status >= 300 && e.Status < 400 || strings.HasPrefix(strings.ToLower(strings.TrimSpace(e.Header.Get("Content-Disposition"))), "attachment") {
		return false
	}
	switch e.Type() {
	case "text/html", "application/xhtml+xml", "image/svg+xml":
		return true
	case "":
		return !strings.EqualFold(e.Header.Get("X-Content-Type-Options"), "nosniff")
	}
	return false
}

// tame tells whether a policy keeps scripts from running, so that what is left
// is markup.
func tame(e *traffic.Exchange) bool {
	for _, policy := range e.Header.Values("Content-Security-Policy") {
		scripts, all := "", ""
		for d := range strings.SplitSeq(strings.ToLower(policy), ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(d), " ")
			switch name {
			case "sandbox":
				if !strings.Contains(value, "allow-scripts") {
					return true
				}
			case "script-src":
				scripts = " " + value
			case "default-src":
				all = " " + value
			}
		}
		if scripts == "" {
			scripts = all
		}
		if scripts != "" && !holds(scripts, "unsafe-inline", "*", "data:", "http:", "https:") {
			return true
		}
	}
	return false
}

// unescaped tells whether our element follows a mark.
func unescaped(e *traffic.Exchange, mark string) bool {
	for rest := string(e.Body); ; {
		_, after, ok := strings.Cut(rest, mark)
		if !ok {
			return false
		}
		if strings.Contains(after[:min(len(after), 24)], element) {
			return true
		}
		rest = after
	}
}

func reflected(ctx context.Context, g *target, s *slot) *outcome {
	if s.err != nil {
		return unclear(s.err)
	}
	if s.first == nil || !renders(s.first) {
		return nil
	}
	if !unescaped(s.first, s.mark) {
		if q := attribute(string(s.first.Body), s.mark); q != "" {
			return g.breaksOut(ctx, s, q)
		}
		return nil
	}
	var e *traffic.Exchange
	for range 2 {
		mark := g.make.Mark()
		var err error
		if e, err = g.try(ctx, s, mark+element); err != nil {
			return unclear(err)
		}
		if !renders(e) || !unescaped(e, mark) {
			return nil
		}
	}
	o := failed("&lt;, or a type that is not rendered", "an element of the request is in an answer of type %q", e.Type()).by(e)
	switch {
	case tame(e):
		o.severity = finding.Low
	case s.In != "query" && s.In != "path":
		// No link makes a browser send it.
		o.severity = finding.Medium
	}
	return o
}

// attribute is the quotation mark of the attribute whose value a mark stands
// in; empty where there is none.
func attribute(body, mark string) string {
	at := strings.Index(body, mark)
	if mark == "" || at < 0 {
		return ""
	}
	quote := byte(0)
	for i := max(0, strings.LastIndexByte(body[:at], '<')); i < at; i++ {
		switch c := body[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '>':
			return "" // between tags
		case (c == '"' || c == '\'') && i > 0 && body[i-1] == '=':
			quote = c
		}
	}
	if quote == 0 {
		return ""
	}
	return string(quote)
}

// breaksOut ends an attribute, and begins one of its own, which could be
// onerror: escaping < and > is not enough there.
func (g *target) breaksOut(ctx context.Context, s *slot, q string) *outcome {
	var e *traffic.Exchange
	for range 2 {
		own := g.make.Mark() + q + " pv1=" + q + g.make.Mark()
		if s.max >= 0 && len(own) > s.max {
			return nil
		}
		var err error
		if e, err = g.try(ctx, s, own); err != nil {
			return unclear(err)
		}
		if !renders(e) || !strings.Contains(string(e.Body), own) || attribute(string(e.Body), own) != q {
			return nil
		}
	}
	o := failed("&quot;, or a type that is not rendered", "an attribute of the request is in an answer of type %q", e.Type()).by(e)
	switch {
	case tame(e):
		o.severity = finding.Low
	case s.In != "query" && s.In != "path":
		o.severity = finding.Medium
	}
	return o
}

// html tells whether an operation answers with pages.
func (g *target) html() bool {
	if g.op.Method != http.MethodGet {
		return false
	}
	if g.base != nil && renders(g.base.Last) {
		return true
	}
	return slices.ContainsFunc(g.op.Responses, func(r *openapi.Response) bool {
		return slices.ContainsFunc(r.Types, func(t string) bool { return strings.HasPrefix(t, "text/html") })
	})
}

// pages looks at operations that answer with pages, after markup was stored in
// objects of this run.
func pages(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	all := targets(ctx, t)
	for _, page := range all {
		if !page.html() || ctx.Err() != nil {
			continue
		}
		r := trial.Result{Operation: page.op.Name(), Verdict: trial.Pass}
		looked := false
		for _, writer := range all {
			for _, st := range writer.stored {
				d := page.draft
				o := st.object
				if id := page.idOf(o); id != "" {
					params := page.op.PathParams()
					d = &trial.Draft{Op: page.op, Who: o.Who, Base: t.Document.Base, Path: map[string]string{}}
					for name, v := range o.Path {
						d.Path[name] = v
					}
					d.Path[params[len(params)-1]] = id
				} else if d == nil || len(page.op.PathParams()) > 0 && !sharesObject(d, o) {
					continue
				}
				e, err := page.send(ctx, d)
				if err != nil {
					r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
					continue
				}
				looked = looked || e.OK()
				for _, mark := range st.marks {
					if !renders(e) || !unescaped(e, mark) {
						continue
					}
					if o := page.storedTwice(ctx, writer, d, mark); o != nil {
						r.Verdict, r.Severity, r.Got, r.Want, r.Reason, r.Shown = o.verdict, o.severity, o.got, o.want, "", o.shown
					}
					break
				}
				if r.Verdict == trial.Fail {
					break
				}
			}
			if r.Verdict == trial.Fail {
				break
			}
		}
		if r.Verdict == trial.Pass && !looked {
			r.Verdict, r.Reason = trial.Inconclusive, "no object that a page shows could be made"
		}
		report(r)
	}
}

// idOf is how the last part of an operation's path names an object: by its id,
// or by what it has of that name, as GET /p/{slug} does. It is empty where the
// path is about something else.
func (g *target) idOf(o *trial.Object) string {
	params := g.op.PathParams()
	switch creator := g.t.Creator(g.op); {
	case o == nil || len(params) == 0:
		return ""
	case creator == o.Creator:
		return o.ID
	case creator == nil && len(params) == 1 && !slices.Contains([]string{"id", "name", "type", "page"}, strings.ToLower(params[0])):
		return o.Property(params[0])
	}
	return ""
}

// sharesObject tells whether a request is about an object that another one is
// below.
func sharesObject(d *trial.Draft, o *trial.Object) bool {
	return o != nil && slices.Contains(d.Made, o)
}

// storedTwice stores another element in the same place, and looks again.
func (g *target) storedTwice(ctx context.Context, writer *target, page *trial.Draft, mark string) *outcome {
	i := slices.IndexFunc(writer.slots, func(s *slot) bool { return s.mark == mark })
	if i < 0 {
		return nil
	}
	s := writer.slots[i]
	again := g.make.Mark()
	d := writer.with(s, again+element)
	wrote, err := writer.send(ctx, d)
	if err != nil {
		return unclear(err)
	}
	if objects := g.t.Objects(); writer.op.Method == http.MethodPost && len(objects) > 0 {
		if id := g.idOf(objects[len(objects)-1]); objects[len(objects)-1].Creator == writer.op && id != "" {
			params := g.op.PathParams()
			page = page.WithPath(params[len(params)-1], id)
		}
	}
	e, err := g.send(ctx, page)
	if err != nil {
		return unclear(err)
	}
	if !renders(e) || !unescaped(e, again) {
		return nil
	}
	o := failed("&lt;, or a type that is not rendered", "an element that %s stored in %s is in the page", writer.op.Name(), s).by(wrote, e)
	if tame(e) {
		o.severity = finding.Low
	}
	return o
}
