//go:build real

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// These tests show a published attack work against an unmodified application
// on the versions that it was published for, and fail against the same
// application behind the built-in policy. If an attack does not work bare,
// the test fails too: it would prove nothing.

func post(path, contentType, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", path, contentType, len(body), body)
}

func mustSend(t *testing.T, addr, raw string) (*http.Response, string) {
	t.Helper()
	res, body, err := sendRaw(within(t, 60*time.Second), addr, raw)
	if err != nil {
		t.Fatalf("%s: %v", addr, err)
	}
	return res, body
}

// refused requires one of the statuses and the policy's headers.
func refused(t *testing.T, res *http.Response, body string, statuses ...int) {
	t.Helper()
	for _, s := range statuses {
		if res.StatusCode == s {
			if res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("the refusal lacks its headers: %v", res.Header)
			}
			return
		}
	}
	t.Errorf("status %d, want %v: %s", res.StatusCode, statuses, body)
}

// CVE-2026-48710: the URL that middleware sees is made from Host, so a path
// rule is walked around while the router still finds the path.
func TestBadHost(t *testing.T) {
	for _, env := range []string{"PAVISE_STARLETTE_047", "PAVISE_FASTAPI_092"} {
		t.Run(env, func(t *testing.T) {
			addr, _ := bare(t, python(t, env), "old", "app:app")
			const attack = "GET /api/ok HTTP/1.1\r\nHost: x/?.example.com\r\nConnection: close\r\n\r\n"
			res, body := mustSend(t, addr, strings.Replace(attack, "x/?.example.com", "127.0.0.1", 1))
			if res.StatusCode != 200 || res.Header.Get("Cache-Control") != "no-store" {
				t.Fatalf("the application's own rule does not work at all: %d %v %s", res.StatusCode, res.Header, body)
			}
			res, body = mustSend(t, addr, attack)
			if res.StatusCode != 200 || res.Header.Get("Cache-Control") == "no-store" {
				t.Fatalf("bare, the attack does not work: %d %v %s", res.StatusCode, res.Header, body)
			}
			front, _ := upFront(t, addr, "")
			res, body = mustSend(t, front, attack)
			refused(t, res, body, 400)
		})
	}
}

