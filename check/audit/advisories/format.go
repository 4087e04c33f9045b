package advisories

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"hash/fnv"
)

// A database is one file:
//
//	header   64 bytes: magic, format, size of the file, where the rest is
//	records  one an advisory: lengths and checksums, JSON, details, source
//	packages one a package: checksum, then what its versions are compared with
//	table    one entry a package, by the hash of its name
//	meta     JSON: what was compiled, when, from where
//
// A look-up reads the table's entry and one package, whatever the size of the
// database; whatever is read has a checksum of its own, so that a damaged file
// is refused where it matters without reading all of it. Checksums are
// CRC-32C: they find damage, and whoever can write the file can write those
// too.
//
// In the database of an excerpt the table has every package that the excerpt
// is about, and nothing is known of one that it lacks. That is a format of its
// own: a program that does not know of excerpts would call such a package
// clean.

const (
	magic         = "PAVISEDB"
	formatVersion = 1
	formatExcerpt = 2
	headerSize    = 64
	entrySize     = 20
	recordHead    = 24 // three lengths and checksums
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// A header says where the parts are.
type header struct {
	excerpt           bool
	size              int64
	metaAt, metaLen   int64
	metaSum           uint32
	tableAt, tableLen int64
	tableSum          uint32
}

func (h header) encode() []byte {
	b := make([]byte, headerSize)
	copy(b, magic)
	le := binary.LittleEndian
	le.PutUint32(b[8:], formatVersion)
	if h.excerpt {
		le.PutUint32(b[8:], formatExcerpt)
	}
	le.PutUint64(b[12:], uint64(h.size))
	le.PutUint64(b[20:], uint64(h.metaAt))
	le.PutUint32(b[28:], uint32(h.metaLen))
	le.PutUint32(b[32:], h.metaSum)
	le.PutUint64(b[36:], uint64(h.tableAt))
	le.PutUint64(b[44:], uint64(h.tableLen))
	le.PutUint32(b[52:], h.tableSum)
	le.PutUint32(b[60:], checksum(b[:60]))
	return b
}

func decodeHeader(b []byte, size int64) (header, error) {
	le := binary.LittleEndian
	if len(b) < headerSize || string(b[:8]) != magic {
		return header{}, &CorruptError{"it does not begin like one"}
	}
	format := le.Uint32(b[8:])
	if format != formatVersion && format != formatExcerpt {
		return header{}, &CorruptError{fmt.Sprintf("it is of format %d, and this program reads %d and %d", format, formatVersion, formatExcerpt)}
	}
	if le.Uint32(b[60:]) != checksum(b[:60]) {
		return header{}, &CorruptError{"its header's checksum is wrong"}
	}
	h := header{
		excerpt: format == formatExcerpt,
		size:    int64(le.Uint64(b[12:])),
		metaAt:  int64(le.Uint64(b[20:])), metaLen: int64(le.Uint32(b[28:])), metaSum: le.Uint32(b[32:]),
		tableAt: int64(le.Uint64(b[36:])), tableLen: int64(le.Uint64(b[44:])), tableSum: le.Uint32(b[52:]),
	}
	if h.size != size {
		return header{}, &CorruptError{fmt.Sprintf("it has %d bytes of %d: a copy that was cut off?", size, h.size)}
	}
	for _, part := range [][2]int64{{h.metaAt, h.metaLen}, {h.tableAt, h.tableLen}} {
		if part[0] < headerSize || part[1] < 0 || part[0] > size || part[1] > size-part[0] {
			return header{}, &CorruptError{"its parts lie outside of it"}
		}
	}
	if h.tableLen%entrySize != 0 {
		return header{}, &CorruptError{"its table ends in the middle of an entry"}
	}
	return h, nil
}

// CorruptError says that a file is not a database, or a damaged one.
type CorruptError struct{ why string }

func (e *CorruptError) Error() string { return "the advisory database is damaged: " + e.why }

// nameHash places a package in the table. It is no secret: names that collide
// lie side by side and are told apart by the names themselves.
func nameHash(ecosystem, key string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(ecosystem))
	h.Write([]byte{0})
	h.Write([]byte(key))
	return h.Sum64()
}

// A writer appends the small encodings.
type writer struct{ b []byte }

func (w *writer) number(n int)  { w.b = binary.AppendUvarint(w.b, uint64(n)) }
func (w *writer) text(s string) { w.number(len(s)); w.b = append(w.b, s...) }
func (w *writer) byte(c byte)   { w.b = append(w.b, c) }

// A reader takes them apart again. It holds the block as a string, so that
// what it returns shares the block's memory.
type reader struct {
	s   string
	bad bool
}

func (r *reader) number() int {
	var n uint64
	for shift := 0; shift < 63; shift += 7 {
		if r.s == "" {
			break
		}
		c := r.s[0]
		r.s = r.s[1:]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return int(n)
		}
	}
	r.bad, r.s = true, ""
	return 0
}

// count reads how many of something follow, each of one byte at least.
func (r *reader) count() int {
	n := r.number()
	if n > len(r.s) {
		r.bad, r.s = true, ""
		return 0
	}
	return n
}

func (r *reader) text() string {
	n := r.count()
	out := r.s[:n]
	r.s = r.s[n:]
	return out
}

func (r *reader) byte() byte {
	if r.s == "" {
		r.bad = true
		return 0
	}
	c := r.s[0]
	r.s = r.s[1:]
	return c
}
