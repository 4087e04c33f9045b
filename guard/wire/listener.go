package wire

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
)

// Listener returns a listener whose connections hand out only requests that
// have one meaning. It is to be served by an [http.Server] whose handler is
// behind [Guard.Wrap] and whose ConnContext calls [Guard.ConnContext].
func (g *Guard) Listener(l net.Listener) net.Listener { return &listener{l, g} }

type listener struct {
	net.Listener
	g *Guard
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.g.Conn(c), nil
}

// Conn guards one connection, for listeners of the caller's own.
func (g *Guard) Conn(c net.Conn) net.Conn { return g.conn(c) }

func (g *Guard) conn(c net.Conn) *conn { return &conn{Conn: c, g: g, maxHead: g.policy.MaxHead} }

// tlsConn is a conn inside TLS. net/http takes what it says about the TLS
// connection over into the request.
type tlsConn struct {
	*conn
	tls *tls.Conn
}

func (c *tlsConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

func (c *conn) wire() *conn { return c }

type connKey struct{}

// ConnContext ties the requests of a connection to it. Set it, or call it,
// as the ConnContext of the server.
func (g *Guard) ConnContext(ctx context.Context, nc net.Conn) context.Context {
	w, ok := nc.(interface{ wire() *conn })
	if !ok {
		return ctx // HTTP/2 over TLS
	}
	c := w.wire()
	if srv, ok := ctx.Value(http.ServerContextKey).(*http.Server); ok {
		c.mu.Lock()
		if c.headTimeout = srv.ReadHeaderTimeout; c.headTimeout <= 0 {
			c.headTimeout = srv.ReadTimeout
		}
		c.mu.Unlock()
		if srv.MaxHeaderBytes > 0 {
			// What is longer net/http would refuse by itself.
			c.maxHead = min(c.maxHead, srv.MaxHeaderBytes)
		}
	}
	return context.WithValue(ctx, connKey{}, c)
}

// connOf returns the connection that r came by, if it is guarded and r is
// one of the requests that were read from it.
func connOf(r *http.Request) *conn {
	if r.ProtoMajor != 1 {
		return nil // a connection that was left to HTTP/2
	}
	c, _ := r.Context().Value(connKey{}).(*conn)
	return c
}
