package crosssite

import (
	"context"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
	"github.com/pavise-dev/pavise/finding"
)

// A twin is an origin that looks like an allowed one to a comparison that is
// not of the whole.
type twin struct {
	what   string
	origin func(mark string) string
	// wide is an origin that a rule for subdomains of what somebody registered
	// allows: a twin that is one of them is no fault of the comparison then.
	wide func(mark string) string
	// doubt tells that somebody may want that.
	doubt bool
}

// twinsOf are those of an origin that may be allowed.
func twinsOf(origin string) []twin {
	scheme, host, _ := strings.Cut(origin, "://")
	name, port, _ := strings.Cut(host, ":")
	p := parent(name)
	if port != "" {
		p += ":" + port
	}
	literal := strings.Trim(host, "0123456789.:") == ""
	ends := twin{what: "an origin that ends as " + origin + " does", origin: func(mark string) string { return scheme + "://" + mark + host }}
	if !literal && p != host {
		ends.wide = func(mark string) string { return scheme + "://" + mark + "." + p }
	}
	list := []twin{
		{what: "an origin that begins as " + origin + " does", origin: func(mark string) string { return origin + "." + mark + ".invalid" }},
		ends,
		{what: "any subdomain of " + origin, origin: func(mark string) string { return scheme + "://" + mark + "." + host }, doubt: true},
	}
	if ends.wide != nil {
		list = append(list, twin{what: "an origin that ends as " + scheme + "://" + p + " does", origin: func(mark string) string { return scheme + "://" + mark + p }})
	}
	if before, after, ok := strings.Cut(host, "."); ok && !literal {
		list = append(list, twin{what: "an origin with another character for the dot of " + origin, origin: func(string) string { return scheme + "://" + before + "x" + after }})
	}
	if scheme == "https" {
		list = append(list, twin{what: origin + " without TLS", origin: func(string) string { return "http://" + host }})
	}
	return list
}

// lookalikes are twins of a host of which no allowed origin is known: a rule
// may let in what it was not made for alone.
func lookalikes(host string) []twin {
	p := parent(host)
	list := []twin{
		{what: "an origin that ends as " + p + " does", origin: func(mark string) string { return "https://" + mark + p }},
		{what: "an origin that begins as https://" + host + " does", origin: func(mark string) string { return "https://" + host + "." + mark + ".invalid" }},
		{what: "an origin that begins as https://" + p + " does", origin: func(mark string) string { return "https://" + p + "." + mark + ".invalid" }},
	}
	if before, after, _ := strings.Cut(host, "."); strings.Contains(after, ".") {
		list = append(list, twin{what: "an origin with another character for the dot of https://" + host, origin: func(string) string { return "https://" + before + "x" + after }})
	}
	return list
}

// twins asks for origins that look like allowed ones to a comparison that is
// not of the whole: by prefix, suffix, or a pattern with a bare dot.
func twins(ctx context.Context, t *trial.Trial, b *trial.Baseline, m *values.Maker, report func(trial.Result)) {
	list := []twin{{what: "the origin null, which any page in a sandboxed frame has,", origin: func(string) string { return "null" }}}
	base := t.Client.Base()
	for _, origin := range unique(known(ctx, t, b), base.Scheme+"://"+base.Host) {
		list = append(list, twinsOf(origin)...)
	}
	for _, host := range domains(ctx, t) {
		list = append(list, lookalikes(host)...)
	}
	asked := map[string]bool{}
	reported := map[string]bool{}
	for _, w := range list {
		// The same origin may be a twin of several.
		if form := w.origin("*"); asked[form] {
			continue
		} else {
			asked[form] = true
		}
		r := trial.Result{Operation: b.Op.Name(), Verdict: trial.Pass, Want: "no " + allowOrigin + " for it"}
		n := 0
		for range 2 {
			e, g := allows(ctx, t, b, w.origin(m.Mark()))
			if g != allowed && g != allowedWithCookies {
				break
			}
			n++
			r.Shown, r.Severity = []*traffic.Exchange{e}, finding.Medium
			r.Got = w.what + " is allowed"
			if g == allowedWithCookies {
				r.Got, r.Severity = r.Got+", with credentials", finding.High
			}
		}
		if n < 2 || reported[r.Got] {
			continue
		}
		// Who allows everybody after all is judged by that.
		if e, g := allows(ctx, t, b, evil(m)); e == nil || g != closed {
			return
		}
		if w.wide != nil {
			if _, g := allows(ctx, t, b, w.wide(m.Mark())); g == allowed || g == allowedWithCookies {
				continue
			}
		}
		reported[r.Got] = true
		r.Verdict = trial.Fail
		if w.doubt {
			r.Verdict, r.Severity = trial.Suspect, finding.Low
		}
		report(r)
	}
}

// allows is what a page of an origin may do; no answer is none.
func allows(ctx context.Context, t *trial.Trial, b *trial.Baseline, origin string) (*traffic.Exchange, access) {
	e, err := t.Send(ctx, from(b, origin))
	if err != nil {
		return nil, closed
	}
	return e, granted(e, origin)
}
