package trial

import (
	"net/url"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

// Shared finds something out once for all checks that ask for it by the same
// key.
func Shared[T any](t *Trial, key string, find func() T) T {
	t.mu.Lock()
	o := t.shared[key]
	if o == nil {
		o = &once[any]{}
		t.shared[key] = o
	}
	t.mu.Unlock()
	o.Do(func() { o.value = find() })
	v, _ := o.value.(T)
	return v
}

// Operation is the one that a request was about: the one with the fewest
// parameters whose path fits; nil when none does.
func (t *Trial) Operation(r *traffic.Request) *openapi.Operation {
	path, _, _ := strings.Cut(r.Path, "?")
	var best *openapi.Operation
	for _, op := range t.Operations {
		if op.Method != r.Method || !along(t.Document.Base+op.Path, path) {
			continue
		}
		if best == nil || len(op.PathParams()) < len(best.PathParams()) {
			best = op
		}
	}
	return best
}

// along tells whether a path is one of a template's.
func along(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i, w := range want {
		before, rest, variable := strings.Cut(w, "{")
		if !variable {
			if g, err := url.PathUnescape(got[i]); err != nil || g != w {
				return false
			}
			continue
		}
		_, after, _ := strings.Cut(rest, "}")
		if got[i] == "" || !strings.HasPrefix(got[i], before) || !strings.HasSuffix(got[i], after) {
			return false
		}
	}
	return true
}
