package clientip

import (
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// Emit writes what an upstream is told about the client onto out, the header
// of the request to the upstream, and removes everything else that says so.
// r is the request as the innermost handler got it: its Host is the one that
// was judged.
//
// Exactly one form goes on, with one value: an upstream that reads the left
// end of a list and one that reads the right end see the same client.
func (g *Guard) Emit(out http.Header, r *http.Request) {
	trusted := false
	if f := guard.FactsOf(r); f != nil {
		trusted = f.TrustedPeer
	}
	for name := range out {
		if drops(name, trusted) {
			delete(out, name)
		}
	}
	client := guard.Client(r)
	proto := "http"
	if guard.Secure(r) {
		proto = "https"
	}
	switch g.emit {
	case emitXFF:
		// One array for the three values.
		v := [3]string{"", proto, r.Host}
		if client.IsValid() {
			v[0] = client.String()
			out["X-Forwarded-For"] = v[0:1:1]
		}
		out["X-Forwarded-Proto"] = v[1:2:2]
		if r.Host != "" {
			out["X-Forwarded-Host"] = v[2:3:3]
		}
	case emitForwarded:
		var b strings.Builder
		b.WriteString("for=")
		switch {
		case client.Is6():
			// RFC 7239 section 6: in brackets, and so in quotes.
			b.WriteString(`"[` + client.String() + `]"`)
		case client.IsValid():
			b.WriteString(client.String())
		default:
			b.WriteString("unknown")
		}
		if r.Host != "" {
			b.WriteString(";host=")
			b.WriteString(quoted(r.Host))
		}
		b.WriteString(";proto=")
		b.WriteString(proto)
		out["Forwarded"] = []string{b.String()}
	}
}

// quoted writes s as a token if it is one, and otherwise as a quoted-string.
func quoted(s string) string {
	if tokenLen(s) == len(s) && s != "" {
		return s
	}
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case isText(c):
			b = append(b, c)
		}
		// Other bytes cannot stand in a field at all.
	}
	return string(append(b, '"'))
}
