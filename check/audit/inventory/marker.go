package inventory

import (
	"fmt"
	"strings"

	"github.com/pavise-dev/pavise/check/audit/internal/pep508"
)

// environment is what markers are evaluated for.
func (o Options) environment() pep508.Environment {
	e := pep508.For(o.Python, o.Platform)
	e.Extras, e.Groups = o.Extras, []string{"*"}
	if len(o.Extras) == 0 {
		e.Extras = []string{"*"}
	}
	return e
}

// marker evaluates an environment marker for the chosen Python, platform and
// extras. Excluded says why the dependency is not installed there, and is
// empty where it is or where that depends on what was not chosen.
func (s *source) marker(text string) (excluded string, err error) {
	if strings.TrimSpace(text) == "" {
		return "", nil
	}
	m, err := pep508.ParseMarker(text)
	if err != nil {
		return "", err
	}
	return s.excludedBy(m), nil
}

func (s *source) excludedBy(m *pep508.Marker) string {
	if m == nil || m.Eval(s.run.options.environment()) != pep508.False {
		return ""
	}
	var where []string
	if p := s.run.options.Python; p != "" {
		where = append(where, "Python "+p)
	}
	if p := s.run.options.Platform; p != "" {
		where = append(where, p)
	}
	if len(s.run.options.Extras) > 0 {
		where = append(where, "the chosen extras")
	}
	return fmt.Sprintf("its marker %s is false for %s", m, strings.Join(where, ", "))
}
