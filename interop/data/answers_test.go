//go:build real

package data

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestAnswersAreFresh: the answers that are kept are what answers.py writes,
// and so what these versions of Python's libraries say.
func TestAnswersAreFresh(t *testing.T) {
	venv := os.Getenv("PAVISE_DATA_PEERS")
	if venv == "" {
		t.Fatal("PAVISE_DATA_PEERS is not set: run scripts/test")
	}
	fresh, root, files := t.TempDir(), filepath.Join("..", ".."), 0
	if out, err := exec.Command(filepath.Join(venv, "bin", "python"), "answers.py", fresh).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := filepath.WalkDir(fresh, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		name, err := filepath.Rel(fresh, path)
		if err != nil {
			return err
		}
		want, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what answers.py writes: %v", name, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if files != 8 {
		t.Errorf("it wrote %d files", files)
	}
}
