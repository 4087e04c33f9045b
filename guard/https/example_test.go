package https_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/pavise-dev/pavise/guard/https"
)

func Example() {
	g, err := https.New(https.Policy{CanonicalHost: "api.example.com", Exempt: []string{"/healthz"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, line := range [][2]string{{"GET", "//evil.com/x"}, {"POST", "/login"}, {"GET", "/healthz"}} {
		r := httptest.NewRequest(line[0], "http://evil.com", nil)
		r.URL.Scheme, r.URL.Host, r.URL.Path = "", "", line[1]
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Printf("%s %s %d %q\n", line[0], line[1], w.Code, w.Header().Get("Location"))
	}
	// Output:
	// GET //evil.com/x 308 "https://api.example.com/evil.com/x"
	// POST /login 403 ""
	// GET /healthz 200 ""
}

// A wrong policy yields all its mistakes at once.
func ExampleNew_wrong() {
	_, err := https.New(https.Policy{CanonicalHost: "https://api.example.com", Port: 70000, Exempt: []string{"healthz"}})
	fmt.Println(err)
	// Output:
	// https.canonical_host: "https://api.example.com" is not a host: want a name such as api.example.com, in A-labels, or an address
	// https.port: 70000 is not between 1 and 65535
	// https.exempt[0]: path "healthz" does not begin with a slash
}
