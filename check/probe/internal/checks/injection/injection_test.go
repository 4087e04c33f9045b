package injection

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	htmltemplate "html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	texttemplate "text/template"
	"time"

	_ "modernc.org/sqlite"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// A route is an operation, what its document says of it, and what it does.
type route struct {
	name   string // METHOD /path
	spec   string // members of the operation, in JSON; - where the document lacks it
	handle http.HandlerFunc
}

func query(name string) string {
	return fmt.Sprintf(`"parameters":[{"name":%q,"in":"query","required":true,"schema":{"type":"string"}}]`, name)
}

func optional(name string) string {
	return fmt.Sprintf(`"parameters":[{"name":%q,"in":"query","schema":{"type":"string"}}]`, name)
}

func inPath(name, kind string) string {
	return fmt.Sprintf(`"parameters":[{"name":%q,"in":"path","required":true,"schema":{"type":%q}}]`, name, kind)
}

func body(names ...string) string {
	var props []string
	for _, n := range names {
		props = append(props, fmt.Sprintf(`%q:{"type":"string"}`, n))
	}
	req, _ := json.Marshal(names)
	return fmt.Sprintf(`"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":%s,"properties":{%s}}}}}`, req, strings.Join(props, ","))
}

const upload = `"requestBody":{"required":true,"content":{"multipart/form-data":{"schema":{"type":"object","required":["file"],"properties":{"file":{"type":"string","format":"binary"}}}}}}`

func document(routes []route) []byte {
	paths := map[string]map[string]json.RawMessage{}
	for _, r := range routes {
		method, p, _ := strings.Cut(r.name, " ")
		if r.spec == "-" {
			continue
		}
		if paths[p] == nil {
			paths[p] = map[string]json.RawMessage{}
		}
		spec := r.spec
		if !strings.Contains(spec, `"responses"`) {
			spec = strings.TrimPrefix(spec+`,"responses":{"200":{"description":"","content":{"application/json":{}}}}`, ",")
		}
		paths[p][strings.ToLower(method)] = json.RawMessage("{" + spec + "}")
	}
	b, err := json.Marshal(map[string]any{"openapi": "3.1.0", "info": map[string]string{"title": "t", "version": "1"}, "paths": paths})
	if err != nil {
		panic(err)
	}
	return b
}

type ran struct {
	results  []trial.Result
	requests int
	left     int
}

func run(t *testing.T, seed uint64, intrusive bool, routes ...route) ran {
	t.Helper()
	return runOnly(t, "", seed, intrusive, routes...)
}

// runOnly runs one check, or all when none is named.
func runOnly(t *testing.T, only string, seed uint64, intrusive bool, routes ...route) ran {
	t.Helper()
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.HandleFunc(r.name, r.handle)
	}
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	doc, err := openapi.Parse(document(routes))
	if err != nil {
		t.Fatal(err)
	}
	base, _ := url.Parse(srv.URL)
	client := traffic.New(traffic.Options{Base: base, Run: "test"})
	t.Cleanup(client.Close)
	tr := trial.New(trial.Options{Client: client, Document: doc, Seed: seed, Intrusive: intrusive})
	t.Cleanup(tr.Close)
	checks := slices.DeleteFunc(Checks(), func(c *trial.Check) bool { return c.Intrusive && !intrusive || only != "" && c.ID != only })
	results, _ := tr.Run(context.Background(), checks)
	return ran{results, client.Sent(), tr.Cleanup(context.Background())}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, status int) {
	answer(w, status, map[string]string{"detail": http.StatusText(status)})
}

// shop is a database with some items, and how it is asked.
func shop(t *testing.T) *sql.DB {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec(`CREATE TABLE items (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT); INSERT INTO items (name) VALUES ('bow'),('bolt'),('pavise'),('bolt 2')`); err != nil {
		t.Fatal(err)
	}
	return db
}

func rows(w http.ResponseWriter, db *sql.DB, onError int, detail bool, q string, args ...any) {
	r, err := db.Query(q, args...)
	if err == nil {
		defer r.Close()
		out := []map[string]any{}
		for r.Next() {
			var id int
			var name any
			r.Scan(&id, &name)
			out = append(out, map[string]any{"id": id, "name": fmt.Sprint(name)})
		}
		if err = r.Err(); err == nil {
			answer(w, 200, out)
			return
		}
	}
	if detail {
		answer(w, onError, map[string]string{"detail": err.Error()})
		return
	}
	if onError == 200 {
		answer(w, 200, []any{})
		return
	}
	fail(w, onError)
}

func one(w http.ResponseWriter, db *sql.DB, onError int, q string, args ...any) {
	var id int
	var name string
	switch err := db.QueryRow(q, args...).Scan(&id, &name); err {
	case nil:
		answer(w, 200, map[string]any{"id": id, "name": name})
	case sql.ErrNoRows:
		fail(w, 404)
	default:
		fail(w, onError)
	}
}

