package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/gateway/supervisor"
	"github.com/pavise-dev/pavise/gateway/upstream"
	"github.com/pavise-dev/pavise/guard"
)

// backend is what is behind the gateway: a handler, an address, or processes
// that are started here.
type backend struct {
	g          *Gateway
	handler    http.Handler
	pool       *upstream.Pool
	single     *upstream.Upstream
	supervisor *supervisor.Supervisor

	mu      sync.Mutex
	workers map[string]*upstream.Upstream
}

func (b *backend) init(g *Gateway, o Options) error {
	b.g = g
	opts := o.Policy.Gateway
	switch {
	case o.Upstream != nil:
		b.handler = o.Upstream
	case opts.Upstream != "":
		u, err := upstream.New(b.options(opts.Upstream, nil))
		if err != nil {
			return fmt.Errorf("gateway.upstream: %w", err)
		}
		b.single, b.handler = u, u
	case len(opts.Command) > 0:
		pool, err := upstream.NewPool(upstream.PoolOptions{})
		if err != nil {
			return err
		}
		b.pool, b.handler = pool, pool
		b.workers = map[string]*upstream.Upstream{}
		so := supervisor.Options{
			Command: opts.Command, Workers: opts.Workers, MaxRequests: opts.MaxRequests, ReadyPath: opts.ReadyPath,
			StartTimeout: opts.StartTimeout, StopTimeout: opts.GracefulTimeout, Logger: g.log, Backends: b,
		}
		if o.Stdout != nil {
			so.Stdout = o.Stdout
		}
		if o.Stderr != nil {
			so.Stderr = o.Stderr
		} else {
			so.Stderr = os.Stderr
		}
		if so.Stdout == nil {
			// Our own standard output is the access log's.
			so.Stdout = os.Stderr
		}
		s, err := supervisor.New(so)
		if err != nil {
			return fmt.Errorf("gateway.command: %w", err)
		}
		b.supervisor = s
	default:
		return errors.New("gateway.upstream: there is no API to carry to; set it, or gateway.command")
	}
	return nil
}

// options are an upstream's; served is called once for each answer.
func (b *backend) options(target string, served func()) upstream.Options {
	timeout := b.g.options.Policy.Gateway.UpstreamTimeout
	if timeout == 0 {
		timeout = pavise.DefaultUpstreamTimeout
	}
	return upstream.Options{
		Target:                target,
		ResponseHeaderTimeout: timeout,
		Rewrite: func(out http.Header, in *http.Request) {
			b.g.live.Load().guard.Forward(out, in)
			if f := guard.FactsOf(in); f != nil {
				out["X-Request-Id"] = []string{f.RequestID}
			}
		},
		Response: func(h http.Header, r *http.Request, status int) {
			if status == http.StatusSwitchingProtocols {
				b.g.live.Load().guard.Answer(h, r, status)
			}
			for _, name := range []string{"Ratelimit", "Ratelimit-Policy"} {
				// Ours was there first, and a client can follow one only.
				if len(h[name]) > 1 {
					h[name] = h[name][:1]
				}
			}
			if served != nil {
				served()
			}
		},
		Abort: func(r *http.Request, err error) {
			b.g.log.Debug("a response was broken off", "path", r.URL.Path, "error", err)
		},
	}
}

// Add, Drain and Remove tell the pool what the supervisor has started.

// Add offers a worker.
func (b *backend) Add(id string, at supervisor.Address) {
	target := "http://" + at.Address
	if at.Network == "unix" {
		target = "unix:" + at.Address
	}
	o := b.options(target, func() { b.supervisor.Served(id) })
	// Ours must end before the server's own, or a request is lost in its close.
	o.IdleTimeout = b.supervisor.IdleTimeout()
	u, err := upstream.New(o)
	if err != nil {
		// The supervisor made the address itself.
		panic("gateway: " + err.Error())
	}
	b.mu.Lock()
	b.workers[id] = u
	b.mu.Unlock()
	b.pool.Add(u)
}

// Drain sends a worker no new requests, and waits for those it has.
func (b *backend) Drain(ctx context.Context, id string) error {
	b.mu.Lock()
	u := b.workers[id]
	b.mu.Unlock()
	if u == nil {
		return nil
	}
	return b.pool.Drain(ctx, u)
}

// Remove forgets a worker.
func (b *backend) Remove(id string) {
	b.mu.Lock()
	u := b.workers[id]
	delete(b.workers, id)
	b.mu.Unlock()
	if u != nil {
		b.pool.Remove(u)
	}
}

// closeTunnels ends the upgraded connections, which nobody else would.
func (b *backend) closeTunnels() {
	if b.single != nil {
		b.single.CloseTunnels()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range b.workers {
		u.CloseTunnels()
	}
}

func (b *backend) pending() int {
	switch {
	case b.pool != nil:
		return b.pool.Pending()
	case b.single != nil:
		return b.single.Pending()
	}
	return 0
}

// run keeps the processes until ctx is done. Without processes it waits.
func (b *backend) run(ctx context.Context) error {
	if b.supervisor != nil {
		return b.supervisor.Run(ctx)
	}
	<-ctx.Done()
	if b.single != nil {
		b.single.Close()
	}
	return nil
}

// waitReady returns when requests can be carried, or with the fate of the
// processes if they ended before. An upstream elsewhere may come up later.
func (b *backend) waitReady(ctx context.Context, done chan error) error {
	if b.supervisor == nil {
		return nil
	}
	select {
	case <-b.supervisor.Started():
		return nil
	case err := <-done:
		done <- err
		if err == nil {
			err = errors.New("the upstream ended before it was ready")
		}
		return err
	case <-ctx.Done():
		return nil
	}
}

func (b *backend) unready() string {
	switch {
	case b.supervisor != nil && !b.supervisor.Ready():
		return "no worker is ready"
	case b.single != nil:
		return dialable(b.single.Target())
	}
	return ""
}

// dialable says why nothing listens at an upstream's address, or nothing.
func dialable(target string) string {
	network := "tcp"
	var address string
	if path, ok := strings.CutPrefix(target, "unix:"); ok {
		network, address = "unix", path
	} else {
		scheme, rest, _ := strings.Cut(target, "://")
		address = strings.TrimSuffix(rest, "/")
		if !strings.Contains(address[strings.LastIndex(address, "]")+1:], ":") {
			address += map[string]string{"http": ":80", "https": ":443"}[scheme]
		}
	}
	c, err := dialer.Dial(network, address)
	if err != nil {
		return "the upstream does not accept connections"
	}
	_ = c.Close()
	return ""
}

// Signal passes a signal on to the upstream's processes.
func (g *Gateway) Signal(sig os.Signal) {
	if g.backend.supervisor == nil {
		return
	}
	if err := g.backend.supervisor.Signal(sig); err != nil {
		g.log.Warn("the signal was not passed on", "signal", sig.String(), "error", err)
	}
}

// dialer is for readiness, which must answer soon.
var dialer = net.Dialer{Timeout: time.Second}
