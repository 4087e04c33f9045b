package trial

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// Leaves are the values of a body in JSON by where they stand; of another body
// it is the text as a whole.
func Leaves(e *traffic.Exchange) map[string]string {
	out := map[string]string{}
	var body any
	dec := json.NewDecoder(strings.NewReader(string(e.Body)))
	dec.UseNumber()
	if dec.Decode(&body) != nil {
		out[""] = string(e.Body)
		return out
	}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				walk(at+"/"+k, x)
			}
		case []any:
			for i, x := range v {
				walk(fmt.Sprintf("%s/%d", at, i), x)
			}
		default:
			out[at] = fmt.Sprint(v)
		}
	}
	walk("", body)
	return out
}

// Shape is what a body is made of, without its values.
func Shape(e *traffic.Exchange) string {
	leaves := Leaves(e)
	if text, ok := leaves[""]; ok && len(leaves) == 1 {
		return e.Type() + " text of " + fmt.Sprint(len(strings.Fields(text)))
	}
	names := slices.Sorted(maps.Keys(leaves))
	return e.Type() + " " + strings.Join(names, " ")
}

// Mask asks a baseline's request again, and notes which parts of the answer
// differ from one time to the next. It is for operations that only read.
func (t *Trial) Mask(ctx context.Context, b *Baseline) error {
	t.mu.Lock()
	done := b.Volatile != nil
	t.mu.Unlock()
	if done || b.Op.Writes() {
		return nil
	}
	volatile := map[string]bool{}
	first := Leaves(b.Last)
	for range 2 {
		e, err := t.Send(ctx, b.Draft.Request())
		if err != nil {
			return err
		}
		next := Leaves(e)
		for at, v := range first {
			if next[at] != v {
				volatile[at] = true
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	b.Volatile = volatile
	return nil
}

// Same is how much of a baseline's answer another answer repeats, from 0 to 1,
// where what differs anyway does not count.
func (b *Baseline) Same(e *traffic.Exchange) float64 {
	want, got := Leaves(b.Last), Leaves(e)
	n, same := 0, 0
	for at, v := range want {
		if b.Volatile[at] {
			continue
		}
		n++
		if got[at] == v {
			same++
		}
	}
	if n == 0 {
		return 0
	}
	return float64(same) / float64(max(n, len(got)-len(b.Volatile)))
}

// A Fingerprint is how an operation answers about what is not there.
type Fingerprint struct {
	Status int
	Shape  string
	Shown  *traffic.Exchange
}

// Is tells whether an answer is that of what is not there.
func (f *Fingerprint) Is(e *traffic.Exchange) bool {
	return f != nil && e.Status == f.Status && Shape(e) == f.Shape
}

// Missing asks for objects that are not there, well-typed, and returns how
// that is answered.
func (t *Trial) Missing(ctx context.Context, op *openapi.Operation, who *identity.Identity) (*Fingerprint, error) {
	key := baselineKey{op, who.Name}
	t.mu.Lock()
	o := t.missing[key]
	if o == nil {
		o = &once[*Fingerprint]{}
		t.missing[key] = o
	}
	t.mu.Unlock()
	o.Do(func() { o.value, o.err = t.findMissing(ctx, op, who) })
	return o.value, o.err
}

func (t *Trial) findMissing(ctx context.Context, op *openapi.Operation, who *identity.Identity) (*Fingerprint, error) {
	params := op.PathParams()
	if len(params) == 0 {
		return nil, reasonf("%s names no object", op.Name())
	}
	var f *Fingerprint
	for n := range 2 {
		d, err := t.Draft(ctx, op, who, values.Full)
		if err != nil {
			return nil, err
		}
		last := params[len(params)-1]
		e, err := t.Send(ctx, d.WithPath(last, t.unused(d.Path[last], n)).Request())
		if err != nil {
			return nil, err
		}
		got := &Fingerprint{Status: e.Status, Shape: Shape(e), Shown: e}
		if f != nil && (f.Status != got.Status || f.Shape != got.Shape) {
			return nil, reasonf("%s answers differently about what is not there", op.Name())
		}
		f = got
	}
	return f, nil
}

// Unused is an id like another that names nothing.
func (t *Trial) Unused(like string) string { return t.unused(like, 2) }

func (t *Trial) unused(like string, n int) string {
	m := values.New(t.Seed, fmt.Sprintf("missing %d", n))
	switch {
	case like != "" && strings.Trim(like, "0123456789") == "":
		return fmt.Sprint(900_000_000 + m.Rand().IntN(90_000_000))
	case len(like) == 36 && strings.Count(like, "-") == 4:
		return m.UUID()
	case len(like) == 24 && strings.Trim(like, "0123456789abcdef") == "":
		return fmt.Sprintf("%024x", m.Rand().Uint64())
	}
	return m.Mark()
}
