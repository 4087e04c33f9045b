package pavise

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// modes answers which mode a rule is in.
type modes struct {
	all guard.Mode
	by  map[string]guard.Mode // guard or rule
}

func newModes(p Policy, rules []guard.Rule) (modes, error) {
	var errs []error
	known := map[string]bool{}
	for _, r := range rules {
		known[r.ID] = true
		name, _, _ := strings.Cut(r.ID, "/")
		known[name] = true
	}
	if !validMode(p.Mode) && p.Mode != "" {
		errs = append(errs, fmt.Errorf("mode: %q is not enforce or observe", p.Mode))
	}
	for _, key := range slices.Sorted(maps.Keys(p.Modes)) {
		if !known[key] {
			errs = append(errs, fmt.Errorf("modes.%s: no guard and no rule has this name; pavise explain lists them", key))
		}
		if !validMode(p.Modes[key]) {
			errs = append(errs, fmt.Errorf("modes.%s: %q is not enforce or observe", key, p.Modes[key]))
		}
	}
	m := modes{all: p.Mode, by: maps.Clone(p.Modes)}
	if m.all == "" {
		m.all = guard.Enforce
	}
	return m, errors.Join(errs...)
}

func validMode(m guard.Mode) bool { return m == guard.Enforce || m == guard.Observe }

// of returns the mode of a rule: its own, or its guard's, or the policy's.
func (m modes) of(rule string) guard.Mode {
	if mode, ok := m.by[rule]; ok {
		return mode
	}
	name, _, _ := strings.Cut(rule, "/")
	if mode, ok := m.by[name]; ok {
		return mode
	}
	return m.all
}
