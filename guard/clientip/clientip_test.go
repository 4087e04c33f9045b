package clientip

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/promise"
)

func mustNew(t testing.TB, p Policy) *Guard {
	t.Helper()
	g, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func request(peer string, header http.Header) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = peer
	if header != nil {
		r.Header = header
	}
	return r
}

// run returns the request that the next handler sees.
func run(g *Guard, r *http.Request) (inner *http.Request) {
	g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { inner = r })).ServeHTTP(httptest.NewRecorder(), r)
	return inner
}

const proxy = "10.0.0.1:4711"

// weird is a chain that different libraries read in different ways.
var weird = []string{"::ffff:127.0.0.1", "127.0.0.1:80", "[::1]:1", "0x7f.1", "127.1", "0177.0.0.1", "fe80::1%eth0", "", "\t"}

// TestXFF is about the chain that a trusted peer forwards.
func TestXFF(t *testing.T) {
	trusting := Policy{Trust: []string{"10.0.0.0/8", "127.0.0.0/8", "::1", "fe80::/10"}}
	many := func(n int, left string) string { return left + strings.Repeat(", 10.0.0.9", n) }
	for _, tt := range []struct {
		name  string
		peer  string
		lines []string
		want  string
	}{
		{"none", proxy, nil, "10.0.0.1"},
		{"one", proxy, []string{"203.0.113.9"}, "203.0.113.9"},
		{"right-most untrusted", proxy, []string{"1.1.1.1, 203.0.113.9, 10.2.3.4"}, "203.0.113.9"},
		{"several lines", proxy, []string{"1.1.1.1", "203.0.113.9", "10.2.3.4,10.0.0.3"}, "203.0.113.9"},
		{"all trusted", proxy, []string{"10.9.9.9, 10.2.3.4"}, "10.9.9.9"},
		{"untrusted peer", "192.0.2.1:1", []string{"203.0.113.9"}, "192.0.2.1"},
		{"mapped peer", "[::ffff:10.0.0.1]:1", []string{"203.0.113.9"}, "203.0.113.9"},
		{"mapped entry", proxy, []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"mapped entry is trusted", proxy, []string{"203.0.113.9, ::ffff:10.0.0.7"}, "203.0.113.9"},
		{"IPv6", proxy, []string{"2001:DB8::1"}, "2001:db8::1"},
		{"port", proxy, []string{"203.0.113.9:80"}, "203.0.113.9"},
		{"IPv6 with a port", proxy, []string{"[2001:db8::1]:80"}, "2001:db8::1"},
		{"IPv6 in brackets", proxy, []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"zone", proxy, []string{"2001:db8::1%eth0"}, "2001:db8::1"},
		{"zone is trusted", proxy, []string{"203.0.113.9, fe80::1%eth0"}, "203.0.113.9"},
		{"odd white space", proxy, []string{"  1.1.1.1 ,\t203.0.113.9\t"}, "203.0.113.9"},

		{"garbage left of the client", proxy, []string{"garbage, 203.0.113.9, 10.0.0.3"}, "203.0.113.9"},
		{"garbage at once", proxy, []string{"203.0.113.9, garbage"}, "10.0.0.1"},
		{"garbage after a hop", proxy, []string{"203.0.113.9, garbage, 10.0.0.3"}, "10.0.0.3"},
		{"empty", proxy, []string{""}, "10.0.0.1"},
		{"empty entry", proxy, []string{"203.0.113.9, , 10.0.0.3"}, "10.0.0.3"},
		{"empty line", proxy, []string{"203.0.113.9", ""}, "10.0.0.1"},
		{"short IPv4", proxy, []string{"203.0.113.9, 127.1"}, "10.0.0.1"},
		{"octal IPv4", proxy, []string{"203.0.113.9, 0177.0.0.1"}, "10.0.0.1"},
		{"hex IPv4", proxy, []string{"203.0.113.9, 0x7f.1"}, "10.0.0.1"},
		{"unknown", proxy, []string{"203.0.113.9, unknown"}, "10.0.0.1"},
		{"quotes", proxy, []string{`"203.0.113.9"`}, "10.0.0.1"},
		{"bad port", proxy, []string{"203.0.113.9:x"}, "10.0.0.1"},
		{"empty port", proxy, []string{"203.0.113.9:"}, "10.0.0.1"},
		{"IPv4 in brackets", proxy, []string{"[203.0.113.9]"}, "10.0.0.1"},
		{"text after brackets", proxy, []string{"[2001:db8::1]x"}, "10.0.0.1"},
		{"open bracket", proxy, []string{"[2001:db8::1"}, "10.0.0.1"},
		{"NUL", proxy, []string{"203.0.113.9\x00"}, "10.0.0.1"},
		{"long", proxy, []string{strings.Repeat("1", 10000)}, "10.0.0.1"},

		{"weird", proxy, []string{strings.Join(weird, ", ")}, "10.0.0.1"},
		{"weird to the zone", proxy, []string{strings.Join(weird[:7], ", ")}, "fe80::1"},
		{"weird to the octal", proxy, []string{strings.Join(weird[:6], ", ")}, "10.0.0.1"},
		{"weird to the brackets", proxy, []string{strings.Join(weird[:3], ", ")}, "127.0.0.1"},

		{"199 hops", proxy, []string{many(199, "203.0.113.9")}, "203.0.113.9"},
		{"200 hops", proxy, []string{many(200, "203.0.113.9")}, "10.0.0.9"},
		{"a million hops", proxy, []string{many(1000000, "203.0.113.9")}, "10.0.0.9"},
		{"200 in lines", proxy, append([]string{"203.0.113.9"}, slices.Repeat([]string{"10.0.0.9"}, 200)...), "10.0.0.9"},
	} {
		r := request(tt.peer, http.Header{"X-Forwarded-For": tt.lines})
		inner := run(mustNew(t, trusting), r)
		if got := guard.Client(inner).String(); got != tt.want {
			t.Errorf("%s: client %s, want %s", tt.name, got, tt.want)
		}
		if inner.RemoteAddr != tt.peer {
			t.Errorf("%s: RemoteAddr was changed to %s", tt.name, inner.RemoteAddr)
		}
	}
}

