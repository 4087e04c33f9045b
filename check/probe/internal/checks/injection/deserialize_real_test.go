//go:build real

package injection

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRealObjects: the objects are what Python itself reads.
func TestRealObjects(t *testing.T) {
	dir := os.Getenv("PAVISE_FASTAPI")
	if dir == "" {
		t.Fatal("PAVISE_FASTAPI is not set: run scripts/test")
	}
	hit := make(chan string, 4)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hit <- r.URL.Path }))
	defer srv.Close()
	read := func(code, object string) string {
		cmd := exec.Command(filepath.Join(dir, "bin", "python"), "-c", code)
		cmd.Stdin = strings.NewReader(object)
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	const loads = "import pickle, sys, time; t = time.time(); pickle.loads(sys.stdin.buffer.read()); print('waited', round(time.time() - t))"
	read(loads, python.asks(srv.URL+"/pickle"))
	select {
	case path := <-hit:
		if path != "/pickle" {
			t.Errorf("asked for %s", path)
		}
	default:
		t.Error("a pickle asks for nothing")
	}
	if out := read(loads, python.sleeps(1)); !strings.Contains(out, "waited 1") {
		t.Error(out)
	}
	if out := read(loads, python.named("pvaaaaaaa")); !readers[python][0].re().MatchString(out) {
		t.Error(out)
	}
	const safe = "import yaml, sys, time; t = time.time(); yaml.load(sys.stdin.read(), Loader=yaml.UnsafeLoader); print('waited', round(time.time() - t))"
	out := read(safe, yaml.sleeps(1))
	if !strings.Contains(out, "waited 1") {
		t.Error(out)
	}
	read(safe, yaml.asks(srv.URL+"/yaml"))
	select {
	case path := <-hit:
		if path != "/yaml" {
			t.Errorf("asked for %s", path)
		}
	default:
		t.Error("YAML asks for nothing")
	}
	if out := read(strings.ReplaceAll(safe, "UnsafeLoader", "SafeLoader"), yaml.sleeps(1)); strings.Contains(out, "waited") {
		t.Error("a safe loader takes it:", out)
	}
}
