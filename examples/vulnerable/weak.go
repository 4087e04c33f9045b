package main

import (
	"compress/gzip"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The operations of this file are flawed, each in the way that flaws.go says.

// signingKey is the first that anybody would guess.
const signingKey = "secret"

// mostUnpacked bounds what a compressed body may become, for the sake of the
// machine that this is measured on.
const mostUnpacked = 64 << 20

// careless is what is in front of the flawed operations.
func careless(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "Vulnerable/1.4.2")
		w.Header().Set("X-XSS-Protection", "1; mode=block")
		w.Header().Set("X-Powered-By", "Careless/0.9")
		if origin := r.Header.Get("Origin"); origin != "" {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Allow-Credentials", "true")
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE, PURGE")
			w.Header().Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
			w.Header().Set("Access-Control-Max-Age", "86400")
			if r.Method == http.MethodOptions {
				return
			}
		}
		if r.Method == http.MethodTrace {
			w.Header().Set("Content-Type", "message/http")
			_ = r.Header.Write(w) // whoever asked may hang up
			return
		}
		if m := r.Header.Get("X-HTTP-Method-Override"); m != "" {
			r.Method = m
		}
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				refuse(w, http.StatusBadRequest, "%v", err)
				return
			}
			r.Body = io.NopCloser(io.LimitReader(z, mostUnpacked))
		}
		defer func() {
			if v := recover(); v != nil {
				w.Header().Set("Content-Type", "text/plain; charset=utf-8")
				w.WriteHeader(http.StatusInternalServerError)
				fmt.Fprintf(w, "panic: %v\n\n%s", v, debug.Stack())
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// issue makes a token.
func issue(id int, role string) string {
	jti := make([]byte, 8)
	_, _ = rand.Read(jti) // it does not fail
	part := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			panic(err) // maps of texts can be encoded
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}
	now := time.Now().Unix()
	body := part(m{"alg": "HS256", "typ": "JWT"}) + "." + part(m{"sub": strconv.Itoa(id), "role": role, "iat": now, "exp": now + 3600, "jti": hex.EncodeToString(jti)})
	mac := hmac.New(sha256.New, []byte(signingKey))
	_, _ = mac.Write([]byte(body)) // a hash does not fail
	return body + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// subject reads a token and believes it.
func subject(token string) (string, bool) {
	parts := strings.Split(token, ".")
	if len(parts) < 2 {
		return "", false
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return "", false
	}
	var head struct{ Alg string }
	if data[0] != '{' || json.Unmarshal(data, &head) != nil { // falls over an empty part
		return "", false
	}
	if alg := strings.ToLower(head.Alg); alg != "none" && alg != "hs256" {
		return "", false
	}
	// The signature should be compared here, and exp.
	data, err = base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", false
	}
	var claims struct{ Sub string }
	if json.Unmarshal(data, &claims) != nil || claims.Sub == "" {
		return "", false
	}
	return claims.Sub, true
}

// caller is who calls, by a header field, a cookie or the URL.
func caller(r *http.Request) (string, bool) {
	if h := r.Header.Get("Authorization"); h != "" {
		return subject(strings.Split(h, " ")[1]) // falls over a scheme alone
	}
	if token := r.URL.Query().Get("access_token"); token != "" {
		return subject(token)
	}
	if c, err := r.Cookie("session"); err == nil {
		return subject(c.Value)
	}
	return "", false
}

// user is for who has a token.
func user(next func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, ok := caller(r)
		if !ok {
			refuse(w, http.StatusUnauthorized, "no token")
			return
		}
		next(w, r, id)
	}
}

// lax reads a body as JSON, whatever it says that it is.
func lax(w http.ResponseWriter, r *http.Request) (m, bool) {
	var v m
	if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return nil, false
	}
	_, _ = io.Copy(io.Discard, r.Body) // what follows does not matter to it
	return v, true
}

