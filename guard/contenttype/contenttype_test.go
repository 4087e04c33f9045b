package contenttype

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/goccy/go-yaml"

	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/promise"
)

func must(t testing.TB, p Policy) *Guard {
	t.Helper()
	g, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func post(body string, types ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/x", strings.NewReader(body))
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	if len(types) > 0 {
		r.Header["Content-Type"] = types
	}
	return r
}

// serve answers r by g around a handler that reads the whole body, and
// returns the status and what the handler read.
func serve(g *Guard, r *http.Request) (status int, read string, called bool) {
	w := httptest.NewRecorder()
	g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called = true
		b, err := io.ReadAll(r.Body)
		read = string(b)
		if err != nil {
			http.Error(w, "cannot read", http.StatusInternalServerError)
		}
	})).ServeHTTP(w, r)
	return w.Code, read, called
}

func ruleOf(err error) string {
	var ref *guard.Refusal
	if errors.As(err, &ref) {
		return ref.Rule
	}
	return ""
}

const urlencoded = "application/x-www-form-urlencoded"

func TestHeader(t *testing.T) {
	g := must(t, Policy{})
	for _, tt := range []struct {
		body  string
		types []string
		rule  string
	}{
		{"", nil, ""},
		{"{}", nil, "contenttype/present"},
		{"{}", []string{""}, "contenttype/present"},
		{"{}", []string{"application/json"}, ""},
		{"{}", []string{"Application/JSON"}, ""},
		{"{}", []string{"application/json; charset=utf-8"}, ""},
		{"{}", []string{`application/json;charset="UTF-8"`}, ""},
		{"{}", []string{"application/json ; a=b ;; c=\"d\\\"\" ;"}, ""},
		{"{}", []string{"application/json; charset=utf-16"}, "contenttype/charset"},
		{"a=b", []string{urlencoded + "; charset=ibm037"}, "contenttype/charset"},
		{"{}", []string{"text/plain", "application/json"}, "contenttype/single"},
		{"{}", []string{"application/json", "application/json"}, "contenttype/single"},
		{"{}", []string{"application/json;multipart/form-data"}, "contenttype/well-formed"},
		{"{}", []string{"application/json; charset=utf-8; charset=utf-8"}, "contenttype/well-formed"},
		{"{}", []string{"application/json; charset=utf-8; Charset=utf-16"}, "contenttype/well-formed"},
		{"{}", []string{"application/json, text/plain"}, "contenttype/single"},
		{"{}", []string{"application/json,"}, "contenttype/single"},
		{"{}", []string{`application/json; a="b, c\", d"`}, ""},
		{"{}", []string{`application/json; a="b, c`}, "contenttype/well-formed"},
		{"{}", []string{"application/json; a = b"}, "contenttype/well-formed"},
		{"{}", []string{"application/json; a="}, "contenttype/well-formed"},
		{"{}", []string{"application/json; charset*=utf-8''utf-16"}, "contenttype/well-formed"},
		{"{}", []string{"application / json"}, "contenttype/well-formed"},
		{"{}", []string{" application/json"}, "contenttype/well-formed"},
		{"{}", []string{"application/json\x00"}, "contenttype/well-formed"},
		{"{}", []string{"json"}, "contenttype/well-formed"},
		{"{}", []string{"application/json; a=" + strings.Repeat("a", maxHeader)}, "contenttype/well-formed"},
		{"a=b", []string{urlencoded + `; !="` + strings.Repeat(`\\`, 300) + `\`}, "contenttype/well-formed"},
		// without a body too: the app parses the header first
		{"", []string{urlencoded + `; !="` + strings.Repeat(`\\`, 300) + `\`}, "contenttype/well-formed"},
		{"", []string{"text/plain"}, ""},
		{"{}", []string{"text/plain"}, "contenttype/listed"},
		{"{}", []string{"text/plain;application/json"}, "contenttype/well-formed"},
		{"{}", []string{"application/jsonx"}, "contenttype/listed"},
		{"{}", []string{"application/merge-patch+json"}, "contenttype/listed"},
		{"x", []string{"multipart/form-data"}, "contenttype/multipart"},
		{"", []string{"multipart/form-data"}, "contenttype/multipart"},
		{"x", []string{"multipart/form-data; boundary=" + strings.Repeat("a", 71)}, "contenttype/multipart"},
		{"x", []string{`multipart/form-data; boundary="a "`}, "contenttype/multipart"},
		{"x", []string{"multipart/form-data; boundary=a; boundary=b"}, "contenttype/well-formed"},
		{"--a--", []string{"multipart/form-data; boundary=a"}, ""},
	} {
		err := g.Check(post(tt.body, tt.types...))
		if got := ruleOf(err); got != tt.rule {
			t.Errorf("%q %q: refused by %q, want %q", tt.types, tt.body, got, tt.rule)
		}
		_, _, called := serve(g, post(tt.body, tt.types...))
		if called != (tt.rule == "") {
			t.Errorf("%q %q: the handler was called: %v", tt.types, tt.body, called)
		}
	}
}

func TestUnknownLengthIsABody(t *testing.T) {
	r := post("{}")
	r.ContentLength = -1
	if got := ruleOf(must(t, Policy{}).Check(r)); got != "contenttype/present" {
		t.Errorf("refused by %q", got)
	}
}

const disposition = "Content-Disposition: form-data; name=\"a\""

func parts(heads ...string) string {
	var b strings.Builder
	for _, h := range heads {
		b.WriteString("--b\r\n" + h + "\r\n\r\nvalue\r\n")
	}
	return b.String() + "--b--\r\n"
}

var multipartBodies = []struct {
	name, body string
	ok         bool
}{
	{"one field", parts(disposition), true},
	{"a file", parts(disposition + "; filename=\"a.txt\"\r\nContent-Type: text/plain"), true},
	{"both file names", parts(disposition + "; filename=a.txt; filename*=utf-8''%c3%a4.TXT"), true},
	{"both as .NET writes them", parts(disposition + `; filename="=?utf-8?B?w6QudHh0?="; filename*=utf-8''%c3%a4.txt`), true},
	{"two extensions", parts(disposition + "; filename=a.png; filename*=utf-8''a.php"), false},
	{"two extensions, one encoded", parts(disposition + `; filename*=utf-8''a.php; filename="=?utf-8?q?a.png?="`), false},
	{"no file chosen", parts(disposition + `; filename=""`), true},
	{"a percent sign", parts(disposition + `; filename="100%.txt"`), true},
	{"other headers", parts(disposition + "\r\nX-A: b\r\nContent-Transfer-Encoding: 8bit"), true},
	{"no parts", "--b--\r\n", true},
	{"no last line end", "--b\r\n" + disposition + "\r\n\r\n\r\n--b--", true},
	{"a near delimiter", "--b\r\n" + disposition + "\r\n\r\nx --b \r\n-b\r\n--c\r\n--b--", true},
	{"many dashes", "--b\r\n" + disposition + "\r\n\r\n------\r\n\r\n\r\n--b--", true},
	{"UTF-8", "--b\r\n" + disposition + "\r\n\r\näöü€𝄞\r\n--b--", true},
	{"binary file", "--b\r\n" + disposition + "; filename=a\r\n\r\n\x00\xff\xfe\r\r\n\n\r\n--b--", true},

	{"empty", "", false},
	{"preamble", "x\r\n" + parts(disposition), false},
	{"leading line end", "\r\n" + parts(disposition), false},
	{"epilogue", parts(disposition) + "x", false},
	{"second line end", parts(disposition) + "\r\n", false},
	{"lone CR at the end", "--b--\r", false},
	{"no final delimiter", "--b\r\n" + disposition + "\r\n\r\nvalue", false},
	{"half a delimiter", "--b\r\n" + disposition + "\r\n\r\nvalue\r\n--b-", false},
	{"head without end", "--b\r\n" + disposition + "\r\n", false},
	{"bare LF", strings.ReplaceAll(parts(disposition), "\r\n", "\n"), false},
	{"LF before a delimiter", "--b\r\n" + disposition + "\r\n\r\nvalue\n--b--\r\n\r\n--b--", false},
	{"CR before a delimiter", "--b\r\n" + disposition + "\r\n\r\nvalue\r--b--\r\n\r\n--b--", false},
	{"delimiter in the place of data", "--b\r\n" + disposition + "\r\n\r\n--b--\r\n", false},
	{"blank after a delimiter", "--b \r\n" + disposition + "\r\n\r\n\r\n--b--", false},
	{"longer boundary", "--b\r\n" + disposition + "\r\n\r\n\r\n--bc\r\n--b--", false},
	{"no header", "--b\r\n\r\nvalue\r\n--b--", false},
	{"no disposition", parts("Content-Type: text/plain"), false},
	{"two dispositions", parts(disposition + "\r\n" + disposition), false},
	{"attachment", parts("Content-Disposition: attachment; name=a"), false},
	{"no name", parts("Content-Disposition: form-data"), false},
	{"empty name", parts(`Content-Disposition: form-data; name=""`), false},
	{"two names", parts(disposition + "; name=b"), false},
	{"name in capitals", parts("Content-Disposition: form-data; Name=a"), false},
	{"name in pieces", parts("Content-Disposition: form-data; name*0=a"), false},
	{"trailing semicolon", parts(disposition + ";"), false},
	{"no semicolon", parts(disposition + ` x="y"`), false},
	{"backslash", parts(`Content-Disposition: form-data; name="a\"; filename=\"b"`), false},
	{"open quote", parts(`Content-Disposition: form-data; name="a`), false},
	{"folded", parts(disposition + ";\r\n filename=a"), false},
	{"blank before the colon", parts("Content-Disposition : form-data; name=a"), false},
	{"bare CR in a header", parts(disposition + "\r\nX: a\rb"), false},
	{"bare LF in a header", parts(disposition + "\r\nX: a\nb"), false},
	{"NUL in a header", parts("Content-Disposition: form-data; name=\"a\x00\""), false},
	{"header not UTF-8", parts("Content-Disposition: form-data; name=\"\xff\""), false},
	{"slash", parts(disposition + `; filename="../a"`), false},
	{"backslash in a file name", parts(disposition + `; filename="..\a"`), false},
	{"dots", parts(disposition + `; filename=".."`), false},
	{"encoded slash", parts(disposition + `; filename="..%2fa"`), false},
	{"encoded slash behind a percent sign", parts(disposition + `; filename="100%..%2fa"`), false},
	{"encoded NUL", parts(disposition + `; filename="a%00.png"`), false},
	{"extended slash", parts(disposition + `; filename*=utf-8''..%2f`), false},
	{"extended twice encoded", parts(disposition + `; filename*=utf-8''..%252fa`), false},
	{"extended latin", parts(disposition + `; filename*=iso-8859-1''a`), false},
	{"extended malformed", parts(disposition + `; filename*=utf-8''%zz`), false},
	{"extended not UTF-8", parts(disposition + `; filename*=utf-8''%ff`), false},
	{"nested", parts(disposition + "\r\nContent-Type: multipart/mixed; boundary=c"), false},
	{"quoted-printable", parts(disposition + "\r\nContent-Transfer-Encoding: quoted-printable"), false},
	{"type malformed", parts(disposition + "\r\nContent-Type: text"), false},
	{"field in UTF-16", parts(disposition + "\r\nContent-Type: text/plain; charset=utf-16"), false},
	{"field not UTF-8", "--b\r\n" + disposition + "\r\n\r\n\xff\r\n--b--", false},
	{"field cut in a character", "--b\r\n" + disposition + "\r\n\r\n\xe2\x82\r\n--b--", false},
	{"a field of bytes", "--b\r\n" + disposition + "\r\nContent-Type: application/octet-stream\r\n\r\n\xff\r\n--b--", false},
	{"NUL in a field of bytes", "--b\r\n" + disposition + "\r\nContent-Type: image/png\r\n\r\n\x00\r\n--b--", false},
	{"a field of JSON", parts(disposition + "\r\nContent-Type: application/json"), true},
	{"NUL in a field", "--b\r\n" + disposition + "\r\n\r\n\x00\r\n--b--", false},

	{"parts at the limit", parts(rep(disposition, 1000)...), true},
	{"too many parts", parts(rep(disposition, 1001)...), false},
	{"10,000 parts", parts(rep(disposition, 10_000)...), false},
	{"64 KB header", parts(disposition + "\r\nX: " + strings.Repeat("a", 64<<10)), false},
	{"headers at the limit", parts(strings.Join(append([]string{disposition}, rep("X: a", 15)...), "\r\n")), true},
	{"too many headers", parts(strings.Join(append([]string{disposition}, rep("X: a", 16)...), "\r\n")), false},
	{"field at the limit", "--b\r\n" + disposition + "\r\n\r\n" + strings.Repeat("a", 1<<20) + "\r\n--b--", true},
	{"field too large", "--b\r\n" + disposition + "\r\n\r\n" + strings.Repeat("a", 1<<20+1) + "\r\n--b--", false},
	{"file at the limit", "--b\r\n" + disposition + "; filename=a\r\n\r\n" + strings.Repeat("a", 1<<20) + "\r\n--b--", true},
	{"file too large", "--b\r\n" + disposition + "; filename=a\r\n\r\n" + strings.Repeat("a", 1<<20+1) + "\r\n--b--", false},
}

// A file may be larger than a field where the policy says so. A part that only
// has an extended file name is a field to frameworks, and to us.
func TestLargerFiles(t *testing.T) {
	g := must(t, Policy{Routes: []Route{{Path: "/uploads", Multipart: Multipart{MaxFileBytes: 2 << 20}}}})
	for _, tt := range []struct {
		name, path, header string
		size, status       int
	}{
		{"a file on its route", "/uploads", "; filename=a", 2 << 20, 200},
		{"a file that is too large there too", "/uploads", "; filename=a", 2<<20 + 1, 413},
		{"a file elsewhere", "/other", "; filename=a", 1<<20 + 1, 413},
		{"a field on the route", "/uploads", "", 1<<20 + 1, 413},
		{"an extended name alone", "/uploads", "; filename*=utf-8''a", 1<<20 + 1, 413},
	} {
		r := post("--b\r\n"+disposition+tt.header+"\r\n\r\n"+strings.Repeat("a", tt.size)+"\r\n--b--", "multipart/form-data; boundary=b")
		r.URL.Path = tt.path
		if status, _, _ := serve(g, r); status != tt.status {
			t.Errorf("%s: status %d, want %d", tt.name, status, tt.status)
		}
	}
}

func rep(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

var formBodies = []struct {
	body string
	ok   bool
}{
	{"a=1", true}, {"a=1&b=%C3%A4&c", true}, {"a=ä", false}, {"ä", false}, {"a=%c3ä", false}, {"", true},
	{"a=b=c&&=&", true}, {"a+b=c d", true}, {"a={}&{", true}, {"%7B%22a%22:1}", true}, {"+{", true}, {"&[", true}, {"=[", true},
	// What handlers that look at no type would read as JSON.
	{`{"a":1}`, false}, {`[{"a":1,"a":2}]`, false}, {`  {"a":"=&"}`, false}, {"[0]=a", false},
	{"a=%", false}, {"a=%2", false}, {"a=%zz", false}, {"a;b", false}, {"a=%00", false}, {"a=\x00", false},
	{"a=\n", false}, {"a=\x7f", false}, {"a=%0D%0A", true}, {"a=\xff", false}, {"a=%ff", false},
	{"a=%e2%82&b=%ac", false}, {"a%e2=%82%ac", false}, {"a=%e2%82", false}, {"a=%ed%a0%80", false},
	{strings.Repeat("a=1&", 999) + "a=1", true}, {strings.Repeat("a=1&", 1000) + "a=1", false},
	{strings.Repeat("k", 1024), true}, {strings.Repeat("k", 1025), false}, {strings.Repeat("%6b", 1024) + "=", true},
	{"a=" + strings.Repeat("v", 1<<20), true}, {"a=" + strings.Repeat("v", 1<<20+1), false},
}

// Each body is read at once, in pieces of one byte, and as a whole before
// the handler is called; the verdict is the same, and a body that passes is
// passed on as it is.
func testBody(t *testing.T, g *Guard, typ, body string, ok bool) {
	t.Helper()
	for _, how := range []string{"known length", "stream", "one byte a read"} {
		r := post(body, typ)
		var src io.Reader = strings.NewReader(body)
		switch how {
		case "stream":
			r.ContentLength = -1
		case "one byte a read":
			if len(body) > 3<<20 {
				continue
			}
			src = iotest.OneByteReader(src)
			r.ContentLength = -1
		}
		r.Body = io.NopCloser(src)
		if how == "known length" && body == "" {
			continue
		}
		status, read, _ := serve(g, r)
		switch {
		case ok && (status != 200 || read != body):
			t.Errorf("%s: status %d, %d of %d bytes read", how, status, len(read), len(body))
		case !ok && status != 400 && status != 413:
			t.Errorf("%s: status %d, want a refusal", how, status)
		case !strings.HasPrefix(body, read):
			t.Errorf("%s: the handler read other bytes than were sent", how)
		}
	}
}

func TestMultipart(t *testing.T) {
	g := must(t, Policy{})
	for _, tt := range multipartBodies {
		t.Run(tt.name, func(t *testing.T) { testBody(t, g, "multipart/form-data; boundary=b", tt.body, tt.ok) })
	}
}

func TestForm(t *testing.T) {
	g := must(t, Policy{})
	for _, tt := range formBodies {
		t.Run(tt.body[:min(len(tt.body), 20)], func(t *testing.T) { testBody(t, g, urlencoded, tt.body, tt.ok) })
	}
}

// A malformed part's bytes do not reach the handler.
func TestHeldBack(t *testing.T) {
	body := "--b\r\n" + disposition + "\r\n\r\ngood\r\n--b\r\nContent-Disposition: form-data; name=\"evil\"; filename=\"../x\"\r\n\r\nevil\r\n--b--\r\n"
	r := post(body, "multipart/form-data; boundary=b")
	r.ContentLength = -1
	status, read, _ := serve(must(t, Policy{}), r)
	if status != 400 || strings.Contains(read, "evil") || strings.Contains(read, "..") {
		t.Errorf("status %d, the handler read %q", status, read)
	}
}

func TestEncoding(t *testing.T) {
	var zipped, deflate bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	_, _ = zw.Write([]byte("a=1&b=2"))
	_ = zw.Close()
	dw := zlib.NewWriter(&deflate)
	_, _ = dw.Write([]byte("a=1&b=2"))
	_ = dw.Close()
	var bomb bytes.Buffer
	bw := gzip.NewWriter(&bomb)
	_, _ = bw.Write([]byte("a=" + strings.Repeat("v", 1<<19) + strings.Repeat("&a="+strings.Repeat("v", 1<<19), 30)))
	_ = bw.Close()
	open := Policy{Encodings: []string{"gzip", "deflate"}}
	for _, tt := range []struct {
		policy Policy
		codes  []string
		body   string
		status int
		read   string
	}{
		{Policy{}, []string{"gzip"}, zipped.String(), 415, ""},
		{Policy{}, []string{"GZip"}, zipped.String(), 415, ""},
		{Policy{}, []string{"identity"}, "a=1", 200, "a=1"},
		{Policy{}, []string{""}, "a=1", 415, ""},
		{Policy{}, []string{"zstd"}, "a=1", 415, ""},
		{open, []string{"gzip"}, zipped.String(), 200, "a=1&b=2"},
		{open, []string{"X-GZip"}, zipped.String(), 200, "a=1&b=2"},
		{open, []string{"deflate"}, deflate.String(), 200, "a=1&b=2"},
		{open, []string{"gzip, gzip"}, zipped.String(), 415, ""},
		{open, []string{"gzip", "gzip"}, zipped.String(), 415, ""},
		{open, []string{"br"}, "a=1", 415, ""},
		{open, []string{"gzip"}, "a=1", 400, ""},
		{open, []string{"gzip"}, zipped.String()[:15], 400, ""},
		{Policy{AllowAnyEncoding: true}, []string{"br"}, "a;%", 200, "a;%"},
	} {
		r := post(tt.body, urlencoded)
		r.Header["Content-Encoding"] = tt.codes
		status, read, _ := serve(must(t, tt.policy), r)
		if status != tt.status || status == 200 && read != tt.read {
			t.Errorf("%q: status %d, read %q; want %d %q", tt.codes, status, read, tt.status, tt.read)
		}
	}
	r := post(bomb.String(), urlencoded)
	r.Header.Set("Content-Encoding", "gzip")
	if status, read, _ := serve(must(t, open), r); status != 413 || len(read) > 10<<20 {
		t.Errorf("a bomb: status %d after %d bytes", status, len(read))
	}
	r = post(zipped.String(), urlencoded)
	r.Header.Set("Content-Encoding", "gzip")
	before := r.Header
	must(t, open).Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Encoding") != "" || r.ContentLength != -1 {
			t.Error("what goes on decoded still says that it is encoded")
		}
	})).ServeHTTP(httptest.NewRecorder(), r)
	if before.Get("Content-Encoding") != "gzip" {
		t.Error("the caller's header was changed")
	}
}

