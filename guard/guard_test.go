package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
)

var tooLarge = &Refusal{
	Rule: "limits/body", Status: http.StatusRequestEntityTooLarge, Code: "PAYLOAD_TOO_LARGE",
	Detail: "The body is larger than 10 bytes.", Reason: "content-length 4711", Close: true,
	Header: http.Header{"X-Limit": {"10"}},
}

// The golden file is typed by hand: the shape of a refusal is an interface
// for other people's programs.
func TestRefuseGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/refusal.golden")
	if err != nil {
		t.Fatal(err)
	}
	r, facts := WithFacts(httptest.NewRequest(http.MethodPost, "/x", nil))
	facts.RequestID = "ID"
	w := httptest.NewRecorder()
	w.Header().Set("Content-Encoding", "gzip") // prepared for another answer
	w.Header().Set("ETag", `"1"`)
	Refuse(w, r, fmt.Errorf("wrapped: %w", tooLarge))
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", w.Code)
	_ = w.Header().Write(&b)
	b.WriteString("\n")
	b.WriteString(w.Body.String())
	if got := strings.ReplaceAll(b.String(), "\r\n", "\n"); got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if facts.Refused != tooLarge {
		t.Error("the refusal was not noted in the facts")
	}
}

func TestRefuseTellsNothingOfOtherErrors(t *testing.T) {
	w := httptest.NewRecorder()
	r, facts := WithFacts(httptest.NewRequest(http.MethodGet, "/", nil))
	Refuse(w, r, errors.New("dsn=postgres://user:hunter2@db"))
	if reason := facts.Refused.Reason; strings.Contains(reason, "hunter2") || !strings.Contains(reason, "errorString") {
		t.Errorf("the log gets %q", reason)
	}
	if w.Code != 500 || strings.Contains(w.Body.String(), "hunter2") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if !json.Valid(w.Body.Bytes()) {
		t.Error("the body is no JSON")
	}
}

func TestThreeReadersThreeTexts(t *testing.T) {
	if e := tooLarge.Error(); strings.Contains(e, tooLarge.Reason) || strings.Contains(e, tooLarge.Detail) {
		t.Errorf("the Go error repeats another text: %q", e)
	}
}

func TestJudge(t *testing.T) {
	r, facts := WithFacts(httptest.NewRequest(http.MethodGet, "/", nil))
	if err := Judge(r, tooLarge); !errors.Is(err, error(tooLarge)) {
		t.Errorf("without a door: %v", err)
	}
	facts.Door = func(*http.Request, *Refusal) bool { return true }
	if err := Judge(r, tooLarge); err != nil {
		t.Errorf("with an open door: %v", err)
	}
	facts.Door = func(*http.Request, *Refusal) bool { return false }
	if err := Judge(r, tooLarge); err == nil {
		t.Error("with a closed door the verdict fell")
	}
}

func TestClient(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "[::ffff:192.0.2.1]:4711"
	if got := Client(r); got != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("a mapped peer is %v", got)
	}
	r.RemoteAddr = "[fe80::1%eth0]:1"
	if got := Client(r); got != netip.MustParseAddr("fe80::1") {
		t.Errorf("a peer with a zone is %v", got)
	}
	r.RemoteAddr = "@"
	if got := Client(r); got.IsValid() {
		t.Errorf("a unix peer is %v", got)
	}
	r, facts := WithFacts(r)
	facts.Client = netip.MustParseAddr("203.0.113.9")
	if got := Client(r); got != facts.Client {
		t.Errorf("an established client is %v", got)
	}
}

func TestWithFactsOnce(t *testing.T) {
	r, facts := WithFacts(httptest.NewRequest(http.MethodGet, "/", nil))
	again, same := WithFacts(r)
	if again != r || same != facts {
		t.Error("a request got its facts twice")
	}
}

// A verdict that comes while the body streams replaces the handler's answer,
// unless that has begun.
func TestOverruler(t *testing.T) {
	raise := func(w *Overruler) { _ = w.Raise(tooLarge) }
	for name, tc := range map[string]struct {
		handler func(w *Overruler)
		status  int
		has     string
	}{
		"before the answer": {func(w *Overruler) {
			raise(w)
			http.Error(w, "cannot read", http.StatusBadRequest)
		}, 413, "PAYLOAD_TOO_LARGE"},
		"no answer at all":   {raise, 413, "PAYLOAD_TOO_LARGE"},
		"a write only":       {func(w *Overruler) { raise(w); _, _ = io.WriteString(w, "fine") }, 413, "PAYLOAD_TOO_LARGE"},
		"a flush only":       {func(w *Overruler) { raise(w); w.Flush() }, 413, "PAYLOAD_TOO_LARGE"},
		"after the answer":   {func(w *Overruler) { _, _ = io.WriteString(w, "fine"); raise(w) }, 200, "fine"},
		"after a flush":      {func(w *Overruler) { w.Flush(); raise(w); _, _ = io.WriteString(w, "fine") }, 200, "fine"},
		"interim then raise": {func(w *Overruler) { w.WriteHeader(103); raise(w); w.WriteHeader(200) }, 413, "PAYLOAD_TOO_LARGE"},
		"never raised":       {func(w *Overruler) { w.WriteHeader(204) }, 204, ""},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				o := NewOverruler(w, r)
				tc.handler(o)
				o.Finish()
			}))
			defer srv.Close()
			res, err := http.Get(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != tc.status || !strings.Contains(string(body), tc.has) {
				t.Errorf("got %d %q, want %d with %q", res.StatusCode, body, tc.status, tc.has)
			}
			if tc.status == 413 && strings.Contains(string(body), "fine") {
				t.Errorf("the handler's answer came through: %q", body)
			}
		})
	}
}

// The handler's own header fields do not go out with a refusal; those of
// guards further out do.
func TestOverrulerDropsTheHandlersFields(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("RateLimit", "outer")
	o := NewOverruler(w, httptest.NewRequest(http.MethodPost, "/", nil))
	o.Header().Set("Set-Cookie", "session=1")
	_ = o.Raise(tooLarge)
	o.WriteHeader(http.StatusOK)
	if got := w.Header(); got.Get("Set-Cookie") != "" || got.Get("RateLimit") != "outer" || w.Code != 413 {
		t.Errorf("got %d %v", w.Code, got)
	}
}

func TestOverrulerDoesNotHijackARefusal(t *testing.T) {
	o := NewOverruler(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	_ = o.Raise(tooLarge)
	if _, _, err := o.Hijack(); err == nil {
		t.Error("a refused request took over the connection")
	}
}