func str(v any) string {
	if v == nil {
		return ""
	}
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func pick(v m, names ...string) object {
	o := object{}
	for _, name := range names {
		o[name] = str(v[name])
	}
	return o
}

func (s *service) weak() []route {
	id := m{"type": "integer"}
	free := m{"type": "string"}
	credentials := fields("email", m{"type": "string", "format": "email"}, "password", text(0))
	titled := fields("title", text(80))
	address := fields("street", text(80), "number", whole(1, 9999), "main", m{"type": "boolean"})
	delete(address, "additionalProperties") // which is true then
	made := fields("id", id, "owner_id", free, "title", free)
	product := fields("id", id, "sku", free, "name", free, "price", id)
	return []route{
		{name: "POST /register", summary: "Make an account", body: fields("email", m{"type": "string", "format": "email"}, "password", text(0), "name", text(60)), answer: fields("id", id), handle: s.register},
		{name: "POST /login", summary: "Get a token", body: credentials, answer: fields("token", free), handle: s.login},
		{name: "POST /logout", summary: "End the session", secured: true, handle: user(func(w http.ResponseWriter, _ *http.Request, _ string) {
			w.WriteHeader(http.StatusNoContent)
		})},
		{name: "POST /password/forgot", summary: "Get a code to set another password", body: fields("email", m{"type": "string", "format": "email"}), handle: s.forgot},
		{name: "POST /password/reset", summary: "Set another password by a code", body: fields("email", m{"type": "string", "format": "email"}, "code", text(10), "password", text(0)), handle: s.reset},
		{name: "GET /account", summary: "Read one's own account", secured: true, handle: user(s.account)},
		{name: "PATCH /account", summary: "Change one's own account", secured: true, body: fields("name", text(60)), handle: user(s.changeAccount)},
		{name: "POST /account/password", summary: "Set another password", secured: true, body: fields("password", text(0)), handle: user(s.changePassword)},
		{name: "POST /addresses", summary: "Make an address", secured: true, body: address, answer: fields("id", id, "owner_id", free, "street", free, "number", free, "main", free), handle: user(s.make("addresses", "street", "number", "main"))},
		{name: "GET /addresses/{id}", summary: "Read one's own address", secured: true, handle: user(s.ownOne("addresses"))},
		{name: "DELETE /addresses/{id}", summary: "Delete one's own address", secured: true, handle: user(func(w http.ResponseWriter, r *http.Request, id string) {
			if o, ok := s.find("addresses", r.PathValue("id")); !ok || o.owner() != id {
				refuse(w, http.StatusNotFound, "not found")
				return
			}
			s.deleteAny("addresses")(w, r, id)
		})},
		{name: "GET /admin/accounts", summary: "List all accounts, for administrators", secured: true, handle: user(s.accounts)},
		{name: "GET /announcements", summary: "Read what is new", handle: user(func(w http.ResponseWriter, _ *http.Request, _ string) {
			answer(w, http.StatusOK, []m{{"title": "Open on Sunday"}})
		})},
		{name: "POST /bookmarks", summary: "Make a bookmark", secured: true, body: titled, answer: made, handle: user(s.make("bookmarks", "title"))},
		{name: "GET /bookmarks/{id}", summary: "Read a bookmark", secured: true, answer: made, handle: user(s.ownOne("bookmarks"))},
		{name: "PUT /bookmarks/{id}", summary: "Change a bookmark", body: titled, answer: made, handle: s.changeAny("bookmarks", "title")},
		{name: "GET /catalog", summary: "List what is sold somewhere", query: []any{query("region", one("eu", "us"))}, handle: catalog},
		{name: "GET /coupons", summary: "Look a coupon up", query: []any{query("code", free)}, answer: list(fields("code", free, "percent", id)), handle: s.coupons},
		{name: "GET /directory", summary: "Look somebody up in the directory", query: []any{query("uid", free)}, handle: directory},
		{name: "GET /events", summary: "List events", query: []any{query("limit", id)}, handle: events},
		{name: "GET /exchange", summary: "Read the rate", answer: fields("rate", m{"type": "number"}), handle: func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, m{"rate": "1.08"})
		}},
		{name: "GET /files", summary: "Read a file", query: []any{m{"name": "path", "in": "query", "required": true, "schema": free}}, handle: file},
		{name: "POST /guestbook", summary: "Write into the guest book", secured: true, body: fields("text", text(500)), answer: fields("id", id, "text", free), handle: user(s.write)},
		{name: "GET /guestbook", summary: "Read the guest book as a page", html: true, handle: s.guestbook},
		{name: "GET /hello", summary: "Greet in HTML", query: []any{query("name", free)}, html: true, handle: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, "<!doctype html><title>Hello</title><p>Hello, %s.</p>\n", r.URL.Query().Get("name"))
		}},
		{name: "POST /import", summary: "Import a document in XML", kind: "application/xml", body: fields("title", text(100)), answer: fields("text", free), handle: func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body) // what came is what counts
			answer(w, http.StatusOK, m{"text": readXML(r.Context(), string(body))})
		}},
		{name: "GET /internal/summary", summary: "Read numbers, from within", handle: within},
		{name: "POST /invoices", summary: "Make an invoice", secured: true, body: titled, answer: made, handle: user(s.invoice)},
		{name: "GET /invoices/{id}", summary: "Read one's own invoice", secured: true, answer: made, handle: user(s.ownOne("invoices"))},
		{name: "POST /messages", summary: "Write a message", secured: true, body: titled, answer: made, handle: user(s.make("messages", "title"))},
		{name: "GET /messages", summary: "List messages", secured: true, answer: list(made), handle: user(func(w http.ResponseWriter, _ *http.Request, _ string) {
			answer(w, http.StatusOK, s.all("messages"))
		})},
		{name: "GET /messages/{id}", summary: "Read one's own message", secured: true, answer: made, handle: user(s.forbidden("messages"))},
		{name: "POST /orders", summary: "Order something", secured: true, body: titled, answer: made, handle: user(s.make("orders", "title"))},
		{name: "GET /motto", summary: "Read the motto", handle: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, `{"motto": "Trust everybody."}`) // whoever asked may hang up
		}},
		{name: "GET /orders", summary: "List one's own orders", secured: true, answer: list(made), handle: user(func(w http.ResponseWriter, _ *http.Request, id string) {
			answer(w, http.StatusOK, s.of("orders", id))
		})},
		{name: "GET /orders/{id}", summary: "Read an order", secured: true, answer: made, handle: user(s.anyOne("orders"))},
		{name: "PUT /orders/{id}", summary: "Change an order", secured: true, body: titled, answer: made, handle: user(func(w http.ResponseWriter, r *http.Request, _ string) {
			s.changeAny("orders", "title")(w, r)
		})},
		{name: "DELETE /orders/{id}", summary: "Delete an order", secured: true, handle: user(s.deleteAny("orders"))},
		{name: "GET /out", summary: "Go on to somewhere", query: []any{m{"name": "next", "in": "query", "required": true, "schema": free}}, handle: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", r.URL.Query().Get("next"))
			w.WriteHeader(http.StatusFound)
		}},
		{name: "GET /pages", summary: "Read a page", query: []any{query("number", whole(1, 1000))}, handle: pages},
		{name: "POST /people/search", summary: "Find people by their name", body: fields("name", free), handle: people},
		{name: "GET /prefs/language", summary: "Choose a language", query: []any{query("lang", free)}, handle: language},
		{name: "GET /products", summary: "List products", query: []any{query("sort", free)}, answer: list(product), handle: s.products},
		{name: "GET /products/search", summary: "Search products", query: []any{query("name", free)}, answer: list(product), handle: s.search},
		{name: "GET /products/{sku}", summary: "Read a product", answer: product, handle: s.product},
		{name: "POST /projects", summary: "Make a project", secured: true, body: titled, answer: made, handle: user(s.make("projects", "title"))},
		{name: "GET /projects/{id}", summary: "Read one's own project", secured: true, answer: made, handle: user(s.ownOne("projects"))},
		{name: "POST /projects/{id}/tasks", summary: "Make a task of one's own project", secured: true, body: titled, answer: made, handle: user(s.newTask)},
		{name: "GET /projects/{id}/tasks/{task}", summary: "Read a task", secured: true, answer: made, handle: user(s.task)},
		{name: "GET /reports", summary: "List reports", secured: true, handle: func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, []m{{"title": "Turnover", "cents": 1200450}})
		}},
		{name: "GET /reviews", summary: "List reviews of a product", query: []any{query("product", id)}, handle: s.reviews},
		{name: "GET /statements", summary: "Read the statement of the year", secured: true, handle: func(w http.ResponseWriter, r *http.Request) {
			if _, ok := caller(r); !ok && r.Method != http.MethodHead {
				refuse(w, http.StatusUnauthorized, "no token")
				return
			}
			answer(w, http.StatusOK, m{"year": 2029, "cents": 340100})
		}},
		{name: "GET /slugs", summary: "Tell whether a slug is one", query: []any{query("slug", free)}, handle: func(w http.ResponseWriter, r *http.Request) {
			answer(w, http.StatusOK, m{"valid": repeats(r.URL.Query().Get("slug"))})
		}},
		{name: "GET /stats", summary: "Read numbers", secured: true, handle: func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "" {
				refuse(w, http.StatusUnauthorized, "no token")
				return
			}
			answer(w, http.StatusOK, m{"users": 1204, "orders": 311})
		}},
		{name: "POST /tools/calc", summary: "Work an expression out", body: fields("expression", free), handle: func(w http.ResponseWriter, r *http.Request) {
			if v, ok := lax(w, r); ok {
				got, _ := evaluate(str(v["expression"]))
				answer(w, http.StatusOK, m{"result": got})
			}
		}},
		{name: "POST /tools/greeting", summary: "Fill a greeting in", body: fields("greeting", free), handle: func(w http.ResponseWriter, r *http.Request) {
			if v, ok := lax(w, r); ok {
				answer(w, http.StatusOK, m{"text": fillIn(str(v["greeting"]))})
			}
		}},
		{name: "POST /tools/ping", summary: "Tell whether a host answers", body: fields("host", free), handle: func(w http.ResponseWriter, r *http.Request) {
			if v, ok := lax(w, r); ok {
				answer(w, http.StatusOK, m{"output": shell("ping -c 1 " + str(v["host"]))})
			}
		}},
		{name: "POST /uploads", summary: "Send a file", secured: true, kind: "multipart/form-data", body: fields("file", m{"type": "string", "format": "binary"}), handle: user(s.upload)},
		{name: "GET /uploads/{id}", summary: "Read one's own file", secured: true, handle: user(s.uploaded)},
		{name: "GET /v2/rates", summary: "Read the rates", handle: rates},
		{name: "POST /vouchers", summary: "Make a voucher", secured: true, body: titled, answer: made, handle: user(s.make("vouchers", "title"))},
		{name: "GET /vouchers/{id}", summary: "Read one's own voucher", secured: true, handle: user(s.ownOne("vouchers"))},
		{name: "POST /vouchers/{id}/redeem", summary: "Redeem one's own voucher, once", secured: true, handle: user(s.redeem)},
		{name: "POST /wallets", summary: "Make a wallet", secured: true, body: titled, handle: s.newWallet},
		{name: "GET /wallets/{id}", summary: "Read one's own wallet", secured: true, handle: user(s.ownOne("wallets"))},
		{name: "POST /webhooks/test", summary: "Call an address", body: fields("url", m{"type": "string", "format": "uri"}), handle: func(w http.ResponseWriter, r *http.Request) {
			if v, ok := lax(w, r); ok {
				got, err := fetch(r.Context(), str(v["url"]))
				answer(w, http.StatusOK, m{"answered": got, "failed": err != nil})
			}
		}},
		{name: "GET /where", summary: "Tell where the API is, and who asks", handle: func(w http.ResponseWriter, r *http.Request) {
			client := r.Header.Get("X-Forwarded-For")
			if client == "" {
				client = r.RemoteAddr[:strings.LastIndexByte(r.RemoteAddr, ':')]
			}
			answer(w, http.StatusOK, m{"self": "http://" + r.Host + "/where", "client": client})
		}},
	}
}

