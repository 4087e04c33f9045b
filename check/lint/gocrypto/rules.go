package gocrypto

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var random = &analysis.Rule{
	ID: "lint/go-weak-random", Title: "A secret is made of numbers that can be guessed", Severity: finding.High,
	Refs:   []string{"CWE-338", "CWE-330", "API2", "V11.5.1"},
	Text:   "math/rand is for games and samples: from a few of its numbers the next are known, and of those seeded with the time there are few.",
	Fix:    "Use crypto/rand: rand.Text(), or 32 bytes of rand.Read.",
	Pavise: "pavise token",
	File:   "token.go",
	Bad: `package main

import (
	"fmt"
	"math/rand"
)

func newSessionToken() string {
	return fmt.Sprintf("%x", rand.Int63())
}
`,
	Good: `package main

import "crypto/rand"

func newSessionToken() string {
	return rand.Text()
}
`,
}

var verifyOff = &analysis.Rule{
	ID: "lint/go-tls-verify-off", Title: "Certificates are not verified", Severity: finding.High,
	Refs: []string{"CWE-295", "V12.3.2"},
	Text: "Whoever is on the way answers with a certificate of their own, reads what is sent, keys among it, and changes what comes back.",
	Fix:  "Leave InsecureSkipVerify out; put a private authority into RootCAs.",
	File: "client.go",
	Bad: `package main

import (
	"crypto/tls"
	"net/http"
)

var client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
`,
	Good: `package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
)

func client(roots *x509.CertPool) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
}
`,
}

var oldTLS = &analysis.Rule{
	ID: "lint/go-tls-old", Title: "Old versions of TLS are accepted", Severity: finding.Medium,
	Refs: []string{"CWE-327", "CWE-326", "API8", "V12.1.1", "RFC 8996"},
	Text: "TLS 1.0 and 1.1 are withdrawn: their handshakes rest on SHA-1 and MD5. Go's own default is 1.2.",
	Fix:  "Leave MinVersion out, or make it tls.VersionTLS12 or VersionTLS13.",
	File: "server.go",
	Bad: `package main

import "crypto/tls"

var config = &tls.Config{MinVersion: tls.VersionTLS10}
`,
	Good: `package main

import "crypto/tls"

var config = &tls.Config{MinVersion: tls.VersionTLS13}
`,
}

var timing = &analysis.Rule{
	ID: "lint/go-timing-compare", Title: "A secret is compared byte by byte", Severity: finding.Medium,
	Refs: []string{"CWE-208", "API2", "V11.2.4"},
	Text: "== stops at the first byte that differs: the time of many answers tells how much of a guess was right.",
	Fix:  "Compare with hmac.Equal, or with subtle.ConstantTimeCompare on hashes of both.",
	File: "key.go",
	Bad: `package main

import "net/http"

func allowed(r *http.Request, apiKey string) bool {
	return r.Header.Get("X-Api-Key") == apiKey
}
`,
	Good: `package main

import (
	"crypto/hmac"
	"net/http"
)

func allowed(r *http.Request, apiKey string) bool {
	return hmac.Equal([]byte(r.Header.Get("X-Api-Key")), []byte(apiKey))
}
`,
}

var weakHash = &analysis.Rule{
	ID: "lint/go-weak-hash", Title: "A password or a token is hashed by what is fast or broken", Severity: finding.High,
	Refs:   []string{"CWE-916", "CWE-328", "API2", "V11.4.2", "V11.4.1"},
	Text:   "A graphics card tries billions of MD5, SHA-1 or SHA-256 a second: of a stolen table, most passwords are read the same day.",
	Fix:    "Hash passwords with argon2id or bcrypt; make tokens with crypto/rand, and keep SHA-256 of them.",
	Pavise: "passwords",
	File:   "hash.go",
	Bad: `package main

import (
	"crypto/sha256"
	"encoding/hex"
)

func hashPassword(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}
`,
	Good: `package main

import "golang.org/x/crypto/bcrypt"

func hashPassword(password string) ([]byte, error) {
	return bcrypt.GenerateFromPassword([]byte(password), 12)
}
`,
}

var weakCipher = &analysis.Rule{
	ID: "lint/go-weak-cipher", Title: "A cipher gives away what it hides", Severity: finding.High,
	Refs:   []string{"CWE-327", "CWE-329", "V11.3.1", "V11.3.2", "V11.3.4"},
	Text:   "DES and RC4 are broken, ECB keeps patterns, and a nonce that is used twice gives away what two messages have in common.",
	Fix:    "Use AES-256 with cipher.NewGCMWithRandomNonce, or XChaCha20-Poly1305.",
	Pavise: "fieldcrypt",
	File:   "seal.go",
	Bad: `package main

import (
	"crypto/aes"
	"crypto/cipher"
)

func seal(key, text []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(text))
	cipher.NewCBCEncrypter(block, []byte("0123456789abcdef")).CryptBlocks(out, text)
	return out, nil
}
`,
	Good: `package main

import (
	"crypto/aes"
	"crypto/cipher"
)

func seal(key, text []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, text, nil), nil
}
`,
}

