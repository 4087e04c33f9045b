package pavise_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/check/probe"
	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/pavisetest"
	"github.com/pavise-dev/pavise/promise"
)

// quiet keeps the panics that tests provoke out of their output.
var quiet = pavise.Options{ErrorLog: slog.New(slog.DiscardHandler)}

// serve runs a policy in front of an unhardened API, over TLS or not, and
// returns its URL.
func serve(t *testing.T, p pavise.Policy, overTLS bool) string {
	t.Helper()
	g, err := pavise.NewWith(p, quiet)
	if err != nil {
		t.Fatal(err)
	}
	srv := g.Server(pavisetest.Unhardened())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	if overTLS {
		config := testTLS(t)
		srv.TLSConfig = config
		go srv.Serve(g.TLSListener(l, config))
		return "https://" + l.Addr().String()
	}
	go srv.Serve(g.Listener(l))
	return "http://" + l.Addr().String()
}

// testTLS borrows httptest's certificate.
func testTLS(t *testing.T) *tls.Config {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	return &tls.Config{Certificates: s.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}
}

func put(t *testing.T, url string, promises ...promise.Promise) map[string]probe.Result {
	t.Helper()
	report, err := probe.Run(t.Context(), probe.Options{URL: url, Promises: promises, Intrusive: true, InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	results := map[string]probe.Result{}
	for _, r := range report.Results {
		results[r.ID] = r
	}
	return results
}

// overTLS names the rules whose difference shows on a TLS connection only.
var overTLS = map[string]bool{"headers/hsts": true}

// small makes what a rule waits for or counts up to small, so that its test
// does not take long. What is switched off stays the same.
var small = map[string]func(*pavise.Policy){
	"limits/concurrency": func(p *pavise.Policy) {
		p.Limits.Concurrency, p.Limits.Queue, p.Limits.QueueWait = 8, 2, 200*time.Millisecond
	},
	"limits/slow-headers": func(p *pavise.Policy) { p.Limits.HeaderRead = time.Second },
	"limits/slow-body":    func(p *pavise.Policy) { p.Limits.BodyGrace = time.Second },
	"rate/limited":        func(p *pavise.Policy) { p.Rate.Burst = 20 },
	"rate/not-spoofable":  func(p *pavise.Policy) { p.Rate.Burst = 20 },
}

// TestMutations switches off one rule after another, each by the loosening
// that its own documentation gives, and requires that the promise of that
// rule then breaks. A promise that survives is a tautology, or the loosening
// is not what it says.
func TestMutations(t *testing.T) {
	strict := map[string]promise.Promise{}
	for _, p := range (pavise.Policy{}).Promises() {
		if _, twice := strict[p.ID]; twice {
			t.Errorf("%s is promised twice", p.ID)
		}
		strict[p.ID] = p
	}
	rules := pavise.Rules()
	if len(rules) < 40 {
		t.Fatalf("only %d rules", len(rules))
	}
	for _, rule := range rules {
		t.Run(rule.ID, func(t *testing.T) {
			t.Parallel()
			p, ok := strict[rule.ID]
			if !ok {
				t.Fatal("the rule makes no promise")
			}
			var base pavise.Policy
			reduce := small[rule.ID]
			if reduce != nil {
				reduce(&base)
				for _, q := range base.Promises() {
					if q.ID == rule.ID {
						p = q
					}
				}
			}
			if p.Claim != rule.Claim {
				t.Errorf("the promise claims %q, the rule %q", p.Claim, rule.Claim)
			}
			if rule.Attack == "" || rule.Cost == "" || rule.Loosen == "" || len(rule.Refs) == 0 {
				t.Errorf("the rule is not documented: %+v", rule)
			}
			if r := put(t, serve(t, base, overTLS[rule.ID]), p)[rule.ID]; r.Verdict != probe.Kept {
				t.Fatalf("with the strict policy: %v (got %s, want %s) %s", r.Verdict, r.Got, r.Want, r.Reason)
			}
			loose, err := pavise.Parse([]byte(rule.Loosen))
			if err != nil {
				t.Fatalf("the loosening does not parse: %v\n%s", err, rule.Loosen)
			}
			if ls := loose.Loosened(); len(ls) == 0 {
				t.Error("the loosening is not reported as one")
			}
			if reduce != nil {
				reduce(&loose)
			}
			r := put(t, serve(t, loose, overTLS[rule.ID]), p)[rule.ID]
			if r.Verdict != probe.Broken {
				t.Errorf("with\n%s\nthe promise is %v, want broken: %s", rule.Loosen, r.Verdict, r.Reason)
			}
		})
	}
}

// TestNoPromiseIsVacuous puts every promise to the bare API: none may be kept.
func TestNoPromiseIsVacuous(t *testing.T) {
	srv := httptest.NewServer(pavisetest.Unhardened())
	t.Cleanup(srv.Close)
	secure := httptest.NewTLSServer(pavisetest.Unhardened())
	t.Cleanup(secure.Close)
	var p pavise.Policy
	for _, reduce := range small {
		reduce(&p)
	}
	for _, p := range p.Promises() {
		t.Run(p.ID, func(t *testing.T) {
			t.Parallel()
			url := srv.URL
			if overTLS[p.ID] {
				url = secure.URL
			}
			if r := put(t, url, p)[p.ID]; r.Verdict == probe.Kept {
				t.Error("kept by an API that nobody hardened")
			}
		})
	}
}

// TestObservedIsNotPromised: in observe mode nothing is refused, all of it is
// reported, and none of it is promised.
func TestObservedIsNotPromised(t *testing.T) {
	var seen []string
	g, err := pavise.NewWith(pavise.Policy{Mode: guard.Observe}, pavise.Options{
		Verdict: func(_ *http.Request, ref *guard.Refusal, observed bool) {
			if observed {
				seen = append(seen, ref.Rule)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	r := httptest.NewRequest(http.MethodGet, "/docs", nil)
	r.Host = "elsewhere.example.com"
	r.RemoteAddr = "192.0.2.1:1"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusTeapot {
		t.Errorf("status %d: the request did not go on", w.Code)
	}
	want := map[string]bool{"https/required": true, "hosts/listed": true, "apidocs/closed": true}
	for _, rule := range seen {
		delete(want, rule)
	}
	if len(want) > 0 {
		t.Errorf("not reported: %v (reported: %v)", want, seen)
	}
	for _, p := range g.Promises() {
		for _, rule := range seen {
			if p.ID == rule {
				t.Errorf("%s is promised although it is only observed", p.ID)
			}
		}
	}
}

// TestObservedIsTold: what is promised while the rest is only observed can be
// told from outside, and is kept.
func TestObservedIsTold(t *testing.T) {
	p := pavise.Policy{Mode: guard.Observe}
	for id, r := range put(t, serve(t, p, false), p.Promises()...) {
		if r.Verdict != probe.Kept {
			t.Errorf("%s is %v: %s", id, r.Verdict, r.Reason)
		}
	}
}

// TestDocsThatAreShownWork: their pages get a policy under which a browser can
// run them, and nothing else does.
func TestDocsThatAreShownWork(t *testing.T) {
	for text, works := range map[string]bool{
		"mode: observe\n":                             true,
		"apidocs:\n  open: true\n":                    true,
		"modes:\n  apidocs: observe\n":                true,
		"mode: observe\nmodes:\n  apidocs: enforce\n": false,
		"": false,
	} {
		p, err := pavise.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		g, err := pavise.New(p)
		if err != nil {
			t.Fatal(err)
		}
		h := g.Wrap(pavisetest.Unhardened())
		csp := func(path string) string {
			r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path, nil)
			r.RemoteAddr = "127.0.0.1:1"
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Header().Get("Content-Security-Policy")
		}
		if got := containsLine(csp("/docs"), "script-src"); got != works {
			t.Errorf("with %q the documentation's scripts may run: %v", text, got)
		}
		if containsLine(csp("/api/orders"), "script-src") {
			t.Errorf("with %q scripts may run elsewhere", text)
		}
	}
}

// TestOneRuleEnforced: a rule's own mode overrides its guard's, and that the
// policy's.
func TestOneRuleEnforced(t *testing.T) {
	p := pavise.Policy{Mode: guard.Observe, Modes: map[string]guard.Mode{"apidocs": guard.Enforce, "https": guard.Enforce, "https/required": guard.Observe}}
	g, err := pavise.New(p)
	if err != nil {
		t.Fatal(err)
	}
	h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	get := func(path string) int {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "elsewhere.example.com"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	if code := get("/docs"); code != http.StatusNotFound {
		t.Errorf("/docs: %d, want 404", code)
	}
	if code := get("/x"); code != http.StatusOK {
		t.Errorf("/x: %d, want 200", code)
	}
}

// TestMistakesAllAtOnce: New names every mistake of every section.
func TestMistakesAllAtOnce(t *testing.T) {
	p, err := pavise.Parse([]byte("version: 7\nmode: loud\nmodes:\n  nosuch: enforce\ngateway:\n  listen: nowhere\n  workers: -1\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = pavise.New(p)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, key := range []string{"version:", "mode:", "modes.nosuch:", "gateway.listen:", "gateway.workers:"} {
		if !containsLine(err.Error(), key) {
			t.Errorf("no line about %s in:\n%v", key, err)
		}
	}
}

// TestPanicIsNotTold: a crash answers 500 with the headers and says nothing
// of itself; one in mid-response cuts the connection.
func TestPanicIsNotTold(t *testing.T) {
	g, err := pavise.NewWith(pavise.Policy{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
		}
		panic("password=hunter2")
	})))
	defer srv.Close()
	res, err := http.Get(srv.URL + "/early")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != 500 || res.Header.Get("X-Content-Type-Options") != "nosniff" || containsLine(string(body), "hunter2") {
		t.Errorf("got %d %v %s", res.StatusCode, res.Header, body)
	}
	res, err = http.Get(srv.URL + "/late")
	if err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	if err == nil {
		t.Error("a crash in mid-response looks like a whole response")
	}
}

// TestPolicyThatIsWrongPromisesNothing: its one promise cannot be told.
func TestPolicyThatIsWrongPromisesNothing(t *testing.T) {
	ps := pavise.Policy{Version: 9}.Promises()
	if len(ps) != 1 {
		t.Fatalf("%d promises", len(ps))
	}
	var broken *promise.BrokenError
	if err := ps[0].Test(context.Background(), nil); err == nil || errors.As(err, &broken) {
		t.Errorf("got %v", err)
	}
}
