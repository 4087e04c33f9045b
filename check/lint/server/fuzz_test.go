package server

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pavise-dev/pavise/check/lint/internal/analysistest"
)

// FuzzAnalyzer holds what is found, and what is edited, to stand in the file,
// whatever that holds.
func FuzzAnalyzer(f *testing.F) {
	names := []string{"Dockerfile", "compose.yaml", "Procfile", "api.service", "start.sh", "Makefile", "main.py", "gunicorn.conf.py"}
	samples, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range samples {
		data, err := os.ReadFile(s)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(data).Files {
			for i, name := range names {
				if filepath.Ext(name) == filepath.Ext(file.Name) && (filepath.Ext(name) != "" || filepath.Base(file.Name) == name) {
					f.Add(i, file.Data)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, kind int, data []byte) {
		name := names[uint(kind)%uint(len(names))]
		if filepath.Ext(name) == ".py" && bytes.ContainsFunc(data, func(r rune) bool { return r == '\r' || r > '~' }) {
			t.Skip("Python has encodings and line breaks of its own")
		}
		found, _ := analysistest.Find(Analyzer, map[string][]byte{name: data}, nil)
		lines := bytes.Split(data, []byte("\n"))
		for _, x := range found {
			if x.File != name || x.Line < 1 || x.Line > len(lines) || x.Column < 1 || x.Column > len(lines[x.Line-1])+1 || x.Problem == "" {
				t.Fatalf("%+v is in no place of %q", x, data)
			}
			for _, e := range x.Edits {
				if e.File != name || e.From < 0 || e.From > e.To || e.To > len(data) {
					t.Fatalf("%+v edits no part of %q", x, data)
				}
			}
		}
	})
}
