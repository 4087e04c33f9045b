package crawl

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/probe/internal/har"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// maxLinks bounds what one answer tells.
const maxLinks = 300

// A link is what an answer told of.
type link struct {
	method string
	path   string
	form   *har.Form
	// guess tells that it was made up of what is there, such as the path of an
	// object from the id in a list.
	guess bool
	// told links name an operation, and are not asked for.
	told bool
}

// A reader collects the links of an answer.
type reader struct {
	from  *origin
	at    *url.URL
	links []link
	known map[string]bool
}

func newReader(from *origin, at string) *reader {
	u, err := from.base.Parse(at)
	if err != nil {
		u = from.base
	}
	return &reader{from: from, at: u, known: map[string]bool{}}
}

func (r *reader) add(l link) {
	key := l.method + " " + l.path
	if l.told {
		key += " told"
	}
	if r.known[key] || len(r.links) >= maxLinks {
		return
	}
	r.known[key] = true
	r.links = append(r.links, l)
}

// follow adds what a reference leads to.
func (r *reader) follow(ref string) {
	if p, ok := r.from.path(r.at, ref); ok {
		r.add(link{method: http.MethodGet, path: p})
	}
}

// tell adds an operation that is named. Its path may be a template, of which
// the expressions for a query (RFC 6570 section 3.2.8) are left out.
func (r *reader) tell(method, ref string, form *har.Form) {
	method = strings.ToUpper(method)
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return
	}
	if p, ok := r.template(ref); ok {
		r.add(link{method: method, path: p, form: form, told: true})
	}
}

var (
	queryExpression = lazy.Regexp(`\{[?&#;+./][^}]*\}`)
	expression      = lazy.Regexp(`\{\w{1,32}\}`)
)

// template is the path of a reference whose parts may be {name}.
func (r *reader) template(ref string) (string, bool) {
	ref, _, _ = strings.Cut(queryExpression().ReplaceAllString(ref, ""), "?")
	kept := expression().FindAllString(ref, -1)
	// Braces are no part of a URL: letters stand for them while it is read.
	n := 0
	ref = expression().ReplaceAllStringFunc(ref, func(string) string { n++; return standIn(n - 1) })
	p, ok := r.from.path(r.at, ref)
	if strings.ContainsAny(ref, "{}") || !ok {
		return "", false
	}
	for i, e := range kept {
		if strings.Count(p, standIn(i)) != 1 {
			return "", false
		}
		p = strings.Replace(p, standIn(i), e, 1)
	}
	for s := range strings.SplitSeq(p, "/") {
		if strings.Contains(s, "{") && expression().FindString(s) != s {
			return "", false // {name}.json
		}
	}
	return p, true
}

func standIn(n int) string { return fmt.Sprintf("pvexpression%dx", n) }

// either adds a reference that may be a template.
func (r *reader) either(ref string) {
	if strings.ContainsAny(ref, "{}") {
		if plain := queryExpression().ReplaceAllString(ref, ""); !strings.ContainsAny(plain, "{}") {
			r.follow(plain)
			return
		}
		r.tell(http.MethodGet, ref, nil)
		return
	}
	r.follow(ref)
}

var target = lazy.Regexp(`<([^<>]*)>`)

// read collects all that an exchange tells.
func (r *reader) read(e *traffic.Exchange) {
	for _, name := range []string{"Location", "Content-Location"} {
		if v := e.Header.Get(name); v != "" {
			r.follow(v)
		}
	}
	for _, v := range e.Header.Values("Link") { // RFC 8288 section 3
		for _, m := range target().FindAllStringSubmatch(v, 50) {
			r.either(m[1])
		}
	}
	kind := e.Type()
	path, _, _ := strings.Cut(e.Request.Path, "?")
	switch {
	case path == "/robots.txt":
		r.robots(string(e.Body))
	case strings.Contains(kind, "html"):
		r.html(string(e.Body))
	case strings.Contains(kind, "javascript"), strings.Contains(kind, "ecmascript"), script(path):
		r.script(string(e.Body))
	case strings.Contains(kind, "xml"):
		r.sitemap(string(e.Body))
	case strings.Contains(kind, "json"):
		r.json(e.Body)
	}
}

// robots reads what robots are told (RFC 9309).
func (r *reader) robots(body string) {
	for line := range strings.Lines(body) {
		line, _, _ = strings.Cut(line, "#")
		field, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(field)) {
		case "allow", "disallow":
			if !strings.ContainsAny(value, "*$") && value != "/" {
				r.follow(value)
			}
		case "sitemap":
			r.follow(value)
		}
	}
}

var loc = lazy.Regexp(`<loc>\s*([^<\s]+)\s*</loc>`)

func (r *reader) sitemap(body string) {
	for _, m := range loc().FindAllStringSubmatch(body, maxLinks) {
		r.follow(strings.ReplaceAll(m[1], "&amp;", "&"))
	}
}
