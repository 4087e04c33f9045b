package rate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/pavise-dev/pavise/guard/rate"
)

func Example() {
	g, err := rate.New(rate.Policy{
		Routes: []rate.Route{{Path: "/login", Methods: []string{"POST"}, Limit: rate.Limit{Count: 2, Per: time.Minute}, Name: "login"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for range 3 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/login", nil))
		fmt.Println(w.Code, w.Header().Get("RateLimit-Policy"))
	}
	// Output:
	// 200 "login";q=2;w=60, "default";q=200;w=2
	// 200 "login";q=2;w=60, "default";q=200;w=2
	// 429 "login";q=2;w=60, "default";q=200;w=2
}

// All mistakes are told at once.
func ExampleNew_wrong() {
	_, err := rate.New(rate.Policy{
		IPv6Prefix: 24,
		Routes: []rate.Route{
			{Path: "/login"},
			{Path: "/search", Limit: rate.Limit{Count: 5, Per: time.Minute}, Key: "user"},
		},
	})
	fmt.Println(err)
	// Output:
	// rate.ipv6_prefix: 24 is not between 32 and 128: want 0 for the default of 64, or the bits that a client has
	// rate.routes[0].limit: is missing: a route is a path with a limit, such as 5/m
	// rate.routes[1].key: "user" is not client or client+path
}
