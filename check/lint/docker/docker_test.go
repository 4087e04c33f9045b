package docker

import (
	"testing"

	"github.com/pavise-dev/pavise/check/lint/internal/analysistest"
)

func TestSamples(t *testing.T) { analysistest.Run(t, Analyzer) }

// TestSetUser holds the fix to its place, and to leaving nothing to be said.
func TestSetUser(t *testing.T) {
	const head = "FROM python:3.13@sha256:00\n"
	for text, want := range map[string]string{
		head + "COPY a /a\nCMD [\"a\"]\n":                     head + "COPY a /a\nUSER 10001:10001\nCMD [\"a\"]\n",
		head + "COPY a /a\nENTRYPOINT [\"a\"]\nCMD \\\n  b\n": head + "COPY a /a\nUSER 10001:10001\nENTRYPOINT [\"a\"]\nCMD \\\n  b\n",
		head + "CMD [\"a\"]\nUSER root\n":                     head + "CMD [\"a\"]\nUSER root\nUSER 10001:10001\n",
		head + "RUN <<EOF\nuseradd a\nEOF\n":                  head + "RUN <<EOF\nuseradd a\nEOF\nUSER 10001:10001\n",
		head + "COPY a /a":                                    head + "COPY a /a\nUSER 10001:10001\n",
		"FROM python:3.13@sha256:00":                          "FROM python:3.13@sha256:00\nUSER 10001:10001\n",
	} {
		files := map[string][]byte{"Dockerfile": []byte(text)}
		found, _ := analysistest.Find(Analyzer, files, nil)
		if len(found) != 1 || found[0].Rule != root || len(found[0].Edits) != 1 {
			t.Errorf("%q: found %v", text, found)
			continue
		}
		e := found[0].Edits[0]
		files[e.File] = []byte(text[:e.From] + e.Text + text[e.To:])
		if got := string(files[e.File]); got != want {
			t.Errorf("%q becomes %q, not %q", text, got, want)
		}
		if again, _ := analysistest.Find(Analyzer, files, nil); len(again) > 0 {
			t.Errorf("%q is still %v", want, again)
		}
	}
}
