package injection

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

func outboundChecks() []*trial.Check {
	return []*trial.Check{{
		ID: "probe/ssrf", Claim: "the server asks no internal address that a client names", Severity: finding.Critical,
		Refs: []string{"CWE-918", "API7", "V1.3.6"},
		Sure: "the probe's own listener on a loopback address was asked for paths that only this request knew, twice; or a file was read",
		Fix:  "Resolve the name once, refuse what is not public, connect to the address that was checked, and follow no redirect.", Pavise: "lint/ssrf",
		Run: ssrf,
	}, {
		ID: "probe/xxe", Claim: "documents in XML name no entities", Severity: finding.High,
		Refs: []string{"CWE-611", "V1.5.1"},
		Sure: "the probe's own listener was asked for an entity twice, a file was read, or a text that only an entity makes came back twice",
		Fix:  "Refuse documents that have a DOCTYPE, and media types that nobody is meant to send.", Pavise: "contenttype",
		Run: byTarget(mayTakeXML, xxe),
	}}
}

// urlish slots may be an address that the server calls.
func urlish(g *target, s *slot) bool {
	if g.op.Method == http.MethodDelete || s.kind == file || s.kind == typed || s.kind == email {
		return false
	}
	if s.kind == address || s.is("url", "uri", "link", "callback", "webhook", "endpoint", "href", "feed", "proxy", "fetch", "domain", "remote", "upstream") {
		return true
	}
	if v, ok := s.Value.(string); ok && strings.HasPrefix(v, "http") {
		return true
	}
	name := strings.ToLower(s.Name)
	return strings.HasSuffix(name, "host") || strings.HasSuffix(name, "hostname") || strings.HasSuffix(name, "server") || name == "src" || name == "source" || name == "target" || name == "site" ||
		strings.Contains(name, "avatar") || strings.Contains(name, "image") || name == "address" && holds(strings.ToLower(g.op.Path), "ping", "fetch", "connect")
}

// How long a hit is waited for: many call after they have answered.
const patience = 250 * time.Millisecond

// A call is an address of the canary that a slot was given.
type call struct {
	write         spelling
	token, secret string
	taken         bool // answered with 2xx
}

const wantPublic = "422 to an address that is not public"

func (g *target) call(ctx context.Context, c *trial.Canary, s *slot, write spelling) (call, *traffic.Exchange, error) {
	x := call{write: write, token: c.Token(g.t), secret: g.make.Mark()}
	c.Serve(x.token, "text/plain; charset=utf-8", []byte(x.secret))
	e, err := g.try(ctx, s, write(c.Port(), x.token))
	x.taken = err == nil && e.OK()
	return x, e, err
}

// ssrf gives all slots their addresses, and waits once for what comes of it.
func ssrf(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	calls := map[*slot][]call{}
	failures := map[*slot]error{}
	c, err := t.Canary()
	taken := false
	var ways []spelling
	if err == nil && hasURLs(ctx, t) {
		ways = redirectors(ctx, t, c)
	}
	for _, g := range targets(ctx, t) {
		for _, s := range g.slots {
			switch {
			case !urlish(g, s):
			case err != nil:
				failures[s] = err
			case s.err != nil:
				failures[s] = s.err
			default:
				var ok bool
				calls[s], ok, failures[s] = g.calls(ctx, c, s, ways)
				taken = taken || ok
			}
		}
	}
	if taken {
		select {
		case <-time.After(patience):
		case <-ctx.Done():
		}
	}
	bySlot(urlish, func(ctx context.Context, g *target, s *slot) *outcome {
		for _, x := range calls[s] {
			if len(c.Hits(x.token)) == 0 {
				continue
			}
			again, e, err := g.call(ctx, c, s, x.write)
			if err != nil {
				return unclear(err)
			}
			hits := c.Wait(ctx, again.token, 4*patience)
			if len(hits) == 0 {
				continue
			}
			what := "and its answer is not shown"
			if strings.Contains(string(e.Body), again.secret) {
				what = "and its answer is passed on"
			}
			return failed(wantPublic, "a loopback listener was asked: %s, %s", hits[0], what).by(e)
		}
		if failures[s] != nil {
			return unclear(failures[s])
		}
		if o := g.schemes(ctx, s, wantPublic); o != nil {
			return o
		}
		if o := g.later(ctx, c, s, calls[s]); o != nil {
			return o
		}
		if !g.t.Near() {
			return &outcome{reason: "the API runs elsewhere, and no listener is where it could call"}
		}
		return nil
	})(ctx, t, report)
}

// calls writes the address in all ways; the unusual ones, and those that lead
// there by the API itself, where the plainest was refused: another that is taken
// may be one that nobody can call. Taken tells whether any was not refused.
func (g *target) calls(ctx context.Context, c *trial.Canary, s *slot, ways []spelling) (all []call, taken bool, err error) {
	ask := func(write spelling) (hit bool) {
		if s.max >= 0 && len(write(c.Port(), "pvaaaaaaa")) > s.max {
			return false
		}
		x, e, failure := g.call(ctx, c, s, write)
		if err = failure; err != nil {
			return false
		}
		taken = taken || !e.Refused()
		all = append(all, x)
		return len(c.Hits(x.token)) > 0
	}
	for _, write := range usual() {
		if !strings.Contains(write(0, ""), "//") && (s.kind == address || taken) {
			continue // it takes URLs
		}
		if ask(write) || err != nil {
			return all, taken, err // one is enough
		}
	}
	if len(all) > 0 && all[0].taken {
		return all, taken, nil
	}
	for _, write := range slices.Concat(ways, unusual(g, c, s)) {
		if g.sent >= perOperation-left || ask(write) || err != nil {
			break
		}
	}
	return all, taken, err
}

// left is how many requests of an operation are kept for the checks after this
// one.
const left = 10

// schemes tries addresses that are none of the network's.
func (g *target) schemes(ctx context.Context, s *slot, want string) *outcome {
	for range 2 {
		e, err := g.try(ctx, s, "file:///etc/passwd")
		if err != nil {
			return unclear(err)
		}
		if !passwd().Match(e.Body) {
			break
		}
		twin, err := g.try(ctx, s, "file:///etc/paswwd")
		if err != nil {
			return unclear(err)
		}
		if !passwd().Match(twin.Body) {
			return failed(want, "a file of the system is read by a file: URL (%d)", e.Status).by(twin, e)
		}
	}
	if !g.reads() && g.op.Method != http.MethodPost {
		return nil
	}
	mark := g.make.Mark()
	e, err := g.try(ctx, s, "data:text/plain;base64,"+base64.StdEncoding.EncodeToString([]byte(mark)))
	if err != nil {
		return unclear(err)
	}
	if strings.Contains(string(e.Body), mark) {
		return suspected(want, "a data: URL is read, so that any scheme may be").by(e)
	}
	return nil
}