func TestForwarded(t *testing.T) {
	trusting := Policy{Trust: []string{"10.0.0.0/8"}, Header: "forwarded"}
	odd := `for="[2001:db8::1%25eth0]:4711";host=evil;proto=https, for=_hidden, for=unknown, for="10.0.0.1"`
	for _, tt := range []struct {
		name   string
		lines  []string
		want   string
		secure bool
	}{
		{"none", nil, "10.0.0.1", false},
		{"one", []string{"for=203.0.113.9"}, "203.0.113.9", false},
		{"scheme", []string{"for=203.0.113.9;proto=https;by=10.0.0.1"}, "203.0.113.9", true},
		{"the client's scheme", []string{"for=203.0.113.9;proto=https, for=10.0.0.3;proto=http"}, "203.0.113.9", true},
		{"the client's scheme too", []string{"for=203.0.113.9;proto=http, for=10.0.0.3;proto=https"}, "203.0.113.9", false},
		{"what the client said", []string{"for=1.1.1.1;proto=https, for=203.0.113.9;proto=http"}, "203.0.113.9", false},
		{"no scheme of the client's", []string{"for=203.0.113.9, for=10.0.0.3;proto=https"}, "203.0.113.9", false},
		{"case", []string{"FOR=203.0.113.9;Proto=HTTPS"}, "203.0.113.9", true},
		{"several lines", []string{"for=1.1.1.1", "for=203.0.113.9", "for=10.0.0.3"}, "203.0.113.9", false},
		{"port", []string{`for="203.0.113.9:80"`}, "203.0.113.9", false},
		{"obfuscated port", []string{`for="203.0.113.9:_x.-"`}, "203.0.113.9", false},
		{"IPv6", []string{`for="[2001:DB8::1]:4711"`}, "2001:db8::1", false},
		{"IPv6 zone", []string{`for="[2001:db8::1%25eth0]:4711"`}, "2001:db8::1", false},
		{"mapped", []string{`for="[::ffff:203.0.113.9]"`}, "203.0.113.9", false},
		{"escapes", []string{`for="203.0.\1\13.9";host="a\"b,c;d"`}, "203.0.113.9", false},
		{"white space at commas", []string{"for=1.1.1.1 ,\t for=203.0.113.9"}, "203.0.113.9", false},
		{"empty pairs", []string{";for=203.0.113.9;;"}, "203.0.113.9", false},

		{"odd", []string{odd}, "10.0.0.1", false},
		{"unknown", []string{"for=203.0.113.9, for=unknown;proto=https, for=10.0.0.3"}, "10.0.0.3", true},
		{"hidden", []string{"for=203.0.113.9, for=_hidden, for=10.0.0.3"}, "10.0.0.3", false},
		{"no for", []string{"for=203.0.113.9, proto=https"}, "10.0.0.1", true},
		{"empty element", []string{"for=203.0.113.9, , for=10.0.0.3"}, "10.0.0.3", false},
		{"IPv6 without brackets", []string{`for="2001:db8::1"`}, "10.0.0.1", false},
		{"IPv4 in brackets", []string{`for="[203.0.113.9]"`}, "10.0.0.1", false},
		{"bad port", []string{`for="203.0.113.9:x"`}, "10.0.0.1", false},
		{"port of six digits", []string{`for="203.0.113.9:123456"`}, "10.0.0.1", false},
		{"octal", []string{"for=0177.0.0.1"}, "10.0.0.1", false},

		// A line that breaks the grammar is not read at all.
		{"quote not closed", []string{`for=203.0.113.9;proto=https, for="10.0.0.3`}, "10.0.0.1", false},
		{"quote opened by the client", []string{`for="1.1.1.1, for=203.0.113.9;proto=https`}, "10.0.0.1", false},
		{"quote around two", []string{`for="1.1.1.1, for=2.2.2.2", for=10.0.0.3`}, "10.0.0.3", false},
		{"broken line on the left", []string{`for="`, "for=10.0.0.3"}, "10.0.0.3", false},
		{"port not quoted", []string{"for=203.0.113.9:80"}, "10.0.0.1", false},
		{"twice", []string{"for=1.1.1.1;FOR=203.0.113.9"}, "10.0.0.1", false},
		{"no value", []string{"for="}, "10.0.0.1", false},
		{"no name", []string{"=203.0.113.9"}, "10.0.0.1", false},
		{"no equals", []string{"203.0.113.9"}, "10.0.0.1", false},
		{"space at equals", []string{"for = 203.0.113.9"}, "10.0.0.1", false},
		{"two values", []string{`for="203.0.113.9"x`}, "10.0.0.1", false},
		{"control byte", []string{"for=\"203.0.113.9\x01\""}, "10.0.0.1", false},
		{"too many parameters", []string{"for=203.0.113.9" + func() (s string) {
			for i := range 16 {
				s += fmt.Sprintf(";p%d=x", i)
			}
			return s
		}()}, "10.0.0.1", false},

		{"199 hops", []string{"for=203.0.113.9" + strings.Repeat(",for=10.0.0.9", 199)}, "203.0.113.9", false},
		{"200 hops", []string{"for=203.0.113.9" + strings.Repeat(",for=10.0.0.9", 200)}, "10.0.0.9", false},
		{"10000 hops", []string{"for=203.0.113.9" + strings.Repeat(",for=10.0.0.9", 10000)}, "10.0.0.9", false},
	} {
		inner := run(mustNew(t, trusting), request(proxy, http.Header{"Forwarded": tt.lines, "X-Forwarded-For": {"6.6.6.6"}, "X-Forwarded-Proto": {"https"}}))
		if got := guard.Client(inner).String(); got != tt.want || guard.Secure(inner) != tt.secure {
			t.Errorf("%s: client %s, secure %v; want %s, %v", tt.name, got, guard.Secure(inner), tt.want, tt.secure)
		}
	}
}

