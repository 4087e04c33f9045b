package apidocs_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/pavise-dev/pavise/guard/apidocs"
)

// The documentation is shown inside the company only.
func Example() {
	g, err := apidocs.New(apidocs.Policy{OpenTo: []string{"10.0.0.0/8"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, from := range []string{"10.1.2.3:4711", "192.0.2.1:4711"} {
		r := httptest.NewRequest(http.MethodGet, "/docs", nil)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Println(from, w.Code)
	}
	// Output:
	// 10.1.2.3:4711 200
	// 192.0.2.1:4711 404
}

// Every mistake is reported at once.
func ExampleNew_mistakes() {
	_, err := apidocs.New(apidocs.Policy{
		OpenTo: []string{"0.0.0.0/0", "10.0.0.1/8"},
		Paths:  []string{"spec.json"},
	})
	fmt.Println(err)
	// Output:
	// apidocs.open_to[0]: "0.0.0.0/0": is everyone: that is open: true
	// apidocs.open_to[1]: "10.0.0.1/8": has bits set behind its mask: "10.0.0.0/8" is meant, or a longer mask
	// apidocs.paths[0]: path "spec.json" does not begin with a slash
}
