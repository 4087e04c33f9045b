package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// pollution sends a parameter twice. A server that validates one of them and
// uses the other lets through what it refuses.
func pollution(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	t.Each(func(op *openapi.Operation) {
		if op.Method != http.MethodGet || foreign(op) || ctx.Err() != nil {
			return
		}
		b, err := t.Baseline(ctx, op, t.Caller(op))
		if err != nil {
			return // told as uncovered
		}
		for _, p := range op.Params {
			if p.In != "query" || p.Schema == nil || !only(p.Schema, "integer") && !only(p.Schema, "boolean") && len(p.Schema.Enum) == 0 {
				continue
			}
			valid := ""
			for _, f := range b.Draft.Query {
				if f.Name == p.Name {
					valid = f.Value
				}
			}
			if valid == "" {
				continue
			}
			r := trial.Result{Operation: op.Name(), Verdict: trial.Pass}
			ask := func(vs ...string) *traffic.Exchange {
				d := t.Again(b)
				d.Query = slices.DeleteFunc(d.Query, func(f trial.Field) bool { return f.Name == p.Name })
				for _, v := range vs {
					d.Query = append(d.Query, trial.Field{Name: p.Name, Value: v})
				}
				e, err := t.Send(ctx, d.Request())
				if err != nil {
					r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
					return nil
				}
				return e
			}
			alone := ask("pvx")
			if alone == nil || !alone.Refused() {
				if alone != nil {
					r.Verdict, r.Reason = trial.NotApplicable, "the parameter is not validated at all"
				}
				report(r)
				return
			}
			before, after := ask("pvx", valid), ask(valid, "pvx")
			if before != nil && after != nil && before.OK() && after.OK() {
				r.Verdict, r.Got, r.Want = trial.Fail, "a value that is refused alone is taken next to a valid one, in either order", "400, or one of the two orders refused"
				r.Shown = []*traffic.Exchange{alone, before, after}
			}
			report(r)
			return // one parameter tells
		}
	})
}

// million is more than any list gives.
const (
	million = "1000000"
	aBound  = 1000
)

// paging asks for a million.
func paging(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	names := []string{"limit", "page_size", "pagesize", "per_page", "perpage", "size", "count", "top", "take", "first", "max_results", "maxresults", "max", "rows"}
	t.Each(func(op *openapi.Operation) {
		if op.Method != http.MethodGet || ctx.Err() != nil {
			return
		}
		i := slices.IndexFunc(op.Params, func(p *openapi.Param) bool {
			return p.In == "query" && slices.Contains(names, strings.ToLower(strings.ReplaceAll(p.Name, "-", "_"))) && (p.Schema == nil || p.Schema.Is("integer"))
		})
		if i < 0 {
			return
		}
		p := op.Params[i]
		r := trial.Result{Operation: op.Name()}
		defer func() { report(r) }()
		b, err := t.Baseline(ctx, op, t.Caller(op))
		if err != nil {
			r.Reason = trial.Reason(err)
			return
		}
		for range 2 {
			one, err := t.Send(ctx, t.Again(b).WithQuery(p.Name, "1").Request())
			if err != nil {
				r.Reason = trial.Reason(err)
				return
			}
			e, err := t.Send(ctx, t.Again(b).WithQuery(p.Name, million).Request())
			if err != nil {
				r.Reason = trial.Reason(err)
				return
			}
			switch n := rows(e); {
			case e.Refused() && e.Status != http.StatusTooManyRequests:
				r.Verdict = trial.Pass
				return
			case !e.OK():
				r.Reason = fmt.Sprintf("%s=%s is answered with %d", p.Name, million, e.Status)
				return
			case repeats(e, p.Name) && !repeats(one, p.Name):
				r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("%s=%s is taken: the answer repeats it", p.Name, million), "4xx, or a bound"
			case n > aBound && n > rows(one):
				r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("%s=%s gives %d at once", p.Name, million, n), fmt.Sprintf("4xx, or at most %d", aBound)
			case says(e):
				// The answer names its own bound.
				r.Verdict = trial.Pass
				return
			case p.Schema == nil || p.Schema.Max != p.Schema.Max: // NaN: there is none
				r.Verdict, r.Severity = trial.Suspect, finding.Low
				r.Got, r.Want = fmt.Sprintf("%s=%s is answered with %d, the document has no maximum, and there are too few to tell whether there is a bound", p.Name, million, e.Status), "4xx, or a bound"
			default:
				r.Reason = "more than the maximum of the document is taken, and there are too few to tell whether all would come"
				return
			}
			r.Shown = []*traffic.Exchange{e}
		}
	})
}

