package leaks

import (
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/finding"
)

const settingsHead = "from pydantic import AliasChoices, AliasPath, BaseModel, Field, SecretStr\nfrom pydantic_settings import BaseSettings, SettingsConfigDict\n\n"

type driftCase struct {
	name, class, example string
	want                 []string
}

func driftCases() []driftCase {
	return []driftCase{
		{"in step", "class S(BaseSettings):\n    secret_key: str\n    debug: bool = False\n", "SECRET_KEY=\nDEBUG=false\n", nil},
		{"missing", "class S(BaseSettings):\n    secret_key: str\n    debug: bool = False\n    api_key: SecretStr = Field(..., min_length=32)\n    a: str = Field(default=\"x\")\n    b: list[str] = Field(default_factory=list)\n    c: int = Field(gt=0)\n    d: str | None = None\n",
			"OTHER=\n", []string{"missing SECRET_KEY 5", "missing API_KEY 7", "missing C 10", "unread OTHER 1"}},
		{"no fields", "class S(BaseSettings):\n    \"\"\"x: int\"\"\"\n    _private: str\n    KIND: ClassVar[str] = \"a\"\n    model_config = SettingsConfigDict(extra=\"ignore\")\n    @property\n    def url(self) -> str:\n        port: int\n        return \"\"\n", "URL=\n", []string{"unread URL 1"}},
		{"commented out", "class S(BaseSettings):\n    a: str\n    b: str\n", "# A=\n#export B = x\n# UNREAD=\n", nil},
		{"prefix", "class S(BaseSettings):\n    a: str\n    b: str\n    model_config = SettingsConfigDict(env_prefix=\"APP_\")\n", "APP_A=\nB=\n", []string{"missing APP_B 6", "unread B 2"}},
		{"prefix of the class line", "class S(BaseSettings, env_prefix='app_', extra='ignore'): a: str\n", "APP_A=\nAPP_B=\n", []string{"unread APP_B 2"}},
		{"prefix of a dict", "class S(BaseSettings):\n    a: str\n    model_config = {\n        'env_prefix': 'X_',  # why\n    }\n", "X_A=\n", nil},
		{"prefix of Config", "class S(BaseSettings):\n    a: str\n    class Config:\n        env_prefix = \"X_\"\n        extra = \"ignore\"\n    b: str\n", "X_A=\n", []string{"missing X_B 9"}},
		{"prefix that is made", "class S(BaseSettings):\n    a: str\n    model_config = SettingsConfigDict(env_prefix=PREFIX)\n", "B=\n", nil},
		{"case", "class S(BaseSettings):\n    Secret_Key: str\n    model_config = SettingsConfigDict(case_sensitive=False)\n", "SECRET_key=\n", nil},
		{"case counts", "class S(BaseSettings):\n    Secret_Key: str\n    model_config = SettingsConfigDict(case_sensitive=True)\n", "SECRET_KEY=\n", []string{"missing Secret_Key 5", "unread SECRET_KEY 1"}},
		{"alias", "class S(BaseSettings):\n    a: str = Field(alias=\"FIRST\")\n    b: str = Field(validation_alias='second')\n    c: Annotated[str, Field(validation_alias=AliasChoices(\"THIRD\", \"OLD_THIRD\"))]\n    d: str = Field(validation_alias=AliasPath(\"FOURTH\", 0))\n    e: str = Field(alias=NAME)\n    model_config = SettingsConfigDict(env_prefix=\"X_\")\n",
			"FIRST=\nSECOND=\nOLD_THIRD=\n", []string{"missing FOURTH 8"}},
		{"alias, and the name not", "class S(BaseSettings):\n    a: str = Field(alias=\"FIRST\")\n", "A=\n", []string{"missing FIRST 5", "unread A 1"}},
		{"alias, and the name too", "class S(BaseSettings):\n    a: str = Field(alias=\"FIRST\")\n    model_config = SettingsConfigDict(populate_by_name=True)\n", "A=\n", nil},
		{"a default in the annotation", "class S(BaseSettings):\n    a: Annotated[str, Field(default=\"x\")]\n    b: Annotated[str, Field(min_length=1)] = \"x\"\n    c: Annotated[str, \"note\"]\n", "X_Y=\n", []string{"missing C 7", "unread X_Y 1"}},
		{"nested", "class Db(BaseModel):\n    host: str\n    port: int = 5432\n    password: SecretStr\nclass S(BaseSettings):\n    db: Db\n    name: str = \"\"\n    other: Unknown = None\n    model_config = SettingsConfigDict(env_nested_delimiter=\"__\")\n",
			"DB__HOST=\nDB__PORT=\nDB__NOPE=\nNAME__X=\nOTHER__X=\n", []string{"missing DB__PASSWORD 9", "unread DB__NOPE 3", "unread NAME__X 4"}},
		{"nested, as a whole", "class Db(BaseModel):\n    host: str\nclass S(BaseSettings):\n    db: Db | None\n    model_config = SettingsConfigDict(env_nested_delimiter=\"__\")\n", "DB={}\n", nil},
		{"nested, no delimiter", "class Db(BaseModel):\n    host: str\nclass S(BaseSettings):\n    db: Db\n", "DB__HOST=\n", []string{"missing DB 7", "unread DB__HOST 1"}},
		{"nested, nothing asked for", "class Db(BaseModel):\n    host: str = \"\"\nclass S(BaseSettings):\n    db: Db\n    model_config = SettingsConfigDict(env_nested_delimiter=\"__\")\n", "X=\n", []string{"missing DB 7", "unread X 1"}},
		{"extra allow", "class S(BaseSettings):\n    a: str = \"\"\n    model_config = SettingsConfigDict(extra=\"allow\")\n", "B=1\n", nil},
		{"extra allow, and a prefix", "class S(BaseSettings):\n    a: str = \"\"\n    model_config = SettingsConfigDict(extra=\"allow\", env_prefix=\"X_\")\n", "X_B=1\nB=1\n", nil},
		{"extra forbid, though named elsewhere", "class S(BaseSettings):\n    a: str = \"\"\n    model_config = SettingsConfigDict(env_file=\".env\")\n", "POSTGRES_USER=app\nIN_COMPOSE=\n", []string{"unread POSTGRES_USER 1"}},
		{"extra ignore, named elsewhere", "class S(BaseSettings):\n    a: str = \"\"\n    model_config = SettingsConfigDict(env_file=\".env\", extra=\"ignore\")\n", "POSTGRES_USER=app\nPOSTGRES=x\nONLY_IN_TEXT=x\n", []string{"unread POSTGRES 2", "unread ONLY_IN_TEXT 3"}},
		{"extra forbid, of what has parts", "class S(BaseSettings):\n    parts: list[str] = []\n    s: str = \"\"\n    model_config = SettingsConfigDict(env_file=\".env\", env_prefix=\"IN_\")\n", "IN_PARTS_X=1\nS=1\nIN_COMPOSE=1\n", []string{"unread IN_PARTS_X 1", "unread S 2", "unread IN_COMPOSE 3"}},
		{"inherited", "class Base(BaseSettings):\n    a: str\n    b: str\n    model_config = SettingsConfigDict(env_prefix=\"X_\")\nclass S(Base):\n    b: str = \"given\"\n    c: str\n", "X_A=\n", []string{"missing X_C 10"}},
		{"inherited from elsewhere", "class S(Elsewhere, BaseSettings):\n    a: str\n", "B=\n", []string{"missing A 5"}},
		{"inherited through a cycle", "class A(B, BaseSettings):\n    a: str\nclass B(A):\n    b: str\n", "B=\n", nil},
		{"a condition in the class", "class S(BaseSettings):\n    a: str\n    if X:\n        b: str = \"\"\n", "B=\n", []string{"missing A 5"}},
		{"other sources", "class S(BaseSettings):\n    a: str\n    @classmethod\n    def settings_customise_sources(cls, settings_cls, **sources):\n        return ()\n", "A=\n", nil},
		{"a folder of secrets", "class S(BaseSettings):\n    a: str\n    model_config = SettingsConfigDict(secrets_dir=\"/run/secrets\")\n", "B=\n", []string{"unread B 1"}},
		{"several lines and strings", "class S(BaseSettings):\n    a: str = Field(\n        ...,  # it's needed\n        description=\"a: b = '#c'\",\n    )\n    b: str = \\\n        \"x\"\n    c: str = '''\nd: str\n'''\n    e: str\n", "X=\n", []string{"missing A 5", "missing E 14", "unread X 1"}},
		{"no settings", "class S(BaseModel):\n    a: str\n", "B=\n", nil},
	}
}

