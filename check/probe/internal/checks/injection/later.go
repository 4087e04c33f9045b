package injection

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// verbs are what an operation on an object is called that has the server call
// an address which the object holds: POST /webhooks/{id}/test.
func verbs() []string {
	return []string{"test", "ping", "send", "trigger", "run", "fire", "deliver", "redeliver", "verify", "refresh", "fetch", "check", "sync", "preview", "retry", "import", "poll", "crawl", "execute", "notify"}
}

// maxLater bounds the operations that are asked after an address was stored.
const maxLater = 3

// actions are operations that may call what an object made or changed by this
// target holds.
func (g *target) actions() []*openapi.Operation {
	creator := g.op
	if g.op.Method != http.MethodPost || len(g.t.On(g.op)) == 0 {
		creator = g.t.Creator(g.op)
	}
	if creator == nil {
		return nil
	}
	var out []*openapi.Operation
	for _, op := range g.t.On(creator) {
		last := strings.ToLower(op.Path[strings.LastIndexByte(strings.TrimSuffix(op.Path, "/"), '/')+1:])
		if op != g.op && op.Method == http.MethodPost && !trial.Destroys(op) && slices.ContainsFunc(verbs(), func(w string) bool { return strings.HasPrefix(last, w) }) && len(out) < maxLater {
			out = append(out, op)
		}
	}
	return out
}

// maxStored is how many spellings that were stored are called.
const maxStored = 3

// storable are spellings that the slot took: the plainest alone where it did.
func storable(calls []call) []spelling {
	var out []spelling
	for i, x := range calls {
		if !x.taken {
			continue
		}
		if i == 0 {
			return []spelling{x.write}
		}
		if len(out) < maxStored {
			out = append(out, x.write)
		}
	}
	return out
}

// later stores an address of the canary in an object, and has the API do with
// the object what it does: many look at an address when it is stored and not
// when it is called, or when it is made and not when it is changed. Calls are
// what the slot was given already: what it refused is not stored.
func (g *target) later(ctx context.Context, c *trial.Canary, s *slot, calls []call) *outcome {
	ways := storable(calls)
	if len(ways) == 0 {
		return nil
	}
	for _, action := range g.actions() {
		write, _, err := g.called(ctx, c, s, action, ways)
		if err != nil {
			return unclear(err)
		}
		if write == nil {
			continue
		}
		again, shown, err := g.called(ctx, c, s, action, []spelling{write})
		if err != nil {
			return unclear(err)
		}
		if again != nil {
			return failed(wantPublic, "a loopback listener was asked by %s, after its address was stored", action.Name()).by(shown...)
		}
	}
	return nil
}

// called stores addresses, one after the other, and asks for the action after
// each: the spelling by which the canary was reached; nil if it was not.
func (g *target) called(ctx context.Context, c *trial.Canary, s *slot, action *openapi.Operation, ways []spelling) (spelling, []*traffic.Exchange, error) {
	type try struct {
		token string
		write spelling
		shown []*traffic.Exchange
	}
	var tries []try
	for _, write := range ways {
		token := c.Token(g.t)
		c.Serve(token, "text/plain; charset=utf-8", []byte(g.make.Mark()))
		d := g.with(s, write(c.Port(), token))
		stored, err := g.t.Send(ctx, d.Request())
		g.sent++
		if err != nil {
			return nil, nil, err
		}
		o := g.t.Adopt(d, stored)
		if !stored.OK() {
			continue
		}
		call, err := g.t.Draft(ctx, action, d.Who, values.Least)
		if err != nil {
			continue
		}
		for _, name := range action.PathParams() {
			switch {
			case d.Path[name] != "":
				call = call.WithPath(name, d.Path[name])
			case o != nil:
				call = call.WithPath(name, o.ID)
			}
		}
		e, err := g.t.Send(ctx, call.Request())
		g.sent++
		if err != nil {
			return nil, nil, err
		}
		tries = append(tries, try{token, write, []*traffic.Exchange{stored, e}})
		if len(c.Hits(token)) > 0 {
			return write, tries[len(tries)-1].shown, nil
		}
	}
	// They are waited for together.
	for i, x := range tries {
		hits := c.Hits(x.token)
		if i == 0 {
			hits = c.Wait(ctx, x.token, 2*patience)
		}
		if len(hits) > 0 {
			return x.write, x.shown, nil
		}
	}
	return nil, nil, nil
}