func TestProto(t *testing.T) {
	for _, tt := range []struct {
		name   string
		peer   string
		header string
		h      http.Header
		tls    bool
		secure bool
	}{
		{"https", proxy, "", http.Header{"X-Forwarded-Proto": {"https"}}, false, true},
		{"http", proxy, "", http.Header{"X-Forwarded-Proto": {"http"}}, false, false},
		{"http to a proxy that speaks TLS to us", proxy, "", http.Header{"X-Forwarded-Proto": {"http"}}, true, false},
		{"TLS passed through", proxy, "", nil, true, true},
		{"unsaid", proxy, "", nil, false, false},
		{"upper case", proxy, "", http.Header{"X-Forwarded-Proto": {"HTTPS"}}, false, false},
		{"on", proxy, "", http.Header{"X-Forwarded-Proto": {"on"}}, true, false},
		{"empty", proxy, "", http.Header{"X-Forwarded-Proto": {""}}, true, false},
		{"right-most", proxy, "", http.Header{"X-Forwarded-Proto": {"https, http"}}, false, false},
		{"right-most is https", proxy, "", http.Header{"X-Forwarded-Proto": {"http,https"}}, false, true},
		{"last line", proxy, "", http.Header{"X-Forwarded-Proto": {"https", "http"}}, false, false},
		{"not Forwarded's", proxy, "", http.Header{"Forwarded": {"for=203.0.113.9;proto=https"}}, false, false},
		{"untrusted", "192.0.2.1:1", "", http.Header{"X-Forwarded-Proto": {"https"}}, false, false},
		{"untrusted over TLS", "192.0.2.1:1", "", http.Header{"X-Forwarded-Proto": {"http"}}, true, true},
		{"both agree", proxy, "both", http.Header{"X-Forwarded-Proto": {"https"}, "Forwarded": {"for=1.1.1.1;proto=https"}}, false, true},
		{"both disagree", proxy, "both", http.Header{"X-Forwarded-Proto": {"https"}, "Forwarded": {"for=1.1.1.1;proto=http"}}, false, false},
		{"both disagree the other way", proxy, "both", http.Header{"X-Forwarded-Proto": {"http"}, "Forwarded": {"for=1.1.1.1;proto=https"}}, true, false},
		{"both, one says", proxy, "both", http.Header{"X-Forwarded-Proto": {"https"}, "Forwarded": {"for=1.1.1.1"}}, false, true},
		{"both, only one there", proxy, "both", http.Header{"X-Forwarded-Proto": {"https"}}, false, true},
	} {
		r := request(tt.peer, tt.h)
		if tt.h == nil {
			r.Header = http.Header{}
		}
		if tt.tls {
			r.TLS = &tls.ConnectionState{}
		}
		if got := guard.Secure(run(mustNew(t, Policy{Trust: []string{"10.0.0.1"}, Header: tt.header}), r)); got != tt.secure {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.secure)
		}
	}
}

