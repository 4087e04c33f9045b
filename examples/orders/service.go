package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/microcosm-cc/bluemonday"

	"github.com/pavise-dev/pavise/guard/jsonbody"
	"github.com/pavise-dev/pavise/passwords"
	"github.com/pavise-dev/pavise/secret"
)

//go:embed openapi.json
var openAPI []byte

// service is the API.
type service struct {
	store  *store
	hasher *passwords.Hasher
	tokens *tokens
	rules  passwords.Rules
}

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	// The policy answers for whether anybody gets to see it.
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(openAPI)
	})
	mux.HandleFunc("POST /api/signup", s.signUp)
	mux.HandleFunc("POST /api/login", s.login)
	mux.HandleFunc("GET /api/profile", s.mine(s.profile))
	mux.HandleFunc("PUT /api/profile", s.mine(s.saveProfile))
	mux.HandleFunc("GET /api/orders", s.mine(s.orders))
	mux.HandleFunc("POST /api/orders", s.mine(s.newOrder))
	mux.HandleFunc("GET /api/orders/{id}", s.mine(s.order))
	mux.HandleFunc("GET /api/users", s.mine(s.users))
	mux.HandleFunc("GET /api/comments", s.mine(s.comments))
	mux.HandleFunc("POST /api/comments", s.mine(s.comment))
	mux.HandleFunc("POST /api/uploads", s.mine(s.upload))
	return mux
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// refuse answers with a code and no more. What went wrong inside is for the
// log.
func refuse(w http.ResponseWriter, status int, code string) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="orders"`)
	}
	answer(w, status, map[string]string{"error": code})
}

// failed answers for an error.
func failed(w http.ResponseWriter, r *http.Request, err error) {
	var decode *jsonbody.DecodeError
	switch {
	case errors.As(err, &decode):
		answer(w, http.StatusUnprocessableEntity, map[string]any{"error": "INVALID", "detail": decode.Error()})
	case errors.Is(err, errNotFound):
		refuse(w, http.StatusNotFound, "NOT_FOUND")
	case errors.Is(err, passwords.ErrBusy):
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "BUSY")
	default:
		slog.Error("request failed", "path", r.URL.Path, "error", err)
		refuse(w, http.StatusInternalServerError, "INTERNAL_ERROR")
	}
}

// mine is for who has a token.
func (s *service) mine(next func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, text, ok := strings.Cut(r.Header.Get("Authorization"), " ")
		if !ok || !strings.EqualFold(scheme, "Bearer") {
			refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED")
			return
		}
		user, err := s.tokens.user(text)
		if err != nil {
			refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED")
			return
		}
		next(w, r, user)
	}
}

type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Name     string `json:"name,omitempty"`
}

func (s *service) signUp(w http.ResponseWriter, r *http.Request) {
	c, err := jsonbody.Decode[credentials](r, jsonbody.Options{KeepSpace: true})
	if err != nil {
		failed(w, r, err)
		return
	}
	password := secret.New(c.Password)
	var problems *passwords.RulesError
	if err := s.rules.Accept(password, c.Email, c.Name); errors.As(err, &problems) || !strings.Contains(c.Email, "@") {
		detail := "the address has no @"
		if problems != nil {
			detail = strings.Join(problems.Problems, "; ")
		}
		answer(w, http.StatusUnprocessableEntity, map[string]string{"error": "INVALID", "detail": detail})
		return
	} else if err != nil {
		failed(w, r, err)
		return
	}
	hash, err := s.hasher.Hash(r.Context(), passwords.Normal(password))
	if err != nil {
		failed(w, r, err)
		return
	}
	id, err := s.store.signUp(r.Context(), c.Email, hash, c.Name)
	switch {
	case errors.Is(err, errTaken):
		refuse(w, http.StatusConflict, "TAKEN")
	case err != nil:
		failed(w, r, err)
	default:
		answer(w, http.StatusCreated, map[string]int64{"id": id})
	}
}

// login answers who has no account as it answers a wrong password, in the same
// time.
func (s *service) login(w http.ResponseWriter, r *http.Request) {
	c, err := jsonbody.Decode[credentials](r, jsonbody.Options{KeepSpace: true})
	if err != nil {
		failed(w, r, err)
		return
	}
	password := passwords.Normal(secret.New(c.Password))
	id, hash, err := s.store.credentials(r.Context(), c.Email)
	if errors.Is(err, errNotFound) {
		if err := s.hasher.VerifyUnknown(r.Context(), password); err != nil {
			failed(w, r, err)
			return
		}
		refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED")
		return
	}
	if err != nil {
		failed(w, r, err)
		return
	}
	result, err := s.hasher.VerifyAndUpdate(r.Context(), password, hash, s.store.saveHash(id))
	if !result.OK {
		if err != nil {
			failed(w, r, err)
			return
		}
		refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED")
		return
	}
	if err != nil {
		slog.Warn("a hash was not made anew", "error", err)
	}
	token, err := s.tokens.issue(strconv.FormatInt(id, 10))
	if err != nil {
		failed(w, r, err)
		return
	}
	answer(w, http.StatusOK, map[string]string{"token": token})
}

func (s *service) profile(w http.ResponseWriter, r *http.Request, user string) {
	p, err := s.store.profile(r.Context(), user)
	if err != nil {
		failed(w, r, err)
		return
	}
	answer(w, http.StatusOK, p)
}

func (s *service) saveProfile(w http.ResponseWriter, r *http.Request, user string) {
	p, err := jsonbody.Decode[struct {
		SSN   *string `json:"ssn"`
		TaxID *string `json:"tax_id"`
	}](r, jsonbody.Options{})
	if err == nil {
		err = s.store.saveProfile(r.Context(), user, p.SSN, p.TaxID)
	}
	if err != nil {
		failed(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *service) orders(w http.ResponseWriter, r *http.Request, user string) {
	all, err := s.store.orders(r.Context(), user)
	if err != nil {
		failed(w, r, err)
		return
	}
	answer(w, http.StatusOK, all)
}

func (s *service) newOrder(w http.ResponseWriter, r *http.Request, user string) {
	o, err := jsonbody.Decode[struct {
		Item     string `json:"item"`
		Quantity int64  `json:"quantity"`
	}](r, jsonbody.Options{})
	if err != nil {
		failed(w, r, err)
		return
	}
	if o.Item == "" || len(o.Item) > 200 || o.Quantity < 1 || o.Quantity > 1000 {
		answer(w, http.StatusUnprocessableEntity, map[string]string{"error": "INVALID", "detail": "want an item, and a quantity of 1 to 1000"})
		return
	}
	id, err := s.store.insert(r.Context(), "orders", "owner, item, quantity", user, o.Item, o.Quantity)
	if err != nil {
		failed(w, r, err)
		return
	}
	answer(w, http.StatusCreated, order{id, o.Item, o.Quantity})
}

func (s *service) order(w http.ResponseWriter, r *http.Request, user string) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		refuse(w, http.StatusNotFound, "NOT_FOUND")
		return
	}
	o, err := s.store.order(r.Context(), user, strconv.FormatInt(id, 10))
	if err != nil {
		failed(w, r, err)
		return
	}
	answer(w, http.StatusOK, o)
}

func (s *service) users(w http.ResponseWriter, r *http.Request, _ string) {
	names, err := s.store.names(r.Context(), r.URL.Query().Get("name"))
	if err != nil {
		failed(w, r, err)
		return
	}
	answer(w, http.StatusOK, names)
}

// shown takes all markup out of what people wrote. It is stored as it came, so
// that a better filter can be put to it later.
var shown = bluemonday.StrictPolicy()

func (s *service) comments(w http.ResponseWriter, r *http.Request, _ string) {
	texts, err := s.store.comments(r.Context())
	if err != nil {
		failed(w, r, err)
		return
	}
	for i := range texts {
		texts[i] = shown.Sanitize(texts[i])
	}
	answer(w, http.StatusOK, texts)
}

func (s *service) comment(w http.ResponseWriter, r *http.Request, user string) {
	c, err := jsonbody.Decode[struct {
		Text string `json:"text" pavise:"required,min=1"`
	}](r, jsonbody.Options{})
	if err == nil {
		_, err = s.store.insert(r.Context(), "comments", "author, text", user, c.Text)
	}
	if err != nil {
		failed(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// upload counts bytes. How many there may be is the policy's to say.
func (s *service) upload(w http.ResponseWriter, r *http.Request, _ string) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return // the policy has answered
	}
	answer(w, http.StatusOK, map[string]int64{"bytes": n})
}
