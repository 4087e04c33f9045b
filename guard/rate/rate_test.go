package rate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

var ok = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })

func from(addr, method, path string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	r.RemoteAddr = addr
	return r
}

const (
	one   = "192.0.2.1:1000"
	other = "192.0.2.2:1000"
)

func send(g *Guard, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	g.Wrap(ok).ServeHTTP(w, r)
	return w
}

// passing sends up to most requests, and returns how many passed.
func passing(g *Guard, r *http.Request, most int) int {
	for i := range most {
		if send(g, r).Code != http.StatusOK {
			return i
		}
	}
	return most
}

func TestDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := must(t, Policy{})
		if n := passing(g, from(one, "GET", "/a"), 500); n != 200 {
			t.Errorf("%d at once", n)
		}
		if n := passing(g, from(other, "GET", "/a"), 500); n != 200 {
			t.Errorf("%d of another client", n)
		}
		time.Sleep(time.Second)
		// Unknown paths count too, and together.
		if n := passing(g, from(one, "GET", "/other"), 500); n != 100 {
			t.Errorf("%d a second later", n)
		}
		w := send(g, from(one, "GET", "/a"))
		if w.Code != 429 || w.Header().Get("Retry-After") != "1" {
			t.Errorf("got %d %v", w.Code, w.Header())
		}
		// A refusal is not held against the client.
		time.Sleep(10 * time.Millisecond)
		if n := passing(g, from(one, "GET", "/a"), 2); n != 1 {
			t.Errorf("%d passed", n)
		}
	})
}

func TestRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := must(t, Policy{
			Routes: []Route{
				{Path: "/login", Methods: []string{"POST"}, Limit: Limit{5, time.Minute}},
				{Path: "/login", Methods: []string{"GET"}, Limit: Limit{7, time.Minute}},
				{Path: "/files/", Limit: Limit{3, time.Hour}, Key: "client+path"},
				{Path: "/search", Limit: Limit{2, time.Second}, Burst: 4},
			},
			Exempt: []string{"/health"},
		})
		for _, c := range []struct {
			method, path string
			want         int
		}{
			{"POST", "/login", 5}, {"GET", "/login", 7}, {"HEAD", "/login", 0}, // HEAD is GET
			{"POST", "/login", 0}, {"DELETE", "/login", 10},
			{"GET", "/files/a", 3}, {"GET", "/files/b", 3}, {"GET", "/files/a", 0},
			{"PUT", "/search", 4}, {"GET", "/search", 0},
			{"GET", "/health", 10},
		} {
			if n := passing(g, from(one, c.method, c.path), 10); n != c.want {
				t.Errorf("%s %s: %d passed, want %d", c.method, c.path, n, c.want)
			}
		}
		if n := passing(g, from(other, "POST", "/login"), 10); n != 5 {
			t.Errorf("%d of another client", n)
		}
		// Both limits apply, so refused logins used up the default one too.
		for range 200 {
			send(g, from(other, "POST", "/login"))
		}
		if n := passing(g, from(other, "GET", "/a"), 10); n != 0 {
			t.Errorf("%d passed beyond the default", n)
		}
		if n := passing(g, from(other, "GET", "/health"), 10); n != 10 {
			t.Errorf("%d passed of what is exempt", n)
		}
	})
}

func TestClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			a, b string
			same bool
		}{
			"same network":      {"[2001:db8::1]:1", "[2001:db8::ffff:1]:1", true},
			"zones":             {"[fe80::1%eth0]:1", "[fe80::1%eth1]:1", true},
			"another network":   {"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
			"mapped":            {"[::ffff:192.0.2.1]:1", "192.0.2.1:2", true},
			"v4":                {"192.0.2.1:1", "192.0.2.3:1", false},
			"no address":        {"@", "", true},
			"none and zero":     {"@", "0.0.0.0:1", false},
			"v4 and compatible": {"[::192.0.2.1]:1", "192.0.2.1:1", false},
		} {
			g := must(t, Policy{Limit: Limit{1, time.Hour}})
			send(g, from(c.a, "GET", "/"))
			if refused := send(g, from(c.b, "GET", "/")).Code == 429; refused != c.same {
				t.Errorf("%s: counted together: %v", name, refused)
			}
		}
		g := must(t, Policy{Limit: Limit{1, time.Hour}, IPv6Prefix: 48})
		send(g, from("[2001:db8::1]:1", "GET", "/"))
		if send(g, from("[2001:db8:0:1::1]:1", "GET", "/")).Code != 429 {
			t.Error("the prefix is not used")
		}
		// The address that the clientip guard found counts, not the peer's.
		r, facts := guard.WithFacts(from(other, "GET", "/"))
		facts.Client = guard.Peer(from("[2001:db8::7]:1", "GET", "/"))
		if send(g, r).Code != 429 {
			t.Error("the client's address is not used")
		}
	})
}

// The golden file is typed by hand.
func TestGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/429.golden")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		g := must(t, Policy{Routes: []Route{{Path: "/login", Methods: []string{"POST"}, Limit: Limit{5, time.Minute}}}})
		passing(g, from(one, "POST", "/login"), 5)
		w := send(g, from(one, "POST", "/login"))
		var b strings.Builder
		fmt.Fprintf(&b, "%d\n", w.Code)
		_ = w.Header().Write(&b)
		b.WriteString("\n" + w.Body.String())
		if got := strings.ReplaceAll(b.String(), "\r\n", "\n"); got != string(want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := send(must(t, Policy{}), from(one, "GET", "/")).Header()
		if h.Get("RateLimit") != `"default";r=199;t=1` || h.Get("RateLimit-Policy") != `"default";q=200;w=2` {
			t.Errorf("got %v", h)
		}
		g := must(t, Policy{AllowUnannounced: true, Limit: Limit{1, time.Minute}})
		if h := send(g, from(one, "GET", "/")).Header(); len(h) != 0 {
			t.Errorf("got %v", h)
		}
		if h := send(g, from(one, "GET", "/")).Header(); h.Get("RateLimit") != `"default";r=0;t=60` {
			t.Errorf("refused with %v", h)
		}
		g = must(t, Policy{InsecureUnlimited: true, Routes: []Route{{Path: "/a", Limit: Limit{1, time.Minute}, Name: "a"}}})
		if h := send(g, from(one, "GET", "/")).Header(); len(h) != 0 {
			t.Errorf("got %v", h)
		}
		if h := send(g, from(one, "GET", "/a")).Header(); h.Get("RateLimit-Policy") != `"a";q=1;w=60` {
			t.Errorf("got %v", h)
		}
	})
}

type broken struct{}

func (broken) Take(context.Context, Key, Quota) (Verdict, error) {
	return Verdict{}, errors.New("dial redis.internal: refused")
}

func TestStoreFails(t *testing.T) {
	w := send(must(t, Policy{Store: broken{}}), from(one, "GET", "/"))
	if w.Code != 503 || w.Header().Get("Retry-After") != "1" || strings.Contains(w.Body.String(), "redis") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := send(must(t, Policy{Store: broken{}, InsecureFailOpen: true}), from(one, "GET", "/")); w.Code != 200 {
		t.Errorf("got %d", w.Code)
	}
}

func TestObserve(t *testing.T) {
	g := must(t, Policy{Limit: Limit{1, time.Hour}, Routes: []Route{{Path: "/a", Limit: Limit{1, time.Hour}}}})
	seen := 0
	r, f := guard.WithFacts(from(one, "GET", "/a"))
	f.Door = func(_ *http.Request, ref *guard.Refusal) bool { seen++; return ref.Rule == "rate/limited" }
	if n := passing(g, r, 10); n != 10 || seen != 18 {
		t.Errorf("%d passed, %d seen", n, seen)
	}
}

