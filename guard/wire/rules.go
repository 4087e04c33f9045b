package wire

import (
	"fmt"

	"github.com/pavise-dev/pavise/guard"
)

// Rules documents every rule of the guard. Those of the listener hold in
// every mode: where a request has two meanings there is none that it could be
// let pass with.
func Rules() []guard.Rule {
	return []guard.Rule{
		{
			ID:     "wire/framing",
			Claim:  "a request's body has one length: Content-Length once, or chunked alone",
			Attack: "Request smuggling (CL.TE, TE.CL, TE.TE): one server believes Content-Length, the next Transfer-Encoding, and the difference is a request that nobody judged.",
			Refs:   []string{"CWE-444", "OWASP API8:2023", "RFC 9112 section 6.1", "RFC 9112 section 6.3", "ASVS 5.0 V4.2.1"},
			Loosen: "wire:\n  insecure_lenient_framing: true\n",
			Cost:   "A request with both fields passes as chunked; whoever in front of us read it by its length sees other requests than we do.",
		},
		{
			ID:     "wire/chunks",
			Claim:  "chunked bodies are framed by the letter",
			Attack: "Smuggling through what chunk parsers forgive: LF for CRLF, bytes behind ';' that are no extension, sizes with signs or spaces, sizes that wrap around.",
			Refs:   []string{"CWE-444", "OWASP API8:2023", "ASVS 5.0 V4.2.1", "CVE-2025-22871", "RFC 9112 section 7.1"},
			Loosen: "wire:\n  insecure_lenient_chunks: true\n",
			Cost:   "Anything on the line passes for a chunk extension. It is still dropped.",
		},
		{
			ID:     "wire/trailers",
			Claim:  "trailers hold no framing fields, and only declared, harmless fields of them pass",
			Attack: "A trailer that is merged into the header after the request was judged: Content-Length, Host, Authorization.",
			Refs:   []string{"CWE-444", "CWE-113", "OWASP API8:2023", "ASVS 5.0 V4.2.1", "RFC 9110 section 6.5.1"},
			Loosen: "wire:\n  insecure_lenient_trailers: true\n",
			Cost:   "Framing fields in trailers are dropped in silence, and folded trailers pass.",
		},
		{
			ID:     "wire/line-endings",
			Claim:  "lines end in CRLF and hold no control characters",
			Attack: "A bare CR or LF, or NUL, that ends a field to one parser hides a further field from the other.",
			Refs:   []string{"CWE-444", "CWE-93", "OWASP API8:2023", "ASVS 5.0 V4.2.1", "RFC 9112 section 2.2"},
			Loosen: "wire:\n  allow_bare_lf: true\n",
			Cost:   "LF ends lines of the head. Bare CR and the other controls stay refused.",
		},
		{
			ID:     "wire/header-syntax",
			Claim:  "header fields are well formed, on one line, and not too many",
			Attack: "Folded lines, whitespace before a colon or a name that is no token are one field to some parsers and two, or none, to others.",
			Refs:   []string{"CWE-444", "CWE-20", "OWASP API8:2023", "ASVS 5.0 V4.2.1", "RFC 9112 section 5"},
			Loosen: "wire:\n  allow_obs_fold: true\n",
			Cost:   "A folded field passes as one value. A proxy in front of us may have read two.",
		},
		{
			ID:     "wire/request-line",
			Claim:  "request lines are well formed and of a version that we speak",
			Attack: "A target with spaces or raw bytes, or a version nobody defined, is cut and escaped differently by each program on the way.",
			Refs:   []string{"CWE-444", "CWE-20", "OWASP API8:2023", "RFC 9112 section 3", "RFC 3986"},
			Loosen: "wire:\n  insecure_lenient_request_line: true\n",
			Cost:   "HTTP/1.2 and above pass as 1.1, and targets with bytes that should be escaped pass as they are.",
		},
		{
			ID:     "wire/host-header",
			Claim:  "a request names exactly one host",
			Attack: "Two hosts, or a target that names another than Host: the cache, the router and the app each pick one.",
			Refs:   []string{"CWE-444", "CWE-436", "OWASP API8:2023", "RFC 9112 section 3.2", "CVE-2026-48710"},
			Loosen: "wire:\n  insecure_host_mismatch: true\n",
			Cost:   "The host of a target in absolute form counts, whatever Host says.",
		},
		{
			ID:     "wire/single-fields",
			Claim:  "fields that have one value are given once",
			Attack: "Of two Authorization or Content-Type fields the guard judges the first and the app obeys the second.",
			Refs:   []string{"CWE-436", "CWE-444", "OWASP API8:2023", "RFC 9110 section 5.3"},
			Loosen: "wire:\n  allow_repeated_fields: true\n",
			Cost:   "Which of the two counts is for each program to say.",
		},
		{
			ID:     "wire/underscores",
			Claim:  "header names with underscores pass for no other field",
			Attack: "CGI and WSGI know X_User and X-User by one name: what a proxy sets can be overwritten, and Content_Length frames.",
			Refs:   []string{"CWE-436", "CWE-290", "ASVS 5.0 V4.1.3", "CVE-2015-0219"},
			Loosen: "wire:\n  allow_underscores: true\n",
			Cost:   "An app that maps hyphens to underscores takes such a field for the real one.",
		},
		{
			ID:     "wire/expect",
			Claim:  "an expectation other than 100-continue is refused as any other request is, with all headers",
			Attack: "An Expect field that only one side knows makes the other wait, or send the body as the next request.",
			Refs:   []string{"CWE-444", "OWASP API8:2023", "RFC 9110 section 10.1.1"},
			Loosen: "wire:\n  insecure_ignore_expect: true\n",
			Cost:   "Unknown expectations are dropped, which the client is not told.",
		},
		{
			ID:     "wire/upgrade",
			Claim:  "requests upgrade to known protocols only",
			Attack: "An upgrade to h2c makes a tunnel of the connection, in which requests pass that nobody judges; a malformed one makes two servers disagree whether there is a tunnel.",
			Refs:   []string{"CWE-444", "CWE-441", "OWASP API8:2023", "RFC 9110 section 7.8"},
			Loosen: "wire:\n  insecure_any_upgrade: true\n",
			Cost:   "Whatever the upstream agrees to speak passes unjudged.",
		},
		{
			ID:     "wire/methods",
			Claim:  "methods that are not served are refused with 405 and the list of those that are",
			Attack: "A method that a check does not know and the app treats as GET walks around the check; TRACE echoes credentials; CONNECT makes a tunnel.",
			Refs:   []string{"CWE-650", "CWE-749", "OWASP API8:2023", "ASVS 5.0 V4.1.4", "ASVS 5.0 V13.4.4"},
			Loosen: "wire:\n  allow_any_method: true\n",
			Cost:   "The app has to refuse what it does not serve. CONNECT and TRACE stay refused.",
		},
		{
			ID:     "wire/path",
			Claim:  "paths are in their plain form: no empty or dot segments, no backslashes, no control characters, and UTF-8",
			Attack: "/x/../admin, //admin and /admin%00 are each /admin to some program on the way and not to the one that checks.",
			Refs:   []string{"CWE-22", "CWE-180", "ASVS 5.0 V1.1.1", "CVE-2021-41773", "RFC 3986 section 6"},
			Loosen: "wire:\n  insecure_lenient_path: true\n",
			Cost:   "Rules for paths, ours and the app's, can be walked around.",
		},
		{
			ID:     "wire/encoded-slash",
			Claim:  "paths have no escaped slash",
			Attack: "/api%2Fadmin is one segment before decoding and two after.",
			Refs:   []string{"CWE-22", "CWE-177", "ASVS 5.0 V1.1.1", "RFC 3986 section 2.2"},
			Loosen: "wire:\n  allow_encoded_slash: true\n",
			Cost:   "Rules see /api/admin where the app may see api%2Fadmin; allow it in wire.routes for single paths.",
		},
		{
			ID:     "wire/path-params",
			Claim:  "paths have no parameters",
			Attack: "/admin;x is /admin to servers that cut at ';' and another path to those that check.",
			Refs:   []string{"CWE-22", "CWE-436", "RFC 3986 section 3.3"},
			Loosen: "wire:\n  allow_path_params: true\n",
			Cost:   "Rules for /admin do not match /admin;x, which the app may serve; allow it in wire.routes for single paths.",
		},
		{
			ID:     "wire/query",
			Claim:  "queries are split and decoded in one way",
			Attack: "A ';' separates parameters to some, and a broken escape or NUL makes parameters disappear: cache poisoning, and checks of parameters that the app does not see.",
			Refs:   []string{"CWE-436", "CWE-235", "ASVS 5.0 V1.5.3", "CVE-2021-23336"},
			Loosen: "wire:\n  insecure_lenient_query: true\n",
			Cost:   "What a cache or guard takes for one parameter the app may take for two.",
		},
		{
			ID:     "wire/get-body",
			Claim:  "GET and HEAD requests have no body",
			Attack: "A server that does not look for the body of a GET reads it as the next request (client-side desync, CL.0).",
			Refs:   []string{"CWE-444", "OWASP API8:2023", "ASVS 5.0 V4.2.1", "RFC 9110 section 9.3.1"},
			Loosen: "wire:\n  allow_get_body: true\n",
			Cost:   "The upstream must read such bodies, or close; allow it in wire.routes for single paths.",
		},
	}
}

