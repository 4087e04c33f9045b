package origins

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A matcher tells whether an Origin header is one of a list. It compares
// bytes: a browser writes an origin in one way only, so that whatever is
// written otherwise ("HTTPS://EXAMPLE.COM", "https://example.com:443") does
// not come from one.
type matcher struct {
	exact map[string]struct{}
	below []wildcard
}

// A wildcard is "https://*.example.com:8443" cut at its asterisk.
type wildcard struct {
	prefix string // "https://"
	suffix string // ".example.com:8443"
}

func (m *matcher) match(origin string) bool {
	if _, ok := m.exact[origin]; ok {
		return true
	}
	for _, w := range m.below {
		if w.match(origin) {
			return true
		}
	}
	return false
}

// match demands whole labels in the place of the asterisk. The suffix begins
// with a dot, so "https://evilexample.com" is not below example.com; what
// stands before it must be made of labels and nothing else, so that nothing
// there ends the host for another parser: no "@", "/", "%", "_" or ":".
func (w wildcard) match(origin string) bool {
	if len(origin) > len(w.prefix)+maxHost+len(":65535") || len(origin) <= len(w.prefix)+len(w.suffix) ||
		!strings.HasPrefix(origin, w.prefix) || !strings.HasSuffix(origin, w.suffix) {
		return false
	}
	return labels(origin[len(w.prefix) : len(origin)-len(w.suffix)])
}

const maxHost = 253 // RFC 1035 section 2.3.4, without the root's dot

// labels reports whether s is one or more DNS labels in lower case, letters,
// digits and inner hyphens (RFC 1123 section 2.1).
func labels(s string) bool {
	start := 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] != '.' {
			c := s[i]
			if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' {
				continue
			}
			return false
		}
		if n := i - start; n == 0 || n > 63 || s[start] == '-' || s[i-1] == '-' {
			return false
		}
		start = i + 1
	}
	return true
}

// compile adds the list under key, and returns every mistake in it. The entry
// "*" is the caller's business if star is set, and a mistake if not.
func (m *matcher) compile(key string, list []string, p Policy, star bool) (errs []error) {
	m.exact = make(map[string]struct{}, len(list))
	for i, s := range list {
		if s == "*" && star {
			continue
		}
		w, err := parse(s, p)
		switch {
		case err != nil:
		case w != nil && slices.Contains(m.below, *w):
			err = errors.New("is listed twice")
		case w != nil:
			m.below = append(m.below, *w)
		default:
			if _, dup := m.exact[s]; dup {
				err = errors.New("is listed twice")
			}
			m.exact[s] = struct{}{}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s[%d]: %q: %w", key, i, s, err))
		}
	}
	return errs
}

// parse judges one entry. It returns a wildcard, or nil for an exact origin.
func parse(s string, p Policy) (*wildcard, error) {
	switch {
	case s == "":
		return nil, errors.New("is empty")
	case s == "*":
		return nil, errors.New("would let every site act for its visitors; where that is meant, it is dangerously_allow_cross_site")
	case s == "null":
		// Every sandboxed frame, data: URL and cross-origin redirect has the
		// origin null: any page can make itself one.
		return nil, errors.New("any page can make itself the null origin (a sandboxed frame is enough): it cannot be allowed")
	case strings.ContainsAny(s, "\\^$()[]{}|+?") && !strings.Contains(s, "://["):
		return nil, errors.New(`is not an origin: there are no regular expressions here, whose unescaped dots and missing anchors let look-alikes in; write "https://app.example.com" or "https://*.example.com"`)
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return nil, errors.New(`has no scheme: write "https://app.example.com"`)
	}
	if !isScheme(scheme) {
		return nil, errors.New("has a scheme that is not lower-case letters, digits, '+', '-' and '.'")
	}
	switch scheme {
	case "file", "data", "blob", "javascript", "about":
		return nil, fmt.Errorf("pages with the scheme %s have the origin null, which any page can have", scheme)
	case "ws":
		return nil, errors.New("an origin is that of the page: write http://")
	case "wss":
		return nil, errors.New("an origin is that of the page: write https://")
	}
	if strings.ContainsAny(rest, "/?#") {
		return nil, errors.New("an origin has no path, query or fragment, not even a slash at its end")
	}
	if strings.Contains(rest, "@") {
		return nil, errors.New("an origin has no user name")
	}
	host, port, err := splitPort(rest)
	if err != nil {
		return nil, err
	}
	if scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return nil, fmt.Errorf("browsers leave out the default port: remove :%s", port)
	}
	base, wild := strings.CutPrefix(host, "*.")
	if strings.Contains(base, "*") {
		return nil, errors.New(`has an asterisk that is not the whole first label: "https://*.example.com" is the only form`)
	}
	if scheme != "https" && scheme != "http" {
		if wild {
			return nil, errors.New("a wildcard needs https")
		}
		// An app or browser extension: its scheme is registered on the
		// device, and its host is an opaque id in the letters of a name.
		if !labels(base) {
			return nil, errors.New("has a host that is not letters, digits, '-' and '.'")
		}
		return nil, nil
	}
	loopback, err := checkHost(base)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(strings.Trim(base, "[]")); wild && err == nil {
		return nil, errors.New("an address has no names below it")
	}
	if scheme == "http" && !loopback && !p.DangerouslyAllowInsecureOrigins {
		// Refused without credentials too: a listed origin may also send
		// unsafe requests, and browsers attach cookies to those by the
		// cookies' own rules.
		return nil, errors.New("whoever sits on the network can write the pages of an http origin: use https, or set dangerously_allow_insecure_origins")
	}
	if !wild {
		return nil, nil
	}
	if base == "localhost" {
		return &wildcard{prefix: scheme + "://", suffix: s[len(scheme)+len("://*"):]}, nil
	}
	if publicSuffix(base) && !p.DangerouslyAllowPublicSuffixes {
		return nil, fmt.Errorf("anyone can have a name below %q: list the origins, or set dangerously_allow_public_suffixes", base)
	}
	return &wildcard{prefix: scheme + "://", suffix: s[len(scheme)+len("://*"):]}, nil
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.') {
			continue
		}
		return false
	}
	return s != "" && len(s) <= 64
}

