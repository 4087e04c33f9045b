package gateway

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pavise-dev/pavise"
)

func TestCertificateReload(t *testing.T) {
	up := newRecordingUpstream(t)
	dir := t.TempDir()
	files, first := pair(t, dir, "a")
	p := vectorPolicy(up.url)
	p.Gateway.TLS = &files
	var log logBuffer
	addr, _ := start(t, p, func(o *Options) { o.Log = log.logger() })
	if res, _ := get(t, client(t, addr, &tls.Config{RootCAs: first}), "https://a/"); res.StatusCode != 200 || res.ProtoMajor != 2 {
		t.Fatalf("%s %d", res.Proto, res.StatusCode)
	}
	kept := client(t, addr, &tls.Config{RootCAs: first})
	get(t, kept, "https://a/")
	// Nonsense changes nothing but the log.
	whole, err := os.ReadFile(files.Cert)
	if err != nil {
		t.Fatal(err)
	}
	write(t, files.Cert, "nonsense")
	eventually(t, "the mistake is logged", func() bool { return strings.Contains(log.String(), "gateway.tls") })
	get(t, client(t, addr, &tls.Config{RootCAs: first}), "https://a/")
	write(t, files.Cert, string(whole))
	_, second := pair(t, dir, "a")
	eventually(t, "the new certificate is served", func() bool {
		c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: second, ServerName: "a"})
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	})
	if res, _ := get(t, kept, "https://a/"); res.StatusCode != 200 {
		t.Errorf("an open connection is answered %d", res.StatusCode)
	}
}

func TestTLSVersions(t *testing.T) {
	up := newRecordingUpstream(t)
	files, roots := pair(t, t.TempDir(), "a")
	for _, minimum := range []string{"", "1.3"} {
		p := vectorPolicy(up.url)
		tlsFiles := files
		tlsFiles.MinVersion = minimum
		p.Gateway.TLS = &tlsFiles
		addr, _ := start(t, p, nil)
		for version, allowed := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: minimum == "", tls.VersionTLS13: true} {
			c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, ServerName: "a", MinVersion: version, MaxVersion: version})
			if (err == nil) != allowed {
				t.Errorf("min_version %q: TLS %x: %v", minimum, version, err)
			}
			if err == nil {
				_ = c.Close()
			}
		}
		if c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, ServerName: "a", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}); err == nil {
			_ = c.Close()
			t.Error("a suite without AEAD is taken")
		}
	}
}

