//go:build real

package leaks

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// oracle makes the class S of a case with the .env that the example is, and
// prints what pydantic-settings misses and what it forbids.
const oracle = `
import json, sys
from typing import *
from pydantic import *
from pydantic_settings import *
case = json.load(sys.stdin)
exec(case["class"])
out = {"missing": [], "extra_forbidden": []}
try:
    S(_env_file=case["env"])
except ValidationError as e:
    for x in e.errors():
        out.setdefault(x["type"], []).append("__".join(str(p) for p in x["loc"]))
print(json.dumps(out))
`

// TestDriftAsPydantic: what is missing and what is forbidden is what
// pydantic-settings says of the same class and the same lines.
func TestDriftAsPydantic(t *testing.T) {
	venv := os.Getenv("PAVISE_DATA_PEERS")
	if venv == "" {
		t.Fatal("PAVISE_DATA_PEERS is not set: run scripts/test")
	}
	asked := []string{"in step", "missing", "prefix", "prefix of the class line", "prefix of a dict", "prefix of Config", "case", "case counts", "alias, and the name not", "alias, and the name too",
		"a default in the annotation", "nested, no delimiter", "nested, nothing asked for", "inherited", "several lines and strings", "extra allow", "extra allow, and a prefix", "extra forbid, of what has parts"}
	for _, c := range driftCases() {
		if !slices.Contains(asked, c.name) {
			continue
		}
		asked = slices.DeleteFunc(asked, func(n string) bool { return n == c.name })
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), ".env")
			// A line without a value is nothing to pydantic-settings.
			if err := os.WriteFile(file, []byte(strings.ReplaceAll(c.example, "=\n", "=1\n")), 0o600); err != nil {
				t.Fatal(err)
			}
			in, err := json.Marshal(map[string]string{"class": c.class, "env": file})
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), filepath.Join(venv, "bin", "python"), "-W", "ignore", "-c", oracle)
			cmd.Stdin = bytes.NewReader(in)
			cmd.Env = []string{"PATH=" + os.Getenv("PATH")} // variables are read as well
			var complaint bytes.Buffer
			cmd.Stderr = &complaint
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, complaint.Bytes())
			}
			var said struct {
				Missing []string
				Extra   []string `json:"extra_forbidden"`
			}
			if err := json.Unmarshal(out, &said); err != nil {
				t.Fatal(err)
			}
			class := settingsOf(t, c.class)
			wanted := map[string][]string{"missing": {}, "unread": {}}
			for _, w := range c.want {
				words := strings.Fields(w)
				if words[0] == "unread" && !class.forbids(words[1]) {
					continue
				}
				wanted[words[0]] = append(wanted[words[0]], strings.ToLower(words[1]))
			}
			lower := func(list []string, prefixes ...string) []string {
				out := []string{}
				for _, s := range list {
					s = strings.ToLower(s)
					for _, p := range prefixes {
						s = strings.TrimPrefix(s, p)
					}
					out = append(out, s)
				}
				slices.Sort(out)
				return out
			}
			// It names fields, and no variables.
			if got, want := lower(said.Missing), lower(wanted["missing"], "app_", "x_"); !slices.Equal(got, want) {
				t.Errorf("pydantic-settings misses %q, want %q", got, want)
			}
			if got, want := lower(said.Extra), lower(wanted["unread"]); !slices.Equal(got, want) {
				t.Errorf("pydantic-settings forbids %q, want %q", got, want)
			}
		})
	}
	if len(asked) > 0 {
		t.Errorf("no case is called %q", asked)
	}
}

// settingsOf is the class S of a case.
func settingsOf(t *testing.T, class string) *settingsClass {
	t.Helper()
	cs := newClasses()
	var s *pyClass
	for _, c := range pyClasses("a.py", settingsHead+class) {
		cs.named[c.name] = append(cs.named[c.name], c)
		if c.name == "S" {
			s = c
		}
	}
	return cs.settings(s)
}
