package deploy

import (
	"fmt"
	"strings"
	"testing"
)

// root is a document of a text, as one of Compose.
func root(t *testing.T, text string) *Node {
	t.Helper()
	docs, err := documents([]byte(text), false)
	if err != nil {
		t.Fatal(err)
	}
	return docs[0]
}

// shape writes a node down, keys in their order.
func shape(n *Node) string {
	switch {
	case n == nil:
		return "nil"
	case n.List:
		var items []string
		for _, i := range n.Values {
			items = append(items, shape(i))
		}
		return "[" + strings.Join(items, " ") + "]"
	case len(n.Keys) > 0:
		var pairs []string
		n.Pairs(func(k, v *Node) { pairs = append(pairs, k.Value+":"+shape(v)) })
		return "{" + strings.Join(pairs, " ") + "}"
	case n.Null:
		return "null"
	case n.Quoted:
		return fmt.Sprintf("%q", n.Value)
	}
	return n.Value
}

func TestYAML(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\nb: [x, 'y', \"z\"]\n":                             `{a:1 b:[x "y" "z"]}`,
		"a:\nb: ~\nc: null\n":                                    "{a:null b:null c:null}",
		"a: |\n  x\n  y\n":                                       `{a:"x\ny\n"}`,
		"a: !ref b\n":                                            "{a:b}",
		"- a\n- b: c\n  d: e\n":                                  "[a {b:c d:e}]",
		"a: 0o17\nb: 1_000\nc: yes\nd: 2026-01-01\n":             "{a:0o17 b:1_000 c:yes d:2026-01-01}",
		"a: &x {b: 1}\nc: *x\n":                                  "{a:{b:1} c:{b:1}}",
		"a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  b: 3\n":             "{a:{b:1 c:2} d:{b:3 c:2}}",
		"a: &x {b: 1}\nc:\n  b: 3\n  <<: *x\n":                   "{a:{b:1} c:{b:3}}",
		"a: &x {b: 1}\nc: &y {b: 2, d: 4}\ne:\n  <<: [*x, *y]\n": "{a:{b:1} c:{b:2 d:4} e:{b:1 d:4}}",
		"a: &x\nb:\n  <<: *x\n  c: 1\n":                          "{a:null b:{c:1}}",
		"\"a b\": c\n? d\n: e\n":                                 "{a b:c d:e}",
		"a: {}\nb: []\n":                                         "{a: b:[]}",
	} {
		equal(t, text, shape(root(t, text)), want)
	}
}

func TestDocuments(t *testing.T) {
	for text, want := range map[string]string{
		"a: b\n---\n# nothing\n---\nc: d\n":                      "1:{a:b} 5:{c:d}",
		"# first\n---\na: b\n---\n---\n\n--- \nc: d\n...\n---\n": "3:{a:b} 8:{c:d}",
		"%YAML 1.2\n---\r\na: b\r\n---\r\nc: d\r\n":              "3:{a:b} 5:{c:d}",
		"--- a\n--- {b: c}\n":                                    "1:a 2:{b:c}",
		"a: |\n  ---\n  b\n---x: y\n":                            "1:{a:\"---\\nb\\n\" ---x:y}",
		"":                                                       "",
		"# nothing\n":                                            "",
		"a: &x b\n---\nc: &x d\ne: *x\n":                         "1:{a:b} 3:{c:d e:d}",
	} {
		docs, err := documents([]byte(text), false)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		var got []string
		for _, d := range docs {
			got = append(got, fmt.Sprintf("%d:%s", d.Line, shape(d)))
		}
		equal(t, text, strings.Join(got, " "), want)
	}
	if _, err := documents([]byte("a: b\n---\nc: [\n"), false); err == nil || !strings.HasPrefix(err.Error(), "line 3") {
		t.Errorf("the error of a second document is %v", err)
	}
}

func TestNode(t *testing.T) {
	n := root(t, "a:\n  b: [x y, z]\n  c: sh -c 'a b' && d\n")
	if n.Get("a", "b").Get("c") != nil || n.Get("none", "b") != nil || !n.Get("a").Has("b") || n.Get("a", "c").Map() || !n.Map() {
		t.Error("what is there is not told from what is not")
	}
	equal(t, "words", n.Get("a", "b").Words(), []string{"x y", "z"})
	equal(t, "words of a line", n.Get("a", "c").Words(), []string{"sh", "-c", "a b", "d"})
	var nothing *Node
	if nothing.Text() != "" || nothing.Is("") || nothing.Items() != nil || nothing.Words() != nil || nothing.Map() || nothing.Templated() {
		t.Error("what is not there is something")
	}
	d := &Document{File: "f", Root: n}
	equal(t, "the place of a value is that of its key", d.Place(n.Get("a", "c")), Place{"f", 3, 3})
	equal(t, "the place of an item", d.Place(n.Get("a", "b").Items()[1]), Place{"f", 2, 12})
	equal(t, "the place of all", d.Place(nil), Place{"f", 1, 1})
}

func TestCompose(t *testing.T) {
	services := project(t, "compose.yaml").Compose[0].Root.Get("services")
	equal(t, "what is merged in counts less", services.Get("jobs", "restart").Text(), "never")
	equal(t, "the first of a list of merges counts more", services.Get("api", "restart").Text(), "always")
	equal(t, "the second counts too", services.Get("api", "mem_limit").Text(), "1g")
	if p := project(t, "compose.yaml", "version: 3\n"); len(p.Compose) > 0 {
		t.Error("a file without services is one of Compose")
	}
}

