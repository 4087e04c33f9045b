package promise

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// NewRequest returns a request for target, which is usually a path. A body
// that is not empty is sent with its length known and no Content-Type.
// A target that does not parse is an error of the promise's author.
func NewRequest(ctx context.Context, method, target, body string) *http.Request {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, r)
	if err != nil {
		panic(fmt.Sprintf("promise: request %s %q: %v", method, target, err))
	}
	return req
}

type rawKey struct{}

// RawRequest returns a request that a [Caller] writes as exactly these bytes,
// on a connection of its own, before it reads one response. The text
// "{host}" in raw stands for the host and port under test. It is for the
// requests that net/http would refuse to send.
func RawRequest(ctx context.Context, raw string) *http.Request {
	method, _, _ := strings.Cut(raw, " ")
	req := NewRequest(context.WithValue(ctx, rawKey{}, raw), http.MethodGet, "/", "")
	req.Method = method
	return req
}

// Raw returns the bytes of a request made by [RawRequest], "{host}" not yet
// replaced.
func Raw(req *http.Request) (raw string, ok bool) {
	raw, ok = req.Context().Value(rawKey{}).(string)
	return raw, ok
}

// maxBody is how much of a response body a promise looks at.
const maxBody = 1 << 20

// An Answer is a response that was read to its end, or to its first mebibyte.
type Answer struct {
	Req    *http.Request
	Status int
	Header http.Header
	Body   []byte
}

// Ask calls the API and reads the answer. Its error never is a
// *[BrokenError]: no answer is no verdict.
func Ask(call Caller, req *http.Request) (*Answer, error) {
	res, err := call(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var buf bytes.Buffer
	if _, err := io.Copy(&buf, io.LimitReader(res.Body, maxBody)); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("reading the answer to %s %s: %w", req.Method, req.URL, err)
	}
	return &Answer{Req: req, Status: res.StatusCode, Header: res.Header, Body: buf.Bytes()}, nil
}

// Refused judges that the API refused attack with one of the given statuses
// and that this was not because it answers so to everything: twin is the same
// request without its harmful part and must be answered otherwise. Where the
// twin gets the same status, the test could not tell; nor could it where both
// are asked for credentials (401 or 407), since whoever asks stands before
// what the claim is about.
func Refused(call Caller, attack, twin *http.Request, want ...int) error {
	got, err := Ask(call, attack)
	if err != nil {
		return err
	}
	var names []string
	hit := false
	for _, status := range want {
		hit = hit || got.Status == status
		names = append(names, fmt.Sprint(status))
	}
	if !hit {
		if who := got.Status; twin != nil && (who == http.StatusUnauthorized || who == http.StatusProxyAuthRequired) {
			if control, err := Ask(call, twin); err == nil && control.Status == who {
				return fmt.Errorf("the request and its harmless twin are both answered %d: credentials are asked for first", who)
			}
		}
		return Broken(attack, fmt.Sprintf("status %d", got.Status), "status "+strings.Join(names, " or "))
	}
	if twin == nil {
		return nil
	}
	control, err := Ask(call, twin)
	if err != nil {
		return fmt.Errorf("the harmless twin: %w", err)
	}
	if control.Status == got.Status {
		return fmt.Errorf("the harmless twin of the request is answered %d too", control.Status)
	}
	return nil
}