func TestBoth(t *testing.T) {
	g := mustNew(t, Policy{Trust: []string{"10.0.0.0/8"}, Header: "both"})
	for _, tt := range []struct {
		xff, fwd []string
		want     string
	}{
		{[]string{"203.0.113.9"}, []string{"for=203.0.113.9"}, "203.0.113.9"},
		{[]string{"203.0.113.9"}, nil, "203.0.113.9"},
		{nil, []string{"for=203.0.113.9"}, "203.0.113.9"},
		{[]string{"203.0.113.9"}, []string{"for=203.0.113.8"}, "10.0.0.1"},
		{[]string{"203.0.113.9"}, []string{"for=unknown"}, "10.0.0.1"},
		{[]string{"x"}, []string{"for=203.0.113.9"}, "10.0.0.1"},
		{nil, nil, "10.0.0.1"},
	} {
		h := http.Header{}
		if tt.xff != nil {
			h["X-Forwarded-For"] = tt.xff
		}
		if tt.fwd != nil {
			h["Forwarded"] = tt.fwd
		}
		if got := guard.Client(run(g, request(proxy, h))).String(); got != tt.want {
			t.Errorf("%q and %q: %s, want %s", tt.xff, tt.fwd, got, tt.want)
		}
	}
}

func TestUnix(t *testing.T) {
	on := func(r *http.Request) *http.Request {
		return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.UnixAddr{Name: "/run/x", Net: "unix"}))
	}
	h := http.Header{"X-Forwarded-For": {"203.0.113.9"}, "X-Forwarded-Proto": {"https"}}
	for _, tt := range []struct {
		name  string
		trust []string
		r     *http.Request
		want  string
	}{
		{"trusted", []string{"unix"}, on(request("@", h)), "203.0.113.9"},
		{"not trusted", []string{"10.0.0.0/8"}, on(request("@", h)), "invalid IP"},
		{"not a unix socket", []string{"unix"}, request("@", h), "invalid IP"},
		{"nothing said", []string{"unix"}, on(request("@", http.Header{})), "invalid IP"},
	} {
		inner := run(mustNew(t, Policy{Trust: tt.trust}), tt.r)
		if got := guard.Client(inner).String(); got != tt.want || guard.Secure(inner) != (got == "203.0.113.9") {
			t.Errorf("%s: client %s, secure %v", tt.name, got, guard.Secure(inner))
		}
	}
}

