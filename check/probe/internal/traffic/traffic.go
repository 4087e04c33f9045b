// Package traffic sends a probe's requests: no more and no faster than allowed,
// each marked, and each kept so that it can be shown and sent again.
package traffic

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Marker is the header field that every request of a probe carries, so that
// whoever reads the logs knows: X-Pavise-Probe: 5f2c9e7d1b40, where the value
// is the same for all requests of one run and another one in the next. A
// request cannot be sent without it; a proxy may refuse by it what no probe is
// to reach, and an alert may leave it out. It is left out of the lines for a
// shell, because what is shown must not depend on it.
const Marker = "X-Pavise-Probe"

// ErrSpent says that as many requests were sent as are allowed.
var ErrSpent = errors.New("as many requests were sent as are allowed")

// ErrDown says that the API no longer answers.
var ErrDown = errors.New("the API no longer answers")

// maxBody bounds how much of a response is kept.
const maxBody = 1 << 20

// Options say where and how fast.
type Options struct {
	Base *url.URL
	// Host is sent as the Host header field in place of the URL's own.
	Host string
	// Rate is how many requests may be sent in a second; 0 means no bound.
	Rate float64
	// Total is how many may be sent at all; 0 means no bound.
	Total int
	// Run is written into the marker.
	Run string
	// Secret is what the accounts that are made, and their passwords, follow
	// from besides the seed; empty is for a server that nobody else reaches.
	Secret             string
	InsecureSkipVerify bool
	Certificates       []tls.Certificate
	Timeout            time.Duration // of one exchange; 0 means 30 s
	// Patience is how long all requests of Try wait together for rate limits;
	// 0 means 10 s.
	Patience time.Duration
}

// A Client sends requests to one API.
type Client struct {
	o      Options
	client *http.Client
	mu     sync.Mutex
	next   time.Time
	sent   int
	failed int // in a row
	// waited is how long Try has waited for rate limits.
	waited time.Duration
	from   map[string]*http.Client
	seen   []*Exchange
	size   int // of what is in seen
	// certified are those that show a certificate.
	certified map[*Certificate]*http.Client
}

// New makes a client.
func New(o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	c := &Client{o: o, from: map[string]*http.Client{}}
	c.client = c.transport(nil)
	return c
}

func (c *Client) tls() *tls.Config {
	o := c.o
	conf := &tls.Config{ServerName: o.Base.Hostname(), InsecureSkipVerify: o.InsecureSkipVerify, Certificates: o.Certificates, MinVersion: tls.VersionTLS12} //nolint:gosec // the user asked for it by name, and the report says so
	if name, _, err := net.SplitHostPort(o.Host); err == nil {
		conf.ServerName = name
	} else if o.Host != "" {
		conf.ServerName = strings.Trim(o.Host, "[]")
	}
	return conf
}

