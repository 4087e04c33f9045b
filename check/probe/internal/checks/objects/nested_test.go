package objects

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

// TestNestedChange: a trip is deleted below its own vehicle alone.
func TestNestedChange(t *testing.T) {
	param := func(name string) string {
		return `{"name":"` + name + `","in":"path","required":true,"schema":{"type":"integer"}}`
	}
	body := `"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}}},`
	doc := `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/vehicles":{"post":{` + body + `"responses":{}}},
"/vehicles/{vehicle_id}":{"parameters":[` + param("vehicle_id") + `],"get":{"responses":{}}},
"/vehicles/{vehicle_id}/trips":{"parameters":[` + param("vehicle_id") + `],"post":{` + body + `"responses":{}}},
"/vehicles/{vehicle_id}/trips/{trip_id}":{"parameters":[` + param("vehicle_id") + `,` + param("trip_id") + `],"get":{"responses":{}},"delete":{"responses":{}}}}}`
	for name, tied := range map[string]bool{"a trip of any vehicle": false, "a trip of this vehicle": true} {
		n := 0
		owners, parents, names := map[string]string{}, map[string]string{}, map[string]any{}
		api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			answer := func(status int, v any) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_ = json.NewEncoder(w).Encode(v)
			}
			var in map[string]any
			_ = json.NewDecoder(r.Body).Decode(&in)
			part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
			create := func(parent string) {
				n++
				id := fmt.Sprint(n)
				owners[id], parents[id], names[id] = user, parent, in["name"]
				answer(201, map[string]any{"id": n, "name": in["name"]})
			}
			switch {
			case user == "":
				answer(401, nil)
			case len(part) == 1:
				create("")
			case owners[part[1]] != user:
				answer(404, nil)
			case len(part) == 3:
				create(part[1])
			case len(part) == 2:
				answer(200, map[string]any{"id": part[1], "name": names[part[1]]})
			case names[part[3]] == nil || parents[part[3]] != part[1] && (tied || r.Method == http.MethodGet):
				answer(404, nil)
			case r.Method == http.MethodGet:
				answer(200, map[string]any{"id": part[3], "name": names[part[3]]})
			default:
				delete(names, part[3])
				answer(204, nil)
			}
		})
		want := trial.Fail
		if tied {
			want = trial.Pass
		}
		r, ok := find(run(t, api, doc, "probe/nested-object", false, who("alice", "", ""), who("bob", "", "")), "DELETE /vehicles/{vehicle_id}/trips/{trip_id}")
		if !ok || r.Verdict != want {
			t.Errorf("%s: %v %q %q, want %v", name, r.Verdict, r.Got, r.Reason, want)
		}
	}
}

// TestInside: an item is read below its own order alone.
func TestInside(t *testing.T) {
	param := func(name string) string {
		return `{"name":"` + name + `","in":"path","required":true,"schema":{"type":"integer"}}`
	}
	doc := `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"security":[{"b":[]}],"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
"/orders":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["note"],"properties":{"note":{"type":"string"}}}}}},"responses":{}}},
"/orders/{order_id}":{"parameters":[` + param("order_id") + `],"get":{"responses":{}}},
"/orders/{order_id}/items/{item_id}":{"parameters":[` + param("order_id") + `,` + param("item_id") + `],"get":{"responses":{}}}}}`
	for name, tied := range map[string]bool{"an item of any order": false, "an item of this order": true} {
		owners, notes := map[string]string{}, map[string]any{}
		api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			answer := func(status int, v any) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_ = json.NewEncoder(w).Encode(v)
			}
			order := func(id string) map[string]any {
				return map[string]any{"id": id, "note": notes[id], "items": []any{map[string]any{"id": "1" + id, "note": notes[id]}}}
			}
			part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
			switch {
			case user == "":
				answer(401, nil)
			case r.Method == http.MethodPost:
				var in map[string]any
				_ = json.NewDecoder(r.Body).Decode(&in)
				id := fmt.Sprint(len(owners) + 1)
				owners[id], notes[id] = user, in["note"]
				answer(201, order(id))
			case owners[part[1]] != user:
				answer(404, nil)
			case len(part) == 2:
				answer(200, order(part[1]))
			case !strings.HasPrefix(part[3], "1") || owners[part[3][1:]] == "" || tied && part[3][1:] != part[1]:
				answer(404, nil)
			default:
				answer(200, map[string]any{"id": part[3], "note": notes[part[3][1:]]})
			}
		})
		want := trial.Fail
		if tied {
			want = trial.Pass
		}
		r, ok := find(run(t, api, doc, "probe/nested-object", false, who("alice", "", ""), who("bob", "", "")), "GET /orders/{order_id}/items/{item_id}")
		if !ok || r.Verdict != want {
			t.Errorf("%s: %v %q %q, want %v", name, r.Verdict, r.Got, r.Reason, want)
		}
	}
}