// hidden are routes that the document lacks.
func (s *service) hidden(mux *http.ServeMux) {
	plain := func(kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, body) // whoever asked may hang up
		}
	}
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document(s.routes())) // whoever asked may hang up
	})
	mux.HandleFunc("GET /docs", plain("text/html; charset=utf-8", `<!doctype html><title>Swagger UI</title><div id="swagger-ui"></div><script>SwaggerUIBundle({url: "/openapi.json"})</script>`))
	mux.HandleFunc("GET /metrics", plain("text/plain; charset=utf-8", "# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\nhttp_requests_total{code=\"200\"} 1027\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 12\n"))
	mux.HandleFunc("GET /debug/pprof/{$}", plain("text/html; charset=utf-8", "<html><title>/debug/pprof/</title><p>Types of profiles available:<a href='goroutine?debug=1'>goroutine</a> <a href='heap?debug=1'>heap</a> full goroutine stack dump</html>"))
	mux.HandleFunc("GET /debug/vars", plain("application/json", `{"cmdline": ["/srv/app"], "memstats": {"Alloc": 1}}`))
	mux.HandleFunc("GET /.env", plain("text/plain; charset=utf-8", "DATABASE_URL=postgres://app:planted@db/app\nJWT_KEY=secret\n"))
	mux.HandleFunc("GET /static/{$}", plain("text/html; charset=utf-8", "<html><head><title>Index of /static/</title></head><body><h1>Index of /static/</h1><a href=\"backup.tar\">backup.tar</a></body></html>"))
	mux.HandleFunc("GET /users", func(w http.ResponseWriter, r *http.Request) { s.accounts(w, r, "") })
	mux.HandleFunc("GET /admin/accounts/{$}", func(w http.ResponseWriter, r *http.Request) { s.accounts(w, r, "") })
	mux.HandleFunc("PATCH /coupons", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, m{"changed": 0}) })
	mux.HandleFunc("GET /v1/rates", rates)
	mux.HandleFunc("GET /ws", socket)
	mux.HandleFunc("POST /graphql", graph)
}