func fields(r *http.Request) map[string]any {
	out := map[string]any{}
	json.NewDecoder(r.Body).Decode(&out)
	return out
}

func text(r *http.Request, name string) string { s, _ := fields(r)[name].(string); return s }

// items are operations that make, list and delete, well-made.
func items(db *sql.DB) []route {
	return []route{
		{"POST /items", body("name"), func(w http.ResponseWriter, r *http.Request) {
			name := text(r, "name")
			if name == "" {
				fail(w, 422)
				return
			}
			res, err := db.Exec("INSERT INTO items (name) VALUES (?)", name)
			if err != nil {
				fail(w, 500)
				return
			}
			id, _ := res.LastInsertId()
			answer(w, 201, map[string]any{"id": id, "name": name})
		}},
		{"DELETE /items/{id}", inPath("id", "integer"), func(w http.ResponseWriter, r *http.Request) {
			res, err := db.Exec("DELETE FROM items WHERE id = ?", r.PathValue("id"))
			if n, _ := res.RowsAffected(); err != nil || n == 0 {
				fail(w, 404)
				return
			}
			w.WriteHeader(204)
		}},
	}
}

func q(r *http.Request, name string) string { return r.URL.Query().Get(name) }

var jinja = regexp.MustCompile(`\{\{(\d+)\*(\d+)\}\}`)

// calc is arithmetic of a template engine.
func calc(re *regexp.Regexp, s string) string {
	return re.ReplaceAllStringFunc(s, func(m string) string {
		f := re.FindStringSubmatch(m)
		a, _ := strconv.Atoi(f[1])
		b, _ := strconv.Atoi(f[2])
		return strconv.Itoa(a * b)
	})
}

