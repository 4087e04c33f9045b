package traffic

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// seen is what a server gets.
type seen struct {
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

func (s *seen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.requests, s.bodies = append(s.requests, r), append(s.bodies, string(body))
	n := len(s.requests)
	s.mu.Unlock()
	switch r.URL.Path {
	case "/away":
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	case "/slowly":
		if n == 1 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	case "/large":
		_, _ = w.Write(bytes.Repeat([]byte("x"), maxBody+5))
	}
}

func (s *seen) last() (*http.Request, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[len(s.requests)-1], s.bodies[len(s.bodies)-1]
}

func serve(t *testing.T, o Options) (*Client, *seen) {
	t.Helper()
	s := &seen{}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	o.Base, _ = url.Parse(srv.URL)
	o.Run = "run1"
	c := New(o)
	t.Cleanup(c.Close)
	return c, s
}

func get(path string) *Request { return &Request{Method: "GET", Path: path} }

func TestTotal(t *testing.T) {
	c, s := serve(t, Options{Total: 3})
	for range 3 {
		if _, err := c.Send(t.Context(), get("/")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Send(t.Context(), get("/")); !errors.Is(err, ErrSpent) {
		t.Errorf("%v, want ErrSpent", err)
	}
	if len(s.requests) != 3 || c.Sent() != 3 || c.Left() != 0 {
		t.Errorf("%d arrived, %d sent, %d left", len(s.requests), c.Sent(), c.Left())
	}
	c.Allow(2) // cleaning up
	if _, err := c.Send(t.Context(), get("/")); err != nil || c.Left() != 1 {
		t.Errorf("%v, %d left", err, c.Left())
	}
}

func TestRate(t *testing.T) {
	c, _ := serve(t, Options{Rate: 50})
	start := time.Now()
	for range 11 {
		if _, err := c.Send(t.Context(), get("/")); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took < 190*time.Millisecond {
		t.Errorf("11 requests at 50 a second took %s", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Send(ctx, get("/")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestMarkerAndRedirects(t *testing.T) {
	c, s := serve(t, Options{Host: "api.example"})
	e, err := c.Send(t.Context(), &Request{Method: "GET", Path: "/away", Header: http.Header{Marker: {"another"}}})
	if err != nil || e.Status != http.StatusFound || len(s.requests) != 1 {
		t.Fatalf("%v, %d requests: a redirect is an answer, and not followed", err, len(s.requests))
	}
	r, _ := s.last()
	if r.Header.Get(Marker) != "run1" || r.Host != "api.example" || r.UserAgent() != "pavise-probe" {
		t.Errorf("%q %q %q", r.Header.Get(Marker), r.Host, r.UserAgent())
	}
	if _, err := c.Send(t.Context(), get("/a%2fb/../c?x=%zz&y=1")); err != nil {
		t.Fatal(err)
	}
	if r, _ = s.last(); r.RequestURI != "/a%2fb/../c?x=%zz&y=1" {
		t.Errorf("the path was changed: %s", r.RequestURI)
	}
}

func TestWaitsForRateLimit(t *testing.T) {
	c, _ := serve(t, Options{})
	if e, err := c.Send(t.Context(), get("/slowly")); err != nil || e.Status != http.StatusOK {
		t.Errorf("%v, %+v", err, e)
	}
	c, _ = serve(t, Options{})
	if e, err := c.Once(t.Context(), get("/slowly")); err != nil || e.Status != http.StatusTooManyRequests {
		t.Errorf("%v, %+v", err, e)
	}
	if e, err := c.Send(t.Context(), get("/large")); err != nil || !e.Cut || len(e.Body) != maxBody {
		t.Errorf("%v: what is larger than is kept is cut", err)
	}
}

// All of Try share one patience, by what the API asks for; Send has one for
// each request.
func TestTryWaitsLess(t *testing.T) {
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.Header().Set("Retry-After", "0.02")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	c := New(Options{Base: base, Patience: 50 * time.Millisecond})
	defer c.Close()
	for i, step := range []struct {
		send func(context.Context, *Request) (*Exchange, error)
		want int
	}{{c.Try, 3}, {c.Try, 1}, {c.Send, 1 + patience}, {c.Try, 1}} {
		n = 0
		if e, err := step.send(t.Context(), get("/")); err != nil || e.Status != http.StatusTooManyRequests || n != step.want {
			t.Errorf("%d: %d requests, want %d: %v", i, n, step.want, err)
		}
	}
	if c := New(Options{Base: base}); c.o.Patience != 10*time.Second {
		t.Errorf("%s", c.o.Patience)
	}
}

func TestDown(t *testing.T) {
	srv := httptest.NewServer(nil)
	base, _ := url.Parse(srv.URL)
	srv.Close()
	c := New(Options{Base: base})
	for range 3 {
		if _, err := c.Send(t.Context(), get("/")); err == nil || strings.Contains(err.Error(), "http://") {
			t.Errorf("%v", err)
		}
	}
	if _, err := c.Send(t.Context(), get("/")); !errors.Is(err, ErrDown) {
		t.Errorf("%v, want ErrDown", err)
	}
}

// A line for a shell sends the same request again, with secrets from
// variables.
func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("no curl")
	}
	const token, password = "s3cr3t-token-value", "Pv7!pass word-Qz#9"
	secrets := Secrets{"TOKEN_A": token, "PASSWORD_A": password}
	c, s := serve(t, Options{})
	for name, r := range map[string]*Request{
		"header":  {Method: "GET", Path: "/a?q=it%27s", Header: http.Header{"Authorization": {"Bearer " + token}, "X-Empty": {""}}},
		"json":    {Method: "POST", Path: "/a", Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"password":"` + password + `","it":"'s $HOME"}`)},
		"form":    {Method: "POST", Path: "/a", Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte("p=" + url.QueryEscape(password))},
		"bytes":   {Method: "PUT", Path: "/a/../b", Header: http.Header{"Content-Type": {"application/octet-stream"}}, Body: []byte("\x00\x01%\\\xff-" + token)},
		"at":      {Method: "POST", Path: "/a", Body: []byte("@/etc/passwd"), Header: http.Header{"Content-Type": {"text/plain"}}},
		"minus":   {Method: "POST", Path: "/a", Body: []byte("-n\x00"), Header: http.Header{"Content-Type": {"text/plain"}}},
		"chunked": {Method: "POST", Path: "/a", Body: []byte("abc"), Chunked: true, Header: http.Header{"Content-Type": {"text/plain"}}},
		"query":   {Method: "DELETE", Path: "/a?key=" + token},
		"wide":    {Method: "GET", Path: "/a?q=%C4%80", Header: http.Header{"X-Wide": {"pv\u0100\U0001f600x"}}},
		"lines":   {Method: "POST", Path: "/a", Body: []byte("a\r\nb\n"), Header: http.Header{"Content-Type": {"text/plain"}}},
		"long":    {Method: "POST", Path: "/a?" + strings.Repeat("b", 3000), Body: []byte(strings.Repeat("a", 3000) + "'b"), Header: http.Header{"X-Long": {strings.Repeat("c", 5000)}, "Content-Type": {"text/plain"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := c.Send(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			want, wantBody := s.last()
			line := c.Curl(r, secrets)
			for _, secret := range []string{token, password, url.QueryEscape(password)} {
				if strings.Contains(line, secret) {
					t.Fatalf("a secret is in %s", line)
				}
			}
			if len(line) > 1000 || strings.Contains(line, "\n") {
				t.Errorf("a line of %d bytes: %.1000s", len(line), line)
			}
			cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
			cmd.Env = []string{"PATH=" + filepath.Dir(curl) + ":" + os.Getenv("PATH"), "TOKEN_A=" + token, "PASSWORD_A=" + password, "PASSWORD_A_ENCODED=" + url.QueryEscape(password), "HOME=/nowhere"}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
			got, gotBody := s.last()
			if got == want {
				t.Fatal("nothing arrived")
			}
			if got.Method != want.Method || got.RequestURI != want.RequestURI || gotBody != wantBody || strings.Join(got.TransferEncoding, "") != strings.Join(want.TransferEncoding, "") {
				t.Errorf("%s\n%s %s %q, want %s %s %q", line, got.Method, got.RequestURI, gotBody, want.Method, want.RequestURI, wantBody)
			}
			for name := range r.Header {
				if got.Header.Get(name) != want.Header.Get(name) {
					t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want.Header.Get(name))
				}
			}
		})
	}
}

func TestMask(t *testing.T) {
	s := Secrets{"A": "secret-one", "B": "secret-one-and-more", "C": "abc", "D": "p w!"}
	if got := s.Mask("x secret-one-and-more y secret-one z abc q=p+w%21"); got != "x $B y $A z abc q=$D_ENCODED" {
		t.Error(got)
	}
}

// Who shows a certificate does so on connections of its own.
func TestCertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := filepath.Join(t.TempDir(), "cert"), filepath.Join(t.TempDir(), "key")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 0 {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	srv.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	base, _ := url.Parse(srv.URL)
	c := New(Options{Base: base, InsecureSkipVerify: true})
	defer c.Close()
	cert, err := LoadCertificate("ALICE", certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		with, err := c.Send(t.Context(), &Request{Method: "GET", Path: "/", Certificate: cert})
		if err != nil {
			t.Fatal(err)
		}
		without, err := c.Send(t.Context(), get("/"))
		if err != nil {
			t.Fatal(err)
		}
		if !with.OK() || without.Status != http.StatusUnauthorized {
			t.Errorf("%d with the certificate, %d without", with.Status, without.Status)
		}
		if line := c.Curl(with.Request, nil); !strings.Contains(line, `--cert "$CERT_ALICE" --key "$KEY_ALICE"`) {
			t.Error(line)
		}
	}
	if _, err := LoadCertificate("X", certFile, certFile); err == nil {
		t.Error("a certificate is no key")
	}
}
