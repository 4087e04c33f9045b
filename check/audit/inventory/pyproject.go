package inventory

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/pavise-dev/pavise/check/audit/internal/pep440"
	"github.com/pavise-dev/pavise/check/audit/internal/pep508"
)

// readPyproject reads what a pyproject.toml says of dependencies: PEP 621,
// dependency groups (PEP 735), the build's own (PEP 518), and the tables of
// Poetry, PDM and uv.
func readPyproject(s *source) error {
	d, err := parseTOML(s.data)
	if err != nil {
		return err
	}
	project := d.root.table("project")
	own := project.text("name")
	s.texts(d, project["dependencies"], "", own, "project", "dependencies")
	for _, extra := range keys(project.table("optional-dependencies")) {
		if len(s.run.options.Extras) > 0 && !slices.Contains(s.run.options.Extras, "*") && !slices.Contains(s.run.options.Extras, extra) {
			continue
		}
		s.texts(d, project.table("optional-dependencies")[extra], extra, own, "project", "optional-dependencies", extra)
	}
	for _, group := range keys(d.root.table("dependency-groups")) {
		// What another group includes is read where it stands.
		s.texts(d, d.root.table("dependency-groups")[group], group, own, "dependency-groups", group)
	}
	s.texts(d, d.root.table("build-system")["requires"], "build", own, "build-system", "requires")
	tool := d.root.table("tool")
	for _, group := range keys(tool.table("pdm").table("dev-dependencies")) {
		s.texts(d, tool.table("pdm").table("dev-dependencies")[group], group, own, "tool", "pdm", "dev-dependencies", group)
	}
	s.texts(d, tool.table("uv")["dev-dependencies"], "dev", own, "tool", "uv", "dev-dependencies")
	s.poetry(d, tool.table("poetry"))
	s.dynamic(d, project, tool.table("setuptools").table("dynamic"))
	return nil
}

