package deploy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// project reads one of the samples, or a text that is given.
func project(t *testing.T, name string, text ...string) *Project {
	t.Helper()
	data := samples[name]
	if len(text) > 0 {
		data = text[0]
	}
	p, errs := New([]Source{{name, []byte(data)}}, []string{name})
	for _, e := range errs {
		t.Fatalf("%s: %v", e.Path, e.Err)
	}
	return p
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func TestKind(t *testing.T) {
	for name, want := range map[string]string{
		"Dockerfile": "dockerfile", "api/Dockerfile.prod": "dockerfile", "api.dockerfile": "dockerfile", "Containerfile": "dockerfile",
		"Dockerfile.dockerignore": "dockerignore", "api.dockerfile.dockerignore": "dockerignore", ".dockerignore": "dockerignore",
		"dockerfile.go": "", "Dockerfile.j2": "", "dockerfile.yaml": "yaml", "Dockerfile.md": "",
		"compose.yml": "yaml", "Procfile": "procfile", "api.service": "systemd", "supervisord.conf": "supervisor", "start.sh": "script",
		".gitignore": "gitignore", "Caddyfile": "caddy", "deploy/nginx/api.conf": "nginx", "web/conf.d/api.conf": "nginx", "sites-enabled/api": "nginx", "conf.d/a.py": "", "nginx.conf": "nginx", "other.conf": "",
		"requirements.txt": "requirements", "requirements/prod.txt": "requirements", "notes.txt": "", "pyproject.toml": "toml", "Cargo.toml": "", "traefik.toml": "toml",
	} {
		if got := Kind(name); got != want {
			t.Errorf("%s is read as %q, not as %q", name, got, want)
		}
	}
}

// broken are files that cannot be read, and a part of what is told of them.
var broken = []struct{ name, text, problem string }{
	{"Dockerfile", "", "no instructions"},
	{"Dockerfile", "RUN true\n", "no FROM"},
	{"Dockerfile", "FROM a\nRUN <<EOF\ntrue\n", "unterminated heredoc"},
	{"Dockerfile", "FROM a\nENV A\n", "two arguments"},
	{"compose.yaml", "services:\n  a: [b\n", "line 2"},
	{"compose.yaml", "services:\n  a: b\n  a: c\n", "already defined"},
	{"compose.yaml", "services:\n  a: *b\n", "line 2: nothing has the anchor \"b\""},
	{"compose.yaml", "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + bomb(), "unfold to too much"},
	{"nginx.conf", "http {\n  server {\n}\n", "the block of \"http\" is not closed"},
	{"nginx.conf", "http { }\n}\n", "line 2: a block is closed"},
	{"Caddyfile", "a {\n", "the block of \"a\" is not closed"},
	{"pyproject.toml", "[project\n", "toml"},
}

// bomb is a file whose aliases unfold to a million values.
func bomb() string {
	var b strings.Builder
	for i := range 6 {
		from, to := string(rune('a'+i)), string(rune('b'+i))
		fmt.Fprintf(&b, "%s: &%s [%s]\n", to, to, strings.TrimSuffix(strings.Repeat("*"+from+",", 10), ","))
	}
	return b.String()
}

func TestBroken(t *testing.T) {
	for _, b := range broken {
		_, errs := New([]Source{{b.name, []byte(b.text)}}, nil)
		if len(errs) != 1 || errs[0].Path != b.name || !strings.Contains(errs[0].Err.Error(), b.problem) {
			t.Errorf("%s of %.40q: %v, where %q was wanted", b.name, b.text, errs, b.problem)
		}
	}
}

func TestDockerfile(t *testing.T) {
	d := project(t, "Dockerfile").Dockerfiles[0]
	var stages []string
	for _, s := range d.Stages {
		stages = append(stages, fmt.Sprintf("%d %s %s", s.From.Line, s.Image, s.Name))
	}
	equal(t, "stages", stages, []string{"5 node:24 web", "10 python:3.13-slim Base", "24 base "})
	var chain []string
	for _, s := range d.Chain(d.Last()) {
		chain = append(chain, s.Image)
	}
	equal(t, "chain", chain, []string{"base", "python:3.13-slim"})
	base := d.Stage("base")
	equal(t, "ENV", base.Instructions[0].Pairs(), [][2]string{{"PORT", "8000"}, {"HOST", "0.0.0.0"}})
	equal(t, "ENV of old", base.Instructions[1].Pairs(), [][2]string{{"WORKERS", "4"}})
	equal(t, "ARG", base.Instructions[2].Pairs(), [][2]string{{"TOKEN", ""}, {"TAG", "1.2"}})
	run := base.Instructions[3]
	equal(t, "lines of RUN", [2]int{run.Line, run.End}, [2]int{14, 18})
	var words []string
	for _, c := range run.Commands() {
		words = append(words, strings.Join(c.Words, " "))
	}
	equal(t, "a here-document's commands", words, []string{"set -e", "pip install uvicorn", "curl -sSL https://example.com/install", "sh"})
	copied := d.Last().Instructions[0]
	equal(t, "flags", copied.Flags, []string{"--from=web", "--chown=app"})
	equal(t, "arguments", copied.Args, []string{"/dist", "/srv/web"})
	first := d.Stages[0].Instructions[0]
	equal(t, "lines of a RUN over three", [2]int{first.Line, first.End}, [2]int{6, 8})
}

func TestDockerfileHere(t *testing.T) {
	for text, want := range map[string]string{
		"RUN <<EOF\n#!/usr/bin/env python3\nprint(1)\nEOF\n": "",
		"RUN <<EOF\n#!/bin/bash\ntrue\nEOF\n":                "true",
		"RUN cat <<EOF > /a\nrm -rf /\nEOF\n":                "cat",
		"RUN <<A cat > /a && <<B cat\nx\nA\ny\nB\n":          "x",
		"RUN [\"a\", \"b c\"]\n":                             "a b c",
		"RUN A=1 make \\\n  # a comment\n  all; ls\n":        "make all,ls",
	} {
		d := project(t, "Dockerfile", "FROM a\n"+text).Dockerfiles[0]
		var got []string
		for _, c := range d.Stages[0].Instructions[0].Commands() {
			got = append(got, strings.Join(c.Words, " "))
		}
		equal(t, text, strings.Join(got, ","), want)
	}
}

func TestDockerfileImages(t *testing.T) {
	for text, want := range map[string]string{
		"FROM a:${X}\n":                                        "a:${X}",
		"ARG X\nFROM a:${X}\n":                                 "a:${X}",
		"ARG X\nFROM a:${X:-1}\n":                              "a:1",
		"ARG X=2\nFROM a:${X:-1}\n":                            "a:2",
		"ARG X=2\nARG XY=3\nFROM a:$XY\n":                      "a:3",
		"ARG X=\"2\"\nFROM --platform=linux/amd64 a:$X AS b\n": "a:2",
		"FROM a AS a\n":                                        "a",
	} {
		d := project(t, "Dockerfile", text).Dockerfiles[0]
		equal(t, text, d.Last().Image, want)
		equal(t, text, len(d.Chain(d.Last())), 1)
	}
}

func TestCommands(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"Dockerfile", "27 dockerfile uvicorn app.main:app --host=0.0.0.0 --port 8000"},
		{"compose.yaml", "16 compose uvicorn app:app --port 80 --proxy-headers\n21 compose gunicorn --workers=2 shop:app"},
		{"deploy/api.yaml", "15 kubernetes uvicorn app:app --workers 2"},
		{"Procfile", "2 procfile gunicorn shop:app -w 2"},
		{"api.service", "4 systemd uvicorn app:app --uds /run/api.sock"},
		{"supervisord.conf", "2 systemd hypercorn app:app --bind 0.0.0.0:8000"},
		{"start.sh", "6 script fastapi dev app/main.py\n9 script uvicorn app.main:app --port ${PORT:-8000}"},
	} {
		var got []string
		for _, c := range project(t, c.name).Commands {
			got = append(got, fmt.Sprintf("%d %s %s %s", c.Line, c.From, c.Server, strings.Join(c.Args, " ")))
		}
		equal(t, c.name, strings.Join(got, "\n"), c.want)
	}
}

