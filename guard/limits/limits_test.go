package limits

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/pavise-dev/pavise/guard"
)

func must(t testing.TB, p Policy) *Guard {
	t.Helper()
	g, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// echo answers with what it read, or 400 with the error.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = w.Write(b)
})

// unsized hides a body's length.
type unsized struct{ io.Reader }

func refusal(t testing.TB, err error) *guard.Refusal {
	t.Helper()
	var ref *guard.Refusal
	if !errors.As(err, &ref) {
		t.Fatalf("got %v, want a refusal", err)
	}
	return ref
}

func TestCheck(t *testing.T) {
	get := func(target string) *http.Request { return httptest.NewRequest(http.MethodGet, target, nil) }
	post := func(n int64) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/x", strings.NewReader("{}"))
		r.ContentLength = n
		return r
	}
	header := func(r *http.Request, name string, values ...string) *http.Request {
		r.Header[name] = values
		return r
	}
	for name, c := range map[string]struct {
		r      *http.Request
		rule   string
		status int
	}{
		"plain":                {get("/"), "", 0},
		"longest URL":          {get("/" + strings.Repeat("a", 7999)), "", 0},
		"long path":            {get("/" + strings.Repeat("a", 8000)), "limits/url", 414},
		"long query":           {get("/?" + strings.Repeat("a", 8000)), "limits/url", 414},
		"most parameters":      {get("/?" + strings.Repeat("a&", 999)), "", 0},
		"many parameters":      {get("/?" + strings.Repeat("a&", 1000)), "limits/query", 400},
		"by semicolons":        {&http.Request{Method: http.MethodGet, RequestURI: "/", URL: get("/").URL.ResolveReference(mustURL("/?" + strings.Repeat("a;", 1000))), Header: http.Header{}}, "limits/query", 400},
		"most header fields":   {header(get("/"), "A", make([]string, 99)...), "", 0},
		"many header fields":   {header(get("/"), "A", make([]string, 100)...), "limits/headers", 431},
		"large header":         {header(get("/"), "A", strings.Repeat("a", 16<<10)), "limits/headers", 431},
		"large in sum":         {header(get("/"), "A", strings.Repeat("a", 9000), strings.Repeat("a", 9000)), "limits/headers", 431},
		"large host":           {&http.Request{Host: strings.Repeat("a", 16<<10), URL: get("/").URL, Header: http.Header{}}, "limits/headers", 431},
		"largest body":         {post(10 << 20), "", 0},
		"large body":           {post(10<<20 + 1), "limits/body", 413},
		"unknown length":       {post(-1), "", 0},
		"gzip":                 {header(post(2), "Content-Encoding", "GZip"), "", 0},
		"x-gzip":               {header(post(2), "Content-Encoding", "x-gzip"), "", 0},
		"deflate":              {header(post(2), "Content-Encoding", "deflate"), "", 0},
		"identity":             {header(post(2), "Content-Encoding", "identity"), "", 0},
		"zstd":                 {header(post(2), "Content-Encoding", "zstd"), "limits/encoding", 415},
		"stacked":              {header(post(2), "Content-Encoding", "gzip, gzip"), "limits/encoding", 415},
		"stacked in two lines": {header(post(2), "Content-Encoding", "gzip", "gzip"), "limits/encoding", 415},
		"empty coding":         {header(post(2), "Content-Encoding", ""), "limits/encoding", 415},
		"no body, any coding":  {header(get("/"), "Content-Encoding", "zstd"), "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			err := must(t, Policy{}).Check(c.r)
			if c.rule == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if ref := refusal(t, err); ref.Rule != c.rule || ref.Status != c.status {
				t.Errorf("got %s %d, want %s %d", ref.Rule, ref.Status, c.rule, c.status)
			}
			// Each limit can be lifted by its own key, and only by that.
			for _, rule := range Rules() {
				var p struct {
					Limits      Policy
					ContentType map[string]any `yaml:"contenttype"`
				}
				if err := yaml.UnmarshalWithOptions([]byte(rule.Loosen), &p, yaml.Strict()); err != nil {
					t.Fatal(err)
				}
				if err := must(t, p.Limits).Check(c.r); (err == nil) != (rule.ID == c.rule) {
					t.Errorf("with %q: %v", rule.Loosen, err)
				}
			}
		})
	}
}

func TestWrong(t *testing.T) {
	_, err := New(Policy{
		Body: -1, HeaderBytes: 2 << 20, QueueWait: 5, Total: -time.Second, Concurrency: -3,
		Routes: []Route{{Path: "x", Body: 1}, {Path: "/a"}, {Path: "/a", Write: time.Second}, {Path: "/b", BodyRead: 10}},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"limits.body: -1", "limits.header_bytes: 2097152", "limits.queue_wait: 5ns", "limits.total: -1s", "limits.concurrency: -3",
		"limits.routes[0].path", "limits.routes[1].path", "limits.routes[2].path", "limits.routes[3].body_read",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not among\n%v", want, err)
		}
	}
}

