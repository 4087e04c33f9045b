package main

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"os"

	"github.com/gorilla/sessions"
)

const (
	sessionName   = "session"
	tokenHeader   = "X-Token"
	passwordField = "password" // ok "lint/go-secret-literal"
	secretKeyName = "secret_key"
)

const apiKey = "7f9c2b41d8e6" // want "lint/go-secret-literal: the value of apiKey is in the source"

var jwtKey = []byte("my_secret_key") // want "lint/go-secret-literal"

var store = sessions.NewCookieStore([]byte("super-secret")) // want "lint/go-secret-literal: the key of sessions.NewCookieStore"

const envSecret = "JWT_SECRET" // ok "lint/go-secret-literal"

var authToken = os.Getenv("TOKEN") // ok "lint/go-secret-literal"

type config struct {
	DBPassword string
	JWTSecret  string
	Token      string
}

func load() config {
	c := config{
		DBPassword: "S3cure!Pass",                              // want "lint/go-secret-literal"
		JWTSecret:  getEnv("JWT_SECRET", "development-secret"), // want "lint/go-secret-default"
		Token:      getEnv("TOKEN", ""),                        // ok "lint/go-secret-default"
	}
	if c.JWTSecret == "" {
		c.JWTSecret = "fallback-secret" // want "lint/go-secret-default"
	}
	if c.Token == "" {
		c.Token = newToken() // ok "lint/go-secret-default"
	}
	adminPassword := cmp.Or(os.Getenv("ADMIN_PASSWORD"), "letmein-now") // want "lint/go-secret-default"
	use(adminPassword)
	c.Token = "your-token-here"    // ok "lint/go-secret-literal"
	port := getEnv("PORT", "8080") // ok "lint/go-secret-default"
	use(port)
	return c
}

func open() (*sql.DB, error) {
	use(hmac.New(sha256.New, []byte("inline key")))                                                    // want "lint/go-secret-literal: the key of hmac.New"
	if db, err := sql.Open("postgres", "postgres://shop@localhost/shop?sslmode=disable"); err == nil { // ok "lint/go-secret-literal"
		return db, nil
	}
	return sql.Open("mysql", "root:toor@tcp(127.0.0.1:3306)/shop") // want "lint/go-secret-literal: the password of a database"
}

var tokenCharacters = []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") // ok "lint/go-secret-literal"

const sessionToken = "shop_st_" // ok "lint/go-secret-literal"

func demo(isDemo bool, kept string) string {
	secret := "shop-demo-2024" // want "lint/go-secret-default: secret has a value"
	if !isDemo {
		secret = kept
	}
	return secret
}

var (
	secretKey  = "mysecretkey" // want "lint/go-secret-literal: the value of secretKey"
	sessionKey = "session_key" // ok "lint/go-secret-literal"
)
