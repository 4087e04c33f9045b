package injection

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

func deserializeChecks() []*trial.Check {
	const fix = "Exchange JSON, and make objects of it by a schema; for YAML use a safe loader. Where a value must come back unchanged, sign it, and verify the signature before it is read."
	return []*trial.Check{{
		ID: "probe/deserialization", Claim: "what clients send makes no objects of its own choice", Severity: finding.Critical,
		Refs: []string{"CWE-502", "V1.5.2"},
		Sure: "the probe's own listener was asked for a path that only the object named, twice; or a class of a name that the request made up was looked for, twice. Words of a reader of objects are a suspicion. It is tried only where the API shows such objects, or a name or a type says that they are taken",
		Fix:  fix, Pavise: "lint/unsafe-deserialization",
		Run: byHoles(func(*hole) bool { return true }, deserialize),
	}, {
		ID: "probe/deserialization-time", Claim: "no object that a client sends makes the API wait", Severity: finding.Critical, Intrusive: true,
		Refs: []string{"CWE-502", "V1.5.2"},
		Sure: "the answer came as much later as the object asked for, 0, 1 and 2 seconds in turns, three times each",
		Fix:  fix, Pavise: "lint/unsafe-deserialization",
		Run: byHoles(func(h *hole) bool { return slices.Contains(h.of, python) || slices.Contains(h.of, yaml) }, sleepsObject),
	}}
}

// A hole is a place that takes objects in a language's own form.
type hole struct {
	name string
	of   []language
	with func(object string) *trial.Draft
}

// byHoles makes a check that looks into the holes of the operations that have
// such ones.
func byHoles(about func(*hole) bool, look func(context.Context, *target, *hole) *outcome) func(context.Context, *trial.Trial, func(trial.Result)) {
	return func(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
		all := trial.Shared(t, "holes", func() map[*target][]*hole { return findHoles(ctx, t) })
		byTarget(func(g *target) bool { return slices.ContainsFunc(all[g], about) }, func(ctx context.Context, g *target) *outcome {
			var worst *outcome
			for _, h := range all[g] {
				if !about(h) || ctx.Err() != nil {
					continue
				}
				if o := look(ctx, g, h); o != nil && (worst == nil || rank(o.verdict) > rank(worst.verdict)) {
					if worst = o; o.got != "" {
						o.got = h.name + ": " + o.got
					}
				}
			}
			return worst
		})(ctx, t, report)
	}
}

// shown is an object that an answer showed, by the name of what held it.
type shown struct {
	l       language
	encoded bool
	// by set the cookie.
	by *target
}

// maxReaders bounds how many operations a cookie is sent to that none of them
// documents.
const maxReaders = 3

func findHoles(ctx context.Context, t *trial.Trial) map[*target][]*hole {
	all := targets(ctx, t)
	members, cookies := map[string]shown{}, map[string]shown{}
	for _, g := range all {
		if g.base == nil {
			continue
		}
		for at, v := range trial.Leaves(g.base.Last) {
			if l, encoded, ok := written(v); ok {
				members[strings.ToLower(at[strings.LastIndexByte(at, '/')+1:])] = shown{l, encoded, g}
			}
		}
		given := (&http.Response{Header: g.base.Last.Header}).Cookies()
		for _, c := range append(given, g.draft.Who.Cookies...) {
			if l, encoded, ok := written(c.Value); ok && cookies[c.Name].by == nil {
				cookies[c.Name] = shown{l, encoded, g}
			}
		}
	}
	out := map[*target][]*hole{}
	for _, g := range all {
		if g.draft == nil || g.login || g.op.Method == http.MethodDelete {
			continue
		}
		for _, s := range g.slots {
			if h := g.hole(s, members); h != nil {
				out[g] = append(out[g], h)
			}
		}
		if h := g.rawHole(); h != nil {
			out[g] = append(out[g], h)
		}
	}
	for _, name := range sortedShown(cookies) {
		g, found := cookies[name], []*target{}
		for _, o := range all {
			if o.draft != nil && o.op.Param("cookie", name) != nil {
				found = append(found, o)
			}
		}
		if len(found) == 0 {
			found = append(found, g.by)
			for _, o := range all {
				if o != g.by && o.base != nil && o.reads() && len(found) < maxReaders {
					found = append(found, o)
				}
			}
		}
		for _, o := range found {
			out[o] = append(out[o], o.cookieHole(name, g))
		}
	}
	return out
}

