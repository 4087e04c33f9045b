package traffic

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// ErrNoAnswer says that the connection was closed without an answer. A server
// may refuse a request so, but nobody outside can tell that from a crash.
var ErrNoAnswer = errors.New("the connection was closed without an answer")

// ErrSilent says that the connection is open and nothing comes.
var ErrSilent = errors.New("no answer in time, and the connection is open")

// A Wire is what is written on a connection of its own, byte for byte.
type Wire struct {
	// Raw is the head and perhaps a body; {host} stands for the host. The
	// marker is put after its first line.
	Raw string
	// Pad is how many spaces follow, and Tail what follows these.
	Pad  int
	Tail string
	// Drip follows after that, one byte in each Pause.
	Drip  string
	Pause time.Duration
	// Answers is how many responses are read at most; 0 means one.
	Answers int
	// Wait bounds it all; 0 means ten seconds.
	Wait time.Duration
	// Linger is how long the server may take to close the connection after
	// the last answer; 0 means that it is not waited for.
	Linger time.Duration
	// Plain is host:port that is spoken to without TLS; empty means the API.
	Plain string
}

// Heard is what came back.
type Heard struct {
	Request *Request
	// Answers are the final responses, in order.
	Answers []*Exchange
	// Closed tells that the server ended the connection, Silent that nothing
	// more came in time.
	Closed, Silent bool
	Elapsed        time.Duration
	// Written is how much of the request the connection took.
	Written int
}

// First is the first answer, or an error that says why there is none.
func (h *Heard) First() (*Exchange, error) {
	switch {
	case len(h.Answers) > 0:
		return h.Answers[0], nil
	case h.Closed:
		return nil, ErrNoAnswer
	}
	return nil, ErrSilent
}

// Raw sends bytes as they are on a connection of its own and reads one answer.
func (c *Client) Raw(ctx context.Context, raw string) (*Exchange, error) {
	h, err := c.Wire(ctx, Wire{Raw: raw})
	if err != nil {
		return nil, err
	}
	return h.First()
}

