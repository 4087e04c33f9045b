package deploy

import (
	"fmt"
	"strings"
	"testing"
)

// TestSurround: what is around a command is known: what runs when it fails,
// and where its output goes.
func TestSurround(t *testing.T) {
	for script, want := range map[string]string{
		"a || true":                      "a else=true; true",
		"a && b || c":                    "a else=c; b else=c; c",
		"a | b || c":                     "a else=c; b else=c; c",
		"a || { b; exit 1; }":            "a; b; exit",
		"a || (b)":                       "a; b",
		"a > f":                          "a out=f",
		"a >> \"$F\" 2>&1":               "a out=$F",
		"a 2> f":                         "a",
		"a >&2":                          "a",
		"{ a; b > g; } > f":              "a out=f; b out=g",
		"x=$(a | b > f)":                 "; a captured; b out=f captured",
		"c \"$(a || true)\"":             "c; a else=true captured; true captured",
		"while read x; do a; done > f":   "read out=f; a out=f",
		"if a; then b; fi || c":          "a else=c; b else=c; c",
		"a <<E > f\nx\nE\n":              "a out=f",
		"for x in y; do a || true; done": "a else=true; true",
	} {
		var got []string
		for _, c := range Shell(script) {
			line := ""
			if len(c.Words) > 0 {
				line = c.Words[0]
			}
			if c.Else != nil {
				line += " else=" + c.Else.Words[0]
			}
			if c.Output != "" {
				line += " out=" + c.Output
			}
			if c.Captured {
				line += " captured"
			}
			got = append(got, line)
		}
		if g := strings.Join(got, "; "); g != want {
			t.Errorf("%q is %q, not %q", script, g, want)
		}
	}
}

func TestAuditOf(t *testing.T) {
	for script, want := range map[string]string{
		"pip-audit -r r.txt": "pip-audit [-r r.txt] true", "python -m pip_audit": "pip-audit [] true", "uv run --with x pip-audit": "pip-audit [] true", "uvx pip-audit@2.9": "pip-audit [] true",
		"A=b poetry run safety check": "safety [check] true", "bash -c 'cd x && bandit -r app'": "bandit [-r app] false", "./bin/govulncheck ./...": "govulncheck [./...] true",
		"go run golang.org/x/vuln/cmd/govulncheck@latest ./...": "govulncheck [./...] true", "docker run --rm aquasec/trivy:0.60 image x": "trivy [image x] true",
		"npm audit --json": "npm audit [--json] true", "yarn npm audit": "yarn audit [audit] true", "pavise audit": "pavise [audit] true", "pavise leaks": "pavise [leaks] false",
		"pip install pip-audit": "", "uv add safety": "", "echo pip-audit": "", "pytest tests/safety": "", "uv run pytest safety": "", "pip-audit --version": "", "pavise up": "", "npm auditor": "", "cd safety": "", "": "", "python safety/a.py": "",
		"go test ./safety": "", "docker build -t trivy .": "", "cat bandit": "",
	} {
		got := ""
		for _, c := range Shell(script) {
			if a := AuditOf(c.Words); a != nil {
				got = fmt.Sprint(a.Tool, " ", a.Args, " ", a.Dependencies)
			}
		}
		if got != want {
			t.Errorf("%q is %q, not %q", script, got, want)
		}
	}
}

func TestPiped(t *testing.T) {
	for script, want := range map[string]string{
		"curl x | sh": "curl", "wget -qO- x | sudo -E bash -s -- -y": "wget", "sh -c \"$(curl -s x)\"": "curl", "bash <(wget x)": "wget", "curl x | tee l | python3 -": "curl",
		"curl x | tar xz": "", "curl x | python3 -c y": "", "cat x | sh": "", "curl x > f; echo y f | sha256sum -c; cat f | sh": "", "curl x | sh a.sh": "",
	} {
		if _, tool := Piped(Shell(script)); tool != want {
			t.Errorf("%q runs what %q downloads, not %q", script, tool, want)
		}
	}
}

// TestLine: a place in a script is that of its own line, however it is written.
func TestLine(t *testing.T) {
	p := project(t, ".github/workflows/a.yml", `on: push
jobs:
  a:
    steps:
      - run: |

          # one
          one ${{ a }}
          two
      - run: >-
          three
          four
      - run: five
          six
      - {run: "seven"}
      - run: |
          eight`)
	d := p.Workflows[0]
	var got []string
	for _, s := range d.Root.Get("jobs", "a", "steps").Items() {
		run := s.Get("run")
		for l := range strings.SplitSeq(strings.TrimSpace(run.Value), "\n") {
			at := d.Find(run, l)
			got = append(got, fmt.Sprint(at.Line, ":", at.Column))
		}
	}
	equal(t, "found", fmt.Sprint(got), "[5:9 8:11 9:11 10:9 13:9 15:16 17:11]")
	literal := d.Root.Get("jobs", "a", "steps").Items()[0].Get("run")
	equal(t, "the fourth line", d.Line(literal, 4), Place{d.File, 9, 11})
	equal(t, "a line that is not there", d.Line(literal, 99), d.Place(literal))
	equal(t, "nothing", d.Line(nil, 1), d.Place(nil))
}

// TestMoreRoles: files of YAML are known by their place, and by what they hold.
func TestMoreRoles(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"action.yml": {"name: a\nruns:\n  using: composite\n", "action"}, "other/action.yaml": {"a: b\n", ""},
		".github/dependabot.yml": {"updates: []\n", "dependabot"}, "dependabot.yml": {"updates: []\n", ""},
		".circleci/config.yml": {"jobs: {}\n", "tasks"}, "azure-pipelines.yml": {"steps: []\n", "tasks"}, "Taskfile.yml": {"tasks: {}\n", "tasks"}, ".buildkite/pipeline.yml": {"steps: []\n", "tasks"},
		".github/workflows/action.yml": {"on: push\n", "workflow"}, "config.yml": {"a: b\n", ""},
	} {
		if got := role(Source{name, []byte(c.text)}); got != c.want {
			t.Errorf("%s is for %q, not for %q", name, got, c.want)
		}
	}
}
