package inventory

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// The rules for what a lock file holds are the same for all tools:
//
//   - what comes from an index has a name and a version, and is audited;
//   - the project itself, and the members of its workspace, are excluded;
//   - what comes from a repository, an address or a folder is audited if the
//     lock says which version of a name it is: a fork of 1.2.3 most likely has
//     the holes of 1.2.3. Without a version it is unaudited.
//
// An entry without a name, or of another shape, is unaudited and never left
// out.

// locked records one entry of a lock file.
func (s *source) locked(line int, d Dependency, origin string) {
	d.Ecosystem = PyPI
	switch {
	case d.Name == "":
		s.unaudited(line, d, "the entry has no name")
	case d.Version == "" && origin != "":
		s.unaudited(line, d, "comes from %s, and the lock names no version", redactURL(origin))
	case d.Version == "":
		s.unaudited(line, d, "the lock names no version")
	default:
		s.audited(line, d)
	}
}

// major checks the version of a lock file's format: a later one may mean
// something else by the same words.
func (s *source) major(have string, known ...string) error {
	m, _, _ := strings.Cut(have, ".")
	if have == "" {
		return fmt.Errorf("has no version of its format")
	}
	if !slices.Contains(known, m) {
		return fmt.Errorf("is of format %.20q, and %s is what is read", have, strings.Join(known, ", "))
	}
	return nil
}

// textOf is a number or a text as text.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return fmt.Sprint(v)
	case float64:
		return fmt.Sprint(v)
	}
	return ""
}

// names of direct dependencies, by PEP 503.
type nameSet map[string]bool

func (n nameSet) add(name string) { n[NormalizeName(name)] = true }

func (n nameSet) has(name string) bool { return n[NormalizeName(name)] }

// readPoetry reads a poetry.lock of format 1 or 2.
func readPoetry(s *source) error {
	d, err := parseTOML(s.data)
	if err != nil {
		return err
	}
	version := textOf(d.root.table("metadata")["lock-version"])
	if err := s.major(version, "1", "2"); err != nil {
		return err
	}
	via := map[string][]string{}
	packages := d.root.tables("package")
	for _, p := range packages {
		for name := range p.table("dependencies") {
			via[NormalizeName(name)] = append(via[NormalizeName(name)], p.text("name"))
		}
	}
	for i, p := range packages {
		line := d.line("package", i)
		dep := Dependency{Name: p.text("name"), Version: p.text("version"), Groups: p.texts("groups")}
		if c := p.text("category"); c != "" && c != "main" {
			dep.Groups = []string{c}
		}
		if len(dep.Groups) == 1 && dep.Groups[0] == "main" {
			dep.Groups = nil
		}
		dep.Via = sorted(via[NormalizeName(dep.Name)])
		src := p.table("source")
		origin := ""
		switch kind := src.text("type"); kind {
		case "git", "url", "file", "directory":
			origin = kind + " " + src.text("url")
			dep.Text = redactURL(origin)
		}
		// A marker is a text, or one for each group: excluded is what is
		// excluded from all.
		markers := []string{}
		if m := p.text("markers"); m != "" {
			markers = append(markers, m)
		}
		byGroup := p.table("markers")
		for _, group := range keys(byGroup) {
			if m, ok := byGroup[group].(string); ok {
				markers = append(markers, m)
			}
		}
		if why := s.excludedByAll(line, markers); why != "" {
			dep.Ecosystem = PyPI
			s.excluded(line, dep, "%s", why)
			continue
		}
		s.locked(line, dep, origin)
	}
	return nil
}

// excludedByAll says why none of several markers holds.
func (s *source) excludedByAll(line int, markers []string) string {
	why := ""
	for _, m := range markers {
		w, err := s.marker(m)
		if err != nil {
			s.problem(line, "marker %q: %w", m, err)
			return ""
		}
		if w == "" {
			return ""
		}
		why = w
	}
	return why
}

