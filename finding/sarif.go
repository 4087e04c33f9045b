package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"
)

// The parts of SARIF 2.1.0 (OASIS) that are written. Members that say nothing
// are left out: a column of -1 or an empty rule makes code hosts refuse a file.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
		ColumnKind  string            `json:"columnKind"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID         string          `json:"id"`
		Short      sarifText       `json:"shortDescription"`
		Full       *sarifText      `json:"fullDescription,omitempty"`
		Help       *sarifText      `json:"help,omitempty"`
		HelpURI    string          `json:"helpUri,omitempty"`
		Default    sarifConfig     `json:"defaultConfiguration"`
		Properties sarifProperties `json:"properties"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifProperties struct {
		Severity string   `json:"security-severity,omitempty"`
		Tags     []string `json:"tags"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		Properties   sarifRefs         `json:"properties"`
	}
	sarifRefs struct {
		Severity Severity `json:"severity"`
		Refs     []string `json:"refs,omitempty"`
		Verdict  Verdict  `json:"verdict,omitzero"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
	}
)

func writeSARIF(w io.Writer, r Run) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: r.Tool, Version: r.Version, Rules: []sarifRule{}}
	index := map[string]int{}
	worst := map[string]Severity{}
	for _, f := range r.Findings {
		if s, ok := worst[f.Rule]; !ok || f.Severity > s {
			worst[f.Rule] = f.Severity
		}
	}
	seen := map[string]int{}
	for _, f := range r.Findings {
		i, ok := index[f.Rule]
		if !ok {
			i = len(run.Tool.Driver.Rules)
			index[f.Rule] = i
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(f.Rule, r.Rules[f.Rule], worst[f.Rule]))
		}
		text := said(f)
		if f.Fix != "" {
			text += "\nFix: " + f.Fix
		}
		// The same finding keeps its fingerprint when lines above it come and
		// go; of several that are alike, each has its number.
		at := placeOf(f.Where)
		sum := sha256.Sum256([]byte(f.Rule + "\x00" + at.file + "\x00" + f.Problem))
		print := hex.EncodeToString(sum[:16])
		seen[print]++
		run.Results = append(run.Results, sarifResult{
			RuleID: f.Rule, RuleIndex: i, Level: level(f.Severity), Message: sarifText{text},
			Locations:    locations(f.Where),
			Fingerprints: map[string]string{"primaryLocationLineHash": fmt.Sprintf("%s:%d", print, seen[print])},
			Properties:   sarifRefs{f.Severity, slices.Compact(slices.Clone(f.Refs)), f.Verdict},
		})
	}
	inv := sarifInvocation{Successful: len(r.Unknowns) == 0}
	for _, u := range r.Unknowns {
		inv.Notifications = append(inv.Notifications, sarifNotification{Level: "error", Message: sarifText{"could not tell: " + u.Where + ": " + u.Problem}, Locations: locations(u.Where)})
	}
	for _, n := range r.Notes {
		inv.Notifications = append(inv.Notifications, sarifNotification{Level: "note", Message: sarifText{n}})
	}
	run.Invocations = []sarifInvocation{inv}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	})
}

func sarifRuleOf(id string, doc Rule, worst Severity) sarifRule {
	out := sarifRule{ID: id, Short: sarifText{doc.Short}, HelpURI: doc.URL, Default: sarifConfig{level(worst)}}
	if doc.Short == "" {
		out.Short.Text = id
	}
	if doc.Help != "" {
		out.Full, out.Help = &sarifText{doc.Help}, &sarifText{doc.Help}
	}
	out.Properties.Tags = []string{"security"}
	// GitHub sorts by this number, in the bands of CVSS.
	out.Properties.Severity = map[Severity]string{Critical: "9.5", High: "8.0", Medium: "5.5", Low: "2.0", Info: "0.1"}[worst]
	return out
}

func level(s Severity) string {
	switch s {
	case Critical, High:
		return "error"
	case Low, Info:
		return "note"
	}
	return "warning"
}

// locations is where a result is. A code host shows only results with a file;
// a URL becomes a logical location.
func locations(where string) []sarifLocation {
	p := placeOf(where)
	if p.file == "" {
		if where == "" {
			return nil
		}
		return []sarifLocation{{Logical: []sarifLogical{{Name: where}}}}
	}
	loc := sarifLocation{Physical: &sarifPhysical{Artifact: sarifArtifact{uriOf(p.file)}}}
	if p.line > 0 {
		loc.Physical.Region = &sarifRegion{StartLine: p.line, StartColumn: p.column}
	}
	return []sarifLocation{loc}
}

// uriOf is a file as a relative reference. What lies outside of the folder
// keeps its place: another file of the same name is not it.
func uriOf(file string) string {
	u := url.URL{Path: path.Clean(file)}
	s := u.String()
	if strings.HasPrefix(s, "//") {
		s = "/" + strings.TrimLeft(s, "/")
	}
	return s
}
