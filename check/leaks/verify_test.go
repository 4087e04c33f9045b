package leaks

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/finding"
)

// issuer is a server in the place of every provider.
type issuer struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string // "METHOD path" of each request
	head []http.Header
}

func newIssuer(t *testing.T, answer http.HandlerFunc) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		i.mu.Lock()
		i.seen = append(i.seen, r.Method+" "+r.URL.String()+string(body))
		i.head = append(i.head, r.Header.Clone())
		i.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

// everywhere are the addresses of all providers: no test asks a real one.
func everywhere(address string) map[string]string {
	out := map[string]string{}
	for _, id := range Verifiers() {
		out[id] = address
	}
	return out
}

// sampleOf is an example of a rule's secret.
func sampleOf(t *testing.T, rule string) string {
	t.Helper()
	_, rest, _ := strings.Cut(ruleOf(rule).True[1], "⟦")
	secret, _, ok := strings.Cut(rest, "⟧")
	if !ok {
		t.Fatalf("%s has no example", rule)
	}
	return secret
}

// TestVerify: what each provider's answers mean, where the secret goes, and
// that it goes nowhere else.
func TestVerify(t *testing.T) {
	const (
		valid, invalid, failed = finding.VerdictValid, finding.VerdictInvalid, finding.VerdictFailed
	)
	cases := []struct {
		rule, request, header string
		status                int
		body                  string
		want                  finding.Verdict
	}{
		{"github-token", "GET /rate_limit", "Authorization", 200, "{}", valid},
		{"github-token", "GET /rate_limit", "Authorization", 401, `{"message":"Bad credentials"}`, invalid},
		{"github-token", "GET /rate_limit", "Authorization", 403, `{"message":"rate limit"}`, failed},
		{"github-fine-grained", "GET /rate_limit", "Authorization", 200, "{}", valid},
		{"gitlab-token", "GET /api/v4/personal_access_tokens/self", "Private-Token", 200, `{"active":true}`, valid},
		{"gitlab-token", "GET /api/v4/personal_access_tokens/self", "Private-Token", 401, "", invalid},
		{"gitlab-token", "GET /api/v4/personal_access_tokens/self", "Private-Token", 403, `{"error":"insufficient_scope"}`, valid},
		{"gitlab-token", "GET /api/v4/personal_access_tokens/self", "Private-Token", 403, "blocked", failed},
		{"slack-token", "POST /api/auth.test", "Authorization", 200, `{"ok":true}`, valid},
		{"slack-token", "POST /api/auth.test", "Authorization", 200, `{"ok":false,"error":"token_revoked"}`, invalid},
		{"slack-token", "POST /api/auth.test", "Authorization", 200, `{"ok":false,"error":"ratelimited"}`, failed},
		{"slack-token", "POST /api/auth.test", "Authorization", 200, `<html>`, failed},
		{"slack-token", "POST /api/auth.test", "Authorization", 401, `{"ok":false,"error":"token_revoked"}`, failed},
		{"stripe-key", "GET /v1/balance", "Authorization", 200, "{}", valid},
		{"stripe-test-key", "GET /v1/balance", "Authorization", 403, "{}", valid},
		{"stripe-key", "GET /v1/balance", "Authorization", 401, "{}", invalid},
		{"stripe-key", "GET /v1/balance", "Authorization", 429, "{}", failed},
		{"openai-key", "GET /v1/models", "Authorization", 200, "{}", valid},
		{"openai-key", "GET /v1/models", "Authorization", 401, `{"error":{"code":"invalid_api_key","message":"Incorrect API key"}}`, invalid},
		{"openai-key", "GET /v1/models", "Authorization", 403, `{"error":{"message":"You have insufficient permissions for this operation."}}`, valid},
		{"openai-key", "GET /v1/models", "Authorization", 401, `{"error":{"code":"ip_not_authorized"}}`, failed},
		{"openai-key", "GET /v1/models", "Authorization", 403, "<html>", failed},
		{"anthropic-key", "GET /v1/models", "X-Api-Key", 200, "{}", valid},
		{"anthropic-key", "GET /v1/models", "X-Api-Key", 401, "{}", invalid},
		{"anthropic-key", "GET /v1/models", "X-Api-Key", 403, `{"error":{"type":"permission_error"}}`, valid},
		{"anthropic-key", "GET /v1/models", "X-Api-Key", 529, "{}", failed},
		{"sendgrid-key", "GET /v3/scopes", "Authorization", 200, "{}", valid},
		{"sendgrid-key", "GET /v3/scopes", "Authorization", 401, "{}", invalid},
		{"sendgrid-key", "GET /v3/scopes", "Authorization", 403, "{}", failed},
	}
	asked := map[string]bool{}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s/%d/%s", c.rule, c.status, c.want), func(t *testing.T) {
			asked[c.rule] = true
			secret := sampleOf(t, c.rule)
			server := newIssuer(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			r, err := Run(t.Context(), Options{Stdin: strings.NewReader("x = '" + secret + "'\n"), Verify: true, VerifyAt: everywhere(server.URL)})
			if err != nil || len(r.Leaks) != 1 {
				t.Fatal(err, len(r.Leaks))
			}
			l, f := r.Leaks[0], r.Findings()[0]
			if l.Verdict != c.want || f.Verdict != c.want || r.Verdicts[c.want] != 1 {
				t.Errorf("the verdict is %s, and %s of the finding, want %s", l.Verdict, f.Verdict, c.want)
			}
			if len(server.seen) != 1 || server.seen[0] != c.request || !strings.HasSuffix(server.head[0].Get(c.header), secret) {
				t.Errorf("asked %q, the secret in %s: %v", server.seen, c.header, strings.HasSuffix(server.head[0].Get(c.header), secret))
			}
			if unknowns := len(r.Unknowns); (unknowns == 1) != (c.want == failed) {
				t.Errorf("%d unknowns", unknowns)
			}
			switch own := strings.HasPrefix(c.rule, "git"); {
			case c.want == valid && f.Severity != finding.Critical, c.want == invalid && own != (f.Severity > finding.Low):
				t.Errorf("%s is of severity %s", c.want, f.Severity)
			}
			for _, format := range finding.Formats() {
				var b strings.Builder
				if err := finding.Write(&b, format, finding.Run{Tool: "t", Findings: r.Findings(), Unknowns: r.Unknowns}); err != nil || strings.Contains(b.String(), secret[8:]) || !strings.Contains(b.String(), c.want.String()) {
					t.Errorf("%s: %v, shows the secret: %v", format, err, strings.Contains(b.String(), secret[8:]))
				}
			}
		})
	}
	for _, p := range verifiers() {
		for _, rule := range p.rules {
			if !asked[rule] {
				t.Errorf("%s of %s is in no case", rule, p.id)
			}
		}
		if !strings.HasPrefix(p.base, "https://") || strings.HasSuffix(p.base, "/") || !strings.HasPrefix(p.path, "/") {
			t.Errorf("%s is asked at %s%s", p.id, p.base, p.path)
		}
	}
}

