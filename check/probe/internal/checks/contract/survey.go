package contract

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// A kind says what a request that is not valid must be answered.
type kind int

const (
	refuse  kind = iota // the document forbids it
	hold                // taken or refused, and no 5xx
	strict              // no JSON, or ambiguous
	coerce              // another type
	unknown             // members that nobody knows
	long                // a text without bound
	media               // another media type
	untyped             // none
)

// A probe is one change of a valid request.
type probe struct {
	kind     kind
	severity finding.Severity
	// what it is, in words that are the same for each operation, and where.
	what, where string
	// stays tells that an API that takes it may fail whenever it gives it
	// back: infinity, half of a surrogate pair.
	stays  bool
	change func(d *trial.Draft) *trial.Draft
}

// An answer is what became of a probe.
type answer struct {
	probe
	e *traffic.Exchange // the last one
	// twice tells that it came out the same twice, and that a valid request in
	// between was answered with 2xx.
	twice, dropped, slow bool
}

// surveyed is what became of one operation.
type surveyed struct {
	op      *openapi.Operation
	reason  string // why nothing could be told
	answers []answer
}

type surveyor struct {
	t *trial.Trial
	// known counts what was shown or refused already: what speaks of the API
	// as a whole need not be asked of each operation.
	known map[string]int
	json  int // operations with a body of JSON so far
}

const (
	perOperation = 14 // changes of values
	enoughShown  = 2
	enoughKept   = 3
	// maxLeft is how many objects that cannot be deleted one operation makes.
	maxLeft = 12
	slowly  = time.Second
)

// all surveys the operations: ordinary ones first, because what is asked of a
// few of them is asked in full of these alone.
func (s *surveyor) all(ctx context.Context) []*surveyed {
	var out []*surveyed
	var ordinary, delicate []*trial.Baseline
	s.t.Each(func(op *openapi.Operation) {
		if op.Method == http.MethodDelete || op.Method == http.MethodHead || op.Method == http.MethodOptions || foreign(op) || trial.Ends(op) || ctx.Err() != nil {
			return
		}
		b, err := s.t.Baseline(ctx, op, s.t.Caller(op))
		if err != nil {
			out = append(out, &surveyed{op: op, reason: trial.Reason(err)})
			return
		}
		switch {
		case b.Draft.Type == "multipart/form-data":
		case s.t.Delicate(b):
			delicate = append(delicate, b)
		default:
			ordinary = append(ordinary, b)
		}
	})
	for _, b := range slices.Concat(ordinary, delicate) {
		if ctx.Err() != nil {
			break
		}
		out = append(out, s.one(ctx, b))
	}
	return out
}

// A sender sends a draft, and takes care of what it made.
type sender func(d *trial.Draft) (*traffic.Exchange, error)

// senders are that for valid requests, and that for those that are not: only
// the former are worth waiting for a rate limit each time.
type senders struct{ valid, negative sender }