// In observe mode the original bytes go on, whatever was found.
func TestObserve(t *testing.T) {
	var seen []string
	bodies := []struct{ typ, body string }{
		{"text/plain", "x"}, {"", "x"}, {"application/json;x", "{}"}, {"multipart/form-data", "x"},
		{"multipart/form-data; boundary=b", "--b\r\nx\r\n--b--"}, {urlencoded, "a=%zz;"}, {urlencoded + ";charset=x", "a=1"},
	}
	for _, tt := range bodies {
		for _, known := range []bool{true, false} {
			r := post(tt.body)
			if tt.typ != "" {
				r.Header.Set("Content-Type", tt.typ)
			}
			if !known {
				r.ContentLength = -1
			}
			r, facts := guard.WithFacts(r)
			n := len(seen)
			facts.Door = func(_ *http.Request, ref *guard.Refusal) bool {
				seen = append(seen, ref.Rule)
				return true
			}
			if status, read, _ := serve(must(t, Policy{}), r); status != 200 || read != tt.body {
				t.Errorf("%q %q: status %d, read %q", tt.typ, tt.body, status, read)
			}
			if len(seen) == n {
				t.Errorf("%q %q: nothing was observed", tt.typ, tt.body)
			}
		}
	}
}

// The limits guard's verdict, which comes as a read error, stays what it is.
func TestRefusalFromBelow(t *testing.T) {
	below := &guard.Refusal{Rule: "limits/body", Status: 413, Code: "BODY_TOO_LARGE"}
	r := post("a=1", urlencoded)
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("a="), iotest.ErrReader(below)))
	if err := must(t, Policy{}).Check(r); !errors.Is(err, below) {
		t.Errorf("got %v", err)
	}
	r = post("a=1", urlencoded)
	r.Body = io.NopCloser(iotest.ErrReader(errors.New("reset")))
	if got := ruleOf(must(t, Policy{}).Check(r)); got != "contenttype/form" {
		t.Errorf("refused by %q", got)
	}
}

