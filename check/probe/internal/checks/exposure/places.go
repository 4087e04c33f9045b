package exposure

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// A place is a path, and what is there if it is there at all.
type place struct {
	path     string
	what     string
	severity finding.Severity
	is       func(e *traffic.Exchange) bool
}

// has tells whether all texts are in a body.
func has(texts ...string) func(*traffic.Exchange) bool {
	return func(e *traffic.Exchange) bool {
		return !slices.ContainsFunc(texts, func(s string) bool { return !bytes.Contains(e.Body, []byte(s)) })
	}
}

func page(e *traffic.Exchange) bool {
	lower := strings.ToLower(string(e.Body[:min(len(e.Body), 256)]))
	return strings.Contains(e.Type(), "html") || strings.Contains(lower, "<html") || strings.Contains(lower, "<!doctype")
}

func matching(expr string) func(*traffic.Exchange) bool {
	re := lazy.Regexp(expr)
	return func(e *traffic.Exchange) bool { return !page(e) && re().Match(e.Body) }
}

// looked asks for places as a stranger. What is at a path beside one that
// nobody has, and looks the same, is not there.
func looked(ctx context.Context, t *trial.Trial, places []place) ([]trial.Result, error) {
	var out []trial.Result
	for _, p := range places {
		e, err := t.Send(ctx, get(p.path))
		if err != nil {
			return out, err
		}
		if !e.OK() || !p.is(e) {
			continue
		}
		again, err := t.Send(ctx, get(p.path))
		if err != nil {
			return out, err
		}
		beside, err := t.Send(ctx, get(p.path[:strings.LastIndexByte(strings.TrimRight(p.path, "/"), '/')+1]+t.Maker("beside "+p.path).Mark()))
		if err != nil {
			return out, err
		}
		if !again.OK() || !p.is(again) || beside.OK() && p.is(beside) {
			continue
		}
		out = append(out, trial.Result{
			Verdict: trial.Fail, Severity: p.severity, Got: fmt.Sprintf("%s at %s", p.what, p.path), Want: "401 or 404", Shown: []*traffic.Exchange{again},
		})
	}
	return out, nil
}

func told(results []trial.Result, err error, report func(trial.Result)) {
	for _, r := range results {
		report(r)
	}
	switch {
	case err != nil:
		report(trial.Result{Reason: trial.Reason(err)})
	case len(results) == 0:
		report(trial.Result{Verdict: trial.Pass})
	}
}

