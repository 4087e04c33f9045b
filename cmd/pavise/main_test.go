package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pavise-dev/pavise/cmd/pavise/internal/catalogue"
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
	reference := filepath.Join("..", "..", "docs", "reference")
	err = filepath.WalkDir(reference, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(reference, path)
		if pages[filepath.ToSlash(name)] == nil {
			t.Errorf("nothing writes docs/reference/%s any more", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEveryRuleIsExplained asks for each by its name.
func TestEveryRuleIsExplained(t *testing.T) {
	for _, r := range catalogue.Rules() {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), []string{"explain", r.ID}, strings.NewReader(""), &stdout, &stderr); code != 0 {
			t.Errorf("%s: exit %d, %s", r.ID, code, &stderr)
		} else if text := stdout.String(); !strings.HasPrefix(text, r.ID+"\n\n") || r.Tool != "guard" && !strings.Contains(text, "\nseverity  "+r.Severity) {
			t.Errorf("%s is explained by\n%s", r.ID, text)
		}
	}
}
