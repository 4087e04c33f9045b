//go:build !unix

package upstream

import "net"

// watch has nothing to prepare: without a non-blocking read there is no
// check, and connections live only as long as IdleTimeout.
func (c *conn) watch(net.Conn) {}

func (c *conn) quiet() bool { return true }
