package crosssite

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// targets are names of parameters that say where to go next.
func targets() []string {
	return []string{"next", "url", "uri", "redirect", "redirect_url", "redirect_uri", "redirecturl", "redirecturi", "redirect_to", "redirectto", "return", "return_url", "return_uri", "returnurl", "return_to", "returnto", "to", "target", "dest", "destination",
		"continue", "goto", "go", "callback", "callback_url", "rurl", "out", "back", "forward", "location", "success_url", "cancel_url", "next_url", "nexturl"}
}

// leads tells whether browsers that are given a Location go to a host.
func leads(location, host string) bool {
	s := strings.Map(func(r rune) rune {
		switch r {
		case '\t', '\r', '\n':
			return -1
		case '\\':
			return '/'
		}
		return r
	}, strings.TrimSpace(strings.ToLower(location)))
	rest, ok := strings.CutPrefix(s, "//")
	for _, scheme := range []string{"https:", "http:"} {
		if after, has := strings.CutPrefix(s, scheme); has {
			rest, ok = after, true
		}
	}
	if !ok {
		return false
	}
	rest = strings.TrimLeft(rest, "/")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	return rest == host || strings.HasSuffix(rest, "."+host)
}

// redirects: a link to the API that ends on another site is a link that
// victims trust.
func redirects(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	m := t.Maker("redirects")
	own := t.Client.HostField()
	forms := []func(host string) string{
		func(h string) string { return "https://" + h },
		func(h string) string { return "//" + h },
		func(h string) string { return `/\` + h },
		func(h string) string { return "https:" + h },
		func(h string) string { return "https://" + own + "@" + h },
		func(h string) string { return "https://" + own + "." + h },
	}
	t.Each(func(op *openapi.Operation) {
		if op.Method == http.MethodPost {
			form(ctx, t, op, forms, m, report)
		}
		if op.Method != http.MethodGet {
			return
		}
		for _, p := range op.Params {
			if p.In != "query" || p.Schema != nil && !p.Schema.Is("string") && len(p.Schema.OneOf) == 0 || !slices.Contains(targets(), strings.ToLower(strings.ReplaceAll(p.Name, "-", "_"))) {
				continue
			}
			d, err := t.Draft(ctx, op, t.Caller(op), values.Full)
			if err != nil {
				report(trial.Result{Operation: op.Name(), Reason: trial.Reason(err)})
				return
			}
			report(redirect(ctx, t, op, p.Name, forms, m, func(v string) *trial.Draft { return d.WithQuery(p.Name, v) }))
		}
	})
	// A path that begins with two slashes is a host to a browser, when a
	// router redirects to it to add or take a slash.
	r := trial.Result{Verdict: trial.Pass}
	for _, tail := range []string{"/", "/%2e%2e"} {
		n := 0
		for range 2 {
			host := m.Mark() + ".invalid"
			e, err := t.Send(ctx, &traffic.Request{Method: http.MethodGet, Path: "//" + host + tail})
			if err != nil || !leads(e.Header.Get("Location"), host) {
				break
			}
			n++
			r.Shown = []*traffic.Exchange{e}
		}
		if n == 2 {
			r.Verdict, r.Got, r.Want = trial.Fail, "a path that begins with // is redirected to as it is, which is another host", "a Location that begins with one slash"
			break
		}
	}
	report(r)
}

// form looks at the fields of a form: whoever logs in is sent to next.
func form(ctx context.Context, t *trial.Trial, op *openapi.Operation, forms []func(string) string, m *values.Maker, report func(trial.Result)) {
	if len(op.Bodies) == 0 || op.Bodies[0].Type != "application/x-www-form-urlencoded" || op.Bodies[0].Schema == nil || trial.Destroys(op) || len(op.PathParams()) > 0 {
		return
	}
	for _, p := range op.Bodies[0].Schema.Properties {
		if p.Schema != nil && !p.Schema.Is("string") && len(p.Schema.OneOf) == 0 || !slices.Contains(targets(), strings.ToLower(strings.ReplaceAll(p.Name, "-", "_"))) {
			continue
		}
		d, err := t.Draft(ctx, op, t.Caller(op), values.Full)
		if err != nil {
			report(trial.Result{Operation: op.Name(), Reason: trial.Reason(err)})
			return
		}
		report(redirect(ctx, t, op, p.Name, forms, m, func(v string) *trial.Draft {
			c := d.Clone()
			if fields, ok := c.Body.(map[string]any); ok {
				fields[p.Name] = v
			}
			return c
		}))
	}
}

func redirect(ctx context.Context, t *trial.Trial, op *openapi.Operation, name string, forms []func(string) string, m *values.Maker, with func(v string) *trial.Draft) trial.Result {
	r := trial.Result{Operation: op.Name()}
	ask := func(v string) (*traffic.Exchange, error) { return t.Send(ctx, with(v).Request()) }
	twin := "/" + m.Mark()
	e, err := ask(twin)
	if err != nil {
		r.Reason = trial.Reason(err)
		return r
	}
	goes := func(e *traffic.Exchange) bool {
		return e.Status >= 300 && e.Status < 400 && e.Header.Get("Location") != ""
	}
	used := goes(e) && mentions(e, twin)
	if e.OK() && !goes(e) {
		r.Verdict = trial.NotApplicable
		r.Reason = "it does not redirect"
		// Some take whole addresses only.
		if e, err = ask(t.Client.Base().String() + twin); err != nil || !goes(e) {
			return r
		}
		r.Reason = ""
	}
	for _, form := range forms {
		n := 0
		for range 2 {
			host := m.Mark() + ".invalid"
			e, err := ask(form(host))
			if err != nil || !goes(e) || !leads(e.Header.Get("Location"), host) {
				break
			}
			n++
			r.Shown = []*traffic.Exchange{e}
		}
		if n == 2 {
			example, _ := url.QueryUnescape(form("HOST"))
			r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("%s=%s leads to that host", name, example), "a Location within the API, or 4xx"
			return r
		}
	}
	r.Shown = nil
	r.Verdict = trial.Pass
	if !used && !e.Refused() && !goes(e) {
		r.Verdict, r.Reason = trial.Inconclusive, fmt.Sprintf("no valid request: it answers %d to a path of its own", e.Status)
	}
	return r
}
