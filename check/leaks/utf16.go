package leaks

import (
	"bufio"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// isUTF16 tells whether a text begins with the byte order mark of UTF-16.
func isUTF16(data []byte) bool {
	return len(data) >= 2 && (data[0] == 0xff && data[1] == 0xfe || data[0] == 0xfe && data[1] == 0xff)
}

// fromUTF16 reads UTF-16 as UTF-8, in constant memory, from behind the mark.
func fromUTF16(in io.Reader, little bool) io.Reader {
	const size = 64 << 10
	// The outer buffer is for who asks for less than a character.
	return bufio.NewReaderSize(&utf16Reader{in: bufio.NewReaderSize(in, size), little: little}, size)
}

type utf16Reader struct {
	in     *bufio.Reader
	little bool
	ahead  rune // a unit that was read and is not written, plus one; 0 is none
}

func (u *utf16Reader) unit() (rune, error) {
	if u.ahead != 0 {
		r := u.ahead - 1
		u.ahead = 0
		return r, nil
	}
	a, err := u.in.ReadByte()
	if err != nil {
		return 0, err
	}
	b, err := u.in.ReadByte()
	if err != nil {
		return 0, err // half of a unit at the end is nothing
	}
	if u.little {
		a, b = b, a
	}
	return rune(a)<<8 | rune(b), nil
}

func (u *utf16Reader) Read(to []byte) (n int, err error) {
	if len(to) < utf8.UTFMax {
		return 0, io.ErrShortBuffer // the outer buffer is larger
	}
	for n+utf8.UTFMax <= len(to) {
		r, err := u.unit()
		if err != nil {
			return n, err
		}
		if utf16.IsSurrogate(r) {
			if second, err := u.unit(); err == nil {
				pair := utf16.DecodeRune(r, second)
				if pair == utf8.RuneError {
					u.ahead = second + 1 // a lone half is written as U+FFFD
				}
				r = pair
			}
		}
		n += utf8.EncodeRune(to[n:], r)
	}
	return n, nil
}
