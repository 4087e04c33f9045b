package pavise_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/pavise-dev/pavise"
)

// A handler that knows nothing of it is hardened by the zero policy.
func ExampleGuard_Wrap() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/orders", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "got %s", body)
	})
	guard, err := pavise.New(pavise.Policy{})
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := httptest.NewServer(guard.Wrap(mux))
	defer srv.Close()
	for _, body := range []string{`{"item":"lamp"}`, `{"item":"lamp","item":"desk"}`} {
		res, err := http.Post(srv.URL+"/api/orders", "application/json", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		res.Body.Close()
		fmt.Println(res.StatusCode, res.Header.Get("Content-Type"), res.Header.Get("X-Content-Type-Options"))
	}
	// Output:
	// 200 text/plain; charset=utf-8 nosniff
	// 400 application/problem+json nosniff
}

// All mistakes of a policy are told at once, each with its key.
func ExampleNew_mistakes() {
	policy, err := pavise.Parse([]byte(`
modes:
  hosts/known: enforce
hosts:
  allow: ["https://api.example.com"]
gateway:
  listen: everywhere
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = pavise.New(policy)
	for line := range strings.SplitSeq(err.Error(), "\n") {
		key, _, _ := strings.Cut(line, ": ")
		fmt.Println(key)
	}
	// Output:
	// modes.hosts/known
	// hosts.allow[0]
	// gateway.listen
}

// What makes a policy weaker than the zero one is listed.
func ExamplePolicy_Loosened() {
	policy, err := pavise.Parse([]byte("jsonbody:\n  allow_duplicate_keys: true\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range policy.Loosened() {
		fmt.Println(l.Key, l.Rule)
	}
	// Output: jsonbody.allow_duplicate_keys jsonbody/duplicate-keys
}
