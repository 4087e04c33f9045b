package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/promise"
)

func one(id string, test func(context.Context, promise.Caller) error) promise.Promise {
	return promise.Promise{ID: id, Claim: id, Test: test}
}

func TestVerdicts(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	var shown *http.Request
	report, err := Run(t.Context(), Options{URL: srv.URL, HandlerOnly: true, Promises: []promise.Promise{
		one("a/kept", func(context.Context, promise.Caller) error { return nil }),
		one("a/broken", func(ctx context.Context, _ promise.Caller) error {
			shown = promise.NewRequest(ctx, http.MethodPost, "/it's?x=1", `{"a":"b'c"}`)
			shown.Header.Set("X-A", "1")
			return promise.Broken(shown, "this", "that")
		}),
		one("a/unknown", func(context.Context, promise.Caller) error { return errors.New("no idea") }),
		{ID: "a/intrusive", Intrusive: true},
		{ID: "a/conn", Conn: true},
		{ID: "a/secure", Secure: true},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Results) != 3 || report.Left != 3 {
		t.Fatalf("%d results and %d left out", len(report.Results), report.Left)
	}
	for i, want := range []Verdict{Kept, Broken, CouldNotTell} {
		if got := report.Results[i].Verdict; got != want {
			t.Errorf("%s: %v, want %v", report.Results[i].ID, got, want)
		}
	}
	if f := report.Findings(); len(f) != 1 || f[0].Rule != "a/broken" {
		t.Errorf("findings: %v", f)
	}
	if _, err := Check(t.Context(), Options{URL: srv.URL, Promises: []promise.Promise{one("a/u", func(context.Context, promise.Caller) error { return errors.New("no idea") })}}); !errors.Is(err, ErrCouldNotTell) {
		t.Errorf("Check hid what could not be told: %v", err)
	}
	var text, js strings.Builder
	if err := errors.Join(report.WriteText(&text), report.WriteJSON(&js)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"broken          a/broken", "got   this", "want  that", "1 kept, 1 broken, 1 could not tell, 3 left out"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, &text)
		}
	}
	if !strings.Contains(js.String(), `"verdict": "could not tell"`) {
		t.Errorf("the JSON lacks a verdict:\n%s", &js)
	}
}

