package leaks

import (
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/finding"
)

// A value in quotes, of one line: "…" or '…' with the prefixes of Python.
const (
	doubleQuoted = `[rRbBuU]{0,2}"((?:[^"\\\n]|\\.){4,400})"`
	singleQuoted = `[rRbBuU]{0,2}'((?:[^'\\\n]|\\.){4,400})'`
	goQuoted     = "`([^`\n]{4,400})`"
	quoted       = `(?:` + doubleQuoted + `|` + singleQuoted + `|` + goQuoted + `)`
)

// secretName is the end of a name that says "I hold a secret".
const secretName = `(?:secret(?:[-_.]?(?:key|token|access[-_.]?key|value))?|pass(?:word|wd|phrase)|passwd|pwd|pepper|api[-_.]?key|apikey|auth[-_.]?key|access[-_.]?key|private[-_.]?key|signing[-_.]?key|sign[-_.]?key|encryption[-_.]?key|crypt(?:o)?[-_.]?key|master[-_.]?key|session[-_.]?key|jwt[-_.]?key|hmac[-_.]?key|fernet[-_.]?key|account[-_.]?key|webhook[-_.]?key|license[-_.]?key|credentials?|token|auth[-_.]?token|bearer|[-_.]pass\b)` //nolint:gosec // a pattern of names