// What each server is, and what is found: of a check, a verdict. Whatever else
// fails or is suspected is an error.
func cases(t *testing.T) []struct {
	name   string
	routes []route
	want   map[string]trial.Verdict
} {
	db := func() *sql.DB { return shop(t) }
	d1, d2, d3, d4, d5, d6, d7, d8, d9 := db(), db(), db(), db(), db(), db(), db(), db(), db()
	files := t.TempDir()
	os.WriteFile(filepath.Join(files, "a.txt"), []byte("a file"), 0o600)
	type found = map[string]trial.Verdict
	return []struct {
		name   string
		routes []route
		want   map[string]trial.Verdict
	}{
		{"SQL, and the server fails", []route{{"GET /find", query("q"), func(w http.ResponseWriter, r *http.Request) {
			rows(w, d1, 500, false, "SELECT id, name FROM items WHERE name = '"+q(r, "q")+"'")
		}}}, found{"probe/sql-injection": trial.Fail}},
		{"SQL, and the database is heard", []route{{"GET /find", query("q"), func(w http.ResponseWriter, r *http.Request) {
			rows(w, d1, 400, true, "SELECT id, name FROM items WHERE name = '"+q(r, "q")+"'")
		}}}, found{"probe/sql-injection": trial.Fail}},
		{"SQL, and errors are nothing found", []route{{"GET /find", optional("q"), func(w http.ResponseWriter, r *http.Request) {
			rows(w, d1, 200, false, "SELECT id, name FROM items WHERE name LIKE '%"+q(r, "q")+"%'")
		}}}, found{"probe/sql-injection": trial.Fail}},
		{"SQL of a number", append(items(d2), route{"GET /items/{id}", inPath("id", "integer"), func(w http.ResponseWriter, r *http.Request) {
			one(w, d2, 404, "SELECT id, name FROM items WHERE id = "+r.PathValue("id"))
		}}), found{"probe/sql-injection": trial.Fail}},
		{"SQL of a text in the path", append(items(d3), route{"GET /items/{id}", inPath("id", "string"), func(w http.ResponseWriter, r *http.Request) {
			one(w, d3, 404, "SELECT id, name FROM items WHERE id = '"+r.PathValue("id")+"'")
		}}), found{"probe/sql-injection": trial.Fail}},
		{"SQL of an order", []route{{"GET /find", `"parameters":[{"name":"sort","in":"query","schema":{"type":"string","default":"name"}}]`, func(w http.ResponseWriter, r *http.Request) {
			sort := q(r, "sort")
			if sort == "" {
				sort = "name"
			}
			rows(w, d1, 400, false, "SELECT id, name FROM items ORDER BY "+sort)
		}}}, found{"probe/sql-injection": trial.Fail}},
		{"SQL that writes", []route{{"POST /items", body("name"), func(w http.ResponseWriter, r *http.Request) {
			if _, err := d4.Exec("INSERT INTO items (name) VALUES ('" + text(r, "name") + "')"); err != nil {
				fail(w, 500)
				return
			}
			answer(w, 201, map[string]any{"ok": true})
		}}}, found{"probe/sql-injection": trial.Fail}},
		{"SQL with parameters", append(items(d5), []route{
			{"GET /items/{id}", inPath("id", "integer"), func(w http.ResponseWriter, r *http.Request) {
				one(w, d5, 500, "SELECT id, name FROM items WHERE id = ?", r.PathValue("id"))
			}},
			{"GET /find", `"parameters":[{"name":"q","in":"query","schema":{"type":"string"}},{"name":"sort","in":"query","schema":{"type":"string"}},{"name":"limit","in":"query","schema":{"type":"integer"}}]`, func(w http.ResponseWriter, r *http.Request) {
				sort := q(r, "sort")
				if sort != "" && sort != "id" && sort != "name" {
					fail(w, 422)
					return
				}
				limit, err := strconv.Atoi(q(r, "limit"))
				if err != nil && q(r, "limit") != "" {
					fail(w, 422)
					return
				}
				rows(w, d5, 500, false, "SELECT id, name FROM items WHERE name LIKE ? LIMIT ?", "%"+q(r, "q")+"%", limit+1)
			}},
		}...), nil},
		// A number that is cut off at what is no digit, a loose id.
		{"a number that is parsed loosely", append(items(d6), route{"GET /items/{id}", inPath("id", "integer"), func(w http.ResponseWriter, r *http.Request) {
			var id int
			fmt.Sscan(r.PathValue("id"), &id)
			one(w, d6, 500, "SELECT id, name FROM items WHERE id = ?", id)
		}}), nil},
		// Quotes that a command line needs in pairs.
		{"a text that must be quoted well", []route{{"GET /find", query("q"), func(w http.ResponseWriter, r *http.Request) {
			if strings.Count(q(r, "q"), "'")%2 == 1 {
				fail(w, 500)
				return
			}
			answer(w, 200, []any{})
		}}}, found{"probe/sql-injection": trial.Suspect}},
		{"a server that fails at many things", []route{{"GET /find", query("q"), func(w http.ResponseWriter, r *http.Request) {
			if strings.ContainsAny(q(r, "q"), `'"<>\`) {
				fail(w, 500)
				return
			}
			answer(w, 200, []any{})
		}}}, nil},
		// A search that knows OR, AND and numbers.
		{"a search in words", []route{{"GET /find", query("q"), func(w http.ResponseWriter, r *http.Request) {
			out := []string{}
			for _, word := range strings.FieldsFunc(q(r, "q"), func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'z') }) {
				for n := range 40 {
					if strings.Contains(fmt.Sprint(n*7919), word[:min(2, len(word))]) {
						out = append(out, fmt.Sprint(n))
					}
				}
			}
			answer(w, 200, out)
		}}}, nil},
		{"full text", []route{{"GET /find", query("q"), func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(q(r, "q"), `"`) {
				answer(w, 400, map[string]string{"detail": `fts5: syntax error near """`})
				return
			}
			answer(w, 200, []any{})
		}}}, nil},
		{"operators of a query", []route{{"GET /find", optional("name"), func(w http.ResponseWriter, r *http.Request) {
			out := []string{}
			for _, n := range []string{"bow", "bolt"} {
				if q(r, "name") == n || r.URL.Query().Has("name[$ne]") || r.URL.Query().Has("name[$gt]") || len(r.URL.Query()) == 0 {
					out = append(out, n)
				}
			}
			answer(w, 200, out)
		}}}, found{"probe/nosql-injection": trial.Fail}},
		{"operators in a body", []route{{"POST /search", body("name"), func(w http.ResponseWriter, r *http.Request) {
			out := []string{}
			for _, n := range []string{"bow", "bolt"} {
				v := fields2(r)["name"]
				if m, ok := v.(map[string]any); ok && (m["$ne"] != nil && m["$ne"] != n || m["$gt"] != nil) || v == n {
					out = append(out, n)
				}
			}
			answer(w, 200, out)
		}}}, found{"probe/nosql-injection": trial.Fail}},
		{"parameters that nobody knows", []route{{"GET /find", optional("name"), func(w http.ResponseWriter, r *http.Request) {
			if q(r, "name") != "" {
				answer(w, 200, []string{})
				return
			}
			answer(w, 200, []string{"bow", "bolt"})
		}}}, nil},
		{"a directory", []route{{"GET /people", query("name"), func(w http.ResponseWriter, r *http.Request) {
			if strings.ContainsAny(q(r, "name"), "()") {
				answer(w, 500, map[string]string{"detail": "ldap.FilterError: Bad search filter"})
				return
			}
			answer(w, 200, []string{})
		}}}, found{"probe/ldap-injection": trial.Fail}},
		{"a shell", []route{{"POST /tools/lookup", body("host"), func(w http.ResponseWriter, r *http.Request) {
			out, _ := exec.Command("sh", "-c", "printf %s "+text(r, "host")).CombinedOutput()
			answer(w, 200, map[string]string{"out": string(out)})
		}}}, found{"probe/command-injection": trial.Fail}},
		{"a shell and quotes", []route{{"POST /tools/run", body("label"), func(w http.ResponseWriter, r *http.Request) {
			out, _ := exec.Command("sh", "-c", "echo '"+text(r, "label")+"'").CombinedOutput()
			answer(w, 200, map[string]string{"out": string(out)})
		}}, {"GET /tools/say", query("what"), func(w http.ResponseWriter, r *http.Request) {
			out, _ := exec.Command("sh", "-c", `echo "`+q(r, "what")+`"`).CombinedOutput()
			answer(w, 200, map[string]string{"out": string(out)})
		}}}, found{"probe/command-injection": trial.Fail}},
		{"a shell where pipes are taken out", []route{{"POST /tools/ping", body("host"), func(w http.ResponseWriter, r *http.Request) {
			out, _ := exec.Command("sh", "-c", "echo "+strings.NewReplacer("|", "", "'", "", `"`, "", "(pv", "").Replace(text(r, "host"))).CombinedOutput()
			answer(w, 200, map[string]string{"out": string(out)})
		}}}, found{"probe/command-injection": trial.Fail}},
		{"a program without a shell", []route{{"POST /tools/ping", body("host"), func(w http.ResponseWriter, r *http.Request) {
			out, _ := exec.Command("echo", text(r, "host")).CombinedOutput()
			answer(w, 200, map[string]string{"out": string(out)})
		}}}, nil},
		{"a template with {{ }}", []route{{"POST /render", body("text"), func(w http.ResponseWriter, r *http.Request) {
			answer(w, 200, map[string]string{"out": calc(jinja, text(r, "text"))})
		}}}, found{"probe/template-injection": trial.Fail}},
		{"a template of Go", []route{{"POST /render", body("text"), func(w http.ResponseWriter, r *http.Request) {
			tm, err := texttemplate.New("x").Parse(text(r, "text"))
			if err != nil {
				fail(w, 500)
				return
			}
			var b bytes.Buffer
			tm.Execute(&b, nil)
			answer(w, 200, map[string]string{"out": b.String()})
		}}}, found{"probe/template-injection": trial.Fail}},
		{"code", []route{{"GET /calc", query("expr"), func(w http.ResponseWriter, r *http.Request) {
			e := strings.TrimSuffix(strings.TrimPrefix(q(r, "expr"), "(lambda:"), ")()")
			m := regexp.MustCompile(`^(\d+)\*(\d+)$`)
			if !m.MatchString(e) {
				fail(w, 400)
				return
			}
			answer(w, 200, map[string]string{"value": calc(m, e)})
		}}}, found{"probe/code-injection": trial.Fail}},
		{"a calculator", []route{{"GET /calc", query("expr"), func(w http.ResponseWriter, r *http.Request) {
			m := regexp.MustCompile(`^(\d+)\*(\d+)$`)
			if !m.MatchString(q(r, "expr")) {
				answer(w, 200, map[string]string{"error": "no expression"})
				return
			}
			answer(w, 200, map[string]string{"value": calc(m, q(r, "expr"))})
		}}}, found{"probe/code-injection": trial.Suspect}},
		{"conditions in a body that searches", []route{{"POST /items/search", body("name"), func(w http.ResponseWriter, r *http.Request) {
			rows(w, d9, 200, false, "SELECT id, name FROM items WHERE name = '"+fmt.Sprint(fields2(r)["name"])+"'")
		}}}, found{"probe/sql-injection": trial.Fail}},
		{"files by a path that must begin as it should", []route{{"GET /page", `"parameters":[{"name":"file","in":"query","required":true,"schema":{"type":"string","default":"guide/start.txt"}}]`, func(w http.ResponseWriter, r *http.Request) {
			name := q(r, "file")
			if !strings.HasPrefix(name, "guide/") {
				fail(w, 400)
				return
			}
			if path.Clean("/srv/"+name) == "/etc/passwd" {
				answer(w, 200, "root:x:0:0:root:/root:/bin/sh")
				return
			}
			answer(w, 200, "begin")
		}}}, found{"probe/path-traversal": trial.Fail}},
		{"files by their path", []route{{"GET /download", query("file"), func(w http.ResponseWriter, r *http.Request) {
			b, err := os.ReadFile(path.Join(files, q(r, "file"))) // as it should not be
			if err != nil {
				fail(w, 404)
				return
			}
			w.Write(b)
		}}}, found{"probe/path-traversal": trial.Fail}},
		{"files in a root", []route{{"GET /download", query("file"), func(w http.ResponseWriter, r *http.Request) {
			root, _ := os.OpenRoot(files)
			b, err := root.ReadFile(q(r, "file"))
			if err != nil {
				fail(w, 404)
				return
			}
			w.Write(b)
		}}}, nil},
		{"addresses", []route{{"POST /preview", body("url"), func(w http.ResponseWriter, r *http.Request) {
			res, err := http.Get(text(r, "url"))
			if err != nil {
				fail(w, 400)
				return
			}
			defer res.Body.Close()
			b, _ := io.ReadAll(res.Body)
			answer(w, 200, map[string]string{"text": string(b)})
		}}}, found{"probe/ssrf": trial.Fail}},
		{"addresses, asked later", []route{{"POST /hooks", body("callback"), func(w http.ResponseWriter, r *http.Request) {
			u := text(r, "callback")
			go func() {
				time.Sleep(20 * time.Millisecond)
				if res, err := http.Get(u); err == nil {
					res.Body.Close()
				}
			}()
			answer(w, 202, map[string]string{})
		}}}, found{"probe/ssrf": trial.Fail}},
		{"addresses that are kept", []route{{"POST /links", body("url"), func(w http.ResponseWriter, r *http.Request) {
			answer(w, 201, map[string]string{"url": text(r, "url")})
		}}}, nil},
		{"XML", []route{{"POST /orders", xmlBodies, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			entities := map[string]string{}
			s := string(b)
			for _, m := range regexp.MustCompile(`<!ENTITY (\w+) "(\w+)">`).FindAllStringSubmatch(s, -1) {
				entities[m[1]] = m[2]
			}
			if m := regexp.MustCompile(`<!ENTITY (\w+) SYSTEM "(http[^"]+)">`).FindStringSubmatch(s); m != nil && strings.Contains(s, "&"+m[1]+";") {
				if res, err := http.Get(m[2]); err == nil {
					res.Body.Close()
				}
			}
			answer(w, 200, map[string]string{"text": s})
		}}}, found{"probe/xxe": trial.Fail}},
		{"XML whose entities are its own", []route{{"POST /orders", xmlBodies, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			s := string(b)
			for _, m := range regexp.MustCompile(`<!ENTITY (\w+) "(\w+)">`).FindAllStringSubmatch(s, -1) {
				s = strings.ReplaceAll(s, "&"+m[1]+";", m[2])
			}
			answer(w, 200, map[string]string{"text": s})
		}}}, found{"probe/xxe": trial.Fail}},
		{"XML without", []route{{"POST /orders", xmlBodies, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			if bytes.Contains(b, []byte("<!DOCTYPE")) {
				fail(w, 400)
				return
			}
			answer(w, 200, map[string]string{"text": string(b)})
		}}}, nil},
		{"markup in a page", []route{{"GET /hello", query("name"), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<p>Hello "+q(r, "name"))
		}}}, found{"probe/reflected-xss": trial.Fail}},
		{"markup in an error", []route{{"GET /hello", query("name"), func(w http.ResponseWriter, r *http.Request) {
			if strings.ContainsAny(q(r, "name"), "<>") {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.WriteHeader(400)
				io.WriteString(w, "<p>No name: "+q(r, "name"))
				return
			}
			answer(w, 200, "hello")
		}}}, found{"probe/reflected-xss": trial.Fail}},
		{"a quote in an attribute", []route{{"GET /picture", query("alt"), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, `<p class='x'>A</p><img src="/p.png" alt="`+strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(q(r, "alt"))+`">`)
		}}}, found{"probe/reflected-xss": trial.Fail}},
		{"attributes and text whose quotes are escaped, taken away, or are of the other kind", []route{{"GET /picture", query("alt"), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, `<img src="/p.png" alt="`+html.EscapeString(q(r, "alt"))+`">`)
		}}, {"GET /stripped", query("alt"), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, `<img src="/p.png" alt="`+strings.NewReplacer("<", "", ">", "", `"`, "").Replace(q(r, "alt"))+`">`)
		}}, {"GET /text", query("alt"), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, `<p class="x">`+strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(q(r, "alt"))+`</p>`)
		}}}, nil},
		{"markup that is escaped, or is JSON", []route{{"GET /hello", query("name"), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<p>Hello "+html.EscapeString(q(r, "name")))
		}}, {"GET /echo", query("name"), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			enc := json.NewEncoder(w)
			enc.SetEscapeHTML(false)
			enc.Encode(q(r, "name"))
		}}, {"GET /plain", query("name"), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			io.WriteString(w, q(r, "name"))
		}}}, nil},
		{"pages of what is stored", append(items(d7), route{"GET /items/{id}/page", inPath("id", "integer"), func(w http.ResponseWriter, r *http.Request) {
			var name string
			if d7.QueryRow("SELECT name FROM items WHERE id = ?", r.PathValue("id")).Scan(&name) != nil {
				fail(w, 404)
				return
			}
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<h1>"+name+"</h1>")
		}}), found{"probe/stored-xss": trial.Fail}},
		{"pages that escape", append(items(d8), route{"GET /items/{id}/page", inPath("id", "integer"), func(w http.ResponseWriter, r *http.Request) {
			var name string
			if d8.QueryRow("SELECT name FROM items WHERE id = ?", r.PathValue("id")).Scan(&name) != nil {
				fail(w, 404)
				return
			}
			w.Header().Set("Content-Type", "text/html")
			htmltemplate.Must(htmltemplate.New("").Parse("<h1>{{.}}</h1>")).Execute(w, name)
		}}), nil},
		{"files that are pages", uploads(func(w http.ResponseWriter, name, kind string) { w.Header().Set("Content-Type", kind) }, path.Base), found{"probe/upload-inline": trial.Fail}},
		{"files that are downloaded", uploads(func(w http.ResponseWriter, name, kind string) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Content-Disposition", "attachment")
		}, path.Base), nil},
		{"names of files that are kept", uploads(func(w http.ResponseWriter, name, kind string) {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("X-Content-Type-Options", "nosniff")
		}, func(s string) string { return s }), found{"probe/upload-name": trial.Suspect}},
		{"fields that a value ends", []route{{"GET /lang", query("lang"), func(w http.ResponseWriter, r *http.Request) {
			h, _ := w.(http.Hijacker)
			c, _, _ := h.Hijack()
			defer c.Close()
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nX-Lang: %s\r\nContent-Length: 2\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{}", q(r, "lang"))
		}}}, found{"probe/header-injection": trial.Fail}},
		{"fields that it does not", []route{{"GET /lang", query("lang"), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Lang", q(r, "lang"))
			answer(w, 200, 1)
		}}}, nil},
		{"redirects and bad URLs", []route{{"GET /go", query("next"), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", q(r, "next"))
			w.WriteHeader(302)
		}}}, nil},
		{"redirects to paths", []route{{"GET /go", query("next"), func(w http.ResponseWriter, r *http.Request) {
			u, err := url.Parse(q(r, "next"))
			if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/") || strings.ContainsAny(q(r, "next"), `\`) || strings.HasPrefix(u.Path, "//") {
				w.Header().Set("Location", "/")
			} else {
				w.Header().Set("Location", u.String())
			}
			w.WriteHeader(302)
		}}}, nil},
	}
}

