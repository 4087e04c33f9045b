package accounts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

// coder is an API that sends codes and takes them. how is what it answers to
// the nth wrong code of an account.
type coder struct {
	how       func(n int, code string) (int, any)
	malformed func() (int, any) // nil answers as to a wrong one
	form      string            // of the member code
	anonymous bool              // the code alone says whose it is
	unasked   bool              // no code is sent
	confirms  bool              // an address, in place of a password

	mu     sync.Mutex
	tokens map[string]string
	sent   map[string]bool // accounts that have a code
	tried  map[string]int
	codes  []string
	others []string // accounts without a code that one was tried for
}

const realCode = "739120"

func (a *coder) document() string {
	body := func(members, required string) string {
		return `"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":[` + required + `],"properties":{` + members + `}}}}}`
	}
	email, password := `"email":{"type":"string","format":"email"}`, `"password":{"type":"string"}`
	account := body(email+","+password, `"email","password"`)
	ask, take := "/forgot-password", "/reset-password"
	members, required := `"code":`+a.form+","+password, `"code","password"`
	if !a.anonymous {
		members, required = members+","+email, required+`,"email"`
	}
	if a.confirms {
		ask, take = "/email/send-code", "/email/confirm"
		members, required = `"code":`+a.form+","+email, `"code","email"`
	}
	return `{"openapi":"3.1.0","components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}}},"paths":{
		"/register":{"post":{` + account + `}},"/login":{"post":{` + account + `}},"/me":{"get":{"security":[{"b":[]}]}},
		"` + ask + `":{"post":{` + body(email, `"email"`) + `}},"` + take + `":{"post":{` + body(members, required) + `}}}}`
}

func (a *coder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	var m map[string]any
	_ = json.NewDecoder(r.Body).Decode(&m)
	email := fmt.Sprint(m["email"])
	switch r.URL.Path {
	case "/register":
		answer(201, map[string]any{"ok": true})
	case "/login":
		token := fmt.Sprintf("session-0123456789-%d", len(a.tokens))
		a.tokens[token] = email
		answer(200, map[string]any{"access_token": token})
	case "/me":
		user := a.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		if user == "" {
			answer(401, nil)
			return
		}
		answer(200, map[string]any{"email": user})
	case "/forgot-password", "/email/send-code":
		if a.unasked {
			answer(503, nil)
			return
		}
		a.sent[email] = true
		answer(200, map[string]any{"message": "a code was sent, if there is such an account", "id": realCode})
	case "/reset-password", "/email/confirm":
		code := fmt.Sprint(m["code"])
		if _, ok := m["code"].(float64); ok {
			code = fmt.Sprintf("%.0f", m["code"])
		}
		if strings.Trim(code, "0123456789") != "" {
			if a.malformed != nil {
				answer(a.malformed())
				return
			}
			answer(a.how(0, code))
			return
		}
		if a.codes = append(a.codes, code); !a.sent[email] {
			a.others = append(a.others, email)
		}
		a.tried[email]++
		answer(a.how(a.tried[email], code))
	default:
		answer(404, nil)
	}
}

func (a *coder) run(t *testing.T) []trial.Result {
	t.Helper()
	a.tokens, a.sent, a.tried = map[string]string{}, map[string]bool{}, map[string]int{}
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	base, _ := url.Parse(srv.URL)
	doc, err := openapi.Parse([]byte(a.document()))
	if err != nil {
		t.Fatal(err)
	}
	client := traffic.New(traffic.Options{Base: base})
	t.Cleanup(client.Close)
	ids, notes, err := identity.All(t.Context(), client, doc, nil, nil, 5)
	if err != nil || len(ids) < 2 {
		t.Fatalf("%d identities: %v %v", len(ids), err, notes)
	}
	tr := trial.New(trial.Options{Client: client, Document: doc, Identities: ids, Seed: 5})
	t.Cleanup(tr.Close)
	var out []trial.Result
	for _, c := range Checks() {
		if c.ID == "probe/code-throttled" {
			c.Run(t.Context(), tr, func(r trial.Result) { out = append(out, r) })
		}
	}
	return out
}

