package jsonbody

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/goccy/go-yaml"

	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/promise"
)

func must(t testing.TB, p Policy) *Guard {
	t.Helper()
	g, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func post(body string, types ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/x", strings.NewReader(body))
	if len(types) > 0 {
		r.Header["Content-Type"] = types
	}
	return r
}

// outcome is what became of a request.
type outcome struct {
	status int
	read   string
	err    error
	called bool
	length int64
	header http.Header
}

func serve(g *Guard, r *http.Request) (o outcome) {
	w := httptest.NewRecorder()
	g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var b []byte
		b, o.err = io.ReadAll(r.Body)
		o.read, o.called, o.length, o.header = string(b), true, r.ContentLength, r.Header
	})).ServeHTTP(w, r)
	o.status = w.Code
	return o
}

func ruleOf(err error) string {
	var ref *guard.Refusal
	if errors.As(err, &ref) {
		return ref.Rule
	}
	return ""
}

func TestWhichBodies(t *testing.T) {
	g := must(t, Policy{})
	for _, tt := range []struct {
		types  []string
		judged bool
	}{
		{nil, true}, {[]string{""}, true}, {[]string{"application/json"}, true}, {[]string{"Application/JSON ; x"}, true},
		{[]string{"text/json"}, true}, {[]string{"application/a+JSON"}, true}, {[]string{"text/plain", "application/json"}, true},
		{[]string{"text/plain, application/json"}, true}, {[]string{"text/plain"}, false}, {[]string{"text/plain; application/json"}, false},
		{[]string{"multipart/form-data; boundary=b"}, false}, {[]string{"application/jsonx"}, false},
	} {
		o := serve(g, post("{]", tt.types...))
		if o.called == tt.judged {
			t.Errorf("%q: the handler was called: %v", tt.types, o.called)
		}
		if !tt.judged && o.read != "{]" {
			t.Errorf("%q: the handler read %q", tt.types, o.read)
		}
	}
}

// What was judged is what goes on, however it arrived.
func TestPassedOn(t *testing.T) {
	g := must(t, Policy{})
	for _, size := range []int{0, 1, 100, firstRead, firstRead + 1, keepBuffer + 1, 1 << 20} {
		doc := `["` + strings.Repeat("a", 10) + `"` + strings.Repeat(" ", size) + "]"
		for _, known := range []bool{true, false} {
			r := post(doc, "application/json")
			if !known {
				r.ContentLength = -1
				r.TransferEncoding = []string{"chunked"}
				r.Body = io.NopCloser(iotest.HalfReader(strings.NewReader(doc)))
			}
			o := serve(g, r)
			if o.status != 200 || o.read != doc || o.length != int64(len(doc)) || o.err != nil {
				t.Errorf("%d bytes, known %v: %d, %d bytes, length %d, %v", len(doc), known, o.status, len(o.read), o.length, o.err)
			}
		}
	}
	r := post("", "application/json")
	r.ContentLength = -1
	if o := serve(g, r); o.status != 200 || o.length != 0 {
		t.Errorf("an empty chunked body: %+v", o)
	}
	r = post("", "application/json")
	r.ContentLength, r.Body = 0, http.NoBody
	if o := serve(g, r); o.status != 200 {
		t.Errorf("no body: %+v", o)
	}
}

func TestSize(t *testing.T) {
	g := must(t, Policy{MaxBytes: 10})
	for _, known := range []bool{true, false} {
		for doc, status := range map[string]int{`[        ]`: 200, `[         ]`: 413} {
			r := post(doc, "application/json")
			if !known {
				r.ContentLength = -1
			}
			if o := serve(g, r); o.status != status {
				t.Errorf("%d bytes, known %v: %d", len(doc), known, o.status)
			}
		}
	}
	// A length that is announced is refused without a byte being read.
	r := post("", "application/json")
	r.ContentLength = 11
	r.Body = io.NopCloser(iotest.ErrReader(errors.New("was read")))
	if got := ruleOf(g.Check(r)); got != "jsonbody/size" {
		t.Errorf("refused by %q", got)
	}
}

