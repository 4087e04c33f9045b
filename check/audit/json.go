package audit

import (
	"encoding/json"
	"io"
	"time"

	"github.com/pavise-dev/pavise/check/audit/advisories"
	"github.com/pavise-dev/pavise/check/audit/inventory"
)

// JSONVersion is the version of the JSON report. Members may be added within
// one version, and none changes its meaning or goes away.
const JSONVersion = 1

// A jsonReport is the report for machines. Lists are never null.
type jsonReport struct {
	Version         int                    `json:"version"`
	Tool            string                 `json:"tool"`
	ToolVersion     string                 `json:"tool_version"`
	Database        jsonDatabase           `json:"database"`
	Files           []inventory.File       `json:"files"`
	Counts          jsonCounts             `json:"counts"`
	Vulnerabilities []Vulnerability        `json:"vulnerabilities"`
	Ignored         []Ignored              `json:"ignored"`
	StaleIgnores    []StaleIgnore          `json:"stale_ignores"`
	Unpinned        []inventory.Dependency `json:"unpinned"`
	Unknown         []Unknown              `json:"unknown"`
	Dependencies    []inventory.Dependency `json:"dependencies"`
	Notes           []string               `json:"notes"`
}

type jsonDatabase struct {
	Built   time.Time           `json:"built"`
	AsOf    time.Time           `json:"as_of,omitzero"`
	Old     bool                `json:"old"`
	Excerpt bool                `json:"excerpt,omitempty"`
	Sources []advisories.Source `json:"sources"`
}

type jsonCounts struct {
	Audited         int `json:"audited"`
	Excluded        int `json:"excluded"`
	Unaudited       int `json:"unaudited"`
	Vulnerabilities int `json:"vulnerabilities"`
	Packages        int `json:"vulnerable_packages"`
	Ignored         int `json:"ignored"`
}

// WriteJSON writes the whole report. The schema is stable, see JSONVersion.
func (r *Report) WriteJSON(w io.Writer, toolVersion string) error {
	as, _ := r.AsOf()
	out := jsonReport{
		Version: JSONVersion, Tool: "pavise audit", ToolVersion: toolVersion,
		Database:        jsonDatabase{Built: r.Database.Built, AsOf: as, Old: r.Old > 0, Excerpt: r.Database.Excerpt, Sources: list(r.Database.Sources)},
		Files:           list(r.Inventory.Files),
		Vulnerabilities: list(r.Vulnerabilities), Ignored: list(r.Ignored), StaleIgnores: list(r.Stale),
		Unpinned: []inventory.Dependency{}, Unknown: list(r.Unknowns()),
		Dependencies: list(r.Inventory.Dependencies), Notes: list(r.Notes),
		Counts: jsonCounts{
			Audited: r.Inventory.Count(inventory.Audited), Excluded: r.Inventory.Count(inventory.Excluded),
			Unaudited:       r.Inventory.Count(inventory.Unaudited),
			Vulnerabilities: len(r.Vulnerabilities), Packages: r.packages(), Ignored: len(r.Ignored),
		},
	}
	for _, d := range r.Inventory.Dependencies {
		if d.Unpinned && d.Status == inventory.Unaudited {
			out.Unpinned = append(out.Unpinned, d)
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// packages counts the packages, by version, that have vulnerabilities.
func (r *Report) packages() int {
	seen := map[[3]string]bool{}
	for i := range r.Vulnerabilities {
		v := &r.Vulnerabilities[i]
		seen[[3]string{string(v.Ecosystem), v.Package, v.Version}] = true
	}
	return len(seen)
}
