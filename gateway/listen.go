package gateway

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

// listen opens address, or otherwise if that is empty. "unix:" goes before the path of
// a socket.
func listen(address, otherwise string) (net.Listener, error) {
	if address == "" {
		address = otherwise
	}
	path, isUnix := strings.CutPrefix(address, "unix:")
	if !isUnix {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("%w; is another server running there?", err)
		}
		return l, nil
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	return net.Listen("unix", path)
}

// removeStale removes a socket that a crashed process left behind, and
// nothing else: not a file, and not a socket that somebody serves.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("%s exists and is not a socket; remove it or choose another path", path)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = c.Close()
		return fmt.Errorf("%s is served by another process", path)
	}
	return os.Remove(path)
}

// loopback reports whether only this machine can reach the address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return strings.HasPrefix(address, "unix:")
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// dynamic guards each new connection by the policy that is in force when it
// comes. Connections that are open keep theirs.
func (g *Gateway) dynamic(l net.Listener) net.Listener { return &dynamicListener{Listener: l, g: g} }

type dynamicListener struct {
	net.Listener
	g *Gateway
}

func (d *dynamicListener) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return d.g.live.Load().guard.Conn(c), nil
}

// dynamicTLS is served by the wire guard of the first policy; a changed wire
// policy takes effect for TLS connections at the next start.
func (g *Gateway) dynamicTLS(l net.Listener, config *tls.Config) net.Listener {
	return g.live.Load().guard.TLSListener(l, config)
}
