//go:build real

package main

import (
	"database/sql"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestOnPostgres: the same service on PostgreSQL.
func TestOnPostgres(t *testing.T) {
	dsn := os.Getenv("PAVISE_POSTGRES")
	if dsn == "" {
		t.Fatal("PAVISE_POSTGRES names no server; scripts/test starts one")
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// A schema of its own: other tests have tables of the same names.
	if _, err := db.Exec("DROP SCHEMA IF EXISTS orders_example CASCADE; CREATE SCHEMA orders_example"); err != nil {
		t.Fatal(err)
	}
	a := startOn(t, dsn+"?search_path=orders_example")
	anne, bob := a.user(t, "anne"), a.user(t, "bob")
	if status, _, text := a.call(t, "PUT", "/api/profile", anne, map[string]any{"ssn": "078-05-1120", "tax_id": nil}); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, text)
	}
	if _, _, text := a.call(t, "GET", "/api/profile", anne, nil); !strings.Contains(text, `"ssn":"078-05-1120","tax_id":null`) {
		t.Errorf("%s", text)
	}
	if status, _, text := a.call(t, "POST", "/api/orders", anne, map[string]any{"item": "lamp", "quantity": 2}); status != http.StatusCreated {
		t.Fatalf("%d %s", status, text)
	}
	for token, want := range map[string]int{anne: http.StatusOK, bob: http.StatusNotFound} {
		if status, _, text := a.call(t, "GET", "/api/orders/1", token, nil); status != want {
			t.Errorf("%d %s, want %d", status, text, want)
		}
	}
	for query, want := range map[string]string{"nn": `["anne"]`, "%25": "[]", "'%20OR%20'1'%3D'1": "[]"} {
		if status, _, text := a.call(t, "GET", "/api/users?name="+query, anne, nil); status != http.StatusOK || strings.TrimSpace(text) != want {
			t.Errorf("%s: %d %s", query, status, text)
		}
	}
	if status, _, _ := a.call(t, "POST", "/api/signup", "", map[string]string{"email": "anne@example.com", "password": password}); status != http.StatusConflict {
		t.Errorf("signed up twice: %d", status)
	}
}
