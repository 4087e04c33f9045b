package leaks

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/finding"
)

// structures are secrets that are known by how they are built.
func structures() []Rule {
	jwt := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"1234","name":"A","iat":1700000000}`)) + "." + chars(43, base62)
	basic := base64.StdEncoding.EncodeToString([]byte("deploy:" + chars(14, base62)))
	begin, body := "-----BEGIN "+"PRIVATE KEY-----", chars(64, standard)
	return []Rule{
		{
			ID: "private-key", What: "private key", span: 8 << 10, Keywords: []string{"private key-----", "private key block-----"}, Severity: finding.Critical, Literal: true,
			// The header and the first line of the body, which may stand in one
			// line with \n between them. A password protects an encrypted one.
			Pattern: `-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\\r|\\n|[\s"',+\\>]|Proc-Type[^\n]*\n|[A-Za-z-]+: [^\n]*\n)*([A-Za-z0-9+/=]{40,})`,
			True:    []string{"⟦" + begin + "\\n" + body + "⟧\\n", marked("key = \"", begin+"\\n"+body, "\\n\""), marked("", strings.Replace(begin, "PRIVATE", "RSA PRIVATE", 1)+"\\r\\n"+body, "")},
			False:   []string{begin, begin + "\\n...", "if text.startswith('" + begin + "'):"},
			Fix:     "take the key out, make a new pair, and revoke what the old one opens",
			valid:   func(_, s string) bool { return !strings.Contains(s, "ENCRYPTED") },
		},
		{
			ID: "jwt", What: "JSON web token", Keywords: []string{"eyj"}, anchored: true, Prefixes: []string{"eyJ"}, Severity: finding.Medium, Literal: true,
			Pattern: `^(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{20,})(?:$|[^A-Za-z0-9_-])`,
			True:    []string{marked("token = '", jwt, "'"), marked("Authorization: Bearer ", jwt, ""), marked("", jwt, "")},
			False:   []string{"eyJhbGciOi...", "eyJhbGciOiJIUzI1NiJ9.eyJ9.x", "eyJ" + chars(20, base62) + ".eyJ" + chars(20, base62) + "." + chars(43, base62)},
			valid:   isJWT,
			Fix:     "take it out; if it has not expired, revoke it",
		},
		{
			login: true, ID: "url-password", What: "password in an address", Keywords: []string{"://"}, Any: "@", Severity: finding.High,
			Pattern: `[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s:/?#@"'<>{}$%\\` + "`" + `]{0,100}:([^\s/?#@"'<>\\` + "`" + `]{3,200})@[A-Za-z0-9\[_.-]`,
			True:    []string{marked("url = \"postgresql+asyncpg://app:", chars(16, base62), "@db.internal:5432/app\""), marked("REDIS_URL=redis://:", chars(12, base62), "@10.0.0.1:6379/0"), marked("amqp://svc:", "Winter-2024-q", "@mq/")},
			False:   []string{"postgresql://user:${PASSWORD}@db/app", "postgresql://user:password@localhost/db", "http://user:pass@example.com/", "f\"postgres://{user}:{password}@{host}\"", "https://host:8080/a@b", "redis://localhost:6379/0", "postgresql://postgres:postgres@localhost/x"},
			valid:   isURLPassword,
		},
		{
			login: true, ID: "basic-auth", What: "user and password in a header", Keywords: []string{"basic "}, Severity: finding.High, Literal: true,
			Pattern: `(?i)\bbasic ([A-Za-z0-9+/]{12,200}={0,2})(?:$|[^A-Za-z0-9+/=])`,
			True:    []string{marked("Authorization: Basic ", basic, ""), marked("{'Authorization': 'Basic ", basic, "'}"), marked("-H \"authorization: basic ", basic, "\"")},
			False:   []string{"Authorization: Basic <token>", "basic authentication with a realm", "Basic " + base64.StdEncoding.EncodeToString([]byte("user:password"))},
			valid:   isBasicAuth,
		},
		{
			ID: "aws-secret-key", What: "AWS secret key", Keywords: []string{"aws", "secret_access_key", "secretaccesskey"}, Entropy: 4, Severity: finding.Critical, Literal: true,
			Pattern: `(?i)(?:aws.{0,30}|secret_?access_?)(?:secret|key|sk)[A-Za-z_]*["']?\s*(?:=>|[:=])\s*["']?([A-Za-z0-9/+]{40})(?:$|[^A-Za-z0-9/+=])`,
			True:    []string{marked("aws_secret_access_key = ", chars(40, standard), ""), marked("AWS_SECRET_KEY: \"", chars(40, base62), "\""), marked("\"secretAccessKey\": \"", chars(40, standard), "\"")},
			False:   []string{"aws_secret_access_key = ${KEY}", "aws_secret_access_key = \"" + strings.Repeat("x", 40) + "\"", "aws commit " + chars(40, hexa)},
		},
		{
			ID: "encoded-private-key", What: "private key in base64", Keywords: []string{"ls0tls1crudjti"}, anchored: true, Prefixes: []string{"LS0tLS1CRUdJTi"}, Severity: finding.Critical, Literal: true,
			Pattern: `^(LS0tLS1CRUdJTi[A-Za-z0-9+/]{40,}={0,2})`,
			True:    []string{marked("client-key-data: ", base64.StdEncoding.EncodeToString([]byte(begin+"\n"+body)), ""), marked("KEY=\"", base64.StdEncoding.EncodeToString([]byte(begin+"\n"+body)), "\""), marked("", base64.StdEncoding.EncodeToString([]byte(begin+"\n"+body)), "")},
			False:   []string{"certificate-authority-data: " + base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\n"+body)), "LS0tLS1CRUdJTi", "LS0tLS1CRUdJTi..."},
			valid: func(_, s string) bool {
				data, err := base64.StdEncoding.DecodeString(s[:len(s)/4*4])
				return err == nil && strings.Contains(string(data), "PRIVATE KEY-----")
			},
			Fix: "take the key out, make a new pair, and revoke what the old one opens",
		},
		{
			ID: "registry-auth", What: "user and password of a registry", Keywords: []string{"\"auth\""}, Severity: finding.High, Literal: true,
			Pattern: `"auth"\s*:\s*"([A-Za-z0-9+/]{12,400}={0,2})"`,
			True:    []string{marked("{\"auths\":{\"r\":{\"auth\": \"", basic, "\"}}}"), marked("\"auth\":\"", basic, "\""), marked("  \"auth\" : \"", basic, "\",")},
			False:   []string{`"auth": "required-always"`, `"auth": "` + base64.StdEncoding.EncodeToString([]byte("user:password")) + `"`, `"auth": ""`},
			valid:   isBasicAuth,
		},
		{
			ID: "connection-string", What: "password in a connection string", Keywords: []string{"password=", "pwd="}, Any: ";", Severity: finding.High,
			Pattern: `(?i);\s*(?:password|pwd)\s*=\s*([^;"'\s{}$<]{4,200})`,
			True:    []string{marked("\"Server=db;Database=a;User Id=sa;Password=", "Winter-2024"+"-q", ";\""), marked("Driver=x;Uid=a;Pwd=", chars(14, base62), ";"), marked("cs = 'Host=h;Username=u;Password=", "k3ep-"+"0ut", "'")},
			False:   []string{"Server=db;User Id=sa;Password=${PW};", "Server=db;Password=<password>;", "a; password=true"},
			valid:   func(_, s string) bool { return !commonPasswords().MatchString(s) && !plain(s) },
		},
		{
			ID: "header-credential", What: "credential in a header", Keywords: []string{"x-api-key", "x-auth-token", "private-token", "authorization", "x-access-token"}, Entropy: 3, Severity: finding.High,
			Pattern: `(?i)(?:(?:x-api-key|x-auth-token|private-token|x-access-token)["']?\s*[:=,]\s*["']?|authorization["']?\s*[:=,]\s*["']?(?:bearer|token|apikey)\s+)([A-Za-z0-9_\-.=/+]{16,400})(?:$|[^A-Za-z0-9_\-.=/+])`,
			True:    []string{marked("curl -H 'X-API-Key: ", chars(32, base62), "' https://a"), marked("headers = {\"Authorization\": \"Bearer ", chars(40, base62), "\"}"), marked("PRIVATE-TOKEN: ", chars(20, base62)+"4", "")},
			False:   []string{"X-API-Key: your-api-key-goes-here-1", "Authorization: Bearer <token>", "headers = {\"X-API-Key\": settings.api_key_of_service_2}", "authorization: bearer token of the user", "X-API-Key: $API_KEY"},
			valid: func(_, s string) bool {
				return strings.ContainsAny(s, digits) && !dotted().MatchString(s) && !strings.HasPrefix(s, "settings.")
			},
		},
		{
			ID: "command-password", What: "password on a command line", Keywords: []string{"curl ", "wget ", "mysql ", "sshpass ", "psql ", "redis-cli ", "mysqldump "}, Severity: finding.High,
			Pattern: `(?:\bcurl\b[^\n]*?\s(?:-u|--user)[ =]?["']?[^\s:"'$]{1,60}:|\bwget\b[^\n]*?--(?:http-)?password[ =]["']?|\bsshpass\s+-p\s*["']?|\bmysql(?:dump)?\b[^\n]*?\s-p|\bredis-cli\b[^\n]*?\s-a\s+["']?|--requirepass\s+["']?)([^\s"'$<{]{4,200})`,
			True:    []string{marked("curl -s -u deploy:", "k3ep-"+"0ut!", " https://a/"), marked("sshpass -p '", "Winter-2024"+"-q", "' ssh h"), marked("mysql -u root -p", "Winter2024"+"x", " app")},
			False:   []string{"curl -u user:password https://a", "curl -u $USER:$PASS https://a", "mysql -u root -p app", "sshpass -p $PW ssh"},
			valid: func(_, s string) bool {
				return !commonPasswords().MatchString(s) && !plain(s) && !strings.HasPrefix(s, "-")
			},
		},
		{
			ID: "netrc-password", What: "password of .netrc", Keywords: []string{"machine "}, Severity: finding.High,
			Pattern: `\bmachine\s+\S+\s+login\s+\S+\s+password\s+(\S{3,200})`,
			True:    []string{marked("machine api.host login me password ", chars(12, base62), ""), marked("machine a login b password ", "correct-horse-9", ""), marked("machine a\tlogin b\tpassword ", chars(20, base62), "")},
			False:   []string{"machine a login b password <password>", "machine learning login", "machine a login b password $PASS"},
		},
		{
			ID: "npm-config", What: "credential of .npmrc", Keywords: []string{"_authtoken", "_auth", "_password"}, Severity: finding.High,
			Pattern: `(?m)^\s*(?://[^\s=]+:)?_(?:authToken|auth|password)\s*=\s*["']?([^\s"']{8,300})`,
			True:    []string{marked("//registry.host/:_authToken=", chars(36, base62), ""), marked("_auth=", chars(24, base62), ""), marked("//r/:_password=\"", chars(20, base62), "\"")},
			False:   []string{"//registry.host/:_authToken=${NPM_TOKEN}", "_auth_required = yes", "_authToken=<token>"},
		},
	}
}