// Every key of the policy is checked, documented by a tag, and reported when
// it is set to something weaker.
func TestEveryKeyIsReported(t *testing.T) {
	if l := (Policy{}).Loosened(); len(l) != 0 {
		t.Errorf("the zero policy is loosened: %v", l)
	}
	typ := reflect.TypeFor[Policy]()
	for i := range typ.NumField() {
		f := typ.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "" {
			t.Errorf("%s has no yaml tag", f.Name)
		}
		var p Policy
		v := reflect.ValueOf(&p).Elem().Field(i)
		switch {
		case f.Name == "Routes":
			p.Routes = []Route{{Path: "/a", Body: 1 << 30, BodyRead: time.Hour, Write: time.Hour, Total: time.Hour}}
			if n := len(p.Loosened()); n != 4 {
				t.Errorf("%d loosenings of a route", n)
			}
			continue
		case f.Name == "BodyRate":
			v.SetInt(1)
		case v.Kind() == reflect.Bool:
			v.SetBool(true)
		case f.Type == reflect.TypeFor[time.Duration]():
			v.SetInt(int64(time.Hour))
		default:
			v.SetInt(1 << 15)
			if f.Name == "Body" {
				v.SetInt(1 << 30)
			}
		}
		if l := p.Loosened(); len(l) != 1 || l[0].Key != "limits."+key {
			t.Errorf("%s: %v", key, l)
		}
		must(t, p)
	}
}

func TestYAML(t *testing.T) {
	const text = "body: 1MB\nheader_bytes: 8192\nbody_read: 90s\nroutes:\n  - path: /upload/\n    body: 1GiB\n    body_read: 10m\n"
	var p Policy
	if err := yaml.UnmarshalWithOptions([]byte(text), &p, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	want := Policy{Body: 1e6, HeaderBytes: 8 << 10, BodyRead: 90 * time.Second, Routes: []Route{{Path: "/upload/", Body: 1 << 30, BodyRead: 10 * time.Minute}}}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got %+v", p)
	}
	out, err := yaml.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var again Policy
	if err := yaml.Unmarshal(out, &again); err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("%v from\n%s", err, out)
	}
	if !strings.Contains(string(out), "body: 1GiB") {
		t.Errorf("wrote\n%s", out)
	}
	for _, bad := range []string{"body: -1\n", "body: 1.5MiB\n", "body: 1.5\n", "body: [1]\n", "body: 10 MiB\n", "body: true\n", "body: 99999999TiB\n"} {
		if err := yaml.Unmarshal([]byte(bad), &p); err == nil {
			t.Errorf("%q was read as %d", bad, p.Body)
		}
	}
}

// The golden file is typed by hand.
func TestGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/413.golden")
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/x", strings.NewReader("{}"))
	r.ContentLength = 10485761
	w := httptest.NewRecorder()
	must(t, Policy{}).Wrap(echo).ServeHTTP(w, r)
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", w.Code)
	_ = w.Header().Write(&b)
	b.WriteString("\n" + w.Body.String())
	if got := strings.ReplaceAll(b.String(), "\r\n", "\n"); got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBodyStreams(t *testing.T) {
	g := must(t, Policy{Body: 10})
	for _, n := range []int{0, 1, 9, 10, 11, 5000} {
		in := strings.Repeat("x", n)
		w := httptest.NewRecorder()
		g.Wrap(echo).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", unsized{strings.NewReader(in)}))
		if n <= 10 && (w.Code != 200 || w.Body.String() != in) {
			t.Errorf("%d bytes: %d %q", n, w.Code, w.Body)
		}
		// Whatever the handler makes of the error, the answer is the refusal.
		if n > 10 && (w.Code != 413 || w.Header().Get("Connection") != "close" || !strings.Contains(w.Body.String(), "PAYLOAD_TOO_LARGE")) {
			t.Errorf("%d bytes: %d %v %q", n, w.Code, w.Header(), w.Body)
		}
	}
}

func TestRoute(t *testing.T) {
	g := must(t, Policy{Body: 10, Routes: []Route{{Path: "/upload/", Body: 20}, {Path: "/tiny", Body: 1}}})
	for target, most := range map[string]int{"/": 10, "/upload/a": 20, "/upload/": 20, "/tiny": 1, "/tiny/a": 10} {
		for _, n := range []int{most, most + 1} {
			w := httptest.NewRecorder()
			g.Wrap(echo).ServeHTTP(w, httptest.NewRequest(http.MethodPost, target, strings.NewReader(strings.Repeat("x", n))))
			if (w.Code == 413) != (n > most) {
				t.Errorf("%s, %d bytes: %d", target, n, w.Code)
			}
		}
	}
}

// observed lets everything pass and counts the rules.
func observed(r *http.Request) (*http.Request, map[string]int) {
	seen := map[string]int{}
	r, f := guard.WithFacts(r)
	f.Door = func(_ *http.Request, ref *guard.Refusal) bool {
		seen[ref.Rule]++
		return true
	}
	return r, seen
}