func TestCommand(t *testing.T) {
	for line, want := range map[string]string{
		"uvicorn app:app":                                    "uvicorn app:app",
		"/srv/venv/bin/uvicorn app:app":                      "uvicorn app:app",
		"exec gunicorn -k uvicorn.workers.UvicornWorker app": "gunicorn -k uvicorn.workers.UvicornWorker app",
		"poetry run uvicorn a:b --reload":                    "uvicorn a:b --reload",
		"uv run --frozen fastapi run":                        "fastapi run",
		"python -m uvicorn a:b":                              "uvicorn a:b",
		"env A=b uvicorn a:b":                                "uvicorn a:b",
		"A=b B=c hypercorn a:b":                              "hypercorn a:b",
		`sh -c 'alembic upgrade head && exec granian a:b'`:   "granian a:b",
		`/bin/bash -c "daphne a:b -p ${PORT}"`:               "daphne a:b -p ${PORT}",
		"alembic upgrade head && uvicorn a:b":                "uvicorn a:b",
		"if true; then uvicorn a:b; fi":                      "uvicorn a:b",
		"pip install uvicorn":                                "",
		"echo uvicorn":                                       "",
		"which gunicorn":                                     "",
		"python -m app":                                      "",
		`sh -c "pip install gunicorn"`:                       "",
		"uvicorn a:b \\\n  --port 80":                        "uvicorn a:b --port 80",
	} {
		p := project(t, "Procfile")
		p.Commands = nil
		p.line(Command{Place: Place{"Procfile", 1, 1}, From: "procfile"}, line)
		var got []string
		for _, c := range p.Commands {
			got = append(got, strings.Join(append([]string{c.Server}, c.Args...), " "))
		}
		equal(t, line, strings.Join(got, "\n"), want)
	}
}