// contexts are secrets that are known by where they stand.
func contexts() []Rule {
	key := chars(43, base62) + "="
	return []Rule{
		{
			// Any default at all is one that somebody runs with.
			named: true, Literal: true, login: true, valid: literalKey,
			ID: "fallback-secret", What: "secret as the default of a variable", Severity: finding.High, Keywords: []string{"getenv", "setenv", "environ", "env(", "env.", "config("},
			Pattern: `(?i)(?:getenv|setenv|environ\.get|environ\.setdefault|env|env\.str|config|lookupenv|env_or|getenvdefault|envor)\(\s*["']([A-Za-z0-9_.-]{0,60}` + secretName + `[A-Za-z0-9_]{0,20})["']\s*,\s*(?:default\s*=\s*)?(?:str\s*,\s*)?` + quoted,
			True:    []string{marked("k = os.getenv(\"SECRET_KEY\", \"", "dev-key-"+"8841-rotate", "\")"), marked("os.environ.get('DB_PASSWORD', '", "Winter-2024"+"-q", "')"), marked("config(\"JWT_SECRET\", default=\"", chars(24, base62), "\")")},
			False:   []string{`os.getenv("SECRET_KEY", "")`, `os.getenv("TOKEN_URL", "/token")`, `os.getenv("LOG_LEVEL", "INFO-9981")`, `os.getenv("SECRET_KEY", default)`, `os.getenv("SECRET_KEY", "None")`},
			Fix:     "leave out the default, so that the service does not start without its secret",
		},
		{
			// "secret" is no placeholder here: tokens are signed with it.
			Literal: true, login: true, valid: literalKey,
			ID: "jwt-literal-key", What: "key of tokens in the source", Severity: finding.Critical, Keywords: []string{"jwt.", "jws.", "signedstring", "encode("},
			Pattern: `(?:jwt|jws)\.(?:encode|decode|sign|verify)\(\s*(?:\{[^{}]{0,300}\}|[^,()"']{1,120}(?:\([^()]*\)[^,()"']{0,40})?),\s*(?:key\s*=\s*)?` + quoted,
			True:    []string{marked("jwt.encode(payload, \"", "a-phrase-"+"for-9-tokens", "\", algorithm=\"HS256\")"), marked("jwt.decode(token, '", chars(32, base62), "', algorithms=['HS256'])"), marked("return jws.sign({**claims}, key=\"", "hello-"+"token-77x", "\")")},
			False:   []string{`jwt.encode(payload, settings.key, algorithm="HS256")`, `jwt.encode(payload, "", algorithm="HS256")`, `jwt.decode(token, "utf-8")`, `jwt.decode(token, key, algorithms=["HS256"])`},
		},
		{
			login: true, valid: chosenKey,
			ID: "hmac-literal-key", What: "key of a signature in the source", Severity: finding.High, Keywords: []string{"hmac", "signedstring", "securecookie", "newcookiestore"},
			Pattern: `(?:hmac\.new\(|hmac\.New\(\s*[A-Za-z0-9_.]{1,40}\s*,\s*|SignedString\(\s*|NewCookieStore\(\s*|securecookie\.New\(\s*)(?:key\s*=\s*)?(?:\[\]byte\(\s*)?` + quoted,
			True:    []string{marked("hmac.new(b\"", "k3y-of-"+"webhooks", "\", body, sha256)"), marked("hmac.New(sha256.New, []byte(\"", chars(24, base62), "\"))"), marked("token.SignedString([]byte(`", "phrase-"+"2024-of-ours", "`))")},
			False:   []string{`hmac.new(key, body, sha256)`, `hmac.New(sha256.New, []byte(secret))`, `hmac.new(b"", b"")`},
		},
		{
			ID: "fernet-key", What: "Fernet key", Severity: finding.Critical, Keywords: []string{"fernet"}, Literal: true,
			Pattern: `(?i)fernet[A-Za-z0-9_]{0,30}["']?\s*[(=:]\s*(?:[A-Za-z_.]{1,30}\()?\[?\s*b?["']?([A-Za-z0-9_-]{43}=)`,
			True:    []string{marked("f = Fernet(b\"", key, "\")"), marked("FERNET_KEY=", key, ""), marked("fernet_key: \"", key, "\"")},
			False:   []string{"f = Fernet(key)", "Fernet(b\"short\")", "FERNET_KEY=${KEY}"},
			Fix:     "take the key out, make a new one, and rotate what it sealed: pavise keys, pavise rotate",
		},
		{
			ID: "fernet-key-at-import", What: "key that is made anew at each start", Severity: finding.High, Keywords: []string{"generate_key"}, Literal: true,
			Pattern: `(?m)^(?:[A-Za-z_][A-Za-z0-9_]*(?:\s*:\s*[A-Za-z_.]+)?\s*=\s*(?:[A-Za-z_.]*\()?)?(Fernet\.generate_key\(\))`,
			True:    []string{marked("KEY = ", "Fernet.generate_key()", ""), marked("fernet = Fernet(", "Fernet.generate_key()", ")"), marked("key: bytes = ", "Fernet.generate_key()", "")},
			False:   []string{"    key = Fernet.generate_key()", "# Fernet.generate_key()", "print(Fernet.generate_key().decode())"},
			Fix:     "read the key from the environment: what was sealed with this one is lost at the next start; pavise keys new makes one",
		},
		{
			named: true, Literal: true, login: true,
			ID: assignment, What: "secret in the source", Severity: finding.High,
			Keywords: []string{"secret", "passw", "passphrase", "_pass", "-pass", ".pass", "pwd", "pepper", "apikey", "api_key", "api-key", "api.key", "_key", "-key", ".key", "key\"", "key'", "key =", "key=", "key:", "credential", "token", "bearer"},
			Any:      "\"'`",
			// A name, perhaps in quotes or with a type, then = or : and a value
			// in quotes, perhaps in the call of a type.
			Pattern: `(?i)([A-Za-z0-9_.$-]{0,60}` + secretName + `[A-Za-z0-9_]{0,20})["'\]]{0,2}\s*(?::\s*[A-Za-z_][A-Za-z0-9_.\[\]|,() ]{0,60}?\s*)?(?:=>|:=|\?=|=|:)\s*(?:[A-Za-z_.]{1,40}\()?(?:default\s*=\s*)?(?:\[\]byte\()?` + quoted,
			True: []string{
				marked("SECRET_KEY = \"", "my-super-"+"secret-key-2024", "\""), marked("    secret_key: str = '", "hunter2"+"hunter2", "'"), marked("db_password: SecretStr = SecretStr(\"", "Tr0ub4dor"+"&3x", "\")"),
				marked("{\"api_key\": \"", chars(24, base62), "\"}"), marked("var jwtSecret = []byte(\"", "a-long-phrase-"+"9-for-tokens", "\")"), marked("token: '", chars(32, hexa), "'"),
				marked("def create_app(secret: str = \"", "s3cr3t-"+"for-all-apps", "\"):"), marked("api_key: str = Field(default=\"", chars(20, base62), "\")"), marked("const password = `", "Winter-2024"+"-q", "`"),
			},
			False: []string{
				`SECRET_KEY = os.environ["SECRET_KEY"]`, `secret_key: str = "change-me-in-production"`, `token_url = "/api/v1/token"`, `token_type: str = "bearer"`, `PASSWORD = "${DB_PASSWORD}"`, `password = "password"`,
				`password_field = "current_password"`, `"token": "access_token"`, `api_key_header = "X-API-Key"`, `SECRET_KEY = ""`, `secret_name = "projects/x/secrets/y"`, `label: "Enter your password"`, `secret: "<your secret>"`, `public_key = "ssh-ed25519 AAAAC3Nz"`,
				`error = "the token is invalid"`, `key = "a1b2c3d4e5"`, `token_expire = "3600 seconds"`, `password: "{{ .Values.password }}"`, `"primaryKey": "user_id"`, `credentials = "include"`,
				`password = password.encode("latin1")`, `secret = b.decode('iso8859_15')`, `passwd: str = raw.decode("cp1252")`, `password = pw.encode("utf-16-le")`, `"password": data.encode("windows-1252")`,
			},
			valid: assigned,
		},
	}
}

