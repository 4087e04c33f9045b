package output

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

const head = "from fastapi import FastAPI\nfrom fastapi.responses import HTMLResponse, RedirectResponse, Response\n\napp = FastAPI()\n\n\n"

var xss = &analysis.Rule{
	ID: "lint/xss", Title: "Text of a user goes into HTML as it came", Severity: finding.High,
	Refs:   []string{"CWE-79", "V1.2.1", "https://cheatsheetseries.owasp.org/cheatsheets/Cross_Site_Scripting_Prevention_Cheat_Sheet.html"},
	Text:   "A name that is written as <script> runs in the browser of whoever sees the page, with that user's cookies.",
	Fix:    "Escape it with html.escape where it is put in, or render a template through Jinja2Templates, which escapes.",
	Pavise: "headers (a Content-Security-Policy stops most of what gets through)",
	Bad:    head + "@app.get(\"/hello\")\ndef hello(name: str):\n    return HTMLResponse(f\"<h1>Hello {name}</h1>\")\n",
	Good:   "from html import escape\n\n" + head + "@app.get(\"/hello\")\ndef hello(name: str):\n    return HTMLResponse(f\"<h1>Hello {escape(name)}</h1>\")\n",
}

var autoescape = &analysis.Rule{
	ID: "lint/autoescape-off", Title: "Templates do not escape", Severity: finding.Medium,
	Refs:   []string{"CWE-79", "CWE-116", "V1.2.1", "https://jinja.palletsprojects.com/en/stable/api/#autoescaping"},
	Text:   "jinja2.Environment escapes nothing unless it is told to: each {{ name }} in a page is a place for a script.",
	Fix:    "Make it with autoescape=True (or select_autoescape()), or use Starlette's Jinja2Templates.",
	Pavise: "headers (a Content-Security-Policy stops most of what gets through)",
	Bad:    "from jinja2 import Environment, FileSystemLoader\n\nenv = Environment(loader=FileSystemLoader(\"templates\"))\npage = env.get_template(\"page.html\")\n",
	Good:   "from jinja2 import Environment, FileSystemLoader\n\nenv = Environment(loader=FileSystemLoader(\"templates\"), autoescape=True)\npage = env.get_template(\"page.html\")\n",
}

var redirect = &analysis.Rule{
	ID: "lint/open-redirect", Title: "The request says to which site the browser is sent", Severity: finding.Medium,
	Refs: []string{"CWE-601", "V3.7.2", "https://cheatsheetseries.owasp.org/cheatsheets/Unvalidated_Redirects_and_Forwards_Cheat_Sheet.html"},
	Text: "A link to your own login that ends at a copy of it is what phishing is made of; codes and tokens in the address go along. //host and /\\host name a host too.",
	Fix:  "Redirect to a fixed path or url_for, or compare the target's host with a list; a path must begin with one / and not with two.",
	Bad:  head + "@app.get(\"/login\")\ndef login(next: str = \"/\"):\n    return RedirectResponse(next)\n",
	Good: head + "@app.get(\"/login\")\ndef login(next: str = \"/\"):\n    if not next.startswith(\"/\") or next.startswith((\"//\", \"/\\\\\")):\n        next = \"/\"\n    return RedirectResponse(next)\n",
}

var header = &analysis.Rule{
	ID: "lint/header-injection", Title: "Text of the request goes into a header as it came", Severity: finding.Medium,
	Refs:   []string{"CWE-113", "CWE-93", "V1.2.1", "RFC 9110 section 5.5"},
	Text:   "A line break ends the header: what follows is a header, a cookie or a body of the sender's choice, where the server lets it through, and an error 500 where not. A quote ends the file name of Content-Disposition.",
	Fix:    "Encode it with urllib.parse.quote (filename*=UTF-8''…), or let FileResponse(filename=…) do so.",
	Pavise: "wire",
	Bad:    head + "@app.get(\"/report\")\ndef report(name: str):\n    return Response(b\"\", headers={\"Content-Disposition\": f'attachment; filename=\"{name}\"'})\n",
	Good:   "from urllib.parse import quote\n\n" + head + "@app.get(\"/report\")\ndef report(name: str):\n    return Response(b\"\", headers={\"Content-Disposition\": f\"attachment; filename*=UTF-8''{quote(name)}\"})\n",
}

var logs = &analysis.Rule{
	ID: "lint/log-injection", Title: "Text of requests goes into the log as it came", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-117", "V16.4.1"},
	Text: "A line break in a name begins a new line in the log, which may say whatever its sender likes: that somebody else logged in, for one.",
	Fix:  "Log with !r or %r, or in JSON.",
	Bad:  "import logging\n\n" + head + "logger = logging.getLogger(__name__)\n\n\n@app.get(\"/search\")\ndef search(q: str):\n    logger.info(f\"search for {q}\")\n",
	Good: "import logging\n\n" + head + "logger = logging.getLogger(__name__)\n\n\n@app.get(\"/search\")\ndef search(q: str):\n    logger.info(f\"search for {q!r}\")\n",
}

