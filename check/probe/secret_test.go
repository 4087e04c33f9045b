package probe

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
)

// On a host that others reach two runs of the same seed make users with other
// passwords; on this machine the same ones, so that the second finds those of
// the first.
func TestPasswordsOfRuns(t *testing.T) {
	for name, address := range map[string]string{"loopback": "127.0.0.1", "elsewhere": elsewhere()} {
		t.Run(name, func(t *testing.T) {
			if address == "" {
				t.Skip("this machine has no other address")
			}
			listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
			if err != nil {
				t.Skip(err)
			}
			passwords := map[string]string{} // by who it is
			var runs []map[string]bool       // the passwords of each
			mux := http.NewServeMux()
			mux.HandleFunc("POST /register", func(w http.ResponseWriter, r *http.Request) {
				var in struct{ Email, Password string }
				_ = json.NewDecoder(r.Body).Decode(&in)
				runs[len(runs)-1][in.Password] = true
				if _, there := passwords[in.Email]; there {
					w.WriteHeader(http.StatusConflict)
					return
				}
				passwords[in.Email] = in.Password
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusCreated)
				fmt.Fprintf(w, `{"id": "%d", "token": "token-of-%s"}`, len(passwords), in.Email)
			})
			mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
				var in struct{ Email, Password string }
				_ = json.NewDecoder(r.Body).Decode(&in)
				if passwords[in.Email] != in.Password {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprintf(w, `{"access_token": "token-of-%s"}`, in.Email)
			})
			srv := &httptest.Server{Listener: listener, Config: &http.Server{Handler: mux}}
			srv.Start()
			defer srv.Close()
			body := `"requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["email", "password"], "properties": {"email": {"type": "string"}, "password": {"type": "string"}}}}}}`
			doc := `{"openapi": "3.1.0", "components": {"securitySchemes": {"b": {"type": "http", "scheme": "bearer"}}}, "paths": {"/register": {"post": {` + body + `}}, "/login": {"post": {` + body + `}}, "/me": {"get": {"security": [{"b": []}]}}}}`
			for range 2 {
				runs = append(runs, map[string]bool{})
				if _, err := API(t.Context(), APIOptions{URL: srv.URL, Description: []byte(doc), Authorize: []string{address}, Seed: 4, Only: []string{"docs-open"}}); err != nil {
					t.Fatal(err)
				}
			}
			same := 0
			for p := range runs[1] {
				if runs[0][p] {
					same++
				}
			}
			if want := map[string]int{"loopback": len(runs[0])}[name]; same != want || len(runs[0]) < 2 || len(runs[1]) < 2 {
				t.Errorf("%d passwords of the first run are those of the second, want %d: %v", same, want, runs)
			}
		})
	}
}

// elsewhere is an address of this machine that is none of loopback.
func elsewhere() string {
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() {
			return p.Addr().String()
		}
	}
	return ""
}

func TestSecretFor(t *testing.T) {
	for host, secret := range map[string]bool{"127.0.0.1:80": false, "[::1]": false, "localhost": false, "api.example.com": true, "10.0.0.1": true, "x.localhost": true} {
		base := &url.URL{Scheme: "http", Host: host}
		got := secretFor(base)
		if (got != "") != secret || secret && (len(got) < 20 || got == secretFor(base)) {
			t.Errorf("%s: %q", host, got)
		}
	}
}