func TestRoutes(t *testing.T) {
	g := must(t, Policy{Routes: []Route{
		{Path: "/x/", Types: []string{"image/*"}, AllowJSONSuffix: true, AllowMissing: true},
		{Path: "/x/form", Form: Form{MaxFields: 1}},
		{Path: "/x/all", AllowAnyType: true},
	}})
	for _, tt := range []struct {
		path, typ, body string
		ok              bool
	}{
		{"/y", "image/png", "x", false}, {"/x/y", "image/png", "x", true}, {"/x/y", "image/", "x", false},
		{"/x/y", "application/json", "x", false}, {"/x/y", "application/a+json", "x", true}, {"/x/y", "application/+json", "x", true},
		{"/x/y", "", "x", true}, {"/x/form", urlencoded, "a&b", false}, {"/x/form", urlencoded, "a", true}, {"/x/all", "a/b", "x", true},
	} {
		r := post(tt.body)
		r.URL.Path = tt.path
		if tt.typ != "" {
			r.Header.Set("Content-Type", tt.typ)
		}
		if err := g.Check(r); (err == nil) != tt.ok {
			t.Errorf("%s %s: %v", tt.path, tt.typ, err)
		}
	}
}

func caller(srv *httptest.Server) promise.Caller {
	c := srv.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host = "http", srv.Listener.Addr().String()
		return c.Do(r)
	}
}

