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

func sqlChecks() []*trial.Check {
	return []*trial.Check{{
		ID: "probe/sql-injection", Claim: "values are never part of a database's statement", Severity: finding.Critical,
		Refs: []string{"CWE-89", "V1.2.4"},
		Sure: "a value that is a valid part of a statement and one that is not, alike in all else, were answered differently, each twice with other values; or the database itself said so",
		Fix:  "Bind values as parameters, and take names of columns from a list.", Pavise: "lint/sql-injection",
		Run: bySlot(asked, sqlInjection),
	}, {
		ID: "probe/nosql-injection", Claim: "an operator in the place of a value is refused", Severity: finding.High,
		Refs: []string{"CWE-943", "V1.2.4"},
		Sure: "an operator that matches everything widened the answer, and a name like it that is none did not, each twice",
		Fix:  "Require a text where a text is meant, before it is given to a query.", Pavise: "jsonbody",
		Run: bySlot(operable, operators),
	}, {
		ID: "probe/ldap-injection", Claim: "values are never part of a directory's filter", Severity: finding.High,
		Refs: []string{"CWE-90", "V1.2.6"},
		Sure: "a directory complained of its filter twice, and of a value without parentheses never",
		Fix:  "Escape values for filters (RFC 4515 section 3).", Pavise: "",
		Run: bySlot(textual, ldap),
	}}
}

func asked(_ *target, s *slot) bool { return s.kind != file }

// textual slots take a text.
func textual(g *target, s *slot) bool {
	return s.kind != file && s.kind != typed && g.op.Method != http.MethodDelete
}

const wantData = "the answer to a text that is not found, or 422"

func sqlInjection(ctx context.Context, g *target, s *slot) *outcome {
	if s.err == nil && g.reads() && s.In == "query" && s.is("sort", "order", "dir") {
		// It takes no text, but perhaps an expression.
		if o := g.sorted(ctx, s); o != nil {
			return o
		}
	}
	if o, ok := s.settled(); ok {
		return o
	}
	var without *traffic.Exchange
	if g.base != nil {
		without = g.base.Last
	}
	if who, _ := says(sqlSigns, s.answer, without); who != "" || crashed(s.answer) && g.status < 500 {
		if o := g.broken(ctx, s); o != nil && o.verdict != trial.Inconclusive {
			return o
		}
	}
	switch {
	case g.login:
		return g.signedIn(ctx, s)
	case !g.reads() && (s.In != "body" || !searches(g)):
		return nil // a condition that becomes wider could change everything
	}
	if n, ok := s.number(); ok && (s.In == "path" || s.In == "query") {
		if o := g.arithmetic(ctx, s, n); o != nil || s.kind == typed {
			return o
		}
	}
	if s.kind != free || s.In != "path" && s.In != "query" && s.In != "header" && s.In != "body" {
		return nil
	}
	if s.In == "path" && g.base != nil {
		return g.narrowed(ctx, s)
	}
	return g.widened(ctx, s)
}