// spoofs is every way that we know to say something about oneself.
var spoofs = []string{
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server",
	"X-Forwarded-Uri", "X-Forwarded-Scheme", "X-Forwarded-Ssl", "Forwarded", "X-Real-Ip", "Client-Ip", "X-Client-Ip", "X-Cluster-Client-Ip",
	"Cf-Connecting-Ip", "True-Client-Ip", "Fastly-Client-Ip", "X-Original-Url", "X-Rewrite-Url", "X-Http-Method-Override", "X-Http-Method",
	"X-Method-Override", "X-Original-Host", "X-Host", "Front-End-Https", "X-Url-Scheme", "Proxy",
}

// TestDropped is about what reaches the next handler and the upstream.
func TestDropped(t *testing.T) {
	honest := []string{"Content-Type", "Cookie", "Authorization", "User-Agent", "Accept", "X-Request-Id", "X-Custom", "Origin", "Range", "X-For", strings.Repeat("X-Long", 20)}
	for _, peer := range []string{"192.0.2.1:1", proxy, "@"} {
		h := http.Header{}
		for _, name := range spoofs {
			h[name] = []string{"evil", "evil"}
			h[strings.ReplaceAll(name, "-", "_")] = []string{"evil"}
			h[strings.ToLower(strings.Replace(name, "-", "_", 1))] = []string{"evil"}
			h[strings.ToUpper(name)] = []string{"evil"}
		}
		for _, name := range []string{"X-Forwarded-User", "X_forwarded_user", "X-Forwarded-" + strings.Repeat("y", 100)} {
			h[name] = []string{"evil"}
		}
		for _, name := range honest {
			h[name] = []string{"honest"}
		}
		before := h.Clone()
		inner := run(mustNew(t, Policy{Trust: []string{"10.0.0.1"}}), request(peer, h))
		want := slices.Clone(honest)
		if peer == proxy {
			want = append(want, "X-Forwarded-User", "X-Forwarded-"+strings.Repeat("y", 100))
		}
		var got []string
		for name := range inner.Header {
			got = append(got, name)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("from %s: %q, want %q", peer, got, want)
		}
		if len(before) != len(h) {
			t.Errorf("from %s: the caller's header was changed", peer)
		}
	}
}

