package headers

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The judges say what headers mean to a browser. They are the promises' side:
// they share no text with what the guard writes, so that a promise cannot
// pass merely because it repeats the guard.

// A judge returns what it saw and what it wanted instead, or "" and "".
type judge func(h http.Header, secure bool) (got, want string)

// single returns the one value of a header, or says what there is instead.
func single(h http.Header, name string) (value, got string) {
	switch v := h.Values(name); len(v) {
	case 0:
		return "", "no " + name
	case 1:
		return strings.TrimSpace(v[0]), ""
	default:
		return "", fmt.Sprintf("%d values of %s: %q", len(v), name, v)
	}
}

// exactly judges that a header has one value, which is one of want.
func exactly(name string, want ...string) judge {
	return func(h http.Header, _ bool) (string, string) {
		value, got := single(h, name)
		if got == "" && !slices.Contains(want, strings.ToLower(value)) {
			got = fmt.Sprintf("%s: %s", name, clip(value))
		}
		if got == "" {
			return "", ""
		}
		return got, "exactly one " + name + ": " + strings.Join(want, " or ")
	}
}

// all judges by each of several.
func all(judges ...judge) judge {
	return func(h http.Header, secure bool) (string, string) {
		for _, j := range judges {
			if got, want := j(h, secure); got != "" {
				return got, want
			}
		}
		return "", ""
	}
}

func clip(s string) string {
	if len(s) > 120 {
		s = s[:120] + "…"
	}
	return strconv.Quote(s)
}

// A readCSP is a policy as a browser reads it: lower-case, the first of two
// equal directives.
type readCSP map[string][]string

// policies returns what the header's policies are. Each of them is enforced,
// so one that is strict is enough.
func policies(value string) (list []readCSP) {
	for _, text := range strings.Split(value, ",") {
		p := readCSP{}
		for _, part := range strings.Split(text, ";") {
			if words := strings.Fields(strings.ToLower(part)); len(words) > 0 {
				if _, ok := p[words[0]]; !ok {
					p[words[0]] = words[1:]
				}
			}
		}
		list = append(list, p)
	}
	return list
}

// is reports whether a directive is there with exactly this one value.
func (p readCSP) is(name, value string) bool { return slices.Equal(p[name], []string{value}) }

// sources returns the list that counts for a fetch directive.
func (p readCSP) sources(names ...string) (list []string, ok bool) {
	for _, name := range append(names, "default-src") {
		if list, ok = p[name]; ok {
			return list, true
		}
	}
	return nil, false
}

// broad reports whether a source list lets in code from anywhere.
func broad(list []string) bool {
	trusted := slices.ContainsFunc(list, func(s string) bool {
		return strings.HasPrefix(s, "'nonce-") || strings.HasPrefix(s, "'sha")
	})
	return slices.ContainsFunc(list, func(s string) bool {
		switch s {
		case "'unsafe-inline'":
			return !trusted // which makes browsers ignore it
		case "'unsafe-eval'", "*", "data:", "blob:", "http:", "https:", "http://*", "https://*":
			return true
		}
		return false
	})
}

// cspJudge judges that one of the policies is as ok wants it.
func cspJudge(want string, ok func(readCSP) bool) judge {
	return func(h http.Header, _ bool) (string, string) {
		value, got := single(h, "Content-Security-Policy")
		if got == "" && !slices.ContainsFunc(policies(value), ok) {
			got = "Content-Security-Policy: " + clip(value)
		}
		if got == "" {
			return "", ""
		}
		return got, want
	}
}

// cspInert is a response that can do nothing at all, in an origin of its own.
func cspInert(p readCSP) bool {
	box, boxed := p["sandbox"]
	escapes := slices.Contains(box, "allow-scripts") && slices.Contains(box, "allow-same-origin")
	return boxed && !escapes && cspLocked(p)
}

// cspLocked loads nothing that is not named, and names nothing dangerous.
func cspLocked(p readCSP) bool {
	if !p.is("default-src", "'none'") || !p.is("base-uri", "'none'") || !p.is("form-action", "'none'") {
		return false
	}
	for name, list := range p {
		if strings.HasSuffix(name, "-src") && broad(list) {
			return false
		}
	}
	return true
}

// cspNoForeignScript runs no script but from named places.
func cspNoForeignScript(p readCSP) bool {
	script, ok := p.sources("script-src-elem", "script-src")
	object, ok2 := p.sources("object-src")
	return ok && ok2 && !broad(script) && !broad(object)
}

// framing judges both headers, since old browsers know only the first, and the
// second is the one that browsers prefer.
func framing(values ...string) judge {
	old := exactly("X-Frame-Options", values...)
	return all(old, cspJudge("a Content-Security-Policy whose frame-ancestors is 'none'", func(p readCSP) bool {
		return p.is("frame-ancestors", "'none'")
	}))
}

