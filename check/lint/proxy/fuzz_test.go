package proxy

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pavise-dev/pavise/check/lint/internal/analysistest"
)

// FuzzAnalyzer holds what is found to stand in the file, whatever that holds.
func FuzzAnalyzer(f *testing.F) {
	names := []string{"nginx.conf", "Caddyfile", "traefik.yml", "traefik.toml", "compose.yaml"}
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
				if filepath.Ext(name) == filepath.Ext(file.Name) {
					f.Add(i, file.Data)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, kind int, data []byte) {
		name := names[uint(kind)%uint(len(names))]
		found, _ := analysistest.Find(Analyzer, map[string][]byte{name: data}, nil)
		lines := bytes.Split(data, []byte("\n"))
		for _, x := range found {
			if x.File != name || x.Line < 1 || x.Line > len(lines) || x.Column < 1 || x.Column > len(lines[x.Line-1])+1 || x.Problem == "" {
				t.Fatalf("%+v is in no place of %q", x, data)
			}
		}
	})
}
