package headers

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

type badFunc = func(key, format string, args ...any)

// entries checks one level's verbs and returns them as entries, in a stable
// order.
func (v verbs) entries(prefix string, groups map[string]string, bad badFunc) []entry {
	var all []entry
	short := strings.TrimPrefix(prefix, "headers.")
	add := func(verb verb, key, name, value string) {
		canonical := http.CanonicalHeaderKey(name)
		switch old := find(all, canonical); {
		case !isToken(name):
			bad(short+key, "%q is not a header name", name)
			return
		case old != nil:
			bad(short+key, "%s is given already, as %s", canonical, old.key)
			return
		case slices.Contains(unguardable(), canonical):
			bad(short+key, "%s belongs to HTTP's own framing and is not for a policy", canonical)
			return
		case verb <= verbAppend && (canonical == hSetCookie || canonical == "Content-Type" || canonical == "Location"):
			bad(short+key, "%s is a handler's to say; a policy can only remove or keep it", canonical)
			return
		case verb == verbAppend && slices.Contains(singular(), canonical):
			bad(short+key, "%s has one value; a second one makes browsers ignore it or take the weaker", canonical)
			return
		}
		if verb <= verbAppend {
			for _, m := range checkValue(canonical, value, groups) {
				bad(short+key, "%s", m)
			}
		}
		all = append(all, entry{canonical, verb, value, prefix + key})
	}
	for _, m := range []struct {
		name string
		verb verb
		list map[string]string
	}{{"set", verbSet, v.set}, {"default", verbDefault, v.def}, {"append", verbAppend, v.app}} {
		for _, name := range slices.Sorted(maps.Keys(m.list)) {
			add(m.verb, m.name+"."+name, name, m.list[name])
		}
	}
	for i, name := range v.remove {
		add(verbRemove, fmt.Sprintf("remove[%d]", i), name, "")
	}
	for i, name := range v.keep {
		add(verbKeep, fmt.Sprintf("keep[%d]", i), name, "")
	}
	return all
}

