package inventory

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/check/audit/internal/pep508"
	"github.com/pavise-dev/pavise/check/internal/lazy"
)

// isRequirements knows requirements files by their names.
func isRequirements(p string) bool {
	base := strings.ToLower(path.Base(p))
	switch path.Ext(base) {
	case ".in":
		return strings.Contains(base, "requirements") || strings.Contains(base, "constraints") || path.Base(path.Dir(p)) == "requirements"
	case ".txt":
		return strings.Contains(base, "requirements") || strings.Contains(base, "constraints") || path.Base(path.Dir(p)) == "requirements"
	}
	return false
}

// readRequirements reads a requirements file line by line, as pip does.
func readRequirements(s *source) error {
	text, _, err := decodeText(s.data)
	if err != nil {
		return err
	}
	s.constraint = s.constraint || strings.HasPrefix(strings.ToLower(path.Base(s.path)), "constraints")
	for _, l := range logicalLines(text) {
		s.requirementLine(l)
	}
	return nil
}

// A logicalLine is what pip reads as one: physical lines joined where they
// end with a backslash, without comments.
type logicalLine struct {
	first, last int // physical lines, from 1
	text        string
}

// comment begins at a line's start or after a space: "#egg=" is none.
var comment = lazy.Regexp(`(^|\s+)#.*$`)

