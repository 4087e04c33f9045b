// Command vulnerable is an HTTP API that is insecure on purpose. Its flaws are
// planted and labelled (see flaws.go), so that it can be measured how many of
// them pavise probe finds, and what it says of the operations between them that
// are well made.
//
// Never let anybody else reach it. It listens on a loopback address or not at
// all. Nothing that it takes is run, read or fetched for real: its shell, its
// files and its templates are a few lines of Go (sandbox.go), and it calls
// loopback addresses alone.
//
//	go run ./examples/vulnerable
//	pavise probe http://127.0.0.1:8000
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8000", "the loopback address to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, func(a net.Addr) { log.Printf("serving flaws on http://%s: keep this machine to yourself", a) }); err != nil {
		log.Fatal(err)
	}
}

var errExposed = errors.New("this service is vulnerable on purpose, so it listens on a loopback address alone, such as 127.0.0.1:8000")

// loopback refuses every address that another machine may reach, names
// included: what they resolve to may change.
func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%s: %w", addr, err)
	}
	if a, err := netip.ParseAddr(host); err != nil || !a.Unmap().IsLoopback() {
		return fmt.Errorf("%s is refused: %w", addr, errExposed)
	}
	return nil
}

func run(ctx context.Context, addr string, ready func(net.Addr)) error {
	if err := loopback(addr); err != nil {
		return err
	}
	s, err := newService()
	if err != nil {
		return err
	}
	defer s.db.Close()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: s.handler(), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(discard{}, "", 0)}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	ready(l.Addr())
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return srv.Close()
	}
}

// discard takes what the server has to say of its many failures.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