// bare answers 200 to everything, without looking at the body.
var bare = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

func TestPromises(t *testing.T) {
	g := must(t, Policy{})
	open := httptest.NewServer(bare)
	defer open.Close()
	kept := httptest.NewServer(g.Wrap(bare))
	defer kept.Close()
	ids := map[string]bool{}
	for _, p := range g.Promises() {
		ids[p.ID] = true
		var broken *promise.BrokenError
		if err := p.Test(t.Context(), caller(open)); !errors.As(err, &broken) {
			t.Errorf("%s is not broken by a bare handler: %v", p.ID, err)
		}
		if err := p.Test(t.Context(), caller(kept)); err != nil {
			t.Errorf("%s is not kept: %v", p.ID, err)
		}
	}
	for _, rule := range Rules() {
		if !ids[rule.ID] {
			t.Errorf("%s: no promise", rule.ID)
		}
		var loose struct {
			ContentType Policy `yaml:"contenttype"`
		}
		if err := yaml.UnmarshalWithOptions([]byte(rule.Loosen), &loose, yaml.Strict()); err != nil {
			t.Fatal(err)
		}
		if len(loose.ContentType.Loosened()) != 1 || loose.ContentType.Loosened()[0].Rule != rule.ID {
			t.Errorf("%s: loosened: %v", rule.ID, loose.ContentType.Loosened())
		}
		srv := httptest.NewServer(must(t, loose.ContentType).Wrap(bare))
		for _, p := range g.Promises() {
			err := p.Test(t.Context(), caller(srv))
			var broken *promise.BrokenError
			if (p.ID == rule.ID) != errors.As(err, &broken) {
				t.Errorf("with %s loosened, %s: %v", rule.ID, p.ID, err)
			}
		}
		srv.Close()
		for _, p := range must(t, loose.ContentType).Promises() {
			if p.ID == rule.ID {
				t.Errorf("%s is promised by a policy that loosens it", p.ID)
			}
		}
	}
}

