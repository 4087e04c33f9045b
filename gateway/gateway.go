// Package gateway carries requests that a policy lets pass to an API that
// knows nothing of it.
//
// It is pavise.Guard with an upstream behind: it listens, starts and keeps
// the upstream's processes if asked to, loads the policy and the certificate
// again when they change, and answers for its own health.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/guard"
)

// Options are what a gateway needs besides its policy.
type Options struct {
	// Policy is enforced. Its Gateway section says where to listen and what
	// to carry to.
	Policy pavise.Policy
	// Load reads the policy again; nil means it never changes.
	Load func() (pavise.Policy, error)
	// Watch names the files whose change makes the gateway call Load.
	Watch []string
	// Upstream is used in place of the policy's upstream and command.
	Upstream http.Handler
	// Log gets what the operator should know; nil means [slog.Default].
	Log *slog.Logger
	// AccessLog gets one record a request; nil means none.
	AccessLog *slog.Logger
	// Stdout and Stderr get the output of the upstream's processes; nil means
	// this process's own.
	Stdout, Stderr *os.File
	// Ready is called once requests are served, with the public and the admin
	// address; the latter is nil if there is none.
	Ready func(public, admin net.Addr)
}

// A Gateway serves one policy in front of one API.
type Gateway struct {
	options Options
	log     *slog.Logger
	started time.Time
	live    atomic.Pointer[live]
	backend backend
	cert    *certificate
	metrics *metrics
	tallies tallies

	inFlight atomic.Int64
	draining atomic.Bool
	patience context.Context // ends by Kill
	lose     context.CancelFunc
}

// live is the policy in force and the handler that enforces it.
type live struct {
	guard   *pavise.Guard
	handler http.Handler
}

// Report is what the admin address tells at /-/report.
type Report struct {
	Since   time.Time `json:"since"`
	Tallies []Tally   `json:"tallies"`
}

// New checks everything that can be checked before the first socket is
// opened. Its error joins every mistake.
func New(o Options) (*Gateway, error) {
	g := &Gateway{options: o, log: o.Log, started: time.Now().UTC()}
	if g.log == nil {
		g.log = slog.Default()
	}
	g.patience, g.lose = context.WithCancel(context.Background())
	g.metrics = newMetrics(
		func() float64 { return float64(g.inFlight.Load()) },
		func() float64 { return float64(g.backend.pending()) },
	)
	var errs []error
	if t := o.Policy.Gateway.TLS; t != nil && t.Cert != "" && t.Key != "" {
		var err error
		if g.cert, err = newCertificate(*t); err != nil {
			errs = append(errs, err)
		}
	}
	if err := g.backend.init(g, o); err != nil {
		errs = append(errs, err)
	}
	if err := g.enforce(o.Policy); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return g, nil
}

// enforce puts a policy in force. After an error the former one stays.
func (g *Gateway) enforce(p pavise.Policy) error {
	guarded, err := pavise.NewWith(p, pavise.Options{
		AccessLog: g.options.AccessLog,
		ErrorLog:  g.log,
		Verdict: func(r *http.Request, ref *guard.Refusal, observed bool) {
			g.tallies.add(r, ref, observed)
			g.metrics.verdict(ref, observed)
		},
		Served: func(_ *http.Request, e pavise.Exchange) { g.metrics.served(e) },
	})
	if err != nil {
		return err
	}
	g.live.Store(&live{guard: guarded, handler: guarded.Wrap(http.HandlerFunc(g.carry))})
	g.metrics.loaded.SetToCurrentTime()
	return nil
}

// ServeHTTP serves a request by the policy in force.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.inFlight.Add(1)
	defer g.inFlight.Add(-1)
	g.live.Load().handler.ServeHTTP(w, r)
}

