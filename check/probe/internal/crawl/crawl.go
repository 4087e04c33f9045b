// Package crawl finds out what an API without a document serves: it begins at
// its root and where APIs usually are, follows what links, forms, scripts and
// bodies tell, by GET and OPTIONS alone, and stays on one origin.
//
// What looks as if it did something when it is asked for is not followed, forms
// are not sent, and what is answered like a path that is not there is nothing.
package crawl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/probe/internal/har"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// Defaults of [Options].
const (
	DefaultRequests = 300
	DefaultBytes    = 12 << 20
	DefaultTime     = time.Minute
	DefaultEach     = 10 * time.Second
)

// Bounds that do not change.
const (
	maxSteps     = 8  // of links, one from the next
	maxAlike     = 4  // paths of one shape that are asked for
	maxSiblings  = 40 // below one path
	maxScripts   = 20
	maxSilent    = 4 // requests that were not answered in time
	maxOptions   = 30
	enoughAlike  = 3 // from how many siblings on they are of one kind
	enoughFields = 3 // of an answer, to tell that they are
)

// A Sender sends requests.
type Sender interface {
	Send(ctx context.Context, r *traffic.Request) (*traffic.Exchange, error)
}

// Options say how far a crawl goes. The zero value is a stranger's, with the
// defaults.
type Options struct {
	// Host is another name of the API, which may stand in its links.
	Host string
	// Apply puts credentials into a request; nil is a stranger.
	Apply func(*traffic.Request)
	// More are paths that another crawl found.
	More []string
	// Requests, Bytes of what came back, Time of it all and of Each request
	// are bounds.
	Requests, Bytes int
	Time, Each      time.Duration
}

// A Result is what was found.
type Result struct {
	// Seen is what was answered by something that is there, and what was told
	// of.
	Seen []har.Seen
	// Paths that were asked for and are there.
	Paths []string
	// Document is an OpenAPI document that was met, and Where; nil is none.
	Document []byte
	Where    string
	// Requests that were sent, and paths that were Left because they look as
	// if they did something.
	Requests, Left int
	// Short says what ended the crawl before all was asked for; empty is
	// nothing.
	Short string
}

// An item is a path that is to be asked for.
type item struct {
	path  string
	depth int
	guess bool
}

type crawler struct {
	o       Options
	send    Sender
	from    *origin
	queue   []item // what was told, and after that what is guessed
	guesses []item
	known   map[string]bool
	left    map[string]bool
	shapes  map[string]int
	folders map[string]int
	scripts int
	missing map[string]*print
	read    map[string]bool // bodies, by their sum
	objects map[string]bool // paths of one of many
	answers []answer
	told    []link
	result  *Result
	bytes   int
	silent  int
}

// An answer is one by something that is there.
type answer struct {
	item
	e     *traffic.Exchange
	print print
}

// errShort ends a crawl that has reached a bound.
var errShort = errors.New("a bound is reached")

// Crawl asks an API what it serves. Its error is the context's, or says that
// the API cannot be asked at all.
func Crawl(ctx context.Context, send Sender, base *url.URL, o Options) (*Result, error) {
	if o.Requests <= 0 {
		o.Requests = DefaultRequests
	}
	if o.Bytes <= 0 {
		o.Bytes = DefaultBytes
	}
	if o.Time <= 0 {
		o.Time = DefaultTime
	}
	if o.Each <= 0 {
		o.Each = DefaultEach
	}
	c := &crawler{
		o: o, send: send, from: &origin{base: base, host: o.Host}, result: &Result{}, known: map[string]bool{}, left: map[string]bool{}, shapes: map[string]int{}, folders: map[string]int{},
		missing: map[string]*print{}, read: map[string]bool{}, objects: map[string]bool{},
	}
	within, cancel := context.WithTimeout(ctx, o.Time)
	defer cancel()
	err := c.all(within)
	if ctx.Err() != nil {
		return c.result, ctx.Err()
	}
	if within.Err() != nil {
		c.result.Short, err = fmt.Sprintf("%s are over", o.Time), nil
	}
	c.result.Left = len(c.left)
	c.finish()
	if errors.Is(err, errShort) || errors.Is(err, traffic.ErrSpent) {
		err = nil
	}
	return c.result, err
}

