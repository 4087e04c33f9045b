package audit

import (
	"strings"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"

	"github.com/pavise-dev/pavise/check/audit/advisories"
	"github.com/pavise-dev/pavise/finding"
)

// severity is the advisory's, by the newest CVSS that it or an alias has a
// vector of, and the higher of two; or else by the word that a database gives.
// A malicious package is critical whatever they say.
func severity(a *advisories.Advisory) (finding.Severity, float64, string) {
	var (
		best   int
		score  float64
		vector string
	)
	for _, s := range a.Severity {
		generation, value, ok := cvss(s.Score)
		if !ok || generation < best || generation == best && value <= score {
			continue
		}
		best, score, vector = generation, value, s.Score
	}
	switch {
	case a.Malicious:
		return finding.Critical, score, vector
	case best > 0:
		return ofScore(score), score, vector
	}
	return ofWord(a.Rating), score, vector
}

// cvss is the base score of a vector and the generation of CVSS it is of.
func cvss(vector string) (generation int, score float64, ok bool) {
	switch {
	case strings.HasPrefix(vector, "CVSS:4.0/"):
		if v, err := gocvss40.ParseVector(vector); err == nil {
			return 4, v.Score(), true
		}
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		if v, err := gocvss31.ParseVector(vector); err == nil {
			return 3, v.BaseScore(), true
		}
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		if v, err := gocvss30.ParseVector(vector); err == nil {
			return 3, v.BaseScore(), true
		}
	default:
		if v, err := gocvss20.ParseVector(vector); err == nil {
			return 2, v.BaseScore(), true
		}
	}
	return 0, 0, false
}

// ofScore is the qualitative scale of CVSS v3.1 (section 5) and v4.0 (section
// 6). What scores 0.0 is still a finding.
func ofScore(score float64) finding.Severity {
	switch {
	case score >= 9:
		return finding.Critical
	case score >= 7:
		return finding.High
	case score >= 4:
		return finding.Medium
	case score >= 0.1:
		return finding.Low
	}
	return finding.Info
}

func ofWord(word string) finding.Severity {
	switch strings.ToUpper(word) {
	case "CRITICAL":
		return finding.Critical
	case "HIGH", "IMPORTANT":
		return finding.High
	case "MODERATE", "MEDIUM":
		return finding.Medium
	case "LOW":
		return finding.Low
	}
	return finding.Unknown
}
