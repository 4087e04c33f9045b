package rate

import (
	"net/http"
	"strconv"
)

// The response fields, in the form in which net/http keeps names.
// draft-ietf-httpapi-ratelimit-headers.
const (
	fieldLimit  = "Ratelimit"
	fieldPolicy = "Ratelimit-Policy"
)

// announce writes what is left: RateLimit with the requests that may come at
// once (r) and the seconds until all may again (t), RateLimit-Policy with the
// burst (q) and the seconds in which it comes back (w).
func (t *taken) announce(h http.Header) {
	if t.base == nil && t.route == nil {
		return
	}
	var buf [128]byte
	b := buf[:0]
	policy := ""
	if t.route != nil {
		b = member(b, t.route, t.second)
		policy = t.route.announce
		if t.base != nil {
			b = append(b, ", "...)
			policy = t.route.both
		}
	}
	if t.base != nil {
		b = member(b, t.base, t.first)
		if t.route == nil {
			policy = t.base.announce
		}
	}
	// One slice a response, which nobody else can hold.
	values := []string{string(b), policy}
	h[fieldLimit] = values[0:1:1]
	h[fieldPolicy] = values[1:2:2]
}

func member(b []byte, l *limit, v Verdict) []byte {
	b = append(b, l.text...)
	b = append(b, ";r="...)
	b = strconv.AppendInt(b, int64(v.Remaining), 10)
	b = append(b, ";t="...)
	return strconv.AppendInt(b, seconds(v.Reset), 10)
}

// prepare fills in the texts of l, base being the limit for everything or nil.
func (l *limit) prepare(base *limit) {
	l.text = `"` + l.name + `"` // check has seen to it that nothing needs an escape
	window := seconds(l.quota.span())
	l.announce = l.text + ";q=" + strconv.Itoa(l.quota.Burst) + ";w=" + strconv.FormatInt(window, 10)
	l.both = l.announce
	if base != nil {
		l.both += ", " + base.announce
	}
}
