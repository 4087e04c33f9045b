//go:build real

package interop

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFiveMinutes does what the README says, in a project that knows nothing of
// pavise.
func TestFiveMinutes(t *testing.T) {
	withUvicorn(t)
	dir := filepath.Join(t.TempDir(), "orders")
	if err := os.CopyFS(dir, withoutPolicy{os.DirFS(exampleDir)}); err != nil {
		t.Fatal(err)
	}
	says := func(out string, code, wantCode int, want ...string) {
		t.Helper()
		if code != wantCode {
			t.Errorf("exit code %d, want %d", code, wantCode)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("nothing of %q", w)
			}
		}
		if t.Failed() {
			t.Fatal(out)
		}
	}

	// pavise init
	out, code := run(t, dir, "init")
	says(out, code, 0, "app.main:app", "in observe mode", "pavise up")
	written, err := os.ReadFile(filepath.Join(dir, "pavise.yaml"))
	if err != nil || !strings.Contains(string(written), "mode: observe") {
		t.Fatalf("%v %s", err, written)
	}

	// pavise up: the command is the policy's. Only the ports differ from what a
	// user has, since those may be taken here.
	addr, admin := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	p := launch(t, dir, pavise(t), "up", "--listen", addr, "--admin", admin)
	waitHTTP(t, p, addr)

	// Use it: nothing is refused, and headers are there already.
	client := literal(t)
	for _, c := range calls() {
		// What the report is to show comes below.
		if strings.HasPrefix(c.target, "/status/") {
			continue
		}
		res, body := c.send(t, client, addr)
		if res.StatusCode != c.status {
			t.Errorf("%s %s is answered %d, want %d: %.200s", c.method, c.target, res.StatusCode, c.status, body)
		}
		requireSecured(t, res)
	}
	attacks := []struct {
		rule string
		call
		refused int
	}{
		{"apidocs/closed", call{method: "GET", target: "/openapi.json", status: 200}, 404},
		{"contenttype/listed", call{method: "POST", target: "/echo", status: 200, typ: "text/x-own", body: "a"}, 415},
		{"jsonbody/duplicate-keys", call{method: "POST", target: "/api/login", status: 401, typ: jsonType, body: `{"email":"a","password":"b","password":"c"}`}, 400},
	}
	for _, a := range attacks {
		if res, body := a.send(t, client, addr); res.StatusCode != a.status {
			t.Errorf("while only observed, %s %s is answered %d, want %d: %.200s", a.method, a.target, res.StatusCode, a.status, body)
		}
	}

	// pavise report
	out, code = run(t, dir, "report", "--admin", admin)
	says(out, code, 0)
	for _, a := range attacks {
		found := false
		for line := range strings.SplitSeq(out, "\n") {
			found = found || strings.Contains(line, a.rule) && strings.Contains(line, a.target)
		}
		if !found {
			t.Errorf("the report has no row of %s at %s:\n%s", a.rule, a.target, out)
		}
	}

	// pavise probe: what is promised is kept, and what is only observed is not
	// promised.
	few, _ := probed(t, dir, "http://"+addr)

	// pavise enforce all: the running gateway takes the change by itself.
	out, code = run(t, dir, "enforce", "all")
	says(out, code, 0, "pavise.yaml", "enforce")
	deadline := time.Now().Add(10 * time.Second)
	for {
		res, _ := attacks[0].send(t, client, addr)
		if res.StatusCode == attacks[0].refused {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("ten seconds later %s is still answered %d", attacks[0].target, res.StatusCode)
		}
		time.Sleep(50 * time.Millisecond)
	}
	for _, a := range attacks {
		res, body := a.send(t, client, addr)
		refused(t, res, string(body), a.refused)
	}
	if res, body := (call{method: "GET", target: "/api/orders"}).send(t, client, addr); res.StatusCode != http.StatusOK || len(body) < 100 {
		t.Errorf("what is allowed is answered %d %.100s", res.StatusCode, body)
	}

	// pavise probe
	all, _ := probed(t, dir, "http://"+addr)
	if all < 60 || few >= all {
		t.Errorf("%d promises are kept at last, and %d while observed", all, few)
	}
}

// withoutPolicy is a project's folder without its pavise.yaml.
type withoutPolicy struct{ fs.FS }

func (w withoutPolicy) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	var kept []fs.DirEntry
	for _, e := range entries {
		if e.Name() != "pavise.yaml" && e.Name() != "__pycache__" {
			kept = append(kept, e)
		}
	}
	return kept, err
}
