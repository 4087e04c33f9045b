package kubernetes

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
)

// posture says what the pod lacks, each once. Parts that are to be put on top
// of others, and that templates fill in, lack nothing that is known.
func (p *pod) posture() {
	if p.doc.Open(p.spec) || p.doc.Open(p.spec.Get("containers")) {
		return
	}
	var containers []*deploy.Node
	for _, c := range p.doc.Containers() {
		if c.Has("image") && !p.doc.Open(c) && !p.doc.Conditional(c) && !c.Get("securityContext", "privileged").Is("true") {
			containers = append(containers, c)
		}
	}
	if len(containers) == 0 {
		return
	}
	p.lacks(root, containers, p.nonRoot, "may run as root: runAsNonRoot is not true")
	p.lacks(escalation, containers, func(c *deploy.Node) bool {
		return p.says(c.Get("securityContext"), "allowPrivilegeEscalation", "false")
	}, "may gain privileges: allowPrivilegeEscalation is not false")
	p.lacks(writable, containers, func(c *deploy.Node) bool {
		return p.says(c.Get("securityContext"), "readOnlyRootFilesystem", "true")
	}, "may change its own files: readOnlyRootFilesystem is not true")
	p.lacks(capabilities, containers, p.drops, "keeps the default capabilities: ALL is not dropped")
	if !p.limited && !p.bounded(p.spec) {
		p.lacks(limits, containers, func(c *deploy.Node) bool { return p.bounded(c) || p.brief(c) }, "has no limit of memory")
	}
	p.token()
}

// lacks reports the containers that something does not hold for.
func (p *pod) lacks(r *analysis.Rule, containers []*deploy.Node, holds func(*deploy.Node) bool, problem string) {
	var first *deploy.Node
	var names []string
	for _, c := range containers {
		if holds(c) {
			continue
		}
		if first == nil {
			first = c
		}
		names = append(names, name(c))
	}
	if first == nil {
		return
	}
	if at := first.Get("name"); at != nil {
		first = at
	}
	p.report(r, r.Severity, first, "%s %s", strings.Join(names, ", "), problem)
}

// unknown tells whether a template decides what a value is.
func (p *pod) unknown(n *deploy.Node) bool {
	return p.doc.Open(n) || n.Templated() || p.doc.Conditional(n)
}

// says tells whether a mapping has a value for a key, or may have it.
func (p *pod) says(n *deploy.Node, key, value string) bool {
	v := n.Get(key)
	return p.unknown(n) || p.unknown(v) || v.Is(value)
}

// nonRoot tells whether a container cannot run as root, or whether in its own
// namespace of users that matters little.
func (p *pod) nonRoot(c *deploy.Node) bool {
	if image, known := deploy.ParseImage(c.Get("image").Text()); known && image.NonRoot() || p.spec.Get("hostUsers").Is("false") {
		return true
	}
	own, common := c.Get("securityContext"), p.spec.Get("securityContext")
	if p.unknown(own) || p.unknown(common) {
		return true
	}
	for _, key := range []string{"runAsNonRoot", "runAsUser"} {
		v := own.Get(key)
		if v == nil {
			v = common.Get(key)
		}
		if v != nil && !v.Is("false", "0", "") || p.unknown(v) {
			return true
		}
	}
	return false
}

func (p *pod) drops(c *deploy.Node) bool {
	security := c.Get("securityContext")
	named := security.Get("capabilities")
	drop := named.Get("drop")
	return p.unknown(security) || p.unknown(named) || p.unknown(drop) ||
		slices.ContainsFunc(drop.Items(), func(n *deploy.Node) bool { return strings.EqualFold(n.Value, "ALL") || p.unknown(n) })
}

// bounded tells whether a container, or all of a pod, has a limit of memory.
func (p *pod) bounded(c *deploy.Node) bool {
	resources := c.Get("resources")
	most := resources.Get("limits")
	return p.unknown(resources) || p.unknown(most) || most.Has("memory")
}

// brief tells whether a container ends before the others begin.
func (p *pod) brief(c *deploy.Node) bool {
	return slices.Contains(p.spec.Get("initContainers").Items(), c) && !c.Get("restartPolicy").Is("Always")
}

// token says that the pod is given one that it has no use for, as far as is
// known: a role that is given to its account is one.
func (p *pod) token() {
	account := p.spec.Get("serviceAccountName")
	if account == nil {
		account = p.spec.Get("serviceAccount")
	}
	name := account.Text()
	if name == "" {
		name = "default"
	}
	if p.spec.Has("automountServiceAccountToken") || account.Templated() || p.tokenless[name] || p.bound[name] {
		return
	}
	p.report(token, token.Severity, p.spec.Get("containers"), "the pod of %s mounts a token of the account %s", p.name(), name)
}

// name of the document.
func (p *pod) name() string {
	if n := p.doc.Root.Get("metadata", "name"); n != nil && n.Value != "" && !n.Templated() {
		return n.Value
	}
	return "the template"
}
