package origins_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/pavise-dev/pavise/guard/origins"
)

// A page of a listed origin may read; the same request from a look-alike gets
// an answer that its browser does not show to it.
func Example() {
	g, err := origins.New(origins.Policy{
		Allow:          []string{"https://app.example.com"},
		Methods:        []string{"PUT", "DELETE"},
		RequestHeaders: []string{"Content-Type", "Authorization"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))

	for _, origin := range []string{"https://app.example.com", "https://app.example.com.evil.com"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Printf("%d %q\n", w.Code, w.Header().Get("Access-Control-Allow-Origin"))
	}
	// Output:
	// 200 "https://app.example.com"
	// 200 ""
}

// Every mistake is reported at once, before a request is served.
func ExampleNew_mistakes() {
	_, err := origins.New(origins.Policy{
		Allow:            []string{"https://app.example.com/", "null", "https://*.github.io"},
		AllowCredentials: true,
		Methods:          []string{"patch"},
		RequestHeaders:   []string{"*"},
	})
	fmt.Println(err)
	// Output:
	// origins.allow[0]: "https://app.example.com/": an origin has no path, query or fragment, not even a slash at its end
	// origins.allow[1]: "null": any page can make itself the null origin (a sandboxed frame is enough): it cannot be allowed
	// origins.allow[2]: "https://*.github.io": anyone can have a name below "github.io": list the origins, or set dangerously_allow_public_suffixes
	// origins.methods[0]: "patch": methods are case-sensitive: write PATCH
	// origins.request_headers[0]: "*": not with allow_credentials: browsers take the asterisk for a header's name then, and reflecting what is asked for would let a page set any header on a request with the user's cookies; list the names
}
