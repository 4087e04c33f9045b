package kubernetes

import (
	"encoding/base64"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// secrets looks at the variables of containers.
func (p *pod) secrets() {
	for _, c := range p.doc.Containers() {
		for _, e := range c.Get("env").Items() {
			if value := e.Get("value"); value != nil {
				judge(p.Pass, p.doc, value, e.Get("name").Text(), value.Value)
			}
		}
	}
}

// secrets looks at what ConfigMaps and Secrets hold.
func secrets(p *analysis.Pass, d *deploy.Document) {
	switch d.Root.Get("kind").Text() {
	case "ConfigMap":
		d.Root.Get("data").Pairs(func(key, value *deploy.Node) {
			judge(p, d, value, key.Value, value.Value)
		})
	case "Secret":
		if d.Root.Has("sops") {
			return
		}
		d.Root.Get("stringData").Pairs(func(key, value *deploy.Node) {
			held(p, d, value, key.Value, value.Value)
		})
		d.Root.Get("data").Pairs(func(key, value *deploy.Node) {
			if text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value.Value)); err == nil {
				held(p, d, value, key.Value, string(text))
			}
		})
	}
}

// judge looks at a value that has the name of a secret.
func judge(p *analysis.Pass, d *deploy.Document, at *deploy.Node, name, value string) {
	if strings.Contains(value, "$(") {
		return
	}
	if _, _, in := deploy.Userinfo(value); !in && !analysis.Secret(name) && !strings.HasSuffix(strings.ToUpper(name), "_PASS") {
		return
	}
	say(p, d, at, name, deploy.Judge(name, value))
}

func say(p *analysis.Pass, d *deploy.Document, at *deploy.Node, name string, l deploy.Literal) {
	switch l {
	case deploy.Real:
		report(p, d, plain, finding.High, at, "%s is written down", name)
	case deploy.Weak:
		report(p, d, plain, finding.Medium, at, "%s is a word that can be guessed", name)
	}
}

// held looks at a value of a Secret, all of which are secret but those that
// everybody may know.
func held(p *analysis.Pass, d *deploy.Document, at *deploy.Node, name, value string) {
	l := deploy.Judge(name, value)
	switch {
	case slices.Contains([]string{".crt", ".cert", ".pub", ".ca"}, path.Ext(name)):
		return
	case analysis.Secret(name), l == deploy.Real && strings.Contains(value, "PRIVATE KEY-----"):
	case l == deploy.Real && !analysis.Names(name, "user", "username", "host", "port", "url", "uri", "endpoint", "email", "name", "database", "db", "region", "id", "ca", "cert", "public", "issuer", "account", "bucket", "version", "type", "domain", "server", "path", "mode", "level"):
	default:
		return
	}
	say(p, d, at, name, l)
}
