package trial_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A shop is an API with what real ones have and their documents do not say:
// rules, references, unions, uploads, ids in Location.
type shop struct {
	mu       sync.Mutex
	n        int
	users    map[string]map[string]any // by e-mail
	sessions map[string]string         // token to e-mail
	things   map[string]map[string]any // by collection/id
	asked    []string                  // METHOD path by whom
	mux      *http.ServeMux
}

func newShop() *shop {
	s := &shop{users: map[string]map[string]any{}, sessions: map[string]string{}, things: map[string]map[string]any{}, mux: http.NewServeMux()}
	s.routes()
	return s
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
	s.mux.ServeHTTP(w, r)
}

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func detail(loc []any, kind string, ctx map[string]any) map[string]any {
	return map[string]any{"detail": []any{map[string]any{"loc": loc, "type": kind, "msg": kind, "ctx": ctx}}}
}

func in(r *http.Request) map[string]any {
	var m map[string]any
	if json.NewDecoder(r.Body).Decode(&m) != nil || m == nil {
		m = map[string]any{}
	}
	return m
}

// mine calls next with the e-mail address of who calls.
func (s *shop) mine(pattern string, next func(w http.ResponseWriter, r *http.Request, who string)) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		who, ok := s.sessions[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		if !ok || s.users[who] == nil {
			say(w, 401, nil)
			return
		}
		next(w, r, who)
	})
}

func (s *shop) add(collection, owner string, m map[string]any) map[string]any {
	s.n++
	m["id"] = s.n
	s.things[collection+"/"+strconv.Itoa(s.n)] = m
	m["owner"] = owner
	return m
}

// own is a thing of who calls; without one it has answered 404.
func (s *shop) own(w http.ResponseWriter, collection, id, who string) map[string]any {
	m := s.things[collection+"/"+id]
	if m == nil || m["owner"] != who {
		say(w, 404, map[string]any{"detail": "not found"})
		return nil
	}
	return m
}

