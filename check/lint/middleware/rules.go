package middleware

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

const app = "from fastapi import FastAPI\n\napp = FastAPI()\n"

var noHosts = &analysis.Rule{
	ID: "lint/no-host-check", Title: "No check of the Host header", Severity: finding.Medium, Kind: analysis.Posture,
	Refs:   []string{"CWE-346", "CWE-350", "API8", "RFC 9110 section 7.2"},
	Text:   "Links in mails, redirects and caches are made from the Host header, which the client chooses: a password reset link can point to somebody else's site.",
	Fix:    "Add TrustedHostMiddleware with the names of the service, or let the policy in front list them.",
	Pavise: "hosts.allow", Guard: "hosts",
	Bad:  app,
	Good: app + "app.add_middleware(TrustedHostMiddleware, allowed_hosts=[\"api.example.com\"])\n\nfrom starlette.middleware.trustedhost import TrustedHostMiddleware\n",
}

var noHTTPS = &analysis.Rule{
	ID: "lint/no-https", Title: "Plain HTTP is neither refused nor redirected", Severity: finding.Medium, Kind: analysis.Posture,
	Refs:   []string{"CWE-319", "API8", "V12.2.1"},
	Text:   "A client that is sent to http:// sends its token in the clear, and nothing tells it.",
	Fix:    "Refuse plain HTTP for an API, redirect it for pages; or let the policy in front do it.",
	Pavise: "https", Guard: "https",
	Bad:  app,
	Good: app + "app.add_middleware(HTTPSRedirectMiddleware)\n\nfrom starlette.middleware.httpsredirect import HTTPSRedirectMiddleware\n",
}

var noHeaders = &analysis.Rule{
	ID: "lint/no-security-headers", Title: "No security headers", Severity: finding.Medium, Kind: analysis.Posture,
	Refs:   []string{"CWE-693", "CWE-1021", "API8", "V3.4.4", "V3.4.6"},
	Text:   "Without nosniff, framing rules, a content security policy and HSTS, a browser guesses types, lets itself be framed, and falls back to plain HTTP.",
	Fix:    "Set the headers on every response, also on errors, in a pure ASGI middleware or in front.",
	Pavise: "headers", Guard: "headers",
	Bad:  app,
	Good: app + "\n\n@app.middleware(\"http\")\nasync def headers(request, call_next):\n    response = await call_next(request)\n    response.headers[\"X-Content-Type-Options\"] = \"nosniff\"\n    return response\n",
}

var noBodyLimit = &analysis.Rule{
	ID: "lint/no-body-limit", Title: "No limit on the size of a body", Severity: finding.Medium, Kind: analysis.Posture,
	Refs:   []string{"CWE-770", "API4", "V5.2.1", "V15.2.2"},
	Text:   "FastAPI bounds no body unless it is told to, and uvicorn none at all: what a client sends is read into memory before a model sees it.",
	Fix:    "Bound bodies in front, by max_body_size where FastAPI knows it, or in an ASGI middleware that counts what it receives: Content-Length alone says nothing of chunked bodies.",
	Pavise: "limits.body", Guard: "limits",
	Bad:  app,
	Good: app + "app.add_middleware(LimitBodySize, max_bytes=1 << 20)\n\n\nclass LimitBodySize:\n    pass\n",
}

var hostWildcard = &analysis.Rule{
	ID: "lint/host-wildcard", Title: "Every host is trusted", Severity: finding.Medium,
	Refs:   []string{"CWE-346", "CWE-350", "API8"},
	Text:   "TrustedHostMiddleware with \"*\" lets every Host header pass: it is as if it were not there.",
	Fix:    "List the names that the service is reached by.",
	Pavise: "hosts.allow",
	Bad:    "from fastapi import FastAPI\nfrom fastapi.middleware.trustedhost import TrustedHostMiddleware\n\napp = FastAPI()\napp.add_middleware(TrustedHostMiddleware, allowed_hosts=[\"*\"])\n",
	Good:   "from fastapi import FastAPI\nfrom fastapi.middleware.trustedhost import TrustedHostMiddleware\n\napp = FastAPI()\napp.add_middleware(TrustedHostMiddleware, allowed_hosts=[\"*.example.com\"])\n",
}

