package leaks

import (
	"fmt"
	"path"
	"strings"
	"testing"
)

// The corpus: files of twelve kinds, as web teams have them. A secret stands
// for itself between ⟦ and ⟧; all else is a look-alike, line by line. Secrets
// are put together here, so that no file of ours holds one.

// values of the kinds that people choose and programs generate.
func chosen() []string {
	return []string{
		"my-super-" + "secret-key-2024", "Tr0ub4dor&" + "3xtra", "hunter2" + "hunter2!", "s3cr3t-for-" + "everything", "P@ssw0rd-" + "prod-1",
		"correct-horse-" + "9-battery", "Winter" + "2024!q", "qwe" + "RTY789zz", "letme1n-" + "please", "b1g-" + "s3cr3t-k3y",
	}
}

func generated() []string {
	return []string{
		chars(32, hexa), chars(64, hexa), chars(43, urlsafe), chars(24, base62), chars(40, base62), chars(32, standard) + "==",
		chars(20, base36) + "7", chars(28, base62), chars(48, hexa), chars(22, urlsafe) + "9",
	}
}

// corpus returns the files.
func corpus() map[string]string {
	out := map[string]string{}
	values := append(chosen(), generated()...)
	n := 0
	next := func() string {
		n++
		return "⟦" + values[n%len(values)] + "⟧"
	}
	file := func(name string, lines ...string) {
		text := strings.Join(lines, "\n") + "\n"
		for strings.Contains(text, "@@") {
			text = strings.Replace(text, "@@", next(), 1)
		}
		out[name] = text
	}
	file("app/settings.py",
		"from pydantic import SecretStr, Field", "from pydantic_settings import BaseSettings", "", "class Settings(BaseSettings):",
		"    app_name: str = \"orders-api-v2\"", "    secret_key: str = \"@@\"", "    jwt_secret: SecretStr = SecretStr(\"@@\")", "    api_key: str = Field(default=\"@@\")",
		"    db_password: SecretStr = Field(\"@@\", min_length=8)", "    SMTP_PASSWORD = '@@'", "    stripe_webhook_secret: str = \"@@\"", "    session_key: bytes = b\"@@\"",
		"    redis_password: str | None = \"@@\"", "    encryption_key: Annotated[str, Field()] = \"@@\"",
		"    algorithm: str = \"HS256\"", "    token_url: str = \"/api/v1/auth/token-2\"", "    access_token_expire_minutes: int = 30", "    secret_name: str = \"orders/prod/db-1\"",
		"    password_min_length: int = 12", "    secret_key_file: str = \"/run/secrets/key-1\"", "    api_key_header: str = \"X-API-Key\"", "    cors_origins: list[str] = [\"https://a1.example.com\"]",
		"    secret_key: str", "    password: SecretStr", "    token: str = \"\"", "    api_key: str = \"change-me-please-1\"", "    jwt_secret: str = Field(..., min_length=32)", "    log_format: str = \"%(asctime)s %(levelname)s\"")
	file("app/auth.py",
		"import hmac, jwt, os", "def create_app(secret: str = \"@@\"):", "    return jwt.encode({\"sub\": 1}, \"@@\", algorithm=\"HS256\")", "KEY = os.getenv(\"SECRET_KEY\", \"@@\")", "PEPPER = os.environ.get('PEPPER', '@@')",
		"mac = hmac.new(b\"@@\", body, \"sha256\")", "claims = jwt.decode(token, '@@', algorithms=['HS256'])", "client = Client(api_key=\"@@\")", "engine = create_engine(\"postgresql+psycopg://app:⟦Zq7"+"-vex-41⟧@db.internal/app\")",
		"conn = connect(host=\"db\", password=\"@@\")", "headers = {\"X-Api-Key\": k, \"api_key\": \"@@\"}",
		"token = request.headers[\"authorization\"].split(\" \")[1]", "if token == expected_token:", "oauth2 = OAuth2PasswordBearer(tokenUrl=\"token-v2\")", "raise HTTPException(401, \"the token has expired\")", "password = form.password", "secret = settings.secret_key.get_secret_value()",
		"token_type = \"bearer\"", "user.password_hash = hasher.hash(password)", "KEY = os.environ[\"SECRET_KEY\"]", "PASSWORD_RESET_TOKEN = \"password-reset-token\"", "logger.info(\"token=%s\", token_id)", "key = f\"user:{user_id}:token\"", "assert password != \"password\"",
		"pwd_context = CryptContext(schemes=[\"argon2\", \"bcrypt\"])", "API_KEY_NAME = \"access_token\"", "SECRET_KEY = secrets.token_urlsafe(32)", "jwt.encode(payload, settings.key, algorithm=\"RS256\")", "token: Annotated[str, Depends(oauth2)]", "email_token = \"{{ token }}\"")
	file("cmd/server/main.go",
		"package main", "var jwtSecret = []byte(\"@@\")", "const apiKey = \"@@\"", "\tpassword := \"@@\"", "\tmac := hmac.New(sha256.New, []byte(\"@@\"))", "\treturn t.SignedString([]byte(\"@@\"))", "\tcfg := Config{APIKey: \"@@\", Timeout: 5}", "\tstore := sessions.NewCookieStore([]byte(\"@@\"))",
		"\tDB_PASSWORD = `@@`", "\tAuthToken:  \"@@\",",
		"\ttoken := r.Header.Get(\"Authorization\")", "\tif err := bcrypt.CompareHashAndPassword(hash, password); err != nil {", "\tconst tokenHeader = \"X-Auth-Token-2\"", "\tsecret := os.Getenv(\"JWT_SECRET\")", "\treturn errors.New(\"the token is not valid 42\")", "\tkey := []byte(cfg.Key)", "\tPublicKey: \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI\",",
		"\tPassword string `json:\"password\"`", "\tToken   string `env:\"API_TOKEN,required\"`", "\tctx = context.WithValue(ctx, tokenKey, t)", "\tcacheKey := \"session:v2:user\"", "\tidempotencyKey := \"idempotency-key-1\"", "\tsecretName := \"projects/p1/secrets/s1\"")
	file(".env.production",
		"# settings", "SECRET_KEY=@@", "export DB_PASSWORD=@@", "API_KEY=\"@@\"", "JWT_SECRET='@@'", "SMTP_PASSWORD=@@ # mail", "REDIS_URL=redis://:⟦r3dis-"+"pw-77⟧@cache:6379/0", "WEBHOOK_SECRET=@@", "SESSION_KEY=@@",
		"DEBUG=false", "LOG_LEVEL=info2", "PORT=8000", "DB_HOST=db-1.internal", "SECRET_KEY_FILE=/run/secrets/key1", "AWS_REGION=eu-west-1", "TOKEN_TTL=3600s", "API_KEY=${API_KEY}", "PASSWORD=changeme123", "DB_NAME=orders2024", "JWT_ALGORITHM=HS256", "PUBLIC_KEY=pk_abc", "SECRET_NAME=orders/db/1", "TOKEN_URL=https://a.example.com/t1")
	file("compose.yaml",
		"services:", "  db:", "    environment:", "      POSTGRES_PASSWORD: @@", "      MYSQL_ROOT_PASSWORD: \"@@\"", "      - JWT_SECRET=@@", "      - API_KEY=@@", "    command: [redis-server, --requirepass, x]",
		"      POSTGRES_PASSWORD_FILE: /run/secrets/pw1", "      POSTGRES_USER: app2024", "      PASSWORD: ${DB_PASSWORD}", "      SECRET_KEY: ${SECRET_KEY:?set it}", "    image: postgres:16.2", "      - TOKEN_TTL=3600s", "      - LOG_LEVEL=info", "secrets:", "  db_password:", "    file: ./secrets/db_password.txt")
	file("k8s/deploy.yml",
		"kind: Deployment", "env:", "- name: JWT_SECRET", "  value: \"@@\"", "- name: DB_PASSWORD", "  value: @@", "stringData:", "  api-key: @@", "  password: \"@@\"", "  secret_token: @@",
		"- name: LOG_LEVEL", "  value: \"info-2\"", "- name: API_TOKEN", "  valueFrom:", "    secretKeyRef:", "      name: api-secret-1", "      key: token-1", "  imagePullSecrets:", "  - name: registry-1", "  secretName: tls-cert-2024", "  password: {{ .Values.db.password }}", "  token: {{ include \"x.token\" . }}", "  serviceAccountToken: true")
	file("infra/main.tf",
		"provider \"x\" {", strings.ReplaceAll("  token = \"@@\"", "@@", "⟦"+chars(40, base62)+"⟧"), "  api_key = \"@@\"", "  password = \"@@\"", "  secret_key = \"@@\"", "}", "variable \"db_password\" {", "  default = var.x", "  password = var.db_password", "  token    = data.vault.token", "  key_name = \"deploy-key-1\"", "  kms_key_id = \"arn:aws:kms:eu-west-1:1:key/a\"", "  secret_id = \"orders/prod/1\"", "  access_key = \"${var.access_key}\"", "  engine_version = \"16.2\"")
	file("Dockerfile",
		"FROM python:3.12-slim", "ENV SECRET_KEY=@@", "ENV API_PASSWORD @@", "ARG DB_PASSWORD=@@", "ARG NPM_TOKEN", "ENV PASSWORD=$PASSWORD", "ENV TOKEN_URL=https://example.com/t1", "RUN pip install app==1.2.3", "ENV PYTHONPATH=/app/src1", "COPY . /app", "LABEL version=1.2.3")
	file("web/config.js",
		"export const config = {", "  apiKey: \"@@\",", "  clientSecret: '@@',", "  password: `@@`,", "  \"auth_token\": \"⟦"+chars(32, base62)+"⟧\",", "  tokenEndpoint: \"https://a.example.com/oauth2/token1\",", "  passwordLabel: \"Password (8 or more)\",", "  apiKeyHeader: \"x-api-key\",", "  csrfToken: document.querySelector(\"#t1\"),", "  storageKey: \"app:v2:token\",", "  i18nKey: \"login.password.label1\",", "};", "const token = await getToken(\"scope-1\");", "localStorage.setItem(\"token\", token);")
	file("notebook.ipynb",
		"{\"cells\": [", "{\"source\": [\"api_key = \\\"x\\\"\\n\"]},", "{\"source\": [\"password = '@@'\\n\"]},", "{\"source\": [\"SECRET_KEY = '@@'\\n\"]},", "{\"source\": [\"client_secret = '@@'\\n\"]},", "{\"execution_count\": 12, \"id\": \"a1b2c3d4\"}", "]}")
	file("setup.cfg",
		"[app]", "password = @@", "secret_key = @@", "api_key = @@", "version = 1.2.3", "token_file = /etc/token1", "password_policy = strict2", "key = value1", "[tool:pytest]", "addopts = -q --token-dir x1")
	file(".github/workflows/ci.yml",
		"jobs:", "  test:", "    env:", "      SECRET_KEY: @@", "      DB_PASSWORD: \"@@\"", "      API_TOKEN: ${{ secrets.API_TOKEN }}", "      GITHUB_TOKEN: ${{ github.token }}", "    permissions:", "      id-token: write", "    steps:", "      - uses: actions/checkout@v4", "        with:", "          token: ${{ secrets.PAT }}", "          persist-credentials: false", "          password: ${{ secrets.PW }}", "          cache-key: pip-2024-a1")
	// A token of each provider, in a file of each kind in turn.
	kinds := []struct{ name, line string }{
		{"p/a.py", "client = connect(\"%s\")"}, {"p/b.go", "\tc := New(\"%s\")"}, {"p/c.env", "X=%s"}, {"p/d.yaml", "x: %s"}, {"p/e.json", "{\"x\": \"%s\"}"}, {"p/f.tf", "  x = \"%s\""},
		{"p/g.js", "f('%s')"}, {"p/h.sh", "curl -H \"X: %s\" https://a"}, {"p/i.ini", "x = %s"}, {"p/j.md", "use `%s`"}, {"p/k.toml", "x = \"%s\""}, {"p/l.txt", "%s"},
	}
	all := providers()
	for i := range 2 * len(all) {
		r := all[i%len(all)]
		_, rest, _ := strings.Cut(r.True[1], "⟦")
		secret, _, _ := strings.Cut(rest, "⟧")
		k := kinds[(i+i/len(all)*5)%len(kinds)]
		out[k.name] += fmt.Sprintf(k.line, "⟦"+secret+"⟧") + "\n"
		out[k.name] += fmt.Sprintf(k.line, "id-"+fmt.Sprint(i*7919)) + "\n" + fmt.Sprintf(k.line, secret[:min(len(secret)/3, 12)]+"...") + "\n"
		out[k.name] += fmt.Sprintf(k.line, "sha256:"+chars(64, hexa)) + "\n" + fmt.Sprintf(k.line, chars(8, hexa)+"-"+chars(4, hexa)+"-4"+chars(3, hexa)+"-a"+chars(3, hexa)+"-"+chars(12, hexa)) + "\n"
	}
	return out
}