func (c *crawler) all(ctx context.Context) error {
	for _, p := range starts() {
		c.push(item{path: p, guess: p != "/"})
	}
	for _, p := range c.o.More {
		c.push(item{path: p})
	}
	if err := c.drain(ctx); err != nil || c.result.Document != nil {
		return err
	}
	for _, root := range below(c.result.Paths) {
		for _, name := range slices.Concat(usual(), collections()) {
			c.push(item{path: root + "/" + name, guess: true})
		}
	}
	if err := c.drain(ctx); err != nil || c.result.Document != nil {
		return err
	}
	return c.methods(ctx)
}

// push queues a path, if it is one to be asked for and not too much of its
// kind.
func (c *crawler) push(i item) {
	if c.known[i.path] || i.depth > maxSteps || file(i.path) {
		return
	}
	if acts(i.path) {
		c.left[i.path] = true
		return
	}
	if script(i.path) {
		if c.scripts++; c.scripts > maxScripts {
			return
		}
	}
	if s := shape(i.path); s != i.path+"?" {
		if c.shapes[s]++; c.shapes[s] > maxAlike {
			return
		}
	}
	if up := shape(parent(i.path)); up != "?" && !i.guess {
		if c.folders[up]++; c.folders[up] > maxSiblings {
			return
		}
	}
	c.known[i.path] = true
	if i.guess {
		c.guesses = append(c.guesses, i)
		return
	}
	c.queue = append(c.queue, i)
}

// drain asks for all that is queued: what was told of first.
func (c *crawler) drain(ctx context.Context) error {
	for c.result.Document == nil {
		var i item
		switch {
		case len(c.queue) > 0:
			i, c.queue = c.queue[0], c.queue[1:]
		case len(c.guesses) > 0:
			i, c.guesses = c.guesses[0], c.guesses[1:]
		default:
			return nil
		}
		e, err := c.get(ctx, i.path)
		switch {
		case errors.Is(err, errShort), errors.Is(err, traffic.ErrSpent), errors.Is(err, traffic.ErrDown), ctx.Err() != nil:
			return err
		case err != nil:
			continue
		}
		if err := c.take(ctx, i, e); err != nil {
			return err
		}
	}
	return nil
}

func (c *crawler) get(ctx context.Context, path string) (*traffic.Exchange, error) {
	return c.ask(ctx, &traffic.Request{Method: http.MethodGet, Path: path, Header: http.Header{"Accept": {"application/json, text/html;q=0.9, */*;q=0.5"}}})
}

// ask sends one request within the bounds. The exchange is of the path as it
// was asked for, without what the credentials add.
func (c *crawler) ask(ctx context.Context, r *traffic.Request) (*traffic.Exchange, error) {
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case c.result.Requests >= c.o.Requests:
		c.result.Short = fmt.Sprintf("%d requests were sent", c.o.Requests)
		return nil, errShort
	case c.bytes >= c.o.Bytes:
		c.result.Short = fmt.Sprintf("%d MB were read", c.o.Bytes>>20)
		return nil, errShort
	case c.silent >= maxSilent:
		c.result.Short = fmt.Sprintf("%d requests were not answered in %s", maxSilent, c.o.Each)
		return nil, errShort
	}
	plain := r.Path
	if c.o.Apply != nil {
		r = r.Clone()
		c.o.Apply(r)
	}
	each, cancel := context.WithTimeout(ctx, c.o.Each)
	defer cancel()
	c.result.Requests++
	e, err := c.send.Send(each, r)
	if errors.Is(err, traffic.ErrSpent) || errors.Is(err, traffic.ErrDown) {
		c.result.Requests--
		c.result.Short = err.Error()
		return nil, err
	}
	if each.Err() != nil && ctx.Err() == nil {
		c.silent++
	}
	if err != nil {
		return nil, err
	}
	c.bytes += len(e.Body)
	own := *e
	own.Request = e.Request.Clone()
	own.Request.Path = plain
	return &own, nil
}