const xmlBodies = `"requestBody":{"required":true,"content":{"application/xml":{"schema":{"type":"object","title":"order","properties":{"name":{"type":"string"}}}}}}`

// fields2 may be asked more than once.
func fields2(r *http.Request) map[string]any {
	b, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(b))
	out := map[string]any{}
	json.Unmarshal(b, &out)
	return out
}

func uploads(head func(w http.ResponseWriter, name, kind string), clean func(string) string) []route {
	type kept struct {
		name, kind string
		data       []byte
	}
	var mu sync.Mutex
	var all []kept
	disposition := regexp.MustCompile(`filename="([^"]*)"`)
	return []route{
		{"POST /files", upload, func(w http.ResponseWriter, r *http.Request) {
			m, err := r.MultipartReader()
			if err != nil {
				fail(w, 422)
				return
			}
			p, err := m.NextPart()
			if err != nil {
				fail(w, 422)
				return
			}
			data, _ := io.ReadAll(p)
			name := "x"
			if f := disposition.FindStringSubmatch(p.Header.Get("Content-Disposition")); f != nil {
				name = clean(f[1])
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, kept{name, p.Header.Get("Content-Type"), data})
			answer(w, 201, map[string]any{"id": len(all), "name": name})
		}},
		{"GET /files/{id}", inPath("id", "integer"), func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			id, err := strconv.Atoi(r.PathValue("id"))
			if err != nil || id < 1 || id > len(all) {
				fail(w, 404)
				return
			}
			head(w, all[id-1].name, all[id-1].kind)
			w.Write(all[id-1].data)
		}},
		{"DELETE /files/{id}", inPath("id", "integer"), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }},
	}
}

