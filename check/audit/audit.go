// Package audit compares what a project depends on with the known
// vulnerabilities, and says of every dependency what became of it.
//
// It reads no network: the advisories come from a database that was compiled
// before, see package advisories. "No vulnerability was found" is said only
// of what was compared; what could not be is listed beside it.
package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/audit/advisories"
	"github.com/pavise-dev/pavise/check/audit/inventory"
	"github.com/pavise-dev/pavise/finding"
)

// DefaultMaxAge is the age of a database from which on it is called old.
const DefaultMaxAge = 7 * 24 * time.Hour

// Options say what to audit, and against what.
type Options struct {
	// Inventory says what to read.
	Inventory inventory.Options
	// Database is the path of the compiled advisories; empty means
	// [advisories.DefaultPath].
	Database string
	// MaxAge of the database before its age is reported; 0 means
	// DefaultMaxAge.
	MaxAge time.Duration
	// Ignores are findings that were looked at and let be.
	Ignores []Ignore
	// VEX are files of OpenVEX statements about the project.
	VEX []string
	// EPSS and KEV are files that say what is exploited: FIRST's scores as
	// CSV, perhaps gzipped, and CISA's catalogue as JSON. They order the
	// findings; empty means none.
	EPSS, KEV string
	// Reach also looks whether the project calls or imports what is
	// vulnerable.
	Reach bool
	// Details brings the advisories' own texts.
	Details bool
	// Now is the time; nil means time.Now.
	Now func() time.Time
	// Progress is told what is being done; it may be nil.
	Progress func(step string, done, total int64)
}

// ErrDatabase says that there is no database to compare with, or no usable
// one: nothing was audited.
var ErrDatabase = errors.New("nothing was audited")

// A Report is what an audit found.
type Report struct {
	// Database that was compared with.
	Database advisories.Status
	// Old is how old the database is if that is too old, and otherwise 0. One
	// without a date is of the longest Duration.
	Old time.Duration
	// Inventory is every dependency and what became of it.
	Inventory *inventory.Inventory
	// Vulnerabilities that count, the worst first.
	Vulnerabilities []Vulnerability
	// Ignored ones, each with the reason that the project gave.
	Ignored []Ignored
	// Undecided are advisories of which it could not be told whether they
	// concern the dependency.
	Undecided []Vulnerability
	// Stale are ignores that are of no use any more.
	Stale []StaleIgnore
	// Notes are for the reader.
	Notes []string
}

// A Vulnerability is what one or more advisories say of one version of one
// package. Advisories that are aliases of each other are one.
type Vulnerability struct {
	// ID is the name under which most people know it: the CVE if it has one.
	ID string `json:"id"`
	// Aliases are its other names.
	Aliases []string `json:"aliases"`
	// Records are the advisories that matched.
	Records   []string            `json:"records"`
	Ecosystem inventory.Ecosystem `json:"ecosystem"`
	Package   string              `json:"package"`
	Version   string              `json:"version"`
	// Where it is depended on.
	Where []inventory.Place `json:"where"`
	// Summary in a line.
	Summary string `json:"summary,omitempty"`
	// Details is Markdown that anybody may have written.
	Details string `json:"details,omitempty"`
	URL     string `json:"url,omitempty"`
	// Severity is Unknown where no alias has a score.
	Severity finding.Severity `json:"severity"`
	// Score is the CVSS base score, 0.0 to 10.0, and Vector what it comes
	// from; empty where there is none.
	Score  float64 `json:"score,omitempty"`
	Vector string  `json:"vector,omitempty"`
	// Malicious tells that the package is an attack, not a victim.
	Malicious bool `json:"malicious,omitempty"`
	// Fixed are the versions after this one that the advisories call fixed.
	Fixed []string `json:"fixed_versions"`
	// Safe is the smallest version after this one that no advisory at all
	// concerns; empty where none is known.
	Safe string `json:"safe_version,omitempty"`
	// Reach says how the project uses it, where that was asked for.
	Reach Reach `json:"reach,omitempty"`
	// EPSS is the probability of exploitation within 30 days, 0 to 1.
	EPSS float64 `json:"epss,omitempty"`
	// KEV tells that exploitation is known.
	KEV bool `json:"kev,omitempty"`
	// Note says what else there is to know of the match.
	Note string `json:"note,omitempty"`

	published time.Time
}

