package clientip

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxHops is how many entries of a chain are looked at, from the right. No
// honest chain is so long, and a long one must not cost much.
const maxHops = 200

// A scheme is what the proxies say about the client's own connection.
type scheme int

const (
	schemeUnsaid   scheme = iota
	schemeHTTP            // not TLS
	schemeHTTPS           // TLS
	schemeDisputed        // said in two ways: not to be relied on
)

// forwarded returns the client and his scheme as the headers of a trusted
// peer tell them.
func (g *Guard) forwarded(h http.Header, peer netip.Addr) (netip.Addr, scheme) {
	xff, fwd := h["X-Forwarded-For"], h["Forwarded"]
	switch g.header {
	case headerForwarded:
		return g.walkForwarded(fwd, peer)
	case headerBoth:
		if len(fwd) == 0 {
			break
		}
		client, by := g.walkForwarded(fwd, peer)
		if len(xff) > 0 && g.walkXFF(xff, peer) != client {
			// One of them was written by the client, and it is not known
			// which. The peer is the last thing that is certain.
			client = peer
		}
		if proto := lastProto(h["X-Forwarded-Proto"]); proto != schemeUnsaid && by != schemeUnsaid && proto != by {
			by = schemeDisputed
		} else if by == schemeUnsaid {
			by = proto
		}
		return client, by
	}
	return g.walkXFF(xff, peer), lastProto(h["X-Forwarded-Proto"])
}

// walkXFF walks X-Forwarded-For from right to left. Each proxy appends the
// address that it was called from, so every entry was written by the hop on
// its right, and an entry is worth as much as that hop. The first address
// that is no trusted proxy is the client; what stands left of it he may have
// made up.
//
// An entry that is no address ends the walk at the hop that wrote it: to skip
// it would take the entry on its left, which nobody vouches for.
func (g *Guard) walkXFF(lines []string, peer netip.Addr) netip.Addr {
	last := peer
	hops := 0
	for i := len(lines) - 1; i >= 0; i-- {
		// Several lines are one list (RFC 9110 section 5.3).
		rest, more := lines[i], true
		for more {
			var entry string
			if at := strings.LastIndexByte(rest, ','); at >= 0 {
				rest, entry = rest[:at], rest[at+1:]
			} else {
				entry, more = rest, false
			}
			if hops++; hops > maxHops {
				return last
			}
			addr, ok := parseHop(strings.Trim(entry, " \t"))
			if !ok {
				return last
			}
			last = addr
			if !g.trusts(addr) {
				return last
			}
		}
	}
	return last
}

// parseHop reads an address in one of the forms that proxies write: alone,
// or with a port, IPv6 then in brackets.
func parseHop(s string) (netip.Addr, bool) {
	if s == "" || len(s) > 64 || s[0] != '[' && !strings.ContainsAny(s, ".:") {
		return netip.Addr{}, false
	}
	if s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if end < 0 || s[end+1:] != "" && (s[end+1] != ':' || !isPort(s[end+2:])) {
			return netip.Addr{}, false
		}
		addr, err := netip.ParseAddr(s[1:end])
		if err != nil || !addr.Is6() {
			return netip.Addr{}, false
		}
		return plain(addr), true
	}
	if host, port, ok := strings.Cut(s, ":"); ok && !strings.Contains(port, ":") {
		if !isPort(port) {
			return netip.Addr{}, false
		}
		s = host
	}
	// netip reads four decimal numbers without leading zeros: "0x7f.1",
	// "127.1" and "0177.0.0.1" are loopback to inet_aton and nothing here.
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, false
	}
	return plain(addr), true
}

// plain brings an address to the one form that networks, limits and logs
// compare. A mapped IPv4 address is the IPv4 address; a zone is a word that
// the sender chose, and would give one machine any number of keys.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func isPort(s string) bool {
	if s == "" || len(s) > 5 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// lastProto reads the right-most value of X-Forwarded-Proto, the one that the
// trusted peer itself wrote. Proxies that append leave the client's own on
// the left.
func lastProto(lines []string) scheme {
	if len(lines) == 0 {
		return schemeUnsaid
	}
	value := lines[len(lines)-1]
	if at := strings.LastIndexByte(value, ','); at >= 0 {
		value = value[at+1:]
	}
	return protoOf(strings.Trim(value, " \t"))
}

func protoOf(value string) scheme {
	switch value {
	case "https":
		return schemeHTTPS
	case "http":
		return schemeHTTP
	}
	// "HTTPS", "on", "wss": not known to be secure is not secure.
	return schemeDisputed
}
