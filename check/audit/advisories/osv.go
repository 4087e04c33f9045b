package advisories

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A record is one OSV record as far as it is used. It is read part by part:
// what is new to the schema, or of another type than expected, costs that
// part and not the record.
//
// Source: the OSV schema, version 1.7.
type record struct {
	ID        string
	Aliases   []string
	Related   []string
	Summary   string
	Details   string
	Published time.Time
	Modified  time.Time
	Withdrawn bool
	Severity  []Severity
	Rating    string // a word, of a database that gives no vector
	URL       string
	Affected  []affected

	raw []byte // the whole record, compressed, where it is kept
}

// A Severity is a CVSS vector, or another score that OSV knows.
type Severity struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

type affected struct {
	Ecosystem, Name string
	Versions        []string
	Ranges          []osvRange
	Custom          []osvRange // Go's ecosystem_specific.custom_ranges
	Packages        []string   // import paths, where the record names them
	Severity        []Severity
}

type osvRange struct {
	Type   string
	Events []event
}

// An event begins or ends a range.
type event struct {
	kind eventKind
	text string
}

type eventKind byte

// Kinds of events, in the order in which they count at one version: a version
// that is fixed and introduced again at once is affected.
const (
	fixed eventKind = iota
	introduced
	lastAffected
	limit
)

// errNoID says that a record cannot be used at all.
var errNoID = errors.New("has no id")

// parseRecord reads a record. The error means that nothing of it is usable;
// lost names the parts that had to be left out.
func parseRecord(data []byte) (rec record, lost []string, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return record{}, nil, fmt.Errorf("is not a JSON object: %w", err)
	}
	part := func(name string, into any) {
		if raw, ok := fields[name]; ok && json.Unmarshal(raw, into) != nil {
			lost = append(lost, name)
		}
	}
	part("id", &rec.ID)
	if rec.ID == "" {
		return record{}, nil, errNoID
	}
	part("aliases", &rec.Aliases)
	part("related", &rec.Related)
	part("summary", &rec.Summary)
	part("details", &rec.Details)
	part("severity", &rec.Severity)
	rec.Published = timeOf(fields["published"])
	rec.Modified = timeOf(fields["modified"])
	if raw, ok := fields["withdrawn"]; ok && string(raw) != "null" {
		rec.Withdrawn = true
	}
	var specific struct {
		Severity string `json:"severity"`
		URL      string `json:"url"`
	}
	part("database_specific", &specific)
	rec.Rating, rec.URL = specific.Severity, specific.URL
	if rec.URL == "" {
		rec.URL = advisoryURL(fields["references"])
	}
	var list []json.RawMessage
	part("affected", &list)
	for _, raw := range list {
		a, parts := parseAffected(raw)
		rec.Affected = append(rec.Affected, a...)
		lost = append(lost, parts...)
	}
	return rec, lost, nil
}

// advisoryURL is the first reference to an advisory.
func advisoryURL(raw json.RawMessage) string {
	var refs []struct{ Type, URL string }
	if json.Unmarshal(raw, &refs) != nil {
		return ""
	}
	for _, r := range refs {
		if r.Type == "ADVISORY" {
			return r.URL
		}
	}
	return ""
}

func timeOf(raw json.RawMessage) time.Time {
	var t time.Time
	if len(raw) == 0 || json.Unmarshal(raw, &t) != nil {
		return time.Time{}
	}
	return t
}

func parseAffected(raw json.RawMessage) (out []affected, lost []string) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return nil, []string{"affected"}
	}
	var a affected
	var pkg struct{ Ecosystem, Name string }
	if json.Unmarshal(fields["package"], &pkg) != nil || pkg.Name == "" {
		if _, ok := fields["package"]; ok {
			return nil, []string{"affected.package"}
		}
		return nil, nil // a record about a commit, of no package
	}
	// An ecosystem may have a suffix, such as "Debian:12".
	a.Ecosystem, _, _ = strings.Cut(pkg.Ecosystem, ":")
	a.Name = pkg.Name
	if raw, ok := fields["versions"]; ok {
		var versions []json.RawMessage
		if json.Unmarshal(raw, &versions) != nil {
			lost = append(lost, "affected.versions")
		}
		for _, raw := range versions {
			var v string
			if json.Unmarshal(raw, &v) != nil {
				lost = append(lost, "affected.versions")
				continue
			}
			a.Versions = append(a.Versions, v)
		}
	}
	if raw, ok := fields["severity"]; ok && json.Unmarshal(raw, &a.Severity) != nil {
		lost = append(lost, "affected.severity")
	}
	var parts []string
	a.Ranges, parts = parseRanges(fields["ranges"])
	lost = append(lost, parts...)
	var specific struct {
		Custom  json.RawMessage         `json:"custom_ranges"`
		Imports []struct{ Path string } `json:"imports"`
	}
	if raw, ok := fields["ecosystem_specific"]; ok && json.Unmarshal(raw, &specific) == nil {
		a.Custom, parts = parseRanges(specific.Custom)
		lost = append(lost, parts...)
		for _, i := range specific.Imports {
			a.Packages = append(a.Packages, i.Path)
		}
	}
	return []affected{a}, lost
}

func parseRanges(raw json.RawMessage) (out []osvRange, lost []string) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil, []string{"ranges"}
	}
	for _, raw := range list {
		var r struct {
			Type   string                       `json:"type"`
			Events []map[string]json.RawMessage `json:"events"`
		}
		if json.Unmarshal(raw, &r) != nil {
			lost = append(lost, "ranges")
			// A range that cannot be read leaves the verdict open.
			out = append(out, osvRange{Type: "?"})
			continue
		}
		if r.Type == "GIT" {
			continue // commits: the versions are in the list or in other ranges
		}
		rng := osvRange{Type: r.Type}
		for _, e := range r.Events {
			// One event holds one key by the schema; some hold two.
			for name, raw := range e {
				kind, known := map[string]eventKind{"introduced": introduced, "fixed": fixed, "last_affected": lastAffected, "limit": limit}[name]
				var text string
				if !known || json.Unmarshal(raw, &text) != nil {
					lost = append(lost, "events")
					rng.Type = "?"
					continue
				}
				rng.Events = append(rng.Events, event{kind, text})
			}
		}
		out = append(out, rng)
	}
	return out, lost
}