// carry hands a request that passed to the upstream.
func (g *Gateway) carry(w http.ResponseWriter, r *http.Request) {
	if g.draining.Load() {
		guard.Refuse(w, r, &guard.Refusal{
			Rule: "gateway/draining", Status: http.StatusServiceUnavailable, Code: "SERVICE_UNAVAILABLE",
			Detail: "The service is stopping. Try again.", Reason: "the gateway is draining",
			Header: http.Header{"Retry-After": {"1"}}, Close: true,
		})
		return
	}
	g.backend.handler.ServeHTTP(w, r)
}

// unready says why requests cannot be served, or nothing.
func (g *Gateway) unready() string {
	if g.draining.Load() {
		return "draining"
	}
	return g.backend.unready()
}

// Reload loads the policy and the certificate again. A mistake in either
// leaves what was in force, and is returned and logged.
func (g *Gateway) Reload() error {
	err := g.reload()
	if err != nil {
		g.metrics.reloads.WithLabelValues("failed").Inc()
		g.log.Error("the policy was not loaded again; the former one stays in force", "error", err)
		return err
	}
	g.metrics.reloads.WithLabelValues("ok").Inc()
	g.log.Info("the policy was loaded again")
	return nil
}

func (g *Gateway) reload() error {
	var errs []error
	if g.cert != nil {
		errs = append(errs, g.cert.load())
	}
	if g.options.Load != nil {
		p, err := g.options.Load()
		if err == nil {
			g.warnRestart(p)
			// What is bound to sockets and processes stays until the next start.
			kept := g.options.Policy.Gateway
			kept.RedactQuery = p.Gateway.RedactQuery
			p.Gateway = kept
			err = g.enforce(p)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// warnRestart names the keys whose change a running gateway cannot follow.
func (g *Gateway) warnRestart(next pavise.Policy) {
	now, then := reflect.ValueOf(g.options.Policy.Gateway), reflect.ValueOf(next.Gateway)
	var keys []string
	for i := range now.NumField() {
		field := now.Type().Field(i)
		key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if key != "redact_query" && !reflect.DeepEqual(now.Field(i).Interface(), then.Field(i).Interface()) {
			keys = append(keys, "gateway."+key)
		}
	}
	// The server keeps its timeouts, and TLS connections their wire guard.
	was, is := g.options.Policy.Limits, next.Limits
	if was.HeaderRead != is.HeaderRead || was.InsecureSlowHeaders != is.InsecureSlowHeaders {
		keys = append(keys, "limits.header_read")
	}
	if was.KeepAlive != is.KeepAlive {
		keys = append(keys, "limits.keep_alive")
	}
	if g.cert != nil && !reflect.DeepEqual(g.options.Policy.Wire, next.Wire) {
		keys = append(keys, "wire")
	}
	if len(keys) > 0 {
		g.log.Warn("these keys take effect at the next start", "keys", keys)
	}
}

// Run serves until ctx is done, and then lets requests in flight finish. It
// returns nil after an orderly stop, and the fate of the upstream's process
// if that ended for good.
func (g *Gateway) Run(ctx context.Context) error {
	opts := g.options.Policy.Gateway
	public, err := listen(opts.Listen, pavise.DefaultListen)
	if err != nil {
		return fmt.Errorf("gateway.listen: %w", err)
	}
	defer public.Close()
	var redirects net.Listener
	if opts.Plain != "" {
		if redirects, err = listen(opts.Plain, ""); err != nil {
			return fmt.Errorf("gateway.plain: %w", err)
		}
		defer redirects.Close()
	}
	adminServer, adminListener, err := g.openAdmin(opts.Admin)
	if err != nil {
		return err
	}

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	fail := make(chan error, 8)

	if adminServer != nil {
		defer adminServer.Close()
		go func() { fail <- adminServer.Serve(adminListener) }()
	}
	backendDone := make(chan error, 1)
	backendCtx, stopBackend := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackend()
	go func() { backendDone <- g.backend.run(backendCtx) }()
	if err := g.backend.waitReady(ctx, backendDone); err != nil {
		stopBackend()
		return err
	}
	watchDone, err := g.watch(ctx)
	if err != nil {
		return err
	}
	defer func() { stop(nil); <-watchDone }()

	srv := g.server()
	if g.cert != nil {
		go func() { fail <- srv.Serve(g.dynamicTLS(public, g.cert.config())) }()
	} else {
		go func() { fail <- srv.Serve(g.dynamic(public)) }()
	}
	if redirects != nil {
		go func() { fail <- srv.Serve(g.dynamic(redirects)) }()
	}
	g.announce(public, adminListener)

	var fate error
	select {
	case <-ctx.Done():
	case fate = <-backendDone:
		backendDone <- fate
		if fate == nil {
			fate = errors.New("the upstream ended")
		}
	case fate = <-fail:
	}
	g.drain(srv)
	stopBackend()
	if err := <-backendDone; err != nil && fate == nil && !errors.Is(err, context.Canceled) {
		fate = err
	}
	if errors.Is(fate, http.ErrServerClosed) {
		fate = nil
	}
	return fate
}

// Kill ends every wait of a stop: requests in flight are cut, and the
// upstream's processes are killed. It does not by itself stop the gateway; end
// the context of Run for that.
func (g *Gateway) Kill() {
	g.lose()
	if s := g.backend.supervisor; s != nil {
		s.Kill()
	}
}

// server is the policy's server, but with whatever handler is in force.
func (g *Gateway) server() *http.Server {
	srv := g.live.Load().guard.Server(http.HandlerFunc(g.carry))
	srv.Handler = g
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return g.live.Load().guard.ConnContext(ctx, c)
	}
	if g.cert != nil {
		srv.TLSConfig = g.cert.config()
	}
	return srv
}

// drain refuses new requests and waits for those in flight, as long as the
// policy lets them have.
func (g *Gateway) drain(srv *http.Server) {
	timeout := g.options.Policy.Gateway.GracefulTimeout
	if timeout == 0 {
		timeout = pavise.DefaultGracefulTimeout
	}
	g.draining.Store(true)
	g.log.Info("stopping; requests in flight may finish", "in_flight", g.inFlight.Load(), "timeout", timeout)
	ctx, cancel := context.WithTimeout(g.patience, timeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for g.inFlight.Load() > 0 && ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	if err := srv.Shutdown(ctx); err != nil {
		g.log.Warn("some requests did not finish in time and were cut", "in_flight", g.inFlight.Load())
		_ = srv.Close()
	}
	// The server has forgotten the connections that were handed over.
	g.backend.closeTunnels()
}

func (g *Gateway) announce(public, admin net.Listener) {
	scheme := "http"
	if g.cert != nil {
		scheme = "https"
	}
	var adminAddr net.Addr
	attrs := []any{"url", scheme + "://" + public.Addr().String(), "answers", g.live.Load().guard.Answers()}
	if admin != nil {
		adminAddr = admin.Addr()
		attrs = append(attrs, "admin", "http://"+adminAddr.String()+"/-/")
	}
	g.log.Info("serving", attrs...)
	for _, l := range g.options.Policy.Loosened() {
		g.log.Warn("the policy is loosened", "key", l.Key, "rule", l.Rule, "effect", l.Effect)
	}
	if g.options.Ready != nil {
		g.options.Ready(public.Addr(), adminAddr)
	}
}

func (g *Gateway) openAdmin(address string) (*http.Server, net.Listener, error) {
	if address == "off" {
		return nil, nil, nil
	}
	l, err := listen(address, pavise.DefaultAdmin)
	if err != nil {
		return nil, nil, fmt.Errorf("gateway.admin: %w", err)
	}
	handler, guarded, err := g.admin(l.Addr().String())
	if err != nil {
		_ = l.Close()
		return nil, nil, err
	}
	return guarded.Server(handler), guarded.Listener(l), nil
}
