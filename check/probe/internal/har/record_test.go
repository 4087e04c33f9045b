package har

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
)

func api() http.Handler {
	mux := http.NewServeMux()
	write := func(w http.ResponseWriter, status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "sessionid", Value: cookieValue})
		write(w, 200, map[string]string{"access_token": bearerToken})
	})
	mux.HandleFunc("POST /form", func(w http.ResponseWriter, r *http.Request) {
		write(w, 200, map[string]string{"was": r.FormValue("password")})
	})
	mux.HandleFunc("POST /notes", func(w http.ResponseWriter, r *http.Request) {
		var body any
		_ = json.NewDecoder(r.Body).Decode(&body)
		write(w, 201, map[string]any{"id": 7, "sent": body, "seen": r.Header.Get("Authorization")})
	})
	mux.HandleFunc("GET /notes/{id}", func(w http.ResponseWriter, r *http.Request) { write(w, 200, map[string]any{"id": 7}) })
	mux.HandleFunc("GET /moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.Host+"/notes/7?token="+resetToken, http.StatusFound)
	})
	mux.HandleFunc("GET /big", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 3<<20))
	})
	return mux
}

func TestRecord(t *testing.T) {
	up := httptest.NewServer(api())
	defer up.Close()
	rec := NewRecorder(target(t, up.URL), nil)
	front := httptest.NewServer(rec)
	defer front.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	send := func(method, path, kind, body string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, front.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+bearerToken)
		req.Header.Set("X-API-Key", apiKey)
		req.Header.Set("Cookie", "sessionid="+cookieValue)
		if kind != "" {
			req.Header.Set("Content-Type", kind)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(data)
	}
	// What passes is not changed.
	if _, body := send("POST", "/login", "application/json", `{"email":"alice@example.com","password":"`+password+`"}`); !strings.Contains(body, bearerToken) {
		t.Errorf("the client got %s", body)
	}
	send("POST", "/form", "application/x-www-form-urlencoded", "user=alice&password="+strings.ReplaceAll(password, " ", "+"))
	if _, body := send("POST", "/notes", "application/json", `{"text":"say `+password+` to enter","done":false}`); !strings.Contains(body, "Bearer "+bearerToken) {
		t.Errorf("the client got %s", body)
	}
	send("GET", "/notes/7?api_key="+apiKey, "", "")
	if res, _ := send("GET", "/moved", "", ""); res.Header.Get("Location") != "/notes/7?token="+resetToken {
		t.Errorf("redirected to %s", res.Header.Get("Location"))
	}
	if _, body := send("GET", "/big", "", ""); len(body) != 3<<20 {
		t.Errorf("%d bytes of a large body came", len(body))
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			res, err := client.Get(front.URL + "/notes/7")
			if err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
	wg.Wait()
	if kept, lost := rec.Count(); kept != 14 || lost != 0 {
		t.Errorf("%d are kept, %d lost", kept, lost)
	}
	archive, err := rec.Archive("test")
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{bearerToken, password, strings.ReplaceAll(password, " ", "+"), cookieValue, apiKey, resetToken} {
		if strings.Contains(string(archive), secret) {
			t.Errorf("%s is in the archive\n%s", secret, archive)
		}
	}
	if len(archive) > 1<<20 {
		t.Errorf("the archive is of %d bytes", len(archive))
	}
	r, err := Read(archive, Options{Target: target(t, up.URL)})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi.Parse(r.Document)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*openapi.Operation{}
	for _, op := range doc.Operations {
		found[op.Name()] = op
	}
	for _, name := range []string{"POST /login", "POST /form", "POST /notes", "GET /notes/{id}", "GET /moved"} {
		if found[name] == nil {
			t.Errorf("no %s in\n%s", name, r.Document)
		}
	}
	if op := found["POST /notes"]; op != nil && (!op.Secured() || op.JSON() == nil || op.JSON().Schema.Property("text") == nil) {
		t.Errorf("%s", r.Document)
	}
	if strings.Contains(string(r.Document), Removed) {
		t.Errorf("a placeholder is in\n%s", r.Document)
	}
}

// TestRecordForThisMachine: a page of somebody's, whose name leads here, is not
// served with what the API trusts this machine for.
func TestRecordForThisMachine(t *testing.T) {
	up := httptest.NewServer(api())
	defer up.Close()
	rec := NewRecorder(target(t, up.URL), nil)
	for host, want := range map[string]int{"evil.example": 421, "127.0.0.1:8081": 200, "localhost:8081": 200, "[::1]:8081": 200} {
		req := httptest.NewRequest("GET", "http://"+host+"/notes/7", nil)
		w := httptest.NewRecorder()
		rec.ServeHTTP(w, req)
		if w.Code != want {
			t.Errorf("%s: %d", host, w.Code)
		}
	}
	up.Close()
	w := httptest.NewRecorder()
	rec.ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1/notes/7", nil))
	if w.Code != 502 {
		t.Errorf("an API that is gone: %d", w.Code)
	}
}
