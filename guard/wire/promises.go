package wire

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/promise"
)

// Promises returns what a client outside can rely on.
func (g *Guard) Promises() []promise.Promise {
	tests := map[string]func(context.Context, promise.Caller) error{
		"wire/framing": refusedRaw(
			post("Content-Length: 6\r\nTransfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n"),
			post("Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n")),
		"wire/chunks": refusedRaw(
			post("Transfer-Encoding: chunked", "2;=,\r\n{}\r\n0\r\n\r\n"),
			post("Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n")),
		"wire/trailers": refusedRaw(
			post("Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\nContent-Length: 7\r\n\r\n"),
			post("Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n")),
		"wire/line-endings":  refusedRaw("GET / HTTP/1.1\nHost: {host}\nConnection: close\n\n", plainGet),
		"wire/header-syntax": refusedRaw(get("X-Probe: a\r\n b"), plainGet),
		"wire/request-line":  refusedRaw("GET / HTTP/1.7\r\nHost: {host}\r\nConnection: close\r\n\r\n", plainGet),
		"wire/host-header":   refusedRaw("GET http://someone@{host}/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", plainGet),
		"wire/single-fields": refusedRaw(get("Authorization: Basic cHJvYmU6MQ==\r\nAuthorization: Basic cHJvYmU6Mg=="), get("Authorization: Basic cHJvYmU6MQ==")),
		"wire/underscores":   refusedRaw(get("Content_Length: 5"), plainGet),
		"wire/expect":        expectation,
		"wire/upgrade":       refusedRaw("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: a b\xe2\x98\x83\r\n\r\n", plainGet),
		"wire/methods":       unservedMethod,
		"wire/path":          refusedTarget("/pavise-probe/../x", "/pavise-probe//x", "/pavise-probe/%2e%2e/x", "/pavise-probe/x%00", "/pavise-probe/%ff%fe"),
		"wire/encoded-slash": refusedTarget("/pavise-probe%2fx"),
		"wire/path-params":   refusedTarget("/pavise-probe;v=1/x"),
		"wire/query":         refusedTarget("/pavise-probe?a=1;b=2", "/pavise-probe?c=%zz"),
		"wire/get-body":      bodyOfGet,
	}
	var all []promise.Promise
	for _, r := range Rules() {
		all = append(all, promise.Promise{ID: r.ID, Claim: r.Claim, Refs: r.Refs, Conn: !Observable(r.ID), Test: tests[r.ID]})
	}
	return all
}

// Observable reports whether a rule is kept by the handler's half alone, and
// so can be observed without being enforced.
func Observable(id string) bool {
	switch id {
	case "wire/methods", "wire/path", "wire/encoded-slash", "wire/path-params", "wire/query", "wire/get-body":
		return true
	}
	return false
}

const plainGet = "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"

func get(fields string) string {
	return "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n" + fields + "\r\n\r\n"
}

func post(fields, body string) string {
	return "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n" + fields + "\r\n\r\n" + body
}

// refusedRaw promises that attack is refused and twin is not.
func refusedRaw(attack, twin string) func(context.Context, promise.Caller) error {
	return func(ctx context.Context, call promise.Caller) error {
		return promise.Refused(call, promise.RawRequest(ctx, attack), promise.RawRequest(ctx, twin), http.StatusBadRequest, http.StatusHTTPVersionNotSupported)
	}
}

// refusedTarget promises that requests for the targets are refused.
func refusedTarget(targets ...string) func(context.Context, promise.Caller) error {
	return func(ctx context.Context, call promise.Caller) error {
		for _, target := range targets {
			attack := promise.NewRequest(ctx, http.MethodGet, target, "")
			twin := promise.NewRequest(ctx, http.MethodGet, "/pavise-probe/x", "")
			if err := promise.Refused(call, attack, twin, http.StatusBadRequest); err != nil {
				return err
			}
		}
		return nil
	}
}

// expectation judges the refusal's form too: a bare server refuses as well,
// with none of the headers that all other answers have.
func expectation(ctx context.Context, call promise.Caller) error {
	req := promise.RawRequest(ctx, post("Expect: a-miracle\r\nContent-Length: 2", "{}"))
	got, err := promise.Ask(call, req)
	if err != nil {
		return err
	}
	if got.Status != http.StatusExpectationFailed {
		return promise.Broken(req, fmt.Sprintf("status %d", got.Status), "status 417")
	}
	if t, _, _ := mime.ParseMediaType(strings.Join(got.Header.Values("Content-Type"), ", ")); !strings.HasSuffix(t, "json") || len(got.Body) == 0 {
		return promise.Broken(req, fmt.Sprintf("a 417 of type %q with %d bytes", t, len(got.Body)), "a problem in JSON, as every refusal is")
	}
	return nil
}

func unservedMethod(ctx context.Context, call promise.Caller) error {
	req := promise.NewRequest(ctx, "PAVISEPROBE", "/", "")
	got, err := promise.Ask(call, req)
	if err != nil {
		return err
	}
	if got.Status != http.StatusMethodNotAllowed && got.Status != http.StatusNotImplemented {
		return promise.Broken(req, fmt.Sprintf("status %d", got.Status), "status 405 or 501")
	}
	if allow := strings.Join(got.Header.Values("Allow"), ","); got.Status == http.StatusMethodNotAllowed && !strings.Contains(allow, "GET") {
		return promise.Broken(req, fmt.Sprintf("Allow: %q", allow), "the methods that are served, in Allow")
	}
	return nil
}

func bodyOfGet(ctx context.Context, call promise.Caller) error {
	attack := promise.NewRequest(ctx, http.MethodGet, "/", "{}")
	attack.Header.Set("Content-Type", "application/json")
	return promise.Refused(call, attack, promise.NewRequest(ctx, http.MethodGet, "/", ""), http.StatusBadRequest, http.StatusRequestEntityTooLarge)
}
