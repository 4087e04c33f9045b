package connection

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// get is an operation that is only read.
func get(ctx context.Context, t *trial.Trial) (best *trial.Baseline, reason string) {
	t.Each(func(op *openapi.Operation) {
		if best != nil || op.Method != http.MethodGet || ctx.Err() != nil {
			return
		}
		if b, err := t.Baseline(ctx, op, t.Caller(op)); err == nil {
			best = b
		} else {
			reason = trial.Reason(err)
		}
	})
	return best, reason
}

func socketLike(path string) bool {
	return slices.ContainsFunc(strings.Split(strings.ToLower(path), "/"), func(s string) bool {
		return slices.Contains([]string{"ws", "wss", "websocket", "websockets", "socket", "subscribe", "live"}, s)
	})
}

const handshake = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"

// A socket is an endpoint that opens a WebSocket to its own origin.
type socket struct {
	op   string
	path string
	who  *identity.Identity
}

func (s socket) ask(ctx context.Context, t *trial.Trial, who *identity.Identity, origin string) (*traffic.Exchange, error) {
	r := &traffic.Request{Method: http.MethodGet, Path: s.path, Header: http.Header{}}
	who.Apply(r)
	extra := handshake
	if origin != "" {
		extra += "Origin: " + origin + "\r\n"
	}
	return t.Client.Raw(ctx, r.Head(extra))
}

func own(t *trial.Trial) string { return t.Client.Base().Scheme + "://" + t.Client.HostField() }

// found are the WebSockets: operations that are named so, and two places where
// they often are.
func found(ctx context.Context, t *trial.Trial) []socket {
	return trial.Shared(t, "connection sockets", func() []socket {
		who := identity.Anonymous()
		if len(t.Identities) > 0 {
			who = t.Identities[0]
		}
		var candidates, out []socket
		for _, op := range t.Operations {
			if op.Method == http.MethodGet && socketLike(op.Path) && len(op.PathParams()) == 0 {
				candidates = append(candidates, socket{op.Name(), t.Document.Base + op.Path, who})
			}
		}
		for _, path := range []string{"/ws", "/websocket"} {
			if !slices.ContainsFunc(candidates, func(s socket) bool { return s.path == t.Document.Base+path }) {
				candidates = append(candidates, socket{"GET " + path, t.Document.Base + path, who})
			}
		}
		for _, s := range candidates {
			if e, err := s.ask(ctx, t, who, own(t)); err == nil && e.Status == http.StatusSwitchingProtocols {
				out = append(out, s)
			}
		}
		return out
	})
}

// sockets opens them from a page of another site (cross-site WebSocket
// hijacking).
func sockets(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	for _, s := range found(ctx, t) {
		r := trial.Result{Operation: s.op}
		for range 2 {
			e, err := s.ask(ctx, t, s.who, "https://pv.invalid")
			if err != nil {
				r.Reason = trial.Reason(err)
				break
			}
			if e.Status != http.StatusSwitchingProtocols {
				r.Verdict = trial.Pass
				break
			}
			// Only what a browser sends by itself can be made use of.
			if r.Verdict = trial.Suspect; len(s.who.Cookies) > 0 {
				r.Verdict = trial.Fail
				r.Severity = finding.High
			}
			r.Got, r.Want = "101 to a handshake with Origin: https://pv.invalid", "403"
			r.Shown = []*traffic.Exchange{e}
		}
		report(r)
	}
}

func socketsAnonymous(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	secured := slices.ContainsFunc(t.Operations, (*openapi.Operation).Secured)
	for _, s := range found(ctx, t) {
		r := trial.Result{Operation: s.op}
		if !secured || s.who.IsAnonymous() {
			r.Verdict, r.Reason = trial.NotApplicable, "nothing asks who calls"
			report(r)
			continue
		}
		e, err := s.ask(ctx, t, identity.Anonymous(), own(t))
		switch {
		case err != nil:
			r.Reason = trial.Reason(err)
		case e.Status == http.StatusSwitchingProtocols:
			r.Verdict, r.Got, r.Want = trial.Suspect, "101 without credentials", "401"
			r.Shown = append(r.Shown, e)
		default:
			r.Verdict = trial.Pass
		}
		report(r)
	}
}

// A graph is a GraphQL endpoint that answers.
type graph struct {
	op, path string
	who      *identity.Identity
}

