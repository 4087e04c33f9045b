//go:build real

package leaks

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPrecision: what is reported on sources that thousands of people have
// read. The guide says why each is right or wrong.
func TestPrecision(t *testing.T) {
	venv := os.Getenv("PAVISE_LEAKS_SOURCES")
	if venv == "" {
		t.Fatal("PAVISE_LEAKS_SOURCES is not set: run scripts/test")
	}
	dirs, err := filepath.Glob(filepath.Join(venv, "lib", "python3*", "site-packages"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("%v: %d folders of packages", err, len(dirs))
	}
	for name, found := range map[string][]string{
		"fastapi": nil, "starlette": nil, "django": nil,
		"sqlalchemy": {"url-password dialects/mssql/base.py:554:31"},
	} {
		dir := filepath.Join(dirs[0], name)
		r, err := Run(t.Context(), Options{Paths: []string{dir}})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d files, %d KB, %d binary files", name, r.Files, r.Bytes>>10, r.Binary)
		if r.Files < 30 || r.Bytes < 200<<10 {
			t.Errorf("%s: %d files of %d bytes are not its source", name, r.Files, r.Bytes)
		}
		want(t, look(t, dir, Options{}), found...)
	}
}
