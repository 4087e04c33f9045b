package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pavise-dev/pavise/finding"
)

// A file with two secrets is one file that is not kept.
func TestFilesOf(t *testing.T) {
	got := filesOf([]finding.Finding{{Where: "a.env:1:1"}, {Where: "a.env:2:1"}, {Where: "b.env:1"}, {Where: "id_rsa"}})
	if len(got) != 3 {
		t.Errorf("%d files, want a.env, b.env and id_rsa: %v", len(got), got)
	}
}

// At a terminal a diff of somebody's file is not obeyed, and keeps its lines.
func TestHarmless(t *testing.T) {
	if got := harmless("--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-\x1b[2Ja\r\n+b\n"); got != "--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-\ufffd[2Ja\n+b\n" {
		t.Errorf("%q", got)
	}
}

// What somebody changed meanwhile is not lost.
func TestRewrite(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	content := func() string {
		data, _ := os.ReadFile(name)
		return string(data)
	}
	if err := rewrite(name, []byte("a"), []byte("b")); err == nil || content() != "" {
		t.Errorf("a file that is gone is written: %v", err)
	}
	if err := rewrite(name, nil, []byte("b")); err != nil || content() != "b" {
		t.Errorf("%q, %v", content(), err)
	}
	if err := rewrite(name, []byte("a"), []byte("c")); err == nil || content() != "b" {
		t.Errorf("%q, %v", content(), err)
	}
	if err := rewrite(name, []byte("b"), []byte("c")); err != nil || content() != "c" {
		t.Errorf("%q, %v", content(), err)
	}
	if err := rewrite(name, nil, []byte("d")); err == nil || content() != "c" {
		t.Errorf("a file that came is written over: %q, %v", content(), err)
	}
}

// A file that the policy names is seen from the policy's folder, unless it is
// named from the root.
func TestBeside(t *testing.T) {
	abs, err := filepath.Abs("known.json")
	if err != nil {
		t.Fatal(err)
	}
	if got := beside("conf", abs); got != abs {
		t.Errorf("%s, want %s", got, abs)
	}
	if got, want := beside("conf", "known.json"), filepath.Join("conf", "known.json"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
