package main

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/guard"
)

// Files as people and programs write them, and what becomes of each; no text
// means that the file has to stay as it is.
var oddFiles = []struct{ name, text, rule, want string }{
	{"empty", "", "hosts", "modes:\n  hosts: enforce\n"},
	{"a comment without end", "# mine", "all", "# mine\nmode: enforce\n"},
	{"document start", "---\nversion: 1", "all", "---\nmode: enforce\nversion: 1"},
	{"directive", "%YAML 1.2\n---\nversion: 1\n", "hosts", "%YAML 1.2\n---\nmodes:\n  hosts: enforce\nversion: 1\n"},
	{"document end", "mode: observe\n...\n", "hosts", "mode: observe\nmodes:\n  hosts: enforce\n...\n"},
	{"no last line end", "mode: observe", "hosts", "mode: observe\nmodes:\n  hosts: enforce\n"},
	{"quoted keys", "\"mode\": \"observe\"\n'modes':\n  hosts: observe\n", "all", "mode: enforce\n"},
	{"quoted rule", "modes:\n  # why\n\n  \"hosts\": 'observe' # c\n  wire: observe\n", "hosts", "modes:\n  # why\n\n  \"hosts\": enforce # c\n  wire: observe\n"},
	{"blank before the colon", "mode : observe\n", "all", "mode: enforce\n"},
	{"CRLF", "version: 1\r\nmode: observe # x\r\nmodes:\r\n  hosts: observe\r\n", "wire", "version: 1\r\nmode: observe # x\r\nmodes:\r\n  wire: enforce\r\n  hosts: observe\r\n"},
	{"CRLF, all", "mode: observe\r\nmodes:\r\n  hosts: observe\r\nversion: 1\r\n", "all", "mode: enforce\r\nversion: 1\r\n"},
	{"byte order mark", "\ufeffmode: observe\n", "all", "\ufeffmode: enforce\n"},
	{"no modes", "modes:\nversion: 1\n", "hosts", "modes:\n  hosts: enforce\nversion: 1\n"},
	{"empty modes", "modes: {} # none\n", "hosts", "modes: # none\n  hosts: enforce\n"},
	{"a comment without a blank", "modes: {}#", "hosts", "modes: #\n  hosts: enforce\n"},
	{"modes in one line", "modes: {hosts: observe}\n", "hosts", ""},
	{"modes in one line, all", "modes: {hosts: observe}\n", "all", "mode: enforce\n"},
	{"all in one line", "{mode: observe}\n", "all", ""},
	{"JSON", "{\n  \"mode\": \"observe\"\n}\n", "hosts", ""},
	{"alias", "mode: &m observe\nmodes:\n  hosts: *m\n", "hosts", ""},
	{"alias, all", "mode: &m observe\nmodes:\n  hosts: *m\n", "all", "mode: enforce\n"},
	{"block scalar", "modes:\n  hosts: >-\n    observe\n", "hosts", ""},
	{"tag", "modes:\n  hosts: !!str observe\n", "hosts", ""},
	{"value on its own line", "mode:\n  observe\n", "all", "mode: enforce\n"},
	{"complex key", "modes:\n  ? hosts\n  : observe\n", "hosts", ""},
	{"a guard and its rule", "modes:\n  hosts/listed: observe\n", "hosts", "modes:\n  hosts: enforce\n  hosts/listed: enforce\n"},
	{"only the rule", "modes:\n  hosts: observe\n", "hosts/listed", "modes:\n  hosts/listed: enforce\n  hosts: observe\n"},
	{"it is so already", "modes:\n  hosts:   enforce\n", "hosts", "modes:\n  hosts:   enforce\n"},
}

func TestSetModeOfOddFiles(t *testing.T) {
	for _, tt := range oddFiles {
		t.Run(tt.name, func(t *testing.T) {
			got, err := setMode([]byte(tt.text), tt.rule, guard.Enforce)
			switch {
			case tt.want == "" && err == nil:
				t.Errorf("%q was made %q", tt.text, got)
			case tt.want == "":
			case err != nil:
				t.Errorf("%q: %v", tt.text, err)
			case string(got) != tt.want:
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// FuzzSetMode holds the law: what comes out says what was asked for, and
// nothing else differently; or nothing comes out.
func FuzzSetMode(f *testing.F) {
	for _, tt := range oddFiles {
		f.Add(tt.text, tt.rule, true)
	}
	names := ruleNames()
	f.Fuzz(func(t *testing.T, text, rule string, enforce bool) {
		if rule != "all" && !slices.Contains(names, rule) {
			return
		}
		before, err := pavise.Parse([]byte(text))
		if err != nil {
			return
		}
		mode := guard.Observe
		if enforce {
			mode = guard.Enforce
		}
		out, err := setMode([]byte(text), rule, mode)
		if err != nil {
			return
		}
		after, err := pavise.Parse(out)
		if err != nil {
			t.Fatalf("%q became %q: %v", text, out, err)
		}
		if rule == "all" {
			if after.Mode != mode || len(after.Modes) > 0 {
				t.Errorf("%q became %q", text, out)
			}
		} else {
			if after.Modes[rule] != mode || after.Mode != before.Mode {
				t.Errorf("%q became %q", text, out)
			}
			rest := maps.Clone(after.Modes)
			maps.DeleteFunc(rest, func(k string, _ guard.Mode) bool { return k == rule || strings.HasPrefix(k, rule+"/") })
			for k, m := range rest {
				if before.Modes[k] != m {
					t.Errorf("%q became %q: %s changed", text, out, k)
				}
			}
		}
		before.Mode, before.Modes, after.Mode, after.Modes = "", nil, "", nil
		if !same(before, after) {
			t.Errorf("%q became %q, which says more than modes differently", text, out)
		}
		if bytes.Count(out, []byte("#")) < strings.Count(text, "#") && rule != "all" {
			t.Errorf("%q became %q without a comment", text, out)
		}
	})
}

func TestReplaceFileKeepsModeAndLink(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "real.yaml"), filepath.Join(dir, "link.yaml")
	if err := errors.Join(os.WriteFile(file, []byte("old"), 0o640), os.Symlink("real.yaml", link)); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(file, 4711, 4712); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is one no more: %v %v", info, err)
	}
	if after.Mode() != before.Mode() || owner(after) != owner(before) {
		t.Errorf("mode %v and owner %v became %v and %v", before.Mode(), owner(before), after.Mode(), owner(after))
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "new" {
		t.Errorf("%q %v", text, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("there are %v %v", left, err)
	}
}

// full is an output that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// A result that was not written is no result.
func TestOutputIsFull(t *testing.T) {
	for _, args := range [][]string{{"explain"}, {"policy", "schema"}, {"policy", "show"}, {"version"}, {"--help"}, {"explain", "hosts"}} {
		var stderr bytes.Buffer
		if code := run(t.Context(), args, strings.NewReader(""), full{}, &stderr); code != exitUnknown || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%q: exit %d, %s", args, code, &stderr)
		}
	}
}
