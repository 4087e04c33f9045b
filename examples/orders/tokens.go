package main

import (
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/pavise-dev/pavise/secret"
)

// tokens makes and reads bearer tokens: JWTs of one algorithm, for one
// audience, that expire.
type tokens struct {
	signer   jose.Signer
	key      []byte
	lifetime time.Duration
	now      func() time.Time
}

const (
	issuer    = "orders"
	audience  = "orders-api"
	algorithm = jose.HS256
)

// errToken is the one error of reading a token: what is wrong with it is not
// told.
var errToken = errors.New("the token is not valid")

func newTokens(key secret.String, lifetime time.Duration) (*tokens, error) {
	t := &tokens{key: []byte(key.Expose()), lifetime: lifetime, now: time.Now}
	var err error
	t.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: t.key}, (&jose.SignerOptions{}).WithType("at+jwt"))
	return t, err
}

func (t *tokens) issue(user string) (string, error) {
	now := t.now()
	return jwt.Signed(t.signer).Claims(jwt.Claims{
		Issuer: issuer, Audience: jwt.Audience{audience}, Subject: user,
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(t.lifetime)),
	}).Serialize()
}

// user returns whose token it is. The algorithm is ours to say, not the
// token's.
func (t *tokens) user(text string) (string, error) {
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{algorithm})
	if err != nil {
		return "", errToken
	}
	var c jwt.Claims
	if parsed.Claims(t.key, &c) != nil || c.Expiry == nil || c.Subject == "" {
		return "", errToken
	}
	if c.ValidateWithLeeway(jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{audience}, Time: t.now()}, 0) != nil {
		return "", errToken
	}
	return c.Subject, nil
}
