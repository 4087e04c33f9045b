package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/finding"
	"github.com/pavise-dev/pavise/promise"
)

// caller sends promises' requests to one API.
type caller struct {
	base   *url.URL
	host   string // the Host header field
	client *http.Client
	tls    *tls.Config
	dialer net.Dialer
}

func newCaller(o Options) (*caller, error) {
	base, err := url.Parse(o.URL)
	switch {
	case err != nil:
		// The whole error quotes the URL, with a password if it has one.
		var parse *url.Error
		if errors.As(err, &parse) {
			err = parse.Err
		}
		return nil, fmt.Errorf("the URL does not parse: %w", err)
	case strings.ContainsFunc(o.Host, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("/@?#\\,", r) }):
		return nil, fmt.Errorf("%q is not a host: want a name or an address, and perhaps a port", o.Host)
	case base.Scheme != "http" && base.Scheme != "https" || base.Host == "":
		return nil, fmt.Errorf("%q is not the URL of an API: want http://host:port or https://host:port", base.Redacted())
	case base.Path != "" && base.Path != "/" || base.RawQuery != "" || base.Fragment != "" || base.User != nil:
		return nil, fmt.Errorf("%q holds more than an API's root: give scheme, host and port only, since a policy speaks of whole hosts", base.Redacted())
	}
	c := &caller{
		base: base,
		host: base.Host,
		// The caller of the probe asked for it by name, and the report says so.
		tls:    &tls.Config{ServerName: base.Hostname(), InsecureSkipVerify: o.InsecureSkipVerify, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}, //nolint:gosec
		dialer: net.Dialer{Timeout: 10 * time.Second},
	}
	if o.Host != "" {
		c.host = o.Host
		if name, _, err := net.SplitHostPort(o.Host); err == nil {
			c.tls.ServerName = name
		} else {
			c.tls.ServerName = strings.Trim(o.Host, "[]")
		}
	}
	c.client = &http.Client{
		Transport: &http.Transport{
			// No proxy from the environment: the claim is about this server.
			DialContext:           c.dialer.DialContext,
			TLSClientConfig:       c.tls.Clone(),
			DisableCompression:    true,
			MaxIdleConnsPerHost:   parallel,
			TLSHandshakeTimeout:   10 * time.Second,
			ExpectContinueTimeout: time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

func (c *caller) close() { c.client.CloseIdleConnections() }

// reach makes sure that something answers HTTP at all, so that a wrong URL is
// one error and not a hundred.
func (c *caller) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	res, err := c.call(promise.NewRequest(ctx, http.MethodGet, "/", ""))
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// complete returns req with scheme, host and Host filled in.
func (c *caller) complete(req *http.Request) *http.Request {
	req = req.Clone(req.Context())
	if req.URL.Scheme == "" {
		req.URL.Scheme = c.base.Scheme
	}
	if req.URL.Host == "" {
		req.URL.Host = c.base.Host
		if req.URL.Scheme != c.base.Scheme {
			// The other scheme is served on its own default port.
			req.URL.Host = c.base.Hostname()
		}
	}
	if req.Host == "" {
		req.Host = c.host
	}
	return req
}

func (c *caller) call(req *http.Request) (*http.Response, error) {
	if raw, ok := promise.Raw(req); ok {
		return c.raw(req, raw)
	}
	return c.client.Do(c.complete(req)) //nolint:gosec // to ask the URL that the user names is what a probe is for
}

// patience is how often and how long a gentle test waits for a rate limit
// that its own pace ran into.
const (
	patience    = 5
	patientWait = 10 * time.Second
)

// patient is call, but a 429 that says how long to wait is waited for.
func (c *caller) patient(req *http.Request) (*http.Response, error) {
	for try := 0; ; try++ {
		again := req
		if try > 0 && req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			again = req.Clone(req.Context())
			again.Body = body
		}
		res, err := c.call(again)
		if err != nil || res.StatusCode != http.StatusTooManyRequests || try == patience {
			return res, err
		}
		wait, ok := retryAfter(res)
		if !ok {
			return res, nil
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
		_ = res.Body.Close()
		select {
		case <-time.After(wait):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
}

// retryAfter is how long a response asks to wait, if that is bearable.
func retryAfter(res *http.Response) (time.Duration, bool) {
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	wait := time.Duration(seconds) * time.Second
	return wait, err == nil && wait >= 0 && wait <= patientWait
}

// errNoAnswer says that the connection ended without a response. A server
// may refuse a request so, but nobody outside can tell that from a crash.
var errNoAnswer = errors.New("the connection was closed without an answer")

// raw writes the bytes on a connection of their own and reads one final
// response.
func (c *caller) raw(req *http.Request, raw string) (*http.Response, error) {
	ctx := req.Context()
	conn, err := c.dialer.DialContext(ctx, "tcp", traffic.Address(c.base))
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	fail := func(err error) (*http.Response, error) {
		stop()
		_ = conn.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	if c.base.Scheme == "https" {
		conn = tls.Client(conn, c.tls)
	}
	// What a server does not want to read it may refuse before all is
	// written, so a failed write is judged by the answer.
	_, writeErr := io.WriteString(conn, strings.ReplaceAll(raw, "{host}", c.host))
	br := bufio.NewReader(conn)
	for range 10 {
		res, err := http.ReadResponse(br, req)
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || writeErr != nil {
				err = errors.Join(errNoAnswer, writeErr)
			}
			return fail(err)
		}
		if res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			res.Body = &connBody{ReadCloser: res.Body, conn: conn, stop: stop}
			return res, nil
		}
	}
	return fail(errors.New("ten interim responses and no final one"))
}

// connBody closes the connection with the body.
type connBody struct {
	io.ReadCloser
	conn net.Conn
	stop func() bool
}

// Close does not drain the body: a tunnel or a stream would never end.
func (b *connBody) Close() error {
	b.stop()
	return b.conn.Close()
}

// longest is how much of a body a shell line repeats.
const longest = 2 << 10

// shell returns a line for a POSIX shell that sends req.
func (c *caller) shell(req *http.Request) string {
	if raw, ok := promise.Raw(req); ok {
		raw = strings.ReplaceAll(raw, "{host}", c.host)
		if len(raw) > longest {
			return fmt.Sprintf("(a raw request of %d bytes)", len(raw))
		}
		host, port, _ := net.SplitHostPort(traffic.Address(c.base))
		peer := "nc " + host + " " + port
		if c.base.Scheme == "https" {
			peer = "openssl s_client -quiet -connect " + traffic.Address(c.base)
		}
		return fmt.Sprintf("printf %s | %s", traffic.Quote(traffic.PrintfEscape(raw)), peer)
	}
	req = c.complete(req)
	var b strings.Builder
	pipe := ""
	b.WriteString("curl -si --path-as-is")
	if req.URL.Scheme == "https" && c.tls.InsecureSkipVerify {
		b.WriteString(" -k")
	}
	switch req.Method {
	case http.MethodGet:
	case http.MethodHead:
		b.WriteString(" -I")
	default:
		b.WriteString(" -X " + traffic.Quote(req.Method))
	}
	if req.Host != req.URL.Host {
		b.WriteString(" -H " + traffic.Quote("Host: "+req.Host))
	}
	names := make([]string, 0, len(req.Header))
	for name := range req.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range req.Header[name] {
			b.WriteString(" -H " + traffic.Quote(name+": "+v))
		}
	}
	if req.GetBody != nil {
		if body, err := req.GetBody(); err == nil {
			data, _ := io.ReadAll(io.LimitReader(body, longest+1))
			if len(data) > longest {
				fmt.Fprintf(&b, " --data-binary @file-of-%d-bytes", req.ContentLength)
			} else if len(data) > 0 {
				if _, typed := req.Header["Content-Type"]; !typed {
					b.WriteString(" -H 'Content-Type:'") // curl would add one
				}
				if finding.Printable(string(data)) == string(data) {
					b.WriteString(" --data-binary " + traffic.Quote(string(data)))
				} else { // no word of a shell can hold a NUL
					pipe = "printf " + traffic.Quote(traffic.PrintfEscape(string(data))) + " | "
					b.WriteString(" --data-binary @-")
				}
			}
		}
	}
	return pipe + b.String() + " " + traffic.Quote(req.URL.String())
}
