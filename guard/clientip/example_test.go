package clientip_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/guard/clientip"
)

func Example() {
	g, err := clientip.New(clientip.Policy{Trust: []string{"10.0.0.0/8"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Printf("client %s, secure %v, header %q\n", guard.Client(r), guard.Secure(r), r.Header)
	}))
	for _, peer := range []string{"10.0.0.1:4711", "198.51.100.7:4711"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-For", "127.0.0.1, 203.0.113.9, 10.2.3.4")
		r.Header.Set("X-Forwarded-Proto", "https")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	// Output:
	// client 203.0.113.9, secure true, header map[]
	// client 198.51.100.7, secure false, header map[]
}

// What an upstream is told is written anew, in one form.
func ExampleGuard_Emit() {
	g, err := clientip.New(clientip.Policy{Emit: "forwarded"})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr, r.Host = "[2001:db8::1]:4711", "api.example.com:8000"
	out := http.Header{"X-Real-Ip": {"127.0.0.1"}}
	g.Emit(out, r)
	fmt.Println(out)
	// Output:
	// map[Forwarded:[for="[2001:db8::1]";host="api.example.com:8000";proto=http]]
}

// A wrong policy yields all its mistakes at once.
func ExampleNew_wrong() {
	_, err := clientip.New(clientip.Policy{Trust: []string{"0.0.0.0/0", "10.0.0.1/8", "proxy.internal"}, Header: "x-real-ip"})
	fmt.Println(err)
	// Output:
	// clientip.trust[0]: "0.0.0.0/0" is everyone: name the networks of the proxies, or clientip.dangerously_trust_everyone
	// clientip.trust[1]: "10.0.0.1/8" has address bits beyond its length: write 10.0.0.0/8
	// clientip.trust[2]: "proxy.internal" is not a network such as 10.0.0.0/8, an address, or "unix"
	// clientip.header: "x-real-ip" is not x-forwarded-for, forwarded or both
}
