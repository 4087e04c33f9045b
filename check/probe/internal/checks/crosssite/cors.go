package crosssite

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
	"github.com/pavise-dev/pavise/finding"
)

const (
	allowOrigin      = "Access-Control-Allow-Origin"
	allowCredentials = "Access-Control-Allow-Credentials"
)

// from is a baseline's request as the script of an origin's page sends it.
// Some libraries decide otherwise when there is a cookie, so there is one.
func from(b *trial.Baseline, origin string) *traffic.Request {
	r := with(b.Draft.Request(), "Origin", origin)
	if r.Header.Get("Cookie") == "" {
		r.Header.Set("Cookie", "pv=1")
	}
	return r
}

func evil(m *values.Maker) string { return "https://" + m.Mark() + ".invalid" }

// What the answer lets a page of an origin do.
type access int

const (
	closed access = iota
	everybody
	allowed
	allowedWithCookies
	everybodyWithCookies
)

func granted(e *traffic.Exchange, origin string) access {
	with := strings.EqualFold(e.Header.Get(allowCredentials), "true")
	switch values := e.Header.Values(allowOrigin); {
	case len(values) == 0:
		return closed
	case slices.Contains(values, origin) && with:
		return allowedWithCookies
	case slices.Contains(values, origin):
		return allowed
	case slices.Contains(values, "*") && with:
		return everybodyWithCookies
	case slices.Contains(values, "*"):
		return everybody
	}
	return closed
}

// origins: a page that may read the answers reads them with the cookies of
// whoever looks at it, or from within the network that its reader is in.
func origins(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	all := reads(ctx, t)
	if len(all) == 0 {
		report(trial.Result{Reason: noReads})
		return
	}
	m := t.Maker("cors")
	anyone := false
	for _, b := range all {
		r := trial.Result{Operation: b.Op.Name(), Verdict: trial.Pass, Want: "no " + allowOrigin + " for an origin that is not known"}
		var got [2]access
		for i := range got {
			origin := evil(m)
			e, err := t.Send(ctx, from(b, origin))
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				break
			}
			got[i] = granted(e, origin)
			if got[i] == closed {
				break
			}
			r.Shown = []*traffic.Exchange{e}
		}
		if r.Verdict == trial.Pass && got[0] != closed && got[0] == got[1] {
			anyone = true
			r.Verdict = trial.Fail
			switch got[0] {
			case allowedWithCookies:
				r.Got, r.Severity = "every origin is allowed by name, with credentials", finding.High
			case everybodyWithCookies:
				r.Got, r.Severity = allowOrigin+": * with "+allowCredentials+": true", finding.High
			case allowed:
				r.Got, r.Severity = "every origin is allowed by name, without credentials", finding.Medium
			case everybody:
				r.Got, r.Severity = allowOrigin+": *", finding.Low
				if !b.Op.Secured() {
					r.Got, r.Severity = allowOrigin+": * on what is for everybody", finding.Info
				}
			}
		}
		report(r)
	}
	if !anyone {
		twins(ctx, t, all[0], m, report)
	}
}

// known are origins that may be allowed: what the API itself names, where it
// is, and where pages are developed.
func known(ctx context.Context, t *trial.Trial, b *trial.Baseline) []string {
	return trial.Shared(t, "cors known", func() []string {
		base := t.Client.Base()
		list := []string{base.Scheme + "://" + base.Host}
		for _, e := range t.Client.Seen() {
			for _, v := range e.Header.Values(allowOrigin) {
				if v != "*" && v != "null" && !strings.Contains(v, ".invalid") {
					list = append(list, v)
				}
			}
		}
		for _, s := range t.Document.Servers() {
			if u, err := url.Parse(s); err == nil && u.Host != "" {
				list = append(list, u.Scheme+"://"+u.Host)
				if _, parent, ok := strings.Cut(u.Host, "."); ok && strings.Contains(parent, ".") {
					list = append(list, u.Scheme+"://app."+parent, u.Scheme+"://www."+parent, u.Scheme+"://"+parent)
				}
			}
		}
		list = append(list, near(domains(ctx, t))...)
		list = append(list, "http://localhost:3000", "http://localhost:5173", "http://localhost:8080")
		var out []string
		for _, origin := range list {
			if slices.Contains(out, origin) {
				continue
			}
			e, err := t.Send(ctx, from(b, origin))
			if err == nil && granted(e, origin) >= allowed && granted(e, origin) != everybodyWithCookies {
				out = append(out, origin)
			}
			if len(out) == 2 {
				break
			}
		}
		return out
	})
}

