package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/pavise-dev/pavise/secret"
)

func Example() {
	key := secret.New("correct horse")
	fmt.Println("key:", key)
	fmt.Printf("%x %+v\n", key, struct{ Key secret.String }{key})
	fmt.Println(key.Expose())
	// Output:
	// key: **********
	// ********** {Key:**********}
	// correct horse
}

// A plain string does what its type says: it prints.
func Example_wrong() {
	key := "correct horse"
	fmt.Printf("%+v\n", struct{ Key string }{key})
	// Output: {Key:correct horse}
}

func ExampleString_Equal() {
	want := secret.New("token")
	fmt.Println(want.Equal(secret.New("token")), want.Equal(secret.New("other")))
	// Output: true false
}

func TestEmpty(t *testing.T) {
	var s secret.String
	var b secret.Bytes
	if !s.IsEmpty() || !s.IsZero() || s.Expose() != "" || s.String() != "" || !s.Equal(secret.New("")) {
		t.Error("the zero String is not empty")
	}
	if !b.IsEmpty() || !b.IsZero() || b.Expose() != nil || b.String() != "" || !b.Equal(secret.NewBytes(nil)) {
		t.Error("the zero Bytes is not empty")
	}
	b.Wipe()
	if secret.New("x").IsEmpty() || secret.NewBytes([]byte{0}).IsEmpty() {
		t.Error("what holds something is empty")
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"", "", true}, {"a", "a", true}, {"a", "b", false}, {"a", "", false}, {"a", "aa", false}, {"\x00", "", false}} {
		if secret.New(c.a).Equal(secret.New(c.b)) != c.want || secret.NewBytes([]byte(c.a)).Equal(secret.NewBytes([]byte(c.b))) != c.want {
			t.Errorf("%q and %q: want %v", c.a, c.b, c.want)
		}
	}
}

// TestBytesAreCopied: what a caller does with its own bytes changes nothing,
// and wiping reaches every copy of the secret.
func TestBytesAreCopied(t *testing.T) {
	mine := []byte("0123")
	b := secret.NewBytes(mine)
	clear(mine)
	other := b
	if string(b.Expose()) != "0123" {
		t.Error("the caller's array is shared")
	}
	b.Wipe()
	if !bytes.Equal(other.Expose(), make([]byte, 4)) {
		t.Error("a copy was not wiped")
	}
}

// TestNoComparison: a comparison with == would leak by its time. The language
// has none for such types, nor for what holds one.
func TestNoComparison(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[secret.String](), reflect.TypeFor[secret.Bytes](),
		reflect.TypeFor[struct{ S secret.String }](), reflect.TypeFor[[1]secret.Bytes](),
	} {
		if typ.Comparable() {
			t.Errorf("%s can be compared with ==", typ)
		}
	}
}

// TestDecoding reads secrets from everywhere that a configuration comes from.
func TestDecoding(t *testing.T) {
	type config struct {
		Key  secret.String `json:"key" yaml:"key" xml:"key"`
		Salt secret.Bytes  `json:"salt" yaml:"salt" xml:"salt"`
	}
	for name, read := range map[string]func(*config) error{
		"json": func(c *config) error {
			return json.Unmarshal([]byte(`{"key":"k\u00e9y","salt":"s"}`), c)
		},
		"yaml": func(c *config) error { return yaml.Unmarshal([]byte("key: kéy\nsalt: s\n"), c) },
		"xml":  func(c *config) error { return xml.Unmarshal([]byte("<c><key>kéy</key><salt>s</salt></c>"), c) },
		"flag": func(c *config) error {
			f := flag.NewFlagSet("", flag.ContinueOnError)
			f.Var(&c.Key, "key", "")
			f.Var(&c.Salt, "salt", "")
			return f.Parse([]string{"-key", "kéy", "-salt=s"})
		},
	} {
		var c config
		if err := read(&c); err != nil || c.Key.Expose() != "kéy" || string(c.Salt.Expose()) != "s" {
			t.Errorf("%s: %v, %q and %q", name, err, c.Key.Expose(), c.Salt.Expose())
		}
	}
	c := config{Key: secret.New("before")}
	if err := json.Unmarshal([]byte(`{"key":null}`), &c); err != nil || c.Key.Expose() != "before" {
		t.Errorf("null: %v, %q", err, c.Key.Expose())
	}
}

// TestDecodingErrors: an error says what was wanted, and nothing of what came.
func TestDecodingErrors(t *testing.T) {
	var s secret.String
	var b secret.Bytes
	for _, data := range []string{`12345678`, `["12345678"]`, `{"12345678":1}`, `true`} {
		for _, into := range []any{&s, &b} {
			err := json.Unmarshal([]byte(data), into)
			if !errors.Is(err, secret.ErrNotText) || strings.Contains(err.Error(), "1234") {
				t.Errorf("%s: %v", data, err)
			}
		}
	}
	dump, err := json.Marshal(map[string]any{"s": secret.New("x")})
	if err != nil {
		t.Fatal(err)
	}
	var back struct{ S secret.String }
	if err := json.Unmarshal(dump, &back); !errors.Is(err, secret.ErrRedacted) {
		t.Errorf("a redaction was read as a secret: %v", err)
	}
	for _, into := range []interface{ Set(string) error }{&s, &b} {
		if err := into.Set(secret.Redacted); !errors.Is(err, secret.ErrRedacted) {
			t.Errorf("a redaction was read as a secret: %v", err)
		}
	}
	var wire bytes.Buffer
	if err := gob.NewEncoder(&wire).Encode(struct{ S secret.String }{secret.New("x")}); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&wire).Decode(&back); !errors.Is(err, secret.ErrGob) {
		t.Errorf("gob: %v", err)
	}
}

// TestGenerated: the lengths and alphabets are those of Python's secrets
// module.
func TestGenerated(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		u, h := secret.URLSafe(64).Expose(), secret.Hex(32).Expose()
		if raw, err := base64.RawURLEncoding.DecodeString(u); err != nil || len(raw) != 64 || len(u) != 86 {
			t.Fatalf("%d characters: %v", len(u), err)
		}
		if raw, err := hex.DecodeString(h); err != nil || len(raw) != 32 || strings.ToLower(h) != h {
			t.Fatalf("%d characters: %v", len(h), err)
		}
		if seen[u] || seen[h] {
			t.Fatal("the same twice")
		}
		seen[u], seen[h] = true, true
	}
	for _, n := range []int{0, -1, 1<<20 + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d bytes were made", n)
				}
			}()
			secret.Hex(n)
		}()
	}
}
