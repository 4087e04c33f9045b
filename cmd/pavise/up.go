package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/gateway"
	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/guard/limits"
)

func upCommand(t *terminal) *cobra.Command {
	var f upFlags
	c := &cobra.Command{
		Use:   "up [flags] (--upstream URL | -- COMMAND...)",
		Short: "Serve an API behind the policy",
		Long: `Serve an API behind the policy. The API either runs already (--upstream), or is
started here: the words after -- are its command. uvicorn, gunicorn, hypercorn
and granian are recognised and told to listen on a private unix socket. For other
programs write {socket} or {port} where the command takes it; a command with
neither gets a free port in the environment variable PORT.

The policy file is watched: a change takes effect without a request lost, and a
mistake in it leaves the former policy in force and is logged. SIGHUP reads it
again too. SIGTERM and Ctrl-C let requests in flight finish; a second one does
not wait. The program ends as the API's process does.

Flags override the policy's keys of the same meaning.`,
		Example: `  pavise up -- uvicorn app.main:app
  pavise up --workers 2 --max-requests 10000 -- gunicorn -k uvicorn.workers.UvicornWorker app.main:app
  pavise up --listen :8080 -- ./server --port {port}
  pavise up --upstream http://127.0.0.1:9000`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 && c.ArgsLenAtDash() != 0 {
				return &exitError{code: exitUsage, err: fmt.Errorf("%q stands before --", args[0]), hint: "pavise up -- " + args[0] + " ... starts it behind the gateway"}
			}
			return up(c, t, &f, args)
		},
	}
	f.register(c)
	return c
}

// upFlags are the flags of up; a flag that was not given changes nothing.
type upFlags struct {
	policy, listen, upstream, admin, accessLog, mode, tlsCert, tlsKey, readyPath string
	hosts, trust                                                                 []string
	workers, maxRequests, concurrency                                            int
	maxBody                                                                      string
	keepAlive, headerRead, bodyRead, write, total, graceful, start, upstreamTime time.Duration
	h2c                                                                          bool
}

func (f *upFlags) register(c *cobra.Command) {
	policyFlag(c, &f.policy)
	fs := c.Flags()
	fs.StringVarP(&f.listen, "listen", "l", "", "address to serve: host:port, :port or unix:/path (default "+pavise.DefaultListen+")")
	fs.StringVar(&f.upstream, "upstream", "", "the API's address: http://host:port, https://host or unix:/path")
	fs.StringVar(&f.admin, "admin", "", "address of health, metrics and the report, or off (default "+pavise.DefaultAdmin+")")
	fs.StringVar(&f.mode, "mode", "", "enforce or observe, for every rule without a mode of its own")
	fs.StringSliceVar(&f.hosts, "host", nil, "host name to answer to; may be repeated")
	fs.StringSliceVar(&f.trust, "trust", nil, "CIDR of a trusted proxy, or unix; may be repeated")
	fs.IntVar(&f.workers, "workers", 0, "processes of the API, each on its own socket (default 1)")
	fs.IntVar(&f.maxRequests, "max-requests", 0, "recycle a worker after about so many requests (default never)")
	fs.StringVar(&f.readyPath, "ready-path", "", "path to ask before a worker gets requests")
	fs.DurationVar(&f.start, "start-timeout", 0, "for a worker to become ready (default 30s)")
	fs.DurationVar(&f.graceful, "graceful-timeout", 0, "for requests in flight when stopping (default 30s)")
	fs.DurationVar(&f.upstreamTime, "upstream-timeout", 0, "for the API to begin its answer (default 60s)")
	fs.DurationVar(&f.keepAlive, "keep-alive", 0, "for an idle connection (default 5s)")
	fs.DurationVar(&f.headerRead, "header-timeout", 0, "for a request's head (default 10s)")
	fs.DurationVar(&f.bodyRead, "body-timeout", 0, "for a request's body (default 60s)")
	fs.DurationVar(&f.write, "write-timeout", 0, "for each step of a response (default 30s)")
	fs.DurationVar(&f.total, "total-timeout", 0, "for a whole request (default 10m)")
	fs.IntVar(&f.concurrency, "limit-concurrency", 0, "requests at a time before 503 (default 1000)")
	fs.StringVar(&f.maxBody, "max-body", "", "largest request body, such as 10MiB (default 10MiB)")
	fs.StringVar(&f.accessLog, "access-log", "", "json, text or off (default json)")
	fs.StringVar(&f.tlsCert, "tls-cert", "", "file of the PEM certificate chain")
	fs.StringVar(&f.tlsKey, "tls-key", "", "file of the PEM private key")
	fs.BoolVar(&f.h2c, "h2c", false, "also serve HTTP/2 without TLS to clients that know beforehand")
	c.MarkFlagsRequiredTogether("tls-cert", "tls-key")
	completeWords(c, "mode", "enforce", "observe")
	completeWords(c, "access-log", "json", "text", "off")
}

