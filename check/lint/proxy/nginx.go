package proxy

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// A site is all that the project says of nginx.
type site struct {
	*analysis.Pass
	trees   []*block
	servers []*block
	// behind tells that something else stands in front of it.
	behind bool
	// said holds what was told, since a file may be included twice; once what
	// is told once a project.
	said map[deploy.Place]map[*analysis.Rule]bool
}

func nginx(p *analysis.Pass) {
	if len(p.Deploy.Nginx) == 0 {
		return
	}
	s := &site{Pass: p, trees: trees(p.Deploy.Nginx), said: map[deploy.Place]map[*analysis.Rule]bool{}}
	for _, t := range s.trees {
		for _, b := range t.all("server") {
			if b.isServer() {
				s.servers = append(s.servers, b)
			}
		}
	}
	s.behind = s.isBehind()
	for _, t := range s.trees {
		s.each(t, (*site).look)
	}
	s.tokens()
	s.forwarded()
	s.hosts()
	s.always()
	s.plain()
}

func (s *site) each(b *block, f func(*site, *block)) {
	f(s, b)
	for _, c := range b.children {
		s.each(c, f)
	}
}

func (s *site) say(r *analysis.Rule, severity finding.Severity, b *block, format string, args ...any) {
	if s.said[b.Place] == nil {
		s.said[b.Place] = map[*analysis.Rule]bool{}
	}
	if !s.said[b.Place][r] {
		s.said[b.Place][r] = true
		at(s.Pass, r, severity, b.Place, format, args...)
	}
}

// isBehind tells whether the files say that requests come from another proxy.
func (s *site) isBehind() bool {
	if len(s.Deploy.Caddy) > 0 || len(s.Deploy.Traefik) > 0 || len(s.Deploy.Kubernetes) > 0 || fronted(s.Pass) {
		return true
	}
	found := false
	for _, t := range s.trees {
		found = found || len(t.all("set_real_ip_from", "real_ip_header")) > 0
		s.each(t, func(_ *site, b *block) {
			for _, w := range b.Words {
				found = found || uses(w, "http_x_forwarded_proto", "http_x_forwarded_host", "http_x_forwarded_port", "http_x_forwarded_scheme", "http_cf_connecting_ip", "http_cf_visitor", "http_cloudfront_forwarded_proto", "http_x_azure_clientip")
			}
			found = found || strings.HasSuffix(b.Name(), "_set_header") && strings.EqualFold(b.Arg(0), "x-forwarded-proto") && b.Arg(1) == "https"
		})
	}
	return found
}

// fronted tells whether another proxy runs beside it, or a platform stands
// before it.
func fronted(p *analysis.Pass) bool {
	for _, d := range p.Deploy.Compose {
		found := false
		d.Root.Get("services").Pairs(func(_, n *deploy.Node) {
			image, _ := deploy.ParseImage(n.Get("image").Text())
			found = found || slices.Contains([]string{"traefik", "caddy", "cloudflared", "swag", "nginx-proxy", "nginx-proxy-manager", "haproxy", "envoy", "tailscale", "ngrok"}, path.Base(image.Name))
			n.Get("labels").Environment(func(name, _ string, _ *deploy.Node) { found = found || strings.HasPrefix(name, "traefik.") })
			n.Get("environment").Environment(func(name, _ string, _ *deploy.Node) { found = found || name == "VIRTUAL_HOST" })
		})
		if found {
			return true
		}
	}
	return slices.ContainsFunc(p.Deploy.Names, func(n string) bool {
		return slices.Contains([]string{"fly.toml", "render.yaml", "railway.toml", "railway.json", "app.json", "heroku.yml", "cloudbuild.yaml", "Dockerrun.aws.json", "apprunner.yaml", "Chart.yaml", "captain-definition", "koyeb.yaml"}, path.Base(n)) || path.Ext(n) == ".tf"
	})
}

