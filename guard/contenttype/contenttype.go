// Package contenttype lets through only bodies whose media type the API has
// declared that it reads, and checks what is inside the two form types while
// it streams by.
//
// An API that reads a body by what it looks like instead of by what it is
// declared to be can be fed another parser's input: a text/plain body that
// needs no preflight read as JSON, a form read in a charset that hides its
// content from every filter before. So a body needs exactly one well-formed
// Content-Type of the list, in UTF-8, without a content coding that was not
// asked for. Forms and multipart bodies are judged byte by byte; a handler
// never reads a byte that was not judged.
//
// Do not use it to decide what a file is: a declared type says which parser
// is meant, not what the bytes are. It does not look into JSON; the jsonbody
// guard does.
//
//	g, err := contenttype.New(contenttype.Policy{})
//	if err != nil {
//		log.Fatal(err)
//	}
//	http.ListenAndServe(addr, g.Wrap(mux))
package contenttype

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// A Guard judges the type, coding and form structure of bodies. It is safe
// for concurrent use.
type Guard struct {
	policy Policy
	base   *settings
	routes guard.Table[*settings]
	routed bool
}

// New returns a guard for the policy. Its error joins every mistake in it.
func New(p Policy) (*Guard, error) {
	g := &Guard{policy: p.clone(), routed: len(p.Routes) > 0}
	var errs []error
	g.base = g.policy.settings(&errs)
	for i, route := range g.policy.Routes {
		s := route.settings(g.base, i, &errs)
		if err := g.routes.Add(route.Path, s); err != nil {
			errs = append(errs, mistake(fmt.Sprintf("routes[%d].path", i), "%w", err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Guard) settings(path string) *settings {
	if g.routed {
		if s, ok := g.routes.Lookup(path); ok {
			return s
		}
	}
	return g.base
}

// judgeWhole is the length up to which a form or multipart body of known
// length is judged as a whole before the handler is called. It keeps the
// ordinary form post from reaching an app that answers before it has read;
// longer bodies stream.
const judgeWhole = 64 << 10

// Check judges the request: its header, and the body too if that is a form of
// at most 64 KiB whose length is known. It then has read the body, and
// r.Body holds the same bytes again. What it cannot judge beforehand, Wrap
// judges while the body streams.
func (g *Guard) Check(r *http.Request) error {
	_, err := g.check(r)
	return err
}

// check also returns the judge of the bytes that are still to stream, if any.
func (g *Guard) check(r *http.Request) (*stream, error) {
	s := g.settings(r.URL.Path)
	body := r.ContentLength != 0 // -1 is unknown, and may be a body
	values := r.Header["Content-Type"]

	// Two types are two readings: proxies take the first, frameworks the
	// last. RFC 9110 section 5.3 lets whoever is on the way join two fields
	// by a comma, so that is two types as well.
	joined := false
	if len(values) == 1 {
		_, _, joined = cutType(values[0])
	}
	if (joined || len(values) > 1) && !s.allowDuplicate {
		if err := guard.Judge(r, refuseType("contenttype/single", "send exactly one Content-Type", "more than one Content-Type", s)); err != nil {
			return nil, err
		}
	}
	if len(values) == 0 || values[0] == "" {
		// FastAPI before 0.132 read a body without a type as JSON, which let
		// any web page post JSON without a preflight.
		if body && !s.allowMissing {
			switch empty, err := drained(r); {
			case err != nil:
				return nil, err
			case empty:
				return nil, nil
			}
			if err := guard.Judge(r, refuseType("contenttype/present", "a body needs a Content-Type", "a body without a Content-Type", s)); err != nil {
				return nil, err
			}
		}
	}

	var plan bodyPlan
	for _, field := range values {
		for rest, more := field, true; more; {
			var value string
			value, rest, more = cutType(rest)
			if value == "" {
				continue
			}
			if err := g.checkType(r, s, value, body, &plan); err != nil {
				return nil, err
			}
		}
	}
	if !body {
		return nil, nil
	}
	coding, err := checkEncoding(r, s)
	if err != nil {
		return nil, err
	}
	if coding == unknownCoding && plan.kind != opaque && !s.allowAnyCoding {
		// The coding was refused, and that is only observed. An app that does
		// not look at Content-Encoding, as most do not, reads the form as it
		// stands: what cannot be judged must not pass the rule about forms.
		return nil, guard.Judge(r, &guard.Refusal{
			Rule: plan.kind.rule(), Status: http.StatusUnsupportedMediaType, Code: "UNSUPPORTED_CONTENT_ENCODING",
			Detail: "a form in this content coding cannot be judged", Reason: "a form in a content coding that is not accepted",
			Header: http.Header{"Accept-Encoding": {s.acceptEncoding}},
		})
	}
	return prepare(r, s, plan, coding)
}

// drained reports whether a body of unknown length turns out to have none: a
// client that chunks by habit sends "0" and nothing else, and nothing needs no
// type. It waits for the first byte, but not where the client waits for us.
func drained(r *http.Request) (bool, error) {
	if r.ContentLength > 0 || r.Body == nil || len(r.Header["Expect"]) > 0 {
		return false, nil
	}
	var first [1]byte
	n, err := io.ReadFull(r.Body, first[:])
	var ref *guard.Refusal
	switch {
	case errors.As(err, &ref):
		return false, ref // an outer guard's verdict about the body
	case err == io.EOF:
		r.Body = &replay{Reader: bytes.NewReader(nil), Closer: r.Body}
		return true, nil
	}
	r.Body = &pushedBack{first: first[:n], ReadCloser: r.Body, err: err}
	return false, nil
}

// pushedBack is a body of which the beginning was read already.
type pushedBack struct {
	first []byte
	err   error // what reading on returned
	io.ReadCloser
}

func (b *pushedBack) Read(p []byte) (int, error) {
	if len(b.first) > 0 && len(p) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.ReadCloser.Read(p)
}

// bodyPlan is which parser the body is meant for, as far as this guard knows
// how to judge it.
type bodyPlan struct {
	kind     kind
	boundary string
}

type kind uint8

const (
	opaque kind = iota
	form
	multipart
)

// rule is the rule that a body of this kind is judged by.
func (k kind) rule() string {
	if k == multipart {
		return "contenttype/multipart"
	}
	return "contenttype/form"
}

// checkType judges one Content-Type value. The form of the header is judged
// for requests without a body too: a framework parses the header before it
// looks for a body (CVE-2024-24762).
func (g *Guard) checkType(r *http.Request, s *settings, value string, body bool, plan *bodyPlan) error {
	m, ok := parseMediaType(value)
	if !ok && !s.allowMalformed {
		if err := guard.Judge(r, refuseType("contenttype/well-formed", "the Content-Type is malformed", "malformed Content-Type "+quote(value), s)); err != nil {
			return err
		}
	}
	if body && !s.lists(m.typ) {
		if err := guard.Judge(r, refuseType("contenttype/listed", "this media type is not accepted here", "unlisted Content-Type "+quote(value), s)); err != nil {
			return err
		}
	}
	isForm := strings.EqualFold(m.typ, "application/x-www-form-urlencoded")
	isMultipart := strings.EqualFold(m.typ, "multipart/form-data")
	// A charset that the app obeys and a filter does not (or the reverse)
	// hides the content from one of them: IBM037 and UTF-7 against WAFs.
	if body && m.hasCharset && !s.allowAnyCharset && !strings.EqualFold(m.charset, "utf-8") && (isForm || isMultipart || isJSON(m.typ)) {
		if err := guard.Judge(r, refuseType("contenttype/charset", "the body must be UTF-8", "charset in Content-Type "+quote(value), s)); err != nil {
			return err
		}
	}
	switch {
	case isMultipart && !s.multipart.InsecureUnchecked:
		// Without a boundary, or with one that the grammar does not allow,
		// parsers guess where parts end.
		if !validBoundary(m.boundary) {
			return guard.Judge(r, refuseType("contenttype/multipart", "multipart/form-data needs one boundary of 1 to 70 characters", "boundary in Content-Type "+quote(value), s))
		}
		if plan.kind == opaque {
			*plan = bodyPlan{multipart, m.boundary}
		}
	case isForm && !s.form.InsecureUnchecked:
		if plan.kind == opaque {
			*plan = bodyPlan{kind: form}
		}
	}
	return nil
}

func isJSON(typ string) bool {
	return strings.EqualFold(typ, "application/json") || hasJSONSuffix(typ)
}

func hasJSONSuffix(typ string) bool {
	const suffix = "+json"
	return len(typ) > len(suffix) && strings.EqualFold(typ[len(typ)-len(suffix):], suffix)
}

// prepare decides how the body is judged: now, while it streams, or not.
func prepare(r *http.Request, s *settings, plan bodyPlan, coding coding) (*stream, error) {
	if plan.kind == opaque || coding == unknownCoding || r.Body == nil {
		return nil, nil
	}
	var j judge
	if plan.kind == multipart {
		j = newMultipartJudge(plan.boundary, s.multipart)
	} else {
		j = &formJudge{limits: s.form}
	}
	if coding != identity || r.ContentLength < 0 || r.ContentLength > judgeWhole {
		return &stream{src: r.Body, judge: j, coding: coding, maxDecoded: s.maxDecoded}, nil
	}

	var buf bytes.Buffer
	buf.Grow(min(int(r.ContentLength), 4<<10)) // what arrives decides, not what was announced
	_, err := io.Copy(&buf, io.LimitReader(r.Body, judgeWhole))
	if err != nil {
		var ref *guard.Refusal
		if errors.As(err, &ref) {
			return nil, ref // the limits guard's verdict about the body
		}
		code := "INVALID_FORM"
		if plan.kind == multipart {
			code = "INVALID_MULTIPART"
		}
		if verdict := guard.Judge(r, &guard.Refusal{
			Rule: plan.kind.rule(), Status: http.StatusBadRequest, Code: code,
			Detail: "the body did not arrive whole", Reason: "reading the body failed", Close: true,
		}); verdict != nil {
			return nil, verdict
		}
	}
	if err == nil {
		if ref := judgeAll(j, buf.Bytes()); ref != nil {
			if verdict := guard.Judge(r, ref); verdict != nil {
				return nil, verdict
			}
		}
	}
	r.Body = &replay{Reader: bytes.NewReader(buf.Bytes()), err: err, Closer: r.Body}
	return nil, nil
}

// replay is a body that was read already, with the error that it ended in.
type replay struct {
	*bytes.Reader
	err error
	io.Closer
}

func (b *replay) Close() error { return b.Closer.Close() }

func (b *replay) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) && b.err != nil {
		err = b.err
	}
	return n, err
}

// WriteTo hides the embedded method, which knows nothing of err.
func (b *replay) WriteTo(w io.Writer) (int64, error) {
	n, err := b.Reader.WriteTo(w)
	if err == nil {
		err = b.err
	}
	return n, err
}

// Wrap returns a handler that calls next with the requests that pass. A
// verdict that comes while next reads the body replaces next's answer, unless
// that had begun.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 && r.Header["Content-Type"] == nil {
			next.ServeHTTP(w, r) // nothing to judge, and nothing to copy
			return
		}
		r, _ = guard.WithFacts(r)
		st, err := g.check(r)
		if err != nil {
			guard.Refuse(w, r, err)
			return
		}
		if st == nil {
			next.ServeHTTP(w, r)
			return
		}
		o := guard.NewOverruler(w, r)
		st.raise = o.Raise
		st.install(r)
		next.ServeHTTP(o, r)
		o.Finish()
	})
}

// refuseType is a refusal of the media type, RFC 9110 section 15.5.16. Accept
// tells the client what is accepted, as RFC 9110 section 12.5.1 lets it.
func refuseType(rule, detail, reason string, s *settings) *guard.Refusal {
	return &guard.Refusal{
		Rule: rule, Status: http.StatusUnsupportedMediaType, Code: "UNSUPPORTED_MEDIA_TYPE",
		Detail: detail, Reason: reason, Header: http.Header{"Accept": {s.accept}},
	}
}