func TestObserve(t *testing.T) {
	g := must(t, Policy{Body: 10})
	in := strings.Repeat("x", 5000)
	for _, body := range []io.Reader{strings.NewReader(in), unsized{strings.NewReader(in)}} {
		r, seen := observed(httptest.NewRequest(http.MethodPost, "/?"+strings.Repeat("&", 1000), body))
		r.Header["A"] = make([]string, 100)
		r.Header.Set("Content-Encoding", "zstd")
		w := httptest.NewRecorder()
		g.Wrap(echo).ServeHTTP(w, r)
		if w.Code != 200 || w.Body.String() != in {
			t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
		}
		if seen["limits/body"] == 0 || seen["limits/query"] != 1 || seen["limits/headers"] != 1 || seen["limits/encoding"] != 1 {
			t.Errorf("seen %v", seen)
		}
	}
}

func TestNothingIsShared(t *testing.T) {
	p := Policy{Routes: []Route{{Path: "/a", Body: 1}}}
	g := must(t, p)
	p.Routes[0].Body = 1 << 40
	if err := g.Check(httptest.NewRequest(http.MethodPost, "/a", strings.NewReader("xx"))); err == nil {
		t.Error("a change of the given policy changed the guard")
	}
}

func TestServerTimeouts(t *testing.T) {
	got := must(t, Policy{Routes: []Route{{Path: "/a", Total: time.Hour}}}).ServerTimeouts()
	if got.HeaderRead != 10*time.Second || got.KeepAlive != 5*time.Second || got.Total < time.Hour {
		t.Errorf("got %+v", got)
	}
	got = must(t, Policy{InsecureSlowHeaders: true, InsecureUnlimitedTotal: true}).ServerTimeouts()
	if got.HeaderRead != 0 || got.Total != 0 {
		t.Errorf("got %+v", got)
	}
}

// A file goes to a socket through ReadFrom; the bytes are the same.
func TestReadFrom(t *testing.T) {
	name := t.TempDir() + "/f"
	want := bytes.Repeat([]byte("0123456789abcdef"), 20000)
	if err := os.WriteFile(name, want, 0o600); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(must(t, Policy{}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/file" {
			http.ServeFile(w, r, name)
			return
		}
		if _, ok := w.(io.ReaderFrom); !ok {
			t.Error("the writer has no ReadFrom")
		}
		n, err := io.Copy(w, struct{ io.Reader }{bytes.NewReader(want)})
		if n != int64(len(want)) || err != nil {
			t.Error(n, err)
		}
	})))
	defer srv.Close()
	for _, path := range []string{"/file", "/copy"} {
		res, err := srv.Client().Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", path, len(got), err)
		}
	}
}

func TestAllocations(t *testing.T) {
	g := must(t, Policy{})
	r := httptest.NewRequest(http.MethodGet, "/a?b=c&d=e", nil)
	r.Header.Set("Accept", "*/*")
	if n := testing.AllocsPerRun(200, func() { _ = g.Check(r) }); n != 0 {
		t.Errorf("Check: %v allocations", n)
	}
	h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	w := &discard{h: http.Header{}}
	if n := testing.AllocsPerRun(200, func() { h.ServeHTTP(w, r) }); n > 2 {
		t.Errorf("Wrap: %v allocations", n)
	}
}

type discard struct{ h http.Header }

func (d *discard) Header() http.Header              { return d.h }
func (d *discard) Write(p []byte) (int, error)      { return len(p), nil }
func (d *discard) WriteHeader(int)                  {}
func (d *discard) SetWriteDeadline(time.Time) error { return nil }
func (d *discard) SetReadDeadline(time.Time) error  { return nil }

func BenchmarkPassing(b *testing.B) {
	g := must(b, Policy{})
	h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	r := httptest.NewRequest(http.MethodGet, "/a?b=c&d=e", nil)
	w := &discard{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}

func BenchmarkBody(b *testing.B) {
	g := must(b, Policy{})
	h := g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	r := httptest.NewRequest(http.MethodPost, "/a", http.NoBody)
	in := bytes.NewReader(make([]byte, 1<<10))
	r.ContentLength = 1 << 10
	w := &discard{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		in.Reset(make([]byte, 1<<10))
		r.Body = io.NopCloser(in)
		h.ServeHTTP(w, r)
	}
}

func TestContextOfTheRequest(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "v"))
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	var kept context.Context
	must(t, Policy{}).Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		kept = r.Context()
		child, stop := context.WithCancel(kept)
		defer stop()
		if d, ok := kept.Deadline(); !ok || time.Until(d) > DefaultTotal {
			t.Error("no deadline")
		}
		if child.Value(key{}) != "v" || kept.Err() != nil {
			t.Error("the context is not its parent's child")
		}
		cancel()
		<-child.Done()
		if !errors.Is(kept.Err(), context.Canceled) {
			t.Errorf("got %v", kept.Err())
		}
	})).ServeHTTP(httptest.NewRecorder(), r)
	if kept.Err() == nil {
		t.Error("the context outlived its request")
	}
}
