package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/promise"
)

// caller asks the server at addr.
func caller(addr string) promise.Caller {
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	}
	return func(req *http.Request) (*http.Response, error) {
		if raw, ok := promise.Raw(req); ok {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				return nil, err
			}
			_ = c.SetDeadline(time.Now().Add(3 * time.Second))
			if _, err := io.WriteString(c, strings.ReplaceAll(raw, "{host}", addr)); err != nil {
				return nil, err
			}
			return http.ReadResponse(bufio.NewReader(c), req)
		}
		req = req.Clone(req.Context())
		req.URL.Scheme, req.URL.Host = "http", addr
		return client.Do(req)
	}
}

func bare(t testing.TB) string {
	l := listen(t)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return l.Addr().String()
}

func TestPromises(t *testing.T) {
	g := mustNew(t, Policy{})
	kept := caller(serve(t, g, http.HandlerFunc(echo)))
	none := caller(bare(t))
	rules := map[string]bool{}
	for _, r := range Rules() {
		rules[r.ID] = true
	}
	promises := g.Promises()
	if len(promises) != len(rules) {
		t.Errorf("%d promises for %d rules", len(promises), len(rules))
	}
	for _, p := range promises {
		if !rules[p.ID] || p.Test == nil {
			t.Fatalf("%s is no rule, or has no test", p.ID)
		}
		if err := p.Test(context.Background(), kept); err != nil {
			t.Errorf("%s is not kept: %v", p.ID, err)
		}
		var broken *promise.BrokenError
		if err := p.Test(context.Background(), none); !errors.As(err, &broken) {
			t.Errorf("%s against a bare server: %v, want it broken", p.ID, err)
		}
	}
}

// loosened are the policies that the Loosen snippets of the rules say.
var loosened = map[string]Policy{
	"wire/framing":       {InsecureLenientFraming: true},
	"wire/chunks":        {InsecureLenientChunks: true},
	"wire/trailers":      {InsecureLenientTrailers: true},
	"wire/line-endings":  {AllowBareLF: true},
	"wire/header-syntax": {AllowObsFold: true},
	"wire/request-line":  {InsecureLenientRequestLine: true},
	"wire/host-header":   {InsecureHostMismatch: true},
	"wire/single-fields": {AllowRepeatedFields: true},
	"wire/underscores":   {AllowUnderscores: true},
	"wire/expect":        {InsecureIgnoreExpect: true},
	"wire/upgrade":       {InsecureAnyUpgrade: true},
	"wire/methods":       {AllowAnyMethod: true},
	"wire/path":          {InsecureLenientPath: true},
	"wire/encoded-slash": {AllowEncodedSlash: true},
	"wire/path-params":   {AllowPathParams: true},
	"wire/query":         {InsecureLenientQuery: true},
	"wire/get-body":      {AllowGetBody: true},
}

// Each rule has a switch, which switches off that rule and no other.
func TestLoosened(t *testing.T) {
	strict := mustNew(t, Policy{})
	for _, r := range Rules() {
		p, ok := loosened[r.ID]
		if !ok {
			t.Errorf("%s has no switch", r.ID)
			continue
		}
		notes := p.Loosened()
		if len(notes) != 1 || notes[0].Rule != r.ID {
			t.Errorf("%s: Loosened says %v", r.ID, notes)
			continue
		}
		if want := "wire:\n  " + strings.TrimPrefix(notes[0].Key, "wire.") + ": true\n"; r.Loosen != want {
			t.Errorf("%s: Loosen is %q, want %q", r.ID, r.Loosen, want)
		}
		call := caller(serve(t, mustNew(t, p), http.HandlerFunc(echo)))
		for _, pr := range strict.Promises() {
			var broken *promise.BrokenError
			err := pr.Test(context.Background(), call)
			if pr.ID == r.ID && !errors.As(err, &broken) {
				t.Errorf("with %s switched off its promise is not broken: %v", r.ID, err)
			}
			if pr.ID != r.ID && err != nil {
				t.Errorf("with %s switched off, %s: %v", r.ID, pr.ID, err)
			}
		}
	}
	if got := (Policy{}).Loosened(); len(got) != 0 {
		t.Errorf("the zero policy is loosened: %v", got)
	}
}

// What a loosened guard passes on is canonical all the same.
func TestLooseReadings(t *testing.T) {
	addr := serve(t, mustNew(t, Policy{
		AllowBareLF: true, AllowObsFold: true, InsecureLenientFraming: true, InsecureHostMismatch: true, InsecureAnyUpgrade: true,
		InsecureLenientTrailers: true, InsecureLenientRequestLine: true, AllowGetBody: true, AllowEncodedSlash: true,
		Routes: []Route{{Path: "/p/", AllowPathParams: true}}, Methods: []string{"PROPFIND"}, Upgrades: []string{"Echo/1"},
	}), http.HandlerFunc(echo))
	for _, tt := range []struct{ raw, shows string }{
		{"GET / HTTP/1.1\nHost: a\n\n", "host a\n"},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n  b \r\n\tc\r\n\r\n", "X: a    b   \tc\n"},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "body \"hi\""},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", "body \"hi\""},
		{"GET http://u@b/x HTTP/1.1\r\nHost: a\r\n\r\n", "host b\n"},
		{"GET /x\"y HTTP/1.9\r\nHost: a\r\n\r\n", "GET /x%22y HTTP/1.1\n"},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n0\r\nX: a\r\n b\r\nContent-Length: 9\r\n\r\n", "trailer X: a b\n"},
		{"GET /p/a;b HTTP/1.1\r\nHost: a\r\n\r\n", "GET /p/a;b "},
		{"GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a%2fb "},
		{"PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n", "PROPFIND / "},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo/1\r\n\r\n", "Upgrade: echo/1"},
	} {
		all := talk(t, addr, tt.raw)
		if len(all) != 1 || all[0].StatusCode != http.StatusOK || !strings.Contains(all[0].body, tt.shows) {
			t.Errorf("%q: got %+v, want %q", tt.raw, all, tt.shows)
		}
	}
	if all := talk(t, addr, "GET /q/a;b HTTP/1.1\r\nHost: a\r\n\r\n"); all[0].StatusCode != http.StatusBadRequest {
		t.Errorf("a path parameter elsewhere: %d", all[0].StatusCode)
	}
}