func TestChecks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its servers need a POSIX shell and files")
	}
	for _, c := range cases(t) {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(2) {
				r := run(t, seed, false, c.routes...)
				seen := map[string]trial.Verdict{}
				for _, res := range r.results {
					if res.Verdict != trial.Fail && res.Verdict != trial.Suspect {
						continue
					}
					if res.Got == "" || res.Want == "" || len(res.Shown) == 0 {
						t.Errorf("%s says too little: %+v", res.Check.ID, res)
					}
					if old, ok := seen[res.Check.ID]; !ok || old == trial.Suspect {
						seen[res.Check.ID] = res.Verdict
					}
					if c.want[res.Check.ID] != seen[res.Check.ID] {
						t.Errorf("%s of %s: %s: %s", res.Check.ID, res.Operation, res.Verdict, res.Got)
					}
				}
				for id, want := range c.want {
					if seen[id] != want {
						t.Errorf("%s is %s, want %s (%d requests)", id, seen[id], want, r.requests)
						for _, res := range r.results {
							if res.Check.ID == id {
								t.Logf("%s: %s %s %s", res.Operation, res.Verdict, res.Got, res.Reason)
							}
						}
					}
				}
				if r.left > 0 && strings.HasPrefix(c.routes[len(c.routes)-1].name, "DELETE") {
					t.Errorf("%d objects are left", r.left)
				}
				if limit := 60 * len(c.routes); r.requests > limit {
					t.Errorf("%d requests for %d operations", r.requests, len(c.routes))
				}
			}
		})
	}
}