func TestLoosenedZero(t *testing.T) {
	if l := (Policy{}).Loosened(); l != nil {
		t.Errorf("the zero policy is loosened: %v", l)
	}
}

func TestGolden(t *testing.T) {
	w := httptest.NewRecorder()
	r := post("x", "text/plain")
	must(t, Policy{}).Wrap(bare).ServeHTTP(w, r)
	w2 := httptest.NewRecorder()
	r = post("x", "application/json")
	r.Header.Set("Content-Encoding", "gzip")
	must(t, Policy{}).Wrap(bare).ServeHTTP(w2, r)
	var got bytes.Buffer
	for _, w := range []*httptest.ResponseRecorder{w, w2} {
		if err := w.Result().Write(&got); err != nil {
			t.Fatal(err)
		}
		got.WriteString("\n")
	}
	want, err := os.ReadFile("testdata/refusal.golden")
	if err != nil {
		t.Fatal(err)
	}
	if g := strings.ReplaceAll(got.String(), "\r\n", "\n"); g != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", g, want)
	}
}

func TestAllocations(t *testing.T) {
	g := must(t, Policy{})
	r := post("{}", "application/json; charset=utf-8")
	if n := testing.AllocsPerRun(100, func() {
		if err := g.Check(r); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Check of a JSON request makes %v allocations, want 0", n)
	}
}

func BenchmarkCheck(b *testing.B) {
	g := must(b, Policy{})
	r := post("{}", "application/json; charset=utf-8")
	b.ReportAllocs()
	for b.Loop() {
		if err := g.Check(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMultipartStream(b *testing.B) {
	g := must(b, Policy{Multipart: Multipart{MaxFileBytes: 8 << 20}})
	body := "--b\r\n" + disposition + "; filename=a\r\n\r\n" + strings.Repeat("0123456789abcde\n", 1<<18) + "\r\n--b--\r\n"
	b.SetBytes(int64(len(body)))
	h := g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); err != nil || n != int64(len(body)) {
			b.Fatalf("%d of %d bytes: %v", n, len(body), err)
		}
	}))
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), post(body, "multipart/form-data; boundary=b"))
	}
}

