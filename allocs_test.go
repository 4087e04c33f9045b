package pavise

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/guard/rate"
)

// discard is a response writer that costs nothing itself.
type discard struct {
	header http.Header
	status int
}

func (w *discard) Header() http.Header         { return w.header }
func (w *discard) Write(p []byte) (int, error) { return len(p), nil }
func (w *discard) WriteHeader(status int)      { w.status = status }

// SetWriteDeadline is what a server's writer has.
func (w *discard) SetWriteDeadline(time.Time) error { return nil }

// wholeChain is a passing GET through every guard of the zero policy, but
// for a rate that a benchmark does not exceed.
func wholeChain(tb testing.TB) func() {
	g, err := New(Policy{Rate: rate.Policy{Limit: rate.Limit{Count: 1_000_000, Per: time.Second}}})
	if err != nil {
		tb.Fatal(err)
	}
	body := []byte(`{"id":1}`)
	h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	r := httptest.NewRequest(http.MethodGet, "http://localhost/api/orders/1", nil)
	r.Body = http.NoBody
	r.RemoteAddr = "127.0.0.1:1234"
	r.Header.Set("Accept", "*/*")
	r.Header.Set("User-Agent", "test")
	w := &discard{header: http.Header{}}
	if h.ServeHTTP(w, r); w.status >= 400 {
		tb.Fatalf("status %d", w.status)
	}
	return func() {
		clear(w.header)
		w.status = 0
		h.ServeHTTP(w, r)
	}
}

// TestAllocations holds the whole chain to its allocations for a passing GET:
// the recorder with the facts, the request's id, the request that carries
// them, the writer of headers with all values, the exchange of
// limits and its request, two for the announced rate, and the writer of
// origins.
func TestAllocations(t *testing.T) {
	const most = 9
	once := wholeChain(t)
	once()
	if n := testing.AllocsPerRun(200, once); n > most {
		t.Errorf("%v allocations, want at most %d", n, most)
	}
}

func BenchmarkWrap(b *testing.B) {
	once := wholeChain(b)
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
}