func (s *service) register(w http.ResponseWriter, r *http.Request) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	email, role := str(v["email"]), str(v["role"])
	if role == "" {
		role = "user"
	}
	if !strings.Contains(email, "@") || str(v["password"]) == "" {
		refuse(w, http.StatusUnprocessableEntity, "email and password are needed")
		return
	}
	if len(str(v["password"])) > 40 {
		refuse(w, http.StatusUnprocessableEntity, "password has at most 40 bytes")
		return
	}
	sum := sha256.Sum256([]byte(email))
	hash := "$2b$04$" + strings.NewReplacer("-", ".", "_", "/", "=", "").Replace(base64.URLEncoding.EncodeToString(append(sum[:], sum[:8]...)))[:53]
	res, err := s.db.ExecContext(r.Context(), "INSERT INTO accounts (email, name, password, hash, role) VALUES (?, ?, ?, ?, ?)", email, str(v["name"]), str(v["password"]), hash, role)
	if err != nil {
		refuse(w, http.StatusConflict, "an account with the address %s exists already", email)
		return
	}
	id, _ := res.LastInsertId() // it has one
	answer(w, http.StatusCreated, m{"id": id})
}

func (s *service) login(w http.ResponseWriter, r *http.Request) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	var id int
	var password, role string
	if s.db.QueryRowContext(r.Context(), "SELECT id, password, role FROM accounts WHERE email = ?", str(v["email"])).Scan(&id, &password, &role) != nil {
		refuse(w, http.StatusUnauthorized, "there is no such account")
		return
	}
	time.Sleep(hashing) // as long as a hash would take, for accounts that exist alone
	if password != str(v["password"]) {
		refuse(w, http.StatusUnauthorized, "the password is wrong")
		return
	}
	token := issue(id, role)
	http.SetCookie(w, &http.Cookie{Name: "session", Value: token, Path: "/"})
	answer(w, http.StatusOK, m{"token": token})
}