// rows is how many an answer holds: its longest array, at the top or one
// below.
func rows(e *traffic.Exchange) int {
	var body any
	if json.Unmarshal(e.Body, &body) != nil {
		if e.Cut {
			return strings.Count(string(e.Body), "},{") // the beginning of many
		}
		return 0
	}
	n := 0
	switch v := body.(type) {
	case []any:
		return len(v)
	case map[string]any:
		for _, x := range v {
			if l, ok := x.([]any); ok {
				n = max(n, len(l))
			}
		}
	}
	return n
}

// repeats tells whether an answer says that a million was what it took.
func repeats(e *traffic.Exchange, name string) bool {
	for at, v := range trial.Leaves(e) {
		last := at[strings.LastIndexByte(at, '/')+1:]
		if v == million && strings.Count(at, "/") <= 2 && (strings.EqualFold(flatName(last), flatName(name)) || pagingName(last)) {
			return true
		}
	}
	return false
}

// says tells whether an answer names a bound of its own that is not ours.
func says(e *traffic.Exchange) bool {
	for at, v := range trial.Leaves(e) {
		last := at[strings.LastIndexByte(at, '/')+1:]
		if pagingName(last) && strings.Count(at, "/") <= 2 && v != million && len(v) <= 4 && strings.Trim(v, "0123456789") == "" && v != "0" {
			return true
		}
	}
	return false
}

func flatName(s string) string { return strings.NewReplacer("_", "", "-", "").Replace(s) }

func pagingName(s string) bool {
	return slices.Contains([]string{"limit", "pagesize", "perpage"}, strings.ToLower(flatName(s)))
}

// head asks with HEAD what is guarded for GET.
func head(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	t.Each(func(op *openapi.Operation) {
		if op.Method != http.MethodGet || !op.Secured() || ctx.Err() != nil {
			return
		}
		r := trial.Result{Operation: op.Name()}
		defer func() { report(r) }()
		b, err := t.Baseline(ctx, op, t.Caller(op))
		if err != nil {
			r.Reason = trial.Reason(err)
			return
		}
		if b.Who.IsAnonymous() {
			r.Reason = "there are no credentials to leave out"
			return
		}
		anon := b.Draft.As(identity.Anonymous())
		for range 2 {
			d := anon.Clone()
			d.Method = http.MethodHead
			h, err := t.Send(ctx, d.Request())
			if err != nil {
				r.Reason = trial.Reason(err)
				return
			}
			if !h.OK() {
				r.Verdict = trial.Pass
				return
			}
			// A server that answers each HEAD so gives nothing away.
			n := d.Clone()
			n.Exact = t.Document.Base + "/" + t.Maker("head").Mark()
			nowhere, err := t.Send(ctx, n.Request())
			if err != nil || nowhere.OK() {
				r.Verdict, r.Reason = trial.NotApplicable, "HEAD is answered with 2xx wherever it goes"
				return
			}
			g, err := t.Send(ctx, anon.Request())
			if err != nil {
				r.Reason = trial.Reason(err)
				return
			}
			if !g.Refused() {
				r.Verdict, r.Reason = trial.NotApplicable, fmt.Sprintf("GET without credentials is answered with %d, too", g.Status)
				return
			}
			r.Verdict, r.Got, r.Want = trial.Fail, fmt.Sprintf("HEAD without credentials is answered with %d, and GET with %d", h.Status, g.Status), fmt.Sprint(g.Status)
			r.Shown = []*traffic.Exchange{g, h}
		}
	})
}

// Uploads.
const upload = 12 << 20