func (s *surveyor) one(ctx context.Context, b *trial.Baseline) *surveyed {
	out := &surveyed{op: b.Op}
	kept := 0 // objects that stay
	removable := slices.ContainsFunc(s.t.On(b.Op), func(op *openapi.Operation) bool { return op.Method == http.MethodDelete })
	by := func(send func(context.Context, *traffic.Request) (*traffic.Exchange, error)) sender {
		return func(d *trial.Draft) (*traffic.Exchange, error) {
			e, err := send(ctx, d.Request())
			if err == nil && e.OK() && b.Op.Method == http.MethodPost {
				// What was not meant to be there may keep others from being read.
				if o := s.t.Adopt(d, e); o == nil || !removable || !s.t.Delete(ctx, o) {
					kept++
				}
			}
			return e, err
		}
	}
	send := senders{valid: by(s.t.Send), negative: by(s.t.Try)}
	var probes []probe
	delicate := s.t.Delicate(b)
	if !delicate {
		probes = s.values(b, b.Op.Method != http.MethodPost || s.t.Intrusive())
	}
	if isJSON(b.Draft.Type) {
		// What is no JSON at all tells whether the body is read.
		d := s.t.Again(b)
		e, err := send.negative(d.WithBody(d.Type, []byte(`pv{`)))
		switch {
		case err != nil:
			out.reason = trial.Reason(err)
			return out
		case e.OK():
			// Nothing that is in the body matters.
			probes = slices.DeleteFunc(probes, func(p probe) bool { return strings.HasPrefix(p.where, "body") })
		default:
			s.json++
			types := s.types(b)
			if delicate {
				probes = types
			} else {
				first := min(2, len(types))
				probes = slices.Concat(types[:first], probes, types[first:], s.whole(b))
			}
			a := answer{probe: probe{kind: strict, what: "what is no JSON", where: "the body", change: func(d *trial.Draft) *trial.Draft { return d.WithBody(d.Type, []byte(`pv{`)) }}, e: e}
			if crashed(e.Status) {
				a = s.confirm(a, b, e, send)
			}
			out.answers = append(out.answers, a)
		}
	}
	if b.Op.Method == http.MethodPut || b.Op.Method == http.MethodPatch {
		// What was taken and not meant to be there does not stay.
		defer func() { _, _ = send.valid(s.t.Again(b)) }()
	}
	for _, p := range probes {
		if ctx.Err() != nil || kept >= maxLeft {
			break
		}
		if p.kind == media && p.severity == finding.Medium && !removable && b.Op.Method == http.MethodPost && s.known["shown JSON as text/plain"] > 0 {
			continue // each is another object that stays
		}
		if p.kind != refuse && p.kind != hold && (s.known["shown "+p.what] >= enoughShown || s.known["kept "+p.what] >= enoughKept) {
			continue
		}
		d := p.change(s.t.Again(b))
		if d == nil {
			continue
		}
		e, err := send.negative(d)
		a := answer{probe: p}
		if err != nil {
			if dropped(err) {
				a.dropped = s.drops(a, b, send)
			} else if errors.Is(err, traffic.ErrSpent) || errors.Is(err, traffic.ErrDown) {
				break
			}
			out.answers = append(out.answers, a)
			continue
		}
		a.e = e
		switch {
		case crashed(e.Status), e.OK() && p.kind != hold:
			// What speaks of the API as a whole is shown a few times.
			if e.OK() && s.known["shown "+p.what] >= enoughShown {
				break
			}
			a = s.confirm(a, b, e, send)
			if a.twice {
				s.known["shown "+p.what]++
			}
		case e.Refused() && e.Status != http.StatusTooManyRequests:
			s.known["kept "+p.what]++
		}
		if e.Elapsed > slowly && !a.twice {
			a.slow = s.slow(a, b, send)
		}
		out.answers = append(out.answers, a)
	}
	return out
}

// confirm asks for the valid twin, and for the same again with texts of its
// own.
func (s *surveyor) confirm(a answer, b *trial.Baseline, first *traffic.Exchange, send senders) answer {
	a.e = first
	twin := s.t.Again(b)
	if a.kind == media || a.kind == untyped {
		// The twin of a type is the same type, and no JSON: that it is refused
		// tells that the body is read.
		d := a.change(twin)
		if e, err := send.negative(d.WithBody(d.Type, []byte("pv{"))); err != nil || e.OK() || e.Status == http.StatusTooManyRequests {
			return a
		}
	} else if e, err := send.valid(twin); err != nil || !e.OK() && (!crashed(first.Status) || !b.Accepts(e)) {
		return a
	}
	d := a.change(s.t.Again(b))
	if d == nil {
		return a
	}
	e, err := send.negative(d)
	if err != nil {
		return a
	}
	a.e = e
	a.twice = first.OK() == e.OK() && crashed(first.Status) == crashed(e.Status)
	return a
}

func (s *surveyor) drops(a answer, b *trial.Baseline, send senders) bool {
	if e, err := send.valid(s.t.Again(b)); err != nil || !b.Accepts(e) {
		return false
	}
	_, err := send.negative(a.change(s.t.Again(b)))
	return dropped(err)
}

// slow tells whether it takes long again, and a valid request does not.
func (s *surveyor) slow(a answer, b *trial.Baseline, send senders) bool {
	for range 2 {
		twin, err := send.valid(s.t.Again(b))
		if err != nil || twin.Elapsed > slowly/4 {
			return false
		}
		e, err := send.negative(a.change(s.t.Again(b)))
		if err != nil || e.Elapsed < slowly {
			return false
		}
	}
	return true
}

// dropped tells whether an error is a connection that was closed in the place
// of an answer.
func dropped(err error) bool {
	return err != nil && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, traffic.ErrNoAnswer))
}

func isJSON(kind string) bool { return kind == "application/json" || strings.HasSuffix(kind, "+json") }

// wordIn tells whether a path or a name has one of some words in it.
func wordIn(s string, words ...string) bool {
	parts := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r < 'a' || r > 'z' })
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(parts, w) })
}