// take learns from an answer, and keeps it if something that is there gave it.
func (c *crawler) take(ctx context.Context, i item, e *traffic.Exchange) error {
	if e.OK() && isDocument(e) {
		c.result.Document, c.result.Where = e.Body, i.path
		return nil
	}
	gone := c.absent(ctx, e)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	look := printOf(e)
	// A page that comes for everything is read all the same, once: the
	// application that it starts is in it.
	body := look.body + look.to
	if !gone {
		body = sum(e.Header.Get("Location") + e.Header.Get("Link") + e.Type() + string(e.Body))
	}
	if !c.read[body] {
		c.read[body] = true
		c.learn(i, e, gone)
	}
	switch {
	case e.Status == http.StatusMethodNotAllowed:
		if !gone {
			c.allowed(i.path, e.Header.Get("Allow"))
		}
		return nil
	case gone && (i.guess || e.Status != http.StatusUnauthorized && e.Status != http.StatusForbidden),
		e.Status >= 500 || e.Status == http.StatusTooManyRequests,
		i.guess && e.Status >= 400 && e.Status != http.StatusUnauthorized && e.Status != http.StatusForbidden,
		furniture(i.path), bytes.Contains(e.Body[:min(len(e.Body), 1<<10)], []byte("<urlset")), bytes.Contains(e.Body[:min(len(e.Body), 1<<10)], []byte("<sitemapindex")):
		return nil
	}
	c.result.Paths = append(c.result.Paths, i.path)
	c.answers = append(c.answers, answer{item: i, e: e, print: look})
	return nil
}

// learn queues what an answer tells of.
func (c *crawler) learn(i item, e *traffic.Exchange, gone bool) {
	r := newReader(c.from, i.path)
	r.read(e)
	for _, l := range r.links {
		switch {
		case l.told:
			c.tell(l)
		case l.guess && (gone || !e.OK()):
		default:
			if l.guess {
				c.objects[l.path] = true
			}
			c.push(item{path: l.path, depth: i.depth + 1, guess: l.guess})
		}
	}
}

// tell keeps an operation that was told of, if it may be put to the checklist.
func (c *crawler) tell(l link) {
	one := names(last(l.path)) || c.objects[l.path]
	switch {
	case l.method == http.MethodGet && acts(l.path), l.method == http.MethodPost && !numbered(l.path) && ruins(l.path):
		c.left[l.path] = true
		return
	case l.method != http.MethodGet && l.method != http.MethodPost && !one:
		return // it would be of all there is
	}
	if !slices.ContainsFunc(c.told, func(o link) bool {
		return o.method == l.method && shape(o.path) == shape(l.path) && (o.form != nil || l.form == nil)
	}) {
		c.told = append(c.told, l)
	}
}

// numbered tells whether a path is about one object: the checklist asks for it
// with objects of its own alone.
func numbered(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), names)
}

// allowed reads Allow (RFC 9110 section 10.2.1).
func (c *crawler) allowed(path, allow string) {
	path, _, _ = strings.Cut(path, "?")
	for m := range strings.SplitSeq(allow, ",") {
		switch m = strings.ToUpper(strings.TrimSpace(m)); m {
		case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
			c.tell(link{method: m, path: path})
		}
	}
}

