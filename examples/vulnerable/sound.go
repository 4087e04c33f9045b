package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/guard/contenttype"
	"github.com/pavise-dev/pavise/guard/jsonbody"
	"github.com/pavise-dev/pavise/guard/rate"
)

// The operations of this file are as they should be, and some look as if they
// were not: markup that is escaped, a search with parameters, a redirect to a
// list. Whatever a probe says of them is a false finding.

// guard puts the strict policy of this module in front.
func guard(next http.Handler) http.Handler {
	g, err := pavise.NewWith(pavise.Policy{
		Rate:        rate.Policy{InsecureUnlimited: true}, // the gateway's test has one
		ContentType: contenttype.Policy{Routes: []contenttype.Route{{Path: "/feed", Types: []string{"application/xml"}}}},
	}, pavise.Options{ErrorLog: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err) // it is the same at each start
	}
	return g.Wrap(next)
}

// who verifies a token in full: its algorithm, signature and times.
func who(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	parts := strings.Split(token, ".")
	if !strings.EqualFold(scheme, "Bearer") || len(parts) != 3 {
		return "", false
	}
	mac := hmac.New(sha256.New, []byte(signingKey))
	_, _ = mac.Write([]byte(parts[0] + "." + parts[1])) // a hash does not fail
	sig, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || !hmac.Equal(sig, mac.Sum(nil)) {
		return "", false
	}
	var head struct{ Alg string }
	var claims struct {
		Sub      string
		Exp, Nbf int64
	}
	for i, to := range []any{&head, &claims} {
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(data, to) != nil {
			return "", false
		}
	}
	now := time.Now().Unix()
	return claims.Sub, head.Alg == "HS256" && claims.Exp > now && claims.Nbf <= now && claims.Sub != ""
}

// mine is for who has a token.
func mine(next func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, ok := who(r)
		if !ok {
			w.Header().Set("WWW-Authenticate", `Bearer realm="sound"`)
			refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED")
			return
		}
		next(w, r, user)
	}
}

// read decodes a body, or says what is wrong with it.
func read[T any](w http.ResponseWriter, r *http.Request) (T, bool) {
	v, err := jsonbody.Decode[T](r, jsonbody.Options{})
	if err != nil {
		jsonbody.WriteError(w, r, err)
		return v, false
	}
	return v, true
}

// number is a parameter of the query within bounds.
func number(w http.ResponseWriter, r *http.Request, name string, otherwise, low, high int) (int, bool) {
	vs, given := r.URL.Query()[name]
	if !given {
		return otherwise, true
	}
	n, err := strconv.Atoi(vs[0])
	if len(vs) > 1 || err != nil || n < low || n > high {
		refuse(w, http.StatusUnprocessableEntity, "%s is a number from %d to %d", name, low, high)
		return 0, false
	}
	return n, true
}

// word is a parameter of the query that is short.
func word(w http.ResponseWriter, r *http.Request, name string) (string, bool) {
	vs := r.URL.Query()[name]
	if len(vs) > 1 || len(vs) == 1 && (len(vs[0]) > 100 || strings.ContainsRune(vs[0], 0)) {
		refuse(w, http.StatusUnprocessableEntity, "%s is one text of at most 100 characters", name)
		return "", false
	}
	return strings.Join(vs, ""), true
}

type card struct {
	Label string `json:"label" pavise:"required,min=1,max=60"`
	Limit int    `json:"limit" pavise:"required,min=1,max=1000"`
}

type comment struct {
	Text string `json:"text" pavise:"required,min=1,max=500"`
}

type preferences struct {
	Theme      string `json:"theme" pavise:"required,max=5"`
	Newsletter bool   `json:"newsletter" pavise:"required"`
}

type preview struct {
	URL string `json:"url" pavise:"required,max=200"`
}

type expression struct {
	Expression string `json:"expression" pavise:"required,min=1,max=60"`
}

type title struct {
	Title string `json:"title" pavise:"required,min=1,max=100"`
}

