package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestRecord records through the command as a user would, and stops it with
// what Ctrl-C does.
func TestRecord(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":17,"path":"`+r.URL.Path+`"}`)
	}))
	defer up.Close()
	file := filepath.Join(t.TempDir(), "session.har")
	record := func(use func(url string)) (code int, said string) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		said1, said2 := io.Pipe()
		var out strings.Builder
		done := make(chan int, 1)
		go func() {
			done <- run(ctx, []string{"probe", "record", "--listen", "127.0.0.1:0", up.URL, "-o", file}, strings.NewReader(""), &out, said2)
			_ = said2.Close()
		}()
		first := make([]byte, 512)
		n, err := said1.Read(first)
		m := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).Find(first[:n])
		if err != nil || m == nil {
			t.Fatalf("%v: it said %s", err, first[:n])
		}
		rest := make(chan struct{})
		go func() {
			_, _ = io.Copy(io.Discard, said1)
			close(rest)
		}()
		use(string(m))
		cancel()
		select {
		case code = <-done:
		case <-time.After(20 * time.Second):
			t.Fatal("it does not end")
		}
		<-rest
		return code, out.String()
	}
	if code, _ := record(func(string) {}); code != exitUnknown {
		t.Errorf("nothing was recorded: exit %d", code)
	}
	left, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(left) != 0 {
		t.Errorf("%v is left: %v", left, err)
	}
	code, said := record(func(url string) {
		req, err := http.NewRequestWithContext(t.Context(), "GET", url+"/orders/17", nil)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Authorization", "Bearer token-of-alice")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		_ = res.Body.Close()
	})
	if code != 0 || !strings.Contains(said, "1 requests are in") {
		t.Errorf("exit %d: %s", code, said)
	}
	data, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(data), "token-of-alice") || !strings.Contains(string(data), "/orders/17") {
		t.Errorf("%v\n%s", err, data)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v: anybody may read it", err)
	}
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"probe", "replay", file, up.URL, "--dry-run"}, strings.NewReader(""), &out, &errs); code != 0 || !strings.Contains(out.String(), "GET /orders/{id}\n") {
		t.Errorf("exit %d\n%s%s", code, out.String(), errs.String())
	}
}
