package proxy

import (
	"fmt"
	"testing"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/analysistest"
	"github.com/pavise-dev/pavise/finding"
)

func TestSamples(t *testing.T) { analysistest.Run(t, Analyzer) }

func TestSeverity(t *testing.T) {
	const location = "server {\n server_tokens off;\n listen 443 ssl;\n add_header X-Frame-Options DENY always;\n location %s {\n add_header Cache-Control no-store;\n }\n}\n"
	const compose = "services:\n  proxy:\n    image: traefik:v3\n    command: --api.insecure\n    ports: [%s]\n"
	for _, c := range []struct {
		rule       *analysis.Rule
		name, text string
		want       finding.Severity
	}{
		{headerLost, "nginx.conf", fmt.Sprintf(location, "/api/"), finding.Medium},
		{headerLost, "nginx.conf", fmt.Sprintf(location, "/assets/"), finding.Low},
		{headerLost, "nginx.conf", fmt.Sprintf(location, `~* \.(?:css|js)$`), finding.Low},
		{headerLost, "nginx.conf", fmt.Sprintf(location, `~* \.html$`), finding.Medium},
		{traefikInsecure, "compose.yaml", fmt.Sprintf(compose, `"8080:8080"`), finding.High},
		{traefikInsecure, "compose.yaml", fmt.Sprintf(compose, `{target: 8080, published: 80}`), finding.High},
		{traefikInsecure, "compose.yaml", fmt.Sprintf(compose, `"127.0.0.1:8080:8080"`), finding.Medium},
		{traefikInsecure, "compose.yaml", fmt.Sprintf(compose, `"80:80"`), finding.Medium},
	} {
		found, _ := analysistest.Find(Analyzer, map[string][]byte{c.name: []byte(c.text)}, nil)
		if len(found) != 1 || found[0].Rule != c.rule || found[0].Severity != c.want {
			t.Errorf("%q: found %v, not of severity %v", c.text, found, c.want)
		}
	}
}

func TestWeakCipher(t *testing.T) {
	for list, want := range map[string]string{
		"HIGH:!aNULL:!MD5": "", "ALL": "ALL", "ALL:!aNULL": "", "ECDHE-RSA-AES128-GCM-SHA256": "", "EXP-RC4-MD5": "EXP-RC4-MD5", "RC4+RSA:!RC4": "",
		"EDH-RSA-DES-CBC3-SHA": "EDH-RSA-DES-CBC3-SHA", "EDH-RSA-DES-CBC3-SHA:!3DES": "", "DES-CBC-SHA": "DES-CBC-SHA", "DES-CBC3-SHA:!DES": "DES-CBC3-SHA", "": "", "PROFILE=SYSTEM": "",
		"HIGH:+RC4:@STRENGTH": "",
	} {
		if got := weakCipher(list); got != want {
			t.Errorf("%s: %q is weak, not %q", list, got, want)
		}
	}
}
