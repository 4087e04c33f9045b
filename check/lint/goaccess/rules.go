package goaccess

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var noAuth = &analysis.Rule{
	ID: "lint/go-no-auth", Title: "A route is open while its like are closed", Severity: finding.High,
	Refs: []string{"CWE-306", "CWE-862", "API5", "API2", "V8.2.1"},
	Text: "Nothing asks who is there before the handler runs: whoever knows the path does what it does.",
	Fix:  "Put the route into the group that has the middleware, so that a new route is closed when nothing is said.",
	File: "main.go",
	Bad: `package main

import "net/http"

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /items", requireAuth(http.HandlerFunc(list)))
	mux.HandleFunc("DELETE /admin/users/{id}", remove)
	return mux
}

func list(w http.ResponseWriter, r *http.Request)   {}
func remove(w http.ResponseWriter, r *http.Request) {}
`,
	Good: `package main

import "net/http"

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /items", requireAuth(http.HandlerFunc(list)))
	mux.Handle("DELETE /admin/users/{id}", requireAdmin(http.HandlerFunc(remove)))
	return mux
}

func list(w http.ResponseWriter, r *http.Request)   {}
func remove(w http.ResponseWriter, r *http.Request) {}
`,
}

var idor = &analysis.Rule{
	ID: "lint/go-idor", Title: "An object is found by its identifier alone", Severity: finding.Info,
	Refs: []string{"CWE-639", "API1", "V8.2.2"},
	Text: "A user who is logged in sends the identifiers of others' objects, and is given them. Where the table has a column that says whose a row is, and other statements ask for it, the finding is high.",
	Fix:  "Let the query ask for the owner too: WHERE id = $1 AND user_id = $2; answer 404 where there is none.",
	File: "orders.go",
	Bad: `package main

import (
	"database/sql"
	"net/http"
)

var db *sql.DB

func routes(mux *http.ServeMux) {
	mux.Handle("GET /orders/{id}", requireAuth(http.HandlerFunc(get)))
}

func get(w http.ResponseWriter, r *http.Request) {
	row := db.QueryRow("SELECT total FROM orders WHERE id = $1", r.PathValue("id"))
	reply(w, row)
}
`,
	Good: `package main

import (
	"database/sql"
	"net/http"
)

var db *sql.DB

func routes(mux *http.ServeMux) {
	mux.Handle("GET /orders/{id}", requireAuth(http.HandlerFunc(get)))
}

func get(w http.ResponseWriter, r *http.Request) {
	row := db.QueryRow("SELECT total FROM orders WHERE id = $1 AND user_id = $2", r.PathValue("id"), userOf(r))
	reply(w, row)
}
`,
}

var clientIP = &analysis.Rule{
	ID: "lint/go-client-ip", Title: "An address decides who gets in", Severity: finding.High,
	Refs:   []string{"CWE-290", "CWE-348", "V4.1.3"},
	Text:   "X-Forwarded-For is what the client writes into it, and behind a proxy every connection comes from 127.0.0.1.",
	Fix:    "Ask for a credential, or serve what is internal on a listener of its own; take addresses only from a proxy that is named.",
	Pavise: "clientip.trust",
	File:   "admin.go",
	Bad: `package main

import "net/http"

func admin(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Forwarded-For") != "127.0.0.1" {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	show(w)
}
`,
	Good: `package main

import "net/http"

func admin(w http.ResponseWriter, r *http.Request) {
	if !isAdmin(r) {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	audit(r.Header.Get("X-Forwarded-For"))
	show(w)
}
`,
}

var clientRole = &analysis.Rule{
	ID: "lint/go-client-role", Title: "The client says what it may", Severity: finding.High,
	Refs: []string{"CWE-285", "CWE-639", "CWE-807", "API5", "V8.3.1"},
	Text: "A header, a cookie or a parameter that names a role is written by whoever sends the request.",
	Fix:  "Take the role from the session or the verified token.",
	File: "admin.go",
	Bad: `package main

import "net/http"

func admin(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-User-Role") != "admin" {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	show(w)
}
`,
	Good: `package main

import "net/http"

func admin(w http.ResponseWriter, r *http.Request) {
	if claims(r).Role != "admin" {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	show(w)
}
`,
}

var unthrottled = &analysis.Rule{
	ID: "lint/go-login-unthrottled", Title: "A login may be tried as often as one likes", Severity: finding.Medium, Kind: analysis.Posture,
	Refs:   []string{"CWE-307", "API2", "API4", "V6.3.1"},
	Text:   "With a list of leaked passwords, thousands of tries a minute find the accounts that use them.",
	Fix:    "Count the tries of an account and of an address, and answer 429 when there are too many.",
	Pavise: "rate", Guard: "rate",
	File: "main.go",
	Bad: `package main

import "net/http"

func routes(mux *http.ServeMux) {
	mux.HandleFunc("POST /login", login)
}

func login(w http.ResponseWriter, r *http.Request) {}
`,
	Good: `package main

import "net/http"

func routes(mux *http.ServeMux) {
	mux.Handle("POST /login", rateLimit(http.HandlerFunc(login)))
}

func login(w http.ResponseWriter, r *http.Request) {}
`,
}

