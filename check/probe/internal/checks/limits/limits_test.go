package limits

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
	"github.com/pavise-dev/pavise/finding"
)

const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{
 "/items":{
  "get":{"responses":{"200":{"description":"ok"}}},
  "post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}}},"responses":{"201":{"description":"ok"}}}},
 "/form":{"post":{"requestBody":{"required":true,"content":{"multipart/form-data":{"schema":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}}},"responses":{"201":{"description":"ok"}}}}}}`

// service is well-made, but for its flaws.
type service struct {
	flaw  string
	asked atomic.Int64
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		s.get(w, r)
		return
	}
	most := int64(1 << 20)
	if s.flaw == "body" {
		most = 1 << 40
	}
	if r.ContentLength > most && s.flaw != "late" && s.flaw != "422 at the end" && s.flaw != "not read" {
		w.Header().Set("Connection", "close")
		w.WriteHeader(413)
		return
	}
	if s.flaw == "422 at the end" {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.ContentLength > most || r.ContentLength < 0 {
			w.WriteHeader(422)
			return
		}
		w.WriteHeader(201)
		return
	}
	if s.flaw == "not read" {
		w.WriteHeader(201)
		return
	}
	body := io.Reader(http.MaxBytesReader(w, r.Body, most))
	if r.URL.Path == "/form" && s.flaw == "parts" {
		_, _ = io.Copy(io.Discard, body)
		w.WriteHeader(201)
		return
	}
	if r.URL.Path == "/form" {
		if err := r.ParseMultipartForm(1 << 20); err != nil || len(r.MultipartForm.Value) > 100 {
			w.WriteHeader(413)
			return
		}
		w.WriteHeader(201)
		return
	}
	switch encoding := r.Header.Get("Content-Encoding"); {
	case encoding == "gzip" && (s.flaw == "bomb" || s.flaw == "counted"):
		z, err := gzip.NewReader(body)
		if err != nil {
			w.WriteHeader(400)
			return
		}
		body = z
		if s.flaw == "counted" {
			body = http.MaxBytesReader(w, io.NopCloser(z), most)
		}
	case encoding != "":
		w.WriteHeader(415)
		return
	}
	data, err := io.ReadAll(body)
	switch {
	case err != nil:
		w.WriteHeader(413)
	case !json.Valid(data):
		w.WriteHeader(400)
	default:
		w.WriteHeader(201)
	}
}

func (s *service) get(w http.ResponseWriter, r *http.Request) {
	n := s.asked.Add(1)
	switch {
	case s.flaw == "no rate" || s.flaw == "url" || s.flaw == "fields" || s.flaw == "many":
	case s.flaw == "announced":
		w.Header().Set("RateLimit-Policy", "1000;w=60")
	case s.flaw == "spoofed" && n > 60 && r.Header.Get("X-Forwarded-For") != "":
	case n > 60 && s.flaw != "stuck":
		if s.flaw != "no Retry-After" {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(429)
		return
	}
	size := 0
	for name, vs := range r.Header {
		size += len(name) + len(vs[0])
	}
	switch {
	case len(r.RequestURI) > 8<<10 && s.flaw != "url":
		w.WriteHeader(414)
	case size > 32<<10 && s.flaw != "fields", len(r.Header) > 100 && s.flaw != "many":
		w.WriteHeader(431)
	}
}

func TestChecks(t *testing.T) {
	for _, tt := range []struct {
		flaw, check string
		want        trial.Verdict
		got         string
	}{
		{"body", "probe/body-limit", trial.Fail, "10 MiB"},
		{"422 at the end", "probe/body-limit", trial.Suspect, "422"},
		{"late", "probe/body-limit", trial.Pass, ""},
		{"not read", "probe/body-limit", trial.Inconclusive, ""},
		{"", "probe/body-limit", trial.Pass, ""},
		{"bomb", "probe/decompression-limit", trial.Fail, "unpack"},
		{"counted", "probe/decompression-limit", trial.Pass, ""},
		{"", "probe/decompression-limit", trial.Pass, ""},
		{"url", "probe/head-limit", trial.Fail, "16 KiB"},
		{"fields", "probe/head-limit", trial.Fail, "64 KiB"},
		{"many", "probe/head-limit", trial.Fail, "500"},
		{"", "probe/head-limit", trial.Pass, ""},
		{"parts", "probe/multipart-limit", trial.Fail, "1,001"},
		{"", "probe/multipart-limit", trial.Pass, ""},
		{"no rate", "probe/rate-limit", trial.Fail, "100 requests"},
		{"no Retry-After", "probe/rate-limit", trial.Fail, "without Retry-After"},
		{"announced", "probe/rate-limit", trial.Pass, ""},
		{"", "probe/rate-limit", trial.Pass, ""},
		{"spoofed", "probe/rate-limit-address", trial.Fail, "X-Forwarded-For"},
		{"", "probe/rate-limit-address", trial.Pass, ""},
		{"no rate", "probe/rate-limit-address", trial.NotApplicable, ""},
		{"", "probe/many-connections", trial.Pass, ""},
	} {
		t.Run(tt.check+" "+tt.flaw, func(t *testing.T) {
			t.Parallel()
			tr := trialtest.New(t, doc, &service{flaw: tt.flaw})
			worst := trialtest.Worst(trialtest.Run(t, tr, Checks(), tt.check))
			if worst.Verdict != tt.want || !strings.Contains(worst.Got, tt.got) {
				t.Errorf("got %v %q %q, want %v %q", worst.Verdict, worst.Got, worst.Reason, tt.want, tt.got)
			}
			if worst.Verdict == trial.Fail && len(worst.Shown) == 0 {
				t.Error("nothing shows it")
			}
		})
	}
}

// TestShown is the line that shows a large body: it makes it.
func TestShown(t *testing.T) {
	tr := trialtest.New(t, doc, &service{flaw: "body"})
	worst := trialtest.Worst(trialtest.Run(t, tr, Checks(), "probe/body-limit"))
	if len(worst.Shown) == 0 {
		t.Fatalf("got %v %s", worst.Verdict, worst.Reason)
	}
	line := tr.Client.Curl(worst.Shown[0].Request, nil)
	if !strings.HasPrefix(line, "{ printf 'POST /items HTTP/1.1") || !strings.Contains(line, "head -c 10485") || !strings.Contains(line, "| nc 127.0.0.1") {
		t.Error(line)
	}
}

func TestSlow(t *testing.T) {
	for name, tt := range map[string]struct {
		timeout time.Duration
		want    trial.Verdict
	}{"timeouts": {200 * time.Millisecond, trial.Pass}, "none": {0, trial.Fail}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewUnstartedServer(&service{})
			srv.Config.ReadTimeout = tt.timeout
			srv.Start()
			t.Cleanup(srv.Close)
			var results []trial.Result
			slowFor(t.Context(), trialtest.At(t, srv, doc), func(r trial.Result) { results = append(results, r) }, time.Second, 50*time.Millisecond)
			if len(results) != 3 {
				t.Fatalf("got %d results", len(results))
			}
			for _, r := range results {
				if r.Verdict != tt.want {
					t.Errorf("got %v %s %s", r.Verdict, r.Got, r.Reason)
				}
			}
		})
	}
}

// TestStarved is a server that serves a few connections at a time, and waits
// for each.
func TestStarved(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(&service{flaw: "stuck"})
	srv.Listener = &bounded{listener, make(chan struct{}, 20)}
	srv.Start()
	t.Cleanup(srv.Close)
	tr := trialtest.At(t, srv, doc)
	worst := trialtest.Worst(trialtest.Run(t, tr, Checks(), "probe/many-connections"))
	if worst.Verdict != trial.Fail || worst.Check.Severity != finding.Medium {
		t.Errorf("got %v %s %s", worst.Verdict, worst.Got, worst.Reason)
	}
}

type bounded struct {
	net.Listener
	slots chan struct{}
}

func (b *bounded) Accept() (net.Conn, error) {
	b.slots <- struct{}{}
	conn, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &slot{Conn: conn, b: b}, nil
}

type slot struct {
	net.Conn
	b    *bounded
	done atomic.Bool
}

func (s *slot) Close() error {
	if !s.done.Swap(true) {
		<-s.b.slots
	}
	return s.Conn.Close()
}
