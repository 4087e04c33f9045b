package repair

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/values"
)

const schemaText = `{"openapi": "3.1.0", "paths": {"/a": {"post": {"requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {
	"name": {"type": "string"}, "age": {"type": "integer"}, "email": {"type": "string"}, "kind": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}},
	"start_date": {"type": "string"}, "address": {"type": "object", "properties": {"zip": {"type": "string"}}}, "lines": {"type": "array", "items": {"type": "object", "properties": {"count": {"type": "integer"}}}}}}}}}}}}}`

func schema(t testing.TB) *openapi.Schema {
	t.Helper()
	d, err := openapi.Parse([]byte(schemaText))
	if err != nil {
		t.Fatal(err)
	}
	return d.Operations[0].Bodies[0].Schema
}

func body() map[string]any {
	return map[string]any{
		"name": "pvabcdefg", "age": int64(1), "email": "nobody", "kind": "x", "tags": []any{}, "start_date": "soon",
		"address": map[string]any{"zip": ""}, "lines": []any{map[string]any{"count": int64(0)}},
	}
}

func answer(text string) *traffic.Exchange {
	kind := "application/json"
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") && !strings.HasPrefix(text, `"`) {
		kind = "text/plain"
	}
	return &traffic.Exchange{Status: 422, Header: http.Header{"Content-Type": {kind}}, Body: []byte(text)}
}

func TestRepair(t *testing.T) {
	pydantic := func(kind, ctx string, loc ...string) string {
		return fmt.Sprintf(`{"detail": [{"type": %q, "loc": ["body", %s], "msg": "no", "ctx": {%s}}]}`, kind, strings.Join(loc, ", "), ctx)
	}
	for text, want := range map[string]string{
		// FastAPI with pydantic 2, and 1.
		pydantic("missing", "", `"extra"`):                                                                             "extra!",
		pydantic("greater_than_equal", `"ge": 18`, `"age"`):                                                            "age=18",
		pydantic("greater_than", `"gt": 18`, `"age"`):                                                                  "age=19",
		pydantic("less_than_equal", `"le": -2`, `"age"`):                                                               "age=-2",
		pydantic("string_too_short", `"min_length": 12`, `"name"`):                                                     "name=pvabcdefgxxx",
		pydantic("string_too_long", `"max_length": 4`, `"name"`):                                                       "name=defg",
		pydantic("too_short", `"min_length": 2`, `"tags"`):                                                             "tags#2",
		pydantic("string_pattern_mismatch", `"pattern": "^[0-9]{3}$"`, `"name"`):                                       "name?[0-9]{3}",
		pydantic("enum", `"expected": "'red', 'green' or 'blue'"`, `"kind"`):                                           "kind=red",
		pydantic("literal_error", `"expected": "'a'"`, `"kind"`):                                                       "kind=a",
		pydantic("int_parsing", "", `"name"`):                                                                          "name=1",
		pydantic("extra_forbidden", "", `"kind"`):                                                                      "kind-",
		pydantic("date_from_datetime_parsing", "", `"start_date"`):                                                     "start_date~2030-01-",
		pydantic("greater_than_equal", `"ge": 3`, `"lines"`, `0`, `"count"`):                                           "lines/0/count=3",
		pydantic("int_type", "", `"name"`, `"int"`):                                                                    "name=1",
		pydantic("value_error.number.not_ge", `"limit_value": 7`, `"age"`):                                             "age=7",
		pydantic("type_error.enum", `"enum_values": ["q"]`, `"kind"`):                                                  "kind=q",
		`{"detail": [{"type": "value_error", "loc": ["body", "email"], "msg": "value is not a valid email address"}]}`: "email~@example.com",
		// Problem details and their relatives.
		`{"type": "x", "title": "no", "invalid-params": [{"name": "age", "reason": "must be at least 21"}]}`:                   "age=21",
		`{"errors": [{"pointer": "#/address/zip", "detail": "must not be blank"}]}`:                                            "address/zip!",
		`{"errors": [{"source": {"pointer": "/data/attributes/name"}, "detail": "is too short (minimum is 11 characters)"}]}`:  "name=pvabcdefgxx",
		`{"errors": {"name": ["The name must be at least 10 characters."]}}`:                                                   "name=pvabcdefgx",
		`{"errors": {"Age": ["must be between 30 and 40"]}}`:                                                                   "age=30",
		`{"age": ["Ensure this value is greater than or equal to 9."]}`:                                                        "age=9",
		`{"message": ["kind must be one of the following values: small, large", "age must not be less than 5"]}`:               "kind=small age=5",
		`{"error": "Key: 'New.Extra' Error:Field validation for 'Email' failed on the 'email' tag"}`:                           "email~@example.com",
		`{"violations": [{"propertyPath": "name", "message": "This value is too long. It should have 5 characters or less"}]}`: "name=cdefg",
		`{"error": "start_date must be a valid ISO 8601 timestamp"}`:                                                           "start_date~2030-01-",
		`{"error": "age must be a positive number"}`:                                                                           "",
		"kind: expected one of 'a', 'b'":                                                                                       "kind=a",
		`{"error": "unknown field \"kind\""}`:                                                                                  "kind-",
		// Nothing that can be understood, or that is about nothing here.
		`{"error": "no"}`: "", `{}`: "", `[]`: "", "": "", `{"detail": [{"loc": [], "type": "x"}]}`: "",
		`{"error": {"code": 7, "message": "try again later"}}`: "",
	} {
		s, b, m := schema(t), body(), values.New(1, "repair")
		for _, c := range Read(answer(text), Names(s)) {
			if c.In != "body" {
				t.Errorf("%s: in %s", text, c.In)
			}
			c.Body(b, s, m)
		}
		expect(t, text, want, b)
	}
}

func expect(t *testing.T, text, want string, b map[string]any) {
	t.Helper()
	if want == "" {
		if !reflect.DeepEqual(b, body()) {
			t.Errorf("%s: changed to %v", text, b)
		}
		return
	}
	for part := range strings.FieldsSeq(want) {
		i := strings.IndexAny(part, "=!-#~?")
		at, kind, value := part[:i], part[i], part[i+1:]
		var v any = b
		there := false
		for step := range strings.SplitSeq(at, "/") {
			switch x := v.(type) {
			case map[string]any:
				v, there = x[step]
			case []any:
				v, there = x[0], true
			}
		}
		ok := false
		switch kind {
		case '=':
			ok = fmt.Sprint(v) == value
		case '!':
			ok = there && fmt.Sprint(v) != ""
		case '-':
			ok = !there
		case '#':
			l, _ := v.([]any)
			ok = fmt.Sprint(len(l)) == value
		case '?':
			ok = regexp.MustCompile("^" + value + "$").MatchString(fmt.Sprint(v))
		case '~':
			ok = strings.Contains(fmt.Sprint(v), value)
		}
		if !ok {
			t.Errorf("%s: %s is %v, want %s", text, at, v, part)
		}
	}
}

func TestOtherPlaces(t *testing.T) {
	names := []Name{{"path", "code", []any{"code"}}}
	got := Read(answer(`{"detail": "Want 200 to 599"}`), names)
	if len(got) != 1 || got[0].In != "path" || got[0].Name() != "code" {
		t.Fatalf("%v", got)
	}
	if v, ok := got[0].Value("1", true, nil, "code", values.New(1, "a")); !ok || v != "200" {
		t.Errorf("%v", v)
	}
	got = Read(answer(`{"detail": [{"type": "missing", "loc": ["query", "from"], "msg": "Field required"}, {"type": "missing", "loc": ["header", "x-request-id"], "msg": "Field required"}]}`), nil)
	if len(got) != 2 || got[0].In != "query" || got[1].In != "header" || got[1].Kind != Missing {
		t.Errorf("%v", got)
	}
	if got := Read(answer(`{"detail": "The e-mail is taken", "email": "already exists"}`), []Name{{"body", "email", []any{"email"}}}); len(got) != 1 || got[0].Kind != Taken {
		t.Errorf("%v", got)
	}
}

// FuzzRead holds that no answer makes the reader crash, and that what it reads
// can be applied to a body without changing what kind of thing that is.
func FuzzRead(f *testing.F) {
	f.Add(`{"detail": [{"loc": ["body", "lines", 0, "count"], "type": "multiple_of", "ctx": {"multiple_of": 0}}]}`)
	f.Add(`{"errors": {"age": ["must be between 1e309 and -1"], "name": ["at most -5 characters", "at least 99999999 characters"]}}`)
	f.Add("name must match 'x")
	s := schema(f)
	f.Fuzz(func(t *testing.T, text string) {
		b := body()
		for _, c := range Read(answer(text), Names(s)) {
			c.Body(b, s, values.New(1, "fuzz"))
			_ = c.String()
		}
		if len(fmt.Sprint(b)) > 40*(1<<16) {
			t.Fatal("it grows without end")
		}
	})
}
