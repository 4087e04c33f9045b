package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// A Refusal is the verdict that a request must not pass. It is the one error
// of every guard's Check. Three readers get three different texts: the client
// gets Title and Detail, the log gets Reason, and Go code gets Error.
type Refusal struct {
	Rule   string // the promise that the request would break, "hosts/listed"
	Status int    // the response status, 4xx or 5xx
	Code   string // a stable upper-case code for programs, "UNSUPPORTED_MEDIA_TYPE"
	Detail string // for the client: what to change; nothing about our insides, nothing of the request that could be a secret
	Reason string // for the log: what was seen; quoted, bounded, never a secret
	// Pointer is the JSON pointer (RFC 6901) to the offending value, for
	// verdicts about a JSON body.
	Pointer string
	// Header holds further response header fields, such as Allow or
	// Retry-After.
	Header http.Header
	// Close ends the connection after the response. It is set where what
	// follows on the connection could be misread.
	Close bool
}

// Error is for Go code. It says neither more to a client than Detail, if it
// is shown to one, nor is it the log's text.
func (r *Refusal) Error() string {
	return fmt.Sprintf("refused by %s (status %d, %s)", r.Rule, r.Status, r.Code)
}

// problem is the body of a refusal, RFC 9457.
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Error     string `json:"error"`
	Rule      string `json:"rule"`
	RequestID string `json:"request_id,omitempty"`
	Pointer   string `json:"pointer,omitempty"`
}

// problemType identifies a rule as an RFC 4151 tag URI: stable, and not a
// place that has to be served.
const problemType = "tag:pavise.dev,2026:rule/"

// Refuse answers r with the refusal in err, as application/problem+json. An
// err that holds none is answered 500 without a word of it.
func Refuse(w http.ResponseWriter, r *http.Request, err error) {
	var ref *Refusal
	if !errors.As(err, &ref) {
		// Reasons are logged, and other people's errors hold what they like.
		ref = &Refusal{Rule: "pavise/internal", Status: http.StatusInternalServerError, Code: "INTERNAL_ERROR", Reason: fmt.Sprintf("an error of type %T that is no refusal", err)}
	}
	p := problem{
		Type:    problemType + ref.Rule,
		Title:   http.StatusText(ref.Status),
		Status:  ref.Status,
		Detail:  ref.Detail,
		Error:   ref.Code,
		Rule:    ref.Rule,
		Pointer: ref.Pointer,
	}
	if f := FactsOf(r); f != nil {
		f.Refused = ref
		p.RequestID = f.RequestID
	}
	body, err := json.Marshal(p)
	if err != nil {
		panic("guard: a problem did not marshal: " + err.Error()) // strings and an int always do
	}
	body = append(body, '\n')

	h := w.Header()
	// What an inner handler had prepared for its own answer says nothing
	// about ours.
	for _, name := range []string{"Content-Encoding", "Content-Length", "Content-Range", "Etag", "Last-Modified", "Trailer"} {
		h.Del(name)
	}
	for name, values := range ref.Header {
		h[name] = append([]string(nil), values...)
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if ref.Close {
		h.Set("Connection", "close")
	}
	w.WriteHeader(ref.Status)
	_, _ = w.Write(body) // a client that is gone needs no answer
}