// TestEmit pins what an upstream is told, from a request that says much.
func TestEmit(t *testing.T) {
	var got bytes.Buffer
	for _, emit := range []string{"xff", "forwarded", "none"} {
		g := mustNew(t, Policy{Trust: []string{"10.0.0.1", "unix"}, Emit: emit})
		for _, tt := range []struct{ peer, host, xff, proto string }{
			{"192.0.2.1:1", "a", "6.6.6.6", "https"},
			{proxy, "api.example.com:8443", "6.6.6.6, 2001:db8::1", "https"},
			{"@", "a", "6.6.6.6", "https"},
		} {
			h := http.Header{
				"X-Forwarded-For": {"7.7.7.7", tt.xff}, "X-Forwarded-Host": {"evil"}, "X-Forwarded-Proto": {tt.proto},
				"Forwarded": {"for=9.9.9.9"}, "X-Real-Ip": {"6.6.6.6"}, "X-Forwarded-Port": {"1"}, "X-Forwarded-Prefix": {"/evil"},
				"X_forwarded_for": {"7.7.7.7"}, "X-Original-Url": {"/admin"}, "X-Http-Method-Override": {"DELETE"},
			}
			r := request(tt.peer, h)
			r.Host = tt.host
			inner := run(g, r)
			// What somebody in between puts back goes too.
			out := h.Clone()
			g.Emit(out, inner)
			fmt.Fprintf(&got, "%s to %s from %s\n", emit, tt.host, tt.peer)
			_ = out.Write(&got)
		}
	}
	want, err := os.ReadFile("testdata/emitted.golden")
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.ReplaceAll(got.String(), "\r\n", "\n"); text != string(want) {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

func TestNewErrors(t *testing.T) {
	for _, tt := range []struct {
		policy Policy
		n      int
	}{
		{Policy{Trust: []string{"10.0.0.0/8", "10.0.0.0/8", "10.0.0.1/8", "0.0.0.0/0", "::/0", "x", "", "fe80::1%eth0", "::ffff:10.0.0.0/104", "unix", "unix", "10.0.0.0/33"}, Header: "xff", Emit: "x-forwarded-for", DangerouslyTrustEveryone: true}, 13},
		{Policy{Trust: []string{"10.0.0.1", "10.0.0.1/32"}}, 1},
		{Policy{Trust: []string{"10.0.0.0/8", "10.1.0.0/16", "::1", "fd00::/8", "unix"}, Header: "both", Emit: "none"}, 0},
	} {
		_, err := New(tt.policy)
		n := 0
		if err != nil {
			n = len(strings.Split(err.Error(), "\n"))
		}
		if n != tt.n {
			t.Errorf("%d errors, want %d:\n%v", n, tt.n, err)
		}
	}
}

func TestLoosened(t *testing.T) {
	if got := (Policy{Trust: []string{"10.0.0.0/8", "unix", "fc00::/7", "2001:db8::/32"}, Header: "both", Emit: "none"}).Loosened(); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if got := (Policy{Trust: []string{"unix", "0.0.0.0/1", "2000::/3"}, DangerouslyTrustEveryone: true}).Loosened(); len(got) != 3 || got[0].Key != "clientip.trust[1]" {
		t.Errorf("%v", got)
	}
}

// TestAllocs states the cost: nothing where no field is dropped, and one copy
// of the header's map where some are.
func TestAllocs(t *testing.T) {
	g := mustNew(t, Policy{Trust: []string{"10.0.0.0/8"}})
	h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	plain := http.Header{"Accept": {"*/*"}, "User-Agent": {"x"}, "Content-Type": {"application/json"}, "Cookie": {"a=b"}, "X-Request-Id": {"1"}}
	proxied := plain.Clone()
	proxied["X-Forwarded-For"] = []string{"203.0.113.9, 10.0.0.2"}
	proxied["X-Forwarded-Proto"] = []string{"https"}
	for _, tt := range []struct {
		name string
		h    http.Header
		want float64
	}{{"plain", plain, 0}, {"proxied", proxied, 2}} {
		r := guard.Begin(request(proxy, nil), &guard.Facts{})
		if n := testing.AllocsPerRun(100, func() { r.Header = tt.h; h.ServeHTTP(nil, r) }); n > tt.want {
			t.Errorf("%s: %v allocations, want %v", tt.name, n, tt.want)
		}
	}
	r := run(g, request(proxy, proxied))
	r.Host = "a"
	out := http.Header{"Accept": {"*/*"}, "X-Forwarded-For": nil, "X-Forwarded-Proto": nil, "X-Forwarded-Host": nil}
	if n := testing.AllocsPerRun(100, func() { g.Emit(out, r) }); n > 2 {
		t.Errorf("Emit: %v allocations", n)
	}
}

func BenchmarkWrap(b *testing.B) {
	g := mustNew(b, Policy{Trust: []string{"10.0.0.0/8"}})
	h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, name := range []string{"direct", "proxied"} {
		b.Run(name, func(b *testing.B) {
			header := http.Header{"Accept": {"*/*"}, "User-Agent": {"x"}, "Content-Type": {"application/json"}, "Cookie": {"a=b"}}
			if name == "proxied" {
				header["X-Forwarded-For"] = []string{"203.0.113.9, 10.0.0.2"}
				header["X-Forwarded-Proto"] = []string{"https"}
			}
			r := guard.Begin(request(proxy, nil), &guard.Facts{})
			b.ReportAllocs()
			for b.Loop() {
				r.Header = header
				h.ServeHTTP(nil, r)
			}
		})
	}
}

// tellsTLS stands for a service to which the scheme matters, in one of two
// ways: it sends plain HTTP away, or it says so of TLS.
func tellsTLS(sendAway bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case guard.Secure(r):
			w.Header().Set("Strict-Transport-Security", "max-age=1")
		case sendAway && !strings.HasPrefix(r.Host, "127.0.0.1"):
			w.WriteHeader(http.StatusForbidden)
		}
	})
}

