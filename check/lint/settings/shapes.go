package settings

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/finding"
)

// shape looks at a text that shows by itself that it is a secret.
func (w *word) shape(c *pyast.Constant) {
	if c.Kind != pyast.Str && c.Kind != pyast.Bytes || len(c.Value) < 12 {
		return
	}
	switch last(w.in).(type) {
	case *pyast.ExprStmt, *pyast.FormattedValue:
		return // documentation
	case *pyast.JoinedStr:
		return
	}
	if i := strings.Index(c.Value, "PRIVATE KEY-----"); i >= 0 && strings.Contains(c.Value[:i], "-----BEGIN ") {
		if body := strings.TrimSpace(c.Value[i+len("PRIVATE KEY-----"):]); len(body) > 100 && !strings.Contains(body, "...") {
			w.tell(c, "a private key is in the source")
		}
		return
	}
	if issued(c.Value) {
		w.tell(c, "a token of a service is in the source")
		return
	}
	user, password, host, ok := address(c.Value)
	if !ok || w.refused[c.Value] || w.said[c] {
		return
	}
	severity := opens(user, password, host, w.connects())
	if severity == finding.Unknown {
		return
	}
	if w.asksFor() {
		return // said of the setting
	}
	w.at(severity, c, "an address with a password is in the source")
}

// partial looks at an address whose host is known only when it runs.
func (w *word) partial(c *pyast.Constant) {
	user, password, host, ok := address(c.Value)
	if ok && host == "" && opens(user, password, "elsewhere.", false) != finding.Unknown {
		w.tell(c, "an address with a password is in the source")
	}
}

// connects tells whether a text is handed to what opens a connection.
func (w *word) connects() bool {
	for i := len(w.in) - 1; i >= 0; i-- {
		c, ok := w.in[i].(*pyast.Call)
		if !ok {
			continue
		}
		switch id := analysis.Leaf(c.Func); id {
		case "create_engine", "create_async_engine", "async_engine_from_config", "connect", "create_pool", "from_url", "MongoClient", "AsyncIOMotorClient", "Database", "Celery", "connect_robust", "URLParameters", "register_tortoise", "ConnectionPool":
			return true
		}
	}
	return false
}

// asksFor tells whether a text is the default of a setting.
func (w *word) asksFor() bool {
	for i := len(w.in) - 1; i >= 0; i-- {
		switch n := w.in[i].(type) {
		case *pyast.Call:
			if asks(w.m.Scope, n) {
				return true
			}
		case *pyast.ClassDef:
			for _, c := range w.m.Classes {
				if c.ClassDef == n && c.IsSettings() {
					return true
				}
			}
			return false
		case *pyast.FunctionDef:
			return false
		}
	}
	return false
}

// issued tells whether a text has the form of what a service gives out.
func issued(text string) bool {
	for _, p := range []string{"sk_live_", "rk_live_", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "AKIA", "ASIA", "AIza", "sk-proj-", "sk-ant-", "SG.", "whsec_", "npm_", "pypi-", "hf_", "dop_v1_"} {
		rest, ok := strings.CutPrefix(text, p)
		if !ok || len(rest) < 16 || placeholder(rest) || strings.HasSuffix(text, "EXAMPLE") {
			continue
		}
		letters := strings.Trim(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.+/=")
		return letters == "" && strings.ContainsAny(rest, "0123456789") && distinct(rest) > 8
	}
	return false
}

// address reads a URL with a password. Its host is empty when the text ends
// before it.
func address(text string) (user, password, host string, ok bool) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || strings.ContainsAny(text, " \n\t<>{}$") {
		return "", "", "", false
	}
	switch base, _, _ := strings.Cut(strings.ToLower(scheme), "+"); base {
	case "postgres", "postgresql", "mysql", "mariadb", "mongodb", "redis", "rediss", "amqp", "amqps", "mssql", "oracle", "clickhouse", "cockroachdb", "ftp", "sftp", "smtp", "smtps", "http", "https", "ldap", "ldaps", "asyncpg":
	default:
		return "", "", "", false
	}
	end := strings.IndexAny(rest, "/?#")
	// A password may hold a slash that should have been escaped.
	at := strings.LastIndexByte(rest, '@')
	if end >= 0 && at > end {
		at = strings.LastIndexByte(rest[:end], '@')
	}
	if at < 0 {
		return "", "", "", false
	}
	user, password, ok = strings.Cut(rest[:at], ":")
	host = rest[at+1:]
	if end := strings.IndexAny(host, "/?#"); end >= 0 {
		host = host[:end]
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return user, password, host, ok && password != "" && !strings.Contains(password, "//")
}

// opens is how bad an address with a password is: one for the desk has a
// password that everybody knows, or that nobody else can reach.
func opens(user, password, host string, connects bool) finding.Severity {
	lower := strings.ToLower(password)
	known := placeholder(password) || lower == strings.ToLower(user) || distinct(password) < 3
	switch lower {
	case "password", "pass", "pwd", "passwd", "postgres", "secret", "user", "root", "guest", "admin", "mysql", "redis", "mongo", "*****", "****", "***", "pw", "p", "mypassword", "token":
		known = true
	}
	switch {
	case host == "localhost" || strings.HasPrefix(host, "127.") || host == "[::1]" || host == "0.0.0.0" || host == "host.docker.internal" || host == "example.com" || strings.HasSuffix(host, ".example.com") || host == "host" || host == "hostname":
		if random(password) && !known {
			return finding.Medium
		}
		return finding.Unknown
	case known && !connects:
		return finding.Unknown
	case strings.Contains(host, ".") || connects || random(password):
		return finding.High
	}
	return finding.Medium
}
