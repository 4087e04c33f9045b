package injection

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// A spelling writes an address of the canary, with a token as its path.
type spelling func(port int, token string) string

func spelled(form string) spelling {
	return func(port int, token string) string { return fmt.Sprintf(form, port, token) }
}

// usual are tried of every slot.
func usual() []spelling {
	return []spelling{
		spelled("http://127.0.0.1:%d/%s"), spelled("http://localhost:%d/%s"), spelled("http://[::ffff:127.0.0.1]:%d/%s"), spelled("http://2130706433:%d/%s"),
		spelled("127.0.0.1:%d/%s"),
	}
}

// unusual are tried where the usual ones were refused: what a list of names and
// numbers forgets, and what looks like a host that is allowed to who compares
// texts.
func unusual(g *target, c *trial.Canary, s *slot) []spelling {
	var out []spelling
	host, end := allowed(g, s)
	if end != "" {
		out = append(out, spelled("http://127.0.0.1:%d/%s/a"+end)) // it was the name that was refused
	}
	if c.Six() {
		out = append(out, spelled("http://[::1]:%d/%s"))
	}
	return append(
		out,
		spelled("http://127.1:%d/%s"), spelled("http://0.0.0.0:%d/%s"), spelled("http://LocalHost:%d/%s"), spelled("http://0x7f000001:%d/%s"), spelled("http://0177.0.0.1:%d/%s"),
		spelled("http://"+host+"@127.0.0.1:%d/%s"), spelled("http://127.0.0.1:%d/%s?"+host),
	)
}

// allowed is a host that a slot takes, as far as its value tells, and what the
// name of a file there ends in.
func allowed(g *target, s *slot) (host, end string) {
	values := []any{s.Value}
	if s.Schema != nil {
		values = []any{s.Schema.Example, s.Schema.Default, s.Value}
	}
	for _, v := range values {
		text, _ := v.(string)
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" || strings.ContainsAny(u.Hostname(), "%:") {
			continue
		}
		if end = path.Ext(u.Path); len(end) > 5 || strings.ContainsAny(end, "%") {
			end = ""
		}
		return u.Hostname(), end
	}
	return g.t.Client.Base().Hostname(), ""
}

// Bounds: of redirects of the API that are looked for, and that are used.
const (
	maxLooked = 8
	maxWays   = 2
)

func hasURLs(ctx context.Context, t *trial.Trial) bool {
	for _, g := range targets(ctx, t) {
		for _, s := range g.slots {
			if urlish(g, s) {
				return true
			}
		}
	}
	return false
}

// redirectors lead to the canary by the API's own redirects: who looks at a
// host once and follows redirects after that ends there.
func redirectors(ctx context.Context, t *trial.Trial, c *trial.Canary) []spelling {
	var out []spelling
	looked := 0
	for _, g := range targets(ctx, t) {
		if g.op.Method != http.MethodGet || g.draft == nil {
			continue
		}
		for _, s := range g.slots {
			if s.In != "query" || s.kind == typed || g.status/100 != 3 && !s.is("url", "uri", "next", "redirect", "return", "goto", "continue", "dest") || looked == maxLooked || len(out) == maxWays {
				continue
			}
			looked++
			// Who is sent there has no credentials.
			to := func(address string) *trial.Draft {
				return g.draft.As(identity.Anonymous()).With(s.Slot, address)
			}
			address := c.URL(c.Token(t))
			e, err := g.send(ctx, to(address))
			if err != nil || e.Status/100 != 3 || e.Header.Get("Location") != address {
				continue
			}
			base := t.Client.Base()
			out = append(out, func(_ int, token string) string {
				return base.Scheme + "://" + base.Host + to(c.URL(token)).Request().Path
			})
		}
	}
	return out
}
