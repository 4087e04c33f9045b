package injection

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// inline sends pages as files, and looks at how they come back.
func inline(ctx context.Context, g *target, s *slot) *outcome {
	if g.base == nil {
		return nil
	}
	var failure *outcome
	// What was taken and is nowhere to be found is looked for no further.
	seen, lost := false, false
	for _, kind := range []struct{ end, kind, before, after string }{
		{".html", "text/html", "<!doctype html><p>", "</p>"},
		{".svg", "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"><text>`, "</text></svg>"},
	} {
		for range 2 {
			mark := g.make.Mark()
			f := trial.File{Name: mark + kind.end, Type: kind.kind, Data: []byte(kind.before + mark + element + "</pv1>" + kind.after)}
			e, err := g.try(ctx, s, f)
			if err != nil {
				return unclear(err)
			}
			failure = nil
			if !e.OK() {
				break
			}
			there := false
			look := func(places []*trial.Draft) error {
				for _, d := range places {
					back, err := g.send(ctx, d)
					if err != nil {
						return err
					}
					if !back.OK() || !unescaped(back, mark) {
						continue
					}
					there = true
					if renders(back) {
						failure = failed("Content-Disposition: attachment, or another type", "a file that was sent is rendered as %s", back.Type()).by(e, back)
						if tame(back) {
							failure.severity = finding.Low
						}
						return nil
					}
				}
				return nil
			}
			err = look(g.served(e))
			if err == nil && !there && !lost {
				err = look(g.guesses(e, kind.end))
				lost = !there
			}
			if err != nil {
				return unclear(err)
			}
			seen = seen || there
			if failure == nil {
				break
			}
		}
		if failure != nil {
			return failure
		}
	}
	if !seen {
		return &outcome{reason: "it is not known where files are served"}
	}
	return nil
}

// served are requests for what an upload made: what the answer names, and the
// operations on it.
func (g *target) served(e *traffic.Exchange) []*trial.Draft {
	var out []*trial.Draft
	who := g.draft.Who
	for _, p := range append([]string{e.Header.Get("Location")}, told(e)...) {
		u, err := url.Parse(p)
		if err != nil || len(p) > 300 || len(out) == 3 || !strings.HasPrefix(u.Path, "/") || len(u.Path) < 2 || u.Host != "" && u.Host != g.t.Client.Base().Host {
			continue
		}
		out = append(out, g.at(u.RequestURI()))
	}
	o := g.madeLast()
	if o == nil {
		return out
	}
	for _, op := range g.t.On(g.op) {
		if op.Method != http.MethodGet || len(out) == 6 {
			continue
		}
		d := &trial.Draft{Op: op, Who: who, Base: g.t.Document.Base, Path: map[string]string{}}
		for name, v := range o.Path {
			d.Path[name] = v
		}
		params := op.PathParams()
		d.Path[params[len(params)-1]] = o.ID
		out = append(out, d)
	}
	return out
}

// at is a request for a path as it is.
func (g *target) at(path string) *trial.Draft {
	return &trial.Draft{Op: g.op, Method: http.MethodGet, Who: g.draft.Who, Exact: path}
}

// told are the values of an answer, in the order of their names.
func told(e *traffic.Exchange) []string {
	leaves := trial.Leaves(e)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(leaves)) {
		out = append(out, leaves[name])
	}
	return out
}

// madeLast is the object that the last request made, if it made one.
func (g *target) madeLast() *trial.Object {
	objects := g.t.Objects()
	if len(objects) == 0 || objects[len(objects)-1].Creator != g.op {
		return nil
	}
	return objects[len(objects)-1]
}

// Bounds of guesses: of names in an answer, and of requests.
const (
	maxNames   = 2
	maxGuesses = 8
)

// guesses are requests for a file of which the answer says no more than a name:
// operations that serve files by one, and the directories where they often are.
func (g *target) guesses(e *traffic.Exchange, end string) []*trial.Draft {
	var names, paths, ids []string
	add := func(list *[]string, s string) {
		if s != "" && len(*list) < maxNames && !slices.Contains(*list, s) {
			*list = append(*list, s)
		}
	}
	leaves := trial.Leaves(e)
	for _, at := range slices.Sorted(maps.Keys(leaves)) {
		v := leaves[at]
		name := strings.ToLower(at[strings.LastIndexAny(at, "/.")+1:])
		switch {
		case len(v) > 200 || strings.ContainsAny(v, "\\ ?#<>{}\n"):
		case strings.Contains(v, "/"):
			if !strings.HasPrefix(v, "/") && !strings.Contains(v, ":") && strings.HasSuffix(strings.ToLower(v), end) {
				add(&paths, v)
			}
		case strings.HasSuffix(strings.ToLower(v), end):
			add(&names, v)
		case name == "id" || strings.HasSuffix(name, "_id") || strings.HasSuffix(at, "Id") || name == "uuid" || name == "key" || name == "hash" || name == "token":
			add(&ids, v)
		}
	}
	if o := g.madeLast(); o != nil {
		add(&ids, o.ID)
	}
	base := g.t.Document.Base
	var out []*trial.Draft
	for _, op := range g.t.Operations {
		// A picture of the one thing that the path names.
		if op.Method == http.MethodGet && op.Path == g.op.Path {
			out = append(out, &trial.Draft{Op: op, Who: g.draft.Who, Base: base, Path: maps.Clone(g.draft.Path)})
		}
	}
	for _, p := range paths {
		out = append(out, g.at("/"+p))
		if base != "" {
			out = append(out, g.at(base+"/"+p))
		}
		// Its last part is a name like others.
		add(&names, p[strings.LastIndexByte(p, '/')+1:])
	}
	for _, op := range g.t.Operations {
		params := op.PathParams()
		if op.Method != http.MethodGet || len(params) != 1 || !holds(strings.ToLower(op.Path), "media", "file", "upload", "avatar", "image", "photo", "picture", "attachment", "document", "static", "download", "content", "asset") {
			continue
		}
		for _, name := range slices.Concat(names, ids) {
			out = append(out, &trial.Draft{Op: op, Who: g.draft.Who, Base: base, Path: map[string]string{params[0]: name}})
		}
	}
	for _, name := range names {
		escaped := url.PathEscape(name)
		if len(g.op.PathParams()) == 0 {
			out = append(out, g.at(base+strings.TrimSuffix(g.op.Path, "/")+"/"+escaped))
		}
		for _, dir := range []string{"/uploads/", "/media/", "/static/", "/files/"} {
			if g.t.Operation(&traffic.Request{Method: http.MethodGet, Path: dir + escaped}) == nil {
				out = append(out, g.at(dir+escaped))
			}
		}
	}
	return out[:min(len(out), maxGuesses)]
}
