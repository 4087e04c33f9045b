package proxy

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

// protecting are headers by which a browser protects its user.
var protecting = []string{
	"x-content-type-options", "x-frame-options", "content-security-policy", "strict-transport-security", "referrer-policy", "permissions-policy",
	"cross-origin-opener-policy", "cross-origin-resource-policy", "cross-origin-embedder-policy",
}

// protects tells whether a directive adds such a header, and not none.
func protects(b *block) bool {
	return b.Name() == "add_header" && slices.Contains(protecting, strings.ToLower(b.Arg(0)))
}

// lost finds blocks whose own add_header takes those around it away.
func (s *site) lost(b *block) {
	own := b.own("add_header")
	if len(own) == 0 || b.parent == nil || b.open || preflight(b) {
		return
	}
	if inherit := b.effective("add_header_inherit"); len(inherit) > 0 && inherit[0].Arg(0) == "merge" {
		return
	}
	var gone []string
	for _, outer := range b.parent.effective("add_header") {
		again := func(o *block) bool { return strings.EqualFold(o.Arg(0), outer.Arg(0)) }
		if protects(outer) && !slices.ContainsFunc(own, again) && !slices.ContainsFunc(gone, func(n string) bool { return strings.EqualFold(n, outer.Arg(0)) }) {
			gone = append(gone, outer.Arg(0))
		}
	}
	if len(gone) == 0 {
		return
	}
	severity := headerLost.Severity
	if static(b) {
		severity = finding.Low
	}
	s.say(headerLost, severity, own[0], "an add_header here takes away those around it: %s", strings.Join(gone, ", "))
}

// reflects finds origins that are repeated to all, where cookies count.
func (s *site) reflects(b *block) {
	own := b.own("add_header")
	i := slices.IndexFunc(own, func(h *block) bool {
		return strings.EqualFold(h.Arg(0), "access-control-allow-origin") && h.Arg(1) == "$http_origin"
	})
	credentials := slices.ContainsFunc(own, func(h *block) bool {
		return strings.EqualFold(h.Arg(0), "access-control-allow-credentials") && strings.EqualFold(h.Arg(1), "true")
	})
	if i < 0 || !credentials {
		return
	}
	// A condition on the origin, here or by way of a variable, is a list.
	for at := b; at != nil; at = at.parent {
		if at.Name() == "if" {
			return
		}
		for _, c := range at.own("if") {
			if strings.Contains(strings.Join(c.Words, " "), "$http_origin") {
				return
			}
		}
	}
	s.say(corsReflect, corsReflect.Severity, own[i], "Access-Control-Allow-Origin is whatever Origin was sent, and credentials are allowed")
}

// preflight tells whether a block answers by itself with nothing.
func preflight(b *block) bool {
	return slices.ContainsFunc(b.own("return"), func(r *block) bool { return r.Arg(0) == "204" || strings.HasPrefix(r.Arg(0), "30") })
}

// static tells whether a block is for files that browsers do not show.
func static(b *block) bool {
	at := b.within("location")
	if at == nil {
		return false
	}
	modifier, pattern := at.location()
	if strings.HasPrefix(modifier, "~") {
		return strings.Contains(pattern, `\.`) && !strings.Contains(pattern, "html")
	}
	return analysis.Names(strings.NewReplacer("/", "_", ".", "_", "-", "_").Replace(pattern), "static", "assets", "css", "js", "img", "images", "fonts", "media", "favicon", "robots", "icons", "next", "nuxt", "sw", "service worker", "manifest")
}

// always finds headers that errors go without, once a file.
func (s *site) always() {
	seen := map[string]bool{}
	for _, t := range s.trees {
		for _, b := range t.all("add_header") {
			if protects(b) && b.Arg(1) != "" && b.Arg(1) != `""` && b.Words[len(b.Words)-1] != "always" && !seen[b.File] {
				seen[b.File] = true
				s.say(headerAlways, headerAlways.Severity, b, "%s is not sent with errors, for always is not said", b.Arg(0))
			}
		}
	}
}

