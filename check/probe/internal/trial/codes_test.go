package trial_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// TestCodes: what is there is called by its code, and a stay is a short one.
func TestCodes(t *testing.T) {
	const document = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{
"/berths":{"get":{"responses":{}}},
"/bookings":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["berth_code","area_code","arrival","departure"],
"properties":{"berth_code":{"type":"string"},"area_code":{"type":"string"},"arrival":{"type":"string","format":"date"},"departure":{"type":"string","format":"date"}}}}}},"responses":{}}}}}`
	var booked map[string]string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/berths" {
			_, _ = io.WriteString(w, `[{"id":7,"code":"B-12"}]`)
			return
		}
		_ = json.NewDecoder(r.Body).Decode(&booked)
		if booked["berth_code"] != "B-12" {
			w.WriteHeader(422)
		}
	}))
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	doc, err := openapi.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	client := traffic.New(traffic.Options{Base: base})
	defer client.Close()
	if _, uncovered := trial.New(trial.Options{Client: client, Document: doc, Seed: 1}).Run(t.Context(), nil); len(uncovered) > 0 {
		t.Errorf("%v: %v", uncovered, booked)
	}
	if a, d := booked["arrival"], booked["departure"]; a < "2030-01-20" || a > "2030-01-29" || d < "2030-02-01" || d > "2030-02-07" {
		t.Errorf("a stay from %s to %s", a, d)
	}
	// No area is listed: its code is as any text.
	if booked["area_code"] == "" || booked["area_code"] == "B-12" {
		t.Errorf("the code of an area is %q", booked["area_code"])
	}
}