// TestCorpus measures what is found and what is found wrongly.
func TestCorpus(t *testing.T) {
	s := NewScanner()
	secrets, found, lines, wrong := 0, 0, 0, 0
	kinds := map[string]bool{}
	for name, marks := range corpus() {
		kinds[path.Ext(name)+path.Base(name)[:1]] = true
		for line := range strings.SplitSeq(marks, "\n") {
			if !strings.Contains(line, "⟦") && strings.TrimSpace(line) != "" {
				lines++
			}
			secrets += strings.Count(line, "⟦")
		}
		text := strings.NewReplacer("⟦", "", "⟧", "").Replace(marks)
		got := map[int]int{}
		for _, l := range s.Scan(name, []byte(text)) {
			got[l.Line]++
		}
		for n, line := range strings.Split(marks, "\n") {
			want := strings.Count(line, "⟦")
			switch have := got[n+1]; {
			case want > 0:
				found += min(want, have)
				if have < want {
					t.Logf("missed: %s:%d: %s", name, n+1, line)
				}
			case have > 0:
				wrong++
				t.Logf("wrong: %s:%d: %s", name, n+1, line)
			}
		}
	}
	t.Logf("%d of %d secrets, %d of %d look-alikes, %d kinds", found, secrets, wrong, lines, len(kinds))
	if secrets < 200 || lines < 500 || len(kinds) < 12 {
		t.Error("the corpus is small")
	}
	if found*100 < secrets*95 {
		t.Errorf("%d of %d secrets are found, want 95 %%", found, secrets)
	}
	if wrong*100 > lines*2 {
		t.Errorf("%d of %d look-alikes are found, want at most 2 %%", wrong, lines)
	}
}
