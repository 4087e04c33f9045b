package accounts

import (
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// A redemption is an operation that takes a short code which another one sent.
type redemption struct {
	asks *openapi.Operation // sends the code
	to   string             // its member that names the account; empty is the caller's
	op   *openapi.Operation
	// code is the member that the code is in, name that which names the
	// account; it is empty where the caller or the code itself does.
	code, name string
	form       codeForm
}

// mine tells whether nobody else's code can be hit.
func (r redemption) mine() bool { return r.name != "" || r.op.Secured() }

// account is the member of a body that names an account.
func account(op *openapi.Operation) string {
	if op.JSON() == nil {
		return ""
	}
	for _, p := range op.JSON().Schema.All() {
		if slices.Contains([]string{"email", "emailaddress", "username", "login", "identifier", "user", "phone", "phonenumber"}, bare(p.Name)) {
			return p.Name
		}
	}
	return ""
}

func bare(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
}

// coded is the member of a body that holds a short code.
func coded(op *openapi.Operation) (string, codeForm, bool) {
	for _, p := range op.JSON().Schema.All() {
		lower := strings.ToLower(p.Name)
		if !slices.ContainsFunc([]string{"code", "otp", "pin", "token"}, func(w string) bool { return strings.Contains(lower, w) }) {
			continue
		}
		if f, ok := formOf(p.Name, p.Schema); ok {
			return p.Name, f, true
		}
	}
	return "", codeForm{}, false
}

// redemptions are the operations that take a short code.
func redemptions(t *trial.Trial) []redemption {
	var out []redemption
	forgot, to := resets(t)
	for _, op := range t.Operations {
		if !op.Writes() || len(op.PathParams()) > 0 || op.JSON() == nil || identity.LogsIn(op) > 0 {
			continue
		}
		code, form, ok := coded(op)
		if !ok {
			continue
		}
		r := redemption{op: op, code: code, name: account(op), form: form}
		password := slices.ContainsFunc(op.JSON().Schema.All(), func(p openapi.Property) bool { return identity.PasswordName(p.Name) })
		switch {
		case password && !op.Secured() && op.Says("reset", "recover", "forgot"):
			r.asks, r.to = forgot, to
		case !password && op.Says(confirms()...):
			r.asks, r.to = sender(t, op)
		}
		if r.asks != nil && r.asks != op {
			out = append(out, r)
		}
	}
	return out
}

func confirms() []string {
	return []string{"verif", "confirm", "activat", "otp", "2fa", "mfa", "second-factor", "second_factor", "two-factor", "two_factor"}
}

// sender is the operation that sends the code of an address or of a second
// factor: without it, no code may be there to be guessed.
func sender(t *trial.Trial, confirm *openapi.Operation) (*openapi.Operation, string) {
	for _, op := range t.Operations {
		if op == confirm || op.Method != http.MethodPost || len(op.PathParams()) > 0 || !op.Says("send", "request", "challenge", "start") || !op.Says(append(confirms(), "code")...) {
			continue
		}
		if op.JSON() != nil {
			if _, _, takes := coded(op); takes {
				continue
			}
		}
		to := account(op)
		if to != "" || op.Secured() && (op.JSON() == nil || len(op.JSON().Schema.Required) == 0) {
			return op, to
		}
	}
	return nil, ""
}

// A codeForm is what codes of an operation look like.
type codeForm struct {
	pattern   string
	length    int // of a text; 0 where it follows from the pattern alone
	number    bool
	low, high int64
	// supposed tells that it follows from the name alone.
	supposed bool
}

// longest is of how many characters a code may be and still be guessed.
const longest = 8

// formOf reads what codes look like; ok is false when they are long, or when
// nothing says that they are short.
func formOf(name string, s *openapi.Schema) (codeForm, bool) {
	if s == nil || len(s.Enum) > 0 {
		return codeForm{}, false
	}
	if len(s.Types) > 0 && !s.Is("string") && s.Is("integer") {
		low, high := int64(0), int64(-1)
		if !math.IsNaN(s.Min) && s.Min > 0 && s.Min < 1e9 {
			low = int64(s.Min)
		}
		switch n := digits(s.Example); {
		case !math.IsNaN(s.Max) && s.Max >= 1000 && s.Max < 1e8:
			high = int64(s.Max)
		case n >= 4 && n <= longest:
			high = int64(math.Pow10(n)) - 1
		}
		return codeForm{number: true, low: low, high: high}, high-low >= 1000
	}
	if !s.Is("string") || s.MinLength > longest {
		return codeForm{}, false
	}
	n := digits(s.Example)
	switch {
	case s.Pattern != "":
		re, err := regexp.Compile(s.Pattern)
		if err != nil {
			return codeForm{}, false
		}
		// One that takes a long text says nothing of a short one.
		for _, long := range []string{strings.Repeat("1", 16), strings.Repeat("a", 16), strings.Repeat("A", 16)} {
			if re.MatchString(long) && (s.MaxLength < 0 || s.MaxLength > longest) {
				return codeForm{}, false
			}
		}
		for _, l := range []int{6, 4, 5, 7, 8} {
			if l >= s.MinLength && (s.MaxLength < 0 || l <= s.MaxLength) && re.MatchString(strings.Repeat("1", l)) {
				return codeForm{pattern: s.Pattern, length: l}, true
			}
		}
		v, ok := values.New(1, name).Matching(s.Pattern, max(s.MinLength, 4), longest)
		return codeForm{pattern: s.Pattern}, ok && len(v) <= longest
	case s.MaxLength >= 4 && s.MaxLength <= longest:
		if n >= 4 && n <= s.MaxLength {
			return codeForm{length: n}, true
		}
		return codeForm{length: s.MaxLength}, true
	case s.MaxLength >= 0 && s.MaxLength < 4:
		return codeForm{}, false
	case n >= 4 && n <= longest:
		return codeForm{length: n}, true
	case s.Example != nil:
		return codeForm{}, false
	}
	switch b := bare(name); {
	case slices.Contains([]string{"otp", "otpcode", "totp", "totpcode", "emailotp", "smsotp", "resetotp", "mfacode"}, b):
		return codeForm{length: 6, supposed: true}, true
	case slices.Contains([]string{"pin", "pincode", "resetpin"}, b):
		return codeForm{length: 4, supposed: true}, true
	}
	return codeForm{}, false
}

// digits is how many of them an example consists of; 0 when of anything else.
func digits(example any) int {
	var s string
	switch v := example.(type) {
	case string:
		s = v
	case float64:
		s = strconv.FormatFloat(v, 'f', -1, 64)
	case int, int64, uint64:
		s = fmt.Sprint(v)
	}
	if strings.Trim(s, "0123456789") != "" {
		return 0
	}
	return len(s)
}

// wrong makes codes that are of the right form, and none of those that are to
// be left out. They begin with zeros where they may: few codes that are drawn
// do.
func (f codeForm) wrong(m *values.Maker, n int, not map[string]bool) []any {
	var out []any
	seen := map[string]bool{}
	for range 50 * n {
		if len(out) == n {
			break
		}
		var v any
		if f.number {
			v = f.low + m.Rand().Int64N(f.high-f.low+1)
		} else {
			v = f.text(m)
		}
		s := fmt.Sprint(v)
		if s == "" || seen[s] || not[s] {
			continue
		}
		seen[s] = true
		out = append(out, v)
	}
	return out
}

func (f codeForm) text(m *values.Maker) string {
	var re *regexp.Regexp
	if f.pattern != "" {
		re = regexp.MustCompile(f.pattern) // formOf compiled it
	}
	if f.length > 0 {
		for zeros := min(2, f.length-2); zeros >= 0; zeros-- {
			b := []byte(strings.Repeat("0", f.length))
			for i := zeros; i < len(b); i++ {
				b[i] = byte('0' + m.Rand().IntN(10))
			}
			if re == nil || re.Match(b) {
				return string(b)
			}
		}
		return ""
	}
	v, _ := m.Matching(f.pattern, 4, longest)
	return v
}
