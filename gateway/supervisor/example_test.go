package supervisor_test

import (
	"fmt"
	"strings"

	"github.com/pavise-dev/pavise/gateway/supervisor"
)

func ExampleRead() {
	plan, err := supervisor.Read(strings.Fields("uv run uvicorn app.main:app --host 0.0.0.0 --workers 4"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	argv, _ := plan.At(supervisor.Address{Network: "unix", Address: "/run/p/0-1.sock"})
	fmt.Println(strings.Join(argv, " "))
	fmt.Println(plan.Workers, "workers")
	for _, note := range plan.Notes {
		fmt.Println("-", note)
	}
	// Output:
	// uv run uvicorn app.main:app --uds /run/p/0-1.sock --workers 1 --no-server-header --timeout-keep-alive 75 --proxy-headers --forwarded-allow-ips *
	// 4 workers
	// - --host dropped: the upstream listens at a private address that is chosen for it
	// - --workers taken over: the gateway runs that many processes, each on its own address, and gives a request to the least busy
}

// A daemon cannot be supervised, and a list of mistakes is complete.
func ExampleNew_mistakes() {
	_, err := supervisor.New(supervisor.Options{
		Command: strings.Fields("gunicorn app:app --daemon"),
		Workers: -1,
	})
	fmt.Println(err)
	// Output:
	// command: --daemon: a daemon leaves its parent, so nothing could watch it, drain it or stop it; leave it out
	// workers: -1 is not between 0 and 1024
	// backends: nil; there is nobody to offer the upstreams to
}
