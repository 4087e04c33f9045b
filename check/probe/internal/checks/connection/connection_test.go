package connection

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
	"github.com/pavise-dev/pavise/finding"
	"github.com/pavise-dev/pavise/guard/wire"
)

const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{
 "/items":{
  "get":{"responses":{"200":{"description":"ok"}}},
  "post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}}},"responses":{"201":{"description":"ok"}}}}}}`

func service(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/items":
		w.WriteHeader(404)
	case r.Method == http.MethodPost:
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(400)
			return
		}
		w.WriteHeader(201)
	}
}

func severity(r trial.Result) finding.Severity {
	if r.Severity != finding.Unknown {
		return r.Severity
	}
	return r.Check.Severity
}

// TestNetHTTP is net/http alone: lenient here and there, and nothing that
// matters without a proxy of another reading.
func TestNetHTTP(t *testing.T) {
	t.Parallel()
	tr := trialtest.New(t, doc, http.HandlerFunc(service))
	results, _ := tr.Run(t.Context(), Checks())
	for _, r := range results {
		if r.Verdict == trial.Fail && severity(r) >= finding.Medium || r.Verdict == trial.Suspect || r.Verdict == trial.Inconclusive {
			t.Errorf("%s: %v %v %s %s", r.Check.ID, r.Verdict, severity(r), r.Got, r.Reason)
		}
	}
}

// TestStrict is our own guard in front: nothing is found.
func TestStrict(t *testing.T) {
	t.Parallel()
	guard, err := wire.New(wire.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(guard.Wrap(http.HandlerFunc(service)))
	srv.Listener = guard.Listener(srv.Listener)
	srv.Start()
	t.Cleanup(srv.Close)
	tr := trialtest.At(t, srv, doc)
	results, _ := tr.Run(t.Context(), Checks())
	for _, r := range results {
		if r.Verdict == trial.Fail || r.Verdict == trial.Suspect || r.Verdict == trial.Inconclusive {
			t.Errorf("%s: %v %s %s", r.Check.ID, r.Verdict, r.Got, r.Reason)
		}
	}
}

// lax reads heads and bodies as carelessly as it can. With pair it is two
// servers in a row that go by different fields.
type lax struct{ pair string }

func (l lax) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	br := bufio.NewReader(conn)
	for {
		first, err := br.ReadString('\n')
		if err != nil {
			return
		}
		parts := strings.Fields(first)
		if len(parts) < 3 || !strings.HasPrefix(parts[2], "HTTP/") {
			fmt.Fprint(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			return
		}
		length, chunked := 0, false
		for {
			line, err := br.ReadString('\n')
			if err != nil {
				return
			}
			if line = strings.TrimRight(line, "\r\n"); line == "" {
				break
			}
			name, value, _ := strings.Cut(line, ":")
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "content-length":
				length, _ = strconv.Atoi(strings.TrimSpace(value))
			case "transfer-encoding":
				chunked = chunked || strings.Contains(value, "chunked")
			}
		}
		switch {
		case l.pair == "none" && chunked && length > 0:
			_, _ = io.Copy(io.Discard, conn)
			return
		case l.pair == "CL.TE" && chunked && length > 0:
			// The first server has so many bytes, the second waits for more.
			body := make([]byte, length)
			_, _ = io.ReadFull(br, body)
			if !strings.HasSuffix(string(body), "0\r\n\r\n") {
				_, _ = io.Copy(io.Discard, conn)
				return
			}
		case l.pair == "TE.CL" && chunked && length > 0:
			if n := readChunks(br); n < length {
				time.Sleep(10 * time.Second)
				return
			}
		case length > 0:
			_, _ = io.CopyN(io.Discard, br, int64(length))
		case chunked:
			readChunks(br)
		}
		status := "404 Not Found"
		if strings.HasSuffix(parts[1], "/items") {
			status = map[bool]string{true: "201 Created", false: "200 OK"}[parts[0] == "POST"]
		}
		fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", status)
	}
}

// readChunks returns how many bytes it read.
func readChunks(br *bufio.Reader) int {
	n := 0
	for {
		line, err := br.ReadString('\n')
		n += len(line)
		if err != nil {
			return n
		}
		text, _, _ := strings.Cut(strings.Trim(line, "+\r\n"), ";")
		size, err := strconv.ParseInt(strings.TrimPrefix(text, "0x"), 16, 32)
		if err != nil || size > 1<<20 {
			// A line that is no size ends it, as good as any.
			continue
		}
		if size == 0 {
			end, _ := br.ReadString('\n')
			return n + len(end)
		}
		m, _ := io.CopyN(io.Discard, br, size)
		n += int(m)
		end, _ := br.ReadString('\n')
		n += len(end)
	}
}