var corsInner = &analysis.Rule{
	ID: "lint/cors-not-outermost", Title: "CORS is not the outermost middleware", Severity: finding.Low,
	Refs:   []string{"CWE-696", "https://www.starlette.io/middleware/"},
	Text:   "Of middleware that is added, the last is the outermost. What stands around CORSMiddleware refuses without CORS headers, and refuses preflights: the page sees a network error, and somebody opens CORS too wide to mend it.",
	Fix:    "Add CORSMiddleware last.",
	Pavise: "origins",
	Bad:    "from fastapi import FastAPI\nfrom fastapi.middleware.cors import CORSMiddleware\nfrom app.auth import AuthMiddleware\n\napp = FastAPI()\napp.add_middleware(CORSMiddleware, allow_origins=[\"https://shop.example.com\"])\napp.add_middleware(AuthMiddleware)\n",
	Good:   "from fastapi import FastAPI\nfrom fastapi.middleware.cors import CORSMiddleware\nfrom app.auth import AuthMiddleware\n\napp = FastAPI()\napp.add_middleware(AuthMiddleware)\napp.add_middleware(CORSMiddleware, allow_origins=[\"https://shop.example.com\"])\n",
}

var gzipSecrets = &analysis.Rule{
	ID: "lint/gzip-secrets", Title: "A secret is compressed beside what the client sent", Severity: finding.Low,
	Refs: []string{"CWE-203", "https://www.breachattack.com/"},
	Text: "Where a secret and a text of the client are compressed together, the length tells how much of the secret was guessed (BREACH).",
	Fix:  "Do not compress responses that hold secrets, or mask the secret anew in each response.",
	Bad:  "from fastapi import FastAPI\nfrom fastapi.middleware.gzip import GZipMiddleware\n\napp = FastAPI()\napp.add_middleware(GZipMiddleware)\n\n\n@app.get(\"/form\")\ndef form(q: str):\n    return {\"csrf_token\": session_token(), \"query\": q}\n",
	Good: "from fastapi import FastAPI\nfrom fastapi.middleware.gzip import GZipMiddleware\n\napp = FastAPI()\napp.add_middleware(GZipMiddleware)\n\n\n@app.get(\"/form\")\ndef form(q: str):\n    return {\"query\": q}\n",
}

var baseHTTP = &analysis.Rule{
	ID: "lint/base-http-middleware", Title: "BaseHTTPMiddleware is in use", Severity: finding.Info, Kind: analysis.Posture,
	Refs: []string{"https://www.starlette.io/middleware/"},
	Text: "A BaseHTTPMiddleware runs the application in a task of its own: context variables do not come out of it, background tasks wait, an error within reaches it twice, and each costs several times what a pure ASGI middleware does. Headers that it sets are missing on answers to unhandled errors.",
	Fix:  "Write a class with async def __call__(self, scope, receive, send), or do it in front.",
	Bad:  "from starlette.middleware.base import BaseHTTPMiddleware\n\n\nclass Headers(BaseHTTPMiddleware):\n    async def dispatch(self, request, call_next):\n        return await call_next(request)\n",
	Good: "class Headers:\n    def __init__(self, app):\n        self.app = app\n\n    async def __call__(self, scope, receive, send):\n        await self.app(scope, receive, send)\n",
}

var headersPop = &analysis.Rule{
	ID: "lint/headers-pop", Title: "Headers of a response have no pop", Severity: finding.High,
	Refs: []string{"CWE-248", "CWE-703"},
	Text: "Starlette's MutableHeaders has neither pop nor clear: the line raises AttributeError, and each request is answered with 500.",
	Fix:  "Write `if name in response.headers: del response.headers[name]`.",
	Bad:  "async def headers(request, call_next):\n    response = await call_next(request)\n    response.headers.pop(\"server\", None)\n    return response\n",
	Good: "async def headers(request, call_next):\n    response = await call_next(request)\n    if \"x-powered-by\" in response.headers:\n        del response.headers[\"x-powered-by\"]\n    return response\n",
}

