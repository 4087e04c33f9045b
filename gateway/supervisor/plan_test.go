package supervisor

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPlan(t *testing.T) {
	const (
		uv  = " --uds /s --workers 1 --no-server-header --timeout-keep-alive 75 --proxy-headers --forwarded-allow-ips *"
		gu  = " --bind unix:/s --workers 1 --forwarded-allow-ips * --keep-alive 75"
		hy  = " --bind unix:/s --workers 1 --keep-alive 75"
		gr  = " --uds /s --workers 1 --http 1"
		fa  = " --host 127.0.0.1 --port 4711 --workers 1"
		env = "FORWARDED_ALLOW_IPS=127.0.0.1"
	)
	for _, tt := range []struct {
		command string
		server  string
		argv    string
		env     string
		workers int
		limit   int
		notes   string // what the notes are about, in order
	}{
		// As the servers' own documents show them.
		{"uvicorn app.main:app", "uvicorn", "uvicorn app.main:app" + uv, "", 0, 0, ""},
		{"gunicorn app.main:app -k uvicorn_worker.UvicornWorker", "gunicorn", "gunicorn app.main:app -k uvicorn_worker.UvicornWorker" + gu, "", 0, 0, ""},
		{"hypercorn app.main:app", "hypercorn", "hypercorn app.main:app" + hy, "", 0, 0, "ProxyFixMiddleware"},
		{"granian --interface asgi app.main:app", "granian", "granian --interface asgi app.main:app" + gr, "", 0, 0, "wrap_asgi"},
		{"fastapi run app/main.py", "fastapi", "fastapi run app/main.py" + fa, env, 0, 0, "unix socket"},
		{"fastapi dev", "fastapi", "fastapi dev --host 127.0.0.1 --port 4711", env, 0, 0, "unix socket|production"},

		// Behind paths and starters.
		{".venv/bin/uvicorn a:b", "uvicorn", ".venv/bin/uvicorn a:b" + uv, "", 0, 0, ""},
		{"python -m uvicorn a:b", "uvicorn", "python -m uvicorn a:b" + uv, "", 0, 0, ""},
		{"/usr/bin/python3.11 -X dev -u -m uvicorn a:b", "uvicorn", "/usr/bin/python3.11 -X dev -u -m uvicorn a:b" + uv, "", 0, 0, ""},
		{"python3 -muvicorn a:b", "uvicorn", "python3 -muvicorn a:b" + uv, "", 0, 0, ""},
		{"python -m fastapi run m.py", "fastapi", "python -m fastapi run m.py" + fa, env, 0, 0, "unix socket"},
		{"env X=1 -u Y uvicorn a:b", "uvicorn", "env X=1 -u Y uvicorn a:b" + uv, "", 0, 0, ""},
		{"poetry run uvicorn a:b", "uvicorn", "poetry run uvicorn a:b" + uv, "", 0, 0, ""},
		{"poetry -C /srv run python -m gunicorn a:b", "gunicorn", "poetry -C /srv run python -m gunicorn a:b" + gu, "", 0, 0, ""},
		{"uv run --with httpx --frozen uvicorn a:b", "uvicorn", "uv run --with httpx --frozen uvicorn a:b" + uv, "", 0, 0, ""},
		{"uv run -m uvicorn a:b", "uvicorn", "uv run -m uvicorn a:b" + uv, "", 0, 0, ""},
		{"uv run -- uvicorn a:b", "uvicorn", "uv run -- uvicorn a:b" + uv, "", 0, 0, ""},
		{"uv --directory /srv run fastapi run", "fastapi", "uv --directory /srv run fastapi run" + fa, env, 0, 0, "unix socket"},
		{"nice -n 5 opentelemetry-instrument uvicorn a:b", "uvicorn", "nice -n 5 opentelemetry-instrument uvicorn a:b" + uv, "", 0, 0, ""},
		{"newrelic-admin run-program gunicorn a:b", "gunicorn", "newrelic-admin run-program gunicorn a:b" + gu, "", 0, 0, ""},

		// The user's own flags.
		{"uvicorn a:b --host 0.0.0.0 --port=80 --uds /x --fd 3", "uvicorn", "uvicorn a:b" + uv, "", 0, 0, "--fd, --host, --port, --uds dropped"},
		{"uvicorn --workers 4 a:b --limit-max-requests=1000 --limit-max-requests-jitter 5", "uvicorn", "uvicorn a:b" + uv, "", 4, 1000, "--workers taken|--limit-max-requests taken"},
		{"uvicorn a:b --reload --reload-dir src", "uvicorn", "uvicorn a:b --reload --reload-dir src" + uv, "", 0, 0, "--reload kept"},
		{"uvicorn a:b --proxy-headers --forwarded-allow-ips * --server-header", "uvicorn", "uvicorn a:b" + uv, "", 0, 0, "--forwarded-allow-ips replaced"},
		{"uvicorn a:b --no-proxy-headers", "uvicorn", "uvicorn a:b --no-proxy-headers --uds /s --workers 1 --no-server-header --timeout-keep-alive 75", "", 0, 0, "--no-proxy-headers kept"},
		{"uvicorn a:b --timeout-keep-alive=9 --no-proxy-headers", "uvicorn", "uvicorn a:b --timeout-keep-alive=9 --no-proxy-headers --uds /s --workers 1 --no-server-header", "", 0, 0, "--no-proxy-headers kept"},
		{"gunicorn a:b --keep-alive 9", "gunicorn", "gunicorn a:b --keep-alive 9 --bind unix:/s --workers 1 --forwarded-allow-ips *", "", 0, 0, ""},
		{"uvicorn a:b --ssl-keyfile k --ssl-certfile=c", "uvicorn", "uvicorn a:b" + uv, "", 0, 0, "--ssl-certfile, --ssl-keyfile dropped"},
		{"uvicorn --log-level info --factory -- a:b", "uvicorn", "uvicorn --log-level info --factory" + uv + " -- a:b", "", 0, 0, ""},
		{"gunicorn -w4 -b :80 -b unix:/x --bind=[::]:1 -k gevent a:b", "gunicorn", "gunicorn -k gevent a:b" + gu, "", 4, 0, "--bind, -b dropped|-w taken"},
		{"gunicorn --bin :80 --workers=2 --max-requests 9 --max-requests-j 3 a:b", "gunicorn", "gunicorn a:b" + gu, "", 2, 9, "--bind dropped|--workers taken|--max-requests taken"},
		{"gunicorn --worker-class sync --worker-tmp-dir /dev/shm a:b", "gunicorn", "gunicorn --worker-class sync --worker-tmp-dir /dev/shm a:b" + gu, "", 0, 0, ""},
		{"hypercorn -b :1 --insecure-bind :2 --quic-bind :3 -w 0 --certfile c a:b", "hypercorn", "hypercorn a:b" + hy, "", 0, 0, "Proxy|--insecure-bind, --quic-bind, -b dropped|--certfile dropped|-w taken"},
		{"granian --host h --port 1 --http 2 --workers 3 --ssl-client-verify a:b", "granian", "granian a:b" + gr, "", 3, 0, "wrap_asgi|--host, --port dropped|--ssl-client-verify dropped|--http replaced|--workers taken"},
		{"fastapi run --workers 3 --port 8000 --reload m.py", "fastapi", "fastapi run --reload m.py" + fa, env, 3, 0, "unix socket|--port dropped|--workers taken|--reload kept"},

		// Placeholders: the user knows.
		{"uvicorn a:b --uds {socket} --workers 3", "", "uvicorn a:b --uds /s --workers 3", "", 0, 0, ""},
		{"sh -c exec\tserve\t--port={port}", "", "sh -c exec\tserve\t--port=4711", "", 0, 0, ""},
		{"serve http://{host}:{port}/", "", "serve http://127.0.0.1:4711/", "", 0, 0, ""},

		// Not known.
		{"node server.js", "", "node server.js", "HOST=127.0.0.1 PORT=4711", 0, 0, `"node" is not a server`},
		{"python main.py uvicorn", "", "python main.py uvicorn", "HOST=127.0.0.1 PORT=4711", 0, 0, "not a server"},
		{"python -m http.server uvicorn", "", "python -m http.server uvicorn", "HOST=127.0.0.1 PORT=4711", 0, 0, "not a server"},
		{"uv run --with uvicorn serve.py", "", "uv run --with uvicorn serve.py", "HOST=127.0.0.1 PORT=4711", 0, 0, "not a server"},
		{"uv sync uvicorn", "", "uv sync uvicorn", "HOST=127.0.0.1 PORT=4711", 0, 0, "not a server"},
		{"poetry shell uvicorn", "", "poetry shell uvicorn", "HOST=127.0.0.1 PORT=4711", 0, 0, "not a server"},
		{"fastapi deploy", "", "fastapi deploy", "HOST=127.0.0.1 PORT=4711", 0, 0, "not a server"},
		{"fastapi", "", "fastapi", "HOST=127.0.0.1 PORT=4711", 0, 0, "not a server"},
		{"sh -c uvicorn", "", "sh -c uvicorn", "HOST=127.0.0.1 PORT=4711", 0, 0, "not a server"},
		{"env", "", "env", "HOST=127.0.0.1 PORT=4711", 0, 0, "not a server"},
		{"python -m", "", "python -m", "HOST=127.0.0.1 PORT=4711", 0, 0, "not a server"},
	} {
		t.Run(tt.command, func(t *testing.T) {
			command := strings.Split(tt.command, " ")
			kept := slices.Clone(command)
			p, err := Read(command, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(command, kept) {
				t.Errorf("the command given was changed to %q", command)
			}
			addr := Address{"unix", "/s"}
			if p.Network == "tcp" {
				addr = Address{"tcp", "127.0.0.1:4711"}
			}
			argv, env := p.At(addr)
			if got := strings.Join(argv, " "); got != tt.argv {
				t.Errorf("argv\n got %s\nwant %s", got, tt.argv)
			}
			if got := strings.Join(env, " "); got != tt.env {
				t.Errorf("env\n got %s\nwant %s", got, tt.env)
			}
			if p.Server != tt.server || p.Workers != tt.workers || p.MaxRequests != tt.limit {
				t.Errorf("server %q, %d workers, %d requests", p.Server, p.Workers, p.MaxRequests)
			}
			var want []string
			if tt.notes != "" {
				want = strings.Split(tt.notes, "|")
			}
			if len(p.Notes) != len(want) {
				t.Fatalf("notes: %q", p.Notes)
			}
			for i, n := range p.Notes {
				if !strings.Contains(n, want[i]) {
					t.Errorf("note %q is not about %q", n, want[i])
				}
			}
			again, _ := p.At(addr)
			if !slices.Equal(argv, again) {
				t.Errorf("the second time: %q", again)
			}
		})
	}
}

func TestIdleTimeout(t *testing.T) {
	for command, want := range map[string]time.Duration{
		"uvicorn a:b":                        60 * time.Second,
		"uvicorn a:b --timeout-keep-alive 5": 4 * time.Second,
		"gunicorn a:b --keep-alive=0":        time.Millisecond,
		"granian a:b":                        24 * time.Second,
		"fastapi run":                        4 * time.Second,
		"serve {port}":                       4 * time.Second,
		"serve":                              4 * time.Second,
	} {
		p, err := Read(strings.Fields(command), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&Supervisor{plan: p}).IdleTimeout(); got != want {
			t.Errorf("%s: %v, want %v", command, got, want)
		}
	}
}

func TestPlanMistakes(t *testing.T) {
	for _, tt := range []struct {
		command []string
		want    []string
	}{
		{nil, []string{"empty"}},
		{[]string{""}, []string{"empty"}},
		{[]string{"a\x00b"}, []string{"command[0]: a NUL"}},
		{[]string{"serve", "{socket}", "{port}"}, []string{"both {socket} and {port}"}},
		{[]string{"uvicorn", "a:b", "--port"}, []string{"--port: its value is missing"}},
		{[]string{"gunicorn", "a:b", "-D", "--workers", "many", "--proxy-protocol"}, []string{"-D: a daemon", `--workers: "many"`, "--proxy-protocol"}},
		{[]string{"hypercorn", "--keep-alive", "long"}, []string{`--keep-alive: "long"`}},
		{[]string{"hypercorn", "--daemon", "-w", "-1"}, []string{"--daemon", `-w: "-1"`}},
	} {
		_, err := Read(tt.command, nil)
		if err == nil {
			t.Errorf("%q: no error", tt.command)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v\ndoes not say %q", tt.command, err, want)
			}
		}
	}
}