func TestFlags(t *testing.T) {
	c := command(strings.Fields("uvicorn a:b --host=0.0.0.0 --port 80 --reload --root-path"))
	for flag, want := range map[string]string{"--host": "0.0.0.0", "--port": "80", "--reload": "--root-path", "--root-path": ""} {
		if got, ok := c.Value(flag); got != want || !ok {
			t.Errorf("%s is %q, not %q", flag, got, want)
		}
	}
	if c.Has("--workers", "-w") || !c.Has("-p", "--port") || !c.Dev() || command([]string{"fastapi", "run"}).Dev() || !command([]string{"fastapi", "dev"}).Dev() {
		t.Error("flags are not told apart")
	}
}

func TestShellPipes(t *testing.T) {
	for script, want := range map[string]string{
		"curl a | sh":                  "curl>sh",
		"curl a | tee b | bash -":      "curl>tee>bash",
		"a && curl b | sh && c":        "curl>sh",
		"curl a; sh":                   "",
		"curl a |& sh":                 "curl>sh",
		"(cd a; curl b) | sh":          "",
		"if curl a | sh; then b; fi":   "curl>sh",
		"x=$(curl a | jq .b); echo $x": "curl>jq",
	} {
		var got string
		for _, c := range Shell(script) {
			if c.Input == nil {
				continue
			}
			chain := ""
			for at := c; at != nil; at = at.Input {
				chain = at.Words[0] + ">" + chain
			}
			got = max(got, chain)
		}
		equal(t, script, strings.TrimSuffix(got, ">"), want)
	}
}

func TestEnv(t *testing.T) {
	for name, want := range map[string][]string{
		"Dockerfile":      {"11 PORT=8000 dockerfile", "11 HOST=0.0.0.0 dockerfile", "12 WORKERS=4 dockerfile", "13 TOKEN= build", "13 TAG=1.2 build"},
		"compose.yaml":    {"15 MODE=api compose", "4 LOG_LEVEL=info compose", "4 LOG_LEVEL=info compose", "5 MODE=common compose", "27 A=b=c compose"},
		"deploy/api.yaml": {"19 MODE=production kubernetes", "40 MODE=production kubernetes"},
		"api.service":     {"2 MODE=production systemd", "3 A=b systemd"},
		"start.sh":        {"3 MODE=production script", "4 WORKERS=2 script"},
	} {
		var got []string
		for _, e := range project(t, name).Env {
			if e.Name != "nginx.conf" {
				got = append(got, fmt.Sprintf("%d %s=%s %s", e.Line, e.Name, e.Value, e.From))
			}
		}
		equal(t, name, got, want)
	}
}

func TestLines(t *testing.T) {
	p := project(t, ".gitignore")
	if l := p.GitIgnore[0]; !l.Has("a", ".env") || l.Has("env") || l.LineOf("*.pem") != 3 || l.LineOf("none") != 1 {
		t.Error("lines are not found")
	}
	toml := project(t, "pyproject.toml").TOML[0]
	equal(t, "texts", toml.Texts("project", "dependencies"), []string{"fastapi==0.120.0", "uvicorn"})
	equal(t, "below", toml.Get("tool", "ruff", "lint", "select") != nil && toml.Get("project", "name", "x") == nil && toml.Texts("none") == nil, true)
	equal(t, "line", [2]int{toml.Line("uvicorn"), toml.Line("none")}, [2]int{3, 1})
	equal(t, "requirements", project(t, "requirements.txt").Requirements[0].Lines[1], "uvicorn")
}