var badge = template.Must(template.New("").Parse("<!doctype html><title>Badge</title><img src=\"/badge.png\" alt=\"{{.}}\">\n"))

var greeting = template.Must(template.New("").Parse("<!doctype html><title>Hello</title><p>Hello, {{.}}.</p>\n"))

// sum is the grammar of what is worked out: numbers and +.
var sum = regexp.MustCompile(`^\d{1,6}(\+\d{1,6}){0,8}$`)

func (s *service) sound() []route {
	cardBody := fields("label", text(60), "limit", whole(1, 1000))
	cardAnswer := fields("id", m{"type": "integer"}, "owner_id", m{"type": "string"}, "label", m{"type": "string"}, "limit", m{"type": "integer"})
	book := fields("isbn", m{"type": "string"}, "title", m{"type": "string"})
	commentAnswer := fields("id", m{"type": "integer"}, "text", m{"type": "string"})
	preferenceBody := fields("theme", one("light", "dark"), "newsletter", m{"type": "boolean"})
	out := []route{
		{name: "GET /health", summary: "Tell whether it runs", answer: fields("status", m{"type": "string"}), handle: func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, m{"status": "ok"})
		}},
		{name: "GET /books", summary: "List books", query: []any{query("limit", whole(1, 100)), query("order", one("isbn", "title"))}, answer: list(book), handle: s.books},
		{name: "GET /books/search", summary: "Search books with parameters that are bound", query: []any{query("title", text(100))}, answer: list(book), handle: s.searchBooks},
		{name: "GET /books/{isbn}", summary: "Read a book", answer: book, handle: s.book},
		{name: "POST /cards", summary: "Make a card of one's own", secured: true, body: cardBody, answer: cardAnswer, handle: mine(s.newCard)},
		{name: "GET /cards", summary: "List one's own cards", secured: true, answer: list(cardAnswer), handle: mine(s.cards)},
		{name: "GET /cards/{id}", summary: "Read one's own card", secured: true, answer: cardAnswer, handle: mine(s.card)},
		{name: "PUT /cards/{id}", summary: "Change one's own card", secured: true, body: cardBody, answer: cardAnswer, handle: mine(s.changeCard)},
		{name: "DELETE /cards/{id}", summary: "Delete one's own card", secured: true, handle: mine(s.deleteCard)},
		{name: "POST /comments", summary: "Write on the board that all read", secured: true, body: fields("text", text(500)), answer: commentAnswer, handle: mine(s.comment)},
		{name: "GET /comments", summary: "Read the board that all read, in JSON", secured: true, answer: list(commentAnswer), handle: mine(func(w http.ResponseWriter, _ *http.Request, _ string) {
			answer(w, http.StatusOK, s.all("comments"))
		})},
		{name: "GET /comments/{id}", summary: "Read what anybody wrote", secured: true, answer: commentAnswer, handle: mine(s.oneComment)},
		{name: "GET /preferences", summary: "Read one's own preferences", secured: true, answer: preferenceBody, handle: mine(s.preferences)},
		{name: "PUT /preferences", summary: "Write one's own preferences", secured: true, body: preferenceBody, answer: preferenceBody, handle: mine(s.savePreferences)},
		{name: "GET /admin/audit", summary: "Read the log, for administrators", secured: true, handle: mine(func(w http.ResponseWriter, _ *http.Request, _ string) {
			refuse(w, http.StatusForbidden, "FORBIDDEN")
		})},
		{name: "GET /go", summary: "Go on to a page of a list", query: []any{m{"name": "to", "in": "query", "required": true, "schema": text(100)}}, handle: onward},
		{name: "GET /greet", summary: "Greet in HTML that is escaped", query: []any{query("name", text(100))}, html: true, handle: func(w http.ResponseWriter, r *http.Request) {
			if name, ok := word(w, r, "name"); ok {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_ = greeting.Execute(w, name) // whoever asked may hang up
			}
		}},
		{name: "GET /downloads", summary: "Download a file of a list", query: []any{query("file", one("terms.txt", "prices.txt"))}, handle: download},
		{name: "GET /shipping", summary: "Tell what shipping costs", query: []any{m{"name": "country", "in": "query", "required": true, "schema": one("DE", "FR", "PL")}}, answer: fields("cents", m{"type": "integer"}), handle: shipping},
		{name: "POST /preview", summary: "Preview a page of a list of hosts", secured: true, body: fields("url", m{"type": "string", "format": "uri", "maxLength": 200}), answer: fields("queued", m{"type": "boolean"}), handle: mine(previewPage)},
		{name: "POST /sums", summary: "Add numbers, by a grammar", body: fields("expression", m{"type": "string", "pattern": `^\d{1,6}(\+\d{1,6}){0,8}$`, "maxLength": 60}), answer: fields("sum", m{"type": "integer"}), handle: sums},
		{name: "POST /drafts/restore", summary: "Restore a draft, which is JSON", body: fields("state", m{"type": "string", "minLength": 1, "maxLength": 1000, "default": savedDraft}), answer: fields("title", m{"type": "string"}), handle: restoreDraft},
		{name: "POST /feed", summary: "Take a document in XML, without a DOCTYPE", kind: "application/xml", body: fields("title", text(100)), answer: fields("bytes", m{"type": "integer"}), handle: feed},
	}
	out = append(out, []route{
		{name: "POST /books/search", summary: "Search books by a body, with parameters that are bound", body: fields("title", text(100)), answer: list(book), handle: func(w http.ResponseWriter, r *http.Request) {
			if v, ok := read[title](w, r); ok {
				s.rows(w, r, "SELECT isbn, title FROM books WHERE instr(title, ?) > 0", v.Title)
			}
		}},
		{name: "GET /card-status", summary: "Tell how one's own card is", secured: true, query: []any{m{"name": "card_id", "in": "query", "required": true, "schema": m{"type": "integer"}}}, answer: cardAnswer, handle: mine(s.cardStatus)},
		{name: "GET /badge", summary: "Show a picture with a title that is escaped", query: []any{query("alt", text(100))}, html: true, handle: func(w http.ResponseWriter, r *http.Request) {
			if alt, ok := word(w, r, "alt"); ok {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_ = badge.Execute(w, alt) // whoever asked may hang up
			}
		}},
		{name: "GET /manuals", summary: "Read a page below a directory", query: []any{m{"name": "file", "in": "query", "required": true, "schema": m{"type": "string", "default": "guide/start.txt", "maxLength": 100}}}, answer: fields("text", m{"type": "string"}), handle: manual},
		{name: "GET /people/{user_id}/settings", summary: "Read one's own settings", secured: true, answer: fields("user_id", m{"type": "integer"}, "email", m{"type": "string"}), handle: mine(s.ownSettings)},
	}...)
	for i := range out {
		out[i].sound = true
	}
	return out
}