var serverHeader = &analysis.Rule{
	ID: "lint/server-header-removed", Title: "The server header is removed where it is not", Severity: finding.Low,
	Refs:   []string{"CWE-200", "V13.4.6"},
	Text:   "uvicorn adds its server header after the application has answered: no middleware can remove it.",
	Fix:    "Start uvicorn with --no-server-header, or have the header removed in front.",
	Pavise: "headers",
	Bad:    "async def headers(request, call_next):\n    response = await call_next(request)\n    del response.headers[\"Server\"]\n    return response\n",
	Good:   "async def headers(request, call_next):\n    response = await call_next(request)\n    del response.headers[\"X-Internal\"]\n    return response\n",
}

var hstsShort = &analysis.Rule{
	ID: "lint/hsts-short", Title: "HSTS lasts less than a year", Severity: finding.Low,
	Refs:   []string{"CWE-319", "API8", "V3.4.1", "RFC 6797 section 6.1.1"},
	Text:   "A browser that was away longer than max-age asks by plain HTTP again.",
	Fix:    "Set max-age to 31536000 or more.",
	Pavise: "headers.hsts",
	Bad:    "HEADERS = {\"Strict-Transport-Security\": \"max-age=3600\"}\n",
	Good:   "HEADERS = {\"Strict-Transport-Security\": \"max-age=63072000; includeSubDomains\"}\n",
}

var xssProtection = &analysis.Rule{
	ID: "lint/xss-protection", Title: "X-XSS-Protection is switched on", Severity: finding.Low,
	Refs:   []string{"CWE-79", "https://owasp.org/www-project-secure-headers/"},
	Text:   "The filter that it switches on is gone from browsers, and in the old ones that have it, it makes holes in pages that have none.",
	Fix:    "Send 0, or nothing; a content security policy is what helps.",
	Pavise: "headers",
	Bad:    "HEADERS = {\"X-XSS-Protection\": \"1; mode=block\"}\n",
	Good:   "HEADERS = {\"X-XSS-Protection\": \"0\"}\n",
}

var cspWeak = &analysis.Rule{
	ID: "lint/csp-weak", Title: "A content security policy lets any script run", Severity: finding.Low,
	Refs:   []string{"CWE-693", "CWE-79", "API8", "V3.4.3", "https://www.w3.org/TR/CSP3/"},
	Text:   "A policy is there for the day on which a page holds what somebody else wrote: with 'unsafe-inline', data: or every host among the sources of scripts, that runs as before.",
	Fix:    "For an API, send default-src 'none'; frame-ancestors 'none'. For pages, script-src 'self', and a nonce or a hash for what stands within.",
	Pavise: "headers",
	Bad:    "HEADERS = {\"Content-Security-Policy\": \"default-src * 'unsafe-inline' 'unsafe-eval'\"}\n",
	Good:   "HEADERS = {\"Content-Security-Policy\": \"default-src 'none'; frame-ancestors 'none'\"}\n",
}

var bodyLength = &analysis.Rule{
	ID: "lint/body-limit-length", Title: "The limit of bodies believes Content-Length", Severity: finding.Medium,
	Refs:   []string{"CWE-770", "API4", "V15.2.2", "RFC 9112 section 6.3"},
	Text:   "A chunked body has no Content-Length, and is read whole however large it is: who wants to send much leaves the header out.",
	Fix:    "Count what is received, in a wrapper of receive, and answer 413 at the limit; or refuse bodies without the header by 411.",
	Pavise: "limits.body", Guard: "limits",
	Bad:  app + "\n\n@app.middleware(\"http\")\nasync def limit_body(request, call_next):\n    if int(request.headers.get(\"content-length\", 0)) > 1_000_000:\n        return Response(status_code=413)\n    return await call_next(request)\n\n\nfrom fastapi import Response\n",
	Good: app + "\n\n@app.middleware(\"http\")\nasync def limit_body(request, call_next):\n    if \"content-length\" not in request.headers and request.method != \"GET\":\n        return Response(status_code=411)\n    if int(request.headers.get(\"content-length\", 0)) > 1_000_000:\n        return Response(status_code=413)\n    return await call_next(request)\n\n\nfrom fastapi import Response\n",
}
