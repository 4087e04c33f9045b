package har

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
)

const (
	bearerToken = "tok-Zm9vYmFyYmF6cXV4-91"
	password    = "correct horse battery"
	cookieValue = "s3ss10nvalue0123456789"
	apiKey      = "ak_live_9f8e7d6c5b4a"
	resetToken  = "r3s3tt0ken-abcdef-77"
)

func target(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func session(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/session.har")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRead(t *testing.T) {
	r, err := Read(session(t), Options{Target: target(t, "http://127.0.0.1:8000")})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi.Parse(r.Document)
	if err != nil {
		t.Fatalf("%v\n%s", err, r.Document)
	}
	var got []string
	for _, op := range doc.Operations {
		line := op.Name()
		if op.Secured() {
			line += " secured"
			if !op.Assumed {
				t.Errorf("%s says that somebody said so", op.Name())
			}
		}
		for _, p := range op.Params {
			line += fmt.Sprintf(" %s:%s:%s", p.In, p.Name, strings.Join(p.Schema.Types, "|"))
			if p.Required && p.In != "path" {
				line += "!"
			}
		}
		if b := op.JSON(); b != nil {
			var names []string
			for _, p := range b.Schema.Properties {
				name := p.Name + ":" + strings.Join(p.Schema.Types, "|")
				if slices.Contains(b.Schema.Required, p.Name) {
					name += "!"
				}
				names = append(names, name)
			}
			line += " {" + strings.Join(names, " ") + "}"
		}
		got = append(got, line)
	}
	want := []string{
		"POST /api/v1/login {email:string! password:string!}",
		"GET /api/v1/orders secured query:limit:integer! query:state:string",
		"POST /api/v1/orders secured {amount:number! currency:string! lines:array! note:string}",
		"GET /api/v1/orders/{id} secured path:id:integer",
		"DELETE /api/v1/orders/{id} secured path:id:integer",
		"GET /api/v1/orders/{id}/lines/{line_id} secured path:id:integer path:line_id:string",
		"GET /api/v1/products header:x-tenant:string!",
		"GET /api/v1/reports secured",
		"POST /api/v1/reset/{id} path:id:string",
		"POST /api/v1/upload secured",
		"GET /api/v1/users/me secured",
		"GET /api/v1/users/{id} secured path:id:string",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), r.Document)
	}
	for _, secret := range []string{bearerToken, password, cookieValue, apiKey, resetToken, "alice@example.com"} {
		if strings.Contains(string(r.Document), secret) {
			t.Errorf("%s is in the document\n%s", secret, r.Document)
		}
	}
	for _, name := range []string{"bearer", "cookie_sessionid", "xapikey"} {
		if doc.Schemes[name] == nil {
			t.Errorf("no scheme %s", name)
		}
	}
	// The document of the same file is the same.
	again, err := Read(session(t), Options{Target: target(t, "http://127.0.0.1:8000")})
	if err != nil || string(again.Document) != string(r.Document) {
		t.Errorf("another document: %v", err)
	}
}

func TestHosts(t *testing.T) {
	_, err := Read(session(t), Options{Target: target(t, "http://127.0.0.1:9")})
	if !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "127.0.0.1:8000") {
		t.Errorf("%v", err)
	}
	for _, o := range []Options{
		{Target: target(t, "http://localhost:8000")},
		{Target: target(t, "https://api.example.com"), Hosts: []string{"127.0.0.1:8000"}},
	} {
		if r, err := Read(session(t), o); err != nil || r.Operations != 12 {
			t.Errorf("%v: %v", o.Target, err)
		}
	}
	if _, err := Read(session(t), Options{Target: target(t, "http://127.0.0.1:8000"), Hosts: []string{"cdn.example.com"}}); !errors.Is(err, ErrNone) {
		t.Errorf("files are operations: %v", err)
	}
}

func TestWhatIsNoArchive(t *testing.T) {
	for _, s := range []string{"", "{", "[]", "{}", `{"log":{}}`, `{"log":{"entries":{}}}`, `{"log":{"entries":[]}}`, `{"log":{"entries":[1,{"request":{"url":"::"}}]}}`} {
		if _, err := Read([]byte(s), Options{Target: target(t, "http://127.0.0.1:8000")}); err == nil {
			t.Errorf("%s is one", s)
		}
	}
}

func TestIdentifies(t *testing.T) {
	for s, want := range map[string]bool{
		"7": true, "123456": true, "5f2c9e7d-1b40-4c1f-9d53-0a1b2c3d4e5f": true, "507f1f77bcf86cd799439011": true, "d41d8cd98f00b204e9800998ecf8427e": true,
		"01ARZ3NDEKTSV4RRFFQ69G5FAV": true, "usr_1a2b3c4d": true, "2024-05-01": true, "V1StGXR8_Z5jdHi6B-myT": true,
		"orders": false, "v1": false, "me": false, "forgot-password": false, "order_history": false, "oauth2": false, "api_documents": false, "sign-in-with-oauth2": false, "deadbeef": false,
	} {
		if got := identifies(s); got != want {
			t.Errorf("%s: %t", s, got)
		}
	}
}

// FuzzRead holds that nothing panics, that a document that is made can be read,
// and that what was sent as a credential is not in it, wherever it came again.
func FuzzRead(f *testing.F) {
	f.Add(session(f), "aB3$token-value-0123")
	f.Add([]byte(`{"log":{"entries":[]}}`), "0123456789abcdef")
	f.Add([]byte(`{"request":{"method":"GET","url":"http://127.0.0.1:8000/a/SECRET?x=SECRET&SECRET=1"},"response":{"status":200,"content":{"mimeType":"application/json","text":"{\"SECRET\":[\"SECRET\"]}"}}}`), "quite-a-long-secret")
	f.Fuzz(func(t *testing.T, data []byte, secret string) {
		for _, shape := range []string{string(data), strings.ReplaceAll(string(data), "SECRET", secret)} {
			archive := []byte(shape)
			leak := ""
			if strings.HasPrefix(shape, `{"request"`) && len(secret) >= 12 && word().MatchString(secret) && !strings.Contains(fixedDocument, secret) && !strings.Contains(secret, Removed) {
				leak = secret
				login := `{"request":{"method":"GET","url":"http://127.0.0.1:8000/zz","headers":[{"name":"Authorization","value":"Bearer ` + secret + `"}]},"response":{"status":200}}`
				archive = []byte(`{"log":{"entries":[` + shape + `,` + login + `]}}`)
			}
			r, err := Read(archive, Options{Target: target(t, "http://127.0.0.1:8000")})
			if err != nil {
				continue
			}
			if !json.Valid(r.Document) {
				t.Fatal("the document is no JSON")
			}
			if _, err := openapi.Parse(r.Document); err != nil {
				t.Fatalf("%v\n%s", err, r.Document)
			}
			if leak != "" && strings.Contains(string(r.Document), leak) {
				t.Fatalf("%q is in\n%s", leak, r.Document)
			}
		}
	})
}

// fixedDocument is what every document holds.
const fixedDocument = `openapi 3.1.0 info title version recorded description Made from recorded requests. What was sent with credentials is taken to need them: take security away where it does not, and x-pavise-recorded where it does. paths components securitySchemes additionalProperties properties required responses requestBody application/json application/x-www-form-urlencoded multipart/form-data Recorded at 127.0.0.1:8000 parameters`