// tokens: once, where no server hides its version.
func (s *site) tokens() {
	if s.Guarded(serverTokens) {
		return
	}
	for _, t := range s.trees {
		for _, b := range t.all("server_tokens", "more_clear_headers", "more_set_headers") {
			switch {
			case b.Name() == "server_tokens" && b.Arg(0) != "on" && b.Arg(0) != "build":
				return
			case b.Name() != "server_tokens" && strings.Contains(strings.ToLower(strings.Join(b.Words, " ")), "server"):
				return
			}
		}
	}
	for _, b := range s.servers {
		if !b.unsure() {
			s.say(serverTokens, serverTokens.Severity, b, "responses and error pages tell the version of nginx")
			return
		}
	}
}

// sets tells whether a directive sets a header of a request for an upstream.
func sets(b *block, names ...string) bool {
	return (b.Name() == "proxy_set_header" || b.Name() == "grpc_set_header") && slices.Contains(names, strings.ToLower(b.Arg(0)))
}

// forwarded finds what clients say of their address.
func (s *site) forwarded() {
	if s.behind || s.Guarded(forwardedFor) {
		return
	}
	appended := false
	for _, t := range s.trees {
		for _, b := range t.all("proxy_set_header", "grpc_set_header") {
			if !sets(b, "x-forwarded-for", "x-real-ip", "x-client-ip", "true-client-ip", "forwarded", "x-original-forwarded-for") {
				continue
			}
			switch {
			case uses(b.Arg(1), "http_x_forwarded_for", "http_x_real_ip", "http_x_client_ip", "http_forwarded", "http_true_client_ip"):
				s.say(forwardedFor, forwardedFor.Severity, b, "%s is passed on as the client wrote it", b.Arg(0))
			case uses(b.Arg(1), "proxy_add_x_forwarded_for") && !appended && !s.rightmost():
				appended = true
				s.say(forwardedFor, finding.Low, b, "the client's address is put behind what the client wrote, and the first in the list is the client's choice")
			}
		}
	}
}

// rightmost tells whether the application's server is told which proxies to
// take away from the list's end.
func (s *site) rightmost() bool {
	for _, c := range s.Deploy.Commands {
		if v, ok := c.Value("--forwarded-allow-ips"); ok && v != "*" {
			return true
		}
	}
	for _, e := range s.Deploy.Env {
		if e.Name == "FORWARDED_ALLOW_IPS" && e.Value != "*" {
			return true
		}
	}
	return false
}

// hosts finds what is told of the Host header to an application that cannot
// know better.
func (s *site) hosts() {
	if s.Guarded(host) {
		return
	}
	raw := map[string]bool{}
	for _, t := range s.trees {
		for _, b := range t.all("proxy_set_header") {
			if sets(b, "host") && uses(b.Arg(1), "http_host") && !raw[b.File] {
				raw[b.File] = true
				s.say(host, host.Severity, b, "Host is passed on as the client wrote it, which is not always the name that the server was chosen by")
			}
		}
	}
	if s.behind || len(raw) > 0 || s.checksHosts() {
		return
	}
	for _, b := range s.servers {
		if !catchAll(b) {
			continue
		}
		for _, pass := range b.all("proxy_pass") {
			for _, h := range pass.parent.effective("proxy_set_header") {
				if sets(h, "host") && uses(h.Arg(1), "host") {
					s.say(host, host.Severity, h, "a server that answers to any name passes any Host on")
					return
				}
			}
		}
	}
}

// catchAll tells whether a server says itself that it answers to any name.
func catchAll(b *block) bool {
	names := b.own("server_name")
	for _, n := range names {
		if slices.Contains(n.Words[1:], "_") || slices.Contains(n.Words[1:], "") {
			return true
		}
	}
	return len(names) == 0 && !b.unsure() || slices.ContainsFunc(b.own("listen"), func(l *block) bool { return slices.Contains(l.Words, "default_server") })
}

// checksHosts tells whether an application of the project does.
func (s *site) checksHosts() bool {
	for _, a := range s.Python.Apps {
		for _, m := range a.Middleware {
			if strings.HasSuffix(m.Name, ".TrustedHostMiddleware") {
				return true
			}
		}
	}
	return false
}