// fileIn is the first file of a form.
func fileIn(b *trial.Baseline) (name string, list bool) {
	fields, ok := b.Draft.Body.(map[string]any)
	if !ok || b.Draft.Type != "multipart/form-data" {
		return "", false
	}
	for _, k := range sorted(fields) {
		switch v := fields[k].(type) {
		case trial.File:
			return k, false
		case []any:
			if len(v) > 0 {
				if _, ok := v[0].(trial.File); ok {
					return k, true
				}
			}
		}
	}
	return "", false
}

func fileSchema(b *trial.Baseline) *openapi.Schema {
	name, list := fileIn(b)
	s := bodySchema(b).Property(name)
	if list && s != nil {
		s = s.Items
	}
	return s
}

func withFile(t *trial.Trial, b *trial.Baseline, f trial.File) *trial.Draft {
	name, list := fileIn(b)
	d := t.Again(b)
	fields, _ := d.Body.(map[string]any)
	if fields[name] = f; list {
		fields[name] = []any{f}
	}
	return d
}

func eachUpload(ctx context.Context, t *trial.Trial, report func(trial.Result), most int, f func(b *trial.Baseline) trial.Result) {
	n := 0
	t.Each(func(op *openapi.Operation) {
		if n >= most || ctx.Err() != nil || !slices.ContainsFunc(op.Bodies, func(b *openapi.Body) bool { return b.Type == "multipart/form-data" }) {
			return
		}
		b, err := t.Baseline(ctx, op, t.Caller(op))
		if err != nil {
			report(trial.Result{Operation: op.Name(), Reason: trial.Reason(err)})
			return
		}
		if name, _ := fileIn(b); name == "" {
			return
		}
		n++
		r := f(b)
		r.Operation = op.Name()
		report(r)
	})
}

// uploads sends one large file, of one operation.
func uploads(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	eachUpload(ctx, t, report, 1, func(b *trial.Baseline) (r trial.Result) {
		mark := t.Maker("upload").Mark()
		d := withFile(t, b, trial.File{Name: mark + ".txt", Type: "text/plain", Data: []byte(strings.Repeat(mark+"\n", upload/(len(mark)+1)))})
		e, err := t.Send(ctx, d.Request())
		switch {
		case dropped(err):
			r.Verdict = trial.Pass // the connection was closed in the middle
		case err != nil:
			r.Reason = trial.Reason(err)
		case e.OK():
			t.Adopt(d, e)
			// An API that is made for files may take as much.
			r.Verdict, r.Got, r.Want = trial.Suspect, fmt.Sprintf("a file of 12 MiB is answered with %d", e.Status), "413"
			if s := fileSchema(b); s != nil && s.MaxLength >= 0 && s.MaxLength < upload {
				r.Verdict = trial.Fail
			}
			r.Shown = append(r.Shown, e)
		case e.Refused():
			r.Verdict = trial.Pass
		default:
			r.Reason = fmt.Sprintf("a file of 12 MiB is answered with %d", e.Status)
		}
		return r
	})
}

// uploadTypes sends a page and a drawing that holds a script.
func uploadTypes(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	eachUpload(ctx, t, report, 3, func(b *trial.Baseline) (r trial.Result) {
		r.Verdict = trial.Pass
		for _, f := range []trial.File{
			{Name: ".html", Type: "text/html", Data: []byte("<!doctype html><title>pv</title>")},
			{Name: ".png", Type: "image/png", Data: []byte("<!doctype html><title>pv</title>")},
			{Name: ".svg", Type: "image/svg+xml", Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"><title>pv</title></svg>`)},
		} {
			what := f.Type + " as " + f.Name
			if f.Name == ".png" {
				what = "a page as image/png"
			}
			f.Name = t.Maker("upload "+b.Op.Name()).Mark() + f.Name
			d := withFile(t, b, f)
			e, err := t.Send(ctx, d.Request())
			if err != nil {
				r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
				return r
			}
			if e.OK() {
				t.Adopt(d, e)
				r.Verdict, r.Got, r.Want = trial.Suspect, what+" is taken", "4xx, unless such files are wanted"
				r.Shown = []*traffic.Exchange{e}
				return r
			}
		}
		return r
	})
}
