// Package gover orders the versions of Go modules and of Go itself.
//
// A version is compared by a key, a string whose byte order is the order of
// Semantic Versioning 2.0.0, so that a database can store it.
package gover

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// ModuleKey is the key of a module's version, with or without the leading v.
// Build metadata and "+incompatible" have no part in the order. Versions that
// are not semantic ones are an error.
func ModuleKey(version string) (string, error) {
	v := version
	if !strings.HasPrefix(v, "v") {
		v = "v" + v
	}
	if len(v) > 1024 || !semver.IsValid(v) {
		text := version
		if len(text) > 64 {
			text = text[:64] + "…"
		}
		return "", fmt.Errorf("%q is not a semantic version", text)
	}
	v = strings.TrimPrefix(semver.Canonical(v), "v")
	core, pre, isPre := strings.Cut(v, "-")
	b := make([]byte, 0, 24)
	for _, n := range strings.Split(core, ".") {
		b = appendNumber(b, n)
	}
	if !isPre {
		return string(append(b, release)), nil
	}
	b = append(b, prerelease)
	for _, id := range strings.Split(pre, ".") {
		if strings.Trim(id, "0123456789") == "" {
			b = appendNumber(append(b, numeric), id)
		} else {
			b = append(append(append(b, text), id...), end)
		}
	}
	return string(append(b, end)), nil
}

// Bytes of a key. A number comes before a text, and fewer identifiers before
// more (section 11.4).
const (
	end        = 0x00
	numeric    = 0x10
	text       = 0x20
	prerelease = 0x10
	release    = 0x20
)

// appendNumber writes the length first: a longer number is a larger one.
func appendNumber(b []byte, digits string) []byte {
	if n := len(digits); n < 0x80 {
		b = append(b, byte(n))
	} else {
		b = append(b, 0x80|byte(n>>8), byte(n))
	}
	return append(b, digits...)
}

// IsPrerelease tells whether the version is a pre-release; a pseudo-version is
// one.
func IsPrerelease(version string) bool {
	return semver.Prerelease("v"+strings.TrimPrefix(version, "v")) != ""
}

// Toolchain is the semantic version by which advisories name a release of Go,
// and what was wrong with the name otherwise. Go 1.21 began to number its
// first releases .0; before that "1.20" was the first one. From then on a
// language version without a patch, such as the go line of a go.mod may have,
// is taken for its first release.
//
// Source: "Go toolchains", go.dev/doc/toolchain.
func Toolchain(name string) (string, error) {
	v, ok := strings.CutPrefix(name, "go")
	if !ok {
		v = name
	}
	v, _, _ = strings.Cut(v, " ") // experiments: "go1.22.3 X:boringcrypto"
	v, _, _ = strings.Cut(v, "-") // builds of others: "go1.22.3-bigcorp"
	core, pre := v, ""
	if i := strings.IndexFunc(v, func(r rune) bool { return r >= 'a' && r <= 'z' }); i >= 0 {
		core = v[:i]
		kind := strings.TrimRight(v[i:], "0123456789")
		n := v[i+len(kind):]
		if kind != "rc" && kind != "beta" || n == "" {
			return "", fmt.Errorf("%.64q is not a release of Go", name)
		}
		pre = "-" + kind + "." + n
	}
	if strings.Count(core, ".") == 1 {
		core += ".0"
	}
	out := core + pre
	if strings.Count(core, ".") != 2 || !semver.IsValid("v"+out) {
		return "", fmt.Errorf("%.64q is not a release of Go", name)
	}
	return out, nil
}
