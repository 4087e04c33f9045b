package server

import (
	"slices"
	"testing"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/analysistest"
	"github.com/pavise-dev/pavise/finding"
)

func TestSamples(t *testing.T) { analysistest.Run(t, Analyzer) }

// of gives the findings of a rule.
func of(r *analysis.Rule, name, text string) []analysis.Finding {
	found, _ := analysistest.Find(Analyzer, map[string][]byte{name: []byte(text)}, nil)
	return slices.DeleteFunc(found, func(f analysis.Finding) bool { return f.Rule != r })
}

// TestFix holds fixes to what they leave: nothing to be said.
func TestFix(t *testing.T) {
	const from = "FROM python:3.13\n"
	for _, c := range []struct {
		rule             *analysis.Rule
		name, text, want string
	}{
		{reload, "Dockerfile", from + "CMD [\"uvicorn\", \"a:b\", \"--reload\"]\n", from + "CMD [\"uvicorn\", \"a:b\"]\n"},
		{reload, "Dockerfile", from + "CMD [\"uvicorn\", \"--reload\", \"a:b\"]\n", from + "CMD [\"uvicorn\", \"a:b\"]\n"},
		{reload, "Dockerfile", from + "CMD [ \\\n  \"uvicorn\", \\\n  \"--reload\", \\\n  \"a:b\" \\\n]\n", from + "CMD [ \\\n  \"uvicorn\", \\\n  \"a:b\" \\\n]\n"},
		{reload, "Dockerfile", from + "CMD uvicorn a:b --reload --port 80\n", from + "CMD uvicorn a:b --port 80\n"},
		{reload, "Dockerfile", from + "CMD uvicorn a:b \\\n    --reload \\\n    --port 80\n", from + "CMD uvicorn a:b \\\n    --port 80\n"},
		{reload, "Dockerfile", from + "CMD [\"sh\", \"-c\", \"uvicorn a:b --reload\"]\n", from + "CMD [\"sh\", \"-c\", \"uvicorn a:b\"]\n"},
		{reload, "Dockerfile", from + "CMD [\"fastapi\", \"dev\", \"app/main.py\"]\n", from + "CMD [\"fastapi\", \"run\", \"app/main.py\"]\n"},
		{reload, "run.sh", "exec uvicorn a:b --reload\n", "exec uvicorn a:b\n"},
		{reload, "compose.yaml", "services:\n  api:\n    image: a:1\n    command: uvicorn a:b --reload\n", "services:\n  api:\n    image: a:1\n    command: uvicorn a:b\n"},
		{reload, "compose.yaml", "services:\n  api:\n    image: a:1\n    command: >\n      uvicorn a:b\n      --reload\n      --port 80\n    restart: always\n", "services:\n  api:\n    image: a:1\n    command: >\n      uvicorn a:b\n      --port 80\n    restart: always\n"},
		{reload, "app/main.py", "import uvicorn\nuvicorn.run(\"a:b\", reload=True)\n", "import uvicorn\nuvicorn.run(\"a:b\", reload=False)\n"},
		{banner, "Dockerfile", from + "CMD [\"uvicorn\", \"a:b\", \"--port\", \"80\"]\n", from + "CMD [\"uvicorn\", \"a:b\", \"--no-server-header\", \"--port\", \"80\"]\n"},
		{banner, "Dockerfile", from + "CMD uvicorn a:b\n", from + "CMD uvicorn a:b --no-server-header\n"},
		{banner, "Dockerfile", from + "CMD [\"sh\", \"-c\", \"uvicorn a:b\"]\n", from + "CMD [\"sh\", \"-c\", \"uvicorn a:b --no-server-header\"]\n"},
		{banner, "start.sh", "exec uvicorn \"a:b\" --port 80\n", "exec uvicorn \"a:b\" --no-server-header --port 80\n"},
		{banner, "app/main.py", "import uvicorn\nuvicorn.run(\n    \"a:b\",\n    port=80,\n)\n", "import uvicorn\nuvicorn.run(\n    \"a:b\",\n    port=80, server_header=False,\n)\n"},
		{noAccessLog, "Procfile", "web: uvicorn a:b --no-access-log\n", "web: uvicorn a:b\n"},
		{noAccessLog, "app/main.py", "import uvicorn\nuvicorn.run(\"a:b\", access_log=False)\n", "import uvicorn\nuvicorn.run(\"a:b\", access_log=True)\n"},
	} {
		found := of(c.rule, c.name, c.text)
		if len(found) != 1 || len(found[0].Edits) != 1 {
			t.Errorf("%q: found %v", c.text, found)
			continue
		}
		e := found[0].Edits[0]
		got := c.text[:e.From] + e.Text + c.text[e.To:]
		if e.File != c.name || got != c.want {
			t.Errorf("%q becomes %q, not %q", c.text, got, c.want)
		}
		if again := of(c.rule, c.name, got); len(again) > 0 {
			t.Errorf("%q is still %v", got, again)
		}
	}
}

