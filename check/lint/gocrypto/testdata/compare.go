package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"os"
	"strings"
)

type server struct {
	adminToken string
	secret     []byte
}

func (s *server) auth(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if token != s.adminToken { // want "lint/go-timing-compare"
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		if r.Header.Get("X-API-Key") == os.Getenv("API_KEY") { // want "lint/go-timing-compare"
			next.ServeHTTP(w, r)
		}
		if subtle.ConstantTimeCompare([]byte(token), []byte(s.adminToken)) == 1 { // ok "lint/go-timing-compare"
			next.ServeHTTP(w, r)
		}
		if token == "" { // ok "lint/go-timing-compare"
			return
		}
		if r.Header.Get("Content-Type") == contentType { // ok "lint/go-timing-compare"
			return
		}
	})
}

func (s *server) webhook(w http.ResponseWriter, r *http.Request) {
	body := read(r.Body)
	mac := hmac.New(sha256.New, s.secret)
	mac.Write(body)
	if hex.EncodeToString(mac.Sum(nil)) != r.Header.Get("X-Signature") { // want "lint/go-timing-compare"
		return
	}
	expected := mac.Sum(nil)
	got, _ := hex.DecodeString(r.Header.Get("X-Signature"))
	if bytes.Equal(expected, got) { // want "lint/go-timing-compare"
		return
	}
	if strings.Compare(s.sign(body), r.FormValue("sig")) == 0 { // want "lint/go-timing-compare"
		return
	}
	if hmac.Equal(expected, got) { // ok "lint/go-timing-compare"
		return
	}
}

func (s *server) sign(body []byte) string {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

var contentType string

type application struct{ Token string }

func (s *store) byToken(w http.ResponseWriter, r *http.Request) {
	token := r.Header.Get("X-Token")
	app := new(application)
	s.db.Where("token = ?", token).Find(app)
	if app.Token == token { // ok "lint/go-timing-compare"
		return
	}
	tokenType := kindOf(r)
	if tokenType.String() == r.FormValue("token_type_hint") { // ok "lint/go-timing-compare"
		return
	}
}
