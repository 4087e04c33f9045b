package kubernetes

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// A grant is who a role is given to.
type grant struct {
	account bool // a service account, or all of them
	wide    bool // in the whole cluster
	people  bool // users and groups only
}

// roles looks at what roles allow, and at who is given those that allow all.
func roles(p *analysis.Pass) {
	grants := map[string]grant{} // by kind and name
	for _, d := range p.Deploy.Kubernetes {
		kind := d.Root.Get("kind").Text()
		if kind != "RoleBinding" && kind != "ClusterRoleBinding" {
			continue
		}
		to := d.Root.Get("roleRef")
		key := to.Get("kind").Text() + " " + to.Get("name").Text()
		g := grants[key]
		for _, s := range d.Root.Get("subjects").Items() {
			if !service(s) {
				g.people = true
				continue
			}
			g.account = true
			g.wide = g.wide || kind == "ClusterRoleBinding"
			if to.Get("kind").Is("ClusterRole") && to.Get("name").Is("cluster-admin") && !deploy.Aside(d.File) {
				severity := finding.High
				if kind == "RoleBinding" {
					severity = finding.Medium
				}
				report(p, d, roleAll, severity, to.Get("name"), "%s is given cluster-admin", subject(s))
			}
		}
		grants[key] = g
	}
	for _, d := range p.Deploy.Kubernetes {
		kind := d.Root.Get("kind").Text()
		if kind != "Role" && kind != "ClusterRole" || deploy.Aside(d.File) || d.Root.Has("aggregationRule") {
			continue
		}
		name := d.Root.Get("metadata", "name")
		g := grants[kind+" "+name.Text()]
		for _, rule := range d.Root.Get("rules").Items() {
			allowed(p, d, rule, kind, g)
		}
	}
}

// allowed looks at one rule of a role.
func allowed(p *analysis.Pass, d *deploy.Document, rule *deploy.Node, kind string, g grant) {
	if rule.Has("resourceNames") || rule.Has("nonResourceURLs") || d.Open(rule) {
		return
	}
	verbs := rule.Get("verbs")
	everything := has(verbs, "*")
	switch {
	case everything && has(rule.Get("resources"), "*") && (has(rule.Get("apiGroups"), "*") || has(rule.Get("apiGroups"), "")):
		switch {
		case g.people && !g.account: // of those who run the cluster
		case kind == "ClusterRole" && g.wide:
			report(p, d, roleAll, finding.High, verbs, "whoever has the service account may do everything in the whole cluster")
		case kind == "ClusterRole":
			report(p, d, roleAll, finding.Medium, verbs, "the role allows everything, wherever it is given")
		default:
			report(p, d, roleAll, finding.Medium, verbs, "the role allows everything in its namespace")
		}
	case kind == "ClusterRole" && g.wide && has(rule.Get("apiGroups"), "", "*") && has(rule.Get("resources"), "secrets", "*") && (everything || has(verbs, "get", "list", "watch")):
		report(p, d, roleSecrets, roleSecrets.Severity, verbs, "a service account may read the secrets of every namespace")
	}
}

// has tells whether a list has one of some words, none of which a template
// decides.
func has(list *deploy.Node, words ...string) bool {
	return slices.ContainsFunc(list.Items(), func(n *deploy.Node) bool { return slices.Contains(words, n.Value) })
}

// service tells whether a subject is what programs in the cluster are, or
// anybody.
func service(s *deploy.Node) bool {
	name := s.Get("name").Text()
	return s.Get("kind").Is("ServiceAccount") ||
		strings.HasPrefix(name, "system:serviceaccount") || name == "system:authenticated" || name == "system:unauthenticated" || name == "system:anonymous"
}

// subject is what a subject is called.
func subject(s *deploy.Node) string {
	if n := s.Get("name"); n != nil && !n.Templated() {
		if s.Get("kind").Is("ServiceAccount") {
			return "the service account " + n.Value
		}
		return n.Value
	}
	return "a service account"
}
