package contenttype_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/pavise-dev/pavise/guard/contenttype"
)

func Example() {
	g, err := contenttype.New(contenttype.Policy{})
	if err != nil {
		fmt.Println(err)
		return
	}
	h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	for _, typ := range []string{"application/json", "text/plain", ""} {
		r := httptest.NewRequest(http.MethodPost, "/orders", strings.NewReader("{}"))
		if typ != "" {
			r.Header.Set("Content-Type", typ)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Printf("%q: %d\n", typ, w.Code)
	}
	// Output:
	// "application/json": 200
	// "text/plain": 415
	// "": 415
}

// Every mistake of a policy is reported at once.
func ExampleNew_wrong() {
	_, err := contenttype.New(contenttype.Policy{
		Types:     []string{"json", "*/*"},
		Encodings: []string{"br"},
		Multipart: contenttype.Multipart{MaxParts: -1},
		Routes:    []contenttype.Route{{Path: "upload", Types: []string{"image/png; q=1"}}},
	})
	fmt.Println(err)
	// Output:
	// contenttype.types[0]: "json" is not a media type such as application/json, without parameters
	// contenttype.types[1]: "*/*" is every type; allow_any_type says that
	// contenttype.encodings[0]: "br" is not gzip or deflate, the codings that can be looked into
	// contenttype.multipart.max_parts: -1 is negative
	// contenttype.routes[0].types[0]: "image/png; q=1" is not a media type such as application/json, without parameters
	// contenttype.routes[0].path: path "upload" does not begin with a slash
}
