package crawl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/har"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// A site is a server that remembers what it was asked for.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func serve(t *testing.T, h http.Handler) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.RequestURI)
		s.mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) was(line string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.asked, line)
}

func (s *site) crawl(t *testing.T, ctx context.Context, o Options) (*Result, error) {
	t.Helper()
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := traffic.New(traffic.Options{Base: base, Run: "test"})
	defer client.Close()
	return Crawl(ctx, client, base, o)
}

// operations are those of the document that is made of what was found.
func (s *site) operations(t *testing.T, o Options) ([]string, *openapi.Document, *Result) {
	t.Helper()
	r, err := s.crawl(t, t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	base, _ := url.Parse(s.URL)
	made, err := har.Made(r.Seen, base, "test", nil)
	if errors.Is(err, har.ErrNone) {
		return nil, nil, r
	}
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi.Parse(made.Document)
	if err != nil {
		t.Fatalf("%v\n%s", err, made.Document)
	}
	var out []string
	for _, op := range doc.Operations {
		line := op.Name()
		if op.Secured() {
			line += " secured"
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out, doc, r
}

// pages is a mux whose handlers are texts: a media type, and a body.
func pages(m map[string]string) *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, answer := range m {
		kind, body, _ := strings.Cut(answer, " ")
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, body)
		})
	}
	return mux
}

