package pavise_test

import (
	"strings"
	"testing"

	"github.com/pavise-dev/pavise"
)

func containsLine(text, part string) bool { return strings.Contains(text, part) }

func TestParseRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"an unknown key":        {"hosts:\n  allowed: [a]\n", "[2:3]"},
		"an unknown section":    {"host: a\n", "[1:1]"},
		"a key given twice":     {"mode: enforce\nmode: observe\n", "[2:1]"},
		"a value of wrong type": {"gateway:\n  workers: many\n", "[2:12]"},
		"broken YAML":           {"hosts: [a\n", "[1:"},
		"two documents":         {"mode: enforce\n---\nmode: observe\n", "more than one"},
		"a bad duration":        {"gateway:\n  start_timeout: soon\n", "[2:18]"},
		"a bad size":            {"limits:\n  body: tiny\n", "[2:9]"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pavise.Parse([]byte(tc.text))
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("the error does not say %s: %v", tc.want, err)
			}
		})
	}
}

func TestParseEmpty(t *testing.T) {
	for _, text := range []string{"", "# only a comment\n", "version: 1\n"} {
		p, err := pavise.Parse([]byte(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if len(p.Loosened()) != 0 {
			t.Errorf("%q loosens something", text)
		}
	}
}

// FuzzParse: what is accepted and makes a guard is not looser than it says.
func FuzzParse(f *testing.F) {
	f.Add([]byte("version: 1\nmode: observe\nhosts:\n  allow: [a.example.com]\n"))
	f.Add([]byte("gateway: {listen: ':80'}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := pavise.Parse(data)
		if err != nil {
			return
		}
		again, err := pavise.Parse(data)
		if err != nil {
			t.Fatalf("accepted once: %v", err)
		}
		_, err1 := pavise.New(p)
		_, err2 := pavise.New(again)
		if (err1 == nil) != (err2 == nil) {
			t.Fatalf("two verdicts on one policy: %v, %v", err1, err2)
		}
	})
}