// methods asks what else may be done, where something is: once for each shape.
func (c *crawler) methods(ctx context.Context) error {
	asked := map[string]bool{}
	everywhere := map[string]string{}
	for _, p := range c.result.Paths {
		s := shape(p)
		if asked[s] || len(asked) >= maxOptions {
			continue
		}
		asked[s] = true
		p, _, _ = strings.Cut(p, "?")
		e, err := c.ask(ctx, &traffic.Request{Method: http.MethodOptions, Path: p, Header: http.Header{}})
		if err != nil {
			return err
		}
		allow := e.Header.Get("Allow")
		if allow == "" || e.Status >= 400 {
			continue
		}
		// A server that says the same of what is not there says nothing.
		dir := shape(parent(p))
		if _, known := everywhere[dir]; !known {
			other, err := c.ask(ctx, &traffic.Request{Method: http.MethodOptions, Path: parent(p) + "/" + nowhere, Header: http.Header{}})
			if err != nil {
				return err
			}
			everywhere[dir] = other.Header.Get("Allow")
		}
		if everywhere[dir] != allow {
			c.allowed(p, allow)
		}
	}
	return nil
}

// finish makes of the answers what a document is made of.
func (c *crawler) finish() {
	c.alike()
	for _, a := range c.answers {
		path, query, _ := strings.Cut(a.path, "?")
		page := strings.Contains(a.e.Type(), "html")
		input := query != "" || numbered(path) || c.objects[path]
		switch {
		case a.e.Status >= 300 && a.e.Status < 400 && (query == "" || strings.Contains(strings.ToLower(a.e.Header.Get("Location")), "login")):
			continue // it says where to ask, or whom
		case page && a.e.Status != http.StatusUnauthorized && a.e.Status != http.StatusForbidden && (!input || path == "/"):
			continue // a page that takes nothing is one for people
		}
		c.result.Seen = append(c.result.Seen, har.Seen{
			Method: a.e.Request.Method, Path: a.path, Header: a.e.Request.Header, AsUser: c.o.Apply != nil, Status: a.e.Status, Answer: a.e.Header, Body: a.e.Body,
			Object: c.objects[path], Page: page,
		})
	}
	users := []bool{false}
	if c.o.Apply != nil {
		users = append(users, true) // what was told of may be open to either
	}
	for _, l := range c.told {
		for _, user := range users {
			c.result.Seen = append(c.result.Seen, har.Seen{Method: l.method, Path: l.path, AsUser: user, Object: c.objects[l.path], Form: l.form})
		}
	}
}

// alike finds siblings that are of one kind: /posts/hello and /posts/my-trip
// are two posts.
func (c *crawler) alike() {
	groups := map[string][]string{}
	for _, a := range c.answers {
		path, _, _ := strings.Cut(a.path, "?")
		if up := parent(path); up != "" && a.e.OK() && !names(last(path)) && telling(a.e) {
			if key := up + " " + a.print.body; !slices.Contains(groups[key], path) {
				groups[key] = append(groups[key], path)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		for _, path := range groups[key] {
			if len(groups[key]) >= enoughAlike {
				c.objects[path] = true
			}
		}
	}
}

// telling tells whether an answer has enough in it to be known again.
func telling(e *traffic.Exchange) bool {
	if strings.Contains(e.Type(), "html") {
		return strings.Count(tags(string(e.Body)), " ") > 2*enoughFields
	}
	var m map[string]json.RawMessage
	return json.Unmarshal(e.Body, &m) == nil && len(m) >= enoughFields
}

var openAPI = lazy.Regexp(`(?m)^openapi:\s*["']?3\.`)

// isDocument tells whether a body is an OpenAPI document.
func isDocument(e *traffic.Exchange) bool {
	if strings.Contains(e.Type(), "html") || e.Cut {
		return false
	}
	if bytes.HasPrefix(bytes.TrimSpace(e.Body), []byte("{")) {
		var d struct {
			OpenAPI string          `json:"openapi"`
			Paths   json.RawMessage `json:"paths"`
		}
		return json.Unmarshal(e.Body, &d) == nil && strings.HasPrefix(d.OpenAPI, "3.") && len(d.Paths) > 2
	}
	return openAPI().Match(e.Body) && bytes.Contains(e.Body, []byte("\npaths:"))
}