// logicalLines joins continued lines. A comment in between ends what it
// continues, as it does for pip.
func logicalLines(text string) []logicalLine {
	var out []logicalLine
	var joined strings.Builder
	first := 0
	emit := func(first, last int, line string) {
		if line = strings.TrimSpace(comment().ReplaceAllString(line, "")); line != "" {
			out = append(out, logicalLine{first, last, line})
		}
	}
	lines := physicalLines(text)
	for _, l := range lines {
		line := l.text
		isComment := strings.HasPrefix(strings.TrimLeft(line, " \t"), "#")
		if strings.HasSuffix(line, `\`) && !isComment {
			if first == 0 {
				first = l.number
			}
			joined.WriteString(strings.Trim(line, `\`))
			continue
		}
		if isComment {
			line = " " + line
		}
		if first == 0 {
			emit(l.number, l.number, line)
			continue
		}
		emit(first, l.number, joined.String()+line)
		joined.Reset()
		first = 0
	}
	if first != 0 {
		emit(first, lines[len(lines)-1].number, joined.String())
	}
	return out
}

// A physicalLine has a number as an editor counts, from 1.
type physicalLine struct {
	number int
	text   string
}

// physicalLines splits as Python's str.splitlines does, which ends lines at
// more than line feeds: what pip reads as a line of its own must not hide in
// another's comment. Editors do not count those.
func physicalLines(text string) []physicalLine {
	var out []physicalLine
	number, start := 1, 0
	for i, r := range text {
		size := utf8.RuneLen(r)
		switch r {
		case '\r':
			if strings.HasPrefix(text[i:], "\r\n") {
				size = 2
			}
		case '\n':
			if i < start {
				continue // the second half of a line's end
			}
		case '\v', '\f', '\x1c', '\x1d', '\x1e', '\u0085', '\u2028', '\u2029':
		default:
			continue
		}
		out = append(out, physicalLine{number, text[start:i]})
		start = i + size
		if r == '\n' || r == '\r' {
			number++
		}
	}
	if start < len(text) {
		out = append(out, physicalLine{number, text[start:]})
	}
	return out
}

// Options of a requirements file, from pip's own documentation: those that
// stand alone, and those that something follows.
var (
	flagOptions  = []string{"--no-index", "--pre", "--prefer-binary", "--require-hashes", "-Z", "--always-unzip", "--no-deps"}
	valueOptions = []string{
		"-i", "--index-url", "--pypi-url", "--extra-index-url", "-f", "--find-links", "--no-binary", "--only-binary",
		"--trusted-host", "--use-feature", "--process-dependency-links", "--only-final", "--all-releases",
	}
	lineOptions = []string{"--hash", "--global-option", "--config-settings", "--config-setting", "-C", "--install-option"}
)

// variable is what pip replaces from its environment.
var variable = lazy.Regexp(`\$\{[A-Z0-9_]+\}`)

func (s *source) requirementLine(l logicalLine) {
	if !strings.HasPrefix(l.text, "-") {
		s.requirement(l.first, l.text)
		return
	}
	name, value := option(l.text)
	switch {
	case name == "-r" || name == "--requirement":
		s.include(l.first, value, false)
	case name == "-c" || name == "--constraint":
		s.include(l.first, value, true)
	case name == "-e" || name == "--editable":
		s.editable(l.first, value)
	case slices.Contains(flagOptions, name), slices.Contains(valueOptions, name):
		// Says where packages come from, and names none.
	default:
		s.malformed(l.first, Dependency{Text: redactURL(l.text)}, fmt.Errorf("the option %s is not one of a requirements file", name))
	}
}

// option splits "--name=value", "--name value", "-nvalue" and "-n value".
func option(text string) (name, value string) {
	if strings.HasPrefix(text, "--") {
		i := strings.IndexAny(text, "= \t")
		if i < 0 {
			return text, ""
		}
		return text[:i], unquote(strings.TrimSpace(text[i+1:]))
	}
	if len(text) < 2 {
		return text, ""
	}
	return text[:2], unquote(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text[2:]), "=")))
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// include reads a file that the line names, relative to its own.
func (s *source) include(line int, name string, constraint bool) {
	text := redactURL(name)
	switch {
	case name == "":
		s.malformed(line, Dependency{}, errors.New("no file is named after -r or -c"))
		return
	case variable().MatchString(name):
		s.unaudited(line, Dependency{Ecosystem: PyPI, Text: text}, "the file's name holds a variable, which is read where it is installed")
		return
	case strings.Contains(name, "://"):
		s.unaudited(line, Dependency{Ecosystem: PyPI, Text: text}, "the file is fetched when it is installed, and not now")
		return
	}
	file := filepath.FromSlash(name)
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(filepath.FromSlash(s.path)), file)
	}
	if _, err := readFile(file); err != nil {
		s.problem(line, "%s, which this line includes, cannot be read: %w", name, unpath(err))
		return
	}
	shown := filepath.ToSlash(file)
	if constraint {
		s.run.constraints[s.path] = append(s.run.constraints[s.path], shown)
	} else {
		s.run.includedBy[shown] = append(s.run.includedBy[shown], s.path)
	}
	s.run.readAs(file, format{name: "requirements", read: readRequirements}, constraint)
}

func (s *source) editable(line int, value string) {
	d := Dependency{Ecosystem: PyPI, Text: redactURL("-e " + value), Direct: true}
	switch {
	case value == "":
		s.malformed(line, d, errors.New("nothing is named after -e"))
	case isVCS(value):
		s.fromRepository(line, d, value)
	case strings.Contains(value, " @ "):
		s.requirement(line, value)
	default:
		s.local(line, d, value)
	}
}

// local is a folder or an archive on this machine.
func (s *source) local(line int, d Dependency, name string) {
	bare, _, _ := strings.Cut(name, "[")
	bare = strings.TrimPrefix(bare, "file:")
	if p := path.Clean(strings.TrimSpace(bare)); p == "." || p == "/." {
		s.excluded(line, d, "is the project itself")
		return
	}
	if n, v, ok := archiveName(bare); ok {
		d.Name, d.Version = n, v
		s.audited(line, d)
		return
	}
	s.unaudited(line, d, "is a local folder, and no published version")
}

func isVCS(s string) bool {
	for _, p := range []string{"git+", "hg+", "svn+", "bzr+"} {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// fromRepository is a version control address, which may name what it holds
// with #egg=.
func (s *source) fromRepository(line int, d Dependency, address string) {
	if _, fragment, ok := strings.Cut(address, "#"); ok && d.Name == "" {
		for _, part := range strings.Split(fragment, "&") {
			if egg, ok := strings.CutPrefix(part, "egg="); ok {
				// Old ones name a version too: egg=name-1.0. What follows a [
				// are extras.
				d.Name, _, _ = strings.Cut(egg, "[")
			}
		}
	}
	s.unaudited(line, d, "comes from a repository: which version that is cannot be told from here")
}

// archiveName takes a file name of a wheel (PEP 427) or a source distribution
// (PEP 625) apart.
func archiveName(file string) (name, version string, ok bool) {
	base := path.Base(filepath.ToSlash(file))
	if plain, err := url.PathUnescape(base); err == nil {
		base = plain
	}
	if stem, found := strings.CutSuffix(base, ".whl"); found {
		parts := strings.Split(stem, "-")
		if len(parts) != 5 && len(parts) != 6 {
			return "", "", false
		}
		return parts[0], parts[1], true
	}
	for _, ext := range []string{".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz"} {
		if stem, found := strings.CutSuffix(base, ext); found {
			i := strings.LastIndexByte(stem, '-')
			if i <= 0 || i == len(stem)-1 || stem[i+1] < '0' || stem[i+1] > '9' {
				return "", "", false
			}
			return stem[:i], stem[i+1:], true
		}
	}
	return "", "", false
}

// requirement reads a line that names something to install.
func (s *source) requirement(line int, text string) {
	spec := withoutLineOptions(text)
	d := Dependency{Ecosystem: PyPI, Text: redactURL(spec), Direct: true}
	switch {
	case isVCS(spec):
		address, _, _ := strings.Cut(spec, " ")
		s.fromRepository(line, d, address)
		return
	case !strings.Contains(spec, " @ ") && isAddress(spec):
		s.address(line, d, spec)
		return
	case isPath(spec):
		s.local(line, d, spec)
		return
	}
	r, err := pep508.Parse(spec)
	if err != nil {
		if variable().MatchString(spec) {
			s.unaudited(line, d, "holds a variable, which is read where it is installed")
			return
		}
		s.malformed(line, d, fmt.Errorf("is not a requirement: %w", err))
		return
	}
	s.parsed(line, d, r)
}

// withoutLineOptions cuts what follows a requirement: --hash and the like.
func withoutLineOptions(text string) string {
	for i := range len(text) {
		if text[i] != ' ' && text[i] != '\t' {
			continue
		}
		word := strings.TrimLeft(text[i:], " \t")
		for _, o := range lineOptions {
			if strings.HasPrefix(word, o+"=") || strings.HasPrefix(word, o+" ") || word == o {
				return strings.TrimSpace(text[:i])
			}
		}
	}
	return strings.TrimSpace(text)
}

var scheme = lazy.Regexp(`^(?i:https?|ftp|file)://?`)

func isAddress(s string) bool { return scheme().MatchString(s) }

func isPath(s string) bool {
	bare, _, _ := strings.Cut(s, ";")
	bare = strings.TrimSpace(bare)
	if strings.HasPrefix(bare, ".") || strings.HasPrefix(bare, "/") || strings.HasPrefix(bare, "~") || strings.HasPrefix(bare, "file:") {
		return true
	}
	if strings.ContainsAny(bare, "=<>!~@") {
		return false
	}
	_, _, archive := archiveName(bare)
	return archive || strings.ContainsAny(bare, `/\`)
}

// address is something to fetch.
func (s *source) address(line int, d Dependency, address string) {
	clean, marker, _ := strings.Cut(address, " ;")
	clean, _, _ = strings.Cut(strings.TrimSpace(clean), "#")
	clean, _, _ = strings.Cut(clean, "?")
	if m := strings.TrimSpace(marker); m != "" {
		if why, err := s.marker(m); err == nil && why != "" {
			s.excluded(line, d, "%s", why)
			return
		}
	}
	if name, version, ok := archiveName(clean); ok && (d.Name == "" || NormalizeName(d.Name) == NormalizeName(name)) {
		// Who serves an archive under a public name and number most likely
		// serves what was published, with its holes.
		if d.Name == "" {
			d.Name = name
		}
		d.Version = version
		s.audited(line, d)
		return
	}
	if _, fragment, ok := strings.Cut(address, "#egg="); ok && d.Name == "" {
		d.Name, _, _ = strings.Cut(fragment, "&")
	}
	s.unaudited(line, d, "is fetched from an address that does not say which version it is")
}

// parsed records a requirement that could be read.
func (s *source) parsed(line int, d Dependency, r pep508.Requirement) {
	d.Name = r.Name
	if why := s.excludedBy(r.Marker); why != "" {
		d.Version, _ = r.Specifiers.Pinned()
		s.excluded(line, d, "%s", why)
		return
	}
	if r.URL != "" {
		switch {
		case isVCS(r.URL):
			s.fromRepository(line, d, r.URL)
		case isAddress(r.URL) && !strings.HasPrefix(r.URL, "file:"):
			s.address(line, d, r.URL)
		default:
			s.local(line, d, r.URL)
		}
		return
	}
	version, pinned := r.Specifiers.Pinned()
	switch {
	case pinned && variable().MatchString(version):
		s.unaudited(line, d, "its version holds a variable, which is read where it is installed")
	case pinned:
		d.Version = version
		s.audited(line, d)
	case s.constraint:
		s.excluded(line, d, "is a constraint that names no exact version")
	default:
		d.Unpinned = true
		if len(r.Specifiers) == 0 {
			s.unaudited(line, d, "no version is given")
		} else {
			s.unaudited(line, d, "no exact version is given: %s", r.Specifiers)
		}
	}
}

// settleConstraints excludes requirements without a version that a constraint
// pins: the constraint is what is audited, and what is to be updated.
func (r *run) settleConstraints() {
	if len(r.constraints) == 0 {
		return
	}
	pins := map[string]map[string]Place{} // by file, by name
	for _, d := range r.found.Dependencies {
		if d.Ecosystem != PyPI || d.Status != Audited {
			continue
		}
		if pins[d.Where.File] == nil {
			pins[d.Where.File] = map[string]Place{}
		}
		pins[d.Where.File][d.Key()] = d.Where
	}
	for i := range r.found.Dependencies {
		d := &r.found.Dependencies[i]
		if !d.Unpinned {
			continue
		}
		for _, file := range r.constraintsOf(d.Where.File) {
			if at, ok := pins[file][d.Key()]; ok {
				d.Unpinned, d.Status, d.Reason = false, Excluded, "is pinned by the constraint in "+at.String()
				break
			}
		}
	}
}

// constraintsOf lists the constraint files in force for a file: its own, those
// of the files that include it, and what those include.
func (r *run) constraintsOf(file string) []string {
	var out []string
	seen := map[string]bool{}
	var up func(string)
	up = func(f string) {
		if seen[f] {
			return
		}
		seen[f] = true
		out = append(out, r.constraints[f]...)
		for _, parent := range r.includedBy[f] {
			up(parent)
		}
	}
	up(file)
	// A constraint file may include others.
	for i := 0; i < len(out) && len(out) < 1000; i++ {
		for child, parents := range r.includedBy {
			if slices.Contains(parents, out[i]) && !slices.Contains(out, child) {
				out = append(out, child)
			}
		}
	}
	return out
}
