package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"pavise": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the program as a user does. In a script, "exits N CMD"
// requires an exit code.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits},
	})
}

var exitsMu sync.Mutex

// exits runs pavise with the arguments after the code and requires that code.
// What it printed is compared by the files exits.out and exits.err.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARGS...")
	}
	var out, errOut bytes.Buffer
	// The working directory is the process's: scripts that use exits do not run side by side.
	exitsMu.Lock()
	defer exitsMu.Unlock()
	dir, err := os.Getwd()
	ts.Check(err)
	ts.Check(os.Chdir(ts.MkAbs(".")))
	defer func() { ts.Check(os.Chdir(dir)) }()
	code := run(context.Background(), args[1:], strings.NewReader(""), &out, &errOut)
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs("."), "exits.out"), out.Bytes(), 0o600))
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs("."), "exits.err"), errOut.Bytes(), 0o600))
	ts.Logf("[stdout]\n%s[stderr]\n%s", &out, &errOut)
	if got := string(rune('0' + code)); got != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// TestReferenceIsFresh compares the committed reference with what the program
// would write.
func TestReferenceIsFresh(t *testing.T) {
	pages, err := referencePages(command(&terminal{}))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("docs/reference/%s is stale; run: go run ./cmd/pavise docs docs/reference", name)
		}
	}
}
