package probe

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/pavise-dev/pavise/finding"
)

// WriteText writes the report for a reader: what is broken first and with
// all that shows it, then what could not be told, then what is kept.
func (r *Report) WriteText(w io.Writer) error {
	var err error
	printf := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, format, args...)
		}
	}
	for _, res := range r.Results {
		if res.Verdict == Broken {
			printf("broken          %-28s %s\n", res.ID, res.Claim)
			printf("                  got   %s\n", finding.Printable(res.Got))
			printf("                  want  %s\n", res.Want)
			if res.Shown != "" {
				printf("                  try   %s\n", res.Shown)
			}
		}
	}
	for _, res := range r.Results {
		if res.Verdict == CouldNotTell {
			printf("could not tell  %-28s %s\n", res.ID, res.Claim)
			printf("                  why   %s\n", finding.Printable(res.Reason))
		}
	}
	for _, res := range r.Results {
		if res.Verdict == Kept {
			printf("kept            %-28s %s\n", res.ID, res.Claim)
		}
	}
	printf("\n%s: %d kept, %d broken, %d could not tell", r.URL, r.Count(Kept), r.Count(Broken), r.Count(CouldNotTell))
	if r.Left > 0 {
		printf(", %d left out", r.Left)
	}
	printf("\n")
	return err
}

// WriteJSON writes the report for a program, with the totals.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		*Report
		Kept         int `json:"kept"`
		Broken       int `json:"broken"`
		CouldNotTell int `json:"could_not_tell"`
	}{r, r.Count(Kept), r.Count(Broken), r.Count(CouldNotTell)})
}
