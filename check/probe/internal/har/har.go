// Package har makes an OpenAPI document of recorded traffic, for APIs that have
// none: HTTP archives (HAR 1.2) as browsers and proxies write them are read,
// requests to one API become operations, and what their bodies look like
// becomes schemas. Credentials are recognised and never written. The package
// also records such archives.
package har

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// Bounds of what is read.
const (
	MaxFile    = 256 << 20
	maxEntries = 50_000
	maxBody    = 8 << 20
)

// A text is a string, whatever a recorder wrote in its place.
type text string

// UnmarshalJSON takes numbers and the like as they are written.
func (t *text) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) == nil {
		*t = text(s)
		return nil
	}
	if len(data) > 0 && data[0] != '{' && data[0] != '[' && string(data) != "null" {
		*t = text(data)
	}
	return nil
}

// A pair is a header field, a cookie or a parameter.
type pair struct {
	Name     text `json:"name"`
	Value    text `json:"value"`
	FileName text `json:"fileName,omitzero"`
	Type     text `json:"contentType,omitzero"`
}

type postData struct {
	Type   text   `json:"mimeType"`
	Text   text   `json:"text,omitzero"`
	Params []pair `json:"params,omitempty"`
}

type content struct {
	Size     int64 `json:"size"`
	Type     text  `json:"mimeType"`
	Text     text  `json:"text,omitzero"`
	Encoding text  `json:"encoding,omitzero"`
}

type entry struct {
	Started text        `json:"startedDateTime"`
	Time    json.Number `json:"time"`
	Request struct {
		Method  text      `json:"method"`
		URL     text      `json:"url"`
		Version text      `json:"httpVersion"`
		Cookies []pair    `json:"cookies"`
		Headers []pair    `json:"headers"`
		Query   []pair    `json:"queryString"`
		Post    *postData `json:"postData,omitempty"`
		Head    int       `json:"headersSize"`
		Body    int       `json:"bodySize"`
	} `json:"request"`
	Response struct {
		Status  int     `json:"status"`
		Message text    `json:"statusText"`
		Version text    `json:"httpVersion"`
		Cookies []pair  `json:"cookies"`
		Headers []pair  `json:"headers"`
		Content content `json:"content"`
		To      text    `json:"redirectURL"`
		Head    int     `json:"headersSize"`
		Body    int     `json:"bodySize"`
	} `json:"response"`
	Cache   struct{} `json:"cache"`
	Timings timings  `json:"timings"`
	Kind    text     `json:"_resourceType,omitzero"`
}

type timings struct {
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}

// reading is an entry as far as it is read: what else a recorder writes may be
// of any form.
type reading struct {
	Request struct {
		Method  text      `json:"method"`
		URL     text      `json:"url"`
		Headers []pair    `json:"headers"`
		Cookies []pair    `json:"cookies"`
		Post    *postData `json:"postData"`
	} `json:"request"`
	Response struct {
		Status  text   `json:"status"`
		Headers []pair `json:"headers"`
		Cookies []pair `json:"cookies"`
		Content struct {
			Type     text `json:"mimeType"`
			Text     text `json:"text"`
			Encoding text `json:"encoding"`
		} `json:"content"`
	} `json:"response"`
	Kind text `json:"_resourceType"`
}

// A call is a request of the API, and what came back.
type call struct {
	method   string
	segments []string // unescaped
	slash    bool     // at the end
	query    url.Values
	header   map[string]string // in lower case
	cookies  []pair
	body     *body
	status   int
	answer   any
	answered bool // with JSON
	kind     string

	// Of what was seen otherwise than in a recording.
	form   *Form // that describes it
	object bool  // its last segment names one of many
	page   bool  // it is one of the API although a page came back
	asUser bool  // credentials were sent, of whatever kind
	// challenge is WWW-Authenticate.
	challenge string
}

// A body is what was sent.
type body struct {
	kind  string
	json  any
	form  url.Values
	files map[string]bool
}

// Options say which requests are of the API.
type Options struct {
	// Target is the root of the API.
	Target *url.URL
	// Hosts are those that it was recorded at, if not the target's: with the
	// port, if it is not the usual one.
	Hosts []string
}

// A Result is a document and what it was made of.
type Result struct {
	Document   []byte // OpenAPI 3.1, in JSON
	Operations int
	// Calls were used, of Entries that there are.
	Calls, Entries int
	Notes          []string
}

// ErrNone says that no request is of the API.
var ErrNone = errors.New("no request of the recording is one of this API")

