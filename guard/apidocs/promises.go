package apidocs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/promise"
)

// Promises returns what a client outside can rely on under the policy:
// nothing where the description is open, to everyone or to some, since a
// probe may be one of them.
func (g *Guard) Promises() []promise.Promise {
	if g.p.Open || len(g.openTo) > 0 {
		return nil
	}
	var out []promise.Promise
	for _, r := range Rules() {
		out = append(out, promise.Promise{ID: r.ID, Claim: r.Claim, Refs: slices.Clone(r.Refs), Test: g.test})
	}
	return out
}

// usual are the places where a stranger looks first.
var usual = [...]string{
	"/docs", "/docs/", "/DOCS", "/docs/oauth2-redirect", "/redoc",
	"/openapi.json", "/openapi.yaml", "/%6fpenapi.json", "/api/v1/openapi.json", "/api/openapi.json", "/api/docs",
	"/swagger", "/swagger/index.html", "/swagger-ui/", "/swagger.json", "/api-docs", "/v3/api-docs",
}

func (g *Guard) test(ctx context.Context, call promise.Caller) error {
	paths := usual[:]
	for _, p := range g.p.Paths {
		if !strings.ContainsAny(p, "{}") {
			paths = append(paths, (&url.URL{Path: p}).EscapedPath())
		}
	}
	unsure := ""
	for _, path := range paths {
		req := promise.NewRequest(ctx, http.MethodGet, path, "")
		if _, ok := g.except.Lookup(lower(req.URL.Path)); ok {
			continue
		}
		res, err := promise.Ask(call, req)
		if err != nil {
			return err
		}
		if res.Status/100 != 2 {
			continue
		}
		if what := describes(res.Body); what != "" {
			return promise.Broken(req, fmt.Sprintf("status %d with %s", res.Status, what), "no description of the API")
		}
		if unsure == "" {
			unsure = fmt.Sprintf("%s is answered %d, with nothing that is known for a description of an API", path, res.Status)
		}
	}
	if unsure != "" {
		return fmt.Errorf("could not tell: %s", unsure)
	}
	return nil
}

// describes says what kind of description a body is, or nothing. A status
// would not do: there are apps that answer every path with the same page.
func describes(body []byte) string {
	text := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\ufeff")), " \t\r\n")
	if bytes.HasPrefix(text, []byte("{")) && describesJSON(text) {
		return "an OpenAPI document"
	}
	for line := range bytes.Lines(text[:min(len(text), 4096)]) {
		line = bytes.TrimLeft(line, `"'`)
		if bytes.HasPrefix(line, []byte("openapi:")) || bytes.HasPrefix(line, []byte("swagger:")) {
			return "an OpenAPI document in YAML"
		}
	}
	page := bytes.ToLower(text)
	if !bytes.Contains(page, []byte("<html")) && !bytes.Contains(page, []byte("<script")) && !bytes.Contains(page, []byte("<!doctype")) {
		return ""
	}
	for _, sign := range []string{"swagger-ui", "swaggerui", "swagger ui", "redoc", "rapi-doc", "elements-api", "@scalar/api-reference", "openapi"} {
		if bytes.Contains(page, []byte(sign)) {
			return fmt.Sprintf("a page that says %q", sign)
		}
	}
	return ""
}

// describesJSON looks for the member that every such document has at its
// top. The document may have been cut off.
func describesJSON(text []byte) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	depth, key := 0, false
	for {
		tok, err := d.Token()
		if err != nil {
			return false
		}
		switch tok := tok.(type) {
		case json.Delim:
			if tok == '{' || tok == '[' {
				depth++
			} else {
				depth--
			}
			key = depth == 1
		case string:
			if depth == 1 && key && (tok == "openapi" || tok == "swagger" || tok == "swaggerVersion") {
				return true
			}
			key = depth == 1 && !key
		default:
			key = depth == 1
		}
	}
}
