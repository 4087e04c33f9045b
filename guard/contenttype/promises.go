package contenttype

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/promise"
)

// probePath is one that no API has, so that a twin that passes does nothing.
const probePath = "/pavise-probe"

// Promises returns what a client outside can rely on under the policy.
func (g *Guard) Promises() []promise.Promise {
	s := g.settings(probePath)
	plain := s.samples()
	if len(plain) == 0 {
		return nil // nothing but wildcards is listed: no twin is known to pass
	}
	rules := map[string][]string{}
	claims := map[string]string{}
	for _, rule := range Rules() {
		rules[rule.ID], claims[rule.ID] = rule.Refs, rule.Claim
	}
	var all []promise.Promise
	add := func(on bool, id string, attacks func() []sample, twin sample, want ...int) {
		if on {
			all = append(all, promise.Promise{ID: id, Claim: claims[id], Refs: rules[id], Test: func(ctx context.Context, call promise.Caller) error {
				return put(ctx, call, attacks(), twin, want...)
			}})
		}
	}
	first := plain[0]
	add(!s.allowAnyType, "contenttype/listed", func() []sample {
		return s.unlisted(sample{types: []string{"text/plain"}, body: "{}"}, sample{types: []string{"application/xml"}, body: "<a/>"}, sample{types: []string{"application/x-yaml"}, body: "a: 1"})
	}, first, 415)
	add(!s.allowMissing, "contenttype/present", func() []sample {
		return []sample{{body: "{}"}}
	}, first, 415, 400)
	add(!s.allowMalformed, "contenttype/well-formed", func() []sample {
		var out []sample
		for _, tail := range []string{";text/html", "; a=1; a=2", `; a="`, "; a b=c"} {
			out = append(out, sample{types: []string{first.types[0] + tail}, body: first.body})
		}
		return out
	}, first, 415, 400)
	add(!s.allowDuplicate, "contenttype/single", func() []sample {
		other := plain[len(plain)-1].types[0]
		body := first.body
		if body == "{}" {
			body = "1" // JSON and a form: nothing but the types is wrong
		}
		return []sample{
			{types: []string{first.types[0] + ", " + other}, body: body},
			{types: []string{first.types[0], other}, body: body},
		}
	}, first, 415, 400)
	if text := s.text(plain); text != nil {
		add(!s.allowAnyCoding, "contenttype/encoding", func() []sample { return s.coded(*text) }, *text, 415)
		add(!s.allowAnyCharset, "contenttype/charset", func() []sample {
			return []sample{
				{types: []string{text.types[0] + "; charset=utf-16"}, body: text.body},
				{types: []string{text.types[0] + `; charset="ibm037"`}, body: text.body},
			}
		}, *text, 415)
	}
	if i := slices.IndexFunc(plain, func(x sample) bool { return strings.HasPrefix(x.types[0], "multipart/") }); i >= 0 {
		add(!s.multipart.InsecureUnchecked, "contenttype/multipart", func() []sample { return badParts(s.multipart) }, plain[i], 400, 413, 415)
	}
	if i := slices.IndexFunc(plain, func(x sample) bool { return strings.HasSuffix(x.types[0], "urlencoded") }); i >= 0 {
		add(!s.form.InsecureUnchecked, "contenttype/form", func() []sample {
			urlencoded := plain[i].types
			out := []sample{
				{types: urlencoded, body: "a=%zz"},
				{types: urlencoded, body: "a=1;b=2"},
				{types: urlencoded, body: "a=%ff"},
				{types: urlencoded, body: "a=%00"},
			}
			if n := s.form.MaxFields; n < 10_000 {
				out = append(out, sample{types: urlencoded, body: "a=1" + strings.Repeat("&a=1", n)})
			}
			return out
		}, plain[i], 400, 413, 415)
	}
	return all
}

// A sample is a body to send.
type sample struct {
	types  []string // the Content-Type fields
	coding string
	body   string
}

func (x sample) request(ctx context.Context) *http.Request {
	req := promise.NewRequest(ctx, http.MethodPost, probePath, x.body)
	for _, t := range x.types {
		req.Header.Add("Content-Type", t)
	}
	if x.coding != "" {
		req.Header.Set("Content-Encoding", x.coding)
	}
	return req
}

