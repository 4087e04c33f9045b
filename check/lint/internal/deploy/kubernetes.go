package deploy

import (
	"path"
	"strings"
)

// PodSpec is the part of a document that describes pods; nil when none does.
// Whatever has a template with containers makes pods of it, be it a Deployment
// or what others have added.
func (d *Document) PodSpec() *Node {
	spec := d.Root.Get("spec", "template", "spec")
	switch d.Root.Get("kind").Text() {
	case "Pod":
		spec = d.Root.Get("spec")
	case "CronJob":
		spec = d.Root.Get("spec", "jobTemplate", "spec", "template", "spec")
	}
	if !spec.Has("containers") {
		return nil
	}
	return spec
}

// Containers are those of the pods that a document describes.
func (d *Document) Containers() []*Node {
	spec := d.PodSpec()
	return append(spec.Get("containers").Items(), spec.Get("initContainers").Items()...)
}

// resource adds one of Kubernetes, or those of a list.
func (p *Project) resource(d *Document) {
	if strings.HasSuffix(d.Root.Get("kind").Text(), "List") {
		for _, item := range d.Root.Get("items").Items() {
			p.resource(&Document{d.File, item, d.template, d.lines})
		}
		return
	}
	if d.Root.Has("kind") || strings.HasPrefix(path.Base(d.File), "kustomization.") {
		p.Kubernetes = append(p.Kubernetes, d)
		p.kubernetes(d)
	}
}

func (p *Project) kubernetes(d *Document) {
	for _, c := range d.Containers() {
		for _, e := range c.Get("env").Items() {
			if v := e.Get("value"); v != nil {
				p.Env = append(p.Env, &Env{d.Place(v), e.Get("name").Text(), v.Value, "kubernetes"})
			}
		}
		cmd := c.Get("command")
		n := cmd
		if n == nil {
			n = c.Get("args")
		}
		if words := append(cmd.Words(), c.Get("args").Words()...); len(words) > 0 {
			last := c.Get("args")
			if last == nil || last.Line < n.Line {
				last = n
			}
			p.words(Command{Place: d.Place(n), From: "kubernetes", Owner: c.Get("name").Text(), Data: []byte(strings.Join(d.lines, "\n")), End: d.end(last), Items: true}, words)
		}
	}
	if d.Root.Get("kind").Is("ConfigMap") {
		d.Root.Get("data").Pairs(func(k, v *Node) {
			p.Env = append(p.Env, &Env{d.Place(v), k.Value, v.Value, "kubernetes"})
			p.embedded(d, k, v)
		})
	}
}

// embedded adds the directives that a value of a ConfigMap holds, at the lines
// that they stand on.
func (p *Project) embedded(d *Document, key, value *Node) {
	if !value.Quoted || value.Line <= key.Line || !strings.HasSuffix(key.Value, ".conf") && !strings.HasSuffix(key.Value, ".template") {
		return
	}
	if !strings.Contains(value.Value, "server {") && !strings.Contains(value.Value, "location /") {
		return
	}
	if root, err := blocks(d.File, []byte(strings.Repeat("\n", value.Line-1)+value.Value), false); err == nil {
		p.Nginx = append(p.Nginx, root)
	}
}
