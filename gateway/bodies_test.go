package gateway

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/pavise-dev/pavise/guard/limits"
)

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCompressedBombs: what a body decodes to counts, and what cannot be
// counted does not pass.
func TestCompressedBombs(t *testing.T) {
	zeros := make([]byte, 10<<20)
	once := gzipped(t, zeros)
	twice := gzipped(t, once)
	var deflated bytes.Buffer
	zw := zlib.NewWriter(&deflated)
	_, _ = zw.Write(zeros)
	_ = zw.Close()
	tests := []struct {
		name, encoding string
		body           []byte
	}{
		{"gzip", "gzip", once},
		{"gzip in odd case", "GZip", once},
		{"x-gzip", "x-gzip", once},
		{"deflate", "deflate", deflated.Bytes()},
		{"gzip of gzip", "gzip, gzip", twice},
		{"stacked", "gzip, deflate", once},
		{"stacked in two fields", "gzip\r\nContent-Encoding: gzip", twice},
		{"hidden behind identity", "identity, gzip", once},
		{"zstd", "zstd", []byte("\x28\xb5\x2f\xfd\x04\x00\x01\x00\x00\x99\xe9\xd8\x51")},
		{"br", "br", []byte("\x3b")},
		{"an empty member", ", gzip", once},
		{"a word of no standard", "gzip;q=1", once},
	}
	for _, opened := range []bool{false, true} {
		up := newRecordingUpstream(t)
		p := vectorPolicy(up.url)
		p.Limits.Body = limits.Bytes(1 << 20)
		p.ContentType.Types = []string{"application/octet-stream", "application/json", "application/x-www-form-urlencoded"}
		if opened {
			p.ContentType.Encodings = []string{"gzip", "deflate"}
		}
		addr, _ := start(t, p, nil)
		for _, tt := range tests {
			for _, typ := range []string{"application/octet-stream", "application/x-www-form-urlencoded", "application/json"} {
				for _, chunked := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/%s/opened=%v/chunked=%v", tt.name, typ, opened, chunked), func(t *testing.T) {
						head := "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: " + typ + "\r\nContent-Encoding: " + tt.encoding + "\r\nConnection: close\r\n"
						raw := fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(tt.body), tt.body)
						if chunked {
							raw = fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, len(tt.body), tt.body)
						}
						res, body := exchangeRaw(t, addr, raw)
						requireRefusal(t, res, body, 413, 415, 400)
						if got := up.take(); len(got) > 0 {
							t.Errorf("the upstream got a whole request of %d bytes", len(got[0].Body))
						}
					})
				}
			}
		}
		if opened {
			// What is honest arrives as it was sent, still encoded.
			honest := gzipped(t, []byte("hello"))
			res, body := exchangeRaw(t, addr, fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/octet-stream\r\nContent-Encoding: gzip\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(honest), honest))
			got := up.take()
			if res.StatusCode != 200 || len(got) != 1 {
				t.Fatalf("an honest gzip body is answered %d: %s", res.StatusCode, body)
			}
			plain := got[0].Body
			if got[0].Header.Get("Content-Encoding") == "gzip" {
				zr, err := gzip.NewReader(strings.NewReader(plain))
				if err != nil {
					t.Fatal(err)
				}
				all, _ := io.ReadAll(zr)
				plain = string(all)
			}
			if plain != "hello" {
				t.Errorf("the upstream got %q", plain)
			}
		}
	}
}