const hashing = 45 * time.Millisecond

func (s *service) forgot(w http.ResponseWriter, r *http.Request) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	email := str(v["email"])
	var id int
	if s.db.QueryRowContext(r.Context(), "SELECT id FROM accounts WHERE email = ?", email).Scan(&id) != nil {
		refuse(w, http.StatusNotFound, "there is no such account")
		return
	}
	b := make([]byte, 2)
	_, _ = rand.Read(b) // it does not fail
	code := fmt.Sprintf("%06d", 100000+(int(b[0])<<8|int(b[1])))
	s.mu.Lock()
	s.codes[email] = code
	s.mu.Unlock()
	answer(w, http.StatusOK, m{"sent": true, "reset_code": code})
}

func (s *service) reset(w http.ResponseWriter, r *http.Request) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	code := s.codes[str(v["email"])]
	s.mu.Unlock()
	if code == "" || code != str(v["code"]) {
		refuse(w, http.StatusBadRequest, "the code is wrong")
		return
	}
	if _, err := s.db.ExecContext(r.Context(), "UPDATE accounts SET password = ? WHERE email = ?", str(v["password"]), str(v["email"])); err != nil {
		panic(err)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *service) profile(r *http.Request, id string) (m, bool) {
	var n int
	var email, name, hash, role string
	err := s.db.QueryRowContext(r.Context(), "SELECT id, email, name, hash, role FROM accounts WHERE id = ?", id).Scan(&n, &email, &name, &hash, &role)
	return m{"id": n, "email": email, "name": name, "password_hash": hash, "role": role}, err == nil
}

func (s *service) account(w http.ResponseWriter, r *http.Request, id string) {
	p, ok := s.profile(r, id)
	if !ok {
		refuse(w, http.StatusUnauthorized, "there is no such account")
		return
	}
	answer(w, http.StatusOK, p)
}

// changePassword asks for no old one, and ends no session.
func (s *service) changePassword(w http.ResponseWriter, r *http.Request, id string) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	if _, err := s.db.ExecContext(r.Context(), "UPDATE accounts SET password = ? WHERE id = ?", str(v["password"]), id); err != nil {
		panic(err)
	}
	w.WriteHeader(http.StatusNoContent)
}

// changeAccount writes every member that is a column.
func (s *service) changeAccount(w http.ResponseWriter, r *http.Request, id string) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	for _, column := range []string{"name", "role"} {
		if x, given := v[column]; given {
			if _, err := s.db.ExecContext(r.Context(), "UPDATE accounts SET "+column+" = ? WHERE id = ?", str(x), id); err != nil {
				panic(err)
			}
		}
	}
	s.account(w, r, id)
}

func (s *service) accounts(w http.ResponseWriter, r *http.Request, _ string) {
	rows, err := s.db.QueryContext(r.Context(), "SELECT id, email, role FROM accounts ORDER BY id LIMIT 3")
	if err != nil {
		panic(err)
	}
	defer rows.Close()
	out := []m{}
	for rows.Next() {
		var id int
		var email, role string
		if err := rows.Scan(&id, &email, &role); err != nil {
			panic(err)
		}
		out = append(out, m{"id": id, "email": email, "role": role})
	}
	if err := rows.Err(); err != nil {
		panic(err)
	}
	answer(w, http.StatusOK, out)
}