// TestPolicyReload changes the policy under load: by the file and by Reload.
func TestPolicyReload(t *testing.T) {
	app := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Millisecond)
		_, _ = io.WriteString(w, "ok")
	}))
	app.Rate.InsecureUnlimited = true
	file := filepath.Join(t.TempDir(), "pavise.yaml")
	write(t, file, "one")
	load := func() (pavise.Policy, error) {
		text, err := os.ReadFile(file)
		p := app
		switch string(text) {
		case "one":
		case "two":
			p.APIDocs.Open = true
		case "invalid":
			p.Hosts.Allow = []string{"not a name"}
		default:
			err = errors.Join(err, errors.New("cannot be parsed"))
		}
		return p, err
	}
	var log logBuffer
	addr, admin, gw := startBoth(t, app, func(o *Options) {
		o.Load, o.Watch, o.Log = load, []string{file}, log.logger()
	})
	stop := make(chan struct{})
	var all sync.WaitGroup
	var served atomic.Int64
	for range 4 {
		all.Go(func() {
			c := client(t, addr, nil)
			for {
				select {
				case <-stop:
					return
				default:
				}
				res, err := c.Get("http://a/x")
				if err != nil {
					t.Errorf("a request was lost: %v", err)
					return
				}
				body, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if res.StatusCode != 200 || string(body) != "ok" || err != nil {
					t.Errorf("a request is answered %d %q, %v", res.StatusCode, body, err)
					return
				}
				served.Add(1)
			}
		})
	}
	docs := func() int {
		res, _ := exchangeRaw(t, addr, "GET /docs HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		return res.StatusCode
	}
	for i := range 20 {
		write(t, file, []string{"two", "one"}[i%2])
		if err := gw.Reload(); err != nil {
			t.Error(err)
		}
		if want := []int{200, 404}[i%2]; docs() != want {
			t.Errorf("after change %d /docs is answered %d", i, docs())
		}
	}
	write(t, file, "two")
	eventually(t, "the file's change is in force", func() bool { return docs() == 200 })
	for _, bad := range []string{"invalid", "nonsense"} {
		before := strings.Count(log.String(), "the former one stays in force")
		write(t, file, bad)
		eventually(t, "the mistake is logged", func() bool { return strings.Count(log.String(), "the former one stays in force") > before })
		if docs() != 200 {
			t.Errorf("after %q the former policy is gone", bad)
		}
	}
	if !strings.Contains(log.String(), "hosts.allow[0]") {
		t.Error("the log does not name the key of the mistake")
	}
	close(stop)
	all.Wait()
	if served.Load() < 100 {
		t.Errorf("only %d requests", served.Load())
	}
	_, text := get(t, &http.Client{}, "http://"+admin+"/-/metrics")
	for _, want := range []string{`pavise_policy_reloads_total{result="failed"} 2`, `pavise_policy_reloads_total{result="ok"} 2`} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

func TestAdmin(t *testing.T) {
	hold := make(chan struct{})
	entered := make(chan struct{}, 1)
	app := serving(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			entered <- struct{}{}
			<-hold
		}
	}))
	addr, admin, gw := startBoth(t, app, nil)
	c := &http.Client{}
	ask := func(path string, want int) string {
		t.Helper()
		res, body := get(t, c, "http://"+admin+path)
		if res.StatusCode != want {
			t.Errorf("%s: status %d: %s", path, res.StatusCode, body)
		}
		requireHeaders(t, res)
		return body
	}
	ask("/-/healthz", 200)
	ask("/-/readyz", 200)
	for range 3 {
		exchangeRaw(t, addr, "GET /users/12345/docs HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	}
	exchangeRaw(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	eventually(t, "all is counted", func() bool { return gw.inFlight.Load() == 0 })
	metrics := ask("/-/metrics", 200)
	for _, want := range []string{
		"# TYPE pavise_requests_total counter", `pavise_requests_total{status="404"} 3`, `pavise_requests_total{status="200"} 1`,
		`pavise_refusals_total{mode="enforce",rule="apidocs/closed"} 3`, "# TYPE pavise_request_duration_seconds histogram", "pavise_requests_in_flight 0", "go_goroutines", "pavise_upstream_pending 0",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %q", want)
		}
	}
	var report Report
	if err := json.Unmarshal([]byte(ask("/-/report", 200)), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Tallies) != 1 || report.Tallies[0].Route != "GET /users/{id}/docs" || report.Tallies[0].Refused != 3 {
		t.Errorf("the report is %+v", report)
	}
	ask("/", 404)
	ask("/-/nothing", 404)

	// A page whose name was rebound to this address reads nothing.
	for _, host := range []string{"evil.com", "evil.com:9180", "a", ""} {
		res, body := exchangeRaw(t, admin, "GET /-/report HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
		requireHeaders(t, res)
		if res.StatusCode < 400 || strings.Contains(body, "tallies") {
			t.Errorf("Host %q reads %d %s", host, res.StatusCode, body)
		}
	}
	for _, method := range []string{"POST", "DELETE"} {
		res, _ := exchangeRaw(t, admin, method+" /-/report HTTP/1.1\r\nHost: "+admin+"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		if res.StatusCode != 405 {
			t.Errorf("%s is answered %d", method, res.StatusCode)
		}
		requireHeaders(t, res)
	}
	// The admin pages are not on the public address.
	if res, _ := exchangeRaw(t, addr, "GET /-/metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); res.StatusCode != 200 || res.ContentLength != 0 {
		t.Errorf("the public address answers /-/metrics by itself: %d", res.StatusCode)
	}

	gw.draining.Store(true)
	if body := ask("/-/readyz", 503); !strings.Contains(body, "draining") {
		t.Errorf("readyz says %q", body)
	}
	ask("/-/healthz", 200)
	gw.draining.Store(false)
	close(hold)
}

// TestReadiness: an upstream that is not there is no reason to be ready.
func TestReadiness(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, admin, _ := startBoth(t, vectorPolicy("http://"+l.Addr().String()), nil)
	if res, _ := get(t, &http.Client{}, "http://"+admin+"/-/readyz"); res.StatusCode != 200 {
		t.Errorf("status %d", res.StatusCode)
	}
	_ = l.Close()
	if res, _ := get(t, &http.Client{}, "http://"+admin+"/-/readyz"); res.StatusCode != 503 {
		t.Errorf("status %d", res.StatusCode)
	}
}

// TestLogs looks for secrets in everything that is ever logged.
func TestLogs(t *testing.T) {
	up := newRecordingUpstream(t)
	p := vectorPolicy(up.url)
	p.Gateway.RedactQuery = []string{"card"}
	var log, access logBuffer
	addr, _ := start(t, p, func(o *Options) { o.Log, o.AccessLog = log.logger(), access.logger() })
	const secret = "c4n4ry"
	bodies := []string{`{"password":"` + secret + `"}`, `{"a":"` + secret + `","a":"` + secret + `"}`, `{"a":"` + secret, `"` + secret + `\ud800"`, secret}
	var raws []string
	credentials := "Authorization: Bearer " + secret + "\r\nCookie: session=" + secret + "\r\nProxy-Authorization: Basic " + secret + "\r\nX-Api-Key: " + secret + "\r\nConnection: close\r\n"
	for _, target := range []string{
		"/", "/docs", "/x/../y", "/?token=" + secret, "/?a=1&access_token=" + secret, "/?CARD=" + secret, "/?" + secret, "/?api_key=" + secret + "&b=%zz", "/?password=" + secret + ";x=1",
		"/?%74oken=" + secret, "/?x[token]=" + secret, "/?code=" + secret + "&state=" + secret, "//x?token=" + secret, "/docs?sig=" + secret, "http://evil.com/?token=" + secret, "/?token=" + secret + "#x", "/?token=" + secret + "\x01",
	} {
		raws = append(raws, "GET "+target+" HTTP/1.1\r\nHost: a\r\n"+credentials+"\r\n")
	}
	for _, b := range bodies {
		raws = append(raws,
			fmt.Sprintf("POST /j HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s", len(b), credentials, b),
			fmt.Sprintf("POST /j HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", credentials, len(b), b),
			fmt.Sprintf("POST /j HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n%s\r\n%s", len(b), credentials, b),
			fmt.Sprintf("POST /j HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n%s\r\n%s\r\n", credentials, b))
	}
	raws = append(raws,
		"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "+secret+"\r\n folded "+secret+"\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nAuthorization : "+secret+"\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: "+secret+"\r\nAuthorization: "+secret+"\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nCookie: s="+secret+"\x00\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: user:"+secret+"@a\r\n\r\n",
		"GET http://user:"+secret+"@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
	)
	for _, raw := range raws {
		exchangeRaw(t, addr, raw)
	}
	eventually(t, "all is logged", func() bool { return len(access.records(t)) >= len(raws) })
	for name, text := range map[string]string{"access log": access.String(), "log": log.String()} {
		for line := range strings.Lines(text) {
			if strings.Contains(line, secret) {
				t.Errorf("the %s has a secret: %s", name, line)
			}
		}
	}
	refused := 0
	for _, rec := range access.records(t) {
		for _, key := range []string{"time", "request_id", "client", "method", "path", "status", "duration", "verdict"} {
			if v, ok := rec[key]; !ok || v == "" {
				t.Errorf("a record lacks %s: %v", key, rec)
			}
		}
		if rec["client"] != "127.0.0.1" {
			t.Errorf("the client is %v", rec["client"])
		}
		if rec["verdict"] == "refused" {
			refused++
			if rec["rule"] == nil || rec["reason"] == nil {
				t.Errorf("a refusal lacks its rule or reason: %v", rec)
			}
		}
	}
	if refused < 20 {
		t.Errorf("only %d refusals", refused)
	}
}

// TestLogIDs: the id in the refusal, in the log and at the upstream is one,
// and never the client's.
func TestLogIDs(t *testing.T) {
	up := newRecordingUpstream(t)
	var access logBuffer
	addr, _ := start(t, vectorPolicy(up.url), func(o *Options) { o.AccessLog = access.logger() })
	exchangeRaw(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\nConnection: close\r\n\r\n")
	_, body := exchangeRaw(t, addr, "GET /docs HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	eventually(t, "both are logged", func() bool { return len(access.records(t)) == 2 })
	recs, got := access.records(t), up.take()
	if id := got[0].Header.Values("X-Request-Id"); len(id) != 1 || id[0] != recs[0]["request_id"] || id[0] == "mine" {
		t.Errorf("the upstream's id is %q, the log's %v", id, recs[0]["request_id"])
	}
	var p refusalOf
	_ = json.Unmarshal([]byte(body), &p)
	if p.RequestID != recs[1]["request_id"] {
		t.Errorf("the refusal's id is %s, the log's %v", p.RequestID, recs[1]["request_id"])
	}
}

// TestAborted: a response that was broken off is not logged as served.
func TestAborted(t *testing.T) {
	entered := make(chan struct{})
	p := serving(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-r.Context().Done()
	}))
	var access logBuffer
	addr, _ := start(t, p, func(o *Options) { o.AccessLog = access.logger() })
	c := dial(t, addr)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-entered
	_ = c.Close()
	eventually(t, "it is logged", func() bool { return len(access.records(t)) == 1 })
	if rec := access.records(t)[0]; rec["verdict"] != "aborted" || rec["status"] != 0.0 {
		t.Errorf("the record is %v", rec)
	}
}

func TestDrain(t *testing.T) {
	entered, hold := make(chan struct{}, 1), make(chan struct{})
	p := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			entered <- struct{}{}
			<-hold
		}
		_, _ = io.WriteString(w, "done")
	}))
	p.Gateway.Listen, p.Gateway.Admin = "127.0.0.1:0", "off"
	ready := make(chan net.Addr, 1)
	gw, err := New(Options{Policy: p, Log: testLog(t), Ready: func(public, _ net.Addr) { ready <- public }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := testContext(t)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- gw.Run(ctx) }()
	addr := (<-ready).String()
	kept := dial(t, addr)
	kept.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	kept.answer("GET")
	inFlight := dial(t, addr)
	inFlight.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
	<-entered
	stop()
	eventually(t, "it drains", gw.draining.Load)
	for _, c := range []*wireConn{kept, dial(t, addr)} {
		c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		res, body := c.answer("GET")
		requireRefusal(t, res, body, 503)
		requireAllHeaders(t, res, false)
		if res.Header.Get("Retry-After") == "" || !res.Close {
			t.Errorf("the refusal's header is %v", res.Header)
		}
	}
	close(hold)
	if res, body := inFlight.answer("GET"); res.StatusCode != 200 || body != "done" {
		t.Errorf("the request in flight is answered %d %q", res.StatusCode, body)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(3 * time.Second):
		t.Fatal("it does not stop")
	}
	if c, err := net.Dial("tcp", addr); err == nil {
		_ = c.Close()
		t.Error("it still listens")
	}
}

