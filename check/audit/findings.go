package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/audit/inventory"
	"github.com/pavise-dev/pavise/finding"
)

// The rules of findings.
const (
	RuleVulnerable    = "audit/vulnerable"
	RuleMalicious     = "audit/malicious"
	RuleUnpinned      = "audit/unpinned"
	RuleIgnoreExpired = "audit/ignore-expired"
	RuleIgnoreUnused  = "audit/ignore-unused"
)

// Findings are what counts, in the shape that every check reports: the
// vulnerabilities, direct dependencies without a version, and ignores that
// are of no use.
func (r *Report) Findings() []finding.Finding {
	var out []finding.Finding
	for i := range r.Vulnerabilities {
		v := &r.Vulnerabilities[i]
		rule, refs := RuleVulnerable, append(v.Names(), "CWE-1395")
		problem := fmt.Sprintf("%s %s has %s", v.Package, v.Version, v.ID)
		if v.Malicious {
			rule, refs = RuleMalicious, append(v.Names(), "CWE-506")
			problem = fmt.Sprintf("%s %s is malicious: %s", v.Package, v.Version, v.ID)
		}
		if v.Summary != "" {
			problem += ": " + v.Summary
		}
		for _, w := range v.Where {
			out = append(out, finding.Finding{Rule: rule, Where: w.String(), Problem: problem, Fix: v.advice(), Severity: v.Severity, Refs: refs})
		}
	}
	for _, d := range r.Inventory.Dependencies {
		if d.Unpinned && d.Status == inventory.Unaudited {
			out = append(out, finding.Finding{
				Rule: RuleUnpinned, Where: d.Where.String(), Severity: finding.Low,
				Problem: fmt.Sprintf("%s is not pinned: %s", d.Name, d.Reason),
				Fix:     "pin it to one version, or keep a lock file beside it",
				Refs:    []string{"CWE-1357"},
			})
		}
	}
	for _, s := range r.Stale {
		f := finding.Finding{Rule: RuleIgnoreUnused, Where: "pavise.yaml", Severity: finding.Low, Fix: "remove it from audit.ignore"}
		f.Problem = fmt.Sprintf("the ignore of %s is stale: %s", s.ID, s.Why)
		if s.Expired {
			f.Rule, f.Fix = RuleIgnoreExpired, "fix what it ignores, or decide again and set a new date"
		}
		out = append(out, f)
	}
	return out
}

// advice says what to do about a vulnerability.
func (v *Vulnerability) advice() string {
	switch {
	case v.Malicious:
		return fmt.Sprintf("remove %s, and treat every machine that installed it as compromised", v.Package)
	case v.Safe != "":
		return fmt.Sprintf("update %s to %s", v.Package, v.Safe)
	case len(v.Fixed) > 0:
		return fmt.Sprintf("update %s to %s, which other advisories concern", v.Package, v.Fixed[0])
	}
	return "no fixed version is known: is it used where it can be reached, and can it be replaced?"
}

// title is what a dependency is called where it is listed.
func title(d inventory.Dependency) string {
	name := d.Name
	if name == "" {
		name = d.Text
	}
	return strings.TrimSpace(name + " " + d.Version)
}

// Unknown is something that could not be told.
type Unknown struct {
	Where   string `json:"where"`
	Problem string `json:"problem"`
	// Always tells that it counts without --strict: a whole file, not a line,
	// or a line where nothing else could be audited either.
	Always bool `json:"always"`
}

// Unknowns are what could not be told, by place: files that could not be
// read, dependencies that could not be compared, advisories that could not be
// decided, and an old database.
func (r *Report) Unknowns() []Unknown {
	type entry struct {
		where inventory.Place
		Unknown
	}
	var all []entry
	add := func(where inventory.Place, always bool, problem string) {
		all = append(all, entry{where, Unknown{Where: where.String(), Problem: problem, Always: always}})
	}
	type line struct {
		where inventory.Place
		text  string
	}
	said := map[line]bool{}
	for _, p := range r.Inventory.Problems {
		add(p.Where, true, p.Text)
		said[line{p.Where, p.Text}] = true
	}
	nothing := r.Inventory.Count(inventory.Audited) == 0
	for _, d := range r.Inventory.Dependencies {
		// A line that is malformed is a dependency and a problem.
		if d.Status == inventory.Unaudited && !said[line{d.Where, d.Reason}] {
			add(d.Where, nothing, strings.TrimSpace(title(d)+": "+d.Reason))
		}
	}
	for i := range r.Undecided {
		v := &r.Undecided[i]
		for _, w := range v.Where {
			add(w, false, fmt.Sprintf("%s %s: %s: %s", v.Package, v.Version, v.ID, v.Note))
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return a.where.Compare(b.where) })
	var out []Unknown
	for _, e := range all {
		out = append(out, e.Unknown)
	}
	if r.Old > 0 {
		age := fmt.Sprintf("is %d days old", int(r.Old/(24*time.Hour)))
		if as, _ := r.AsOf(); as.IsZero() {
			age = "does not say how old it is"
		}
		next := "run pavise db update"
		if r.Database.Excerpt {
			next = "make the excerpt anew with pavise db excerpt"
		}
		out = append(out, Unknown{Where: "advisory database", Problem: age + ": " + next})
	}
	return out
}

// Fails tells whether a vulnerability or another finding is as severe as the
// threshold. What nobody scored is as severe as any.
func (r *Report) Fails(threshold finding.Severity) bool {
	for _, f := range r.Findings() {
		if f.Severity == finding.Unknown || f.Severity >= threshold {
			return true
		}
	}
	return false
}

// vexID is the same for the same findings about the same product.
func vexID(r *Report, product string) string {
	var b strings.Builder
	b.WriteString(product)
	for i := range r.Vulnerabilities {
		v := &r.Vulnerabilities[i]
		fmt.Fprintf(&b, "\n%q %q %q %q", v.ID, v.Ecosystem, v.Package, v.Version)
	}
	for i := range r.Ignored {
		v := &r.Ignored[i]
		fmt.Fprintf(&b, "\nignored %q %q %q %q", v.ID, v.Ecosystem, v.Package, v.Version)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// Rules describe the findings' rules.
func Rules() map[string]finding.Rule {
	return map[string]finding.Rule{
		RuleVulnerable:    {Short: "A dependency has a known vulnerability", Help: "An advisory says that this version is affected. Update it to the version that the finding names; if there is none, look whether what is vulnerable is used, and write down the answer as an ignore with a reason."},
		RuleMalicious:     {Short: "A dependency is malicious", Help: "The package, or this version of it, was published to attack whoever installs it. Remove it, and treat every machine that installed it as compromised."},
		RuleUnpinned:      {Short: "A direct dependency is not pinned", Help: "Which version is installed depends on the day, so that nothing can be said of it, and a malicious release is installed the hour it appears. Pin it, or keep a lock file."},
		RuleIgnoreExpired: {Short: "An ignore has expired", Help: "The date of the ignore is past, or there is a version to update to by now."},
		RuleIgnoreUnused:  {Short: "An ignore matches nothing", Help: "What it ignored is gone. Left where it is, it would hide the next thing of that name."},
	}
}
