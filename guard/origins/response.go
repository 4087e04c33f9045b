package origins

import (
	"bufio"
	"net"
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// A writer makes the CORS headers of a response ours before it is written.
//
// It is the one allocation of a passing request. It is not pooled: a handler
// that keeps its writer too long would change a stranger's response.
type writer struct {
	http.ResponseWriter
	g     *Guard
	r     *http.Request
	began bool
	asked bool      // the app's permission has been judged
	keep  bool      // and stands, because its refusal was waived
	vals  [4]string // backing for the values that we set
}

const acPrefix = "access-control-"

// fix is called before a header with this status is written. Informational
// ones share the header map with the response that follows.
func (w *writer) fix(status int) {
	if w.began {
		return
	}
	final := status >= 200 || status == http.StatusSwitchingProtocols
	w.began = final
	h := w.Header()
	allow, ok := w.g.readable(w.r)
	keep := w.keep || !ok && w.mayKeep(h)
	if !keep {
		// Attack: an app that reflects any Origin with credentials lets every
		// page read as the user (CWE-942, CWE-346). Header names from an
		// upstream may be written in any case.
		for name := range h {
			if len(name) >= len(acPrefix) && strings.EqualFold(name[:len(acPrefix)], acPrefix) {
				delete(h, name)
			}
		}
	}
	if !final {
		return
	}
	if w.g.vary {
		w.addVary(h)
	}
	if !ok || keep {
		return
	}
	w.vals[0] = allow
	h["Access-Control-Allow-Origin"] = w.vals[0:1:1]
	if w.g.p.AllowCredentials {
		w.vals[1] = "true"
		h["Access-Control-Allow-Credentials"] = w.vals[1:2:2]
	}
	if w.g.exposeHeaders != "" {
		w.vals[2] = w.g.exposeHeaders
		h["Access-Control-Expose-Headers"] = w.vals[2:3:3]
	}
}

// mayKeep reports whether the app's own CORS headers stand although we do not
// list the origin: where the request's door waives the rule, as it does while
// a policy is only being observed. It asks only about a permission that a
// browser would follow.
func (w *writer) mayKeep(h http.Header) bool {
	if w.asked {
		return w.keep
	}
	origins := w.r.Header["Origin"]
	if len(origins) == 0 {
		return false
	}
	for name, values := range h {
		if !strings.EqualFold(name, acPrefix+"allow-origin") {
			continue
		}
		for _, v := range values {
			if v == "*" || v == origins[0] {
				w.asked = true
				w.keep = guard.Judge(w.r, &guard.Refusal{
					Rule:   ruleListed,
					Status: http.StatusForbidden,
					Code:   "CORS_ORIGIN",
					Detail: "Pages of this origin may not read what this API answers.",
					Reason: "the app let an origin read that is not listed (its permission is removed, the response is not): " + seen(w.r),
				}) == nil
				return w.keep
			}
		}
	}
	return false
}

// addVary says that the response depends on the origin, whether or not the
// request had one: a cache that kept it would hand it to the wrong page.
func (w *writer) addVary(h http.Header) {
	have := h["Vary"]
	for _, line := range have {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.Trim(name, " \t"); name == "*" || strings.EqualFold(name, "Origin") {
				return
			}
		}
	}
	if len(have) == 0 {
		w.vals[3] = "Origin"
		h["Vary"] = w.vals[3:4:4]
		return
	}
	h["Vary"] = append(have[:len(have):len(have)], "Origin")
}

// WriteHeader writes the header.
func (w *writer) WriteHeader(status int) {
	w.fix(status)
	w.ResponseWriter.WriteHeader(status)
}

// Write writes a piece of the body, after the header.
func (w *writer) Write(p []byte) (int, error) {
	w.fix(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// FlushError flushes the response, after its header.
func (w *writer) FlushError() error {
	w.fix(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush is [writer.FlushError] for handlers that ask for an http.Flusher.
func (w *writer) Flush() { _ = w.FlushError() }

// Hijack takes over the connection.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap is for [http.ResponseController].
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