// TestDrainTunnels: what was upgraded ends with the gateway, at the latest
// after the graceful time.
func TestDrainTunnels(t *testing.T) {
	p, _ := echo(t)
	p.Gateway.GracefulTimeout = 200 * time.Millisecond
	p.Gateway.Listen, p.Gateway.Admin = "127.0.0.1:0", "off"
	ready := make(chan net.Addr, 1)
	gw, err := New(Options{Policy: p, Log: testLog(t), Ready: func(public, _ net.Addr) { ready <- public }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := testContext(t)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- gw.Run(ctx) }()
	c := dial(t, (<-ready).String())
	c.send(handshake + "\r\n")
	if res := c.head("GET"); res.StatusCode != 101 {
		t.Fatalf("status %d", res.StatusCode)
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(3 * time.Second):
		t.Fatal("it does not stop")
	}
	if !c.closed() {
		t.Error("the tunnel outlives the gateway")
	}
}

func TestUnixSocket(t *testing.T) {
	up := newRecordingUpstream(t)
	dir, err := os.MkdirTemp("", "pavise") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	stale, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = stale.Close()

	l, err := listen("unix:"+path, "")
	if err != nil {
		t.Fatalf("a stale socket: %v", err)
	}
	if _, err := listen("unix:"+path, ""); err == nil || !strings.Contains(err.Error(), "served") {
		t.Errorf("a served socket: %v", err)
	}
	_ = l.Close()
	write(t, path, "precious")
	if _, err := listen("unix:"+path, ""); err == nil {
		t.Error("a file was taken for a socket")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("the file is gone: %v", err)
	}
	_ = os.Remove(path)

	var access logBuffer
	p := vectorPolicy(up.url)
	start(t, p, func(o *Options) {
		o.Policy.Gateway.Listen, o.AccessLog = "unix:"+path, access.logger()
	})
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	w := wrapConn(t, c)
	w.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n")
	res, body := w.answer("GET")
	if res.StatusCode != 200 {
		t.Fatalf("status %d: %s", res.StatusCode, body)
	}
	requireHeaders(t, res)
	if got := up.take(); len(got) != 1 || got[0].Header.Get("X-Forwarded-For") == "6.6.6.6" {
		t.Errorf("the upstream saw %v", got)
	}
	eventually(t, "it is logged", func() bool { return len(access.records(t)) == 1 })
	if rec := access.records(t)[0]; rec["client"] != "local" {
		t.Errorf("the client is %v", rec["client"])
	}
}

// TestPlainListener redirects to where TLS is served, and serves nothing.
func TestPlainListener(t *testing.T) {
	up := newRecordingUpstream(t)
	files, roots := pair(t, t.TempDir(), "api.example.com")
	free := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
	plainAt, secureAt := free(), free()
	p := vectorPolicy(up.url)
	p.HTTPS.InsecureAllowPlain = false
	p.Gateway.TLS, p.Gateway.Plain = &files, plainAt
	start(t, p, func(o *Options) { o.Policy.Gateway.Listen = secureAt })
	_, port, _ := net.SplitHostPort(secureAt)
	res, body := exchangeRaw(t, plainAt, "GET /x?y=1 HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n\r\n")
	if want := "https://api.example.com:" + port + "/x?y=1"; res.StatusCode != 308 || res.Header.Get("Location") != want {
		t.Errorf("%d to %q, want %q: %s", res.StatusCode, res.Header.Get("Location"), want, body)
	}
	requireAllHeaders(t, res, false)
	res, body = exchangeRaw(t, plainAt, "POST /x HTTP/1.1\r\nHost: api.example.com\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	requireRefusal(t, res, body, 403)
	if got := up.take(); len(got) > 0 {
		t.Errorf("plain HTTP reached the upstream: %v", got)
	}
	c := client(t, secureAt, &tls.Config{RootCAs: roots})
	if res, _ := get(t, c, "https://api.example.com/x"); res.StatusCode != 200 {
		t.Errorf("TLS is answered %d", res.StatusCode)
	} else {
		requireAllHeaders(t, res, true)
	}
	if got := up.take(); len(got) != 1 || got[0].Header.Get("X-Forwarded-Proto") != "https" {
		t.Errorf("the upstream saw %v", got)
	}
}

// TestReloadSaysWhatItCannot: a key that a running gateway does not follow is
// named.
func TestReloadSaysWhatItCannot(t *testing.T) {
	up := newRecordingUpstream(t)
	next := vectorPolicy(up.url)
	next.Limits.HeaderRead, next.Limits.KeepAlive = time.Second, time.Second
	next.Gateway.Listen = ":1"
	var log logBuffer
	_, gw := start(t, vectorPolicy(up.url), func(o *Options) {
		o.Log, o.Load = log.logger(), func() (pavise.Policy, error) { return next, nil }
	})
	if err := gw.Reload(); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"gateway.listen", "limits.header_read", "limits.keep_alive"} {
		if !strings.Contains(log.String(), `"`+key+`"`) {
			t.Errorf("the log does not name %s: %s", key, log.String())
		}
	}
}