func (s *shop) routes() {
	s.accounts()
	// The answer says nothing: the id is in Location. The amount must be more
	// than the document says.
	s.mine("POST /category", func(w http.ResponseWriter, r *http.Request, who string) {
		b := in(r)
		if stock, _ := b["stock"].(float64); stock < 12 {
			say(w, 422, detail([]any{"body", "stock"}, "greater_than_equal", map[string]any{"ge": 12}))
			return
		}
		w.Header().Set("Location", fmt.Sprintf("/category/%v/", s.add("categories", who, b)["id"]))
		w.WriteHeader(201)
	})
	s.mine("GET /categories/{id}", func(w http.ResponseWriter, r *http.Request, who string) {
		if m := s.own(w, "categories", r.PathValue("id"), who); m != nil {
			say(w, 200, m)
		}
	})
	s.mine("DELETE /categories/{id}", func(w http.ResponseWriter, r *http.Request, who string) {
		if s.own(w, "categories", r.PathValue("id"), who) != nil {
			delete(s.things, "categories/"+r.PathValue("id"))
			w.WriteHeader(204)
		}
	})
	// A product is of a category, and its code is nobody else's.
	s.mine("POST /products", func(w http.ResponseWriter, r *http.Request, who string) {
		b := in(r)
		if s.own(w, "categories", fmt.Sprint(b["category_id"]), who) == nil {
			return
		}
		for _, m := range s.things {
			if m["number"] != nil && m["number"] == b["number"] {
				say(w, 409, map[string]any{"detail": "this number is taken"})
				return
			}
		}
		say(w, 201, map[string]any{"status": "ok", "code": 0, "data": s.add("products", who, b)})
	})
	s.mine("GET /products/{product_id}", func(w http.ResponseWriter, r *http.Request, who string) {
		if m := s.own(w, "products", r.PathValue("product_id"), who); m != nil {
			say(w, 200, m)
		}
	})
	s.mine("PATCH /products/{product_id}", func(w http.ResponseWriter, r *http.Request, who string) {
		if m := s.own(w, "products", r.PathValue("product_id"), who); m != nil {
			say(w, 200, m)
		}
	})
	s.mine("DELETE /products/{product_id}", func(w http.ResponseWriter, r *http.Request, who string) {
		if s.own(w, "products", r.PathValue("product_id"), who) != nil {
			delete(s.things, "products/"+r.PathValue("product_id"))
			w.WriteHeader(204)
		}
	})
	// An order names products in a list and pays in one of two ways; it says
	// only that it worked.
	s.mine("POST /orders", func(w http.ResponseWriter, r *http.Request, who string) {
		b := in(r)
		ids, _ := b["product_ids"].([]any)
		payment, _ := b["payment"].(map[string]any)
		if len(ids) == 0 || payment == nil || payment["kind"] != "cash" && payment["kind"] != "CardPayment" {
			say(w, 400, map[string]any{"error": "no"})
			return
		}
		for _, id := range ids {
			if s.own(w, "products", fmt.Sprint(id), who) == nil {
				return
			}
		}
		s.add("orders", who, b)
		say(w, 200, map[string]any{"ok": true})
	})
	s.mine("GET /orders", func(w http.ResponseWriter, _ *http.Request, who string) {
		all := []any{}
		for _, key := range slices.Sorted(maps.Keys(s.things)) {
			if strings.HasPrefix(key, "orders/") && s.things[key]["owner"] == who {
				all = append(all, s.things[key])
			}
		}
		say(w, 200, map[string]any{"items": all, "total": len(all)})
	})
	s.mine("GET /orders/{order_id}", func(w http.ResponseWriter, r *http.Request, who string) {
		if m := s.own(w, "orders", r.PathValue("order_id"), who); m != nil {
			say(w, 200, m)
		}
	})
	s.mine("DELETE /orders/{order_id}", func(w http.ResponseWriter, r *http.Request, who string) {
		if s.own(w, "orders", r.PathValue("order_id"), who) != nil {
			delete(s.things, "orders/"+r.PathValue("order_id"))
			w.WriteHeader(204)
		}
	})
	// PUT makes what is not there.
	s.mine("PUT /settings/{name}", func(w http.ResponseWriter, r *http.Request, who string) {
		m := in(r)
		m["owner"] = who
		s.things["settings/"+r.PathValue("name")] = m
		w.WriteHeader(204)
	})
	s.mine("GET /settings/{name}", func(w http.ResponseWriter, r *http.Request, who string) {
		if m := s.own(w, "settings", r.PathValue("name"), who); m != nil {
			say(w, 200, m)
		}
	})
	s.mine("DELETE /settings/{name}", func(w http.ResponseWriter, r *http.Request, who string) {
		if s.own(w, "settings", r.PathValue("name"), who) != nil {
			delete(s.things, "settings/"+r.PathValue("name"))
			w.WriteHeader(204)
		}
	})
	s.mux.HandleFunc("POST /uploads", func(w http.ResponseWriter, r *http.Request) {
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "multipart/form-data" || r.ParseMultipartForm(1<<20) != nil || len(r.MultipartForm.File["files"]) == 0 {
			say(w, 422, nil)
			return
		}
		say(w, 201, map[string]any{"files": []any{map[string]any{"id": 1}}})
	})
	s.mux.HandleFunc("GET /status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(r.PathValue("code"))
		if err != nil || code < 200 || code > 599 {
			say(w, 422, map[string]any{"detail": "Want 200 to 599"})
			return
		}
		w.WriteHeader(code)
	})
	s.mux.HandleFunc("GET /pages/{lang}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("lang") != "en" {
			w.WriteHeader(404)
		}
	})
	s.mux.HandleFunc("GET /out", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) })
	s.mux.HandleFunc("GET /dashboard", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) })
	s.mux.HandleFunc("GET /search", func(w http.ResponseWriter, r *http.Request) {
		if n, _ := strconv.Atoi(r.URL.Query().Get("per_page")); n < 10 {
			say(w, 400, map[string]any{"errors": []any{map[string]any{"param": "per_page", "msg": "must be at least 10"}}})
			return
		}
		say(w, 200, []any{s.n}) // differs from time to time
		s.n++
	})
	// Nobody may call this but the administrator; nothing in the document says
	// so.
	s.mine("GET /stats", func(w http.ResponseWriter, _ *http.Request, who string) {
		if who != "root@example.com" {
			w.WriteHeader(403)
		}
	})
	// A user that is not ours must not be changed.
	s.mine("POST /moderators/{moderator_id}/ban", func(http.ResponseWriter, *http.Request, string) { panic("somebody was banned") })
}

