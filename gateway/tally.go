package gateway

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

// maxTallies bounds the memory that made-up paths can take.
const maxTallies = 4096

// A Tally says how often requests on one route ran into one rule.
type Tally struct {
	Rule        string    `json:"rule"`
	Route       string    `json:"route"`        // method and path, with segments that look like ids as {id}
	WouldRefuse int64     `json:"would_refuse"` // let pass in observe mode
	Refused     int64     `json:"refused"`
	Reason      string    `json:"reason"` // of the latest
	Last        time.Time `json:"last"`
}

// tallies counts verdicts since the start of the process.
type tallies struct {
	mu   sync.Mutex
	rows map[[2]string]*Tally
}

func (t *tallies) add(r *http.Request, ref *guard.Refusal, observed bool) {
	route := r.Method + " " + Route(r.URL.Path)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == nil {
		t.rows = map[[2]string]*Tally{}
	}
	key := [2]string{ref.Rule, route}
	row := t.rows[key]
	if row == nil {
		if len(t.rows) >= maxTallies {
			route = "(other routes)"
			key[1] = route
			row = t.rows[key]
		}
		if row == nil {
			row = &Tally{Rule: ref.Rule, Route: route}
			t.rows[key] = row
		}
	}
	if observed {
		row.WouldRefuse++
	} else {
		row.Refused++
	}
	row.Reason, row.Last = ref.Reason, time.Now().UTC()
}

// list returns the tallies by rule, and within a rule the most frequent first.
func (t *tallies) list() []Tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]Tally, 0, len(t.rows))
	for _, row := range t.rows {
		out = append(out, *row)
	}
	SortTallies(out)
	return out
}

// SortTallies orders tallies by rule, and within a rule the most frequent
// first.
func SortTallies(rows []Tally) {
	slices.SortFunc(rows, func(a, b Tally) int {
		return cmp.Or(
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(b.WouldRefuse+b.Refused, a.WouldRefuse+a.Refused),
			cmp.Compare(a.Route, b.Route),
		)
	})
}

// Route returns a path with the segments that look like ids as {id}, so that
// a report has a row a route and not one a request.
func Route(path string) string {
	if len(path) > 256 {
		path = path[:256] + "…"
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if looksLikeID(s) {
			segments[i] = "{id}"
		}
	}
	return strings.Join(segments, "/")
}

// looksLikeID: all digits, or long and with a digit among letters, as UUIDs,
// hashes and most tokens are.
func looksLikeID(s string) bool {
	if s == "" {
		return false
	}
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case c == '-', c == '_', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		default:
			return false
		}
	}
	return digits == len(s) || len(s) >= 16 && digits >= 2
}
