package headers

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// A directive is one part of a Content-Security-Policy.
type directive struct {
	name   string
	values []string
}

// kinds of directives, by what their values are.
const (
	cspSources = iota // a source list
	cspAncestors
	cspSandbox
	cspNothing
	cspReportTo
	cspReportURI
	cspTrustedTypes
	cspRequireTrusted
)

// cspDirectives returns the directives of CSP Level 3 and of the
// specifications that add to it, with the kind of their values.
func cspDirectives() map[string]int {
	m := map[string]int{
		"frame-ancestors": cspAncestors, "sandbox": cspSandbox, "report-to": cspReportTo, "report-uri": cspReportURI,
		"upgrade-insecure-requests": cspNothing, "block-all-mixed-content": cspNothing,
		"trusted-types": cspTrustedTypes, "require-trusted-types-for": cspRequireTrusted,
	}
	for _, name := range []string{
		"default-src", "script-src", "script-src-elem", "script-src-attr", "style-src", "style-src-elem", "style-src-attr",
		"img-src", "font-src", "connect-src", "media-src", "object-src", "frame-src", "child-src", "worker-src",
		"manifest-src", "fenced-frame-src", "base-uri", "form-action",
	} {
		m[name] = cspSources
	}
	return m
}

// parseCSP reads one policy and returns every mistake in it.
func parseCSP(text string, groups map[string]string) (list []directive, mistakes []string) {
	bad := func(format string, args ...any) { mistakes = append(mistakes, fmt.Sprintf(format, args...)) }
	if strings.Contains(text, ",") {
		bad("it holds a comma, which separates two policies; give one")
		return nil, mistakes
	}
	known := cspDirectives()
	for _, part := range strings.Split(text, ";") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		d := directive{strings.ToLower(words[0]), words[1:]}
		kind, ok := known[d.name]
		switch {
		case !ok:
			bad("directive %q is not known%s", words[0], suggest(d.name, keys(known)))
			continue
		case slices.ContainsFunc(list, func(e directive) bool { return e.name == d.name }):
			// Browsers take the first, people read the last.
			bad("directive %s is given twice", d.name)
			continue
		}
		list = append(list, d)
		checkDirective(d, kind, groups, bad)
	}
	if len(list) == 0 && len(mistakes) == 0 {
		bad("it has no directives")
	}
	return list, mistakes
}

func checkDirective(d directive, kind int, groups map[string]string, bad func(string, ...any)) {
	switch kind {
	case cspSources, cspAncestors:
		checkSources(d, kind == cspAncestors, bad)
	case cspNothing:
		if len(d.values) > 0 {
			bad("%s takes no value", d.name)
		}
	case cspSandbox:
		for _, v := range d.values {
			if !slices.Contains(sandboxTokens(), v) {
				bad("sandbox has no token %q%s", v, suggest(v, sandboxTokens()))
			}
		}
	case cspReportTo:
		if len(d.values) != 1 {
			bad("report-to takes one name")
		} else if _, ok := groups[d.values[0]]; !ok {
			bad("report-to names %q, which is not in reporting_endpoints%s", d.values[0], suggest(d.values[0], keys(groups)))
		}
	case cspReportURI:
		for _, v := range d.values {
			if _, err := url.Parse(v); err != nil {
				bad("report-uri %q is not a URL", v)
			}
		}
		if len(d.values) == 0 {
			bad("report-uri needs a URL")
		}
	case cspRequireTrusted:
		if !slices.Equal(d.values, []string{"'script'"}) {
			bad("require-trusted-types-for takes 'script', with the quotes")
		}
	}
}

func sandboxTokens() []string {
	return []string{
		"allow-downloads", "allow-forms", "allow-modals", "allow-orientation-lock", "allow-pointer-lock", "allow-popups",
		"allow-popups-to-escape-sandbox", "allow-presentation", "allow-same-origin", "allow-scripts",
		"allow-storage-access-by-user-activation", "allow-top-navigation", "allow-top-navigation-by-user-activation",
		"allow-top-navigation-to-custom-protocols",
	}
}

