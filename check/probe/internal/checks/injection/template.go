package injection

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

func templateChecks() []*trial.Check {
	return []*trial.Check{{
		ID: "probe/template-injection", Claim: "values are never part of a template", Severity: finding.Critical,
		Refs: []string{"CWE-1336", "V1.3.7"},
		Sure: "what an engine alone makes of two numbers, such as their product, was in the answer right after a mark, twice, and was not where the twin has parentheses; that a placeholder is replaced or taken out is no proof",
		Fix:  "Give values to a template as its data; never make a template of them.", Pavise: "lint/template-injection",
		Run: bySlot(textual, templates),
	}, {
		ID: "probe/code-injection", Claim: "values are never run as code", Severity: finding.Critical,
		Refs: []string{"CWE-95", "V1.3.2"},
		Sure: "a function that the value defines and calls was run twice; that numbers are multiplied is no more than a suspicion",
		Fix:  "Parse the expression with a grammar of your own, and evaluate that.", Pavise: "lint/eval",
		Run: bySlot(expressive, code),
	}}
}

func templates(ctx context.Context, g *target, s *slot) *outcome {
	if o, ok := s.settled(); ok {
		return o
	}
	if s.first == nil {
		return nil
	}
	list := g.likely(s)
	for i, x := range list {
		// Those after the first few are for few engines.
		if i >= common && g.sent >= perOperation-left {
			break
		}
		o, err := g.rendered(ctx, s, x)
		if err != nil {
			return unclear(err)
		}
		if o != nil {
			return o
		}
	}
	return nil
}

// likely are the engines that are worth a request each: all of them where the
// polyglot was worked out, failed, or came back with a part taken out; those
// that cannot read it where that may be hidden.
func (g *target) likely(s *slot) []engine {
	body := string(s.first.Body)
	who, _ := says(templateSigns, s.first, nil)
	refused := refuses(s.first) && !refuses(s.answer)
	back := strings.Contains(body, s.mark)
	eaten := back && s.first.OK() && !strings.Contains(body, fmt.Sprintf("{{%d*%d}}", s.a, s.b)) && strings.Contains(body, fmt.Sprintf("#{%d*%d}", s.a, s.b))
	switch {
	case who != "", computed(body, s.mark, s.a*s.b), crashed(s.first) && g.status < 500:
		return engines()
	case refused && namesTemplate(g, s), eaten:
		return engines()
	case back && namesTemplate(g, s) && g.quiet < maxQuiet && g.sent < perOperation/2:
		g.quiet++
		return slices.DeleteFunc(engines(), func(x engine) bool { return !x.strict })
	}
	return nil
}

// maxQuiet is how many slots of an operation are asked for engines of which
// nothing was heard.
const maxQuiet = 2

// namesTemplate tells whether a slot is called what templates are, or is of an
// operation that renders.
func namesTemplate(g *target, s *slot) bool {
	return s.is("template", "greeting", "salutation", "layout", "subject", "signature", "prompt", "message", "format") ||
		holds(strings.ToLower(g.op.Path), "render", "preview", "template", "mail", "notif", "greet")
}

// rendered tries one engine, twice, and with a twin that no engine reads.
func (g *target) rendered(ctx context.Context, s *slot, x engine) (*outcome, error) {
	var last, twin *traffic.Exchange
	for round := range 2 {
		mark := g.make.Mark()
		a, b := g.factors()
		value := mark + x.write(a, b)
		if s.max >= 0 && len(value) > s.max {
			return nil, nil
		}
		e, err := g.try(ctx, s, value)
		if err != nil {
			return nil, err
		}
		if !computed(string(e.Body), mark, x.makes(a, b)) {
			return nil, nil
		}
		last = e
		if round == 0 {
			// A text that is as like it as can be comes back as it is.
			if twin, err = g.try(ctx, s, mark+fmt.Sprintf("((%d*%d))", a, b)); err != nil {
				return nil, err
			}
			if computed(string(twin.Body), mark, x.makes(a, b)) {
				return nil, nil
			}
		}
	}
	return failed("the text as it is", "what stands in %s… is worked out", x.shape).by(twin, last), nil
}

// expressive slots are named like expressions.
func expressive(g *target, s *slot) bool {
	return textual(g, s) && s.kind == free && (s.is("expr", "formula", "calc", "equation", "eval", "code", "script", "rule", "condition", "predicate") || strings.EqualFold(s.Name, "filter"))
}

func code(ctx context.Context, g *target, s *slot) *outcome {
	if s.err != nil {
		return unclear(s.err)
	}
	// A grammar may refuse what is no expression and take what is one, so that
	// nothing is settled by the answer to the polyglot.
	var product *traffic.Exchange
	for range 2 {
		a, b := g.factors()
		e, err := g.try(ctx, s, fmt.Sprintf("%d*%d", a, b))
		if err != nil {
			return unclear(err)
		}
		if !slices.Contains(numbersIn(string(e.Body)), a*b) {
			return nil
		}
		product = e
	}
	for _, form := range []string{
		"(lambda:%d*%d)()",                       // Python
		"(function(){return %d*%d})()",           // JavaScript
		"->{%d*%d}.call",                         // Ruby
		"(function(){return %d*%d;})();",         // PHP
		"T(java.lang.Math).multiplyExact(%d,%d)", // SpEL
	} {
		var last *traffic.Exchange
		for range 2 {
			a, b := g.factors()
			e, err := g.try(ctx, s, fmt.Sprintf(form, a, b))
			if err != nil {
				return unclear(err)
			}
			last = nil
			if !slices.Contains(numbersIn(string(e.Body)), a*b) {
				break
			}
			last = e
		}
		if last != nil {
			return failed("422", "a function that the value defines is called").by(product, last)
		}
	}
	return suspected("a grammar of its own", "numbers are multiplied; whether more is evaluated is not known").by(product)
}

// numbersIn are the whole numbers in a text.
func numbersIn(text string) []int {
	var out []int
	for _, f := range strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		if n, err := strconv.Atoi(f); err == nil {
			out = append(out, n)
		}
	}
	return out
}
