package jsonbody

import (
	"bytes"
	"hash/maphash"
)

// check is one thing that a document is judged by, as a bit.
type check uint16

const (
	checkUTF8 check = 1 << iota
	checkDuplicate
	checkAmbiguous
	checkDepth
	checkKeys
	checkString
	checkNumbers
	checkSingle
	checkSyntax
	checkSurrogates
	checkNUL
	checkPrototype
)

// A violation is what the scanner found, and where.
type violation struct {
	check   check
	reason  string // a constant text
	pointer string
}

// bounds of a document.
type bounds struct {
	depth      int // objects and arrays within one another
	keys       int // of the document
	objectKeys int // of one object
	values     int // of the document, of any kind
	str        int // characters of a string or key
	number     int // characters of a number
}

// A scanner judges a document in one pass, without building anything of it
// but a list of the keys of the objects that are open. It does not recurse,
// so that depth costs it no stack. It can be used again.
type scanner struct {
	data   []byte
	i      int
	bounds bounds
	off    check // not judged, or observed already
	loose  check // not judged from the start
	// report returns whether to go on.
	report func(violation) bool

	frames []frame
	keys   []entry
	big    map[bigKey]int // of objects with many keys
	opened int            // objects so far
	total  int            // keys so far
	values int
	canon  []byte
	plain  []byte
	other  []byte
	seed   maphash.Seed
}

// A frame is an object or array that is open.
type frame struct {
	object      bool
	constructor bool  // the value of a key "constructor"
	id          int   // of an object
	first       int   // of its keys in scanner.keys
	count       int   // of elements before this one
	key         entry // of the member
}

// An entry is a key: where it is, and the hash of its canonical form.
type entry struct {
	hash       uint64
	start, end int
	escaped    bool
}

type bigKey struct {
	id   int
	hash uint64
}

// manyKeys is the number of keys above which an object's keys are looked up
// in a map instead of in a row.
const manyKeys = 32

func newScanner() *scanner { return &scanner{seed: maphash.MakeSeed()} }

// scan judges data. It returns whether data may pass: report let every
// violation pass, or there was none.
func (s *scanner) scan(data []byte, b bounds, off check, report func(violation) bool) bool {
	*s = scanner{
		data: data, bounds: b, off: off, loose: off, report: report, seed: s.seed,
		frames: s.frames[:0], keys: s.keys[:0], big: s.big, canon: s.canon[:0], plain: s.plain[:0], other: s.other[:0],
	}
	ok := s.documents()
	s.data, s.report = nil, nil
	if len(s.big) > 4*manyKeys {
		s.big = nil
	} else {
		clear(s.big)
	}
	if cap(s.keys) > 1<<12 {
		s.keys = nil
	}
	if cap(s.frames) > 1<<10 {
		s.frames = nil
	}
	return ok
}

// found reports a violation and returns whether to go on. Each check is
// reported once.
func (s *scanner) found(c check, reason string) bool {
	if s.off&c != 0 {
		return true
	}
	s.off |= c
	return s.report(violation{c, reason, s.pointer()})
}

// broken reports that the document cannot be read on. It never returns true
// unless that may pass, and then the rest is not judged.
func (s *scanner) broken(reason string) (pass, more bool) {
	return s.found(checkSyntax, reason), false
}

func (s *scanner) documents() bool {
	// RFC 8259 section 8.1: UTF-8. Python's json reads UTF-16 and UTF-32 by
	// the NULs among the first bytes, and so past every filter for UTF-8.
	head := s.data[:min(len(s.data), 4)]
	if bytes.IndexByte(head, 0) >= 0 || bytes.HasPrefix(head, []byte("\xfe\xff")) || bytes.HasPrefix(head, []byte("\xff\xfe")) {
		if !s.found(checkUTF8, "the document is not in UTF-8") {
			return false
		}
		if s.loose&checkUTF8 != 0 {
			return true
		}
		// That is only observed, and must not carry the document past the
		// rules that are not: to them it is no JSON.
		pass, _ := s.broken("the document is not in UTF-8, so it cannot be judged")
		return pass
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		if !s.found(checkSyntax, "a byte order mark stands before the document") {
			return false
		}
		s.i = 3
	}
	for n := 0; ; n++ {
		s.space()
		if s.i == len(s.data) {
			if n == 0 {
				pass, _ := s.broken("the document is empty")
				return pass
			}
			return true
		}
		// What follows the first document is read by one parser and not by
		// another.
		if n == 1 && !s.found(checkSingle, "something follows the document") {
			return false
		}
		if pass, more := s.document(); !more {
			return pass
		}
	}
}

