package wire

import (
	"net/http"
	"strings"
	"testing"
)

// vectors are attacks, and what is like them and legal, as bytes. want is the
// status of the first answer; for 200, shows and hides are pieces of what
// reached the handler.
var vectors = []struct {
	name  string
	raw   string
	want  int
	shows []string
	hides []string
}{
	// Host
	{name: "no host", raw: "GET / HTTP/1.1\r\n\r\n", want: 400},
	{name: "two hosts", raw: "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", want: 400},
	{name: "two equal hosts", raw: "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", want: 400},
	{name: "empty host", raw: "GET / HTTP/1.1\r\nHost: \r\n\r\n", want: 400},
	{name: "host then empty host", raw: "GET / HTTP/1.1\r\nHost: a\r\nHost:\r\n\r\n", want: 400},
	{name: "host with dot", raw: "GET / HTTP/1.1\r\nHost: api.example.com.\r\n\r\n", want: 200},
	{name: "host in upper case", raw: "GET / HTTP/1.1\r\nHost: API.EXAMPLE.COM\r\n\r\n", want: 200},
	{name: "host with user", raw: "GET / HTTP/1.1\r\nHost: api.example.com:80@evil.com\r\n\r\n", want: 400},
	{name: "host with bad port", raw: "GET / HTTP/1.1\r\nHost: api.example.com:evil\r\n\r\n", want: 400},
	{name: "port too large", raw: "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", want: 400},
	{name: "IPv6 host", raw: "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", want: 200},
	{name: "IPv6 host with zone", raw: "GET / HTTP/1.1\r\nHost: [::1%25eth0]\r\n\r\n", want: 400},
	{name: "name in brackets", raw: "GET / HTTP/1.1\r\nHost: [evil.com]:80\r\n\r\n", want: 400},
	{name: "host with path", raw: "GET / HTTP/1.1\r\nHost: evil.com/api.example.com\r\n\r\n", want: 400},
	{name: "host with fragment", raw: "GET / HTTP/1.1\r\nHost: evil.com#.example.com\r\n\r\n", want: 400},
	{name: "host with query", raw: "GET / HTTP/1.1\r\nHost: evil.com?.example.com\r\n\r\n", want: 400},
	{name: "host list", raw: "GET / HTTP/1.1\r\nHost: evil.com,api.example.com\r\n\r\n", want: 400},
	{name: "host with space", raw: "GET / HTTP/1.1\r\nHost: api.example.com evil\r\n\r\n", want: 400},
	{name: "absolute form, other host", raw: "GET http://evil.com/ HTTP/1.1\r\nHost: api.example.com\r\n\r\n", want: 400},
	{name: "absolute form, other host and port", raw: "GET https://evil.com:99/x HTTP/1.1\r\nHost: api.example.com\r\n\r\n", want: 400},
	{name: "absolute form with user", raw: "GET http://user:pw@evil.com/ HTTP/1.1\r\nHost: api.example.com\r\n\r\n", want: 400},
	{name: "absolute form with user, same host", raw: "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "ftp", raw: "GET ftp://evil.com/ HTTP/1.1\r\nHost: api.example.com\r\n\r\n", want: 400},
	{name: "absolute form without host", raw: "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "absolute form, no Host field", raw: "GET http://a/ HTTP/1.1\r\n\r\n", want: 400},
	{name: "absolute form equal to Host", raw: "GET http://A/x?y HTTP/1.1\r\nHost: a\r\n\r\n", want: 200, shows: []string{"GET /x?y HTTP/1.1\nhost a\nuri /x?y\n"}},
	{name: "absolute form without path", raw: "GET http://a?y HTTP/1.1\r\nHost: a\r\n\r\n", want: 200, shows: []string{"uri /?y\n"}},
	{name: "HTTP/1.0 without host", raw: "GET / HTTP/1.0\r\n\r\n", want: 400},
	{name: "HTTP/1.0", raw: "GET / HTTP/1.0\r\nHost: a\r\n\r\n", want: 200, shows: []string{"GET / HTTP/1.0\n"}},

	// Connection and forwarding fields
	{name: "underscores are dropped", raw: "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nX_Forwarded_For: 7.7.7.7\r\n\r\n", want: 200, shows: []string{"X-Forwarded-For: 1.1.1.1|2.2.2.2"}, hides: []string{"7.7.7.7"}},
	{name: "Connection names end-to-end fields", raw: "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Forwarded-For, X-Real-IP, Authorization\r\nAuthorization: Bearer x\r\nX-Real-IP: 1.2.3.4\r\n\r\n", want: 200, shows: []string{"Authorization: Bearer x", "Connection: close\n"}},
	{name: "Connection names Cookie", raw: "GET / HTTP/1.1\r\nHost: a\r\nConnection: Cookie\r\nCookie: session=1\r\n\r\n", want: 200, shows: []string{"Cookie: session=1"}, hides: []string{"Connection"}},
	{name: "Connection is no list of tokens", raw: "GET / HTTP/1.1\r\nHost: a\r\nConnection: a b\r\n\r\n", want: 400},
	{name: "hop-by-hop fields", raw: "GET / HTTP/1.1\r\nHost: a\r\nKeep-Alive: 5\r\nProxy-Connection: close\r\nTE: gzip, trailers;q=1, trailers\r\n\r\n", want: 200, shows: []string{"Te: trailers\n"}, hides: []string{"Keep-Alive", "Proxy"}},
	{name: "httpoxy", raw: "GET / HTTP/1.1\r\nHost: a\r\nProxy: http://evil.com/\r\n\r\n", want: 200, hides: []string{"evil"}},
	{name: "the mark of refused requests", raw: "GET / HTTP/1.1\r\nHost: a\r\nPavise-Refused: 1\r\n\r\n", want: 200, hides: []string{"Pavise"}},

	// path
	{name: "two slashes", raw: "GET //api/x HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "dot segment", raw: "GET /./api/x HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "dot-dot segment", raw: "GET /x/../api/y HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "escaped dots", raw: "GET /%2e%2e/api/x HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "escaped dots inside", raw: "GET /x/%2e%2e/api/y HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "dots at the end", raw: "GET /x/.. HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "half-escaped dots", raw: "GET /x/.%2E HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "dots in a name", raw: "GET /x/..y/.z/...?/../ HTTP/1.1\r\nHost: a\r\n\r\n", want: 200},
	{name: "needless escapes", raw: "GET /%61pi/x HTTP/1.1\r\nHost: a\r\n\r\n", want: 200, shows: []string{"GET /api/x ", "uri /api/x\n"}},
	{name: "needed escapes", raw: "GET /a%20b/%E2%82%ac%25 HTTP/1.1\r\nHost: a\r\n\r\n", want: 200, shows: []string{"GET /a%20b/%E2%82%AC%25 "}},
	{name: "case", raw: "GET /API/x HTTP/1.1\r\nHost: a\r\n\r\n", want: 200, shows: []string{"GET /API/x "}},
	{name: "escaped slash", raw: "GET /api%2fx HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "escaped slash and dots", raw: "GET /x%2f..%2fapi/y HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "path parameter", raw: "GET /api;v=1/x HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "escaped path parameter", raw: "GET /api%3bv=1/x HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "backslash", raw: "GET /api\\x HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "escaped backslash", raw: "GET /api%5cx HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "NUL in path", raw: "GET /api/x%00.js HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "CRLF in path", raw: "GET /api/x%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "broken escape", raw: "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "cut escape", raw: "GET /x%2 HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "not UTF-8", raw: "GET /api/%ff%fe HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "overlong UTF-8", raw: "GET /api/%c0%af HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "raw byte", raw: "GET /api/\xff HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "escaped slash at the end", raw: "GET /docs%2f HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "fragment", raw: "GET /api/x#frag HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "query", raw: "GET /x?a=1;b=2&c=%zz HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "semicolon in query", raw: "GET /x?a=1;b=2 HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "escaped semicolon in query", raw: "GET /x?a=1%3Bb=2 HTTP/1.1\r\nHost: a\r\n\r\n", want: 200},
	{name: "NUL in query", raw: "GET /x?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "brackets in query", raw: "GET /x?filter[a]={b}|c HTTP/1.1\r\nHost: a\r\n\r\n", want: 200},
	{name: "no slash", raw: "GET api/x HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "asterisk, two spaces", raw: "GET *  HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "asterisk with GET", raw: "GET * HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "OPTIONS *", raw: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", want: 405},
	{name: "OPTIONS of a host", raw: "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", want: 405},
	{name: "OPTIONS", raw: "OPTIONS /x HTTP/1.1\r\nHost: a\r\n\r\n", want: 200},
	{name: "TRACE", raw: "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", want: 405},
	{name: "CONNECT", raw: "CONNECT evil.com:443 HTTP/1.1\r\nHost: evil.com:443\r\n\r\n", want: 405},
	{name: "CONNECT with a path", raw: "CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n", want: 405},
	{name: "HEAD", raw: "HEAD /api/x HTTP/1.1\r\nHost: a\r\n\r\n", want: 200},
	{name: "unknown method", raw: "FOO /api/x HTTP/1.1\r\nHost: a\r\n\r\n", want: 405},
	{name: "lower-case method", raw: "get /api/x HTTP/1.1\r\nHost: a\r\n\r\n", want: 405},
	{name: "method is no token", raw: "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},

	// framing
	{name: "two equal lengths", raw: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", want: 400},
	{name: "two lengths", raw: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", want: 400},
	{name: "list of lengths", raw: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello", want: 400},
	{name: "length and chunked", raw: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", want: 400},
	{name: "chunked and length", raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG", want: 400},
	{name: "chunked, identity", raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", want: 400},
	{name: "gzip, chunked", raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", want: 501},
	{name: "VT before chunked", raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", want: 400},
	{name: "space before colon", raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", want: 400},
	{name: "Chunked", raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", want: 200, shows: []string{`body ""`}},
	{name: "chunked in HTTP/1.0", raw: "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", want: 400},
	{name: "CRLF in a quoted extension", raw: chunkedPost + "5;ext=\"a\r\nb\"\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "LF behind a semicolon", raw: chunkedPost + "5;\nhello\r\n0\r\n\r\n", want: 400},
	{name: "LF behind a size", raw: chunkedPost + "5\nhello\r\n0\r\n\r\n", want: 400},
	{name: "chunk spills", raw: chunkedPost + "5\r\nhelloXX0\r\n\r\n", want: 400},
	{name: "forbidden trailers", raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Forwarded-For, Authorization, Host\r\n\r\n5\r\nhello\r\n0\r\nX-Forwarded-For: 6.6.6.6\r\nAuthorization: x\r\n\r\n", want: 200, shows: []string{`body "hello"`}, hides: []string{"Authorization", "Forwarded"}},
	{name: "undeclared trailer", raw: chunkedPost + "5\r\nhello\r\n0\r\nX-Undeclared: 1\r\n\r\n", want: 200, hides: []string{"Undeclared"}},
	{name: "length in a trailer", raw: chunkedPost + "5\r\nhello\r\n0\r\nContent-Length: 6\r\nX-Undeclared: 1\r\n\r\n", want: 400},
	{name: "size overflows", raw: chunkedPost + "fffffffffffffffff\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "size of 64 bits", raw: chunkedPost + "ffffffffffffffff\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "size wraps around", raw: chunkedPost + "10000000000000005\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "GET with a body", raw: "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", want: 400},
	{name: "HEAD with a body", raw: "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", want: 400},
	{name: "GET with chunks", raw: "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "GET with length 0", raw: "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", want: 200},
	{name: "DELETE with a body", raw: "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", want: 200, shows: []string{`body "{}"`}},
	{name: "100-continue", raw: "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\nhello", want: 200, shows: []string{`body "hello"`}},
	{name: "100-continue without a body", raw: "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", want: 200, hides: []string{"Expect"}},
	{name: "100-continue in HTTP/1.0", raw: "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", want: 200, hides: []string{"Expect"}},
	{name: "unknown expectation", raw: "POST / HTTP/1.1\r\nHost: a\r\nExpect: weird\r\nContent-Length: 5\r\n\r\nhello", want: 417},
	{name: "two expectations", raw: "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", want: 417},
	{name: "whitespace before the first field", raw: "GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n", want: 400},
	{name: "whitespace behind the request line", raw: "GET / HTTP/1.1\r\n Host: a\r\n\r\n", want: 400},
	{name: "folded field", raw: "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", want: 400},
	{name: "folded by a tab", raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\tchunked\r\n\r\n0\r\n\r\n", want: 400},
	{name: "bare LF", raw: "GET / HTTP/1.1\nHost: a\n\n", want: 400},
	{name: "LF ends the head", raw: "GET / HTTP/1.1\r\nHost: a\r\n\n", want: 400},
	{name: "underscore beside hyphen", raw: "GET / HTTP/1.1\r\nHost: a\r\nX_User: admin\r\nX-User: bob\r\n\r\n", want: 200, shows: []string{"X-User: bob\n"}, hides: []string{"admin"}},
	{name: "Transfer_Encoding", raw: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer_Encoding: chunked\r\n\r\nhello", want: 400},
	{name: "h2c", raw: "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n", want: 200, shows: []string{"GET / HTTP/1.1"}, hides: []string{"Upgrade", "Settings", "Connection"}},
	{name: "malformed upgrade", raw: "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: evil\xe2\x98\x83\r\nConnection: Upgrade\r\n\r\n", want: 400},
	{name: "websocket that is not taken", raw: "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\r\n", want: 200, shows: []string{"Connection: upgrade\n", "Upgrade: WebSocket\n"}},
	{name: "websocket not named in Connection", raw: "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", want: 200, hides: []string{"Upgrade"}},
	{name: "websocket with POST", raw: "POST / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nhi", want: 200, hides: []string{"Upgrade"}},
	{name: "h2c or websocket", raw: "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c, websocket\r\nConnection: upgrade\r\n\r\n", want: 200, shows: []string{"Upgrade: websocket\n"}, hides: []string{"h2c"}},
	{name: "two content types", raw: "POST /j HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}", want: 400},
	{name: "two authorizations", raw: "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nauthorization: b\r\n\r\n", want: 400},

	// Transfer-Encoding in disguise
	{name: "TE xchunked", raw: te(": xchunked"), want: 400},
	{name: "TE chunkedx", raw: te(": chunkedx"), want: 400},
	{name: "TE tab", raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tchunked\t\r\n\r\n0\r\n\r\n", want: 200},
	{name: "TE twice", raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", want: 400},
	{name: "TE twice, second unknown", raw: te(": chunked\r\nTransfer-Encoding: x"), want: 400},
	{name: "TE twice, first unknown", raw: te(": x\r\nTransfer-Encoding: chunked"), want: 400},
	{name: "TE empty", raw: te(":"), want: 400},
	{name: "TE identity", raw: te(": identity"), want: 400},
	{name: "TE quoted", raw: te(": \"chunked\""), want: 400},
	{name: "TE parameter", raw: te(": chunked;q=1"), want: 400},
	{name: "TE leading comma", raw: te(": ,chunked"), want: 400},
	{name: "TE chunked, chunked", raw: te(": chunked, chunked"), want: 400},
	{name: "TE NUL", raw: te(": chunked\x00"), want: 400},
	{name: "TE FF", raw: te(":\x0cchunked"), want: 400},
	{name: "TE NBSP", raw: te(": \xa0chunked"), want: 400},
	{name: "TE CR", raw: te(":\rchunked"), want: 400},
	{name: "TE LF", raw: te(":\nchunked"), want: 400},
	{name: "TE by bare LF", raw: "POST / HTTP/1.1\r\nHost: a\r\nX: a\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", want: 400},
	{name: "TE by bare CR", raw: "POST / HTTP/1.1\r\nHost: a\r\nX: a\rTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", want: 400},
	{name: "TE without chunked", raw: te(": gzip"), want: 400},
	{name: "TE kelvin", raw: te(": chun\xe2\x84\xaaed"), want: 400},

	// Content-Length in disguise
	{name: "CL +5", raw: cl("+5"), want: 400},
	{name: "CL -0", raw: cl("-0"), want: 400},
	{name: "CL -5", raw: cl("-5"), want: 400},
	{name: "CL 0x5", raw: cl("0x5"), want: 400},
	{name: "CL 05", raw: cl("05"), want: 400},
	{name: "CL 5.0", raw: cl("5.0"), want: 400},
	{name: "CL 1_0", raw: cl("1_0"), want: 400},
	{name: "CL inner space", raw: cl("1 1"), want: 400},
	{name: "CL empty", raw: cl(""), want: 400},
	{name: "CL huge", raw: cl("99999999999999999999"), want: 400},
	{name: "CL wraps", raw: cl("18446744073709551621"), want: 400},
	{name: "CL not a number", raw: cl("five"), want: 400},
	{name: "CL semicolon", raw: cl("5;x"), want: 400},
	{name: "CL digits of Unicode", raw: cl("\xd9\xa5"), want: 400},
	{name: "CL with OWS", raw: cl("\t 5 \t"), want: 200, shows: []string{`body "hello"`}},

	// request line
	{name: "HTTP/1.2", raw: "GET / HTTP/1.2\r\nHost: a\r\n\r\n", want: 505},
	{name: "HTTP/2.0", raw: "GET / HTTP/2.0\r\nHost: a\r\n\r\n", want: 505},
	{name: "HTTP/0.9", raw: "GET / HTTP/0.9\r\nHost: a\r\n\r\n", want: 505},
	{name: "preface of HTTP/2", raw: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", want: 505},
	{name: "HTTP/01.1", raw: "GET / HTTP/01.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "HTTP/1", raw: "GET / HTTP/1\r\nHost: a\r\n\r\n", want: 400},
	{name: "HTTP/1.1.1", raw: "GET / HTTP/1.1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "http/1.1", raw: "GET / http/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "HTTPS/1.1", raw: "GET / HTTPS/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "version of Unicode", raw: "GET / HTTP/1.\xef\xbc\x91\r\nHost: a\r\n\r\n", want: 400},
	{name: "no version", raw: "GET /\r\nHost: a\r\n\r\n", want: 400},
	{name: "nothing but a method", raw: "GET\r\n\r\n", want: 400},
	{name: "no method", raw: " / HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "two spaces", raw: "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "two spaces before the version", raw: "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "space at the end", raw: "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", want: 400},
	{name: "tabs", raw: "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "space in the target", raw: "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "two versions", raw: "GET / HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "one empty line before", raw: "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", want: 200},
	{name: "two empty lines before", raw: "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "an empty line of LF before", raw: "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "NUL in the target", raw: "GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "CR in the target", raw: "GET /\rx HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "DEL in the target", raw: "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "quotes in the target", raw: "GET /\"<> HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "long target", raw: "GET /" + strings.Repeat("a", 9<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", want: 414},
	{name: "target of 8000 bytes", raw: "GET /" + strings.Repeat("a", 8000) + " HTTP/1.1\r\nHost: a\r\n\r\n", want: 200},
	{name: "long method", raw: strings.Repeat("A", 100<<10) + " / HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "method of 64 bytes", raw: strings.Repeat("A", 64) + " / HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "no target", raw: "GET HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "space in the version", raw: "GET / HTTP/ 1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "spaces only", raw: "   \r\n\r\n", want: 400},
	{name: "CR for a line's end", raw: "GET / HTTP/1.1\rHost: a\r\n\r\n", want: 400},
	{name: "CR before a name", raw: "GET / HTTP/1.1\r\nHost: a\r\n\rX: a\r\n\r\n", want: 400},
	{name: "TLS", raw: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", want: 400},

	// fields
	{name: "no name", raw: "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", want: 400},
	{name: "no colon", raw: "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", want: 400},
	{name: "space in a name", raw: "GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n", want: 400},
	{name: "tab before colon", raw: "GET / HTTP/1.1\r\nHost: a\r\nX\t: z\r\n\r\n", want: 400},
	{name: "bracket in a name", raw: "GET / HTTP/1.1\r\nHost: a\r\nX[1]: z\r\n\r\n", want: 400},
	{name: "byte in a name", raw: "GET / HTTP/1.1\r\nHost: a\r\nX\xe9: z\r\n\r\n", want: 400},
	{name: "NUL in a name", raw: "GET / HTTP/1.1\r\nHost: a\r\nX\x00: z\r\n\r\n", want: 400},
	{name: "NUL in a value", raw: "GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", want: 400},
	{name: "CR in a value", raw: "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", want: 400},
	{name: "CR CR LF", raw: "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n", want: 400},
	{name: "BEL in a value", raw: "GET / HTTP/1.1\r\nHost: a\r\nX: a\x07\r\n\r\n", want: 400},
	{name: "DEL in a value", raw: "GET / HTTP/1.1\r\nHost: a\r\nX: a\x7f\r\n\r\n", want: 400},
	{name: "whitespace line", raw: "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n \r\n\r\n", want: 400},
	{name: "tab and UTF-8 in a value", raw: "GET / HTTP/1.1\r\nHost: a\r\nX: \t a\tb\xc3\xa9 \t\r\n\r\n", want: 200, shows: []string{"X: a\tb\xc3\xa9\n"}},
	{name: "empty value", raw: "GET / HTTP/1.1\r\nHost:a\r\nX:\r\nY:  \r\n\r\n", want: 200, shows: []string{"X: \n", "Y: \n"}},
	{name: "odd token in a name", raw: "GET / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^`|~9: x\r\n\r\n", want: 200},
	{name: "200 fields", raw: "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 199) + "\r\n", want: 200},
	{name: "201 fields", raw: "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 200) + "\r\n", want: 431},
	{name: "60 KiB field", raw: "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 60<<10) + "\r\n\r\n", want: 200},
	{name: "64 KiB field", raw: "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", want: 431},
	{name: "endless field", raw: "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 200<<10), want: 431},

	// chunks
	{name: "chunks", raw: chunkedPost + "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", want: 200, shows: []string{`body "hello world"`}},
	{name: "hex sizes", raw: chunkedPost + "00a\r\n0123456789\r\nB\r\n0123456789x\r\n000\r\n\r\n", want: 200, shows: []string{`body "01234567890123456789x"`}},
	{name: "extensions", raw: chunkedPost + "5;a;b=c;d=\"e;\\\"\r\"\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "valid extensions", raw: chunkedPost + "5;a; b=c;d = \"e;\\\"\" ; f\r\nhello\r\n0;x=y\r\n\r\n", want: 200, shows: []string{`body "hello"`}},
	{name: "empty extension", raw: chunkedPost + "5;\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "empty extension value", raw: chunkedPost + "5;a=\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "NUL in an extension", raw: chunkedPost + "5;a\x00\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "CR in an extension", raw: chunkedPost + "5;a\rX\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "LF in an extension", raw: chunkedPost + "5;a\nX\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "long extension", raw: chunkedPost + "5;a=" + strings.Repeat("x", 5000) + "\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "many extensions", raw: chunkedPost + strings.Repeat("1;a="+strings.Repeat("x", 100)+"\r\nx\r\n", 50) + "0\r\n\r\n", want: 400},
	{name: "space behind a size", raw: chunkedPost + "5 \r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "tab behind a size", raw: chunkedPost + "5\t\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "space before a size", raw: chunkedPost + " 5\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "size +5", raw: chunkedPost + "+5\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "size -5", raw: chunkedPost + "-5\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "size 0x5", raw: chunkedPost + "0x5\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "size 0_5", raw: chunkedPost + "0_5\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "size 5g", raw: chunkedPost + "5g\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "size empty", raw: chunkedPost + "\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "size of 17 digits", raw: chunkedPost + "00000000000000005\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "size of 63 bits", raw: chunkedPost + "8000000000000000\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "CR ends a size", raw: chunkedPost + "5\rhello\r\n0\r\n\r\n", want: 400},
	{name: "CR CR LF ends a size", raw: chunkedPost + "5\r\r\nhello\r\n0\r\n\r\n", want: 400},
	{name: "LF ends a chunk", raw: chunkedPost + "5\r\nhello\n0\r\n\r\n", want: 400},
	{name: "CR ends a chunk", raw: chunkedPost + "5\r\nhello\r0\r\n\r\n", want: 400},
	{name: "nothing ends a chunk", raw: chunkedPost + "5\r\nhello0\r\n\r\n", want: 400},
	{name: "chunk too short", raw: chunkedPost + "5\r\nhell\r\n0\r\n\r\n", want: 400},
	{name: "LF ends the last chunk", raw: chunkedPost + "5\r\nhello\r\n0\n\r\n", want: 400},
	{name: "LF ends the body", raw: chunkedPost + "5\r\nhello\r\n0\r\n\n", want: 400},

	// trailers
	{name: "declared trailers", raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum,, x-other\r\n\r\n5\r\nhello\r\n0\r\nx-sum:  1 \r\nX-Sum: 2\r\nX-Third: 3\r\n\r\n", want: 200, shows: []string{"trailer X-Other: \n", "trailer X-Sum: 1|2\n"}, hides: []string{"Third"}},
	{name: "Trailer of Content-Length", raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\n\r\n", want: 200, hides: []string{"railer"}},
	{name: "Trailer without chunks", raw: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTrailer: X\r\n\r\n", want: 200, hides: []string{"railer"}},
	{name: "Trailer malformed", raw: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: a b\r\n\r\n0\r\n\r\n", want: 400},
	{name: "folded trailer", raw: chunkedPost + "0\r\nX: a\r\n b\r\n\r\n", want: 400},
	{name: "trailer with LF", raw: chunkedPost + "0\r\nX: a\n\r\n", want: 400},
	{name: "trailer with CR", raw: chunkedPost + "0\r\nX: a\rb\r\n\r\n", want: 400},
	{name: "trailer with NUL", raw: chunkedPost + "0\r\nX: \x00\r\n\r\n", want: 400},
	{name: "trailer without colon", raw: chunkedPost + "0\r\nX\r\n\r\n", want: 400},
	{name: "trailer with space before colon", raw: chunkedPost + "0\r\nX : a\r\n\r\n", want: 400},
	{name: "request for a trailer", raw: chunkedPost + "0\r\nGET /admin HTTP/1.1\r\nHost: a\r\n\r\n", want: 400},
	{name: "host for a trailer", raw: chunkedPost + "0\r\nHost: b\r\n\r\n", want: 400},
	{name: "long trailer", raw: chunkedPost + "0\r\nX: " + strings.Repeat("a", 5000) + "\r\n\r\n", want: 431},
	{name: "many trailers", raw: chunkedPost + "0\r\n" + strings.Repeat("X: a\r\n", 51) + "\r\n", want: 431},
}

const chunkedPost = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

func te(rest string) string {
	return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding" + rest + "\r\n\r\n0\r\n\r\n"
}

func cl(value string) string {
	return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + value + "\r\n\r\nhello"
}

func TestVectors(t *testing.T) {
	addr := serve(t, mustNew(t, Policy{}), http.HandlerFunc(echo))
	seen := map[string]bool{}
	for _, v := range vectors {
		if seen[v.name] {
			t.Errorf("two vectors are called %q", v.name)
		}
		seen[v.name] = true
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			all := talk(t, addr, v.raw)
			if len(all) == 0 {
				t.Fatal("no answer")
			}
			a := all[0]
			if a.StatusCode != v.want {
				t.Fatalf("got status %d, want %d; body %s", a.StatusCode, v.want, a.body)
			}
			if !a.ours() {
				t.Error("net/http answered by itself")
			}
			if v.want != 200 {
				if got := a.Header.Values("Content-Type"); len(got) != 1 || got[0] != "application/problem+json" {
					t.Errorf("the refusal has type %q", got)
				}
				if len(all) > 1 {
					t.Errorf("%d answers to a refused request", len(all))
				}
			}
			for _, s := range v.shows {
				if !strings.Contains(a.body, s) {
					t.Errorf("the handler did not get %q but\n%s", s, a.body)
				}
			}
			for _, s := range v.hides {
				if strings.Contains(a.body, s) {
					t.Errorf("the handler got %q:\n%s", s, a.body)
				}
			}
		})
	}
}
