// Package proxy finds what is wrong in the configuration of proxies that stand
// in front of an application: nginx, Traefik and Caddy.
package proxy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// Analyzer looks at proxies.
var Analyzer = &analysis.Analyzer{
	Name: "proxy",
	Rules: []*analysis.Rule{
		bodySize, serverTokens, headerLost, headerAlways, forwardedFor, host, corsReflect, aliasTraversal, weakTLS, realIPAll, autoindex, plainHTTP, crlf, exposed,
		traefikInsecure, caddyTrustAll, caddyOnDemand, caddyAdmin,
	},
	Run: func(p *analysis.Pass) {
		nginx(p)
		traefik(p)
		caddy(p)
	},
}

// everyone tells whether a network holds all addresses.
func everyone(network string) bool {
	return slices.Contains([]string{"0.0.0.0/0", "::/0", "0/0", "0.0.0.0/1", "128.0.0.0/1"}, network)
}

// at reports a place.
func at(p *analysis.Pass, r *analysis.Rule, s finding.Severity, place deploy.Place, format string, args ...any) {
	p.Report(analysis.Finding{Rule: r, Severity: s, File: place.File, Line: place.Line, Column: place.Column, Problem: fmt.Sprintf(format, args...)})
}

func caddy(p *analysis.Pass) {
	asks := false
	for _, c := range p.Deploy.Caddy {
		for _, d := range c.All("on_demand_tls") {
			asks = asks || len(d.Own("ask")) > 0 || len(d.Own("permission")) > 0
		}
	}
	for _, c := range p.Deploy.Caddy {
		if deploy.Aside(c.File) {
			continue
		}
		for _, d := range c.All("trusted_proxies") {
			if i := slices.IndexFunc(d.Words, everyone); i > 0 {
				at(p, caddyTrustAll, caddyTrustAll.Severity, d.Place, "trusted_proxies has %s: X-Forwarded-For is believed of everyone", d.Words[i])
			}
		}
		if found := append(c.All("on_demand_tls"), c.All("on_demand")...); !asks && len(found) > 0 {
			at(p, caddyOnDemand, caddyOnDemand.Severity, found[0].Place, "nothing is asked before a certificate is got for a name")
		}
		for _, global := range c.Children {
			if len(global.Words) > 0 {
				continue
			}
			for _, d := range global.Own("admin") {
				if address := d.Arg(0); strings.HasPrefix(address, ":") || strings.HasPrefix(address, "0.0.0.0:") || strings.HasPrefix(address, "[::]:") {
					at(p, caddyAdmin, caddyAdmin.Severity, d.Place, "the admin endpoint listens on %s", address)
				}
			}
		}
	}
}
