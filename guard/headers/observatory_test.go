package headers

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// observatory scores a response as MDN's HTTP Observatory does (repository
// mdn/mdn-http-observatory, version 1.6.3, src/analyzer/tests and
// src/grader/charts.js), as far as headers decide it. The rest of its twelve
// tests comes out at zero points and passed for an API that sets no cookies,
// shares with no origin, sends no HTML, and redirects plain HTTP to HTTPS on
// the same host or serves none: cookies-not-found, cross-origin-resource-
// sharing-not-implemented, sri-not-implemented-response-not-html and
// redirection-to-https or -not-needed-no-http.
//
// A score over 100 counts only if the score without bonuses is at least 90
// (MINIMUM_SCORE_FOR_EXTRA_CREDIT).
func observatory(h http.Header) (score, passed int) {
	bonus, malus := 0, 0
	add := func(points int, pass bool) {
		if points > 0 {
			bonus += points
		} else {
			malus += points
		}
		if pass {
			passed++
		}
	}
	first := func(name string) string { return strings.ToLower(h.Get(name)) }
	for range 4 { // cookies, sharing, integrity of scripts, redirection
		add(0, true)
	}

	// csp.js: 10 for default-src being 'none' alone and nothing unsafe, 5 for
	// nothing unsafe.
	csp := map[string][]string{}
	for _, part := range strings.Split(first(hCSP), ";") {
		if words := strings.Fields(part); len(words) > 0 {
			if _, dup := csp[words[0]]; dup {
				return 0, 0 // csp-header-invalid
			}
			csp[words[0]] = words[1:]
		}
	}
	sources := func(name string) []string {
		if v, ok := csp[name]; ok {
			return v
		}
		if v, ok := csp["default-src"]; ok {
			return v
		}
		return []string{"*"}
	}
	unsafe := func(list []string) bool {
		return slices.ContainsFunc(list, func(s string) bool {
			return slices.Contains([]string{"ftp:", "http:", "https:", "*", "http://*", "https://*", "'unsafe-inline'", "'unsafe-eval'", "data:"}, s)
		})
	}
	switch {
	case len(csp) == 0:
		add(-25, false)
	case unsafe(sources("script-src")) || unsafe(sources("object-src")):
		add(-20, false)
	case unsafe(sources("style-src")):
		add(0, true)
	case slices.Equal(csp["default-src"], []string{"'none'"}):
		add(10, true)
	default:
		add(5, true)
	}

	// x-frame-options.js: frame-ancestors counts as much as the old header.
	switch _, ancestors := csp["frame-ancestors"]; {
	case ancestors || slices.Contains([]string{"deny", "sameorigin"}, first("X-Frame-Options")):
		add(5, true)
	default:
		add(-20, false)
	}

	// strict-transport-security.js: half a year is enough, and no bonus short
	// of being in the browsers' list. A comma means that there were two.
	age := -1
	for _, part := range strings.Split(first(hSTS), ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), "max-age="); ok {
			age, _ = strconv.Atoi(v)
		}
	}
	switch {
	case age < 0 || strings.Contains(first(hSTS), ","):
		add(-20, false)
	case age < 15552000:
		add(-10, false)
	default:
		add(0, true)
	}

	// x-content-type-options.js
	if first("X-Content-Type-Options") == "nosniff" {
		add(0, true)
	} else {
		add(-5, false)
	}

	// referrer-policy.js: the last known value counts; none at all passes.
	switch list := strings.Split(first("Referrer-Policy"), ","); {
	case h.Get("Referrer-Policy") == "":
		add(0, true)
	case slices.Contains([]string{"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}, strings.TrimSpace(list[len(list)-1])):
		add(5, true)
	default:
		add(-5, false)
	}

	// cross-origin-*-policy.js: 10 each for a value that isolates; two values
	// are invalid.
	for name, good := range map[string][]string{
		"Cross-Origin-Resource-Policy": {"same-origin", "same-site"},
		"Cross-Origin-Embedder-Policy": {"require-corp", "credentialless"},
		"Cross-Origin-Opener-Policy":   {"same-origin", "same-origin-allow-popups", "noopener-allow-popups"},
	} {
		switch v := h.Values(name); {
		case len(v) > 1:
			add(-5, false)
		case len(v) == 1 && slices.Contains(good, v[0]):
			add(10, true)
		default:
			add(0, true)
		}
	}

	score = 100 + malus
	if score >= 90 {
		score += bonus
	}
	return score, passed
}

// TestObservatory: what the presets score, and how little it takes to lose it.
func TestObservatory(t *testing.T) {
	for name, want := range map[string]int{
		presetAPI:   150, // 100, CSP 10, framing 5, referrer 5, and three times 10 for isolation
		presetOSHP:  145, // a CSP of 'self' is worth 5
		presetWeb:   135, // and no embedder policy
		presetGuide: 120, // no isolation
	} {
		h := serve(t, mustNew(t, Policy{Preset: name}), httptest.NewRequest("GET", "https://a/", nil), ok)
		if score, passed := observatory(h); score != want || passed != 12 {
			t.Errorf("%s: %d points, %d of 12 passed; want %d, 12", name, score, passed, want)
		}
	}
	h := serve(t, mustNew(t, Policy{}), httptest.NewRequest("GET", "https://a/", nil), ok)
	for name := range h {
		rest := h.Clone()
		rest.Del(name)
		switch name {
		case hCSP, "X-Content-Type-Options", "Referrer-Policy", hSTS, "Cross-Origin-Resource-Policy", "Cross-Origin-Embedder-Policy", "Cross-Origin-Opener-Policy":
			if score, _ := observatory(rest); score >= 150 {
				t.Errorf("without %s: %d", name, score)
			}
		}
	}
	if score, _ := observatory(http.Header{}); score != 100-25-20-20-5 {
		t.Errorf("nothing: %d", score)
	}
}