// look is at each directive.
func (s *site) look(b *block) {
	switch b.Name() {
	case "client_max_body_size":
		s.body(b)
	case "ssl_protocols":
		for _, w := range b.Words[1:] {
			if slices.Contains([]string{"SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1"}, w) {
				s.say(weakTLS, weakTLS.Severity, b, "ssl_protocols allows %s", w)
				break
			}
		}
	case "ssl_ciphers":
		if weak := weakCipher(b.Arg(0)); weak != "" {
			s.say(weakTLS, weakTLS.Severity, b, "ssl_ciphers allows %s", weak)
		}
	case "set_real_ip_from":
		if everyone(b.Arg(0)) {
			s.say(realIPAll, realIPAll.Severity, b, "set_real_ip_from is %s: the client's address is what the client says", b.Arg(0))
		}
	case "autoindex":
		if b.Arg(0) == "on" {
			s.say(autoindex, autoindex.Severity, b, "autoindex is on")
		}
	case "alias":
		s.alias(b)
	case "return", "rewrite", "add_header", "proxy_set_header", "proxy_pass":
		s.split(b)
	case "stub_status":
		s.internal(b, "stub_status", b.parent)
	}
	if b.Block {
		s.lost(b)
		s.reflects(b)
	}
	if _, pattern := b.location(); slices.Contains([]string{"/metrics", "/actuator", "/actuator/", "/debug/pprof", "/debug/pprof/", "/debug/vars"}, pattern) && len(b.all("proxy_pass")) > 0 {
		s.internal(b, pattern, b)
	}
}

func (s *site) body(b *block) {
	size, ok := bytesOf(b.Arg(0))
	switch {
	case !ok:
	case size == 0:
		s.say(bodySize, finding.Medium, b, "client_max_body_size is 0, which is no limit")
	case size >= 1<<30 && b.parent != nil && b.parent.Name() != "location" && b.parent.Name() != "if":
		s.say(bodySize, bodySize.Severity, b, "client_max_body_size is %s wherever nothing else is said", b.Arg(0))
	}
}

// bytesOf reads a size of nginx.
func bytesOf(text string) (int64, bool) {
	text = strings.ToLower(text)
	unit := int64(1)
	if i := strings.IndexAny(text, "kmg"); i >= 0 && i == len(text)-1 {
		unit = map[byte]int64{'k': 1 << 10, 'm': 1 << 20, 'g': 1 << 30}[text[i]]
		text = text[:i]
	}
	n, err := strconv.ParseInt(text, 10, 32)
	return n * unit, err == nil
}

// weakCipher is one of a list that is not refused in it; "" when there is none.
func weakCipher(list string) string {
	refused := map[string]bool{}
	tokens := strings.FieldsFunc(list, func(r rune) bool { return r == ':' || r == ',' || r == ' ' })
	for _, t := range tokens {
		if t[0] == '!' || t[0] == '-' {
			refused[t[1:]] = true
		}
	}
	for _, t := range tokens {
		if t[0] == '!' || t[0] == '-' || t[0] == '+' || t[0] == '@' || refused[t] {
			continue
		}
		parts := strings.FieldsFunc(t, func(r rune) bool { return r == '-' || r == '+' })
		if strings.Contains(t, "CBC3") {
			parts = append(parts, "3DES")
		}
		for _, p := range parts {
			switch p {
			case "RC4", "3DES", "MD5", "NULL", "eNULL", "aNULL", "EXPORT", "EXP", "LOW", "ADH", "AECDH", "RC2", "IDEA", "SEED":
				if !refused[p] {
					return t
				}
			case "DES":
				if !refused["DES"] && !refused["3DES"] {
					return t
				}
			}
		}
		if t == "ALL" && !refused["aNULL"] {
			return t
		}
	}
	return ""
}

// alias: what matches /files also matches /files../, which is another folder.
func (s *site) alias(b *block) {
	at := b.parent
	for at != nil && at.Name() == "if" {
		at = at.parent
	}
	if at == nil || at.Name() != "location" {
		return
	}
	modifier, pattern := at.location()
	if modifier != "" && modifier != "^~" || pattern == "" || strings.HasSuffix(pattern, "/") || strings.HasPrefix(pattern, "@") || !strings.HasSuffix(b.Arg(0), "/") {
		return
	}
	s.say(aliasTraversal, aliasTraversal.Severity, b, "%s../ leads out of %s: the location has no / at its end, and the alias has", pattern, b.Arg(0))
}