func (s *shop) accounts() {
	s.mux.HandleFunc("POST /register", func(w http.ResponseWriter, r *http.Request) {
		b := in(r)
		email := fmt.Sprint(b["email"])
		if !strings.Contains(email, "@") || len(fmt.Sprint(b["password"])) < 12 {
			say(w, 422, nil)
			return
		}
		if s.users[email] != nil {
			say(w, 409, map[string]any{"detail": "this e-mail is taken"})
			return
		}
		s.n++
		b["id"] = s.n
		s.users[email] = b
		say(w, 201, map[string]any{"id": s.n, "email": email})
	})
	s.mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		b := in(r)
		email := fmt.Sprint(b["email"])
		if s.users[email] == nil || s.users[email]["password"] != b["password"] {
			say(w, 401, nil)
			return
		}
		s.n++
		sum := sha256.Sum256([]byte(strconv.Itoa(s.n)))
		token := hex.EncodeToString(sum[:])
		s.sessions[token] = email
		say(w, 200, map[string]any{"access_token": token})
	})
	// Ends all sessions, as some do.
	s.mine("POST /logout", func(w http.ResponseWriter, _ *http.Request, who string) {
		maps.DeleteFunc(s.sessions, func(_, email string) bool { return email == who })
		w.WriteHeader(204)
	})
	s.mine("GET /me", func(w http.ResponseWriter, _ *http.Request, who string) {
		say(w, 200, map[string]any{"id": s.users[who]["id"], "email": who})
	})
	s.mine("GET /people/{email}", func(w http.ResponseWriter, r *http.Request, who string) {
		if r.PathValue("email") != who {
			w.WriteHeader(404)
		}
	})
	s.mine("PATCH /me", func(w http.ResponseWriter, r *http.Request, who string) {
		b := in(r)
		if e, ok := b["email"].(string); ok && e != who {
			s.users[e] = s.users[who]
			delete(s.users, who)
		}
		w.WriteHeader(204)
	})
	s.mine("PUT /me/password", func(w http.ResponseWriter, r *http.Request, who string) {
		b := in(r)
		if b["current_password"] != s.users[who]["password"] || b["new_password"] == b["current_password"] {
			w.WriteHeader(403)
			return
		}
		s.users[who]["password"] = b["new_password"]
		w.WriteHeader(204)
	})
	s.mine("DELETE /me", func(w http.ResponseWriter, _ *http.Request, who string) {
		delete(s.users, who)
		w.WriteHeader(204)
	})
}