func TestDescribed(t *testing.T) {
	ids := map[string]bool{}
	for _, c := range Checks() {
		if ids[c.ID] || !strings.HasPrefix(c.ID, "probe/") || c.Claim == "" || c.Severity == finding.Unknown || c.Sure == "" || c.Fix == "" || len(c.Refs) == 0 || c.Run == nil {
			t.Errorf("%s is not described", c.ID)
		}
		ids[c.ID] = true
	}
}

func TestTimed(t *testing.T) {
	for name, c := range map[string]struct {
		times map[int][]float64 // of the doses, in turns
		slept bool
		err   error
	}{
		"it waits":                  {map[int][]float64{0: {.01, .02, .01}, 1: {1.01, 1.02, 1.1}, 2: {2.01, 2.05, 2.1}}, true, nil},
		"it waits, on a busy host":  {map[int][]float64{0: {.9, .7, .1}, 1: {1.8, 1.1, 1.4}, 2: {2.2, 3.9, 2.5}}, true, nil},
		"it is busy for a while":    {map[int][]float64{0: {.7, .7, .6, .1}, 1: {1.8, 1.7, 1.9, 1.1}, 2: {2.9, 3.9, 2.8, 2.1}}, true, nil},
		"it does not wait":          {map[int][]float64{0: {.01}, 1: {.02}, 2: {.01}}, false, nil},
		"its first answer was slow": {map[int][]float64{0: {.01}, 1: {1.3}, 2: {.02}}, false, nil},
		"it waits once":             {map[int][]float64{0: {.01, .01}, 1: {1.01, 1.02}, 2: {1.01, 1.05}}, false, nil},
		"it is slow anyway":         {map[int][]float64{0: {2.1, 2.2, 2.3}, 1: {2.1, 2.3, 2.2}, 2: {2.2, 2.1, 2.4}}, false, errBusy},
		"each row waits":            {map[int][]float64{0: {.01}, 1: {3}, 2: {6}}, false, errBusy},
	} {
		asked := map[int]int{}
		slept, err := timed(func(dose int) (time.Duration, error) {
			all := c.times[dose]
			d := all[min(asked[dose], len(all)-1)]
			asked[dose]++
			return time.Duration(d * float64(time.Second)), nil
		})
		if slept != c.slept || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %v", name, slept, err)
		}
	}
}