func TestSites(t *testing.T) {
	for name, c := range map[string]struct {
		site http.Handler
		want []string
		not  []string // that must not be asked for
	}{
		"an API of HAL": {
			site: pages(map[string]string{
				"GET /{$}":            `application/hal+json {"_links":{"self":{"href":"/"},"orders":{"href":"/shop/orders{?page}","templated":true},"order":{"href":"/shop/orders/{id}/lines","templated":true},"other":{"href":"http://elsewhere.invalid/x"}}}`,
				"GET /shop/orders":    `application/hal+json {"_embedded":{"orders":[]},"items":[{"id":17,"total":3},{"id":18,"total":4},{"id":19,"total":5}],"_links":{"next":{"href":"/shop/orders?page=2"}}}`,
				"GET /shop/orders/17": `application/hal+json {"id":17,"total":3,"_links":{"cancel":{"href":"/shop/orders/17/cancel"}},"actions":[{"name":"pay","method":"POST","href":"/shop/orders/17/notes","type":"application/json","fields":[{"name":"text","type":"text","required":true}]}]}`,
				"POST /shop/orders":   "application/json {}",
				"PUT /shop/orders":    "application/json {}",
			}),
			want: []string{"GET /", "GET /shop/orders", "GET /shop/orders/{id}", "GET /shop/orders/{id}/lines", "POST /shop/orders/{id}/notes"},
			not:  []string{"GET /shop/orders/17/cancel", "GET /shop/orders/19", "POST /shop/orders/17/notes"},
		},
		"a site of pages": {
			site: pages(map[string]string{
				"GET /{$}": `text/html <a href=/about>about</a> <a href="posts/hello-world">1</a> <a href="/posts/my-trip">2</a> <a href="/posts/the-end">3</a>
<a href="/users/delete?id=3">x</a> <a href=/log-out>bye</a> <a href="//elsewhere.invalid/a">a</a> <a href='/\elsewhere.invalid/b'>b</a> <a href="javascript:alert(1)">c</a> <a href="/search?q=tea&amp;page=1">s</a>
<form action=/search><input name=q required><select name=sort><option value=new><option value=old></select></form>
<form method=post action="/register"><input type=email name=email required><input type=password name=password minlength=8 required><input type=hidden name=csrf_token value=c3ecret00000000000000001></form>
<form method=post action="/files" enctype=multipart/form-data><input type=file name=upload></form>
<form method=post action="/account/reset"><input name=a></form>
<form method=post action="/items/3"><input type=hidden name=_method value=DELETE></form>`,
				"GET /about":             "text/html <h1>about</h1>",
				"GET /posts/hello-world": "text/html <html><head><title>a post</title></head><body><main><h1>a</h1><p>b</p><p>c</p></main></body></html>",
				"GET /posts/my-trip":     "text/html <html><head><title>a post</title></head><body><main><h1>a</h1><p>b</p><p>c</p></main></body></html>",
				"GET /posts/the-end":     "text/html <html><head><title>a post</title></head><body><main><h1>a</h1><p>b</p><p>c</p></main></body></html>",
				"GET /search":            "text/html <html><body><h1>found</h1><ul><li>a</li></ul></body></html>",
			}),
			want: []string{"GET /posts/{id}", "GET /search", "POST /files", "POST /register"},
			not:  []string{"GET /users/delete?id=3", "GET /log-out", "POST /register", "GET /a", "GET /b", "GET /elsewhere.invalid/b"},
		},
		"an application of one page": {
			site: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer := func(kind, body string) {
					w.Header().Set("Content-Type", kind)
					_, _ = io.WriteString(w, body)
				}
				switch p := r.URL.Path; {
				case p == "/app.js":
					answer("text/javascript", "const a=axios.create({baseURL:'/api/v3'});a.get('/products');a.post(\"/carts\",b);a.delete(`/carts/${id}`);fetch('/api/v3/quotes',{method:'PUT'});"+
						"fetch('/api/v3/stock/'+id);routes=[{path:'/settings/:tab'},{path:'/deep'}];x=/\\/a[b]/;fetch('https://elsewhere.invalid/api/x')")
				case p == "/api/v3/products":
					answer("application/json", `[{"id":"chair"},{"id":"table"}]`)
				case p == "/api/v3/products/chair", p == "/api/v3/products/table":
					answer("application/json", `{"id":"`+p[len("/api/v3/products/"):]+`","price":3}`)
				case strings.HasPrefix(p, "/api/"):
					w.Header().Set("WWW-Authenticate", "Basic")
					w.WriteHeader(http.StatusUnauthorized)
				default:
					answer("text/html", `<!doctype html><title>App</title><script src=/app.js></script><div id=root data-at="`+p+`"></div>`)
				}
			}),
			want: []string{"DELETE /api/v3/carts/{id}", "GET /api/v3/products", "GET /api/v3/products/{id}", "GET /api/v3/stock/{id}", "POST /api/v3/carts"},
			not:  []string{"GET /settings/:tab"},
		},
		"a gate in front of all": {
			site: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/" {
					w.Header().Set("Link", `</orders>; rel="item", <http://elsewhere.invalid/>; rel=x`)
					w.WriteHeader(http.StatusNoContent)
					return
				}
				w.WriteHeader(http.StatusUnauthorized)
			}),
			want: []string{"GET /orders secured"},
		},
		"what robots are told, and methods": {
			site: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				switch {
				case r.URL.Path == "/robots.txt":
					w.Header().Set("Content-Type", "text/plain")
					_, _ = io.WriteString(w, "User-agent: *\nDisallow: /backstage/reports # ours\nDisallow: /*.pdf$\nSitemap: /map.xml\n")
				case r.URL.Path == "/map.xml":
					w.Header().Set("Content-Type", "application/xml")
					_, _ = io.WriteString(w, "<urlset><url><loc>/news?tag=a&amp;n=1</loc></url></urlset>")
				case r.URL.Path == "/news":
					_, _ = io.WriteString(w, `{"news":[]}`)
				case r.URL.Path == "/login" && r.Method == "GET":
					w.Header().Set("Allow", "POST")
					w.WriteHeader(http.StatusMethodNotAllowed)
				case r.URL.Path == "/backstage/reports" && r.Method == "OPTIONS":
					w.Header().Set("Allow", "GET, POST, DELETE, OPTIONS")
				case r.URL.Path == "/backstage/reports":
					_, _ = io.WriteString(w, `{"reports":[]}`)
				default:
					w.WriteHeader(http.StatusNotFound)
				}
			}),
			want: []string{"GET /backstage/reports", "GET /news", "POST /backstage/reports", "POST /login"},
			not:  []string{"GET /*.pdf$"},
		},
		"nothing": {site: http.NotFoundHandler()},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.site)
			got, _, r := s.operations(t, Options{})
			if !slices.Equal(got, c.want) {
				t.Errorf("%d requests found\n%s\nwant\n%s", r.Requests, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			for _, line := range s.asked {
				if m, _, _ := strings.Cut(line, " "); m != "GET" && m != "OPTIONS" {
					t.Errorf("%s was sent", line)
				}
			}
			for _, line := range c.not {
				if s.was(line) {
					t.Errorf("%s was sent", line)
				}
			}
			if r.Requests != len(s.asked) || r.Requests > DefaultRequests {
				t.Errorf("%d requests are told, and %d were sent", r.Requests, len(s.asked))
			}
			first := slices.Clone(s.asked)
			s.asked = nil
			if _, _, _ = s.operations(t, Options{}); !slices.Equal(first, s.asked) {
				t.Error("the second crawl asks for something else")
			}
		})
	}
}