// split looks for the path, decoded, where a line break begins another header.
func (s *site) split(b *block) {
	words := b.Words[1:]
	switch b.Name() {
	case "return":
		if len(words) > 1 && !strings.HasPrefix(words[0], "30") {
			return
		}
	case "rewrite":
		if len(words) < 2 {
			return
		}
		leaves := strings.HasPrefix(words[1], "http") || strings.HasPrefix(words[1], "$scheme") || len(words) > 2 && (words[2] == "redirect" || words[2] == "permanent")
		if words = words[1:2]; !leaves {
			return
		}
	}
	for at := b.parent; at != nil; at = at.parent {
		if modifier, _ := at.location(); modifier == "=" {
			return
		}
	}
	for _, w := range words {
		if uses(w, "uri", "document_uri") {
			s.say(crlf, crlf.Severity, b, "$uri is decoded: a %%0d%%0a in the path begins a line of its own in %s", b.Name())
			return
		}
	}
}

// internal looks for what only the inside may ask for.
func (s *site) internal(b *block, what string, location *block) {
	for at := location; at != nil; at = at.parent {
		for _, c := range at.children {
			if slices.Contains([]string{"allow", "deny", "auth_basic", "auth_request", "auth_jwt", "internal", "ssl_verify_client", "return", "satisfy"}, c.Name()) && (c.Name() != "return" || at == location) {
				return
			}
		}
		if at.isServer() {
			for _, l := range at.own("listen") {
				if !slices.Contains([]string{"80", "443"}, port(l.Arg(0))) || strings.HasPrefix(l.Arg(0), "127.") || strings.HasPrefix(l.Arg(0), "localhost") {
					return
				}
			}
		}
	}
	if location != nil && !location.unsure() {
		s.say(exposed, exposed.Severity, b, "%s is open to everyone", what)
	}
}

// port is that of an address that is listened on.
func port(address string) string {
	if strings.HasPrefix(address, "unix:") {
		return ""
	}
	i := strings.LastIndexByte(address, ':')
	p := address[i+1:]
	if i < 0 && strings.Trim(p, "0123456789") != "" {
		return "80" // a host alone
	}
	return p
}

// plain finds servers that proxy what nobody encrypts.
func (s *site) plain() {
	if s.behind || s.encrypted() {
		return
	}
	for _, b := range s.servers {
		if len(b.all("proxy_pass")) == 0 || b.unsure() || redirects(b) || !s.reached(b) {
			continue
		}
		s.say(plainHTTP, plainHTTP.Severity, b, "it proxies plain HTTP, redirects nothing, and no server has TLS")
		return
	}
}

// encrypted tells whether any server has TLS.
func (s *site) encrypted() bool {
	return slices.ContainsFunc(s.Deploy.Nginx, func(d *deploy.Directive) bool {
		return len(d.All("ssl_certificate")) > 0 || slices.ContainsFunc(d.All("listen"), func(l *deploy.Directive) bool {
			return port(l.Arg(0)) == "443" || slices.Contains(l.Words, "ssl") || slices.Contains(l.Words, "quic")
		})
	})
}

// redirects tells whether a server sends its clients to HTTPS.
func redirects(b *block) bool {
	return slices.ContainsFunc(b.all("return", "rewrite"), func(r *block) bool { return strings.Contains(strings.Join(r.Words, " "), "https://") })
}

// reached tells whether clients reach a server: on port 80, by a name of its
// own, or by a port that Compose publishes.
func (s *site) reached(b *block) bool {
	for _, l := range b.own("listen") {
		if p := port(l.Arg(0)); p != "80" || strings.HasPrefix(l.Arg(0), "127.") || strings.HasPrefix(l.Arg(0), "localhost") {
			return false
		}
	}
	for _, n := range b.own("server_name") {
		for _, w := range n.Words[1:] {
			if strings.Contains(w, ".") && !strings.HasSuffix(w, ".local") && !strings.HasSuffix(w, ".internal") && !strings.HasSuffix(w, ".localhost") && !strings.HasPrefix(w, "127.") {
				return true
			}
		}
	}
	composed := false
	for _, d := range s.Deploy.Compose {
		if deploy.Aside(d.File) {
			continue
		}
		composed = true
		found := false
		d.Root.Get("services").Pairs(func(_, n *deploy.Node) {
			for _, p := range n.Get("ports").Items() {
				found = found || p.Value == "80" || strings.HasPrefix(p.Value, "80:") || strings.HasSuffix(p.Value, ":-80}:80") || strings.HasPrefix(p.Value, "0.0.0.0:80:") || p.Get("published").Is("80")
			}
		})
		if found {
			return true
		}
	}
	return !composed && len(s.Deploy.Dockerfiles) == 0
}
