// Package kubernetes finds what is wrong with pods and roles that manifests
// describe, and with templates of Helm as far as they say it themselves.
package kubernetes

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// Analyzer looks at manifests.
var Analyzer = &analysis.Analyzer{
	Name:  "kubernetes",
	Rules: []*analysis.Rule{privileged, namespaces, root, escalation, writable, capabilities, limits, plain, latest, subPath, token, roleAll, roleSecrets},
	Run: func(p *analysis.Pass) {
		c := clusterOf(p)
		roles(p)
		for _, d := range p.Deploy.Kubernetes {
			if deploy.Aside(d.File) || hook(d) {
				continue
			}
			secrets(p, d)
			if pod := c.pod(d); pod != nil {
				pod.secrets()
				pod.privileges()
				pod.namespaces()
				pod.images()
				pod.mounts()
				pod.posture()
			}
		}
	},
}

// hook tells whether a document is a test of Helm.
func hook(d *deploy.Document) bool {
	return strings.HasPrefix(d.Root.Get("metadata", "annotations", "helm.sh/hook").Text(), "test")
}

// A cluster is what all manifests say about each other.
type cluster struct {
	*analysis.Pass
	// limited tells that a LimitRange gives containers their limits.
	limited bool
	// built are images whose tags others set: kustomize, Skaffold.
	built map[string]bool
	// tokenless are accounts that mount no token, and bound those that a role
	// is given to.
	tokenless, bound map[string]bool
}

func clusterOf(p *analysis.Pass) *cluster {
	c := &cluster{Pass: p, built: map[string]bool{}, tokenless: map[string]bool{}, bound: map[string]bool{}}
	for _, d := range p.Deploy.Kubernetes {
		name := d.Root.Get("metadata", "name").Text()
		switch d.Root.Get("kind").Text() {
		case "LimitRange":
			c.limited = true
		case "ServiceAccount":
			if d.Root.Get("automountServiceAccountToken").Is("false") {
				c.tokenless[name] = true
			}
		case "RoleBinding", "ClusterRoleBinding":
			for _, s := range d.Root.Get("subjects").Items() {
				c.bound[s.Get("name").Text()] = true
			}
		}
		for _, i := range d.Root.Get("images").Items() {
			c.built[i.Get("name").Text()] = true
		}
		for _, a := range d.Root.Get("build", "artifacts").Items() {
			c.built[a.Get("image").Text()] = true
		}
	}
	return c
}

// A pod is what a document describes.
type pod struct {
	*cluster
	doc  *deploy.Document
	spec *deploy.Node
	// agent tells that one runs on each node, to look after it.
	agent bool
}

func (c *cluster) pod(d *deploy.Document) *pod {
	spec := d.PodSpec()
	if spec == nil || spec.Get("nodeSelector", "kubernetes.io/os").Is("windows") || spec.Get("os", "name").Is("windows") {
		return nil
	}
	return &pod{
		cluster: c, doc: d, spec: spec,
		agent: d.Root.Get("kind").Is("DaemonSet") || d.Root.Get("metadata", "namespace").Is("kube-system"),
	}
}

func (p *pod) report(r *analysis.Rule, severity finding.Severity, at *deploy.Node, format string, args ...any) {
	report(p.Pass, p.doc, r, severity, at, format, args...)
}

// report says what a document says, unless it depends on a value of a template.
func report(p *analysis.Pass, d *deploy.Document, r *analysis.Rule, severity finding.Severity, at *deploy.Node, format string, args ...any) {
	if d.Conditional(at) {
		return
	}
	place := d.Place(at)
	p.Report(analysis.Finding{Rule: r, Severity: severity, File: place.File, Line: place.Line, Column: place.Column, Problem: fmt.Sprintf(format, args...)})
}

// name of a container, or of what a template makes one.
func name(n *deploy.Node) string {
	if s := n.Get("name"); s != nil && s.Value != "" && !s.Templated() {
		return s.Value
	}
	return "a container"
}