var xxe = &analysis.Rule{
	ID: "lint/xxe", Title: "XML of strangers is read with its entities", Severity: finding.High,
	Refs: []string{"CWE-611", "CWE-776", "V1.5.1", "https://docs.python.org/3/library/xml.html#xml-security"},
	Text: "A document may define an entity as a file or an address, and the parser puts its content in; or one that grows to gigabytes.",
	Fix:  "Parse with defusedxml, or with lxml.etree.XMLParser(resolve_entities=False, no_network=True).",
	Bad:  "from fastapi import FastAPI, Request\nfrom lxml import etree\n\napp = FastAPI()\n\n\n@app.post(\"/feed\")\nasync def feed(request: Request):\n    parser = etree.XMLParser(resolve_entities=True)\n    return etree.fromstring(await request.body(), parser).tag\n",
	Good: "from defusedxml import ElementTree\nfrom fastapi import FastAPI, Request\n\napp = FastAPI()\n\n\n@app.post(\"/feed\")\nasync def feed(request: Request):\n    return ElementTree.fromstring(await request.body()).tag\n",
}

var redos = &analysis.Rule{
	ID: "lint/redos", Title: "A pattern takes time that doubles with each character", Severity: finding.Medium,
	Refs: []string{"CWE-1333", "V1.3.12"},
	Text: "A repetition within a repetition can split the same text in many ways, and Python's re tries all of them before it says no: thirty characters hold a worker for minutes.",
	Fix:  "Let the parts of the pattern exclude each other (one repetition, or a separator between), and bound the length of the text.",
	Bad:  "import re\n\n" + head + "@app.get(\"/check\")\ndef check(name: str):\n    return bool(re.match(r\"^(\\w+\\s?)*$\", name))\n",
	Good: "import re\n\n" + head + "@app.get(\"/check\")\ndef check(name: str):\n    return bool(re.match(r\"^\\w+(\\s\\w+)*$\", name))\n",
}

var hostLink = &analysis.Rule{
	ID: "lint/host-in-link", Title: "The request says which host a link leads to", Severity: finding.Medium,
	Refs:   []string{"CWE-644", "CWE-640", "API8", "RFC 9110 section 7.2", "https://portswigger.net/web-security/host-header"},
	Text:   "Host and X-Forwarded-Host are what the client wrote: the link of a reset leads to a site of the sender's choice, and a cache gives it to others.",
	Fix:    "Make links of a setting that holds the public address, or compare the host with a list first.",
	Pavise: "hosts.allow", Guard: "hosts",
	Bad:  "from fastapi import FastAPI, Request\n\napp = FastAPI()\n\n\n@app.post(\"/forgot\")\ndef forgot(request: Request):\n    host = request.headers.get(\"x-forwarded-host\") or request.headers[\"host\"]\n    return {\"continue_at\": f\"https://{host}/reset\"}\n",
	Good: "from fastapi import FastAPI\n\nfrom .settings import settings\n\napp = FastAPI()\n\n\n@app.post(\"/forgot\")\ndef forgot():\n    return {\"continue_at\": f\"{settings.public_url}/reset\"}\n",
}

var mailHead = &analysis.Rule{
	ID: "lint/email-header-injection", Title: "Text of the request goes into the head of a mail as it came", Severity: finding.High,
	Refs: []string{"CWE-93", "V1.3.11", "RFC 5322 section 2.2", "https://docs.python.org/3/library/email.message.html"},
	Text: "A line break ends the header: what follows is a Bcc to thousands, another From, or a body of the sender's choice, and it comes from your server.",
	Fix:  "Make an EmailMessage and set its headers, which refuses line breaks, and send it by send_message.",
	Bad:  "import smtplib\n\n" + head + "@app.post(\"/share\")\ndef share(to: str, subject: str):\n    with smtplib.SMTP(\"mail\") as smtp:\n        smtp.sendmail(\"shop@example.com\", [to], f\"Subject: {subject}\\r\\n\\r\\nHave a look.\")\n",
	Good: "import smtplib\nfrom email.message import EmailMessage\n\n" + head + "@app.post(\"/share\")\ndef share(to: str, subject: str):\n    message = EmailMessage()\n    message[\"Subject\"] = subject\n    with smtplib.SMTP(\"mail\") as smtp:\n        smtp.send_message(message, \"shop@example.com\", [to])\n",
}

var formula = &analysis.Rule{
	ID: "lint/csv-formula", Title: "A text of a user may be a formula in a spreadsheet", Severity: finding.Medium,
	Refs: []string{"CWE-1236", "V1.2.10", "https://owasp.org/www-community/attacks/CSV_Injection"},
	Text: "A cell that begins with =, +, - or @ is a formula to whoever opens the file: =HYPERLINK(…) sends what stands in other cells elsewhere, and older programs run commands. Quotes of CSV do not change that.",
	Fix:  "Put a ' before texts that begin with =, +, -, @, a tab or a carriage return, in one function through which each cell goes.",
	Bad:  "import csv\nimport io\n\n" + head + "@app.get(\"/export\")\ndef export(title: str):\n    buffer = io.StringIO()\n    csv.writer(buffer).writerow([title, 1])\n    return Response(buffer.getvalue(), media_type=\"text/csv\")\n",
	Good: "import csv\nimport io\n\n" + head + "def cell(text: str) -> str:\n    return \"'\" + text if text.startswith((\"=\", \"+\", \"-\", \"@\", \"\\t\", \"\\r\")) else text\n\n\n@app.get(\"/export\")\ndef export(title: str):\n    buffer = io.StringIO()\n    csv.writer(buffer).writerow([cell(title), 1])\n    return Response(buffer.getvalue(), media_type=\"text/csv\")\n",
}