func TestComputed(t *testing.T) {
	for body, want := range map[string]bool{
		"pvaaaaaaa12345678": true, "x pvaaaaaaa12,345,678 y": true, "pvaaaaaaa12.345.678": true, "pvaaaaaaa 12345678": false,
		"pvaaaaaaa{{1*2}} pvaaaaaaa12345678": true, "12345678": false, "pvaaaaaaa1234": false,
	} {
		if computed(body, "pvaaaaaaa", 12345678) != want {
			t.Errorf("%q is not %v", body, want)
		}
	}
}

// What is sent to operations that write is no condition, no comment, and no
// second statement.
func TestHarmless(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	note := func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		if s, err := url.PathUnescape(r.URL.EscapedPath()); err == nil {
			seen = append(seen, s)
		}
		seen = append(seen, string(b))
		mu.Unlock()
		if strings.Contains(string(b), "'") {
			fail(w, 500) // so that all of it is tried
			return
		}
		answer(w, 200, map[string]any{"id": 1, "name": "x"})
	}
	run(t, 1, true, route{"POST /items", body("name", "host", "file", "url"), note}, route{"PUT /items/{id}", inPath("id", "integer") + "," + body("name", "host"), note},
		route{"PATCH /items/{id}", inPath("id", "integer") + "," + body("name"), note}, route{"DELETE /items/{id}", inPath("id", "integer"), note})
	bad := regexp.MustCompile(`(?i)\b(?:or|and)\b\s*['"(]?\d|--\s*$|/\*|;\s*(?:drop|delete|update|insert|waitfor)|\brm\b|shutdown|pg_sleep|sleep\(|\$ne`)
	if len(seen) < 40 {
		t.Errorf("only %d requests were seen", len(seen))
	}
	for _, s := range seen {
		if m := bad.FindString(s); m != "" {
			t.Errorf("%q is sent to what writes: %s", m, s)
		}
	}
}

func TestSame(t *testing.T) {
	requests := func() string {
		var mu sync.Mutex
		var b strings.Builder
		port := regexp.MustCompile(`127\.0\.0\.1[:/]\d+`) // where the canary listens is the system's to say
		h := func(w http.ResponseWriter, r *http.Request) {
			data, _ := io.ReadAll(r.Body)
			mu.Lock()
			line := fmt.Sprintf("%s %s %s\n", r.Method, r.URL, data)
			if s, err := url.QueryUnescape(line); err == nil {
				line = s
			}
			b.WriteString(port.ReplaceAllString(line, ""))
			mu.Unlock()
			answer(w, 200, map[string]any{"id": 1})
		}
		run(t, 7, false, route{"GET /find", `"parameters":[{"name":"q","in":"query","schema":{"type":"string"}},{"name":"sort","in":"query","schema":{"type":"string"}}]`, h},
			route{"POST /items", body("name", "text"), h}, route{"GET /items/{id}", inPath("id", "integer"), h})
		return b.String()
	}
	if a, b := requests(), requests(); a != b {
		t.Error("the same seed does not send the same requests")
	}
}