func laxServer(t *testing.T, l lax) *trial.Trial {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go l.serve(conn)
		}
	}()
	srv := &httptest.Server{URL: "http://" + listener.Addr().String()}
	return trialtest.At(t, srv, doc)
}

func TestLax(t *testing.T) {
	t.Parallel()
	tr := laxServer(t, lax{})
	got := map[string]string{}
	results, _ := tr.Run(t.Context(), Checks())
	for _, r := range results {
		if r.Verdict == trial.Fail {
			got[r.Check.ID] += r.Got + "\n"
			if line := tr.Client.Curl(r.Shown[len(r.Shown)-1].Request, nil); !strings.HasPrefix(line, "printf '") || !strings.Contains(line, "| nc 127.0.0.1 ") || !strings.Contains(line, "X-Pavise-Probe: test") {
				t.Errorf("%s is shown by %s", r.Check.ID, line)
			}
		}
	}
	for id, want := range map[string][]string{
		"probe/framing-length": {"two lengths that differ", "a space before the colon", "Content-Length goes before", "chunked after a vertical tab"},
		"probe/framing-head":   {"a space before a colon", "two lines", "a NUL"},
		"probe/framing-chunks": {"0x", "a size with a sign", "line feed alone"},
		"probe/host-field":     {"two hosts", "no host"},
	} {
		for _, w := range want {
			if !strings.Contains(got[id], w) {
				t.Errorf("%s: got %q, want %q", id, got[id], w)
			}
		}
	}
	if got["probe/request-smuggling"] != "" {
		t.Error("one server alone is no pair:", got["probe/request-smuggling"])
	}
}

func TestSmuggling(t *testing.T) {
	for _, pair := range []string{"CL.TE", "TE.CL"} {
		t.Run(pair, func(t *testing.T) {
			t.Parallel()
			tr := laxServer(t, lax{pair: pair})
			var results []trial.Result
			smugglingWithin(t.Context(), tr, func(r trial.Result) { results = append(results, r) }, 800*time.Millisecond)
			if len(results) != 1 || results[0].Verdict != trial.Fail || len(results[0].Shown) != 2 {
				t.Errorf("got %+v", results)
			}
		})
	}
}

// TestDropped is a server that leaves requests with both fields without an
// answer: that is no pair.
func TestDropped(t *testing.T) {
	t.Parallel()
	tr := laxServer(t, lax{pair: "none"})
	var results []trial.Result
	smugglingWithin(t.Context(), tr, func(r trial.Result) { results = append(results, r) }, 500*time.Millisecond)
	if len(results) != 1 || results[0].Verdict != trial.Inconclusive {
		t.Errorf("got %+v", results)
	}
}

func upgrading(check func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" || !check(r) {
			if r.URL.Path == "/ws" {
				w.WriteHeader(403)
				return
			}
			service(w, r)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
			conn.Close()
		}
	})
}

func TestUpgrades(t *testing.T) {
	user := &identity.Identity{Name: "a", Cookies: []*http.Cookie{{Name: "s", Value: "tok-secret"}}}
	secured := strings.Replace(doc, `"get":{`, `"get":{"security":[{"c":[]}],`, 1)
	same := func(r *http.Request) bool {
		return r.URL.Path == "/ws" && r.Header.Get("Origin") == "http://"+r.Host && r.Header.Get("Cookie") != ""
	}
	for _, tt := range []struct {
		name, check string
		h           http.Handler
		want        trial.Verdict
	}{
		{"tunnel", "probe/upgrade", upgrading(func(*http.Request) bool { return true }), trial.Fail},
		{"no tunnel", "probe/upgrade", upgrading(same), trial.Pass},
		{"any origin", "probe/websocket-origin", upgrading(func(r *http.Request) bool { return r.URL.Path == "/ws" }), trial.Fail},
		{"own origin", "probe/websocket-origin", upgrading(same), trial.Pass},
		{"anybody", "probe/websocket-anonymous", upgrading(func(r *http.Request) bool { return r.URL.Path == "/ws" }), trial.Suspect},
		{"nobody", "probe/websocket-anonymous", upgrading(same), trial.Pass},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tr := trialtest.New(t, secured, tt.h, user)
			worst := trialtest.Worst(trialtest.Run(t, tr, Checks(), tt.check))
			if worst.Verdict != tt.want {
				t.Errorf("got %v %s %s", worst.Verdict, worst.Got, worst.Reason)
			}
		})
	}
}

