package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/pavise-dev/pavise/check/audit/inventory"
	"github.com/pavise-dev/pavise/finding"
)

// WriteCycloneDX writes the inventory with its vulnerabilities as a CycloneDX
// 1.6 bill of materials, in JSON. What could not be audited is in it too, and
// says so.
func (r *Report) WriteCycloneDX(w io.Writer, toolVersion string, now time.Time) error {
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{
		Timestamp: now.UTC().Format(time.RFC3339),
		Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{{
			Type: cdx.ComponentTypeApplication, Name: "pavise", Version: toolVersion,
		}}},
	}
	var components []cdx.Component
	seen := map[string]int{}
	for _, d := range r.Inventory.Dependencies {
		if d.Name == "" && d.Text == "" {
			continue // a line that could not be read is a property below
		}
		c := cdx.Component{Type: cdx.ComponentTypeLibrary, Name: d.Name, Version: d.Version}
		if d.Ecosystem == inventory.PyPI {
			c.Name = inventory.NormalizeName(d.Name)
		}
		if c.Name == "" {
			c.Name = d.Text
		}
		switch {
		case d.Name != "" && d.Version != "":
			c.PackageURL = purl(d.Ecosystem, d.Name, d.Version)
			c.BOMRef = c.PackageURL
		default:
			sum := sha256.Sum256([]byte(d.Where.String() + "\x00" + d.Name + "\x00" + d.Text))
			c.BOMRef = "unaudited-" + hex.EncodeToString(sum[:8])
		}
		if d.Status == inventory.Excluded {
			c.Scope = cdx.ScopeExcluded
		}
		if i, ok := seen[c.BOMRef]; ok {
			p := append(*components[i].Properties, place(d))
			components[i].Properties = &p
			if c.Scope != cdx.ScopeExcluded {
				components[i].Scope = c.Scope
			}
			continue
		}
		props := []cdx.Property{{Name: "pavise:status", Value: d.Status.String()}, place(d)}
		if d.Reason != "" {
			props = append(props, cdx.Property{Name: "pavise:reason", Value: d.Reason})
		}
		c.Properties = &props
		seen[c.BOMRef] = len(components)
		components = append(components, c)
	}
	bom.Components = &components
	var unknown []cdx.Property
	for _, u := range r.Unknowns() {
		unknown = append(unknown, cdx.Property{Name: "pavise:unknown", Value: u.Where + ": " + u.Problem})
	}
	if len(unknown) > 0 {
		bom.Properties = &unknown
	}
	vulnerabilities := []cdx.Vulnerability{}
	for i := range r.Vulnerabilities {
		vulnerabilities = append(vulnerabilities, bomVulnerability(&r.Vulnerabilities[i]))
	}
	for i := range r.Ignored {
		v := bomVulnerability(&r.Ignored[i].Vulnerability)
		v.Analysis = &cdx.VulnerabilityAnalysis{
			State: cdx.IASExploitable, Response: &[]cdx.ImpactAnalysisResponse{cdx.IARWillNotFix},
			Detail: fmt.Sprintf("let be (%s): %s", r.Ignored[i].By, r.Ignored[i].Reason),
		}
		vulnerabilities = append(vulnerabilities, v)
	}
	for i := range r.Undecided {
		v := bomVulnerability(&r.Undecided[i])
		v.Analysis = &cdx.VulnerabilityAnalysis{State: cdx.IASInTriage, Detail: r.Undecided[i].Note}
		vulnerabilities = append(vulnerabilities, v)
	}
	bom.Vulnerabilities = &vulnerabilities
	enc := cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON)
	enc.SetPretty(true)
	return enc.EncodeVersion(bom, cdx.SpecVersion1_6)
}

func place(d inventory.Dependency) cdx.Property {
	return cdx.Property{Name: "pavise:where", Value: d.Where.String()}
}

func bomVulnerability(v *Vulnerability) cdx.Vulnerability {
	out := cdx.Vulnerability{
		BOMRef: v.ID + "/" + purl(v.Ecosystem, v.Package, v.Version), ID: v.ID,
		Source:      &cdx.Source{Name: sourceOf(v.ID), URL: "https://osv.dev/vulnerability/" + v.Records[0]},
		Description: v.Summary, Detail: v.Details, Recommendation: v.advice(),
	}
	rating := cdx.VulnerabilityRating{Severity: map[finding.Severity]cdx.Severity{
		finding.Critical: cdx.SeverityCritical, finding.High: cdx.SeverityHigh, finding.Medium: cdx.SeverityMedium,
		finding.Low: cdx.SeverityLow, finding.Info: cdx.SeverityInfo, finding.Unknown: cdx.SeverityUnknown,
	}[v.Severity]}
	if v.Vector != "" {
		rating.Score, rating.Vector = &v.Score, v.Vector
		switch {
		case strings.HasPrefix(v.Vector, "CVSS:4.0/"):
			rating.Method = cdx.ScoringMethodCVSSv4
		case strings.HasPrefix(v.Vector, "CVSS:3.1/"):
			rating.Method = cdx.ScoringMethodCVSSv31
		case strings.HasPrefix(v.Vector, "CVSS:3.0/"):
			rating.Method = cdx.ScoringMethodCVSSv3
		default:
			rating.Method = cdx.ScoringMethodCVSSv2
		}
	}
	out.Ratings = &[]cdx.VulnerabilityRating{rating}
	var refs []cdx.VulnerabilityReference
	for _, a := range v.Aliases {
		refs = append(refs, cdx.VulnerabilityReference{ID: a, Source: &cdx.Source{Name: sourceOf(a)}})
	}
	if len(refs) > 0 {
		out.References = &refs
	}
	if v.URL != "" {
		out.Advisories = &[]cdx.Advisory{{URL: v.URL}}
	}
	affects := cdx.Affects{Ref: purl(v.Ecosystem, v.Package, v.Version), Range: &[]cdx.AffectedVersions{{Version: v.Version, Status: cdx.VulnerabilityStatusAffected}}}
	out.Affects = &[]cdx.Affects{affects}
	return out
}

func sourceOf(id string) string {
	switch prefix, _, _ := strings.Cut(id, "-"); prefix {
	case "CVE":
		return "CVE"
	case "GHSA":
		return "GitHub Advisory Database"
	case "PYSEC":
		return "PyPA Advisory Database"
	case "GO":
		return "Go Vulnerability Database"
	case "MAL":
		return "OpenSSF Malicious Packages"
	}
	return "OSV"
}
