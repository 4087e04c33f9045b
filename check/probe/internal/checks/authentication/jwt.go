package authentication

import (
	"bytes"
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash"
	"math/big"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// A jwt is a token of RFC 7519 in its compact form, taken apart.
type jwt struct {
	head, claims          map[string]any
	rawHead, rawBody, sig string
}

func parse(token string) (*jwt, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	j := &jwt{rawHead: parts[0], rawBody: parts[1], sig: parts[2]}
	for i, to := range []*map[string]any{&j.head, &j.claims} {
		data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[i], "="))
		if err != nil {
			return nil, false
		}
		dec := json.NewDecoder(strings.NewReader(string(data)))
		dec.UseNumber() // a time must stay the whole number that it is
		if dec.Decode(to) != nil || *to == nil {
			return nil, false
		}
	}
	_, ok := j.head["alg"].(string)
	return j, ok
}

func (j *jwt) alg() string { a, _ := j.head["alg"].(string); return a }

func part(m map[string]any) string {
	data, err := json.Marshal(m)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// with is a copy of m with other members; nil takes one away.
func with(m map[string]any, changes map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	for k, v := range changes {
		if v == nil {
			delete(out, k)
			continue
		}
		out[k] = v
	}
	return out
}

func hashOf(alg string) func() hash.Hash {
	switch {
	case strings.HasSuffix(alg, "512"):
		return sha512.New
	case strings.HasSuffix(alg, "384"):
		return sha512.New384
	}
	return sha256.New
}

// hs signs with a key that is shared.
func hs(head, claims map[string]any, alg string, key []byte) string {
	text := part(head) + "." + part(claims)
	m := hmac.New(hashOf(alg), key)
	_, _ = m.Write([]byte(text)) // a hash does not fail
	return text + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// rs signs with a key of ours.
func rs(head, claims map[string]any, key *rsa.PrivateKey) string {
	text := part(head) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return ""
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// A forgery is a token that must be refused.
type forgery struct {
	name, token string
	// real tells that it is signed as the server signs, so that it is a
	// credential and is never shown.
	real bool
}

// token is the witness and its token, if that is a JWT.
func (s *state) token(ctx context.Context, t *trial.Trial) (witness, *jwt, *trial.Result) {
	ws, err := s.witnesses(ctx, t)
	if err != nil {
		return witness{}, nil, &trial.Result{Reason: trial.Reason(err)}
	}
	j, ok := parse(ws[0].c.token)
	if !ok {
		return witness{}, nil, &trial.Result{Verdict: trial.NotApplicable, Reason: "the credential is no JWT"}
	}
	// A token with its signature could be put together again from a part of
	// it that is shown.
	t.Hide("TOKEN_SIGNATURE", j.sig)
	return ws[0], j, nil
}

// all tries forgeries until one gets in.
func (w witness) all(ctx context.Context, t *trial.Trial, forgeries []forgery) trial.Result {
	r := trial.Result{Operation: w.b.Op.Name(), Verdict: trial.Pass, Want: "401"}
	for n, f := range forgeries {
		if f.token == "" {
			continue
		}
		if f.real {
			t.Hide(fmt.Sprintf("TOKEN_FORGED_%d", n), f.token)
		}
		in, e, err := w.accepted(ctx, t, w.c.with(t.Document, f.token))
		switch {
		case err != nil:
			r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
			return r
		case in:
			r.Verdict, r.Got = trial.Fail, fmt.Sprintf("%d for a token %s", e.Status, f.name)
			r.Shown = []*traffic.Exchange{e}
			return r
		case e.Status >= 500 && r.Verdict == trial.Pass:
			r.Verdict, r.Severity, r.Got = trial.Suspect, finding.Medium, fmt.Sprintf("%d for a token %s", e.Status, f.name)
			r.Shown = []*traffic.Exchange{e}
		}
	}
	return r
}

// signature: a library that decodes without verifying reads whatever claims it
// is given.
func (s *state) signature(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	w, j, no := s.token(ctx, t)
	if no != nil {
		report(*no)
		return
	}
	forgeries := []forgery{{"whose signature has one other character", j.flipped(), false}}
	if sub := otherSubject(t, w.c.who, j); sub != nil {
		forgeries = append(forgeries, forgery{"of another user's name, with the old signature", j.rawHead + "." + part(with(j.claims, map[string]any{"sub": sub})) + "." + j.sig, false})
	}
	forgeries = append(
		forgeries,
		forgery{"whose claims were changed, with the old signature", j.raised(), false},
		forgery{"without its signature", j.rawHead + "." + j.rawBody + ".", false},
		forgery{"without its signature and the dot before it", j.rawHead + "." + j.rawBody, false},
	)
	report(s.everywhere(ctx, t, w, forgeries[:1], w.all(ctx, t, forgeries)))
}

// everywhere tries forgeries that one operation refused on the others that
// read: one of them may verify tokens by itself.
func (s *state) everywhere(ctx context.Context, t *trial.Trial, w witness, forgeries []forgery, r trial.Result) trial.Result {
	if r.Verdict != trial.Pass {
		return r
	}
	if s.reading == nil {
		s.reading = working(ctx, t, w.c.who, w.c)
	}
	for _, o := range s.reading {
		if got := o.all(ctx, t, forgeries); got.Verdict == trial.Fail {
			return got
		}
	}
	return r
}

// otherSubject is whose tokens another identity has.
func otherSubject(t *trial.Trial, who *identity.Identity, own *jwt) any {
	for _, i := range t.Identities {
		if i == who {
			continue
		}
		if c, ok := credentialOf(t.Document, i); ok {
			if j, ok := parse(c.token); ok && j.claims["sub"] != nil && fmt.Sprint(j.claims["sub"]) != fmt.Sprint(own.claims["sub"]) {
				return j.claims["sub"]
			}
		}
	}
	return nil
}

// algorithm: the token's own header says that no key is needed, or that the
// public key, which everybody has, is the shared one.
func (s *state) algorithm(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	w, j, no := s.token(ctx, t)
	if no != nil {
		report(*no)
		return
	}
	var forgeries []forgery
	for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
		body := part(with(j.head, map[string]any{"alg": alg})) + "." + j.rawBody + "."
		name := fmt.Sprintf("of algorithm %q", alg)
		forgeries = append(forgeries, forgery{name + " without a signature", body, false}, forgery{name + " with the old signature", body + j.sig, false})
	}
	// Where the key is looked up by its name, the algorithm may be that of a key
	// that is not there.
	if _, ok := j.head["kid"]; ok {
		none := map[string]any{"alg": "none", "kid": nil}
		forgeries = append(forgeries, forgery{`of algorithm "none" without a kid`, part(with(j.head, none)) + "." + j.rawBody + ".", false})
		none["kid"] = t.Maker("kid").Mark()
		forgeries = append(forgeries, forgery{`of algorithm "none" with a kid that nobody has`, part(with(j.head, none)) + "." + j.rawBody + ".", false})
	}
	if !strings.HasPrefix(j.alg(), "HS") {
		for _, key := range publicKeys(ctx, t) {
			head := with(j.head, map[string]any{"alg": "HS256"})
			forgeries = append(forgeries, forgery{"that is signed with HS256 and the public key", hs(head, j.claims, "HS256", key), true})
		}
	}
	report(s.everywhere(ctx, t, w, forgeries[:1], w.all(ctx, t, forgeries)))
}

// publicKeys are the public keys that the API shows, in the forms in which they
// are kept in files.
func publicKeys(ctx context.Context, t *trial.Trial) [][]byte {
	var out [][]byte
	add := func(key any) {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		out = append(out, text, []byte(strings.TrimSpace(string(text))))
		if k, ok := key.(*rsa.PublicKey); ok {
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(k)}))
		}
	}
	for _, path := range []string{"/.well-known/jwks.json", t.Document.Base + "/.well-known/jwks.json", "/jwks.json"} {
		e, err := t.Send(ctx, &traffic.Request{Method: "GET", Path: path})
		if err != nil || !e.OK() {
			continue
		}
		var set struct {
			Keys []struct{ Kty, N, E string }
		}
		if json.Unmarshal(e.Body, &set) != nil {
			continue
		}
		for _, k := range set.Keys {
			n, err1 := base64.RawURLEncoding.DecodeString(k.N)
			x, err2 := base64.RawURLEncoding.DecodeString(k.E)
			if k.Kty != "RSA" || err1 != nil || err2 != nil || len(n) == 0 || len(x) == 0 || len(x) > 4 {
				continue
			}
			add(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(x).Int64())})
		}
		if len(out) > 0 {
			break
		}
	}
	for _, text := range t.Document.Texts("-----BEGIN PUBLIC KEY-----") {
		if b, _ := pem.Decode([]byte(text[strings.Index(text, "-----BEGIN"):])); b != nil {
			if key, err := x509.ParsePKIXPublicKey(b.Bytes); err == nil {
				add(key)
			}
		}
	}
	return out[:min(len(out), 9)]
}