func sortedShown(m map[string]shown) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// wrapped writes an object as a place wants it.
func wrapped(object string, encoded bool) string {
	if encoded {
		return base64.StdEncoding.EncodeToString([]byte(object))
	}
	return object
}

// hole is what a slot takes, as far as its value, those of its name in answers,
// and its name tell; nil if it is no object.
func (g *target) hole(s *slot, members map[string]shown) *hole {
	if s.kind == file {
		return g.fileHole(s)
	}
	if _, text := s.Value.(string); !text && s.Value != nil || s.kind == email || s.kind == address || s.Schema != nil && len(s.Schema.Enum) > 0 || s.In == "path" {
		return nil
	}
	name := strings.ToLower(s.Name)
	see, ok := members[name]
	values := []any{s.Value}
	if s.Schema != nil {
		values = append(values, s.Schema.Example, s.Schema.Default)
	}
	for _, v := range values {
		if text, is := v.(string); is && !ok {
			see.l, see.encoded, ok = written(text)
		}
	}
	h := &hole{name: s.String(), of: []language{see.l}}
	switch {
	case ok:
	case s.is("yaml", "yml") || name == "config" || name == "configuration" || name == "manifest":
		h.of = []language{yaml}
	case s.is("pickle", "serialized", "serialised", "marshal"):
		h.of, see.encoded = []language{python, java, php, ruby}, true
	case slices.Contains([]string{"state", "session", "session_data", "session_state", "sessiondata", "saved_state", "savedstate"}, name):
		h.of, see.encoded = []language{python}, true
	default:
		return nil
	}
	h.with = func(object string) *trial.Draft {
		v := wrapped(object, see.encoded)
		if s.max >= 0 && len(v) > s.max {
			return nil
		}
		return g.with(s, v)
	}
	return h
}

// fileHole is for files whose name says that they are configuration or saved
// objects.
func (g *target) fileHole(s *slot) *hole {
	name := strings.ToLower(s.Name + " " + g.op.Path + " " + g.op.ID)
	send := func(end, kind string) func(string) *trial.Draft {
		return func(object string) *trial.Draft {
			return g.with(s, trial.File{Name: g.make.Mark() + end, Type: kind, Data: []byte(object)})
		}
	}
	switch {
	case holds(name, "yaml", "yml", "config", "manifest", "playbook", "compose"):
		return &hole{s.String(), []language{yaml}, send(".yaml", "application/yaml")}
	case holds(name, "pickle", "pkl", "model", "checkpoint", "restore", "backup"):
		return &hole{s.String(), []language{python}, send(".pkl", "application/octet-stream")}
	}
	return nil
}

// rawHole is a body whose type is that of objects.
func (g *target) rawHole() *hole {
	for _, b := range g.op.Bodies {
		var l language
		switch kind := b.Type; {
		case strings.Contains(kind, "yaml"):
			l = yaml
		case strings.Contains(kind, "pickle"), kind == "application/octet-stream":
			l = python
		case strings.Contains(kind, "java-serialized"):
			l = java
		case strings.Contains(kind, "php.serialized"):
			l = php
		case strings.Contains(kind, "ruby-marshal"):
			l = ruby
		default:
			continue
		}
		return &hole{"the body in " + b.Type, []language{l}, func(object string) *trial.Draft {
			return g.fresh().WithBody(b.Type, []byte(object))
		}}
	}
	return nil
}