// TestNoFix holds fixes to what is not mechanical.
func TestNoFix(t *testing.T) {
	for _, c := range []struct {
		rule       *analysis.Rule
		name, text string
	}{
		{banner, "Dockerfile", "FROM a\nENTRYPOINT [\"uvicorn\", \"a:b\"]\nCMD [\"--port\", \"80\"]\n"},
		{banner, "start.sh", "uvicorn \\\n a:b --app-dir a:b\n"},
		{banner, "app/main.py", "import uvicorn\nfrom a import more\nuvicorn.run(\"a:b\", **more)\n"},
		{reload, "compose.yaml", "services:\n  api:\n    image: a:1\n    command: [uvicorn, a:b, --reload]\n"},
		{banner, "compose.yaml", "services:\n  api:\n    image: a:1\n    command:\n      - uvicorn\n      - a:b\n"},
		{reload, "compose.yaml", "services:\n  api:\n    image: a:1\n    command:\n      - uvicorn\n      - a:b\n      - --reload\n"},
	} {
		for _, f := range of(c.rule, c.name, c.text) {
			if len(f.Edits) > 0 {
				t.Errorf("%q is edited: %v", c.text, f.Edits)
			}
		}
	}
}

func TestSeverity(t *testing.T) {
	const app = "import uvicorn\nif __name__ == \"__main__\":\n    uvicorn.run(\"a:b\", "
	for _, c := range []struct {
		rule        *analysis.Rule
		name, text  string
		other, more string
		want        finding.Severity
	}{
		{rule: reload, name: "app/main.py", text: app + "reload=True)\n", want: finding.Low},
		{rule: reload, name: "app/main.py", text: app + "reload=True, host=\"0.0.0.0\")\n", want: finding.Medium},
		{rule: reload, name: "app/main.py", text: app + "reload=True, host=\"0.0.0.0\")\n", other: "Procfile", more: "web: uvicorn a:b\n", want: finding.Low},
		{rule: reload, name: "app/main.py", text: app + "reload=True)\n", other: "Dockerfile", more: "FROM a\nCMD python app/main.py\n", want: finding.Medium},
		{rule: reload, name: "app/main.py", text: app + "reload=True)\n", other: "Dockerfile", more: "FROM a\nCMD [\"uv\", \"run\", \"./main.py\"]\n", want: finding.Medium},
		{rule: reload, name: "compose.yaml", text: "services:\n  api:\n    build: .\n    command: uvicorn a:b --reload\n", want: finding.Medium},
		{rule: reload, name: "compose.yaml", text: "services:\n  api:\n    build: .\n    volumes: [\".:/app\"]\n    command: uvicorn a:b --reload\n", want: finding.Low},
		{rule: bindAll, name: "app/main.py", text: app + "host=\"0.0.0.0\")\n", want: finding.Low},
		{rule: bindAll, name: "app/main.py", text: app + "host=\"0.0.0.0\", reload=True)\n", want: finding.Medium},
		{rule: allowAll, name: "Procfile", text: "web: uvicorn a:b --forwarded-allow-ips='*'\n", want: finding.High},
		{rule: allowAll, name: "app/main.py", text: app + "forwarded_allow_ips=\"*\")\n", want: finding.High},
		{rule: allowAll, name: "app/main.py", text: "import os\n" + app + "forwarded_allow_ips=os.getenv(\"A\", \"*\"))\n", want: finding.Medium},
		{rule: allowAll, name: "app/main.py", text: app + "reload=True, forwarded_allow_ips=\"*\")\n", other: "Procfile", more: "web: uvicorn a:b\n", want: finding.Low},
		{rule: allowAll, name: "compose.yaml", text: "services:\n  proxy:\n    image: traefik:3.6\n  api:\n    image: a:1\n    command: uvicorn a:b --forwarded-allow-ips='*'\n", want: finding.Medium},
		{rule: gunicornNoLimits, name: "Procfile", text: "web: gunicorn a:b --limit-request-line 0\n", want: finding.Medium},
	} {
		files := map[string][]byte{c.name: []byte(c.text)}
		if c.other != "" {
			files[c.other] = []byte(c.more)
		}
		found, _ := analysistest.Find(Analyzer, files, nil)
		found = slices.DeleteFunc(found, func(f analysis.Finding) bool { return f.Rule != c.rule || f.File != c.name })
		if len(found) != 1 || found[0].Severity != c.want {
			t.Errorf("%q: found %v, not of severity %v", c.text, found, c.want)
		}
	}
}
