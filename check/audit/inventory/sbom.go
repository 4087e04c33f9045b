package inventory

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// isCycloneDX and isSPDX know bills of materials by the names that their
// specifications recommend.
func isCycloneDX(p string) bool {
	base := strings.ToLower(path.Base(p))
	return base == "bom.json" || base == "bom.xml" || strings.HasSuffix(base, ".cdx.json") || strings.HasSuffix(base, ".cdx.xml")
}

func isSPDX(p string) bool {
	base := strings.ToLower(path.Base(p))
	return strings.HasSuffix(base, ".spdx.json") || strings.HasSuffix(base, ".spdx")
}

// byPURL records a component by its package URL.
func (s *source) byPURL(name, version, purl string) {
	d := Dependency{Name: name, Version: version, Text: purl}
	if purl == "" {
		s.unaudited(0, d, "the component has no package URL, so that its ecosystem is not known")
		return
	}
	p, err := ParsePackageURL(purl)
	if err != nil {
		s.unaudited(0, d, "its package URL %w", err)
		return
	}
	d, ok := p.Dependency()
	d.Text = purl
	if !ok {
		s.unaudited(0, d, "%s is not an ecosystem that is audited", p.Type)
		return
	}
	if d.Version == "" {
		d.Version = version
	}
	s.audited(0, d)
}

// readCycloneDX reads a CycloneDX bill of materials, in JSON or XML.
func readCycloneDX(s *source) error {
	format := cdx.BOMFileFormatJSON
	if bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(s.data, []byte("\xef\xbb\xbf"))), []byte("<")) {
		format = cdx.BOMFileFormatXML
	} else {
		// The decoder takes any JSON for an empty bill.
		var head struct {
			Format string `json:"bomFormat"`
		}
		if err := json.Unmarshal(s.data, &head); err != nil {
			return fmt.Errorf("is not JSON: %w", err)
		}
		if head.Format != "CycloneDX" {
			return errors.New("is no CycloneDX bill of materials: bomFormat says so")
		}
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(s.data), format).Decode(&bom); err != nil {
		return fmt.Errorf("is no CycloneDX bill of materials: %w", err)
	}
	if format == cdx.BOMFileFormatXML && !strings.Contains(bom.XMLNS, "cyclonedx.org/schema/bom") {
		return errors.New("is no CycloneDX bill of materials: its namespace says so")
	}
	if bom.Metadata != nil && bom.Metadata.Component != nil {
		c := bom.Metadata.Component
		s.excluded(0, Dependency{Name: c.Name, Version: c.Version, Text: c.PackageURL}, "is what the bill of materials is of")
		s.components(c.Components, 0)
	}
	s.components(bom.Components, 0)
	return nil
}

func (s *source) components(list *[]cdx.Component, depth int) {
	if list == nil {
		return
	}
	if depth > 100 {
		s.problem(0, "components are nested deeper than 100")
		return
	}
	for _, c := range *list {
		if c.Type == cdx.ComponentTypeFile || c.Type == cdx.ComponentTypeOS {
			s.excluded(0, Dependency{Name: c.Name, Version: c.Version, Text: c.PackageURL}, "is a component of the type %s, and no package", c.Type)
		} else {
			s.byPURL(c.Name, c.Version, c.PackageURL)
		}
		s.components(c.Components, depth+1)
	}
}

// readSPDX reads an SPDX 2.2 or 2.3 document, in JSON or as tags and values.
func readSPDX(s *source) error {
	if data := bytes.TrimSpace(bytes.TrimPrefix(s.data, []byte("\xef\xbb\xbf"))); bytes.HasPrefix(data, []byte("{")) {
		return s.spdxJSON(data)
	}
	return s.spdxTags()
}

type spdxPackage struct {
	ID      string `json:"SPDXID"`
	Name    string `json:"name"`
	Version string `json:"versionInfo"`
	Refs    []struct {
		Type    string `json:"referenceType"`
		Locator string `json:"referenceLocator"`
	} `json:"externalRefs"`

	described bool
}

func (s *source) spdxJSON(data []byte) error {
	var doc struct {
		Version       string        `json:"spdxVersion"`
		Context       any           `json:"@context"`
		Packages      []spdxPackage `json:"packages"`
		Describes     []string      `json:"documentDescribes"`
		Relationships []struct {
			From string `json:"spdxElementId"`
			Type string `json:"relationshipType"`
			To   string `json:"relatedSpdxElement"`
		} `json:"relationships"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("is not an SPDX document: %w", err)
	}
	if doc.Context != nil && doc.Version == "" {
		return errors.New("is of SPDX 3, which is not read: give SPDX 2.3 or CycloneDX")
	}
	if !strings.HasPrefix(doc.Version, "SPDX-2.") {
		return fmt.Errorf("is of %.20q, and SPDX-2.2 and SPDX-2.3 are what is read", doc.Version)
	}
	described := map[string]bool{}
	for _, id := range doc.Describes {
		described[id] = true
	}
	for _, r := range doc.Relationships {
		if r.From == "SPDXRef-DOCUMENT" && r.Type == "DESCRIBES" {
			described[r.To] = true
		}
	}
	for _, p := range doc.Packages {
		p.described = described[p.ID]
		s.spdx(p)
	}
	return nil
}

func (s *source) spdx(p spdxPackage) {
	purl := ""
	for _, r := range p.Refs {
		if r.Type == "purl" {
			purl = r.Locator
		}
	}
	if p.described && purl == "" {
		s.excluded(0, Dependency{Name: p.Name, Version: p.Version}, "is what the bill of materials is of")
		return
	}
	s.byPURL(p.Name, p.Version, purl)
}

func (s *source) spdxTags() error {
	scan := bufio.NewScanner(bytes.NewReader(s.data))
	scan.Buffer(nil, 16<<20)
	version, inText := "", false
	var packages []spdxPackage
	described := map[string]bool{}
	for scan.Scan() {
		line := scan.Text()
		if inText {
			inText = !strings.Contains(line, "</text>")
			continue
		}
		tag, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok {
			continue
		}
		if strings.HasPrefix(value, "<text>") && !strings.Contains(value, "</text>") {
			inText = true
			continue
		}
		switch tag {
		case "SPDXVersion":
			version = value
		case "PackageName":
			packages = append(packages, spdxPackage{Name: value})
		case "SPDXID":
			if n := len(packages); n > 0 && packages[n-1].ID == "" {
				packages[n-1].ID = value
			}
		case "PackageVersion":
			if n := len(packages); n > 0 {
				packages[n-1].Version = value
			}
		case "ExternalRef":
			fields := strings.Fields(value)
			if n := len(packages); n > 0 && len(fields) == 3 {
				packages[n-1].Refs = append(packages[n-1].Refs, struct {
					Type    string `json:"referenceType"`
					Locator string `json:"referenceLocator"`
				}{fields[1], fields[2]})
			}
		case "Relationship":
			if fields := strings.Fields(value); len(fields) == 3 && fields[0] == "SPDXRef-DOCUMENT" && fields[1] == "DESCRIBES" {
				described[fields[2]] = true
			}
		}
	}
	if err := scan.Err(); err != nil {
		return err
	}
	if !strings.HasPrefix(version, "SPDX-2.") {
		return fmt.Errorf("is of %.20q, and SPDX-2.2 and SPDX-2.3 are what is read", version)
	}
	if inText {
		return errors.New("ends inside of a <text>")
	}
	for _, p := range packages {
		p.described = described[p.ID]
		s.spdx(p)
	}
	return nil
}
