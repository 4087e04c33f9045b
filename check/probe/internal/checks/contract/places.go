package contract

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// A text that Latin-1 lacks, in and beyond the first plane of Unicode: what is
// written into a header field, a log or a column of one byte or three a letter
// falls over one of the two.
const (
	wide     = "a text outside Latin-1"
	wideText = "pv\u0100\U0001f600x"
)

// slots are the places that may be changed: a path that is written to names an
// object, and stays.
func (s *surveyor) slots(b *trial.Baseline) []trial.Slot {
	all := slices.DeleteFunc(b.Draft.Slots(), func(x trial.Slot) bool { return x.In == "path" && b.Op.Writes() || x.In == "header" })
	// Parameters that a valid request leaves out are places too.
	for _, p := range b.Op.Params {
		switch {
		case p.In == "query" && !slices.ContainsFunc(all, func(x trial.Slot) bool { return x.In == "query" && x.Name == p.Name }):
			all = append(all, trial.Slot{In: "query", Name: p.Name, Schema: p.Schema})
		case p.In == "header" && !s.taken(b, p):
			all = append(all, trial.Slot{In: "header", Name: p.Name, Schema: p.Schema})
		}
	}
	return all
}

// taken tells whether a header field has a meaning of its own: it says who
// calls, or what the request is.
func (s *surveyor) taken(b *trial.Baseline, p *openapi.Param) bool {
	for name := range b.Who.Header {
		if strings.EqualFold(name, p.Name) {
			return true
		}
	}
	for _, scheme := range s.t.Document.Schemes {
		if scheme.In == "header" && strings.EqualFold(scheme.Key, p.Name) {
			return true
		}
	}
	return slices.Contains([]string{
		"authorization", "proxy-authorization", "cookie", "host", "accept", "content-type", "content-length", "content-encoding",
		"connection", "transfer-encoding", "te", "trailer", "upgrade", "expect",
	}, strings.ToLower(p.Name))
}
