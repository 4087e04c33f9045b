package har

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
)

func TestMade(t *testing.T) {
	json := http.Header{"Content-Type": {"application/json"}}
	field := func(name, value string) Field {
		return Field{Name: name, Required: true, Schema: map[string]any{"type": "string", "enum": []string{value}, "default": value}}
	}
	made, err := Made([]Seen{
		// Refused to strangers, by a challenge.
		{Method: "GET", Path: "/bills", Status: 401, Answer: http.Header{"Www-Authenticate": {`Basic realm="x"`}}},
		// Told of, and near to it: taken to be closed.
		{Method: "POST", Path: "/bills", Form: &Form{Type: "application/x-www-form-urlencoded", Fields: []Field{field("kind", "web"), field("csrf_token", "hunter2secret99"), field("", "x")}}},
		{Method: "DELETE", Path: "/bills/{bill}"},
		// Not near.
		{Method: "PUT", Path: "/billing/{id}"},
		{Method: "POST", Path: "/bills/", Form: &Form{Type: "application/json", Fields: []Field{{Name: "password"}}}},
		// Open, and found with a value that a stranger was shown.
		{Method: "GET", Path: "/posts/my-trip?page=2&api_key=hunter2secret99", Status: 200, Answer: json, Body: []byte(`{"title":"x","token":"hunter2secret99"}`), Object: true},
		{Method: "GET", Path: "/posts/hunter2secret99", Status: 200, Answer: json, Body: []byte(`{"title":"y"}`), Object: true},
		// A page is an operation where it is said to be one.
		{Method: "GET", Path: "/search", Form: &Form{Fields: []Field{{Name: "q", Required: true, Schema: map[string]any{"type": "string"}}}}},
		{Method: "GET", Path: "/search?q=tea", Status: 200, Answer: http.Header{"Content-Type": {"text/html"}}, Page: true},
		{Method: "GET", Path: "/about", Status: 200, Answer: http.Header{"Content-Type": {"text/html"}}},
		{Method: "GET", Path: "/nothing", Status: 404, Answer: json},
		// Credentials of a kind that nobody knows.
		{Method: "GET", Path: "/mine", Status: 200, Answer: json, Body: []byte(`{}`), AsUser: true, Header: http.Header{"X-Odd": {"hunter2secret99"}}},
	}, target(t, "http://127.0.0.1:8000"), "test", []string{"hunter2secret99"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(made.Document), "hunter2") || strings.Contains(string(made.Document), "X-Odd") {
		t.Errorf("a secret, or what is the user's own, is in the document\n%s", made.Document)
	}
	doc, err := openapi.Parse(made.Document)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, op := range doc.Operations {
		line := op.Name()
		if op.Secured() {
			line += " " + strings.Join(op.Security[0], "+")
		}
		if op.Assumed {
			line += " assumed"
		}
		for _, p := range op.Params {
			line += fmt.Sprintf(" %s=%v", p.Name, p.Example)
			if p.Required && p.In == "query" {
				line += "!"
			}
		}
		for _, b := range op.Bodies {
			line += " " + b.Type
			for _, p := range b.Schema.All() {
				line += fmt.Sprintf(" %s:%v", p.Name, p.Schema.Enum)
			}
		}
		got = append(got, line)
	}
	slices.Sort(got)
	want := []string{
		"DELETE /bills/{id} basic assumed id=<nil>",
		"GET /bills basic",
		"GET /mine bearer assumed",
		"GET /posts/{id} assumed id=my-trip page=2", // its key is optional
		"GET /search q=<nil>!",
		"POST /bills basic assumed application/x-www-form-urlencoded csrf_token:[] kind:[web]",
		"PUT /billing/{id} id=<nil> application/json",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, err := Made(nil, target(t, "http://127.0.0.1:8000"), "test", nil); !errors.Is(err, ErrNone) {
		t.Errorf("nothing was seen: %v", err)
	}
}
