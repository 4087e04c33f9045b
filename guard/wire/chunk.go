package wire

import (
	"strconv"

	"github.com/pavise-dev/pavise/guard"
)

// Bounds of what a chunked body may hold besides data.
const (
	maxExtension = 4 << 10 // bytes of all chunk extensions of a body
	maxTrailer   = 4 << 10 // bytes of the trailer section as it came
	maxTrailerTo = 3 << 10 // bytes of it as passed on; net/http reads at most 4 KiB
	maxTrailers  = 50      // fields
)

type phase uint8

// The phases of a chunked body, RFC 9112 section 7.1. The names say what is
// expected next.
const (
	chunkSize    phase = iota // the first digit of a size
	chunkDigits               // further digits, ';' or CR
	chunkBWS                  // whitespace before ';'
	extName                   // whitespace or the first byte of an extension's name
	extNameRest               // more of it, '=', ';' or CR
	extNameBWS                // whitespace before '=' or ';'
	extValue                  // whitespace, '"' or the first byte of a token
	extToken                  // more of it, ';' or CR
	extQuoted                 // within a quoted string
	extPair                   // the byte behind a backslash
	extQuotedEnd              // ';' or CR
	sizeLF
	chunkData // read by payload
	chunkDataCR
	chunkDataLF
	trailerLine // all phases from here on are behind the last chunk
)

type chunk struct {
	phase    phase
	digits   int
	ext      int // bytes of extensions so far
	last     int // where in out the last chunk begins
	trailer  int // bytes of the trailer section so far
	trailers int
	kept     bool // the last trailer field was passed on
	declared []byte
}

func badChunk(detail, reason string) *guard.Refusal {
	return refusal("wire/chunks", 400, "BAD_CHUNK", detail, reason)
}

// chunks reads framing from in and writes it to out in its plainest form,
// until data begins, the body ends or the input does.
//
// The grammar is followed to the letter, since each known leniency has been
// used to make two servers disagree about where a body ends: LF for CRLF
// (CVE-2025-22871), anything up to LF taken for an extension, whitespace,
// signs, underscores and 0x in sizes, sizes that wrap around, and a chunk's
// end that is skipped and not looked at.
func (c *conn) chunks() *guard.Refusal {
	k := &c.chunk
	if c.out == nil {
		c.out = c.g.buffers.get()
	}
	for c.r < len(c.in) {
		if k.phase == trailerLine {
			ref := c.trailer()
			if c.r == len(c.in) {
				c.dropIn()
			}
			return ref
		}
		b := c.in[c.r]
		c.r++
		if k.phase > chunkDigits && k.phase < sizeLF && b != '\r' || k.phase == chunkDigits && class[b]&hexdig == 0 && b != '\r' {
			if k.ext++; k.ext > maxExtension {
				return badChunk("The chunk extensions are too long.", "chunk extensions are too long")
			}
		}
		switch k.phase {
		case chunkSize, chunkDigits:
			switch {
			case class[b]&hexdig != 0:
				if k.digits++; k.digits > 16 || c.left > 1<<59-1 {
					return badChunk("A chunk's size is too large.", "a chunk's size overflows")
				}
				c.left = c.left<<4 | unhex(b)
				k.phase = chunkDigits
			case k.phase == chunkSize:
				return badChunk("A chunk's size is not a hexadecimal number.", "a chunk's size begins with "+strconv.QuoteRune(rune(b)))
			case b == ';':
				k.phase = extName
			case b == ' ' || b == '\t':
				k.phase = chunkBWS
			case b == '\r':
				k.phase = sizeLF
			default:
				return badChunk("A chunk's size is not a hexadecimal number.", "a chunk's size has "+strconv.QuoteRune(rune(b)))
			}
		case sizeLF:
			if b != '\n' {
				return badChunk("A chunk's line does not end in CRLF.", "a chunk's line has a CR inside")
			}
			c.beginChunk()
			if k.phase == chunkData {
				if c.r == len(c.in) {
					c.dropIn()
				}
				return nil
			}
		case chunkDataCR, chunkDataLF:
			if want := "\r\n"[k.phase-chunkDataCR]; b != want {
				return badChunk("A chunk is longer or shorter than its size says.", "no CRLF behind a chunk's data")
			}
			if k.phase++; k.phase > chunkDataLF {
				c.out = append(c.out, '\r', '\n')
				c.left, k.digits, k.phase = 0, 0, chunkSize
			}
		default:
			next, ok := k.extension(b)
			if !ok && c.g.policy.InsecureLenientChunks && class[b]&text != 0 {
				next, ok = extQuotedEnd, true
			}
			if !ok {
				return badChunk("A chunk extension is malformed.", "a chunk extension has "+strconv.QuoteRune(rune(b))+" out of place")
			}
			k.phase = next
		}
	}
	c.dropIn()
	return nil
}

func unhex(b byte) uint64 {
	switch {
	case b <= '9':
		return uint64(b - '0')
	case b <= 'F':
		return uint64(b - 'A' + 10)
	}
	return uint64(b - 'a' + 10)
}