func TestForms(t *testing.T) {
	s := serve(t, pages(map[string]string{
		"GET /{$}": `text/html <form method=POST action=/orders><input type=number name=amount min=1 max=9><select name=size><option value=s><option value=m></select>
<input type=checkbox name=gift><input type=hidden name=kind value=web><input type=hidden name=authenticity_token value=abcdefabcdef00112233><button name=go>go</button><textarea name=note maxlength=40></textarea></form>`,
	}))
	_, doc, r := s.operations(t, Options{})
	op := doc.Operations[0]
	if op.Name() != "POST /orders" || len(op.Bodies) != 1 || op.Bodies[0].Type != "application/x-www-form-urlencoded" {
		t.Fatalf("%+v", op)
	}
	var got []string
	for _, p := range op.Bodies[0].Schema.All() {
		got = append(got, fmt.Sprintf("%s:%s:%v", p.Name, strings.Join(p.Schema.Types, "|"), p.Schema.Enum))
	}
	want := []string{"amount:integer:[]", "authenticity_token:string:[]", "gift:string:[on]", "kind:string:[web]", "note:string:[]", "size:string:[s m]"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	base, _ := url.Parse(s.URL)
	if made, err := har.Made(r.Seen, base, "t", nil); err != nil || strings.Contains(string(made.Document), "abcdefabcdef") {
		t.Errorf("%v: the token of a page is in the document", err)
	}
}

// TestTraps: none of them keeps a crawl for ever, or lets it out.
func TestTraps(t *testing.T) {
	elsewhere := serve(t, http.NotFoundHandler())
	for name, c := range map[string]struct {
		site http.HandlerFunc
		most int
	}{
		"a calendar": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			n := 0
			_, _ = fmt.Sscanf(r.URL.Query().Get("day"), "%d", &n)
			_, _ = fmt.Fprintf(w, `<a href="/cal?day=%d">next</a><a href="/cal/%d/%d">x</a><a href="%s/deeper">d</a>`, n+1, n, n+1, r.URL.Path)
		}, 150},
		"redirects to another place": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusFound)
		}, 150},
		"a redirect to itself": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x"+r.URL.Path, http.StatusFound) }, 300},
		"links without number": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			for i := range 5000 {
				_, _ = fmt.Fprintf(w, `<a href="/w%s">`, strings.Repeat(string(rune('a'+i%26)), 1+i/26))
			}
		}, 200},
		"a huge body": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for range 1 << 12 {
				_, _ = io.WriteString(w, strings.Repeat("[", 1<<10))
			}
		}, 100},
		"JSON that nests": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, strings.Repeat(`{"next":"/a","x":`, 5000)+"1"+strings.Repeat("}", 5000))
		}, 100},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.site)
			r, err := s.crawl(t, t.Context(), Options{})
			if err != nil || len(s.asked) > c.most {
				t.Errorf("%v after %d requests, want at most %d: %s", err, len(s.asked), c.most, r.Short)
			}
		})
	}
	if len(elsewhere.asked) > 0 {
		t.Errorf("another place was asked for %v", elsewhere.asked)
	}
}