func (s *service) rows(w http.ResponseWriter, r *http.Request, statement string, args ...any) {
	out := []m{}
	rows, err := s.db.QueryContext(r.Context(), statement, args...)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "INTERNAL_ERROR")
		return
	}
	defer rows.Close()
	for rows.Next() {
		var isbn, title string
		if err := rows.Scan(&isbn, &title); err != nil {
			refuse(w, http.StatusInternalServerError, "INTERNAL_ERROR")
			return
		}
		out = append(out, m{"isbn": isbn, "title": title})
	}
	if err := rows.Err(); err != nil {
		refuse(w, http.StatusInternalServerError, "INTERNAL_ERROR")
		return
	}
	answer(w, http.StatusOK, out)
}

func (s *service) books(w http.ResponseWriter, r *http.Request) {
	n, ok := number(w, r, "limit", 20, 1, 100)
	if !ok {
		return
	}
	statement := "SELECT isbn, title FROM books ORDER BY isbn LIMIT ?"
	switch order, ok := word(w, r, "order"); {
	case !ok:
		return
	case order == "title":
		statement = "SELECT isbn, title FROM books ORDER BY title LIMIT ?"
	case order != "" && order != "isbn":
		refuse(w, http.StatusUnprocessableEntity, "order is isbn or title")
		return
	}
	s.rows(w, r, statement, n)
}

