package crosssite

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
	"github.com/pavise-dev/pavise/finding"
)

// withInfo is the document with who is behind the API.
func withInfo(info string) string {
	return strings.Replace(doc, `"info":{`, `"info":{`+info+`,`, 1)
}

// An API that allows its own domain by a comparison that is not of the whole
// is found when the domain is named somewhere.
func TestCORSOfOwnDomain(t *testing.T) {
	const contact = `"contact":{"email":"help@acme-shop.io","url":"https://github.com/acme/shop"}`
	match := func(expr string) func(string) bool { return regexp.MustCompile(expr).MatchString }
	suffix := func(o string) bool { return strings.HasSuffix(o, "acme-shop.io") }
	for name, c := range map[string]struct {
		info  string
		page  string
		allow func(origin string) bool
		want  wanted
	}{
		"suffix":                          {contact, "", suffix, wanted{trial.Fail, finding.High, "ends as"}},
		"suffix, and the page names it":   {`"x":1`, `<a href="https://www.acme-shop.io/about">about</a>`, suffix, wanted{trial.Fail, finding.High, "ends as"}},
		"suffix, and nothing names it":    {`"x":1`, `<a href="https://unpkg.com/x">x</a>`, suffix, wanted{verdict: trial.Pass}},
		"prefix":                          {contact, "", match(`^https://acme-shop\.io`), wanted{trial.Fail, finding.High, "begins as"}},
		"prefix of a host":                {`"termsOfService":"https://portal.acme-shop.io/terms"`, "", match(`^https://portal\.acme-shop\.io`), wanted{trial.Fail, finding.High, "begins as"}},
		"a part":                          {contact, "", func(o string) bool { return strings.Contains(o, "acme-shop.io") }, wanted{trial.Fail, finding.High, "is allowed"}},
		"a bare dot":                      {contact, "", match(`^https://app.acme-shop\.io$`), wanted{trial.Fail, finding.High, "another character"}},
		"any character in front":          {contact, "", match(`^https://.+acme-shop\.io$`), wanted{trial.Fail, finding.High, "ends as https://acme-shop.io"}},
		"not itself, but what ends so":    {contact, "", match(`^https://[a-z0-9]+acme-shop\.io$`), wanted{trial.Fail, finding.High, "ends as acme-shop.io"}},
		"the whole":                       {contact, "", match(`^https://(?:(?:www|app)\.)?acme-shop\.io$`), wanted{verdict: trial.Pass}},
		"subdomains":                      {contact, "", match(`^https://(?:[a-z0-9-]+\.)*acme-shop\.io$`), wanted{trial.Suspect, finding.Low, "any subdomain"}},
		"subdomains of what is allowed":   {contact, "", match(`^https://(?:[a-z0-9-]+\.)acme-shop\.io$`), wanted{verdict: trial.Pass}},
		"examples are nobody's own names": {`"contact":{"email":"a@mail.example.org"}`, "", func(o string) bool { return strings.HasSuffix(o, "example.org") }, wanted{verdict: trial.Pass}},
	} {
		t.Run(name, func(t *testing.T) {
			h := app{before: func(w http.ResponseWriter, r *http.Request) bool {
				if o := r.Header.Get("Origin"); o != "" && c.allow(o) {
					w.Header().Set("Access-Control-Allow-Origin", o)
					w.Header().Set("Access-Control-Allow-Credentials", "true")
				}
				w.Header().Add("Vary", "Origin")
				if r.URL.Path == "/" && c.page != "" {
					w.Header().Set("Content-Type", "text/html")
					_, _ = io.WriteString(w, c.page)
					return true
				}
				return false
			}}
			judge(t, "probe/cors-origin", trialtest.New(t, withInfo(c.info), h, bearer()), c.want)
		})
	}
}

