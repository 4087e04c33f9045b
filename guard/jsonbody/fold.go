package jsonbody

import (
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"
)

// appendCanon appends the form in which two keys are equal exactly if they
// differ only by case (as [strings.EqualFold] has it) or by normal form: the
// canonical decomposition, each character of which stands for all characters
// that fold to it.
func appendCanon(dst, key []byte) []byte {
	for i, c := range key {
		if c >= utf8.RuneSelf {
			return appendCanonUnicode(dst[:len(dst)-i], key)
		}
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

func appendCanonUnicode(dst, key []byte) []byte {
	runes := decompose([]rune(string(key)))
	// Folding may give a character that decomposes, or combines otherwise
	// (U+0345 folds to a letter): Unicode's definition D145 decomposes again.
	for i, r := range runes {
		runes[i] = foldRune(r)
	}
	for _, r := range decompose(runes) {
		dst = utf8.AppendRune(dst, foldRune(r))
	}
	return dst
}

// foldRune returns the least character that folds to the same as r.
func foldRune(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}

// decompose returns the canonical decomposition (NFD) of runes.
func decompose(runes []rune) []rune {
	table := decomposed()
	out := make([]rune, 0, len(runes))
	for _, r := range runes {
		const first, last, medials, finals = 0xac00, 0xd7a3, 21, 28
		if r >= first && r <= last { // Hangul, Unicode section 3.12
			s := r - first
			out = append(out, 0x1100+s/(medials*finals), 0x1161+s%(medials*finals)/finals)
			if t := s % finals; t != 0 {
				out = append(out, 0x11a7+t)
			}
			continue
		}
		if d, ok := table[r]; ok {
			out = append(out, d...)
			continue
		}
		out = append(out, r)
	}
	// Marks of different classes that follow one letter have no order.
	for i := 0; i < len(out); i++ {
		start := i
		for i < len(out) && class(out[i]) != 0 {
			i++
		}
		if i-start > 1 {
			slices.SortStableFunc(out[start:i], func(a, b rune) int { return int(class(a)) - int(class(b)) })
		}
	}
	return out
}

// decomposed is made of the table when the first key that is not ASCII is
// seen, and never changes.
var decomposed = sync.OnceValue(func() map[rune][]rune {
	table := make(map[rune][]rune, 2100)
	item := []rune(nil)
	for _, r := range decompositions {
		if r == ' ' {
			table[item[0]] = item[1:]
			item = nil
			continue
		}
		item = append(item, r)
	}
	return table
})

func class(r rune) uint8 {
	if r < classes[0].lo {
		return 0
	}
	lo, hi := 0, len(classes)
	for lo < hi {
		mid := (lo + hi) / 2
		switch c := classes[mid]; {
		case r < c.lo:
			hi = mid
		case r > c.hi:
			lo = mid + 1
		default:
			return c.class
		}
	}
	return 0
}