func sorted(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// readUV reads a uv.lock of version 1, whatever its revision.
func readUV(s *source) error {
	d, err := parseTOML(s.data)
	if err != nil {
		return err
	}
	if err := s.major(textOf(d.root["version"]), "1"); err != nil {
		return err
	}
	members := nameSet{}
	for _, m := range d.root.table("manifest").texts("members") {
		members.add(m)
	}
	packages := d.root.tables("package")
	via, direct := map[string][]string{}, nameSet{}
	groups := map[string][]string{}
	ours := func(p table) bool {
		src := p.table("source")
		if members.has(p.text("name")) || src["virtual"] != nil {
			return true
		}
		at, ok := src["editable"].(string)
		return ok && (at == "." || len(members) == 0 && !strings.HasPrefix(at, ".."))
	}
	for _, p := range packages {
		each := func(list []table, group string) {
			for _, dep := range list {
				name := NormalizeName(dep.text("name"))
				via[name] = append(via[name], p.text("name"))
				if ours(p) {
					direct.add(name)
					groups[name] = append(groups[name], group)
				}
			}
		}
		each(p.tables("dependencies"), "")
		for _, key := range []string{"optional-dependencies", "dev-dependencies"} {
			for group := range p.table(key) {
				each(p.table(key).tables(group), group)
			}
		}
	}
	for i, p := range packages {
		line := d.line("package", i)
		dep := Dependency{Name: p.text("name"), Version: p.text("version"), Direct: direct.has(p.text("name"))}
		key := NormalizeName(dep.Name)
		dep.Via = sorted(via[key])
		if g := sorted(groups[key]); !slices.Contains(g, "") {
			dep.Groups = g
		}
		src := p.table("source")
		if dep.Name != "" && ours(p) {
			dep.Ecosystem = PyPI
			s.excluded(line, dep, "is the project itself")
			continue
		}
		origin := ""
		for _, kind := range []string{"git", "url", "path", "directory", "editable"} {
			if at, ok := src[kind].(string); ok {
				origin = kind + " " + at
				dep.Text = redactURL(origin)
			}
		}
		// A fork: one of several versions, each for its own environments.
		if why := s.excludedByAll(line, p.texts("resolution-markers")); why != "" {
			dep.Ecosystem = PyPI
			s.excluded(line, dep, "%s", why)
			continue
		}
		s.locked(line, dep, origin)
	}
	return nil
}

// readPDM reads a pdm.lock of format 4.
func readPDM(s *source) error {
	d, err := parseTOML(s.data)
	if err != nil {
		return err
	}
	if err := s.major(textOf(d.root.table("metadata")["lock_version"]), "4"); err != nil {
		return err
	}
	for i, p := range d.root.tables("package") {
		line := d.line("package", i)
		dep := Dependency{Ecosystem: PyPI, Name: p.text("name"), Version: p.text("version"), Groups: p.texts("groups")}
		if slices.Contains(dep.Groups, "default") {
			dep.Groups = nil
		}
		origin := ""
		for _, kind := range []string{"git", "hg", "svn", "url", "path"} {
			if at, ok := p[kind].(string); ok {
				origin = kind + " " + at
				dep.Text = redactURL(origin)
			}
		}
		if at, ok := p["path"].(string); ok && path.Clean(at) == "." {
			s.excluded(line, dep, "is the project itself")
			continue
		}
		var markers []string
		if m := p.text("marker"); m != "" {
			markers = []string{m}
		}
		if why := s.excludedByAll(line, markers); why != "" {
			s.excluded(line, dep, "%s", why)
			continue
		}
		s.locked(line, dep, origin)
	}
	return nil
}

// readPylock reads a pylock.toml (PEP 751).
func readPylock(s *source) error {
	d, err := parseTOML(s.data)
	if err != nil {
		return err
	}
	if err := s.major(d.root.text("lock-version"), "1"); err != nil {
		return err
	}
	for i, p := range d.root.tables("packages") {
		line := d.line("packages", i)
		dep := Dependency{Ecosystem: PyPI, Name: p.text("name"), Version: p.text("version")}
		origin := ""
		for _, kind := range []string{"vcs", "directory", "archive"} {
			if t := p.table(kind); t != nil {
				origin = strings.TrimSpace(kind + " " + t.text("url") + t.text("path"))
				dep.Text = redactURL(origin)
				if kind == "directory" && path.Clean(t.text("path")) == "." {
					origin = "."
				}
				if name, version, ok := archiveName(t.text("url") + t.text("path")); kind == "archive" && ok && dep.Version == "" && NormalizeName(name) == NormalizeName(dep.Name) {
					dep.Version = version
				}
			}
		}
		if origin == "." {
			s.excluded(line, dep, "is the project itself")
			continue
		}
		if m := p.text("marker"); m != "" {
			if why := s.excludedByAll(line, []string{m}); why != "" {
				s.excluded(line, dep, "%s", why)
				continue
			}
		}
		s.locked(line, dep, origin)
	}
	return nil
}

// isPylock knows PEP 751's names: pylock.toml and pylock.NAME.toml.
func isPylock(p string) bool {
	base := path.Base(p)
	middle, ok := strings.CutPrefix(base, "pylock.")
	middle, ok2 := strings.CutSuffix(middle, "toml")
	middle = strings.TrimSuffix(middle, ".")
	return ok && ok2 && !strings.Contains(middle, ".")
}
