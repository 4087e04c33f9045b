// Package ssrf finds requests to servers that a client chooses.
package ssrf

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
	"github.com/pavise-dev/pavise/finding"
)

var forged = &analysis.Rule{
	ID: "lint/ssrf", Title: "A client chooses the server that is asked", Severity: finding.High,
	Refs: []string{"CWE-918", "API7", "V1.3.6", "V13.2.4"},
	Text: "The application sees what the client does not: other services, and http://169.254.169.254, which gives out the machine's own keys. That a URL is well formed, as HttpUrl says, is no protection.",
	Fix:  "Compare the host with a list. Where any host must do, resolve it, refuse private and link-local addresses, connect to the address that was looked at, and follow no redirects.",
	Bad:  "import httpx\nfrom fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get(\"/preview\")\nasync def preview(url: str):\n    async with httpx.AsyncClient() as client:\n        return (await client.get(url)).text\n",
	Good: "import httpx\nfrom fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get(\"/users/{name}\")\nasync def user(name: str):\n    async with httpx.AsyncClient() as client:\n        return (await client.get(f\"https://api.github.com/users/{name}\")).json()\n",
}

// Analyzer looks at requests that the application makes.
var Analyzer = &analysis.Analyzer{Name: "ssrf", Rules: []*analysis.Rule{forged}, Run: run}

func run(p *analysis.Pass) {
	kept := writers(p)
	p.Made(func(c *pymodel.Call) {
		to := destinations(c)
		if len(to) == 0 || transported(p, c) {
			return
		}
		for _, d := range to {
			if t := chosen(p, c.Scope, d.expr, d.url, 0); t != nil && !vetted(p, t) {
				p.PythonAt(forged, c.Module, c.Call, "%s chooses the host", analysis.Written(c.Module, t.Leaf))
				return
			}
		}
		if len(kept) == 0 {
			return
		}
		for _, d := range to {
			if d.url && stored(p, kept, c, d.expr) {
				return
			}
		}
	})
}

// transported tells whether a client connects by a transport of one's own,
// which is where addresses are looked at.
func transported(p *analysis.Pass, c *pymodel.Call) bool {
	r := c.Receiver()
	return r != nil && slices.ContainsFunc(p.Python.Origins(c.Scope, r), func(o pymodel.Origin) bool {
		made, ok := o.Expr.(*pyast.Call)
		return ok && guarded(o.Scope, made)
	})
}

func guarded(s *pymodel.Scope, made *pyast.Call) bool {
	for _, name := range []string{"transport", "connector", "mounts", "resolver"} {
		e := pymodel.Keyword(made, name)
		if e == nil {
			continue
		}
		t := s.TypeOf(e)
		if t.Class != nil || analysis.Mentions(e, func(id string) bool {
			return analysis.Names(id, "safe", "guard", "guarded", "ssrf", "filter", "public", "restricted", "secure")
		}) {
			return true
		}
	}
	return false
}

// A destination is an argument that says where a request goes: a URL, or a
// host.
type destination struct {
	expr pyast.Expr
	url  bool
}

var verbs = []string{"get", "post", "put", "patch", "delete", "head", "options"}

func destinations(c *pymodel.Call) []destination {
	name := c.Name()
	method := c.Method()
	url := func(i int) []destination {
		e := c.Arg(i, "url")
		if e == nil {
			e = c.Keyword("str_or_url")
		}
		return []destination{{e, true}}
	}
	for _, top := range []string{"requests.", "httpx.", "aiohttp.", "urllib3.", "niquests.", "requests_futures.", "curl_cffi.", "httplib2.", "treq.", "grequests."} {
		if !strings.HasPrefix(name, top) {
			continue
		}
		switch {
		case slices.Contains(verbs, method), method == "ws_connect":
			return url(0)
		case method == "request" || method == "stream" || method == "build_request" || method == "Request" || method == "urlopen":
			if name == "httplib2.Http.request" {
				return url(0)
			}
			return url(1)
		case method == "Client" || method == "AsyncClient" || method == "ClientSession":
			return []destination{{c.Keyword("base_url"), true}}
		}
		return nil
	}
	switch name {
	case "urllib.request.urlopen", "urllib.request.Request", "urllib.request.urlretrieve", "websockets.connect", "websockets.client.connect", "websocket.create_connection", "feedparser.parse", "wget.download", "newspaper.Article", "pandas.read_html", "pdfkit.from_url", "weasyprint.HTML", "trafilatura.fetch_url":
		return url(0)
	case "http.client.HTTPConnection", "http.client.HTTPSConnection", "asyncio.open_connection", "smtplib.SMTP", "smtplib.SMTP_SSL", "ftplib.FTP", "telnetlib.Telnet", "imaplib.IMAP4", "poplib.POP3", "ldap3.Server", "asyncio.get_event_loop.create_connection":
		return []destination{{c.Arg(0, "host"), false}}
	case "socket.create_connection":
		return []destination{{address(c.Scope, c.Arg(0, "address")), false}}
	}
	r := c.Receiver()
	if r == nil {
		return nil
	}
	if method == "goto" { // playwright, pyppeteer
		return url(0)
	}
	if method == "connect" {
		if strings.HasPrefix(c.Scope.TypeOf(r).Name, "socket.") || isSocket(c, r) {
			return []destination{{address(c.Scope, c.Arg(0, "address")), false}}
		}
		if strings.HasPrefix(name, "paramiko.") {
			return []destination{{c.Arg(0, "hostname"), false}}
		}
		return nil
	}
	return unknown(c, r)
}