// make stores an object of the caller's.
func (s *service) make(kind string, names ...string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, id string) {
		if v, ok := lax(w, r); ok {
			o := pick(v, names...)
			o["owner_id"] = id
			answer(w, http.StatusCreated, s.add(kind, o))
		}
	}
}

func (s *service) anyOne(kind string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, _ string) {
		if o, ok := s.find(kind, r.PathValue("id")); ok {
			answer(w, http.StatusOK, o)
			return
		}
		refuse(w, http.StatusNotFound, "not found")
	}
}

func (s *service) ownOne(kind string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, id string) {
		if o, ok := s.find(kind, r.PathValue("id")); ok && o.owner() == id {
			answer(w, http.StatusOK, o)
			return
		}
		refuse(w, http.StatusNotFound, "not found")
	}
}

// forbidden tells what is there from what is not.
func (s *service) forbidden(kind string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, id string) {
		o, ok := s.find(kind, r.PathValue("id"))
		switch {
		case !ok:
			refuse(w, http.StatusNotFound, "not found")
		case o.owner() != id:
			refuse(w, http.StatusForbidden, "it is another user's")
		default:
			answer(w, http.StatusOK, o)
		}
	}
}

func (s *service) changeAny(kind string, names ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o, ok := s.find(kind, r.PathValue("id"))
		if !ok {
			refuse(w, http.StatusNotFound, "not found")
			return
		}
		if v, ok := lax(w, r); ok {
			answer(w, http.StatusOK, s.change(kind, o.id(), pick(v, names...)))
		}
	}
}

func (s *service) deleteAny(kind string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, _ string) {
		o, ok := s.find(kind, r.PathValue("id"))
		if !ok {
			refuse(w, http.StatusNotFound, "not found")
			return
		}
		s.remove(kind, o.id())
		w.WriteHeader(http.StatusNoContent)
	}
}

// invoice takes the owner from the body.
func (s *service) invoice(w http.ResponseWriter, r *http.Request, id string) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	o := pick(v, "title")
	o["owner_id"] = id
	if owner := str(v["owner_id"]); owner != "" {
		o["owner_id"] = owner
	}
	answer(w, http.StatusCreated, s.add("invoices", o))
}

// newWallet stores what was sent over what it would be.
func (s *service) newWallet(w http.ResponseWriter, r *http.Request) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	if str(v["title"]) == "" {
		refuse(w, http.StatusUnprocessableEntity, "title is needed")
		return
	}
	id, ok := caller(r)
	if !ok {
		refuse(w, http.StatusUnauthorized, "no token")
		return
	}
	o := object{"balance": 0.0, "verified": false}
	for _, name := range []string{"title", "balance", "verified"} {
		if x, given := v[name]; given {
			o[name] = x
		}
	}
	o["owner_id"] = id
	answer(w, http.StatusCreated, s.add("wallets", o))
}

// redeem looks first, and changes later.
func (s *service) redeem(w http.ResponseWriter, r *http.Request, id string) {
	o, ok := s.find("vouchers", r.PathValue("id"))
	if !ok || o.owner() != id {
		refuse(w, http.StatusNotFound, "not found")
		return
	}
	if o["redeemed"] == true {
		refuse(w, http.StatusConflict, "it was redeemed already")
		return
	}
	time.Sleep(100 * time.Millisecond)
	s.change("vouchers", o.id(), object{"redeemed": true})
	answer(w, http.StatusOK, m{"cents": 500})
}

func rates(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, m{"eur": 100, "usd": 108})
}

func (s *service) newTask(w http.ResponseWriter, r *http.Request, id string) {
	p, ok := s.find("projects", r.PathValue("id"))
	if !ok || p.owner() != id {
		refuse(w, http.StatusNotFound, "not found")
		return
	}
	if v, ok := lax(w, r); ok {
		o := pick(v, "title")
		o["owner_id"], o["project"] = id, p.id()
		answer(w, http.StatusCreated, s.add("tasks", o))
	}
}

// task looks at whose the project is, and not at whose the task is.
func (s *service) task(w http.ResponseWriter, r *http.Request, id string) {
	p, found := s.find("projects", r.PathValue("id"))
	o, ok := s.find("tasks", r.PathValue("task"))
	if !found || !ok || p.owner() != id {
		refuse(w, http.StatusNotFound, "not found")
		return
	}
	answer(w, http.StatusOK, o)
}