func TestImage(t *testing.T) {
	for s, want := range map[string]Image{
		"python":                           {Name: "python"},
		"python:3.13-slim":                 {Name: "python", Tag: "3.13-slim"},
		"localhost:5000/a/b":               {Name: "localhost:5000/a/b"},
		"localhost:5000/a/b:1@sha256:00":   {Name: "localhost:5000/a/b", Tag: "1", Digest: "sha256:00"},
		"registry.example.com/a@sha256:00": {Name: "registry.example.com/a", Digest: "sha256:00"},
	} {
		got, known := ParseImage(s)
		equal(t, s, got, want)
		equal(t, s, known, true)
	}
	for _, s := range []string{"", "$IMAGE", "a:${TAG}", "a:" + filled} {
		if _, known := ParseImage(s); known {
			t.Errorf("%q is known", s)
		}
	}
	for s, want := range map[string][3]bool{ // floats, is root, is not root
		"python":                                      {true, true, false},
		"docker.io/library/python:3.13":               {false, true, false},
		"python:latest":                               {true, true, false},
		"python:latest@sha256:00":                     {false, true, false},
		"example.com/python:1":                        {false, false, false},
		"gcr.io/distroless/static":                    {true, true, false},
		"gcr.io/distroless/static:nonroot":            {false, false, true},
		"cgr.dev/chainguard/python:1":                 {false, false, true},
		"nginxinc/nginx-unprivileged:1":               {false, false, true},
		"mcr.microsoft.com/dotnet/aspnet:8":           {false, true, false},
		"mcr.microsoft.com/dotnet/runtime:8-chiseled": {false, false, true},
		"postgres:18":                                 {false, false, false},
	} {
		i, _ := ParseImage(s)
		equal(t, s, [3]bool{i.Floating(), i.Root(), i.NonRoot()}, want)
	}
}

func TestAside(t *testing.T) {
	for file, want := range map[string]bool{
		"Dockerfile": false, "Dockerfile.dev": true, "dev/docker/Dockerfile": true, "docker-compose.override.yml": true, "compose.prod.yml": false,
		"devices/Dockerfile": false, "tests/e2e/compose.yml": true, ".devcontainer/Dockerfile": true, "latest/compose.yml": false, "dev-envs": true, "": false,
	} {
		if Aside(file) != want {
			t.Errorf("%s: %v", file, !want)
		}
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		want   Literal
		values []string
	}{
		{Nothing, []string{"", " ", "${PASSWORD}", "a${B}c", "$PASSWORD", "/run/secrets/a", "true", "30", "1", "https://example.com/token", "amqp://user@host", "ENC[AES256_GCM,data:a]", "a\nb", filled + "xx", "arn:aws:secretsmanager:eu:1:secret:a"}},
		{Placeholder, []string{"changeme", "change-this", "CHANGE_ME_PLEASE", "your-secret-key", "xxxxxxxx", "aaaa", "not-a-secret", "replace_me", "PASSWORD_VAL", "postgresql://u:changeme@db/a"}},
		{Weak, []string{"postgres", "admin123", "polar123456789", "mealie", "hunter2", "root", "supersecret", "postgresql://app:app@db/a", "correct horse", "abc12345"}},
		{Real, []string{"q8Zt2vLw7Rk1", "Tr0ub4dor&3x", "9f86d081884c7d659a2feaa0c55ad015", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "postgresql://app:q8Zt2vLw7Rk1@db/a", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "kjhsdfkqwertzuioplkjhgfdsa"}},
	} {
		for _, v := range c.values {
			if got := Judge("PASSWORD", v); got != c.want {
				t.Errorf("%q is judged %d, not %d", v, got, c.want)
			}
		}
	}
}

func TestUserinfo(t *testing.T) {
	for v, want := range map[string]string{
		"postgresql://a:b@db/c": "a b true", "postgresql://a:b:c@db": "a b:c true", "https://a@b/c": "a  false", "https://b/c?d=e:f@g": "  false", "a:b@c": "  false", "redis://:b@c": " b true",
	} {
		name, password, ok := Userinfo(v)
		equal(t, v, fmt.Sprint(name, " ", password, " ", ok), want)
	}
}

func TestNamesAreKept(t *testing.T) {
	p, _ := New(nil, []string{"a", "b"})
	if !slices.Equal(p.Names, []string{"a", "b"}) {
		t.Errorf("names are %v", p.Names)
	}
}
