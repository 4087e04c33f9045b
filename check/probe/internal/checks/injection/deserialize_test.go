package injection

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/trial"
)

var (
	called = regexp.MustCompile(`(?:urllib\.request\x94\x8c\x07urlopen[^h]*|urllib\.request\.urlopen \[")(http://127\.0\.0\.1:\d+/pv[a-z2-7]{7})`)
	naps   = regexp.MustCompile(`time\x94\x8c\x05sleep\x94\x93\x94K([\x00\x01\x02])|time\.sleep \[(\d)\]`)
	object = regexp.MustCompile(`^\xac\xed\x00\x05sr\x00.(pv[a-z2-7]{7})`)
)

// load does what readers of objects do with those that call something.
func load(data string) {
	data = bytewise(data)
	if m := called.FindStringSubmatch(data); m != nil {
		if res, err := http.Get(m[1]); err == nil {
			res.Body.Close()
		}
	}
	if m := naps.FindStringSubmatch(data); m != nil {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			n = int(m[1][0])
		}
		time.Sleep(time.Duration(n) * time.Second)
	}
}

func decoded(s string) string {
	b, _ := base64.StdEncoding.DecodeString(s)
	return string(b)
}

// bytewise makes a rune of each byte, since expressions are matched in runes.
func bytewise(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

func raw(kind string) string {
	return fmt.Sprintf(`"requestBody":{"required":true,"content":{%q:{"schema":{"type":"string"}}}}`, kind)
}

func whole(r *http.Request) string { b, _ := io.ReadAll(r.Body); return string(b) }

func example(name, value string) string {
	return fmt.Sprintf(`"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":[%q],"properties":{%q:{"type":"string","default":%q}}}}}}`, name, name, value)
}

// saved is a pickle of {"a": 1}, of protocol 4.
const saved = "gASVCgAAAAAAAAB9lIwBYZRLAXMu"

func TestDeserialization(t *testing.T) {
	ok := func(w http.ResponseWriter) { answer(w, 200, map[string]any{"ok": true}) }
	java := func(say string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			data := bytewise(decoded(text(r, "basket")))
			if m := object.FindStringSubmatch(data); m != nil {
				answer(w, 500, map[string]string{"error": fmt.Sprintf(say, m[1])})
				return
			}
			ok(w)
		}
	}
	const javaObject = "rO0ABXNyAA1qYXZhLmxhbmcuSW50ZWdlchLioKT3gYc4AgABSQAFdmFsdWV4cAAAAAE="
	for _, c := range []struct {
		name   string
		want   trial.Verdict
		routes []route
	}{
		{"a pickle by its name", trial.Fail, []route{{"POST /restore", body("pickle"), func(w http.ResponseWriter, r *http.Request) { load(decoded(text(r, "pickle"))); ok(w) }}}},
		{"a pickle by its example", trial.Fail, []route{{"POST /restore", example("basket", saved), func(w http.ResponseWriter, r *http.Request) { load(decoded(text(r, "basket"))); ok(w) }}}},
		{"a pickle that is shown elsewhere", trial.Fail, []route{
			{"GET /basket", `"summary":"x"`, func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, map[string]string{"basket": saved}) }},
			{"POST /restore", body("basket"), func(w http.ResponseWriter, r *http.Request) { load(decoded(text(r, "basket"))); ok(w) }},
		}},
		{"a text that is kept", trial.Pass, []route{{"POST /restore", body("state"), func(w http.ResponseWriter, _ *http.Request) { ok(w) }}}},
		{"a pickle whose signature is verified", trial.Pass, []route{{"POST /restore", example("basket", saved), func(w http.ResponseWriter, r *http.Request) {
			if text(r, "basket") != saved {
				fail(w, 400)
				return
			}
			ok(w)
		}}}},
		{"words of a reader of pickles", trial.Suspect, []route{{"POST /restore", example("basket", saved), func(w http.ResponseWriter, r *http.Request) {
			if text(r, "basket") != saved {
				answer(w, 400, map[string]string{"error": "pickle data was truncated"})
				return
			}
			ok(w)
		}}}},
		{"words that are there anyway", trial.Pass, []route{{"POST /restore", example("basket", saved), func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 200, map[string]string{"help": "UnpicklingError means that it was changed"})
		}}}},
		{"YAML as a body", trial.Fail, []route{{"POST /restore", raw("application/yaml"), func(w http.ResponseWriter, r *http.Request) { load(whole(r)); ok(w) }}}},
		{"YAML by a safe loader", trial.Pass, []route{{"POST /restore", raw("application/yaml"), func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(whole(r), "!!python") {
				answer(w, 400, map[string]string{"error": "could not determine a constructor for the tag 'tag:yaml.org,2002:python/object/apply:time.sleep'"})
				return
			}
			ok(w)
		}}}},
		{"YAML in a text", trial.Fail, []route{{"POST /restore", body("config_yaml"), func(w http.ResponseWriter, r *http.Request) { load(text(r, "config_yaml")); ok(w) }}}},
		{"YAML in a file", trial.Fail, []route{{"POST /restore", strings.ReplaceAll(upload, `"file"`, `"config"`), func(w http.ResponseWriter, r *http.Request) {
			m, err := r.MultipartReader()
			if err == nil {
				if p, err := m.NextPart(); err == nil {
					b, _ := io.ReadAll(p)
					load(string(b))
				}
			}
			ok(w)
		}}}},
		{"bytes", trial.Fail, []route{{"POST /restore", raw("application/octet-stream"), func(w http.ResponseWriter, r *http.Request) { load(whole(r)); ok(w) }}}},
		{"an object of Java", trial.Fail, []route{{"POST /restore", example("basket", javaObject), java("java.lang.ClassNotFoundException: %s")}}},
		{"an object of Java, filtered by its class", trial.Suspect, []route{{"POST /restore", example("basket", javaObject), java("java.io.InvalidClassException: filter status: REJECTED%.0s")}}},
		{"an object of Java that is repeated", trial.Pass, []route{{"POST /restore", example("basket", javaObject), java("no basket: %s")}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range verdicts(t, "probe/deserialization", "POST /restore", false, c.routes...) {
				if r.Verdict != c.want {
					t.Errorf("%v, want %v: %s %s", r.Verdict, c.want, r.Got, r.Reason)
				}
				if r.Verdict == trial.Fail && len(r.Shown) == 0 {
					t.Error("nothing shows it")
				}
			}
		})
	}
}

