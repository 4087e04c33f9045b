package exposure

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
	"github.com/pavise-dev/pavise/finding"
)

// A path is one of the document, with the methods it names.
type path struct {
	template string
	methods  []string
	b        *trial.Baseline // a valid request, of GET if there is one
}

func paths(ctx context.Context, t *trial.Trial) []*path {
	return trial.Shared(t, "exposure paths", func() []*path {
		var out []*path
		t.Each(func(op *openapi.Operation) {
			i := slices.IndexFunc(out, func(p *path) bool { return p.template == op.Path })
			if i < 0 {
				out = append(out, &path{template: op.Path})
				i = len(out) - 1
			}
			p := out[i]
			p.methods = append(p.methods, op.Method)
			if p.b != nil && (p.b.Op.Method == http.MethodGet || op.Method == http.MethodDelete) {
				return
			}
			if b, err := t.Baseline(ctx, op, t.Caller(op)); err == nil && op.Method != http.MethodDelete {
				p.b = b
			}
		})
		return out
	})
}

// ours tells whether a request is about objects of this run alone, so that it
// may be asked to change them.
func ours(t *trial.Trial, d *trial.Draft) bool {
	params := d.Op.PathParams()
	return len(params) > 0 && t.Creator(d.Op) != nil && len(d.Made) > 0 && !d.Made[len(d.Made)-1].Gone
}

// methods: what was forgotten in the document is what was forgotten to be
// protected. A body that does not parse finds a method, and does nothing.
func methods(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	m := t.Maker("methods")
	noAllow := false
	for _, p := range paths(ctx, t) {
		if p.b == nil {
			continue
		}
		d := p.b.Draft.Clone()
		d.Query, d.Body, d.Type = nil, nil, ""
		if params := d.Op.PathParams(); len(params) > 0 && !ours(t, d) {
			last := params[len(params)-1]
			d = d.WithPath(last, t.Unused(d.Path[last]))
		}
		r := trial.Result{Operation: p.b.Op.Name(), Verdict: trial.Pass}
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodPost, http.MethodDelete} {
			if slices.Contains(p.methods, method) || method != http.MethodGet && (t.ReadOnly() || trial.Destroys(d.Op)) ||
				method == http.MethodDelete && len(d.Op.PathParams()) == 0 { // it would be of all there is
				continue
			}
			req := d.Request()
			req.Method = method
			if t.Operation(req) != nil {
				continue // /items/search is one of /items/{id}, too
			}
			if method == http.MethodPut || method == http.MethodPatch || method == http.MethodPost {
				req.Body = []byte(`{"pv"`)
				req.Header.Set("Content-Type", "application/json")
			}
			e, err := t.Send(ctx, req)
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				break
			}
			if e.Status == http.StatusMethodNotAllowed && e.Header.Get("Allow") == "" && !noAllow {
				noAllow = true
				report(trial.Result{Operation: p.b.Op.Name(), Verdict: trial.Fail, Severity: finding.Low, Got: "405 without Allow", Want: "405 with Allow (RFC 9110 section 15.5.6)", Shown: []*traffic.Exchange{e}})
			}
			if !there(e) || !answered(ctx, t, m, req, e) {
				continue
			}
			if method == http.MethodDelete && e.OK() && ours(t, d) {
				d.Made[len(d.Made)-1].Gone = true
			}
			r.Verdict, r.Want, r.Shown = trial.Fail, "405 with Allow", []*traffic.Exchange{e}
			r.Got = fmt.Sprintf("%d to %s, which the document does not name here", e.Status, method)
			r.Severity = finding.Low
			if e.OK() {
				r.Severity = finding.Medium
			}
			break
		}
		report(r)
	}
}

// there tells whether an answer is one of something that is there, and open.
func there(e *traffic.Exchange) bool {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented, http.StatusNotAcceptable, http.StatusGone, http.StatusTooManyRequests, http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge:
		return false
	}
	return e.Status < 300 || e.Status >= 400 && e.Status < 500
}

// answered tells whether it is the method at this path that answers, and not
// something that answers all alike.
func answered(ctx context.Context, t *trial.Trial, m *values.Maker, req *traffic.Request, e *traffic.Exchange) bool {
	other := req.Clone()
	other.Method = "PROPFIND"
	if o, err := t.Send(ctx, other); err != nil || o.Status == e.Status {
		return false
	}
	elsewhere := req.Clone()
	elsewhere.Path = t.Document.Base + "/" + m.Mark()
	if o, err := t.Send(ctx, elsewhere); err != nil || o.Status == e.Status {
		return false
	}
	if req.Method == http.MethodDelete {
		return true // it can be asked once
	}
	again, err := t.Send(ctx, req)
	return err == nil && again.Status == e.Status
}