func (s *service) searchBooks(w http.ResponseWriter, r *http.Request) {
	if title, ok := word(w, r, "title"); ok {
		s.rows(w, r, "SELECT isbn, title FROM books WHERE instr(title, ?) > 0", title)
	}
}

func (s *service) book(w http.ResponseWriter, r *http.Request) {
	var isbn, title string
	if s.db.QueryRowContext(r.Context(), "SELECT isbn, title FROM books WHERE isbn = ?", r.PathValue("isbn")).Scan(&isbn, &title) != nil {
		refuse(w, http.StatusNotFound, "NOT_FOUND")
		return
	}
	answer(w, http.StatusOK, m{"isbn": isbn, "title": title})
}

func (s *service) newCard(w http.ResponseWriter, r *http.Request, user string) {
	if c, ok := read[card](w, r); ok {
		answer(w, http.StatusCreated, s.add("cards", object{"owner_id": user, "label": c.Label, "limit": c.Limit}))
	}
}

func (s *service) cards(w http.ResponseWriter, _ *http.Request, user string) {
	answer(w, http.StatusOK, s.of("cards", user))
}

// ownCard answers for one that is not there as for one that is another's.
func (s *service) ownCard(w http.ResponseWriter, r *http.Request, user string) (object, bool) {
	o, ok := s.find("cards", r.PathValue("id"))
	if !ok || o.owner() != user {
		refuse(w, http.StatusNotFound, "NOT_FOUND")
		return nil, false
	}
	return o, true
}

func (s *service) card(w http.ResponseWriter, r *http.Request, user string) {
	if o, ok := s.ownCard(w, r, user); ok {
		answer(w, http.StatusOK, o)
	}
}

func (s *service) cardStatus(w http.ResponseWriter, r *http.Request, user string) {
	id, ok := word(w, r, "card_id")
	if !ok {
		return
	}
	if _, err := strconv.Atoi(id); err != nil {
		refuse(w, http.StatusUnprocessableEntity, "card_id is a number")
		return
	}
	o, ok := s.find("cards", id)
	if !ok || o.owner() != user {
		refuse(w, http.StatusNotFound, "NOT_FOUND")
		return
	}
	answer(w, http.StatusOK, o)
}

func (s *service) ownSettings(w http.ResponseWriter, r *http.Request, user string) {
	p, ok := s.profile(r, user)
	if !ok || r.PathValue("user_id") != user {
		refuse(w, http.StatusNotFound, "NOT_FOUND")
		return
	}
	answer(w, http.StatusOK, m{"user_id": p["id"], "email": p["email"]})
}

// manual opens what stays below the directory once it is clean.
func manual(w http.ResponseWriter, r *http.Request) {
	name, ok := word(w, r, "file")
	if !ok {
		return
	}
	if name == "" || !filepath.IsLocal(name) {
		refuse(w, http.StatusUnprocessableEntity, "file is a path below the manuals")
		return
	}
	text, ok := readFile(name)
	if !ok {
		refuse(w, http.StatusNotFound, "NOT_FOUND")
		return
	}
	answer(w, http.StatusOK, m{"text": text})
}

func (s *service) changeCard(w http.ResponseWriter, r *http.Request, user string) {
	o, ok := s.ownCard(w, r, user)
	if !ok {
		return
	}
	if c, ok := read[card](w, r); ok {
		answer(w, http.StatusOK, s.change("cards", o.id(), object{"label": c.Label, "limit": c.Limit}))
	}
}

