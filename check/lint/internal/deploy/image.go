package deploy

import (
	"path"
	"slices"
	"strings"
)

// An Image is the name of one, in its parts.
type Image struct {
	Name   string // with its registry
	Tag    string
	Digest string
}

// ParseImage takes an image's name apart. It is not known when something at
// run time decides it.
func ParseImage(s string) (Image, bool) {
	if s == "" || strings.ContainsAny(s, "$ {}<>"+filled) {
		return Image{}, false
	}
	name, digest, _ := strings.Cut(s, "@")
	i := Image{Name: name, Digest: digest}
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		i.Name, i.Tag = name[:colon], name[colon+1:]
	}
	return i, i.Name != ""
}

// Floating tells whether nothing says which version it is.
func (i Image) Floating() bool { return i.Digest == "" && (i.Tag == "" || i.Tag == "latest") }

// official is the name below Docker's own; "" of another's.
func (i Image) official() string {
	name := i.Name
	for _, prefix := range []string{"docker.io/", "index.docker.io/", "public.ecr.aws/docker/", "mirror.gcr.io/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	name = strings.TrimPrefix(name, "library/")
	if strings.Contains(name, "/") {
		return ""
	}
	return name
}

// rootOfficial are Docker's own images that run as root unless told otherwise,
// and that do not change to another user by themselves.
var rootOfficial = []string{
	"python", "pypy", "node", "golang", "rust", "ruby", "php", "perl", "openjdk", "eclipse-temurin", "amazoncorretto", "sapmachine", "maven",
	"erlang", "elixir", "haskell", "swift", "dart", "julia", "r-base", "gcc", "clojure", "mono", "buildpack-deps", "bash",
	"debian", "ubuntu", "alpine", "fedora", "centos", "rockylinux", "almalinux", "oraclelinux", "amazonlinux", "archlinux", "busybox", "scratch",
	"nginx", "httpd", "caddy", "tomcat", "docker",
}

// rootOthers are those of others.
var rootOthers = []string{
	"gcr.io/distroless/", "ghcr.io/astral-sh/uv", "astral/uv", "oven/bun", "denoland/deno", "tiangolo/", "nvidia/cuda", "nvcr.io/nvidia/cuda", "pytorch/pytorch", "tensorflow/tensorflow",
	"continuumio/", "condaforge/", "mcr.microsoft.com/dotnet/", "mcr.microsoft.com/playwright", "mcr.microsoft.com/devcontainers/",
	"registry.access.redhat.com/ubi8/ubi", "registry.access.redhat.com/ubi9/ubi", "public.ecr.aws/amazonlinux/", "opensuse/", "redhat/ubi", "phusion/baseimage",
}

// plainOthers run as another user than root by themselves.
var plainOthers = []string{"cgr.dev/chainguard/", "dhi.io/", "bitnami/", "bitnamilegacy/", "bitnamisecure/", "nginxinc/nginx-unprivileged", "mambaorg/micromamba"}

// NonRoot tells whether an image is known to run as another user than root.
func (i Image) NonRoot() bool {
	if strings.Contains(i.Tag, "nonroot") || strings.Contains(i.Tag, "chiseled") || strings.Contains(path.Base(i.Name), "unprivileged") || strings.Contains(path.Base(i.Name), "rootless") || strings.Contains(i.Tag, "rootless") {
		return true
	}
	name := strings.TrimPrefix(i.Name, "docker.io/")
	return slices.ContainsFunc(plainOthers, func(p string) bool { return strings.HasPrefix(name, p) })
}

// Root tells whether an image is known to run as root.
func (i Image) Root() bool {
	if i.NonRoot() {
		return false
	}
	if slices.Contains(rootOfficial, i.official()) {
		return true
	}
	name := strings.TrimPrefix(i.Name, "docker.io/")
	return slices.ContainsFunc(rootOthers, func(p string) bool { return strings.HasPrefix(name, p) })
}

// asideWords stand in the paths of files that deploy nothing.
var asideWords = []string{
	"dev", "devel", "develop", "development", "test", "tests", "testing", "testdata", "e2e", "local", "localhost", "override", "overrides",
	"devcontainer", "codespaces", "gitpod", "cursor", "playwright", "cypress", "fuzz", "clusterfuzzlite", "example", "examples", "sample", "samples", "fixture", "fixtures",
	"ci", "bench", "benchmark", "benchmarks", "debug", "docs", "sandbox", "kind", "minikube", "skaffold", "tilt",
}

// Aside tells whether a file, by its path, is for development or for tests, or
// there to be read: nothing that serves others is made from it.
func Aside(file string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(file), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), func(w string) bool { return slices.Contains(asideWords, w) })
}
