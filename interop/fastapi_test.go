//go:build real

package interop

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The app of examples/fastapi, as its users start it: bare, and behind its own
// pavise.yaml.

const exampleDir = "../examples/fastapi"

// exampleBare starts the app under uvicorn.
func exampleBare(t *testing.T) string {
	t.Helper()
	addr, _ := bare(t, python(t, "PAVISE_FASTAPI"), exampleDir, "app.main:app")
	return addr
}

// withUvicorn puts the app's uvicorn where pavise up looks for it.
func withUvicorn(t *testing.T) {
	t.Helper()
	t.Setenv("PATH", filepath.Dir(python(t, "PAVISE_FASTAPI"))+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// exampleUp starts the app behind pavise up, in its own folder. Without a
// policy it takes the folder's pavise.yaml.
func exampleUp(t *testing.T, policy string, flags ...string) (addr string, p *process) {
	t.Helper()
	withUvicorn(t)
	addr = "127.0.0.1:" + freePort(t)
	argv := append([]string{pavise(t), "up", "--listen", addr, "--admin", "off"}, flags...)
	if policy != "" {
		argv = append(argv, "--policy", policyFile(t, policy))
	}
	p = launch(t, exampleDir, argv...)
	waitHTTP(t, p, addr)
	return addr, p
}

func policyFile(t *testing.T, policy string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pavise.yaml")
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// run runs the program in a folder and returns what it printed and its exit
// code.
func run(t *testing.T, dir string, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.CommandContext(within(t, 2*time.Minute), pavise(t), args...)
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// A call is a request to the app. status is the app's own answer to it.
type call struct {
	method, target string
	status         int
	user           bool // with alice's token
	typ, body      string
}

// alice's token: the app signs with the key of development.
const token = "1.192fe6d7e6bf3a52b93e7987d482f3d5de7c300b4068433db02f433be654bbb4"

const jsonType, formType = "application/json", "application/x-www-form-urlencoded"

// calls are a day in the app's life: each route and method of it, and what a
// client gets wrong. The store counts up, so the order matters.
func calls() []call {
	file := func(name, typ, content string) string {
		return fmt.Sprintf("--pavise\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\nContent-Type: %s\r\n\r\n%s\r\n", name, typ, content)
	}
	note := func(text string) string {
		return "--pavise\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n" + text + "\r\n"
	}
	const multipart, end = "multipart/form-data; boundary=pavise", "--pavise--\r\n"
	big := strings.Repeat("0123456789abcdef", 200_000) // 3.2 MB
	all := []call{
		{method: "GET", target: "/", status: 200},
		{method: "HEAD", target: "/", status: 200},
		{method: "GET", target: "/health", status: 200},
		{method: "HEAD", target: "/health", status: 200},
		{method: "POST", target: "/health", status: 405, typ: jsonType, body: "{}"},
		{method: "GET", target: "/nosuch", status: 404},
		{method: "HEAD", target: "/nosuch", status: 404},
		{method: "GET", target: "/large?items=30000", status: 200},
		{method: "HEAD", target: "/large?items=30000", status: 200},
		{method: "GET", target: "/large?items=x", status: 422},
		{method: "GET", target: "/slow?seconds=0.2", status: 200},
		{method: "GET", target: "/crash", status: 500},
		{method: "GET", target: "/redirect?to=%2Fhealth", status: 302},
		{method: "GET", target: "/api/orders/", status: 307}, // FastAPI's own redirect of a slash
		{method: "GET", target: "/caf%C3%A9?q=%20%2B%26", status: 404},

		{method: "POST", target: "/api/login", status: 200, typ: jsonType, body: `{"email":"alice@example.com","password":"correct horse"}`},
		{method: "POST", target: "/api/login", status: 401, typ: jsonType, body: `{"email":"alice@example.com","password":"wrong"}`},
		{method: "POST", target: "/api/login", status: 422, typ: jsonType, body: `{"email":"alice@example.com"}`},
		{method: "POST", target: "/api/token", status: 200, typ: formType, body: "username=bob%40example.com&password=battery+staple"},
		{method: "POST", target: "/api/token", status: 401, typ: formType, body: "username=bob&password=x"},
		{method: "POST", target: "/api/token", status: 422, typ: formType, body: "username=bob"},

		{method: "GET", target: "/api/users", status: 200},
		{method: "POST", target: "/api/users", status: 201, typ: jsonType, body: `{"email":"zoë@example.com","name":"Zoë 🏹","password":"p"}`},
		{method: "POST", target: "/api/users", status: 409, typ: jsonType, body: `{"email":"zoë@example.com","name":"Zoë","password":"p"}`},
		{method: "GET", target: "/api/users/me", status: 200, user: true},
		{method: "GET", target: "/api/users/me", status: 401},
		{method: "GET", target: "/api/users/3", status: 200},
		{method: "GET", target: "/api/users/99", status: 404},
		{method: "GET", target: "/api/users/x", status: 422},

		{method: "GET", target: "/api/orders", status: 200},
		{method: "GET", target: "/api/orders?q=bolt&limit=1", status: 200},
		{method: "GET", target: "/api/orders?limit=0", status: 422},
		{method: "POST", target: "/api/orders", status: 201, user: true, typ: jsonType, body: `{"item":"Quarrel","quantity":3,"price":0.5}`},
		{method: "POST", target: "/api/orders", status: 201, user: true, typ: "application/json; charset=utf-8", body: ` {"item": "Wind\u006cass", "price": 1e2} `},
		{method: "POST", target: "/api/orders", status: 401, typ: jsonType, body: `{"item":"Quarrel","price":0.5}`},
		{method: "POST", target: "/api/orders", status: 422, user: true, typ: jsonType, body: `{"item":"Quarrel","price":"dear"}`},
		{method: "GET", target: "/api/orders/4", status: 200},
		{method: "PATCH", target: "/api/orders/4", status: 200, user: true, typ: jsonType, body: `{"status":"paid"}`},
		{method: "PUT", target: "/api/orders/4", status: 405, typ: jsonType, body: `{"status":"paid"}`},
		{method: "DELETE", target: "/api/orders/4", status: 204, user: true},
		{method: "DELETE", target: "/api/orders/4", status: 404, user: true},
		{method: "DELETE", target: "/api/orders/1", status: 401},

		{method: "GET", target: "/api/orders/1/comments", status: 200},
		{method: "POST", target: "/api/orders/1/comments", status: 201, user: true, typ: jsonType, body: `{"text":"<b>now</b>"}`},
		{method: "GET", target: "/api/orders/1/comments/page", status: 200},
		{method: "GET", target: "/api/orders/77/comments", status: 404},

		{method: "POST", target: "/api/uploads", status: 201, typ: multipart, body: note("zwölf") + file("a.txt", "text/plain", "hello") + file("größe.bin", "application/octet-stream", "\x00\xff\r\n--pavis\r\n") + end},
		{method: "POST", target: "/api/uploads", status: 201, typ: multipart, body: file("big.bin", "application/octet-stream", big) + end},
		{method: "POST", target: "/api/uploads", status: 422, typ: multipart, body: note("no file") + end},
		{method: "GET", target: "/api/uploads", status: 200},

		{method: "GET", target: "/events?count=3&interval_ms=10", status: 200},
		{method: "GET", target: "/events?count=-1", status: 422},
		{method: "GET", target: "/download?bytes=3000001", status: 200},
		{method: "GET", target: "/download?bytes=0", status: 200},
		{method: "POST", target: "/digest", status: 200, typ: "application/octet-stream", body: big},
		{method: "POST", target: "/echo", status: 200, typ: jsonType, body: `{"b": 1, "a": [null, 1.50, "\u00e9"]}`},
		{method: "POST", target: "/echo", status: 200, typ: "application/octet-stream", body: "\x00\x01\xfe\xff" + big},
		{method: "POST", target: "/echo", status: 200, typ: "text/plain", body: "plain"},
		{method: "POST", target: "/echo", status: 200},
	}
	for _, code := range []int{200, 201, 202, 204, 205, 206, 301, 304, 400, 401, 403, 404, 409, 410, 418, 422, 429, 451, 500, 501, 502, 503, 504} {
		all = append(all, call{method: "GET", target: fmt.Sprintf("/status/%d", code), status: code})
	}
	return append(all, call{method: "GET", target: "/status/600", status: 422})
}

// send sends a call under the name localhost, so that both apps are asked for
// the same.
func (c call) send(t *testing.T, client *http.Client, addr string) (res *http.Response, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(within(t, 30*time.Second), c.method, "http://"+addr+c.target, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "localhost"
	if c.typ != "" {
		req.Header.Set("Content-Type", c.typ)
	}
	if c.user {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err = client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", c.method, c.target, err)
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", c.method, c.target, err)
	}
	return res, body
}

// literal is a client that shows what was sent.
func literal(t *testing.T) *http.Client {
	tr := &http.Transport{DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// What the gateway may do to a response's header; nothing else.
var (
	mayRemove = []string{"Server"}
	mustAdd   = []string{
		"Content-Security-Policy", "Cross-Origin-Embedder-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
		"Origin-Agent-Cluster", "Permissions-Policy", "Ratelimit", "Ratelimit-Policy", "Referrer-Policy", "X-Content-Type-Options",
		"X-Dns-Prefetch-Control", "X-Frame-Options", "X-Permitted-Cross-Domain-Policies", "X-Xss-Protection",
	}
)

// sameHeader compares a header with the bare app's.
func sameHeader(t *testing.T, path string, bare, front http.Header) {
	t.Helper()
	for name, want := range bare {
		switch got := front.Values(name); {
		case slices.Contains(mayRemove, name):
			if len(got) > 0 {
				t.Errorf("%s is %q", name, got)
			}
		case name == "Date":
			if len(got) != 1 {
				t.Errorf("Date is %q", got)
			}
		case !slices.Equal(got, want):
			t.Errorf("%s is %q, and %q bare", name, got, want)
		}
	}
	for name, got := range front {
		_, had := bare[name]
		switch {
		case had:
		case len(got) != 1:
			t.Errorf("%s is added as %q", name, got)
		case name == "Vary" && got[0] == "Origin": // the app forgets it where it crashes
		case name == "Cache-Control" && got[0] == "no-store" && strings.HasPrefix(path, "/api/"):
		case !slices.Contains(mustAdd, name):
			t.Errorf("%s: %s is added", name, got[0])
		}
	}
	for _, name := range mustAdd {
		if len(front.Values(name)) != 1 {
			t.Errorf("%s is %q", name, front.Values(name))
		}
	}
	if strings.HasPrefix(path, "/api/") && front.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control is %q under /api/", front.Get("Cache-Control"))
	}
}

// TestSameAnswers asks two fresh apps the same, one of them behind the
// gateway.
func TestSameAnswers(t *testing.T) {
	bareAddr := exampleBare(t)
	// The default rate is for clients, not for a test in a hurry.
	frontAddr, _ := exampleUp(t, exampleWith(t, "rate:\n  limit: 1000/s\n  burst: 5000\n"))
	client := literal(t)
	all := calls()
	for _, c := range all {
		t.Run(c.method+" "+c.target, func(t *testing.T) {
			res, body := c.send(t, client, bareAddr)
			if res.StatusCode != c.status {
				t.Fatalf("bare, the status is %d, want %d: %.200s", res.StatusCode, c.status, body)
			}
			front, got := c.send(t, client, frontAddr)
			if front.StatusCode != res.StatusCode {
				t.Errorf("status %d, and %d bare: %.300s", front.StatusCode, res.StatusCode, got)
			}
			if !bytes.Equal(got, body) {
				t.Errorf("the body of %d bytes differs: %.200q, and bare %.200q", len(got), got, body)
			}
			if front.ContentLength != res.ContentLength || !slices.Equal(front.TransferEncoding, res.TransferEncoding) {
				t.Errorf("framed by %d %q, and bare by %d %q", front.ContentLength, front.TransferEncoding, res.ContentLength, res.TransferEncoding)
			}
			sameHeader(t, pathOf(c.target), res.Header, front.Header)
		})
	}
	t.Run("each route is asked for", func(t *testing.T) {
		_, body := call{method: "GET", target: "/openapi.json"}.send(t, client, bareAddr)
		for _, route := range routes(t, body) {
			if route.path == "/headers" { // TestRequestAsTheAppSeesIt
				continue
			}
			if !slices.ContainsFunc(all, func(c call) bool {
				return c.method == route.method && (c.status < 400 || c.status == 500) && route.pattern.MatchString(pathOf(c.target))
			}) {
				t.Errorf("%s %s is not asked for", route.method, route.path)
			}
		}
	})
}

// pathOf is a target's path.
func pathOf(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return path
}

type route struct {
	method, path string
	pattern      *regexp.Regexp
}

var parameter = regexp.MustCompile(`\\\{[a-z_]+\\\}`)

// routes reads every route and method from the app's own description.
func routes(t *testing.T, openapi []byte) (out []route) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(openapi, &doc); err != nil {
		t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		pattern := regexp.MustCompile("^" + parameter.ReplaceAllString(regexp.QuoteMeta(path), "[^/]+") + "$")
		for method := range methods {
			out = append(out, route{strings.ToUpper(method), path, pattern})
		}
	}
	if len(out) < 20 {
		t.Fatalf("only %d routes are described", len(out))
	}
	return out
}

// exampleWith is the example's policy and more of it.
func exampleWith(t *testing.T, more string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(exampleDir, "pavise.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n" + more
}

// TestRequestAsTheAppSeesIt: nothing that a stranger says of himself reaches
// the app, and what we say of him does.
func TestRequestAsTheAppSeesIt(t *testing.T) {
	addr, _ := exampleUp(t, "")
	r, err := http.NewRequestWithContext(within(t, 10*time.Second), http.MethodGet, "http://"+addr+"/headers?b=2&a=%20", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "LOCALHOST."
	r.Header = http.Header{
		"User-Agent": {"test"}, "Accept": {"a/b", "c/d"}, "X-Own": {"kept"}, "Authorization": {"Bearer x"},
		"X-Forwarded-For": {"6.6.6.6"}, "X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"https"}, "Forwarded": {"for=6.6.6.6"},
		"X-Real-Ip": {"6.6.6.6"}, "X-Original-Url": {"/docs"}, "X-Http-Method-Override": {"DELETE"}, "X-Request-Id": {"mine"}, "Te": {"gzip"},
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var seen struct {
		Method, Path, Query, Scheme, Client string
		Headers                             [][2]string
	}
	if err := json.NewDecoder(res.Body).Decode(&seen); err != nil {
		t.Fatal(err)
	}
	if seen.Method != "GET" || seen.Path != "/headers" || seen.Query != "b=2&a=%20" || seen.Scheme != "http" || seen.Client != "127.0.0.1" {
		t.Errorf("the app sees %+v", seen)
	}
	var got []string
	for _, h := range seen.Headers {
		if h[0] == "x-request-id" {
			if h[1] == "mine" || len(h[1]) < 20 {
				t.Errorf("the request's id is %q", h[1])
			}
			h[1] = "ID"
		}
		got = append(got, h[0]+": "+h[1])
	}
	slices.Sort(got)
	want := []string{
		"accept-encoding: gzip", "accept: a/b", "accept: c/d", "authorization: Bearer x", "host: localhost", "user-agent: test",
		"x-forwarded-for: 127.0.0.1", "x-forwarded-host: localhost", "x-forwarded-proto: http", "x-own: kept", "x-request-id: ID",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the app sees\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestEventsStream: the first event is there before the last one is sent,
// which the app does two intervals after the first at the earliest.
func TestEventsStream(t *testing.T) {
	addr, _ := exampleUp(t, "")
	const interval = 1500 * time.Millisecond
	start := time.Now()
	res, err := http.Get(fmt.Sprintf("http://%s/events?count=3&interval_ms=%d", addr, interval.Milliseconds()))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	var ids []string
	for lines.Scan() {
		id, ok := strings.CutPrefix(lines.Text(), "id: ")
		if !ok {
			continue
		}
		ids = append(ids, id)
		if since := time.Since(start); len(ids) < 3 && since >= time.Duration(2)*interval {
			t.Errorf("event %s came after %v, when the last was sent already", id, since)
		}
	}
	if err := lines.Err(); err != nil || !slices.Equal(ids, []string{"1", "2", "3"}) {
		t.Errorf("events %q, %v", ids, err)
	}
}

// TestChunkedBody: a body whose length nobody knows beforehand comes to the
// app whole.
func TestChunkedBody(t *testing.T) {
	addr, p := exampleUp(t, "", "--access-log", "json")
	pr, pw := io.Pipe()
	r, err := http.NewRequestWithContext(within(t, 30*time.Second), http.MethodPost, "http://"+addr+"/digest", pr)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/octet-stream")
	block := bytes.Repeat([]byte("pavise"), 50_000)
	sum := sha256.New()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 8 {
			sum.Write(block)
			if _, err := pw.Write(block); err != nil {
				t.Error(err)
				return
			}
		}
		_ = pw.Close()
	}()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(p.log.String()))
	}
	defer res.Body.Close()
	<-done
	var got struct {
		Size   int
		SHA256 string
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Size != 8*len(block) || got.SHA256 != hex.EncodeToString(sum.Sum(nil)) {
		t.Errorf("the app has read %+v", got)
	}
}

// TestDocsAreClosed: the description is there bare, and not behind the
// policy.
func TestDocsAreClosed(t *testing.T) {
	bareAddr := exampleBare(t)
	frontAddr, _ := exampleUp(t, "")
	client := literal(t)
	for _, path := range []string{"/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"} {
		if res, _ := (call{method: "GET", target: path}).send(t, client, bareAddr); res.StatusCode != 200 {
			t.Errorf("bare, %s is answered %d", path, res.StatusCode)
		}
		res, body := call{method: "GET", target: path}.send(t, client, frontAddr)
		refused(t, res, string(body), 404)
		if bytes.Contains(body, []byte("swagger")) || bytes.Contains(body, []byte("/api/")) {
			t.Errorf("%s: %s", path, body)
		}
	}
}

// TestCORSIsThePolicys: the app lets every origin read with credentials; the
// gateway lets one.
func TestCORSIsThePolicys(t *testing.T) {
	bareAddr := exampleBare(t)
	frontAddr, _ := exampleUp(t, "")
	ask := func(addr, method, origin string) *http.Response {
		r, err := http.NewRequestWithContext(within(t, 10*time.Second), method, "http://"+addr+"/api/orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", origin)
		r.Header.Set("Cookie", "session="+token)
		if method == http.MethodOptions {
			r.Header.Set("Access-Control-Request-Method", "DELETE")
			r.Header.Set("Access-Control-Request-Headers", "authorization")
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	const ours, evil = "https://shop.example.com", "https://evil.example"
	if res := ask(bareAddr, "GET", evil); res.Header.Get("Access-Control-Allow-Origin") != evil || res.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("bare, a foreign page may not read: %v", res.Header)
	}
	for _, method := range []string{"GET", "OPTIONS"} {
		res := ask(frontAddr, method, evil)
		for name := range res.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: a foreign page gets %s: %q", method, name, res.Header[name])
			}
		}
		res = ask(frontAddr, method, ours)
		if got := res.Header.Values("Access-Control-Allow-Origin"); !slices.Equal(got, []string{ours}) || res.StatusCode > 204 || len(res.Header.Values("Access-Control-Allow-Credentials")) > 0 {
			t.Errorf("%s: our own page gets %d %v", method, res.StatusCode, res.Header)
		}
	}
}

var summary = regexp.MustCompile(`(\d+) kept, (\d+) broken, (\d+) could not tell(?:, (\d+) left out)?`)

// probed runs pavise probe, requires that every promise is kept and returns
// how many there are and how many were left out.
func probed(t *testing.T, dir string, args ...string) (kept, left int) {
	t.Helper()
	out, code := run(t, dir, append([]string{"probe", "--promises"}, args...)...)
	m := summary.FindStringSubmatch(out)
	if code != 0 || m == nil || m[2] != "0" || m[3] != "0" {
		var bad []string
		for line := range strings.SplitSeq(out, "\n") {
			if !strings.HasPrefix(line, "kept") {
				bad = append(bad, line)
			}
		}
		t.Fatalf("probe ends with %d\n%s", code, strings.Join(bad, "\n"))
	}
	_, _ = fmt.Sscan(m[1], &kept)
	_, _ = fmt.Sscan(m[4], &left) // nothing is said of none
	return kept, left
}

// TestProbe: every promise of the example's policy is kept before the app, and
// of a policy with small limits those too that can only be tested by tripping
// them.
func TestProbe(t *testing.T) {
	t.Run("gentle", func(t *testing.T) {
		addr, _ := exampleUp(t, "")
		if kept, _ := probed(t, exampleDir, "http://"+addr); kept < 60 {
			t.Errorf("only %d promises", kept)
		}
	})
	t.Run("intrusive", func(t *testing.T) {
		policy := exampleWith(t, `
limits:
  concurrency: 16
  body: 256KiB
  header_read: 1s
  body_read: 3s
rate:
  limit: 50/s
  burst: 60
`)
		addr, _ := exampleUp(t, policy)
		kept, left := probed(t, exampleDir, "--intrusive", "--policy", policyFile(t, policy), "http://"+addr)
		if kept < 65 || left > 1 { // HSTS is a promise about TLS
			t.Errorf("%d promises are kept, and %d left out", kept, left)
		}
	})
	t.Run("bare", func(t *testing.T) {
		out, code := run(t, exampleDir, "probe", "http://"+exampleBare(t))
		if code != 1 || !strings.Contains(out, "\nbroken") {
			t.Errorf("a probe of the bare app ends with %d", code)
		}
	})
}