// The law: a recognised command listens at exactly one place, ours, and
// reading the result once more changes nothing.
func FuzzPlan(f *testing.F) {
	for _, s := range []string{
		"uvicorn a:b --port 80 --reload", "gunicorn -w4 -b :80 a:b", "env X=1 python -m hypercorn -- a:b",
		"uv run --with x granian --http 2 a", "fastapi run --port 1", "serve {port}", "uvicorn", "gunicorn --b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		command := strings.Fields(line)
		p, err := Read(command, nil)
		if err != nil {
			return
		}
		addr := Address{"unix", "/ours"}
		if p.Network == "tcp" {
			addr = Address{"tcp", "127.0.0.1:4711"}
		}
		argv, _ := p.At(addr)
		if p.Server == "" {
			if len(argv) != len(command) {
				t.Fatalf("%q became %q", command, argv)
			}
			return
		}
		// Exactly one place to listen is left, and it is ours.
		listen := map[string][]string{
			"uvicorn": {"--uds", "--host", "--port", "--fd"}, "granian": {"--uds", "--host", "--port"},
			"gunicorn": {"--bind", "-b"}, "hypercorn": {"--bind", "-b"}, "fastapi": {"--port"},
		}[p.Server]
		_, at := Find(argv)
		n := 0
		for _, arg := range argv[at+1:] {
			if arg == "--" {
				break
			}
			name, _, _ := servers()[p.Server].split(arg)
			if slices.Contains(listen, name) {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("%q became %q, which listens at %d places", command, argv, n)
		}
		// Reading what was written changes nothing more.
		q, err := Read(argv, nil)
		if err != nil {
			t.Fatalf("%q became %q: %v", command, argv, err)
		}
		if again, _ := q.At(addr); len(again) != len(argv) {
			t.Fatalf("%q became %q, then %q", command, argv, again)
		}
	})
}
