package pavisetest_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/pavisetest"
)

const document = `{"openapi": "3.1.0", "info": {"title": "items"}, "paths": {"/items": {
  "get": {"responses": {"200": {"description": "fine", "content": {"application/json": {"schema": {"type": "array", "items": {"type": "string"}}}}}}}
}}}`

// items is an API of one operation. It serves its own document.
func items() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(document))
	})
	mux.HandleFunc("GET /items", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode([]string{"a", "b"})
	})
	return mux
}

// TestBareAPI is run by TestAPI, in a process of its own: it fails.
func TestBareAPI(t *testing.T) {
	if os.Getenv("PAVISE_BARE_API") == "" {
		t.Skip("TestAPI runs it")
	}
	pavisetest.API(t, items(), nil, pavisetest.Only("nosniff", "bola-*", "reflected-xss"))
}

func TestAPI(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestBareAPI$", "-test.v")
	cmd.Env = append(os.Environ(), "PAVISE_BARE_API=1")
	out, err := cmd.CombinedOutput()
	said := string(out)
	if err == nil {
		t.Error("a bare API passes")
	}
	for _, want := range []string{"--- FAIL: TestBareAPI/probe/nosniff", "probe/nosniff is broken (medium)", "try  curl"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said:\n%s", want, said)
		}
	}
	if strings.Contains(said, "probe/csp") {
		t.Error("what was not asked for is tested")
	}
}

// TestHardenedAPI: behind the policy the same API passes what a policy can
// hold.
func TestHardenedAPI(t *testing.T) {
	g, err := pavise.New(pavise.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/openapi.json"
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	pavisetest.API(t, g.Wrap(items()), nil, pavisetest.Document(file), pavisetest.Seed(3),
		pavisetest.Only("nosniff", "framing", "referrer-policy", "server-banner", "cors-*", "docs-open", "trace"))
}

func TestAPIWithoutADocument(t *testing.T) {
	if os.Getenv("PAVISE_BARE_API") != "" {
		pavisetest.API(t, http.NotFoundHandler(), nil)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestAPIWithoutADocument$")
	cmd.Env = append(os.Environ(), "PAVISE_BARE_API=1")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "no OpenAPI document was found") {
		t.Errorf("%v\n%s", err, out)
	}
}