func TestMultipart(t *testing.T) {
	up := newRecordingUpstream(t)
	addr, _ := start(t, vectorPolicy(up.url), nil)
	part := func(disposition, body string) string {
		return "--x\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + body + "\r\n"
	}
	long := strings.Repeat("b", 71)
	for _, tt := range []struct {
		name, contentType, body string
		want                    []int
	}{
		{"honest", "multipart/form-data; boundary=x", part(`name="a"`, "1") + part(`name="f"; filename="f.txt"`, "data") + "--x--\r\n", status(200)},
		{"no boundary", "multipart/form-data", part(`name="a"`, "1") + "--x--\r\n", status(400, 415)},
		{"an empty boundary", `multipart/form-data; boundary=""`, "----\r\n", status(400, 415)},
		{"a boundary of 71", "multipart/form-data; boundary=" + long, "--" + long + "\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--" + long + "--\r\n", status(400, 415)},
		{"two boundaries", "multipart/form-data; boundary=x; boundary=y", part(`name="a"`, "1") + "--x--\r\n", status(400, 415)},
		{"10,000 parts", "multipart/form-data; boundary=x", strings.Repeat(part(`name="a"`, "1"), 10_000) + "--x--\r\n", status(400, 413)},
		{"a part header of 64 KB", "multipart/form-data; boundary=x", part(`name="`+strings.Repeat("a", 64<<10)+`"`, "1") + "--x--\r\n", status(400, 413)},
		{"an escaped path as filename", "multipart/form-data; boundary=x", part(`name="f"; filename*=utf-8''..%2f..%2fetc%2fpasswd`, "1") + "--x--\r\n", status(400)},
		{"nested", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"f\"\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\n1\r\n--y--\r\n--x--\r\n", status(400, 415)},
		{"no final delimiter", "multipart/form-data; boundary=x", part(`name="a"`, "1"), status(400)},
		{"no delimiter at all", "multipart/form-data; boundary=x", "hello", status(400)},
		{"mixed as such", "multipart/mixed; boundary=x", part(`name="a"`, "1") + "--x--\r\n", status(415)},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/chunked=%v", tt.name, chunked), func(t *testing.T) {
				up.take()
				raw := strings.Replace(post("/f", tt.contentType, tt.body), "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
				if chunked {
					raw = fmt.Sprintf("POST /f HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", tt.contentType, len(tt.body), tt.body)
				}
				res, body := exchangeRaw(t, addr, raw)
				got := up.take()
				if res.StatusCode == 200 && tt.want[0] == 200 {
					requireHeaders(t, res)
					if len(got) != 1 || got[0].Body != tt.body {
						t.Error("the upstream did not get the body as it was sent")
					}
					return
				}
				requireRefusal(t, res, body, tt.want...)
				if len(got) > 0 {
					t.Errorf("the upstream got a whole request")
				}
			})
		}
	}
}

// jsonRows are documents that two parsers read differently, or that one of
// them cannot bear.
var jsonRows = []struct {
	name, body, pointer string // a pointer that starts with ? is not asked for
}{
	{"a key twice", `{"a":1,"a":2}`, "/a"},
	{"a key twice, escaped", `{"a":1,"\u0061":2}`, "/a"},
	{"a key twice, deep", `{"x":[0,{"a":1,"a":2}]}`, "/x/1/a"},
	{"NaN", `{"a":NaN}`, "?"},
	{"-Infinity", `{"a":-Infinity}`, "?"},
	{"Infinity alone", `Infinity`, "?"},
	{"1e999", `{"a":1e999}`, "/a"},
	{"hexadecimal", `{"a":0x10}`, "?"},
	{"a leading zero", `{"a":01}`, "?"},
	{"a leading plus", `{"a":+1}`, "?"},
	{"a lone surrogate", `{"a":"\ud800"}`, "/a"},
	{"a lone low surrogate", `{"a":"\udc00x"}`, "/a"},
	{"a surrogate in a key", `{"\ud800":1}`, "?"},
	{"NUL", `{"a":"\u0000"}`, "/a"},
	{"a raw NUL", "{\"a\":\"\x00\"}", "?"},
	{"a byte order mark", "\xef\xbb\xbf{\"a\":1}", "?"},
	{"UTF-16", utf16Text(`{"a":1}`, true), "?"},
	{"UTF-16 without a mark", utf16Text(`{"a":1}`, false), "?"},
	{"UTF-32", "\xff\xfe\x00\x00{\x00\x00\x00}\x00\x00\x00", "?"},
	{"invalid UTF-8", "{\"a\":\"\xff\"}", "?"},
	{"overlong UTF-8", "{\"a\":\"\xc0\xaf\"}", "?"},
	{"a surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", "?"},
	{"two documents", `{"a":1}{"a":2}`, "?"},
	{"two documents on lines", "{\"a\":1}\n{\"a\":2}", "?"},
	{"10,000 brackets", strings.Repeat("[", 10_000), "?"},
	{"10,000 brackets and their ends", strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), "?"},
	{"10,000 braces", strings.Repeat(`{"a":`, 10_000), "?"},
	{"an integer of 4,300 digits", `{"a":` + strings.Repeat("9", 4300) + `}`, "/a"},
	{"keys that differ by case", `{"a":1,"A":2}`, "/A"},
	{"keys that differ by long s", `{"s":1,"ſ":2}`, "/ſ"},
	{"keys that differ by normal form", "{\"\u00e9\":1,\"e\u0301\":2}", "?"},
	{"__proto__", `{"__proto__":{"admin":true}}`, "/__proto__"},
	{"__proto__, escaped", `{"\u005f_proto__":{"admin":true}}`, "/__proto__"},
	{"constructor.prototype", `{"constructor":{"prototype":{"admin":true}}}`, "?"},
	{"nothing", ` `, "?"},
	{"a comment", `{"a":1/**/}`, "?"},
	{"a trailing comma", `{"a":1,}`, "?"},
	{"single quotes", `{'a':1}`, "?"},
	{"an unescaped line end", "{\"a\":\"\n\"}", "?"},
	{"a control character", "{\"a\":\"\x01\"}", "?"},
	{"cut short", `{"a":1`, "?"},
	{"a string of 10,001", `{"a":"` + strings.Repeat("x", 10_001) + `"}`, "/a"},
	{"form feed as space", "\f{\"a\":1}", "?"},
}