// broken looks for texts that break a statement, and for texts just like them
// that do not.
func (g *target) broken(ctx context.Context, s *slot) *outcome {
	for _, q := range []string{"'", `"`, `\`, ")"} {
		var o *outcome
		for range 2 {
			next, err := g.breaks(ctx, s, q)
			if err != nil {
				return unclear(err)
			}
			if next == nil {
				o = nil
				break
			}
			if o == nil || next.verdict != trial.Fail {
				o = next
			}
		}
		if o != nil {
			return o
		}
	}
	return nil
}

func (g *target) breaks(ctx context.Context, s *slot, q string) (*outcome, error) {
	mark := g.make.Mark()
	twin, err := g.try(ctx, s, s.quoted(mark, "q"))
	if err != nil {
		return nil, err
	}
	if s.kind == typed && crashed(twin) {
		// A letter is no part of a number either.
		if twin, err = g.try(ctx, s, s.Value); err != nil {
			return nil, err
		}
	}
	e, err := g.try(ctx, s, s.quoted(mark, q))
	if err != nil {
		return nil, err
	}
	if who, words := says(sqlSigns, e, twin); who != "" {
		return failed(wantData, "%s says %q to a text that ends in %s (%d)", who, words, q, e.Status).by(twin, e), nil
	}
	if !crashed(e) || crashed(twin) {
		return nil, nil
	}
	// A server may fail at a quote for many reasons. That a text with another
	// quote is fine, one that is an expression too, and one that is as like it
	// as can be, but no expression, is not, is a database's alone.
	valid, invalid := []string{q + "||" + q + "x", q + "+" + q + "x"}, q+"!!"+q+"x"
	double := q + q
	if _, ok := s.number(); ok && s.kind == typed {
		low, _ := g.ordered()
		valid, invalid = []string{fmt.Sprintf("-(%d-%d)", low, low)}, fmt.Sprintf("-(%d-%d", low, low)
		double = ""
	}
	if double != "" {
		twice, err := g.try(ctx, s, s.quoted(mark, double))
		if err != nil {
			return nil, err
		}
		if crashed(twice) {
			return nil, nil
		}
	}
	for _, end := range valid {
		good, err := g.try(ctx, s, s.quoted(g.make.Mark(), end))
		if err != nil {
			return nil, err
		}
		if crashed(good) || refuses(good) {
			continue
		}
		bad, err := g.try(ctx, s, s.quoted(g.make.Mark(), invalid))
		if err != nil {
			return nil, err
		}
		if crashed(bad) {
			return failed(wantData, "%d to a text that ends in %s and to %s, and %d to the expressions %s and %s", e.Status, q, invalid, good.Status, double, end).by(twin, good, bad), nil
		}
		break
	}
	if q == "'" && double != "" {
		return suspected(wantData, "%d to a text with one quote, and none to a text with two", e.Status).by(twin, e), nil
	}
	return nil, nil
}

// narrowed asks for what is there, and for what is there under a condition.
// Nothing but a database finds the one and not the other: the texts differ in
// the order of two numbers alone.
func (g *target) narrowed(ctx context.Context, s *slot) *outcome {
	value := fmt.Sprint(s.Value)
	var yes, no *traffic.Exchange
	for range 2 {
		low, high := g.ordered()
		var err error
		if yes, err = g.try(ctx, s, fmt.Sprintf("%s' AND '%d'<'%d", value, low, high)); err != nil {
			return unclear(err)
		}
		if !yes.OK() || g.base.Same(yes) < 0.9 {
			return nil
		}
		if no, err = g.try(ctx, s, fmt.Sprintf("%s' AND '%d'<'%d", value, high, low)); err != nil {
			return unclear(err)
		}
		if no.OK() && g.base.Same(no) >= 0.9 {
			return nil
		}
	}
	return failed(wantData, "the object is found where a condition after it holds (%d), and is not where it does not (%d)", yes.Status, no.Status).by(no, yes)
}

// widened asks for what is not there, or something that holds, or something
// that does not.
func (g *target) widened(ctx context.Context, s *slot) *outcome {
	var yes, no *traffic.Exchange
	for range 2 {
		low, high := g.ordered()
		mark := g.make.Mark()
		var err error
		if yes, err = g.try(ctx, s, fmt.Sprintf("%s' OR '%d'<'%d", mark, low, high)); err != nil {
			return unclear(err)
		}
		if !yes.OK() || alike(yes, s.answer) {
			return nil
		}
		if no, err = g.try(ctx, s, fmt.Sprintf("%s' OR '%d'<'%d", mark, high, low)); err != nil {
			return unclear(err)
		}
		twin, err := g.try(ctx, s, mark)
		if err != nil {
			return unclear(err)
		}
		if !wider(yes, no) || !alike(no, twin) {
			return nil
		}
	}
	return failed("no more than to a text that is not found", "a condition that always holds finds %d values, one that never does %d", len(trial.Leaves(yes)), len(trial.Leaves(no))).by(no, yes)
}

// alike tells whether two answers say as much.
func alike(a, b *traffic.Exchange) bool {
	return b != nil && a.Status == b.Status && len(trial.Leaves(a)) == len(trial.Leaves(b)) && trial.Shape(a) == trial.Shape(b)
}

// wider tells whether an answer holds more than another.
func wider(a, b *traffic.Exchange) bool {
	return a.OK() && (!b.OK() || len(trial.Leaves(a)) > len(trial.Leaves(b)) || len(a.Body) > 2*len(b.Body)+64)
}

// arithmetic writes a number as a difference. One that is cut off at what is
// no digit is another number.
func (g *target) arithmetic(ctx context.Context, s *slot, n int) *outcome {
	if g.base == nil {
		return nil
	}
	same := func(v string) (*traffic.Exchange, bool, error) {
		e, err := g.try(ctx, s, v)
		if err != nil {
			return nil, false, err
		}
		return e, e.OK() && g.base.Same(e) >= 0.9, nil
	}
	var yes, no *traffic.Exchange
	for range 2 {
		k := 3 + g.make.Rand().IntN(60)
		var ok bool
		var err error
		if yes, ok, err = same(fmt.Sprintf("%d-%d", n+k, k)); err != nil {
			return unclear(err)
		}
		if !ok {
			return nil
		}
		if no, ok, err = same(fmt.Sprintf("%d-%d", n+k, k+1+g.make.Rand().IntN(3))); err != nil {
			return unclear(err)
		}
		if ok {
			return nil
		}
	}
	e, ok, err := same(fmt.Sprintf("(SELECT %d)", n))
	if err != nil {
		return unclear(err)
	}
	if ok {
		return failed(wantData, "a difference and a SELECT are taken for the number that they make").by(no, yes, e)
	}
	return suspected(wantData, "a difference is taken for the number that it makes").by(no, yes)
}

// sorted gives an expression in the place of a column's name.
func (g *target) sorted(ctx context.Context, s *slot) *outcome {
	columns := []string{"id", "name"}
	if v, ok := s.Value.(string); ok && v != "" {
		columns = []string{v}
	} else if s.Schema != nil {
		if v, ok := s.Schema.Default.(string); ok {
			columns = []string{v}
		}
	}
	for _, c := range columns {
		forms := []string{"(CASE WHEN (%d<%d) THEN " + c + " ELSE " + c + " %s)"}
		if up := strings.ToUpper(c); up == "ASC" || up == "DESC" {
			forms = []string{c + ",(CASE WHEN (%d<%d) THEN 1 ELSE 2 %s)"}
		}
		for _, form := range forms {
			var good, bad *traffic.Exchange
			found := true
			for range 2 {
				low, high := g.ordered()
				var err error
				if good, err = g.try(ctx, s, fmt.Sprintf(form, low, high, "END")); err != nil {
					return unclear(err)
				}
				if !good.OK() {
					found = false
					break
				}
				if bad, err = g.try(ctx, s, fmt.Sprintf(form, low, high, "ENT")); err != nil {
					return unclear(err)
				}
				if bad.OK() {
					found = false
					break
				}
			}
			if found {
				return failed("422, as to a name of no column", "an expression that is sorted by is answered with %d, one that is misspelt with %d", good.Status, bad.Status).by(bad, good)
			}
		}
	}
	return nil
}

// signedIn adds conditions to the name of somebody who signs in.
func (g *target) signedIn(ctx context.Context, s *slot) *outcome {
	if g.base == nil || s.Value == nil || !s.is("user", "name", "email", "login") {
		return nil
	}
	var yes, no *traffic.Exchange
	for range 2 {
		low, high := g.ordered()
		var err error
		if yes, err = g.try(ctx, s, fmt.Sprintf("%v' AND '%d'<'%d", s.Value, low, high)); err != nil {
			return unclear(err)
		}
		if !yes.OK() {
			return nil
		}
		if no, err = g.try(ctx, s, fmt.Sprintf("%v' AND '%d'<'%d", s.Value, high, low)); err != nil {
			return unclear(err)
		}
		if no.OK() {
			return nil
		}
	}
	return failed("401", "a name with a condition that holds signs in (%d), with one that does not it does not (%d)", yes.Status, no.Status).by(no, yes)
}

// operable are slots whose value may become an operator of a query: parameters
// of what reads, and bodies of what searches or signs in. Elsewhere an
// operator that matches everything could change everything.
func operable(g *target, s *slot) bool {
	if s.kind == file || s.kind == typed && s.In == "query" {
		return false
	}
	switch s.In {
	case "query":
		return g.reads()
	case "body":
		return g.op.Method == http.MethodPost && g.draft.Type != "multipart/form-data" && (g.login && g.base != nil && s.is("pass") || searches(g))
	}
	return false
}

func searches(g *target) bool {
	return holds(strings.ToLower(g.op.Path+" "+g.op.ID), "search", "query", "filter", "find", "lookup")
}

func operators(ctx context.Context, g *target, s *slot) *outcome {
	if o, ok := s.settled(); ok {
		return o
	}
	var e, twin *traffic.Exchange
	for _, op := range []string{"ne", "gt"} {
		value := g.make.Mark()
		if op == "gt" {
			value = ""
		}
		var err error
		if e, err = g.operator(ctx, s, "$"+op, value); err != nil {
			return unclear(err)
		}
		if !e.OK() || !g.login && alike(e, s.answer) {
			return nil
		}
		if twin, err = g.operator(ctx, s, "x"+op, value); err != nil {
			return unclear(err)
		}
		if g.login && twin.OK() || !g.login && !wider(e, twin) {
			return nil
		}
	}
	if g.login {
		o := failed("422", "an operator in the place of the password signs in").by(twin, e)
		o.severity = finding.Critical
		return o
	}
	return failed("422, or as much as to a text that is not found", "$gt finds %d values, where a name like it finds %d", len(trial.Leaves(e)), len(trial.Leaves(twin))).by(twin, e)
}

func (g *target) operator(ctx context.Context, s *slot, name, value string) (*traffic.Exchange, error) {
	if s.In == "body" {
		d := g.fresh().With(s.Slot, map[string]any{name: value})
		if d.Type == "application/x-www-form-urlencoded" {
			d = g.fresh()
			if fields, ok := d.Body.(map[string]any); ok {
				delete(fields, s.Name)
				fields[s.Name+"["+name+"]"] = value
			}
		}
		return g.send(ctx, d)
	}
	d := g.fresh()
	kept := d.Query[:0]
	for _, f := range d.Query {
		if f.Name != s.Name {
			kept = append(kept, f)
		}
	}
	d.Query = append(kept, trial.Field{Name: s.Name + "[" + name + "]", Value: value})
	return g.send(ctx, d)
}

func ldap(ctx context.Context, g *target, s *slot) *outcome {
	if o, ok := s.settled(); ok {
		return o
	}
	if who, _ := says(ldapSigns, s.answer, nil); who == "" {
		return nil
	}
	var e, twin *traffic.Exchange
	var words string
	for range 2 {
		mark := g.make.Mark()
		var err error
		if twin, err = g.try(ctx, s, mark+"--pv"); err != nil {
			return unclear(err)
		}
		if e, err = g.try(ctx, s, mark+")(pv"); err != nil {
			return unclear(err)
		}
		if _, words = says(ldapSigns, e, twin); words == "" {
			return nil
		}
	}
	return failed(wantData, "the directory says %q to a text with parentheses", words).by(twin, e)
}