func TestDomains(t *testing.T) {
	for _, c := range []struct {
		info, cookie string
		want         []string
	}{
		{`"contact":{"email":"a@shop.co.uk"}`, "", []string{"shop.co.uk"}},
		{`"description":"see https://swagger.io, http://127.0.0.1:8000, http://localhost/x and https://a.shop.io/b"`, "", []string{"a.shop.io"}},
		{`"description":"one"`, "sid=1; Domain=.shop.io; Path=/", []string{"shop.io"}},
		{`"description":"https://a.io https://b.io https://c.io https://d.io"`, "", []string{"a.io", "b.io", "c.io"}},
	} {
		tr := trialtest.New(t, withInfo(c.info), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if c.cookie != "" {
				w.Header().Set("Set-Cookie", c.cookie)
			}
		}))
		if got := domains(t.Context(), tr); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.info, got, c.want)
		}
	}
	for host, want := range map[string]string{"shop.io": "shop.io", "a.b.shop.io": "shop.io", "a.shop.co.uk": "shop.co.uk", "shop.co.uk": "shop.co.uk", "a.shop.de": "shop.de"} {
		if got := parent(host); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

// Links that are made when something is.
func TestForwardedLinks(t *testing.T) {
	type made struct {
		proxies []string
		field   string
		escaped bool
		echo    bool
	}
	for name, c := range map[string]struct {
		made
		want wanted
	}{
		"X-Forwarded-Host":                           {made{field: "X-Forwarded-Host"}, wanted{trial.Fail, finding.Medium, "the API's name is what X-Forwarded-Host"}},
		"X-Forwarded-Host in JSON with backslashes":  {made{field: "X-Forwarded-Host", escaped: true}, wanted{trial.Fail, finding.Medium, "the API's name is what X-Forwarded-Host"}},
		"X-Forwarded-Proto in JSON with backslashes": {made{field: "X-Forwarded-Proto", escaped: true}, wanted{trial.Fail, finding.Medium, "the scheme is what X-Forwarded-Proto"}},
		"X-Forwarded-Proto":                          {made{field: "X-Forwarded-Proto"}, wanted{trial.Fail, finding.Medium, "the scheme is what X-Forwarded-Proto"}},
		"the API's own name":                         {made{}, wanted{verdict: trial.Pass}},
		"a proxy's alone":                            {made{field: "X-Forwarded-Host", proxies: []string{"127.0.0.1:"}}, wanted{verdict: trial.Pass}},
		"all fields come back":                       {made{field: "X-Forwarded-Host", echo: true}, wanted{verdict: trial.Pass}},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			titles := map[string]bool{}
			deleted := 0
			h := app{before: func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasPrefix(r.URL.Path, "/notes/") && r.Method == "DELETE" {
					mu.Lock()
					defer mu.Unlock()
					deleted++
					w.WriteHeader(204)
					return true
				}
				if r.URL.Path != "/notes" || r.Method != "POST" || !in(r) {
					return false
				}
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				defer mu.Unlock()
				// Each is one of its kind, so that a request that is sent again is refused.
				if titles[string(body)] {
					w.WriteHeader(409)
					return true
				}
				titles[string(body)] = true
				scheme, host := "http", r.Host
				if v := r.Header.Get(c.field); c.field != "" && v != "" && (c.proxies == nil || strings.HasPrefix(r.RemoteAddr, c.proxies[0])) {
					if strings.HasSuffix(c.field, "Host") {
						host = v
					} else {
						scheme = v
					}
				}
				link := fmt.Sprintf("%s://%s/s/%d", scheme, host, len(titles))
				if c.escaped {
					link = strings.ReplaceAll(link, "/", `\/`)
				}
				w.WriteHeader(201)
				_, _ = fmt.Fprintf(w, `{"id":%d,"link":"%s"`, len(titles), link)
				if c.echo {
					_, _ = fmt.Fprintf(w, `,"headers":%q`, fmt.Sprint(r.Header))
				}
				_, _ = io.WriteString(w, "}")
				return true
			}}
			d := strings.Replace(doc, `"/internal/stats"`, `"/notes/{id}":{"delete":{"security":[{"b":[]}],"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"responses":{"204":{}}}},"/internal/stats"`, 1)
			tr := trialtest.New(t, d, h, bearer())
			judge(t, "probe/forwarded-trusted", tr, c.want)
			tr.Cleanup(t.Context())
			if len(titles) != deleted || deleted == 0 {
				t.Errorf("%d were made, and %d deleted", len(titles), deleted)
			}
		})
	}
}
