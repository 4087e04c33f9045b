package probe

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// shop is an API without a document. Whose order it is, is not asked.
func shop() http.Handler {
	mux := http.NewServeMux()
	write := func(w http.ResponseWriter, status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	users := map[string]string{"Bearer token-of-alice-1": "alice", "Bearer token-of-bob-2": "bob"}
	orders := map[string]map[string]any{}
	in := func(h func(w http.ResponseWriter, r *http.Request, user string)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			user := users[r.Header.Get("Authorization")]
			if user == "" {
				w.Header().Set("WWW-Authenticate", "Bearer")
				write(w, 401, map[string]string{"detail": "who is there"})
				return
			}
			h(w, r, user)
		}
	}
	mux.HandleFunc("GET /orders", in(func(w http.ResponseWriter, _ *http.Request, user string) {
		list := []any{}
		for _, o := range orders {
			if o["owner"] == user {
				list = append(list, o)
			}
		}
		write(w, 200, list)
	}))
	mux.HandleFunc("POST /orders", in(func(w http.ResponseWriter, r *http.Request, user string) {
		var o struct {
			Item string `json:"item"`
			N    int    `json:"n"`
		}
		if json.NewDecoder(r.Body).Decode(&o) != nil || o.Item == "" {
			write(w, 422, map[string]string{"detail": "item"})
			return
		}
		id := string(rune('1'+len(orders)%9)) + strings.Repeat("0", 1+len(orders)/9)
		orders[id] = map[string]any{"id": id, "item": o.Item, "n": o.N, "owner": user}
		write(w, 201, orders[id])
	}))
	mux.HandleFunc("GET /orders/{id}", in(func(w http.ResponseWriter, r *http.Request, _ string) {
		o := orders[r.PathValue("id")]
		if o == nil {
			write(w, 404, map[string]string{"detail": "no such order"})
			return
		}
		write(w, 200, o)
	}))
	mux.HandleFunc("DELETE /orders/{id}", in(func(w http.ResponseWriter, r *http.Request, user string) {
		if o := orders[r.PathValue("id")]; o == nil || o["owner"] != user {
			write(w, 404, map[string]string{"detail": "no such order"})
			return
		}
		delete(orders, r.PathValue("id"))
		w.WriteHeader(204)
	}))
	mux.HandleFunc("GET /products", func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, []map[string]string{{"id": "chair"}, {"id": "table"}})
	})
	mux.HandleFunc("GET /internal/totals", func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, map[string]int{"orders": len(orders), "total": 7})
	})
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if _, pattern := mux.Handler(r); pattern == "" {
			write(w, 404, map[string]string{"detail": "not found"})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func token(name, value string) User {
	return User{Name: name, Header: http.Header{"Authorization": {"Bearer " + value}}}
}

// TestRecordAndReplay: what was recorded through the proxy is enough to find
// that another's order can be read, and what the source has beside.
func TestRecordAndReplay(t *testing.T) {
	up := httptest.NewServer(shop())
	defer up.Close()
	rec, err := NewRecorder(up.URL, false)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(rec)
	defer front.Close()
	for _, c := range [][3]string{{"POST", "/orders", `{"item":"chair","n":1}`}, {"POST", "/orders", `{"item":"table","n":2}`}, {"GET", "/orders", ""}, {"GET", "/orders/10", ""}, {"GET", "/orders/20", ""}, {"GET", "/products", ""}, {"DELETE", "/orders/20", ""}} {
		req, err := http.NewRequestWithContext(t.Context(), c[0], front.URL+c[1], strings.NewReader(c[2]))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer token-of-alice-1")
		if c[2] != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	archive, err := rec.Archive("test")
	if err != nil {
		t.Fatal(err)
	}
	made, err := FromHAR(archive, up.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(made.Document), "token-of-alice") || made.Operations != 5 {
		t.Fatalf("%d operations\n%s", made.Operations, made.Document)
	}
	report, err := API(t.Context(), APIOptions{
		URL: up.URL, Only: []string{"bola-*", "unlisted-*", "anonymous-refused"}, Description: made.Document, Users: []User{token("alice", "token-of-alice-1"), token("bob", "token-of-bob-2")},
		Routes: []Route{{Path: "/internal/totals", Where: "main.go:70"}, {Method: "GET", Path: "/orders/{order}"}, {Method: "POST", Path: "/internal/reset"}, {Method: "GET", Path: "/elsewhere"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if report.Covered != 5 || report.Operations != 5 {
		t.Errorf("%d of %d operations are covered: %v", report.Covered, report.Operations, report.Uncovered)
	}
	verdict := func(verdict, check, operation string) bool {
		return slices.ContainsFunc(report.Results, func(r APIResult) bool {
			return r.Verdict == verdict && strings.HasPrefix(r.Check, check) && r.Operation == operation
		})
	}
	for _, want := range [][2]string{{"probe/bola-", "GET /orders/{id}"}, {"probe/unlisted-operations", "GET /internal/totals"}} {
		if !verdict("fail", want[0], want[1]) {
			t.Errorf("%s of %s did not fail", want[0], want[1])
		}
	}
	// That credentials were sent does not say that they are needed.
	if verdict("fail", "probe/anonymous-refused", "GET /products") || !verdict("suspect", "probe/anonymous-refused", "GET /products") || !verdict("pass", "probe/anonymous-refused", "GET /orders") {
		t.Error("what is public is taken for what is private, or the other way round")
	}
	for _, r := range report.Results {
		if strings.Contains(r.Operation, "/internal/reset") || strings.Contains(r.Got+r.Reason+strings.Join(r.Steps, " "), "token-of-alice") {
			t.Errorf("%+v", r)
		}
	}
	if notes := strings.Join(report.Notes, "\n"); !strings.Contains(notes, "2 routes of the source are in no operation") || !strings.Contains(notes, "1 routes of the source were not asked for") {
		t.Errorf("notes: %s", notes)
	}
	if report.Left != 0 {
		t.Errorf("%d objects are left", report.Left)
	}
}

func TestRecorderOptions(t *testing.T) {
	for _, u := range []string{"", "ftp://a", "http://u:p@127.0.0.1", "http://127.0.0.1/api", "http://127.0.0.1/?x"} {
		if _, err := NewRecorder(u, false); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", u, err)
		}
	}
	if _, err := FromHAR([]byte("{}"), "127.0.0.1:8000", nil); !errors.Is(err, ErrOptions) {
		t.Errorf("%v", err)
	}
}
