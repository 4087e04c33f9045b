package main

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestLeaksVerify: the four verdicts are kept apart in what people and
// machines read, nothing is asked without the flag, and no secret is shown.
func TestLeaksVerify(t *testing.T) {
	live, dead, odd := "SG."+strings.Repeat("Ab1", 7)+"x."+strings.Repeat("Cd2x", 10)+"efg", githubToken("d"), "sk_live_"+strings.Repeat("Zy97a", 5)
	var asked atomic.Int32 // secrets are asked after side by side
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch secret := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); secret {
		case live:
		case dead:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			http.Error(w, "what is "+secret, http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	dir := t.TempDir()
	text := fmt.Sprintf("a = '%s'\nb = '%s'\nc = '%s'\npassword = \"%s\"\n", live, dead, odd, "Winter-2024"+"-q7")
	if err := os.WriteFile(filepath.Join(dir, "a.py"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at := []string{"--verify-url", "github=" + server.URL, "--verify-url", "sendgrid=" + server.URL, "--verify-url", "stripe=" + server.URL}
	look := func(args ...string) (code int, out string) {
		var stdout, stderr bytes.Buffer
		code = run(t.Context(), append([]string{"leaks"}, args...), strings.NewReader(""), &stdout, &stderr)
		for _, secret := range []string{live, dead, odd} {
			if strings.Contains(stdout.String()+stderr.String(), secret[8:]) {
				t.Errorf("%q shows a secret", args)
			}
		}
		return code, stdout.String() + stderr.String()
	}
	if _, out := look(dir); asked.Load() != 0 || strings.Contains(out, "verdict") {
		t.Errorf("%d questions without --verify: %s", asked.Load(), out)
	}
	for format, mark := range map[string]string{"text": "verdict of its provider: %s", "json": `"verdict": "%s"`, "sarif": `"verdict": "%s"`} {
		code, out := look(append(at, "--verify", "--format", format, dir)...)
		out = strings.Join(strings.Fields(out), " ") // lines are wrapped
		for _, v := range []string{"valid", "invalid", "unsupported", "failed"} {
			if n := strings.Count(out, fmt.Sprintf(mark, v)); n != 1 {
				t.Errorf("%s: %d verdicts are %s", format, n, v)
			}
		}
		if code != exitFindings || !strings.Contains(out, "providers were asked: 1 valid, 1 invalid, 1 unsupported, 1 failed") || !strings.Contains(out, "could not be asked whether the Stripe secret key is live") {
			t.Errorf("%s: exit code %d: %s", format, code, out)
		}
	}
	if n := asked.Load(); n != 9 {
		t.Errorf("%d questions, want 9", n)
	}
	// What failed is a finding and could not be told; with --strict it is 3 where
	// no finding counts.
	if err := os.WriteFile(filepath.Join(dir, "a.py"), []byte("b = 'sk_test_"+strings.Repeat("Zy97a", 5)+"'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := look(append(at, "--verify", "--strict", "--fail-on", "critical", dir)...); code != exitUnknown {
		t.Errorf("exit code %d: %s", code, out)
	}
	for _, wrong := range [][]string{{"--verify-url", "github=" + server.URL, dir}, {"--verify", "--verify-url", "github=https://example.com", dir}, {"--verify", "--verify-url", "x", dir}, {"--verify", "--baseline", "b.json", "--update-baseline", dir}} {
		if code, out := look(wrong...); code != exitUsage {
			t.Errorf("%q: exit code %d: %s", wrong, code, out)
		}
	}
	if _, out := look("--help"); !strings.Contains(out, "This sends the secret to its provider") || strings.Contains(out, "verify-url") {
		t.Errorf("the help does not say where secrets go: %s", out)
	}
}

// githubToken is one whose checksum is right.
func githubToken(fill string) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	body := strings.Repeat("k9"+fill, 10)
	sum, tail := crc32.ChecksumIEEE([]byte(body)), ""
	for range 6 {
		tail = alphabet[sum%62:sum%62+1] + tail
		sum /= 62
	}
	return "ghp_" + body + tail
}