// A cookie that the API set, and that another operation reads.
func TestDeserializationOfCookies(t *testing.T) {
	routes := func(read func(string)) []route {
		return []route{
			{"GET /start", `"summary":"x"`, func(w http.ResponseWriter, _ *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "prefs", Value: saved})
				answer(w, 200, map[string]bool{"ok": true})
			}},
			{"GET /prefs", `"summary":"x"`, func(w http.ResponseWriter, r *http.Request) {
				if c, err := r.Cookie("prefs"); err == nil {
					read(decoded(c.Value))
				}
				answer(w, 200, map[string]bool{"ok": true})
			}},
		}
	}
	for want, read := range map[trial.Verdict]func(string){trial.Fail: load, trial.Pass: func(string) {}} {
		for _, r := range verdicts(t, "probe/deserialization", "GET /prefs", false, routes(read)...) {
			if r.Verdict != want {
				t.Errorf("%v, want %v: %s %s", r.Verdict, want, r.Got, r.Reason)
			}
		}
	}
}

// Nothing is sent where nothing says that objects are taken.
func TestDeserializationIsNoSpray(t *testing.T) {
	var seen atomic.Int32
	r := run(t, 1, true, route{"POST /items", body("name", "country", "session_id", "statement"), func(w http.ResponseWriter, r *http.Request) {
		b := whole(r)
		if strings.Contains(b, "gASV") || strings.Contains(b, "!!python") || strings.Contains(b, "rO0") {
			seen.Add(1)
		}
		answer(w, 200, map[string]bool{"ok": true})
	}})
	for _, res := range r.results {
		if strings.HasPrefix(res.Check.ID, "probe/deserialization") {
			t.Errorf("%s of %s: %v", res.Check.ID, res.Operation, res.Verdict)
		}
	}
	if seen.Load() > 0 {
		t.Errorf("%d objects were sent", seen.Load())
	}
}

func TestDeserializationTime(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for seconds")
	}
	t.Parallel()
	r := runOnly(t, "probe/deserialization-time", 1, true,
		route{"POST /restore", body("pickle"), func(w http.ResponseWriter, r *http.Request) {
			load(decoded(text(r, "pickle")))
			answer(w, 200, map[string]bool{"ok": true})
		}},
		route{"POST /keep", body("pickle"), func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, map[string]bool{"ok": true}) }})
	n := 0
	for _, res := range r.results {
		if res.Check.ID != "probe/deserialization-time" {
			continue
		}
		n++
		if (res.Verdict == trial.Fail) != (res.Operation == "POST /restore") {
			t.Errorf("%s: %v %s %s", res.Operation, res.Verdict, res.Got, res.Reason)
		}
	}
	if n != 2 {
		t.Errorf("%d results", n)
	}
}

func TestWritten(t *testing.T) {
	for text, want := range map[string]string{
		saved: "a pickle of Python", "KGRwMApWYQpwMQpJMQpzLg==": "a pickle of Python", "gAJ9cQBYAQAAAGFxAUsBcy4=": "a pickle of Python",
		"rO0ABXNyAA1qYXZhLmxhbmcu": "an object of Java", `O:4:"User":1:{s:4:"name";s:1:"a";}`: "a value of PHP", "YToxOntzOjE6ImEiO2k6MTt9": "a value of PHP",
		"AAEAAAD/////AQAAAAAAAAA=": "an object of .NET", "BAh7BjoGYWkG": "an object of Ruby",
		"gASV": "", "rO0": "", "O:4": "", "hello world": "", "eyJhIjoxfQ==": "", "gAAAAABl": "", "": "", "a:1": "", "BAhello1": "",
	} {
		l, _, ok := written(text)
		if ok != (want != "") || ok && l.String() != want {
			t.Errorf("%q is %v %v, want %q", text, l, ok, want)
		}
	}
}