// Names are all its names, the best known first.
func (v *Vulnerability) Names() []string { return append([]string{v.ID}, v.Aliases...) }

// Run audits. Its error means that nothing could be told: ErrDatabase,
// [inventory.ErrNothing], or a mistake in the options.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxAge == 0 {
		o.MaxAge = DefaultMaxAge
	}
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	for i, ig := range o.Ignores {
		if err := ig.Check(); err != nil {
			return nil, fmt.Errorf("ignore %d: %w", i+1, err)
		}
	}
	statements, err := readVEX(o.VEX)
	if err != nil {
		return nil, err
	}
	rank, err := readPriorities(o.EPSS, o.KEV)
	if err != nil {
		return nil, err
	}
	path := o.Database
	if path == "" {
		if path, err = advisories.DefaultPath(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDatabase, err)
		}
	}
	db, err := advisories.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDatabase, err)
	}
	defer db.Close() //nolint:errcheck // read only
	o.Progress("reading the project", 0, 0)
	inv, err := inventory.Read(ctx, o.Inventory)
	if err != nil {
		return nil, err
	}
	r := &Report{Database: db.Status(), Inventory: inv}
	m := &matcher{db: db, o: o, rank: rank}
	all, err := m.match(ctx, inv)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDatabase, err)
	}
	r.Undecided = m.undecided
	if as, ok := r.AsOf(); ok && o.Now().Sub(as) > o.MaxAge {
		r.Old = o.Now().Sub(as)
	}
	if o.Reach {
		if err := reach(ctx, db, o, inv, all, r); err != nil {
			return nil, err
		}
	}
	order(all)
	r.apply(all, o.Ignores, statements, o.Now())
	r.notes()
	return r, nil
}

// AsOf is how current the advisories are that the project was compared with;
// the zero time means that they do not say. It is not ok where the project was
// compared with none.
func (r *Report) AsOf() (as time.Time, ok bool) {
	var used []string
	for _, d := range r.Inventory.Dependencies {
		if e := string(d.Ecosystem); d.Status == inventory.Audited && !slices.Contains(used, e) {
			used = append(used, e)
		}
	}
	if len(used) == 0 {
		return time.Time{}, false
	}
	return r.Database.AsOf(used...), true
}

// notes are what a reader should know of the database.
func (r *Report) notes() {
	for _, s := range r.Database.Sources {
		if n := len(s.Unreadable); n > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%s of %s's advisories could not be read: pavise db status says which", plural(n, "file", "files"), s.Ecosystem))
		}
	}
}

// order puts first what to look at first: what is exploited, what is likely
// to be, what is worst.
func order(all []Vulnerability) {
	known := func(b bool) int {
		if b {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b Vulnerability) int {
		if d := known(a.Malicious) - known(b.Malicious); d != 0 {
			return d
		}
		if d := known(a.KEV) - known(b.KEV); d != 0 {
			return d
		}
		if a.EPSS != b.EPSS {
			if a.EPSS > b.EPSS {
				return -1
			}
			return 1
		}
		if d := rankOf(b.Severity) - rankOf(a.Severity); d != 0 {
			return d
		}
		if a.Score != b.Score {
			if a.Score > b.Score {
				return -1
			}
			return 1
		}
		if d := strings.Compare(a.Package, b.Package); d != 0 {
			return d
		}
		return strings.Compare(a.ID, b.ID)
	})
}

// rankOf orders severities for reading: what nobody scored comes between high
// and medium, for it may be anything.
func rankOf(s finding.Severity) int {
	if s == finding.Unknown {
		return 2*int(finding.Medium) + 1
	}
	return 2 * int(s)
}