// In observe mode the rules of the handler's half let pass what they would
// refuse; those of the connection do not.
func TestObserve(t *testing.T) {
	g := mustNew(t, Policy{})
	var seen []string
	inner := g.Wrap(http.HandlerFunc(echo))
	l := listen(t)
	srv := &http.Server{ConnContext: g.ConnContext, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = guard.Begin(r, &guard.Facts{Door: func(_ *http.Request, ref *guard.Refusal) bool {
			seen = append(seen, ref.Rule)
			return true
		}})
		inner.ServeHTTP(w, r)
	})}
	go func() { _ = srv.Serve(g.Listener(l)) }()
	defer srv.Close()
	all := talk(t, l.Addr().String(), "FOO //a%2fb;c?;%zz HTTP/1.1\r\nHost: a\r\n\r\n")
	if len(all) != 1 || all[0].StatusCode != http.StatusOK || !strings.Contains(all[0].body, "FOO //a%2fb;c?;%zz ") {
		t.Fatalf("got %+v", all)
	}
	if got, want := strings.Join(seen, " "), "wire/methods wire/path wire/path-params wire/encoded-slash wire/query"; got != want {
		t.Errorf("observed %s, want %s", got, want)
	}
	if all := talk(t, l.Addr().String(), "GET / HTTP/1.1\nHost: a\n\n"); len(all) != 1 || all[0].StatusCode != http.StatusBadRequest {
		t.Errorf("bare LF: got %+v", all)
	}
}

// Every refusal's rule is documented.
func TestRulesOfRefusals(t *testing.T) {
	rules := map[string]bool{}
	for _, r := range Rules() {
		rules[r.ID] = true
		if r.Claim == "" || r.Attack == "" || len(r.Refs) == 0 || r.Cost == "" {
			t.Errorf("%s is not documented", r.ID)
		}
	}
	g := mustNew(t, Policy{})
	for _, v := range vectors {
		if _, ref := pass(g, []byte(v.raw), 1<<20, 4096); ref != nil && !rules[ref.Rule] {
			t.Errorf("%s: rule %q is not in Rules", v.name, ref.Rule)
		}
	}
}

// The whole answer to a refused request, to the byte.
func TestGolden(t *testing.T) {
	g := mustNew(t, Policy{})
	l := listen(t)
	srv := &http.Server{ConnContext: g.ConnContext, Handler: g.Wrap(http.HandlerFunc(echo))}
	go func() { _ = srv.Serve(g.Listener(l)) }()
	defer srv.Close()
	for file, raw := range map[string]string{
		"testdata/bare-lf.golden": "GET / HTTP/1.1\nHost: a\n\n",
		"testdata/method.golden":  "TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	} {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, raw)
		b, _ := io.ReadAll(c)
		c.Close()
		var lines []string
		for _, line := range strings.SplitAfter(string(b), "\n") {
			if !strings.HasPrefix(line, "Date: ") {
				lines = append(lines, line)
			}
		}
		if got := strings.ReplaceAll(strings.Join(lines, ""), "\r\n", "\n"); got != string(want) {
			t.Errorf("%s: got\n%s", file, got)
		}
	}
}

func TestNewErrors(t *testing.T) {
	_, err := New(Policy{
		MaxHead:  5,
		Methods:  []string{"TRACE", "GET", "b d", "foo"},
		Routes:   []Route{{Path: "x"}},
		Upgrades: []string{"h2c", "", "websocket"},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, key := range []string{"wire.max_head: 5", "wire.methods[0]: TRACE", "wire.methods[1]", "wire.methods[2]", "wire.methods[3]", "wire.routes[0].path", "wire.upgrades[0]", "wire.upgrades[1]", "wire.upgrades[2]"} {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("no word of %s in\n%v", key, err)
		}
	}
}

// New copies what it is given.
func TestNewCopies(t *testing.T) {
	p := Policy{Methods: []string{"PROPFIND"}, Upgrades: []string{"echo"}}
	g := mustNew(t, p)
	p.Methods[0], p.Upgrades[0] = "FOO", "foo"
	if g.methods[len(g.methods)-1] != "PROPFIND" || !g.upgrades("echo") {
		t.Error("the guard changed with the policy")
	}
}

// Handshakes that never end make room for new ones.
func TestHandshakesAreBounded(t *testing.T) {
	l := listen(t)
	tl := mustNew(t, Policy{}).TLSListener(l, &tls.Config{}).(*tlsListener)
	defer tl.Close()
	first, second := net.Pipe()
	defer second.Close()
	e := tl.begin(first)
	for range maxHandshakes {
		a, b := net.Pipe()
		defer b.Close()
		tl.begin(a)
	}
	if _, err := first.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the oldest handshake goes on: %v", err)
	}
	tl.pending.Remove(e)
	if n := tl.pending.Len(); n != maxHandshakes {
		t.Errorf("%d handshakes, want %d", n, maxHandshakes)
	}
}
