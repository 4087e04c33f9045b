package jsonbody

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// judgeText returns the rule of the first violation and its pointer.
func judgeText(doc string, off check) (rule, pointer string) {
	sc := newScanner()
	ok := sc.scan([]byte(doc), defaultSettings().bounds, off, func(v violation) bool {
		rule, _ = names(v.check)
		rule = strings.TrimPrefix(rule, "jsonbody/")
		pointer = v.pointer
		return false
	})
	if ok != (rule == "") {
		panic("scan and its report disagree")
	}
	return rule, pointer
}

var documents = []struct{ doc, rule, pointer string }{
	// what is JSON
	{`{}`, "", ""}, {`[]`, "", ""}, {`null`, "", ""}, {`true`, "", ""}, {`false`, "", ""}, {`""`, "", ""}, {`0`, "", ""}, {`-0`, "", ""},
	{" \t\r\n[ 1 , 2 ]\n", "", ""}, {`{"a":[],"b":{},"c":null}`, "", ""}, {`[1.5e+3,1E-2,-0.1,123456789012345678901234567890]`, "", ""},
	{`["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"]`, "", ""}, {`{"":1}`, "", ""}, {`{"a":{"a":1},"b":{"a":1}}`, "", ""}, {"[\"\x7f\"]", "", ""},
	{`[1e308,1e-400]`, "", ""}, {`["😀é"]`, "", ""}, {`{"constructor":1,"prototype":2}`, "", ""}, {`{"a":[{"b":1},{"b":2}]}`, "", ""},
	{"[\"\u2028\"]", "", ""}, {`[[[[1]]]]`, "", ""}, {`{"résumé":1,"resume":2}`, "", ""}, {`{"ß":1,"ss":2}`, "", ""},

	// what is not
	{``, "strict-syntax", ""}, {` `, "strict-syntax", ""}, {`[`, "strict-syntax", "/0"}, {`]`, "strict-syntax", ""}, {`{`, "strict-syntax", ""},
	{`[1,]`, "strict-syntax", "/1"}, {`[,1]`, "strict-syntax", "/0"}, {`[1,,2]`, "strict-syntax", "/1"}, {`[1 2]`, "strict-syntax", "/0"},
	{`{"a"}`, "strict-syntax", "/a"}, {`{"a":}`, "strict-syntax", "/a"}, {`{"a":1,}`, "strict-syntax", ""}, {`{,}`, "strict-syntax", ""},
	{`{"a" 1}`, "strict-syntax", "/a"}, {`{a:1}`, "strict-syntax", ""}, {`{'a':1}`, "strict-syntax", ""}, {`{1:1}`, "strict-syntax", ""},
	{`[1}`, "strict-syntax", "/0"}, {`{"a":1]`, "strict-syntax", "/a"}, {`{"a":NaN}`, "strict-syntax", "/a"}, {`[-Infinity]`, "strict-syntax", "/0"},
	{`[Infinity]`, "strict-syntax", "/0"}, {`[0x10]`, "strict-syntax", "/0"}, {`[01]`, "strict-syntax", "/0"}, {`[-01]`, "strict-syntax", "/0"},
	{`[+1]`, "strict-syntax", "/0"}, {`[.5]`, "strict-syntax", "/0"}, {`[1.]`, "strict-syntax", "/0"}, {`[1e]`, "strict-syntax", "/0"},
	{`[1e+]`, "strict-syntax", "/0"}, {`[-]`, "strict-syntax", "/0"}, {`[- 1]`, "strict-syntax", "/0"}, {`[1_000]`, "strict-syntax", "/0"},
	{`-`, "strict-syntax", ""}, {`[tru]`, "strict-syntax", "/0"}, {`[True]`, "strict-syntax", "/0"}, {`nul`, "strict-syntax", ""}, {`[nullx]`, "strict-syntax", "/0"},
	{`{"a":1/**/}`, "strict-syntax", "/a"}, {"[1]//x", "single-document", ""}, {`#`, "strict-syntax", ""}, {"\xef\xbb\xbf{}", "strict-syntax", ""},
	{"[\"\n\"]", "strict-syntax", "/0"}, {"[\"\x00\"]", "utf8", ""}, {"[12345,\"\x00\"]", "strict-syntax", "/1"}, {`["a`, "strict-syntax", "/0"}, {`["\`, "strict-syntax", "/0"}, {`["\"]`, "strict-syntax", "/0"},
	{`["\x41"]`, "strict-syntax", "/0"}, {`["\u12"]`, "strict-syntax", "/0"}, {`["\u12g4"]`, "strict-syntax", "/0"}, {`["\U1234"]`, "strict-syntax", "/0"},
	{"[1]\x00", "utf8", ""}, {"[1\x0b]", "strict-syntax", "/0"}, {"[\u00a01]", "strict-syntax", "/0"},

	// what is more than one document
	{`{} {}`, "single-document", ""}, {`{}[]`, "single-document", ""}, {`1 2`, "single-document", ""}, {`[1]]`, "single-document", ""}, {"{}\n{}", "single-document", ""},

	// what is not UTF-8
	{"{\"a\":\"\xff\"}", "utf8", "/a"}, {"[\"\xed\xa0\x80\"]", "utf8", "/0"}, {"[\"\xc0\x80\"]", "utf8", "/0"}, {"[\"\xe2\x82\"]", "utf8", "/0"},
	{"{\x00}\x00", "utf8", ""}, {"\x00{\x00}", "utf8", ""}, {"\xff\xfe{\x00}\x00", "utf8", ""}, {"\xfe\xff\x00{\x00}", "utf8", ""}, {"[\x00\x00\x00]\x00\x00\x00", "utf8", ""},

	// keys
	{`{"a":1,"a":2}`, "duplicate-keys", "/a"}, {`{"a":1,"\u0061":2}`, "duplicate-keys", "/a"}, {`{"x":[0,{"a":1,"b":2,"a":3}]}`, "duplicate-keys", "/x/1/a"},
	{`{"a":1,"A":2}`, "ambiguous-keys", "/A"}, {`{"a":1,"\u0041":2}`, "ambiguous-keys", "/A"}, {`{"k":1,"K":2}`, "ambiguous-keys", "/K"},
	{`{"s":1,"ſ":2}`, "ambiguous-keys", "/ſ"}, {"{\"caf\u00e9\":1,\"cafe\u0301\":2}", "ambiguous-keys", "/cafe\u0301"}, {"{\"\uac00\":1,\"\u1100\u1161\":2}", "ambiguous-keys", "/\u1100\u1161"},
	{"{\"\u1e69\":1,\"s\u0307\u0323\":2}", "ambiguous-keys", "/s\u0307\u0323"}, {"{\"\u00c9\":1,\"e\u0301\":2}", "ambiguous-keys", "/e\u0301"}, {"{\"\uf900\":1,\"\u8c48\":2}", "ambiguous-keys", "/\u8c48"},
	{`{"__proto__":1}`, "prototype-keys", "/__proto__"}, {`{"\u005f_proto__":1}`, "prototype-keys", "/__proto__"}, {`{"a.__proto__.b":1}`, "prototype-keys", "/a.__proto__.b"},
	{`{"constructor":{"prototype":1}}`, "prototype-keys", "/constructor/prototype"}, {`{"constr\u0075ctor":{"prototype":1}}`, "prototype-keys", "/constructor/prototype"},
	{`{"a/b~c":NaN}`, "strict-syntax", "/a~1b~0c"},

	// characters
	{`["\ud800"]`, "surrogates", "/0"}, {`["\udc00\ud800"]`, "surrogates", "/0"}, {`["\ud800\u0041"]`, "surrogates", "/0"}, {`["\ud800x"]`, "surrogates", "/0"}, {`{"\ud800":1}`, "surrogates", ""},
	{`["\u0000"]`, "nul", "/0"}, {`{"a\u0000":1}`, "nul", ""},

	// bounds
	{strings.Repeat("[", 64) + strings.Repeat("]", 64), "", ""}, {strings.Repeat("[", 65) + strings.Repeat("]", 65), "depth", strings.Repeat("/0", 64)},
	{strings.Repeat("[", 10_000), "depth", strings.Repeat("/0", 64)},
	{`["` + strings.Repeat("é", 10_000) + `"]`, "", ""}, {`["` + strings.Repeat("é", 10_001) + `"]`, "string-length", "/0"},
	{`["` + strings.Repeat(`\u00e9`, 10_000) + `"]`, "", ""}, {`["` + strings.Repeat(`\ud83d\ude00`, 10_001) + `"]`, "string-length", "/0"}, {`{"` + strings.Repeat("k", 10_001) + `":1}`, "string-length", ""},
	{"[" + strings.Repeat("1", 128) + "]", "", ""}, {"[" + strings.Repeat("1", 129) + "]", "numbers", "/0"}, {"[" + strings.Repeat("9", 4300) + "]", "numbers", "/0"},
	{`[1e999]`, "numbers", "/0"}, {`{"a":[1,-1E400]}`, "numbers", "/a/1"},
	{objectOf(1000), "", ""}, {objectOf(1001), "keys", "/k1000"},
	{"[" + strings.Repeat(objectOf(500)+",", 20) + "1]", "", ""}, {"[" + strings.Repeat(objectOf(500)+",", 20) + `{"a":1}]`, "keys", "/20/a"},
}

func objectOf(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":0`, i)
	}
	return "{" + strings.TrimPrefix(b.String(), ",") + "}"
}

func TestDocuments(t *testing.T) {
	for _, tt := range documents {
		if rule, pointer := judgeText(tt.doc, 0); rule != tt.rule || pointer != tt.pointer {
			t.Errorf("%.60q: %q at %.80q, want %q at %q", tt.doc, rule, pointer, tt.rule, tt.pointer)
		}
	}
}

// In an object of many keys they are looked up otherwise than in one of few.
func TestManyKeys(t *testing.T) {
	for _, n := range []int{1, 31, 32, 33, 34, 100, 900} {
		for _, twin := range []string{`"k0":1`, fmt.Sprintf(`"k%d":1`, n-1), `"\u006b0":1`, `"K0":1`} {
			want := "duplicate-keys"
			if twin[1] == 'K' {
				want = "ambiguous-keys"
			}
			doc := strings.TrimSuffix(objectOf(n), "}") + "," + twin + "}"
			if rule, _ := judgeText(doc, 0); rule != want {
				t.Errorf("%d keys and %s: %q", n, twin, rule)
			}
			doc = `[` + objectOf(n) + `,{"x":` + objectOf(n) + `,"y":` + doc + `}]`
			if rule, _ := judgeText(doc, 0); rule != want {
				t.Errorf("%d keys and %s, inside: %q", n, twin, rule)
			}
		}
	}
	if rule, _ := judgeText(`{"A":1,"a":2,"a":3}`, checkAmbiguous); rule != "duplicate-keys" {
		t.Errorf("with ambiguous keys allowed: %q", rule)
	}
}

// A scanner that was used before judges as a new one.
func TestScannerAgain(t *testing.T) {
	sc := newScanner()
	for _, tt := range append(documents, documents...) {
		var rule string
		sc.scan([]byte(tt.doc), defaultSettings().bounds, 0, func(v violation) bool {
			rule, _ = names(v.check)
			return false
		})
		if strings.TrimPrefix(rule, "jsonbody/") != tt.rule {
			t.Errorf("%.60q: %q", tt.doc, rule)
		}
	}
}

// What we accept, jsontext and encoding/json accept, and jsontext refuses
// what we refuse for its syntax, encoding or duplicate keys.
func FuzzScan(f *testing.F) {
	for _, tt := range documents {
		if len(tt.doc) < 1000 {
			f.Add([]byte(tt.doc))
		}
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		rule, _ := judgeText(string(doc), 0)
		valid := jsontext.Value(doc).IsValid()
		switch rule {
		case "":
			if !valid {
				t.Fatal("jsontext refuses what we accept")
			}
			var ours, theirs any
			if err := json.Unmarshal(doc, &theirs); err != nil {
				t.Fatalf("encoding/json refuses what we accept: %v", err)
			}
			ours, err := DecodeBytes[any](doc, Options{})
			if err != nil {
				t.Fatalf("our decoder refuses what our scanner accepts: %v", err)
			}
			a, _ := json.Marshal(ours)
			b, _ := json.Marshal(theirs)
			if !bytes.Equal(a, b) {
				t.Fatalf("we read %s, encoding/json %s", a, b)
			}
		case "strict-syntax", "utf8", "duplicate-keys", "single-document", "surrogates":
			if valid {
				t.Fatalf("%s, but jsontext accepts it", rule)
			}
		}
	})
}