func verdict(t *testing.T, start func(http.Handler) *httptest.Server, h http.Handler, p promise.Promise) string {
	t.Helper()
	srv := start(h)
	defer srv.Close()
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	base, _ := url.Parse(srv.URL)
	err := p.Test(t.Context(), func(req *http.Request) (*http.Response, error) {
		req = req.Clone(req.Context())
		req.URL.Scheme, req.URL.Host = base.Scheme, base.Host
		if req.Host == "" {
			req.Host = base.Host
		}
		return client.Do(req)
	})
	var broken *promise.BrokenError
	switch {
	case err == nil:
		return "kept"
	case errors.As(err, &broken):
		return "broken"
	}
	return "could not tell"
}

func TestPromises(t *testing.T) {
	strict, loose := mustNew(t, Policy{}), mustNew(t, Policy{DangerouslyTrustEveryone: true})
	if len(strict.Promises()) != len(Rules()) || len(loose.Promises()) != 0 {
		t.Fatal("not one promise for each rule that stands")
	}
	p := strict.Promises()[0]
	plain, secure := httptest.NewServer, httptest.NewTLSServer
	bare := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	credulous := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-Proto") == "https" {
			w.Header().Set("Strict-Transport-Security", "max-age=0")
		}
	})
	closed := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	moved := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/login")
		w.WriteHeader(http.StatusFound)
	})
	n := 0
	moody := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n++; n == 2 {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	for name, tt := range map[string]struct {
		start func(http.Handler) *httptest.Server
		h     http.Handler
		want  string
	}{
		"strict, plain HTTP":          {plain, strict.Wrap(tellsTLS(true)), "kept"},
		"strict, TLS":                 {secure, strict.Wrap(tellsTLS(false)), "kept"},
		"strict, scheme of no import": {plain, strict.Wrap(bare), "could not tell"},
		"loose, plain HTTP":           {plain, loose.Wrap(tellsTLS(false)), "broken"},
		"loose, sent away":            {plain, loose.Wrap(tellsTLS(true)), "broken"},
		"loose, TLS":                  {secure, loose.Wrap(tellsTLS(false)), "broken"},
		"bare":                        {plain, bare, "could not tell"},
		"bare, TLS":                   {secure, bare, "could not tell"},
		"closed to everybody":         {plain, closed, "could not tell"},
		"sends everybody to a login":  {plain, moved, "could not tell"},
		"credulous":                   {plain, credulous, "broken"},
		"moody":                       {plain, moody, "could not tell"},
	} {
		if got := verdict(t, tt.start, tt.h, p); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// FuzzUntrusted holds the law that matters most: whatever an untrusted peer
// sends, its address stays its own, its scheme its connection's, and what it
// says of itself goes nowhere.
func FuzzUntrusted(f *testing.F) {
	for i, name := range spoofs {
		f.Add(name, "127.0.0.1", strings.ReplaceAll(name, "-", "_"), "for=10.0.0.1;proto=https", i%2 == 0)
	}
	f.Add("X-Forwarded-For", strings.Join(weird, ","), "Forwarded", `for="`, true)
	guards := []*Guard{
		mustNew(f, Policy{}),
		mustNew(f, Policy{Trust: []string{"10.0.0.0/8", "unix"}, Header: "both"}),
		mustNew(f, Policy{Trust: []string{"10.0.0.0/8"}, Header: "forwarded", Emit: "forwarded"}),
	}
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string, overTLS bool) {
		for _, g := range guards {
			r := request("192.0.2.1:1", http.Header{name1: {value1, value2}, name2: {value2}})
			if overTLS {
				r.TLS = &tls.ConnectionState{}
			}
			inner := run(g, r)
			if guard.Client(inner) != guard.Peer(r) || guard.FactsOf(inner).TrustedPeer || guard.Secure(inner) != overTLS {
				t.Fatalf("%q: %q, %q: %q made the client %s, secure %v", name1, value1, name2, value2, guard.Client(inner), guard.Secure(inner))
			}
			for name := range inner.Header {
				cgi := strings.ReplaceAll(strings.ToUpper(name), "-", "_")
				for _, spoof := range spoofs {
					if cgi == strings.ReplaceAll(strings.ToUpper(spoof), "-", "_") {
						t.Fatalf("%q goes on", name)
					}
				}
			}
		}
	})
}

