package injection

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// Who signs in is known, so that conditions after the name, and operators in
// the place of the password, have something to find. Errors are 401 here: only
// that tells them apart.
func TestLogin(t *testing.T) {
	db := shop(t)
	if _, err := db.Exec(`CREATE TABLE users (name TEXT, password TEXT); INSERT INTO users VALUES ('alice','correct horse')`); err != nil {
		t.Fatal(err)
	}
	found := func(q string, args ...any) bool {
		var name string
		return db.QueryRow(q, args...).Scan(&name) == nil
	}
	for _, c := range []struct {
		name  string
		check string // that fails
		good  func(user, password any) bool
	}{
		{"parameters", "", func(user, password any) bool {
			u, ok := user.(string)
			p, ok2 := password.(string)
			return ok && ok2 && found("SELECT name FROM users WHERE name = ? AND password = ?", u, p)
		}},
		{"a statement", "probe/sql-injection", func(user, password any) bool {
			u, _ := user.(string)
			p, _ := password.(string)
			return found("SELECT name FROM users WHERE password = ? AND name = '"+u+"'", p)
		}},
		{"operators", "probe/nosql-injection", func(user, password any) bool {
			m, ok := password.(map[string]any)
			return user == "alice" && (password == "correct horse" || ok && (m["$ne"] != nil || m["$gt"] != nil))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			wrong := map[string]int{} // by name, in a row
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var f map[string]any
				if json.NewDecoder(r.Body).Decode(&f) != nil {
					fail(w, 422)
					return
				}
				name, _ := f["name"].(string)
				if !c.good(f["name"], f["password"]) {
					wrong[name]++
					fail(w, 401)
					return
				}
				answer(w, 200, map[string]string{"token": "a-token-of-alice"})
			}))
			defer srv.Close()
			doc, err := openapi.Parse(document([]route{{name: "POST /login", spec: body("name", "password")}}))
			if err != nil {
				t.Fatal(err)
			}
			base, _ := url.Parse(srv.URL)
			alice := &identity.Identity{Name: "alice", Header: http.Header{"Authorization": {"Bearer a-token-of-alice"}}, Login: &identity.Login{
				Path: "/login", Username: "alice", Password: "correct horse", UsernameField: "name", PasswordField: "password",
			}}
			tr := trial.New(trial.Options{Client: traffic.New(traffic.Options{Base: base}), Document: doc, Identities: []*identity.Identity{alice}})
			defer tr.Close()
			results, _ := tr.Run(context.Background(), Checks())
			seen := false
			for _, r := range results {
				if r.Verdict != trial.Fail && r.Verdict != trial.Suspect {
					continue
				}
				seen = seen || r.Check.ID == c.check
				// What waits is not what this is about.
				if r.Check.ID != c.check {
					t.Errorf("%s: %s", r.Check.ID, r.Got)
				}
				for _, e := range r.Shown {
					if strings.Contains(string(e.Body), "a-token-of-alice") {
						t.Errorf("%s shows a token", r.Check.ID)
					}
				}
			}
			if c.check != "" && !seen {
				t.Errorf("%s finds nothing", c.check)
			}
			if wrong["alice"] > 2 {
				t.Errorf("alice is given %d wrong passwords, and would be locked out", wrong["alice"])
			}
		})
	}
}
