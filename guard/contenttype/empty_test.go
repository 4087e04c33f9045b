package contenttype

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestEmptyBodyNeedsNoType: a chunked body may turn out to be none.
func TestEmptyBodyNeedsNoType(t *testing.T) {
	for _, tt := range []struct {
		name, body, expect string
		want               int
	}{
		{"nothing", "", "", 200},
		{"one byte", "x", "", 415},
		{"several bytes", "hello", "", 415},
		{"nothing yet, and a client that waits", "", "100-continue", 415},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, err := New(Policy{})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("POST", "/", io.NopCloser(strings.NewReader(tt.body)))
			r.ContentLength = -1
			if tt.expect != "" {
				r.Header.Set("Expect", tt.expect)
			}
			w := httptest.NewRecorder()
			g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if got, err := io.ReadAll(r.Body); err != nil || string(got) != tt.body {
					t.Errorf("the handler reads %q, %v", got, err)
				}
			})).ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("status %d, want %d", w.Code, tt.want)
			}
		})
	}
}
