package jsonbody

import (
	"net/http"
	"slices"
	"testing"

	"github.com/pavise-dev/pavise/guard"
)

// A rule that is only observed does not carry a document past the others.
func TestObservedRuleHidesNothing(t *testing.T) {
	utf16 := func(s string) string {
		var b []byte
		for _, c := range []byte(s) {
			b = append(b, c, 0)
		}
		return string(b)
	}
	for _, tt := range []struct {
		observed, doc, by string
	}{
		{"jsonbody/utf8", utf16(`{"a":1,"a":2}`), "jsonbody/strict-syntax"},
		{"jsonbody/utf8", "\xff\xfe" + utf16(`{"a":1,"a":2}`), "jsonbody/strict-syntax"},
		{"jsonbody/utf8", "{\"\xff\":1,\"a\":1,\"a\":2}", "jsonbody/duplicate-keys"},
		{"jsonbody/strict-syntax", `{"x":NaN,"a":1,"a":2}`, "jsonbody/duplicate-keys"},
		{"jsonbody/strict-syntax", `[Infinity,-Infinity,"\u0000"]`, "jsonbody/nul"},
		{"jsonbody/strict-syntax", `{"x":-Infinity,"a":1,"a":2}`, "jsonbody/duplicate-keys"},
		{"jsonbody/strict-syntax", `NaN NaN`, "jsonbody/single-document"},
		{"jsonbody/strict-syntax", "\ufeff" + `{"a":1,"a":2}`, "jsonbody/duplicate-keys"},
		{"jsonbody/duplicate-keys", `{"a":1,"a":2,"b":"\u0000"}`, "jsonbody/nul"},
		{"jsonbody/numbers", `[1e999,"\u0000"]`, "jsonbody/nul"},
		{"jsonbody/depth", `[[["\u0000"]]]`, "jsonbody/nul"},
		{"jsonbody/single-document", `1 {"a":1,"a":2}`, "jsonbody/duplicate-keys"},
		{"jsonbody/strict-syntax", `{"x":NaN}`, ""},
		{"jsonbody/strict-syntax", `[N]`, ""},
	} {
		r, facts := guard.WithFacts(post(tt.doc, "application/json"))
		var seen []string
		facts.Door = func(_ *http.Request, ref *guard.Refusal) bool {
			seen = append(seen, ref.Rule)
			return ref.Rule == tt.observed
		}
		err := must(t, Policy{MaxDepth: 2}).Check(r)
		if got := ruleOf(err); got != tt.by {
			t.Errorf("%q with %s observed: refused by %q, want %q", tt.doc, tt.observed, got, tt.by)
		}
		if !slices.Contains(seen, tt.observed) {
			t.Errorf("%q: %s was not seen, only %q", tt.doc, tt.observed, seen)
		}
	}
	// A policy that says so lets other encodings pass, unjudged.
	if err := must(t, Policy{AllowInvalidUTF8: true}).Check(post(utf16(`{"a":1}`), "application/json")); err != nil {
		t.Error(err)
	}
}