// A line that shows a broken promise must do so in a real shell.
func TestShellLinesRun(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Logf("curl is not here, so only the texts are compared")
	}
	got := make(chan string, 4)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, typed := r.Header["Content-Type"]
		got <- strings.Join([]string{r.Method, r.RequestURI, r.Host, r.Header.Get("X-A"), string(body), map[bool]string{true: "typed", false: "untyped"}[typed]}, "|")
	}))
	defer srv.Close()
	c, err := newCaller(Options{URL: srv.URL, Host: "api.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	req := promise.NewRequest(t.Context(), http.MethodPatch, "/a/./b?x=%27", `{"a":"it's"}`)
	req.Header.Set("X-A", "o'clock")
	line := c.shell(req)
	if want := `curl -si --path-as-is -X 'PATCH' -H 'Host: api.example.com' -H 'X-A: o'\''clock' -H 'Content-Type:' --data-binary '{"a":"it'\''s"}' '` + srv.URL + `/a/./b?x=%27'`; line != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
	if curl != "" {
		if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if g, want := <-got, `PATCH|/a/./b?x=%27|api.example.com|o'clock|{"a":"it's"}|untyped`; g != want {
			t.Errorf("the shell sent %s, want %s", g, want)
		}
	}
	const odd = "--b\r\n%zz'\x00\xff\\1\r\n"
	line = c.shell(promise.NewRequest(t.Context(), http.MethodPost, "/odd", odd))
	if want := `printf '\055-b\r\n%%zz'\''\000\377\\1\r\n' | curl -si --path-as-is -X 'POST' -H 'Host: api.example.com' -H 'Content-Type:' --data-binary @- '` + srv.URL + `/odd'`; line != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
	if curl != "" {
		if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if g, want := <-got, "POST|/odd|api.example.com||"+odd+"|untyped"; g != want {
			t.Errorf("the shell sent %q, want %q", g, want)
		}
	}
	raw := c.shell(promise.RawRequest(t.Context(), "GET /%2e HTTP/1.1\r\nHost: {host}\r\nX: \\\x01\r\n\r\n"))
	host, port, _ := net.SplitHostPort(strings.TrimPrefix(srv.URL, "http://"))
	if want := `printf 'GET /%%2e HTTP/1.1\r\nHost: api.example.com\r\nX: \\\001\r\n\r\n' | nc ` + host + " " + port; raw != want {
		t.Errorf("got  %s\nwant %s", raw, want)
	}
}

func TestCallerCompletesRequests(t *testing.T) {
	c, err := newCaller(Options{URL: "https://api.example.com:8443", Host: "other.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	r := c.complete(promise.NewRequest(t.Context(), http.MethodGet, "/x", ""))
	if r.URL.String() != "https://api.example.com:8443/x" || r.Host != "other.example.com" {
		t.Errorf("got %s with Host %s", r.URL, r.Host)
	}
	plain := promise.NewRequest(t.Context(), http.MethodGet, "/x", "")
	plain.URL.Scheme = "http"
	plain.Host = "third.example.com"
	if r := c.complete(plain); r.URL.String() != "http://api.example.com/x" || r.Host != "third.example.com" {
		t.Errorf("got %s with Host %s", r.URL, r.Host)
	}
}

func TestRawBytesArriveAsTheyAre(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		buf := make([]byte, 4096)
		n, _ := c.Read(buf)
		got <- string(buf[:n])
		_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad Request\r\nX: 1\r\nX: 2\r\nContent-Length: 2\r\n\r\nno")
	}()
	c, err := newCaller(Options{URL: "http://" + l.Addr().String(), Host: "h"})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := promise.Ask(c.call, promise.RawRequest(t.Context(), "get\t/ HTTP/1.1\nHost: {host}\n\n"))
	if err != nil {
		t.Fatal(err)
	}
	if g := <-got; g != "get\t/ HTTP/1.1\nHost: h\n\n" {
		t.Errorf("sent %q", g)
	}
	if answer.Status != 400 || len(answer.Header.Values("X")) != 2 || string(answer.Body) != "no" {
		t.Errorf("got %+v", answer)
	}
}

func TestNoAnswerIsNoVerdict(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	c, err := newCaller(Options{URL: "http://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = promise.Ask(c.call, promise.RawRequest(t.Context(), "GET / HTTP/1.1\r\n\r\n"))
	var broken *promise.BrokenError
	if err == nil || errors.As(err, &broken) {
		t.Errorf("got %v", err)
	}
	if _, err := Run(t.Context(), Options{URL: "http://" + l.Addr().String()}); err == nil {
		t.Error("an API that does not answer was reported on")
	}
}

// A gentle test waits for a limit that its own pace ran into; a test about
// limits does not.
func TestPatience(t *testing.T) {
	var n atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if n.Add(1) < 3 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		_, _ = w.Write(body)
	}))
	defer srv.Close()
	c, err := newCaller(Options{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := promise.Ask(c.patient, promise.NewRequest(t.Context(), http.MethodPost, "/", "again"))
	if err != nil || answer.Status != 200 || string(answer.Body) != "again" {
		t.Errorf("got %v, %v", answer, err)
	}
	n.Store(0)
	if answer, err := promise.Ask(c.call, promise.NewRequest(t.Context(), http.MethodGet, "/", "")); err != nil || answer.Status != 429 {
		t.Errorf("got %v, %v", answer, err)
	}
}

func TestURLsThatAreNoRoot(t *testing.T) {
	for _, u := range []string{"", "localhost:8000", "ftp://x", "http://", "http://x/api", "http://x?y", "http://u:p@x", "http://x#y", ":"} {
		if _, err := Run(t.Context(), Options{URL: u}); err == nil {
			t.Errorf("%q was taken for the root of an API", u)
		}
	}
}

func TestATestIsBoundedInTime(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	report, err := Run(t.Context(), Options{URL: srv.URL, Timeout: time.Millisecond, Promises: []promise.Promise{
		one("a/slow", func(ctx context.Context, _ promise.Caller) error { <-ctx.Done(); return ctx.Err() }),
	}})
	if err != nil || report.Results[0].Verdict != CouldNotTell {
		t.Errorf("got %v, %v", report, err)
	}
}

// Whoever answers chooses what a promise got; none of it commands a terminal.
func TestTextCommandsNoTerminal(t *testing.T) {
	r := &Report{Results: []Result{
		{ID: "a/b", Verdict: Broken, Got: "Server: \x1b[2J", Want: "none"},
		{ID: "a/c", Verdict: CouldNotTell, Reason: "\u009b31m"},
	}}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\u009b") || !strings.Contains(b.String(), `Server: \x1b[2J`) {
		t.Errorf("got %q", b.String())
	}
}

// Wrong options are not an API that cannot be reached, and are said without
// the password in the URL.
func TestWrongOptions(t *testing.T) {
	for _, o := range []Options{
		{URL: ""}, {URL: "localhost:8000"}, {URL: "ftp://a"}, {URL: "http://u:hunter2@a"}, {URL: "http://u:hunter2@a:x y"}, {URL: "http://u:hunter2@a/%zz"},
		{URL: "http://a/b"}, {URL: "http://a?b"}, {URL: "http://a", Host: "b c"}, {URL: "http://a", Host: "b\r\nX: y"}, {URL: "http://a", Host: "b/c"},
	} {
		if _, err := Run(t.Context(), o); !errors.Is(err, ErrOptions) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
