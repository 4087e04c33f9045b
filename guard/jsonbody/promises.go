package jsonbody

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/pavise-dev/pavise/promise"
)

// probePath is one that no API has, so that a twin that passes does nothing.
const probePath = "/pavise-probe"

// Promises returns what a client outside can rely on under the policy.
func (g *Guard) Promises() []promise.Promise {
	s := g.settings(probePath)
	if s.skip {
		return nil
	}
	b := s.bounds
	list := []struct {
		check   check
		id      string
		attacks func() []string
	}{
		{checkUTF8, "jsonbody/utf8", texts("{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\x00\"\x00a\x00\"\x00:\x001\x00}\x00", "\xff\xfe{\x00}\x00", "[\x00\x00\x00]\x00\x00\x00")},
		{checkDuplicate, "jsonbody/duplicate-keys", texts(`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `[{"a":{"b":1,"c":2,"b":3}}]`)},
		{checkAmbiguous, "jsonbody/ambiguous-keys", texts(`{"role":1,"Role":2}`, "{\"caf\u00e9\":1,\"cafe\u0301\":2}", `{"k":1,"\u212a":2}`)},
		{checkDepth, "jsonbody/depth", func() []string {
			n := b.depth + 1
			return []string{strings.Repeat("[", n) + strings.Repeat("]", n), strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)}
		}},
		{checkKeys, "jsonbody/keys", func() []string {
			var doc strings.Builder
			doc.WriteString("{")
			for i := range min(b.objectKeys, b.keys) + 1 {
				if i > 0 {
					doc.WriteByte(',')
				}
				fmt.Fprintf(&doc, `"k%d":0`, i)
			}
			doc.WriteString("}")
			return []string{doc.String()}
		}},
		{checkString, "jsonbody/string-length", func() []string {
			long := strings.Repeat("s", b.str+1)
			return []string{`{"a":"` + long + `"}`, `{"` + long + `":1}`}
		}},
		{checkNumbers, "jsonbody/numbers", func() []string {
			return []string{`[1e999]`, `[-1E400]`, "[1" + strings.Repeat("0", b.number) + "]"}
		}},
		{checkSingle, "jsonbody/single-document", texts(`{} {}`, `{}[]`, `1 2`)},
		{checkSyntax, "jsonbody/strict-syntax", texts(
			`{"a":NaN}`, `[-Infinity]`, `[1,]`, `{"a":1,}`, `{'a':1}`, `{a:1}`, `[0x10]`, `[01]`, `[+1]`, `[.5]`, `[1.]`,
			`{"a":1/**/}`, "\xef\xbb\xbf{}", `{"a":1`, "[\"\t\"]", `["\x41"]`, `[True]`,
		)},
		{checkSurrogates, "jsonbody/surrogates", texts(`["\ud800"]`, `["\udc00\ud800"]`, `{"\ud83d":1}`)},
		{checkNUL, "jsonbody/nul", texts(`["a\u0000b"]`, `{"a\u0000":1}`)},
		{checkPrototype, "jsonbody/prototype-keys", texts(`{"__proto__":{"a":1}}`, `{"\u005f_proto__":1}`, `{"constructor":{"prototype":{"a":1}}}`)},
	}
	claims, refs := map[string]string{}, map[string][]string{}
	for _, rule := range Rules() {
		claims[rule.ID], refs[rule.ID] = rule.Claim, rule.Refs
	}
	var all []promise.Promise
	for _, p := range list {
		if s.off&p.check != 0 {
			continue
		}
		all = append(all, promise.Promise{ID: p.id, Claim: claims[p.id], Refs: refs[p.id], Test: func(ctx context.Context, call promise.Caller) error {
			return refused(ctx, call, p.attacks(), int(s.bytes), 400, 422)
		}})
	}
	if !s.oversize {
		const id = "jsonbody/size"
		all = append(all, promise.Promise{
			ID: id, Claim: claims[id], Refs: refs[id],
			Intrusive: true, // it uploads more than the API takes
			Test: func(ctx context.Context, call promise.Caller) error {
				return refused(ctx, call, []string{"{}" + strings.Repeat(" ", int(s.bytes)-1)}, int(s.bytes)+1, 413)
			},
		})
	}
	return all
}

func texts(docs ...string) func() []string { return func() []string { return docs } }

// refused judges that each document is refused and a plain one is not, and
// returns the worst that it learns. Documents above most bytes say nothing
// about their rule, and are left out.
func refused(ctx context.Context, call promise.Caller, docs []string, most int, want ...int) error {
	asked := false
	var unclear error
	for _, doc := range docs {
		if len(doc) > most {
			continue
		}
		asked = true
		err := promise.Refused(call, request(ctx, doc), request(ctx, `{"a":1}`), want...)
		var broken *promise.BrokenError
		if errors.As(err, &broken) {
			return err
		}
		if unclear == nil {
			unclear = err
		}
	}
	if !asked {
		return errors.New("the policy's size leaves no room for the documents that would show it")
	}
	return unclear
}

func request(ctx context.Context, doc string) *http.Request {
	req := promise.NewRequest(ctx, http.MethodPost, probePath, doc)
	req.Header.Set("Content-Type", "application/json")
	return req
}