// TestDrift: classes of settings beside examples of .env. What is wanted is
// "missing NAME" and "unread NAME", with the lines where they stand.
func TestDrift(t *testing.T) {
	for _, c := range driftCases() {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, map[string]string{"app/config.py": settingsHead + c.class, ".env.example": c.example, "compose.yaml": "x: ${POSTGRES_USER} ${IN_COMPOSE}\n", "README.md": "ONLY_IN_TEXT\n"})
			want(t, drifts(t, dir), c.want...)
		})
	}
}

// TestDriftSaysWhatFollows: where a line stops the service, that is said.
func TestDriftSaysWhatFollows(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"config.py":    settingsHead + "class S(BaseSettings):\n    parts: list[str] = []\n    s: str = \"\"\n    model_config = SettingsConfigDict(env_file=\".env\", env_prefix=\"IN_\")\n",
		".env.example": "IN_PARTS_X=1\nS=1\nSTOPS=1\nEMPTY= # why\n",
	})
	r, err := Run(t.Context(), Options{Paths: []string{dir}})
	if err != nil || len(r.Hygiene) != 4 {
		t.Fatal(err, r.Hygiene)
	}
	for _, f := range r.Hygiene {
		if strings.Contains(f.Problem, "does not start") != strings.HasPrefix(f.Problem, "STOPS ") {
			t.Errorf("%s: %s", f.Where, f.Problem)
		}
	}
}

