package fieldcrypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"sync"
	"time"
)

// The parts of a Fernet token: version, seconds since 1970, IV, at least one
// block, HMAC.
const (
	fernetVersion = 0x80
	fernetHead    = 1 + 8 + aes.BlockSize
	fernetMin     = fernetHead + aes.BlockSize + sha256.Size
	// fernetSkew is how far in the future a token's time may be when its age
	// is judged, as the Python implementation has it.
	fernetSkew = time.Minute
)

// fernet seals and opens with one Fernet key.
type fernet struct {
	works sync.Pool // of *works
}

// works is what one token needs: a keyed HMAC costs two hashes to set up, a
// cipher in CBC mode a copy of its round keys.
type works struct {
	mac            hash.Hash
	sum            [sha256.Size]byte // would escape to the heap on its way through the interface
	block          cipher.Block
	sealer, opener cbc
}

// cbc is how crypto/aes makes a mode that can be used again.
type cbc interface {
	cipher.BlockMode
	SetIV(iv []byte)
}

func newFernet(key []byte) (*fernet, error) {
	block, err := aes.NewCipher(key[16:])
	if err != nil {
		return nil, err
	}
	signing := append([]byte(nil), key[:16]...)
	f := new(fernet)
	f.works.New = func() any {
		w := &works{mac: hmac.New(sha256.New, signing), block: block}
		var none [aes.BlockSize]byte
		w.sealer, _ = cipher.NewCBCEncrypter(block, none[:]).(cbc)
		w.opener, _ = cipher.NewCBCDecrypter(block, none[:]).(cbc)
		return w
	}
	return f, nil
}

// crypt encrypts or decrypts.
func (w *works) crypt(mode cbc, fresh func(cipher.Block, []byte) cipher.BlockMode, iv, dst, src []byte) {
	if mode == nil { // no promise of crypto/cipher says that there is a SetIV
		fresh(w.block, iv).CryptBlocks(dst, src)
		return
	}
	mode.SetIV(iv)
	mode.CryptBlocks(dst, src)
}

func (f *fernet) get() *works { return f.works.Get().(*works) }

// buffers lends memory. What is given back is wiped: it may have held a
// plaintext.
type buffers struct{ pool sync.Pool } // of *[]byte

// maxKept is the size of a buffer that is kept; for one large value no memory
// is kept for good.
const maxKept = 64 << 10

func (b *buffers) get(n int) *[]byte {
	p, ok := b.pool.Get().(*[]byte)
	if !ok {
		p = new([]byte)
	}
	if cap(*p) < n {
		*p = make([]byte, max(n, 512))
	}
	*p = (*p)[:n]
	return p
}

func (b *buffers) put(p *[]byte) {
	clear(*p)
	if cap(*p) <= maxKept {
		b.pool.Put(p)
	}
}

// seal returns a token of its time.
func (f *fernet) seal(b *buffers, plaintext []byte, at time.Time) string {
	padding := aes.BlockSize - len(plaintext)%aes.BlockSize
	size := fernetHead + len(plaintext) + padding + sha256.Size
	buf := b.get(size + base64.URLEncoding.EncodedLen(size))
	defer b.put(buf)
	raw, text := (*buf)[:size], (*buf)[size:]
	raw[0] = fernetVersion
	binary.BigEndian.PutUint64(raw[1:], uint64(at.Unix()))
	iv := raw[9:fernetHead]
	_, _ = rand.Read(iv)
	signed, mac := raw[:size-sha256.Size], raw[size-sha256.Size:]
	body := signed[fernetHead:]
	copy(body, plaintext)
	for i := len(plaintext); i < len(body); i++ {
		body[i] = byte(padding)
	}
	w := f.get()
	defer f.works.Put(w)
	w.crypt(w.sealer, cipher.NewCBCEncrypter, iv, body, body)
	w.hash(signed)
	copy(mac, w.sum[:])
	base64.URLEncoding.Encode(text, raw)
	return string(text)
}

// hash leaves the HMAC of a message in sum.
func (w *works) hash(message []byte) {
	w.mac.Reset()
	w.mac.Write(message)
	w.mac.Sum(w.sum[:0])
}

