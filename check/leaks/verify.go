package leaks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pavise-dev/pavise/finding"
)

const (
	// maxAsked bounds the questions of a run: a tree of a thousand test tokens
	// is not to make a thousand failed logins.
	maxAsked = 50
	// askers is how many questions are asked at a time.
	askers = 4
	// askTimeout bounds a question with its answer.
	askTimeout = 10 * time.Second
	// maxAnswer is what is read of an answer.
	maxAnswer = 64 << 10
)

// A provider is who issued a secret, and how it is asked whether the secret is
// live: by a request that changes nothing, and that needs as few rights as
// there are. What an answer means is what the provider documents; any other
// answer tells nothing.
type provider struct {
	id, name, base string
	rules          []string
	method, path   string
	// takes tells whether a secret of the rules can be asked for; nil means all.
	takes func(secret string) bool
	// header puts the secret into the request.
	header func(h http.Header, secret string)
	answer func(status int, body []byte) finding.Verdict
	// own tells that others run servers of their own, which issue secrets of
	// the same shape: that this one does not know it says little then.
	own bool
}

// verifiers lists the providers that can be asked. Addresses of registries of
// packages are not among them, so that npm's and PyPI's tokens are unsupported.
func verifiers() []provider {
	bearer := func(h http.Header, secret string) { h.Set("Authorization", "Bearer "+secret) }
	without := func(prefixes ...string) func(string) bool {
		return func(s string) bool {
			return !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
		}
	}
	return []provider{
		{
			// What is left of the rate is told to every token, of an app too. A
			// refresh token is none to log in with.
			id: "github", name: "GitHub", base: "https://api.github.com", own: true, rules: []string{"github-token", "github-fine-grained"}, takes: without("ghr_"),
			method: http.MethodGet, path: "/rate_limit", header: bearer, answer: byStatus(nil),
		},
		{
			id: "gitlab", name: "GitLab", base: "https://gitlab.com", own: true, rules: []string{"gitlab-token"}, takes: func(s string) bool { return strings.HasPrefix(s, "glpat-") },
			method: http.MethodGet, path: "/api/v4/personal_access_tokens/self", header: func(h http.Header, secret string) { h.Set("PRIVATE-TOKEN", secret) },
			answer: byStatus(func(status int, body []byte) bool {
				return status == http.StatusForbidden && bytes.Contains(body, []byte("insufficient_scope"))
			}),
		},
		{
			// A configuration token, xoxe, is for other methods.
			id: "slack", name: "Slack", base: "https://slack.com", rules: []string{"slack-token"}, takes: without("xoxe"),
			method: http.MethodPost, path: "/api/auth.test", header: bearer, answer: slackAnswer,
		},
		{
			// A restricted key that may not do this is forbidden it.
			id: "stripe", name: "Stripe", base: "https://api.stripe.com", rules: []string{"stripe-key", "stripe-test-key"},
			method: http.MethodGet, path: "/v1/balance", header: bearer,
			answer: byStatus(func(status int, _ []byte) bool { return status == http.StatusForbidden }),
		},
		{
			id: "openai", name: "OpenAI", base: "https://api.openai.com", rules: []string{"openai-key"}, takes: without("sk-admin-"),
			method: http.MethodGet, path: "/v1/models", header: bearer, answer: openaiAnswer,
		},
		{
			id: "anthropic", name: "Anthropic", base: "https://api.anthropic.com", rules: []string{"anthropic-key"}, takes: without("sk-ant-admin"),
			method: http.MethodGet, path: "/v1/models", header: func(h http.Header, secret string) {
				h.Set("X-Api-Key", secret)
				h.Set("Anthropic-Version", "2023-06-01")
			},
			answer: byStatus(func(status int, body []byte) bool {
				return status == http.StatusForbidden && bytes.Contains(body, []byte("permission_error"))
			}),
		},
		{
			id: "sendgrid", name: "SendGrid", base: "https://api.sendgrid.com", rules: []string{"sendgrid-key"},
			method: http.MethodGet, path: "/v3/scopes", header: bearer, answer: byStatus(nil),
		},
	}
}

// byStatus reads 200 as valid and 401 as invalid. Live tells of other answers
// that only a secret that is live gets.
func byStatus(live func(status int, body []byte) bool) func(int, []byte) finding.Verdict {
	return func(status int, body []byte) finding.Verdict {
		switch {
		case status == http.StatusOK, live != nil && live(status, body):
			return finding.VerdictValid
		case status == http.StatusUnauthorized:
			return finding.VerdictInvalid
		}
		return finding.VerdictFailed
	}
}

// slackAnswer reads what Slack says with 200 whether it is so or not.
func slackAnswer(status int, body []byte) finding.Verdict {
	var a struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	switch {
	case status != http.StatusOK || json.Unmarshal(body, &a) != nil:
		return finding.VerdictFailed
	case a.OK:
		return finding.VerdictValid
	case slices.Contains([]string{"invalid_auth", "account_inactive", "token_revoked", "token_expired", "not_authed"}, a.Error):
		return finding.VerdictInvalid
	}
	return finding.VerdictFailed
}

// openaiAnswer: a key whose rights do not reach is told so, with 401 or 403.
func openaiAnswer(status int, body []byte) finding.Verdict {
	var a struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	denied := status == http.StatusUnauthorized || status == http.StatusForbidden
	switch {
	case status == http.StatusOK:
		return finding.VerdictValid
	case !denied || json.Unmarshal(body, &a) != nil:
		return finding.VerdictFailed
	case strings.Contains(strings.ToLower(a.Error.Message), "insufficient permissions"):
		return finding.VerdictValid
	case status == http.StatusUnauthorized && a.Error.Code == "invalid_api_key":
		return finding.VerdictInvalid
	}
	return finding.VerdictFailed
}

