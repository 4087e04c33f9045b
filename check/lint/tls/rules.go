package tls

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var verifyOff = &analysis.Rule{
	ID: "lint/tls-verify-off", Title: "A server's certificate is not verified", Severity: finding.High,
	Refs: []string{"CWE-295", "V12.3.2"},
	Text: "Whoever is on the way answers in the server's name, and reads and changes what is sent: keys and passwords too.",
	Fix:  "Leave verify alone. For a certificate of your own, name the authority: verify=\"ca.pem\", or ssl.create_default_context(cafile=…).",
	Bad:  "import httpx\n\n\ndef fetch(url):\n    return httpx.get(url, verify=False)\n",
	Good: "import httpx\n\n\ndef fetch(url):\n    return httpx.get(url, verify=\"/etc/ssl/own-ca.pem\")\n",
}

var oldVersion = &analysis.Rule{
	ID: "lint/tls-old-version", Title: "TLS of an old version, or with weak ciphers, is allowed", Severity: finding.High,
	Refs: []string{"CWE-326", "CWE-327", "API8", "V12.1.1", "V12.1.2", "RFC 8996"},
	Text: "SSL 3, TLS 1.0 and 1.1, RC4 and 3DES are broken: what is sent can be read or changed.",
	Fix:  "Use ssl.create_default_context(), which is of TLS 1.2 and later, and set nothing below it.",
	Bad:  "import ssl\n\ncontext = ssl.SSLContext(ssl.PROTOCOL_TLSv1)\n",
	Good: "import ssl\n\ncontext = ssl.create_default_context()\ncontext.minimum_version = ssl.TLSVersion.TLSv1_2\n",
}

var noTimeout = &analysis.Rule{
	ID: "lint/no-timeout", Title: "A request to another server waits for ever", Severity: finding.Low,
	Refs: []string{"CWE-1088", "CWE-400", "API4", "V13.2.6"},
	Text: "When the other server does not answer, each of our requests holds a worker until none is left.",
	Fix:  "Pass timeout=10, or what the caller can wait.",
	Bad:  "import requests\n\n\ndef fetch():\n    return requests.get(\"https://example.com\").json()\n",
	Good: "import requests\n\n\ndef fetch():\n    return requests.get(\"https://example.com\", timeout=10).json()\n",
}
