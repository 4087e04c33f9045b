package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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

// exits runs pavise with the arguments after the code and requires that code.
// What it printed is compared by the files exits.out and exits.err.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARGS...")
	}
	code := 0
	var exit *exec.ExitError
	if err := ts.Exec("pavise", args[1:]...); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	for stream, file := range map[string]string{"stdout": "exits.out", "stderr": "exits.err"} {
		ts.Check(os.WriteFile(filepath.Join(ts.MkAbs("."), file), []byte(ts.ReadFile(stream)), 0o600))
	}
	if got := strconv.Itoa(code); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
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
