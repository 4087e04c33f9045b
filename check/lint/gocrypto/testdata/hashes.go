package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/rand"
	"crypto/rc4"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"

	"golang.org/x/crypto/bcrypt"
)

type account struct{ Password, Email string }

func register(a *account, body []byte) {
	sum := md5.Sum([]byte(a.Password)) // want "lint/go-weak-hash: a password is hashed with MD5"
	use(sum)
	h := sha1.New()
	io.WriteString(h, a.Password) // want "lint/go-weak-hash: a password is hashed with SHA-1"
	h2 := sha512.New()
	h2.Write([]byte("salt" + a.Password))                       // want "lint/go-weak-hash: a password is hashed with SHA-512"
	sessionToken := fmt.Sprintf("%x", md5.Sum([]byte(a.Email))) // want "lint/go-weak-hash: a token is made with MD5"
	use(sessionToken)
	etag := fmt.Sprintf("%x", md5.Sum(body)) // ok "lint/go-weak-hash"
	use(etag)
	tokenHash := sha256.Sum256([]byte(sessionToken)) // ok "lint/go-weak-hash"
	use(tokenHash)
}

func long(password string) ([]byte, error) {
	sum := sha256.Sum256([]byte(password))                                                    // ok "lint/go-weak-hash"
	return bcrypt.GenerateFromPassword([]byte(base64.StdEncoding.EncodeToString(sum[:])), 12) // ok "lint/go-bcrypt-cost"
}

const cost = 2 * 4

func hashes(p []byte) {
	bcrypt.GenerateFromPassword(p, bcrypt.MinCost) // want "lint/go-bcrypt-cost: the cost is bcrypt.MinCost"
	bcrypt.GenerateFromPassword(p, cost)           // want "lint/go-bcrypt-cost: the cost is 8"
	bcrypt.GenerateFromPassword(p, 14)             // ok "lint/go-bcrypt-cost"
	bcrypt.GenerateFromPassword(p, 0)              // ok "lint/go-bcrypt-cost"
}

func isBreached(password string) bool {
	sum := sha1.Sum([]byte(password)) // ok "lint/go-weak-hash"
	return seen(sum)
}

var iv = []byte("0000000000000000")

func ciphers(key, text []byte) {
	des.NewTripleDESCipher(key) // want "lint/go-weak-cipher"
	rc4.NewCipher(key)          // want "lint/go-weak-cipher"
	block, _ := aes.NewCipher(key)
	cipher.NewCTR(block, iv)                           // want "lint/go-weak-cipher: the initialisation vector"
	cipher.NewCBCEncrypter(block, key[:aes.BlockSize]) // want "lint/go-weak-cipher"
	gcm, _ := cipher.NewGCM(block)
	zero := make([]byte, gcm.NonceSize())
	gcm.Seal(nil, zero, text, nil) // want "lint/go-weak-cipher: the nonce"
	nonce := make([]byte, gcm.NonceSize())
	rand.Read(nonce)
	gcm.Seal(nonce, nonce, text, nil) // ok "lint/go-weak-cipher"
	fresh := make([]byte, 16)
	io.ReadFull(rand.Reader, fresh)
	cipher.NewCTR(block, fresh) // ok "lint/go-weak-cipher"
	out := make([]byte, len(text))
	for i := 0; i < len(text); i += 16 {
		block.Encrypt(out[i:], text[i:]) // want "lint/go-weak-cipher: blocks are encrypted one by one"
	}
}

func mode(block cipher.Block, text []byte) {
	var tweak [16]byte
	for i := range text {
		block.Encrypt(tweak[:], tweak[:]) // ok "lint/go-weak-cipher"
		text[i] ^= tweak[i%16]
	}
}

func parseDjangoBcrypt(hash string) func(string) [32]byte {
	return func(password string) [32]byte {
		return sha256.Sum256([]byte(password)) // ok "lint/go-weak-hash"
	}
}

type filter struct{}

func (*filter) Contains(password string) bool {
	return seen(sha1.Sum([]byte(password))) // ok "lint/go-weak-hash"
}

func KeyFromLegacyPassphrase(passphrase string) [32]byte {
	return sha256.Sum256([]byte(passphrase)) // ok "lint/go-weak-hash"
}

func acceptNonce(nonce []byte) [20]byte {
	return sha1.Sum(nonce) // ok "lint/go-weak-hash"
}

func sealOnce(fileKey, text []byte) []byte {
	block, _ := aes.NewCipher(fileKey)
	gcm, _ := cipher.NewGCM(block)
	nonce := make([]byte, 12)
	return gcm.Seal(nil, nonce, text, nil) // want "lint/go-weak-cipher: the nonce"
}

func (v *validator) known(password string) bool {
	sum := sha1.Sum([]byte(password)) // ok "lint/go-weak-hash"
	return v.fetch("https://api.pwnedpasswords.com/range/", sum[:5], v.maxBreaches)
}
