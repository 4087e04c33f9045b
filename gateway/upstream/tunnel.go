package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// halfIdle bounds the silence on a tunnel of which one direction has ended.
const halfIdle = time.Minute

// A tunnel is an upgraded connection.
type tunnel struct {
	client   net.Conn
	upstream net.Conn
	idle     atomic.Int64 // a time.Duration
	last     atomic.Int64 // when something was read, Unix nanoseconds
}

func (t *tunnel) close() {
	t.client.Close()
	t.upstream.Close()
}

// tunnel relays a 101, and then bytes both ways until they end. Only the
// protocol that the client asked for becomes a tunnel: after a 101 that
// nobody asked for, what the client sends as its next request would reach
// the upstream past every guard.
func (e *exchange) tunnel() error {
	h := &e.head
	switch {
	case e.upgrade == "":
		return failed("read head", errUnasked101)
	case !strings.EqualFold(h.upgrade, e.upgrade) || h.chunked || h.length > 0:
		return failed("read head", errWrong101)
	}
	if e.disarm != nil && !e.disarm() {
		return e.cancelled()
	}
	e.disarm = nil

	header := e.w.Header().Clone()
	if header == nil {
		header = http.Header{}
	}
	e.copyHeader(header)
	if f := e.u.opts.Response; f != nil {
		f(header, e.r, h.status)
	}
	for _, name := range []string{"Content-Length", "Transfer-Encoding", "Trailer"} {
		delete(header, name)
	}
	header["Connection"] = []string{"Upgrade"}
	header["Upgrade"] = []string{e.upgrade}
	var first bytes.Buffer
	first.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = header.Write(&first) // a Buffer takes all
	first.WriteString("\r\n")
	first.Write(e.buf[e.lo:e.hi]) // what the upstream sent right behind

	client, rw, err := http.NewResponseController(e.w).Hijack()
	if err != nil {
		return failed("hijack", err)
	}
	e.wrote, e.hijacked = true, true
	t := &tunnel{client: client, upstream: e.c.Conn}
	defer t.close()
	t.idle.Store(int64(e.u.opts.TunnelIdleTimeout))
	t.last.Store(time.Now().UnixNano())
	e.u.track(t, true)
	defer e.u.track(t, false)
	ctx := e.r.Context()
	defer context.AfterFunc(ctx, func() {
		// A limit on a request's time is not meant for a tunnel.
		if errors.Is(ctx.Err(), context.Canceled) {
			t.close()
		}
	})()

	_ = client.SetDeadline(time.Now().Add(t.idleFor()))
	_ = e.c.SetDeadline(time.Now().Add(t.idleFor()))
	if _, err := client.Write(first.Bytes()); err != nil {
		return failed("write to the client", err)
	}
	var early []byte // what the client sent right behind its request
	if n := rw.Reader.Buffered(); n > 0 {
		early, _ = rw.Peek(n)
	}
	if len(early) > 0 {
		if _, err := e.c.Write(early); err != nil {
			return failed("write", err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.pipe(t.upstream, t.client)
	}()
	t.pipe(t.client, t.upstream)
	<-done
	return nil
}

// track keeps the tunnels that CloseTunnels closes.
func (u *Upstream) track(t *tunnel, open bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if open {
		u.tunnels[t] = struct{}{}
	} else {
		delete(u.tunnels, t)
	}
}

func (t *tunnel) idleFor() time.Duration { return time.Duration(t.idle.Load()) }

// pipe copies until src ends, and then ends dst's side of it.
func (t *tunnel) pipe(dst, src net.Conn) {
	var buf [8 << 10]byte
	for {
		until := time.Unix(0, t.last.Load()).Add(t.idleFor())
		if src.SetReadDeadline(until) != nil {
			break
		}
		n, err := src.Read(buf[:])
		if n > 0 {
			now := time.Now()
			t.last.Store(now.UnixNano())
			_ = dst.SetWriteDeadline(now.Add(t.idleFor()))
			if _, err := dst.Write(buf[:n]); err != nil {
				break
			}
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(time.Unix(0, t.last.Load()).Add(t.idleFor())):
			continue // the other direction is at work
		case errors.Is(err, io.EOF):
			if half, ok := dst.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
				// The other direction may go on, but not in silence for long.
				if t.idleFor() > halfIdle {
					t.idle.Store(int64(halfIdle))
				}
				t.last.Store(time.Now().UnixNano())
				_ = dst.SetReadDeadline(time.Now().Add(t.idleFor()))
				return
			}
		}
		break
	}
	t.close()
}