func isSocket(c *pymodel.Call, r pyast.Expr) bool {
	made := c.Scope.Made(r)
	return made != nil && c.Scope.Qualified(made.Func) == "socket.socket"
}

// address is the host of (host, port).
func address(s *pymodel.Scope, e pyast.Expr) pyast.Expr {
	if list, at := s.List(e); len(list) > 0 && at == s {
		return list[0]
	}
	return e
}

// unknown reads calls of clients whose class is not known: request.app.state.
// http.get(url). What is asked for must look like a URL, since stores and
// dicts have a get too.
func unknown(c *pymodel.Call, r pyast.Expr) []destination {
	if t := c.Scope.TypeOf(r); t.Name != "" && c.Name() != "" {
		return nil
	}
	leaf := analysis.Leaf(r)
	made := c.Scope.Made(r)
	if made != nil && strings.HasPrefix(c.Scope.Qualified(made.Func), "requests.") {
		leaf = "session"
	}
	if !analysis.Names(leaf, "client", "http", "https", "session", "requests", "httpx", "aiohttp", "fetcher", "downloader") || analysis.Names(leaf, "redis", "cache", "s3", "db", "database", "sql", "mongo", "test", "storage") {
		return nil
	}
	var e pyast.Expr
	switch method := c.Method(); {
	case slices.Contains(verbs, method):
		e = c.Arg(0, "url")
	case method == "request" || method == "stream" || method == "build_request":
		e = c.Arg(1, "url")
	}
	if e == nil {
		return nil
	}
	if c.Keyword("url") == e {
		return []destination{{e, true}}
	}
	pieces := c.Scope.Pieces(e)
	if pieces[0].Expr == nil && strings.HasPrefix(pieces[0].Text, "http") {
		return []destination{{e, true}}
	}
	if analysis.Mentions(e, func(id string) bool {
		return analysis.Names(id, "url", "uri", "endpoint", "webhook", "callback", "link", "href", "host", "target", "address", "domain", "site", "feed", "src")
	}) {
		return []destination{{e, true}}
	}
	return nil
}

// fixed is a URL whose host is complete.
var fixed = lazy.Regexp(`^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]+[/?#]`)

// begun is one of which the host is yet to come.
var begun = lazy.Regexp(`^([A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*$`)

// chosen tells how request data comes to the host of a URL.
func chosen(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, url bool, depth int) *pymodel.Trail {
	if e == nil || depth > 12 {
		return nil
	}
	if !url {
		return p.Python.Reaches(s, e, nil)
	}
	return p.Python.Reaches(s, e, func(s *pymodel.Scope, e pyast.Expr) bool { return elsewhere(p, s, e, depth) })
}