// weakName are names that hold something else as often as a secret.
var weakName = lazy.Regexp(`(?i)(?:token|bearer|credentials?|key)$`)

// otherName are names that end like a secret's, or begin like one, and say
// where it is, how long it lasts, or what it is called.
var otherName = lazy.Regexp(`(?i)(?:public|primary|foreign|sort|partition|cache|index|row|dict|json|map|group|order|object|idempotency|routing|hash|search|translation|i18n|pagination|page|next|continuation|csrf|xsrf|cursor|sync|start|end|eos|bos|pad|unk|mask|sep|special)[-_.]?(?:key|token)s?$|(?:url|uri|path|file|dir|name|id|ids|type|field|header|param|prefix|suffix|length|len|size|min|max|ttl|expires?(?:_?(?:in|at|minutes|seconds|days))?|expiry|lifetime|policy|rules?|regex|pattern|format|hash|algorithm|scheme|schema|help|hint|label|title|text|message|msg|error|description|placeholder|class|model|view|form|url_?name|endpoint|route|audience|issuer|count|index|arn|ref|version|store|backend|manager|provider|service|factory|handler|validators?|hashers?|reset|change|changed|confirm|required|enabled|missing|invalid|incorrect|wrong|expired|check|input|template|subject|column|table|env|var|variable)$`)

// algorithm are algorithms, which stand where a key may.
var algorithm = lazy.Regexp(`(?i)^(?:[HREP]S(?:256|384|512)|EdDSA|none|null)$`)

// codec are Python's encodings of text, as in password.encode("latin1").
var codec = lazy.Regexp(`(?i)^(?:u(?:tf)?[-_ ]?(?:7|8|16|32)(?:[-_](?:le|be|sig))?|(?:us[-_])?ascii|(?:l|latin)[-_ ]?[0-9]{1,2}|iso[-_ ]?8859(?:[-_][0-9]{1,2})?(?:[-_][ei])?|iso2022[-_][a-z]{2}(?:[-_](?:[0-9]{1,4}|ext))?|(?:cp|ibm|windows|ms)[-_]?[0-9]{3,5}|koi8[-_][rtu]|big5(?:[-_]?hkscs)?|gb[-_]?(?:k|2312|18030(?:[-_]2000)?)|euc[-_]?(?:jp|kr|cn|jis[-_]?2004|jisx0213)|s(?:hift)?[-_]?jis(?:[-_]?2004|x0213)?|johab|hz|ptcp154|mac[-_]?[a-z]{4,9}2?|idna|punycode|(?:raw_)?unicode_escape|(?:base64|bz2|hex|quopri|uu|zlib|rot13)(?:_codec)?|mbcs|oem)$`)

