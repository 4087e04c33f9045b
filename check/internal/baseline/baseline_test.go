package baseline_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/internal/baseline"
)

func TestBaseline(t *testing.T) {
	b := baseline.New(baseline.Findings)
	b.Add("lint/x", "a.py", "the line")
	b.Add("lint/x", "a.py", "the line")
	b.Add("lint/a", "b.py", "another")
	file := b.Encode()
	again, err := baseline.Parse(baseline.Findings, file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Encode(), file) {
		t.Error("reading and writing changes it")
	}
	if strings.Count(string(file), `"rule"`) != 2 || strings.Contains(string(file), "line") {
		t.Errorf("%s", file)
	}
	for _, c := range []struct {
		rule, path, what string
		holds            bool
	}{
		{"lint/x", "a.py", "the line", true}, {"lint/a", "b.py", "another", true},
		{"lint/y", "a.py", "the line", false}, {"lint/x", "b.py", "the line", false}, {"lint/x", "a.py", "the lin", false},
		// Lengths are in what is hashed: parts do not run into each other.
		{"lint/xa", ".py", "the line", false}, {"lint/x", "a.pythe", " line", false},
	} {
		if got := again.Holds(c.rule, c.path, c.what); got != c.holds {
			t.Errorf("%+v: %v", c, got)
		}
	}
	// Entries of two projects do not tell that they are of the same line.
	other := baseline.New(baseline.Findings)
	other.Add("lint/a", "b.py", "another")
	for line := range strings.Lines(string(other.Encode())) {
		if strings.Contains(line, `"id"`) && strings.Contains(string(file), line) {
			t.Error("two baselines share an entry")
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "is no baseline",
		"[]":                            "is no baseline",
		`{"version": 2}`:                "is of version 2",
		`{"version": 1, "key": "AAAA"}`: "no key of 32 bytes",
		`{"version": 1, "key": "*"}`:    "no key of 32 bytes",
	} {
		if _, err := baseline.Parse(baseline.Findings, []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// The files of leaks name their list otherwise, as they did before there were
// others.
func TestLists(t *testing.T) {
	for _, list := range []string{baseline.Findings, baseline.Leaks} {
		b := baseline.New(list)
		if file := string(b.Encode()); !strings.HasSuffix(file, "  \""+list+"\": []\n}\n") {
			t.Errorf("an empty file of %s: %s", list, file)
		}
		b.Add("a/b", "c", "d")
		again, err := baseline.Parse(list, b.Encode())
		if err != nil || !again.Holds("a/b", "c", "d") {
			t.Errorf("%s: %v", list, err)
		}
	}
}