// trace: a request that comes back shows a page's script the fields that it
// must not see.
func trace(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	m := t.Maker("trace")
	at := "/"
	for _, p := range paths(ctx, t) {
		if p.b != nil && !strings.Contains(p.template, "{") {
			at = t.Document.Base + p.template
			break
		}
	}
	r := trial.Result{Verdict: trial.Pass}
	n := 0
	for range 2 {
		mark := m.Mark()
		e, err := t.Send(ctx, &traffic.Request{Method: http.MethodTrace, Path: at, Header: http.Header{"X-Pv": {mark}}})
		if err != nil || !e.OK() || !strings.Contains(string(e.Body), mark) {
			break
		}
		n++
		r.Shown = []*traffic.Exchange{e}
	}
	if n == 2 {
		r.Verdict, r.Got, r.Want = trial.Fail, "TRACE repeats the request's fields", "405"
	}
	report(r)
}

// maxOverridden bounds the operations of which override is tried.
const maxOverridden = 2

// override: what decides by the method, such as a proxy or a check against
// foreign sites, sees POST, and the handler does DELETE.
func override(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	tried := 0
	failed := false
	t.Each(func(op *openapi.Operation) {
		creator := t.Creator(op)
		if op.Method != http.MethodDelete || creator == nil || tried == maxOverridden || failed {
			return
		}
		var read *openapi.Operation
		for _, o := range t.On(creator) {
			if o.Method == http.MethodGet && o.Path == op.Path {
				read = o
			}
		}
		if read == nil {
			return
		}
		if _, err := t.Baseline(ctx, read, t.Caller(read)); err != nil {
			return
		}
		tried++
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			if method == http.MethodPost && t.Operation(&traffic.Request{Method: method, Path: t.Document.Base + op.Path}) != nil {
				continue // it does something by itself
			}
			var shown []*traffic.Exchange
			for range 2 {
				shown = overridden(ctx, t, op, read, method)
				if shown == nil {
					break
				}
			}
			if shown != nil {
				failed = true
				report(trial.Result{Operation: op.Name(), Verdict: trial.Fail, Got: method + " with X-HTTP-Method-Override: DELETE or _method=DELETE deletes", Want: "the field and the parameter are not looked at", Shown: shown})
				return
			}
		}
	})
	switch {
	case tried == 0:
		report(trial.Result{Verdict: trial.NotApplicable, Reason: "no object can be made, read and deleted"})
	case !failed:
		report(trial.Result{Verdict: trial.Pass})
	}
}

// overridden tries it with an object of its own: nil when it is still there.
func overridden(ctx context.Context, t *trial.Trial, op, read *openapi.Operation, method string) []*traffic.Exchange {
	d, err := t.Draft(ctx, read, t.Caller(op), values.Full)
	if err != nil || len(d.Made) == 0 {
		return nil
	}
	look := func() int {
		e, err := t.Send(ctx, d.Request())
		if err != nil {
			return 0
		}
		return e.Status
	}
	plain := d.Clone()
	plain.Method = method
	if _, err := t.Send(ctx, plain.Request()); err != nil || look() != http.StatusOK {
		return nil // POST alone does something, or nothing can be told
	}
	attack := plain.WithQuery("_method", "DELETE").WithHeader("X-HTTP-Method-Override", "DELETE").WithHeader("X-HTTP-Method", "DELETE").WithHeader("X-Method-Override", "DELETE")
	e, err := t.Send(ctx, attack.Request())
	if err != nil {
		return nil
	}
	if after := look(); after != http.StatusNotFound && after != http.StatusGone {
		return nil
	}
	o := d.Made[len(d.Made)-1]
	o.Gone = true
	return []*traffic.Exchange{o.Made, e}
}

// maxRefused is how many refused operations are asked for in other spellings.
const maxRefused = 10

// variants are other spellings of a path, which some part of a chain takes for
// the same and another does not.
func variants(p string) []string {
	first, rest, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	if rest != "" {
		rest = "/" + rest
	}
	cut := strings.LastIndexByte(p, '/') + 1
	out := []string{"/" + p, "/." + p, "/%2e" + p, p + "/", p + "/.", p + ";pv=1", p + ".json", "/" + strings.ToUpper(first) + rest, strings.ToUpper(p)}
	if cut < len(p) && p[cut] != '%' {
		out = append(out, p[:cut]+fmt.Sprintf("%%%02x", p[cut])+p[cut+1:])
	}
	return out
}