func (s *service) deleteCard(w http.ResponseWriter, r *http.Request, user string) {
	if o, ok := s.ownCard(w, r, user); ok {
		s.remove("cards", o.id())
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *service) comment(w http.ResponseWriter, r *http.Request, _ string) {
	if c, ok := read[comment](w, r); ok {
		answer(w, http.StatusCreated, s.add("comments", object{"text": c.Text}))
	}
}

func (s *service) oneComment(w http.ResponseWriter, r *http.Request, _ string) {
	if o, ok := s.find("comments", r.PathValue("id")); ok {
		answer(w, http.StatusOK, o)
		return
	}
	refuse(w, http.StatusNotFound, "NOT_FOUND")
}

func (s *service) preferences(w http.ResponseWriter, _ *http.Request, user string) {
	for _, o := range s.of("preferences", user) {
		answer(w, http.StatusOK, m{"theme": o["theme"], "newsletter": o["newsletter"]})
		return
	}
	answer(w, http.StatusOK, m{"theme": "light", "newsletter": false})
}

func (s *service) savePreferences(w http.ResponseWriter, r *http.Request, user string) {
	p, ok := read[preferences](w, r)
	if !ok {
		return
	}
	if p.Theme != "light" && p.Theme != "dark" {
		refuse(w, http.StatusUnprocessableEntity, "theme is light or dark")
		return
	}
	for _, o := range s.of("preferences", user) {
		s.remove("preferences", o.id())
	}
	s.add("preferences", object{"owner_id": user, "theme": p.Theme, "newsletter": p.Newsletter})
	answer(w, http.StatusOK, p)
}

func onward(w http.ResponseWriter, r *http.Request) {
	pages := []string{"/help", "/contact", "/terms"}
	to, ok := word(w, r, "to")
	if !ok {
		return
	}
	if !slices.Contains(pages, to) {
		to = pages[0]
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func download(w http.ResponseWriter, r *http.Request) {
	file, ok := word(w, r, "file")
	if !ok {
		return
	}
	texts := map[string]string{"terms.txt": "Be kind.\n", "prices.txt": "All is free.\n", "": "Be kind.\n"}
	body, ok := texts[file]
	if !ok {
		refuse(w, http.StatusUnprocessableEntity, "file is terms.txt or prices.txt")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="download.txt"`)
	_, _ = w.Write([]byte(body)) // whoever asked may hang up
}

func shipping(w http.ResponseWriter, r *http.Request) {
	country, ok := word(w, r, "country")
	if !ok {
		return
	}
	cents, ok := map[string]int{"DE": 390, "FR": 590, "PL": 490}[country]
	if !ok {
		refuse(w, http.StatusUnprocessableEntity, "country is DE, FR or PL")
		return
	}
	answer(w, http.StatusOK, m{"cents": cents})
}

// previewPage calls nobody: what is on the list waits for a worker.
func previewPage(w http.ResponseWriter, r *http.Request, _ string) {
	p, ok := read[preview](w, r)
	if !ok {
		return
	}
	u, err := url.Parse(p.URL)
	if err != nil || u.Scheme != "https" || u.Host != "example.com" || u.User != nil {
		refuse(w, http.StatusUnprocessableEntity, "url is a page of https://example.com")
		return
	}
	answer(w, http.StatusOK, m{"queued": true})
}

func sums(w http.ResponseWriter, r *http.Request) {
	e, ok := read[expression](w, r)
	if !ok {
		return
	}
	if !sum.MatchString(e.Expression) {
		refuse(w, http.StatusUnprocessableEntity, "expression is numbers with + between them")
		return
	}
	total := 0
	for part := range strings.SplitSeq(e.Expression, "+") {
		n, _ := strconv.Atoi(part) // the grammar has digits alone
		total += n
	}
	answer(w, http.StatusOK, m{"sum": total})
}

func feed(w http.ResponseWriter, r *http.Request) {
	data := make([]byte, 64<<10)
	n := 0
	for n < len(data) {
		k, err := r.Body.Read(data[n:])
		n += k
		if err != nil {
			break
		}
	}
	body := strings.TrimSpace(string(data[:n]))
	if strings.Contains(strings.ToUpper(body), "<!") || !strings.HasPrefix(body, "<") || !strings.HasSuffix(body, ">") || !utf8.ValidString(body) {
		refuse(w, http.StatusUnprocessableEntity, "a document in XML without a DOCTYPE is what is read")
		return
	}
	answer(w, http.StatusOK, m{"bytes": n})
}