func zipped(t testing.TB, doc string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, doc); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCoded(t *testing.T) {
	g := must(t, Policy{})
	bomb := zipped(t, "["+strings.Repeat(" ", 9<<20)+"]")
	empty := strings.Repeat(zipped(t, ""), 9<<20/len(zipped(t, ""))+1)
	for name, tt := range map[string]struct {
		body, coding string
		status       int
	}{
		"plain": {`{"a":1}`, "identity", 200}, "gzip": {zipped(t, `{"a":1}`), "GZip", 200}, "not gzip": {`{"a":1}`, "gzip", 400},
		"cut": {zipped(t, `{"a":1}`)[:20], "gzip", 400}, "bad inside": {zipped(t, `{"a":1,"a":2}`), "gzip", 400},
		"trailing": {zipped(t, `{"a":1}`) + "x", "gzip", 400}, "bomb": {bomb, "gzip", 413}, "nothing for much": {empty, "gzip", 413},
		"twice": {zipped(t, zipped(t, `{"a":1}`)), "gzip, gzip", 415}, "unknown": {`{"a":1}`, "br", 415},
	} {
		r := post(tt.body, "application/json")
		r.Header.Set("Content-Encoding", tt.coding)
		o := serve(g, r)
		if o.status != tt.status {
			t.Errorf("%s: status %d, want %d", name, o.status, tt.status)
		}
		if o.status == 200 && (o.read != `{"a":1}` || o.length != 7) {
			t.Errorf("%s: %q of length %d went on", name, o.read, o.length)
		}
		if name == "gzip" && (o.header.Get("Content-Encoding") != "" || o.header.Get("Content-Length") != "7") {
			t.Errorf("%s: header %v went on", name, o.header)
		}
	}
}

// In observe mode the original bytes go on, and the original error.
func TestObserve(t *testing.T) {
	broken := errors.New("reset")
	for name, tt := range map[string]struct {
		body   io.Reader
		length int64
		coding string
		want   string
		err    error
	}{
		"two rules":  {strings.NewReader(`{"a":1,"a":"\u0000",}`), 21, "", `{"a":1,"a":"\u0000",}`, nil},
		"too large":  {strings.NewReader(strings.Repeat("x", 9<<20)), -1, "", strings.Repeat("x", 9<<20), nil},
		"announced":  {strings.NewReader(strings.Repeat("x", 9<<20)), 9 << 20, "", strings.Repeat("x", 9<<20), nil},
		"broken off": {io.MultiReader(strings.NewReader(`{"a"`), iotest.ErrReader(broken)), 9, "", `{"a"`, broken},
		"not gzip":   {strings.NewReader("plain"), 5, "gzip", "plain", nil},
		"unknown":    {strings.NewReader("plain"), 5, "br", "plain", nil},
		"cut":        {strings.NewReader(zipped(t, `{"a":1}`)[:20]), 20, "gzip", zipped(t, `{"a":1}`)[:20], nil},
	} {
		r := post("", "application/json")
		r.Body, r.ContentLength = io.NopCloser(tt.body), tt.length
		if tt.coding != "" {
			r.Header.Set("Content-Encoding", tt.coding)
		}
		r, facts := guard.WithFacts(r)
		seen := 0
		facts.Door = func(*http.Request, *guard.Refusal) bool { seen++; return true }
		o := serve(must(t, Policy{}), r)
		if o.status != 200 || o.read != tt.want || !errors.Is(o.err, tt.err) || seen == 0 {
			t.Errorf("%s: status %d, %d bytes, %v, %d observed", name, o.status, len(o.read), o.err, seen)
		}
		if name == "two rules" && seen != 3 {
			t.Errorf("%d rules were observed, want 3", seen)
		}
	}
}

func TestUnreadable(t *testing.T) {
	below := &guard.Refusal{Rule: "limits/body", Status: 413, Code: "BODY_TOO_LARGE"}
	for want, err := range map[string]error{
		"limits/body": below, "jsonbody/size": &http.MaxBytesError{Limit: 1}, "jsonbody/strict-syntax": io.ErrUnexpectedEOF,
	} {
		r := post("", "application/json")
		r.Body, r.ContentLength = io.NopCloser(iotest.ErrReader(err)), 5
		if got := ruleOf(must(t, Policy{}).Check(r)); got != want {
			t.Errorf("%v: refused by %q, want %q", err, got, want)
		}
	}
}

func TestRoutes(t *testing.T) {
	g := must(t, Policy{MaxString: 5, Routes: []Route{{Path: "/x", MaxDepth: 1, MaxString: 7}, {Path: "/any/", DangerouslyAllowAny: true}}})
	for _, tt := range []struct {
		path, doc string
		ok        bool
	}{
		{"/y", `["123456"]`, false}, {"/x", `["123456"]`, true}, {"/x", `[[]]`, false}, {"/y", `[[]]`, true}, {"/any/a", `{]`, true},
	} {
		r := post(tt.doc, "application/json")
		r.URL.Path = tt.path
		if err := g.Check(r); (err == nil) != tt.ok {
			t.Errorf("%s %s: %v", tt.path, tt.doc, err)
		}
	}
}

func caller(srv *httptest.Server) promise.Caller {
	c := srv.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host = "http", srv.Listener.Addr().String()
		return c.Do(r)
	}
}

// bare answers 200 to everything. It reads the body, so that large uploads
// get through to it.
var bare = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })

func TestPromises(t *testing.T) {
	g := must(t, Policy{})
	open := httptest.NewServer(bare)
	defer open.Close()
	kept := httptest.NewServer(g.Wrap(bare))
	defer kept.Close()
	ids := map[string]bool{}
	for _, p := range g.Promises() {
		ids[p.ID] = true
		var broken *promise.BrokenError
		if err := p.Test(t.Context(), caller(open)); !errors.As(err, &broken) {
			t.Errorf("%s is not broken by a bare handler: %v", p.ID, err)
		}
		if err := p.Test(t.Context(), caller(kept)); err != nil {
			t.Errorf("%s is not kept: %v", p.ID, err)
		}
	}
	for _, rule := range Rules() {
		if !ids[rule.ID] {
			t.Errorf("%s: no promise", rule.ID)
		}
		var loose struct {
			JSONBody Policy `yaml:"jsonbody"`
		}
		if err := yaml.UnmarshalWithOptions([]byte(rule.Loosen), &loose, yaml.Strict()); err != nil {
			t.Fatal(err)
		}
		if l := loose.JSONBody.Loosened(); len(l) != 1 || l[0].Rule != rule.ID {
			t.Errorf("%s: loosened: %v", rule.ID, l)
		}
		weak := must(t, loose.JSONBody)
		srv := httptest.NewServer(weak.Wrap(bare))
		for _, p := range g.Promises() {
			err := p.Test(t.Context(), caller(srv))
			var broken *promise.BrokenError
			if (p.ID == rule.ID) != errors.As(err, &broken) {
				t.Errorf("with %s loosened, %s: %v", rule.ID, p.ID, err)
			}
		}
		srv.Close()
		for _, p := range weak.Promises() {
			if p.ID == rule.ID {
				t.Errorf("%s is promised by a policy that loosens it", p.ID)
			}
		}
	}
	if l := (Policy{}).Loosened(); l != nil {
		t.Errorf("the zero policy is loosened: %v", l)
	}
}

func TestGolden(t *testing.T) {
	w := httptest.NewRecorder()
	must(t, Policy{}).Wrap(bare).ServeHTTP(w, post(`{"user":{"role":1,"role":2}}`, "application/json"))
	var got bytes.Buffer
	if err := w.Result().Write(&got); err != nil {
		t.Fatal(err)
	}
	w = httptest.NewRecorder()
	_, err := DecodeBytes[struct{ A string }]([]byte(`{"A":1,"b":2}`), Options{})
	WriteError(w, post(""), err)
	if err := w.Result().Write(&got); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/refusal.golden")
	if err != nil {
		t.Fatal(err)
	}
	if g := strings.ReplaceAll(got.String(), "\r\n", "\n"); g != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", g, want)
	}
}

const small = `{"name":"Ada Lovelace","email":"ada@example.com","age":36,"tags":["math","engine"],"address":{"street":"12 St James's Square","city":"London"}}`

// reuse is a body that can be read again and again.
type reuse struct{ *strings.Reader }

func (reuse) Close() error { return nil }

func TestAllocations(t *testing.T) {
	g := must(t, Policy{})
	body := reuse{strings.NewReader(small)}
	r := post(small, "application/json")
	r.Header.Set("Content-Length", "142")
	buf := make([]byte, 512)
	run := func() {
		body.Reset(small)
		r.Body = body
		if err := g.Check(r); err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := r.Body.Read(buf); err != nil {
				break
			}
		}
	}
	n := testing.AllocsPerRun(1, run)
	for range 20 { // the least: the pools drop what they hold now and then
		n = min(n, testing.AllocsPerRun(1, run))
	}
	if n > 3 { // the body; what the scanner reports to; the verdict
		t.Errorf("Check of a small body makes %v allocations, want at most 3", n)
	}
}

func BenchmarkCheck(b *testing.B) {
	g := must(b, Policy{})
	body := reuse{strings.NewReader(small)}
	r := post(small, "application/json")
	buf := make([]byte, 512)
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(small)
		r.Body = body
		if err := g.Check(r); err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := r.Body.Read(buf); err != nil {
				break
			}
		}
	}
}

// The law of every guard: Check passes exactly if Wrap calls the handler,
// and what was judged is what goes on.
func FuzzCheck(f *testing.F) {
	for _, tt := range documents {
		if len(tt.doc) < 1000 {
			f.Add("application/json", tt.doc, true)
		}
	}
	f.Add("text/plain", "{]", false)
	g := must(f, Policy{MaxBytes: 64, MaxDepth: 4})
	f.Fuzz(func(t *testing.T, typ, doc string, known bool) {
		request := func() *http.Request {
			r := post(doc, typ)
			if !known {
				r.ContentLength = -1
			}
			return r
		}
		err := g.Check(request())
		o := serve(g, request())
		if (err == nil) != o.called {
			t.Fatalf("Check says %v, the handler was called: %v", err, o.called)
		}
		if o.called && o.read != doc {
			t.Fatalf("the handler read %q", o.read)
		}
	})
}
