package jsonbody_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/pavise-dev/pavise/guard/jsonbody"
)

func Example() {
	g, err := jsonbody.New(jsonbody.Policy{})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	for _, doc := range []string{`{"role":"user"}`, `{"role":"user","\u0072ole":"admin"}`, `[NaN]`} {
		r := httptest.NewRequest(http.MethodPost, "/users", strings.NewReader(doc))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Println(w.Code, doc)
	}
	// Output:
	// 200 {"role":"user"}
	// 400 {"role":"user","\u0072ole":"admin"}
	// 400 [NaN]
}

// Every mistake of a policy is reported at once.
func ExampleNew_wrong() {
	_, err := jsonbody.New(jsonbody.Policy{
		MaxBytes: -1,
		MaxDepth: -5,
		Routes:   []jsonbody.Route{{Path: "bulk", MaxKeys: -2}},
	})
	fmt.Println(err)
	// Output:
	// jsonbody.max_bytes: -1 is not between 0 and 1073741824: a body is held in memory while it is judged
	// jsonbody.max_depth: -5 is negative
	// jsonbody.routes[0].max_keys: -2 is negative
	// jsonbody.routes[0].path: path "bulk" does not begin with a slash
}

type signup struct {
	Name  string `json:"name" pavise:"required,min=1,max=100"`
	Email string `json:"email" pavise:"required,max=254"`
	Age   int    `json:"age" pavise:"min=18,max=150"`
}

func ExampleDecode() {
	r := httptest.NewRequest(http.MethodPost, "/signup", strings.NewReader(`{"name":"  ","age":"36","admin":true}`))
	r.Header.Set("Content-Type", "application/json")
	_, err := jsonbody.Decode[signup](r, jsonbody.Options{})
	var bad *jsonbody.DecodeError
	if errors.As(err, &bad) {
		for _, f := range bad.Fields {
			fmt.Println(f.Pointer, f.Rule, "-", f.Message)
		}
	}
	// Output:
	// /name min - must have at least 1 characters
	// /age type - must be a number, not a string
	// /admin unknown - is not known
	// /email required - is missing
}