// The canonical form joins whatever EqualFold does, is stable, and joins a
// key with its decomposition.
func FuzzCanon(f *testing.F) {
	for _, pair := range [][2]string{{"a", "A"}, {"é", "E\u0301"}, {"ᾳ", "ᾼ"}, {"Ω", "ω"}, {"ẛ", "Ṡ"}, {"\u0345", "ι"}, {"a\u0323\u0307", "a\u0307\u0323"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = strings.ToValidUTF8(a, ""), strings.ToValidUTF8(b, "")
		canon := func(s string) string { return string(appendCanon(nil, []byte(s))) }
		if strings.EqualFold(a, b) && canon(a) != canon(b) {
			t.Errorf("%+q and %+q are equal but for case: %+q %+q", a, b, canon(a), canon(b))
		}
		if c := canon(a); canon(c) != c {
			t.Errorf("%+q: %+q, and again: %+q", a, c, canon(c))
		}
		if d := string(decompose([]rune(a))); canon(d) != canon(a) {
			t.Errorf("%+q and its decomposition: %+q %+q", a, canon(a), canon(d))
		}
	})
}

func BenchmarkScan(b *testing.B) {
	small := []byte(`{"name":"Ada Lovelace","email":"ada@example.com","age":36,"tags":["math","engine"],"address":{"street":"12 St James's Square","city":"London"}}`)
	large := []byte("[" + strings.Repeat(string(small)+",", 700) + "1]")
	for name, doc := range map[string][]byte{"small": small, "large": large} {
		b.Run(name, func(b *testing.B) {
			sc := newScanner()
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				if !sc.scan(doc, defaultSettings().bounds, 0, func(violation) bool { return false }) {
					b.Fatal("refused")
				}
			}
		})
		b.Run(name+"/jsontext", func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				if !jsontext.Value(doc).IsValid() {
					b.Fatal("refused")
				}
			}
		})
	}
}
