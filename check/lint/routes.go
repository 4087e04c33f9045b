package lint

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/internal/tree"
	"github.com/pavise-dev/pavise/check/lint/goaccess"
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/handler"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// A Route is a path that the source serves.
type Route struct {
	// Method is empty where the source does not say one: the handler is asked
	// with all of them.
	Method string
	// Path has its parameters as {name}, whatever the framework writes.
	Path string
	File string // as the user would write it
	Line int
	// Hidden tells that the source keeps it out of the API's document.
	Hidden bool
	// Authenticated tells that something asks who calls, as far as that can
	// be seen.
	Authenticated bool
}

// Routes are the routes of the source, in the order of paths and methods. Only
// Paths and Exclude of the options matter. What cannot be read is passed over:
// [Run] tells of it.
func Routes(ctx context.Context, o Options) ([]Route, error) {
	projects, err := o.projects()
	if err != nil {
		return nil, err
	}
	var out []Route
	for _, p := range projects {
		found, err := p.routes(ctx, o)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	slices.SortStableFunc(out, func(a, b Route) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method), strings.Compare(a.File, b.File), a.Line-b.Line)
	})
	return slices.CompactFunc(out, func(a, b Route) bool { return a.Path == b.Path && a.Method == b.Method }), nil
}

func (p *project) routes(ctx context.Context, o Options) ([]Route, error) {
	pass := func(string, int, string) {}
	list, err := tree.Files(ctx, p.root, o.Exclude, func(string, error) {})
	if err != nil {
		return nil, err
	}
	names := slices.DeleteFunc(list.Files, func(rel string) bool { return path.Ext(rel) != ".py" && path.Ext(rel) != ".go" })
	slices.Sort(names)
	sources, err := p.read(ctx, names, pass)
	if err != nil {
		return nil, err
	}
	loaded, _ := analysis.Load(ctx, sources, names)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return append(p.python(loaded), p.golang(loaded)...), nil
}

func (p *project) python(loaded *analysis.Project) []Route {
	a := &analysis.Pass{Project: loaded, Report: func(analysis.Finding) {}}
	set := handler.Read(a)
	asks := map[*pymodel.Func]bool{}
	for _, h := range set.Handlers {
		asks[h.Func] = h.Auth
	}
	var out []Route
	a.Routes(func(r *pymodel.Route) {
		written := pymodel.Keyword(r.At, "path")
		if written == nil && len(r.At.Args) > 0 {
			written = r.At.Args[0]
		}
		if _, known := r.Scope.Text(written); r.WebSocket || written == nil || !known || !p.wants(r.Func.Module.Path) {
			return
		}
		template, ok := templated(r.Path)
		if !ok {
			return
		}
		line, _ := r.Func.Module.File.Position(r.Func.Pos())
		for _, method := range r.Methods {
			out = append(out, Route{
				Method: strings.ToUpper(method), Path: template, File: p.shown(r.Func.Module.Path), Line: line, Hidden: r.Hidden,
				Authenticated: r.Authenticated() || asks[r.Func] || set.Middleware,
			})
		}
	})
	return out
}

func (p *project) golang(loaded *analysis.Project) []Route {
	var out []Route
	for _, r := range loaded.Go.Routes() {
		if r.File.Test || analysis.GoSample(r.File.Path) || !p.wants(r.File.Path) {
			continue
		}
		// A pattern that ends in a slash is of all below it, and of no path.
		if r.Method == "" && strings.HasSuffix(r.Path, "/") {
			continue
		}
		template, ok := templated(r.Path)
		if !ok {
			continue
		}
		out = append(out, Route{
			Method: r.Method, Path: template, File: p.shown(r.File.Path), Line: r.File.Position(r.Pos()).Line, Authenticated: goaccess.Asks(r),
		})
	}
	return out
}

var parameter = lazy.Regexp(`^[A-Za-z_]\w*$`)

// templated is a pattern of a framework as OpenAPI writes it; ok is false where
// the pattern is of many paths, or of none.
func templated(pattern string) (template string, ok bool) {
	pattern = strings.TrimSuffix(pattern, "{$}")
	if !strings.HasPrefix(pattern, "/") || strings.ContainsAny(pattern, "*?#% ") {
		return "", false
	}
	segments := strings.Split(pattern, "/")
	for i, s := range segments {
		name, isParam := "", false
		switch {
		case strings.HasPrefix(s, ":"):
			name, isParam = s[1:], true
		case strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}"):
			name, _, _ = strings.Cut(s[1:len(s)-1], ":") // {id:int}, {id:[0-9]+}
			if strings.HasSuffix(name, "...") {
				return "", false
			}
			isParam = true
		case strings.ContainsAny(s, "{}<>"):
			return "", false
		}
		if isParam {
			if !parameter().MatchString(name) {
				return "", false
			}
			segments[i] = "{" + name + "}"
		}
	}
	return strings.Join(segments, "/"), true
}
