package pavise

import (
	"bufio"
	"encoding/base32"
	"encoding/binary"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"reflect"
	"runtime/debug"
	"time"

	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/guard/wire"
)

// An Exchange is what became of one request.
type Exchange struct {
	Status   int   // of the response; 101 for a connection that was handed over, 0 if none began
	Bytes    int64 // of the response body, as far as it went through the response writer
	Duration time.Duration
	Rule     string // the rule that refused it, if one did
	Observed string // the first rule that would have refused it, if one was only observed
	Aborted  bool   // the response was broken off: the client or the upstream went away
}

// unwanted is how long the rest of a refused body may take to arrive, so that
// the connection can be used again.
const unwanted = 5 * time.Second

// exchange stands outermost: it gives the request its id and its facts, hangs
// the door, and writes the access log.
func (g *Guard) exchange(next http.Handler) http.Handler {
	door := guard.Door(g.door)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w, req: r}
		if isServers(w) {
			rec.wire = g.wire
			g.wire.Preface(r, nil)
		}
		rec.facts = guard.Facts{RequestID: newRequestID(), Secure: r.TLS != nil, Door: door}
		r = guard.Begin(r, &rec.facts)
		returned := false
		defer func() {
			e := Exchange{Status: rec.status, Bytes: rec.bytes, Duration: time.Since(start), Aborted: !returned}
			if e.Status == 0 && returned {
				e.Status = http.StatusOK // what net/http answers for a handler that wrote nothing
			}
			if ref := rec.facts.Refused; ref != nil {
				e.Rule = ref.Rule
				if r.ContentLength != 0 && ref.Status != http.StatusRequestTimeout {
					// Who was too slow has had his time. For the others,
					// net/http reads on after a body that nobody wanted; a
					// client must not be able to make that take long.
					_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(g.unwanted()))
				}
				if g.options.Verdict != nil {
					g.options.Verdict(r, ref, false)
				}
			}
			if ref := rec.facts.Observed; ref != nil {
				e.Observed = ref.Rule
			}
			if g.options.AccessLog != nil {
				g.log(r, &rec.facts, e)
			}
			if g.options.Served != nil {
				g.options.Served(r, e)
			}
		}()
		next.ServeHTTP(rec, r)
		returned = true
	})
}

// unwanted is at most what the policy grants a body that stands still.
func (g *Guard) unwanted() time.Duration {
	if grace := g.policy.Limits.BodyGrace; grace > 0 {
		return min(grace, unwanted)
	}
	return unwanted
}

// door lets a request pass whose refusal is only observed.
func (g *Guard) door(r *http.Request, ref *guard.Refusal) bool {
	if g.modes.of(ref.Rule) != guard.Observe {
		return false
	}
	guard.FactsOf(r).Observe(ref)
	if g.options.Verdict != nil {
		g.options.Verdict(r, ref, true)
	}
	return true
}

// newRequestID returns 26 letters and digits: 128 bits that identify, and
// that nobody needs to be unable to guess.
func newRequestID() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(b[8:], rand.Uint64())
	var text [26]byte
	base32.StdEncoding.WithPadding(base32.NoPadding).Encode(text[:], b[:])
	return string(text[:])
}

// log writes the access log's record. It names no header field, and the
// query only redacted: those hold what must not be in a log.
func (g *Guard) log(r *http.Request, f *guard.Facts, e Exchange) {
	verdict := "served"
	if e.Aborted {
		verdict = "aborted"
	}
	level := slog.LevelInfo
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs,
		slog.String("request_id", f.RequestID),
		slog.String("client", clientText(r)),
		slog.String("method", r.Method),
		slog.String("host", r.Host),
		slog.String("path", r.URL.Path),
		slog.Int("status", e.Status),
		slog.Int64("bytes", e.Bytes),
		slog.Duration("duration", e.Duration),
	)
	if r.URL.RawQuery != "" {
		attrs = append(attrs, slog.String("query", g.redact.query(r.URL.RawQuery)))
	}
	switch {
	case f.Refused != nil:
		verdict = "refused"
		attrs = append(attrs, slog.String("rule", f.Refused.Rule), slog.String("reason", f.Refused.Reason))
	case f.Observed != nil:
		verdict = "would_refuse"
		attrs = append(attrs, slog.String("rule", f.Observed.Rule), slog.String("reason", f.Observed.Reason))
	}
	if e.Status >= 500 {
		level = slog.LevelError
	}
	attrs = append(attrs, slog.String("verdict", verdict))
	g.options.AccessLog.LogAttrs(r.Context(), level, "request", attrs...)
}

func clientText(r *http.Request) string {
	if a := guard.Client(r); a.IsValid() {
		return a.String()
	}
	return "local"
}

// recover turns a panic of the handler into a 500 that says nothing of it.
// http.ErrAbortHandler goes on: it asks for the connection to be cut, and so
// does a panic after the response has begun.
func (g *Guard) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := guard.FactsOf(r)
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so too
				panic(p)
			}
			// The value may quote the request; the type and stack are what a
			// developer needs.
			g.options.ErrorLog.Error("the handler panicked", slog.String("request_id", began.RequestID), slog.String("panic", panicText(p)), slog.String("stack", string(debug.Stack())))
			if began.Began {
				panic(http.ErrAbortHandler)
			}
			guard.Refuse(w, r, &guard.Refusal{Rule: "pavise/recover", Status: http.StatusInternalServerError, Code: "INTERNAL_ERROR", Reason: "the handler panicked"})
		}()
		next.ServeHTTP(w, r)
	})
}

// recorder is the outermost response writer. It remembers what went out, and
// holds the request's facts so that both are one allocation.
type recorder struct {
	http.ResponseWriter
	facts  guard.Facts
	req    *http.Request // as the server made it
	wire   *wire.Guard   // nil if somebody stands between us and the server
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if status >= 200 && w.status == 0 {
		w.status = status
		w.facts.Began = true
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	w.begin()
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// ReadFrom keeps the way open for the server's own copying.
func (w *recorder) ReadFrom(src io.Reader) (int64, error) {
	w.begin()
	n, err := io.Copy(w.ResponseWriter, src)
	w.bytes += n
	return n, err
}

// Preface lets fields that every response has go to the connection and not
// through the header map.
func (w *recorder) Preface(block []byte) bool {
	return w.wire != nil && w.wire.Preface(w.req, block)
}

// isServers reports whether w is net/http's own response writer for HTTP/1.
// A middleware's that stands between may hold the response back, keep it, or
// put another in its place, and has to find every field in the map.
func isServers(w http.ResponseWriter) bool {
	return reflect.TypeOf(w).String() == "*http.response" && reflect.TypeOf(w).Elem().PkgPath() == "net/http"
}

func (w *recorder) begin() {
	if w.status == 0 {
		w.status = http.StatusOK
		w.facts.Began = true
	}
}

func (w *recorder) FlushError() error {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *recorder) Flush() { _ = w.FlushError() }

func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.status = http.StatusSwitchingProtocols
		w.facts.Began = true
	}
	return c, rw, err
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