// An API of fifty operations, as well-made ones are, is not asked for ever.
func TestThrift(t *testing.T) {
	var all []route
	for _, noun := range []string{"users", "orders", "invoices", "files", "hosts", "teams", "tags", "links", "events", "reports"} {
		var mu sync.Mutex
		var made []map[string]any
		find := func(r *http.Request) (int, bool) {
			id, err := strconv.Atoi(r.PathValue("id"))
			return id - 1, err == nil && id > 0 && id <= len(made) && made[id-1] != nil
		}
		takes := body("name", "host", "url", "description", "status")
		valid := func(r *http.Request) map[string]any {
			f := fields(r)
			for _, n := range []string{"name", "host", "url", "description", "status"} {
				if s, ok := f[n].(string); !ok || s == "" {
					return nil
				}
			}
			return f
		}
		all = append(all,
			route{"POST /" + noun, takes, func(w http.ResponseWriter, r *http.Request) {
				f := valid(r)
				if f == nil {
					fail(w, 422)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				made = append(made, f)
				f["id"] = len(made)
				answer(w, 201, f)
			}},
			route{"GET /" + noun, `"parameters":[{"name":"q","in":"query","schema":{"type":"string"}},{"name":"sort","in":"query","schema":{"type":"string"}},{"name":"limit","in":"query","schema":{"type":"integer"}}]`, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				out := []map[string]any{}
				for _, m := range made {
					if m != nil && strings.Contains(m["name"].(string), q(r, "q")) && len(out) < 5 {
						out = append(out, m)
					}
				}
				answer(w, 200, out)
			}},
			route{"GET /" + noun + "/{id}", inPath("id", "integer"), func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if i, ok := find(r); ok {
					answer(w, 200, made[i])
					return
				}
				fail(w, 404)
			}},
			route{"PUT /" + noun + "/{id}", inPath("id", "integer") + "," + takes, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				i, ok := find(r)
				f := valid(r)
				switch {
				case f == nil:
					fail(w, 422)
				case !ok:
					fail(w, 404)
				default:
					f["id"] = i + 1
					made[i] = f
					answer(w, 200, f)
				}
			}},
			route{"DELETE /" + noun + "/{id}", inPath("id", "integer"), func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if i, ok := find(r); ok {
					made[i] = nil
					w.WriteHeader(204)
					return
				}
				fail(w, 404)
			}})
	}
	start := time.Now()
	r := run(t, 1, false, all...)
	unclear := 0
	for _, res := range r.results {
		switch res.Verdict {
		case trial.Fail, trial.Suspect:
			t.Errorf("%s of %s: %s", res.Check.ID, res.Operation, res.Got)
		case trial.Inconclusive:
			unclear++
			t.Logf("%s of %s: %s", res.Check.ID, res.Operation, res.Reason)
		}
	}
	if r.requests > 2000 || unclear > 0 || r.left > 0 {
		t.Errorf("%d requests, %d results are not clear, %d objects are left", r.requests, unclear, r.left)
	}
	t.Logf("%d requests in %v", r.requests, time.Since(start))
}

// Slow tests: what waits, and what is matched slowly.
func TestSlow(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for seconds")
	}
	t.Parallel()
	sleep := regexp.MustCompile(`pg_sleep\((\d)\)\)\|\|'`)
	shell := regexp.MustCompile(`'\|sleep (\d)\|echo '`)
	nap := func(re *regexp.Regexp, s string) {
		if m := re.FindStringSubmatch(s); m != nil {
			n, _ := strconv.Atoi(m[1])
			time.Sleep(time.Duration(n) * time.Second)
		}
	}
	r := run(t, 1, true,
		route{"GET /find", query("q"), func(w http.ResponseWriter, r *http.Request) {
			nap(sleep, q(r, "q"))
			answer(w, 200, []any{})
		}},
		route{"POST /run", body("task"), func(w http.ResponseWriter, r *http.Request) {
			nap(shell, text(r, "task"))
			answer(w, 200, map[string]any{})
		}},
		route{"POST /check", body("email"), func(w http.ResponseWriter, r *http.Request) {
			if s := text(r, "email"); strings.HasPrefix(s, "aaaa") {
				time.Sleep(min(time.Microsecond<<min(len(s), 22), 2*time.Second))
			}
			answer(w, 200, map[string]any{})
		}})
	for id, op := range map[string]string{"probe/sql-injection-time": "GET /find", "probe/command-injection-time": "POST /run", "probe/redos": "POST /check"} {
		for _, res := range r.results {
			if res.Check.ID == id && (res.Verdict == trial.Fail) != (res.Operation == op) {
				t.Errorf("%s of %s: %s %s %s", id, res.Operation, res.Verdict, res.Got, res.Reason)
			}
		}
	}
}