// transport is a client that calls from an address, if one is given.
func (c *Client) transport(from net.Addr) *http.Client {
	dialer := net.Dialer{Timeout: 10 * time.Second, LocalAddr: from}
	return &http.Client{
		Transport: &http.Transport{
			// No proxy from the environment: what is found is about this server.
			DialContext: dialer.DialContext, TLSClientConfig: c.tls(), DisableCompression: true, MaxIdleConnsPerHost: 16,
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 1 << 20,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Close ends the connections that are kept.
func (c *Client) Close() {
	c.client.CloseIdleConnections()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, other := range c.from {
		other.CloseIdleConnections()
	}
	for _, other := range c.certified {
		other.CloseIdleConnections()
	}
}

// Sent is how many requests were sent.
func (c *Client) Sent() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent
}

// Left is how many may still be sent.
func (c *Client) Left() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.o.Total == 0 {
		return 1 << 30
	}
	return c.o.Total - c.sent
}

// Base is the API's root.
func (c *Client) Base() *url.URL { return c.o.Base }

// A Request is what is sent. It is not changed by sending.
type Request struct {
	Method string
	// Path is escaped, with the query if there is one.
	Path   string
	Header http.Header
	// Host overrides that of the client.
	Host string
	Body []byte
	// Chunked sends the body without saying its length.
	Chunked bool
	// Certificate is what is shown in the TLS handshake; nil is none.
	Certificate *Certificate
	// From is the address that it is sent from, when that matters; empty
	// leaves the choice to the system.
	From string
	// Raw are the bytes that are sent in place of all else, on a connection of
	// their own; {host} and {marker} in it are filled in.
	Raw string
	// Pad spaces and Tail follow Raw; Plain is host:port that it went to
	// without TLS. See [Wire].
	Pad   int
	Tail  string
	Plain string
}

// Clone is a deep copy.
func (r *Request) Clone() *Request {
	c := *r
	c.Header = r.Header.Clone()
	if c.Header == nil {
		c.Header = http.Header{}
	}
	c.Body = slices.Clone(r.Body)
	return &c
}

// An Exchange is a request and what came back.
type Exchange struct {
	Request *Request
	Status  int
	Header  http.Header
	Body    []byte
	// Cut tells that there was more of the body than is kept.
	Cut     bool
	Elapsed time.Duration // until the head of the response
	Proto   string
	URL     string
}

// OK tells whether the status is one of 2xx.
func (e *Exchange) OK() bool { return e.Status >= 200 && e.Status < 300 }

// Refused tells whether it is one of 4xx.
func (e *Exchange) Refused() bool { return e.Status >= 400 && e.Status < 500 }

// Type is the media type of the response, without parameters.
func (e *Exchange) Type() string {
	base, _, _ := strings.Cut(e.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(base))
}

// wait takes its turn.
func (c *Client) wait(ctx context.Context) error {
	c.mu.Lock()
	if c.o.Total > 0 && c.sent >= c.o.Total {
		c.mu.Unlock()
		return ErrSpent
	}
	if c.failed >= 3 {
		c.mu.Unlock()
		return ErrDown
	}
	c.sent++
	var pause time.Duration
	if c.o.Rate > 0 {
		now := time.Now()
		if c.next.Before(now) {
			c.next = now
		}
		pause = c.next.Sub(now)
		c.next = c.next.Add(time.Duration(float64(time.Second) / c.o.Rate))
	}
	c.mu.Unlock()
	if pause <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A 429 that says how long to wait is waited for, if it is not long.
const (
	patience    = 3
	patientWait = 5 * time.Second
	loginWait   = 12 * time.Second // of five a minute
)

// Send sends a request and reads the response. A rate limit that the probe's
// own pace ran into is waited for.
func (c *Client) Send(ctx context.Context, r *Request) (*Exchange, error) {
	return c.patient(ctx, r, patience, func(wait time.Duration) bool { return wait <= patientWait })
}

// Try is Send for a request that need not get through: all of them together
// wait no longer than the patience of the client. What the API asks for is counted, and not what
// the clock says, so that the same answers lead to the same requests.
func (c *Client) Try(ctx context.Context, r *Request) (*Exchange, error) {
	return c.patient(ctx, r, patience, func(wait time.Duration) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if wait > patientWait || c.waited+wait > c.o.Patience {
			return false
		}
		c.waited += wait
		return true
	})
}

// SendLogin is Send for a login that all else rests on: logins are allowed more
// rarely than other requests, and it waits longer.
func (c *Client) SendLogin(ctx context.Context, r *Request) (*Exchange, error) {
	return c.patient(ctx, r, 1, func(wait time.Duration) bool { return wait <= loginWait })
}

// patient sends a request anew when it ran into a rate limit, so many times,
// and where the wait is worth it.
func (c *Client) patient(ctx context.Context, r *Request, tries int, worth func(wait time.Duration) bool) (*Exchange, error) {
	for try := 0; ; try++ {
		e, err := c.Once(ctx, r)
		if err != nil || e.Status != http.StatusTooManyRequests || try == tries {
			return e, err
		}
		wait, err := time.ParseDuration(e.Header.Get("Retry-After") + "s")
		if err != nil || wait < 0 || !worth(wait) {
			return e, nil //nolint:nilerr // a header field that cannot be read is none
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Once is Send, and a 429 is an answer like any other.
func (c *Client) Once(ctx context.Context, r *Request) (*Exchange, error) {
	if err := c.wait(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	if r.Raw != "" {
		return c.raw(ctx, r)
	}
	client, err := c.showing(r.Certificate, r.From)
	if err != nil {
		return nil, err
	}
	var kept atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { kept.Store(i.Reused) }})
	req, err := c.build(ctx, r)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	// Not Do, which reads Location even where it is not followed, and fails
	// where that is no URL.
	res, err := client.Transport.RoundTrip(req)
	if err != nil && kept.Load() && closedIdle(err) {
		// Servers close a connection after a 500, and say so too late.
		client.CloseIdleConnections()
		if req, err = c.build(ctx, r); err != nil {
			return nil, err
		}
		start = time.Now()
		res, err = client.Transport.RoundTrip(req)
	}
	elapsed := time.Since(start)
	if r.From == "" || err == nil {
		c.note(err) // an address that cannot be called from is no news of the API
	}
	if err != nil {
		// The whole error repeats the URL.
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil && len(body) == 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("the response ends in the middle: %w", err)
	}
	e := &Exchange{Request: r.Clone(), Status: res.StatusCode, Header: res.Header, Elapsed: elapsed, Proto: res.Proto, URL: req.URL.String()}
	e.Cut = len(body) > maxBody
	e.Body = body[:min(len(body), maxBody)]
	c.keep(e)
	return e, nil
}

// closedIdle tells whether an error may be that of a connection which the server
// had given up before the request came.
func closedIdle(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		strings.Contains(err.Error(), "server closed idle connection")
}

// note counts failures in a row: an API that is gone is not asked a thousand
// times more.
func (c *Client) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var op *net.OpError
	if err != nil && errors.As(err, &op) && op.Op == "dial" {
		c.failed++
		return
	}
	c.failed = 0
}

func (c *Client) build(ctx context.Context, r *Request) (*http.Request, error) {
	u := *c.o.Base
	path, query, _ := strings.Cut(r.Path, "?")
	u.RawQuery = query
	unescaped, err := url.PathUnescape(path)
	if err != nil {
		unescaped = path
	}
	u.Path, u.RawPath = unescaped, path
	if !strings.HasPrefix(path, "/") {
		u.Path, u.RawPath = "/"+unescaped, "/"+path
	}
	var body io.Reader
	if r.Body != nil {
		body = bytes.NewReader(r.Body)
	}
	if r.Chunked {
		body = struct{ io.Reader }{body}
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("the request cannot be built: %w", err)
	}
	// What net/url would escape in its own way is kept as it is.
	req.URL.RawPath, req.URL.Path = u.RawPath, u.Path
	for name, values := range r.Header {
		req.Header[name] = slices.Clone(values)
	}
	req.Header.Set(Marker, c.o.Run)
	if _, ok := req.Header["User-Agent"]; !ok {
		req.Header.Set("User-Agent", "pavise-probe")
	}
	switch {
	case r.Host != "":
		req.Host = r.Host
	case c.o.Host != "":
		req.Host = c.o.Host
	}
	return req, nil
}