// document is the shop's, with operations in a short form: METHOD /path, what
// its body must have, its body's properties, its parameters.
func (s *shop) document() string {
	const str, num = `{"type": "string"}`, `{"type": "integer"}`
	param := func(in, name, schema string) string {
		return fmt.Sprintf(`{"name": %q, "in": %q, "required": %v, "schema": %s}`, name, in, in == "path", schema)
	}
	type op struct{ name, required, properties, params string }
	open := []string{"POST /register", "POST /login", "POST /uploads", "GET /status/{code}", "GET /pages/{lang}", "GET /out", "GET /dashboard", "GET /search"}
	ops := []op{
		{"POST /register", `"email", "password"`, `"email": {"type": "string", "format": "email"}, "password": ` + str, ""},
		{"POST /login", `"email", "password"`, `"email": ` + str + `, "password": ` + str, ""},
		{"POST /logout", "", "", ""},
		{"GET /me", "", "", ""}, {"DELETE /me", "", "", ""}, {"GET /people/{email}", "", "", param("path", "email", str)},
		{"PATCH /me", "", `"email": ` + str + `, "name": ` + str, ""},
		{"PUT /me/password", `"current_password", "new_password"`, `"current_password": ` + str + `, "new_password": ` + str, ""},
		{"POST /category", `"name", "stock"`, `"name": ` + str + `, "stock": ` + num, ""},
		{"GET /categories/{id}", "", "", param("path", "id", num)}, {"DELETE /categories/{id}", "", "", param("path", "id", num)},
		{"POST /products", `"category_id", "number"`, `"category_id": ` + num + `, "number": ` + num + `, "title": ` + str, ""},
		{"GET /products/{product_id}", "", "", param("path", "product_id", num)},
		{"PATCH /products/{product_id}", "", `"title": ` + str, param("path", "product_id", num)},
		{"DELETE /products/{product_id}", "", "", param("path", "product_id", num)},
		{"POST /orders", `"product_ids", "payment"`, `"product_ids": {"type": "array", "items": ` + num + `}, "note": ` + str + `,
			"payment": {"oneOf": [{"$ref": "#/components/schemas/CardPayment"}, {"$ref": "#/components/schemas/CashPayment"}], "discriminator": {"propertyName": "kind", "mapping": {"cash": "#/components/schemas/CashPayment"}}}`, ""},
		{"GET /orders", "", "", param("query", "offset", num)},
		{"GET /orders/{order_id}", "", "", param("path", "order_id", num)}, {"DELETE /orders/{order_id}", "", "", param("path", "order_id", num)},
		{"PUT /settings/{name}", "", `"value": ` + str, param("path", "name", str)},
		{"GET /settings/{name}", "", "", param("path", "name", str)}, {"DELETE /settings/{name}", "", "", param("path", "name", str)},
		{"POST /uploads", "", "", ""},
		{"GET /status/{code}", "", "", param("path", "code", num)}, {"GET /pages/{lang}", "", "", param("path", "lang", str)},
		{"GET /out", "", "", param("query", "to", str)}, {"GET /dashboard", "", "", ""},
		{"GET /search", "", "", param("query", "per_page", num) + "," + param("query", "q", str)},
		{"GET /stats", "", "", ""},
		{"POST /moderators/{moderator_id}/ban", "", "", param("path", "moderator_id", num)},
	}
	paths := map[string][]string{}
	for _, o := range ops {
		method, path, _ := strings.Cut(o.name, " ")
		text := fmt.Sprintf(`%q: {"responses": {"200": {}}, "parameters": [%s]`, strings.ToLower(method), o.params)
		if slices.Contains(open, o.name) {
			text += `, "security": []`
		}
		if o.properties != "" {
			text += fmt.Sprintf(`, "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "required": [%s], "properties": {%s}}}}}`, o.required, o.properties)
		}
		if path == "/uploads" {
			text += `, "requestBody": {"content": {"multipart/form-data": {"schema": {"type": "object", "required": ["files"], "properties": {"files": {"type": "array", "items": {"type": "string", "contentMediaType": "application/octet-stream"}}, "note": {"type": "string", "default": ""}}}}}}`
		}
		paths[path] = append(paths[path], text+"}")
	}
	var all []string
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		all = append(all, fmt.Sprintf("%q: {%s}", path, strings.Join(paths[path], ",")))
	}
	return `{"openapi": "3.1.0", "info": {"title": "Shop"}, "security": [{"b": []}], "paths": {` + strings.Join(all, ",") + `},
		"components": {"securitySchemes": {"b": {"type": "http", "scheme": "bearer"}}, "schemas": {
			"CardPayment": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}, "number": {"type": "string"}}},
			"CashPayment": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}}}}}`
}