// Loosened returns every place where p is weaker than the zero policy.
func (p Policy) Loosened() []guard.Loosening {
	var all []guard.Loosening
	note := func(is bool, rule, key, effect string) {
		if is {
			all = append(all, guard.Loosening{Rule: rule, Key: "wire." + key, Effect: effect})
		}
	}
	note(p.InsecureLenientFraming, "wire/framing", "insecure_lenient_framing", "requests with both Content-Length and Transfer-Encoding pass")
	note(p.InsecureLenientChunks, "wire/chunks", "insecure_lenient_chunks", "malformed chunk extensions pass")
	note(p.InsecureLenientTrailers, "wire/trailers", "insecure_lenient_trailers", "framing fields in trailers are not refused")
	note(p.AllowBareLF, "wire/line-endings", "allow_bare_lf", "LF without CR ends lines")
	note(p.AllowObsFold, "wire/header-syntax", "allow_obs_fold", "header fields may be folded over lines")
	note(p.MaxHead > DefaultMaxHead, "wire/header-syntax", "max_head", fmt.Sprintf("request heads may have %d bytes", p.MaxHead))
	note(p.InsecureLenientRequestLine, "wire/request-line", "insecure_lenient_request_line", "unknown versions and unescaped targets pass")
	note(p.InsecureHostMismatch, "wire/host-header", "insecure_host_mismatch", "the target and Host may name different hosts")
	note(p.AllowRepeatedFields, "wire/single-fields", "allow_repeated_fields", "fields such as Authorization may come twice")
	note(p.AllowUnderscores, "wire/underscores", "allow_underscores", "header names with underscores reach the app")
	note(p.InsecureIgnoreExpect, "wire/expect", "insecure_ignore_expect", "unknown expectations are ignored")
	note(p.InsecureAnyUpgrade, "wire/upgrade", "insecure_any_upgrade", "requests may upgrade to any protocol")
	for i, u := range p.Upgrades {
		note(true, "wire/upgrade", fmt.Sprintf("upgrades[%d]", i), fmt.Sprintf("requests may upgrade to %q, which is not judged", u))
	}
	note(p.AllowAnyMethod, "wire/methods", "allow_any_method", "every method but CONNECT and TRACE reaches the app")
	for i, m := range p.Methods {
		note(true, "wire/methods", fmt.Sprintf("methods[%d]", i), fmt.Sprintf("the method %s reaches the app", m))
	}
	note(p.InsecureLenientPath, "wire/path", "insecure_lenient_path", "paths that are not in plain form pass")
	note(p.AllowEncodedSlash, "wire/encoded-slash", "allow_encoded_slash", "escaped slashes in paths pass")
	note(p.AllowPathParams, "wire/path-params", "allow_path_params", "semicolons in paths pass")
	note(p.InsecureLenientQuery, "wire/query", "insecure_lenient_query", "ambiguous queries pass")
	note(p.AllowGetBody, "wire/get-body", "allow_get_body", "GET and HEAD requests may have bodies")
	for i, r := range p.Routes {
		key := fmt.Sprintf("routes[%d].", i)
		note(r.AllowEncodedSlash, "wire/encoded-slash", key+"allow_encoded_slash", fmt.Sprintf("escaped slashes pass for %s", r.Path))
		note(r.AllowPathParams, "wire/path-params", key+"allow_path_params", fmt.Sprintf("semicolons pass for %s", r.Path))
		note(r.AllowGetBody, "wire/get-body", key+"allow_get_body", fmt.Sprintf("GET and HEAD requests for %s may have bodies", r.Path))
	}
	return all
}
