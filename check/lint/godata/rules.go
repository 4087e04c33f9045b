package godata

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var errorDetail = &analysis.Rule{
	ID: "lint/go-error-detail", Title: "The text of an error of the server is sent to the client", Severity: finding.Medium,
	Refs:   []string{"CWE-209", "API8", "V16.5.1"},
	Text:   "Errors of a database, a file or another service name tables, paths and addresses: with them the next request is aimed better.",
	Fix:    "Log the error, and answer with a sentence of your own: http.Error(w, \"internal error\", http.StatusInternalServerError).",
	Pavise: "problem details of the gateway",
	File:   "items.go",
	Bad: `package main

import "net/http"

func items(w http.ResponseWriter, r *http.Request) {
	list, err := load(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	reply(w, list)
}
`,
	Good: `package main

import (
	"log/slog"
	"net/http"
)

func items(w http.ResponseWriter, r *http.Request) {
	list, err := load(r.Context())
	if err != nil {
		slog.Error("items", "err", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	reply(w, list)
}
`,
}

var plain = &analysis.Rule{
	ID: "lint/go-plain-password", Title: "Passwords are kept in the clear", Severity: finding.High,
	Refs:   []string{"CWE-256", "CWE-312", "API2", "V11.4.2"},
	Text:   "Whoever reads the table, a backup or a log of queries has the passwords, and with them their owners' accounts elsewhere.",
	Fix:    "Keep an argon2id or bcrypt hash, and compare with bcrypt.CompareHashAndPassword.",
	Pavise: "passwords",
	File:   "login.go",
	Bad: `package main

import "net/http"

type User struct{ Name, Password string }

func login(w http.ResponseWriter, r *http.Request) {
	user, err := find(r.FormValue("name"))
	if err != nil || user.Password != r.FormValue("password") {
		http.Error(w, "wrong", http.StatusUnauthorized)
	}
}

func find(name string) (*User, error) { return db.find(name) }
`,
	Good: `package main

import (
	"net/http"

	"golang.org/x/crypto/bcrypt"
)

type User struct{ Name, Password string }

func login(w http.ResponseWriter, r *http.Request) {
	user, err := find(r.FormValue("name"))
	if err != nil || bcrypt.CompareHashAndPassword([]byte(user.Password), []byte(r.FormValue("password"))) != nil {
		http.Error(w, "wrong", http.StatusUnauthorized)
	}
}

func find(name string) (*User, error) { return db.find(name) }
`,
}

var logged = &analysis.Rule{
	ID: "lint/go-secret-logged", Title: "A secret is written to the log", Severity: finding.Medium,
	Refs:   []string{"CWE-532", "V16.2.5"},
	Text:   "Logs are copied, kept and read by more people and programs than the secret is for.",
	Fix:    "Leave it out, or log an identifier; give types that hold secrets a LogValue method.",
	Pavise: "secret",
	File:   "login.go",
	Bad: `package main

import (
	"log"
	"net/http"
)

func login(w http.ResponseWriter, r *http.Request) {
	password := r.FormValue("password")
	log.Printf("login of %s with %s", r.FormValue("name"), password)
}
`,
	Good: `package main

import (
	"log"
	"net/http"
)

func login(w http.ResponseWriter, r *http.Request) {
	password := r.FormValue("password")
	log.Printf("login of %s, %d bytes", r.FormValue("name"), len(password))
}
`,
}

var exposed = &analysis.Rule{
	ID: "lint/go-secret-exposed", Title: "A password or its hash is in an answer", Severity: finding.High,
	Refs: []string{"CWE-213", "CWE-200", "API3", "V15.3.1"},
	Text: "What is stored is sent as it is: each exported field of the struct, whoever asks.",
	Fix:  "Tag the field `json:\"-\"`, or answer with a struct of what clients may see.",
	File: "users.go",
	Bad: `package main

import (
	"encoding/json"
	"net/http"
)

type User struct {
	ID           int    ` + "`json:\"id\"`" + `
	PasswordHash string ` + "`json:\"password_hash\"`" + `
}

func get(w http.ResponseWriter, r *http.Request) {
	var u User
	load(&u)
	json.NewEncoder(w).Encode(u)
}
`,
	Good: `package main

import (
	"encoding/json"
	"net/http"
)

type User struct {
	ID           int    ` + "`json:\"id\"`" + `
	PasswordHash string ` + "`json:\"-\"`" + `
}

func get(w http.ResponseWriter, r *http.Request) {
	var u User
	load(&u)
	json.NewEncoder(w).Encode(u)
}
`,
}

var enumeration = &analysis.Rule{
	ID: "lint/go-user-enumeration", Title: "The answer tells whether there is such an account", Severity: finding.Medium,
	Refs: []string{"CWE-204", "API2", "V6.3.8"},
	Text: "A list of addresses becomes a list of customers, and those are tried with leaked passwords or written to.",
	Fix:  "Answer with one status and one text, whether the account is there or not; send the mail afterwards.",
	File: "reset.go",
	Bad: `package main

import "net/http"

func forgotPassword(w http.ResponseWriter, r *http.Request) {
	email := r.FormValue("email")
	user, err := findByEmail(email)
	if err != nil {
		http.Error(w, "there is no such account", http.StatusNotFound)
		return
	}
	mail(user)
	w.WriteHeader(http.StatusAccepted)
}
`,
	Good: `package main

import "net/http"

func forgotPassword(w http.ResponseWriter, r *http.Request) {
	email := r.FormValue("email")
	user, err := findByEmail(email)
	if err == nil {
		mail(user)
	}
	w.WriteHeader(http.StatusAccepted)
}
`,
}