var bcryptCost = &analysis.Rule{
	ID: "lint/go-bcrypt-cost", Title: "bcrypt has few rounds", Severity: finding.Medium,
	Refs:   []string{"CWE-916", "API2", "V11.4.2"},
	Text:   "Each step less halves the work of whoever tries passwords; below 10 it is little.",
	Fix:    "Use 12, or argon2id.",
	Pavise: "passwords",
	File:   "hash.go",
	Bad: `package main

import "golang.org/x/crypto/bcrypt"

func hash(password []byte) ([]byte, error) {
	return bcrypt.GenerateFromPassword(password, 5)
}
`,
	Good: `package main

import "golang.org/x/crypto/bcrypt"

func hash(password []byte) ([]byte, error) {
	return bcrypt.GenerateFromPassword(password, bcrypt.DefaultCost)
}
`,
}

var jwt = &analysis.Rule{
	ID: "lint/go-jwt", Title: "A token is not verified as it should be", Severity: finding.High,
	Refs: []string{"CWE-347", "CWE-327", "API2", "V9.1.1", "V9.1.2", "RFC 8725 section 3.1"},
	Text: "Without its signature, or signed with what everybody knows, a token is a text that anybody writes: the client says who it is.",
	Fix:  "Call jwt.ParseWithClaims with jwt.WithValidMethods([]string{\"HS256\"}) and a key of 32 random bytes from the environment.",
	File: "token.go",
	Bad: `package main

import "github.com/golang-jwt/jwt/v5"

func user(text string) (jwt.Claims, error) {
	token, _, err := jwt.NewParser().ParseUnverified(text, jwt.MapClaims{})
	return token.Claims, err
}
`,
	Good: `package main

import "github.com/golang-jwt/jwt/v5"

func user(text string, key []byte) (jwt.Claims, error) {
	token, err := jwt.Parse(text, func(*jwt.Token) (any, error) { return key, nil }, jwt.WithValidMethods([]string{"HS256"}))
	return token.Claims, err
}
`,
}

var expiry = &analysis.Rule{
	ID: "lint/go-jwt-no-expiry", Title: "A token never expires", Severity: finding.Medium,
	Refs: []string{"CWE-613", "API2", "V7.3.2"},
	Text: "A token without exp is good until the key changes, for whoever has it.",
	Fix:  "Put exp into the claims: minutes for an access token.",
	File: "token.go",
	Bad: `package main

import "github.com/golang-jwt/jwt/v5"

func issue(user string, key []byte) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": user}).SignedString(key)
}
`,
	Good: `package main

import (
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func issue(user string, key []byte) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": user, "exp": time.Now().Add(15 * time.Minute).Unix()}).SignedString(key)
}
`,
}

var literal = &analysis.Rule{
	ID: "lint/go-secret-literal", Title: "A secret is in the source", Severity: finding.High,
	Refs:   []string{"CWE-798", "CWE-321", "API8", "V13.3.1"},
	Text:   "Whoever reads the source, a copy, an image or the history of the repository has it, and it cannot be changed without a release.",
	Fix:    "Take it from the environment or a file when the program starts, stop when it is missing, and change the one that was here.",
	Pavise: "settings, pavise leaks",
	File:   "keys.go",
	Bad: `package main

var jwtSecret = []byte("shop-signing-2024")
`,
	Good: `package main

import "os"

var jwtSecret = []byte(os.Getenv("JWT_SECRET"))
`,
}

var fallback = &analysis.Rule{
	ID: "lint/go-secret-default", Title: "A secret has a default in the source", Severity: finding.Medium,
	Refs:   []string{"CWE-1188", "CWE-798", "V13.3.1"},
	Text:   "Where the setting is forgotten, the service runs with a secret that everybody can read, and nothing says so.",
	Fix:    "Stop when the secret is missing.",
	Pavise: "settings",
	File:   "config.go",
	Bad: `package main

func load() *Config {
	return &Config{JWTSecret: getEnv("JWT_SECRET", "shop-dev-secret")}
}
`,
	Good: `package main

import "os"

func load() (*Config, error) {
	secret := os.Getenv("JWT_SECRET")
	if secret == "" {
		return nil, errNoSecret
	}
	return &Config{JWTSecret: secret}, nil
}
`,
}
