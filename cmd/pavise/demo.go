package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/check/probe"
	"github.com/pavise-dev/pavise/gateway"
	"github.com/pavise-dev/pavise/pavisetest"
)

func demoCommand(t *terminal) *cobra.Command {
	var once bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "Harden a sample API and show what that changes",
		Long: `Start a small API with the flaws of a service that nobody has hardened, put the
gateway with the built-in policy in front of it, probe both, and print one row a
promise: what a client could rely on before, and what after. Everything is on
loopback. Then both serve until Ctrl-C.

With --once it ends after the table: 0 if the hardened side keeps every promise.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return demo(ctx, t, once)
		},
	}
	c.Flags().BoolVar(&once, "once", false, "end after the table")
	return c
}

func demo(ctx context.Context, t *terminal, once bool) error {
	bare, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return &exitError{code: exitUnknown, err: err}
	}
	sample := &http.Server{Handler: pavisetest.Unhardened(), ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	defer sample.Close()
	go func() { _ = sample.Serve(bare) }()
	bareURL := "http://" + bare.Addr().String()

	policy := pavise.Policy{Gateway: pavise.Gateway{Listen: "127.0.0.1:0", Admin: "off", Upstream: bareURL}}
	addr := make(chan net.Addr, 1)
	gw, err := gateway.New(gateway.Options{
		Policy: policy,
		Log:    slog.New(slog.DiscardHandler),
		Ready:  func(public, _ net.Addr) { addr <- public },
	})
	if err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- gw.Run(ctx) }()
	var hardURL string
	select {
	case a := <-addr:
		hardURL = "http://" + a.String()
	case err := <-done:
		return &exitError{code: exitUnknown, err: err}
	}

	promises := policy.Promises()
	before, err := probe.Run(ctx, probe.Options{URL: bareURL, Promises: promises, Timeout: 10 * time.Second})
	if err != nil {
		return unfinished(ctx, err)
	}
	after, err := probe.Run(ctx, probe.Options{URL: hardURL, Promises: promises, Timeout: 10 * time.Second})
	if err != nil {
		return unfinished(ctx, err)
	}
	t.comparison(before, after)

	outcome := kept(after)
	if once {
		cancel()
		if err := <-done; err != nil {
			return &exitError{code: exitUnknown, err: err}
		}
		return outcome
	}
	t.printf("\nbare      %s\nhardened  %s\n\nserving both until Ctrl-C; try\n  curl -i %s/api/orders\n  pavise probe %s\n", bareURL, hardURL, hardURL, hardURL)
	select {
	case <-ctx.Done():
		cancel()
		if err := <-done; err != nil {
			return &exitError{code: exitUnknown, err: err}
		}
		return nil
	case err := <-done:
		return &exitError{code: exitUnknown, err: errors.Join(errors.New("the gateway stopped"), err)}
	}
}

// unfinished is the exit where the probes did not come to their end.
func unfinished(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &exitError{code: exitUnknown, err: errors.New("interrupted before the table was complete")}
	}
	return &exitError{code: exitUnknown, err: err}
}

// comparison prints two reports on the same promises side by side.
func (t *terminal) comparison(before, after *probe.Report) {
	width := len("promise")
	for _, r := range after.Results {
		width = max(width, len(r.ID))
	}
	mark := map[probe.Verdict]string{probe.Kept: "kept", probe.Broken: "BROKEN", probe.CouldNotTell: "?"}
	t.printf("%-*s  %-7s %-7s  %s\n", width, "promise", "before", "after", "claim")
	for i, r := range after.Results {
		t.printf("%-*s  %-7s %-7s  %s\n", width, r.ID, mark[before.Results[i].Verdict], mark[r.Verdict], r.Claim)
	}
	total := func(r *probe.Report) string {
		return fmt.Sprintf("%d kept, %d broken, %d could not tell", r.Count(probe.Kept), r.Count(probe.Broken), r.Count(probe.CouldNotTell))
	}
	t.printf("\nbefore: %s\nafter:  %s\n", total(before), total(after))
	for _, r := range after.Results {
		switch r.Verdict {
		case probe.Broken:
			t.printf("\n%s is broken behind the gateway: got %s, want %s\n  try  %s\n", r.ID, r.Got, r.Want, r.Shown)
		case probe.CouldNotTell:
			t.printf("\n%s: could not tell: %s\n", r.ID, r.Reason)
		}
	}
	if after.Left > 0 {
		t.printf("%d promises were left out, which need TLS, load or long waits; pavise probe --intrusive tests the last two\n", after.Left)
	}
}
