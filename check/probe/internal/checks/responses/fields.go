package responses

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// quoted is a field's values for a report.
func quoted(name string, values []string) string {
	if len(values) == 0 {
		return "no " + name
	}
	list := make([]string, len(values))
	for i, v := range values {
		if len(v) > 120 {
			v = v[:120] + "…"
		}
		list[i] = strconv.Quote(v)
	}
	return name + " " + strings.Join(list, " and ")
}

func nosniff(a answer) string {
	const name = "X-Content-Type-Options"
	values := a.e.Header.Values(name)
	if len(values) == 1 && strings.EqualFold(strings.TrimSpace(values[0]), "nosniff") {
		return ""
	}
	return quoted(name, values)
}

// framing: a page in somebody else's frame is clicked on without knowing
// (clickjacking). Browsers that know frame-ancestors do not look at
// X-Frame-Options, so that two that disagree protect nobody.
func framing(a answer) string {
	if len(a.e.Body) == 0 {
		return "" // nothing is shown
	}
	const name = "X-Frame-Options"
	options := a.e.Header.Values(name)
	ancestors, given := "", false
	for _, p := range policies(a.e) {
		if v, ok := p["frame-ancestors"]; ok {
			given = true
			if ancestors == "" || tight(v) {
				ancestors = strings.Join(v, " ")
			}
		}
	}
	if len(options) > 1 || len(options) == 1 && strings.Contains(options[0], ",") {
		return quoted(name, options)
	}
	if len(options) == 1 {
		v := strings.ToUpper(strings.TrimSpace(options[0]))
		if v != "DENY" && v != "SAMEORIGIN" {
			return quoted(name, options)
		}
		if given && strings.Contains(" "+ancestors+" ", " * ") {
			return name + " " + v + " and frame-ancestors " + ancestors + ", which wins,"
		}
		return ""
	}
	switch {
	case !given:
		return "neither X-Frame-Options nor frame-ancestors"
	case strings.Contains(" "+ancestors+" ", " * ") || strings.Contains(" "+ancestors+" ", " https: ") || strings.Contains(" "+ancestors+" ", " http: "):
		return "frame-ancestors " + ancestors
	}
	return ""
}

func tight(sources []string) bool {
	return len(sources) == 0 || len(sources) == 1 && (sources[0] == "'none'" || sources[0] == "'self'")
}

// policies are the Content-Security-Policies that are in force: directives
// and their values, all in lower case.
func policies(e *traffic.Exchange) []map[string][]string {
	var out []map[string][]string
	for _, value := range e.Header.Values("Content-Security-Policy") {
		for policy := range strings.SplitSeq(value, ",") {
			p := map[string][]string{}
			for directive := range strings.SplitSeq(policy, ";") {
				words := strings.Fields(strings.ToLower(directive))
				if len(words) == 0 {
					continue
				}
				if _, again := p[words[0]]; !again { // the first one counts
					p[words[0]] = words[1:]
				}
			}
			if len(p) > 0 {
				out = append(out, p)
			}
		}
	}
	return out
}

// csp: data must be able to do nothing when a browser is made to show it; of a
// page it is judged what scripts may run.
func csp(a answer) string {
	if len(a.e.Body) == 0 {
		return ""
	}
	all := policies(a.e)
	if len(all) == 0 {
		if len(a.e.Header.Values("Content-Security-Policy-Report-Only")) > 0 {
			return "Content-Security-Policy-Report-Only alone"
		}
		return "no Content-Security-Policy"
	}
	problem := ""
	for _, p := range all {
		if !a.page() {
			_, sandboxed := p["sandbox"]
			if d, ok := p["default-src"]; sandboxed || ok && (len(d) == 0 || slices.Equal(d, []string{"'none'"})) {
				return ""
			}
			problem = quoted("Content-Security-Policy", a.e.Header.Values("Content-Security-Policy"))
			continue
		}
		loose := scripts(p)
		if loose == "" {
			return "" // all are in force, so one that is strict is enough
		}
		problem = "Content-Security-Policy with " + loose
	}
	return problem
}

