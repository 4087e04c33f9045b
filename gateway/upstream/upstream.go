// Package upstream carries requests to the service behind the gateway. An
// [Upstream] is one address; a [Pool] spreads requests over several.
//
// The request must have passed the guards: its path, host and header are in
// their canonical form and no forwarding header of a stranger is left.
//
// A connection to the upstream is read and written by the goroutine that
// serves the request; net/http.Transport uses two more for each connection
// and wakes both for each request. Responses are parsed strictly: whatever
// two parsers could read differently is answered 502, and its connection is
// never used again.
//
// Do not use it as a forward proxy, nor in front of an upstream that is
// not yours: the Host is passed on, and CONNECT is refused.
//
//	u, err := upstream.New(upstream.Options{Target: "unix:/run/app.sock"})
//	...
//	http.ListenAndServe(":8080", guard.Wrap(u))
//
// An "Expect: 100-continue" is answered by our own server when the body is
// first read, and not passed on. So an upstream cannot refuse a large body
// before it is sent; limits belong into the policy.
package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options says where an upstream is and how it is talked to. A zero number is
// the default, never "off".
type Options struct {
	// Target is the address: "http://host:port", "https://host:port" or
	// "unix:/path". It has no path: the request's own is sent as it is.
	Target string
	// Dial, if set, connects in Target's place; an https Target still adds TLS.
	Dial func(ctx context.Context) (net.Conn, error)
	// TLS is for https targets. Nil verifies the certificate for the target's
	// name against the system's roots. It is cloned.
	TLS *tls.Config

	// MaxIdle is how many idle connections are kept. Default 128.
	MaxIdle int
	// IdleTimeout is how long one is kept. Default 4 s, because uvicorn
	// closes after 5 s, and a request sent into that close is lost.
	IdleTimeout time.Duration
	// DialTimeout bounds connecting and the TLS handshake. Default 5 s.
	DialTimeout time.Duration
	// ResponseHeaderTimeout bounds the time from the request's last byte to
	// the response's head. Default 60 s.
	ResponseHeaderTimeout time.Duration
	// BodyIdleTimeout ends a response or a request body of which the upstream
	// has sent or taken nothing for so long; it may take up to twice as long.
	// Default 10 min.
	BodyIdleTimeout time.Duration
	// TunnelIdleTimeout ends an upgraded connection on which neither side has
	// sent anything for so long. Default 10 min.
	TunnelIdleTimeout time.Duration
	// MaxResponseHeader bounds the response's head, and its trailers, in
	// bytes. Default 64 KiB.
	MaxResponseHeader int
	// Upgrades are the protocols to which a client may upgrade. Nil means
	// "websocket" only. "h2c" is never possible: requests inside it would
	// pass no guard.
	Upgrades []string

	// Rewrite edits the header that is sent: this is where forwarding headers
	// are added. The values of out are shared with in, so set and delete, but
	// do not change them in place.
	Rewrite func(out http.Header, in *http.Request)
	// Response edits the header of a final response, and of a 101, just
	// before it is written. A 101 is written past every http.ResponseWriter
	// that wraps ours, so headers that have to be on every response must be
	// set here for it.
	Response func(h http.Header, r *http.Request, status int)
	// Error answers a request that failed before anything was written. err
	// is an *[Error], or the *guard.Refusal that reading the request's body
	// returned. Nil means guard.Refuse.
	Error func(w http.ResponseWriter, r *http.Request, err error)
	// Abort is told why a response was broken off, or why nothing could be
	// answered because the client is gone. It may be nil.
	Abort func(r *http.Request, err error)
}

const (
	defaultMaxIdle        = 128
	defaultIdle           = 4 * time.Second
	defaultDial           = 5 * time.Second
	defaultResponseHeader = 60 * time.Second
	defaultBodyIdle       = 10 * time.Minute
	defaultTunnelIdle     = 10 * time.Minute
	defaultMaxHead        = 64 << 10
)

// An Upstream forwards requests to one address. It is safe for concurrent use.
type Upstream struct {
	opts    Options
	network string
	address string
	host    string // what a request without a host is sent for
	tls     *tls.Config

	pending atomic.Int64

	mu      sync.Mutex
	idle    []*conn // the longest idle first
	reaper  *time.Timer
	reaping bool
	closed  bool
	tunnels map[*tunnel]struct{}

	// The rest belongs to the Pool that it is in, and to its lock.
	draining  atomic.Bool
	downUntil time.Time
}