func TestBounds(t *testing.T) {
	var n int
	many := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<a href="/p%c/q%c">%s`, 'a'+n%26, 'a'+n/26%26, strings.Repeat("x", 1000))
	})
	stuck := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for name, c := range map[string]struct {
		site  http.Handler
		o     Options
		short string
	}{
		"requests": {many, Options{Requests: 7}, "7 requests were sent"},
		"bytes":    {many, Options{Bytes: 3000}, "0 MB were read"},
		"time":     {stuck, Options{Time: 50 * time.Millisecond}, "50ms are over"},
		"silence":  {stuck, Options{Each: 10 * time.Millisecond}, "4 requests were not answered in 10ms"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := serve(t, c.site).crawl(t, t.Context(), c.o)
			if err != nil || r.Short != c.short {
				t.Errorf("%v, %q", err, r.Short)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan struct{}, 10)
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started <- struct{}{}
		<-r.Context().Done()
	}))
	go func() {
		<-started
		cancel()
	}()
	if _, err := s.crawl(t, ctx, Options{}); !errors.Is(err, context.Canceled) || len(s.asked) != 1 {
		t.Errorf("%v after %d requests", err, len(s.asked))
	}
	s.Close()
	if r, err := s.crawl(t, t.Context(), Options{}); !errors.Is(err, traffic.ErrDown) || r.Requests > 3 {
		t.Errorf("an API that is not there: %v after %d", err, r.Requests)
	}
}

// TestUser: what a user sees is found with credentials, and they are in no
// document.
func TestUser(t *testing.T) {
	const secret = "token-of-alice-0123456789"
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		user := r.Header.Get("X-Shop-Pass") == secret && r.URL.Query().Get("k") == secret
		switch {
		case r.URL.Path == "/":
			_, _ = io.WriteString(w, `{"orders":"/orders"}`)
		case r.URL.Path == "/orders" && !user:
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/orders":
			_, _ = io.WriteString(w, `[{"id":71,"bill":"/bills/of-may?pass=`+secret+`"}]`)
		case r.URL.Path == "/orders/71" && user:
			_, _ = io.WriteString(w, `{"id":71}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	stranger, err := s.crawl(t, t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	user, err := s.crawl(t, t.Context(), Options{More: stranger.Paths, Apply: func(r *traffic.Request) {
		r.Header.Set("X-Shop-Pass", secret)
		sep := "?"
		if strings.Contains(r.Path, "?") {
			sep = "&"
		}
		r.Path += sep + "k=" + secret
	}})
	if err != nil {
		t.Fatal(err)
	}
	base, _ := url.Parse(s.URL)
	made, err := har.Made(slices.Concat(stranger.Seen, user.Seen), base, "test", []string{secret})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(made.Document), secret) {
		t.Errorf("the secret is in the document\n%s", made.Document)
	}
	doc, err := openapi.Parse(made.Document)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"GET /": "open", "GET /orders": "secured", "GET /orders/{id}": "secured assumed"}
	for _, op := range doc.Operations {
		got := "open"
		if op.Secured() {
			got = "secured"
		}
		if op.Secured() && op.Assumed {
			got += " assumed"
		}
		if got != want[op.Name()] {
			t.Errorf("%s is %s, want %s", op.Name(), got, want[op.Name()])
		}
		if op.Name() == "GET /orders/{id}" && op.Params[0].Example != nil {
			t.Error("what a user alone was shown is an example")
		}
		delete(want, op.Name())
	}
	if len(want) > 0 {
		t.Errorf("%v is missing", want)
	}
}

// TestDocument: one that is met ends the crawl.
func TestDocument(t *testing.T) {
	for name, c := range map[string][2]string{
		"/spec/shop.json": {"application/json", `{"openapi":"3.0.3","paths":{"/a":{"get":{}}}}`},
		"/spec/shop.yml":  {"text/yaml", "openapi: 3.1.0\ninfo: {title: x, version: '1'}\npaths:\n  /a: {get: {}}\n"},
	} {
		s := serve(t, pages(map[string]string{"GET /{$}": `text/html <script>SwaggerUIBundle({url: "` + name + `"})</script>`, "GET " + name: c[0] + " " + c[1]}))
		r, err := s.crawl(t, t.Context(), Options{})
		if err != nil || r.Where != name || string(r.Document) != c[1] {
			t.Errorf("%v, %q: %s", err, r.Where, r.Document)
		}
	}
}