func TestKubernetes(t *testing.T) {
	p := project(t, "deploy/api.yaml")
	var got []string
	for _, d := range p.Kubernetes {
		var names []string
		for _, c := range d.Containers() {
			names = append(names, c.Get("name").Text())
		}
		got = append(got, d.Root.Get("kind").Text()+" "+strings.Join(names, " "))
	}
	equal(t, "what a list holds stands for itself", got, []string{"Deployment api migrate", "CronJob nightly", "ConfigMap "})
	for text, want := range map[string]bool{
		"kind: Pod\napiVersion: v1\nspec: {containers: [{name: a}]}\n":                           true,
		"kind: Rollout\napiVersion: a/v1\nspec: {template: {spec: {containers: [{name: a}]}}}\n": true,
		"kind: Deployment\napiVersion: apps/v1\nspec: {replicas: 3}\n":                           false,
		"kind: Service\napiVersion: v1\nspec: {ports: []}\n":                                     false,
	} {
		equal(t, text, project(t, "a.yaml", text).Kubernetes[0].PodSpec() != nil, want)
	}
	if p := project(t, "base/kustomization.yaml", "images: [{name: a}]\n"); len(p.Kubernetes) != 1 {
		t.Error("a file of kustomize is not read")
	}
}

func TestRoles(t *testing.T) {
	p, errs := New([]Source{
		{".github/workflows/ci.yml", []byte(samples[".github/workflows/ci.yml"])}, {"x/.github/workflows/a.yaml", []byte("on: push\n")},
		{".pre-commit-config.yaml", []byte("repos: []\n")}, {".gitlab-ci.yml", []byte("a: b\n")}, {"traefik.yml", []byte("a: b\n")}, {"proxy.yml", []byte("entryPoints: {}\n")},
		{"mkdocs.yml", []byte("a: [b\n")},
	}, nil)
	equal(t, "roles", [5]int{len(p.Workflows), len(p.PreCommit), len(p.GitLab), len(p.Traefik), len(errs)}, [5]int{2, 1, 1, 2, 0})
}

func TestTemplate(t *testing.T) {
	p := project(t, "templates/api.yaml")
	d := p.Kubernetes[0]
	written := strings.Split(samples["templates/api.yaml"], "\n")
	d.Root.Walk(func(n *Node) {
		if n.Key != nil && !strings.HasPrefix(strings.TrimLeft(written[n.Key.Line-1], " -"), n.Key.Value+":") {
			t.Errorf("%s is said to stand on line %d, %q", n.Key.Value, n.Key.Line, written[n.Key.Line-1])
		}
	})
	pod := d.PodSpec()
	container := d.Containers()[0]
	equal(t, "kind", d.Root.Get("kind").Text(), "Deployment")
	for what, holds := range map[string]bool{
		"a value is filled in":                         container.Get("image").Templated() && d.Root.Get("metadata", "name").Templated(),
		"a value is as it is":                          !container.Get("name").Templated(),
		"lines behind a key are filled in":             d.Open(pod.Get("securityContext")) && pod.Get("securityContext").Null,
		"lines below a key are filled in":              d.Open(container.Get("resources")) && d.Open(d.Root.Get("metadata", "labels")),
		"the rest is not filled in":                    !d.Open(pod) && !d.Open(container) && !d.Open(pod.Get("containers")),
		"a branch is conditional":                      d.Conditional(pod.Get("hostNetwork")) && d.Conditional(container.Get("env").Items()[0]),
		"what stands behind one is not":                !d.Conditional(container) && !d.Conditional(container.Get("env").Items()[1]),
		"what the condition of all is around is not":   !d.Conditional(d.Root.Get("kind")),
		"a comment says nothing":                       !d.Root.Has("x") && d.Root.Get("kind").Line == 3,
		"of what is no template, nothing is filled in": !(&Document{File: "f", Root: d.Root}).Open(pod) && !(&Document{File: "f", Root: d.Root}).Conditional(pod.Get("hostNetwork")),
	} {
		if !holds {
			t.Errorf("it does not hold that %s", what)
		}
	}
}

func TestUntemplate(t *testing.T) {
	for text, want := range map[string]string{
		"a: b\n":                          "a: b\n",
		"{{- if a }}\nb: c\n{{ end -}}\n": "\nb: c\n\n",
		"  {{ if a }}{{ b }}\nc: d\n":     "\nc: d\n",
		"a: {{ b }}\n":                    "a: " + filled + "xxxx\n",
		"a: {{ b }}-{{ c }}\n":            "a: " + filled + "xxxx-" + filled + "xxxx\n",
		"{{ a\n b }}\nc: d\n":             "\n\nc: d\n",
		"a: {{- b | nindent 2 }}\n":       "a: #xxxxxxxxxxxxxxxxxxx\n",
		"a: {{ b\n":                       "a: {{ b\n",
		"{{/* }} */}}\na: b\n":            "\na: b\n",
	} {
		equal(t, text, string(untemplate([]byte(text)).data), want)
	}
}