// CVE-2024-24762: a Content-Type parameter that a regular expression needs
// exponential time for: python-multipart 0.0.5 needs some 1.6 times as long
// for each further backslash, two seconds for these, and years for a hundred.
func TestContentTypeBacktracking(t *testing.T) {
	addr, _ := bare(t, python(t, "PAVISE_FASTAPI_092"), "old", "app:app")
	attack := post("/api/form", `application/x-www-form-urlencoded; !="`+strings.Repeat(`\`, 34), "a=1")
	front, _ := upFront(t, addr, "")
	start := time.Now()
	res, body := mustSend(t, front, attack)
	refused(t, res, body, 400, 415)
	t.Logf("behind the policy it took %v", time.Since(start))

	ping := func() time.Duration {
		start := time.Now()
		res, err := http.Get("http://" + addr + "/ping")
		if err == nil {
			res.Body.Close()
		}
		return time.Since(start)
	}
	calm := ping()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	go func() { _, _, _ = sendRaw(ctx, addr, attack) }()
	time.Sleep(300 * time.Millisecond)
	stalled := ping()
	if stalled < 20*calm || stalled < 200*time.Millisecond {
		t.Errorf("bare, the attack does not work: a ping took %v, and %v before", stalled, calm)
	}
}

// CVE-2024-47874: a form field without a filename is held in memory, however
// large.
func TestFieldWithoutBound(t *testing.T) {
	addr, p := bare(t, python(t, "PAVISE_FASTAPI_092"), "old", "app:app")
	const size = 64 << 20
	body := "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" + strings.Repeat("x", size) + "\r\n--b--\r\n"
	attack := post("/api/form", "multipart/form-data; boundary=b", body)
	small := post("/api/form", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"+strings.Repeat("x", 2<<20)+"\r\n--b--\r\n")

	front, _ := upFront(t, addr, "")
	before := resident(t, p.cmd.Process.Pid)
	res, text := mustSend(t, front, attack)
	refused(t, res, text, 413)
	res, text = mustSend(t, front, small)
	refused(t, res, text, 400, 413)
	if grown := resident(t, p.cmd.Process.Pid) - before; grown > 16<<20 {
		t.Errorf("behind the policy the application grew by %d MiB", grown>>20)
	}

	before = resident(t, p.cmd.Process.Pid)
	res, text = mustSend(t, addr, attack)
	if res.StatusCode != 200 || !strings.Contains(text, strconv.Itoa(size)) {
		t.Fatalf("bare, the attack does not work: %d %s", res.StatusCode, text)
	}
	if grown := peak(t, p.cmd.Process.Pid) - before; grown < size {
		t.Errorf("bare, the attack does not work: the application grew by %d MiB only", grown>>20)
	}
}

// CVE-2025-54121: an upload larger than what is held in memory is moved to
// the disk by the event loop's own thread. Starlette 0.47.1 is the last that
// does so; each older one with a form parser does too.
func TestSpoolInEventLoop(t *testing.T) {
	addr, _ := bare(t, python(t, "PAVISE_STARLETTE_047"), "old", "app:app")
	upload := func(size int) string {
		return post("/api/form", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n"+strings.Repeat("x", size)+"\r\n--b--\r\n")
	}
	inLoop := func() int {
		_, body := mustSend(t, addr, "GET /rollovers HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
		var r struct {
			InLoop int `json:"in_loop"`
		}
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			t.Fatal(err)
		}
		return r.InLoop
	}
	front, _ := upFront(t, addr, "")
	for _, size := range []int{3 << 20, 1<<20 + 1} {
		res, body := mustSend(t, front, upload(size))
		refused(t, res, body, 413)
	}
	if res, body := mustSend(t, front, upload(1<<20)); res.StatusCode != 200 {
		t.Errorf("what is held in memory is answered %d %s", res.StatusCode, body)
	}
	if n := inLoop(); n != 0 {
		t.Errorf("behind the policy the event loop wrote to the disk %d times", n)
	}
	for i, size := range []int{1<<20 + 1, 3 << 20} {
		if res, body := mustSend(t, addr, upload(size)); res.StatusCode != 200 {
			t.Fatalf("bare: %d %s", res.StatusCode, body)
		}
		if n := inLoop(); n != i+1 {
			t.Errorf("bare, the attack does not work: the event loop wrote to the disk %d times, want %d", n, i+1)
		}
	}
}

// CVE-2023-30798: a form with any number of parts, each of which costs.
// Starlette counts them since 0.25, which FastAPI 0.92 has, so an older pair.
func TestManyParts(t *testing.T) {
	addr, _ := bare(t, python(t, "PAVISE_FASTAPI_065"), "old", "app:app")
	var b strings.Builder
	for range 20000 {
		b.WriteString("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n")
	}
	b.WriteString("--b--\r\n")
	attack := post("/api/form", "multipart/form-data; boundary=b", b.String())
	front, _ := upFront(t, addr, "")
	res, body := mustSend(t, front, attack)
	refused(t, res, body, 400, 413)
	res, body = mustSend(t, addr, attack)
	if res.StatusCode != 200 {
		t.Errorf("bare, the attack does not work: %d %s", res.StatusCode, body)
	}
}

// CVE-2021-32677: a JSON body is read whatever its type says, so a form of
// another site can send one with the user's cookies. FastAPI 0.65.1 is the last
// that does so.
func TestJSONAsText(t *testing.T) {
	addr, _ := bare(t, python(t, "PAVISE_FASTAPI_065"), "old", "app:app")
	attack := strings.Replace(post("/api/orders", "text/plain", `{"item":"lamp"}`), "Connection:", "Cookie: session=1\r\nOrigin: https://evil.example\r\nConnection:", 1)
	front, _ := upFront(t, addr, "")
	res, body := mustSend(t, front, attack)
	refused(t, res, body, 403, 415)
	res, body = mustSend(t, addr, attack)
	if res.StatusCode != 200 || !strings.Contains(body, "lamp") {
		t.Errorf("bare, the attack does not work: %d %s", res.StatusCode, body)
	}
}

// CVE-2025-43859: h11 before 0.16 takes any two bytes for the end of a chunk,
// so that a proxy in front may see other requests than it does.
func TestChunkTerminator(t *testing.T) {
	addr, _ := bare(t, python(t, "PAVISE_FASTAPI_092"), "old", "app:app", "--http", "h11")
	const attack = "POST /api/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}XX0\r\n\r\n"
	front, _ := upFront(t, addr, "")
	res, body := mustSend(t, front, attack)
	refused(t, res, body, 400)
	res, body = mustSend(t, addr, attack)
	if res.StatusCode != 200 || !strings.Contains(body, "{}") {
		t.Errorf("bare, the attack does not work: %d %s", res.StatusCode, body)
	}
}

// Documentation is not shown, under whatever spelling.
func TestHiddenDocs(t *testing.T) {
	addr, _ := bare(t, python(t, "PAVISE_FASTAPI_092"), "old", "app:app")
	if res, body := mustSend(t, addr, "GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"); res.StatusCode != 200 || !strings.Contains(body, `"openapi"`) {
		t.Fatalf("bare, there is nothing to hide: %d", res.StatusCode)
	}
	front, _ := upFront(t, addr, "")
	for _, path := range []string{
		"/docs", "/docs/", "/DOCS", "/docs%2f", "/./docs", "//docs", "/docs;x", "/docs/oauth2-redirect",
		"/%6fpenapi.json", "/openapi.json", "/redoc", "/redoc/", "/api/v1/openapi.json", "/%64ocs", "/docs?x=1", "/x/../docs", "/openapi.json/",
	} {
		for _, field := range []string{"", "X-Forwarded-Prefix: /docs\r\n", "X-Original-URL: /docs\r\n", "X-Rewrite-URL: /openapi.json\r\n"} {
			res, body := mustSend(t, front, "GET "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\n"+field+"Connection: close\r\n\r\n")
			if res.StatusCode != 404 && res.StatusCode != 400 || strings.Contains(body, "openapi\"") || strings.Contains(body, "swagger") {
				t.Errorf("%s %s: %d %s", path, field, res.StatusCode, tail(body))
			}
		}
	}
}

// A slow client holds a connection of the gateway's and none of the
// application's.
func TestSlowBodyHoldsNoWorker(t *testing.T) {
	addr, _ := bare(t, python(t, "PAVISE_FASTAPI_092"), "old", "app:app", "--limit-concurrency", "4")
	front, _ := upFront(t, addr, "")
	slow := "POST /api/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() { _, _, _ = sendRaw(ctx, front, slow) })
	}
	time.Sleep(500 * time.Millisecond)
	res, err := http.Get("http://" + front + "/ping")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != 200 || string(text) != "pong" {
		t.Errorf("while slow bodies come: %d %s", res.StatusCode, text)
	}
	cancel()
	wg.Wait()
}

// resident is a process's memory now, and peak its largest, in bytes.
func resident(t *testing.T, pid int) int64 { return procStatus(t, pid, "VmRSS:") }
func peak(t *testing.T, pid int) int64     { return procStatus(t, pid, "VmHWM:") }

func procStatus(t *testing.T, pid int, key string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if v, ok := strings.CutPrefix(line, key); ok {
			n, err := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatalf("no %s of process %d", key, pid)
	return 0
}
