package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // the database that statements are put together for
)

// service is the API: accounts, products and reviews are in a database, and
// what users make is in maps.
type service struct {
	db *sql.DB

	mu      sync.Mutex
	last    int
	objects map[string][]object
	codes   map[string]string // of forgotten passwords, by address
}

// object is something that a user made.
type object map[string]any

func (o object) id() int       { n, _ := o["id"].(int); return n }
func (o object) owner() string { s, _ := o["owner_id"].(string); return s }

func newService() (*service, error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each connection has a memory of its own
	s := &service{db: db, objects: map[string][]object{}, codes: map[string]string{}, last: 100}
	for _, statement := range []string{
		`CREATE TABLE accounts (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, password TEXT, hash TEXT, role TEXT DEFAULT 'user')`,
		`CREATE TABLE products (id INTEGER PRIMARY KEY, sku TEXT, name TEXT, price INTEGER, cost INTEGER)`,
		`CREATE TABLE reviews (id INTEGER PRIMARY KEY, product INTEGER, text TEXT)`,
		`CREATE TABLE coupons (code TEXT, percent INTEGER)`,
		`CREATE TABLE books (isbn TEXT, title TEXT)`,
		`INSERT INTO accounts (email, name, password, hash, role) VALUES ('root@example.com', 'Root', 'Zx9-unguessed-by-lists', '$2b$12$KIXQJ0cP0vS1yYcZ8n1f9uV4e5wqv1r0mO2kq3zq9bX7t6yH8dJ2K', 'admin'), ('admin@example.com', 'Admin', 'admin', '$2b$12$KIXQJ0cP0vS1yYcZ8n1f9uV4e5wqv1r0mO2kq3zq9bX7t6yH8dJ3L', 'admin')`,
		`INSERT INTO products (sku, name, price, cost) VALUES ('lamp-1', 'Lamp', 40, 11), ('desk-1', 'Desk', 220, 96), ('chair-2', 'Chair', 90, 31)`,
		`INSERT INTO reviews (product, text) VALUES (1, 'Bright.'), (1, 'Too bright.'), (2, 'Wobbles.'), (3, 'Soft.')`,
		`INSERT INTO coupons VALUES ('SPRING', 5), ('STAFF-ONLY', 90), ('PRESS', 50)`,
		`INSERT INTO books VALUES ('9780000000017', 'A Quay'), ('9780000000024', 'Sorrel'), ('9780000000031', 'Tides')`,
	} {
		if _, err := db.Exec(statement); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *service) add(kind string, o object) object {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	o["id"] = s.last
	s.objects[kind] = append(s.objects[kind], o)
	return maps.Clone(o)
}

func (s *service) all(kind string) []object {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []object{}
	for _, o := range s.objects[kind] {
		out = append(out, maps.Clone(o))
	}
	return out
}

func (s *service) of(kind, owner string) []object {
	return slices.DeleteFunc(s.all(kind), func(o object) bool { return o.owner() != owner })
}

// find finds an object by the id that a path names.
func (s *service) find(kind, id string) (object, bool) {
	n, err := strconv.Atoi(id)
	if err != nil {
		return nil, false
	}
	all := s.all(kind)
	i := slices.IndexFunc(all, func(o object) bool { return o.id() == n })
	if i < 0 {
		return nil, false
	}
	return all[i], true
}

func (s *service) change(kind string, id int, members object) object {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.objects[kind] {
		if o.id() == id {
			maps.Copy(o, members)
			return maps.Clone(o)
		}
	}
	return nil
}

func (s *service) remove(kind string, id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[kind] = slices.DeleteFunc(s.objects[kind], func(o object) bool { return o.id() == id })
}

// A route is an operation, with what the document says of it.
type route struct {
	name    string // METHOD /path
	summary string
	secured bool
	query   []any
	body    any
	kind    string // of the body; JSON when it is empty
	answer  any    // the schema of 200
	html    bool
	// sound tells that the operation is well made: whatever a probe finds there
	// is not so.
	sound  bool
	handle http.HandlerFunc
}

func (r route) split() (method, path string) {
	method, path, _ = strings.Cut(r.name, " ")
	return method, path
}

type m = map[string]any

func text(max int) m {
	if max == 0 {
		return m{"type": "string"}
	}
	return m{"type": "string", "minLength": 1, "maxLength": max}
}

func whole(low, high int) m { return m{"type": "integer", "minimum": low, "maximum": high} }

func one(of ...any) m { return m{"type": "string", "enum": of} }

// fields is an object whose members are named in turn; ? begins the name of
// one that may be left out.
func fields(of ...any) m {
	properties, required := m{}, []any{}
	for i := 0; i+1 < len(of); i += 2 {
		name := of[i].(string)
		if short, ok := strings.CutPrefix(name, "?"); ok {
			name = short
		} else {
			required = append(required, name)
		}
		properties[name] = of[i+1]
	}
	return m{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

func list(of any) m { return m{"type": "array", "items": of} }

func query(name string, schema any) m { return m{"name": name, "in": "query", "schema": schema} }

// document is the OpenAPI document of some routes.
func document(routes []route) []byte {
	paths := m{}
	for _, r := range routes {
		method, path := r.split()
		item, _ := paths[path].(m)
		if item == nil {
			item = m{}
			paths[path] = item
		}
		params := slices.Clone(r.query)
		for rest := path; ; {
			_, after, ok := strings.Cut(rest, "{")
			if !ok {
				break
			}
			name, tail, _ := strings.Cut(after, "}")
			schema := m{"type": "integer"}
			if slices.Contains([]string{"sku", "isbn", "name", "file", "document_id"}, name) {
				schema = m{"type": "string"}
			}
			params = append(params, m{"name": name, "in": "path", "required": true, "schema": schema})
			rest = tail
		}
		ok := m{"description": "done"}
		switch {
		case r.html:
			ok["content"] = m{"text/html": m{}}
		case r.answer != nil:
			ok["content"] = m{"application/json": m{"schema": r.answer}}
		}
		op := m{"summary": r.summary, "responses": m{"200": ok, "default": m{"description": "refused"}}, "security": []any{}}
		if len(params) > 0 {
			op["parameters"] = params
		}
		if r.secured {
			op["security"] = []any{m{"bearer": []any{}}, m{"session": []any{}}}
		}
		if r.body != nil {
			kind := r.kind
			if kind == "" {
				kind = "application/json"
			}
			op["requestBody"] = m{"required": true, "content": m{kind: m{"schema": r.body}}}
		}
		item[strings.ToLower(method)] = op
	}
	doc, err := json.MarshalIndent(m{
		"openapi": "3.1.0", "info": m{"title": "Vulnerable on purpose", "version": "1"}, "paths": paths,
		"components": m{"securitySchemes": m{
			"bearer":  m{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
			"session": m{"type": "apiKey", "in": "cookie", "name": "session"},
		}},
	}, "", "  ")
	if err != nil {
		panic(err) // maps of texts can be encoded
	}
	return doc
}

// routes are all operations of the document.
func (s *service) routes() []route { return slices.Concat(s.weak(), s.hard(), s.sound()) }

// handler serves the flawed operations as they are, and the sound ones behind
// what a well-made API has in front.
func (s *service) handler() http.Handler {
	weak, sound := http.NewServeMux(), http.NewServeMux()
	soundPaths := map[string]bool{}
	for _, r := range s.routes() {
		if _, path := r.split(); r.sound {
			sound.HandleFunc(r.name, r.handle)
			soundPaths[path] = true
		} else {
			weak.HandleFunc(r.name, r.handle)
		}
	}
	s.hidden(weak)
	behind := guard(sound)
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := sound.Handler(r); pattern == "" { // 405: nobody reads what came with it
			r = r.Clone(r.Context()) // the server's own is the server's
			r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, 0, nil
			r.Header.Del("Content-Type")
		}
		behind.ServeHTTP(w, r)
	})
	root := http.NewServeMux()
	for path := range soundPaths {
		root.Handle(path, guarded)
	}
	root.Handle("/", careless(weak))
	return root
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever asked may hang up
}

func refuse(w http.ResponseWriter, status int, format string, args ...any) {
	answer(w, status, m{"error": fmt.Sprintf(format, args...)})
}