// TestVerifyAsksFew: each secret once, what is known never, what nobody can be
// asked about not at all, and no more than a run may.
func TestVerifyAsksFew(t *testing.T) {
	server := newIssuer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	text := hidden + "\n" + hidden + "\nAKIA" + chars(16, base32) + "\nghr_" + withSum(chars(30, base62)) + "\n" + another + "\n"
	o := Options{Stdin: strings.NewReader(another), Verify: true, VerifyAt: everywhere(server.URL), Baseline: NewBaseline()}
	first, err := Run(t.Context(), Options{Stdin: strings.NewReader(another)})
	if err != nil {
		t.Fatal(err)
	}
	o.Baseline.Add(first.Leaks)
	o.Stdin = strings.NewReader(text)
	r, err := Run(t.Context(), o)
	if err != nil || len(r.Leaks) != 4 || r.Known != 1 {
		t.Fatal(err, len(r.Leaks), r.Known)
	}
	if len(server.seen) != 1 {
		t.Errorf("%d questions, want 1", len(server.seen))
	}
	var verdicts []finding.Verdict
	for _, l := range r.Leaks {
		verdicts = append(verdicts, l.Verdict)
	}
	if want := []finding.Verdict{finding.VerdictInvalid, finding.VerdictInvalid, finding.VerdictUnsupported, finding.VerdictUnsupported}; !slices.Equal(verdicts, want) {
		t.Errorf("%v, want %v", verdicts, want)
	}

	var many strings.Builder
	for n := range maxAsked + 7 {
		many.WriteString("ghp_" + withSum(chars(27, base62)+fmt.Sprintf("%03d", n)) + "\n")
	}
	server.seen = nil
	r, err = Run(t.Context(), Options{Stdin: strings.NewReader(many.String()), Verify: true, VerifyAt: everywhere(server.URL)})
	if err != nil || len(server.seen) != maxAsked || r.Verdicts[finding.VerdictInvalid] != maxAsked || r.Verdicts[finding.VerdictFailed] != 7 || len(r.Unknowns) != 7 {
		t.Errorf("%v: %d questions, %v, %d unknowns", err, len(server.seen), r.Verdicts, len(r.Unknowns))
	}

	// Nobody is asked who is not asked for.
	server.seen = nil
	if r, err := Run(t.Context(), Options{Stdin: strings.NewReader(hidden), VerifyAt: everywhere(server.URL)}); err != nil || len(server.seen) != 0 || r.Leaks[0].Verdict != finding.NotAsked || r.Verdicts != nil {
		t.Errorf("%v: %d questions without being told to", err, len(server.seen))
	}
}