func TestWrong(t *testing.T) {
	_, err := New(Policy{
		Limit: Limit{0, time.Second}, IPv6Prefix: 20, MaxKeys: -1, Exempt: []string{"health"},
		Routes: []Route{
			{Path: "/a"},
			{Path: "/b", Limit: Limit{5, time.Minute}, Methods: []string{"post"}, Key: "user"},
			{Path: "/b", Limit: Limit{5, time.Minute}, Methods: []string{"post"}, Name: `"`},
			{Path: "c", Limit: Limit{5, 7}, Burst: -1},
			{Path: "/d", Limit: Limit{1, day}, Burst: 1000, Name: "default"},
		},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"rate.limit:", "rate.ipv6_prefix: 20", "rate.max_keys: -1", "rate.exempt[0]:",
		"rate.routes[0].limit: is missing", "rate.routes[1].key:", "rate.routes[1].methods[0]:", "rate.routes[2].name:", "rate.routes[2].path:",
		"rate.routes[3].limit:", "rate.routes[3].path:", "rate.routes[4].burst:",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not among\n%v", want, err)
		}
	}
	if _, err := New(Policy{Routes: []Route{{Path: "/a", Limit: Limit{1, day}, Name: "default"}}}); err == nil || !strings.Contains(err.Error(), "rate.routes[0].name") {
		t.Errorf("got %v", err)
	}
}

func TestYAML(t *testing.T) {
	const text = "limit: 50/s\nburst: 80\nroutes:\n- path: /login\n  methods:\n  - POST\n  limit: 5/m\n"
	var p Policy
	if err := yaml.UnmarshalWithOptions([]byte(text), &p, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	want := Policy{Limit: Limit{50, time.Second}, Burst: 80, Routes: []Route{{Path: "/login", Methods: []string{"POST"}, Limit: Limit{5, time.Minute}}}}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got %+v", p)
	}
	out, err := yaml.Marshal(want)
	if err != nil || string(out) != text {
		t.Errorf("%v, wrote\n%s", err, out)
	}
	if out, err := yaml.Marshal(Policy{}); err != nil || string(out) != "{}\n" {
		t.Errorf("%v, wrote\n%s", err, out)
	}
}

func TestEveryKeyIsReported(t *testing.T) {
	if l := (Policy{}).Loosened(); len(l) != 0 {
		t.Errorf("the zero policy is loosened: %v", l)
	}
	for key, p := range map[string]Policy{
		"limit":              {Limit: Limit{101, time.Second}, Burst: 1},
		"burst":              {Burst: 201},
		"insecure_unlimited": {InsecureUnlimited: true}, "exempt[0]": {Exempt: []string{"/health"}},
		"ipv6_prefix": {IPv6Prefix: 128}, "max_keys": {MaxKeys: 1}, "allow_unannounced": {AllowUnannounced: true},
		"insecure_fail_open": {InsecureFailOpen: true},
	} {
		if l := p.Loosened(); len(l) != 1 || l[0].Key != "rate."+key {
			t.Errorf("%s: %v", key, l)
		}
	}
	if l := (Policy{Limit: Limit{6000, time.Minute}, Burst: 200}).Loosened(); len(l) != 0 {
		t.Errorf("the same rate by another name is loosened: %v", l)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Policy]()) {
		if f.Tag.Get("yaml") == "" {
			t.Errorf("%s has no yaml tag", f.Name)
		}
	}
}

func TestNothingIsShared(t *testing.T) {
	p := Policy{Exempt: []string{"/a"}, Routes: []Route{{Path: "/b", Methods: []string{"GET"}, Limit: Limit{1, time.Hour}}}}
	g := must(t, p)
	p.Routes[0].Methods[0], p.Exempt[0] = "PUT", "/b"
	if n := passing(g, from(one, "GET", "/b"), 3); n != 1 {
		t.Error("a change of the given policy changed the guard")
	}
	h := send(g, from(one, "GET", "/c")).Header()
	h["Ratelimit-Policy"][0] = "changed"
	if send(g, from(one, "GET", "/c")).Header().Get("RateLimit-Policy") == "changed" {
		t.Error("a response's field is shared with the next one")
	}
}

