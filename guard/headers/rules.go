package headers

import (
	"net/http"

	"github.com/pavise-dev/pavise/guard"
)

// A level is one strength in which a rule can be promised.
type level struct {
	claim string
	judge judge
}

// A rule is a [guard.Rule] with what judges it: the strictest level first.
type rule struct {
	guard.Rule
	names  []string // the headers that decide it, canonical
	effect string   // what is possible at anything below the first level
	levels []level
}

// rules returns all rules. except are the disclosing headers that the policy
// keeps.
func rules(except []string) []rule {
	const asvs = "ASVS 5.0 "
	return []rule{
		{
			Rule: guard.Rule{
				ID: "headers/nosniff", Claim: "responses forbid MIME sniffing",
				Attack: "An uploaded or echoed text that looks like HTML or script is run by a browser that trusts its own guess more than Content-Type.",
				Refs:   []string{"CWE-693", "CWE-79", asvs + "V3.4.4", "API8:2023"},
				Loosen: "headers:\n  remove: [X-Content-Type-Options]\n",
				Cost:   "Browsers guess the types of responses again.",
			},
			names: []string{"X-Content-Type-Options"}, effect: "browsers may guess the types of responses",
			levels: []level{{"", exactly("X-Content-Type-Options", "nosniff")}},
		},
		{
			Rule: guard.Rule{
				ID: "headers/framing", Claim: "no page can frame a response",
				Attack: "A page of somebody else's shows ours in an invisible frame and has the user click in it.",
				Refs:   []string{"CWE-1021", "API8:2023", asvs + "V3.4.6", "RFC 7034"},
				Loosen: "headers:\n  remove: [X-Frame-Options]\n",
				Cost:   "Browsers that do not know frame-ancestors let every page frame the responses.",
			},
			names: []string{"X-Frame-Options", hCSP}, effect: "some pages can frame responses",
			levels: []level{
				{"", framing("deny")},
				{"only pages of the same site, or named ones, can frame a response", framedByOwn},
			},
		},
		{
			Rule: guard.Rule{
				ID: "headers/xss-auditor", Claim: "the XSS auditors of old browsers are off",
				Attack: "An auditor can be made to take out a page's own scripts, or to tell by what it takes out what the page holds.",
				Refs:   []string{"CWE-79", "OWASP Secure Headers Project"},
				Loosen: "headers:\n  remove: [X-XSS-Protection]\n",
				Cost:   "Old browsers run their auditors.",
			},
			names: []string{"X-Xss-Protection"}, effect: "old browsers may run their auditors",
			levels: []level{{"", exactly("X-XSS-Protection", "0")}},
		},
		{
			Rule: guard.Rule{
				ID: "headers/hsts", Claim: "browsers that came by HTTPS once come by nothing else, for at least a year, to any subdomain",
				Attack: "Somebody on the way answers a first request over plain HTTP and keeps the client there, reading along.",
				Refs:   []string{"CWE-319", "API8:2023", asvs + "V3.4.1", "RFC 6797"},
				Loosen: "headers:\n  remove: [Strict-Transport-Security]\n",
				Cost:   "A browser that follows an http: link or types no scheme can be kept on plain HTTP.",
			},
			names: []string{hSTS}, effect: "browsers may be brought back to plain HTTP",
			levels: []level{
				{"", hstsJudge(31536000, true)},
				{"browsers that came by HTTPS once come by nothing else, for at least half a year", hstsJudge(15552000, false)},
			},
		},
		{
			Rule: guard.Rule{
				ID: "headers/permissions", Claim: "responses have no access to camera, microphone, place, payment and devices",
				Attack: "Script that got into a response, or a frame in it, uses what the user once allowed this site.",
				Refs:   []string{"CWE-693", "OWASP Secure Headers Project", "W3C Permissions Policy"},
				Loosen: "headers:\n  remove: [Permissions-Policy]\n",
				Cost:   "Injected script and frames can use what the user allowed the site.",
			},
			names: []string{hPermissions}, effect: "some powerful features are open to responses",
			levels: []level{
				{"", deniedFeatures("camera", "microphone", "geolocation", "payment", "usb", "serial", "hid", "midi", "display-capture")},
				{"responses have no access to camera, microphone and place", deniedFeatures("camera", "microphone", "geolocation")},
			},
		},
		{
			Rule: guard.Rule{
				ID: "headers/csp", Claim: "a response that is opened as a page can load, run and send nothing",
				Attack: "A stored SVG, an error that echoes input or a wrong Content-Type makes a browser show an API's answer as a page, with the API's origin.",
				Refs:   []string{"CWE-79", "CWE-693", "API8:2023", asvs + "V3.2.1", asvs + "V3.4.3", "CSP Level 3"},
				Loosen: "headers:\n  set:\n    Content-Security-Policy: \"frame-ancestors 'none'\"\n",
				Cost:   "Script in a response that is opened as a page runs with the API's origin.",
			},
			names: []string{hCSP}, effect: "a response that is opened as a page can do more than nothing",
			levels: []level{
				{"", cspJudge("exactly one Content-Security-Policy with default-src, base-uri and form-action 'none', and a sandbox", cspInert)},
				{"a response that is opened as a page loads and sends only what is named", cspJudge("exactly one Content-Security-Policy with default-src, base-uri and form-action 'none'", cspLocked)},
				{"a response that is opened as a page runs no script but from named places", cspJudge("exactly one Content-Security-Policy that restricts scripts and plugins to named places", cspNoForeignScript)},
			},
		},
		{
			Rule: guard.Rule{
				ID: "headers/isolation", Claim: "responses share no window, process or memory with other origins",
				Attack: "A page of another origin opens or embeds a response and reads it by side channels (Spectre), or holds on to its window.",
				Refs:   []string{"CWE-346", "CWE-1303", asvs + "V3.4.8", asvs + "V3.5.8", "HTML section 7.1.3"},
				Loosen: "headers:\n  remove: [Cross-Origin-Opener-Policy]\n",
				Cost:   "Pages of other origins that opened a response keep a handle on its window.",
			},
			names:  []string{"Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Cross-Origin-Embedder-Policy", "Origin-Agent-Cluster"},
			effect: "pages of other origins may share a window, process or memory with responses",
			levels: []level{
				{"", all(
					exactly("Cross-Origin-Opener-Policy", "same-origin"), exactly("Cross-Origin-Resource-Policy", "same-origin"),
					exactly("Cross-Origin-Embedder-Policy", "require-corp"), exactly("Origin-Agent-Cluster", "?1"))},
				{"pages of other origins can neither embed responses nor hold on to their windows", all(
					exactly("Cross-Origin-Opener-Policy", "same-origin"), exactly("Cross-Origin-Resource-Policy", "same-origin"))},
			},
		},
		{
			Rule: guard.Rule{
				ID: "headers/referrer", Claim: "no other site learns a URL of ours from a browser",
				Attack: "A link or an image in a response sends its URL, with the identifiers and tokens in it, to another site.",
				Refs:   []string{"CWE-200", "API8:2023", asvs + "V3.4.5", "W3C Referrer Policy"},
				Loosen: "headers:\n  remove: [Referrer-Policy]\n",
				Cost:   "Browsers tell other sites the origin by their own default, old ones the whole URL.",
			},
			names: []string{"Referrer-Policy"}, effect: "other sites may learn where a visitor comes from",
			levels: []level{
				{"", referrer("no-referrer", "same-origin")},
				{"other sites learn at most our origin from a browser", referrer("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin")},
			},
		},
		{
			Rule: guard.Rule{
				ID: "headers/cross-domain-policies", Claim: "no document is taken as a cross-domain policy file",
				Attack: "An uploaded crossdomain.xml opens the API to PDF readers and other players of Adobe's.",
				Refs:   []string{"CWE-942", "OWASP Secure Headers Project"},
				Loosen: "headers:\n  remove: [X-Permitted-Cross-Domain-Policies]\n",
				Cost:   "An uploaded policy file counts.",
			},
			names: []string{"X-Permitted-Cross-Domain-Policies"}, effect: "an uploaded cross-domain policy file may count",
			levels: []level{{"", exactly("X-Permitted-Cross-Domain-Policies", "none")}},
		},
		{
			Rule: guard.Rule{
				ID: "headers/dns-prefetch", Claim: "browsers look up no host name that a response merely mentions",
				Attack: "Names in a response are resolved before anyone clicks, and tell the resolver, or who owns the names, what is being read.",
				Refs:   []string{"CWE-200", "OWASP Secure Headers Project"},
				Loosen: "headers:\n  remove: [X-DNS-Prefetch-Control]\n",
				Cost:   "Browsers resolve the names in responses ahead of time.",
			},
			names: []string{"X-Dns-Prefetch-Control"}, effect: "browsers may resolve the names in responses ahead of time",
			levels: []level{{"", exactly("X-DNS-Prefetch-Control", "off")}},
		},
		{
			Rule: guard.Rule{
				ID: "headers/no-store", Claim: "no cache keeps a response below the API's paths",
				Attack: "A shared cache, a browser's disk or its back button hands an answer to somebody else later.",
				Refs:   []string{"CWE-525", "API8:2023", asvs + "V14.3.2", "RFC 9111 section 5.2.2.5"},
				Loosen: "headers:\n  no_store:\n    allow_cached_paths: true\n",
				Cost:   "Caches keep the API's anonymous responses as the handlers say, or by their own guess.",
			},
			effect: "caches may keep responses of these paths",
			levels: []level{{"", uncached}},
		},
		{
			Rule: guard.Rule{
				ID: "headers/no-store-authenticated", Claim: "no cache keeps the answer to a request with credentials",
				Attack: "A cache that was told nothing keeps one user's answer, and gives it to the next who asks for the same URL.",
				Refs:   []string{"CWE-525", "CWE-524", "API8:2023", asvs + "V14.2.2", asvs + "V14.3.2", "RFC 9111 section 3.5"},
				Loosen: "headers:\n  no_store:\n    allow_cached_authenticated: true\n",
				Cost:   "Answers to logged-in users outside of the API's paths can be kept by caches.",
			},
			effect: "caches may keep the answers to requests with credentials",
			levels: []level{{"", uncached}},
		},
		{
			Rule: guard.Rule{
				ID: "headers/server-token", Claim: "no response header names software, versions or hosts",
				Attack: "Who knows the version looks up its published holes, and scans for them wholesale.",
				Refs:   []string{"CWE-200", "CWE-497", asvs + "V13.4.6", "OWASP Secure Headers Project"},
				Loosen: "headers:\n  keep: [Server]\n",
				Cost:   "The upstream's Server header goes out.",
			},
			effect: "responses name the software behind them",
			levels: []level{{"", anonymous(except)}},
		},
	}
}

// Rules documents every rule of the guard.
func Rules() []guard.Rule {
	var list []guard.Rule
	for _, r := range rules(nil) {
		list = append(list, r.Rule)
	}
	return list
}

// hostile returns what an upstream could send at worst, to see what is left
// of it.
func hostile() http.Header {
	h := http.Header{}
	for name, value := range map[string]string{
		"X-Content-Type-Options": "sniff", "X-Frame-Options": "ALLOWALL", "X-Xss-Protection": "1", hSTS: "max-age=0",
		hPermissions: "camera=*", hCSP: "default-src *", "Cross-Origin-Opener-Policy": "unsafe-none",
		"Cross-Origin-Resource-Policy": "cross-origin", "Cross-Origin-Embedder-Policy": "unsafe-none",
		"Origin-Agent-Cluster": "?0", "Referrer-Policy": "unsafe-url", "X-Permitted-Cross-Domain-Policies": "all",
		"X-Dns-Prefetch-Control": "on", hCacheControl: "public, max-age=31536000",
	} {
		h[name] = []string{value}
	}
	for _, name := range disclosing() {
		h[name] = []string{"x"}
	}
	return h
}