// elsewhere tells whether request data in an expression that builds a URL
// stands behind the host, or is no URL at all.
func elsewhere(p *analysis.Pass, s *pymodel.Scope, e pyast.Expr, depth int) bool {
	switch x := e.(type) {
	case *pyast.Call:
		switch s.Qualified(x.Func) {
		case "urllib.parse.urljoin":
			// An absolute URL in the second takes the place of the first.
			return chosen(p, s, pymodel.Arg(x, 0, "base"), true, depth+1) == nil && chosen(p, s, pymodel.Arg(x, 1, "url"), true, depth+1) == nil
		case "urllib.parse.urlencode", "urllib.parse.quote", "urllib.parse.quote_plus":
			return true
		}
		a, ok := x.Func.(*pyast.Attribute)
		if !ok {
			return false
		}
		switch a.Attr {
		case "format", "format_map":
		case "join": // "/".join([base, name])
			list, at := s.List(pymodel.Arg(x, 0, ""))
			return len(list) > 0 && chosen(p, at, list[0], true, depth+1) == nil
		case "copy_with", "include_query_params", "replace_query_params":
			return chosen(p, s, a.Value, true, depth+1) == nil
		default:
			return false
		}
	case *pyast.JoinedStr, *pyast.BinOp:
	default:
		return false
	}
	pieces := s.Pieces(e)
	if len(pieces) == 1 && pieces[0].Expr == e {
		return false
	}
	before := ""
	for i, piece := range pieces {
		if piece.Expr == nil {
			before += piece.Text
			if fixed().MatchString(before) || !begun().MatchString(before) && !scheme(before) {
				return true
			}
			continue
		}
		if chosen(p, piece.Scope, piece.Expr, true, depth+1) != nil {
			return false
		}
		if i == 0 {
			// It begins with what the application knows: a base, unless that
			// is the scheme alone.
			if i+1 >= len(pieces) || !strings.HasPrefix(pieces[i+1].Text, "://") {
				return true
			}
			before = "http"
			continue
		}
		before += "x"
	}
	return true
}

// scheme tells whether a text may go on as a scheme, or as the end of one.
func scheme(text string) bool {
	return text == "" || strings.HasPrefix("https://", text) || strings.HasPrefix("http://", text)
}

// vetted tells whether a function on the way looks at the host.
func vetted(p *analysis.Pass, t *pymodel.Trail) bool {
	if p.Vetted(t, "url", "uri", "host", "hostname", "ip", "address", "domain", "webhook", "target", "endpoint", "ssrf", "origin", "destination", "link", "callback") {
		return true
	}
	return slices.ContainsFunc(t.Funcs, looksAtHost)
}

// looksAtHost tells whether a function compares a host with a list, or an
// address with the private ones.
func looksAtHost(f *pymodel.Func) bool {
	found := false
	pyast.Inspect(f.FunctionDef, func(n pyast.Node) bool {
		switch n := n.(type) {
		case *pyast.Attribute:
			switch n.Attr {
			case "is_private", "is_global", "is_loopback", "is_link_local", "is_reserved":
				found = true
			}
		case *pyast.Compare:
			for i, op := range n.Ops {
				right := n.Comparators[i]
				switch op {
				case pyast.In, pyast.NotIn:
					if host(f, n.Left) || host(f, right) {
						found = true
					}
				case pyast.Eq, pyast.NotEq:
					if host(f, n.Left) || host(f, right) {
						found = true
					}
				}
			}
		case *pyast.Call:
			a, ok := n.Func.(*pyast.Attribute)
			if !ok || a.Attr != "startswith" && a.Attr != "endswith" || len(n.Args) == 0 {
				break
			}
			if a.Attr == "endswith" {
				found = found || host(f, a.Value)
				break
			}
			text, known := f.Scope.Text(n.Args[0])
			switch {
			case known:
				found = found || fixed().MatchString(text)
			default:
				if list, all := f.Scope.Texts(n.Args[0]); all {
					found = found || !slices.ContainsFunc(list, func(t string) bool { return !fixed().MatchString(t) })
				} else if _, tuple := n.Args[0].(*pyast.Tuple); !tuple {
					found = true // settings.base_url
				}
			}
		}
		return !found
	})
	return found
}

// host tells whether an expression is the host of a URL: urlparse(url).hostname.
func host(f *pymodel.Func, e pyast.Expr) bool {
	switch e := e.(type) {
	case *pyast.Attribute:
		return slices.Contains([]string{"hostname", "netloc", "host"}, e.Attr)
	case *pyast.Name:
		if b, at := f.Scope.Lookup(e.ID); b != nil && b.Value != nil && at.Func == f {
			if a, ok := b.Value.(*pyast.Attribute); ok {
				return host(f, a)
			}
			return analysis.Mentions(b.Value, func(id string) bool { return id == "hostname" || id == "netloc" || id == "gethostbyname" })
		}
	case *pyast.Call:
		if a, ok := e.Func.(*pyast.Attribute); ok {
			return host(f, a.Value)
		}
	case *pyast.BoolOp:
		return host(f, e.Values[0])
	}
	return false
}