func TestAllocations(t *testing.T) {
	g := must(t, Policy{Burst: 100000, Routes: []Route{{Path: "/{x}", Limit: Limit{100, time.Second}, Burst: 100000, Key: "client+path"}}})
	r, facts := guard.WithFacts(from("[2001:db8::1]:1", "GET", "/a"))
	facts.Client = guard.Peer(r)
	if n := testing.AllocsPerRun(200, func() { _ = g.Check(r) }); n != 0 {
		t.Errorf("Check: %v allocations", n)
	}
	h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	w := httptest.NewRecorder()
	if n := testing.AllocsPerRun(200, func() { h.ServeHTTP(w, r) }); n > 2 {
		t.Errorf("Wrap: %v allocations", n)
	}
}

func BenchmarkPassing(b *testing.B) {
	g := must(b, Policy{Limit: Limit{most, time.Second}, Burst: 1e6})
	h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r, facts := guard.WithFacts(from(one, "GET", "/a"))
	facts.Client = guard.Peer(r)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}

// caller serves requests without a network, so that time stands still in a
// bubble while they are served.
func caller(h http.Handler) promise.Caller {
	return func(req *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(req.Context(), req.Method, req.URL.String(), nil)
		r.Header = req.Header
		h.ServeHTTP(w, r)
		return w.Result(), nil
	}
}

// believing counts a request for whom it says it was forwarded for.
func believing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, facts := guard.WithFacts(r)
		peer := httptest.NewRequest(http.MethodGet, "/", nil)
		peer.RemoteAddr = r.Header.Get("X-Forwarded-For") + ":1"
		facts.Client = guard.Peer(peer)
		h.ServeHTTP(w, r)
	})
}

func TestPromises(t *testing.T) {
	for name, c := range map[string]struct {
		h      func(t *testing.T) http.Handler
		broken string // the rules, "" is none
	}{
		"guarded":     {func(t *testing.T) http.Handler { return must(t, Policy{}).Wrap(ok) }, ""},
		"bare":        {func(*testing.T) http.Handler { return ok }, "rate/limited rate/announced rate/not-spoofable"},
		"unlimited":   {func(t *testing.T) http.Handler { return must(t, Policy{InsecureUnlimited: true}).Wrap(ok) }, "rate/limited rate/announced rate/not-spoofable"},
		"unannounced": {func(t *testing.T) http.Handler { return must(t, Policy{AllowUnannounced: true}).Wrap(ok) }, "rate/announced"},
		"believing":   {func(t *testing.T) http.Handler { return believing(must(t, Policy{}).Wrap(ok)) }, "rate/not-spoofable"},
		"two lines": {func(t *testing.T) http.Handler {
			return must(t, Policy{}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Add("RateLimit-Policy", `"app";q=1;w=1`) }))
		}, "rate/announced"},
	} {
		for _, p := range must(t, Policy{}).Promises() {
			synctest.Test(t, func(t *testing.T) {
				err := p.Test(t.Context(), caller(c.h(t)))
				if b := (*promise.BrokenError)(nil); errors.As(err, &b) != strings.Contains(c.broken, p.ID) || b == nil && err != nil {
					t.Errorf("%s: %s: %v", name, p.ID, err)
				}
			})
		}
	}
	ids := map[string]bool{}
	for _, p := range must(t, Policy{}).Promises() {
		ids[p.ID] = true
	}
	for _, r := range Rules() {
		if !ids[r.ID] {
			t.Errorf("%s has no promise", r.ID)
		}
	}
	for _, p := range []Policy{{InsecureUnlimited: true}, {Exempt: []string{"/"}}} {
		if n := len(must(t, p).Promises()); n != 0 {
			t.Errorf("%d promises without a limit", n)
		}
	}
}
