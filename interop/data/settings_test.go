//go:build real

package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/secret"
	"github.com/pavise-dev/pavise/settings"
)

// config is the twin of the class in peer.py.
type config struct {
	Name   string
	Count  int
	Ratio  float64        `default:"0.5"`
	Debug  bool           `default:"false"`
	Tags   []string       `default:"[]"`
	Ports  []int          `default:"[]"`
	Limits map[string]int `default:"{}"`
	Level  string         `default:"info" oneof:"debug info warn"`
	Note   *string
	Token  secret.String `default:"t"`
	DB     struct {
		Host string `default:"localhost"`
		Port int    `default:"5432"`
		Auth struct {
			User     string        `default:"u"`
			Password secret.String `default:""`
		}
	}
	Legacy string `default:"old" env:"LEGACY_NAME"`
}

var (
	textsOf = map[string][]string{
		"text":   {"", "x", "Zoë ☃", "with space", " around ", "a#b", "a #b", "'single'", "\"double\"", "it's", "a=b", "$HOME", "null", "\\n", "back\\slash", "tab\there", "{\"json\": 1}", "ünï"},
		"int":    {"0", "5", "-3", "+7", "007", " 42 ", "1_000", "1__0", "_1", "1_", "1.0", "1.000", "1.5", "1.", ".0", "", "abc", "1e3", "0x10", "٣", "-0", "- 1", "--1", "true"},
		"float":  {"0", "1.5", "-2.25", " 3.5 ", "1e3", "1E-2", "+1.5", ".5", "5.", "abc", "", "0x1p3", "1,5"},
		"bool":   {"true", "True", "TRUE", "1", "0", "on", "Off", "yes", "N", "t", "f", "", "2", "truee", " true", "y"},
		"strs":   {"[]", `["a"]`, `["a","b"]`, `["Zoë"]`, "a,b", "", `{"a":1}`, "[", `[1]`, "null", `"a"`},
		"ints":   {"[]", "[1]", "[1, 2]", `["3"]`, `["x"]`, "1", "", "[1.0]", "[1.5]", "[[1]]"},
		"map":    {"{}", `{"a":1}`, `{"a":1,"b":"2"}`, `{"a":"x"}`, "[]", "", "1"},
		"level":  {"debug", "info", "warn", "WARN", "", "trace"},
		"db":     {"{}", `{"host":"h"}`, `{"port":1,"auth":{"user":"w"}}`, `{"port":"2"}`, `{"port":"x"}`, "[]", "h", `{"auth":{}}`, `{"other":1}`},
		"number": {"1", "2", "x", ""},
	}
	kindOf = map[string]string{
		"APP_NAME": "text", "APP_COUNT": "int", "APP_RATIO": "float", "APP_DEBUG": "bool", "APP_TAGS": "strs", "APP_PORTS": "ints",
		"APP_LIMITS": "map", "APP_LIMITS__CPU": "number", "APP_LIMITS__MEM": "number", "APP_LEVEL": "level", "APP_NOTE": "text", "APP_TOKEN": "text", "APP_DB": "db",
		"APP_DB__HOST": "text", "APP_DB__PORT": "int", "APP_DB__AUTH__USER": "text", "APP_DB__AUTH__PASSWORD": "text",
		"LEGACY_NAME": "text", "APP_OTHER": "text", "OTHER": "text",
	}
)

// generator makes cases. It makes no JSON for a struct within a struct beside
// variables for that one's fields: pydantic-settings lets the one count that
// comes last, in an order that an environment does not have; here the field's
// own variable counts.
type generator struct{ *rand.Rand }

func (g generator) pick(list []string) string { return list[g.IntN(len(list))] }

// variables makes some, most of them such as their field takes.
func (g generator) variables(chance int) map[string]string {
	vars := map[string]string{}
	for _, name := range sorted(kindOf) {
		if g.IntN(100) >= chance {
			continue
		}
		list := textsOf[kindOf[name]]
		if g.IntN(100) < 70 {
			list = list[:max(1, len(list)/3)]
		}
		written := name
		switch g.IntN(6) {
		case 0:
			written = strings.ToLower(name)
		case 1:
			written = name[:1] + strings.ToLower(name[1:])
		}
		vars[written] = g.pick(list)
	}
	return vars
}

