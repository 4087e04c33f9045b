package exposure

import (
	"context"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// A sign is a text that only one kind of thing has.
type sign struct {
	what     string
	severity finding.Severity
	re       *regexp.Regexp
}

// traces are what programs write when they fail. In JSON a quotation mark
// has a backslash before it.
var traces = sync.OnceValue(func() []sign {
	list := []sign{}
	add := func(what string, severity finding.Severity, expr string) {
		list = append(list, sign{what, severity, regexp.MustCompile(expr)})
	}
	add("a trace of Python", finding.Medium, `Traceback \(most recent call last\)|File \\?"[^"\\]{1,200}\.py\\?", line \d+`)
	add("a trace of Go", finding.Medium, `goroutine \d+ \[|runtime error: (?:index|slice|invalid memory|integer divide)|/[\w./@-]+\.go:\d+`)
	add("a trace of Java", finding.Medium, `\bat [\w$]+(?:\.[\w$<>]+)+\([\w$]+\.(?:java|kt|scala):\d+\)|Exception in thread "|\bjava\.(?:lang|util|io|sql)\.\w+(?:Exception|Error)\b`)
	add("a trace of JavaScript", finding.Medium, `\bat (?:[\w.<>$ \[\]]+ )?\(?(?:file://)?(?:/|[A-Z]:\\+)[^\s()]{1,200}\.[cm]?[jt]s:\d+:\d+`)
	add("a trace of .NET", finding.Medium, `\bat [\w.<>`+"`"+`]+\([^)]{0,200}\) in [^\n]{1,200}:line \d+|\bSystem\.(?:NullReference|InvalidOperation|Argument\w*|Data\.\w+)Exception\b`)
	add("a trace of PHP", finding.Medium, `(?:Fatal error|Warning|Notice|Parse error)(?:</b>)?: .{1,300} in (?:<b>)?/\S+\.php(?:</b>)? on line|#\d+ /\S+\.php\(\d+\)`)
	add("a trace of Ruby", finding.Medium, `/[\w./-]+\.rb:\d+:in `)
	add("a trace of Rust", finding.Medium, `panicked at '?[^\n]{1,200}\.rs:\d+:\d+|thread '\w+' panicked at`)
	add("words of a database", finding.Medium, `SQLSTATE\[|\(SQLSTATE \w{5}\)|You have an error in your SQL syntax|syntax error at or near|\bORA-\d{5}\b|near \\?"[^"]{0,40}\\?": syntax error|unrecognized token: |`+
		`\b(?:sqlite3|psycopg2?|asyncpg|pymysql|MySQLdb|sqlalchemy)\.(?:\w+\.)*\w+|(?:UNIQUE|NOT NULL|FOREIGN KEY|CHECK) constraint failed|duplicate key value violates unique constraint|violates (?:foreign key|not-null|check) constraint|`+
		`\bno such (?:table|column): |relation \\?"\w+\\?" does not exist|Unclosed quotation mark after|E11000 duplicate key|\[SQL: |\bpq: \w|MongoServerError|Cannot add or update a child row`)
	add("a path of the server", finding.Medium, `/site-packages/|/dist-packages/|/usr/(?:local/)?lib/python|/node_modules/\w|/go/pkg/mod/|/var/www/\w|/usr/src/app/\w|/home/\w+/[\w.-]+/|/Users/\w+/[\w.-]+/|[A-Z]:\\+(?:Users|inetpub|Windows|Program)\\`)
	add("an address of the network within", finding.Medium, `dial tcp [\w.:\[\]-]+: |connect(?:ion)? (?:to server )?(?:at|to) \\?"?(?:10|192\.168|172\.\d\d|127)\.[\d.]+\\?"?.{0,40}(?:refused|failed)|ECONNREFUSED \d`)
	add("names of the program's own", finding.Low, `'NoneType' object|invalid literal for int\(\) with base|\bobject has no attribute '|strconv\.\w+: parsing |cannot unmarshal \w+ into Go |\b(?:KeyError|ZeroDivisionError|AttributeError|TypeError|IndexError|NameError|UnboundLocalError|RuntimeError|IntegrityError|OperationalError|ProgrammingError|DataError)\b[:(]|Cannot read propert(?:y|ies) |is not a function\b|undefined method `+"[`']")
	return list
})

// debuggers are pages of frameworks that are meant for developers.
var debuggers = sync.OnceValue(func() []sign {
	list := []sign{}
	add := func(what, expr string) { list = append(list, sign{what, finding.High, regexp.MustCompile(expr)}) }
	add("Werkzeug's debugger", `Werkzeug Debugger|EVALEX\s*=\s*true|__debugger__`)
	add("Django's debugging page", `You're seeing this error because you have <code>DEBUG = True</code>|You’re seeing this error because you have <code>DEBUG = True</code>|Django Version:</th>`)
	add("Starlette's debugging page", `<title>Starlette Debugger</title>|class="traceback-container"`)
	add("Laravel's or Symfony's debugging page", `Whoops! There was an error|sf-toolbar|<title>[^<]*Symfony Exception|Ignition\.start`)
	add("Rails' debugging page", `Action Controller: Exception caught|Rails\.root: `)
	add("ASP.NET's developer page", `Microsoft\.AspNetCore\.Diagnostics\.DeveloperExceptionPage|class="rawExceptionStackTrace|An unhandled exception occurred while processing the request`)
	add("Express' error page with a trace", `<pre>\w*Error: [\s\S]{0,400}<br> &nbsp; &nbsp;at `)
	return list
})

// provoke sends what cannot be right, and does no harm: bodies that do not
// parse, and texts in the place of ids.
func provoke(ctx context.Context, t *trial.Trial) bool {
	return trial.Shared(t, "exposure provoked", func() bool {
		any := false
		const odd = "pv'\"[\x00"
		t.Each(func(op *openapi.Operation) {
			b, err := t.Baseline(ctx, op, t.Caller(op))
			if err != nil {
				return
			}
			any = true
			if op.JSON() != nil {
				r := b.Draft.Request()
				r.Body = []byte(`{"pv": [`)
				_, _ = t.Send(ctx, r) // what is answered is looked at later
				r = r.Clone()
				r.Body = []byte(`[{"pv": {}}]`)
				_, _ = t.Send(ctx, r)
			}
			if op.Method != http.MethodGet {
				return
			}
			d := b.Draft.Clone()
			if params := op.PathParams(); len(params) > 0 {
				d = d.WithPath(params[len(params)-1], odd)
				_, _ = t.Send(ctx, d.Request())
			} else if len(op.Params) > 0 {
				for _, p := range op.Params {
					if p.In == "query" {
						d = d.WithQuery(p.Name, odd)
					}
				}
				_, _ = t.Send(ctx, d.Request())
			}
		})
		// A crash is told to browsers in another way.
		asked := 0
		for _, e := range t.Client.Seen() {
			if e.Status == http.StatusInternalServerError && e.Request.Method == http.MethodGet && e.Request.Raw == "" && asked < 2 {
				r := e.Request.Clone()
				r.Header.Set("Accept", "text/html")
				_, _ = t.Send(ctx, r)
				asked++
			}
		}
		return any
	})
}

// found looks for signs in the errors of the whole run.
func found(t *trial.Trial, signs []sign) []trial.Result {
	var out []trial.Result
	seen := t.Client.Seen()
	for _, s := range signs {
		for _, e := range seen {
			if e.Status < 400 || len(e.Body) == 0 {
				continue
			}
			body := string(e.Body)
			if strings.Contains(e.Type(), "html") && !s.re.MatchString(body) {
				body = html.UnescapeString(body)
			}
			match := s.re.FindString(body)
			if match == "" || strings.Contains(request(e.Request), match) {
				continue
			}
			r := trial.Result{Verdict: trial.Fail, Severity: s.severity, Got: s.what, Want: "a text that says what the caller did wrong, or nothing", Shown: []*traffic.Exchange{e}}
			if op := t.Operation(e.Request); op != nil {
				r.Operation = op.Name()
			}
			out = append(out, r)
			break
		}
	}
	return out
}

// verbose: a trace tells what is inside, which versions, and where to push.
func verbose(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	any := provoke(ctx, t)
	results := found(t, traces())
	if e := echoed(t); e != nil {
		r := trial.Result{Verdict: trial.Fail, Severity: finding.Low, Got: "the password that was sent", Want: "errors without the values of secrets", Shown: []*traffic.Exchange{e}}
		if op := t.Operation(e.Request); op != nil {
			r.Operation = op.Name()
		}
		results = append(results, r)
	}
	for _, r := range results {
		report(r)
	}
	switch {
	case len(results) > 0:
	case any:
		report(trial.Result{Verdict: trial.Pass})
	default:
		report(trial.Result{Reason: "no valid request was answered with 2xx, so that its errors say little"})
	}
}

// echoed is an error that repeats a password: whoever logs or caches errors
// has it then.
func echoed(t *trial.Trial) *traffic.Exchange {
	for _, e := range t.Client.Seen() {
		if e.Status < 400 {
			continue
		}
		for _, secret := range passwords(e.Request) {
			if strings.Contains(string(e.Body), secret) {
				return e
			}
		}
	}
	return nil
}

func passwords(r *traffic.Request) []string {
	var out []string
	take := func(name, v string) {
		if strings.Contains(strings.ToLower(name), "password") && len(v) >= 8 {
			out = append(out, v)
		}
	}
	var body map[string]any
	if json.Unmarshal(r.Body, &body) == nil {
		for name, v := range body {
			if s, ok := v.(string); ok {
				take(name, s)
			}
		}
	} else if form, err := url.ParseQuery(string(r.Body)); err == nil {
		for name := range form {
			take(name, form.Get(name))
		}
	}
	return out
}

func debugMode(ctx context.Context, t *trial.Trial, report func(trial.Result)) {
	any := provoke(ctx, t)
	results := found(t, debuggers())
	for _, r := range results {
		report(r)
	}
	switch {
	case len(results) > 0:
	case any:
		report(trial.Result{Verdict: trial.Pass})
	default:
		report(trial.Result{Reason: "no valid request was answered with 2xx, so that its errors say little"})
	}
}
