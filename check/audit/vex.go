package audit

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/openvex/go-vex/pkg/vex"

	"github.com/pavise-dev/pavise/check/audit/inventory"
)

// A statement is one of a VEX file about one vulnerability, as far as it
// matters here: what dismisses it, and what takes that back.
type statement struct {
	file     string
	names    []string // of the vulnerability
	purls    []string // packages it is about; none means the whole project
	dismiss  bool
	reason   string
	when     time.Time
	position int
}

// maxVEX bounds a file. They are written by people.
const maxVEX = 64 << 20

// readVEX reads OpenVEX files. The newest statement comes first: it takes back
// what older ones say.
func readVEX(files []string) ([]statement, error) {
	var out []statement
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if info.Size() > maxVEX {
			return nil, fmt.Errorf("VEX file %s is of %d MB, more than the %d that are read", name, info.Size()>>20, maxVEX>>20)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		doc, err := vex.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("VEX file %s: %w", name, err)
		}
		if !strings.HasPrefix(doc.Context, "https://openvex.dev/ns") {
			return nil, fmt.Errorf("VEX file %s is not OpenVEX: its @context is %.80q", name, doc.Context)
		}
		for i, s := range doc.Statements {
			if err := s.Validate(); err != nil {
				return nil, fmt.Errorf("VEX file %s: statement %d: %w", name, i+1, err)
			}
			out = append(out, statementOf(name, doc, s, len(out)))
		}
	}
	slices.SortStableFunc(out, func(a, b statement) int {
		if c := b.when.Compare(a.when); c != 0 {
			return c
		}
		return b.position - a.position
	})
	return out, nil
}

func statementOf(file string, doc *vex.VEX, s vex.Statement, position int) statement {
	out := statement{file: file, position: position}
	out.names = append(out.names, string(s.Vulnerability.Name), s.Vulnerability.ID)
	for _, a := range s.Vulnerability.Aliases {
		out.names = append(out.names, string(a))
	}
	switch {
	case s.LastUpdated != nil:
		out.when = *s.LastUpdated
	case s.Timestamp != nil:
		out.when = *s.Timestamp
	case doc.LastUpdated != nil:
		out.when = *doc.LastUpdated
	case doc.Timestamp != nil:
		out.when = *doc.Timestamp
	}
	out.dismiss = s.Status == vex.StatusNotAffected || s.Status == vex.StatusFixed
	out.reason = string(s.Status)
	for _, more := range []string{string(s.Justification), s.ImpactStatement, s.StatusNotes} {
		if more != "" {
			out.reason += ": " + more
		}
	}
	for _, p := range s.Products {
		components := []vex.Component{p.Component}
		if len(p.Subcomponents) > 0 {
			components = components[:0]
			for _, sub := range p.Subcomponents {
				components = append(components, sub.Component)
			}
		}
		for _, c := range components {
			id := c.ID
			if purl, ok := c.Identifiers[vex.PURL]; ok {
				id = purl
			}
			if strings.HasPrefix(id, "pkg:pypi/") || strings.HasPrefix(id, "pkg:golang/") {
				out.purls = append(out.purls, id)
			} else if len(p.Subcomponents) == 0 {
				// The project itself, whatever it calls itself: the file was
				// given for it. That is wider than any list of packages.
				out.purls = nil
				return out
			}
		}
	}
	if len(s.Products) > 0 && len(out.purls) == 0 {
		out.purls = []string{"pkg:other"} // about parts that are none of ours
	}
	return out
}

// concerns tells whether the statement is about the vulnerability in this
// package.
func (s statement) concerns(v *Vulnerability) bool {
	if !slices.ContainsFunc(v.Names(), func(n string) bool {
		return slices.ContainsFunc(s.names, func(m string) bool { return strings.EqualFold(n, m) })
	}) {
		return false
	}
	if s.purls == nil {
		return true
	}
	ours := purl(v.Ecosystem, v.Package, v.Version)
	return slices.ContainsFunc(s.purls, func(p string) bool { return vex.PurlMatches(p, ours) })
}

// dismissal returns the reason of the newest statement about the
// vulnerability, if it dismisses it.
func dismissal(statements []statement, v *Vulnerability) (reason, file string, ok bool) {
	for _, s := range statements {
		if s.concerns(v) {
			return s.reason, s.file, s.dismiss
		}
	}
	return "", "", false
}

// purl is the package URL of a dependency.
func purl(ecosystem inventory.Ecosystem, name, version string) string {
	escape := func(s string) string {
		return strings.NewReplacer("%", "%25", "+", "%2B", "@", "%40", "?", "%3F", "#", "%23", " ", "%20", "!", "%21").Replace(s)
	}
	if ecosystem == inventory.PyPI {
		return "pkg:pypi/" + escape(inventory.NormalizeName(name)) + "@" + escape(version)
	}
	return "pkg:golang/" + escape(name) + "@" + escape(version)
}

// WriteVEX writes the report as an OpenVEX document about the product, a
// package URL or another IRI of the project. What is ignored is said to be
// affected, with the reason as the action: an ignore is a decision to live
// with it, and no proof that it does no harm.
func (r *Report) WriteVEX(w io.Writer, product string, now time.Time) error {
	doc := vex.New()
	doc.ID = "https://openvex.dev/docs/public/vex-" + vexID(r, product)
	doc.Author = "pavise audit"
	doc.AuthorRole = "Document Creator"
	doc.Tooling = "pavise"
	doc.Timestamp = &now
	if product == "" {
		product = "urn:pavise:project"
	}
	add := func(v *Vulnerability, status vex.Status, action string) {
		s := vex.Statement{
			Vulnerability: vex.Vulnerability{Name: vex.VulnerabilityID(v.ID), Description: v.Summary},
			Products: []vex.Product{{
				Component:     vex.Component{ID: product},
				Subcomponents: []vex.Subcomponent{{Component: vex.Component{ID: purl(v.Ecosystem, v.Package, v.Version)}}},
			}},
			Status: status,
		}
		for _, a := range v.Aliases {
			s.Vulnerability.Aliases = append(s.Vulnerability.Aliases, vex.VulnerabilityID(a))
		}
		switch status {
		case vex.StatusAffected:
			s.ActionStatement = action
		case vex.StatusNotAffected:
			s.Justification = vex.VulnerableCodeNotInExecutePath
			s.ImpactStatement = action
		}
		doc.Statements = append(doc.Statements, s)
	}
	for i := range r.Vulnerabilities {
		v := &r.Vulnerabilities[i]
		if v.Reach == NotImported {
			add(v, vex.StatusNotAffected, "the vulnerable package is not imported, as the analysis of the call graph shows")
			continue
		}
		add(v, vex.StatusAffected, v.advice())
	}
	for i := range r.Ignored {
		ig := &r.Ignored[i]
		add(&ig.Vulnerability, vex.StatusAffected, "let be: "+ig.Reason)
	}
	for i := range r.Undecided {
		add(&r.Undecided[i], vex.StatusUnderInvestigation, "")
	}
	return doc.ToJSON(w)
}