var hardcoded = &analysis.Rule{
	ID: "lint/go-hardcoded-user", Title: "A credential is compared with one in the source", Severity: finding.High,
	Refs:   []string{"CWE-798", "CWE-1392", "API2", "V6.3.2", "V13.3.1"},
	Text:   "Whoever reads the source, or tries what everybody tries, is let in, and the password cannot be changed without a release.",
	Fix:    "Keep users in a table with argon2id hashes; take keys from the environment.",
	Pavise: "passwords, settings",
	File:   "login.go",
	Bad: `package main

import "net/http"

func login(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("username") == "admin" && r.FormValue("password") == "letmein" {
		start(w)
	}
}
`,
	Good: `package main

import "net/http"

func login(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("password") == "" {
		return
	}
	if verify(r.FormValue("username"), r.FormValue("password")) {
		start(w)
	}
}
`,
}

var assignment = &analysis.Rule{
	ID: "lint/go-mass-assignment", Title: "A client sets fields that are not its own", Severity: finding.High,
	Refs: []string{"CWE-915", "API3", "V15.3.3"},
	Text: "What is decoded into a stored struct fills all its fields: {\"role\": \"admin\"} makes an administrator.",
	Fix:  "Decode into a struct of the fields that a client may set, and copy them.",
	File: "users.go",
	Bad: `package main

import (
	"encoding/json"
	"net/http"
)

type User struct {
	Name string
	Role string
}

func create(w http.ResponseWriter, r *http.Request) {
	var u User
	json.NewDecoder(r.Body).Decode(&u)
	store.Create(&u)
}
`,
	Good: `package main

import (
	"encoding/json"
	"net/http"
)

type User struct {
	Name string
	Role string
}

func create(w http.ResponseWriter, r *http.Request) {
	var u User
	json.NewDecoder(r.Body).Decode(&u)
	u.Role = "member"
	store.Create(&u)
}
`,
}

var adminRole = &analysis.Rule{
	ID: "lint/go-admin-no-role", Title: "An operation of administrators asks for a login only", Severity: finding.High,
	Refs: []string{"CWE-862", "CWE-285", "API5", "V8.2.1"},
	Text: "Others of its like ask for a role. Whoever has an account, and finds the path in a script or a document, does what administrators do.",
	Fix:  "Put the route into the group that asks for the role, so that a new route asks for it when nothing is said.",
	File: "main.go",
	Bad: `package main

import "net/http"

func routes(mux *http.ServeMux) {
	mux.Handle("GET /admin/users", requireAdmin(http.HandlerFunc(list)))
	mux.Handle("POST /admin/refunds", requireLogin(http.HandlerFunc(refund)))
}

func list(w http.ResponseWriter, r *http.Request)   {}
func refund(w http.ResponseWriter, r *http.Request) {}
`,
	Good: `package main

import "net/http"

func routes(mux *http.ServeMux) {
	mux.Handle("GET /admin/users", requireAdmin(http.HandlerFunc(list)))
	mux.Handle("POST /admin/refunds", requireAdmin(http.HandlerFunc(refund)))
}

func list(w http.ResponseWriter, r *http.Request)   {}
func refund(w http.ResponseWriter, r *http.Request) {}
`,
}

var checked = &analysis.Rule{
	ID: "lint/go-check-then-act", Title: "An amount is checked, and changed later", Severity: finding.Medium,
	Refs: []string{"CWE-367", "CWE-362", "API6", "V2.3.4", "V15.4.2"},
	Text: "Between the two statements another request reads the same amount: sent many times at once, what can be spent once is spent several times.",
	Fix:  "Let one statement do both, and look at how many rows it changed: UPDATE … SET left = left - 1 WHERE id = $1 AND left > 0; or read with FOR UPDATE in a transaction.",
	File: "vouchers.go",
	Bad: `package main

import (
	"database/sql"
	"errors"
)

func redeem(db *sql.DB, code string) error {
	var left int
	if err := db.QueryRow("SELECT uses FROM vouchers WHERE code = $1", code).Scan(&left); err != nil {
		return err
	}
	if left <= 0 {
		return errors.New("used up")
	}
	_, err := db.Exec("UPDATE vouchers SET uses = $1 WHERE code = $2", left-1, code)
	return err
}
`,
	Good: `package main

import (
	"database/sql"
	"errors"
)

func redeem(db *sql.DB, code string) error {
	res, err := db.Exec("UPDATE vouchers SET uses = uses - 1 WHERE code = $1 AND uses > 0", code)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.New("used up")
	}
	return nil
}
`,
}
