package authentication

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
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
	"github.com/pavise-dev/pavise/finding"
)

var ours = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// app verifies tokens. Each fault can be put into it on its own.
type app struct {
	open, forbid, bare, bodyFirst, anyToken, softError     bool
	crash, noVerify, none, confused, jwk, jku, fetch, kid  bool
	ignoreExp, ignoreNbf, ignoreAud, anyKind, noExp, query bool
	keepSessions, keepOne, rs, noneOnce                    bool
	named, noneUnnamed                                     bool // keys have names
	key                                                    string

	mu     sync.Mutex
	serial int
	ended  map[string]bool
}

const document = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer","bearerFormat":"JWT"}}},"paths":{
"/health":{"get":{"responses":{}}},
"/login":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["username","password"],"properties":{"username":{"type":"string"},"password":{"type":"string"}}}}}},"responses":{}}},
"/logout":{"post":{"security":[{"b":[]}],"responses":{}}},
"/me":{"get":{"security":[{"b":[]}],"responses":{}}},
"/report":{"get":{"security":[{"b":[]}],"responses":{}}},
"/things":{"post":{"security":[{"b":[]}],"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}}},"responses":{}}}}}`

func (a *app) issue(user string) string { return a.issueKind(user, "access") }

func (a *app) issueKind(user, kind string) string {
	a.mu.Lock()
	a.serial++
	n := a.serial
	a.mu.Unlock()
	claims := map[string]any{"sub": user, "role": "user", "aud": "api", "iss": "me", "type": kind, "jti": fmt.Sprint(n), "exp": time.Now().Add(time.Hour).Unix()}
	if a.noExp {
		delete(claims, "exp")
	}
	if a.rs {
		return rs(map[string]any{"alg": "RS256", "typ": "JWT"}, claims, ours())
	}
	head := map[string]any{"alg": "HS256", "typ": "JWT"}
	if a.named {
		head["kid"] = "2026"
	}
	return hs(head, claims, "HS256", []byte(a.key))
}

func publicPEM() []byte {
	der, _ := x509.MarshalPKIXPublicKey(&ours().PublicKey)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func (a *app) signed(j *jwt, token string) bool {
	text := []byte(j.rawHead + "." + j.rawBody)
	sig, err := base64.RawURLEncoding.DecodeString(j.sig)
	if err != nil {
		return false
	}
	key := []byte(a.key)
	if kid, _ := j.head["kid"].(string); a.kid && strings.HasSuffix(kid, "/dev/null") {
		key = nil
	}
	switch {
	case a.noVerify:
		return true
	case strings.EqualFold(j.alg(), "none"):
		return a.none || a.noneUnnamed && j.head["kid"] != "2026"
	case j.alg() == "HS256":
		if a.rs {
			if !a.confused {
				return false
			}
			key = publicPEM()
		}
		return hs(j.head, j.claims, "HS256", key) == token || string(text)+"."+j.sig == token && hsRaw(string(text), key) == j.sig
	case j.alg() == "RS256":
		var pub *rsa.PublicKey
		take := func(m map[string]any) {
			n, _ := base64.RawURLEncoding.DecodeString(fmt.Sprint(m["n"]))
			pub = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
		}
		if a.rs {
			pub = &ours().PublicKey
		}
		if m, ok := j.head["jwk"].(map[string]any); ok && a.jwk {
			take(m)
		}
		if u, ok := j.head["jku"].(string); ok && (a.jku || a.fetch) {
			res, err := http.Get(u)
			if err != nil {
				return false
			}
			defer res.Body.Close()
			var set struct{ Keys []map[string]any }
			if json.NewDecoder(res.Body).Decode(&set) == nil && len(set.Keys) > 0 && a.jku {
				take(set.Keys[0])
			}
		}
		sum := sha256.Sum256(text)
		return pub != nil && rsa.VerifyPKCS1v15(pub, crypto.SHA256, sum[:], sig) == nil
	}
	return false
}

func hsRaw(text string, key []byte) string {
	j := &jwt{}
	parts := strings.Split(text, ".")
	j.rawHead, j.rawBody = parts[0], parts[1]
	head, _ := base64.RawURLEncoding.DecodeString(parts[0])
	body, _ := base64.RawURLEncoding.DecodeString(parts[1])
	_ = json.Unmarshal(head, &j.head)
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.UseNumber()
	_ = dec.Decode(&j.claims)
	full := hs(j.head, j.claims, "HS256", key)
	return full[strings.LastIndexByte(full, '.')+1:]
}

func (a *app) user(token string) string {
	if strings.Count(token, ".") == 1 && (a.noVerify) {
		token += "."
	}
	j, ok := parse(token)
	if !ok || !a.signed(j, token) {
		return ""
	}
	now := time.Now().Unix()
	at := func(name string) int64 {
		n, _ := j.claims[name].(json.Number)
		v, _ := n.Int64()
		return v
	}
	if !a.ignoreExp && at("exp") != 0 && at("exp") < now || !a.ignoreNbf && at("nbf") > now || !a.ignoreAud && j.claims["aud"] != "api" || j.claims["iss"] != "me" || !a.anyKind && j.claims["type"] != "access" {
		return ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended[fmt.Sprint(j.claims["jti"])] && !a.keepSessions {
		return ""
	}
	return fmt.Sprint(j.claims["sub"])
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		if status == 401 && !a.bare {
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	body, _ := io.ReadAll(r.Body)
	var m map[string]any
	_ = json.Unmarshal(body, &m)
	switch r.URL.Path {
	case "/health":
		answer(200, map[string]any{"ok": true})
		return
	case "/login":
		if m["password"] != "pw-"+fmt.Sprint(m["username"]) {
			answer(401, nil)
			return
		}
		answer(200, map[string]any{"access_token": a.issue(fmt.Sprint(m["username"])), "refresh_token": a.issueKind(fmt.Sprint(m["username"]), "refresh")})
		return
	case "/.well-known/jwks.json":
		if a.rs {
			answer(200, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "n": base64.RawURLEncoding.EncodeToString(ours().N.Bytes()), "e": "AQAB"}}})
			return
		}
		answer(404, nil)
		return
	}
	if a.bodyFirst && r.URL.Path == "/things" && m["name"] == nil {
		answer(422, nil)
		return
	}
	header := r.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(header, " ")
	if a.crash && header != "" && strings.Count(token, ".") != 2 {
		answer(500, nil)
		return
	}
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	if a.query && token == "" {
		token = r.URL.Query().Get("access_token")
	}
	user := a.user(token)
	if j, ok := parse(token); ok && a.keepOne && r.URL.Path == "/report" && a.signed(j, token) {
		user = fmt.Sprint(j.claims["sub"])
	}
	if j, ok := parse(token); ok && a.noneOnce && r.URL.Path == "/report" && j.alg() == "none" {
		user = fmt.Sprint(j.claims["sub"])
	}
	switch {
	case a.anyToken && token != "":
		user = "any"
	case a.open && header == "":
		user = "nobody"
	}
	if user == "" {
		switch {
		case a.softError:
			answer(200, map[string]any{"error": "who are you"})
		case a.forbid && header == "":
			answer(403, nil)
		default:
			answer(401, nil)
		}
		return
	}
	switch r.URL.Path {
	case "/me", "/report":
		answer(200, map[string]any{"name": user})
	case "/things":
		if m["name"] == nil {
			answer(422, nil)
			return
		}
		answer(201, map[string]any{"id": 1, "name": m["name"]})
	case "/logout":
		if j, ok := parse(token); ok {
			a.mu.Lock()
			a.ended[fmt.Sprint(j.claims["jti"])] = true
			a.mu.Unlock()
		}
		answer(200, map[string]any{"ok": true})
	}
}

func run(t *testing.T, a *app, check string) []trial.Result {
	t.Helper()
	a.ended = map[string]bool{}
	if a.key == "" {
		a.key = "0f3c9a51b7d24e86a2c1f7e95d3b8046-not-to-be-guessed"
	}
	srv := httptest.NewServer(a)
	defer srv.Close()
	base, _ := url.Parse(srv.URL)
	doc, err := openapi.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	client := traffic.New(traffic.Options{Base: base})
	defer client.Close()
	var ids []*identity.Identity
	for _, name := range []string{"alice", "bob"} {
		ids = append(ids, &identity.Identity{Name: name, Header: http.Header{"Authorization": {"Bearer " + a.issue(name)}}, Login: &identity.Login{
			Path: "/login", Type: "application/json", Username: name, Password: "pw-" + name, UsernameField: "username", PasswordField: "password", Extract: "/access_token",
		}})
	}
	tr := trial.New(trial.Options{Client: client, Document: doc, Identities: ids, Seed: 5})
	defer tr.Close()
	out, _ := tr.Run(t.Context(), slices.DeleteFunc(Checks(), func(c *trial.Check) bool { return c.ID != check && check != "" }))
	// No token is shown.
	for _, r := range out {
		for _, e := range r.Shown {
			line := client.Curl(e.Request, tr.Secrets())
			for _, i := range ids {
				_, token, _ := strings.Cut(i.Header.Get("Authorization"), " ")
				if j, ok := parse(token); ok && (strings.Contains(line, token) || strings.Contains(line, j.sig)) {
					t.Errorf("%s shows a token: %s", r.Check.ID, line)
				}
			}
		}
	}
	t.Logf("%d requests", client.Sent())
	return out
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name, check, operation string
		app                    *app
		want                   trial.Verdict
		severity               finding.Severity
	}{
		{"open to nobody", "probe/anonymous-refused", "GET /me", &app{open: true}, trial.Fail, 0},
		{"open to nobody, to write", "probe/anonymous-refused", "POST /things", &app{open: true}, trial.Fail, 0},
		{"200 with an error", "probe/anonymous-refused", "GET /me", &app{softError: true}, trial.Suspect, 0},
		{"403", "probe/anonymous-refused", "GET /me", &app{forbid: true}, trial.Suspect, finding.Low},
		{"401", "probe/anonymous-refused", "GET /me", &app{}, trial.Pass, 0},
		{"no challenge", "probe/www-authenticate", "POST /logout", &app{bare: true}, trial.Fail, 0},
		{"the body first", "probe/refusal-first", "POST /things", &app{bodyFirst: true}, trial.Fail, 0},
		{"who calls first", "probe/refusal-first", "POST /things", &app{}, trial.Pass, 0},
		{"any token", "probe/token-checked", "GET /me", &app{anyToken: true}, trial.Fail, 0},
		{"any token, to write", "probe/token-checked", "POST /things", &app{anyToken: true}, trial.Fail, 0},
		{"its own tokens", "probe/token-checked", "GET /me", &app{}, trial.Pass, 0},
		{"breaks", "probe/malformed-token", "GET /me", &app{crash: true}, trial.Fail, 0},
		{"does not break", "probe/malformed-token", "GET /me", &app{}, trial.Pass, 0},
		{"no signature", "probe/jwt-signature", "GET /me", &app{noVerify: true}, trial.Fail, 0},
		{"none", "probe/jwt-algorithm", "GET /me", &app{none: true}, trial.Fail, 0},
		{"none where no key is named", "probe/jwt-algorithm", "GET /me", &app{named: true, noneUnnamed: true}, trial.Fail, 0},
		{"keys with names", "probe/jwt-algorithm", "GET /me", &app{named: true}, trial.Pass, 0},
		{"the public key as a shared one", "probe/jwt-algorithm", "GET /me", &app{rs: true, confused: true}, trial.Fail, 0},
		{"RS256", "probe/jwt-algorithm", "GET /me", &app{rs: true}, trial.Pass, 0},
		{"a key in the token", "probe/jwt-key-source", "GET /me", &app{rs: true, jwk: true}, trial.Fail, 0},
		{"a key elsewhere", "probe/jwt-key-source", "GET /me", &app{rs: true, jku: true}, trial.Fail, 0},
		{"a key elsewhere, asked for", "probe/jwt-key-source", "GET /me", &app{rs: true, fetch: true}, trial.Fail, finding.High},
		{"a key in a file", "probe/jwt-key-source", "GET /me", &app{kid: true}, trial.Fail, 0},
		{"a key of its own", "probe/jwt-key-source", "GET /me", &app{}, trial.Pass, 0},
		{"a word", "probe/jwt-key", "GET /me", &app{key: "your-256-bit-secret"}, trial.Fail, 0},
		{"a number", "probe/jwt-key", "GET /me", &app{key: "4213"}, trial.Fail, 0},
		{"no word", "probe/jwt-key", "GET /me", &app{}, trial.Pass, 0},
		{"ended", "probe/jwt-claims", "GET /me", &app{key: "secret", ignoreExp: true}, trial.Fail, 0},
		{"not begun", "probe/jwt-claims", "GET /me", &app{key: "secret", ignoreNbf: true}, trial.Fail, 0},
		{"of others", "probe/jwt-claims", "GET /me", &app{key: "secret", ignoreAud: true}, trial.Fail, 0},
		{"for renewing", "probe/jwt-claims", "GET /me", &app{key: "secret", anyKind: true}, trial.Fail, 0},
		{"all claims", "probe/jwt-claims", "GET /me", &app{key: "secret"}, trial.Pass, 0},
		{"never ends", "probe/jwt-expires", "GET /me", &app{noExp: true}, trial.Fail, 0},
		{"in the URL", "probe/token-in-query", "GET /me", &app{query: true}, trial.Fail, 0},
		{"not in the URL", "probe/token-in-query", "GET /me", &app{}, trial.Pass, 0},
		{"kept", "probe/logout-revokes", "POST /logout", &app{keepSessions: true}, trial.Fail, 0},
		{"none by one", "probe/jwt-algorithm", "GET /report", &app{noneOnce: true}, trial.Fail, 0},
		{"kept by one", "probe/logout-revokes", "POST /logout", &app{keepOne: true}, trial.Fail, 0},
		{"any kind", "probe/token-kind", "GET /me", &app{anyKind: true}, trial.Fail, 0},
		{"its kind alone", "probe/token-kind", "GET /me", &app{}, trial.Pass, 0},
		{"ended", "probe/logout-revokes", "POST /logout", &app{}, trial.Pass, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			results := run(t, c.app, c.check)
			i := slices.IndexFunc(results, func(r trial.Result) bool { return r.Operation == c.operation })
			if i < 0 {
				t.Fatalf("nothing of %s in %+v", c.operation, results)
			}
			r := results[i]
			if strings.HasPrefix(r.Reason, "not all guesses") {
				t.Skip("the race detector leaves no time for all guesses")
			}
			if r.Verdict != c.want || c.severity != finding.Unknown && r.Severity != c.severity {
				t.Fatalf("%v %v, want %v: got %q, reason %q", r.Verdict, r.Severity, c.want, r.Got, r.Reason)
			}
			if r.Verdict == trial.Fail && len(r.Shown) == 0 {
				t.Error("nothing shows it")
			}
		})
	}
}

func TestWellMade(t *testing.T) {
	for _, a := range []*app{{}, {rs: true}} {
		for _, r := range run(t, a, "") {
			if r.Verdict == trial.Fail || r.Verdict == trial.Suspect {
				t.Errorf("%s %s: %v %s", r.Check.ID, r.Operation, r.Verdict, r.Got)
			}
		}
	}
}

func TestGuessesAreBounded(t *testing.T) {
	n := 0
	for range guesses() {
		n++
	}
	if n < 1_111_110+2000 || n > 1_120_000 {
		t.Errorf("%d guesses", n)
	}
}

func TestManyIsHMAC(t *testing.T) {
	for _, alg := range []string{"HS256", "HS384", "HS512"} {
		j, _ := parse(hs(map[string]any{"alg": alg}, map[string]any{"sub": "a"}, alg, []byte("monkey123")))
		s := &state{}
		if key, n := s.keyOf(j); string(key) != "monkey123" || n == 0 {
			t.Errorf("%s: %q after %d", alg, key, n)
		}
	}
}