// powers are capabilities that hold the node, or its network.
var powers = []string{"ALL", "SYS_ADMIN", "SYS_MODULE", "NET_ADMIN"}

func (p *pod) privileges() {
	for _, c := range p.doc.Containers() {
		severity := finding.High
		if p.agent || p.brief(c) {
			severity = finding.Medium
		}
		security := c.Get("securityContext")
		if on := security.Get("privileged"); on.Is("true") {
			p.report(privileged, severity, on, "%s is privileged", name(c))
		}
		for _, a := range security.Get("capabilities", "add").Items() {
			power := strings.TrimPrefix(strings.ToUpper(a.Value), "CAP_")
			if !slices.Contains(powers, power) {
				continue
			}
			if power == "NET_ADMIN" {
				severity = min(severity, finding.Medium) // of meshes and tunnels, too
			}
			p.report(privileged, severity, a, "%s has the capability %s", name(c), power)
		}
	}
	for _, v := range p.spec.Get("volumes").Items() {
		if from := v.Get("hostPath", "path"); from != nil {
			p.hostPath(from, v.Get("name").Text())
		}
	}
}

// sockets are those by which containers are steered.
var sockets = []string{"docker.sock", "containerd.sock", "crio.sock", "podman.sock", "dockershim.sock"}

func (p *pod) hostPath(from *deploy.Node, volume string) {
	socket := slices.Contains(sockets, path.Base(from.Value))
	if !socket && path.Clean(from.Value) != "/" {
		return
	}
	severity := finding.High
	if p.agent {
		severity = finding.Medium
	}
	if socket {
		p.report(privileged, severity, from, "the volume %s is the runtime's socket", volume)
	} else if !p.agent || !p.readOnly(volume) {
		p.report(privileged, severity, from, "the volume %s is the node's root", volume)
	}
}

// readOnly tells whether all containers mount a volume so.
func (p *pod) readOnly(volume string) bool {
	for _, c := range p.doc.Containers() {
		for _, m := range c.Get("volumeMounts").Items() {
			if m.Get("name").Is(volume) && !m.Get("readOnly").Is("true") {
				return false
			}
		}
	}
	return true
}

func (p *pod) namespaces() {
	if p.agent {
		return
	}
	for _, key := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if on := p.spec.Get(key); on.Is("true") {
			p.report(namespaces, namespaces.Severity, on, "the pod has %s: true", key)
		}
	}
}

func (p *pod) images() {
	for _, c := range p.doc.Containers() {
		at := c.Get("image")
		image, known := deploy.ParseImage(at.Text())
		if !known || !image.Floating() || p.built[at.Text()] || p.built[image.Name] {
			continue
		}
		if image.Tag == "" {
			p.report(latest, latest.Severity, at, "%s has no tag, which is the latest", image.Name)
		} else {
			p.report(latest, latest.Severity, at, "%s is the latest", image.Name)
		}
	}
}

// mounts finds policies that are mounted as one file.
func (p *pod) mounts() {
	maps := map[string]bool{}
	for _, v := range p.spec.Get("volumes").Items() {
		if v.Has("configMap") {
			maps[v.Get("name").Text()] = true
		}
	}
	for _, c := range p.doc.Containers() {
		for _, m := range c.Get("volumeMounts").Items() {
			at := m.Get("subPath")
			if at != nil && maps[m.Get("name").Text()] && (isPolicy(at.Value) || isPolicy(path.Base(m.Get("mountPath").Text()))) {
				p.report(subPath, subPath.Severity, at, "%s is mounted by subPath, and stays as it is while the pod runs", path.Base(m.Get("mountPath").Text()))
			}
		}
	}
}

func isPolicy(file string) bool {
	ext := path.Ext(file)
	return (ext == ".yaml" || ext == ".yml") && analysis.Names(strings.TrimSuffix(file, ext), "pavise", "policy", "policies")
}