// unguardable returns the fields that frame the message or belong to the
// connection.
func unguardable() []string {
	return []string{"Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}
}

// singular returns the fields of which there may be one value.
func singular() []string {
	return []string{
		"X-Content-Type-Options", "X-Frame-Options", "X-Xss-Protection", hSTS, "Cross-Origin-Opener-Policy",
		"Cross-Origin-Embedder-Policy", "Cross-Origin-Resource-Policy", "Origin-Agent-Cluster",
		"X-Permitted-Cross-Domain-Policies", "X-Dns-Prefetch-Control", "Access-Control-Allow-Origin",
		"Access-Control-Allow-Credentials", "Etag", "Last-Modified", "Expires", "Age", "Date", "Retry-After",
	}
}

// checkValue returns the mistakes in a header's value.
func checkValue(name, value string, groups map[string]string) []string {
	for i := 0; i < len(value); i++ {
		if b := value[i]; b < 0x20 && b != '\t' || b == 0x7f {
			// What follows a line break would be a header of its own (CWE-113).
			return []string{fmt.Sprintf("%q holds a control character", value)}
		} else if b >= 0x80 {
			return []string{fmt.Sprintf("%q holds a character that is not ASCII, which no two readers decode alike", value)}
		}
	}
	if value == "" || value != strings.TrimSpace(value) {
		return []string{fmt.Sprintf("%q is empty or has space around it; to send no header, list it in remove", value)}
	}
	oneOf := func(values ...string) []string {
		if slices.Contains(values, strings.ToLower(value)) {
			return nil
		}
		return []string{fmt.Sprintf("%q is not one of %s%s", value, strings.Join(values, ", "), suggest(value, values))}
	}
	bare, params, hasParams := strings.Cut(value, ";")
	switch name {
	case "X-Content-Type-Options":
		return oneOf("nosniff")
	case "X-Frame-Options":
		if strings.HasPrefix(strings.ToLower(value), "allow") {
			return []string{fmt.Sprintf("%q: browsers ignore every value but DENY and SAMEORIGIN, and let everyone frame; name the sites in Content-Security-Policy: frame-ancestors", value)}
		}
		return oneOf("deny", "sameorigin")
	case "X-Xss-Protection":
		return oneOf("0", "1", "1; mode=block")
	case "Origin-Agent-Cluster":
		return oneOf("?1", "?0")
	case "X-Dns-Prefetch-Control":
		return oneOf("off", "on")
	case "X-Permitted-Cross-Domain-Policies":
		return oneOf("none", "master-only", "by-content-type", "by-ftp-filename", "all", "none-this-response")
	case "Cross-Origin-Resource-Policy":
		return oneOf("same-origin", "same-site", "cross-origin")
	case "Cross-Origin-Opener-Policy", "Cross-Origin-Embedder-Policy":
		if hasParams {
			group, ok := strings.CutPrefix(strings.TrimSpace(params), "report-to=")
			if _, known := groups[strings.Trim(group, `"`)]; !ok || !known {
				return []string{fmt.Sprintf("%q is not report-to=\"NAME\" with a name of reporting_endpoints", params)}
			}
			value = strings.TrimSpace(bare)
		}
		if name == "Cross-Origin-Opener-Policy" {
			return oneOf("same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none")
		}
		return oneOf("require-corp", "credentialless", "unsafe-none")
	case "Referrer-Policy":
		var bad []string
		for _, token := range strings.Split(value, ",") {
			value = strings.TrimSpace(token)
			bad = append(bad, oneOf("no-referrer", "no-referrer-when-downgrade", "same-origin", "origin", "strict-origin", "origin-when-cross-origin", "strict-origin-when-cross-origin", "unsafe-url")...)
		}
		return bad
	case hSTS:
		return checkHSTS(value)
	case hCSP, hCSPReport:
		_, bad := parseCSP(value, groups)
		return bad
	case hPermissions:
		return checkPermissions(value, groups)
	}
	return nil
}

// Bounds of Strict-Transport-Security.
const (
	twoYears = 63072000
	oneYear  = 31536000 // what hstspreload.org asks for
)

// entry returns the header that h describes, if it says anything that the
// preset does not.
func (h HSTS) entry(presetName string, own []entry, bad badFunc) []entry {
	if h == (HSTS{}) {
		return nil
	}
	if e := find(own, hSTS); e != nil {
		bad("hsts", "Strict-Transport-Security is given already, as %s", e.key)
	}
	if h.MaxAge < 0 {
		bad("hsts.max_age", "%d is negative; to make browsers forget, set Strict-Transport-Security to max-age=0", h.MaxAge)
		return nil
	}
	age := h.MaxAge
	if age == 0 {
		age = twoYears
	}
	preload := h.Preload || presetName == presetGuide
	value := "max-age=" + strconv.Itoa(age)
	if !h.AllowInsecureSubdomains {
		value += "; includeSubDomains"
	}
	if preload {
		value += "; preload"
	}
	for _, m := range checkHSTS(value) {
		if preload && !h.Preload {
			m += " (the preset guide asks for preload)"
		}
		bad("hsts.preload", "%s", m)
	}
	key := "headers.hsts.max_age"
	if h.AllowInsecureSubdomains {
		key = "headers.hsts.allow_insecure_subdomains"
	}
	return []entry{{hSTS, verbSet, value, key}}
}

// checkHSTS judges a value by RFC 6797 section 6.1 and, where it asks for
// preload, by the rules of hstspreload.org, since a domain that fails them is
// not preloaded whatever its header says.
func checkHSTS(value string) (mistakes []string) {
	age, sub, preload := -1, false, false
	for _, part := range strings.Split(value, ";") {
		name, v, hasValue := strings.Cut(strings.TrimSpace(part), "=")
		switch strings.ToLower(name) {
		case "max-age":
			n, err := strconv.Atoi(strings.Trim(v, `"`))
			if err != nil || n < 0 || age >= 0 {
				return []string{fmt.Sprintf("%q: max-age is a number of seconds, once", value)}
			}
			age = n
		case "includesubdomains":
			sub = true
		case "preload":
			preload = true
		default:
			return []string{fmt.Sprintf("%q: directive %q is not known%s", value, name, suggest(strings.ToLower(name), []string{"max-age", "includesubdomains", "preload"}))}
		}
		if hasValue && !strings.EqualFold(name, "max-age") {
			mistakes = append(mistakes, fmt.Sprintf("%q: %s takes no value", value, name))
		}
	}
	if age < 0 {
		return append(mistakes, fmt.Sprintf("%q has no max-age, without which it is ignored", value))
	}
	if preload && !sub {
		mistakes = append(mistakes, "preload covers all subdomains, so it needs includeSubDomains")
	}
	if preload && age < oneYear {
		mistakes = append(mistakes, fmt.Sprintf("preload needs a max-age of at least %d, one year, and has %d", oneYear, age))
	}
	return mistakes
}

// checkEndpoints judges where reports go and returns the names.
func (p Policy) checkEndpoints(bad badFunc) map[string]string {
	for _, name := range slices.Sorted(maps.Keys(p.ReportingEndpoints)) {
		key := "reporting_endpoints." + name
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-.*") != "" || name[0] != '*' && (name[0] < 'a' || name[0] > 'z') {
			bad(key, "%q is not a key of a structured field (RFC 9651): lower-case letters, digits, _ - . *", name)
		}
		text := p.ReportingEndpoints[name]
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(text, "\"\\ \r\n\t") {
			bad(key, "%q is not an https URL, and browsers report to no other", text)
		}
	}
	if p.ReportTo != "" {
		if _, ok := p.ReportingEndpoints[p.ReportTo]; !ok {
			bad("report_to", "%q is not in reporting_endpoints%s", p.ReportTo, suggest(p.ReportTo, keys(p.ReportingEndpoints)))
		}
	}
	if len(p.ReportingEndpoints) > 0 {
		for name := range p.Set {
			if strings.EqualFold(name, hEndpoints) {
				bad("reporting_endpoints", "given together with set.%s", name)
			}
		}
	}
	return p.ReportingEndpoints
}

// isToken reports whether s can be a header name (RFC 9110 section 5.1).
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		b := s[i]
		if b <= ' ' || b >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, b) >= 0 {
			return false
		}
	}
	return s != ""
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// suggest returns a hint at the known word that is nearest to s, if one is
// near enough to be what was meant.
func suggest(s string, known []string) string {
	best, at := "", len(s)/3+1
	for _, k := range known {
		if d := distance(strings.ToLower(s), k); d <= at && (best == "" || d < at) {
			best, at = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// distance is Levenshtein's.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
