package jsonbody

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

type baseID struct {
	ID int `json:"id"`
}

type account struct {
	baseID
	Name   string            `json:"name" pavise:"required,min=1,max=10"`
	Age    uint8             `json:"age" pavise:"max=150"`
	Score  float64           `json:"score"`
	Admin  bool              `json:"admin"`
	Tags   []string          `json:"tags" pavise:"max=2"`
	Nick   *string           `json:"nick"`
	Meta   map[string]int    `json:"meta"`
	When   time.Time         `json:"when"`
	Next   *account          `json:"next"`
	Any    any               `json:"any"`
	Pair   [2]int            `json:"pair"`
	Secret string            `json:"-"`
	Raw    []byte            `json:"raw"`
	Sub    map[string]string `json:"sub"`
}

func TestDecode(t *testing.T) {
	got, err := DecodeBytes[account]([]byte(` { "id" : 7 , "name":"  Ada\u0021 \n","age":36,"score":1,"admin":true,"tags":["a","b"],"nick":"x",
		"meta":{"k":-1},"when":"2026-01-02T03:04:05Z","next":{"name":"B","nick":null},"any":[1,{"a":null}],"pair":[1,2],"raw":"aGk="}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := "x"
	want := account{
		baseID: baseID{7}, Name: "Ada!", Age: 36, Score: 1, Admin: true, Tags: []string{"a", "b"}, Nick: &x, Meta: map[string]int{"k": -1},
		When: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Next: &account{Name: "B"}, Any: []any{1.0, map[string]any{"a": nil}}, Pair: [2]int{1, 2}, Raw: []byte("hi"),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if s, err := DecodeBytes[string]([]byte(`" a "`), Options{KeepSpace: true}); err != nil || s != " a " {
		t.Errorf("%q %v", s, err)
	}
	if _, err := DecodeBytes[account]([]byte(`{"name":"a","x":[{"y":"}"}]}`), Options{AllowUnknownFields: true}); err != nil {
		t.Error(err)
	}
}

// Every error at once, each with its pointer, and never a value.
func TestDecodeErrors(t *testing.T) {
	_, err := DecodeBytes[account]([]byte(`{"Name":"SECRET","age":"36","score":"SECRET","admin":1,"tags":["a","b",3],"nick":5,"meta":{"k":1.5,"a/b":null},
		"when":"SECRET","next":{"name":"          ","age":256,"x":{"y":[1]}},"pair":[1],"-":1,"Secret":"s","id":99999999999999999999,"raw":"!","sub":[]}`), Options{})
	var bad *DecodeError
	if !errors.As(err, &bad) || bad.Status != 422 {
		t.Fatal(err)
	}
	var got []string
	for _, f := range bad.Fields {
		got = append(got, f.Pointer+" "+f.Rule)
		if strings.Contains(f.Message, "SECRET") {
			t.Errorf("the value is in %+v", f)
		}
	}
	want := []string{
		"/Name unknown", "/age type", "/score type", "/admin type", "/tags/2 type", "/tags max", "/nick type", "/meta/k type", "/meta/a~1b type",
		"/when value", "/next/name min", "/next/age range", "/next/x unknown", "/pair length", "/- unknown", "/Secret unknown", "/id range", "/raw value", "/sub type", "/name required",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if strings.Contains(err.Error(), "SECRET") {
		t.Error(err)
	}
}

func TestDecodeStrict(t *testing.T) {
	for doc, rule := range map[string]string{
		`null`: "type", `1.0`: "type", `1e1`: "type", `"1"`: "type", `true`: "type", `[1]`: "type", `{}`: "type", `128`: "range", `-129`: "range",
		`{"a":1,"a":2}`: "duplicate-keys", `1 2`: "single-document", `01`: "single-document", ``: "strict-syntax",
	} {
		_, err := DecodeBytes[int8]([]byte(doc), Options{})
		var bad *DecodeError
		if !errors.As(err, &bad) || bad.Fields[0].Rule != rule {
			t.Errorf("%s: %v, want %s", doc, err, rule)
		}
	}
	if n, err := DecodeBytes[uint]([]byte(`-0`), Options{}); n != 0 || err != nil {
		t.Error(n, err)
	}
	many, err := DecodeBytes[[]int]([]byte("["+strings.Repeat(`"x",`, 500)+"1]"), Options{})
	var bad *DecodeError
	if !errors.As(err, &bad) || len(bad.Fields) != maxErrors || many != nil {
		t.Error("errors are not bounded")
	}
	if _, err := DecodeBytes[chan int]([]byte("1"), Options{}); err == nil || errors.As(err, &bad) {
		t.Errorf("a channel: %v", err)
	}
	if _, err := DecodeBytes[struct {
		A string `pavise:"maximum=1"`
	}]([]byte("{}"), Options{}); err == nil || errors.As(err, &bad) {
		t.Errorf("a wrong tag: %v", err)
	}
	if _, err := DecodeBytes[string]([]byte(`"`+strings.Repeat("a", 10_001)+`"`), Options{}); err == nil {
		t.Error("a long string passed")
	}
}

func TestDecodeRequest(t *testing.T) {
	request := func(body io.Reader, typ string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/", body)
		if typ != "" {
			r.Header.Set("Content-Type", typ)
		}
		return r
	}
	for name, tt := range map[string]struct {
		r      *http.Request
		status int
	}{
		"good":       {request(strings.NewReader("1"), "application/json; charset=utf-8"), 0},
		"no type":    {request(strings.NewReader("1"), ""), 415},
		"other type": {request(strings.NewReader("1"), "text/plain"), 415},
		"large":      {request(strings.NewReader(strings.Repeat(" ", 100)+"1"), "application/json"), 413},
		"chunked":    {request(io.MultiReader(strings.NewReader(strings.Repeat(" ", 100)), strings.NewReader("1")), "application/json"), 413},
		"limited":    {request(iotest.ErrReader(&http.MaxBytesError{}), "application/json"), 413},
		"broken":     {request(iotest.ErrReader(io.ErrUnexpectedEOF), "application/json"), 400},
		"syntax":     {request(strings.NewReader("{"), "application/json"), 400},
		"empty":      {request(nil, "application/json"), 400},
		"wrong":      {request(strings.NewReader("{}"), "application/json"), 422},
	} {
		_, err := Decode[int](tt.r, Options{MaxBytes: 50})
		var bad *DecodeError
		errors.As(err, &bad)
		if tt.status == 0 && err != nil || tt.status != 0 && (bad == nil || bad.Status != tt.status) {
			t.Errorf("%s: %v", name, err)
		}
	}
	below := &guard.Refusal{Rule: "limits/body", Status: 413}
	_, err := Decode[int](request(iotest.ErrReader(below), "application/json"), Options{})
	if !errors.Is(err, below) {
		t.Errorf("a refusal from below: %v", err)
	}
	w := httptest.NewRecorder()
	WriteError(w, request(nil, ""), errors.New("SECRET"))
	if w.Code != 500 || strings.Contains(w.Body.String(), "SECRET") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func BenchmarkDecode(b *testing.B) {
	type person struct {
		Name    string   `json:"name"`
		Email   string   `json:"email"`
		Age     int      `json:"age"`
		Tags    []string `json:"tags"`
		Address struct {
			Street string `json:"street"`
			City   string `json:"city"`
		} `json:"address"`
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeBytes[person]([]byte(small), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
