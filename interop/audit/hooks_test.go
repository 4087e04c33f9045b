//go:build real

package audit

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// action is what is tested of action.yml.
type action struct {
	Inputs map[string]struct {
		Description string
		Default     string
	}
	Runs struct {
		Using string
		Steps []yaml.MapSlice
	}
}

func readAction(t *testing.T) action {
	t.Helper()
	data, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var a action
	if err := yaml.Unmarshal(data, &a); err != nil {
		t.Fatal(err)
	}
	if a.Runs.Using != "composite" || len(a.Runs.Steps) == 0 {
		t.Fatalf("%+v", a)
	}
	return a
}

// smallRecords are two advisories, and pins that they concern.
func smallRecords(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "PyPI"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "Go"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"PyPI/a.json": `{"id":"PYSEC-2021-100","aliases":["CVE-2021-32677"],"affected":[{"package":{"ecosystem":"PyPI","name":"fastapi"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"0.65.2"}]}]}]}`,
		"Go/a.json":   `{"id":"GO-2021-1","affected":[{"package":{"ecosystem":"Go","name":"example.com/m"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestActionlint: a workflow that uses the action is right, and so are the
// action's own steps, put into a workflow as a job: actionlint looks at
// workflows alone.
func TestActionlint(t *testing.T) {
	a := readAction(t)
	dir := t.TempDir()
	workflows := filepath.Join(dir, ".github", "workflows")
	if err := os.MkdirAll(workflows, 0o755); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	inputs := map[string]any{}
	with := map[string]any{}
	for name, in := range a.Inputs {
		if in.Description == "" {
			t.Errorf("the input %s has no description", name)
		}
		inputs[name] = map[string]any{"type": "string", "description": in.Description}
		with[name] = "x"
	}
	steps, err := yaml.Marshal(map[string]any{
		"name": "steps", "on": map[string]any{"workflow_call": map[string]any{"inputs": inputs}},
		"jobs": map[string]any{"audit": map[string]any{"runs-on": "ubuntu-latest", "steps": a.Runs.Steps}},
	})
	if err != nil {
		t.Fatal(err)
	}
	uses, err := yaml.Marshal(map[string]any{
		"name": "uses", "on": "push",
		"jobs": map[string]any{"audit": map[string]any{"runs-on": "ubuntu-latest", "steps": []any{map[string]any{"uses": "./", "with": with}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"action.yml": data, ".github/workflows/steps.yml": steps, ".github/workflows/uses.yml": uses} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lint := func() (string, error) {
		cmd := exec.Command(actionlint(t), filepath.Join(workflows, "steps.yml"), filepath.Join(workflows, "uses.yml"))
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	git(t, dir, "init", "-q")
	if out, err := lint(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	// It would see a mistake.
	if err := os.WriteFile(filepath.Join(workflows, "uses.yml"), bytes.ReplaceAll(uses, []byte("fail-on:"), []byte("fail-onn:")), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := lint(); err == nil || !strings.Contains(out, "fail-onn") {
		t.Errorf("an input that is not there is not seen: %v\n%s", err, out)
	}
	// No expression within a script: it would be part of the script.
	for _, step := range a.Runs.Steps {
		for _, item := range step {
			if item.Key == "run" && strings.Contains(item.Value.(string), "${{") {
				t.Errorf("an expression is in a script:\n%s", item.Value)
			}
		}
	}
}

// actionlint is built once, in its pinned version.
func actionlint(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "install", "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12")
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "actionlint")
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"}, args...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestActionRuns runs the action's own scripts, as a runner does: those steps
// that are scripts, with what the inputs say.
func TestActionRuns(t *testing.T) {
	a := readAction(t)
	records := smallRecords(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	run := func(pins string, inputs map[string]string) (code, sarif, summary string) {
		t.Helper()
		dir, temp := t.TempDir(), t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "requirements.txt"), []byte(pins), 0o644); err != nil {
			t.Fatal(err)
		}
		output := filepath.Join(temp, "output")
		exit := ""
		for _, step := range a.Runs.Steps {
			script, env := "", os.Environ()
			env = append(env, "RUNNER_TEMP="+temp, "GITHUB_OUTPUT="+output, "GITHUB_ENV="+filepath.Join(temp, "env"),
				"GITHUB_PATH="+filepath.Join(temp, "path"), "GITHUB_STEP_SUMMARY="+filepath.Join(temp, "summary"))
			for _, item := range step {
				switch item.Key {
				case "run":
					script = item.Value.(string)
				case "env":
					for name, value := range item.Value.(map[string]any) {
						env = append(env, name+"="+expression.ReplaceAllStringFunc(value.(string), func(e string) string {
							e = strings.TrimSpace(e[3 : len(e)-2])
							if in, ok := strings.CutPrefix(e, "inputs."); ok {
								if v, ok := inputs[in]; ok {
									return v
								}
								return a.Inputs[in].Default
							}
							if e == "github.action_path" {
								return root
							}
							data, _ := os.ReadFile(output)
							for line := range strings.Lines(string(data)) {
								if v, ok := strings.CutPrefix(line, strings.TrimPrefix(e, "steps.audit.outputs.")+"="); ok {
									return strings.TrimSpace(v)
								}
							}
							t.Fatalf("what is %s?", e)
							return ""
						}))
					}
				}
			}
			if script == "" {
				continue // another action
			}
			cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
			cmd.Dir, cmd.Env = dir, env
			out, err := cmd.CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				exit = err.Error()
				break
			}
		}
		data, _ := os.ReadFile(filepath.Join(dir, "pavise-audit.sarif"))
		text, _ := os.ReadFile(filepath.Join(temp, "summary"))
		return exit, string(data), string(text)
	}
	code, sarif, summary := run("fastapi==0.65.1\n", map[string]string{"database-from": records})
	if code != "exit status 1" || !json.Valid([]byte(sarif)) || !strings.Contains(sarif, "CVE-2021-32677") || !strings.Contains(summary, "CVE-2021-32677") {
		t.Errorf("%q\n%s\n%s", code, sarif, summary)
	}
	code, sarif, _ = run("fastapi==0.65.2\n", map[string]string{"database-from": records, "paths": "requirements.txt\n"})
	if code != "" || !json.Valid([]byte(sarif)) {
		t.Errorf("%q\n%s", code, sarif)
	}
	// Records of files without a date are old.
	if code, _, _ = run("fastapi==0.65.2\n", map[string]string{"database-from": records, "strict": "true"}); code != "exit status 3" {
		t.Errorf("strict: %q", code)
	}
	if code, _, _ = run("fastapi==0.65.2\n", map[string]string{"database-from": "nosuch"}); code != "exit status 3" {
		t.Errorf("without a database: %q", code)
	}
	if code, _, _ = run("", map[string]string{"binary-url": "https://127.0.0.1:1/pavise"}); code != "exit status 2" {
		t.Errorf("a download without a checksum: %q", code)
	}
}

var expression = regexp.MustCompile(`\$\{\{[^}]*\}\}`)

// TestPreCommit runs the hook by pre-commit itself, in a small repository,
// with nothing but this repository's last commit and the cache of modules.
func TestPreCommit(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	rev := strings.TrimSpace(git(t, root, "rev-parse", "HEAD"))
	dir := t.TempDir()
	for name, text := range map[string]string{
		"requirements.txt": "fastapi==0.65.1\n",
		"notes.md":         "no dependency\n",
		".pre-commit-config.yaml": "repos:\n  - repo: " + root + "\n    rev: " + rev + "\n    hooks:\n      - id: pavise-audit\n        args: [--db, " +
			filepath.Join(dir, "advisories.db") + ", --max-age, \"100000\"]\n      - id: pavise-leaks\n",
		".gitignore": "advisories.db*\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "run", "./cmd/pavise", "db", "update", "--from", smallRecords(t), "--db", filepath.Join(dir, "advisories.db"))
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	git(t, dir, "init", "-q")
	git(t, dir, "add", ".")
	modcache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir() // one, or the hooks are built each time
	commit := func() (string, error) {
		cmd := exec.Command(python(t, "pre-commit"), "run", "--color", "never")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PRE_COMMIT_HOME="+home, "GOMODCACHE="+strings.TrimSpace(string(modcache)), "GOFLAGS=-modcacherw", "GOPROXY=off")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := commit(); err == nil || !strings.Contains(out, "CVE-2021-32677") || !strings.Contains(out, "requirements.txt:1") {
		t.Errorf("%v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "requirements.txt"), []byte("fastapi==0.65.2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "settings.py"), []byte("SECRET_KEY = 'Winter-2024"+"-q7'\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "add", ".")
	if out, err := commit(); err == nil || !strings.Contains(out, "settings.py:1:15") || strings.Contains(out, "Winter") {
		t.Errorf("%v\n%s", err, out)
	}
	git(t, dir, "rm", "-q", "--cached", "settings.py")
	if out, err := commit(); err != nil || !strings.Contains(out, "Passed") {
		t.Errorf("%v\n%s", err, out)
	}
}