// Verifiers names the providers that can be asked.
func Verifiers() []string {
	var out []string
	for _, p := range verifiers() {
		out = append(out, p.id)
	}
	return out
}

// providersAt lists the providers, with the addresses that a test gives. No
// other than this machine's own are taken: whoever could give one would be
// sent the secrets.
func providersAt(addresses map[string]string) ([]provider, error) {
	all := verifiers()
	for id, address := range addresses {
		i := slices.IndexFunc(all, func(p provider) bool { return p.id == id })
		if i < 0 {
			return nil, fmt.Errorf("%q is no provider that is asked: want one of %s", id, strings.Join(Verifiers(), ", "))
		}
		u, err := url.Parse(address)
		if err != nil || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("the address of %s is not http://127.0.0.1:PORT", id)
		}
		if ip, err := netip.ParseAddr(u.Hostname()); err != nil || !ip.IsLoopback() {
			return nil, fmt.Errorf("the address of %s is not of this machine, such as http://127.0.0.1:PORT", id)
		}
		all[i].base = strings.TrimRight(address, "/")
	}
	return all, nil
}

// A question is a secret with all of its leaks.
type question struct {
	provider *provider
	leaks    []int
	secret   string
	verdict  finding.Verdict
	reason   string // where it failed
}

// verify asks about each secret once.
func (r *runner) verify() error {
	all, err := providersAt(r.o.VerifyAt)
	if err != nil {
		return err
	}
	var asked []*question
	byKey := map[string]*question{}
	for i := range r.report.Leaks {
		l := &r.report.Leaks[i]
		n := slices.IndexFunc(all, func(p provider) bool {
			return slices.Contains(p.rules, strings.TrimPrefix(l.Rule, "leaks/")) && (p.takes == nil || p.takes(l.secret))
		})
		if n < 0 {
			l.Verdict = finding.VerdictUnsupported
			continue
		}
		key := all[n].id + "\x00" + l.secret
		q := byKey[key]
		if q == nil {
			q = &question{provider: &all[n], secret: l.secret}
			byKey[key] = q
			asked = append(asked, q)
		}
		q.leaks = append(q.leaks, i)
	}
	r.ask(asked)
	if err := r.ctx.Err(); err != nil {
		return err
	}
	for _, q := range asked {
		for _, i := range q.leaks {
			r.conclude(&r.report.Leaks[i], q)
		}
	}
	r.report.Verdicts = map[finding.Verdict]int{}
	for i := range r.report.Leaks {
		r.report.Verdicts[r.report.Leaks[i].Verdict]++
	}
	return nil
}

// conclude gives a leak its verdict. One that is live is as bad as can be; one
// that nobody takes is hardly bad, unless a server that was not asked may.
func (r *runner) conclude(l *Leak, q *question) {
	l.Verdict, l.issuer = q.verdict, q.provider
	switch q.verdict {
	case finding.VerdictValid:
		l.Severity = finding.Critical
	case finding.VerdictInvalid:
		if !q.provider.own {
			l.Severity = min(l.Severity, finding.Low)
		}
	case finding.VerdictFailed:
		r.unknown(fmt.Sprintf("%s:%d:%d", l.Path, l.Line, l.Column), fmt.Errorf("%s could not be asked whether the %s is live: %s", q.provider.name, l.What, q.reason))
	}
}

// ask asks, a few at a time.
func (r *runner) ask(asked []*question) {
	timeout := r.o.askTimeout
	if timeout == 0 {
		timeout = askTimeout
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: timeout}).DialContext, TLSHandshakeTimeout: timeout,
		ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxAnswer,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport: transport, Timeout: timeout,
		// A redirect could lead the secret to somebody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	next := make(chan *question)
	var wg sync.WaitGroup
	for range min(askers, len(asked)) {
		wg.Go(func() {
			for q := range next {
				q.ask(r.ctx, client)
			}
		})
	}
	for i, q := range asked {
		if i >= maxAsked || r.ctx.Err() != nil {
			q.verdict, q.reason = finding.VerdictFailed, fmt.Sprintf("a run asks about %d secrets, and no more", maxAsked)
			continue
		}
		next <- q
	}
	close(next)
	wg.Wait()
}

// ask asks. No error of the client is passed on: what it says of a request is
// not ours to bound, and the secret is in the request.
func (q *question) ask(ctx context.Context, client *http.Client) {
	q.verdict = finding.VerdictFailed
	p := q.provider
	req, err := http.NewRequestWithContext(ctx, p.method, p.base+p.path, http.NoBody)
	if err != nil {
		q.reason = "its address is none"
		return
	}
	req.Header.Set("User-Agent", "pavise-leaks")
	req.Header.Set("Accept", "application/json")
	p.header(req.Header, q.secret)
	resp, err := client.Do(req)
	if err != nil {
		q.reason = failure(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		q.reason = failure(err)
		return
	}
	if q.verdict = p.answer(resp.StatusCode, body); q.verdict == finding.VerdictFailed {
		q.reason = fmt.Sprintf("its answer, of status %d, says neither", resp.StatusCode)
	}
}

func failure(err error) string {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "it took too long to answer"
	}
	return "it could not be reached"
}
