package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/pavise-dev/pavise/guard"
)

const rule = "gateway/upstream"

// An Error says why the upstream did not answer a request. It is also a
// *guard.Refusal, as errors.As sees it.
type Error struct {
	Op     string // what failed, such as "dial" or "read head"
	Status int    // the response's: 502, 503 or 504
	Err    error
}

func (e *Error) Error() string { return "upstream: " + e.Op + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// As makes e a *guard.Refusal. The client learns which kind of failure it
// was; the rest is for the log.
func (e *Error) As(target any) bool {
	t, ok := target.(**guard.Refusal)
	if !ok {
		return false
	}
	ref := &guard.Refusal{
		Rule:   rule,
		Status: e.Status,
		Reason: fmt.Sprintf("%s: %.200q", e.Op, e.Err.Error()),
	}
	switch e.Status {
	case http.StatusServiceUnavailable:
		ref.Code = "SERVICE_UNAVAILABLE"
		ref.Detail = "The service cannot take requests at the moment. Try again shortly."
		ref.Header = http.Header{"Retry-After": {"1"}}
	case http.StatusGatewayTimeout:
		ref.Code = "GATEWAY_TIMEOUT"
		ref.Detail = "The service did not answer in time."
	default:
		ref.Status = http.StatusBadGateway
		ref.Code = "BAD_GATEWAY"
		ref.Detail = "The service did not give a valid answer."
	}
	*t = ref
	return true
}

// failed makes an *Error, with the status that suits err.
func failed(op string, err error) error {
	status := http.StatusBadGateway
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		status = http.StatusGatewayTimeout
	}
	return &Error{Op: op, Status: status, Err: err}
}

// errGone says that there is nobody left to answer.
var errGone = errors.New("upstream: the client is gone")

// refused makes a refusal for a request that cannot be forwarded.
func refused(status int, code, detail, reason string) *guard.Refusal {
	return &guard.Refusal{Rule: rule, Status: status, Code: code, Detail: detail, Reason: reason, Close: true}
}

// bodyError says what to answer when reading the request's body failed with err.
func bodyError(err error) error {
	var ref *guard.Refusal
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &ref):
		return ref
	case errors.As(err, &tooLarge):
		return refused(http.StatusRequestEntityTooLarge, "CONTENT_TOO_LARGE", "The request body is too large.", "body longer than its limit")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refused(http.StatusRequestTimeout, "REQUEST_TIMEOUT", "The request body did not arrive in time.", "reading the body timed out")
	}
	return refused(http.StatusBadRequest, "INCOMPLETE_BODY", "The request body could not be read in full.", fmt.Sprintf("reading the body: %.80q", err.Error()))
}