func spellings(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	type subject struct {
		b   *trial.Baseline
		who *identity.Identity
	}
	var list []subject
	t.Each(func(op *openapi.Operation) {
		if op.Method != http.MethodGet {
			return
		}
		// What an administrator may and a user may not is what such rules are
		// made for.
		if admins, users := t.Admins(), t.Users(); len(admins) > 0 && len(users) > 0 && strings.Contains(strings.ToLower(op.Path), "admin") {
			if b, err := t.Baseline(ctx, op, admins[0]); err == nil {
				list = append([]subject{{b, users[0]}}, list...)
			}
		}
		if !op.Secured() {
			return
		}
		if b, err := t.Baseline(ctx, op, t.Caller(op)); err == nil && !b.Who.IsAnonymous() {
			list = append(list, subject{b, identity.Anonymous()})
		}
	})
	// Of each part of the API one first: what all paths begin with is none.
	parts := func(s subject) []string { return strings.Split(strings.TrimPrefix(s.b.Op.Path, "/"), "/") }
	common := 0
	for len(list) > 1 && !slices.ContainsFunc(list, func(s subject) bool {
		p, q := parts(s), parts(list[0])
		return common+1 >= min(len(p), len(q)) || p[common] != q[common]
	}) {
		common++
	}
	first := func(s subject) string { return parts(s)[common] }
	seen := map[string]int{}
	order := map[*trial.Baseline]int{}
	for _, s := range list {
		order[s.b] = seen[first(s)]
		seen[first(s)]++
	}
	slices.SortStableFunc(list, func(a, b subject) int { return order[a.b] - order[b.b] })
	for _, s := range list[:min(len(list), maxRefused)] {
		report(spelled(ctx, t, s.b, s.who))
	}
}

func spelled(ctx context.Context, t *trial.Trial, b *trial.Baseline, who *identity.Identity) trial.Result {
	r := trial.Result{Operation: b.Op.Name(), Verdict: trial.Pass}
	req := b.Draft.As(who).Request()
	plain, err := t.Send(ctx, req)
	if err != nil {
		return trial.Result{Operation: b.Op.Name(), Reason: trial.Reason(err)}
	}
	if plain.Status != http.StatusUnauthorized && plain.Status != http.StatusForbidden {
		return trial.Result{Operation: b.Op.Name(), Reason: fmt.Sprintf("the plain path is not refused: %d", plain.Status)}
	}
	if err := t.Mask(ctx, b); err != nil {
		return trial.Result{Operation: b.Op.Name(), Reason: trial.Reason(err)}
	}
	p, query, asked := strings.Cut(req.Path, "?")
	for _, v := range variants(p) {
		attack := req.Clone()
		attack.Path = v
		if asked {
			attack.Path += "?" + query
		}
		n := 0
		for range 2 {
			e, err := t.Send(ctx, attack)
			if err != nil || !e.OK() || b.Same(e) < 0.8 {
				break
			}
			n++
			r.Shown = []*traffic.Exchange{plain, e}
		}
		if n == 2 {
			r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("%d at %s, which is refused at %s", r.Shown[1].Status, v, p), fmt.Sprintf("%d, 400 or 404", plain.Status)
			return r
		}
	}
	r.Shown = nil
	return r
}

// declared: a document that says less than is asked for misleads whoever
// writes clients and whoever tests.
func declared(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	t.Each(func(op *openapi.Operation) {
		if len(op.Security) > 0 || op.Hidden {
			return
		}
		anonymous := identity.Anonymous()
		if _, err := t.Baseline(ctx, op, anonymous); err == nil {
			report(trial.Result{Operation: op.Name(), Verdict: trial.Pass})
			return
		}
		if len(t.Identities) == 0 || trial.Destroys(op) {
			return
		}
		b, err := t.Baseline(ctx, op, t.Identities[0])
		if err != nil {
			return // it may be refused for another reason
		}
		r := trial.Result{Operation: op.Name(), Verdict: trial.Pass}
		for range 2 {
			d, err := t.Fresh(ctx, b)
			if err != nil {
				r = trial.Result{Operation: op.Name(), Reason: trial.Reason(err)}
				break
			}
			d = d.As(anonymous)
			e, err := t.Send(ctx, d.Request())
			if err != nil || e.Status != http.StatusUnauthorized {
				r = trial.Result{Operation: op.Name(), Verdict: trial.Pass}
				break
			}
			r.Verdict, r.Got, r.Want, r.Shown = trial.Fail, "401 without credentials, and the document asks for none", "the operation's security in the document", []*traffic.Exchange{e}
		}
		report(r)
	})
}
