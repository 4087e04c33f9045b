package wire_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"

	"github.com/pavise-dev/pavise/guard/wire"
)

// The listener and the handler are guarded by the same Guard.
func Example() {
	guard, err := wire.New(wire.Policy{})
	if err != nil {
		log.Fatal(err)
	}
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "served "+r.URL.Path)
	})
	srv := &http.Server{Handler: guard.Wrap(app), ConnContext: guard.ConnContext}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = srv.Serve(guard.Listener(l)) }()
	defer srv.Close()

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	// Two requests at once: the second could be one or two.
	_, _ = io.WriteString(c, "GET /plain HTTP/1.1\r\nHost: example.com\r\n\r\n"+
		"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	answers := bufio.NewReader(c)
	for range 2 {
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			log.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		fmt.Println(res.StatusCode, res.Header.Get("Content-Type"), len(body) > 0)
	}
	// Output:
	// 200 text/plain; charset=utf-8 true
	// 400 application/problem+json true
}

// All mistakes come at once, each with its key.
func ExampleNew_mistakes() {
	_, err := wire.New(wire.Policy{
		MaxHead:  100,
		Methods:  []string{"TRACE", "propfind"},
		Upgrades: []string{"h2c"},
	})
	fmt.Println(err)
	// Output:
	// wire.max_head: 100 is not between 1024 and 1048576 bytes
	// wire.methods[0]: TRACE is never served: it makes a tunnel, or an echo, of an API
	// wire.methods[1]: "propfind" has lower-case letters; methods are case-sensitive, and nobody means this one
	// wire.upgrades[0]: "h2c" would let requests pass that nobody has judged; for HTTP/2 without TLS set wire.allow_h2c
}
