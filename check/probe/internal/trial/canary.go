package trial

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Canary is a listener of the probe's own on a loopback address. A server
// that asks it for something was made to: nobody else knows its tokens.
type Canary struct {
	server *http.Server
	port   int
	six    bool // ::1 is listened at too

	mu     sync.Mutex
	n      int
	hits   map[string][]Hit
	served map[string]served
	rang   chan struct{} // closed, and made anew, at each hit
}

// A Hit is a request that came to the canary.
type Hit struct{ Method, Path, UserAgent string }

func (h Hit) String() string {
	s := h.Method + " " + h.Path
	if h.UserAgent != "" {
		s += " by " + h.UserAgent
	}
	return s
}

type served struct {
	kind, location string
	body           []byte
}

// maxHits bounds what is kept of one token.
const maxHits = 16

// Canary is the trial's listener, started when it is asked for first.
func (t *Trial) Canary() (*Canary, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.canary != nil {
		return t.canary, nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, reasonf("no loopback listener could be started: %v", err)
	}
	c := &Canary{hits: map[string][]Hit{}, served: map[string]served{}, rang: make(chan struct{})}
	c.port = l.Addr().(*net.TCPAddr).Port
	c.server = &http.Server{Handler: c, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	go func() { _ = c.server.Serve(l) }() // until it is closed
	// A filter of addresses may know those of IPv4 alone.
	if six, err := lc.Listen(context.Background(), "tcp6", fmt.Sprintf("[::1]:%d", c.port)); err == nil {
		c.six = true
		go func() { _ = c.server.Serve(six) }()
	}
	t.canary = c
	return c, nil
}

// Close ends what the trial has open besides its client.
func (t *Trial) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.canary != nil {
		_ = t.canary.server.Close() // nobody waits for an answer
		t.canary = nil
	}
}

// Near tells whether the API runs where it can reach the canary, as far as its
// address says: a container's loopback is not this one.
func (t *Trial) Near() bool {
	host := t.Client.Base().Hostname()
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost")
}

// Addr is its host and port.
func (c *Canary) Addr() string { return fmt.Sprintf("127.0.0.1:%d", c.port) }

// Port is its port.
func (c *Canary) Port() int { return c.port }

// Six tells whether it listens at ::1 too, at the same port.
func (c *Canary) Six() bool { return c.six }

// Token is a new one. What is told to the server in a URL with it comes back
// in Hits.
func (c *Canary) Token(t *Trial) string {
	c.mu.Lock()
	c.n++
	n := c.n
	c.mu.Unlock()
	return t.Maker(fmt.Sprintf("canary %d", n)).Mark()
}

// URL is an http URL with a token.
func (c *Canary) URL(token string) string { return "http://" + c.Addr() + "/" + token }

// Serve answers requests for a token with a body.
func (c *Canary) Serve(token, kind string, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.served[token] = served{kind: kind, body: slices.Clone(body)}
}

// Redirect answers requests for a token with a redirect.
func (c *Canary) Redirect(token, location string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.served[token] = served{location: location}
}

// Hits are the requests for a token until now.
func (c *Canary) Hits(token string) []Hit {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.hits[token])
}

// Wait is Hits, and waits a while for the first of them: many ask after they
// have answered.
func (c *Canary) Wait(ctx context.Context, token string, patience time.Duration) []Hit {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		c.mu.Lock()
		hits, rang := slices.Clone(c.hits[token]), c.rang
		c.mu.Unlock()
		if len(hits) > 0 {
			return hits
		}
		select {
		case <-rang:
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// ServeHTTP notes a request; the token is the first part of its path.
func (c *Canary) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, 1<<20)) // what is sent to it does not matter
	h := Hit{Method: r.Method, Path: r.URL.Path[:min(len(r.URL.Path), 100)], UserAgent: r.UserAgent()[:min(len(r.UserAgent()), 60)]}
	c.mu.Lock()
	if len(c.hits[token]) < maxHits && len(c.hits) < 1<<12 {
		c.hits[token] = append(c.hits[token], h)
	}
	s := c.served[token]
	close(c.rang)
	c.rang = make(chan struct{})
	c.mu.Unlock()
	if s.location != "" {
		w.Header().Set("Location", s.location)
		w.WriteHeader(http.StatusFound)
		return
	}
	if s.kind != "" {
		w.Header().Set("Content-Type", s.kind)
	}
	_, _ = w.Write(s.body) // whoever asks may hang up
}
