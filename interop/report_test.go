//go:build real

package interop

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// faulty is a project whose report has something of each severity, and text
// that would be markup if it were let.
func faulty(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.py": "import requests\nfrom fastapi import FastAPI\n\napp = FastAPI(debug=True)\n\n\n@app.get(\"/find\")\ndef find(q: str, db):\n    return db.execute(f\"SELECT * FROM t WHERE a = '{q}'\")\n\n\n" +
			"def ask(url):\n    return requests.get('https://example.com', verify=False)\n",
		"<img src=x onerror=alert(1)>.py": "from fastapi import FastAPI\n\napp = FastAPI(debug=True)\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestReportInABrowser opens the page of a report: it works under its own
// Content-Security-Policy, by keyboard, in the dark and on paper, and what a
// finding quotes is no part of it.
func TestReportInABrowser(t *testing.T) {
	out := filepath.Join(t.TempDir(), "report.html")
	cmd := exec.Command("go", "run", "../cmd/pavise", "check", "--skip", "audit", "--quiet", "--output", "html="+out, faulty(t))
	if said, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(said), "grade") {
		t.Fatalf("%v\n%s", err, said)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(data)
	}))
	t.Cleanup(srv.Close)
	b := open(t, strings.TrimPrefix(srv.URL, "http://"))
	if err := chromedp.Do(b.ctx, chromedp.Navigate(srv.URL)); err != nil {
		t.Fatal(err)
	}
	if v := eval[[]string](t, b, `new Promise(ok => setTimeout(() => ok(window.violations), 200))`); len(v) > 0 {
		t.Errorf("the page breaks its own policy: %q", v)
	}
	if n := eval[int](t, b, `document.images.length`); n != 0 {
		t.Error("the name of a file is markup")
	}
	b.mu.Lock()
	if len(b.asked) > 0 {
		t.Errorf("the page loads from %q", b.asked)
	}
	b.mu.Unlock()
	shown := func() int {
		return eval[int](t, b, `[...document.querySelectorAll('ul.findings > li')].filter(e => e.offsetParent).length`)
	}
	all := shown()
	if all < 5 {
		t.Fatalf("%d findings are shown", all)
	}
	// By keyboard alone: / leads to the text, what is typed filters, Escape
	// shows all again.
	press := func(key string) {
		eval[bool](t, b, `document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: '`+key+`', bubbles: true, cancelable: true}))`)
	}
	press("/")
	if name := eval[string](t, b, `document.activeElement.name`); name != "text" {
		t.Errorf("/ leads to %q", name)
	}
	eval[bool](t, b, `(() => { document.activeElement.value = 'sql-injection'; return document.activeElement.dispatchEvent(new Event('input', {bubbles: true})) })()`)
	if n := shown(); n != 1 {
		t.Errorf("%d findings are of SQL", n)
	}
	press("Escape")
	eval[bool](t, b, `new Promise(ok => setTimeout(() => ok(true), 50))`)
	if n := shown(); n != all {
		t.Errorf("%d of %d findings after Escape", n, all)
	}
	eval[bool](t, b, `(() => { const f = document.getElementById('filter'); f.elements.severity.value = 'critical'; return f.dispatchEvent(new Event('input')) })()`)
	if n := shown(); n != 1 {
		t.Errorf("%d findings are critical", n)
	}
	eval[bool](t, b, `(() => { document.getElementById('filter').reset(); return true })()`)
	light := eval[string](t, b, `getComputedStyle(document.body).backgroundColor`)
	media := func(p emulation.SetEmulatedMediaParams) {
		if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, p); err != nil {
			t.Fatal(err)
		}
	}
	media(emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
	if dark := eval[string](t, b, `getComputedStyle(document.body).backgroundColor`); dark == light {
		t.Errorf("the dark page has the ground of the light one, %s", dark)
	}
	media(emulation.SetEmulatedMediaParams{Media: "print"})
	if shown := eval[string](t, b, `getComputedStyle(document.getElementById('filter')).display`); shown != "none" {
		t.Errorf("the filter is printed: %s", shown)
	}
	media(emulation.SetEmulatedMediaParams{})
}
