//go:build real

package pyast

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"
	"testing"
)

// named is of a character that is given by its name: this package does not
// carry Unicode's names.
var named = regexp.MustCompile(`\\N\{`)

// TestBesideCPython compares every tree with CPython's, node by node and place
// by place, on the files of the installed packages and of the standard library.
func TestBesideCPython(t *testing.T) {
	files := sources(t)
	if len(files) < 4500 {
		t.Fatalf("%d files: most of what should be installed is missing", len(files))
	}
	type result struct {
		same, refused, bytes int
	}
	var mu sync.Mutex
	var total result
	var wg sync.WaitGroup
	for part := range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r, err := compare(t, files, part, 2)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			total.same += r[0]
			total.refused += r[1]
			total.bytes += r[2]
		}()
	}
	wg.Wait()
	t.Logf("%d files, %d MB: %d the same, %d that CPython does not read", len(files), total.bytes>>20, total.same, total.refused)
}

func compare(t *testing.T, files []string, part, parts int) ([3]int, error) {
	var out [3]int
	cmd := exec.CommandContext(t.Context(), "python3", "testdata/dump.py")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return out, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return out, err
	}
	if err := cmd.Start(); err != nil {
		return out, err
	}
	answers := bufio.NewScanner(stdout)
	for i := part; i < len(files); i += parts {
		if _, err := stdin.Write([]byte(files[i] + "\n")); err != nil {
			return out, err
		}
		data, err := os.ReadFile(files[i])
		if err != nil {
			return out, err
		}
		out[2] += len(data)
		f, err := Parse(data)
		ours := "error"
		if err == nil && len(f.Errors) == 0 {
			sum := sha256.Sum256([]byte(dump(f)))
			ours = hex.EncodeToString(sum[:])
		}
		if !answers.Scan() {
			return out, answers.Err()
		}
		switch answers.Text() {
		case "error":
			// What is newer than this CPython, or refused after parsing.
			out[1]++
		case ours:
			out[0]++
		default:
			t.Errorf("%s: the trees differ (%v)", files[i], why(f, err))
		}
	}
	if err := stdin.Close(); err != nil {
		return out, err
	}
	return out, cmd.Wait()
}

func why(f *File, err error) any {
	if err != nil {
		return err
	}
	return f.Errors
}

func sources(t *testing.T) []string {
	root, err := filepath.Abs("../../../../.cache")
	if err != nil {
		t.Fatal(err)
	}
	roots, _ := filepath.Glob(filepath.Join(root, "venv-*", "lib", "python3*"))
	system, _ := filepath.Glob("/usr/lib/python3*")
	seen := map[[32]byte]bool{}
	var files []string
	for _, dir := range append(roots, system...) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !d.Type().IsRegular() || !strings.HasSuffix(path, ".py") {
				return nil
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if len(data) > 1<<20 || named.Match(data) {
				return nil
			}
			if sum := sha256.Sum256(data); !seen[sum] {
				seen[sum] = true
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	sort.Strings(files)
	return files
}
