package headers_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/pavise-dev/pavise/guard/headers"
)

func Example() {
	guard, err := headers.New(headers.Policy{
		Set: map[string]string{"Referrer-Policy": "same-origin"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := httptest.NewServer(guard.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", "uvicorn")
		w.Header().Set("X-Frame-Options", "ALLOWALL")
		_, _ = io.WriteString(w, "{}")
	})))
	defer srv.Close()
	res, err := http.Get(srv.URL + "/api/orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	for _, name := range []string{"X-Frame-Options", "Referrer-Policy", "Cache-Control", "Server"} {
		fmt.Println(name, res.Header.Values(name))
	}
	// Output:
	// X-Frame-Options [DENY]
	// Referrer-Policy [same-origin]
	// Cache-Control [no-store]
	// Server []
}

// Each of these mistakes would leave a site open without a word from any
// browser.
func ExampleNew_wrong() {
	_, err := headers.New(headers.Policy{
		Set: map[string]string{
			"Content-Security-Policy": "default-src none; scrip-src 'self'",
			"Permissions-Policy":      "camera=(), microfone=()",
			"X-Frame-Options":         "ALLOW-FROM https://a.example",
		},
		HSTS: headers.HSTS{MaxAge: 86400, Preload: true},
	})
	fmt.Println(err)
	// Output:
	// headers.set.Content-Security-Policy: default-src: none needs single quotes: 'none'
	// headers.set.Content-Security-Policy: directive "scrip-src" is not known (did you mean script-src?)
	// headers.set.Permissions-Policy: feature "microfone" is not known (did you mean microphone?)
	// headers.set.X-Frame-Options: "ALLOW-FROM https://a.example": browsers ignore every value but DENY and SAMEORIGIN, and let everyone frame; name the sites in Content-Security-Policy: frame-ancestors
	// headers.hsts.preload: preload needs a max-age of at least 31536000, one year, and has 86400
}

func ExampleNonce() {
	guard, err := headers.New(headers.Policy{
		Preset: "web",
		Set:    map[string]string{"Content-Security-Policy": "script-src 'nonce-{nonce}'; object-src 'none'; base-uri 'none'"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	page := guard.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<script nonce="%s">start()</script>`, headers.Nonce(r.Context()))
	}))
	rec := httptest.NewRecorder()
	page.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(len(rec.Body.String()), rec.Header().Get("Cache-Control"))
	// Output: 55 no-store
}

func ExamplePolicy_Loosened() {
	p := headers.Policy{Keep: []string{"Server"}, NoStore: headers.NoStore{AllowCachedPaths: true}}
	for _, l := range p.Loosened() {
		fmt.Printf("%s: %s: %s\n", l.Key, l.Rule, l.Effect)
	}
	// Output:
	// headers.no_store.allow_cached_paths: headers/no-store: caches may keep responses of these paths
	// headers.keep[0]: headers/server-token: Server tells what answers
}
