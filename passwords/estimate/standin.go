package estimate

import (
	"slices"
	"strings"
	"unicode"
)

// The library counts some places of a text in bytes and others in characters,
// so that a random password of "äöü" scores 0. Characters beyond ASCII stand
// in its dictionaries nowhere; what can be seen in them is that they repeat
// and that they follow one another. firstStandIn to lastStandIn are characters
// of one byte, in no dictionary, keyboard or date, that show the same.
const (
	firstStandIn = 0x0e
	lastStandIn  = 0x1b
)

// maxStep is the longest step of what zxcvbn takes for a sequence.
const maxStep = 5

// standIns gives each character of s beyond ASCII, in lower case, the one that
// stands for it. There may be more of them than stand-ins; then some share.
func standIns(s string) map[rune]byte {
	var distinct []rune
	for _, r := range s {
		if r = unicode.ToLower(r); r > unicode.MaxASCII {
			distinct = append(distinct, r)
		}
	}
	slices.Sort(distinct)
	distinct = slices.Compact(distinct)
	const n = lastStandIn - firstStandIn + 1
	stand := make(map[rune]byte, len(distinct))
	at := 0
	for i, r := range distinct {
		if i > 0 {
			at += int(min(r-distinct[i-1], maxStep+1))
		}
		stand[r] = firstStandIn + byte(at%n)
	}
	return stand
}

// ascii writes s in ASCII; ok is false if a character of it has no stand-in.
func ascii(s string, stand map[rune]byte) (text string, ok bool) {
	var b strings.Builder
	for _, r := range s {
		if r <= unicode.MaxASCII {
			b.WriteByte(byte(r))
			continue
		}
		c, ok := stand[unicode.ToLower(r)]
		if !ok {
			return "", false
		}
		b.WriteByte(c)
	}
	return b.String(), true
}
