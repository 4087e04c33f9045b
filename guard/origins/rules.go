package origins

import "github.com/pavise-dev/pavise/guard"

const (
	ruleListed    = "origins/cors-listed"
	rulePreflight = "origins/cors-preflight"
	ruleCrossSite = "origins/cross-site"
	ruleUpgrade   = "origins/websocket"
)

// Rules documents what the guard enforces.
func Rules() []guard.Rule {
	return []guard.Rule{
		{
			ID:     ruleListed,
			Claim:  "pages of origins that are not listed may not read responses, and their preflights are refused",
			Attack: "A page that the user visits reads the API's answers in the user's name: an app that reflects any Origin, allows null, or matches by prefix, suffix or a careless regular expression lets https://evilexample.com or a sandboxed frame in.",
			Refs:   []string{"CWE-942", "CWE-346", "ASVS 5.0 V3.4.2", "OWASP API8:2023", "Fetch standard, HTTP CORS protocol"},
			Loosen: "origins:\n  allow: [\"*\"]\n",
			Cost:   "Every page on the internet can read what the API answers without credentials, also from inside the networks that its visitors sit in. To let in single origins, list them.",
		},
		{
			ID:     rulePreflight,
			Claim:  "preflights are bounded, answered at the edge and grant no more than is listed",
			Attack: "A preflight bomb, thousands of names in Access-Control-Request-Headers, makes the app split and sort for everyone who asks; a generous preflight lets a page use any method and set any header.",
			Refs:   []string{"GHSA-vh9x-phq6-fx54", "CWE-400", "CWE-942", "OWASP API8:2023", "ASVS 5.0 V3.4.2", "ASVS 5.0 V4.1.4", "Fetch standard, CORS-preflight fetch"},
			Loosen: "origins:\n  allow_upstream_cors: true\n",
			Cost:   "The app answers preflights and its CORS headers stand: what it allows is allowed. Only the bound of 64 names and 4 KiB stays.",
		},
		{
			ID:     ruleCrossSite,
			Claim:  "pages of other sites may not send requests that change something",
			Attack: "Cross-site request forgery: a page that the user visits posts a form, and the browser adds the user's cookies. No preflight is sent for a form, nor for text/plain that holds JSON.",
			Refs:   []string{"CWE-352", "ASVS 5.0 V3.5.1", "Fetch Metadata Request Headers", "RFC 6454 section 7"},
			Loosen: "origins:\n  dangerously_allow_cross_site: true\n",
			Cost:   "Whatever the API authenticates by cookie, client certificate or network, every page can do in the name of its visitors. Harmless only where every request carries a token that a script has to add.",
		},
		{
			ID:     ruleUpgrade,
			Claim:  "pages of other sites may not open WebSockets",
			Attack: "Cross-site WebSocket hijacking: the same-origin policy does not apply to WebSockets, the handshake is a GET with the user's cookies, and the page then reads and writes as the user.",
			Refs:   []string{"CWE-1385", "CWE-346", "RFC 6455 section 10.2", "ASVS 5.0 V4.4.2"},
			Loosen: "origins:\n  dangerously_allow_cross_site_upgrades: true\n",
			Cost:   "Every page can open WebSockets with the cookies of its visitors, and read what they get, unless the app checks Origin itself.",
		},
	}
}
