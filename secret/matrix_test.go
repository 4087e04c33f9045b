package secret_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"expvar"
	"fmt"
	htmltemplate "html/template"
	"log"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"text/template"

	"github.com/davecgh/go-spew/spew"
	jsonexp "github.com/go-json-experiment/json"
	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/pavise-dev/pavise/secret"
)

// needle is what must not be found in any dump.
const needle = "Kj8~sorrel<quay>&vat"

// leaks reports whether a dump holds the needle, in any of the ways in which a
// dump writes text or bytes.
func leaks(dump string) bool {
	var decimal, gohex []string
	for _, b := range []byte(needle) {
		decimal = append(decimal, strconv.Itoa(int(b)))
		gohex = append(gohex, fmt.Sprintf("0x%x", b))
	}
	quotedJSON, _ := json.Marshal(needle)
	var escapedXML bytes.Buffer
	_ = xml.EscapeText(&escapedXML, []byte(needle))
	spaced := hex.EncodeToString([]byte(needle))
	var groups []string
	for i := 0; i < len(spaced); i += 2 {
		groups = append(groups, spaced[i:i+2])
	}
	for _, form := range []string{
		needle, "sorrel",
		hex.EncodeToString([]byte(needle)), strings.ToUpper(hex.EncodeToString([]byte(needle))), strings.Join(groups, " "),
		base64.StdEncoding.EncodeToString([]byte(needle)), base64.RawURLEncoding.EncodeToString([]byte(needle)),
		strings.Join(decimal, " "), strings.Join(decimal, ","), strings.Join(decimal, ", "), strings.Join(gohex, ", "),
		strings.Trim(string(quotedJSON), `"`), escapedXML.String(), htmltemplate.HTMLEscapeString(needle), url.QueryEscape(needle),
	} {
		if strings.Contains(dump, form) {
			return true
		}
	}
	return false
}

// shapes are the ways in which a value sits in others.
func shapes[T any](v T) map[string]any {
	type inner struct{ Secret T }
	type hidden struct{ secret T }
	type tagged struct {
		Name   string `json:"name" yaml:"name" xml:"name"`
		Secret T      `json:"secret" yaml:"secret" xml:"secret"`
	}
	type pointer struct{ Secret *T }
	type outer struct {
		Inner inner
		Any   any
	}
	type list struct{ Secrets []T }
	type table struct{ Secrets map[string]T }
	p := &v
	return map[string]any{
		"value":                  v,
		"pointer":                &v,
		"pointer to pointer":     &p,
		"field":                  inner{v},
		"pointer to field":       &inner{v},
		"unexported field":       hidden{v},
		"pointer to unexported":  &hidden{v},
		"tagged field":           tagged{"name", v},
		"pointer field":          pointer{&v},
		"nested":                 outer{inner{v}, v},
		"nested pointer":         &outer{inner{v}, &v},
		"slice":                  []T{v},
		"slice of pointers":      []*T{&v},
		"array":                  [1]T{v},
		"slice field":            list{[]T{v}},
		"map":                    map[string]T{"k": v},
		"map field":              table{map[string]T{"k": v}},
		"map of any":             map[string]any{"k": v},
		"any in a slice":         []any{v},
		"unexported in a slice":  []hidden{{v}},
		"unexported in a map":    map[string]hidden{"k": {v}},
		"struct in an interface": []any{inner{v}, &hidden{v}},
	}
}

