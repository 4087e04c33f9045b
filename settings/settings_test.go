package settings

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/secret"
)

func Example() {
	type Config struct {
		DatabaseURL secret.String
		Debug       bool          `default:"false"`
		Timeout     time.Duration `default:"5s"`
	}
	config, err := Load[Config](context.Background(), Options{
		Prefix:  "APP_",
		Environ: []string{"APP_DATABASE_URL=postgres://app:hunter2@db/app", "APP_TIMEOUT=30s"},
	})
	fmt.Println(config.DatabaseURL, config.Debug, config.Timeout, err)

	_, err = Load[Config](context.Background(), Options{Prefix: "APP_", Environ: []string{"APP_DEBUG=maybe", "APP_TIMEOU=1s"}})
	fmt.Println(err)
	// Output:
	// ********** false 30s <nil>
	// settings: 3 problems
	//   APP_TIMEOU (environment APP_TIMEOU): no field reads this; is it misspelt?
	//   database_url: is required: set APP_DATABASE_URL
	//   debug (environment APP_DEBUG): want true or false (or 1, 0, yes, no, on, off)
}

// in loads T from an environment alone.
func in[T any](t *testing.T, environ ...string) (T, error) {
	t.Helper()
	return Load[T](t.Context(), Options{Environ: append([]string{}, environ...)})
}

func TestTypes(t *testing.T) {
	type inner struct {
		Host string
		Port uint16 `default:"5432"`
	}
	type config struct {
		S       string
		B       bool
		I       int8
		U       uint
		F       float64
		D       time.Duration
		Size    ByteSize
		URL     url.URL
		Addr    netip.Addr
		List    []string
		Numbers [2]int
		Map     map[string]float64
		Maybe   *int
		Never   *string
		Inner   inner
		Skipped string `setting:"-"`
		Renamed string `setting:"other_name"`
		Secret  secret.Bytes
		At      time.Time
	}
	c, err := in[config](t, "S= as it is ", "b=Yes", "I=-128", "U=1_000", "F=1e3", "D=1m30s", "SIZE=1.5KiB", "URL=https://x/y?z", "ADDR=::1",
		`LIST=["a","b"]`, "NUMBERS=[1,2]", `MAP={"a":1}`, "MAP__B=2.5", "MAYBE=3", `INNER={"host":"a","port":1}`, "INNER__HOST=b", "OTHER_NAME=r", "SECRET=k", "AT=2026-01-02T03:04:05Z", "SKIPPED=x")
	if err != nil {
		t.Fatal(err)
	}
	three := 3
	if c.S != " as it is " || !c.B || c.I != -128 || c.U != 1000 || c.F != 1000 || c.D != 90*time.Second || c.Size != 1536 || c.URL.Host != "x" || c.Addr != netip.IPv6Loopback() ||
		!slices.Equal(c.List, []string{"a", "b"}) || c.Numbers != [2]int{1, 2} || !reflect.DeepEqual(c.Map, map[string]float64{"a": 1, "b": 2.5}) || *c.Maybe != three || c.Never != nil ||
		c.Inner != (inner{"b", 1}) || c.Skipped != "" || c.Renamed != "r" || string(c.Secret.Expose()) != "k" || c.At.Year() != 2026 {
		t.Errorf("%+v", c)
	}
}