func cspKeywords() []string {
	return []string{
		"none", "self", "unsafe-inline", "unsafe-eval", "unsafe-hashes", "strict-dynamic", "report-sample",
		"wasm-unsafe-eval", "trusted-types-eval", "unsafe-allow-redirects", "inline-speculation-rules",
		"report-sha256", "report-sha384", "report-sha512",
	}
}

// checkSources judges a source list (CSP Level 3 section 2.3.1). A browser
// ignores a source that it cannot read, so that a forgotten quote gives a
// policy other than the one that was meant, without a word.
func checkSources(d directive, ancestors bool, bad func(string, ...any)) {
	for _, v := range d.values {
		lower := strings.ToLower(v)
		inner, quoted := strings.CutPrefix(lower, "'")
		inner, closed := strings.CutSuffix(inner, "'")
		switch {
		case !quoted && !closed && slices.Contains(cspKeywords(), lower):
			bad("%s: %s needs single quotes: '%s'", d.name, v, lower)
		case !quoted && (strings.HasPrefix(lower, "nonce-") || strings.HasPrefix(lower, "sha256-") || strings.HasPrefix(lower, "sha384-") || strings.HasPrefix(lower, "sha512-")):
			bad("%s: %s needs single quotes", d.name, v)
		case quoted != closed || strings.Contains(inner, "'") || strings.Contains(v, `"`):
			bad("%s: the quotes of %s do not match", d.name, v)
		case quoted && inner == "none" && len(d.values) > 1:
			bad("%s: 'none' stands alone or is ignored", d.name)
		case quoted && ancestors && inner != "none" && inner != "self":
			bad("%s: %s has no meaning there", d.name, v)
		case quoted && slices.Contains(cspKeywords(), inner):
		case quoted && strings.HasPrefix(inner, "nonce-"):
			if v[len("'nonce-"):len(v)-1] != placeholder {
				bad("%s: a nonce that stands in a policy is known to everyone; write 'nonce-%s'", d.name, placeholder)
			}
		case quoted && (strings.HasPrefix(inner, "sha256-") || strings.HasPrefix(inner, "sha384-") || strings.HasPrefix(inner, "sha512-")):
			sum, err := base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(v[len("'sha256-") : len(v)-1]))
			if want := map[string]int{"sha256": 32, "sha384": 48, "sha512": 64}[inner[:6]]; err != nil || len(sum) != want {
				bad("%s: %s is not the base64 of %d bytes", d.name, v, want)
			}
		case quoted:
			bad("%s: keyword %s is not known%s", d.name, v, suggest(inner, cspKeywords()))
		case !isSource(lower):
			bad("%s: %q is not a source: want a keyword in single quotes, a scheme such as data:, or a host such as https://cdn.example.com", d.name, v)
		}
	}
}

// isSource reports whether s is a scheme-source or a host-source.
func isSource(s string) bool {
	if s == "*" {
		return true
	}
	if scheme, ok := strings.CutSuffix(s, ":"); ok {
		return isScheme(scheme)
	}
	rest := s
	if scheme, after, ok := strings.Cut(s, "://"); ok {
		if !isScheme(scheme) {
			return false
		}
		rest = after
	}
	host, path, _ := strings.Cut(rest, "/")
	if strings.ContainsAny(path, "?#") {
		return false
	}
	if name, port, ok := strings.Cut(host, ":"); ok {
		host = name
		if port != "*" && (port == "" || strings.Trim(port, "0123456789") != "") {
			return false
		}
	}
	if host == "*" {
		return true
	}
	host = strings.TrimPrefix(host, "*.")
	if host == "" {
		return false
	}
	for _, label := range strings.Split(host, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

func isScheme(s string) bool {
	return s != "" && s[0] >= 'a' && s[0] <= 'z' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

// hasDirective reports whether a policy has the directive.
func hasDirective(policy, name string) bool {
	for _, part := range strings.Split(policy, ";") {
		if words := strings.Fields(part); len(words) > 0 && strings.EqualFold(words[0], name) {
			return true
		}
	}
	return false
}