func TestGraphQL(t *testing.T) {
	loose := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text := string(body)
		switch {
		case r.URL.Path != "/graphql":
			service(w, r)
		case strings.HasPrefix(text, "["):
			fmt.Fprint(w, "["+strings.Repeat(`{"data":{"__typename":"Query"}},`, 99)+`{"data":{"__typename":"Query"}}]`)
		case strings.Contains(text, "__schema"):
			fmt.Fprint(w, `{"data":{"__schema":{"types":[{"name":"Query"}]}}}`)
		case strings.Contains(text, "__typenam}"):
			fmt.Fprint(w, `{"errors":[{"message":"Cannot query field. Did you mean \"__typename\"?"}]}`)
		case strings.Contains(text, "a99:"):
			fmt.Fprint(w, `{"data":{"a0":"Query","a99":"Query"}}`)
		default:
			fmt.Fprint(w, `{"data":{"__typename":"Query"}}`)
		}
	}
	strict := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.URL.Path != "/graphql":
			service(w, r)
		case string(body) == `{"query":"{__typename}"}`:
			fmt.Fprint(w, `{"data":{"__typename":"Query"}}`)
		default:
			fmt.Fprint(w, `{"errors":[{"message":"no"}]}`)
		}
	}
	for _, id := range []string{"probe/graphql-introspection", "probe/graphql-bounds", "probe/graphql-suggestions"} {
		for h, want := range map[*func(http.ResponseWriter, *http.Request)]trial.Verdict{&loose: trial.Fail, &strict: trial.Pass} {
			tr := trialtest.New(t, doc, http.HandlerFunc(*h))
			if worst := trialtest.Worst(trialtest.Run(t, tr, Checks(), id)); worst.Verdict != want {
				t.Errorf("%s: got %v %s %s, want %v", id, worst.Verdict, worst.Got, worst.Reason, want)
			}
		}
	}
}

func TestTLS(t *testing.T) {
	for _, tt := range []struct {
		name, check string
		conf        *tls.Config
		want        trial.Verdict
		got         string
	}{
		{"old", "probe/tls-version", &tls.Config{MinVersion: tls.VersionTLS10}, trial.Fail, "TLS 1.0 and TLS 1.1"},
		{"new", "probe/tls-version", &tls.Config{MinVersion: tls.VersionTLS12}, trial.Pass, ""},
		{"weak", "probe/tls-cipher", &tls.Config{CipherSuites: []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}, trial.Fail, "3DES"},
		{"strong", "probe/tls-cipher", &tls.Config{CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}, trial.Pass, ""},
		{"expired", "probe/tls-certificate", &tls.Config{Certificates: []tls.Certificate{expired(t)}}, trial.Fail, "ended on"},
		// httptest's own is of an authority that nobody knows.
		{"unknown", "probe/tls-certificate", nil, trial.Suspect, "does not know"},
		{"no HTTP", "probe/https-only", nil, trial.Pass, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewUnstartedServer(http.HandlerFunc(service))
			srv.TLS = tt.conf
			srv.Config.ErrorLog = log.New(io.Discard, "", 0)
			srv.StartTLS()
			t.Cleanup(srv.Close)
			tr := trialtest.At(t, srv, doc)
			worst := trialtest.Worst(trialtest.Run(t, tr, Checks(), tt.check))
			if worst.Verdict != tt.want || !strings.Contains(worst.Got, tt.got) {
				t.Errorf("got %v %q %s", worst.Verdict, worst.Got, worst.Reason)
			}
		})
	}
}

func TestPlain(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(service))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	for want, h := range map[trial.Verdict]http.Handler{
		trial.Fail: http.HandlerFunc(service),
		trial.Pass: http.RedirectHandler("https://example.com/", http.StatusPermanentRedirect),
	} {
		open := httptest.NewServer(h)
		t.Cleanup(open.Close)
		tr := trialtest.At(t, srv, doc)
		var got []trial.Result
		plainAt(context.WithoutCancel(t.Context()), tr, func(r trial.Result) { got = append(got, r) }, []string{open.Listener.Addr().String()})
		if len(got) != 1 || got[0].Verdict != want {
			t.Errorf("got %+v, want %v", got, want)
		}
	}
}

func expired(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
