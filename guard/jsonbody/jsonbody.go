// Package jsonbody reads JSON bodies strictly, before the app does: as a guard
// that refuses what two parsers could read differently or what is out of
// bounds, and as a decoder for handlers in Go, [Decode].
//
// JSON parsers differ on duplicate keys, on keys in another case, on what
// stands after the document, on NaN, comments, lone surrogates and huge
// numbers. Whoever checks a document with one parser and acts on it with
// another can be made to check one value and act on another. The guard judges
// the whole body before the handler is called, and passes on the very bytes
// that it judged.
//
// Do not use it for bodies that have to stream, such as JSON lines of
// unbounded length: a body is held in memory while it is judged. It knows
// nothing of a schema; the app's models, or Decode, do.
//
//	g, err := jsonbody.New(jsonbody.Policy{})
//	if err != nil {
//		log.Fatal(err)
//	}
//	http.ListenAndServe(addr, g.Wrap(mux))
package jsonbody

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/pavise-dev/pavise/guard"
)

// A Guard judges JSON bodies. It is safe for concurrent use.
type Guard struct {
	policy   Policy
	base     *settings
	routes   guard.Table[*settings]
	routed   bool
	scanners sync.Pool // of *scanner
	buffers  sync.Pool // of *[]byte
}

// New returns a guard for the policy. Its error joins every mistake in it.
func New(p Policy) (*Guard, error) {
	g := &Guard{policy: p.clone(), routed: len(p.Routes) > 0}
	g.scanners.New = func() any { return newScanner() }
	g.buffers.New = func() any { b := make([]byte, 0, firstRead); return &b }
	base, err := g.policy.settings()
	g.base = &base
	errs := []error{err}
	for i, r := range g.policy.Routes {
		s := base
		s.skip = r.DangerouslyAllowAny
		at := fmt.Sprintf("routes[%d].", i)
		errs = append(errs, s.set(at, r.MaxBytes, r.MaxDepth, r.MaxKeys, r.MaxObjectKeys, r.MaxValues, r.MaxString, r.MaxNumber))
		if err := g.routes.Add(r.Path, &s); err != nil {
			errs = append(errs, fmt.Errorf("jsonbody.%spath: %w", at, err))
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

// Check judges the request's body if it is JSON. It reads the body, and puts
// what it read and judged in its place: r.Body is then what was judged, and
// r.ContentLength its length, or still -1 if trailers were announced.
func (g *Guard) Check(r *http.Request) error {
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody || !isJSON(r.Header["Content-Type"]) {
		return nil
	}
	s := g.settings(r.URL.Path)
	if s.skip {
		return nil
	}
	body, complete, err := g.read(r, s)
	if err != nil || !complete {
		return err
	}
	if len(body.data) > 0 { // a chunked body without a byte is no body
		if err := g.judge(r, s, body.data); err != nil {
			body.recycle()
			return err
		}
	}
	body.replace(r)
	return nil
}

// judge puts the document's violations to the request's door.
func (g *Guard) judge(r *http.Request, s *settings, data []byte) error {
	sc := g.scanners.Get().(*scanner)
	defer g.scanners.Put(sc)
	var verdict error
	sc.scan(data, s.bounds, s.off, func(v violation) bool {
		verdict = guard.Judge(r, refusal(v))
		return verdict == nil
	})
	return verdict
}

// Wrap returns a handler that calls next with the requests that pass.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		r, _ = guard.WithFacts(r)
		if err := g.Check(r); err != nil {
			guard.Refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isJSON reports whether a body is one that an app could read as JSON. It is
// generous, since whoever allowed a malformed or second Content-Type to pass
// did not mean to switch off this guard: any of the fields counts, whatever
// its parameters. A body without a type counts too: FastAPI before 0.132
// reads it as JSON.
func isJSON(types []string) bool {
	if len(types) == 0 {
		return true
	}
	for _, field := range types {
		if field == "" {
			return true
		}
		for rest, more := field, true; more; { // "a/b, c/d" is how some join two fields
			var t string
			t, rest, more = strings.Cut(rest, ",")
			t, _, _ = strings.Cut(t, ";")
			t = strings.TrimSpace(t)
			if hasSuffixFold(t, "/json") || hasSuffixFold(t, "+json") {
				return true
			}
		}
	}
	return false
}

func hasSuffixFold(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}

// refusal is what a client learns of a violation: the rule, a constant text,
// and where.
func refusal(v violation) *guard.Refusal {
	rule, code := names(v.check)
	return &guard.Refusal{
		Rule: rule, Status: http.StatusBadRequest, Code: code,
		Detail: v.reason, Reason: fmt.Sprintf("%s at %.80q", v.reason, v.pointer), Pointer: v.pointer,
	}
}

func names(c check) (rule, code string) {
	switch c {
	case checkUTF8:
		return "jsonbody/utf8", "INVALID_UTF8"
	case checkDuplicate:
		return "jsonbody/duplicate-keys", "DUPLICATE_KEY"
	case checkAmbiguous:
		return "jsonbody/ambiguous-keys", "AMBIGUOUS_KEYS"
	case checkDepth:
		return "jsonbody/depth", "JSON_TOO_DEEP"
	case checkKeys:
		return "jsonbody/keys", "JSON_TOO_MANY_KEYS"
	case checkString:
		return "jsonbody/string-length", "JSON_STRING_TOO_LONG"
	case checkNumbers:
		return "jsonbody/numbers", "JSON_NUMBER_OUT_OF_RANGE"
	case checkSingle:
		return "jsonbody/single-document", "JSON_TRAILING_DATA"
	case checkSurrogates:
		return "jsonbody/surrogates", "LONE_SURROGATE"
	case checkNUL:
		return "jsonbody/nul", "NUL_CHARACTER"
	case checkPrototype:
		return "jsonbody/prototype-keys", "PROTOTYPE_KEY"
	default:
		return "jsonbody/strict-syntax", "INVALID_JSON"
	}
}
