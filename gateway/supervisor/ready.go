package supervisor

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

// ready waits until a child takes requests. It returns nil then, the child's
// fate if it ends before, and otherwise ctx's error.
func (s *Supervisor) ready(ctx context.Context, c *child) error {
	const first, most = 10 * time.Millisecond, 200 * time.Millisecond
	for wait := first; ; wait = min(most, wait*2) {
		if s.try(ctx, c.addr) {
			// Someone answers. Over TCP that might be a stranger who took
			// the port first, in which case the child cannot live.
			select {
			case <-c.gone:
			default:
				return nil
			}
		}
		select {
		case <-c.gone:
			return c.died()
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// try makes one attempt to use the child.
func (s *Supervisor) try(ctx context.Context, addr Address) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, addr.Network, addr.Address)
	}
	if s.o.ReadyPath == "" && !s.plan.probesHTTP {
		conn, err := dial(ctx, "", "")
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	}
	path, below := s.o.ReadyPath, 500
	if path == "" {
		// Any answer shows that the application is loaded, and "/" need not
		// be a good place of it.
		path, below = "/", 1000
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		return false
	}
	req.Header.Set("User-Agent", "pavise-ready")
	t := &http.Transport{DialContext: dial, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
	defer t.CloseIdleConnections()
	res, err := t.RoundTrip(req)
	if err != nil {
		return false
	}
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	_ = res.Body.Close()
	return res.StatusCode < below
}
