package fieldcrypt

import (
	"crypto/aes"
	"crypto/cipher"
)

// xaes is XAES-256-GCM as C2SP specifies it: AES-256-GCM under a key that is
// derived from the first half of a nonce of 192 bits. Nonces of that length
// can be drawn at random for as many values as there will ever be, while
// GCM's own 96 bits are unsafe beyond 2^32 values of one key.
type xaes struct {
	block cipher.Block
	k1    [aes.BlockSize]byte // the CMAC subkey
}

const (
	nonceSize = 24
	tagSize   = 16
)

func newXAES(key []byte) (*xaes, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	x := &xaes{block: block}
	x.block.Encrypt(x.k1[:], x.k1[:])
	// Doubling in GF(2^128), without a branch on the key.
	var carry byte
	for i := len(x.k1) - 1; i >= 0; i-- {
		next := x.k1[i] >> 7
		x.k1[i] = x.k1[i]<<1 | carry
		carry = next
	}
	x.k1[len(x.k1)-1] ^= carry * 0x87
	return x, nil
}

// aead returns the cipher for a nonce, of which it takes the second half.
func (x *xaes) aead(nonce []byte) (cipher.AEAD, error) {
	var key [keySize]byte
	for i := range 2 {
		half := key[i*aes.BlockSize : (i+1)*aes.BlockSize]
		half[1], half[2] = byte(i+1), 'X'
		copy(half[4:], nonce[:12])
		for j := range half {
			half[j] ^= x.k1[j]
		}
		x.block.Encrypt(half, half)
	}
	defer clear(key[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (x *xaes) seal(dst, nonce, plaintext, data []byte) ([]byte, error) {
	a, err := x.aead(nonce)
	if err != nil {
		return nil, err
	}
	return a.Seal(dst, nonce[12:], plaintext, data), nil
}

func (x *xaes) open(dst, nonce, ciphertext, data []byte) ([]byte, error) {
	a, err := x.aead(nonce)
	if err != nil {
		return nil, err
	}
	return a.Open(dst, nonce[12:], ciphertext, data)
}
