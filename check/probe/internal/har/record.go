package har

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// Bounds of what is recorded.
const (
	maxRecorded     = 20_000
	maxRecordedBody = 1 << 20
	maxRecordedAll  = 64 << 20
)

// A Recorder passes requests on to one API, and keeps them and what came back.
type Recorder struct {
	target  *url.URL
	proxy   *httputil.ReverseProxy
	mu      sync.Mutex
	entries []*recording
	kept    int // bytes of bodies
	lost    int // requests that were passed on and not kept
}

type recording struct {
	at        time.Time
	took      time.Duration
	method    string
	url       *url.URL
	proto     string
	header    http.Header
	body      *capture
	status    int
	answer    http.Header
	response  *capture
	resultant string // the response's protocol
}

// NewRecorder makes one for an API.
func NewRecorder(target *url.URL, transport http.RoundTripper) *Recorder {
	r := &Recorder{target: target}
	r.proxy = &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			// What the client can read is not what is kept.
			p.Out.Header.Set("Accept-Encoding", "identity")
		},
		Transport:      transport,
		ModifyResponse: r.answered,
		ErrorLog:       log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "the API does not answer: "+err.Error(), http.StatusBadGateway)
		},
	}
	return r
}

type recordingKey struct{}

func withRecording(ctx context.Context, e *recording) context.Context {
	return context.WithValue(ctx, recordingKey{}, e)
}

func recordingOf(ctx context.Context) *recording {
	e, _ := ctx.Value(recordingKey{}).(*recording)
	return e
}

// ServeHTTP passes a request on. A page of somebody else's, whose name leads to
// this machine, is not served (DNS rebinding).
func (r *Recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	host, _, err := net.SplitHostPort(req.Host)
	if err != nil {
		host = req.Host
	}
	if !traffic.Loopback(strings.Trim(host, "[]")) {
		http.Error(w, "this is a recorder for this machine alone", http.StatusMisdirectedRequest)
		return
	}
	u := *r.target
	u.Path, u.RawPath, u.RawQuery = req.URL.Path, req.URL.RawPath, req.URL.RawQuery
	e := &recording{at: time.Now(), method: req.Method, url: &u, proto: req.Proto, header: req.Header.Clone(), body: &capture{r: r}}
	e.header.Set("Host", r.target.Host)
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = e.body.of(req.Body)
	}
	r.proxy.ServeHTTP(w, req.WithContext(withRecording(req.Context(), e)))
}

// answered keeps what came back. It is called before the body is passed on.
func (r *Recorder) answered(res *http.Response) error {
	e := recordingOf(res.Request.Context())
	if e == nil {
		return nil
	}
	e.took = time.Since(e.at)
	e.status, e.answer, e.resultant, e.response = res.StatusCode, res.Header.Clone(), res.Proto, &capture{r: r}
	// A browser that is sent to the API itself is no longer recorded.
	if to, err := res.Location(); err == nil && to.Host == r.target.Host {
		to.Scheme, to.Host = "", ""
		res.Header.Set("Location", to.String())
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		res.Body = e.response.of(res.Body)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.entries) >= maxRecorded {
		r.lost++
		return nil
	}
	r.entries = append(r.entries, e)
	return nil
}

// A capture is what passed of a body.
type capture struct {
	r    *Recorder
	mu   sync.Mutex
	data []byte
	size int64
	cut  bool
}

type tee struct {
	io.ReadCloser
	c *capture
}

func (c *capture) of(body io.ReadCloser) io.ReadCloser { return &tee{body, c} }

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.c.keep(p[:n])
	return n, err
}

func (c *capture) keep(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size += int64(len(p))
	c.r.mu.Lock()
	full := c.r.kept+len(p) > maxRecordedAll
	if !full && !c.cut && len(c.data)+len(p) <= maxRecordedBody {
		c.r.kept += len(p)
	}
	c.r.mu.Unlock()
	if full || c.cut || len(c.data)+len(p) > maxRecordedBody {
		// A part of it could not be searched for credentials.
		c.cut, c.data = true, nil
		return
	}
	c.data = append(c.data, p...)
}