// unique is a list and one more, without what is there twice.
func unique(list []string, more string) []string {
	out := slices.Clone(list)
	if !slices.Contains(out, more) {
		out = append(out, more)
	}
	return out
}

// preflight: what a preflight allows, every page of the origin may send.
func preflight(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	all := reads(ctx, t)
	if len(all) == 0 {
		report(trial.Result{Reason: noReads})
		return
	}
	used := []string{"GET", "HEAD", "POST", "OPTIONS"} // which need no preflight, or are it
	for _, op := range t.Operations {
		used = append(used, op.Method)
	}
	m := t.Maker("preflight")
	b := all[0]
	path, _, _ := strings.Cut(b.Draft.Request().Path, "?")
	origin := evil(m)
	if list := known(ctx, t, b); len(list) > 0 {
		origin = list[0]
	}
	field := "x-" + m.Mark()
	ask := func(method, fields string) (*traffic.Exchange, error) {
		return t.Send(ctx, &traffic.Request{Method: http.MethodOptions, Path: path, Header: http.Header{
			"Origin": {origin}, "Access-Control-Request-Method": {method}, "Access-Control-Request-Headers": {fields},
		}})
	}
	r := trial.Result{Verdict: trial.Pass}
	var faults []string
	e, err := ask("GET", field)
	if err != nil {
		report(trial.Result{Reason: trial.Reason(err)})
		return
	}
	plain, err := ask("GET", "content-type")
	if err != nil {
		report(trial.Result{Reason: trial.Reason(err)})
		return
	}
	if granted(e, origin) == closed && granted(plain, origin) == closed {
		report(r)
		return
	}
	if granted(e, origin) != closed && e.Status < 400 {
		for _, word := range words(e.Header.Values("Access-Control-Allow-Headers")) {
			if word == "*" || strings.EqualFold(word, field) {
				faults = append(faults, "any header field is allowed")
				r.Shown = append(r.Shown, e)
				break
			}
		}
	}
	unused := slices.DeleteFunc(words(plain.Header.Values("Access-Control-Allow-Methods")), func(word string) bool {
		return slices.Contains(used, strings.ToUpper(word))
	})
	if len(unused) > 0 {
		faults = append(faults, "methods that no operation has are allowed: "+strings.Join(unused, ", "))
		r.Shown = append(r.Shown, plain)
	}
	const hours = 7200
	if age, err := strconv.Atoi(strings.TrimSpace(plain.Header.Get("Access-Control-Max-Age"))); err == nil && age > hours {
		faults = append(faults, fmt.Sprintf("Access-Control-Max-Age: %d", age))
		r.Shown = append(r.Shown, plain)
	}
	if len(faults) > 0 {
		r.Verdict, r.Got, r.Want = trial.Fail, strings.Join(faults, "; "), "the methods and fields that are needed, for two hours at most"
	}
	report(r)
}

func words(values []string) []string {
	var out []string
	for word := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if word = strings.TrimSpace(word); word != "" {
			out = append(out, word)
		}
	}
	return out
}

// vary: a cache that does not know that the answer depends on Origin gives one
// page another's permission, or takes it away.
func vary(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	all := reads(ctx, t)
	if len(all) == 0 {
		report(trial.Result{Reason: noReads})
		return
	}
	b := all[0]
	m := t.Maker("vary")
	tried := unique(known(ctx, t, b), evil(m))
	r := trial.Result{Verdict: trial.NotApplicable, Reason: "no answer depends on Origin"}
	for _, origin := range tried {
		e, err := t.Send(ctx, from(b, origin))
		if err != nil {
			report(trial.Result{Reason: trial.Reason(err)})
			return
		}
		if e.Header.Get(allowOrigin) != origin {
			continue
		}
		other := evil(m)
		o, err := t.Send(ctx, from(b, other))
		if err != nil || o.Header.Get(allowOrigin) == origin {
			continue // the same for all
		}
		r = trial.Result{Verdict: trial.Pass}
		named := func(e *traffic.Exchange) bool {
			return slices.ContainsFunc(words(e.Header.Values("Vary")), func(w string) bool { return w == "*" || strings.EqualFold(w, "Origin") })
		}
		if !named(e) {
			r = trial.Result{Verdict: trial.Fail, Got: allowOrigin + " that depends on Origin, without Vary: Origin", Want: "Vary: Origin", Shown: []*traffic.Exchange{e}}
		}
		break
	}
	report(r)
}

// openTo are operations that anonymous callers may read.
func openTo(all []*trial.Baseline) []*openapi.Operation {
	var out []*openapi.Operation
	for _, b := range all {
		if b.Who.IsAnonymous() {
			out = append(out, b.Op)
		}
	}
	return out
}
