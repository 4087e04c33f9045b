package inventory

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// A PackageURL names a package.
//
// Source: the package-url specification, ECMA-427.
type PackageURL struct {
	// Type is the kind of package, in lower case: pypi, golang, npm.
	Type, Namespace, Name string
	// Version is empty where the URL names none.
	Version string
}

// ParsePackageURL reads a package URL. Qualifiers and the subpath say nothing of
// the version, and are passed over.
func ParsePackageURL(s string) (PackageURL, error) {
	var p PackageURL
	rest, ok := strings.CutPrefix(s, "pkg:")
	if !ok {
		return p, errors.New("does not begin with \"pkg:\"")
	}
	rest = strings.TrimLeft(rest, "/")
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	// The version begins at the last @, but that of a scope, which follows a
	// slash, is none.
	if i := strings.LastIndexByte(rest, '@'); i > 0 && rest[i-1] != '/' && !strings.Contains(rest[i:], "/") {
		v, err := url.PathUnescape(rest[i+1:])
		if err != nil {
			return p, fmt.Errorf("its version is not percent-encoded: %w", err)
		}
		p.Version, rest = v, rest[:i]
	}
	kind, path, ok := strings.Cut(strings.Trim(rest, "/"), "/")
	if !ok || kind == "" || path == "" {
		return p, errors.New("names no type or no package")
	}
	p.Type = strings.ToLower(kind)
	segments := strings.Split(path, "/")
	for i, seg := range segments {
		plain, err := url.PathUnescape(seg)
		if err != nil {
			return p, fmt.Errorf("its name is not percent-encoded: %w", err)
		}
		segments[i] = plain
	}
	p.Name = segments[len(segments)-1]
	p.Namespace = strings.Join(segments[:len(segments)-1], "/")
	if p.Name == "" {
		return p, errors.New("names no package")
	}
	return p, nil
}

// Dependency is the package as an inventory names it; ok is false for other
// ecosystems than those that are audited.
func (p PackageURL) Dependency() (d Dependency, ok bool) {
	switch p.Type {
	case "pypi":
		return Dependency{Ecosystem: PyPI, Name: p.Name, Version: p.Version}, true
	case "golang":
		name := p.Name
		if p.Namespace != "" {
			name = p.Namespace + "/" + p.Name
		}
		v := p.Version
		if name == goStdlib || name == "std" {
			name, v = goStdlib, strings.TrimPrefix(strings.TrimPrefix(v, "v"), "go")
		}
		return Dependency{Ecosystem: Go, Name: name, Version: v}, true
	}
	return Dependency{Name: p.Name, Version: p.Version}, false
}