// FuzzChain holds that the client of a trusted peer is the right-most
// address that is not trusted, or else a hop on the way to it, by a second
// and simpler reading.
func FuzzChain(f *testing.F) {
	f.Add("1.1.1.1, 203.0.113.9, 10.2.3.4", "10.0.0.3")
	f.Add(strings.Join(weird, ","), "[::1]:1,,")
	f.Add("a,10.0.0.1", "10.0.0.2:80, ::ffff:10.0.0.3")
	f.Add(strings.Repeat("10.0.0.1,", 250), "10.0.0.1")
	g := mustNew(f, Policy{Trust: []string{"10.0.0.0/8"}})
	f.Fuzz(func(t *testing.T, line1, line2 string) {
		got := guard.Client(run(g, request(proxy, http.Header{"X-Forwarded-For": {line1, line2}})))
		want := netip.MustParseAddr("10.0.0.1")
		entries := strings.Split(line1+","+line2, ",")
		slices.Reverse(entries)
		for _, e := range entries[:min(len(entries), 200)] {
			e = strings.Trim(e, " \t")
			addr, err := netip.ParseAddr(e)
			if ap, err2 := netip.ParseAddrPort(e); err != nil && err2 == nil {
				addr, err = ap.Addr(), nil
			}
			if in, ok := strings.CutPrefix(e, "["); err != nil && ok && strings.HasSuffix(in, "]") && strings.Contains(in, ":") {
				addr, err = netip.ParseAddr(strings.TrimSuffix(in, "]"))
			}
			if err != nil {
				break
			}
			want = addr.Unmap().WithZone("")
			if !want.Is4() || want.As4()[0] != 10 {
				break
			}
		}
		if got != want && !lenient(line1+","+line2) {
			t.Fatalf("%q and %q: client %s, want %s", line1, line2, got, want)
		}
	})
}

// lenient reports whether the lines hold what the two readings may differ on:
// what netip takes for a port or a zone, and very long entries.
func lenient(s string) bool {
	for e := range strings.SplitSeq(s, ",") {
		e = strings.Trim(e, " \t")
		_, port, _ := strings.Cut(e[max(0, strings.LastIndexByte(e, ']')):], ":")
		if len(e) > 64 || len(port) == 5 || strings.Contains(e, "%") {
			return true
		}
	}
	return false
}

// FuzzForwarded holds two laws: what Emit writes is read back as it was
// meant, and a line that is read at all is the list of its parts, read alone.
func FuzzForwarded(f *testing.F) {
	f.Add("for=1.1.1.1;proto=https", `for="[2001:db8::1]:1";host="a,b;c\"d"`, "api.example.com:8443", []byte{1, 2, 3, 4})
	f.Add(`for="`, "for=x", "a\"b\\c", make([]byte, 16))
	f.Add("", ";;", "", []byte{})
	g := mustNew(f, Policy{Trust: []string{"10.0.0.0/8"}, Emit: "forwarded", Header: "forwarded"})
	f.Fuzz(func(t *testing.T, a, b, host string, ip []byte) {
		ea, eb := parseForwarded(nil, a), parseForwarded(nil, b)
		whole := parseForwarded(nil, a+","+b)
		if !slices.ContainsFunc(ea, func(e element) bool { return e.broken }) && !slices.ContainsFunc(eb, func(e element) bool { return e.broken }) && len(ea)+len(eb) < maxHops {
			if !slices.Equal(whole, append(slices.Clip(ea), eb...)) {
				t.Fatalf("%q and %q: %v, alone %v and %v", a, b, whole, ea, eb)
			}
		}
		if len(whole) > 2*(maxHops+1) {
			t.Fatalf("%d elements", len(whole))
		}

		addr, _ := netip.AddrFromSlice(ip)
		facts := &guard.Facts{Client: addr.Unmap(), Secure: len(host)%2 == 0}
		r := guard.Begin(request("@", nil), facts)
		r.Host = host
		out := http.Header{}
		g.Emit(out, r)
		lines := out.Values("Forwarded")
		if len(lines) != 1 {
			t.Fatalf("%q", lines)
		}
		es := parseForwarded(nil, lines[0])
		if len(es) != 1 || es[0].broken {
			t.Fatalf("%q is read as %v", lines[0], es)
		}
		back, ok := parseNode(es[0].node)
		if ok != facts.Client.IsValid() || ok && back != facts.Client.WithZone("") {
			t.Fatalf("%s is written %q and read back %s", facts.Client, lines[0], back)
		}
		if (es[0].proto == "https") != facts.Secure {
			t.Fatalf("%q", lines[0])
		}
	})
}
