package headers

import (
	"bufio"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"reflect"
	"strings"
	"testing"
)

// taker is a server's writer that takes the block.
type taker struct {
	*httptest.ResponseRecorder
	block []byte
	takes bool
}

func (w *taker) Preface(block []byte) bool {
	w.block = block
	return w.takes
}

// The law: block and map together are what the map is without the block, and
// no field is in both.
func TestBlock(t *testing.T) {
	policies := map[string]Policy{
		"api": {}, "web": {Preset: presetWeb}, "guide": {Preset: presetGuide}, "oshp": {Preset: presetOSHP},
		"own": {
			Set: map[string]string{
				"X-One": "1", "Cache-Control": "private", "Server": "x", "Retry-After": "3",
				"Content-Security-Policy": "default-src 'none'; script-src 'nonce-{nonce}'",
			},
			Default: map[string]string{"X-Two": "2"}, Append: map[string]string{"Vary": "Accept"}, Remove: []string{"X-Frame-Options"},
			Routes: []Route{{Path: "/docs", Profile: profileDocs}},
		},
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["x-frame-options"] = []string{"ALLOW"}
		h["Referrer-Policy"] = []string{"unsafe-url", "origin"}
		h["X-Mine"] = []string{"a", "b"}
		h["X-Two"] = []string{"mine"}
		h["Set-Cookie"] = []string{"a=b"}
		w.WriteHeader(http.StatusNotFound)
	})
	for name, p := range policies {
		g, err := New(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range []string{"http://a/", "https://a/api/x", "http://a/docs", "http://a//api/x"} {
			serve := func(takes bool) *taker {
				w := &taker{httptest.NewRecorder(), nil, takes}
				g.Wrap(handler).ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
				return w
			}
			whole, parts := serve(false), serve(true)
			if len(parts.block) == 0 {
				t.Errorf("%s %s: nothing is in the block", name, target)
			}
			ahead, err := textproto.NewReader(bufio.NewReader(strings.NewReader(string(parts.block) + "\r\n"))).ReadMIMEHeader()
			if err != nil && !errors.Is(err, io.EOF) {
				t.Fatalf("%s %s: %v in %q", name, target, err, parts.block)
			}
			got := maps.Clone(parts.Header())
			for field, values := range ahead {
				if _, twice := got[field]; twice || len(values) != 1 {
					t.Errorf("%s %s: %s is there twice", name, target, field)
				}
				got[field] = values
			}
			want := maps.Clone(whole.Header())
			if p.Set != nil {
				delete(got, hCSP) // a nonce is never the same
				delete(want, hCSP)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s %s:\n%v\nwant\n%v", name, target, got, want)
			}
		}
	}
}

// A response that switches protocols is often written by somebody else, and
// an informational one is not the last.
func TestBlockOnlyForFinalResponses(t *testing.T) {
	g, err := New(Policy{})
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []int{http.StatusEarlyHints, http.StatusSwitchingProtocols} {
		w := &taker{httptest.NewRecorder(), nil, true}
		g.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(status)
			if w.block != nil {
				t.Errorf("%d: has the block", status)
			}
			if rw.Header().Get("X-Frame-Options") == "" {
				t.Errorf("%d: lacks the fields", status)
			}
		})).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	}
}

func TestOneLine(t *testing.T) {
	for value, want := range map[string]bool{"": true, "a b": true, "a\tb": true, "a\r\nb": false, "a\nb": false, " a": false, "a\x00": false, "a\x7f": false} {
		if oneLine(value) != want {
			t.Errorf("%q: %v", value, !want)
		}
	}
}
