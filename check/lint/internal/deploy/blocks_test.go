package deploy

import (
	"strings"
	"testing"
)

// outline writes directives down, their blocks in braces.
func outline(d *Directive) string {
	var out []string
	for _, c := range d.Children {
		s := strings.Join(c.Words, " ")
		if c.Block {
			s += "{" + outline(c) + "}"
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

func TestNginx(t *testing.T) {
	d := project(t, "nginx.conf").Nginx[0]
	equal(t, "nginx", outline(d), `user nginx; http{log_format main $remote_addr {"a": "$request"} $status; server_tokens off; map $http_upgrade $connection{default upgrade;  close}; `+
		`server{listen 443 ssl; server_name ~^(?<name>.+)\.example\.com$; add_header X-A b; c always; location ~ \.php${suffix}{proxy_set_header Host $host; proxy_pass http://${upstream}:8000}}}`)
	location := d.All("location")[0]
	equal(t, "the nearest", location.Effective("server_tokens").Arg(0), "off")
	equal(t, "the nearest is its own", location.Effective("proxy_set_header").Arg(0), "Host")
	equal(t, "there is none", location.Effective("autoindex") == nil && location.Arg(9) == "" && (&Directive{}).Name() == "", true)
	equal(t, "own", [2]int{len(d.Own("http")), len(d.Own("server"))}, [2]int{1, 0})
	equal(t, "place", location.Place, Place{"nginx.conf", 12, 9})
	header := d.All("add_header")[0]
	equal(t, "a quoted word is one", header.Words, []string{"add_header", "X-A", "b; c", "always"})
}

func TestCaddy(t *testing.T) {
	d := project(t, "Caddyfile").Caddy[0]
	equal(t, "caddy", outline(d), `{admin off}; example.com, www.example.com{header{-Server; X-A b c}; reverse_proxy /api/* {$UPSTREAM:localhost:8000}{header_up Host {host}}}`)
	equal(t, "place", d.All("reverse_proxy")[0].Place, Place{"Caddyfile", 11, 2})
	equal(t, "a # within a word begins no comment", outline(project(t, "Caddyfile", "respond /a#b `c\nd`\n# e\n").Caddy[0]), "respond /a#b c\nd")
}

func TestNginxOthers(t *testing.T) {
	for text, want := range map[string]string{
		"a {{ b }};\n{% if c %}\nd { e; }\n{% endif %}\n{{ range f }}\n": "a xxxxxxx; d{e}",
		"log '{\"a\": {\"b\": 1}}';":                                     `log {"a": {"b": 1}}`,
		"a_by_lua_block {\n if x { y } -- '\n}\nb;":                      "a_by_lua_block{}; b",
	} {
		equal(t, text, outline(project(t, "nginx.conf", text).Nginx[0]), want)
	}
	equal(t, "a file of another server", len(project(t, "conf.d/a.conf", "<VirtualHost *:80>\n</VirtualHost>\n").Nginx), 0)
}

func TestNginxEmbedded(t *testing.T) {
	p := project(t, "web.yaml", "apiVersion: v1\nkind: ConfigMap\ndata:\n  default.conf: |\n    server {\n      listen 80;\n    }\n  other.conf: |\n    a {\n")
	if len(p.Nginx) != 1 {
		t.Fatalf("%d files are read", len(p.Nginx))
	}
	equal(t, "place", p.Nginx[0].All("listen")[0].Place, Place{"web.yaml", 6, 3})
}