// keySource: the token says where its key is, or brings it.
func (s *state) keySource(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	w, j, no := s.token(ctx, t)
	if no != nil {
		report(*no)
		return
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		report(trial.Result{Operation: w.b.Op.Name(), Reason: "no key could be made"})
		return
	}
	jwk := map[string]any{
		"kty": "RSA", "kid": "pv", "use": "sig", "alg": "RS256",
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}
	head := map[string]any{"alg": "RS256", "typ": "JWT", "kid": "pv"}
	forgeries := []forgery{
		{"that brings its own key (jwk)", rs(with(head, map[string]any{"jwk": jwk}), j.claims, key), false},
		{"whose kid is the empty file /dev/null", hs(map[string]any{"alg": "HS256", "typ": "JWT", "kid": "../../../../../../../dev/null"}, j.claims, "HS256", nil), false},
		{"whose kid is the file /dev/null, with a NUL as key", hs(map[string]any{"alg": "HS256", "typ": "JWT", "kid": "/dev/null"}, j.claims, "HS256", []byte{0}), false},
		{"whose kid is a query that selects the key", hs(map[string]any{"alg": "HS256", "typ": "JWT", "kid": "pv' UNION SELECT 'pv'-- "}, j.claims, "HS256", []byte("pv")), false},
		{"that is signed with an empty key", hs(map[string]any{"alg": "HS256", "typ": "JWT"}, j.claims, "HS256", nil), false},
	}
	// Another machine cannot ask this one's loopback address.
	urls := map[string]string{}
	c, err := t.Canary()
	if err == nil && t.Near() {
		keys, _ := json.Marshal(map[string]any{"keys": []any{jwk}}) // texts can be encoded
		for _, name := range []string{"jku", "x5u"} {
			urls[name] = c.Token(t)
			c.Serve(urls[name], "application/json", keys)
			forgeries = append(forgeries, forgery{"that says where its key is (" + name + ")", rs(with(head, map[string]any{name: c.URL(urls[name])}), j.claims, key), false})
		}
	}
	r := w.all(ctx, t, forgeries)
	for _, name := range names(urls) {
		if r.Verdict == trial.Fail || len(c.Hits(urls[name])) == 0 {
			continue
		}
		r.Verdict, r.Severity, r.Got, r.Reason = trial.Fail, finding.High, "the address in "+name+" of a token was asked for", ""
		if e, err := w.try(ctx, t, w.c.with(t.Document, rs(with(head, map[string]any{name: c.URL(urls[name])}), j.claims, key))); err == nil {
			r.Shown = []*traffic.Exchange{e}
		}
	}
	report(r)
}