// New checks o, and returns all that is wrong with it.
func New(o Options) (*Upstream, error) {
	u := &Upstream{opts: o, tunnels: map[*tunnel]struct{}{}}
	var errs []error
	if err := u.target(o.Target); err != nil {
		errs = append(errs, err)
	}
	count := func(name string, v *int, def int) {
		if *v < 0 {
			errs = append(errs, fmt.Errorf("%s: %d is negative", name, *v))
		}
		if *v == 0 {
			*v = def
		}
	}
	span := func(name string, v *time.Duration, def time.Duration) {
		if *v < 0 {
			errs = append(errs, fmt.Errorf("%s: %v is negative", name, *v))
		}
		if *v == 0 {
			*v = def
		}
	}
	count("MaxIdle", &u.opts.MaxIdle, defaultMaxIdle)
	count("MaxResponseHeader", &u.opts.MaxResponseHeader, defaultMaxHead)
	span("IdleTimeout", &u.opts.IdleTimeout, defaultIdle)
	span("DialTimeout", &u.opts.DialTimeout, defaultDial)
	span("ResponseHeaderTimeout", &u.opts.ResponseHeaderTimeout, defaultResponseHeader)
	span("BodyIdleTimeout", &u.opts.BodyIdleTimeout, defaultBodyIdle)
	span("TunnelIdleTimeout", &u.opts.TunnelIdleTimeout, defaultTunnelIdle)

	u.opts.Upgrades = slices.Clone(o.Upgrades)
	if o.Upgrades == nil {
		u.opts.Upgrades = []string{"websocket"}
	}
	for i, p := range u.opts.Upgrades {
		p = strings.ToLower(p)
		u.opts.Upgrades[i] = p
		switch {
		case p == "h2c" || strings.HasPrefix(p, "http/") || strings.HasPrefix(p, "tls/"):
			errs = append(errs, fmt.Errorf("Upgrades[%d]: %q would carry requests that no guard sees", i, p))
		case !isToken(p):
			errs = append(errs, fmt.Errorf("Upgrades[%d]: %q is not a protocol name", i, p))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return u, nil
}

// target takes the Target apart.
func (u *Upstream) target(s string) error {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		path = strings.TrimPrefix(path, "//")
		if path == "" || (path[0] != '/' && path[0] != '@') || strings.ContainsRune(path, 0) {
			return fmt.Errorf("Target: %q needs an absolute path after unix:", s)
		}
		u.network, u.address, u.host = "unix", path, "localhost"
		return nil
	}
	t, err := url.Parse(s)
	if err != nil {
		return fmt.Errorf("Target: %q is not a URL", s)
	}
	port := "80"
	switch t.Scheme {
	case "http":
	case "https":
		port = "443"
	default:
		return fmt.Errorf("Target: %q: want http://host:port, https://host:port or unix:/path", s)
	}
	if t.User != nil || (t.Path != "" && t.Path != "/") || t.RawQuery != "" || t.ForceQuery || t.Fragment != "" {
		return fmt.Errorf("Target: %q: a target is a host and a port, and nothing else", t.Redacted())
	}
	if t.Hostname() == "" || !validHost(t.Host) {
		return fmt.Errorf("Target: %q has no valid host", s)
	}
	if p := t.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("Target: %q: the port is not between 1 and 65535", s)
		}
		port = p
	}
	u.network, u.address, u.host = "tcp", net.JoinHostPort(t.Hostname(), port), t.Host
	if t.Scheme == "https" {
		u.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		if u.opts.TLS != nil {
			u.tls = u.opts.TLS.Clone()
		}
		if u.tls.ServerName == "" {
			u.tls.ServerName = t.Hostname()
		}
		u.tls.NextProtos = []string{"http/1.1"} // we speak nothing else
	}
	return nil
}

// Target returns where requests go, for logs.
func (u *Upstream) Target() string { return u.opts.Target }

// Pending returns how many requests, and tunnels, are being served.
func (u *Upstream) Pending() int { return int(u.pending.Load()) }

// ServeHTTP forwards r and relays the response.
func (u *Upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.pending.Add(1)
	serve(w, r, u, nil)
}

// CloseIdle closes the connections that are idle.
func (u *Upstream) CloseIdle() {
	u.mu.Lock()
	idle := u.idle
	u.idle = nil
	u.mu.Unlock()
	for _, c := range idle {
		c.Close()
	}
}

// CloseTunnels breaks off the upgraded connections. Without it they last
// until an end closes them, also beyond http.Server.Shutdown.
func (u *Upstream) CloseTunnels() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for t := range u.tunnels {
		t.close()
	}
}

// Close closes the idle connections, and from now on each other one when its
// request is done.
func (u *Upstream) Close() {
	u.mu.Lock()
	u.closed = true
	u.mu.Unlock()
	u.CloseIdle()
}