// framedByOwn lets pages of the same site frame, and named ones.
func framedByOwn(h http.Header, secure bool) (string, string) {
	got, _ := exactly("X-Frame-Options", "deny", "sameorigin")(h, secure)
	if got == "" {
		return "", ""
	}
	named, _ := cspJudge("", func(p readCSP) bool {
		list, ok := p["frame-ancestors"]
		return ok && !broad(list)
	})(h, secure)
	if named == "" && len(h.Values("X-Frame-Options")) == 0 {
		return "", ""
	}
	return got, "X-Frame-Options: DENY or SAMEORIGIN, or frame-ancestors with named sites"
}

// hstsJudge judges by RFC 6797: over TLS one value with an age of at least so
// many seconds, over plain HTTP none (section 7.2).
func hstsJudge(age int, subdomains bool) judge {
	const name = "Strict-Transport-Security"
	want := fmt.Sprintf("exactly one %s with max-age of at least %d", name, age)
	if subdomains {
		want += " and includeSubDomains"
	}
	return func(h http.Header, secure bool) (string, string) {
		if !secure {
			if v := h.Values(name); len(v) > 0 {
				return fmt.Sprintf("%s over plain HTTP: %s", name, clip(v[0])), "none over plain HTTP"
			}
			return "", ""
		}
		value, got := single(h, name)
		if got != "" {
			return got, want
		}
		seconds, sub, times := -1, false, 0
		for _, part := range strings.Split(strings.ToLower(value), ";") {
			k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
			switch strings.TrimSpace(k) {
			case "max-age":
				times++
				if n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(v), `"`)); err == nil {
					seconds = n
				}
			case "includesubdomains":
				sub = true
			}
		}
		if times != 1 || seconds < age || subdomains && !sub {
			return name + ": " + clip(value), want
		}
		return "", ""
	}
}

// deniedFeatures judges that nobody, not even the page itself, may use these.
func deniedFeatures(names ...string) judge {
	return func(h http.Header, _ bool) (string, string) {
		want := "exactly one Permissions-Policy that denies " + strings.Join(names, ", ")
		value, got := single(h, "Permissions-Policy")
		if got != "" {
			return got, want
		}
		allow := map[string]string{}
		for _, part := range strings.Split(value, ",") {
			k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
			allow[k] = v // of two, the last counts (RFC 9651 section 3.2)
		}
		for _, name := range names {
			if v, ok := allow[name]; !ok || strings.ReplaceAll(v, " ", "") != "()" {
				return fmt.Sprintf("Permissions-Policy: %s, which does not deny %s", clip(value), name), want
			}
		}
		return "", ""
	}
}

// referrer judges the last policy of the list that browsers know.
func referrer(values ...string) judge {
	return func(h http.Header, _ bool) (string, string) {
		value, got := single(h, "Referrer-Policy")
		if got == "" {
			last := value[strings.LastIndex(value, ",")+1:]
			if slices.Contains(values, strings.ToLower(strings.TrimSpace(last))) {
				return "", ""
			}
			got = "Referrer-Policy: " + clip(value)
		}
		return got, "exactly one Referrer-Policy: " + strings.Join(values, " or ")
	}
}

// uncached judges by RFC 9111 section 5.2.2.5.
func uncached(h http.Header, _ bool) (string, string) {
	const want = "exactly one Cache-Control with no-store"
	value, got := single(h, "Cache-Control")
	if got != "" {
		return got, want
	}
	var directives []string
	for _, part := range strings.Split(strings.ToLower(value), ",") {
		directives = append(directives, strings.TrimSpace(part))
	}
	if !slices.Contains(directives, "no-store") || slices.Contains(directives, "public") {
		return "Cache-Control: " + clip(value), want
	}
	for _, name := range []string{"CDN-Cache-Control", "Surrogate-Control", "X-Accel-Expires"} {
		if v := h.Values(name); len(v) > 0 {
			return fmt.Sprintf("%s: %s, which overrules Cache-Control", name, clip(v[0])), want
		}
	}
	return "", ""
}

// anonymous judges that nothing says which software answered, but for the
// names in except.
func anonymous(except []string) judge {
	version := regexp.MustCompile(`[A-Za-z][A-Za-z.-]*/[0-9]+(\.[0-9]+)+`)
	return func(h http.Header, _ bool) (string, string) {
		for name, values := range h {
			if slices.Contains(except, name) || len(values) == 0 {
				continue
			}
			found := false
			switch lower := strings.ToLower(name); {
			case lower == "server" || lower == "via" || strings.Contains(lower, "powered-by") || strings.Contains(lower, "generator"),
				strings.HasPrefix(lower, "x-aspnet"), strings.HasPrefix(lower, "x-varnish"), strings.HasPrefix(lower, "x-envoy-"),
				slices.Contains([]string{"x-runtime", "x-version", "x-served-by", "x-framework", "x-cms", "x-backend-server", "x-php-version", "x-redirect-by", "x-owa-version"}, lower):
				found = true
			case strings.HasPrefix(lower, "x-"):
				found = version.MatchString(values[0])
			}
			if found {
				return fmt.Sprintf("%s: %s", name, clip(values[0])), "no header that names software, versions or hosts"
			}
		}
		return "", ""
	}
}