func sorted(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// dotEnv writes variables in one of the ways that the format has for each.
func (g generator) dotEnv(vars map[string]string) string {
	var b strings.Builder
	for _, name := range sorted(vars) {
		v := vars[name]
		if g.IntN(8) == 0 {
			b.WriteString(g.pick([]string{"# comment\n", "\n", "   \n", "  # indented\n", "BARE\n", "\t\n"}))
		}
		if g.IntN(5) == 0 {
			b.WriteString(g.pick([]string{"export ", "  ", "export\t"}))
		}
		if g.IntN(12) == 0 {
			b.WriteString("'" + name + "'")
		} else {
			b.WriteString(name)
		}
		b.WriteString(g.pick([]string{"=", "=", "=", " = ", "= ", " ="}))
		switch g.IntN(5) {
		case 0:
			b.WriteString("'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(v) + "'")
		case 1:
			b.WriteString(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`)
		case 2:
			b.WriteString(`"` + strings.NewReplacer(`"`, `\"`).Replace(v) + g.pick([]string{`\n`, `\t`, `\q`, "\n", `${APP_NAME}`, `${NOPE:-def}`, `${HOME}`, ""}) + `"`)
		default:
			b.WriteString(v)
		}
		if g.IntN(6) == 0 {
			b.WriteString(g.pick([]string{" # comment", "  ", "\t# c"}))
		}
		b.WriteString(g.pick([]string{"\n", "\n", "\n", "\r\n", "\r"}))
	}
	return b.String()
}

// TestSettingsBesidePydantic: of ten thousand cases each gives the same values,
// or the same fields are wrong.
func TestSettingsBesidePydantic(t *testing.T) {
	p := startPeer(t)
	g := generator{rand.New(rand.NewPCG(3, 4))}
	const cases = 10_000
	good, bad, badLines, overruled := 0, 0, 0, 0
	dir := t.TempDir()
	for i := range cases {
		env := g.variables(12)
		if g.IntN(10) > 0 {
			env["APP_NAME"], env["APP_COUNT"] = "n", "1"
		}
		env["HOME"] = "/home/x"
		dotenv := []string{}
		for range g.IntN(3) {
			dotenv = append(dotenv, g.dotEnv(g.variables(12)))
		}
		secrets := map[string]string{}
		if g.IntN(2) == 0 {
			for name, v := range g.variables(8) {
				// File systems differ about case; and pydantic-settings reads no
				// nested names here but by another class.
				if strings.ToUpper(name) == name && !strings.Contains(name, "__") {
					secrets[strings.ToLower(name)] = v + g.pick([]string{"", "\n"})
				}
			}
		}
		var theirs struct {
			Values map[string]any
			Bad    []string
			JSON   bool // of a source, whether it counts or not
		}
		o := settings.Options{Prefix: "APP_", Extra: settings.IgnoreExtra, Expand: true, Environ: []string{}}
		for _, name := range sorted(env) {
			o.Environ = append(o.Environ, name+"="+env[name])
		}
		at := filepath.Join(dir, fmt.Sprint(i))
		if err := os.MkdirAll(filepath.Join(at, "secrets"), 0o755); err != nil {
			t.Fatal(err)
		}
		for n, s := range dotenv {
			file := filepath.Join(at, fmt.Sprint("env", n))
			if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
				t.Fatal(err)
			}
			o.DotEnv = append(o.DotEnv, file)
		}
		for name, s := range secrets {
			if err := os.WriteFile(filepath.Join(at, "secrets", name), []byte(s), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		o.SecretsDirs = []string{filepath.Join(at, "secrets")}
		p.ask(t, &theirs, "settings_load", env, o.DotEnv, o.SecretsDirs[0])
		c, err := settings.Load[config](t.Context(), o)
		_ = os.RemoveAll(at)

		var all *settings.Error
		if errors.As(err, &all) && slices.ContainsFunc(all.Problems, func(p settings.Problem) bool { return strings.HasPrefix(p.Rule, "want NAME=value") }) {
			// On purpose: python-dotenv passes over lines that it cannot
			// read, with a warning in the log; here they are a problem.
			badLines++
			continue
		}
		show := func() string {
			return fmt.Sprintf("case %d\nenv %q\ndotenv %q\nsecrets %q\nPython: %v %v\nGo: %+v %v", i, env, dotenv, secrets, theirs.Values, theirs.Bad, c, err)
		}
		if theirs.JSON && err == nil {
			// On purpose: pydantic-settings reads the JSON of each source, and
			// stops at one that a stronger source overrules; here only what
			// counts is judged.
			overruled++
			continue
		}
		if (err != nil) != (theirs.Bad != nil) {
			t.Fatalf("one of the two refuses it\n%s", show())
		}
		if err != nil {
			bad++
			if theirs.JSON {
				continue // it names the first that it finds, and no other
			}
			mine := map[string]bool{}
			for _, p := range all.Problems {
				name, _, _ := strings.Cut(p.Field, ".")
				mine[name] = true
			}
			for _, name := range theirs.Bad {
				if name == "LEGACY_NAME" {
					name = "legacy"
				}
				if !mine[name] {
					t.Fatalf("%s is wrong to Python alone\n%s", name, show())
				}
			}
			continue
		}
		good++
		mine := map[string]any{
			"name": c.Name, "count": c.Count, "ratio": c.Ratio, "debug": c.Debug, "tags": c.Tags, "ports": c.Ports, "limits": c.Limits, "level": c.Level,
			"note": c.Note, "token": c.Token.Expose(), "host": c.DB.Host, "port": c.DB.Port, "user": c.DB.Auth.User, "password": c.DB.Auth.Password.Expose(), "legacy": c.Legacy,
		}
		data, err := json.Marshal(mine)
		if err != nil {
			t.Fatal(err)
		}
		var plain map[string]any
		if err := json.Unmarshal(data, &plain); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(plain, theirs.Values) {
			t.Fatalf("the values differ\n%s", show())
		}
	}
	t.Logf("%d cases with the same values, %d with the same mistakes, %d with lines that are no variables, %d with JSON that is overruled", good, bad, badLines, overruled)
	if good < cases/4 || bad < cases/20 || badLines > cases/10 || overruled > cases/20 {
		t.Errorf("of %d cases %d have values, %d mistakes, and %d were left out", cases, good, bad, badLines)
	}
}
