package authentication

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// TestFixation: a login begins a session of its own.
func TestFixation(t *testing.T) {
	const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"components":{"securitySchemes":{"c":{"type":"apiKey","in":"cookie","name":"sid"}}},"paths":{
"/login":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["username","password"],"properties":{"username":{"type":"string"},"password":{"type":"string"}}}}}},"responses":{}}},
"/me":{"get":{"security":[{"c":[]}],"responses":{}}}}}`
	for name, adopts := range map[string]bool{"the client's": true, "its own": false} {
		sessions, n := map[string]string{}, 0
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sid := ""
			if c, err := r.Cookie("sid"); err == nil {
				sid = c.Value
			}
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == "/login" {
				var in struct{ Username, Password string }
				if json.NewDecoder(r.Body).Decode(&in) != nil || in.Password != "pw" {
					w.WriteHeader(401)
					return
				}
				if !adopts || len(sid) < 16 {
					n++
					sid = fmt.Sprintf("session-%024d", n)
				}
				sessions[sid] = in.Username
				http.SetCookie(w, &http.Cookie{Name: "sid", Value: sid, HttpOnly: true, Path: "/"})
				_, _ = w.Write([]byte(`{"ok":true}`))
				return
			}
			if sessions[sid] == "" {
				w.WriteHeader(401)
				return
			}
			_ = json.NewEncoder(w).Encode(map[string]string{"name": sessions[sid]})
		}))
		base, _ := url.Parse(srv.URL)
		d, err := openapi.Parse([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		client := traffic.New(traffic.Options{Base: base})
		who := &identity.Identity{Name: "alice", Header: http.Header{}, Login: &identity.Login{Path: "/login", Type: "application/json", Username: "alice", Password: "pw", UsernameField: "username", PasswordField: "password", Cookies: true}}
		if err := who.LogIn(t.Context(), client); err != nil {
			t.Fatal(err)
		}
		tr := trial.New(trial.Options{Client: client, Document: d, Identities: []*identity.Identity{who}, Seed: 5})
		out, _ := tr.Run(t.Context(), slices.DeleteFunc(Checks(), func(c *trial.Check) bool { return c.ID != "probe/session-fixation" }))
		want := trial.Pass
		if adopts {
			want = trial.Fail
		}
		if len(out) != 1 || out[0].Verdict != want || out[0].Operation != "POST /login" {
			t.Errorf("%s: %+v, want %v", name, out, want)
		}
		tr.Close()
		client.Close()
		srv.Close()
	}
}
