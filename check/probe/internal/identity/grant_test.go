package identity

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
)

func TestGranted(t *testing.T) {
	var asked url.Values
	var reply map[string]any
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		asked = r.PostForm
		_ = json.NewEncoder(w).Encode(reply)
	}))
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	client := traffic.New(traffic.Options{Base: base})
	defer client.Close()
	who := &Identity{Name: "a", Login: &Login{
		Path: "/token", Type: formType, Username: "a", Password: "b", UsernameField: "username", PasswordField: "password", Extract: "/access_token",
		More: map[string]string{"grant_type": "password", "scope": "all"},
	}}
	for _, c := range []struct {
		wanted      []string
		sent        []string
		scope, life any
		scopes      []string
		told        bool
		lives       time.Duration
	}{
		{nil, []string{"all"}, nil, 5, nil, false, 5 * time.Second},
		{[]string{"me", "items:read"}, []string{"me items:read"}, "me", "1.5", []string{"me"}, true, 1500 * time.Millisecond},
		{[]string{}, nil, []string{"a", "b"}, "soon", []string{"a", "b"}, true, 0},
		{[]string{}, nil, "", -3, nil, true, 0},
	} {
		reply = map[string]any{"access_token": "t", "scope": c.scope, "expires_in": c.life}
		got, g, err := who.Granted(t.Context(), client, c.wanted)
		if err != nil || got.Header.Get("Authorization") != "Bearer t" {
			t.Fatal(err, got)
		}
		if !slices.Equal(asked["scope"], c.sent) || asked.Get("grant_type") != "password" {
			t.Errorf("%v: sent %v", c.wanted, asked)
		}
		if !slices.Equal(g.Scopes, c.scopes) || g.Told != c.told || g.Lives != c.lives {
			t.Errorf("%v: %+v", c.wanted, g)
		}
	}
	if who.Login.More["scope"] != "all" || len(who.Header) > 0 {
		t.Error("the identity itself was changed")
	}
	if _, _, err := (&Identity{Name: "x"}).Granted(t.Context(), client, nil); !errors.Is(err, ErrNoLogin) {
		t.Error(err)
	}
}
