package inventory

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// readEnvironment reads what is installed in a Python environment: a virtual
// environment's folder, a site-packages, or an interpreter. Only files are
// read. The interpreter is never run: what is audited may be malicious, and a
// .pth file in it would run before anything could be said about it.
func (r *run) readEnvironment(name string) {
	dirs, err := SitePackages(name)
	if err != nil {
		r.problem(Place{File: filepath.ToSlash(name)}, err)
		return
	}
	for _, dir := range dirs {
		shown := filepath.ToSlash(dir)
		entries, err := os.ReadDir(dir)
		if err != nil {
			r.problem(Place{File: shown}, unpath(err))
			continue
		}
		r.found.Files = append(r.found.Files, File{Path: shown, Format: "environment"})
		for _, e := range entries {
			r.installed(dir, e)
		}
	}
}

// SitePackages finds the folders in which an environment's distributions are.
func SitePackages(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, unpath(err)
	}
	root := name
	if !info.IsDir() {
		// bin/python of a virtual environment, or an installed interpreter: a
		// link is not followed before it was looked at where it is.
		root = filepath.Dir(filepath.Dir(name))
		if _, err := os.Stat(filepath.Join(root, "pyvenv.cfg")); err != nil {
			if target, err := filepath.EvalSymlinks(name); err == nil {
				root = filepath.Dir(filepath.Dir(target))
			}
		}
	} else if base := filepath.Base(name); base == "site-packages" || base == "dist-packages" || holdsDistributions(name) {
		return []string{name}, nil
	}
	roots := []string{root}
	if system, home := systemSite(root); system {
		roots = append(roots, home)
	}
	var out []string
	for _, root := range roots {
		for _, pattern := range []string{
			"lib/python3*/site-packages", "lib64/python3*/site-packages", "Lib/site-packages",
			"lib/python3*/dist-packages", "lib/python3/dist-packages", "local/lib/python3*/dist-packages",
		} {
			found, err := filepath.Glob(filepath.Join(escapeGlob(root), filepath.FromSlash(pattern)))
			if err != nil {
				return nil, err
			}
			for _, f := range found {
				// lib64 is often a link to lib.
				if real, err := filepath.EvalSymlinks(f); err == nil && !slices.ContainsFunc(out, func(o string) bool {
					r, err := filepath.EvalSymlinks(o)
					return err == nil && r == real
				}) {
					out = append(out, f)
				}
			}
		}
	}
	if len(out) == 0 {
		return nil, errors.New("is no Python environment: it has no site-packages")
	}
	return out, nil
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(s)
}

func holdsDistributions(dir string) bool {
	found, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.dist-info"))
	return err == nil && len(found) > 0
}

// systemSite tells whether a virtual environment also sees what is installed
// beside its interpreter, and where that is.
func systemSite(root string) (bool, string) {
	data, err := os.ReadFile(filepath.Join(root, "pyvenv.cfg"))
	if err != nil {
		return false, ""
	}
	system, home := false, ""
	for line := range strings.Lines(string(data)) {
		k, v, _ := strings.Cut(line, "=")
		switch strings.ToLower(strings.TrimSpace(k)) {
		case "include-system-site-packages":
			system = strings.EqualFold(strings.TrimSpace(v), "true")
		case "home":
			home = filepath.Dir(strings.TrimSpace(v))
		}
	}
	return system && home != "", home
}

// installed records one distribution, if the entry is one.
func (r *run) installed(dir string, e fs.DirEntry) {
	name := e.Name()
	at := Place{File: filepath.ToSlash(filepath.Join(dir, name))}
	d := Dependency{Ecosystem: PyPI, Where: at}
	unaudited := func(format string, args ...any) {
		d.Status, d.Reason = Unaudited, fmt.Sprintf(format, args...)
		r.found.Dependencies = append(r.found.Dependencies, d)
	}
	var metadata string
	switch {
	case strings.HasPrefix(name, "~") && (strings.HasSuffix(name, ".dist-info") || strings.HasSuffix(name, ".egg-info")):
		// What pip leaves when it is interrupted: Python still imports what it
		// belongs to.
		d.Text = name
		unaudited("is what an interrupted installation left: remove it")
		return
	case strings.HasSuffix(name, ".dist-info"):
		metadata = filepath.Join(dir, name, "METADATA")
	case strings.HasSuffix(name, ".egg-info") && e.IsDir():
		metadata = filepath.Join(dir, name, "PKG-INFO")
	case strings.HasSuffix(name, ".egg-info"):
		metadata = filepath.Join(dir, name)
	case strings.HasSuffix(name, ".egg") && e.IsDir():
		metadata = filepath.Join(dir, name, "EGG-INFO", "PKG-INFO")
	case strings.HasSuffix(name, ".egg-link"):
		d.Name = strings.TrimSuffix(name, ".egg-link")
		unaudited("is installed from a local folder, and no published version")
		return
	case strings.HasSuffix(name, ".egg"):
		d.Text = name
		unaudited("is a zipped egg, which is not read")
		return
	default:
		return
	}
	data, err := readFile(metadata)
	if err != nil {
		stem, _, _ := strings.Cut(name, "-")
		d.Name = stem
		unaudited("its metadata cannot be read: %v", unpath(err))
		return
	}
	d.Name, d.Version = metadataHeaders(data)
	if d.Name == "" || d.Version == "" {
		stem, _, _ := strings.Cut(name, "-")
		if d.Name == "" {
			d.Name = stem
		}
		unaudited("its metadata names no version")
		return
	}
	if origin := directURL(filepath.Join(dir, name, "direct_url.json")); origin != "" {
		// PEP 610: not from an index. It has a version all the same, and most
		// likely what that version is known for.
		d.Text = origin
		if strings.HasPrefix(origin, "folder ") {
			unaudited("is installed from a local folder, and no published version")
			return
		}
	}
	d.Status = Audited
	r.found.Dependencies = append(r.found.Dependencies, d)
}

// metadataHeaders reads Name and Version of the core metadata, which is an
// e-mail's header. The description below it may hold such lines too.
func metadataHeaders(data []byte) (name, version string) {
	scan := bufio.NewScanner(bytes.NewReader(data))
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		line := strings.TrimRight(scan.Text(), "\r")
		if line == "" {
			break
		}
		k, v, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(k) != k {
			continue // a folded line
		}
		switch v = strings.TrimSpace(v); strings.ToLower(k) {
		case "name":
			if name == "" {
				name = v
			}
		case "version":
			if version == "" {
				version = v
			}
		}
	}
	return name, version
}

// directURL says where a distribution that is from no index is from.
func directURL(file string) string {
	data, err := readFile(file)
	if err != nil {
		return ""
	}
	var u struct {
		URL     string          `json:"url"`
		Dir     json.RawMessage `json:"dir_info"`
		VCS     json.RawMessage `json:"vcs_info"`
		Archive json.RawMessage `json:"archive_info"`
	}
	if json.Unmarshal(data, &u) != nil {
		return ""
	}
	switch {
	case u.Dir != nil:
		return "folder " + redactURL(u.URL)
	case u.VCS != nil:
		return "repository " + redactURL(u.URL)
	}
	return "archive " + redactURL(u.URL)
}
