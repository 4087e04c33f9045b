package fieldcrypt

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A stream is a header and chunks, each sealed by itself with AES-256-GCM:
//
//	"pvs1" | key id, 4 bytes | salt, 32 bytes | chunk | chunk | ... | last chunk
//
// The chunks' key is derived from the ring's key, the salt and the context by
// HKDF-SHA-256, so it seals one stream only and a counter is a safe nonce. The
// nonce's last byte says which chunk is the last: none can be cut off, put
// elsewhere or added without being found (the STREAM construction of Hoang,
// Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its
// Nonce-Reuse Misuse-Resistance", 2015).
const (
	streamMagic = "pvs1"
	saltSize    = 32
	// chunkSize is how much is sealed, and so held in memory, at a time.
	chunkSize = 64 << 10
)

// EncryptTo returns a writer that seals what is written to it to w, in
// constant memory, with the primary key, which must be a [V1] key. The stream
// ends with Close, which does not close w; one that was not closed does not
// open.
func (r *Ring) EncryptTo(w io.Writer, c Context) (io.WriteCloser, error) {
	b := &r.boxes[0]
	if b.xaes == nil {
		return nil, fmt.Errorf("fieldcrypt: the primary key %s is a %s key, and streams need one of format %s: pavise keys new --format %s", r.keys[0].ID, r.keys[0].Format, V1, V1)
	}
	head := make([]byte, len(streamMagic)+idSize+saltSize)
	copy(head, streamMagic)
	copy(head[len(streamMagic):], b.id[:])
	_, _ = rand.Read(head[len(streamMagic)+idSize:])
	aead, err := r.streamCipher(0, head, c)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(head); err != nil {
		return nil, err
	}
	return &sealer{w: w, chunks: chunks{aead: aead}, plain: make([]byte, 0, chunkSize), out: make([]byte, 0, chunkSize+tagSize)}, nil
}

// DecryptFrom returns a reader of what was sealed into src, in constant
// memory. It returns [ErrDecrypt] as soon as something does not open, and
// errors of src as they are. What was read before an error was sealed by the
// same key, but is not all: do not act on it.
func (r *Ring) DecryptFrom(src io.Reader, c Context) (io.Reader, error) {
	br := bufio.NewReaderSize(src, chunkSize+tagSize+1)
	head := make([]byte, len(streamMagic)+idSize+saltSize)
	if _, err := io.ReadFull(br, head); err != nil {
		return nil, cut(err)
	}
	id := head[len(streamMagic) : len(streamMagic)+idSize]
	for i := range r.boxes {
		if r.boxes[i].xaes == nil || string(r.boxes[i].id[:]) != string(id) || string(head[:len(streamMagic)]) != streamMagic {
			continue
		}
		aead, err := r.streamCipher(i, head, c)
		if err != nil {
			return nil, err
		}
		return &opener{src: br, chunks: chunks{aead: aead}, sealed: make([]byte, chunkSize+tagSize)}, nil
	}
	return nil, ErrDecrypt
}

// cut tells a stream that ends too early, which is a forgery like any other,
// from one that cannot be read.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrDecrypt
	}
	return err
}

// streamCipher derives the cipher of a stream with this header and context.
func (r *Ring) streamCipher(i int, head []byte, c Context) (cipher.AEAD, error) {
	info := c.append([]byte("pavise fieldcrypt stream v1"))
	key, err := hkdf.Key(sha256.New, r.keys[i].material.Expose(), head, string(info), keySize)
	if err != nil {
		return nil, fmt.Errorf("fieldcrypt: %w", err)
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("fieldcrypt: %w", err)
	}
	return cipher.NewGCM(block)
}

// chunks counts the chunks of a stream.
type chunks struct {
	aead  cipher.AEAD
	count uint64
}

// nonce returns the next chunk's: zeros, the count, and whether it is the last.
func (c *chunks) nonce(last bool) []byte {
	nonce := make([]byte, 12)
	binary.BigEndian.PutUint64(nonce[3:], c.count)
	if last {
		nonce[11] = 1
	}
	c.count++
	return nonce
}

type sealer struct {
	w      io.Writer
	chunks chunks
	plain  []byte
	out    []byte
	err    error
}

func (s *sealer) Write(p []byte) (n int, err error) {
	for len(p) > 0 && s.err == nil {
		if len(s.plain) == chunkSize {
			// Only now it is known that this chunk is not the last.
			s.flush(false)
			continue
		}
		m := copy(s.plain[len(s.plain):chunkSize], p)
		s.plain = s.plain[:len(s.plain)+m]
		p = p[m:]
		n += m
	}
	return n, s.err
}

var errClosed = errors.New("fieldcrypt: write to a stream that is closed")

func (s *sealer) Close() error {
	if s.err != nil {
		if errors.Is(s.err, errClosed) {
			return nil
		}
		return s.err
	}
	s.flush(true)
	if s.err != nil {
		return s.err
	}
	s.err = errClosed
	return nil
}

func (s *sealer) flush(last bool) {
	s.out = s.chunks.aead.Seal(s.out[:0], s.chunks.nonce(last), s.plain, nil)
	clear(s.plain)
	s.plain = s.plain[:0]
	_, s.err = s.w.Write(s.out)
}

type opener struct {
	src    *bufio.Reader
	chunks chunks
	sealed []byte
	plain  []byte // of the last chunk read, what is left
	err    error
}

func (o *opener) Read(p []byte) (int, error) {
	for len(o.plain) == 0 {
		if o.err != nil {
			return 0, o.err
		}
		o.next()
	}
	n := copy(p, o.plain)
	o.plain = o.plain[n:]
	return n, nil
}

// next opens a chunk. It is the last if nothing stands behind it.
func (o *opener) next() {
	n, err := io.ReadFull(o.src, o.sealed)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		o.err = cut(err)
		return
	}
	_, peeked := o.src.Peek(1)
	if peeked != nil && !errors.Is(peeked, io.EOF) {
		o.err = peeked
		return
	}
	last := peeked != nil
	plain, err := o.chunks.aead.Open(o.sealed[:0], o.chunks.nonce(last), o.sealed[:n], nil)
	if err != nil || len(plain) == 0 && o.chunks.count > 1 {
		// Only a stream of nothing has an empty chunk; elsewhere it would
		// be a second form of the same stream.
		o.err = ErrDecrypt
		return
	}
	o.plain = plain
	if last {
		o.err = io.EOF
	}
}