// splitPort splits host[:port]; a host in brackets keeps them.
func splitPort(s string) (host, port string, err error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.HasSuffix(s, "]") {
		return s, "", nil
	}
	host, port = s[:i], s[i+1:]
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || port[0] == '0' || port[0] == '+' {
		return "", "", errors.New("has a port that is not a number from 1 to 65535")
	}
	return host, port, nil
}

// checkHost demands a host as browsers write it in an Origin header.
func checkHost(host string) (loopback bool, err error) {
	if strings.HasPrefix(host, "[") || strings.Contains(host, ":") {
		addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
		if err != nil || addr.Zone() != "" || host != "["+addr.String()+"]" || addr.Is4In6() {
			return false, errors.New("has a host that is not an IPv6 address in brackets and in its shortest form (RFC 5952)")
		}
		return addr.IsLoopback(), nil
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback(), nil
	}
	for i := range len(host) {
		if host[i] >= 0x80 {
			return false, errors.New("browsers send names in ASCII: write the host in its xn-- form")
		}
	}
	if lower := strings.ToLower(host); lower != host {
		return false, errors.New("browsers send names in lower case, and comparison is exact: write " + strconv.Quote(lower))
	}
	if strings.HasSuffix(host, ".") {
		return false, errors.New("ends with a dot")
	}
	if len(host) > maxHost || !labels(host) {
		return false, errors.New("has a host that is not a DNS name (letters, digits, inner hyphens, labels of at most 63)")
	}
	// A last label of digits is an IPv4 address to a browser, which would
	// write it in four decimal numbers (127.1 is 127.0.0.1).
	last := host[strings.LastIndexByte(host, '.')+1:]
	if c := last[0]; c >= '0' && c <= '9' {
		return false, errors.New("has a host that looks like an address and is not one in four decimal numbers")
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost"), nil
}

// publicSuffix reports whether anyone can register a name below base. Every
// single label is one; of the others it knows those that are met most. The
// whole list (publicsuffix.org, some 10,000 entries) changes weekly and is
// not carried: a wildcard below a suffix that is not here is not noticed.
func publicSuffix(base string) bool {
	if !strings.Contains(base, ".") {
		return true
	}
	if slices.Contains(sharedHosting, base) {
		return true
	}
	// co.uk, com.au, org.br and their like: a second-level category below a
	// two-letter country.
	second, country, _ := strings.Cut(base, ".")
	if len(country) == 2 && !strings.Contains(country, ".") {
		switch second {
		case "ac", "co", "com", "edu", "gob", "gov", "gouv", "go", "ltd", "me", "mil", "ne", "net", "nhs", "or", "org", "plc", "sch":
			return true
		}
	}
	// s3.eu-west-1.amazonaws.com, execute-api.us-east-1.amazonaws.com,
	// westeurope.azurecontainerapps.io: a region inside the suffix.
	for _, s := range []string{".amazonaws.com", ".azurecontainerapps.io", ".azurestaticapps.net", ".elasticbeanstalk.com", ".cloudapp.azure.com", ".windows.net"} {
		if strings.HasSuffix(base, s) {
			return true
		}
	}
	return false
}

// sharedHosting lists hosts below which customers get names.
var sharedHosting = []string{
	"amazonaws.com", "amplifyapp.com", "appspot.com", "awsapprunner.com", "azureedge.net", "azurefd.net",
	"azurestaticapps.net", "azurewebsites.net", "b-cdn.net", "blogspot.com", "cloudapp.net", "cloudflare.net",
	"cloudfront.net", "cloudfunctions.net", "codeberg.page", "deno.dev", "duckdns.org", "edgeone.app",
	"elasticbeanstalk.com", "firebaseapp.com", "fly.dev", "framer.app", "github.dev", "github.io",
	"githubpreview.dev", "githubusercontent.com", "gitlab.io", "glitch.me", "herokuapp.com", "hf.space",
	"lhr.life", "loca.lt", "lovable.app", "myshopify.com", "netlify.app", "ngrok-free.app", "ngrok-free.dev",
	"ngrok.app", "ngrok.dev", "ngrok.io", "nip.io", "now.sh", "on.aws", "ondigitalocean.app", "onrender.com",
	"pages.dev", "pythonanywhere.com", "r2.dev", "railway.app", "readthedocs.io", "repl.co", "replit.app",
	"replit.dev", "run.app", "sharepoint.com", "sslip.io", "streamlit.app", "surge.sh", "trycloudflare.com",
	"up.railway.app", "vercel.app", "web.app", "webflow.io", "windows.net", "wixsite.com", "wordpress.com",
	"workers.dev", "xip.io", "zendesk.com",
}
