package audit

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/audit/inventory"
)

// A statement is one of a VEX file about one vulnerability, as far as it
// matters here: what dismisses it, and what takes that back.
type statement struct {
	file  string
	names []string // of the vulnerability
	// purls are the packages that it is about; nil means the whole project,
	// and an empty list none of ours.
	purls    []inventory.PackageURL
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
		doc, err := parseVEX(data)
		if err != nil {
			return nil, fmt.Errorf("VEX file %s: %w", name, err)
		}
		for i := range doc.Statements {
			out = append(out, statementOf(name, doc, &doc.Statements[i], len(out)))
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

func statementOf(file string, doc *vexDocument, s *vexStatement, position int) statement {
	out := statement{file: file, position: position}
	out.names = append([]string{s.Vulnerability.Name, s.Vulnerability.ID}, s.Vulnerability.Aliases...)
	for _, t := range []*time.Time{s.LastUpdated, s.Timestamp, doc.LastUpdated, doc.Timestamp} {
		if t != nil {
			out.when = *t
			break
		}
	}
	out.dismiss = s.Status == vexNotAffected || s.Status == vexFixed
	out.reason = s.Status
	for _, more := range []string{s.Justification, s.Impact, s.StatusNotes} {
		if more != "" {
			out.reason += ": " + more
		}
	}
	if len(s.Products) == 0 {
		return out
	}
	out.purls = []inventory.PackageURL{}
	for i := range s.Products {
		p := &s.Products[i]
		parts := append(slices.Clone(p.Subcomponents), s.Subcomponents...)
		if len(parts) == 0 {
			ours := packages(p)
			if len(ours) == 0 {
				// The project itself, whatever it calls itself: the file was
				// given for it. That is wider than any list of packages.
				out.purls = nil
				return out
			}
			out.purls = append(out.purls, ours...)
			continue
		}
		for j := range parts {
			out.purls = append(out.purls, packages(&parts[j])...)
		}
	}
	return out
}

// packages of an ecosystem that is audited, which the product names.
func packages(p *vexProduct) []inventory.PackageURL {
	var out []inventory.PackageURL
	for _, id := range p.ids() {
		if purl, err := inventory.ParsePackageURL(id); err == nil && (purl.Type == "pypi" || purl.Type == "golang") {
			out = append(out, purl)
		}
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
	key := inventory.Dependency{Ecosystem: v.Ecosystem, Name: v.Package}.Key()
	return slices.ContainsFunc(s.purls, func(p inventory.PackageURL) bool {
		d, ok := p.Dependency()
		return ok && d.Ecosystem == v.Ecosystem && d.Key() == key && (p.Version == "" || d.Version == v.Version || p.Version == v.Version)
	})
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
	doc := vexDocument{
		Context: vexContext, ID: "https://openvex.dev/docs/public/vex-" + vexID(r, product), Author: "pavise audit",
		Role: "Document Creator", Tooling: "pavise", Timestamp: &now, Version: 1, Statements: []vexStatement{},
	}
	if product == "" {
		product = "urn:pavise:project"
	}
	add := func(v *Vulnerability, status, action string) {
		s := vexStatement{
			Vulnerability: vexVulnerability{Name: v.ID, Description: v.Summary, Aliases: v.Aliases},
			Products:      []vexProduct{{ID: product, Subcomponents: []vexProduct{{ID: purl(v.Ecosystem, v.Package, v.Version)}}}},
			Status:        status,
		}
		switch status {
		case vexAffected:
			s.Action = action
		case vexNotAffected:
			s.Justification, s.Impact = vexNotReached, action
		}
		doc.Statements = append(doc.Statements, s)
	}
	for i := range r.Vulnerabilities {
		v := &r.Vulnerabilities[i]
		if v.Reach == NotImported {
			add(v, vexNotAffected, "the vulnerable package is not imported, as the analysis of the call graph shows")
			continue
		}
		add(v, vexAffected, v.advice())
	}
	for i := range r.Ignored {
		ig := &r.Ignored[i]
		add(&ig.Vulnerability, vexAffected, "let be: "+ig.Reason)
	}
	for i := range r.Undecided {
		add(&r.Undecided[i], vexInvestigating, "")
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}
