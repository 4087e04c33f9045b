package hosts

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// toASCII turns the labels of a policy entry that are written in Unicode into
// A-labels (RFC 5890). Requests carry A-labels only.
//
// It lower-cases and encodes, and does not normalise: a label that is not in
// the form browsers make is never asked for, so that a mistake here closes a
// door and opens none.
func toASCII(s string) (string, error) {
	if isASCII(s) {
		return s, nil
	}
	if !utf8.ValidString(s) {
		return "", errors.New("is not UTF-8")
	}
	labels := strings.Split(s, ".")
	for i, label := range labels {
		port := ""
		if i == len(labels)-1 {
			if name, p, ok := strings.Cut(label, ":"); ok {
				label, port = name, ":"+p
			}
		}
		if isASCII(label) {
			continue
		}
		if strings.HasPrefix(strings.ToLower(label), "xn--") {
			return "", errors.New("mixes the forms: a label that begins with xn-- is ASCII")
		}
		lower, err := lowerLabel(label)
		if err != nil {
			return "", err
		}
		labels[i] = "xn--" + punycode(lower) + port
	}
	return strings.Join(labels, "."), nil
}

// lowerLabel lower-cases letter by letter, and refuses what would need more:
// symbols, and letters whose lower case is ASCII (the Kelvin sign, the
// Turkish dotted I) and would so make another name of it.
func lowerLabel(label string) ([]rune, error) {
	var out []rune
	for i, r := range label {
		l := unicode.ToLower(r)
		switch {
		case r < utf8.RuneSelf:
			if r != '-' && r != '_' && (l < '0' || '9' < l) && (l < 'a' || 'z' < l) {
				return nil, fmt.Errorf("holds %q, which no name can", r)
			}
		case l < utf8.RuneSelf,
			!unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r),
			i == 0 && unicode.IsMark(r),
			0x0300 <= r && r <= 0x036f, // accents to be composed with the letter before them
			0xff00 <= r && r <= 0xffef: // full and half width forms
			return nil, fmt.Errorf("holds %q, which has another form in names: write the label as an A-label, xn--…", r)
		}
		out = append(out, l)
	}
	return out, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Parameters of RFC 3492 section 5.
const (
	base        = 36
	tmin        = 1
	tmax        = 26
	skew        = 38
	damp        = 700
	initialBias = 72
	initialN    = 128
)

// punycode encodes a label, RFC 3492 section 6.3. Labels are short: delta
// cannot overflow below 2^31/2^21 runes, and one of more than 63 bytes is
// refused by whoever reads the result.
func punycode(in []rune) string {
	var out []byte
	for _, r := range in {
		if r < initialN {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(initialN), 0, initialBias
	for done := basic; done < len(in); {
		next := rune(unicode.MaxRune)
		for _, r := range in {
			if r >= n && r < next {
				next = r
			}
		}
		delta += int(next-n) * (done + 1)
		n = next
		for _, r := range in {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			q := delta
			for k := base; ; k += base {
				t := min(max(k-bias, tmin), tmax)
				if q < t {
					break
				}
				out = append(out, digit(t+(q-t)%(base-t)))
				q = (q - t) / (base - t)
			}
			out = append(out, digit(q))
			bias = adapt(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
		n++
	}
	return string(out)
}

// adapt is the bias of RFC 3492 section 6.1.
func adapt(delta, points int, first bool) int {
	if first {
		delta /= damp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > (base-tmin)*tmax/2; k += base {
		delta /= base - tmin
	}
	return k + (base-tmin+1)*delta/(delta+skew)
}

func digit(d int) byte {
	if d < 26 {
		return byte('a' + d)
	}
	return byte('0' + d - 26)
}