// scripts says what is too loose about where scripts may come from.
func scripts(p map[string][]string) string {
	name := "script-src"
	sources, ok := p[name]
	if !ok {
		name = "default-src"
		if sources, ok = p[name]; !ok {
			return "neither script-src nor default-src"
		}
	}
	named := slices.ContainsFunc(sources, func(s string) bool {
		return strings.HasPrefix(s, "'nonce-") || strings.HasPrefix(s, "'sha") || s == "'strict-dynamic'"
	})
	for _, s := range sources {
		switch s {
		case "'unsafe-inline'":
			if named {
				continue // browsers do not look at it then
			}
			return name + " " + s
		case "'unsafe-eval'", "*", "data:", "http:", "https:", "blob:":
			return name + " " + s
		}
	}
	return ""
}

func referrer(a answer) string {
	if len(a.e.Body) == 0 {
		return ""
	}
	const name = "Referrer-Policy"
	values := a.e.Header.Values(name)
	last := ""
	for word := range strings.SplitSeq(strings.ToLower(strings.Join(values, ",")), ",") {
		// The last one that a browser knows counts.
		if word = strings.TrimSpace(word); slices.Contains([]string{"no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin", "same-origin", "strict-origin", "strict-origin-when-cross-origin", "unsafe-url"}, word) {
			last = word
		}
	}
	if slices.Contains([]string{"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}, last) {
		return ""
	}
	return quoted(name, values)
}

func permissions(a answer) string {
	if len(a.e.Body) == 0 {
		return ""
	}
	const name = "Permissions-Policy"
	values := a.e.Header.Values(name)
	if len(values) == 0 {
		return quoted(name, nil)
	}
	denied := map[string]string{}
	for member := range strings.SplitSeq(strings.Join(values, ","), ",") {
		feature, allowed, ok := strings.Cut(member, "=")
		if ok {
			denied[strings.TrimSpace(feature)] = strings.TrimSpace(allowed)
		}
	}
	for _, feature := range []string{"camera", "microphone", "geolocation"} {
		if got, ok := denied[feature]; !ok {
			return name + " without " + feature
		} else if strings.ReplaceAll(got, " ", "") != "()" {
			return name + " with " + feature + "=" + got
		}
	}
	return ""
}

// auditor: the filter removed parts of pages, which an attacker could choose.
func auditor(a answer) string {
	const name = "X-XSS-Protection"
	for _, v := range a.e.Header.Values(name) {
		if strings.HasPrefix(strings.TrimSpace(v), "1") {
			return quoted(name, a.e.Header.Values(name))
		}
	}
	return ""
}

func hsts(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	if t.Client.Base().Scheme != "https" {
		report(trial.Result{Verdict: trial.NotApplicable, Reason: "browsers heed the field over TLS only (RFC 6797 section 8.1)"})
		return
	}
	report(verdict(survey(ctx, t), transport, "Strict-Transport-Security once, with max-age of a year at least", nil))
}

func transport(a answer) string {
	const name = "Strict-Transport-Security"
	values := a.e.Header.Values(name)
	if len(values) != 1 {
		return quoted(name, values)
	}
	age, subdomains, preload := -1, false, false
	for directive := range strings.SplitSeq(strings.ToLower(values[0]), ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.TrimSpace(key) {
		case "max-age":
			if n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`)); err == nil {
				age = n
			}
		case "includesubdomains":
			subdomains = true
		case "preload":
			preload = true
		}
	}
	const year = 31536000
	if age < year || preload && !subdomains {
		return quoted(name, values)
	}
	return ""
}

// tokens are members of an answer that let their bearer in.
func tokens() []string {
	return []string{"access_token", "accesstoken", "refresh_token", "refreshtoken", "id_token"}
}

func hasToken(e *traffic.Exchange) bool {
	var body map[string]any
	if json.Unmarshal(e.Body, &body) != nil {
		return false
	}
	for key, v := range body {
		if s, ok := v.(string); ok && len(s) >= 16 && slices.Contains(tokens(), strings.ToLower(key)) {
			return true
		}
	}
	return false
}

// noStore: what is one user's own must not come to the next one from a cache
// that both use, nor lie on a disk.
func noStore(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	answers := survey(ctx, t)
	private := slices.DeleteFunc(slices.Clone(answers), func(a answer) bool {
		return a.class != success || !a.private && !hasToken(a.e)
	})
	if len(private) == 0 {
		report(trial.Result{Verdict: trial.NotApplicable, Reason: "nothing is answered to credentials"})
		return
	}
	worst := finding.Low
	wrong := func(a answer) string {
		problem, severity := caching(a)
		if problem != "" {
			worst = max(worst, severity)
		}
		return problem
	}
	r := verdict(private, wrong, "Cache-Control: no-store", nil)
	if r.Verdict == trial.Fail {
		r.Severity = worst
	}
	report(r)
}

func caching(a answer) (string, finding.Severity) {
	const name = "Cache-Control"
	values := a.e.Header.Values(name)
	has := map[string]string{}
	for d := range strings.SplitSeq(strings.ToLower(strings.Join(values, ",")), ",") {
		key, v, _ := strings.Cut(strings.TrimSpace(d), "=")
		has[key] = strings.Trim(v, `"`)
	}
	given := func(key string) bool { _, ok := has[key]; return ok }
	if given("no-store") {
		return "", finding.Unknown
	}
	age, _ := strconv.Atoi(has["max-age"])
	shared, _ := strconv.Atoi(has["s-maxage"])
	switch {
	case shared > 0 || !given("private") && (given("public") || age > 0):
		return quoted(name, values), finding.High // a cache that is shared keeps it
	case a.op.Method != http.MethodGet && a.op.Method != http.MethodHead && !hasToken(a.e):
		return "", finding.Unknown // no cache keeps it unasked (RFC 9110 section 9.2.3)
	case given("no-cache") || given("private"):
		return quoted(name, values), finding.Low
	}
	return quoted(name, values), finding.Medium
}

// products are words of servers and frameworks.
func products() []string {
	return []string{"uvicorn", "hypercorn", "daphne", "gunicorn", "werkzeug", "python", "waitress", "cherrypy", "tornado", "aiohttp", "nginx", "openresty", "tengine", "apache", "httpd", "caddy",
		"envoy", "traefik", "microsoft", "kestrel", "iis", "jetty", "tomcat", "coyote", "undertow", "netty", "glassfish", "wildfly", "lighttpd", "litespeed", "express", "cowboy", "puma", "unicorn", "passenger",
		"webrick", "mongrel", "thin", "phusion", "php", "actix", "hyper", "rocket", "fasthttp", "gin", "echo", "fiber", "starlette", "fastapi", "django", "flask", "go-http", "granian", "varnish", "haproxy", "kong", "bottle", "sanic"}
}

var version = lazy.Regexp(`(?:^|[\s(,;])([A-Za-z][\w.+-]*)/v?\d+\.\d+`)

func banner(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	answers := survey(ctx, t)
	// Middleware does not see what is no HTTP: the server answers by itself.
	short, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if e, err := t.Send(short, &traffic.Request{Raw: "GET / HTTP/1.1\r\nHost: {host}\r\n{marker}\r\nno header field\r\n\r\n"}); err == nil && e.Status >= 400 {
		answers = append(slices.Clone(answers), answer{class: "what is no HTTP", e: e})
	}
	report(verdict(answers, product, "no Server field, or one that names no product", nil))
}

func product(a answer) string {
	values := a.e.Header.Values("Server")
	for _, v := range values {
		if version().MatchString(v) {
			return quoted("Server", values)
		}
		for word := range strings.FieldsFuncSeq(strings.ToLower(v), func(r rune) bool { return strings.ContainsRune(" /();,", r) }) {
			if slices.ContainsFunc(products(), func(p string) bool { return word == p || strings.HasPrefix(word, p+"-") }) {
				return quoted("Server", values)
			}
		}
	}
	return ""
}

// versions: a name and a version tell which known holes to try.
func versions(a answer) string {
	names := make([]string, 0, len(a.e.Header))
	for name := range a.e.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		values := a.e.Header[name]
		lower := strings.ToLower(name)
		switch {
		case slices.Contains([]string{"x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-generator", "x-framework", "x-server", "x-powered-cms", "x-drupal-cache", "x-backend-server", "x-application-context"}, lower):
			return quoted(name, values)
		case slices.Contains([]string{"server", "location", "link", "set-cookie", "via", "upgrade", "nel", "report-to", "reporting-endpoints", "alt-svc", "etag", "www-authenticate", "vary", "allow"}, lower),
			strings.HasPrefix(lower, "content-"), strings.HasPrefix(lower, "access-control-"), strings.HasPrefix(lower, "accept"):
			continue
		}
		for _, v := range values {
			m := version().FindStringSubmatch(v)
			// What the probe itself sent does not count, nor do protocols.
			if m == nil || strings.Contains(v, "://") || strings.EqualFold(m[1], "HTTP") || strings.EqualFold(m[1], "TLS") || sent(a.e.Request, v) {
				continue
			}
			return quoted(name, values)
		}
	}
	return ""
}

func sent(r *traffic.Request, value string) bool {
	for _, values := range r.Header {
		if slices.Contains(values, value) {
			return true
		}
	}
	return false
}

// contentType: a browser that is told text/html runs what is in JSON.
func contentType(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	worst := finding.Low
	r := verdict(survey(ctx, t), func(a answer) string {
		problem, severity := mistyped(a)
		if problem != "" {
			worst = max(worst, severity)
		}
		return problem
	}, "the type of what the body is, and a charset with text", nil)
	if r.Verdict == trial.Fail {
		r.Severity = worst
	}
	report(r)
}

func mistyped(a answer) (string, finding.Severity) {
	body := strings.TrimSpace(string(a.e.Body))
	if body == "" || a.class == "HEAD" || a.class == "redirects" {
		return "", finding.Unknown
	}
	kind, full := a.e.Type(), a.e.Header.Get("Content-Type")
	isJSON := !a.e.Cut && (body[0] == '{' || body[0] == '[') && json.Valid(a.e.Body)
	lower := strings.ToLower(body[:min(len(body), 64)])
	isHTML := strings.HasPrefix(lower, "<!doctype html") || strings.HasPrefix(lower, "<html")
	switch {
	case kind == "":
		return "a body without Content-Type", finding.Medium
	case isJSON && kind == "text/html":
		return "JSON as text/html", finding.Medium
	case isJSON && !strings.Contains(kind, "json") && !declared(a, kind):
		return "JSON as " + kind, finding.Low
	case isHTML && strings.Contains(kind, "json"):
		return "a page of HTML as " + kind, finding.Medium
	case (kind == "text/html" || kind == "text/plain" || kind == "text/csv" || kind == "text/xml") && !strings.Contains(strings.ToLower(full), "charset="):
		return fmt.Sprintf("%s without charset", kind), finding.Low
	}
	return "", finding.Unknown
}

// declared tells whether the document says that a type is answered.
func declared(a answer, kind string) bool {
	if a.op == nil {
		return false
	}
	r := a.op.Response(a.e.Status)
	return r != nil && slices.ContainsFunc(r.Types, func(s string) bool { return strings.HasPrefix(strings.ToLower(s), kind) })
}

// survive: what answers before the middleware that sets the fields, or after
// it crashed, lacks them.
func survive(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	answers := survey(ctx, t)
	var common []string
	for _, name := range []string{"X-Content-Type-Options", "X-Frame-Options", "Content-Security-Policy", "Strict-Transport-Security", "Referrer-Policy", "Permissions-Policy"} {
		if succeeded(answers) && !slices.ContainsFunc(answers, func(a answer) bool { return a.class == success && a.e.Header.Get(name) == "" }) {
			common = append(common, name)
		}
	}
	if succeeded(answers) && len(common) == 0 {
		report(trial.Result{Verdict: trial.NotApplicable, Reason: "what succeeds has no such fields itself"})
		return
	}
	report(verdict(answers, func(a answer) string {
		if a.e.Status < 400 {
			return ""
		}
		missing := slices.DeleteFunc(slices.Clone(common), func(name string) bool { return a.e.Header.Get(name) != "" })
		if len(missing) == 0 {
			return ""
		}
		return "no " + strings.Join(missing, ", ")
	}, "what every success carries: "+strings.Join(common, ", "), nil))
}
