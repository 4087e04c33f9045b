package contenttype

import (
	"bytes"
	"io"
	"mime"
	mp "mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
)

// The law of every guard: Check passes exactly if Wrap calls the handler.
// And what we call well-formed, the standard library reads as we do.
func FuzzCheck(f *testing.F) {
	for _, typ := range []string{
		"", "application/json", "application/json; charset=utf-8", `application/json; charset="utf\-8"`, "text/plain",
		"multipart/form-data; boundary=b", `multipart/form-data; boundary="b b"`, "application/x-www-form-urlencoded;;", "a/b; c*0=d",
	} {
		f.Add(typ, "", "", "a=1")
		f.Add(typ, "gzip", "a/b", "--b--")
	}
	g := must(f, Policy{AllowJSONSuffix: true, Encodings: []string{"gzip"}})
	f.Fuzz(func(t *testing.T, typ, coding, second, body string) {
		request := func() *http.Request {
			r := post(body, typ)
			if second != "" {
				r.Header.Add("Content-Type", second)
			}
			if coding != "" {
				r.Header.Set("Content-Encoding", coding)
			}
			return r
		}
		called := false
		h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			called = true
			if got, err := io.ReadAll(r.Body); err == nil && coding == "" && string(got) != body {
				t.Errorf("the handler read %q of %q", got, body)
			}
		})
		g.Wrap(h).ServeHTTP(httptest.NewRecorder(), request())
		if err := g.Check(request()); (err == nil) != called {
			t.Errorf("%q: Check says %v, the handler was called: %v", typ, err, called)
		}
		m, ok := parseMediaType(typ)
		if !ok {
			return
		}
		name, params, err := mime.ParseMediaType(typ)
		if err != nil && strings.Contains(typ, ";") {
			return // it is stricter about empty parameters
		}
		if err != nil || name != strings.ToLower(m.typ) || params["charset"] != m.charset || params["boundary"] != m.boundary {
			t.Errorf("%q: we read %+v, package mime %q %v %v", typ, m, name, params, err)
		}
	})
}

// Reading through the stream yields exactly the input or a refusal, however
// the input is cut; and what passes, mime/multipart reads too, with as many
// parts.
func FuzzMultipart(f *testing.F) {
	for _, tt := range multipartBodies {
		if len(tt.body) < 4<<10 {
			f.Add([]byte(tt.body), uint8(3))
		}
	}
	limits := must(f, Policy{}).base.multipart
	f.Fuzz(func(t *testing.T, body []byte, cut uint8) {
		whole := newMultipartJudge("b", limits)
		ref := judgeAll(whole, body)
		cuts := newMultipartJudge("b", limits)
		n := 0
		for end := 0; ; {
			end = min(end+1+int(cut), len(body))
			m, r := cuts.next(body[n:end], end == len(body))
			n += m
			if (r != nil || end == len(body)) && (r == nil) != (ref == nil) {
				t.Fatalf("in pieces of %d: %v, whole: %v", 1+int(cut), r, ref)
			}
			if r != nil {
				break
			}
			if end == len(body) {
				if n != len(body) {
					t.Fatalf("passed, but %d of %d bytes were judged", n, len(body))
				}
				break
			}
		}
		if ref != nil {
			return
		}
		mr := mp.NewReader(bytes.NewReader(body), "b")
		parts := 0
		for {
			_, err := mr.NextRawPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("mime/multipart refuses what we pass: %v", err)
			}
			parts++
		}
		if parts != whole.parts {
			t.Fatalf("mime/multipart reads %d parts, we %d", parts, whole.parts)
		}
	})
}

// The same for forms, with net/url as the other parser.
func FuzzForm(f *testing.F) {
	for _, tt := range formBodies {
		if len(tt.body) < 4<<10 {
			f.Add(tt.body)
		}
	}
	g := must(f, Policy{})
	f.Fuzz(func(t *testing.T, body string) {
		ref := judgeAll(&formJudge{limits: g.base.form}, []byte(body))
		r := post(body, urlencoded)
		r.ContentLength = -1
		r.Body = io.NopCloser(iotest.OneByteReader(strings.NewReader(body)))
		status, read, _ := serve(g, r)
		if (ref == nil) != (status == 200) || ref == nil && read != body {
			t.Fatalf("whole: %v; in pieces: status %d, read %q", ref, status, read)
		}
		if ref == nil {
			if _, err := url.ParseQuery(body); err != nil {
				t.Fatalf("net/url refuses what we pass: %v", err)
			}
		}
	})
}
