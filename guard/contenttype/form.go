package contenttype

import (
	"net/http"

	"github.com/pavise-dev/pavise/guard"
)

// formJudge judges application/x-www-form-urlencoded.
//
//	form  = [ field *( "&" field ) ]
//	field = key [ "=" value ]
//
// It refuses what parsers read differently: a percent sign without two hex
// digits (kept by some, dropped by others), a raw semicolon (a separator to
// python-multipart and to Python before 3.9.2, CVE-2021-23336), raw control
// characters, raw bytes that are not ASCII (Latin-1 to Starlette, UTF-8 to
// others; browsers escape them), and escaped bytes that are not UTF-8 or are
// NUL. And it counts, since a form of a million fields costs the app far more
// than its bytes (CVE-2024-47874's kin).
//
// And it refuses a form that is a JSON document. Handlers that read JSON
// whatever the type says (Starlette's request.json(), Flask's
// get_json(force=True)) would read it, past the guard that judges JSON and by
// a type for which browsers ask no preflight. Browsers escape brackets.
type formJudge struct {
	limits Form
	fields int
	length int64 // of the key or value, decoded
	value  bool
	begun  bool // something else than spaces has come
	text   text
}

func (f *formJudge) next(p []byte, eof bool) (int, *guard.Refusal) {
	if f.fields == 0 && len(p) > 0 {
		f.fields = 1
	}
	n := 0
	for n < len(p) {
		c := p[n]
		size := 1
		switch {
		case c == '&':
			if !f.text.end() {
				return n, badForm("a field ends inside a UTF-8 character")
			}
			if f.fields++; f.fields > f.limits.MaxFields {
				return n, bigForm("too many fields")
			}
			f.value, f.length, f.begun = false, 0, true
			n++
			continue
		case c == '=' && !f.value:
			if !f.text.end() {
				return n, badForm("a field's name ends inside a UTF-8 character")
			}
			f.value, f.length, f.begun = true, 0, true
			n++
			continue
		case c == ';':
			return n, badForm("a raw semicolon")
		case c >= 0x80:
			return n, badForm("a raw byte that is not ASCII")
		case (c == '{' || c == '[') && !f.begun:
			return n, badForm("it begins as JSON does")
		case c < ' ' || c == 0x7f:
			return n, badForm("a raw control character")
		case c == '%':
			if len(p)-n < 3 {
				if eof {
					return n, badForm("a percent sign without two hex digits")
				}
				return n, nil
			}
			hi, ok1 := unhex(p[n+1])
			lo, ok2 := unhex(p[n+2])
			if !ok1 || !ok2 {
				return n, badForm("a percent sign without two hex digits")
			}
			c, size = hi<<4|lo, 3
		}
		if c == 0 || c >= 0x80 || f.text.n > 0 {
			if !f.text.add([]byte{c}) {
				return n, badForm("a NUL or bytes that are not UTF-8")
			}
		}
		f.begun = f.begun || c != ' ' || size > 1
		f.length++
		if f.value && f.length > f.limits.MaxValueBytes || !f.value && f.length > f.limits.MaxKeyBytes {
			return n, bigForm("a name or value is too long")
		}
		n += size
	}
	if eof && !f.text.end() {
		return n, badForm("the body ends inside a UTF-8 character")
	}
	return n, nil
}

func unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func badForm(reason string) *guard.Refusal {
	return &guard.Refusal{
		Rule: "contenttype/form", Status: http.StatusBadRequest, Code: "INVALID_FORM",
		Detail: "the form is malformed: " + reason, Reason: "form: " + reason, Close: true,
	}
}

func bigForm(reason string) *guard.Refusal {
	return &guard.Refusal{
		Rule: "contenttype/form", Status: http.StatusRequestEntityTooLarge, Code: "FORM_TOO_LARGE",
		Detail: "the form is too large: " + reason, Reason: "form: " + reason, Close: true,
	}
}
