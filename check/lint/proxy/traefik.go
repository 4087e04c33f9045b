package proxy

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// judge tells what is wrong with a setting of Traefik's, whichever way it is
// given. Its names are told apart by no letter's case.
func judge(keys []string, values ...string) (finding.Severity, string) {
	n := len(keys)
	if n == 0 {
		return 0, ""
	}
	last, before := strings.ToLower(keys[n-1]), ""
	if n > 1 {
		before = strings.ToLower(keys[n-2])
	}
	on := len(values) == 1 && strings.EqualFold(values[0], "true")
	switch {
	case last == "insecure" && before == "api" && n == 2 && on:
		return finding.High, "api.insecure: the dashboard and the API are open to whoever reaches port 8080"
	case last == "insecure" && (before == "forwardedheaders" || before == "proxyprotocol") && on:
		return finding.High, before + ".insecure: everyone may say which address a request comes from"
	case last == "trustedips" && (before == "forwardedheaders" || before == "proxyprotocol"):
		for _, v := range values {
			for one := range strings.SplitSeq(v, ",") {
				if everyone(strings.TrimSpace(one)) {
					return finding.High, before + ".trustedIPs has " + strings.TrimSpace(one) + ": everyone may say which address a request comes from"
				}
			}
		}
	case last == "insecureskipverify" && on:
		return finding.Medium, "insecureSkipVerify: whoever stands between Traefik and the service reads and changes all"
	}
	return 0, ""
}

func traefik(p *analysis.Pass) {
	say := func(where deploy.Place, s finding.Severity, problem string) {
		if problem != "" {
			at(p, traefikInsecure, s, where, "%s", problem)
		}
	}
	for _, d := range p.Deploy.Traefik {
		if !deploy.Aside(d.File) {
			settings(d, d.Root, nil, say)
		}
	}
	for _, t := range p.Deploy.TOML {
		if !deploy.Aside(t.File) && strings.Contains(strings.ToLower(path.Base(t.File)), "traefik") {
			tables(t, t.Root, nil, say)
		}
	}
	for _, d := range p.Deploy.Compose {
		if deploy.Aside(d.File) {
			continue
		}
		d.Root.Get("services").Pairs(func(key, n *deploy.Node) {
			if !deploy.Aside(key.Value) && !slices.ContainsFunc(n.Get("profiles").Items(), func(x *deploy.Node) bool { return deploy.Aside(x.Value) }) {
				service(d, n, say)
			}
		})
	}
	for _, d := range p.Deploy.Kubernetes {
		if deploy.Aside(d.File) {
			continue
		}
		if d.Root.Get("kind").Is("ServersTransport") {
			settings(d, d.Root.Get("spec"), nil, say)
		}
		for _, c := range d.Containers() {
			if image, ok := deploy.ParseImage(c.Get("image").Text()); ok && path.Base(image.Name) == "traefik" {
				flags(d, c.Get("command"), say)
				flags(d, c.Get("args"), say)
			}
		}
	}
}

// settings walks through a file of YAML.
func settings(d *deploy.Document, n *deploy.Node, keys []string, say func(deploy.Place, finding.Severity, string)) {
	n.Pairs(func(key, value *deploy.Node) {
		below := append(slices.Clone(keys), key.Value)
		values := []string{value.Text()}
		if value.List {
			values = nil
			for _, i := range value.Items() {
				values = append(values, i.Value)
			}
			flags(d, value, say)
		}
		severity, problem := judge(below, values...)
		say(d.Place(value), severity, problem)
		settings(d, value, below, say)
	})
}

// tables walks through a file of TOML.
func tables(t *deploy.TOML, m map[string]any, keys []string, say func(deploy.Place, finding.Severity, string)) {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		below := append(slices.Clone(keys), name)
		switch v := m[name].(type) {
		case map[string]any:
			tables(t, v, below, say)
		default:
			values := t.Texts(below...)
			if len(values) == 0 {
				values = []string{fmt.Sprint(v)}
			}
			severity, problem := judge(below, values...)
			say(deploy.Place{File: t.File, Line: line(t, below), Column: 1}, severity, problem)
		}
	}
}

// line is where a key stands: in its table, which may be written with dots.
func line(t *deploy.TOML, keys []string) int {
	table := ""
	for i, l := range strings.Split(string(t.Data), "\n") {
		l = strings.TrimSpace(l)
		if strings.HasPrefix(l, "[") {
			table = strings.Trim(l, "[] ")
			continue
		}
		name, _, ok := strings.Cut(l, "=")
		full := strings.TrimSpace(name)
		if table != "" {
			full = table + "." + full
		}
		if ok && full == strings.Join(keys, ".") {
			return i + 1
		}
	}
	return 1
}

// flags are those of a list, or of a line.
func flags(d *deploy.Document, n *deploy.Node, say func(deploy.Place, finding.Severity, string)) {
	one := func(word string, where deploy.Place) {
		if !strings.HasPrefix(word, "--") {
			return
		}
		name, value, given := strings.Cut(word[2:], "=")
		if !given {
			value = "true"
		}
		severity, problem := judge(strings.Split(name, "."), value)
		say(where, severity, problem)
	}
	if n != nil && !n.List {
		for _, w := range n.Words() {
			one(w, d.Find(n, w))
		}
	}
	for _, i := range n.Items() {
		one(i.Value, d.Place(i))
	}
}

// service looks at one of Compose: flags, variables and labels.
func service(d *deploy.Document, n *deploy.Node, say func(deploy.Place, finding.Severity, string)) {
	image, _ := deploy.ParseImage(n.Get("image").Text())
	if path.Base(image.Name) == "traefik" {
		inner := func(where deploy.Place, s finding.Severity, problem string) {
			if strings.HasPrefix(problem, "api.insecure") && !published(n) {
				s = finding.Medium // it is the other containers that reach it
			}
			say(where, s, problem)
		}
		flags(d, n.Get("command"), inner)
		n.Get("environment").Environment(func(name, value string, at *deploy.Node) {
			if rest, ok := strings.CutPrefix(name, "TRAEFIK_"); ok {
				severity, problem := judge(strings.Split(rest, "_"), value)
				inner(d.Place(at), severity, problem)
			}
		})
	}
	n.Get("labels").Environment(func(name, value string, at *deploy.Node) {
		if strings.HasPrefix(name, "traefik.") {
			severity, problem := judge(strings.Split(name, ".")[1:], value)
			say(d.Place(at), severity, problem)
		}
	})
}

// published tells whether others than the host reach port 8080 of a service.
func published(n *deploy.Node) bool {
	if n.Get("network_mode").Is("host") {
		return true
	}
	return slices.ContainsFunc(n.Get("ports").Items(), func(p *deploy.Node) bool {
		text := strings.TrimSuffix(p.Value, "/tcp")
		if p.Map() {
			return p.Get("target").Is("8080") && !p.Get("host_ip").Is("127.0.0.1")
		}
		return (text == "8080" || strings.HasSuffix(text, ":8080")) && !strings.HasPrefix(text, "127.0.0.1:") && !strings.HasPrefix(text, "localhost:")
	})
}
