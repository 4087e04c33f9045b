package upstream_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/pavise-dev/pavise/gateway/upstream"
)

func ExampleNew() {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s for %s", r.URL.Path, r.Header.Get("X-Forwarded-For"))
	}))
	defer app.Close()

	u, err := upstream.New(upstream.Options{
		Target: app.URL,
		Rewrite: func(out http.Header, in *http.Request) {
			out["X-Forwarded-For"] = []string{"192.0.2.1"}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	gateway := httptest.NewServer(u)
	defer gateway.Close()

	res, err := http.Get(gateway.URL + "/items/1")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	fmt.Println(res.StatusCode, string(b))
	// Output: 200 /items/1 for 192.0.2.1
}

// All that is wrong is said at once.
func ExampleNew_wrong() {
	_, err := upstream.New(upstream.Options{
		Target:      "http://app:8000/api",
		DialTimeout: -1,
		Upgrades:    []string{"h2c"},
	})
	fmt.Println(err)
	// Output:
	// Target: "http://app:8000/api": a target is a host and a port, and nothing else
	// DialTimeout: -1ns is negative
	// Upgrades[0]: "h2c" would carry requests that no guard sees
}
