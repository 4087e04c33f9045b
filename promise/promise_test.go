package promise_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pavise-dev/pavise/promise"
)

// answering returns a Caller that answers by path.
func answering(statuses map[string]int) promise.Caller {
	return func(r *http.Request) (*http.Response, error) {
		status, ok := statuses[r.URL.Path]
		if !ok {
			return nil, errors.New("no route to host")
		}
		w := httptest.NewRecorder()
		w.WriteHeader(status)
		return w.Result(), nil
	}
}

func TestRefused(t *testing.T) {
	ctx := t.Context()
	attack := promise.NewRequest(ctx, http.MethodGet, "/attack", "")
	twin := promise.NewRequest(ctx, http.MethodGet, "/twin", "")
	var broken *promise.BrokenError
	for name, tc := range map[string]struct {
		statuses map[string]int
		kept     bool
		broken   bool
	}{
		"refused, the twin is not": {map[string]int{"/attack": 400, "/twin": 404}, true, false},
		"another status":           {map[string]int{"/attack": 403, "/twin": 404}, false, true},
		"served":                   {map[string]int{"/attack": 200, "/twin": 200}, false, true},
		"everything is refused":    {map[string]int{"/attack": 400, "/twin": 400}, false, false},
		"both are asked who":       {map[string]int{"/attack": 401, "/twin": 401}, false, false},
		"only one is asked who":    {map[string]int{"/attack": 401, "/twin": 404}, false, true},
		"no answer":                {nil, false, false},
		"no answer to the twin":    {map[string]int{"/attack": 400}, false, false},
	} {
		err := promise.Refused(answering(tc.statuses), attack, twin, 400, 431)
		if kept, isBroken := err == nil, errors.As(err, &broken); kept != tc.kept || isBroken != tc.broken {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := promise.Refused(answering(map[string]int{"/attack": 400}), attack, nil, 400); err != nil {
		t.Errorf("without a twin: %v", err)
	}
}

func TestRawRequestKeepsItsBytes(t *testing.T) {
	const raw = "FOO  / HTTP/1.1\nHost: {host}\n\n"
	r := promise.RawRequest(t.Context(), raw)
	if got, ok := promise.Raw(r); !ok || got != raw || r.Method != "FOO" {
		t.Errorf("got %q, %v, method %s", got, ok, r.Method)
	}
	if _, ok := promise.Raw(promise.NewRequest(t.Context(), http.MethodGet, "/", "")); ok {
		t.Error("an ordinary request is raw")
	}
}

// A claim about a header asks for all values: one of two is not the claim.
func ExampleBroken() {
	nosniff := promise.Promise{ID: "example/nosniff", Claim: "responses forbid MIME sniffing"}
	values := []string{"nosniff", "nosniff"}
	if len(values) != 1 {
		fmt.Println(nosniff.ID, promise.Broken(nil, fmt.Sprintf("%q", values), "exactly one value"))
	}
	// Output: example/nosniff got ["nosniff" "nosniff"], want exactly one value
}
