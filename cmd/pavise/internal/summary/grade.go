package summary

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/finding"
)

// A Grade is a letter, the points behind it, and how they came about.
type Grade struct {
	// Letter is empty where there is no grade; there are no points then.
	Letter string `json:"letter"`
	Points int    `json:"points"`
	// None says why there is no grade; empty means that there is one.
	None string `json:"not_graded,omitempty"`
	// Lines are the arithmetic.
	Lines []string `json:"arithmetic"`
	// Counts are the findings by severity.
	Counts map[string]int `json:"counts"`
}

// cost is what a finding of a severity takes away, and the most that all of
// them together do: a hundred small ones are not worse than a hole.
var costs = []struct {
	severity   finding.Severity
	each, most int
}{
	{finding.Critical, 25, 75},
	{finding.High, 10, 50},
	{finding.Medium, 3, 30},
	{finding.Low, 1, 10},
}

// grade begins with 100 points and takes away. An area that could not be told
// caps the letter: it is not known to be good. Where nothing was looked at
// there is no letter at all.
func grade(r *Report) Grade {
	g := Grade{Points: 100, Counts: map[string]int{}}
	for _, f := range r.All() {
		g.Counts[weight(f).String()]++
	}
	if !slices.ContainsFunc(r.Areas, func(a Area) bool { return a.looked }) {
		g.None, g.Points = "nothing was looked at", 0
		for _, a := range r.Areas {
			switch {
			case a.Skipped != "":
				g.Lines = append(g.Lines, a.Name+" was not looked at: "+a.Skipped)
			case len(a.Unknowns) > 0:
				g.Lines = append(g.Lines, a.Name+" could not be told")
			case len(a.Findings) == 0:
				g.Lines = append(g.Lines, "there is nothing for "+a.Name)
			}
		}
		return g
	}
	g.Lines = append(g.Lines, "100 to begin with")
	for _, c := range costs {
		n := g.Counts[c.severity.String()]
		if n == 0 {
			continue
		}
		minus := min(n*c.each, c.most)
		line := fmt.Sprintf("- %d for %d %s, %d each", minus, n, c.severity, c.each)
		if n*c.each > c.most {
			line += fmt.Sprintf(" and %d at the most", c.most)
		}
		g.Points -= minus
		g.Lines = append(g.Lines, line)
	}
	g.Points = max(g.Points, 0)
	g.Letter = letter(g.Points)
	g.Lines = append(g.Lines, fmt.Sprintf("= %d, which is %s", g.Points, g.Letter))
	limit := func(to, why string) {
		if g.Letter < to {
			g.Letter = to
			g.Lines = append(g.Lines, fmt.Sprintf("%s at the best: %s", to, why))
		}
	}
	if n := g.Counts[finding.Critical.String()]; n > 0 {
		limit("D", "a critical finding is open")
	} else if n := g.Counts[finding.High.String()]; n > 0 {
		limit("B", "a high finding is open")
	}
	var missing, partly []string
	unknown, looked := 0, 0
	for _, a := range r.Areas {
		switch {
		case a.missing():
			missing = append(missing, a.Name)
		case a.looked:
			looked++
		}
		if !a.missing() && a.mostlyUnknown {
			partly = append(partly, a.Name)
		}
		unknown += len(a.Unknowns)
	}
	if len(missing) > 0 {
		limit("B", strings.Join(missing, " and ")+" could not be told")
	}
	if len(partly) > 0 {
		limit("B", "most of "+strings.Join(partly, " and of ")+" could not be told")
	}
	// A run that left most out says little of the project.
	if len(missing) > looked {
		limit("C", fmt.Sprintf("more areas are missing (%d) than were looked at (%d)", len(missing), looked))
	}
	if unknown > 0 {
		things := "things"
		if unknown == 1 {
			things = "thing"
		}
		g.Lines = append(g.Lines, fmt.Sprintf("%d %s could not be told, and did not count", unknown, things))
	}
	return g
}

// measure settles how much of an area was looked at, before findings that do
// not count are taken out.
func (a *Area) measure() {
	told := a.Kept + len(a.Findings)
	a.looked = a.Skipped == "" && told > 0
	a.mostlyUnknown = len(a.Unknowns) > told
}

// missing tells whether nothing is known of an area. One in which there is
// nothing to look at is not missing.
func (a *Area) missing() bool {
	return a.Skipped != "" || !a.looked && len(a.Unknowns) > 0
}

// Title is the grade in words.
func (g Grade) Title() string {
	if g.None != "" {
		return "not graded: " + g.None
	}
	return "grade " + g.Letter
}

// Mark is the letter, or what stands in its place.
func (g Grade) Mark() string {
	if g.None != "" {
		return "–"
	}
	return g.Letter
}

// Since compares with an earlier grade, where both are there.
func (g Grade) Since(before *Grade) string {
	switch {
	case before == nil:
		return ""
	case g.None != "":
		return before.Letter + " before"
	}
	return fmt.Sprintf("%s before, %+d points", before.Letter, g.Points-before.Points)
}

func letter(points int) string {
	switch {
	case points >= 90:
		return "A"
	case points >= 75:
		return "B"
	case points >= 60:
		return "C"
	case points >= 40:
		return "D"
	}
	return "E"
}

// Colour is one that a badge has for a letter.
func (g Grade) Colour() string {
	switch g.Letter {
	case "":
		return "lightgrey"
	case "A":
		return "brightgreen"
	case "B":
		return "green"
	case "C":
		return "yellow"
	case "D":
		return "orange"
	}
	return "red"
}
