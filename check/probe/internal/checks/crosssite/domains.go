package crosssite

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// maxDomains is how many hosts are taken for the API's own.
const maxDomains = 3

var (
	// named is a host in an absolute URL or an e-mail address.
	named = lazy.Regexp(`(?i)(?:https?://|wss?://|[\w.+-]@)((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24})\b`)
	// scoped is the host of a cookie.
	scoped = lazy.Regexp(`(?i);\s*domain=\.?((?:[a-z0-9-]{1,63}\.)+[a-z]{2,24})`)
)

// domains are hosts that may be the API's own: those that its document, its
// cookies and its pages name, the likeliest first.
func domains(ctx context.Context, t *trial.Trial) []string {
	return trial.Shared(t, "crosssite domains", func() []string {
		worth := map[string]int{}
		var order []string
		add := func(text string, weight int) {
			for _, m := range named().FindAllStringSubmatch(text, -1) {
				host := strings.ToLower(m[1])
				if foreign(host) {
					continue
				}
				if worth[host] == 0 {
					order = append(order, host)
				}
				worth[host] += weight
			}
		}
		for _, s := range t.Document.Servers() {
			add(s, 100)
		}
		for _, part := range []string{"://", "@"} {
			for _, s := range t.Document.Texts(part) {
				add(s[:min(len(s), maxText)], 2)
			}
		}
		pages := t.Client.Seen()
		if e, err := t.Send(ctx, &traffic.Request{Method: http.MethodGet, Path: "/", Header: http.Header{"Accept": {"text/html"}}}); err == nil {
			pages = append(pages, e)
		}
		read := 0
		for _, e := range pages {
			for _, c := range e.Header.Values("Set-Cookie") {
				for _, m := range scoped().FindAllStringSubmatch(c, -1) {
					add("https://"+m[1], 10)
				}
			}
			for _, policy := range e.Header.Values("Content-Security-Policy") {
				add(policy, 1)
			}
			if strings.Contains(e.Type(), "html") && read < maxPages {
				read++
				add(string(e.Body[:min(len(e.Body), maxText)]), 1)
			}
		}
		slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(worth[b], worth[a]) })
		return order[:min(len(order), maxDomains)]
	})
}

// Bounds: of pages that are read for names, and of what is read of a text.
const (
	maxPages = 8
	maxText  = 64 << 10
)

// foreign tells whether a host is surely not the API's own: examples, addresses,
// and where documents and pages of everybody lead.
func foreign(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".invalid") {
		return true
	}
	switch parent(host) {
	case "example.com", "example.org", "example.net",
		"github.com", "github.io", "githubusercontent.com", "gitlab.com", "bitbucket.org", "readthedocs.io", "stackoverflow.com",
		"swagger.io", "openapis.org", "redoc.ly", "redocly.com", "json-schema.org", "schema.org", "w3.org", "ietf.org", "rfc-editor.org", "iana.org", "owasp.org",
		"apache.org", "opensource.org", "gnu.org", "creativecommons.org", "mozilla.org", "wikipedia.org", "tiangolo.com",
		"google.com", "googleapis.com", "gstatic.com", "gmail.com", "youtube.com", "outlook.com", "hotmail.com", "microsoft.com", "live.com", "apple.com", "icloud.com", "yahoo.com",
		"facebook.com", "twitter.com", "x.com", "linkedin.com", "instagram.com", "discord.gg", "discord.com", "slack.com", "telegram.org", "t.me",
		"jsdelivr.net", "unpkg.com", "cloudflare.com", "cdnjs.com", "jquery.com", "bootstrapcdn.com", "fontawesome.com", "gravatar.com", "amazonaws.com", "cloudfront.net",
		"stripe.com", "paypal.com", "sentry.io", "googletagmanager.com", "google-analytics.com":
		return true
	}
	return false
}

// parent is what somebody registers of a host: its last two labels, or three
// where a country has categories.
func parent(host string) string {
	labels := strings.Split(host, ".")
	n := len(labels)
	if n <= 2 {
		return host
	}
	keep := 2
	if len(labels[n-1]) == 2 {
		switch labels[n-2] {
		case "ac", "co", "com", "edu", "gov", "go", "ne", "net", "or", "org":
			keep = 3
		}
	}
	return strings.Join(labels[n-keep:], ".")
}

// near are origins that pages of these hosts have.
func near(hosts []string) []string {
	var out []string
	for _, host := range hosts {
		p := parent(host)
		for _, h := range []string{host, p, "www." + p, "app." + p} {
			if origin := "https://" + h; !slices.Contains(out, origin) {
				out = append(out, origin)
			}
		}
	}
	return out
}
