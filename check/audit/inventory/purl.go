package inventory

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// A packageURL names a package.
//
// Source: the package-url specification, ECMA-427.
type packageURL struct {
	kind, namespace, name, version string
}

// parsePURL reads a package URL. Qualifiers and the subpath say nothing of
// the version, and are passed over.
func parsePURL(s string) (packageURL, error) {
	var p packageURL
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
		p.version, rest = v, rest[:i]
	}
	kind, path, ok := strings.Cut(strings.Trim(rest, "/"), "/")
	if !ok || kind == "" || path == "" {
		return p, errors.New("names no type or no package")
	}
	p.kind = strings.ToLower(kind)
	segments := strings.Split(path, "/")
	for i, seg := range segments {
		plain, err := url.PathUnescape(seg)
		if err != nil {
			return p, fmt.Errorf("its name is not percent-encoded: %w", err)
		}
		segments[i] = plain
	}
	p.name = segments[len(segments)-1]
	p.namespace = strings.Join(segments[:len(segments)-1], "/")
	if p.name == "" {
		return p, errors.New("names no package")
	}
	return p, nil
}

// dependency is the package as an inventory names it; ok is false for other
// ecosystems than those that are audited.
func (p packageURL) dependency() (d Dependency, ok bool) {
	switch p.kind {
	case "pypi":
		return Dependency{Ecosystem: PyPI, Name: p.name, Version: p.version}, true
	case "golang":
		name := p.name
		if p.namespace != "" {
			name = p.namespace + "/" + p.name
		}
		v := p.version
		if name == goStdlib || name == "std" {
			name, v = goStdlib, strings.TrimPrefix(strings.TrimPrefix(v, "v"), "go")
		}
		return Dependency{Ecosystem: Go, Name: name, Version: v}, true
	}
	return Dependency{Name: p.name, Version: p.version}, false
}
