package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/fieldcrypt"
	"github.com/pavise-dev/pavise/pavisetest"
	"github.com/pavise-dev/pavise/secret"
)

// api is the running service, behind its policy.
type api struct {
	url  string
	conf config
	db   string
}

func start(t *testing.T) *api {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orders.db")
	a := startOn(t, "sqlite:"+path)
	a.db = path
	return a
}

func startOn(t *testing.T, database string) *api {
	t.Helper()
	k, err := fieldcrypt.NewKey(fieldcrypt.V1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ring, err := fieldcrypt.NewRing(k)
	if err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(t.Context(), []string{"APP_SECRET_KEY=" + secret.URLSafe(32).Expose(), "APP_RING=" + ring.Text().Expose(), "APP_DATABASE_URL=" + database})
	if err != nil {
		t.Fatal(err)
	}
	handler, closeDB, err := newService(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := pavise.Parse(policyText)
	if err != nil {
		t.Fatal(err)
	}
	guard, err := pavise.NewWith(policy, pavise.Options{ErrorLog: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := guard.Server(handler)
	go srv.Serve(guard.Listener(l))
	t.Cleanup(func() {
		srv.Close()
		closeDB()
	})
	return &api{url: "http://" + l.Addr().String(), conf: c}
}

// call sends JSON, and returns the status, the header and the body.
func (a *api) call(t *testing.T, method, path, token string, body any) (int, http.Header, string) {
	t.Helper()
	var r io.Reader
	if body != nil {
		if s, ok := body.(string); ok {
			r = strings.NewReader(s)
		} else {
			data, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			r = bytes.NewReader(data)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, a.url+path, r)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return send(t, req)
}

func send(t *testing.T, req *http.Request) (int, http.Header, string) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

const password = "a quay with sorrel"

// user signs somebody up and in, and returns the token.
func (a *api) user(t *testing.T, name string) string {
	t.Helper()
	c := map[string]string{"email": name + "@example.com", "password": password, "name": name}
	if status, _, text := a.call(t, "POST", "/api/signup", "", c); status != http.StatusCreated {
		t.Fatalf("sign-up: %d %s", status, text)
	}
	delete(c, "name")
	status, _, text := a.call(t, "POST", "/api/login", "", c)
	var got struct{ Token string }
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != http.StatusOK {
		t.Fatalf("login: %d %s", status, text)
	}
	return got.Token
}

// TestSettings: without its secrets the service does not start, and with those
// of an example neither.
func TestSettings(t *testing.T) {
	for want, environ := range map[string][]string{
		"APP_SECRET_KEY":   {"APP_RING=x"},
		"APP_RING":         {"APP_SECRET_KEY=" + secret.URLSafe(32).Expose()},
		"is a placeholder": {"APP_RING=x", "APP_SECRET_KEY=change-me-in-production-0123456789"},
		"a key needs 32":   {"APP_RING=x", "APP_SECRET_KEY=c2hvcnQ"},
	} {
		if _, err := loadConfig(t.Context(), environ); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	c, err := loadConfig(t.Context(), []string{"APP_RING=nonsense-that-is-no-ring", "APP_SECRET_KEY=" + secret.URLSafe(32).Expose()})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := newService(t.Context(), c); err == nil || strings.Contains(err.Error(), "nonsense") {
		t.Errorf("%v", err)
	}
}

// TestAuthentication: no token, a malformed, an expired, another's key's, a
// tampered one, and one of no algorithm are all 401 with WWW-Authenticate.
func TestAuthentication(t *testing.T) {
	a := start(t)
	good := a.user(t, "anne")
	if status, _, text := a.call(t, "GET", "/api/profile", good, nil); status != http.StatusOK || !strings.Contains(text, "anne@example.com") {
		t.Fatalf("%d %s", status, text)
	}
	made := func(key secret.String, at time.Time) string {
		tk, err := newTokens(key, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		tk.now = func() time.Time { return at }
		token, err := tk.issue("1")
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	parts := strings.Split(good, ".")
	none := "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + parts[1] + "."
	for name, token := range map[string]string{
		"missing": "", "malformed": "not.a.token", "empty parts": "..", "long": strings.Repeat("a", 5000),
		"expired": made(a.conf.SecretKey, time.Now().Add(-time.Hour)), "not yet valid": made(a.conf.SecretKey, time.Now().Add(time.Hour)),
		"of another key": made(secret.URLSafe(32), time.Now()), "unsigned": none, "without a signature": parts[0] + "." + parts[1] + ".",
		"tampered": parts[0] + "." + strings.Replace(parts[1], parts[1][10:12], "AA", 1) + "." + parts[2],
	} {
		status, h, text := a.call(t, "GET", "/api/profile", token, nil)
		if status != http.StatusUnauthorized || !strings.HasPrefix(h.Get("WWW-Authenticate"), "Bearer") || strings.Contains(text, "anne") {
			t.Errorf("%s: %d %v %s", name, status, h["Www-Authenticate"], text)
		}
	}
}

// TestLogin: a wrong password and an unknown name are answered alike; hashes of
// other schemes move on at the first login.
func TestLogin(t *testing.T) {
	a := start(t)
	a.user(t, "anne")
	_, _, wrong := a.call(t, "POST", "/api/login", "", map[string]string{"email": "anne@example.com", "password": "another one"})
	status, _, unknown := a.call(t, "POST", "/api/login", "", map[string]string{"email": "nobody@example.com", "password": "another one"})
	if wrong != unknown || status != http.StatusUnauthorized {
		t.Errorf("%d: %s and %s", status, wrong, unknown)
	}
	db, err := sql.Open("sqlite", "file:"+a.db)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	old, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for id, hash := range []string{
		string(old),
		"$pbkdf2-sha256$1000$c2FsdHNhbHQ$" + pbkdf2OfPassword,
	} {
		email := fmt.Sprintf("old%d@example.com", id)
		if _, err := db.Exec("INSERT INTO users (id, email, hash, name) VALUES (?, ?, ?, 'old')", 100+id, email, hash); err != nil {
			t.Fatal(err)
		}
		c := map[string]string{"email": email, "password": password}
		for range 2 {
			if status, _, text := a.call(t, "POST", "/api/login", "", c); status != http.StatusOK {
				t.Fatalf("%s: %d %s", email, status, text)
			}
		}
		var now string
		if err := db.QueryRow("SELECT hash FROM users WHERE email = ?", email).Scan(&now); err != nil || !strings.HasPrefix(now, "$argon2id$v=19$m=65536,t=3,p=4$") {
			t.Errorf("%s is stored, %v", now, err)
		}
	}
}

// TestPasswordRules: every reason, and not the password.
func TestPasswordRules(t *testing.T) {
	a := start(t)
	for password, want := range map[string]string{"short": "needs 15 characters", "correct horse battery staple": "tried first", "anne@example.com": "little more than"} {
		status, _, text := a.call(t, "POST", "/api/signup", "", map[string]string{"email": "anne@example.com", "password": password})
		if status != http.StatusUnprocessableEntity || !strings.Contains(text, want) {
			t.Errorf("%q: %d %s", password, status, text)
		}
	}
	a.user(t, "anne")
	if status, _, _ := a.call(t, "POST", "/api/signup", "", map[string]string{"email": "anne@example.com", "password": password}); status != http.StatusConflict {
		t.Errorf("signed up twice: %d", status)
	}
}

// TestSealed: what is in the database is not what was written, and does not
// open in another user's row.
func TestSealed(t *testing.T) {
	a := start(t)
	anne, bob := a.user(t, "anne"), a.user(t, "bob")
	if status, _, text := a.call(t, "PUT", "/api/profile", anne, map[string]any{"ssn": "078-05-1120", "tax_id": nil}); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, text)
	}
	if _, _, text := a.call(t, "GET", "/api/profile", anne, nil); !strings.Contains(text, `"ssn":"078-05-1120","tax_id":null`) {
		t.Errorf("%s", text)
	}
	db, err := sql.Open("sqlite", "file:"+a.db)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var stored string
	if err := db.QueryRow("SELECT ssn FROM users WHERE id = 1").Scan(&stored); err != nil || !strings.HasPrefix(stored, "pv1.") || strings.Contains(stored, "078") {
		t.Errorf("%q is stored, %v", stored, err)
	}
	if _, err := db.Exec("UPDATE users SET ssn = ? WHERE id = 2", stored); err != nil {
		t.Fatal(err)
	}
	if status, _, text := a.call(t, "GET", "/api/profile", bob, nil); status != http.StatusInternalServerError || strings.Contains(text, "078") {
		t.Errorf("another's value opens: %d %s", status, text)
	}
}

// TestOthersOrders: another user's order is a 404 like one that is not there.
func TestOthersOrders(t *testing.T) {
	a := start(t)
	anne, bob := a.user(t, "anne"), a.user(t, "bob")
	if status, _, text := a.call(t, "POST", "/api/orders", anne, map[string]any{"item": "lamp", "quantity": 2}); status != http.StatusCreated {
		t.Fatalf("%d %s", status, text)
	}
	if status, _, text := a.call(t, "GET", "/api/orders/1", anne, nil); status != http.StatusOK || !strings.Contains(text, "lamp") {
		t.Errorf("%d %s", status, text)
	}
	s1, _, others := a.call(t, "GET", "/api/orders/1", bob, nil)
	s2, _, none := a.call(t, "GET", "/api/orders/999", bob, nil)
	s3, _, odd := a.call(t, "GET", "/api/orders/x", bob, nil)
	if s1 != http.StatusNotFound || s2 != s1 || s3 != s1 || others != none || odd != none {
		t.Errorf("%d %s, %d %s and %d %s", s1, others, s2, none, s3, odd)
	}
	if _, _, text := a.call(t, "GET", "/api/orders", bob, nil); strings.TrimSpace(text) != "[]" {
		t.Errorf("another's list: %s", text)
	}
}

// TestInjection: SQL in a search finds nothing, and breaks nothing.
func TestInjection(t *testing.T) {
	a := start(t)
	anne := a.user(t, "anne")
	for query, want := range map[string]string{
		"nn": `["anne"]`, "%25": "[]", "_": "[]", "'%20OR%20'1'%3D'1": "[]", "x'%20UNION%20SELECT%20hash%20FROM%20users--": "[]", "%5C": "[]",
	} {
		if status, _, text := a.call(t, "GET", "/api/users?name="+query, anne, nil); status != http.StatusOK || strings.TrimSpace(text) != want {
			t.Errorf("%s: %d %s", query, status, text)
		}
	}
}

// TestMarkup: what people write never comes back as markup.
func TestMarkup(t *testing.T) {
	a := start(t)
	anne := a.user(t, "anne")
	for _, text := range []string{"<script>alert(1)</script>fine", `<img src=x onerror=alert(1)>`, `<a href="javascript:alert(1)">x</a>`} {
		if status, _, body := a.call(t, "POST", "/api/comments", anne, map[string]string{"text": text}); status != http.StatusNoContent {
			t.Fatalf("%d %s", status, body)
		}
	}
	_, h, text := a.call(t, "GET", "/api/comments", anne, nil)
	if strings.Contains(text, "<") || strings.Contains(text, "script") || strings.Contains(text, "onerror") || !strings.Contains(text, "fine") || !strings.HasPrefix(h.Get("Content-Type"), "application/json") {
		t.Errorf("%s %s", h.Get("Content-Type"), text)
	}
}

// TestBodies: types, sizes, unknown fields and coercions.
func TestBodies(t *testing.T) {
	a := start(t)
	anne := a.user(t, "anne")
	for body, want := range map[string]int{
		`{"item":"lamp","quantity":1,"owner":2}`:  http.StatusUnprocessableEntity, // mass assignment
		`{"item":"lamp","quantity":"1"}`:          http.StatusUnprocessableEntity, // coercion
		`{"item":"lamp","quantity":0}`:            http.StatusUnprocessableEntity,
		`{"item":"lamp","item":"x","quantity":1}`: http.StatusBadRequest, // duplicate keys
		`{"item":"lamp"`:                          http.StatusBadRequest,
	} {
		if status, _, text := a.call(t, "POST", "/api/orders", anne, body); status != want {
			t.Errorf("%s: %d %s, want %d", body, status, text, want)
		}
	}
	upload := func(typ string, size int, chunked bool) int {
		var r io.Reader = bytes.NewReader(make([]byte, size))
		if chunked {
			r = io.MultiReader(r)
		}
		req, err := http.NewRequestWithContext(t.Context(), "POST", a.url+"/api/uploads", r)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", typ)
		req.Header.Set("Authorization", "Bearer "+anne)
		status, _, _ := send(t, req)
		return status
	}
	for _, c := range []struct {
		typ     string
		size    int
		chunked bool
		want    int
	}{
		{"application/octet-stream", 64 << 10, false, 200}, {"application/octet-stream", 64<<10 + 1, false, 413},
		{"application/octet-stream", 64<<10 + 1, true, 413}, {"text/plain", 10, false, 415}, {"application/json", 10, false, 415},
	} {
		if got := upload(c.typ, c.size, c.chunked); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// TestDocsAndErrors: the documentation is closed, methods are checked, and what
// is not there says nothing.
func TestDocsAndErrors(t *testing.T) {
	a := start(t)
	for path, want := range map[string]int{"/openapi.json": 404, "/docs": 404, "/nosuch": 404, "/healthz": 200} {
		status, h, _ := a.call(t, "GET", path, "", nil)
		if status != want || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") == "" || h.Get("Server") != "" {
			t.Errorf("%s: %d %v", path, status, h)
		}
	}
	if status, _, _ := a.call(t, "DELETE", "/api/orders", "", nil); status != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", status)
	}
	var doc struct{ OpenAPI string }
	if err := json.Unmarshal(openAPI, &doc); err != nil || doc.OpenAPI != "3.1.0" {
		t.Errorf("%v, %v", doc, err)
	}
}

// TestPromises: all that the policy promises is kept.
func TestPromises(t *testing.T) {
	policy, err := pavise.Parse(policyText)
	if err != nil {
		t.Fatal(err)
	}
	guard, err := pavise.NewWith(policy, pavise.Options{ErrorLog: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s := &service{}
	pavisetest.Keeps(t, guard.Wrap(s.routes()), policy)
}

// pbkdf2OfPassword is what passlib makes of the password, with the salt
// "saltsalt" and 1,000 rounds.
const pbkdf2OfPassword = "mlqNzy6qN8/sRQ1FHbTvY4QMJ7gXbqT2WAbDIdmEg3Q"