// literalKey tells whether a literal that stands for a key is used as one.
func literalKey(_, value string) bool {
	return !algorithm().MatchString(value) && !codec().MatchString(value) && !references().MatchString(value) && !envName().MatchString(value)
}

// chosenKey tells whether a literal reads as a key that somebody chose.
func chosenKey(_, value string) bool {
	return len(value) >= 6 && !codec().MatchString(value) && (!plain(value) || boast().MatchString(value)) && !strings.ContainsAny(value, "{}") && !envName().MatchString(value)
}

// assigned tells whether a value that is assigned to a name is a secret.
func assigned(name, value string) bool {
	if otherName().MatchString(name) || derived().MatchString(name) || isPlaceholder(value) || strings.EqualFold(strings.Trim(name, "_.-$"), value) {
		return false
	}
	bare := strings.Trim(value, " ")
	switch {
	case len(bare) < 6:
		return false
	case strings.ContainsAny(bare, " \t") && !strings.ContainsAny(bare, digits):
		return false // a sentence
	case strings.Contains(bare, "{") && strings.Contains(bare, "}"), strings.Contains(bare, "%s"), strings.Contains(bare, "%("), strings.Contains(bare, "://"):
		return false // a format, or an address, which has rules of its own
	case strings.HasPrefix(bare, "/"), strings.HasPrefix(bare, "./"), strings.HasPrefix(bare, "http"), strings.HasPrefix(bare, "ssh-"), strings.HasPrefix(bare, "--"):
		return false
	case codec().MatchString(bare):
		return false
	case envName().MatchString(bare), header().MatchString(bare), camel().MatchString(bare), expressionLike().MatchString(bare), bare[0] == '_':
		return false
	}
	if weakName().MatchString(name) && !strongKey().MatchString(name) {
		// Of these only what looks generated.
		return len(bare) >= 16 && !strings.ContainsAny(bare, " \t") && entropy(bare) >= 3 && strings.ContainsAny(bare, digits) && !dotted().MatchString(bare)
	}
	if boast().MatchString(bare) {
		return true // "supersecretkey"
	}
	// A word or two may be a password; more often it is the name of a setting.
	return !plain(bare) && !dotted().MatchString(bare)
}

var (
	envName = lazy.Regexp(`^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$`)
	camel   = lazy.Regexp(`^[A-Za-z][a-z]+(?:[A-Z][a-z]+)+$|^(?:[A-Z][a-z]*)+$`)
	// expressionLike are regular expressions, escapes and numbers with dots.
	expressionLike = lazy.Regexp(`\\[swdbWSD.x]|\[[^\]]*-[^\]]*\]|\(\?|^[0-9.]+$|^\[`)
	// derived are values that are made of a secret.
	derived   = lazy.Regexp(`(?i)hash|digest|checksum|fingerprint|pbkdf2|bcrypt|argon2|encrypted|sealed|cipher|public`)
	header    = lazy.Regexp(`^X(?:-[A-Z][A-Za-z]*)+$`)
	dotted    = lazy.Regexp(`^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+(?:\(\))?$|^[a-z]+(?:_[a-z]+)+$`)
	boast     = lazy.Regexp(`(?i)^(?:my|super|very|top|our|the|dev|prod|jwt|app|ultra)[-_]?[a-z-]*(?:secret|passw|key)[a-z-]*$`)
	strongKey = lazy.Regexp(`(?i)(?:secret|api|access|private|sign(?:ing)?|encryption|crypto?|master|session|jwt|hmac|fernet|account|webhook|license|auth)[-_.]?key$|(?:api|auth|access|refresh|secret|bot|private)[-_.]?token$`)
)
