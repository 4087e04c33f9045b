package audit

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/audit/inventory"
)

// An Ignore is a vulnerability that somebody looked at and let be.
type Ignore struct {
	// ID is any of its names.
	ID string `json:"id"`
	// Package narrows it to one package; empty means any.
	Package string `json:"package,omitempty"`
	// Reason is required: an ignore that nobody can explain is not one that
	// anybody decided.
	Reason string `json:"reason"`
	// Until is a date (2027-01-31, that day included) or "fixed": as long as
	// there is no version to update to. Empty means for good.
	Until string `json:"until,omitempty"`
}

// UntilFixed is the Until of an ignore that ends with the first safe version.
const UntilFixed = "fixed"

// Check returns every mistake in the ignore.
func (i Ignore) Check() error {
	var errs []error
	if strings.TrimSpace(i.ID) == "" {
		errs = append(errs, errors.New("id is missing: a CVE, GHSA, PYSEC, GO or MAL number"))
	}
	if strings.TrimSpace(i.Reason) == "" {
		errs = append(errs, fmt.Errorf("reason is missing for %q: say why it may be let be", i.ID))
	}
	if i.Until != "" && i.Until != UntilFixed {
		if _, err := time.Parse(time.DateOnly, i.Until); err != nil {
			errs = append(errs, fmt.Errorf("until %q is neither a date such as 2027-01-31 nor %q", i.Until, UntilFixed))
		}
	}
	return errors.Join(errs...)
}

// concerns tells whether the ignore names the vulnerability.
func (i Ignore) concerns(v *Vulnerability) bool {
	if i.Package != "" {
		key := inventory.Dependency{Ecosystem: v.Ecosystem, Name: i.Package}.Key()
		if key != (inventory.Dependency{Ecosystem: v.Ecosystem, Name: v.Package}).Key() {
			return false
		}
	}
	return slices.ContainsFunc(v.Names(), func(name string) bool { return strings.EqualFold(name, strings.TrimSpace(i.ID)) })
}

// expired says why the ignore does not count any more, or "".
func (i Ignore) expired(v *Vulnerability, now time.Time) string {
	switch i.Until {
	case "":
		return ""
	case UntilFixed:
		if v.Safe != "" {
			return fmt.Sprintf("version %s is safe", v.Safe)
		}
		return ""
	}
	day, err := time.Parse(time.DateOnly, i.Until)
	if err != nil || !now.Before(day.AddDate(0, 0, 1)) {
		return "its date, " + i.Until + ", is past"
	}
	return ""
}

// An Ignored vulnerability does not count.
type Ignored struct {
	Vulnerability
	// Reason that the project gives.
	Reason string `json:"reason"`
	// By is what ignores it: "policy", or the name of a VEX file.
	By string `json:"by"`
}

// A StaleIgnore is one that is of no use any more.
type StaleIgnore struct {
	Ignore
	// Why it is stale: expired, or it matches nothing.
	Why     string `json:"why"`
	Expired bool   `json:"expired"`
}

// apply sorts out what is ignored.
func (r *Report) apply(all []Vulnerability, ignores []Ignore, statements []statement, now time.Time) {
	matched := make([]bool, len(ignores))
	expired := make([]string, len(ignores))
	for _, v := range all {
		reason, by := "", ""
		for i, ig := range ignores {
			if !ig.concerns(&v) {
				continue
			}
			matched[i] = true
			if why := ig.expired(&v, now); why != "" {
				expired[i] = why
			} else if by == "" {
				reason, by = ig.Reason, "policy"
			}
		}
		if by == "" {
			if why, file, ok := dismissal(statements, &v); ok {
				reason, by = why, file
			}
		}
		if by != "" {
			r.Ignored = append(r.Ignored, Ignored{Vulnerability: v, Reason: reason, By: by})
		} else {
			r.Vulnerabilities = append(r.Vulnerabilities, v)
		}
	}
	for i, ig := range ignores {
		switch {
		case !matched[i]:
			r.Stale = append(r.Stale, StaleIgnore{Ignore: ig, Why: "it matches nothing that was found"})
		case expired[i] != "":
			r.Stale = append(r.Stale, StaleIgnore{Ignore: ig, Why: "it has expired: " + expired[i], Expired: true})
		}
	}
}
