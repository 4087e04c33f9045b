//go:build real

package interop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// certificate writes a certificate for this machine, and returns whom to
// trust for it.
func certificate(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for file, data := range map[string][]byte{cert: chain, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(chain)
	return cert, key, roots
}

// TestTLS: over TLS the app answers the same by HTTP/2 and by HTTP/1.1, learns
// that it was reached by https, and every promise is kept there too.
func TestTLS(t *testing.T) {
	cert, key, roots := certificate(t)
	policy := exampleWith(t, "rate:\n  limit: 1000/s\n  burst: 5000\n")
	plain := literal(t)
	for _, version := range []struct {
		name string
		h2   bool
	}{{"HTTP/2.0", true}, {"HTTP/1.1", false}} {
		t.Run(version.name, func(t *testing.T) {
			addr, _ := exampleUp(t, policy, "--tls-cert", cert, "--tls-key", key)
			tr := &http.Transport{DisableCompression: true, ForceAttemptHTTP2: version.h2, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"}}
			t.Cleanup(tr.CloseIdleConnections)
			client := &http.Client{Transport: secure{tr}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			bareOf := exampleBare(t) // a fresh store, as the other has
			for _, c := range calls() {
				want, body := c.send(t, plain, bareOf)
				got, front := c.send(t, client, addr)
				at := c.method + " " + c.target
				if got.Proto != version.name {
					t.Fatalf("%s: spoken is %s", at, got.Proto)
				}
				if got.StatusCode != want.StatusCode || !bytes.Equal(front, body) {
					t.Errorf("%s: status %d, and %d bare: %.200q, and bare %.200q", at, got.StatusCode, want.StatusCode, front, body)
				}
				if l := strings.Replace(want.Header.Get("Location"), "http://", "https://", 1); got.Header.Get("Location") != l {
					t.Errorf("%s: redirected to %q, want %q", at, got.Header.Get("Location"), l)
				}
				hsts := got.Header.Values("Strict-Transport-Security")
				if len(hsts) != 1 || !strings.Contains(hsts[0], "max-age=") || strings.Contains(hsts[0], "max-age=0") {
					t.Errorf("%s: Strict-Transport-Security is %q", at, hsts)
				}
				requireSecured(t, got)
			}
			_, body := call{method: "GET", target: "/headers"}.send(t, client, addr)
			var seen struct{ Scheme, Client string }
			if err := json.Unmarshal(body, &seen); err != nil || seen.Scheme != "https" || seen.Client != "127.0.0.1" {
				t.Errorf("the app sees %s", body)
			}

			// Many at once, on one connection if it is HTTP/2.
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/slow?seconds=0.3", nil)
					res, err := client.Do(r)
					if err != nil {
						t.Error(err)
						return
					}
					res.Body.Close()
					if res.StatusCode != 200 {
						t.Errorf("one of many is answered %d", res.StatusCode)
					}
				})
			}
			wg.Wait()
		})
	}

	addr, _ := exampleUp(t, "", "--tls-cert", cert, "--tls-key", key)
	t.Run("probe", func(t *testing.T) {
		if kept, _ := probed(t, exampleDir, "--insecure-skip-verify", "https://"+addr); kept < 61 {
			t.Errorf("only %d promises", kept)
		}
	})
	t.Run("attacks", func(t *testing.T) {
		for _, attack := range []string{
			"GET /health HTTP/1.1\r\nHost: x/?.example.com\r\nConnection: close\r\n\r\n",
			"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}XX0\r\n\r\n",
			"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\nConnection: close\r\n\r\n0\r\n\r\n",
			"GET /x%2f..%2fdocs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		} {
			res, body := sendTLS(t, addr, roots, attack)
			refused(t, res, body, 400)
		}
	})
	t.Run("old versions", func(t *testing.T) {
		for _, v := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
			c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: v, MaxVersion: v})
			if err == nil {
				c.Close()
				t.Errorf("%s is spoken", tls.VersionName(v))
			}
		}
	})
}

// secure sends to https what is written for http, so that calls serve both.
type secure struct{ http.RoundTripper }

func (s secure) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme = "https"
	return s.RoundTripper.RoundTrip(r)
}

// sendTLS is sendRaw over TLS.
func sendTLS(t *testing.T, addr string, roots *x509.CertPool, raw string) (*http.Response, string) {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, ServerName: "localhost", NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	res, body, err := exchange(conn, raw)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}
