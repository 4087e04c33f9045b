package server

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var reload = &analysis.Rule{
	ID: "lint/uvicorn-reload", Title: "A server for development is deployed", Severity: finding.Medium,
	Refs: []string{"CWE-489", "API8", "V13.4.2"},
	Text: "A server that reloads watches all files, runs one worker, and starts whatever is written into its folder: an upload that lands there is code.",
	Fix:  "Leave --reload out of what is deployed, and use fastapi run for fastapi dev; keep a second command for development.",
	File: "Dockerfile",
	Bad:  "FROM python:3.13\nCMD [\"uvicorn\", \"app.main:app\", \"--host\", \"0.0.0.0\", \"--reload\"]\n",
	Good: "FROM python:3.13\nCMD [\"uvicorn\", \"app.main:app\", \"--host\", \"0.0.0.0\"]\n",
}

var allowAll = &analysis.Rule{
	ID: "lint/forwarded-allow-all", Title: "Everyone may say where a request comes from", Severity: finding.High,
	Refs: []string{"CWE-348", "CWE-290", "API8", "V4.1.3", "V15.3.4"}, Guard: "clientip", Pavise: "clientip",
	Text: "X-Forwarded-For and X-Forwarded-Proto are believed whoever sends them. A client that writes them has any address it likes: limits by address, lists of addresses and logs hold nothing.",
	Fix:  "Name the proxies: --forwarded-allow-ips=10.0.0.7, or the network that only they are in.",
	File: "Dockerfile",
	Bad:  "FROM python:3.13\nCMD uvicorn app.main:app --proxy-headers --forwarded-allow-ips='*'\n",
	Good: "FROM python:3.13\nCMD uvicorn app.main:app --proxy-headers --forwarded-allow-ips=10.0.0.7\n",
}

var noList = &analysis.Rule{
	ID: "lint/proxy-headers-no-list", Title: "No proxy is named whose headers are read", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-348", "API8", "V15.3.4"}, Guard: "clientip", Pavise: "clientip",
	Text: "Without --forwarded-allow-ips uvicorn believes 127.0.0.1 only. A proxy in another container is none, so each client has the proxy's address: all share one limit, and the logs name nobody.",
	Fix:  "Add --forwarded-allow-ips with the proxy's address, or set FORWARDED_ALLOW_IPS. Never *.",
	File: "Dockerfile",
	Bad:  "FROM python:3.13\nCMD [\"uvicorn\", \"app.main:app\", \"--proxy-headers\"]\n",
	Good: "FROM python:3.13\nCMD [\"uvicorn\", \"app.main:app\", \"--proxy-headers\", \"--forwarded-allow-ips\", \"10.0.0.7\"]\n",
}

var banner = &analysis.Rule{
	ID: "lint/server-banner", Title: "Each response names the server", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-200", "API8", "V13.4.6"}, Guard: "headers", Pavise: "headers",
	Text: "Server: uvicorn tells what to look for. Middleware cannot take it away, for the server adds it later.",
	Fix:  "Start uvicorn with --no-server-header, or server_header=False.",
	File: "Dockerfile",
	Bad:  "FROM python:3.13\nCMD [\"uvicorn\", \"app.main:app\", \"--host\", \"0.0.0.0\"]\n",
	Good: "FROM python:3.13\nCMD [\"uvicorn\", \"app.main:app\", \"--host\", \"0.0.0.0\", \"--no-server-header\"]\n",
}

var noLimits = &analysis.Rule{
	ID: "lint/server-no-limits", Title: "The server takes on all that comes", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-770", "API4", "V15.2.2"}, Guard: "limits", Pavise: "limits",
	Text: "Nothing bounds how many connections are held at once, nor how long a worker lives that leaks memory.",
	Fix:  "Set --limit-concurrency, and --limit-max-requests with something that starts workers again.",
	File: "Dockerfile",
	Bad:  "FROM python:3.13\nCMD [\"uvicorn\", \"app.main:app\", \"--no-server-header\"]\n",
	Good: "FROM python:3.13\nCMD [\"uvicorn\", \"app.main:app\", \"--no-server-header\", \"--limit-concurrency\", \"200\"]\n",
}

