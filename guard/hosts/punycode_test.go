package hosts

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestPunycode has the samples of RFC 3492 section 7.1 that are names, and
// names as browsers ask for them.
func TestPunycode(t *testing.T) {
	for in, want := range map[string]string{
		"bücher.example":         "xn--bcher-kva.example",
		"BÜCHER.example":         "xn--bcher-kva.example",
		"faß.de":                 "xn--fa-hia.de",
		"例え.テスト":                 "xn--r8jz45g.xn--zckzah",
		"παράδειγμα.δοκιμή:8443": "xn--hxajbheg2az3al.xn--jxalpdlp:8443",
		"उदाहरण.परीक्षा":         "xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g",
		"ليهمابتكلموشعربي؟":      "",
		"他们为什么不说中文":              "xn--ihqwcrb4cv8a8dqg056pqjye",
		"почемужеонинеговорятпорусски": "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l",
		"3年b組金八先生":      "xn--3b-ww4c5e180e575a65lsy2b",
		"plain.example": "plain.example",
	} {
		got, err := toASCII(in)
		if want == "" {
			if err == nil {
				t.Errorf("%s: %q, want an error", in, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s: %q (%v), want %q", in, got, err, want)
		}
	}
}

// decode is RFC 3492 section 6.2, written for the test alone.
func decode(s string) (string, bool) {
	var out []rune
	if at := strings.LastIndexByte(s, '-'); at >= 0 {
		out, s = []rune(s[:at]), s[at+1:]
	}
	n, i, bias := 128, 0, 72
	for s != "" {
		old, w := i, 1
		for k := 36; ; k += 36 {
			if s == "" {
				return "", false
			}
			d := strings.IndexByte("abcdefghijklmnopqrstuvwxyz0123456789", s[0])
			s = s[1:]
			if d < 0 {
				return "", false
			}
			i += d * w
			t := k - bias
			if t < 1 {
				t = 1
			}
			if t > 26 {
				t = 26
			}
			if d < t {
				break
			}
			w *= 36 - t
		}
		length := len(out) + 1
		delta := i - old
		if old == 0 {
			delta /= 700
		} else {
			delta /= 2
		}
		delta += delta / length
		k := 0
		for delta > 455 {
			delta /= 35
			k += 36
		}
		bias = k + 36*delta/(delta+38)
		n += i / length
		i %= length
		out = append(out[:i], append([]rune{rune(n)}, out[i:]...)...)
		i++
	}
	return string(out), true
}

// FuzzPunycode holds the law that decoding undoes encoding.
func FuzzPunycode(f *testing.F) {
	for _, s := range []string{"bücher", "ü", "a-ü-b", "例え", "\U0010ffff", "3年b組金八先生", strings.Repeat("ü", 60)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || len(s) > 250 || isASCII(s) {
			return
		}
		enc := punycode([]rune(s))
		if !isASCII(enc) {
			t.Fatalf("%q: %q is not ASCII", s, enc)
		}
		if dec, ok := decode(enc); !ok || dec != s {
			t.Fatalf("%q: %q decodes to %q", s, enc, dec)
		}
	})
}