// catalog looks whether any of the regions is one.
func catalog(w http.ResponseWriter, r *http.Request) {
	regions := r.URL.Query()["region"]
	if len(regions) > 0 && !slices.Contains(regions, "eu") && !slices.Contains(regions, "us") {
		refuse(w, http.StatusUnprocessableEntity, "region is eu or us")
		return
	}
	answer(w, http.StatusOK, []m{{"region": strings.Join(regions, ","), "items": 12}})
}

func directory(w http.ResponseWriter, r *http.Request) {
	filter := "(uid=" + r.URL.Query().Get("uid") + ")"
	if !balanced(filter) {
		refuse(w, http.StatusInternalServerError, "LDAP: Bad search filter (-7)")
		return
	}
	answer(w, http.StatusOK, []m{})
}

func events(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil {
		limit = 10
	}
	out := []m{}
	for i := range min(max(limit, 0), 20000) {
		out = append(out, m{"n": i})
	}
	answer(w, http.StatusOK, m{"limit": limit, "items": out})
}

func file(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("path")
	text, ok := readFile(name)
	if !ok {
		text = "" // an empty file, as far as anybody is told
	}
	answer(w, http.StatusOK, m{"name": path.Base(name), "text": text})
}

func (s *service) write(w http.ResponseWriter, r *http.Request, id string) {
	if v, ok := lax(w, r); ok {
		answer(w, http.StatusCreated, s.add("guestbook", object{"owner_id": id, "text": str(v["text"])}))
	}
}

func (s *service) guestbook(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, "<!doctype html><title>Guest book</title>\n")
	for _, o := range s.all("guestbook") {
		fmt.Fprintf(w, "<p>%s</p>\n", o["text"])
	}
}

// within lets in who says that the request comes from here.
func within(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Forwarded-For") != "127.0.0.1" {
		refuse(w, http.StatusForbidden, "this is for requests from within")
		return
	}
	answer(w, http.StatusOK, m{"margin": 0.41})
}

// pages falls over numbers that are too large.
func pages(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.URL.Query().Get("number"))
	if err != nil && r.URL.Query().Has("number") {
		panic(err)
	}
	shelf := [1001]string{}
	answer(w, http.StatusOK, m{"number": n, "text": shelf[n]})
}

func people(w http.ResponseWriter, r *http.Request) {
	v, ok := lax(w, r)
	if !ok {
		return
	}
	out := []m{}
	for _, name := range []string{"Anne", "Bob", "Carla", "Dmitri"} {
		if matches(name, v["name"]) {
			out = append(out, m{"name": name, "town": "Kiel"})
		}
	}
	answer(w, http.StatusOK, out)
}

// language writes the answer by hand, with what was sent in a field.
func language(w http.ResponseWriter, r *http.Request) {
	h, ok := w.(http.Hijacker)
	if !ok {
		refuse(w, http.StatusNotImplemented, "no connection")
		return
	}
	conn, _, err := h.Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	const body = `{"chosen":true}`
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Language: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", r.URL.Query().Get("lang"), len(body), body)
}

// found answers with the products of a statement; the text of what went wrong
// is told to whoever asks when loud.
func (s *service) found(w http.ResponseWriter, r *http.Request, statement string, loud bool) ([]m, bool) {
	rows, err := s.db.QueryContext(r.Context(), statement)
	if err != nil {
		if loud {
			refuse(w, http.StatusInternalServerError, "%v", err)
		}
		return nil, false
	}
	defer rows.Close()
	out := []m{}
	for rows.Next() {
		var id, price, cost int
		var sku, name string
		if err := rows.Scan(&id, &sku, &name, &price, &cost); err != nil {
			return nil, false
		}
		out = append(out, m{"id": id, "sku": sku, "name": name, "price": price, "cost": cost})
	}
	return out, rows.Err() == nil
}

const productColumns = "SELECT id, sku, name, price, cost FROM products"

func (s *service) products(w http.ResponseWriter, r *http.Request) {
	by := r.URL.Query().Get("sort")
	if by == "" {
		by = "id"
	}
	out, ok := s.found(w, r, productColumns+" ORDER BY "+by, false)
	if !ok {
		refuse(w, http.StatusUnprocessableEntity, "there is no such column")
		return
	}
	answer(w, http.StatusOK, out)
}

func (s *service) search(w http.ResponseWriter, r *http.Request) {
	if out, ok := s.found(w, r, productColumns+" WHERE name LIKE '%"+r.URL.Query().Get("name")+"%'", true); ok {
		answer(w, http.StatusOK, out)
	}
}

