package headers

// The presets and the route profiles by name.
const (
	presetAPI   = "api"
	presetWeb   = "web"
	presetGuide = "guide"
	presetOSHP  = "oshp"

	profileDocs   = "docs"
	profilePopup  = "oauth2-redirect"
	profileLogout = "logout"
)

// Names that the code speaks of, in their canonical spelling.
const (
	hSTS          = "Strict-Transport-Security"
	hCSP          = "Content-Security-Policy"
	hCSPReport    = "Content-Security-Policy-Report-Only"
	hPermissions  = "Permissions-Policy"
	hCacheControl = "Cache-Control"
	hEndpoints    = "Reporting-Endpoints"
	hSetCookie    = "Set-Cookie"
	hConnection   = "Connection"
	hTrailer      = "Trailer"
)

type pair struct{ name, value string }

// owaspPermissions is the Permissions-Policy of the OWASP Secure Headers
// Project's headers_add.json of July 2026.
const owaspPermissions = "accelerometer=(), autoplay=(), camera=(), cross-origin-isolated=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), keyboard-map=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), sync-xhr=(self), usb=(), web-share=(), xr-spatial-tracking=(), clipboard-read=(), clipboard-write=(), gamepad=(), hid=(), idle-detection=(), interest-cohort=(), serial=(), unload=()"

// preset returns a preset's headers, in the order in which they are written.
// A value of "" removes the header.
func preset(name string) []pair {
	switch name {
	case presetAPI:
		// A response of an API is no document. Should a browser be brought to
		// show one as such (a stored SVG, a reflected error), this is what
		// it may do: nothing.
		return []pair{
			{"X-Content-Type-Options", "nosniff"},
			{"X-Frame-Options", "DENY"},
			// The auditors of old browsers could be made to cut out scripts of
			// the page's own, and to leak by that. 0 switches them off.
			{"X-Xss-Protection", "0"},
			{hSTS, "max-age=63072000; includeSubDomains"},
			{hPermissions, owaspPermissions},
			{hCSP, "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"},
			{"Cross-Origin-Opener-Policy", "same-origin"},
			{"Cross-Origin-Resource-Policy", "same-origin"},
			{"Cross-Origin-Embedder-Policy", "require-corp"},
			{"Origin-Agent-Cluster", "?1"},
			{"Referrer-Policy", "no-referrer"},
			{"X-Permitted-Cross-Domain-Policies", "none"},
			{"X-Dns-Prefetch-Control", "off"},
		}
	case presetWeb:
		// What a page needs of its own site works; what it takes from others
		// has to be named. No Cross-Origin-Embedder-Policy: with it, every
		// embedded map, video and payment frame of a third party that does not
		// opt in stays blank, and what it protects (SharedArrayBuffer) few
		// pages use. No sandbox, for the same kind of reason.
		return []pair{
			{"X-Content-Type-Options", "nosniff"},
			{"X-Frame-Options", "DENY"},
			{"X-Xss-Protection", "0"},
			{hSTS, "max-age=63072000; includeSubDomains"},
			{hPermissions, owaspPermissions},
			{hCSP, "default-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; upgrade-insecure-requests"},
			{"Cross-Origin-Opener-Policy", "same-origin"},
			{"Cross-Origin-Resource-Policy", "same-origin"},
			{"Origin-Agent-Cluster", "?1"},
			// A site's own pages may know where a visitor comes from.
			{"Referrer-Policy", "same-origin"},
			{"X-Permitted-Cross-Domain-Policies", "none"},
			{"X-Dns-Prefetch-Control", "off"},
		}
	case presetGuide:
		return []pair{
			{"X-Content-Type-Options", "nosniff"},
			{"X-Frame-Options", "DENY"},
			{"X-Xss-Protection", "0"},
			{hSTS, "max-age=63072000; includeSubDomains; preload"},
			{hPermissions, "camera=(), microphone=(), geolocation=()"},
			{hCSP, "default-src 'none'; frame-ancestors 'none'"},
			{"Referrer-Policy", "strict-origin-when-cross-origin"},
		}
	case presetOSHP:
		// OWASP's list also has Clear-Site-Data. On every response it would
		// log every user out with every request; it is the profile logout.
		return []pair{
			{hCSP, "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; upgrade-insecure-requests"},
			{"Cross-Origin-Embedder-Policy", "require-corp"},
			{"Cross-Origin-Opener-Policy", "same-origin"},
			{"Cross-Origin-Resource-Policy", "same-origin"},
			{hPermissions, owaspPermissions},
			{"Referrer-Policy", "no-referrer"},
			{hSTS, "max-age=63072000; includeSubDomains"},
			{"X-Content-Type-Options", "nosniff"},
			{"X-Dns-Prefetch-Control", "off"},
			{"X-Frame-Options", "deny"},
			{"X-Permitted-Cross-Domain-Policies", "none"},
			// OWASP: deprecated, do not send. So a handler's is taken away.
			{"X-Xss-Protection", ""},
		}
	}
	return nil
}

