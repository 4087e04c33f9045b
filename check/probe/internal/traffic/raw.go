package traffic

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// maxSeen bounds what is kept of all exchanges, in bytes.
const maxSeen = 64 << 20

// keep remembers an exchange for checks that look at all of them.
func (c *Client) keep(e *Exchange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size+len(e.Body) > maxSeen {
		return
	}
	c.size += len(e.Body)
	c.seen = append(c.seen, e)
}

// Seen are the exchanges so far, in order.
func (c *Client) Seen() []*Exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.seen)
}

// sender is the client that calls from an address; empty is the usual one.
func (c *Client) sender(from string) (*http.Client, error) {
	if from == "" {
		return c.client, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.from[from]; other != nil {
		return other, nil
	}
	ip := net.ParseIP(from)
	if ip == nil {
		return nil, fmt.Errorf("%q is no address to call from", from)
	}
	c.from[from] = c.transport(&net.TCPAddr{IP: ip})
	return c.from[from], nil
}

// filled is a raw request as it is sent.
func (c *Client) filled(raw string) string {
	return strings.NewReplacer("{host}", c.HostField(), "{marker}", Marker+": "+c.o.Run).Replace(raw)
}

// raw sends bytes on a connection of their own and reads one final response.
func (c *Client) raw(ctx context.Context, r *Request) (*Exchange, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", Address(c.o.Base))
	c.note(err)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if c.o.Base.Scheme == "https" {
		conf := c.tls()
		conf.NextProtos = []string{"http/1.1"}
		conn = tls.Client(conn, conf)
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	start := time.Now()
	text := c.filled(r.Raw)
	// What a server does not want to read it may refuse before all is
	// written, so a failed write is judged by the answer.
	_, _ = io.WriteString(conn, text)
	method, _, _ := strings.Cut(text, " ")
	e, err := readAnswer(bufio.NewReader(conn), method)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, ErrSilent
	case err != nil:
		return nil, ErrNoAnswer
	}
	e.Request, e.Elapsed, e.URL = r.Clone(), time.Since(start), c.o.Base.String()
	c.keep(e)
	return e, nil
}

// rawLine is a line for a shell that sends raw bytes.
func (c *Client) rawLine(r *Request, secrets Secrets) string {
	filled := *r
	filled.Raw = c.filled(r.Raw)
	return c.shell(&filled, secrets)
}