// guess looks for the key of HMAC, on this machine alone: whoever has a token
// can do the same.
func (s *state) guess(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	w, j, no := s.token(ctx, t)
	if no != nil {
		report(*no)
		return
	}
	r := trial.Result{Operation: w.b.Op.Name(), Verdict: trial.Pass, Want: "a key of 32 random bytes"}
	defer func() { report(r) }()
	if !strings.HasPrefix(j.alg(), "HS") {
		r.Verdict, r.Reason = trial.NotApplicable, "tokens are not signed with a shared key"
		return
	}
	key, n := s.keyOf(j)
	if key == nil {
		if s.cut {
			r.Verdict, r.Reason = trial.Inconclusive, fmt.Sprintf("not all guesses were tried in %v", guessing)
		}
		return
	}
	t.Hide("JWT_KEY", string(key))
	token := hs(with(j.head, nil), with(j.claims, map[string]any{"pv": "1"}), j.alg(), key)
	t.Hide("TOKEN_FORGED", token)
	in, e, err := w.accepted(ctx, t, w.c.with(t.Document, token))
	if err != nil {
		r.Verdict, r.Reason = trial.Inconclusive, trial.Reason(err)
		return
	}
	r.Verdict, r.Got = trial.Fail, fmt.Sprintf("the key that signs tokens is guess %d of a list of common words and short numbers", n)
	if !in {
		r.Verdict = trial.Suspect
		r.Got += "; a token that was changed and signed with it is refused"
	}
	r.Shown = []*traffic.Exchange{e}
}

