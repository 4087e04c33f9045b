//go:build real

// Package data holds what Python services seal, hash and configure against
// what Go makes of it, both ways. scripts/test prepares the Python packages.
package data

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// peer is a Python process that answers.
type peer struct {
	mu  sync.Mutex
	in  *json.Encoder
	out *bufio.Reader
}

func startPeer(t *testing.T) *peer {
	t.Helper()
	dir := os.Getenv("PAVISE_DATA_PEERS")
	if dir == "" {
		t.Fatal("PAVISE_DATA_PEERS is not set: run scripts/test")
	}
	cmd := exec.Command(filepath.Join(dir, "bin", "python"), "peer.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &peer{in: json.NewEncoder(in), out: bufio.NewReaderSize(out, 1<<20)}
}

// ask puts a question and reads the answer into result.
func (p *peer) ask(t testing.TB, result any, name string, args ...any) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.in.Encode([]any{name, args}); err != nil {
		t.Fatal(err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Result json.RawMessage
		Error  string
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Error != "" {
		t.Fatal(fmt.Errorf("%s: %s", name, answer.Error))
	}
	if result != nil {
		if err := json.Unmarshal(answer.Result, result); err != nil {
			t.Fatal(err)
		}
	}
}
