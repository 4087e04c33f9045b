package headers

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// inline is how many headers a response gets without a second allocation.
const inline = 20

// writer puts the headers in place at the last moment: when the response's
// header goes out, since only then is it known what the handler wants to
// send, and whether the client's own connection is TLS, which a guard further
// in finds out. It is the one allocation of a response. It is not pooled:
// net/http reads the values after the handler has returned.
type writer struct {
	http.ResponseWriter
	g           *Guard
	r           *http.Request
	facts       *guard.Facts
	path        string
	credentials bool
	done        bool
	hijacked    bool
	size        int // of the header when it went out
	nonce       nonce
	values      [inline]string
}

func (w *writer) commit(buf []string, ahead prefacer) {
	h := w.Header()
	w.g.apply(h, &exchange{
		url: w.r.URL, path: w.path, secure: w.facts.Secure, credentials: w.credentials, nonce: &w.nonce, preface: ahead,
	}, buf)
	w.size = len(h)
}

func (w *writer) begin() {
	if !w.done {
		w.done = true
		w.commit(w.values[:], nil)
	}
}

// WriteHeader writes the headers, also those of informational responses: a
// browser may act on a 103 before the final response is there.
func (w *writer) WriteHeader(status int) {
	switch {
	case w.done:
	case status >= 100 && status < 200 && status != http.StatusSwitchingProtocols:
		// The final response is still to come and has values of its own.
		w.commit(nil, nil)
	case status == http.StatusSwitchingProtocols:
		w.begin()
	default:
		w.done = true
		ahead, _ := w.ResponseWriter.(prefacer)
		w.commit(w.values[:], ahead)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

// WriteString saves the copy where the writer below can.
func (w *writer) WriteString(s string) (int, error) {
	w.begin()
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom keeps the way open for the server's own copying (sendfile).
func (w *writer) ReadFrom(src io.Reader) (int64, error) {
	w.begin()
	return io.Copy(w.ResponseWriter, src)
}

func (w *writer) FlushError() error {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush is FlushError for handlers that ask for an http.Flusher.
func (w *writer) Flush() { _ = w.FlushError() }

// Hijack hands the connection over. Who writes a response on it from Header
// finds the headers there.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.begin()
		w.hijacked = true
	}
	return c, rw, err
}

// Unwrap is for [http.ResponseController].
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// finish is for handlers that wrote nothing, panicked, or set trailers.
func (w *writer) finish() {
	if !w.done {
		w.begin()
		return
	}
	h := w.Header()
	if w.hijacked || len(h) == w.size {
		return
	}
	// The header has gone out: what was added since are trailers that were
	// not announced.
	for k := range h {
		if name, ok := strings.CutPrefix(k, http.TrailerPrefix); ok && w.g.base.touches(http.CanonicalHeaderKey(name)) {
			delete(h, k)
		}
	}
}