// below are the paths under which an API lives: the root, the document's base,
// and what all operations begin with.
func below(t *trial.Trial) []string {
	out := []string{""}
	add := func(s string) {
		if s = strings.TrimRight(s, "/"); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	add(t.Document.Base)
	common := ""
	for i, op := range t.Operations {
		first, _, more := strings.Cut(strings.TrimPrefix(op.Path, "/"), "/")
		if !more || strings.Contains(first, "{") || i > 0 && first != common {
			common = ""
			break
		}
		common = first
	}
	if common != "" {
		add(t.Document.Base + "/" + common)
	}
	return out
}

// documentation: a description of all operations is a plan for attacks; it
// may be public on purpose, and then that is accepted once.
func documentation(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	isDocument := func(e *traffic.Exchange) bool {
		return !page(e) && (has(`"openapi"`, `"paths"`)(e) || has(`"swagger"`, `"paths"`)(e) || strings.HasPrefix(string(e.Body), "openapi:"))
	}
	isPage := func(e *traffic.Exchange) bool {
		return page(e) && (has("swagger-ui")(e) || has("<redoc")(e) || has("Redoc.init")(e) || has("api-reference")(e) || has("rapi-doc")(e) || has("SwaggerUIBundle")(e))
	}
	var places []place
	for _, base := range below(t) {
		for _, p := range []string{"/docs", "/redoc", "/openapi.json"} {
			places = append(places, place{path: base + p})
		}
	}
	for _, p := range []string{"/openapi.yaml", "/swagger", "/swagger/index.html", "/swagger-ui/", "/swagger-ui.html", "/swagger.json", "/api-docs", "/v3/api-docs"} {
		places = append(places, place{path: p})
	}
	for i := range places {
		places[i].what, places[i].is = "the documentation", func(e *traffic.Exchange) bool { return isDocument(e) || isPage(e) }
	}
	results, err := looked(ctx, t, places)
	// Where the probe itself read the document, strangers may as well.
	for _, e := range t.Client.Seen() {
		path := e.Request.Path
		if e.OK() && e.Request.Method == http.MethodGet && isDocument(e) && e.Request.Header.Get("Authorization") == "" && e.Request.Header.Get("Cookie") == "" &&
			!slices.ContainsFunc(places, func(p place) bool { return p.path == path }) && t.Operation(e.Request) == nil {
			results = append(results, trial.Result{Verdict: trial.Fail, Got: "the documentation at " + path, Want: "401 or 404", Shown: []*traffic.Exchange{e}})
			break
		}
	}
	if len(results) > 1 {
		// One fault, however many pages show it.
		r := results[0]
		for _, more := range results[1:] {
			r.Got += ", " + strings.TrimPrefix(more.Got, "the documentation at ")
		}
		results = []trial.Result{r}
	}
	told(results, err, report)
}

// confides tells whether secrets are in an answer, under their names or in URLs.
func confides(e *traffic.Exchange) bool {
	return !page(e) && (secrets().Match(e.Body) || credentials().Match(e.Body))
}

var (
	secrets     = lazy.Regexp(`(?i)"[\w.-]*(?:password|passwd|secret|api_?key|token|private_?key|dsn|database_?url)[\w.-]*"\s*:\s*"[^"]{4,}"`)
	credentials = lazy.Regexp(`\b[a-z][a-z0-9+.-]{2,}://[^\s"'/:@]+:[^\s"'/:@]{3,}@[\w.-]+`)
)

func debugRoutes(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	list := []place{
		{"/metrics", "metrics", finding.Medium, matching(`(?m)^# (?:HELP|TYPE) \w+`)},
		{"/debug/pprof/", "profiles of Go", finding.High, has("/debug/pprof/", "profile")},
		{"/debug/vars", "variables of Go", finding.High, has(`"memstats"`, `"cmdline"`)},
		{"/actuator", "Spring's actuator", finding.Medium, has(`"_links"`, "actuator")},
		{"/actuator/env", "Spring's environment", finding.High, has(`"propertySources"`)},
		{"/env", "an environment", finding.High, func(e *traffic.Exchange) bool {
			return !page(e) && (has("PATH", "HOME")(e) || has(`"propertySources"`)(e))
		}},
		{"/debug", "debugging", finding.High, func(e *traffic.Exchange) bool {
			return !page(e) && (has("PATH", "HOME")(e) || has("Traceback")(e) || has("goroutine ")(e))
		}},
		{"/server-status", "Apache's status", finding.Medium, has("Apache Server Status")},
		{"/nginx_status", "nginx's status", finding.Medium, has("Active connections:", "server accepts")},
		{"/console", "Werkzeug's console", finding.Critical, has("Interactive Console", "debugger")},
		{"/phpinfo.php", "PHP's settings", finding.Medium, has("phpinfo()", "PHP Version")},
		{"/_profiler", "Symfony's profiler", finding.High, has("Symfony Profiler")},
		{"/__debug__/", "a debugging toolbar", finding.High, has("djdt")},
		{"/h2-console", "a database's console", finding.Critical, has("H2 Console")},
		{"/graphiql", "GraphiQL", finding.Low, has("graphiql", "GraphiQL")},
		{"/flower", "a queue's dashboard", finding.High, has("<title>Flower")},
		{"/trace", "traces of requests", finding.High, has(`"timestamp"`, `"headers"`, `"request"`)},
	}
	named := len(list)
	for _, p := range []string{"/debug/config", "/debug/settings", "/debug/env", "/debug/info", "/debug/vars", "/debug/dump", "/_debug", "/config", "/settings", "/internal/config", "/internal/settings", "/internal/debug", "/admin/config", "/diagnostics", "/info"} {
		list = append(list, place{p, "settings with secrets", finding.High, confides})
	}
	for _, base := range below(t)[1:] {
		for _, p := range slices.Concat(list[:3], list[named:]) {
			p.path = base + p.path
			list = append(list, p)
		}
	}
	// What the document names is known of.
	list = slices.DeleteFunc(list, func(p place) bool {
		op := t.Operation(get(p.path))
		return op != nil && op.Secured()
	})
	results, err := looked(ctx, t, list)
	told(results, err, report)
}

func files(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	env := matching(`(?m)^(?:export )?[A-Z][A-Z0-9_]{2,}\s*=\s*\S`)
	sql := matching(`(?i)\b(?:CREATE TABLE|INSERT INTO) |-- (?:MySQL|PostgreSQL) d(?:ump|atabase)`)
	list := []place{
		{"/.git/HEAD", "a repository", finding.High, matching(`^(?:ref: refs/|[0-9a-f]{40}\s*$)`)},
		{"/.git/config", "a repository's settings", finding.High, matching(`(?m)^\[core\]`)},
		{"/.env", "settings", finding.Critical, env},
		{"/.env.production", "settings", finding.Critical, env},
		{"/.env.example", "settings", finding.Low, env},
		{"/config.json", "settings with secrets", finding.Critical, confides},
		{"/settings.json", "settings with secrets", finding.Critical, confides},
		{"/appsettings.json", "settings with secrets", finding.Critical, confides},
		{"/config.yaml", "settings with secrets", finding.Critical, matching(`(?im)^\s*[\w.-]*(?:password|secret|api_?key|token|dsn)[\w.-]*\s*:\s*\S{4,}`)},
		{"/backup.sql", "a dump of a database", finding.Critical, sql},
		{"/dump.sql", "a dump of a database", finding.Critical, sql},
		{"/database.db", "a database", finding.Critical, matching(`^SQLite format 3`)},
		{"/db.sqlite3", "a database", finding.Critical, matching(`^SQLite format 3`)},
		{"/id_rsa", "a private key", finding.Critical, matching(`-----BEGIN [A-Z ]*PRIVATE KEY`)},
		{"/server.key", "a private key", finding.Critical, matching(`-----BEGIN [A-Z ]*PRIVATE KEY`)},
		{"/.htpasswd", "passwords", finding.High, matching(`(?m)^[\w.@-]+:(?:\$apr1\$|\$2[aby]\$|\{SHA\}|\$6\$)`)},
		{"/docker-compose.yml", "the deployment", finding.Medium, matching(`(?m)^services:`)},
		{"/Dockerfile", "the deployment", finding.Low, matching(`(?m)^FROM \S+`)},
		{"/main.py", "source", finding.High, matching(`(?m)^(?:import|from) \w+`)},
		{"/app.py", "source", finding.High, matching(`(?m)^(?:import|from) \w+`)},
		{"/requirements.txt", "the dependencies", finding.Low, matching(`(?m)^[\w.\[\]-]+\s*==\s*\d`)},
		{"/package.json", "the dependencies", finding.Low, matching(`"dependencies"\s*:`)},
		{"/go.mod", "the dependencies", finding.Low, matching(`(?m)^module \S+`)},
	}
	list = slices.DeleteFunc(list, func(p place) bool { return t.Operation(get(p.path)) != nil })
	results, err := looked(ctx, t, list)
	told(results, err, report)
}

func listings(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	is := func(e *traffic.Exchange) bool {
		body := string(e.Body)
		return strings.Contains(body, "<title>Index of /") || strings.Contains(body, "<title>Directory listing for ") || strings.Contains(body, "<h1>Directory listing for ") ||
			// Go's http.FileServer.
			(strings.HasPrefix(body, "<pre>\n<a href=") || strings.HasPrefix(body, "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>"))
	}
	var places []place
	for _, p := range []string{"/static/", "/files/", "/uploads/", "/media/", "/assets/", "/public/", "/"} {
		places = append(places, place{p, "a listing of files", finding.Low, is})
	}
	results, err := looked(ctx, t, places)
	told(results, err, report)
}

// hiddenRoutes are those that are commonly left open because nobody knows of
// them.
func hiddenRoutes(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	var list []string
	for _, base := range below(t) {
		for _, p := range []string{"/admin", "/admin/users", "/users", "/internal", "/config", "/debug", "/backup", "/export"} {
			if len(list) < maxHidden {
				list = append(list, base+p)
			}
		}
	}
	m := t.Maker("hidden")
	var results []trial.Result
	for _, p := range list {
		if documented(t, p) {
			continue
		}
		e, err := t.Send(ctx, get(p))
		if err != nil {
			told(results, err, report)
			return
		}
		if !e.OK() || !strings.Contains(e.Type(), "json") {
			continue
		}
		beside, err := t.Send(ctx, get(p+m.Mark()))
		if err != nil || beside.OK() && trial.Shape(beside) == trial.Shape(e) {
			continue
		}
		r := trial.Result{Verdict: trial.Suspect, Severity: finding.Low, Got: fmt.Sprintf("%d at %s, which no operation has", e.Status, p), Want: "401 or 404", Shown: []*traffic.Exchange{e}}
		if what := personal(e); what != "" {
			r.Verdict, r.Severity = trial.Fail, finding.High
			r.Got += ", with " + what
		}
		results = append(results, r)
	}
	told(results, nil, report)
}

const maxHidden = 16

// documented tells whether the document names a path, by any method.
func documented(t *trial.Trial, path string) bool {
	return slices.ContainsFunc(t.Operations, func(op *openapi.Operation) bool {
		r := get(path)
		r.Method = op.Method
		return t.Operation(r) != nil
	})
}

// personal is a name in a body under which secrets or people are.
func personal(e *traffic.Exchange) string {
	var body any
	if json.Unmarshal(e.Body, &body) != nil {
		return ""
	}
	var walk func(v any, depth int) string
	walk = func(v any, depth int) string {
		if depth > 6 {
			return ""
		}
		switch v := v.(type) {
		case []any:
			for _, x := range v[:min(len(v), 3)] {
				if got := walk(x, depth+1); got != "" {
					return got
				}
			}
		case map[string]any:
			for _, name := range sorted(v) {
				lower := strings.ToLower(name)
				s, text := v[name].(string)
				if text && len(s) >= 4 && slices.ContainsFunc([]string{"password", "secret", "token", "api_key", "apikey", "email", "ssn", "hash", "dsn", "database_url", "private_key"}, func(w string) bool { return strings.Contains(lower, w) }) {
					return name
				}
				if got := walk(v[name], depth+1); got != "" {
					return got
				}
			}
		}
		return ""
	}
	return walk(body, 0)
}

func sorted(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
