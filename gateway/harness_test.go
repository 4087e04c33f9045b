package gateway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pavise-dev/pavise"
)

// startBoth is start for tests that also need the admin address.
func startBoth(t *testing.T, p pavise.Policy, change func(*Options)) (addr, admin string, gw *Gateway) {
	t.Helper()
	p.Gateway.Admin = "127.0.0.1:0"
	at := make(chan string, 1)
	addr, gw = start(t, p, func(o *Options) {
		if change != nil {
			change(o)
		}
		ready := o.Ready
		o.Ready = func(public, adminAddr net.Addr) {
			at <- adminAddr.String()
			ready(public, adminAddr)
		}
	})
	return addr, <-at, gw
}

// serving is a policy with an app of the test's own behind it.
func serving(t *testing.T, app http.Handler) pavise.Policy {
	t.Helper()
	srv := httptest.NewUnstartedServer(app)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.Start()
	t.Cleanup(srv.Close)
	return vectorPolicy(srv.URL)
}

// client sends everything to one address whatever the URL's host, and follows
// no redirect.
func client(t *testing.T, addr string, tlsConfig *tls.Config) *http.Client {
	tr := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		},
		TLSClientConfig:    tlsConfig,
		ForceAttemptHTTP2:  tlsConfig != nil,
		DisableCompression: true,
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{
		Transport:     tr,
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get asks for a URL and reads the whole answer.
func get(t *testing.T, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, c, req)
}

func do(t *testing.T, c *http.Client, req *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: the body: %v", req.Method, req.URL, err)
	}
	return res, string(body)
}

// wireConn is a connection on which a test says and reads bytes.
type wireConn struct {
	net.Conn
	t  *testing.T
	br *bufio.Reader
}

func dial(t *testing.T, addr string) *wireConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return wrapConn(t, c)
}

func wrapConn(t *testing.T, c net.Conn) *wireConn {
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return &wireConn{c, t, bufio.NewReader(c)}
}

func (c *wireConn) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatalf("sending: %v", err)
	}
}

// head reads the head of the next response, interim ones included.
func (c *wireConn) head(method string) *http.Response {
	c.t.Helper()
	res, err := http.ReadResponse(c.br, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	return res
}

// answer reads the next final response with its body.
func (c *wireConn) answer(method string) (*http.Response, string) {
	c.t.Helper()
	for {
		res := c.head(method)
		if res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		if res.StatusCode == http.StatusSwitchingProtocols {
			return res, ""
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			c.t.Fatalf("the body of a %d: %v", res.StatusCode, err)
		}
		return res, string(body)
	}
}

// closed reports whether nothing more comes.
func (c *wireConn) closed() bool {
	_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
	_, err := c.br.ReadByte()
	if err == nil {
		return false
	}
	ne, ok := err.(net.Error) //nolint:errorlint // as the connection returns it
	return !ok || !ne.Timeout()
}

// refusalOf is the body of a refusal.
type refusalOf struct {
	Type      string `json:"type"`
	Status    int    `json:"status"`
	Error     string `json:"error"`
	Rule      string `json:"rule"`
	RequestID string `json:"request_id"`
	Pointer   string `json:"pointer"`
}

// requireRefusal requires an answer of the gateway's own.
func requireRefusal(t *testing.T, res *http.Response, body string, codes ...int) refusalOf {
	t.Helper()
	requireHeaders(t, res)
	found := false
	for _, c := range codes {
		found = found || c == res.StatusCode
	}
	if !found {
		t.Fatalf("status %d, want %v: %s", res.StatusCode, codes, body)
	}
	if ct := res.Header.Values("Content-Type"); len(ct) != 1 || ct[0] != "application/problem+json" {
		t.Errorf("%d: Content-Type is %q", res.StatusCode, ct)
	}
	var p refusalOf
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%d: the refusal is not JSON: %v: %q", res.StatusCode, err, body)
	}
	if p.Status != res.StatusCode || p.Error == "" || p.Rule == "" || p.RequestID == "" {
		t.Errorf("%d: the refusal lacks members: %+v", res.StatusCode, p)
	}
	return p
}

// refusedEverywhere are what the strict policy's answers have on top of
// what requireHeaders looks at.
func requireAllHeaders(t *testing.T, res *http.Response, secure bool) {
	t.Helper()
	requireHeaders(t, res)
	for _, name := range []string{
		"X-Xss-Protection", "Permissions-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
		"Cross-Origin-Embedder-Policy", "Origin-Agent-Cluster", "X-Permitted-Cross-Domain-Policies", "X-Dns-Prefetch-Control",
	} {
		if v := res.Header.Values(name); len(v) != 1 || v[0] == "" {
			t.Errorf("%d: %s is %q, want exactly one", res.StatusCode, name, v)
		}
	}
	hsts := res.Header.Values("Strict-Transport-Security")
	switch {
	case secure && (len(hsts) != 1 || !strings.Contains(hsts[0], "max-age=")):
		t.Errorf("%d: Strict-Transport-Security is %q, want exactly one", res.StatusCode, hsts)
	case !secure && len(hsts) > 0:
		t.Errorf("%d: Strict-Transport-Security is %q over plain HTTP", res.StatusCode, hsts)
	}
}

// logBuffer collects a log.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// logger writes JSON of every level to the buffer.
func (l *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// records decodes the log.
func (l *logBuffer) records(t *testing.T) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(l.String()) {
		var rec map[string]any
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			t.Fatalf("a line of the log is not JSON: %v: %s", err, line)
		}
		all = append(all, rec)
	}
	return all
}

// eventually waits a little for what happens in another goroutine.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// pair writes a fresh certificate for the names to two files.
func pair(t *testing.T, dir string, names ...string) (files pavise.TLS, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files = pavise.TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	write(t, files.Cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, files.Key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(cert)
	return files, roots
}

// write replaces a file at once, as editors and certificate tools do.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// heapGrowth measures how much more is alive after f than before, at the
// most during it as sampled.
type heapWatch struct {
	base, most uint64
	stop       chan struct{}
	done       chan struct{}
}

func watchHeap() *heapWatch {
	w := &heapWatch{stop: make(chan struct{}), done: make(chan struct{})}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	w.base = m.HeapAlloc
	go func() {
		defer close(w.done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			// What is held counts, and not what the collector has yet to
			// find: that depends on what other tests have left.
			runtime.GC()
			runtime.ReadMemStats(&m)
			w.most = max(w.most, m.HeapAlloc)
			select {
			case <-tick.C:
			case <-w.stop:
				return
			}
		}
	}()
	return w
}

// grown ends the watch and returns the growth in MiB.
func (w *heapWatch) grown() uint64 {
	close(w.stop)
	<-w.done
	if w.most < w.base {
		return 0
	}
	return (w.most - w.base) >> 20
}

// scripted is an upstream that answers each connection by the test's own
// hand: it gets the request's head and writes what it likes.
func scripted(t *testing.T, answer func(c net.Conn, head string)) pavise.Policy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				br := bufio.NewReader(c)
				for {
					var head strings.Builder
					for {
						line, err := br.ReadString('\n')
						if err != nil {
							return
						}
						head.WriteString(line)
						if line == "\r\n" {
							break
						}
					}
					answer(c, head.String())
					if !strings.Contains(head.String(), "GET /keep") {
						return
					}
				}
			})
		}
	})
	return vectorPolicy("http://" + l.Addr().String())
}

func post(path, contentType, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, contentType, len(body), body)
}
