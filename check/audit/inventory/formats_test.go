package inventory

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what is read into testdata/formats")

// TestFormats reads the files of an archive and compares with its file "want".
// The archive's comment says for what: "python 3.12", "platform linux", "env
// FOLDER".
func TestFormats(t *testing.T) {
	archives, err := filepath.Glob("testdata/formats/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(err)
	}
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			files, want := map[string]string{}, ""
			for _, f := range a.Files {
				if f.Name == "want" {
					want = string(f.Data)
				} else {
					files[f.Name] = string(f.Data)
				}
			}
			dir := folder(t, files)
			o := Options{Paths: []string{dir}}
			for line := range strings.Lines(string(a.Comment)) {
				words := append(strings.Fields(line), "", "")
				switch words[0] {
				case "python":
					o.Python = words[1]
				case "platform":
					o.Platform = words[1]
				case "env":
					o.Paths = []string{}
					o.Environments = append(o.Environments, filepath.Join(dir, words[1]))
				}
			}
			got := read(t, dir, o)
			if strings.Contains(got, "secret") || strings.Contains(got, "token@") || strings.Contains(got, "u:p@") {
				t.Error("a credential is in the inventory")
			}
			if *update {
				a.Files = append(a.Files[:len(files)], txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}
