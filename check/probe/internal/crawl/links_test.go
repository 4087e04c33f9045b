package crawl

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

func home(t testing.TB, base string) *origin {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return &origin{base: u}
}

func TestOrigin(t *testing.T) {
	for _, c := range []struct{ base, host, at, ref, want string }{
		{"http://127.0.0.1:8000", "", "/a/b", "c?x=1#f", "/a/c?x=1"},
		{"http://127.0.0.1:8000", "", "/a/b", "../../../c", "/c"},
		{"http://127.0.0.1:8000", "", "/a/b", "?page=2", "/a/b?page=2"},
		{"http://127.0.0.1:8000", "", "/", "http://localhost:8000/x", "/x"},
		{"http://127.0.0.1:8000", "", "/", "http://localhost:8001/x", ""},
		{"http://127.0.0.1:8000", "", "/", "//127.0.0.1:8000/x", "/x"},
		{"http://127.0.0.1:8000", "", "/", "//127.0.0.1:8000", "/"},
		{"http://127.0.0.1:8000", "", "/", "https://127.0.0.1:8000/x", ""},
		{"http://shop.example", "", "/", "http://shop.example:80/x", "/x"},
		{"https://shop.example", "", "/", "https://SHOP.example:443/x", "/x"},
		{"https://shop.example", "", "/", "https://shop.example.evil/x", ""},
		{"https://shop.example", "", "/", "https://shop.example@evil/x", ""},
		{"https://shop.example", "", "/", "https://u:p@shop.example/x", ""},
		{"https://shop.example", "", "/", "//evil/x", ""},
		{"https://shop.example", "", "/", `/\evil/x`, ""},
		{"https://shop.example", "", "/", `\\evil\x`, ""},
		{"https://shop.example", "", "/", "/..//evil/x", "/evil/x"},
		{"https://shop.example", "", "/", "/a b/ü?q=a b", "/a%20b/%C3%BC?q=a%20b"},
		{"https://shop.example", "", "/", "javascript:alert(1)", ""},
		{"https://shop.example", "", "/", "mailto:a@b", ""},
		{"https://shop.example", "", "/", "/a\nHost: b", ""},
		{"https://shop.example", "", "/", "", ""},
		{"http://127.0.0.1:8000", "api.example.com", "/", "https://api.example.com/x", "/x"},
		{"http://127.0.0.1:8000", "api.example.com", "/", "https://www.example.com/x", ""},
		{"https://shop.example", "", "/", "/" + strings.Repeat("a", 600), ""},
		{"https://shop.example", "", "/", "/a/b/a/b/a", ""},
	} {
		o := home(t, c.base)
		o.host = c.host
		at, err := o.base.Parse(c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := o.path(at, c.ref); got != c.want && ok || ok != (c.want != "") {
			t.Errorf("%s at %s%s is %q (%v), want %q", c.ref, c.base, c.at, got, ok, c.want)
		}
	}
}

func TestActs(t *testing.T) {
	for _, p := range []string{"/logout", "/user/log-out", "/users/3/delete", "/x?action=delete", "/x?do=Remove", "/signOut", "/orders/3/cancel", "/newsletter/unsubscribe/abc", "/admin/reset_db", "/delete.php?id=1", "/cart/add", "/x?%64elete=1"} {
		if !acts(p) {
			t.Errorf("%s is followed", p)
		}
	}
	for _, p := range []string{"/", "/orders", "/address", "/settings", "/api/v1/users/3", "/search?q=tea&start=10", "/deleted-items", "/login", "/register", "/payments"} {
		if acts(p) {
			t.Errorf("%s is not followed", p)
		}
	}
	if !ruins("/admin/resetDb") || ruins("/orders") {
		t.Error("what ruins is told by the words of a path")
	}
}

func TestShape(t *testing.T) {
	for p, want := range map[string]string{"/cal/2026/01?b=1&a=2&a=3": "/cal/{}/{}?a&b", "/a/b": "/a/b?", "/a/{id}": "/a/{}?"} {
		if got := shape(p); got != want {
			t.Errorf("%s has the shape %s, want %s", p, got, want)
		}
	}
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		kind, body string
		header     http.Header
		want       []string
	}{
		"header fields":    {header: http.Header{"Location": {"/a"}, "Link": {`</b?p=2>; rel="next", <c>; rel=x`, "</d{?q}>"}}, want: []string{"GET /a", "GET /b?p=2", "GET /at/c", "GET /d"}},
		"a base":           {kind: "text/html", body: `<base href="/deep/down/"><a href=x>`, want: []string{"GET /deep/down/x"}},
		"a base elsewhere": {kind: "text/html", body: `<base href="//elsewhere.invalid/"><a href=x>`, want: []string{"GET /at/x"}},
		"a refresh":        {kind: "text/html", body: `<meta http-equiv=Refresh content="3; url='/new'">`, want: []string{"GET /new"}},
		"attributes":       {kind: "text/html", body: `<div data-url=/parts hx-get=/list data-hx-post=/list></div><!-- <a href=/gone> -->`, want: []string{"GET /list", "GET /parts", "told POST /list"}},
		"a form at once":   {kind: "text/html", body: `<form method=post><input name=a>`, want: []string{"told POST /at/"}},
		"no form":          {kind: "text/html", body: `<form method=dialog><input name=a></form><form action=/x></form>`},
		"calls":            {kind: "text/javascript", body: `$.ajax({type:"POST",url:"/a"});$.ajax({url:'/b',method:"PATCH"});http.get("/c?x="+y);var r={path:"/d"};fetch("/e").then(x)`, want: []string{"GET /c?x=", "GET /d", "GET /e", "told PATCH /b", "told POST /a"}},
		"JSON":             {kind: "application/json", body: `{"next":"page/2","note":"a/b c","text":"/not a path","url":"http://127.0.0.1:1/z","items":[{"uuid":"u/1"},{"slug":"red"}]}`, want: []string{"GET /at/page/2", "GET /z", "guess GET /at/red"}},
		"Hydra":            {kind: "application/ld+json", body: `{"hydra:operation":[{"method":"POST","target":"/carts"}],"@id":"/carts/1"}`, want: []string{"GET /carts", "GET /carts/1", "told POST /carts"}},
	} {
		r := newReader(home(t, "http://127.0.0.1:1"), "/at/")
		if c.header == nil {
			c.header = http.Header{"Content-Type": {c.kind}}
		}
		r.read(&traffic.Exchange{Request: &traffic.Request{Path: "/at/"}, Status: 200, Header: c.header, Body: []byte(c.body)})
		var got []string
		for _, l := range r.links {
			line := l.method + " " + l.path
			if l.told {
				line = "told " + line
			}
			if l.guess {
				line = "guess " + line
			}
			got = append(got, line)
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// FuzzLinks: what is read out of an answer stays on the origin. Each link is a
// path that may be written into a request line, and leads where it says when a
// browser resolves it.
func FuzzLinks(f *testing.F) {
	for _, kind := range []string{"text/html", "application/json", "text/javascript", "application/xml", "text/plain"} {
		for _, body := range []string{`<a href="//evil/x">`, `<base href="http://evil/"><form action='\\evil'><input name=a>`, `{"href":"http://127.0.0.1:1@evil/","next":"/\\evil","id":"//evil"}`, "fetch(`//evil/${id}`)", `axios.put("/a/{b}/pvexpression0x/")`, "<loc>http://evil/</loc>", "Disallow: //evil\r\n"} {
			f.Add("/a/b", kind, `</x{?a}>; rel=y, <//evil>`, body)
		}
	}
	o := home(f, "http://127.0.0.1:1")
	f.Fuzz(func(t *testing.T, at, kind, header, body string) {
		r := newReader(o, at)
		r.read(&traffic.Exchange{Request: &traffic.Request{Path: at}, Status: 200, Header: http.Header{"Content-Type": {kind}, "Link": {header}, "Location": {header}}, Body: []byte(body)})
		for _, l := range r.links {
			if !strings.HasPrefix(l.path, "/") || strings.HasPrefix(l.path, "//") || strings.ContainsFunc(l.path, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' || c == '#' }) {
				t.Fatalf("%q is no path", l.path)
			}
			u, err := o.base.Parse(l.path)
			if err != nil || u.Host != o.base.Host || u.Scheme != o.base.Scheme || u.User != nil {
				t.Fatalf("%q leads to %v: %v", l.path, u, err)
			}
			// {name} is written by the document, which fills it in.
			if again, ok := o.path(o.base, l.path); !strings.ContainsAny(l.path, "{}") && (!ok || again != l.path) {
				t.Fatalf("%q is %q when it is resolved again (%v)", l.path, again, ok)
			}
			if l.form != nil && !l.told || l.method != http.MethodGet && !l.told {
				t.Fatalf("%+v would be asked for", l)
			}
		}
	})
}