// apply puts the flags that were given over the policy.
func (f *upFlags) apply(c *cobra.Command, p *pavise.Policy, command []string) error {
	given := func(name string) bool { return c.Flags().Changed(name) }
	g := &p.Gateway
	for _, s := range []struct {
		name string
		from string
		to   *string
	}{
		{"listen", f.listen, &g.Listen}, {"admin", f.admin, &g.Admin}, {"access-log", f.accessLog, &g.AccessLog}, {"ready-path", f.readyPath, &g.ReadyPath},
	} {
		if given(s.name) {
			*s.to = s.from
		}
	}
	for _, d := range []struct {
		name string
		from time.Duration
		to   *time.Duration
	}{
		{"start-timeout", f.start, &g.StartTimeout}, {"graceful-timeout", f.graceful, &g.GracefulTimeout}, {"upstream-timeout", f.upstreamTime, &g.UpstreamTimeout},
		{"keep-alive", f.keepAlive, &p.Limits.KeepAlive}, {"header-timeout", f.headerRead, &p.Limits.HeaderRead}, {"body-timeout", f.bodyRead, &p.Limits.BodyRead},
		{"write-timeout", f.write, &p.Limits.Write}, {"total-timeout", f.total, &p.Limits.Total},
	} {
		if !given(d.name) {
			continue
		}
		if d.from <= 0 {
			return &exitError{code: exitUsage, err: fmt.Errorf("--%s %s is not more than zero", d.name, d.from)}
		}
		*d.to = d.from
	}
	for _, n := range []struct {
		name string
		from int
		to   *int
	}{
		{"workers", f.workers, &g.Workers}, {"max-requests", f.maxRequests, &g.MaxRequests}, {"limit-concurrency", f.concurrency, &p.Limits.Concurrency},
	} {
		if !given(n.name) {
			continue
		}
		if n.from <= 0 {
			return &exitError{code: exitUsage, err: fmt.Errorf("--%s %d is not more than zero", n.name, n.from)}
		}
		*n.to = n.from
	}
	if given("max-body") {
		var size limits.Bytes
		if err := size.UnmarshalText([]byte(f.maxBody)); err != nil {
			return &exitError{code: exitUsage, err: fmt.Errorf("--max-body: %w", err)}
		}
		p.Limits.Body = size
	}
	if given("mode") {
		p.Mode = guard.Mode(f.mode)
	}
	if given("host") {
		p.Hosts.Allow = f.hosts
	}
	if given("trust") {
		p.ClientIP.Trust = f.trust
	}
	if given("h2c") {
		g.H2C = f.h2c
	}
	if given("tls-cert") {
		tls := pavise.TLS{Cert: f.tlsCert, Key: f.tlsKey}
		if g.TLS != nil {
			tls.MinVersion = g.TLS.MinVersion
		}
		g.TLS = &tls
	}
	switch {
	case given("upstream") && len(command) > 0:
		return &exitError{code: exitUsage, err: errors.New("--upstream and a command exclude each other"), hint: "the API either runs elsewhere or is started here"}
	case given("upstream"):
		g.Upstream, g.Command = f.upstream, nil
	case len(command) > 0:
		g.Upstream, g.Command = "", command
	case g.Upstream == "" && len(g.Command) == 0:
		return &exitError{code: exitUsage, err: errors.New("there is no API to stand in front of"), hint: "pavise up -- uvicorn app.main:app, or pavise up --upstream http://127.0.0.1:9000"}
	}
	return nil
}

func up(c *cobra.Command, t *terminal, f *upFlags, command []string) error {
	l, err := loadPolicy(f.policy)
	if err != nil {
		return err
	}
	if err := f.apply(c, &l.policy, command); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(t.err, nil))
	o := gateway.Options{Policy: l.policy, Log: log, AccessLog: accessLog(l.policy.Gateway.AccessLog, t)}
	if l.file != "" {
		o.Watch = []string{l.file}
		o.Load = func() (pavise.Policy, error) {
			again, err := loadPolicy(l.file)
			if err != nil {
				return pavise.Policy{}, err
			}
			if err := f.apply(c, &again.policy, command); err != nil {
				return pavise.Policy{}, err
			}
			_, err = again.guard()
			return again.policy, err
		}
	}
	gw, err := gateway.New(o)
	if err != nil {
		return l.mistakes(err)
	}

	paceCollection()
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(signals)
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			select {
			case <-ended:
				return
			case s := <-signals:
				switch s {
				case syscall.SIGHUP:
					_ = gw.Reload() // it has logged its error
				case os.Interrupt, syscall.SIGTERM:
					if ctx.Err() != nil {
						// The second one does not wait, but leaves nothing
						// behind; the third does not even do that.
						gw.Kill()
						signal.Reset(os.Interrupt, syscall.SIGTERM)
						continue
					}
					cancel()
				default:
					gw.Signal(s)
				}
			}
		}
	}()
	return fate(gw.Run(ctx))
}

// fate is the exit for how the gateway ended.
func fate(err error) error {
	var child interface {
		error
		ExitCode() int
	}
	var opErr *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &child):
		return &exitError{code: child.ExitCode(), err: err, hint: "the API's own output above says more"}
	case errors.As(err, &opErr):
		return &exitError{code: exitUnknown, err: err, hint: "choose another address with --listen or --admin, or stop what is there"}
	}
	return &exitError{code: exitUnknown, err: err}
}

func accessLog(format string, t *terminal) *slog.Logger {
	switch format {
	case "off":
		return nil
	case "text":
		return slog.New(slog.NewTextHandler(t.out, nil))
	}
	return slog.New(slog.NewJSONHandler(t.out, nil))
}
