package injection

import (
	"context"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

func headerChecks() []*trial.Check {
	return []*trial.Check{{
		ID: "probe/header-injection", Claim: "values never end a header field", Severity: finding.High,
		Refs: []string{"CWE-113", "V1.2.1"},
		Sure: "a field that the value names was in the answer twice, with a text of ours",
		Fix:  "Refuse CR and LF in what is written into a field.", Pavise: "",
		Run: bySlot(textual, header),
	}}
}

// inHeader tells whether a text is in a field of an answer.
func inHeader(e *traffic.Exchange, text string) bool {
	for _, values := range e.Header {
		for _, v := range values {
			if strings.Contains(strings.ToLower(v), text) {
				return true
			}
		}
	}
	return false
}

func header(ctx context.Context, g *target, s *slot) *outcome {
	if s.err != nil {
		return unclear(s.err)
	}
	if s.answer == nil || s.mark == "" || !inHeader(s.answer, s.mark) && (s.first == nil || !inHeader(s.first, s.mark)) {
		return nil
	}
	for _, end := range []string{"\r\n", "\n", "\r"} {
		var e *traffic.Exchange
		for range 2 {
			mark := g.make.Mark()
			next, err := g.try(ctx, s, s.quoted(g.make.Mark(), "")+end+"X-Pv: "+mark)
			e = nil
			if err != nil {
				// A header that breaks the answer is none that is well-formed.
				break
			}
			if !strings.Contains(next.Header.Get("X-Pv"), mark) {
				break
			}
			e = next
		}
		if e != nil {
			return failed("no such field", "X-Pv is a field of the answer").by(e)
		}
	}
	return nil
}