// isJWT looks at the header and the claims: both are JSON objects.
func isJWT(_, s string) bool {
	parts := strings.Split(s, ".")
	var header struct {
		Algorithm string `json:"alg"`
	}
	for i := range 2 {
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return false
		}
		var object map[string]any
		if json.Unmarshal(data, &object) != nil {
			return false
		}
		if i == 0 && (json.Unmarshal(data, &header) != nil || header.Algorithm == "" || strings.EqualFold(header.Algorithm, "none")) {
			return false
		}
	}
	return true
}

// commonPasswords are what examples of addresses hold.
var commonPasswords = lazy.Regexp(`(?i)^(?:pass(?:word|wd|phrase)?|pwd|pw|secret|user(?:name)?|admin|root|postgres|mysql|guest|test|app|dev|local|db|foo|bar|baz|spam|scott|tiger|changethis|[a-z]|\.+)$`)

func isURLPassword(_, s string) bool {
	plain, err := url.PathUnescape(s)
	if err != nil {
		plain = s
	}
	return !commonPasswords().MatchString(plain) && !strings.ContainsAny(plain, "{}()$%*|,;") && len(plain) >= 4
}

func isBasicAuth(_, s string) bool {
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return false
	}
	user, password, ok := strings.Cut(string(data), ":")
	if !ok || user == "" || len(password) < 4 {
		return false
	}
	for _, c := range data {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return !commonPasswords().MatchString(password) && !isPlaceholder(password)
}