// keyOf finds the key of a token, and after how many guesses.
func (s *state) keyOf(j *jwt) ([]byte, int) {
	if s.tried || !strings.HasPrefix(j.alg(), "HS") {
		return s.key, s.guesses
	}
	s.tried = true
	want, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(j.sig, "="))
	if err != nil {
		return nil, 0
	}
	text := []byte(j.rawHead + "." + j.rawBody)
	deadline := time.Now().Add(guessing)
	m := newMany(j.alg(), text)
	n, sum := 0, make([]byte, 0, sha512.Size)
	for key := range guesses() {
		if n++; n%4096 == 0 && time.Now().After(deadline) {
			s.cut = true
			break
		}
		if sum = m.sum(sum[:0], key); bytes.Equal(sum, want) {
			s.key, s.guesses = bytes.Clone(key), n
			return s.key, n
		}
	}
	return nil, n
}

// guessing bounds how long a key is looked for.
const guessing = 2 * time.Second

// claims signs tokens as the server does, when its key was guessed, and waits
// for the end of a token that is near.
func (s *state) claims(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	w, j, no := s.token(ctx, t)
	if no != nil {
		report(*no)
		return
	}
	r := trial.Result{Operation: w.b.Op.Name(), Verdict: trial.NotApplicable, Reason: "the key that signs tokens is not known"}
	defer func() { report(r) }()
	key, _ := s.keyOf(j)
	if key == nil {
		return
	}
	t.Hide("JWT_KEY", string(key))
	sign := func(changes map[string]any) string {
		return hs(j.head, with(j.claims, changes), j.alg(), key)
	}
	same := sign(map[string]any{"pv": "1"})
	t.Hide("TOKEN_SIGNED", same)
	in, _, err := w.accepted(ctx, t, w.c.with(t.Document, same))
	if err != nil || !in {
		r.Verdict, r.Reason = trial.Inconclusive, "a token that was signed with the key is refused"
		return
	}
	// Only what the server's own tokens hold can be expected to be verified,
	// and exp and nbf of all (RFC 7519).
	now := time.Now().Unix()
	forgeries := []forgery{
		{"that ended an hour ago", sign(map[string]any{"exp": now - 3600, "iat": now - 7200, "nbf": nil}), true},
		{"that begins in an hour", sign(map[string]any{"nbf": now + 3600, "exp": now + 7200}), true},
	}
	if j.claims["aud"] != nil {
		forgeries = append(forgeries, forgery{"for another audience", sign(map[string]any{"aud": "https://pv.invalid"}), true})
	}
	if j.claims["iss"] != nil {
		forgeries = append(forgeries, forgery{"of another issuer", sign(map[string]any{"iss": "https://pv.invalid"}), true})
	}
	for _, name := range []string{"type", "token_type", "typ", "token_use", "scope", "purpose"} {
		if v, ok := j.claims[name].(string); ok && strings.Contains(strings.ToLower(v), "access") {
			forgeries = append(forgeries, forgery{"that is for renewing", sign(map[string]any{name: strings.Replace(v, "access", "refresh", 1)}), true})
		}
	}
	r = w.all(ctx, t, forgeries)
}

// expires reads the token.
func (s *state) expires(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	w, j, no := s.token(ctx, t)
	if no != nil {
		report(*no)
		return
	}
	r := trial.Result{Operation: w.b.Op.Name(), Verdict: trial.Pass}
	if _, ok := j.claims["exp"].(json.Number); !ok {
		r.Verdict, r.Got, r.Want = trial.Fail, "a token without exp", "exp some minutes or hours ahead"
		r.Shown = []*traffic.Exchange{w.b.Last}
	}
	report(r)
}

// many is HMAC (RFC 2104) of one text with many short keys: a million in the
// time that there is.
type many struct {
	alg          string
	inner, outer []byte
	block        int
}

func newMany(alg string, text []byte) *many {
	m := &many{alg: alg, block: sha256.BlockSize}
	if alg != "HS256" {
		m.block = sha512.BlockSize
	}
	m.inner = append(make([]byte, m.block), text...)
	m.outer = make([]byte, m.block, m.block+sha512.Size)
	return m
}

func (m *many) sum(to, key []byte) []byte {
	for i := range m.block {
		m.inner[i], m.outer[i] = 0x36, 0x5c
		if i < len(key) {
			m.inner[i], m.outer[i] = 0x36^key[i], 0x5c^key[i]
		}
	}
	return m.hash(to, append(m.outer[:m.block], m.hash(nil, m.inner)...))
}

func (m *many) hash(to, data []byte) []byte {
	switch m.alg {
	case "HS256":
		s := sha256.Sum256(data)
		return append(to, s[:]...)
	case "HS384":
		s := sha512.Sum384(data)
		return append(to, s[:]...)
	}
	s := sha512.Sum512(data)
	return append(to, s[:]...)
}