// cookieHole sends a cookie in the place of the one that the API set.
func (g *target) cookieHole(name string, see shown) *hole {
	return &hole{"cookie " + name, []language{see.l}, func(object string) *trial.Draft {
		d := g.fresh()
		if d.Who != nil {
			d.Who = d.Who.Clone()
			d.Who.Cookies = slices.DeleteFunc(d.Who.Cookies, func(c *http.Cookie) bool { return c.Name == name })
		} else {
			d.Who = identity.Anonymous()
		}
		if d.Cookie == nil {
			d.Cookie = map[string]string{}
		}
		v := wrapped(object, see.encoded)
		if !see.encoded {
			v = escapeCookie(v)
		}
		d.Cookie[name] = v
		return d
	}}
}

// escapeCookie is for values that no cookie may hold (RFC 6265 section 4.1.1).
func escapeCookie(v string) string {
	return strings.NewReplacer("%", "%25", `"`, "%22", ";", "%3B", ",", "%2C", " ", "%20", `\`, "%5C", "\n", "%0A").Replace(v)
}

const wantNoObject = "4xx, and no object"

// put sends an object; there is no exchange where the place is too short.
func (g *target) put(ctx context.Context, h *hole, object string) (*traffic.Exchange, error) {
	d := h.with(object)
	if d == nil {
		return nil, nil
	}
	return g.send(ctx, d)
}

func deserialize(ctx context.Context, g *target, h *hole) *outcome {
	var twin *traffic.Exchange
	var err error
	for _, l := range h.of {
		if o := g.asked(ctx, h, l); o != nil {
			return o
		}
	}
	for _, l := range h.of {
		if readers[l] == nil {
			continue
		}
		if twin == nil {
			if twin, err = g.send(ctx, g.fresh()); err != nil {
				return unclear(err)
			}
		}
		if o := g.heard(ctx, h, l, twin); o != nil {
			return o
		}
	}
	if !g.t.Near() && h.of[0].asks("") != "" {
		return &outcome{reason: "the API runs elsewhere, and no listener is where it could call"}
	}
	return nil
}

// asked sends an object that asks the canary.
func (g *target) asked(ctx context.Context, h *hole, l language) *outcome {
	if l.asks("") == "" {
		return nil
	}
	c, err := g.t.Canary()
	if err != nil {
		return unclear(err)
	}
	var last *traffic.Exchange
	for range 2 {
		token := c.Token(g.t)
		if last, err = g.put(ctx, h, l.asks(c.URL(token))); err != nil {
			return unclear(err)
		}
		if last == nil || len(c.Wait(ctx, token, patience)) == 0 {
			return nil
		}
	}
	return failed(wantNoObject, "%s is read, and the function that it names is called", l).by(last)
}

// heard sends an object of a class that nobody has, and listens to what is
// said of it.
func (g *target) heard(ctx context.Context, h *hole, l language, twin *traffic.Exchange) *outcome {
	classes, said := 0, ""
	var last *traffic.Exchange
	for range 2 {
		class := g.make.Mark()
		e, err := g.put(ctx, h, l.named(class))
		if err != nil {
			return unclear(err)
		}
		if e == nil {
			return nil
		}
		_, words := says(readers[l], e, twin)
		if words == "" {
			return nil
		}
		if m := lookedFor().FindSubmatch(e.Body); m != nil && strings.EqualFold(string(m[1]), class) {
			classes++
		}
		last, said = e, words
	}
	if classes == 2 {
		return failed(wantNoObject, "%s is read, and a class of the name in it is looked for", l).by(twin, last)
	}
	return suspected(wantNoObject, "%q, which is said of %s", said, l).by(twin, last)
}

func sleepsObject(ctx context.Context, g *target, h *hole) *outcome {
	for _, l := range h.of {
		if l.sleeps(0) == "" || h.with(l.sleeps(2)) == nil {
			continue
		}
		last, slept, err := g.dosed(ctx, func(dose int) *trial.Draft { return h.with(l.sleeps(dose)) })
		if err != nil {
			return unclear(err)
		}
		if slept {
			return failed("an answer at once", "%s is read, and makes the API wait for as many seconds as it says", l).by(last)
		}
	}
	return nil
}