func (s *scanner) space() {
	for s.i < len(s.data) {
		switch s.data[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// peek returns the next byte that is no space, or 0 at the end: a NUL is
// nowhere allowed here.
func (s *scanner) peek() byte {
	s.space()
	if s.i == len(s.data) {
		return 0
	}
	return s.data[s.i]
}

// document judges one value with all that is in it. more says that it was
// read to its end; if not, pass says whether the rest may pass unjudged.
func (s *scanner) document() (pass, more bool) {
	for {
		// A value.
		if s.values++; s.values > s.bounds.values && !s.found(checkKeys, "too many values") {
			return false, false
		}
		switch c := s.peek(); c {
		case '{', '[':
			if !s.open(c == '{') {
				return false, false
			}
			s.i++
			next := s.peek()
			if next == c+2 { // '}' is '{'+2, and ']' is '['+2
				s.i++
				s.close()
				break
			}
			if c == '[' {
				continue
			}
			if pass, more := s.member(next); !more {
				return pass, false
			}
			continue
		case '"':
			if _, pass, more := s.str(); !more {
				return pass, false
			}
		case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			if pass, more := s.number(); !more {
				return pass, false
			}
		case '-', 'N', 'I':
			n := nonFinite(s.data[s.i:])
			if n == 0 && c == '-' {
				if pass, more := s.number(); !more {
					return pass, false
				}
				break
			}
			if n == 0 {
				return s.broken("a value is expected")
			}
			// Python reads NaN and the infinities. Where that is only observed,
			// the rest is judged all the same: {"x":NaN,"a":1,"a":2}.
			if !s.found(checkSyntax, "a value is expected") {
				return false, false
			}
			s.i += n
		case 't', 'f', 'n':
			word := "null"
			switch c {
			case 't':
				word = "true"
			case 'f':
				word = "false"
			}
			if len(s.data)-s.i < len(word) || string(s.data[s.i:s.i+len(word)]) != word {
				return s.broken("a value is expected")
			}
			s.i += len(word)
		default: // comments, trailing commas, single quotes…
			return s.broken("a value is expected")
		}

		// What may follow a value.
		for {
			if len(s.frames) == 0 {
				return true, true
			}
			top := &s.frames[len(s.frames)-1]
			c := s.peek()
			if top.object && c == '}' || !top.object && c == ']' {
				s.i++
				s.close()
				continue
			}
			if c != ',' {
				return s.broken("a comma or the end of an object or array is expected")
			}
			s.i++
			top.count++
			if top.object {
				if pass, more := s.member(s.peek()); !more {
					return pass, false
				}
			}
			break
		}
	}
}

func (s *scanner) open(object bool) bool {
	f := frame{object: object, first: len(s.keys)}
	if object {
		s.opened++
		f.id = s.opened
		if n := len(s.frames); n > 0 && s.frames[n-1].object {
			f.constructor = string(s.decoded(s.frames[n-1].key, &s.plain)) == "constructor"
		}
	}
	// Depth is paid for in stack by parsers that recurse, and most do.
	if len(s.frames) >= s.bounds.depth && !s.found(checkDepth, "nested too deeply") {
		return false
	}
	s.frames = append(s.frames, f)
	return true
}

func (s *scanner) close() {
	top := s.frames[len(s.frames)-1]
	s.keys = s.keys[:top.first]
	s.frames = s.frames[:len(s.frames)-1]
}

// member judges a key and its colon.
func (s *scanner) member(c byte) (pass, more bool) {
	top := len(s.frames) - 1
	s.frames[top].key = entry{} // not that of the member before
	if c != '"' {
		return s.broken("a key is expected")
	}
	key, pass, more := s.str()
	if !more {
		return pass, false
	}
	s.frames[top].key = key
	if !s.key(key, &s.frames[top]) {
		return false, false
	}
	if s.peek() != ':' {
		return s.broken("a colon is expected")
	}
	s.i++
	return true, true
}

// key judges a key among those of its object.
func (s *scanner) key(key entry, f *frame) bool {
	s.total++
	if (s.total > s.bounds.keys || len(s.keys)-f.first >= s.bounds.objectKeys) && !s.found(checkKeys, "too many keys") {
		return false
	}
	name := s.decoded(key, &s.plain)
	// JavaScript that merges or assigns such keys changes the prototype of
	// every object (CWE-1321), also where a library splits them at dots.
	if bytes.Contains(name, []byte("__proto__")) || f.constructor && string(name) == "prototype" || bytes.Contains(name, []byte("constructor.prototype")) {
		if !s.found(checkPrototype, "a key that reaches a prototype") {
			return false
		}
	}
	const both = checkDuplicate | checkAmbiguous
	if s.loose&both == both {
		s.keys = append(s.keys, key)
		return true
	}
	if s.loose&checkAmbiguous == 0 {
		s.canon = appendCanon(s.canon[:0], name)
		key.hash = maphash.Bytes(s.seed, s.canon)
	} else {
		key.hash = maphash.Bytes(s.seed, name)
	}
	equal, alike := s.lookup(key, name, f)
	s.keys = append(s.keys, key)
	// Of two equal keys one parser takes the first and another the last; of
	// two that differ by case, Go's encoding/json takes the last.
	if equal {
		return s.found(checkDuplicate, "a key stands twice")
	}
	if alike {
		return s.found(checkAmbiguous, "two keys differ only by case or normal form")
	}
	return true
}

// lookup searches the keys of an object for one that is equal to name, or has
// the same hash, which is seeded and so as good as the same canonical form.
func (s *scanner) lookup(key entry, name []byte, f *frame) (equal, alike bool) {
	same := func(e entry) {
		if bytes.Equal(s.decoded(e, &s.other), name) {
			equal = true
		} else {
			alike = true
		}
	}
	mine := s.keys[f.first:]
	if len(mine) <= manyKeys {
		for _, e := range mine {
			if e.hash == key.hash {
				same(e)
			}
		}
		return equal, alike
	}
	if s.big == nil {
		s.big = map[bigKey]int{}
	}
	if len(mine) == manyKeys+1 {
		for i, e := range mine {
			s.big[bigKey{f.id, e.hash}] = f.first + i
		}
	}
	at := bigKey{f.id, key.hash}
	if i, ok := s.big[at]; ok {
		same(s.keys[i])
	} else {
		s.big[at] = len(s.keys)
	}
	return equal, alike
}

// decoded returns a key's characters: a piece of the document, or *buf.
func (s *scanner) decoded(e entry, buf *[]byte) []byte {
	if !e.escaped {
		return s.data[e.start:e.end]
	}
	*buf = appendUnescaped((*buf)[:0], s.data[e.start:e.end])
	return *buf
}