// profileOverlay returns what a route's profile puts over the policy's own values.
func profileOverlay(name string) []pair {
	switch name {
	case profileDocs:
		// Swagger UI and ReDoc as FastAPI serves them: bundles from a CDN, an
		// inline script that starts them, inline styles, Google's fonts,
		// pictures inlined as data: and ReDoc's search in a blob: worker.
		// Requests go to this API alone.
		return []pair{
			{hCSP, "default-src 'none'; script-src 'self' 'unsafe-inline' https://cdn.jsdelivr.net; style-src 'self' 'unsafe-inline' https://cdn.jsdelivr.net https://fonts.googleapis.com; font-src 'self' https://fonts.gstatic.com; img-src 'self' data: https://fastapi.tiangolo.com https://cdn.redoc.ly; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
			// The favicon's and the logo's hosts do not opt in to being embedded.
			{"Cross-Origin-Embedder-Policy", ""},
			// The OAuth2 popup has to find its opener.
			{"Cross-Origin-Opener-Policy", "same-origin-allow-popups"},
		}
	case profilePopup:
		// The popup comes back from the authorization server by navigation,
		// runs one inline script, and hands the code to its opener. Any
		// opener policy but the server's own (none) would cut that tie.
		return []pair{
			{hCSP, "default-src 'none'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
			{"Cross-Origin-Opener-Policy", "unsafe-none"},
		}
	case profileLogout:
		return []pair{{"Clear-Site-Data", `"cache","cookies","storage"`}}
	}
	return nil
}

// disclosing returns the headers that tell which software, version, host or
// internal service answered: OWASP Secure Headers Project, headers_remove.json
// of July 2026, and below it what else upstreams and caches are known to send.
// The names are in canonical spelling.
func disclosing() []string {
	return []string{
		"$wsep", "Host-Header", "K-Proxy-Request", "Liferay-Portal", "Oraclecommercecloud-Version", "Pega-Host",
		"Powered-By", "Product", "Server", "Sourcemap", "X-Aspnet-Version", "X-Aspnetmvc-Version",
		"X-Atmosphere-Error", "X-Atmosphere-First-Request", "X-Atmosphere-Tracking-Id", "X-B3-Parentspanid",
		"X-B3-Sampled", "X-B3-Spanid", "X-B3-Traceid", "X-Beserver", "X-Backside-Transport", "X-Cf-Powered-By",
		"X-Cms", "X-Calculatedbetarget", "X-Cocoon-Version", "X-Content-Encoded-By", "X-Datadog-Origin",
		"X-Datadog-Parent-Id", "X-Datadog-Sampling-Priority", "X-Datadog-Tags", "X-Datadog-Trace-Id", "X-Diaginfo",
		"X-Envoy-Attempt-Count", "X-Envoy-External-Address", "X-Envoy-Internal", "X-Envoy-Original-Dst-Host",
		"X-Envoy-Upstream-Service-Time", "X-Feserver", "X-Framework", "X-Generated-By", "X-Generator",
		"X-Gitlab-Meta", "X-Jitsi-Release", "X-Joomla-Version", "X-Kong-Admin-Latency", "X-Kong-Client-Latency",
		"X-Kong-Proxy-Latency", "X-Kong-Request-Id", "X-Kong-Response-Latency", "X-Kong-Third-Party-Latency",
		"X-Kong-Total-Latency", "X-Kong-Upstream-Latency", "X-Kong-Upstream-Status", "X-Kubernetes-Pf-Flowschema-Ui",
		"X-Kubernetes-Pf-Prioritylevel-Uid", "X-Litespeed-Cache", "X-Litespeed-Purge", "X-Litespeed-Tag",
		"X-Litespeed-Vary", "X-Litespeed-Cache-Control", "X-Mod-Pagespeed", "X-Nextjs-Cache", "X-Nextjs-Matched-Path",
		"X-Nextjs-Page", "X-Nextjs-Redirect", "X-Owa-Version", "X-Old-Content-Length", "X-Oneagent-Js-Injection",
		"X-Page-Speed", "X-Php-Version", "X-Powered-By", "X-Powered-By-Plesk", "X-Powered-Cms", "X-Redirect-By",
		"X-Server-Powered-By", "X-Sourcefiles", "X-Sourcemap", "X-Turbo-Charged-By", "X-Tyk-Trace-Id",
		"X-Umbraco-Version", "X-Varnish-Backend", "X-Varnish-Server", "X-Woodpecker-Version", "X-Dtagentid",
		"X-Dthealthcheck", "X-Dtinjectedservlet", "X-Ruxit-Js-Agent",

		"Via", "X-Varnish", "X-Served-By", "X-Runtime", "X-Version", "X-Backend", "X-Backend-Server", "X-Server",
		"X-Server-Name", "X-Hostname", "X-Host", "X-Node", "X-Upstream", "X-Drupal-Cache", "X-Drupal-Dynamic-Cache",
		"X-Debug-Token", "X-Debug-Token-Link", "X-Rack-Cache", "X-Application-Context", "X-Php-Originating-Script",
		"X-Amz-Apigw-Id", "X-Amzn-Remapped-Server", "X-Pingback",
	}
}

// targeted returns the headers that tell one kind of cache something else
// than Cache-Control says (RFC 9213, and what proxies invented before it).
// They are removed wherever no-store is forced: they would overrule it.
func targeted() []string {
	return []string{"Cdn-Cache-Control", "Cloudflare-Cdn-Cache-Control", "Surrogate-Control", "Vercel-Cdn-Cache-Control", "X-Accel-Expires"}
}