var gunicornNoLimits = &analysis.Rule{
	ID: "lint/gunicorn-no-limits", Title: "gunicorn's workers live for ever", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-770", "API4", "V15.2.2"}, Guard: "limits", Pavise: "limits",
	Text: "A worker that leaks memory is never replaced, and nothing bounds what it takes on; a limit that is set to 0 is none.",
	Fix:  "Set --max-requests with --max-requests-jitter, and --timeout; leave the limit_request settings as they are.",
	File: "Procfile",
	Bad:  "web: gunicorn app.main:app -w 4\n",
	Good: "web: gunicorn app.main:app -w 4 --max-requests 1000 --max-requests-jitter 100\n",
}

var timeoutOff = &analysis.Rule{
	ID: "lint/gunicorn-timeout-off", Title: "A worker that hangs is never replaced", Severity: finding.Medium,
	Refs: []string{"CWE-400", "API4", "V15.2.2"}, Pavise: "limits",
	Text: "With timeout 0 gunicorn waits for a worker for ever. A few requests that hang it take the service down until somebody comes.",
	Fix:  "Leave --timeout out, which is 30 seconds, or set what the slowest request needs.",
	File: "Procfile",
	Bad:  "web: gunicorn app.main:app -w 4 --timeout 0\n",
	Good: "web: gunicorn app.main:app -w 4 --timeout 60\n",
}

var bindAll = &analysis.Rule{
	ID: "lint/bind-all", Title: "The server listens on all interfaces", Severity: finding.Low,
	Refs: []string{"CWE-1327", "CWE-668", "API8"},
	Text: "Outside a container 0.0.0.0 is every network that the machine is in: clients reach the server past the proxy, and a server for development is reached by the neighbours.",
	Fix:  "Listen on 127.0.0.1, or on a socket with --uds, and let the proxy be what is reached.",
	Bad:  "import uvicorn\nfrom fastapi import FastAPI\n\napp = FastAPI()\n\nif __name__ == \"__main__\":\n    uvicorn.run(app, host=\"0.0.0.0\", port=8000)\n",
	Good: "import uvicorn\nfrom fastapi import FastAPI\n\napp = FastAPI()\n\nif __name__ == \"__main__\":\n    uvicorn.run(app, host=\"127.0.0.1\", port=8000)\n",
}

var noAccessLog = &analysis.Rule{
	ID: "lint/no-access-log", Title: "Nobody writes down what was asked", Severity: finding.Low,
	Refs: []string{"CWE-778", "V16.3.2"}, Pavise: "gateway",
	Text: "The access log is off, and no middleware or proxy of the project keeps one: after an attack nobody can tell what was taken.",
	Fix:  "Leave --no-access-log out, or log requests in a middleware.",
	File: "Dockerfile",
	Bad:  "FROM python:3.13\nCMD [\"uvicorn\", \"app.main:app\", \"--no-access-log\"]\n",
	Good: "FROM python:3.13\nCMD [\"uvicorn\", \"app.main:app\"]\n",
}

var debugLog = &analysis.Rule{
	ID: "lint/server-debug-log", Title: "The server logs at the level of debugging", Severity: finding.Low,
	Refs: []string{"CWE-532", "CWE-489", "API8", "V13.4.2"},
	Text: "At debug and trace the server, and libraries that follow its level, write headers and messages into the log: tokens and what users sent.",
	Fix:  "Set --log-level info, or take it from the environment with info as the default.",
	File: "Dockerfile",
	Bad:  "FROM python:3.13\nCMD [\"uvicorn\", \"app.main:app\", \"--log-level\", \"debug\"]\n",
	Good: "FROM python:3.13\nCMD [\"uvicorn\", \"app.main:app\", \"--log-level\", \"info\"]\n",
}
