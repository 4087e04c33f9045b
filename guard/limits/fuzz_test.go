package limits

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
)

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}

// Check passes exactly what Wrap passes on.
func FuzzCheckIsWrap(f *testing.F) {
	f.Add("/a", "b=c", "gzip", "X", "y", int64(3), 5)
	f.Add("/a", "b&c;d&e&f", "zstd", "Content-Encoding", "gzip", int64(-1), 2)
	f.Add("/a/b", "", "identity", "A", "", int64(0), 9)
	f.Add("/a/b", "", "gzip,gzip", "A", strings.Repeat("a", 200), int64(51), 1)
	f.Fuzz(func(t *testing.T, path, query, coding, name, value string, length int64, times int) {
		g := must(t, Policy{URL: 100, QueryParameters: 3, HeaderCount: 8, HeaderBytes: 200, Body: 50, Routes: []Route{{Path: "/a/", Body: 10}}})
		r := &http.Request{
			Method: http.MethodPost, URL: &url.URL{Path: path, RawQuery: query}, RequestURI: path + "?" + query,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Host: "a",
			Body: io.NopCloser(strings.NewReader("x")), ContentLength: length,
		}
		r.Header[name] = make([]string, min(max(times, 0), 20))
		for i := range r.Header[name] {
			r.Header[name][i] = value
		}
		r.Header.Add("Content-Encoding", coding)
		err := g.Check(r)
		called := false
		w := httptest.NewRecorder()
		g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true })).ServeHTTP(w, r)
		if called != (err == nil) {
			t.Fatalf("Check says %v, Wrap called next: %v", err, called)
		}
		if err != nil && (w.Code != refusal(t, err).Status || w.Header().Get("Content-Type") != "application/problem+json") {
			t.Fatalf("Check says %v, Wrap answered %d", err, w.Code)
		}
	})
}

// Printing and parsing a number of bytes is the identity.
func FuzzBytes(f *testing.F) {
	for _, s := range []string{"0", "10MiB", "1MB", "512KiB", "1kB", "7", "9223372036854775807", "9007199254740992KiB", "1TB", "01B", "-1", "B", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b, again Bytes
		if b.UnmarshalText([]byte(s)) != nil {
			return
		}
		if b < 0 {
			t.Fatalf("%q is %d", s, b)
		}
		text, err := b.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalText(text); err != nil || again != b {
			t.Fatalf("%q is %d, written %q, read %d, %v", s, b, text, again, err)
		}
	})
}

func encode(kind string, data []byte, level int) []byte {
	var b bytes.Buffer
	var w io.WriteCloser
	if kind == "gzip" {
		w, _ = gzip.NewWriterLevel(&b, level)
	} else {
		w, _ = zlib.NewWriterLevel(&b, level)
	}
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

// naive says by decoding all at once whether an encoded body must pass.
func naive(kind string, body []byte, limit int) bool {
	if len(body) == 0 {
		return true
	}
	in := bytes.NewReader(body)
	var r io.Reader
	var err error
	if kind == "gzip" {
		r, err = gzip.NewReader(in)
	} else {
		r, err = zlib.NewReader(in)
	}
	if err != nil {
		return false
	}
	out, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	return err == nil && len(out) <= limit && len(body) <= limit && in.Len() == 0
}

// A compressed body passes unchanged exactly if all of it decodes to no more
// than the limit; and no more than the limit's worth, and the format's window,
// ever reaches the handler.
func FuzzDecoder(f *testing.F) {
	const limit = 64 << 10
	random := make([]byte, 40<<10)
	for i := range random {
		random[i] = byte(rand.N(256))
	}
	for _, kind := range []string{"gzip", "deflate"} {
		for _, data := range [][]byte{nil, []byte("a=1"), make([]byte, limit), make([]byte, limit+1), make([]byte, 2<<20), random, bytes.Repeat(random, 2)} {
			for _, level := range []int{0, 9} {
				e := encode(kind, data, level)
				f.Add(e, kind == "gzip", uint8(0))
				f.Add(append(e, e...), kind == "gzip", uint8(1))
				f.Add(append(e, 'x'), kind == "gzip", uint8(2))
				f.Add(e[:len(e)-1], kind == "gzip", uint8(3))
			}
		}
	}
	f.Add(encode("gzip", encode("gzip", make([]byte, 2<<20), 9), 9), true, uint8(0))
	f.Add([]byte{}, true, uint8(0))
	f.Add([]byte{}, false, uint8(3))
	f.Add([]byte{0x1f, 0x8b}, true, uint8(0))
	f.Fuzz(func(t *testing.T, body []byte, isGzip bool, how uint8) {
		kind := map[bool]string{true: "gzip", false: "deflate"}[isGzip]
		g := must(t, Policy{Body: limit})
		var in io.Reader = bytes.NewReader(body)
		switch how % 4 {
		case 1:
			in = iotest.OneByteReader(in)
		case 2:
			in = iotest.DataErrReader(in)
		case 3:
			in = iotest.HalfReader(in)
		}
		r := httptest.NewRequest(http.MethodPost, "/", unsized{in})
		r.Header.Set("Content-Encoding", kind)
		w := httptest.NewRecorder()
		var got []byte
		g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got, _ = io.ReadAll(r.Body)
		})).ServeHTTP(w, r)
		if want := naive(kind, body, limit); (w.Code == 200) != want {
			t.Fatalf("status %d, but it should pass: %v", w.Code, want)
		}
		if w.Code == 200 && !bytes.Equal(got, body) || !bytes.HasPrefix(body, got) {
			t.Fatalf("%d bytes came through changed, of %d", len(got), len(body))
		}
		var dec io.Reader
		var err error
		if isGzip {
			dec, err = gzip.NewReader(bytes.NewReader(got))
		} else {
			dec, err = zlib.NewReader(bytes.NewReader(got))
		}
		if err == nil {
			if n, _ := io.Copy(io.Discard, dec); n > limit+64<<10 {
				t.Fatalf("the handler got %d bytes that decode to %d", len(got), n)
			}
		}
	})
}
