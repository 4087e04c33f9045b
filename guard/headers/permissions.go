package headers

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// features returns the policy-controlled features that some browser or
// specification knows (w3c/webappsec-permissions-policy, features.md), with
// those that OWASP's list still names. Browsers ignore a name that they do
// not know, so a misspelt one protects nothing.
func features() []string {
	return []string{
		"accelerometer", "all-screens-capture", "ambient-light-sensor", "aria-notify", "attribution-reporting", "autofill",
		"autoplay", "battery", "bluetooth", "browsing-topics", "camera", "captured-surface-control", "clipboard-read",
		"clipboard-write", "compute-pressure", "controlled-frame", "cross-origin-isolated", "deferred-fetch",
		"deferred-fetch-minimal", "device-attributes", "digital-credentials-create", "digital-credentials-get",
		"direct-sockets", "direct-sockets-private", "display-capture", "document-domain", "encrypted-media",
		"execution-while-not-rendered", "execution-while-out-of-viewport", "focus-without-user-activation", "fullscreen",
		"gamepad", "geolocation", "gyroscope", "hid", "identity-credentials-get", "idle-detection", "interest-cohort",
		"join-ad-interest-group", "keyboard-lock", "keyboard-map", "language-detector", "language-model", "local-fonts",
		"local-network", "local-network-access", "loopback-network", "magnetometer", "mediasession", "microphone", "midi",
		"monetization", "navigation-override", "on-device-speech-recognition", "otp-credentials", "payment",
		"picture-in-picture", "private-aggregation", "private-state-token-issuance", "private-state-token-redemption",
		"publickey-credentials-create", "publickey-credentials-get", "rewriter", "run-ad-auction", "screen-wake-lock",
		"serial", "shared-storage", "shared-storage-select-url", "smart-card", "speaker-selection", "storage-access",
		"sub-apps", "summarizer", "sync-script", "sync-xhr", "translator", "unload", "usb", "usb-unrestricted",
		"vertical-scroll", "web-app-installation", "web-printing", "web-share", "window-management", "writer",
		"xr-spatial-tracking",
	}
}

// checkPermissions judges a Permissions-Policy, a dictionary of RFC 9651, and
// returns every mistake in it.
func checkPermissions(text string, groups map[string]string) (mistakes []string) {
	bad := func(format string, args ...any) { mistakes = append(mistakes, fmt.Sprintf(format, args...)) }
	known := features()
	var seen []string
	for _, part := range strings.Split(text, ",") {
		part = strings.Trim(part, " \t")
		name, value, ok := strings.Cut(part, "=")
		switch {
		case part == "":
			bad("it has an empty member")
			continue
		case !slices.Contains(known, name) && !strings.HasPrefix(name, "ch-"): // client hints are features too
			bad("feature %q is not known%s", name, suggest(name, known))
			continue
		case slices.Contains(seen, name):
			bad("feature %s is given twice", name)
			continue
		case !ok:
			bad("feature %s has no value: write %s=() to deny it", name, name)
			continue
		}
		seen = append(seen, name)
		value, param, hasParam := strings.Cut(value, ";")
		if hasParam {
			group, ok := strings.CutPrefix(strings.Trim(param, " "), "report-to=")
			if _, known := groups[strings.Trim(group, `"`)]; !ok || !known {
				bad("feature %s: %q is not report-to=NAME with a name of reporting_endpoints", name, param)
			}
		}
		if value == "*" || value == "self" {
			continue
		}
		inner, opened := strings.CutPrefix(value, "(")
		inner, closed := strings.CutSuffix(inner, ")")
		if !opened || !closed {
			bad("feature %s: %q is not an allowlist: write (), (self) or (self \"https://example.com\")", name, value)
			continue
		}
		for _, item := range strings.Fields(inner) {
			if item == "self" || item == "src" || item == "*" {
				continue
			}
			origin := strings.Trim(item, `"`)
			u, err := url.Parse(origin)
			if len(item) != len(origin)+2 || err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
				bad("feature %s: %s is not self or an https origin in double quotes", name, item)
			}
		}
	}
	return mistakes
}