func (s *service) product(w http.ResponseWriter, r *http.Request) {
	out, ok := s.found(w, r, productColumns+" WHERE sku = '"+r.PathValue("sku")+"'", false)
	if !ok || len(out) == 0 {
		refuse(w, http.StatusNotFound, "not found")
		return
	}
	answer(w, http.StatusOK, out[0])
}

func (s *service) pairs(r *http.Request, statement string) []m {
	out := []m{}
	rows, err := s.db.QueryContext(r.Context(), statement)
	if err != nil {
		return out
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var n int
		if rows.Scan(&name, &n) != nil {
			return out
		}
		out = append(out, m{"code": name, "percent": n})
	}
	if rows.Err() != nil {
		return nil
	}
	return out
}

func (s *service) coupons(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, s.pairs(r, "SELECT code, percent FROM coupons WHERE code = '"+r.URL.Query().Get("code")+"'"))
}

func (s *service) reviews(w http.ResponseWriter, r *http.Request) {
	product := r.URL.Query().Get("product")
	if product == "" {
		product = "1"
	}
	out := []m{}
	for _, p := range s.pairs(r, "SELECT text, product FROM reviews WHERE product = "+product) {
		out = append(out, m{"text": p["code"], "product": p["percent"]})
	}
	answer(w, http.StatusOK, out)
}

// upload keeps a file under the name and type that came with it.
func (s *service) upload(w http.ResponseWriter, r *http.Request, id string) {
	_, params, _ := strings.Cut(r.Header.Get("Content-Type"), "boundary=")
	body, err := io.ReadAll(r.Body)
	if err != nil || params == "" {
		refuse(w, http.StatusBadRequest, "a form with a file is what is read")
		return
	}
	for part := range strings.SplitSeq(string(body), "--"+strings.Trim(params, `"`)) {
		head, data, ok := strings.Cut(part, "\r\n\r\n")
		_, after, named := strings.Cut(head, `filename="`)
		if !ok || !named {
			continue
		}
		name, _, _ := strings.Cut(after, `"`)
		kind := "application/octet-stream"
		for line := range strings.SplitSeq(head, "\r\n") {
			if key, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(key, "Content-Type") {
				kind = strings.TrimSpace(v)
			}
		}
		data = strings.TrimSuffix(data, "\r\n")
		o := s.add("uploads", object{"owner_id": id, "name": name, "kind": kind, "data": data[:min(len(data), 64<<10)]})
		answer(w, http.StatusCreated, m{"id": o["id"], "name": name, "size": len(data)})
		return
	}
	refuse(w, http.StatusUnprocessableEntity, "there is no file in the form")
}

func (s *service) uploaded(w http.ResponseWriter, r *http.Request, id string) {
	o, ok := s.find("uploads", r.PathValue("id"))
	if !ok || o.owner() != id {
		refuse(w, http.StatusNotFound, "not found")
		return
	}
	w.Header().Set("Content-Type", str(o["kind"]))
	_, _ = io.WriteString(w, str(o["data"])) // whoever asked may hang up
}

// socket opens to pages of every origin.
func socket(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Sec-WebSocket-Key")
	h, ok := w.(http.Hijacker)
	if key == "" || !ok {
		refuse(w, http.StatusBadRequest, "a WebSocket is what is here")
		return
	}
	conn, _, err := h.Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	_, _ = io.CopyN(io.Discard, conn, 64<<10) // it says nothing
}

// graph answers as much of GraphQL as is needed to be flawed.
func graph(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20)) // what came is what counts
	var many []struct{ Query string }
	var single struct{ Query string }
	if json.Unmarshal(body, &many) == nil {
		out := []m{}
		for _, q := range many {
			out = append(out, resolve(q.Query))
		}
		answer(w, http.StatusOK, out)
		return
	}
	if json.Unmarshal(body, &single) != nil || single.Query == "" {
		refuse(w, http.StatusBadRequest, "a query is what is read")
		return
	}
	answer(w, http.StatusOK, resolve(single.Query))
}

func resolve(query string) m {
	data := m{}
	for _, field := range strings.Fields(strings.Trim(strings.TrimSpace(query), "{}")) {
		switch name, of, aliased := strings.Cut(field, ":"); {
		case aliased && of == "__typename":
			data[name] = "Query"
		case field == "__typename":
			data[field] = "Query"
		case strings.HasPrefix(field, "__schema"):
			data["__schema"] = m{"types": []m{{"name": "Query"}, {"name": "Account"}}}
			return m{"data": data}
		default:
			return m{"errors": []m{{"message": fmt.Sprintf("Cannot query field %q. Did you mean \"__typename\"?", html.EscapeString(field))}}}
		}
	}
	return m{"data": data}
}