// Read makes a document of an archive.
func Read(data []byte, o Options) (*Result, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("it is larger than %d MB", MaxFile>>20)
	}
	var file struct {
		Log struct {
			Entries []json.RawMessage `json:"entries"`
		} `json:"log"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &file); err != nil {
		return nil, errors.New("it is no HTTP archive: it cannot be read as JSON with log.entries")
	}
	if file.Log.Entries == nil {
		return nil, errors.New("it is no HTTP archive: it has no log.entries")
	}
	r := &Result{Entries: len(file.Log.Entries)}
	if len(file.Log.Entries) > maxEntries {
		r.Notes = append(r.Notes, fmt.Sprintf("of %d requests the first %d were read", len(file.Log.Entries), maxEntries))
		file.Log.Entries = file.Log.Entries[:maxEntries]
	}
	s := newSecrets()
	var calls []*call
	others := map[string]int{}
	unread := 0
	for _, raw := range file.Log.Entries {
		var e reading
		if json.Unmarshal(raw, &e) != nil {
			unread++
			continue
		}
		u, err := url.Parse(string(e.Request.URL))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			unread++
			continue
		}
		// A token of another host may be one of this too.
		c := e.call(u, s)
		if !o.is(u) {
			others[hostOf(u)]++
			continue
		}
		if c != nil {
			calls = append(calls, c)
		}
	}
	if unread > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d entries could not be read", unread))
	}
	r.Calls = len(calls)
	w := &writer{secrets: s, title: "Recorded at " + o.Target.Host}
	w.group(calls)
	r.Operations = len(w.ops)
	if r.Operations == 0 {
		return nil, fmt.Errorf("%w%s", ErrNone, hosts(others))
	}
	var err error
	r.Document, err = w.write()
	return r, err
}

func hosts(seen map[string]int) string {
	if len(seen) == 0 {
		return ""
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if seen[a] != seen[b] {
			return seen[b] - seen[a]
		}
		return strings.Compare(a, b)
	})
	return ": it was recorded at " + strings.Join(names[:min(len(names), 5)], ", ")
}

func hostOf(u *url.URL) string {
	port := u.Port()
	if port == "80" && u.Scheme == "http" || port == "443" && u.Scheme == "https" {
		port = ""
	}
	host := strings.ToLower(u.Hostname())
	if port == "" {
		return host
	}
	return net.JoinHostPort(host, port)
}

// is tells whether a URL is one of the API's.
func (o *Options) is(u *url.URL) bool {
	got := hostOf(u)
	for _, h := range o.Hosts {
		if strings.EqualFold(got, h) || strings.EqualFold(u.Host, h) {
			return true
		}
	}
	if len(o.Hosts) > 0 {
		return false
	}
	// localhost and 127.0.0.1 are one place.
	return got == hostOf(o.Target) || traffic.Loopback(u.Hostname()) && traffic.Loopback(o.Target.Hostname()) && u.Port() == o.Target.Port()
}

// call reads an entry, and learns its secrets. It is nil for what is no request
// of an API: files, pages, and what was never answered.
func (e *reading) call(u *url.URL, s *secrets) *call {
	if c := e.read(u, s); c.wanted(string(e.Kind)) {
		return c
	}
	return nil
}

func (e *reading) read(u *url.URL, s *secrets) *call {
	c := &call{method: strings.ToUpper(string(e.Request.Method)), query: u.Query(), header: map[string]string{}, cookies: e.Request.Cookies, kind: baseType(string(e.Response.Content.Type))}
	c.status, _ = strconv.Atoi(string(e.Response.Status))
	c.slash = strings.HasSuffix(u.Path, "/")
	for seg := range strings.SplitSeq(strings.Trim(u.EscapedPath(), "/"), "/") {
		plain, err := url.PathUnescape(seg)
		if err != nil {
			plain = seg
		}
		c.segments = append(c.segments, plain)
	}
	for _, h := range e.Request.Headers {
		name := strings.ToLower(string(h.Name))
		c.header[name] = string(h.Value)
		s.header(name, string(h.Value))
		if name == "cookie" && len(c.cookies) == 0 {
			c.cookies = cookies(string(h.Value))
		}
	}
	for _, k := range slices.Concat(c.cookies, e.Response.Cookies) {
		s.cookie(string(k.Name), string(k.Value))
	}
	for _, h := range e.Response.Headers {
		name := strings.ToLower(string(h.Name))
		switch name {
		case "set-cookie":
			for line := range strings.SplitSeq(string(h.Value), "\n") {
				name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				value, _, _ = strings.Cut(value, ";")
				s.cookie(name, value)
			}
		case "www-authenticate":
			c.challenge = string(h.Value)
		case "content-type":
			if c.kind == "" {
				c.kind = baseType(string(h.Value))
			}
		default:
			s.header(name, string(h.Value))
		}
	}
	for name, values := range c.query {
		for _, v := range values {
			s.field(name, v)
		}
	}
	if p := e.Request.Post; p != nil && len(p.Text) <= maxBody {
		c.body = p.read(c.header["content-type"])
		if c.body != nil {
			s.walk("", c.body.json, 0)
			for name, values := range c.body.form {
				for _, v := range values {
					s.field(name, v)
				}
			}
		}
	}
	answer := string(e.Response.Content.Text)
	if e.Response.Content.Encoding == "base64" {
		if b, err := base64.StdEncoding.DecodeString(answer); err == nil {
			answer = string(b)
		}
	}
	if len(answer) <= maxBody && strings.Contains(c.kind, "json") {
		c.answer, c.answered = decode(answer)
		s.walk("", c.answer, 0)
	}
	return c
}

func cookies(header string) []pair {
	var out []pair
	for part := range strings.SplitSeq(header, ";") {
		if name, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok {
			out = append(out, pair{Name: text(name), Value: text(value)})
		}
	}
	return out
}

// wanted tells whether a call is one of an API.
func (c *call) wanted(kind string) bool {
	if !slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, c.method) {
		return false // preflights are the browser's
	}
	if c.status < 200 || c.status == 304 && !c.answered {
		return false // never answered, or switched to another protocol
	}
	if len(c.segments) > 64 || len(c.segments) == 1 && c.segments[0] == "" && c.method == "GET" && !c.answered {
		return false
	}
	if c.method != "GET" {
		return true
	}
	if slices.Contains([]string{"script", "stylesheet", "image", "font", "media", "document", "manifest", "websocket"}, kind) && !c.answered {
		return false
	}
	last := c.segments[len(c.segments)-1]
	switch strings.ToLower(path.Ext(last)) {
	case ".js", ".mjs", ".css", ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".avif", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".html", ".htm", ".mp4", ".webm", ".mp3", ".wasm", ".webmanifest":
		return false
	}
	if described(c.answer) || strings.HasPrefix(last, "favicon") || last == "manifest.json" || last == "robots.txt" {
		return false
	}
	if c.status >= 300 && c.status < 400 {
		return true // its page is for browsers alone
	}
	for _, prefix := range []string{"text/html", "text/css", "text/javascript", "application/javascript", "application/x-javascript", "image/", "font/", "audio/", "video/"} {
		if strings.HasPrefix(c.kind, prefix) {
			return false
		}
	}
	return true
}

// described tells whether an answer is a document of an API.
func described(answer any) bool {
	object, _ := answer.(map[string]any)
	_, now := object["openapi"].(string)
	_, old := object["swagger"].(string)
	return (now || old) && object["paths"] != nil
}

// good tells whether a call was answered as its sender wanted.
func (c *call) good() bool { return c.status >= 200 && c.status < 400 }

func baseType(s string) string {
	kind, _, err := mime.ParseMediaType(s)
	if err != nil {
		kind, _, _ = strings.Cut(s, ";")
	}
	return strings.ToLower(strings.TrimSpace(kind))
}

// decode reads JSON, its numbers as they are written.
func decode(s string) (any, bool) {
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil, false
	}
	return v, true
}

// read reads what was sent; nil is nothing.
func (p *postData) read(header string) *body {
	b := &body{kind: baseType(string(p.Type))}
	if b.kind == "" {
		b.kind = baseType(header)
	}
	switch {
	case strings.Contains(b.kind, "json"):
		v, ok := decode(string(p.Text))
		if !ok {
			return nil
		}
		b.json = v
	case b.kind == "application/x-www-form-urlencoded", b.kind == "multipart/form-data":
		b.form, b.files = url.Values{}, map[string]bool{}
		for _, x := range p.Params {
			if x.FileName != "" {
				b.files[string(x.Name)] = true
				continue
			}
			b.form.Add(string(x.Name), string(x.Value))
		}
		switch {
		case len(p.Params) > 0:
		case b.kind == "multipart/form-data":
			p.parts(header, b)
		default:
			if v, err := url.ParseQuery(string(p.Text)); err == nil {
				b.form = v
			}
		}
		if len(b.form)+len(b.files) == 0 {
			return nil
		}
	case p.Text == "" && len(p.Params) == 0:
		return nil
	case !validType(b.kind):
		return nil
	}
	return b
}

func validType(kind string) bool {
	_, _, err := mime.ParseMediaType(kind)
	return err == nil && strings.Count(kind, "/") == 1 && len(kind) <= 64
}
