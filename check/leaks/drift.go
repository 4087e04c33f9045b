package leaks

import (
	"bytes"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/finding"
)

// An example of .env tells whoever sets a service up what to set. It drifts
// from the class that reads the settings: a field comes that must be set, a
// field goes, and nobody sees it before the service does not start.

// exampleLine is a setting, which may be commented out: it is named there.
var exampleLine = lazy.Regexp(`(?m)^[ \t]*(#[ \t]*)?(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*([^\r\n]*)`)

type example struct {
	file, name string
	line       int
	comment    bool
	empty      bool
}

// drift compares the examples of .env with the classes of settings in their
// folder and below, down to the next example.
func (r *runner) drift(names []string, settings func() (*classes, []*settingsClass), add func(rule, where, problem, fix string, s finding.Severity)) {
	examples := map[string][]example{}
	for _, name := range names {
		base := path.Base(filepath.ToSlash(name))
		if !isExample(base) || !strings.HasPrefix(base, ".env") && !strings.HasPrefix(base, "env.") && !strings.HasSuffix(base, ".env") || inTests(r.below(name)) {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil || len(data) > 1<<20 {
			continue // the scan of the file says so
		}
		dir := filepath.Dir(name)
		for _, m := range exampleLine().FindAllSubmatchIndex(data, -1) {
			value, _, _ := strings.Cut(" "+string(data[m[6]:m[7]]), " #")
			examples[dir] = append(examples[dir], example{name, string(data[m[4]:m[5]]), 1 + bytes.Count(data[:m[4]], []byte("\n")), m[2] >= 0, strings.Trim(value, " \t\"'") == ""})
		}
	}
	if len(examples) == 0 {
		return
	}
	all, found := settings()
	of := map[string][]*settingsClass{}
	for _, s := range found {
		for dir := filepath.Dir(s.file); ; dir = filepath.Dir(dir) {
			if examples[dir] != nil {
				of[dir] = append(of[dir], s)
				break
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(of)) {
		all.unset(of[dir], examples[dir], add)
		r.unread(all, of[dir], examples[dir], names, add)
	}
}

// settingsClasses are the classes of settings that are nobody's base: what a
// base asks for, a class that is made of it may give.
func (r *runner) settingsClasses(names []string) (*classes, []*settingsClass) {
	cs := newClasses()
	var order []*pyClass
	settings := false
	for _, name := range names {
		if filepath.Ext(name) != ".py" || inTests(r.below(name)) {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil || len(data) > 1<<20 || !bytes.Contains(data, []byte("Settings")) && !bytes.Contains(data, []byte("BaseModel")) {
			continue
		}
		settings = settings || bytes.Contains(data, []byte("BaseSettings"))
		for _, c := range pyClasses(name, string(data)) {
			cs.named[c.name] = append(cs.named[c.name], c)
			order = append(order, c)
		}
	}
	if !settings {
		return nil, nil
	}
	based := map[*pyClass]bool{}
	for _, c := range order {
		for _, base := range c.bases {
			if b := cs.find(base, c.file); b != nil && b != c {
				based[b] = true
			}
		}
	}
	var out []*settingsClass
	for _, c := range order {
		if s := cs.settings(c); s != nil && !based[c] {
			out = append(out, s)
		}
	}
	return cs, out
}

// unset reports required fields without a line.
func (cs *classes) unset(of []*settingsClass, lines []example, add func(rule, where, problem, fix string, s finding.Severity)) {
	var names []string
	for _, l := range lines {
		names = append(names, l.name)
	}
	seen := map[string]bool{}
	for _, s := range of {
		if s.dim || s.sources || s.elsewhere {
			continue
		}
		for _, f := range s.fields {
			for _, name := range cs.missing(s, f, s.names(f), names, 0) {
				where := filepath.ToSlash(f.file) + ":" + strconv.Itoa(f.line)
				if seen[where+name] {
					continue
				}
				seen[where+name] = true
				base := filepath.Base(lines[0].file)
				add(ruleUnset, where, name+" is required by "+s.name+", and has no line in "+base, "add a line to "+base+", or give the field a default", finding.Low)
			}
		}
	}
}

// unread reports lines that no field reads. Where a class forbids what it does
// not know, as pydantic-settings does unless told otherwise, the service does
// not start with such a line. Else what another file names is read there.
func (r *runner) unread(cs *classes, of []*settingsClass, lines []example, names []string, add func(rule, where, problem, fix string, s finding.Severity)) {
	var left []example
	for _, s := range of {
		if s.dim || s.open {
			return
		}
	}
	for _, l := range lines {
		if !l.comment && !slices.ContainsFunc(of, func(s *settingsClass) bool { return cs.takes(s, l.name) }) {
			left = append(left, l)
		}
	}
	if len(left) == 0 {
		return
	}
	elsewhere := r.named(left, names)
	for _, l := range left {
		where := filepath.ToSlash(l.file) + ":" + strconv.Itoa(l.line)
		i := slices.IndexFunc(of, func(s *settingsClass) bool { return s.readsEnv && s.forbids(l.name) })
		switch {
		case i >= 0 && !l.empty:
			add(ruleUnread, where, l.name+" is read by no field of "+of[i].name+", which forbids what it does not know: with this line the service does not start", "take the line out, add a field, or set extra=\"ignore\"", finding.Low)
		case slices.ContainsFunc(of, func(s *settingsClass) bool { return s.bare(l.name) }):
			add(ruleUnread, where, l.name+" is the name of a field without its prefix, and is not read", "put the prefix of the class before it", finding.Low)
		case !elsewhere[l.name]:
			add(ruleUnread, where, l.name+" is read by no field of "+of[0].name+", and no other file names it", "take the line out, or add the field", finding.Low)
		}
	}
}

// named tells which names stand as words in files that are read by programs.
func (r *runner) named(lines []example, names []string) map[string]bool {
	out := map[string]bool{}
	for _, name := range names {
		base := path.Base(filepath.ToSlash(name))
		switch strings.ToLower(path.Ext(base)) {
		case ".md", ".rst", ".txt", ".lock", ".adoc":
			continue // for readers
		}
		if isEnv(base) || isExample(base) {
			continue
		}
		info, err := os.Stat(name)
		if err != nil || info.Size() > 1<<20 {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil || IsBinary(data) {
			continue
		}
		for _, l := range lines {
			out[l.name] = out[l.name] || hasWord(data, l.name)
		}
	}
	return out
}

func hasWord(data []byte, word string) bool {
	for {
		i := bytes.Index(data, []byte(word))
		if i < 0 {
			return false
		}
		end := i + len(word)
		if (i == 0 || !wordByte(data[i-1])) && (end == len(data) || !wordByte(data[end])) {
			return true
		}
		data = data[i+1:]
	}
}