// put sends each attack with the twin, and returns the worst that it learns.
func put(ctx context.Context, call promise.Caller, attacks []sample, twin sample, want ...int) error {
	if len(attacks) == 0 {
		return errors.New("the policy lets every attack pass that this promise knows")
	}
	var unclear error
	for _, attack := range attacks {
		err := promise.Refused(call, attack.request(ctx), twin.request(ctx), want...)
		var broken *promise.BrokenError
		if errors.As(err, &broken) {
			return err
		}
		if unclear == nil {
			unclear = err
		}
	}
	return unclear
}

// samples are harmless bodies of the listed types.
func (s *settings) samples() []sample {
	types := s.types
	if s.allowAnyType {
		types = []string{"application/json", "multipart/form-data", "application/x-www-form-urlencoded"}
	}
	var out []sample
	for _, t := range types {
		switch {
		case strings.HasSuffix(t, "/"):
		case t == "multipart/form-data":
			out = append(out, multipartSample("pavise", part("a", "1")+"--pavise--\r\n"))
		case t == "application/x-www-form-urlencoded":
			out = append(out, sample{types: []string{t}, body: "a=1"})
		default:
			out = append(out, sample{types: []string{t}, body: "{}"})
		}
	}
	return out
}

// text returns a sample whose charset and coding this guard alone judges, if
// there is one: strict readers of JSON have their own opinion of codings.
func (s *settings) text(plain []sample) *sample {
	for _, suffix := range []string{"urlencoded", "form-data", "/json"} {
		for i := range plain {
			if strings.HasSuffix(plain[i].types[0], suffix) {
				return &plain[i]
			}
		}
	}
	return nil
}

func (s *settings) unlisted(all ...sample) []sample {
	return slices.DeleteFunc(all, func(x sample) bool { return s.lists(x.types[0]) })
}

// coded are bodies in codings that are not accepted.
func (s *settings) coded(x sample) []sample {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(x.body)); err != nil {
		return nil
	}
	if err := w.Close(); err != nil {
		return nil
	}
	var out []sample
	if !slices.Contains(s.encodings, "gzip") {
		out = append(out, sample{x.types, "gzip", packed.String()}, sample{x.types, "GZip", packed.String()})
	}
	return append(out, sample{x.types, "gzip, gzip", packed.String()}, sample{x.types, "br", x.body})
}

func multipartSample(boundary, body string) sample {
	return sample{types: []string{"multipart/form-data; boundary=" + boundary}, body: body}
}

func part(name, value string) string {
	return "--pavise\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
}

// badParts are multipart bodies that two parsers could read differently or
// that are out of bounds, each small enough to be judged before the API sees
// any of it.
func badParts(limits Multipart) []sample {
	long := strings.Repeat("b", 71)
	file := func(params string) sample {
		return multipartSample("pavise", "--pavise\r\nContent-Disposition: form-data; name=\"a\"; "+params+"\r\n\r\n1\r\n--pavise--\r\n")
	}
	out := []sample{
		{types: []string{"multipart/form-data"}, body: part("a", "1") + "--pavise--\r\n"},
		multipartSample(long, "--"+long+"--\r\n"),
		multipartSample("pavise", part("a", "1")),
		multipartSample("pavise", part("a", "1\n--pavise--")+"--pavise--\r\n"),
		multipartSample("pavise", "--pavise\r\nContent-Type: text/plain\r\n\r\n1\r\n--pavise--\r\n"),
		multipartSample("pavise", "--pavise\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n\r\n--pavise--\r\n"),
		file(`filename="../a"`),
		file(`filename*=utf-8''..%2fa`),
	}
	if n := limits.MaxParts; n <= 1000 {
		out = append(out, multipartSample("pavise", strings.Repeat(part("a", ""), n+1)+"--pavise--\r\n"))
	}
	if n := limits.MaxPartHeaderBytes; n <= 32<<10 {
		out = append(out, multipartSample("pavise", fmt.Sprintf("--pavise\r\nContent-Disposition: form-data; name=\"a\"\r\nX: %s\r\n\r\n1\r\n--pavise--\r\n", strings.Repeat("a", n))))
	}
	return out
}