// routes are the ways out of a program. What one cannot write it reports as an
// error, which is a part of the dump: errors leak too.
func routes() map[string]func(v any) string {
	all := map[string]func(any) string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%T", "%t", "%c", "%U", "%e", "%o", "%b", "%p", "%10.3v", "%z"} {
		all["fmt "+verb] = func(v any) string { return fmt.Sprintf(verb, v) }
	}
	all["fmt.Sprint"] = func(v any) string { return fmt.Sprint(v) }
	all["fmt.Errorf"] = func(v any) string { return fmt.Errorf("with %v and %w", v, errors.New("x")).Error() }
	all["log"] = func(v any) string {
		var b bytes.Buffer
		log.New(&b, "", 0).Println("got", v)
		return b.String()
	}
	handlers := map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	}
	for name, handler := range handlers {
		all[name] = func(v any) string {
			var b bytes.Buffer
			slog.New(handler(&b)).With("first", v).LogAttrs(context.Background(), slog.LevelInfo, "m", slog.Any("second", v), slog.Group("g", slog.Any("third", v)))
			return b.String()
		}
	}
	encode := func(name string, marshal func(any) ([]byte, error)) {
		all[name] = func(v any) string {
			data, err := marshal(v)
			return fmt.Sprint(string(data), err)
		}
	}
	encode("json", json.Marshal)
	encode("json indent", func(v any) ([]byte, error) { return json.MarshalIndent(v, "", " ") })
	encode("json v2", func(v any) ([]byte, error) { return jsonexp.Marshal(v) })
	encode("yaml", yaml.Marshal)
	encode("xml", func(v any) ([]byte, error) { return xml.Marshal(v) })
	encode("gob", func(v any) ([]byte, error) {
		var b bytes.Buffer
		err := gob.NewEncoder(&b).Encode(v)
		return b.Bytes(), err
	})
	encode("text/template", func(v any) ([]byte, error) {
		var b bytes.Buffer
		err := template.Must(template.New("t").Parse(`{{.}} {{printf "%s %x" . .}}`)).Execute(&b, v)
		return b.Bytes(), err
	})
	encode("html/template", func(v any) ([]byte, error) {
		var b bytes.Buffer
		err := htmltemplate.Must(htmltemplate.New("t").Parse(`<p title="{{.}}">{{.}}</p><script>x = {{.}}</script>`)).Execute(&b, v)
		return b.Bytes(), err
	})
	all["expvar"] = func(v any) string { return expvar.Func(func() any { return v }).String() }
	all["url.Values"] = func(v any) string { return url.Values{"k": {fmt.Sprint(v)}}.Encode() }
	all["recovered panic"] = func(v any) (text string) {
		defer func() { text = fmt.Sprint(recover()) }()
		panic(v)
	}
	all["cmp.Diff"] = func(v any) (text string) {
		defer func() {
			if p := recover(); p != nil { // of unexported fields, it says
				text = fmt.Sprint(p)
			}
		}()
		return cmp.Diff(v, nil) + cmp.Diff(nil, v) + cmp.Diff([]any{v}, []any{"other"})
	}
	all["spew"] = func(v any) string { return spew.Sdump(v) }
	all["spew without methods"] = func(v any) string {
		c := spew.ConfigState{Indent: " ", DisableMethods: true, DisablePointerMethods: true}
		return c.Sdump(v)
	}
	all["reflect"] = func(v any) string {
		var b strings.Builder
		walk(&b, reflect.ValueOf(v), 0)
		return b.String()
	}
	return all
}

// walk writes all that reflection reaches without unsafe.
func walk(b *strings.Builder, v reflect.Value, depth int) {
	if depth > 12 || !v.IsValid() {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		walk(b, v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			walk(b, v.Field(i), depth+1)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
			b.Write(v.Bytes())
		}
		for i := range v.Len() {
			walk(b, v.Index(i), depth+1)
		}
	case reflect.Map:
		for iter := v.MapRange(); iter.Next(); {
			walk(b, iter.Key(), depth+1)
			walk(b, iter.Value(), depth+1)
		}
	default:
		b.WriteString(v.String() + " ")
	}
}

// matrix returns how many cells there are and which of them leak.
func matrix[T any](v T) (cells int, leaking []string) {
	for route, dump := range routes() {
		for shape, value := range shapes(v) {
			cells++
			if leaks(dump(value)) {
				leaking = append(leaking, route+" of "+shape)
			}
		}
	}
	return cells, leaking
}

// naive and redacting are what people write: the first with a method for the
// printer, the second with one for each encoder too.
type (
	naive     string
	redacting struct{ value string }
)

func (naive) String() string                   { return secret.Redacted }
func (redacting) String() string               { return secret.Redacted }
func (redacting) GoString() string             { return secret.Redacted }
func (redacting) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(secret.Redacted)) }
func (redacting) MarshalText() ([]byte, error) { return []byte(secret.Redacted), nil }
func (redacting) LogValue() slog.Value         { return slog.StringValue(secret.Redacted) }
func (redacting) GobEncode() ([]byte, error)   { return []byte(secret.Redacted), nil }
func (redacting) MarshalYAML() ([]byte, error) { return []byte(secret.Redacted), nil }
func (redacting) Equal(redacting) (equal bool) { return false }

// TestNothingLeaks dumps secrets in every shape by every route. The types that
// people write for the purpose show that the matrix finds what there is.
func TestNothingLeaks(t *testing.T) {
	total := 0
	for name, run := range map[string]func() (int, []string){
		"String": func() (int, []string) { return matrix(secret.New(needle)) },
		"Bytes":  func() (int, []string) { return matrix(secret.NewBytes([]byte(needle))) },
	} {
		cells, leaking := run()
		total += cells
		for _, cell := range leaking {
			t.Errorf("%s leaks by %s", name, cell)
		}
	}
	if total < 400 {
		t.Errorf("only %d cells", total)
	}
	cells, plain := matrix(naive(needle))
	_, careful := matrix(redacting{needle})
	t.Logf("%d cells: a text with a String method leaks in %d, a struct with every redactor in %d", cells, len(plain), len(careful))
	if len(plain) < 100 || len(careful) < 20 {
		t.Errorf("of %d cells only %d leak a text with a String method, and %d a struct with every redactor: the matrix is blind", cells, len(plain), len(careful))
	}
}

// TestUnrecoveredPanic: the runtime prints what a panic was called with.
func TestUnrecoveredPanic(t *testing.T) {
	if os.Getenv("PAVISE_PANIC") != "" {
		panic(secret.New(needle))
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestUnrecoveredPanic$")
	cmd.Env = append(os.Environ(), "PAVISE_PANIC=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "panic:") {
		t.Fatalf("did not panic: %v\n%s", err, out)
	}
	if leaks(string(out)) {
		t.Errorf("the panic's text is the secret:\n%s", out)
	}
}