// extension returns the phase behind byte b of a chunk extension:
//
//	chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )
func (k *chunk) extension(b byte) (phase, bool) {
	ows := b == ' ' || b == '\t'
	tok := class[b]&tchar != 0
	switch k.phase {
	case chunkBWS, extQuotedEnd, extNameBWS, extNameRest, extToken:
		switch {
		case b == ';':
			return extName, true
		case k.phase == extNameRest && tok, k.phase == extToken && tok:
			return k.phase, true
		case b == '=' && (k.phase == extNameRest || k.phase == extNameBWS):
			return extValue, true
		case ows && k.phase == extNameRest:
			return extNameBWS, true
		case ows && k.phase == extNameBWS:
			return extNameBWS, true
		case ows:
			return chunkBWS, true
		case b == '\r' && k.phase != chunkBWS && k.phase != extNameBWS:
			return sizeLF, true // whitespace before CR belongs to no extension
		}
	case extName:
		switch {
		case ows:
			return extName, true
		case tok:
			return extNameRest, true
		}
	case extValue:
		switch {
		case ows:
			return extValue, true
		case b == '"':
			return extQuoted, true
		case tok:
			return extToken, true
		}
	case extQuoted:
		switch {
		case b == '"':
			return extQuotedEnd, true
		case b == '\\':
			return extPair, true
		case class[b]&text != 0:
			return extQuoted, true
		}
	case extPair:
		return extQuoted, class[b]&text != 0
	}
	return 0, false
}

// beginChunk writes the line of the chunk whose size was read.
func (c *conn) beginChunk() {
	if c.left > 0 {
		c.out = strconv.AppendUint(c.out, c.left, 16)
		c.out = append(c.out, '\r', '\n')
		c.chunk.phase = chunkData
		return
	}
	c.chunk.last = len(c.out)
	c.out = append(c.out, "0\r\n"...)
	c.chunk.phase = trailerLine
	c.chunk.trailer, c.chunk.trailers, c.chunk.kept = 0, 0, false
	c.head.start, c.head.scan, c.head.cr = c.r, c.r, false
}

func badTrailer(detail, reason string) *guard.Refusal {
	return refusal("wire/trailers", 400, "BAD_TRAILER", detail, reason)
}

// trailer reads lines of the trailer section. Fields that the request
// declared and that change nothing about how it is understood are passed on.
func (c *conn) trailer() *guard.Refusal {
	k := &c.chunk
	lenient := c.g.policy.InsecureLenientTrailers
	for {
		end, ok, ref := c.line(c.head.start + maxTrailer - k.trailer)
		if ref != nil {
			if ref.Rule == lineTooLong {
				return refusal("wire/trailers", 431, "TRAILERS_TOO_LARGE", "The trailer fields are too long.", "the trailer section is too long")
			}
			return ref
		}
		if !ok {
			return nil
		}
		line := c.in[c.head.start:end]
		k.trailer += c.head.scan - c.head.start
		c.r, c.head.start = c.head.scan, c.head.scan
		if len(line) == 0 {
			c.out = append(c.out, '\r', '\n')
			c.endMessage()
			return nil
		}
		if line[0] == ' ' || line[0] == '\t' {
			if !lenient || k.trailers == 0 {
				return badTrailer("A trailer field is folded over two lines.", "a trailer line begins with whitespace")
			}
			if k.kept {
				c.out = append(c.out[:len(c.out)-2], ' ')
				c.out = append(append(c.out, trimOWS(line)...), '\r', '\n')
			}
			continue
		}
		if k.trailers++; k.trailers > maxTrailers {
			return refusal("wire/trailers", 431, "TRAILERS_TOO_LARGE", "There are too many trailer fields.", "too many trailer fields")
		}
		colon := 0
		for colon < len(line) && class[line[colon]]&tchar != 0 {
			colon++
		}
		if colon == 0 || colon == len(line) || line[colon] != ':' {
			return badTrailer("A trailer field is malformed.", "a trailer line has no field name")
		}
		name := line[:colon]
		var word [64]byte
		low := lowered(word[:0], name)
		if framingField(string(low)) && !lenient {
			return badTrailer("A trailer field delimits messages, which only header fields may do.", "the trailer section has a framing field")
		}
		if k.kept = c.wantsTrailer(low) && !forbiddenTrailer(string(low)); !k.kept {
			continue
		}
		c.out = append(append(c.out, name...), ": "...)
		c.out = append(append(c.out, trimOWS(line[colon+1:])...), '\r', '\n')
		if len(c.out)-k.last > maxTrailerTo {
			return refusal("wire/trailers", 431, "TRAILERS_TOO_LARGE", "The trailer fields are too long.", "the trailer section is too long")
		}
	}
}

// wantsTrailer reports whether the request's Trailer field declared a field
// of this lower-case name.
func (c *conn) wantsTrailer(name []byte) bool {
	rest := c.chunk.declared
	for len(rest) > 0 {
		var item []byte
		item, rest = nextItem(rest)
		if sameFold(item, name) {
			return true
		}
	}
	return false
}
