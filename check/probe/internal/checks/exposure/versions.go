package exposure

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

var numbered = regexp.MustCompile(`^v(\d+)$`)

// versions: an old version has the faults that were mended in the new one.
func versions(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	r, any := another(ctx, t)
	if any {
		report(r)
		if r.Verdict != trial.Fail {
			return
		}
	}
	more, err := left(ctx, t)
	for _, r := range more {
		report(r)
	}
	switch {
	case err != nil:
		report(trial.Result{Reason: trial.Reason(err)})
	case !any && len(more) == 0:
		report(trial.Result{Verdict: trial.Pass})
	}
}

// another looks for a version that the document does not name, and that serves
// what one does that it names.
func another(ctx context.Context, t *trial.Trial) (trial.Result, bool) {
	m := t.Maker("versions")
	tried := 0
	for _, p := range paths(ctx, t) {
		if p.b == nil || p.b.Op.Method != http.MethodGet || tried == maxVersioned {
			continue
		}
		segments := strings.Split(t.Document.Base+p.template, "/")
		at := slices.IndexFunc(segments, numbered.MatchString)
		if at < 0 {
			continue
		}
		n, _ := strconv.Atoi(numbered.FindStringSubmatch(segments[at])[1])
		ask := func(version string, who *identity.Identity) (*traffic.Exchange, bool) {
			r := p.b.Draft.As(who).Request()
			s := strings.Split(r.Path, "/") // what is filled in has no slash
			if len(s) <= at {
				return nil, false
			}
			s[at] = version
			r.Path = strings.Join(s, "/")
			if t.Operation(r) != nil {
				return nil, false // it is described
			}
			e, err := t.Send(ctx, r)
			return e, err == nil && e.OK() && alike(e, p.b.Last)
		}
		versions := []string{fmt.Sprintf("v%d", n-1), fmt.Sprintf("v%d", n+1), "beta", "internal"}
		if tried++; tried > 1 {
			versions = versions[:1] // an old one may be left in a few places
		}
		for _, version := range versions {
			if version == "v-1" {
				continue
			}
			e, ok := ask(version, p.b.Who)
			if !ok {
				continue
			}
			if _, any := ask("v"+m.Mark(), p.b.Who); any {
				return trial.Result{Operation: p.b.Op.Name(), Reason: "a version that nobody has is answered too"}, true
			}
			r := trial.Result{Operation: p.b.Op.Name(), Verdict: trial.Fail, Got: "the version " + version + ", which the document does not name, is served", Want: "404 or 410", Shown: []*traffic.Exchange{e}}
			if p.b.Op.Secured() && !p.b.Who.IsAnonymous() {
				if plain, err := t.Send(ctx, p.b.Draft.As(identity.Anonymous()).Request()); err == nil && plain.Refused() {
					if open, ok := ask(version, identity.Anonymous()); ok {
						r.Severity, r.Got, r.Shown = finding.High, r.Got+" to strangers", []*traffic.Exchange{plain, open}
					}
				}
			}
			return r, true
		}
	}
	return trial.Result{}, false
}

// maxVersioned is how many operations are asked for in an older version.
const maxVersioned = 40

// alike tells whether an answer is of the same form as another, or has most of
// its members: an older version often shows more.
func alike(e, of *traffic.Exchange) bool {
	if trial.Shape(e) == trial.Shape(of) {
		return true
	}
	have, want := trial.Leaves(e), trial.Leaves(of)
	n := 0
	for at := range want {
		if _, ok := have[at]; ok {
			n++
		}
	}
	return n > 1 && 2*n >= len(want)
}