// drifts runs and writes what has drifted.
func drifts(t *testing.T, dir string) []string {
	t.Helper()
	r, err := Run(t.Context(), Options{Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range r.Hygiene {
		kind, ok := map[string]string{"leaks/" + ruleUnset: "missing", "leaks/" + ruleUnread: "unread"}[f.Rule]
		if !ok {
			continue
		}
		if f.Severity != finding.Low {
			t.Errorf("%s is %s", f.Rule, f.Severity)
		}
		name, _, _ := strings.Cut(f.Problem, " ")
		out = append(out, kind+" "+name+" "+f.Where[strings.LastIndexByte(f.Where, ':')+1:])
	}
	return out
}

// TestDriftOfFolders: an example is for the classes of its folder and below,
// down to the next one; classes of tests are nobody's, and files are read
// together.
func TestDriftOfFolders(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		".env.sample":         "A=\nUNREAD=1\n",
		"api/.env.example":    "B=\n",
		"web/.env.example":    "VITE_URL=\n",
		"core/config.py":      settingsHead + "class Core(BaseSettings):\n    a: str\n",
		"core/more.py":        "from core.config import Core\n\nclass MoreSettings(Core):\n    more: str\n",
		"api/app/config.py":   settingsHead + "class S(BaseSettings):\n    b: str\n    c: str\n",
		"tests/config.py":     settingsHead + "class T(BaseSettings):\n    t: str\n",
		"old/config.py":       "from pydantic import BaseSettings\n\nclass Old(BaseSettings):\n    o: str\n    p: str = Field(..., env=\"OLD_P\")\n    q = \"x\"\n    class Config:\n        env_file = \".env\"\n",
		"env.schema/x.py":     "",
		"tests/.env.example":  "Z=\n",
		"core/unrelated.py":   "class Settings:\n    a: str\n",
		"core/not_python.txt": "class S(BaseSettings):\n    z: str\n",
	})
	want(t, drifts(t, dir), "missing C 6", "missing MORE 4", "missing O 4", "missing OLD_P 5", "unread UNREAD 2")
	put(t, dir, map[string]string{".env.sample": "A=\nMORE=\nO=\nOLD_P=\nQ=\n", "api/.env.example": "B=\n", "api/.env.sample": "C=\n"})
	want(t, drifts(t, dir))
}

// FuzzPython: reading Python ends, and says lines that there are.
func FuzzPython(f *testing.F) {
	f.Add("class A(BaseSettings):\n    a: str = Field(..., alias='x')\n    class Config:\n        env_prefix = \"P_\"\n")
	f.Add("class A(BaseSettings, x=[1,\n2]): a: Annotated[str, '''x\n''']\\\n = 1 # c")
	f.Fuzz(func(t *testing.T, src string) {
		count := strings.Count(src, "\n") + 1
		for _, l := range pyLines(src) {
			if l.line < 1 || l.line > count || l.text == "" {
				t.Fatalf("line %d of %d: %q", l.line, count, l.text)
			}
		}
		cs := newClasses()
		all := pyClasses("a.py", src)
		for _, c := range all {
			cs.named[c.name] = append(cs.named[c.name], c)
		}
		for _, c := range all {
			s := cs.settings(c)
			if s == nil {
				continue
			}
			for _, field := range s.fields {
				// What is missing is read where it is given.
				for _, name := range cs.missing(s, field, s.names(field), nil, 0) {
					if name != "" && !slices.Contains(s.names(field), "") && !cs.reads(s, field, s.names(field), name, 0) {
						t.Fatalf("%q is missing, and not read", name)
					}
				}
			}
		}
	})
}
