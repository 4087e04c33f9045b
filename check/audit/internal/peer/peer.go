//go:build real

// Package peer asks Python's packaging library, for tests alone.
package peer

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Ask puts questions of one kind to interop/audit/oracle.py. Root is the way
// from the test to the repository's root.
func Ask(t testing.TB, root, kind string, questions, answers any) {
	t.Helper()
	dir := os.Getenv("PAVISE_AUDIT_PEERS")
	if dir == "" {
		t.Fatal("PAVISE_AUDIT_PEERS is not set: run scripts/test")
	}
	data, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "bin", "python"), filepath.Join(root, "interop", "audit", "oracle.py"), kind) //nolint:gosec // the interpreter of the pinned environment
	cmd.Stdin = bytes.NewReader(data)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, answers); err != nil {
		t.Fatal(err)
	}
}