func said(status int, text string) func(int, string) (int, any) {
	return func(int, string) (int, any) { return status, map[string]any{"detail": text} }
}

func TestCodes(t *testing.T) {
	const six, none = `{"type":"string","pattern":"^[0-9]{6}$"}`, trial.NotApplicable
	wrongCode := said(400, "Invalid or expired code")
	after := func(n int, later func(int, string) (int, any)) func(int, string) (int, any) {
		return func(i int, code string) (int, any) {
			if i > n {
				return later(i, code)
			}
			return wrongCode(i, code)
		}
	}
	unfit := func() (int, any) { return 422, map[string]any{"errors": []any{"code"}} }
	for name, c := range map[string]struct {
		app  *coder
		want trial.Verdict // none is that there is nothing to try
	}{
		"without end": {&coder{how: wrongCode, form: six}, trial.Suspect},
		"with its trace": {&coder{how: func(n int, _ string) (int, any) {
			return 400, map[string]any{"detail": "invalid code", "trace": fmt.Sprint("t", n)}
		}, form: six}, trial.Suspect},
		"with its code":         {&coder{how: func(_ int, code string) (int, any) { return 404, map[string]any{"detail": "no code " + code} }, form: six}, trial.Suspect},
		"bounded by its length": {&coder{how: wrongCode, form: `{"type":"string","maxLength":6}`}, trial.Suspect},
		"an example of digits":  {&coder{how: wrongCode, form: `{"type":"string","example":"123456"}`}, trial.Suspect},
		"a number":              {&coder{how: wrongCode, form: `{"type":"integer","minimum":100000,"maximum":999999}`}, trial.Suspect},
		"letters or digits":     {&coder{how: wrongCode, form: `{"type":"string","pattern":"^[A-Z0-9]{6}$"}`}, trial.Suspect},
		"no words, and others":  {&coder{how: func(int, string) (int, any) { return 400, nil }, malformed: unfit, form: six}, trial.Suspect},
		"of an address":         {&coder{how: wrongCode, form: six, confirms: true}, trial.Suspect},
		"429 after some":        {&coder{how: after(5, said(429, "slow down")), form: six}, trial.Pass},
		"423 after some":        {&coder{how: after(5, said(423, "no")), form: six}, trial.Pass},
		"429 at once":           {&coder{how: said(429, "code"), malformed: unfit, form: six}, trial.Pass},
		"403 from the third on": {&coder{how: after(2, said(403, "Invalid or expired code")), form: six}, trial.Pass},
		"200 after some":        {&coder{how: after(5, said(200, "ok")), form: six}, trial.Inconclusive},
		"of the form of another member": {&coder{how: func(int, string) (int, any) {
			return 422, map[string]any{"detail": []any{map[string]any{"loc": []any{"body", "email"}, "type": "string_pattern_mismatch", "msg": "String should match pattern 'x'"}}}
		}, malformed: unfit, form: six}, trial.Inconclusive},
		"taken back":     {&coder{how: after(5, said(400, "Ask for another code")), form: six}, trial.Pass},
		"another answer": {&coder{how: after(5, func(int, string) (int, any) { return 400, map[string]any{"error": "code"} }), form: six}, trial.Pass},
		"told how many are left": {&coder{how: func(n int, _ string) (int, any) {
			return 400, map[string]any{"detail": fmt.Sprintf("wrong code, %d attempts", 20-n)}
		}, form: six}, trial.Pass},
		"slower and slower":        {&coder{how: after(8, func(n int, code string) (int, any) { time.Sleep(350 * time.Millisecond); return wrongCode(n, code) }), form: six}, trial.Pass},
		"long":                     {&coder{how: wrongCode, form: `{"type":"string","minLength":32}`}, none},
		"long by its pattern":      {&coder{how: wrongCode, form: `{"type":"string","pattern":"^[0-9a-f]{32}$"}`}, none},
		"of any length":            {&coder{how: wrongCode, form: `{"type":"string","pattern":"^[0-9]+$"}`}, none},
		"nothing says how long":    {&coder{how: wrongCode, form: `{"type":"string"}`}, none},
		"an example of a long one": {&coder{how: wrongCode, form: `{"type":"string","example":"f3a9c1d27e6b4805"}`}, none},
		"whose it is is not said":  {&coder{how: wrongCode, form: six, anonymous: true}, trial.Inconclusive},
		"none is sent":             {&coder{how: wrongCode, form: six, unasked: true}, trial.Inconclusive},
		"not there":                {&coder{how: said(404, "Not Found"), form: six}, trial.Inconclusive},
		"who calls is asked":       {&coder{how: said(401, "Not authenticated"), malformed: unfit, form: six}, trial.Inconclusive},
		"another type":             {&coder{how: said(415, "code"), form: six}, trial.Inconclusive},
		"another member":           {&coder{how: said(400, "password is too weak"), malformed: unfit, form: six}, trial.Inconclusive},
		"no words at all":          {&coder{how: func(int, string) (int, any) { return 400, nil }, form: six}, trial.Inconclusive},
		"every code does":          {&coder{how: said(200, "ok"), form: six}, trial.Inconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			results := c.app.run(t)
			if c.want == none {
				if len(results) > 0 || len(c.app.codes) > 0 {
					t.Errorf("%+v", results)
				}
				return
			}
			if len(results) != 1 {
				t.Fatalf("%+v", results)
			}
			r := results[0]
			if r.Verdict != c.want {
				t.Errorf("%v, want %v: got %q, reason %q", r.Verdict, c.want, r.Got, r.Reason)
			}
			if r.Verdict == trial.Suspect && (len(r.Shown) == 0 || len(c.app.codes) != tries) {
				t.Errorf("%d codes, and %d exchanges show it", len(c.app.codes), len(r.Shown))
			}
			if len(c.app.codes) > tries || slices.Contains(c.app.codes, realCode) || len(slices.Compact(slices.Sorted(slices.Values(c.app.codes)))) != len(c.app.codes) {
				t.Errorf("tried %v", c.app.codes)
			}
			if len(c.app.others) > 0 {
				t.Errorf("tried for %v", c.app.others)
			}
		})
	}
}