// TestEveryProblem: all at once, each with its field, its source and what is
// wanted, and none with its value.
func TestEveryProblem(t *testing.T) {
	type config struct {
		Missing string
		Bool    bool
		Int     int8
		Uint    uint8
		Float   float32
		Dur     time.Duration
		Size    ByteSize
		URL     url.URL
		Addr    netip.Addr
		List    []int
		Array   [2]int
		Map     map[string]int
		Level   string `oneof:"debug info"`
		Inner   struct{ A int }
	}
	const leak = "sorrel"
	_, err := in[config](t, "BOOL=sorrel", "INT=128", "UINT=-1", "FLOAT=nan", "DUR=sorrel", "SIZE=12sorrel", "URL=sorrel", "ADDR=sorrel", `LIST=["sorrel"]`, "ARRAY=[1]", `MAP={"sorrel":"x"}`, "LEVEL=sorrel", "INNER=sorrel")
	var all *Error
	if !errors.As(err, &all) {
		t.Fatalf("%v", err)
	}
	wants := map[string]string{
		"missing": "is required: set MISSING", "bool": "true or false", "int": "from -128 to 127", "uint": "from 0 to 255", "float": "want a number", "dur": "want a duration",
		"size": "want the text of a settings.ByteSize", "url": "want a URL", "addr": "want the text of a netip.Addr", "list": "item 0: want a whole number", "array": "array of 2", "map": "one of its values", "level": "want one of debug, info", "inner": "want a JSON object",
	}
	for _, p := range all.Problems {
		if want := wants[p.Field]; want == "" || !strings.Contains(p.Rule, want) {
			t.Errorf("%s, want %q", p, want)
		}
		if p.Field != "missing" && !strings.HasPrefix(p.Source, "environment ") {
			t.Errorf("%s: source %q", p.Field, p.Source)
		}
		delete(wants, p.Field)
	}
	if len(wants) > 0 {
		t.Errorf("nothing about %v", wants)
	}
	if strings.Contains(err.Error(), leak) {
		t.Errorf("the error holds a value:\n%v", err)
	}
}

type fixed map[string]string

func (f fixed) Name() string { return "parameter store" }

func (f fixed) Values(context.Context) (map[string]string, error) {
	if f == nil {
		return nil, errors.New("the store is down")
	}
	return f, nil
}

