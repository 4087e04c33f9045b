package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

type claims struct {
	jwt.RegisteredClaims
	Role string
}

var key []byte

func parse(text string) {
	jwt.Parse(text, func(t *jwt.Token) (any, error) { // want "lint/go-jwt: nothing says which algorithm"
		return key, nil
	})
	jwt.ParseWithClaims(text, &claims{}, func(t *jwt.Token) (any, error) {
		return []byte("correct horse"), nil // want "lint/go-jwt: the key of tokens is in the source"
	}, jwt.WithValidMethods([]string{"HS256"}))
	jwt.Parse(text, func(t *jwt.Token) (any, error) { // ok "lint/go-jwt"
		if _, ok := t.Method.(*jwt.SigningMethodHMAC); !ok {
			return nil, errors.New("no")
		}
		return key, nil
	})
	jwt.Parse(text, keyOf) // want "lint/go-jwt: nothing says"
	jwt.Parse(text, func(t *jwt.Token) (any, error) {
		return jwt.UnsafeAllowNoneSignatureType, nil // want "lint/go-jwt: a token without a signature is accepted"
	})
	jwt.NewParser(jwt.WithoutClaimsValidation()).Parse(text, keyOf)           // want "lint/go-jwt: the expiry of tokens is not checked" "lint/go-jwt: nothing says"
	jwt.NewParser(jwt.WithValidMethods([]string{"HS256"})).Parse(text, keyOf) // ok "lint/go-jwt"
}

func keyOf(t *jwt.Token) (any, error) { return key, nil }

func peek(text string) {
	t, _, _ := new(jwt.Parser).ParseUnverified(text, jwt.MapClaims{}) // ok "lint/go-jwt"
	jwt.Parse(text, keyFor(t), jwt.WithValidMethods([]string{"RS256"}))
}

func make1(user string) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{ // want "lint/go-jwt-no-expiry"
		"sub": user,
	}).SignedString([]byte("hunter22hunter22")) // want "lint/go-jwt: the key of tokens"
}

func make2(user string) (string, error) {
	c := claims{Role: "user", RegisteredClaims: jwt.RegisteredClaims{Subject: user}}                  // want "lint/go-jwt-no-expiry"
	return jwt.NewWithClaims(jwt.SigningMethodNone, c).SignedString(jwt.UnsafeAllowNoneSignatureType) // want "lint/go-jwt: the token is made without a signature"
}

func make3(user string) (string, error) {
	c := jwt.MapClaims{"sub": user} // ok "lint/go-jwt-no-expiry"
	c["exp"] = time.Now().Add(time.Hour).Unix()
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(key)
}

func make4(user string) (string, error) {
	c := jwt.RegisteredClaims{Subject: user, ExpiresAt: jwt.NewNumericDate(time.Now())} // ok "lint/go-jwt-no-expiry"
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(key)
}

func byHand(token string) (map[string]any, error) {
	parts := strings.Split(token, ".") // want "lint/go-jwt: a token is taken apart"
	if len(parts) != 3 {
		return nil, fmt.Errorf("bad token")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, err
	}
	var out map[string]any
	return out, json.Unmarshal(raw, &out)
}

func byHandVerified(token string) (map[string]any, error) {
	parts := strings.Split(token, ".") // ok "lint/go-jwt"
	if !verifySignature(parts) {
		return nil, errors.New("no")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, err
	}
	var out map[string]any
	return out, json.Unmarshal(raw, &out)
}

type head struct{ Alg string }

func accept(h head, c *claims) (*claims, error) {
	if strings.EqualFold(h.Alg, "none") { // want "lint/go-jwt: a token whose algorithm is none"
		return c, nil
	}
	if h.Alg == "none" { // ok "lint/go-jwt"
		return nil, errors.New("no")
	}
	return c, nil
}
