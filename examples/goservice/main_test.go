package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/pavisetest"
)

func hardened(t *testing.T) (http.Handler, pavise.Policy) {
	t.Helper()
	policy, err := pavise.Parse(policyText)
	if err != nil {
		t.Fatal(err)
	}
	// httptest serves on a loopback address.
	policy.Hosts.Allow = append(policy.Hosts.Allow, "127.0.0.1")
	guard, err := pavise.New(policy)
	if err != nil {
		t.Fatal(err)
	}
	return guard.Wrap(newAPI()), policy
}

// TestKeepsItsPromises is all that a service needs to prove its policy.
func TestKeepsItsPromises(t *testing.T) {
	handler, policy := hardened(t)
	pavisetest.Keeps(t, handler, policy)
}

func TestOrders(t *testing.T) {
	handler, _ := hardened(t)
	post := func(body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/api/orders", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.RemoteAddr = "127.0.0.1:1"
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	if w := post(`{"item":" lamp ","count":2}`); w.Code != http.StatusCreated {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	w := post(`{"item":"","count":"2","price":1}`)
	if w.Code != http.StatusUnprocessableEntity {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	for _, pointer := range []string{`"/item"`, `"/count"`, `"/price"`} {
		if !strings.Contains(w.Body.String(), pointer) {
			t.Errorf("nothing about %s in %s", pointer, w.Body)
		}
	}
}