func (c *capture) read() (data []byte, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.data), c.size
}

// Count is how many requests were kept, and how many only passed on.
func (r *Recorder) Count() (kept, lost int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.entries), r.lost
}

// Archive is what was recorded, in HAR 1.2. Placeholders stand where
// credentials were: in header fields, cookies and parameters, in members of
// JSON and of forms that are named so, and wherever the same values stand.
// Bodies of other types are left out.
func (r *Recorder) Archive(version string) ([]byte, error) {
	r.mu.Lock()
	entries := slices.Clone(r.entries)
	r.mu.Unlock()
	s := newSecrets()
	for _, e := range entries {
		e.learn(s)
	}
	m := &mask{s: s}
	out := make([]*entry, 0, len(entries))
	for _, e := range entries {
		out = append(out, e.entry(m))
	}
	var file struct {
		Log struct {
			Version string            `json:"version"`
			Creator map[string]string `json:"creator"`
			Entries []*entry          `json:"entries"`
			Comment string            `json:"comment"`
		} `json:"log"`
	}
	file.Log.Version, file.Log.Creator, file.Log.Entries = "1.2", map[string]string{"name": "pavise", "version": version}, out
	file.Log.Comment = "credentials were removed; bodies that are neither JSON nor forms were left out"
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err := enc.Encode(&file)
	return b.Bytes(), err
}

// reading is the recording as Read would see it, credentials and all.
func (e *recording) reading() *reading {
	var out reading
	out.Request.Method, out.Request.URL = text(e.method), text(e.url.String())
	out.Request.Headers, out.Response.Headers = pairs(e.header), pairs(e.answer)
	if data, _ := e.body.read(); len(data) > 0 {
		out.Request.Post = &postData{Type: text(e.header.Get("Content-Type")), Text: text(data)}
	}
	data, _ := e.response.read()
	out.Response.Content.Type, out.Response.Content.Text = text(e.answer.Get("Content-Type")), text(data)
	out.Response.Status = text(fmt.Sprint(e.status))
	return &out
}

func (e *recording) learn(s *secrets) { e.reading().call(e.url, s) }

func pairs(h http.Header) []pair {
	out := []pair{}
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range h[name] {
			out = append(out, pair{Name: text(name), Value: text(v)})
		}
	}
	return out
}

// A mask takes secrets out.
type mask struct{ s *secrets }

// text puts a placeholder in place of what holds a secret.
func (m *mask) text(t string) string {
	if m.s.holds(t) {
		return Removed // all of it: the rest would tell where to look
	}
	return t
}

func (m *mask) header(name, value string) string {
	lower := strings.ToLower(name)
	switch {
	case lower == "authorization" || lower == "proxy-authorization":
		scheme, _, more := strings.Cut(value, " ")
		switch {
		case more && strings.EqualFold(scheme, "basic"):
			return scheme + " " + base64.StdEncoding.EncodeToString([]byte(Removed+":"+Removed))
		case more && word().MatchString(scheme) && len(scheme) <= 16:
			return scheme + " " + Removed
		}
		return Removed
	case lower == "cookie":
		var out []string
		for _, k := range cookies(value) {
			out = append(out, m.text(string(k.Name))+"="+Removed)
		}
		return strings.Join(out, "; ")
	case lower == "set-cookie":
		pair, attributes, more := strings.Cut(value, ";")
		name, _, _ := strings.Cut(pair, "=")
		out := m.text(strings.TrimSpace(name)) + "=" + Removed
		if more {
			out += ";" + attributes
		}
		return out
	case credentialName(lower):
		return Removed
	case lower == "location" || lower == "referer" || lower == "content-location":
		if u, err := url.Parse(value); err == nil {
			return m.url(u)
		}
		return Removed
	}
	return m.text(value)
}

