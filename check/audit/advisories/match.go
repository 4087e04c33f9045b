package advisories

import (
	"slices"
	"strings"
)

// A Package is what the advisories say of one package's versions.
type Package struct {
	Ecosystem string
	// Name in the form by which the ecosystem compares.
	Name string

	keys  []string // versions that some advisory lists, sorted
	about []about
}

// about is what one advisory says.
type about struct {
	at, length int64
	flags      byte
	listed     [][2]int // runs of Package.keys: first, how many
	odd        []string // listed versions that have no place in the order
	ranges     [][]bound
	custom     [][]bound
}

// A bound begins or ends a range.
type bound struct {
	kind eventKind
	key  string // "" is before every version
	text string
	// local tells that the bound has a local part, and so says something of
	// builds: what is fixed in 1.2+patch.1 is not fixed in 1.2.
	local bool
}

// localBound marks the byte of a bound's kind.
const localBound = 0x80

// compare orders a version and the bound.
func (b *bound) compare(v Version) int {
	if b.local {
		return strings.Compare(v.full, b.key)
	}
	return strings.Compare(v.key, b.key)
}

func decodePackage(block string) (*Package, bool) {
	r := &reader{s: block}
	p := &Package{Ecosystem: r.text(), Name: r.text()}
	p.keys = make([]string, r.count())
	for i := range p.keys {
		p.keys[i] = r.text()
	}
	p.about = make([]about, r.count())
	for i := range p.about {
		a := &p.about[i]
		a.at, a.length = int64(r.number()), int64(r.number())
		a.flags = r.byte()
		a.listed = make([][2]int, r.count())
		for j := range a.listed {
			a.listed[j] = [2]int{r.number(), r.number()}
		}
		a.odd = make([]string, r.count())
		for j := range a.odd {
			a.odd[j] = r.text()
		}
		a.ranges = r.ranges()
		a.custom = r.ranges()
	}
	return p, !r.bad && r.s == ""
}

func (r *reader) ranges() [][]bound {
	out := make([][]bound, r.count())
	for i := range out {
		out[i] = make([]bound, r.count())
		for j := range out[i] {
			kind := r.byte()
			out[i][j] = bound{kind: eventKind(kind &^ localBound), key: r.text(), text: r.text(), local: kind&localBound != 0}
		}
	}
	return out
}

// A Match is one advisory that concerns a version, or may.
type Match struct {
	// Undecided says why it could not be told whether the version is
	// affected; empty means that it is.
	Undecided string
	// Fixed are versions that the advisory calls fixed and that come after the
	// one asked for, from the smallest.
	Fixed []Version
	// Custom tells that the range is wider than the source's own, which does
	// not hold the version: Go's database has that where the source's versions
	// are not those of the module.
	Custom bool

	at, length int64
}

// Match returns the advisories that concern the version.
//
// A version is affected if an advisory lists it or if it is in one of the
// advisory's ranges; ranges of commits say nothing of versions, and are
// passed over.
func (p *Package) Match(v Version) []Match {
	// One advisory may list a build, and another what it is a build of.
	var places []int
	for _, key := range []string{v.key, v.full} {
		if at, ok := slices.BinarySearch(p.keys, key); ok {
			places = append(places, at)
		}
	}
	var out []Match
	for i := range p.about {
		a := &p.about[i]
		m := Match{at: a.at, length: a.length}
		hit := slices.ContainsFunc(places, func(at int) bool { return inRuns(a.listed, at) }) ||
			slices.ContainsFunc(a.ranges, func(r []bound) bool { return within(r, v) })
		if !hit {
			switch {
			case a.flags&flagUnreadable != 0:
				m.Undecided = "a range of the advisory cannot be compared"
			case a.flags&flagNoRange != 0:
				m.Undecided = "the advisory names neither versions nor a range of them"
			default:
				continue
			}
		}
		m.Fixed = a.fixed(p.Ecosystem, v)
		m.Custom = hit && len(a.custom) > 0 && !slices.ContainsFunc(a.custom, func(r []bound) bool { return within(r, v) })
		out = append(out, m)
	}
	return out
}

// MatchText returns the advisories that list a version which has no place in
// its ecosystem's order. What they do not list stays unknown.
func (p *Package) MatchText(version string) []Match {
	var out []Match
	for i := range p.about {
		a := &p.about[i]
		if slices.ContainsFunc(a.odd, func(s string) bool { return strings.EqualFold(s, version) }) {
			out = append(out, Match{at: a.at, length: a.length})
		}
	}
	return out
}

// Len tells how many advisories name the package.
func (p *Package) Len() int { return len(p.about) }

func inRuns(runs [][2]int, i int) bool {
	return slices.ContainsFunc(runs, func(r [2]int) bool { return i >= r[0] && i < r[0]+r[1] })
}

// within follows the bounds, which are sorted, up to the version: OSV's
// algorithm.
func within(bounds []bound, v Version) bool {
	affected, limited, below := false, false, false
	for i := range bounds {
		order := bounds[i].compare(v)
		switch bounds[i].kind {
		case introduced:
			if order >= 0 {
				affected = true
			}
		case fixed:
			if order >= 0 {
				affected = false
			}
		case lastAffected:
			if order > 0 {
				affected = false
			}
		case limit:
			limited = true
			below = below || order < 0
		}
	}
	return affected && (below || !limited)
}

func (a *about) fixed(ecosystem string, after Version) []Version {
	var out []Version
	for _, ranges := range [][][]bound{a.ranges, a.custom} {
		for _, r := range ranges {
			for _, b := range r {
				if b.kind != fixed || b.compare(after) >= 0 {
					continue
				}
				if v, err := ParseVersion(ecosystem, b.text); err == nil {
					out = append(out, v)
				}
			}
		}
		if len(out) > 0 {
			break // the source's own versions only where there are no others
		}
	}
	slices.SortFunc(out, Version.Compare)
	return slices.CompactFunc(out, func(a, b Version) bool { return a.key == b.key })
}
