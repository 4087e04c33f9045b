package injection

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

func commandChecks() []*trial.Check {
	return []*trial.Check{{
		ID: "probe/command-injection", Claim: "values are never part of a shell's command", Severity: finding.Critical,
		Refs: []string{"CWE-78", "V1.2.5"},
		Sure: "the product of two numbers was in the answer twice, that only a shell can have worked out, or a loopback listener was asked three times for what only the command names",
		Fix:  "Call the program without a shell, with the value as one argument after --.", Pavise: "lint/command-injection",
		Run: commandInjection,
	}}
}

const wantNoCommand = "a text that is no command"

// hasText tells whether an operation takes any text.
func hasText(g *target) bool {
	for _, s := range g.slots {
		if textual(g, s) {
			return true
		}
	}
	return g.draft == nil && g.op.Method != http.MethodDelete
}

// sum is what a POSIX shell writes as a mark and a product.
func sum(mark string, a, b int) string { return fmt.Sprintf("%s$((%d*%d))", mark, a, b) }

// shells is a text that is a pipe to echo, whether it stands in quotes of
// either kind or in none. It has no semicolon and its quotes come in pairs: to
// a database it is no statement.
func shells(mark string, a, b int) string {
	e := "|echo " + sum(mark, a, b)
	return mark + e + "'" + e + "'\"" + e + `"`
}

// others are for what runs commands by its name, where the first is filtered.
func others() []string {
	return []string{"pv$(echo %s)", "pv`echo %s`", "pv\necho %s\n", "pv&&echo %s", "pv||echo %s", "pv;echo %s"}
}

func commands(ctx context.Context, g *target) *outcome {
	var slots []*slot
	for _, s := range g.slots {
		if o, done := s.settled(); textual(g, s) && !done {
			slots = append(slots, s)
		} else if o != nil {
			return o
		}
	}
	confirm := func(s *slot, form func(mark string, a, b int) string) *outcome {
		var last *traffic.Exchange
		for range 2 {
			mark := g.make.Mark()
			a, b := g.factors()
			e, err := g.try(ctx, s, form(mark, a, b))
			if err != nil {
				return unclear(err)
			}
			if !computed(string(e.Body), mark, a*b) {
				return nil
			}
			last = e
		}
		return failed(wantNoCommand, "%s: a shell has worked out a product", s).by(last)
	}
	// All at once, as far as they are alike.
	var together, alone []*slot
	for _, s := range slots {
		if s.kind == free && s.In != "path" && !g.login && g.accepted(s.answer) {
			together = append(together, s)
		} else if s.kind == free {
			alone = append(alone, s)
		}
	}
	if len(together) > 0 {
		d := g.fresh()
		marks, products := make([]string, len(together)), make([]int, len(together))
		for i, s := range together {
			a, b := g.factors()
			marks[i], products[i] = g.make.Mark(), a*b
			v := shells(marks[i], a, b)
			if s.max >= 0 && len(v) > s.max {
				v = marks[i] + "|echo " + sum(marks[i], a, b)
			}
			if s.max >= 0 && len(v) > s.max {
				continue
			}
			d = d.With(s.Slot, v)
		}
		e, err := g.send(ctx, d)
		if err != nil {
			return unclear(err)
		}
		for i, s := range together {
			if computed(string(e.Body), marks[i], products[i]) {
				if o := confirm(s, shells); o != nil {
					return o
				}
			}
		}
		if !g.accepted(e) {
			alone = append(together, alone...)
		}
	}
	for _, s := range alone {
		if !runs(s) && s.In == "path" && !holds(strings.ToLower(g.op.Path), "ping", "run", "exec", "cmd", "tool") {
			continue
		}
		if o := confirm(s, shells); o != nil {
			return o
		}
	}
	for _, s := range slots {
		if !runs(s) {
			continue
		}
		for _, form := range others() {
			if o := confirm(s, func(mark string, a, b int) string { return fmt.Sprintf(form, sum(mark, a, b)) }); o != nil {
				return o
			}
		}
		// cmd.exe knows numbers in set /a alone.
		if o := confirm(s, func(mark string, a, b int) string {
			return fmt.Sprintf("pv&<nul set /p =%s&set /a %d*%d", mark, a, b)
		}); o != nil {
			return o
		}
	}
	return nil
}

// runs tells whether a slot is named like a program's argument.
func runs(s *slot) bool {
	if s.kind != free || s.In == "header" {
		return false
	}
	return s.is("host", "cmd", "command", "exec", "domain", "program", "process", "shell", "script", "arg", "ping", "target") || strings.EqualFold(s.Name, "ip") || s.is("ip_addr", "ipaddr")
}