func (m *mask) url(u *url.URL) string {
	c := *u
	c.User, c.Fragment = nil, ""
	query := c.Query()
	for name, values := range query {
		for i := range values {
			if credentialName(name) {
				values[i] = Removed
			} else {
				values[i] = m.text(values[i])
			}
		}
		if masked := m.text(name); masked != name {
			delete(query, name)
			query[masked] = values
		}
	}
	c.RawQuery = query.Encode()
	segments := strings.Split(c.Path, "/")
	changed := false
	for i, s := range segments {
		segments[i] = m.text(s)
		changed = changed || segments[i] != s
	}
	if changed {
		c.Path, c.RawPath = strings.Join(segments, "/"), ""
	}
	return c.String()
}

// value takes secrets out of a value of JSON.
func (m *mask) value(name string, v any, depth int) any {
	if depth > maxDepth {
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[m.text(k)] = m.value(k, x, depth+1)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = m.value(name, x, depth+1)
		}
		return out
	case string:
		if credentialName(name) && v != "" {
			return Removed
		}
		return m.text(v)
	case json.Number:
		if m.s.values[v.String()] {
			return json.Number("0")
		}
	}
	return v
}

func (m *mask) json(data string) string {
	v, ok := decode(data)
	if !ok {
		return ""
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(m.value("", v, 0)) != nil {
		return ""
	}
	return strings.TrimRight(b.String(), "\n")
}

func (m *mask) headers(h http.Header) []pair {
	out := pairs(h)
	for i, p := range out {
		out[i].Name, out[i].Value = text(m.text(string(p.Name))), text(m.header(string(p.Name), string(p.Value)))
	}
	return out
}

func (e *recording) entry(m *mask) *entry {
	out := &entry{Started: text(e.at.Format(time.RFC3339Nano))}
	ms := float64(e.took.Microseconds()) / 1000
	out.Time = json.Number(fmt.Sprint(ms))
	out.Timings.Wait = ms
	req, res := &out.Request, &out.Response
	where := m.url(e.url)
	req.Method, req.URL, req.Version = text(m.text(e.method)), text(where), text(e.proto)
	req.Cookies, req.Query, req.Headers = []pair{}, []pair{}, m.headers(e.header)
	if u, err := url.Parse(where); err == nil {
		for name, values := range u.Query() {
			for _, v := range values {
				req.Query = append(req.Query, pair{Name: text(name), Value: text(v)})
			}
		}
		slices.SortStableFunc(req.Query, func(a, b pair) int { return strings.Compare(string(a.Name), string(b.Name)) })
	}
	data, size := e.body.read()
	req.Head, req.Body = -1, int(size)
	if size > 0 {
		kind := e.header.Get("Content-Type")
		req.Post = &postData{Type: text(baseType(kind))}
		full := postData{Type: text(kind), Text: text(data)}
		if b := full.read(kind); b != nil && b.form != nil {
			for _, name := range sortedNames(b.form) {
				for _, v := range b.form[name] {
					if credentialName(name) {
						v = Removed
					}
					req.Post.Params = append(req.Post.Params, pair{Name: text(m.text(name)), Value: text(m.text(v))})
				}
			}
			for _, name := range sortedNames(b.files) {
				req.Post.Params = append(req.Post.Params, pair{Name: text(m.text(name)), FileName: "file", Type: "application/octet-stream"})
			}
		} else if strings.Contains(baseType(kind), "json") {
			req.Post.Text = text(m.json(string(data)))
		}
	}
	res.Status, res.Message, res.Version = e.status, text(http.StatusText(e.status)), text(e.resultant)
	res.Cookies, res.Headers = []pair{}, m.headers(e.answer)
	data, size = e.response.read()
	res.Head, res.Body = -1, int(size)
	res.Content.Size, res.Content.Type = size, text(e.answer.Get("Content-Type"))
	if strings.Contains(baseType(string(res.Content.Type)), "json") {
		res.Content.Text = text(m.json(string(data)))
	}
	if to := e.answer.Get("Location"); to != "" {
		res.To = text(m.header("Location", to))
	}
	return out
}

func sortedNames[V any](of map[string]V) []string {
	out := make([]string, 0, len(of))
	for name := range of {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