// Wire writes what is said and reads what comes back. A rate limit that the
// probe's own pace ran into is waited for.
func (c *Client) Wire(ctx context.Context, w Wire) (*Heard, error) {
	for try := 0; ; try++ {
		h, err := c.wire(ctx, w)
		if err != nil || len(h.Answers) == 0 || h.Answers[0].Status != http.StatusTooManyRequests || try == patience {
			return h, err
		}
		wait, err := time.ParseDuration(h.Answers[0].Header.Get("Retry-After") + "s")
		if err != nil || wait < 0 || wait > patientWait {
			return h, nil //nolint:nilerr // a header field that cannot be read is none
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *Client) wire(ctx context.Context, w Wire) (*Heard, error) {
	if w.Wait == 0 {
		w.Wait = 10 * time.Second
	}
	conn, err := c.dial(ctx, w.Plain)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	start := time.Now()
	_ = conn.SetDeadline(start.Add(w.Wait))
	raw := c.marked(w.Raw)
	method, rest, _ := strings.Cut(raw, " ")
	path, _, _ := strings.Cut(rest, " ")
	req := &Request{Method: method, Path: path, Raw: raw, Pad: w.Pad, Tail: w.Tail, Plain: w.Plain}
	// What a server does not want to read it may refuse before all is
	// written: that ends the writing, and its answer is what counts.
	written := make(chan int, 1)
	go func() { written <- w.write(conn, raw) }()
	h := &Heard{Request: req}
	br := bufio.NewReader(conn)
	for n := range max(w.Answers, 1) {
		m := method
		if n > 0 {
			m = http.MethodGet
		}
		e, err := readAnswer(br, m)
		if err != nil {
			h.Silent = errors.Is(err, os.ErrDeadlineExceeded)
			h.Closed = !h.Silent
			break
		}
		e.Request, e.Elapsed, e.URL = req, time.Since(start), c.o.Base.String()
		c.keep(e)
		h.Answers = append(h.Answers, e)
		if e.Status == http.StatusSwitchingProtocols {
			break
		}
	}
	h.Elapsed = time.Since(start)
	if w.Linger > 0 && !h.Closed && !h.Silent {
		_ = conn.SetDeadline(time.Now().Add(w.Linger))
		_, err := br.ReadByte()
		h.Closed = err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
	}
	_ = conn.Close()
	h.Written = <-written
	if err := ctx.Err(); err != nil {
		return nil, err // that the connection is closed says nothing of the API
	}
	return h, nil
}

func (w *Wire) write(conn net.Conn, raw string) int {
	n, err := io.WriteString(conn, raw)
	for left := w.Pad; left > 0 && err == nil; {
		var m int
		m, err = io.WriteString(conn, strings.Repeat(" ", min(left, 1<<16)))
		n, left = n+m, left-m
	}
	if err == nil && w.Tail != "" {
		var m int
		m, err = io.WriteString(conn, w.Tail)
		n += m
	}
	for i := range len(w.Drip) {
		if err != nil {
			break
		}
		time.Sleep(w.Pause)
		var m int
		m, err = io.WriteString(conn, w.Drip[i:i+1])
		n += m
	}
	return n
}

func readAnswer(br *bufio.Reader, method string) (*Exchange, error) {
	for range 10 {
		res, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			return nil, err
		}
		if res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols {
			_ = res.Body.Close()
			continue
		}
		e := &Exchange{Status: res.StatusCode, Header: res.Header, Proto: res.Proto}
		if res.StatusCode != http.StatusSwitchingProtocols {
			body, _ := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
			e.Cut = len(body) > maxBody
			e.Body = body[:min(len(body), maxBody)]
		}
		_ = res.Body.Close()
		return e, nil
	}
	return nil, errors.New("ten interim responses and no final one")
}

// marked fills the host in, and puts the marker after the first line, which
// ends as that does.
func (c *Client) marked(raw string) string {
	raw = strings.ReplaceAll(raw, "{host}", c.HostField())
	first, rest, ok := strings.Cut(raw, "\n")
	if !ok {
		return raw
	}
	end := "\n"
	if strings.HasSuffix(first, "\r") {
		end = "\r\n"
	}
	return first + "\n" + Marker + ": " + c.o.Run + end + rest
}

// HostField is what the Host header field says.
func (c *Client) HostField() string {
	if c.o.Host != "" {
		return c.o.Host
	}
	return c.o.Base.Host
}

// Unverified tells that certificates are not verified, as the user asked for.
func (c *Client) Unverified() bool { return c.o.InsecureSkipVerify }

// Dial opens a connection to the API, with TLS if it speaks that. It counts as
// a request.
func (c *Client) Dial(ctx context.Context) (net.Conn, error) { return c.dial(ctx, "") }

func (c *Client) dial(ctx context.Context, plain string) (net.Conn, error) {
	if err := c.wait(ctx); err != nil {
		return nil, err
	}
	address := plain
	if address == "" {
		address = Address(c.o.Base)
	}
	dialer := net.Dialer{Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if plain == "" {
		c.note(err)
	}
	if err != nil {
		return nil, err
	}
	if plain == "" && c.o.Base.Scheme == "https" {
		conf := c.tls()
		conf.NextProtos = []string{"http/1.1"}
		t := tls.Client(conn, conf)
		if err := t.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return t, nil
	}
	return conn, nil
}

// Handshake makes a TLS handshake with the API and ends the connection. change
// says how it differs from an ordinary one. It counts as a request.
func (c *Client) Handshake(ctx context.Context, change func(*tls.Config)) (*tls.ConnectionState, error) {
	if err := c.wait(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	dialer := net.Dialer{}
	conn, err := dialer.DialContext(ctx, "tcp", Address(c.o.Base))
	c.note(err)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conf := c.tls()
	change(conf)
	t := tls.Client(conn, conf)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	state := t.ConnectionState()
	return &state, nil
}

// Address is host:port of a URL.
func Address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// Loopback tells whether a host is this machine. A name below localhost is
// none: it is asked of a name server.
func Loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

// shell is a line that sends a raw request again.
func (c *Client) shell(r *Request, secrets Secrets) string {
	raw := r.Raw + r.Tail
	if len(raw) > longest {
		// A head that is long is mostly one character.
		return fmt.Sprintf("(a raw request of %d bytes: %s)", len(r.Raw)+r.Pad+len(r.Tail), secrets.hide(Quote(PrintfEscape(r.Raw[:min(len(r.Raw), 300)])+"...")))
	}
	address := r.Plain
	if address == "" {
		address = Address(c.o.Base)
	}
	host, port, _ := net.SplitHostPort(address)
	peer := "nc " + host + " " + port
	if c.o.Base.Scheme == "https" && r.Plain == "" {
		peer = "openssl s_client -quiet -connect " + address
	}
	say := func(s string) string { return "printf " + secrets.hide(Quote(PrintfEscape(s))) }
	if r.Pad == 0 {
		return say(raw) + " | " + peer
	}
	line := fmt.Sprintf(`{ %s; head -c %d /dev/zero | tr '\000' ' '; `, say(r.Raw), r.Pad)
	if r.Tail != "" {
		line += say(r.Tail) + "; "
	}
	return line + "} | " + peer
}

// Head is the head of a request in raw bytes, with framing of the caller's own.
func (r *Request) Head(framing string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: {host}\r\nUser-Agent: pavise-probe\r\n", r.Method, r.Path)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[name] {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	return b.String() + framing + "\r\n"
}
