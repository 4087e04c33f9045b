package limits_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/guard/limits"
)

func Example() {
	g, err := limits.New(limits.Policy{
		Body:   1 << 20,
		Routes: []limits.Route{{Path: "/upload/", Body: 1 << 30, BodyRead: 10 * time.Minute}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Println("read", n)
	}))
	for _, path := range []string{"/orders", "/upload/photo"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(strings.Repeat("x", 2<<20))))
		fmt.Println(path, w.Code)
	}
	// Output:
	// /orders 413
	// read 2097152
	// /upload/photo 200
}

// All mistakes are told at once.
func ExampleNew_wrong() {
	_, err := limits.New(limits.Policy{
		Body:     -1,
		BodyRead: 60, // 60 nanoseconds
		Routes:   []limits.Route{{Path: "/upload"}, {Path: "upload/", Body: 1 << 30}},
	})
	fmt.Println(err)
	// Output:
	// limits.body: -1 is not between 0 (the default) and 1125899906842624
	// limits.body_read: 60ns is not 0 (the default) and not between 1ms and 24h; write a unit, such as 10s
	// limits.routes[0].path: the route "/upload" sets no limit of its own: want body, body_read, write or total
	// limits.routes[1].path: path "upload/" does not begin with a slash
}

func ExampleBytes() {
	var b limits.Bytes
	for _, s := range []string{"10MiB", "1MB", "4096", "1.5MiB"} {
		if err := b.UnmarshalText([]byte(s)); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(int64(b), b)
	}
	// Output:
	// 10485760 10MiB
	// 1000000 1MB
	// 4096 4KiB
	// "1.5MiB" is not a number of bytes: want a whole number, alone or with a unit, such as 4096, 512KiB or 10MiB
}
