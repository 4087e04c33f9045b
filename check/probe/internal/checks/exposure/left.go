package exposure

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// maxLeft is of how many versions what they left open is asked for.
const maxLeft = 6

// leftOpen are paths that old versions had for everybody, and that today's
// document may have no more.
func leftOpen() []string {
	return []string{"/users/1", "/users", "/users/me", "/accounts/1", "/customers/1", "/admin/users"}
}

// A release is a version of the API: what its paths begin with, before and
// including the version.
type release struct {
	before string
	number int
	// named tells that the document has operations of it.
	named bool
	op    *openapi.Operation // one of the version that the document has
}

func (r release) prefix() string { return fmt.Sprintf("%s/v%d", r.before, r.number) }

// releases are the versions that the document names, those that came before,
// newest first.
func releases(t *trial.Trial) []release {
	var out []release
	add := func(r release) {
		if !slices.ContainsFunc(out, func(o release) bool { return o.prefix() == r.prefix() }) {
			out = append(out, r)
		}
	}
	for _, op := range t.Operations {
		segments := strings.Split(t.Document.Base+op.Path, "/")
		at := slices.IndexFunc(segments, numbered.MatchString)
		if at < 0 || slices.ContainsFunc(segments[:at], func(s string) bool { return strings.Contains(s, "{") }) {
			continue
		}
		n, err := strconv.Atoi(segments[at][1:])
		if err != nil || n > 99 {
			continue // a year
		}
		add(release{strings.Join(segments[:at], "/"), n, true, op})
	}
	for _, r := range slices.Clone(out) {
		if r.number > 0 {
			add(release{r.before, r.number - 1, false, r.op})
		}
	}
	// What nobody describes any more is what nobody looks after.
	slices.SortStableFunc(out, func(a, b release) int {
		switch {
		case a.named == b.named:
			return a.number - b.number
		case b.named:
			return -1
		}
		return 1
	})
	return out[:min(len(out), maxLeft)]
}

// left asks versions for what old ones commonly leave open.
func left(ctx context.Context, t *trial.Trial) ([]trial.Result, error) {
	var out []trial.Result
	callers := []*identity.Identity{identity.Anonymous()}
	if users := t.Users(); len(users) > 0 && !users[0].IsAnonymous() {
		callers = append(callers, users[0])
	}
	for _, r := range releases(t) {
		for _, p := range leftOpen() {
			at := r.prefix() + p
			if documented(t, at) {
				continue
			}
			for _, who := range callers {
				if who.IsAnonymous() && r.named && guessed(t, at) {
					continue // another check asks for it
				}
				res, ok, err := r.open(ctx, t, p, who)
				if err != nil {
					return out, err
				}
				if ok {
					out = append(out, res)
					break
				}
			}
		}
	}
	return out, nil
}

// guessed tells whether a path is one that [hiddenRoutes] asks for.
func guessed(t *trial.Trial, at string) bool {
	return slices.ContainsFunc(below(t), func(base string) bool { return at == base+"/users" || at == base+"/admin/users" })
}

// open asks for a path of a version.
func (r release) open(ctx context.Context, t *trial.Trial, p string, who *identity.Identity) (trial.Result, bool, error) {
	mark := t.Maker("left " + r.prefix() + p + who.Name).Mark()
	ask := func(path string) (*traffic.Exchange, bool, error) {
		d := &trial.Draft{Op: r.op, Method: "GET", Who: who, Exact: path}
		e, err := t.Send(ctx, d.Request())
		return e, err == nil && e.OK() && strings.Contains(e.Type(), "json"), err
	}
	first, rest, _ := strings.Cut(p[1:], "/")
	if rest != "" {
		rest = "/" + rest
	}
	at := r.prefix() + p
	var shown *traffic.Exchange
	for range 2 {
		e, ok, err := ask(at)
		if err != nil || !ok {
			return trial.Result{}, false, err
		}
		shown = e
	}
	// Neither a path that nobody has, nor a version that nobody has.
	for _, twin := range []string{r.prefix() + "/" + first + mark + rest, fmt.Sprintf("%s/v%s%s", r.before, mark, p), fmt.Sprintf("%s/v%d%s", r.before, r.number+57, p)} {
		if _, ok, err := ask(twin); err != nil || ok {
			return trial.Result{}, false, err
		}
	}
	to := "strangers"
	if !who.IsAnonymous() {
		to = "any caller"
	}
	res := trial.Result{
		Verdict: trial.Suspect, Severity: finding.Low, Want: "401, 404 or 410", Shown: []*traffic.Exchange{shown},
		Got: fmt.Sprintf("%d to %s at %s, which no operation has", shown.Status, to, at),
	}
	what := personal(shown)
	if what == "" || !who.IsAnonymous() && (p == "/users/me" || mine(shown, who)) {
		return res, true, nil
	}
	res.Verdict, res.Severity = trial.Fail, finding.High
	if !who.IsAnonymous() {
		res.Severity = finding.Medium
	}
	res.Got += ", with " + what
	return res, true, nil
}

// mine tells whether an answer is about who called, as far as it can be told.
func mine(e *traffic.Exchange, who *identity.Identity) bool {
	names := []string{who.Email, who.Username}
	if who.Login != nil {
		names = append(names, who.Login.Username)
	}
	body := strings.ToLower(string(e.Body))
	return strings.HasPrefix(strings.TrimSpace(body), "{") && slices.ContainsFunc(names, func(s string) bool {
		return len(s) > 2 && strings.Contains(body, `"`+strings.ToLower(s)+`"`)
	})
}