func write(t *testing.T, name, s string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOrder: each source goes before the next, and nested values are merged.
func TestOrder(t *testing.T) {
	type config struct {
		DB struct {
			A, B, C, D, E, F, G, H string `optional:"true"`
		}
	}
	set := flag.NewFlagSet("", flag.ContinueOnError)
	for _, name := range []string{"db-a", "db-b", "verbose"} {
		set.String(name, "unset", "")
	}
	if err := set.Parse([]string{"-db-a=flag", "-db-b", "flag", "-verbose=x"}); err != nil {
		t.Fatal(err)
	}
	secrets := filepath.Dir(write(t, "db__e", "secret\n"))
	for name, s := range map[string]string{"DB__A": "secret", "db__b": "secret", "db__d": "secret"} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := Options{
		Explicit:    map[string]string{"db.a": "explicit"},
		Flags:       set,
		Environ:     []string{"DB__A=env", "DB__B=env", "DB__C=env", "UNRELATED=x"},
		DotEnv:      []string{write(t, ".env", "DB__C=first\nDB__D=first\n"), write(t, ".env", "DB__D=second\n"), "/nosuch/.env"},
		SecretsDirs: []string{secrets, "/nosuch"},
		Files:       []string{write(t, "c.yaml", "db: {e: yaml, f: yaml, g: yaml}\n"), write(t, "c.toml", "[db]\nf = 'toml'\ng = 'toml'\n"), write(t, "c.json", `{"db":{"g":"json"}}`)},
		Sources:     []Source{fixed{"db.g": "store", "db.h": "store"}},
	}
	c, err := Load[config](t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.DB); got != "{explicit flag env second secret toml json store}" {
		t.Errorf("%s", got)
	}
	x, err := Explain[config](t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"explicit value db.a", "flag -db-b", "environment DB__C", ":1 DB__D", "db__e", "c.toml", "c.json", "parameter store db.h"} {
		if !strings.HasSuffix(x.Values[i].Source, want) {
			t.Errorf("%s is from %q, want %q", x.Values[i].Field, x.Values[i].Source, want)
		}
	}
	o.Sources = []Source{fixed(nil)}
	o.Explicit = map[string]string{"db.z": "x"}
	if _, err := Load[config](t.Context(), o); err == nil || !strings.Contains(err.Error(), "parameter store): cannot be asked: the store is down") || !strings.Contains(err.Error(), "no field has this name") {
		t.Errorf("%v", err)
	}
}

func TestNames(t *testing.T) {
	type config struct {
		APIKey string `optional:"true"`
		Old    string `optional:"true" env:"NEW_NAME,OLD_NAME"`
		A      struct {
			B__C string `setting:"b__c" optional:"true"`
			Own  string `optional:"true" env:"OWN_NAME"`
		}
	}
	c, err := Load[config](t.Context(), Options{Prefix: "APP_", MaxSplit: 1, Environ: []string{"app_api_key=k", "old_name=o", "APP_A__B__C=x", "own_name=w"}})
	if err != nil || c.APIKey != "k" || c.Old != "o" || c.A.B__C != "x" || c.A.Own != "w" {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = Load[config](t.Context(), Options{Prefix: "APP_", CaseSensitive: true, Environ: []string{"app_api_key=k", "APP_api_key=right", "NEW_NAME=n", "OLD_NAME=o"}})
	if err != nil || c.APIKey != "right" || c.Old != "n" {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestExtra: a variable that nobody reads is most often misspelt.
func TestExtra(t *testing.T) {
	type config struct {
		A string `optional:"true"`
	}
	o := Options{Prefix: "APP_", Environ: []string{"APP_B=sorrel", "OTHER=x"}, DotEnv: []string{write(t, ".env", "APP_C=sorrel\nX=1\n")}}
	_, err := Load[config](t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "environment APP_B") || !strings.Contains(err.Error(), ".env:1 APP_C") || strings.Contains(err.Error(), "sorrel") || strings.Contains(err.Error(), "X") {
		t.Errorf("%v", err)
	}
	o.Extra = WarnExtra
	x, err := Explain[config](t.Context(), o)
	if err != nil || len(x.Unknown) != 2 {
		t.Errorf("%+v, %v", x, err)
	}
	o.Extra = IgnoreExtra
	if x, err = Explain[config](t.Context(), o); err != nil || len(x.Unknown) != 0 {
		t.Errorf("%+v, %v", x, err)
	}
}

func TestDotEnv(t *testing.T) {
	const file = "# c\nexport A=1\nB = ' a # b ' # c\nC=\"x\\ny\\\"z\" \nD=a#b #c\nE=\n'F'=f\nBARE\nG=\"two\nlines\"\nH=h\r\nI=i\rJ=\"\\q\"\nA=2\n"
	lines, bad := parseDotEnv(file)
	got := map[string]string{}
	for _, l := range lines {
		if l.set {
			got[l.name] = l.value
		}
	}
	want := map[string]string{"A": "2", "B": " a # b ", "C": "x\ny\"z", "D": "a#b", "E": "", "F": "f", "G": "two\nlines", "H": "h", "I": "i", "J": "\\q"}
	if !reflect.DeepEqual(got, want) || len(bad) != 0 {
		t.Errorf("%q, bad %v", got, bad)
	}
	for _, l := range lines {
		if l.name == "H" && l.number != 11 {
			t.Errorf("H stands in line %d", l.number)
		}
	}
	if _, bad := parseDotEnv("A=1\n=x\nB=\"no end\nC=3\n"); !slices.Equal(bad, []int{2, 3}) {
		t.Errorf("bad lines %v", bad)
	}
	type config struct {
		A string `optional:"true"`
	}
	for encoding, data := range map[string]string{"": "\ufeffA=é", "latin-1": "A=\xe9", "utf-16": "\xff\xfeA\x00=\x00\xe9\x00"} {
		c, err := Load[config](t.Context(), Options{Environ: []string{}, DotEnv: []string{write(t, "e", data)}, Encoding: encoding})
		if err != nil || c.A != "é" {
			t.Errorf("%s: %q, %v", encoding, c.A, err)
		}
	}
	for encoding, data := range map[string]string{"": "A=\xe9", "utf-16": "A=1", "ebcdic": "A=1"} {
		if _, err := Load[config](t.Context(), Options{Environ: []string{}, DotEnv: []string{write(t, "e", data)}, Encoding: encoding}); err == nil {
			t.Errorf("%s: accepted", encoding)
		}
	}
	o := Options{Environ: []string{"HOME=/home/x"}, DotEnv: []string{write(t, "e", "A=${HOME}/${NO:-def}/$HOME/${\n")}}
	if c, err := Load[config](t.Context(), o); err != nil || c.A != "${HOME}/${NO:-def}/$HOME/${" {
		t.Errorf("%q, %v: replaced without being asked to", c.A, err)
	}
	o.Expand = true
	if c, err := Load[config](t.Context(), o); err != nil || c.A != "/home/x/def/$HOME/${" {
		t.Errorf("%q, %v", c.A, err)
	}
}

// FuzzDotEnv: what is written is read back, whatever it is.
func FuzzDotEnv(f *testing.F) {
	for _, s := range []string{"", "x", "a b", "it's", `\`, `'`, "\n", "a#b", " #", "\"", "é", "$A", "\x00", "\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		quoted, ok := quoteDotEnv(v)
		if !ok {
			if !strings.HasSuffix(v, `\`) {
				t.Fatalf("%q cannot be written", v)
			}
			return
		}
		lines, bad := parseDotEnv("BEFORE=1\nA=" + quoted + "\nAFTER=2\n")
		if len(bad) != 0 || len(lines) != 3 || lines[1].value != v || lines[2].name != "AFTER" {
			t.Fatalf("%q written as %s is read as %+v, bad %v", v, quoted, lines, bad)
		}
	})
}

// TestSecretsDirEscape: a link out of the folder is not followed, one within
// is, as Kubernetes makes them.
func TestSecretsDirEscape(t *testing.T) {
	type config struct {
		Inside, Outside string `optional:"true"`
		Nested          struct {
			Key string `optional:"true"`
		}
	}
	outside := write(t, "passwd", "sorrel")
	dir := t.TempDir()
	for _, err := range []error{
		os.MkdirAll(filepath.Join(dir, "..2026"), 0o755), os.WriteFile(filepath.Join(dir, "..2026", "inside"), []byte("in\n"), 0o600),
		os.Symlink("..2026", filepath.Join(dir, "..data")), os.Symlink("..data/inside", filepath.Join(dir, "inside")),
		os.Symlink(outside, filepath.Join(dir, "outside")), os.MkdirAll(filepath.Join(dir, "nested"), 0o755),
		os.WriteFile(filepath.Join(dir, "nested", "key"), []byte("k"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := Load[config](t.Context(), Options{Environ: []string{}, SecretsDirs: []string{dir}})
	if err == nil || !strings.Contains(err.Error(), "leads out of the folder") || strings.Contains(err.Error(), "sorrel") {
		t.Errorf("%v", err)
	}
	if err := os.Remove(filepath.Join(dir, "outside")); err != nil {
		t.Fatal(err)
	}
	c, err := Load[config](t.Context(), Options{Environ: []string{}, SecretsDirs: []string{dir}})
	if err != nil || c.Inside != "in" || c.Nested.Key != "k" {
		t.Errorf("%+v, %v", c, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "inside2"), make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load[config](t.Context(), Options{Environ: []string{}, SecretsDirs: []string{dir}}); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("%v", err)
	}
}

func TestFilesRefused(t *testing.T) {
	type config struct {
		A int `optional:"true"`
	}
	for want, path := range map[string]string{
		"is not there":            "/nosuch.yaml",
		"ends in none":            write(t, "a.ini", "a=1"),
		"of an object, at line 2": write(t, "a.yaml", "a: 1\nb: [sorrel\n"),
		"JSON of an object":       write(t, "a.json", `{"a": sorrel}`),
		"TOML of an object":       write(t, "a.toml", "a = sorrel"),
		"b (":                     write(t, "b.json", `{"b": "sorrel"}`),
		"a (":                     write(t, "c.yaml", "a: sorrel\n"),
	} {
		_, err := Load[config](t.Context(), Options{Environ: []string{}, Files: []string{path}})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sorrel") {
			t.Errorf("%v, want one with %q", err, want)
		}
	}
}

// TestProduction: what stands in examples is refused where it matters.
func TestProduction(t *testing.T) {
	type config struct {
		SecretKey secret.String `key:"32"`
		Password  secret.String
		Name      string `default:"change-me"` // no secret
	}
	good := secret.URLSafe(32).Expose()
	load := func(key, password string, production bool) error {
		_, err := Load[config](t.Context(), Options{Environ: []string{"SECRET_KEY=" + key, "PASSWORD=" + password}, Production: production})
		return err
	}
	for _, key := range []string{good, secret.Hex(32).Expose(), "a long phrase of many words, which nobody else has"} {
		if err := load(key, "s0rrel-quay", true); err != nil {
			t.Errorf("%v", err)
		}
	}
	for _, c := range []struct{ key, password, want string }{
		{"change-me-in-production-please-now", "s0rrel-quay", "placeholder"},
		{"your-secret-key-here-0123456789abc", "s0rrel-quay", "placeholder"},
		{"my-super-secret-key-2024-and-more", "s0rrel-quay", "placeholder"},
		{good, "Password", "placeholder"}, {good, "<password>", "placeholder"}, {good, "changeme", "placeholder"},
		{good[:20], "s0rrel-quay", "has 20 bytes, and a key needs 32"},
		{secret.Hex(16).Expose(), "s0rrel-quay", "has 16 bytes, and a key needs 32"},
		{strings.Repeat("ab", 40), "s0rrel-quay", "again and again"},
	} {
		err := load(c.key, c.password, true)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), c.key) {
			t.Errorf("%q and %q: %v, want %q", c.key, c.password, err, c.want)
		}
		if err := load(c.key, c.password, false); err != nil {
			t.Errorf("outside production: %v", err)
		}
	}
}

func TestExplainShowsNoSecret(t *testing.T) {
	type config struct {
		Key  secret.String
		Sign string `key:"8"`
		URL  string
		Name string
		None *int
	}
	x, err := Explain[config](t.Context(), Options{Environ: []string{"KEY=sorrel", "SIGN=sorrel", "URL=postgres://app:sorrel@db/x?a=b", "NAME=n"}})
	if err != nil {
		t.Fatal(err)
	}
	if s := x.String(); strings.Contains(s, "sorrel") || !strings.Contains(s, "postgres://app:**********@db/x?a=b") || !strings.Contains(s, "environment NAME") || !strings.Contains(s, "not set") {
		t.Errorf("%s", s)
	}
}

type documented struct {
	SecretKey secret.String `key:"32" doc:"signs the tokens"`
	Debug     bool          `default:"false"`
	Level     string        `default:"info level" oneof:"debug info"`
	DB        struct {
		Host string
		Pool *int
	}
	Labels map[string]string `default:"{}"`
}

func TestExampleAndDrift(t *testing.T) {
	o := Options{Prefix: "APP_"}
	var b strings.Builder
	if err := WriteExample[documented](&b, o); err != nil {
		t.Fatal(err)
	}
	const want = `# signs the tokens; a key of 32 bytes or more: pavise token; required
APP_SECRET_KEY=

# true or false (or 1, 0, yes, no, on, off)
APP_DEBUG=false

# one of debug, info
APP_LEVEL=info level

# a string; required
APP_DB__HOST=

# a whole number from -9223372036854775808 to 9223372036854775807
# APP_DB__POOL=

# a JSON object
APP_LABELS={}
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	problems, err := Drift[documented](o, b.String(), "APP_SECRET_KEY=x\nAPP_DB__HOST=h\nAPP_LABELS__A=b\n")
	if err != nil || len(problems) != 0 {
		t.Errorf("%v, %v", problems, err)
	}
	problems, err = Drift[documented](o, strings.Replace(b.String(), "APP_DEBUG", "APP_DEBUGG", 1), "APP_DB__HOST=h\nAPP_OLD=1\n")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	if fmt.Sprint(got) != "[secret_key (.env): lacks APP_SECRET_KEY, which is required debug (.env.example): lacks APP_DEBUG APP_DEBUGG (.env.example): no field reads this APP_OLD (.env): no field reads this]" {
		t.Errorf("%v", got)
	}
}

// TestProgramFaults: a struct that cannot be filled is told at once.
func TestProgramFaults(t *testing.T) {
	type loop struct{ Next *loop }
	_ = loop{}
	for name, err := range map[string]error{
		"no struct":    second(in[string](t)),
		"channel":      second(in[struct{ C chan int }](t)),
		"function":     second(in[struct{ F func() }](t)),
		"map of ints":  second(in[struct{ M map[int]string }](t)),
		"itself":       second(in[loop](t)),
		"twice a name": second(in[struct{ AB, Ab string }](t)),
		"bad key": second(in[struct {
			K string `key:"x"`
		}](t)),
	} {
		var all *Error
		if err == nil || errors.As(err, &all) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