// With one rule only observed, the others still stand: a form in a coding
// that nobody decodes is read as it stands by an app that looks at no coding.
func TestObservedEncodingHidesNoForm(t *testing.T) {
	for typ, body := range map[string]string{
		urlencoded: "a=%zz", "multipart/form-data; boundary=b": parts("Content-Disposition: form-data; name=a; filename=../x"),
	} {
		for coding, allow := range map[string]bool{"br": false, "gzip": false, "gzip, br": false, "": false, "identity": false, "zstd": true} {
			var observed, refused []string
			r, facts := guard.WithFacts(post(body, typ))
			r.Header.Set("Content-Encoding", coding)
			facts.Door = func(_ *http.Request, ref *guard.Refusal) bool {
				if ref.Rule == "contenttype/encoding" {
					observed = append(observed, ref.Rule)
					return true
				}
				refused = append(refused, ref.Rule)
				return false
			}
			status, _, called := serve(must(t, Policy{AllowAnyEncoding: allow}), r)
			if called != allow || !allow && (status < 400 || len(refused) == 0) {
				t.Errorf("%s in %q: status %d, called %v, observed %q, refused by %q", typ, coding, status, called, observed, refused)
			}
		}
	}
}

// An API that takes no forms answers 415 to both, and that breaks nothing.
func TestFormPromiseAgainstAnAPIOfJSON(t *testing.T) {
	for _, p := range must(t, Policy{}).Promises() {
		if p.ID != "contenttype/form" {
			continue
		}
		err := p.Test(t.Context(), func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusUnsupportedMediaType, Body: http.NoBody, Header: http.Header{}}, nil
		})
		var broken *promise.BrokenError
		if err == nil || errors.As(err, &broken) {
			t.Errorf("got %v, want could not tell", err)
		}
	}
}