func utf16Text(s string, mark bool) string {
	var b strings.Builder
	if mark {
		b.WriteString("\xff\xfe")
	}
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

func TestJSON(t *testing.T) {
	up := newRecordingUpstream(t)
	addr, _ := start(t, vectorPolicy(up.url), nil)
	send := func(t *testing.T, contentType, body string, chunked bool) (*http.Response, string) {
		head := "POST /j HTTP/1.1\r\nHost: a\r\nContent-Type: " + contentType + "\r\nConnection: close\r\n"
		if !chunked {
			return exchangeRaw(t, addr, fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body))
		}
		var b strings.Builder
		b.WriteString(head + "Transfer-Encoding: chunked\r\n\r\n")
		for rest := body; rest != ""; {
			n := min(len(rest), 7)
			fmt.Fprintf(&b, "%x\r\n%s\r\n", n, rest[:n])
			rest = rest[n:]
		}
		b.WriteString("0\r\n\r\n")
		return exchangeRaw(t, addr, b.String())
	}
	for _, tt := range jsonRows {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/chunked=%v", tt.name, chunked), func(t *testing.T) {
				res, body := send(t, "application/json", tt.body, chunked)
				p := requireRefusal(t, res, body, 400, 422)
				if tt.pointer != "?" && p.Pointer != tt.pointer {
					t.Errorf("the pointer is %q, want %q", p.Pointer, tt.pointer)
				}
				if got := up.take(); len(got) > 0 {
					t.Errorf("the upstream got %.80q", got[0].Body)
				}
			})
		}
	}
	for _, body := range []string{
		`{"a":1}`, " {\n\t\"b\" : [ 1.0e+2 , -0 , \"\\u00e9\\/\" ] }\r\n", `"text"`, `null`, `[]`, `1.10`, `{"z":1,"a":2,"m":{"z":[]}}`, `"\ud83d\ude00"`,
		`{"a":"` + strings.Repeat("x", 10_000) + `"}`, strings.Repeat("[", 64) + strings.Repeat("]", 64), `{"n":123456789012345678901234567890.000}`,
	} {
		for _, chunked := range []bool{false, true} {
			res, answer := send(t, "application/json; charset=utf-8", body, chunked)
			got := up.take()
			if res.StatusCode != 200 || len(got) != 1 {
				t.Errorf("%.60q is answered %d: %s", body, res.StatusCode, answer)
			} else if got[0].Body != body {
				t.Errorf("the upstream got %.60q, want %.60q", got[0].Body, body)
			}
		}
	}
	// A type by which an app may read JSON all the same is judged as JSON or refused.
	for _, typ := range []string{"Application/JSON", "application/json ; x=y", "APPLICATION/JSON;charset=\"UTF-8\"", "application/problem+json", "text/json", "application/json;charset=utf-16", "application/x-json"} {
		res, body := send(t, typ, `{"a":1,"a":2}`, false)
		requireRefusal(t, res, body, 400, 415, 422)
		if got := up.take(); len(got) > 0 {
			t.Errorf("as %s the document reached the upstream", typ)
		}
	}
}