// A form that only the name tells of needs an answer that shows that it is the
// right one.
func TestSupposedForm(t *testing.T) {
	s := openapi.Empty()
	s.Types = []string{"string"}
	for _, name := range []string{"otp", "pin_code"} {
		f, ok := formOf(name, s)
		if !ok || !f.supposed {
			t.Errorf("%s: %+v", name, f)
		}
		c := redemption{op: &openapi.Operation{Bodies: []*openapi.Body{{Type: "application/json", Schema: openapi.Empty()}}}, code: name, form: f}
		e := &traffic.Exchange{Status: 400, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"detail":"invalid code"}`)}
		same := map[string]string{"/detail": "invalid code"}
		wrong := []map[string]string{same, same}
		if c.unrelated(e, wrong, same) == "" {
			t.Errorf("%s: a malformed one is answered alike", name)
		}
		if reason := c.unrelated(e, wrong, map[string]string{"/detail": "six digits"}); reason != "" {
			t.Errorf("%s: %s", name, reason)
		}
	}
	if _, ok := formOf("code", s); ok {
		t.Error("a code may be of any length")
	}
}

// A code that an answer told is none to be guessed.
func TestWrongCodes(t *testing.T) {
	f := codeForm{number: true, low: 1, high: 20}
	not := map[string]bool{"7": true, "13": true}
	got := f.wrong(values.New(1, "codes"), 18, not)
	if len(got) != 18 || slices.Contains(got, any(int64(7))) || slices.Contains(got, any(int64(13))) {
		t.Errorf("%v", got)
	}
}
