package inventory

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/check/internal/lazy"
)

// An encoding is how a text file is written.
type encoding struct {
	name string
	mark string // the byte order mark that it begins with
}

// coding is PEP 263's declaration, in the first two lines.
var coding = lazy.Regexp(`^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)`)

// decodeText reads a file as pip does: by its byte order mark, then by its
// declaration, and otherwise as UTF-8. UTF-16 without a mark, which Windows
// shells write too, is known by its zero bytes.
func decodeText(data []byte) (string, encoding, error) {
	for _, e := range []encoding{{"utf-8", "\xef\xbb\xbf"}, {"utf-32", "\xff\xfe\x00\x00"}, {"utf-32", "\x00\x00\xfe\xff"}, {"utf-16le", "\xff\xfe"}, {"utf-16be", "\xfe\xff"}} {
		if bytes.HasPrefix(data, []byte(e.mark)) {
			text, err := e.decode(data[len(e.mark):])
			return text, e, err
		}
	}
	if len(data) >= 4 && len(data)%2 == 0 {
		if data[1] == 0 && data[3] == 0 && data[0] != 0 {
			e := encoding{name: "utf-16le"}
			text, err := e.decode(data)
			return text, e, err
		}
		if data[0] == 0 && data[2] == 0 && data[1] != 0 {
			e := encoding{name: "utf-16be"}
			text, err := e.decode(data)
			return text, e, err
		}
	}
	e := encoding{name: "utf-8"}
	for i, line := range bytes.SplitN(data, []byte("\n"), 3) {
		if m := coding().FindSubmatch(line); i < 2 && m != nil {
			e.name = strings.ReplaceAll(strings.ToLower(string(m[1])), "_", "-")
			break
		}
	}
	text, err := e.decode(data)
	return text, e, err
}

func (e encoding) decode(data []byte) (string, error) {
	switch e.name {
	case "utf-8", "utf8", "ascii", "us-ascii":
		if !utf8.Valid(data) {
			return "", errors.New("is not UTF-8: save it as UTF-8, or declare its encoding in the first line (# -*- coding: latin-1 -*-)")
		}
		return string(data), nil
	case "latin-1", "latin1", "iso-8859-1", "iso8859-1":
		runes := make([]rune, len(data))
		for i, c := range data {
			runes[i] = rune(c)
		}
		return string(runes), nil
	case "utf-16le", "utf-16be":
		if len(data)%2 != 0 {
			return "", errors.New("is UTF-16 with half a character at its end")
		}
		units := make([]uint16, len(data)/2)
		for i := range units {
			units[i] = e.order().Uint16(data[2*i:])
		}
		runes := utf16.Decode(units)
		for _, r := range runes {
			if r == utf8.RuneError {
				return "", errors.New("is not valid UTF-16")
			}
		}
		return string(runes), nil
	}
	return "", errors.New("is in the encoding " + e.name + ", which is not read: save it as UTF-8")
}

func (e encoding) order() binary.ByteOrder {
	if e.name == "utf-16be" {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// encode is the way back. The text must have come from decode but for ASCII.
func (e encoding) encode(text string) []byte {
	out := []byte(e.mark)
	switch e.name {
	case "latin-1", "latin1", "iso-8859-1", "iso8859-1":
		for _, r := range text {
			out = append(out, byte(r))
		}
	case "utf-16le", "utf-16be":
		for _, u := range utf16.Encode([]rune(text)) {
			b := make([]byte, 2)
			e.order().PutUint16(b, u)
			out = append(out, b...)
		}
	default:
		out = append(out, text...)
	}
	return out
}
