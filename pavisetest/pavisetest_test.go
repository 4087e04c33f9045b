package pavisetest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/guard/headers"
	"github.com/pavise-dev/pavise/pavisetest"
	"github.com/pavise-dev/pavise/promise"
)

// recordingTB is a test that notes its failures.
type recordingTB struct {
	testing.TB
	errors []string
}

func (r *recordingTB) Helper() {}
func (r *recordingTB) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recordingTB) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}
func (r *recordingTB) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

// failures runs Keeps as a test of its own would, and returns what it says.
func failures(t *testing.T, h http.Handler, p pavisetest.Promiser) []string {
	t.Helper()
	tb := &recordingTB{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		pavisetest.Keeps(tb, h, p)
	}()
	<-done
	return tb.errors
}

func TestKeeps(t *testing.T) {
	g, err := headers.New(headers.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if errs := failures(t, g.Wrap(pavisetest.Unhardened()), g); len(errs) > 0 {
		t.Errorf("a hardened handler fails: %q", errs)
	}
	errs := failures(t, pavisetest.Unhardened(), g)
	if len(errs) < 5 || !strings.Contains(strings.Join(errs, "\n"), "headers/nosniff is broken") {
		t.Errorf("an unhardened handler fails only in %q", errs)
	}
}

type none struct{}

func (none) Promises() []promise.Promise { return nil }

// A test that could not fail is a failure.
func TestKeepsNothing(t *testing.T) {
	if errs := failures(t, pavisetest.Unhardened(), none{}); len(errs) != 1 || !strings.Contains(errs[0], "makes no promise") {
		t.Errorf("got %q", errs)
	}
}

// What cannot be told is a failure too.
func TestKeepsUnknown(t *testing.T) {
	if errs := failures(t, pavisetest.Unhardened(), unknown{}); len(errs) != 1 || !strings.Contains(errs[0], "could not tell") {
		t.Errorf("got %q", errs)
	}
}

type unknown struct{}

func (unknown) Promises() []promise.Promise {
	return []promise.Promise{{ID: "a/b", Claim: "c", Test: func(context.Context, promise.Caller) error { return errors.New("no idea") }}}
}

func TestKeepsURL(t *testing.T) {
	g, err := headers.New(headers.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewTLSServer(g.Wrap(pavisetest.Unhardened()))
	defer srv.Close()
	tb := &recordingTB{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		pavisetest.KeepsURL(tb, srv.URL, g) // its certificate is nobody's
	}()
	<-done
	if len(tb.errors) != 1 || !strings.Contains(tb.errors[0], "certificate") {
		t.Errorf("got %q", tb.errors)
	}
}
