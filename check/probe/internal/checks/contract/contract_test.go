package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/pavise-dev/pavise/check/probe/internal/checks/contract"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/check/probe/internal/trial/trialtest"
)

const doc = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},
"components":{"securitySchemes":{"b":{"type":"http","scheme":"bearer"}},
 "schemas":{"Item":{"type":"object","additionalProperties":false,"required":["name","count"],"properties":{
  "name":{"type":"string","minLength":2,"maxLength":20,"pattern":"^[a-z0-9]+$"},
  "count":{"type":"integer","minimum":0,"maximum":10},
  "kind":{"type":"string","enum":["a","b"]},
  "on":{"type":"boolean"}}},
 "Out":{"type":"object","required":["id"],"properties":{"id":{"type":"integer"},"name":{"type":"string"}}},
 "Note":{"type":"object","required":["title"],"properties":{"title":{"type":"string"}}}}},
"paths":{
 "/items":{
  "post":{"security":[{"b":[]}],"requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Item"}}}},
   "responses":{"201":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Out"}}}}}},
  "get":{"security":[{"b":[]}],"parameters":[{"name":"limit","in":"query","schema":{"type":"integer","default":5}}],"responses":{"200":{"description":"ok"}}}},
 "/items/{id}":{
  "get":{"security":[{"b":[]}],"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"responses":{"200":{"description":"ok"}}},
  "delete":{"security":[{"b":[]}],"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"responses":{"204":{"description":"ok"}}}},
 "/notes":{"post":{"security":[{"b":[]}],"requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Note"}}}},
   "responses":{"201":{"description":"ok"}}}},
 "/files":{"post":{"security":[{"b":[]}],"requestBody":{"required":true,"content":{"multipart/form-data":{"schema":{"type":"object","required":["file"],"properties":{"file":{"type":"string","format":"binary"}}}}}},
   "responses":{"201":{"description":"ok"}}}}
}}`

// service is well-made, but for its flaws.
type service struct {
	mu    sync.Mutex
	next  int
	flaws map[string]bool
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := func(status int, body string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, body)
		}
	}
	if r.Header.Get("Authorization") != "Bearer tok" && (!s.flaws["head"] || r.Method != http.MethodHead || r.URL.Path != "/items") && (!s.flaws["any head"] || r.Method != http.MethodHead) {
		answer(401, `{}`)
		return
	}
	switch {
	case s.flaws["any head"] && r.Method == http.MethodHead:
		answer(200, "")
	case r.URL.Path == "/items" && r.Method == http.MethodPost, r.URL.Path == "/notes" && r.Method == http.MethodPost:
		s.post(r, answer)
	case r.URL.Path == "/items":
		limits := r.URL.Query()["limit"]
		n := 5
		for i, l := range limits {
			v, err := strconv.Atoi(l)
			switch {
			case err != nil && s.flaws["pollution"] && len(limits) > 1:
				continue
			case err != nil || len(limits) > 1 && !s.flaws["pollution"]:
				answer(422, `{}`)
				return
			case v > 100 && s.flaws["clamped"]:
				v = 100
			case v > 100 && !s.flaws["paging"] && !s.flaws["echo"]:
				answer(422, `{}`)
				return
			}
			if i == 0 || n == 5 {
				n = v
			}
		}
		if s.flaws["echo"] || s.flaws["clamped"] {
			answer(200, fmt.Sprintf(`{"items":[1],"limit":%d}`, n))
			return
		}
		answer(200, "["+strings.TrimSuffix(strings.Repeat("1,", min(n, 1500)), ",")+"]")
	case strings.HasPrefix(r.URL.Path, "/items/") && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		if _, err := strconv.ParseInt(r.URL.Path[7:], 10, 64); err != nil && s.flaws["path crash"] {
			answer(500, `{}`)
			return
		} else if err != nil {
			answer(422, `{}`)
			return
		}
		answer(200, `{"id":1}`)
	case strings.HasPrefix(r.URL.Path, "/items/"):
		w.WriteHeader(204)
	case r.URL.Path == "/files":
		if !s.flaws["upload"] {
			r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		}
		f, h, err := r.FormFile("file")
		if err != nil {
			answer(413, `{}`)
			return
		}
		defer f.Close()
		if data, _ := io.ReadAll(f); !s.flaws["upload type"] && (h.Header.Get("Content-Type") != "text/plain" || bytes.Contains(data, []byte("<"))) {
			answer(415, `{}`)
			return
		}
		answer(201, `{}`)
	default:
		answer(404, `{}`)
	}
}

func (s *service) post(r *http.Request, answer func(int, string)) {
	body, _ := io.ReadAll(r.Body)
	kinds := r.Header.Values("Content-Type")
	kind := strings.Join(kinds, ",")
	base, params, err := mime.ParseMediaType(kind)
	switch {
	case s.flaws["plain"] && strings.HasPrefix(kind, "text/plain"):
	case s.flaws["untyped"] && kind == "":
	case s.flaws["contains json"] && strings.Contains(kind, "json"):
	case err != nil, base != "application/json", params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8"):
		answer(415, `{}`)
		return
	}
	if s.flaws["crash on NUL"] && bytes.Contains(body, []byte(`\u0000`)) {
		answer(500, `{}`)
		return
	}
	if s.flaws["ignores"] {
		answer(201, `{"id":1}`)
		return
	}
	var m map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(&m); err != nil {
		if s.flaws["bad JSON"] && json.Valid(bytes.ReplaceAll(body, []byte("NaN"), []byte("1"))) {
			answer(201, `{"id":1}`)
			return
		}
		answer(400, `{}`)
		return
	}
	_, more := dec.Token()
	switch {
	case more != io.EOF && !s.flaws["trailing"]:
		answer(400, `{}`)
		return
	case !utf8.Valid(body) && !s.flaws["utf8"], twice(body, m) && !s.flaws["twice"]:
		answer(400, `{}`)
		return
	}
	if ok := r.URL.Path == "/notes" && s.note(m) || r.URL.Path == "/items" && s.item(m); !ok {
		answer(422, `{}`)
		return
	}
	s.mu.Lock()
	s.next++
	n := s.next
	s.mu.Unlock()
	switch {
	case s.flaws["response type"]:
		answer(201, fmt.Sprintf(`{"id":"x%d"}`, n))
	case s.flaws["response status"]:
		answer(200, fmt.Sprintf(`{"id":%d}`, n))
	default:
		answer(201, fmt.Sprintf(`{"id":%d}`, n))
	}
}

func twice(body []byte, m map[string]any) bool {
	for k := range m {
		if bytes.Count(body, []byte(`"`+k+`":`)) > 1 {
			return true
		}
	}
	return false
}

func (s *service) note(m map[string]any) bool {
	title, ok := m["title"].(string)
	return ok && len(m) == 1 && (s.flaws["long"] || len(title) < 1000)
}

func (s *service) item(m map[string]any) bool {
	for k := range m {
		if k != "name" && k != "count" && k != "kind" && k != "on" && !s.flaws["unknown"] {
			return false
		}
	}
	name, ok := m["name"].(string)
	if !ok || len(name) < 2 || len(name) > 20 && !s.flaws["bounds"] || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return false
	}
	count, ok := m["count"].(float64)
	if text, isText := m["count"].(string); isText && s.flaws["coerce"] {
		var err error
		count, err = strconv.ParseFloat(text, 64)
		ok = err == nil
	}
	if !ok || count != float64(int(count)) || count < 0 || count > 10 {
		return false
	}
	if kind, ok := m["kind"]; ok && kind != "a" && kind != "b" {
		return false
	}
	on, there := m["on"]
	_, isBool := on.(bool)
	return !there || isBool
}

func TestChecks(t *testing.T) {
	for _, tt := range []struct {
		flaw, check string
		verdict     trial.Verdict
		got         string
	}{
		{"plain", "probe/media-type", trial.Fail, "JSON as text/plain; JSON as text/plain; application/json: answered with 201"},
		{"contains json", "probe/media-type", trial.Fail, "text/plain; application/json"},
		{"untyped", "probe/media-type-required", trial.Fail, "without Content-Type"},
		{"crash on NUL", "probe/input-crash", trial.Fail, "a text with a NUL in body"},
		{"path crash", "probe/input-crash", trial.Fail, "path id answered with 500"},
		{"bounds", "probe/schema-enforced", trial.Fail, "longer than the maximum"},
		{"long", "probe/text-bounded", trial.Fail, "10,001"},
		{"unknown", "probe/unknown-field", trial.Fail, "an unknown member"},
		{"coerce", "probe/type-coercion", trial.Fail, "a text of digits"},
		{"trailing", "probe/json-strict", trial.Fail, "data after the end"},
		{"twice", "probe/json-strict", trial.Fail, "comes twice"},
		{"bad JSON", "probe/json-strict", trial.Fail, "NaN"},
		{"pollution", "probe/parameter-twice", trial.Fail, "in either order"},
		{"paging", "probe/paging-capped", trial.Fail, "gives 1500 at once"},
		{"echo", "probe/paging-capped", trial.Fail, "repeats it"},
		{"clamped", "probe/paging-capped", trial.Pass, ""},
		{"head", "probe/head-as-get", trial.Fail, "HEAD without credentials"},
		{"any head", "probe/head-as-get", trial.NotApplicable, ""},
		{"response type", "probe/response-schema", trial.Fail, "/id is of type string"},
		{"response status", "probe/response-schema", trial.Fail, "does not name"},
		{"upload", "probe/upload-bounded", trial.Suspect, "12 MiB"},
		{"upload type", "probe/upload-type", trial.Suspect, "text/html"},
		// A body that nobody reads can be of any type.
		{"ignores", "probe/media-type", trial.Inconclusive, ""},
		{"ignores", "probe/json-strict", trial.Inconclusive, ""},
	} {
		t.Run(tt.flaw, func(t *testing.T) {
			t.Parallel()
			tr := trialtest.New(t, doc, &service{flaws: map[string]bool{tt.flaw: true}}, trialtest.Bearer("a", "tok"))
			worst := trialtest.Worst(trialtest.Run(t, tr, contract.Checks(), tt.check))
			if worst.Verdict != tt.verdict || !strings.Contains(worst.Got, tt.got) {
				t.Errorf("%s: got %v %q %q, want %v %q", tt.check, worst.Verdict, worst.Got, worst.Reason, tt.verdict, tt.got)
			}
			if worst.Verdict == trial.Fail && len(worst.Shown) == 0 {
				t.Error("nothing shows it")
			}
		})
	}
}

// TestWellMade is the service without flaws: nothing is found, and not much is
// asked.
func TestWellMade(t *testing.T) {
	tr := trialtest.New(t, doc, &service{}, trialtest.Bearer("a", "tok"))
	results, uncovered := tr.Run(t.Context(), contract.Checks())
	if len(uncovered) > 0 {
		t.Error(uncovered)
	}
	passed := map[string]bool{}
	for _, r := range results {
		switch r.Verdict {
		case trial.Pass:
			passed[r.Check.ID] = true
		case trial.Fail, trial.Suspect, trial.Inconclusive:
			t.Errorf("%s %s: %v %s %s", r.Check.ID, r.Operation, r.Verdict, r.Got, r.Reason)
		}
	}
	for _, c := range contract.Checks() {
		if !passed[c.ID] {
			t.Errorf("%s did not pass", c.ID)
		}
	}
	if n := tr.Client.Sent(); n > 20*len(tr.Operations) {
		t.Errorf("%d requests for %d operations", n, len(tr.Operations))
	}
}

// TestNoBaseline judges nothing of operations that answer no valid request.
func TestNoBaseline(t *testing.T) {
	tr := trialtest.New(t, doc, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }), trialtest.Bearer("a", "tok"))
	results, _ := tr.Run(t.Context(), contract.Checks())
	for _, r := range results {
		if r.Verdict != trial.Inconclusive || r.Reason == "" {
			t.Errorf("%s %s: %v %q", r.Check.ID, r.Operation, r.Verdict, r.Reason)
		}
	}
}
