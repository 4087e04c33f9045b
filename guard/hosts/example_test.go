package hosts_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/pavise-dev/pavise/guard/hosts"
)

func Example() {
	g, err := hosts.New(hosts.Policy{Allow: []string{"api.example.com", "*.example.org"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "served as ", r.Host)
	}))
	for _, host := range []string{"API.example.com.", "x.example.org:8443", "evil.com", "x/?.example.org"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code == http.StatusOK {
			fmt.Println(w.Code, w.Body)
		} else {
			fmt.Println(w.Code, http.StatusText(w.Code))
		}
	}
	// Output:
	// 200 served as api.example.com
	// 200 served as x.example.org:8443
	// 421 Misdirected Request
	// 400 Bad Request
}

// A wrong list yields all its mistakes at once.
func ExampleNew_wrong() {
	_, err := hosts.New(hosts.Policy{Allow: []string{"https://api.example.com", "*", "::1", "api.*.com", "a:99999"}})
	fmt.Println(err)
	// Output:
	// hosts.allow[0]: "https://api.example.com" is a URL: want the host alone, such as api.example.com
	// hosts.allow[1]: "*" would answer to every name: list the names, or say hosts.dangerously_allow_any
	// hosts.allow[2]: "::1" has several colons: an IPv6 address is written in brackets, such as [::1]
	// hosts.allow[3]: "api.*.com" has a '*' elsewhere than in a leading "*."
	// hosts.allow[4]: "a:99999" is not a host: want labels of letters, digits and '-', or an address, and perhaps a port from 1 to 65535
}
