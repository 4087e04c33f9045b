package docker

import (
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
	"github.com/pavise-dev/pavise/finding"
)

// copies looks at what COPY and ADD take from the project.
func (f *file) copies() {
	all := false
	f.each(func(_ *deploy.Stage, in *deploy.Instruction, shipped bool) {
		if in.Cmd != "COPY" && in.Cmd != "ADD" || in.Flag("from") != "" || len(in.Args) < 2 {
			return
		}
		for _, src := range in.Args[:len(in.Args)-1] {
			switch {
			case shipped && isEnv(path.Base(src)):
				severity := finding.High
				if path.Base(src) != ".env" {
					severity = finding.Medium // it may be one of what browsers are told
				}
				f.report(copied, severity, in, src, "%s is copied into the image", src)
			case isKey(path.Base(src)):
				if shipped {
					f.report(copied, finding.High, in, src, "%s is copied into the image", src)
				} else {
					f.report(copied, finding.Medium, in, src, "%s is copied into a stage, and stays in the cache of builds", src)
				}
			case shipped && !all && slices.Contains([]string{".", "./", "*", "./*"}, src):
				if left := f.leftIn(); len(left) > 0 {
					all = true
					f.report(copied, finding.Medium, in, "", "%s copies all, and no .dockerignore keeps %s out", in.Cmd, strings.Join(left, " and "))
				}
			}
		}
	})
}

// isEnv tells whether a file is one of settings, and no sample of one.
func isEnv(name string) bool {
	if name == ".env" || name == ".env*" {
		return true
	}
	rest, ok := strings.CutPrefix(name, ".env.")
	return ok && !strings.ContainsAny(rest, "*?") && !analysis.Names(rest, "example", "sample", "template", "tmpl", "tpl", "dist", "default", "defaults", "schema", "test", "testing", "ci", "vault", "enc", "encrypted", "sops", "age", "gpg")
}

var keyFiles = []string{"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", ".pypirc", ".git-credentials", ".ssh", ".aws", ".kube", ".gnupg", "kubeconfig", "credentials.json"}

// isKey tells whether a file is one of keys or of credentials.
func isKey(name string) bool {
	name = strings.ToLower(name)
	switch {
	case slices.Contains(keyFiles, name):
		return true
	case analysis.Names(name, "public", "pub", "trust", "truststore", "ca", "cert", "certs", "bundle", "chain", "example", "sample", "test", "fake", "dummy"):
		return false
	}
	switch path.Ext(name) {
	case ".pem":
		return analysis.Names(name, "key", "private", "priv", "privkey", "privatekey") || name == "*.pem"
	case ".key", ".p12", ".pfx", ".jks", ".keystore":
		return true
	case ".json":
		return analysis.Names(name, "service account", "serviceaccount", "client secret", "credentials")
	}
	return false
}

// leftIn are what the context of the build holds that no image should, and that
// nothing keeps out.
func (f *file) leftIn() []string {
	context := f.context()
	ignore := f.ignore(context)
	var left []string
	git := context == "." && f.Deploy.Repository
	for _, name := range f.Deploy.Names {
		inside, ok := below(context, name)
		if !ok {
			continue
		}
		git = git || inside == ".git" || strings.HasPrefix(inside, ".git/")
		if len(left) == 0 && isEnv(path.Base(inside)) && !ignores(ignore, inside) {
			left = append(left, inside)
		}
	}
	if git && !ignores(ignore, ".git") {
		left = append(left, ".git")
	}
	return left
}

func below(dir, name string) (string, bool) {
	if dir == "." {
		return name, true
	}
	return strings.CutPrefix(name, dir+"/")
}

// context is the folder that the build is given: what Compose says, or that of
// the file, unless that is one for such files.
func (f *file) context() string {
	for _, c := range f.Deploy.Compose {
		found := ""
		c.Root.Get("services").Pairs(func(_, service *deploy.Node) {
			build := service.Get("build")
			dir, name := build.Text(), "Dockerfile"
			if build.Map() {
				dir = build.Get("context").Text()
				if n := build.Get("dockerfile"); n != nil {
					name = n.Value
				}
			}
			if dir = path.Join(path.Dir(c.File), dir); build != nil && path.Join(dir, name) == f.File {
				found = dir
			}
		})
		if found != "" {
			return found
		}
	}
	dir := path.Dir(f.File)
	if slices.Contains([]string{"docker", ".docker", "deploy", "deployment", "build", "container", "containers", "dockerfiles", "ops", "infra"}, path.Base(dir)) {
		return path.Dir(dir)
	}
	return dir
}

// ignore is the file that says what the build does not get; nil when there is
// none. One of the Dockerfile's own name goes before that of the context.
func (f *file) ignore(context string) *deploy.Lines {
	var found *deploy.Lines
	for _, l := range f.Deploy.DockerIgnore {
		if l.File == f.File+".dockerignore" {
			return l
		}
		if l.File == path.Join(context, ".dockerignore") {
			found = l
		}
	}
	return found
}

// ignores tells whether a file, or a folder that it is in, is left out. The last
// line that is about it decides.
func ignores(l *deploy.Lines, name string) bool {
	if l == nil {
		return false
	}
	out := false
	for _, line := range l.Lines {
		if line == "" || line[0] == '#' {
			continue
		}
		pattern, again := strings.CutPrefix(line, "!")
		pattern = strings.Trim(path.Clean(strings.TrimSpace(pattern)), "/")
		parts := strings.Split(name, "/")
		for n := range parts {
			if matches(strings.Split(pattern, "/"), parts[:n+1]) {
				out = !again
				break
			}
		}
	}
	return out
}

// matches compares by folders; ** is any number of them.
func matches(pattern, parts []string) bool {
	if len(pattern) == 0 {
		return len(parts) == 0
	}
	if pattern[0] == "**" {
		for n := range len(parts) + 1 {
			if matches(pattern[1:], parts[n:]) {
				return true
			}
		}
		return false
	}
	if len(parts) == 0 {
		return false
	}
	ok, err := path.Match(pattern[0], parts[0])
	return err == nil && ok && matches(pattern[1:], parts[1:])
}