// authentic reports whether a decoded token was made with this key.
func (f *fernet) authentic(raw []byte) bool {
	if len(raw) < fernetHead+sha256.Size {
		return false
	}
	signed := len(raw) - sha256.Size
	w := f.get()
	defer f.works.Put(w)
	w.hash(raw[:signed])
	return hmac.Equal(w.sum[:], raw[signed:])
}

// decrypt returns the plaintext of a decoded token that is authentic. Nothing
// of it may be looked at before, or a padding oracle could be asked.
func (f *fernet) decrypt(raw []byte) ([]byte, bool) {
	body := raw[fernetHead : len(raw)-sha256.Size]
	if len(body) == 0 || len(body)%aes.BlockSize != 0 {
		return nil, false
	}
	plaintext := make([]byte, len(body))
	w := f.get()
	w.crypt(w.opener, cipher.NewCBCDecrypter, raw[9:fernetHead], plaintext, body)
	f.works.Put(w)
	n := int(plaintext[len(plaintext)-1])
	if n == 0 || n > aes.BlockSize {
		return nil, false
	}
	for _, b := range plaintext[len(plaintext)-n:] {
		if int(b) != n {
			return nil, false
		}
	}
	return plaintext[:len(plaintext)-n], true
}

// fernetTime is the time that a decoded token says it was made at. It is
// beyond what time.Time can hold only in a forgery.
func fernetTime(raw []byte) (seconds uint64) { return binary.BigEndian.Uint64(raw[1:9]) }

// fresh judges a token's age as the Python implementation does: both limits
// are inclusive, in whole seconds.
func fresh(made uint64, maxAge time.Duration, now time.Time) bool {
	current, age := now.Unix(), int64(maxAge/time.Second)
	if made > 1<<62 || current < 0 {
		return false
	}
	return int64(made)+age >= current && current+int64(fernetSkew/time.Second) >= int64(made)
}

// decodeFernet reads the text of a token in its one right form, URL-safe
// base64 with its padding, no other character, no bits left over, into dst,
// which has the room.
func decodeFernet(dst, token []byte) ([]byte, bool) {
	// encoding/base64 skips line breaks, which makes many texts of one token.
	if len(token) < fernetMinText || bytes.IndexByte(token, '\n') >= 0 || bytes.IndexByte(token, '\r') >= 0 {
		return nil, false
	}
	n, err := fernetEncoding.Decode(dst, token)
	if err != nil || dst[0] != fernetVersion || (n-fernetHead-sha256.Size)%aes.BlockSize != 0 {
		return nil, false
	}
	return dst[:n], true
}

var (
	fernetEncoding = base64.URLEncoding.Strict()
	fernetMinText  = base64.URLEncoding.EncodedLen(fernetMin)
)

// decodeCompat reads whatever Python's base64.urlsafe_b64decode does, on which
// its cryptography package relies: both alphabets, any other ASCII character
// skipped, everything after the padding ignored, bits left over ignored.
func decodeCompat(dst, token []byte) ([]byte, bool) {
	dst = dst[:0]
	for _, c := range token {
		if c >= 0x80 {
			return nil, false // Python refuses a str that is not ASCII
		}
	}
	var held byte
	quad, pads := 0, 0
loop:
	for _, c := range token {
		var v byte
		switch {
		case c >= 'A' && c <= 'Z':
			v = c - 'A'
		case c >= 'a' && c <= 'z':
			v = c - 'a' + 26
		case c >= '0' && c <= '9':
			v = c - '0' + 52
		case c == '-', c == '+':
			v = 62
		case c == '_', c == '/':
			v = 63
		case c == '=':
			if quad >= 2 {
				if pads++; quad+pads >= 4 {
					quad = 0
					break loop
				}
			}
			continue
		default:
			continue
		}
		pads = 0
		switch quad {
		case 0:
			held = v
		case 1:
			dst = append(dst, held<<2|v>>4)
			held = v & 0xf
		case 2:
			dst = append(dst, held<<4|v>>2)
			held = v & 0x3
		case 3:
			dst = append(dst, held<<6|v)
		}
		quad = (quad + 1) & 3
	}
	if quad != 0 || len(dst) < 9 || dst[0] != fernetVersion {
		return nil, false
	}
	return dst, true
}
