package injection

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// TestLater: an address that is stored now is called later.
func TestLater(t *testing.T) {
	for _, c := range []struct {
		name             string
		onMake, onChange bool // looked at
		onCall           bool
		operation        string
		want             trial.Verdict
	}{
		{name: "never looked at", operation: "POST /webhooks", want: trial.Fail},
		{name: "not when it is changed", onMake: true, operation: "PATCH /webhooks/{id}", want: trial.Fail},
		{name: "when it is made and changed", onMake: true, onChange: true, operation: "PATCH /webhooks/{id}", want: trial.Pass},
		{name: "when it is called", onCall: true, operation: "POST /webhooks", want: trial.Pass},
	} {
		t.Run(c.name, func(t *testing.T) {
			var mu sync.Mutex
			hooks := map[string]string{}
			local := func(u string) bool { return !strings.HasPrefix(u, "https://example.com/") }
			body := `"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["url"],"properties":{"url":{"type":"string","format":"uri"}}}}}}`
			id := `"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}]`
			routes := []route{
				{"POST /webhooks", body, func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					defer mu.Unlock()
					u := text(r, "url")
					if u == "" || c.onMake && local(u) {
						fail(w, 422)
						return
					}
					n := fmt.Sprint(len(hooks) + 1)
					hooks[n] = u
					answer(w, 201, map[string]any{"id": len(hooks), "url": u})
				}},
				{"PATCH /webhooks/{id}", id + "," + body, func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					defer mu.Unlock()
					u := text(r, "url")
					if hooks[r.PathValue("id")] == "" || u == "" || c.onChange && local(u) {
						fail(w, 422)
						return
					}
					hooks[r.PathValue("id")] = u
					answer(w, 200, map[string]any{"url": u})
				}},
				{"POST /webhooks/{id}/test", id, func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					u := hooks[r.PathValue("id")]
					mu.Unlock()
					if u == "" {
						fail(w, 404)
						return
					}
					if local(u) && !c.onCall {
						if res, err := http.Post(u, "application/json", strings.NewReader("{}")); err == nil {
							res.Body.Close()
						}
					}
					answer(w, 202, map[string]any{"sent": true})
				}},
			}
			for _, r := range verdicts(t, "probe/ssrf", c.operation, false, routes...) {
				if r.Verdict != c.want {
					t.Errorf("%v %q %q, want %v", r.Verdict, r.Got, r.Reason, c.want)
				}
				if r.Verdict == trial.Fail && len(r.Shown) != 2 {
					t.Errorf("%d exchanges show it", len(r.Shown))
				}
			}
		})
	}
}

// TestLaterSpelled: an address is stored in the spelling that is not looked
// for, and called later.
func TestLaterSpelled(t *testing.T) {
	except := func(hosts ...string) func(u *url.URL, _ string) bool {
		return func(u *url.URL, _ string) bool { return u.Host != "" && !slices.Contains(hosts, u.Hostname()) }
	}
	own := func(u *url.URL, self string) bool { return u.Host == self }
	for _, c := range []struct {
		name   string
		takes  func(u *url.URL, self string) bool
		onCall bool // looked at
		out    bool // the API redirects to wherever it is told
		want   trial.Verdict
	}{
		{"names", except("127.0.0.1", "localhost"), false, false, trial.Fail},
		{"names and a form of IPv6; a number is stored, and nobody can call it", except("127.0.0.1", "localhost", "::ffff:127.0.0.1", "127.1"), false, false, trial.Fail},
		{"names, and all when it is called", except("127.0.0.1", "localhost"), true, false, trial.Pass},
		{"all", func(u *url.URL, _ string) bool { return u.Host != "" && inet(u.Hostname()) == "" }, false, false, trial.Pass},
		{"its own redirect", own, false, true, trial.Fail},
		{"its own redirect, to paths", own, false, false, trial.Pass},
	} {
		t.Run(c.name, func(t *testing.T) {
			var mu sync.Mutex
			var hooks []string
			routes := []route{
				{"POST /webhooks", `"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["url"],"properties":{"url":{"type":"string","format":"uri"}}}}}}`, func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					defer mu.Unlock()
					raw := text(r, "url")
					u, err := url.Parse(raw)
					if err != nil || raw == "" || !strings.HasPrefix(raw, "https://example.com/") && !c.takes(u, r.Host) {
						fail(w, 422)
						return
					}
					hooks = append(hooks, raw)
					answer(w, 201, map[string]any{"id": len(hooks)})
				}},
				{"POST /webhooks/{id}/test", inPath("id", "integer"), func(w http.ResponseWriter, r *http.Request) {
					n, _ := strconv.Atoi(r.PathValue("id"))
					mu.Lock()
					raw := ""
					if n > 0 && n <= len(hooks) {
						raw = hooks[n-1]
					}
					mu.Unlock()
					if raw == "" {
						fail(w, 404)
						return
					}
					if u, err := url.Parse(raw); err == nil && u.Hostname() != "example.com" && u.Hostname() != "2130706433" && (!c.onCall || inet(u.Hostname()) == "") {
						if res, err := http.Get(raw); err == nil {
							res.Body.Close()
						}
					}
					answer(w, 202, map[string]any{"sent": true})
				}},
				{"GET /out", query("next"), func(w http.ResponseWriter, r *http.Request) { out(r, w, c.out) }},
			}
			for _, r := range verdicts(t, "probe/ssrf", "POST /webhooks", false, routes...) {
				if r.Verdict != c.want {
					t.Errorf("%v %q %q, want %v", r.Verdict, r.Got, r.Reason, c.want)
				}
			}
		})
	}
}
