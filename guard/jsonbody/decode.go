package jsonbody

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// Options of [Decode]. The zero value is strict.
type Options struct {
	// MaxBytes is the size of the body, in bytes; 0 means 8 MiB.
	MaxBytes int64
	// MaxDepth is how deep objects and arrays may be nested; 0 means 64.
	MaxDepth int
	// MaxString is the length of a string without a maximum of its own, in
	// characters; 0 means 10,000. A field's own maximum cannot be above it.
	MaxString int
	// KeepSpace keeps white space at both ends of strings, which is taken off
	// otherwise, before lengths are judged.
	KeepSpace bool
	// AllowUnknownFields skips members that T has no field for.
	AllowUnknownFields bool
	// AllowAnyType also reads bodies whose Content-Type is not JSON.
	AllowAnyType bool
}

func (o Options) bounds() bounds {
	b := defaultSettings().bounds
	if o.MaxDepth > 0 {
		b.depth = o.MaxDepth
	}
	if o.MaxString > 0 {
		b.str = o.MaxString
	}
	return b
}

func (o Options) maxBytes() int64 {
	if o.MaxBytes > 0 {
		return o.MaxBytes
	}
	return defaultBytes
}

// A FieldError says what is wrong with one value. It never holds the value.
type FieldError struct {
	Pointer string `json:"pointer"` // JSON pointer, RFC 6901; "" is the document
	Rule    string `json:"rule"`    // for programs: "type", "required", "unknown", "max"…
	Message string `json:"message"` // for people
}

// A DecodeError is everything that is wrong with a document, as far as it
// could be read; at most 100 errors.
type DecodeError struct {
	Status int // what to answer: 422, or 400, 413 or 415 if the body is not a JSON document at all
	Fields []FieldError
}

func (e *DecodeError) Error() string {
	var b strings.Builder
	b.WriteString("the JSON body is not valid")
	for i, f := range e.Fields {
		if i == 3 {
			fmt.Fprintf(&b, "; and %d more", len(e.Fields)-i)
			break
		}
		fmt.Fprintf(&b, "; %.80q %s", f.Pointer, f.Message)
	}
	return b.String()
}

// maxErrors bounds a DecodeError, and so the response.
const maxErrors = 100

// Decode reads r's body as one strict JSON document into a T:
//
//   - No member is unknown, and names match exactly, by case.
//   - Nothing is coerced: "1" is no number, 1.0 no integer, null nothing but
//     a nil pointer or interface.
//   - Strings lose white space at both ends, and have at most 10,000
//     characters.
//   - Everything that [Guard] refuses is refused.
//
// Fields are named by json tags and bounded by pavise tags:
//
//	Name string   `json:"name" pavise:"required,min=1,max=100"` // characters
//	Tags []string `json:"tags" pavise:"max=10"`                 // elements
//	Age  int      `json:"age" pavise:"min=0,max=150"`           // the number
//
// What is wrong with the document is a *[DecodeError], with every error at
// once. A verdict of a guard that comes while the body is read is returned as
// the *[guard.Refusal] that it is. Any other error is about T.
func Decode[T any](r *http.Request, o Options) (T, error) {
	var none T
	if !o.AllowAnyType && (len(r.Header["Content-Type"]) == 0 || !isJSON(r.Header["Content-Type"])) {
		return none, whole(http.StatusUnsupportedMediaType, "content-type", "the body must be application/json")
	}
	if c := r.Header["Content-Encoding"]; len(c) > 0 {
		return none, whole(http.StatusUnsupportedMediaType, "content-encoding", "the body must not be encoded")
	}
	large := whole(http.StatusRequestEntityTooLarge, "size", "the body is too large")
	if r.ContentLength > o.maxBytes() {
		return none, large
	}
	if r.Body == nil {
		return DecodeBytes[T](nil, o)
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, o.maxBytes()+1))
	var ref *guard.Refusal
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &ref):
		return none, ref
	case errors.As(err, &over) || int64(len(data)) > o.maxBytes():
		return none, large
	case err != nil:
		return none, whole(http.StatusBadRequest, "unreadable", "the body did not arrive whole")
	}
	return DecodeBytes[T](data, o)
}

func whole(status int, rule, message string) error {
	return &DecodeError{Status: status, Fields: []FieldError{{Rule: rule, Message: message}}}
}

// DecodeBytes is [Decode] for a document that was read already.
func DecodeBytes[T any](data []byte, o Options) (T, error) {
	var value, none T
	if int64(len(data)) > o.maxBytes() {
		return none, whole(http.StatusRequestEntityTooLarge, "size", "the document is too large")
	}
	bad := &DecodeError{Status: http.StatusUnprocessableEntity}
	// Everything that is wrong with the text is found in one go.
	newScanner().scan(data, o.bounds(), 0, func(v violation) bool {
		rule, _ := names(v.check)
		rule = strings.TrimPrefix(rule, "jsonbody/")
		if v.check == checkSyntax {
			bad.Status = http.StatusBadRequest
		}
		bad.Fields = append(bad.Fields, FieldError{v.pointer, rule, v.reason})
		return true
	})
	if len(bad.Fields) > 0 {
		return none, bad
	}
	d := &decoder{data: data, options: o, bad: bad}
	if err := d.decode(&value); err != nil {
		return none, err
	}
	if len(bad.Fields) > 0 {
		return none, bad
	}
	return value, nil
}

// WriteError answers r with what is wrong: a *[DecodeError] as
// application/problem+json with an "errors" member, anything else as
// [guard.Refuse] does, so that an error that is not the client's says nothing.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	var bad *DecodeError
	if !errors.As(err, &bad) {
		guard.Refuse(w, r, err)
		return
	}
	p := struct {
		Type      string       `json:"type"`
		Title     string       `json:"title"`
		Status    int          `json:"status"`
		Detail    string       `json:"detail"`
		Error     string       `json:"error"`
		RequestID string       `json:"request_id,omitempty"`
		Errors    []FieldError `json:"errors"`
	}{
		"tag:pavise.dev,2026:invalid-body", http.StatusText(bad.Status), bad.Status,
		"the JSON body is not valid", "INVALID_BODY", "", bad.Fields,
	}
	if f := guard.FactsOf(r); f != nil {
		p.RequestID = f.RequestID
	}
	body, err := json.Marshal(p)
	if err != nil { // strings always marshal
		guard.Refuse(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(bad.Status)
	_, _ = w.Write(append(body, '\n')) // a client that is gone needs no answer
}