func keys(t table) []string {
	out := make([]string, 0, len(t))
	for k := range t {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// texts reads an array of requirements.
func (s *source) texts(d *document, value any, group, own string, at ...any) {
	if value == nil {
		return
	}
	list, ok := value.([]any)
	if !ok {
		s.problem(d.line(at...), "%v is no array of requirements", at[len(at)-1])
		return
	}
	for i, v := range list {
		line := d.line(append(slices.Clone(at), i)...)
		dep := Dependency{Ecosystem: PyPI, Direct: true}
		if group != "" {
			dep.Groups = []string{group}
		}
		text, ok := v.(string)
		if !ok {
			if t, isTable := v.(map[string]any); isTable && t["include-group"] != nil {
				continue // another group of the same file
			}
			s.malformed(line, dep, fmt.Errorf("is no requirement: a text is wanted"))
			continue
		}
		dep.Text = redactURL(text)
		r, err := pep508.Parse(text)
		if err != nil {
			s.malformed(line, dep, fmt.Errorf("is not a requirement: %w", err))
			continue
		}
		if own != "" && NormalizeName(r.Name) == NormalizeName(own) {
			dep.Name = r.Name
			s.excluded(line, dep, "is the project itself, with extras")
			continue
		}
		s.parsed(line, dep, r)
	}
}

// dynamic reads the requirements files that setuptools takes dependencies
// from.
func (s *source) dynamic(d *document, project, dynamic table) {
	if !slices.Contains(project.texts("dynamic"), "dependencies") {
		return
	}
	files := dynamic.table("dependencies").texts("file")
	if f := dynamic.table("dependencies").text("file"); f != "" {
		files = []string{f}
	}
	line := d.line("project", "dynamic")
	if len(files) == 0 {
		s.unaudited(line, Dependency{Ecosystem: PyPI}, "the dependencies are computed when the project is built")
		return
	}
	for _, f := range files {
		name := filepath.Join(filepath.Dir(filepath.FromSlash(s.path)), filepath.FromSlash(f))
		if _, err := readFile(name); err != nil {
			s.problem(line, "%s, which has the dependencies, cannot be read: %w", f, unpath(err))
			continue
		}
		s.run.readAs(name, format{name: "requirements", read: readRequirements}, false)
	}
}

// poetry reads Poetry's own tables.
func (s *source) poetry(d *document, p table) {
	s.poetryTable(d, p.table("dependencies"), "", "tool", "poetry", "dependencies")
	s.poetryTable(d, p.table("dev-dependencies"), "dev", "tool", "poetry", "dev-dependencies")
	for _, group := range keys(p.table("group")) {
		s.poetryTable(d, p.table("group").table(group).table("dependencies"), group, "tool", "poetry", "group", group, "dependencies")
	}
}

func (s *source) poetryTable(d *document, t table, group string, at ...any) {
	for _, name := range keys(t) {
		if name == "python" {
			continue // the language, which is no distribution
		}
		line := d.line(append(slices.Clone(at), name)...)
		variants, ok := t[name].([]any)
		if !ok {
			variants = []any{t[name]}
		}
		for _, v := range variants {
			dep := Dependency{Ecosystem: PyPI, Name: name, Direct: true}
			if group != "" {
				dep.Groups = []string{group}
			}
			s.poetryEntry(line, dep, v)
		}
	}
}

func (s *source) poetryEntry(line int, d Dependency, v any) {
	version, isText := v.(string)
	if t, ok := v.(map[string]any); ok {
		spec := table(t)
		version, isText = spec.text("version"), true
		if why, err := s.marker(spec.text("markers")); err != nil {
			s.problem(line, "marker of %s: %w", d.Name, err)
		} else if why != "" {
			s.excluded(line, d, "%s", why)
			return
		}
		for _, kind := range []string{"git", "url", "path", "file"} {
			if at := spec.text(kind); at != "" {
				d.Text = redactURL(kind + " " + at)
				if kind == "url" {
					s.address(line, d, at)
				} else {
					s.unaudited(line, d, "comes from %s: which version that is cannot be told from here", redactURL(kind+" "+at))
				}
				return
			}
		}
	}
	if !isText {
		s.malformed(line, d, fmt.Errorf("is no requirement of Poetry's"))
		return
	}
	d.Text = version
	bare := strings.TrimSpace(strings.TrimPrefix(version, "=="))
	if _, err := pep440.Parse(bare); err == nil {
		// A plain version is an exact one for Poetry, and so is ==.
		d.Version = bare
		s.audited(line, d)
		return
	}
	d.Unpinned = true
	s.unaudited(line, d, "no exact version is given: %.80s", version)
}

// readPipfile reads a Pipfile, whose lock says which versions are meant.
func readPipfile(s *source) error {
	d, err := parseTOML(s.data)
	if err != nil {
		return err
	}
	for _, category := range keys(d.root) {
		t := d.root.table(category)
		if t == nil || slices.Contains([]string{"requires", "pipenv", "scripts"}, category) {
			continue
		}
		group := category
		switch category {
		case "packages":
			group = ""
		case "dev-packages":
			group = "dev"
		}
		for _, name := range keys(t) {
			dep := Dependency{Ecosystem: PyPI, Name: name, Direct: true}
			if group != "" {
				dep.Groups = []string{group}
			}
			s.pipfileRequirement(d.line(category, name), dep, t[name])
		}
	}
	return nil
}

func (s *source) pipfileRequirement(line int, d Dependency, v any) {
	version, _ := v.(string)
	if t, ok := v.(map[string]any); ok {
		version = table(t).text("version")
		for _, kind := range []string{"git", "path", "file"} {
			if at := table(t).text(kind); at != "" {
				d.Text = redactURL(kind + " " + at)
				s.unaudited(line, d, "comes from %s: which version that is cannot be told from here", d.Text)
				return
			}
		}
	}
	d.Text = version
	if set, err := pep440.ParseSet(version); err == nil {
		if pinned, ok := set.Pinned(); ok {
			d.Version = pinned
			s.audited(line, d)
			return
		}
	}
	d.Unpinned = true
	if version == "" || version == "*" {
		s.unaudited(line, d, "no version is given")
		return
	}
	s.unaudited(line, d, "no exact version is given: %.80s", version)
}

// locks that say which versions a file means, by the file's format.
func locksFor(f File) []string {
	dir, base := path.Split(f.Path)
	switch f.Format {
	case "pyproject.toml":
		return []string{dir + "uv.lock", dir + "poetry.lock", dir + "pdm.lock", dir + "pylock.toml", dir + "requirements.txt", dir + "requirements.lock"}
	case "Pipfile":
		return []string{dir + "Pipfile.lock"}
	case "requirements":
		if stem, ok := strings.CutSuffix(base, ".in"); ok {
			return []string{dir + stem + ".txt", dir + "pylock." + stem + ".toml", dir + "uv.lock"}
		}
	}
	return nil
}

// settleLocks excludes what a lock beside the file pins: the lock is what is
// installed, and what is audited. What the lock lacks is said to be missing
// from it.
func (r *run) settleLocks() {
	held := map[string]map[string]bool{} // by file, by name
	formats := map[string]File{}
	for _, f := range r.found.Files {
		formats[f.Path] = f
		held[f.Path] = map[string]bool{}
	}
	for _, d := range r.found.Dependencies {
		if names, ok := held[d.Where.File]; ok && d.Ecosystem == PyPI && !d.Unpinned {
			names[d.Key()] = true
		}
	}
	for i := range r.found.Dependencies {
		d := &r.found.Dependencies[i]
		f, ok := formats[d.Where.File]
		if !ok || d.Status == Excluded || slices.Contains(d.Groups, "build") {
			continue
		}
		for _, lock := range r.locks(f, held) {
			if held[lock][d.Key()] {
				d.Unpinned, d.Status, d.Reason = false, Excluded, "is locked in "+lock
				break
			}
			// A requirements.txt beside a pyproject.toml need not be its lock.
			if d.Status == Unaudited && d.Name != "" && path.Base(lock) != "requirements.txt" {
				d.Reason += "; " + lock + " does not hold it: is the lock out of date?"
			}
		}
	}
}

// locks lists those that were read of the file's; a member of a uv workspace
// has its lock further up.
func (r *run) locks(f File, held map[string]map[string]bool) []string {
	var out []string
	for _, l := range locksFor(f) {
		if held[l] != nil && l != f.Path {
			out = append(out, l)
		}
	}
	if len(out) == 0 && f.Format == "pyproject.toml" {
		for dir := path.Dir(path.Dir(f.Path)); ; dir = path.Dir(dir) {
			if l := path.Join(dir, "uv.lock"); held[l] != nil {
				return []string{l}
			}
			if dir == "." || dir == "/" || strings.HasSuffix(dir, "..") {
				return nil
			}
		}
	}
	return out
}
