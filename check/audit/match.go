package audit

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/audit/advisories"
	"github.com/pavise-dev/pavise/check/audit/inventory"
)

// A matcher compares an inventory with a database.
type matcher struct {
	db   *advisories.DB
	o    Options
	rank priorities

	undecided []Vulnerability
}

// match returns one vulnerability a package, version and group of aliases. A
// dependency that turns out not to be comparable is set to Unaudited.
func (m *matcher) match(ctx context.Context, inv *inventory.Inventory) ([]Vulnerability, error) {
	type subject struct {
		ecosystem    inventory.Ecosystem
		key, version string
	}
	var subjects []subject
	places := map[subject][]int{}
	status := m.db.Status()
	for i := range inv.Dependencies {
		d := &inv.Dependencies[i]
		if d.Status != inventory.Audited {
			continue
		}
		if !status.Has(string(d.Ecosystem)) {
			d.Status, d.Reason = inventory.Unaudited, fmt.Sprintf("the database holds no advisories of %s", d.Ecosystem)
			if status.Excerpt {
				d.Reason = beyondExcerpt(d)
			}
			continue
		}
		s := subject{d.Ecosystem, d.Key(), d.Version}
		if _, ok := places[s]; !ok {
			subjects = append(subjects, s)
		}
		places[s] = append(places[s], i)
	}
	var all []Vulnerability
	for n, s := range subjects {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m.o.Progress("comparing with advisories", int64(n), int64(len(subjects)))
		pkg, err := m.db.Lookup(string(s.ecosystem), s.key)
		if err != nil {
			return nil, err
		}
		if pkg == nil && status.Excerpt {
			for _, i := range places[s] {
				d := &inv.Dependencies[i]
				d.Status, d.Reason = inventory.Unaudited, beyondExcerpt(d)
			}
			continue
		}
		first := inv.Dependencies[places[s][0]]
		base := Vulnerability{Ecosystem: s.ecosystem, Package: first.Name, Version: s.version, Aliases: []string{}, Fixed: []string{}}
		for _, i := range places[s] {
			if w := inv.Dependencies[i].Where; !slices.Contains(base.Where, w) {
				base.Where = append(base.Where, w)
			}
		}
		v, err := advisories.ParseVersion(string(s.ecosystem), s.version)
		if err != nil {
			for _, i := range places[s] {
				d := &inv.Dependencies[i]
				d.Status, d.Reason = inventory.Unaudited, err.Error()
			}
		}
		if pkg == nil {
			continue
		}
		var found []advisories.Match
		if err != nil {
			found = pkg.MatchText(s.version)
		} else {
			found = pkg.Match(v)
		}
		merged, err := m.merge(base, pkg, v, found)
		if err != nil {
			return nil, err
		}
		all = append(all, merged...)
	}
	return all, nil
}

// beyondExcerpt is why nothing can be told of a dependency that came after the
// excerpt that the database was made of.
func beyondExcerpt(d *inventory.Dependency) string {
	return fmt.Sprintf("the database is an excerpt that does not know %s: make it anew with pavise db excerpt", d.Name)
}

// merge makes one vulnerability of the matches that are aliases of each other.
func (m *matcher) merge(base Vulnerability, pkg *advisories.Package, v advisories.Version, found []advisories.Match) ([]Vulnerability, error) {
	type group struct {
		v         Vulnerability
		fixed     []advisories.Version
		decided   bool
		unlikely  bool
		undecided string
	}
	var order []string
	groups := map[string]*group{}
	var candidates []advisories.Version
	for _, match := range found {
		a, err := m.db.Advisory(match)
		if err != nil {
			return nil, err
		}
		g, ok := groups[a.Names[0]]
		if !ok {
			g = &group{v: base, unlikely: true}
			g.v.ID, g.v.Aliases = a.Names[0], append([]string{}, a.Names[1:]...)
			g.v.Where = slices.Clone(base.Where)
			g.v.published = a.Published
			g.v.Severity, g.v.Score, g.v.Vector = severity(a)
			groups[a.Names[0]] = g
			order = append(order, a.Names[0])
		}
		if match.Undecided != "" {
			g.undecided = match.Undecided
		} else {
			g.decided = true
			g.unlikely = g.unlikely && match.Custom
		}
		g.v.Records = append(g.v.Records, a.ID)
		g.v.Malicious = g.v.Malicious || a.Malicious
		if g.v.Summary == "" || len(a.Summary) > len(g.v.Summary) && strings.HasSuffix(g.v.Summary, "…") {
			g.v.Summary = a.Summary
		}
		if g.v.URL == "" {
			g.v.URL = a.URL
		}
		if m.o.Details {
			text, err := m.db.Details(a)
			if err != nil {
				return nil, err
			}
			if len(text) > len(g.v.Details) {
				g.v.Details = text
			}
		}
		g.fixed = append(g.fixed, match.Fixed...)
		if !a.Malicious {
			candidates = append(candidates, match.Fixed...)
		}
	}
	safe := smallestSafe(pkg, v, candidates)
	var out []Vulnerability
	for _, id := range order {
		g := groups[id]
		slices.Sort(g.v.Records)
		g.v.Fixed = texts(g.fixed)
		if !g.v.Malicious {
			g.v.Safe = safe
		}
		m.rank.apply(&g.v)
		if !g.decided {
			g.v.Note = g.undecided
			m.undecided = append(m.undecided, g.v)
			continue
		}
		if g.unlikely {
			g.v.Note = "the advisory's source ends the range before this version, in version numbers that may not be the module's"
		}
		out = append(out, g.v)
	}
	return out, nil
}

// smallestSafe is the first version after v, of those that some advisory
// calls fixed, that no advisory concerns: updating once is enough. A final
// release is preferred to a pre-release.
func smallestSafe(pkg *advisories.Package, v advisories.Version, candidates []advisories.Version) string {
	slices.SortFunc(candidates, advisories.Version.Compare)
	for _, prereleases := range []bool{v.IsPrerelease(), true} {
		for _, c := range candidates {
			if c.IsPrerelease() && !prereleases || c.Compare(v) <= 0 {
				continue
			}
			if !slices.ContainsFunc(pkg.Match(c), func(m advisories.Match) bool { return m.Undecided == "" && !m.Custom }) {
				return c.String()
			}
		}
	}
	return ""
}

func texts(versions []advisories.Version) []string {
	slices.SortFunc(versions, advisories.Version.Compare)
	out := []string{}
	for i, v := range versions {
		if i == 0 || v.Compare(versions[i-1]) != 0 {
			out = append(out, v.String())
		}
	}
	return out
}
