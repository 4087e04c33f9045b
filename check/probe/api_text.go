package probe

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/finding"
)

// WriteText writes the report for a reader: what failed first, with the lines
// that show it, then what is suspected, then what could not be told, by
// reason, and the sums.
func (r *APIReport) WriteText(w io.Writer) error {
	var err error
	printf := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, format, args...)
		}
	}
	if len(r.Plan) > 0 {
		for _, p := range r.Plan {
			printf("%s\n", finding.Printable(p))
		}
		for _, n := range r.Notes {
			printf("note: %s\n", finding.Printable(n))
		}
		return err
	}
	for _, verdict := range []string{"fail", "suspect"} {
		results := slices.Clone(r.Results)
		slices.SortStableFunc(results, func(a, b APIResult) int { return int(b.Severity - a.Severity) })
		for _, res := range results {
			if res.Verdict != verdict {
				continue
			}
			printf("%-8s %-8s  %s  %s\n", verdict, res.Severity, res.Check, res.Operation)
			printf("          claim %s\n", res.Claim)
			printf("          got   %s\n", finding.Printable(res.Got))
			printf("          want  %s\n", finding.Printable(res.Want))
			for i, s := range res.Steps {
				label := "then"
				if i == 0 {
					label = "try "
				}
				printf("          %s  %s\n", label, finding.Printable(s))
			}
			fix := res.Fix
			if res.Pavise != "" {
				fix = strings.TrimSuffix(fix, ".") + ". Pavise: " + res.Pavise
			}
			printf("          fix   %s\n", fix)
		}
	}
	for _, g := range r.reasons() {
		printf("%s\n", finding.Printable(g))
	}
	for _, u := range r.Uncovered {
		printf("no baseline  %s: %s\n", u.Where, finding.Printable(u.Problem))
	}
	for _, n := range r.Notes {
		printf("note: %s\n", finding.Printable(n))
	}
	printf("\n%s: %d passed, %d failed, %d suspected, %d inconclusive; %d of %d operations answered a valid request; %d requests in %s, seed %d\n",
		r.URL, r.Count("pass"), r.Count("fail"), r.Count("suspect"), r.Count("inconclusive"), r.Covered, r.Operations, r.Requests, r.Duration.Round(100*time.Millisecond), r.Seed)
	if r.Left > 0 {
		printf("%d objects that were made could not be deleted\n", r.Left)
	}
	return err
}

// reasons are why checks are inconclusive, each once, with how many.
func (r *APIReport) reasons() []string {
	var order []string
	count := map[string]int{}
	for _, res := range r.Results {
		if res.Verdict != "inconclusive" {
			continue
		}
		key := fmt.Sprintf("inconclusive  %s: %s", res.Check, res.Reason)
		if count[key] == 0 {
			order = append(order, key)
		}
		count[key]++
	}
	for i, key := range order {
		if n := count[key]; n > 1 {
			order[i] = fmt.Sprintf("%s (%d operations)", key, n)
		}
	}
	return order
}

// Coverage is how much of the API answered a valid request, from 0 to 1.
func (r *APIReport) Coverage() float64 {
	if r.Operations == 0 {
		return 0
	}
	return float64(r.Covered) / float64(r.Operations)
}