func (g graph) ask(ctx context.Context, t *trial.Trial, body any) (*traffic.Exchange, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r := &traffic.Request{Method: http.MethodPost, Path: g.path, Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}}, Body: text}
	g.who.Apply(r)
	return t.Send(ctx, r)
}

func query(q string) map[string]any { return map[string]any{"query": q} }

func graphs(ctx context.Context, t *trial.Trial) []graph {
	return trial.Shared(t, "connection graphs", func() []graph {
		var paths []string
		add := func(p string) {
			if !slices.Contains(paths, p) {
				paths = append(paths, p)
			}
		}
		for _, op := range t.Operations {
			if op.Method == http.MethodPost && !t.ReadOnly() && strings.HasSuffix(strings.ToLower(strings.TrimSuffix(op.Path, "/")), "graphql") {
				add(t.Document.Base + op.Path)
			}
		}
		if !t.ReadOnly() {
			add("/graphql")
			add(t.Document.Base + "/graphql")
		}
		var out []graph
		for _, p := range paths {
			callers := []*identity.Identity{identity.Anonymous()}
			if len(t.Identities) > 0 {
				callers = append(callers, t.Identities[0])
			}
			for _, who := range callers {
				g := graph{"POST " + strings.TrimPrefix(p, t.Document.Base), p, who}
				e, err := g.ask(ctx, t, query("{__typename}"))
				if err == nil && e.OK() && strings.Contains(string(e.Body), `"__typename"`) && strings.Contains(string(e.Body), `"data"`) {
					out = append(out, g)
					break
				}
			}
		}
		return out
	})
}

func graphql(judge func(context.Context, *trial.Trial, graph) trial.Result) func(context.Context, *trial.Trial, func(trial.Result)) {
	return func(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
		for _, g := range graphs(ctx, t) {
			r := judge(ctx, t, g)
			r.Operation = g.op
			report(r)
		}
	}
}

func introspection(ctx context.Context, t *trial.Trial, g graph) (r trial.Result) {
	e, err := g.ask(ctx, t, query("{__schema{types{name}}}"))
	switch {
	case err != nil:
		r.Reason = trial.Reason(err)
	case e.OK() && strings.Contains(string(e.Body), `"types"`):
		r.Verdict, r.Got, r.Want = trial.Fail, "the types of the schema", "an error"
		if g.who.IsAnonymous() {
			r.Got += ", without credentials"
		}
		r.Shown = append(r.Shown, e)
	default:
		r.Verdict = trial.Pass
	}
	return r
}

const many = 100

// batches asks the same a hundred times in one request: what is limited by the
// request, such as logins, is not any more.
func batches(ctx context.Context, t *trial.Trial, g graph) (r trial.Result) {
	var aliases strings.Builder
	var list []any
	for i := range many {
		fmt.Fprintf(&aliases, " a%d:__typename", i)
		list = append(list, query("{__typename}"))
	}
	r.Verdict = trial.Pass
	for _, c := range []struct {
		what string
		body any
	}{{"a hundred queries in a list", list}, {"a hundred aliases in a query", query("{" + aliases.String() + "}")}} {
		all := 0
		var shown *traffic.Exchange
		for range 2 {
			e, err := g.ask(ctx, t, c.body)
			if err != nil {
				return trial.Result{Reason: trial.Reason(err)}
			}
			if e.OK() && (strings.Count(string(e.Body), `"__typename"`) >= many || strings.Contains(string(e.Body), fmt.Sprintf(`"a%d":"`, many-1))) {
				all, shown = all+1, e
			}
		}
		if all == 2 {
			r.Verdict, r.Want = trial.Fail, "an error"
			if r.Got != "" {
				r.Got += "; "
			}
			r.Got += c.what + " are answered"
			r.Shown = append(r.Shown, shown)
		}
	}
	return r
}

func suggestions(ctx context.Context, t *trial.Trial, g graph) (r trial.Result) {
	e, err := g.ask(ctx, t, query("{__typenam}"))
	switch {
	case err != nil:
		r.Reason = trial.Reason(err)
	case strings.Contains(string(e.Body), "Did you mean"):
		r.Verdict, r.Got, r.Want = trial.Fail, "Did you mean …", "an error that suggests nothing"
		r.Shown = append(r.Shown, e)
	default:
		r.Verdict = trial.Pass
	}
	return r
}
