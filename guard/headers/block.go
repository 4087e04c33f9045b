package headers

import (
	"net/http"
	"strings"
)

// A prefacer is a response writer that can write whole field lines in front
// of what it makes of its header map. It is asked right before the response's
// header is written; if it says no, the fields go into the map.
type prefacer interface {
	Preface(block []byte) bool
}

// makeBlock makes the lines of those fields that are the same in every response
// of the profile.
func (p *profile) makeBlock() {
	var b []byte
	for i := range p.out {
		f := &p.out[i]
		if f.block = f.verb == verbSet && !f.tls && !f.nonce && inert(f.name) && oneLine(f.value); f.block {
			b = append(append(append(append(b, f.name...), ": "...), f.value...), "\r\n"...)
		}
	}
	p.block = b[:len(b):len(b)]
}

// inert reports whether a field means nothing to net/http and to the rest of
// this package, so that neither misses it in the map.
func inert(name string) bool {
	switch name {
	case hCacheControl, hSetCookie, "Content-Type", "Content-Encoding", "Content-Length", "Date", "Location", "Retry-After", "Allow",
		hConnection, hTrailer, "Keep-Alive", "Proxy-Connection", "Te", "Transfer-Encoding", "Upgrade":
		return false
	}
	return !strings.HasPrefix(name, http.TrailerPrefix) && isToken(name)
}

// oneLine reports whether a value can stand on a line as it is.
func oneLine(value string) bool {
	for i := range len(value) {
		if b := value[i]; b < ' ' && b != '\t' || b == 0x7f {
			return false
		}
	}
	return value == strings.Trim(value, " \t")
}