// TestVerifyFails: no redirect is followed, no answer is waited for without
// end, and what fails is neither valid nor invalid.
func TestVerifyFails(t *testing.T) {
	other := newIssuer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"ok":true}`) })
	silent := make(chan struct{})
	defer close(silent)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/x", http.StatusTemporaryRedirect)
		}, "status 307"},
		"silence": {func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-silent:
			case <-r.Context().Done():
			}
		}, "took too long"},
		"an end": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "could not be reached"},
		"half an answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
		}, "could not be reached"},
		"an echo": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, r.Header.Get("Authorization"))
		}, "status 418"},
	} {
		t.Run(name, func(t *testing.T) {
			server := newIssuer(t, c.answer)
			r, err := Run(t.Context(), Options{Stdin: strings.NewReader(hidden), Verify: true, VerifyAt: everywhere(server.URL), askTimeout: 300 * time.Millisecond})
			if err != nil || len(r.Leaks) != 1 || r.Leaks[0].Verdict != finding.VerdictFailed || r.Leaks[0].Severity != finding.Critical {
				t.Fatalf("%v: %+v", err, r)
			}
			if len(r.Unknowns) != 1 || !strings.Contains(r.Unknowns[0].Problem, c.want) || strings.Contains(r.Unknowns[0].Problem, hidden[4:]) || r.Unknowns[0].Where != "standard input:1:1" {
				t.Errorf("could not tell: %+v", r.Unknowns)
			}
		})
	}
	if len(other.seen) != 0 {
		t.Errorf("a redirect was followed: %q", other.seen)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(cancelled, Options{Stdin: strings.NewReader(hidden), Verify: true, VerifyAt: everywhere(other.URL)}); err == nil {
		t.Error("a run that was cancelled is no error")
	}
}

// TestVerifyAt: secrets are sent to no address but the provider's, or this
// machine's.
func TestVerifyAt(t *testing.T) {
	for _, bad := range []map[string]string{
		{"github": "https://evil.example.com"}, {"github": "http://localhost:1"}, {"github": "http://127.0.0.1@evil.example.com"}, {"github": "http://x@127.0.0.1:1"},
		{"github": "ftp://127.0.0.1"}, {"github": "127.0.0.1:80"}, {"github": ""}, {"github": "http://10.0.0.1"}, {"nobody": "http://127.0.0.1:1"}, {"github": "http://127.0.0.1.example.com"},
	} {
		if _, err := Run(t.Context(), Options{Stdin: strings.NewReader(hidden), Verify: true, VerifyAt: bad}); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
	all, err := providersAt(map[string]string{"slack": "http://[::1]:1/"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if (p.id == "slack") != (p.base == "http://[::1]:1") {
			t.Errorf("%s is asked at %s", p.id, p.base)
		}
	}
}
