package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pavise-dev/pavise"
)

// A reading is a request as one parser reads it.
type reading struct {
	method, target, body string
	from, to             int // where it stands among the bytes
}

// A dialect is a way to read HTTP/1 that some server has, or had. Together
// they disagree about each known way to hide a request in another.
type dialect struct {
	name        string
	bareCR      bool // a CR alone ends a line
	foldIsField bool // a folded line is a field of its own
	firstLength bool // of two Content-Lengths the first counts, not the last
	lengthFirst bool // Content-Length counts, not Transfer-Encoding
	exactChunks bool // any other Transfer-Encoding than "chunked" is ignored
	underscores bool // '_' in a name is '-'
	lfEndsSize  bool // a chunk's line ends at LF, whatever is in it
	skipsTwo    bool // what follows a chunk's data is not looked at
}

var dialects = []dialect{
	{name: "lenient"},
	{name: "bare CR", bareCR: true, foldIsField: true, underscores: true},
	{name: "first length", firstLength: true, exactChunks: true, skipsTwo: true, lfEndsSize: true},
	{name: "length first", lengthFirst: true, underscores: true, foldIsField: true, lfEndsSize: true},
	{name: "CGI", underscores: true, skipsTwo: true, firstLength: true, lfEndsSize: true},
}

var errShort = errors.New("the bytes end before the request does")

// line cuts a line off b.
func (d dialect) line(b []byte) (line, rest []byte, ok bool) {
	i := bytes.IndexByte(b, '\n')
	if d.bareCR {
		if j := bytes.IndexByte(b, '\r'); j >= 0 && (i < 0 || j < i) {
			if j+1 < len(b) && b[j+1] == '\n' {
				return b[:j], b[j+2:], true
			}
			return b[:j], b[j+1:], true
		}
	}
	if i < 0 {
		return nil, nil, false
	}
	return bytes.TrimSuffix(b[:i], []byte("\r")), b[i+1:], true
}

// number reads digits as strtol does: leading space, a sign and 0x pass, and
// the first byte that is none ends it.
func number(s string, base int) (n int64, used int) {
	for used < len(s) && (s[used] == ' ' || s[used] == '\t' || s[used] == '+') {
		used++
	}
	if base == 16 && used+1 < len(s) && s[used] == '0' && s[used+1]|0x20 == 'x' {
		used += 2
	}
	for ; used < len(s); used++ {
		v, err := strconv.ParseUint(s[used:used+1], base, 8)
		if err != nil {
			break
		}
		if n = n*int64(base) + int64(v); n > 1<<40 {
			n = 1 << 40
		}
	}
	return n, used
}

// read reads the request that b begins with.
func (d dialect) read(b []byte) (r reading, size int, err error) {
	all := b
	cut := func() (string, bool) {
		line, rest, ok := d.line(b)
		if ok {
			b = rest
		}
		return string(line), ok
	}
	var line string
	var ok bool
	for line == "" {
		if line, ok = cut(); !ok {
			return r, 0, errShort
		}
	}
	words := strings.Fields(line)
	if len(words) > 0 {
		r.method = words[0]
	}
	if len(words) > 1 {
		r.target = words[1]
	}
	length, chunked, lengths := int64(0), false, 0
	var name, value string
	end := func() {
		switch name {
		case "content-length":
			if lengths++; lengths == 1 || !d.firstLength {
				v := value
				if i := strings.LastIndexByte(v, ','); i >= 0 && !d.firstLength {
					v = v[i+1:]
				}
				length, _ = number(v, 10)
			}
		case "transfer-encoding":
			v := strings.ToLower(value)
			chunked = chunked || !d.exactChunks && strings.Contains(v, "chunked") || strings.TrimSpace(v) == "chunked"
		}
		name, value = "", ""
	}
	for {
		if line, ok = cut(); !ok {
			return r, 0, errShort
		}
		if line == "" {
			break
		}
		if (line[0] == ' ' || line[0] == '\t') && !d.foldIsField && name != "" {
			value += line
			continue
		}
		end()
		n, v, _ := strings.Cut(line, ":")
		name = strings.ToLower(strings.Map(func(c rune) rune {
			if c <= ' ' || c == 0x7f {
				return -1
			}
			return c
		}, n))
		if d.underscores {
			name = strings.ReplaceAll(name, "_", "-")
		}
		value = v
	}
	end()
	if d.lengthFirst && lengths > 0 {
		chunked = false
	}
	if !chunked {
		if int64(len(b)) < length {
			return r, 0, errShort
		}
		r.body, b = string(b[:length]), b[length:]
		return r, len(all) - len(b), nil
	}
	for {
		var line string
		if d.lfEndsSize {
			i := bytes.IndexByte(b, '\n')
			if i < 0 {
				return r, 0, errShort
			}
			line, b = string(b[:i]), b[i+1:]
		} else if line, ok = cut(); !ok {
			return r, 0, errShort
		}
		n, _ := number(line, 16)
		if n == 0 {
			break
		}
		if int64(len(b)) < n+2 {
			return r, 0, errShort
		}
		r.body, b = r.body+string(b[:n]), b[n:]
		switch {
		case d.skipsTwo || bytes.HasPrefix(b, []byte("\r\n")):
			b = b[2:]
		case b[0] == '\n' || b[0] == '\r' && d.bareCR:
			b = b[1:]
		}
	}
	for {
		if line, ok = cut(); !ok {
			return r, 0, errShort
		}
		if line == "" {
			return r, len(all) - len(b), nil
		}
	}
}

// all reads every request in b, and returns what is left over.
func (d dialect) all(b []byte) (list []reading, rest int) {
	at := 0
	for at < len(b) {
		r, n, err := d.read(b[at:])
		if err != nil {
			break
		}
		r.from, r.to = at, at+n
		at += n
		list = append(list, r)
	}
	return list, at
}

// goReads is dialect.all by net/http's parser.
func goReads(b []byte) (list []reading, rest int) {
	src := bytes.NewReader(b)
	br := bufio.NewReader(src)
	at := func() int { return len(b) - src.Len() - br.Buffered() }
	for {
		from := at()
		req, err := http.ReadRequest(br)
		if err != nil {
			return list, from
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return list, from
		}
		list = append(list, reading{req.Method, req.RequestURI, string(body), from, at()})
	}
}

// A tap is an upstream that keeps every byte of each of its connections. It
// reads as net/http does, and answers in all the ways that a response may be
// framed.
type tap struct {
	l   net.Listener
	mu  sync.Mutex
	all []*tapped
	log []served // since the last take
	seq int
	now string // what the client is sending
}

type tapped struct {
	raw    []byte
	closed bool
	count  int      // requests that were read
	whose  []string // what the client had sent, for each
	last   string
}

type served struct {
	seq int
	reading
}

func newTap(t testing.TB) *tap {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &tap{l: l}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			k := &tapped{}
			u.mu.Lock()
			u.all = append(u.all, k)
			u.mu.Unlock()
			wg.Go(func() { u.serve(c, k) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return u
}

func (u *tap) serve(c net.Conn, k *tapped) {
	defer func() {
		_ = c.Close()
		u.mu.Lock()
		k.closed = true
		u.mu.Unlock()
	}()
	br := bufio.NewReader(readerFunc(func(p []byte) (int, error) {
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, err := c.Read(p)
		u.mu.Lock()
		k.raw = append(k.raw, p[:n]...)
		k.last = u.now
		u.mu.Unlock()
		return n, err
	}))
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		u.mu.Lock()
		u.seq++
		seq := u.seq
		k.count++
		k.whose = append(k.whose, u.now)
		u.log = append(u.log, served{seq, reading{method: req.Method, target: req.RequestURI, body: string(body)}})
		u.mu.Unlock()
		text := fmt.Sprintf("answer %d", seq)
		head := fmt.Sprintf("X-Seq: %d\r\nX-Content-Type-Options: sniff\r\nServer: tap\r\nContent-Type: text/plain\r\n", seq)
		last := false
		switch seq % 5 {
		case 0:
			head, text = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nTrailer: X-Content-Type-Options\r\n"+head, fmt.Sprintf("%x;a=b\r\n%s\r\n0\r\nX-Content-Type-Options: x\r\n\r\n", len(text), text)
		case 1:
			head, last = "HTTP/1.1 200 OK\r\nConnection: close\r\n"+head, true
		case 2:
			head, text = "HTTP/1.1 204 No Content\r\n"+head, ""
		case 3:
			head = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + head + "Content-Length: " + strconv.Itoa(len(text)) + "\r\n"
		default:
			head = "HTTP/1.1 200 OK\r\n" + head + "Content-Length: " + strconv.Itoa(len(text)) + "\r\n"
		}
		if req.Method == http.MethodHead {
			text = ""
		}
		if _, err := io.WriteString(c, head+"\r\n"+text); err != nil || last {
			return
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// begin says what the client is about to send.
func (u *tap) begin(raw string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.now = raw
	u.log = nil
}

func (u *tap) take() []served {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.log
}

// judge holds the bytes of each connection against every parser: all must
// see the same requests in them, and those are the ones that were served.
// What is left over is the beginning of a request whose body was refused
// while it streamed.
func (u *tap) judge(t testing.TB) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, k := range u.all {
		want, rest := goReads(k.raw)
		if len(want) != k.count {
			t.Errorf("net/http reads %d requests, and served %d: %q, from the client's %q", len(want), k.count, k.raw, k.whose)
			continue
		}
		for _, d := range dialects {
			got, left := d.all(k.raw)
			if !slices.Equal(got, want) || left != rest {
				i := 0
				for i < min(len(got), len(want)) && got[i] == want[i] {
					i++
				}
				t.Errorf("the parser %q reads %d requests to %d, net/http %d to %d, and they differ at %d:\nsent %q", d.name, len(got), left, len(want), rest, i, k.raw)
			}
		}
		if tail := string(k.raw[rest:]); tail != "" {
			head, _, complete := strings.Cut(tail, "\r\n\r\n")
			length := 0
			if _, v, ok := strings.Cut(head, "\r\nContent-Length: "); ok {
				n, _ := number(v, 10)
				length = int(n)
			}
			if !complete || !strings.Contains(head, "\r\nTransfer-Encoding: chunked") && length <= 16<<10 {
				t.Errorf("the upstream saw the beginning of a refused request, %q, of the client's %q", tail, k.last)
			}
		}
	}
}

// differentialPolicy is strict about everything that frames or names a
// request, and lets every kind of body pass.
func differentialPolicy(u *tap) pavise.Policy {
	p := vectorPolicy("http://" + u.l.Addr().String())
	p.Rate.InsecureUnlimited = true
	p.ContentType.AllowAnyType = true
	p.Limits.HeaderRead = 100 * time.Millisecond
	p.Limits.KeepAlive = 100 * time.Millisecond
	p.Limits.BodyGrace, p.Limits.BodyRead = 100*time.Millisecond, 200*time.Millisecond
	return p
}

// An answered is a response as the client sees it.
type answered struct {
	status int
	seq    int // of the request that it is the upstream's answer to; 0 if it is ours
}

// answers takes apart all that the gateway sent on a connection.
func answers(raw []byte, methods map[int]string) (list []answered, err error) {
	for len(raw) > 0 {
		end := bytes.Index(raw, []byte("\r\n\r\n")) + 4
		if end < 4 {
			return list, errors.New("a head does not end")
		}
		res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw[:end])), &http.Request{Method: http.MethodHead})
		if err != nil {
			return list, fmt.Errorf("no response: %w", err)
		}
		if res.StatusCode == 100 || res.StatusCode == 103 {
			raw = raw[end:]
			continue
		}
		a := answered{status: res.StatusCode}
		a.seq, _ = strconv.Atoi(res.Header.Get("X-Seq"))
		list = append(list, a)
		for _, name := range []string{"X-Content-Type-Options", "X-Frame-Options", "Content-Security-Policy", "Referrer-Policy", "Permissions-Policy", "Cross-Origin-Resource-Policy"} {
			if v := res.Header.Values(name); len(v) != 1 || v[0] == "" || v[0] == "sniff" {
				return list, fmt.Errorf("a %d has %s %q", a.status, name, v)
			}
		}
		if v := res.Header.Values("Server"); len(v) > 0 {
			return list, fmt.Errorf("a %d has Server %q", a.status, v)
		}
		method := methods[a.seq]
		if a.seq == 0 {
			if a.status < 400 || res.Header.Get("Content-Type") != "application/problem+json" {
				return list, fmt.Errorf("a %d is neither the upstream's nor a refusal: %v", a.status, res.Header)
			}
			// Whether it answers HEAD is for the first byte of the body to say.
			method = http.MethodHead
			if end < len(raw) && raw[end] == '{' {
				method = http.MethodGet
			}
		}
		src := bytes.NewReader(raw)
		br := bufio.NewReader(src)
		if res, err = http.ReadResponse(br, &http.Request{Method: method}); err != nil {
			return list, err
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return list, fmt.Errorf("the body of a %d: %w", a.status, err)
		}
		for name, v := range res.Trailer {
			if len(v) > 0 {
				return list, fmt.Errorf("a %d has the trailer %s: %q", a.status, name, v)
			}
		}
		if a.seq != 0 && method != http.MethodHead && a.status != http.StatusNoContent && string(body) != fmt.Sprintf("answer %d", a.seq) {
			return list, fmt.Errorf("the answer %d has the body %q", a.seq, body)
		}
		raw = raw[len(raw)-src.Len()-br.Buffered():]
	}
	return list, nil
}

// put sends raw to the gateway in pieces, and holds what comes back and what
// the upstream saw to the laws.
func (u *tap) put(t testing.TB, addr, raw string, cuts []int) (list []answered) {
	t.Helper()
	u.begin(raw)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	at := 0
	for _, cut := range append(cuts, len(raw)) {
		if _, err := io.WriteString(c, raw[at:cut]); err != nil {
			break // the answer may have come already
		}
		at = cut
	}
	got, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the connection stays open: %v, after %q, for %.300q and at its end %q, in pieces %v", err, got, raw, raw[max(0, len(raw)-400):], cuts)
		return nil
	}
	seen := u.take()
	methods := map[int]string{}
	for _, s := range seen {
		methods[s.seq] = s.method
	}
	list, err = answers(got, methods)
	if err != nil {
		t.Errorf("%v, in %q, for %q", err, got, raw)
		return list
	}
	// Each request that the upstream served has its answer, in this order.
	i := 0
	parsed := map[string][]reading{}
	parsed["net/http"], _ = goReads([]byte(raw))
	for _, d := range dialects {
		parsed[d.name], _ = d.all([]byte(raw))
	}
	for n, a := range list {
		if a.seq == 0 {
			if a.status == http.StatusBadGateway || a.status == http.StatusGatewayTimeout || a.status == http.StatusInternalServerError {
				t.Errorf("status %d for %q", a.status, raw)
			}
			continue
		}
		if i == len(seen) || seen[i].seq != a.seq {
			t.Errorf("answer %d is number %d's, and the upstream served %v, for %q", n, a.seq, seen, raw)
			return list
		}
		// What was served has one meaning: whatever stands in front of us,
		// or behind, and read the client's bytes, saw the same request.
		for name, readings := range parsed {
			if n >= len(readings) && name == "net/http" {
				continue // it refuses what we rightly read
			}
			if n >= len(readings) || readings[n].method != seen[i].method || readings[n].body != seen[i].body {
				t.Errorf("request %d was served as %s %q, and the parser %q reads %v in the client's %q", n, seen[i].method, seen[i].body, name, readings, raw)
				return list
			}
		}
		i++
	}
	if i != len(seen) {
		t.Errorf("the upstream served %v, and the client has the answers %v, for %q", seen, list, raw)
	}
	return list
}

// A maker makes streams of requests by a grammar, and breaks them.
type maker struct{ *rand.Rand }

func (m maker) one(list ...string) string { return list[m.IntN(len(list))] }

var smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

func (m maker) chunks(body string) string {
	var b strings.Builder
	for body != "" {
		n := 1 + m.IntN(len(body))
		if m.IntN(2) == 0 {
			n = len(body)
		}
		fmt.Fprintf(&b, m.one("%x", "%x", "%X", "%04x"), n)
		if m.IntN(4) == 0 {
			b.WriteString(m.one(";a", ";a=b", ` ; a = "b;c"`, `;a="\"x"`, ";a;b=c", ";5"))
		}
		b.WriteString("\r\n" + body[:n] + "\r\n")
		body = body[n:]
	}
	b.WriteString(m.one("0", "0", "000", "0;x=y") + "\r\n")
	if m.IntN(5) == 0 {
		b.WriteString(m.one("X-Sum: 1\r\n", "X-Sum: 1\r\nY: 2\r\n", "Content-Length: 5\r\n", "Host: b\r\n", "X-Forwarded-For: 6.6.6.6\r\n"))
	}
	b.WriteString("\r\n")
	return b.String()
}

func (m maker) request() string {
	var b strings.Builder
	method := m.one("GET", "GET", "POST", "POST", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH")
	target := m.one("/", "/x", "/x?y=1", "/%61", "http://a/x", "/x/y")
	fmt.Fprintf(&b, "%s %s HTTP/1.%s\r\n", method, target, m.one("1", "1", "1", "1", "1", "0"))
	fields := []string{"Host: a"}
	for range m.IntN(3) {
		fields = append(fields, m.one("X: y", "Cookie: a=b", "Accept: */*", "Connection: keep-alive", "Connection: close", "TE: trailers", "X_Y: z", "Trailer: X-Sum",
			"X: \t y\t", "Upgrade: h2c", "Connection: upgrade", "Upgrade: websocket", "X-Forwarded-For: 1.2.3.4", "Expect: 100-continue", "Empty:"))
	}
	body := ""
	if method != "GET" && method != "HEAD" && m.IntN(4) > 0 || m.IntN(12) == 0 {
		payload := m.one("hello", "x", smuggled, "0\r\n\r\n"+smuggled, "5\r\nhello\r\n0\r\n\r\n", strings.Repeat("z", 17<<10))
		fields = append(fields, "Content-Type: text/plain")
		switch m.IntN(5) {
		case 0, 1:
			fields = append(fields, m.one("Transfer-Encoding: chunked", "transfer-encoding:Chunked"))
			body = m.chunks(payload)
		case 2:
			if m.IntN(4) == 0 {
				fields = append(fields, "Transfer-Encoding: chunked", fmt.Sprintf("Content-Length: %d", len(payload)))
			}
			fallthrough
		default:
			fields = append(fields, fmt.Sprintf("Content-Length: %d", len(payload)))
			body = payload
		}
	}
	m.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	for _, f := range fields {
		b.WriteString(f + "\r\n")
	}
	b.WriteString("\r\n" + body)
	return b.String()
}

// tokens are what parsers disagree about.
var tokens = []string{
	"\r", "\n", "\r\n", "\n\r", "\r\r\n", "\x00", "\x0b", "\x0c", "\t", " ", "\x85", "\xa0", "\xff", ":", ";", ",", "\"", "\\", "+", "-", "0x", "_", "0", "%", "#", "?", "*",
	"Content-Length: 0\r\n", "Content-Length: 5\r\n", "Content-Length: 05\r\n", "Content-Length: +5\r\n", "Content-Length: 5, 5\r\n", "Content-Length: 0x5\r\n", "Content-Length:\r\n",
	"Content-Length: -1\r\n", "Content-Length: 5 5\r\n", "Content_Length: 5\r\n", "Content-Length : 5\r\n", " Content-Length: 5\r\n", "Content-Length\t: 5\r\n", "Content-Length: 99999999999999999999\r\n",
	"Transfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n", "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: \"chunked\"\r\n",
	"Transfer-Encoding:\x0bchunked\r\n", "Transfer-Encoding: chunked\x00\r\n", "Transfer-Encoding: chunked \r\n", "Transfer-Encoding : chunked\r\n", "Transfer-Encoding\r\n: chunked\r\n",
	"Transfer-Encoding:\r\n chunked\r\n", "Transfer_Encoding: chunked\r\n", "transfer-encoding: CHUNKED\r\n", "Transfer-Encoding: cow\r\n", "Transfer-Encoding: chunked;q=1\r\n", "Transfer-Encoding:\r\n", "X: y\rTransfer-Encoding: chunked\r\n",
	"Expect: 100-continue\r\n", "Expect:\n100-continue\r\n", "Expect: y 100-continue\r\n", "Expect: 100-Continue\r\n", "Expect:\r\n", "Connection: Content-Length\r\n", "Connection: Transfer-Encoding, close\r\n",
	"Host: b\r\n", "Host: a\r\n", "Host:\r\n", "Upgrade: websocket\r\nConnection: Upgrade\r\n", "HTTP/0.9", "HTTP/2.0", "HTTP/1.1 ", "GET http://b/ ", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
	"0\r\n\r\n", "5\r\nhello\r\n", "5;\r\nhello\r\n", "5;\nhello\r\n", "5 \r\nhello\r\n", "5\rXhello\r\n", "5\r\nhelloXX", "0\r\nX: y\r\n\r\n", "0\n\n", "0\r\n\n", "2;\nxx\r\n50\r\n", "fffffffffffffffff\r\n", "-5\r\n", "5_0\r\n", "0x5\r\n",
	smuggled, "GET /tail HTTP/1.1\r\nX: ", " folded\r\n", "\tfolded\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "Pavise-Refused: 1\r\n", "\r\n\r\n",
}

func (m maker) mutate(s string) string {
	lines := strings.SplitAfter(s, "\n")
	at := m.IntN(len(lines))
	i := m.IntN(len(s) + 1)
	switch m.IntN(9) {
	case 0: // something between bytes
		return s[:i] + tokens[m.IntN(len(tokens))] + s[i:]
	case 1, 2: // a line between lines
		return strings.Join(slices.Insert(slices.Clone(lines), at, tokens[m.IntN(len(tokens))]), "")
	case 3: // a line twice
		return strings.Join(slices.Insert(slices.Clone(lines), at, lines[at]), "")
	case 4: // a line less
		return strings.Join(slices.Delete(slices.Clone(lines), at, at+1), "")
	case 5: // another line end
		lines[at] = strings.TrimRight(lines[at], "\r\n") + m.one("\n", "\r", "\r\r\n", "\n\r\n", "", " \r\n", "\x00\r\n", "\t\r\n")
		return strings.Join(lines, "")
	case 6: // something behind a colon, or before
		if k := strings.IndexByte(lines[at], ':'); k >= 0 {
			k += m.IntN(2)
			lines[at] = lines[at][:k] + m.one(" ", "\t", "\x0b", "\x00", "\r\n ", "\n", "\r", "\x85", ":", "\xa0", "_", ",") + lines[at][k:]
		}
		return strings.Join(lines, "")
	case 7: // a byte less
		if i < len(s) {
			return s[:i] + s[i+1:]
		}
	case 8: // another digit
		for k := range len(s) {
			if p := (i + k) % len(s); s[p] >= '0' && s[p] <= '9' {
				return s[:p] + m.one("0", "1", "5", "a", " ", "-", "12") + s[p+1:]
			}
		}
	}
	return s
}

// sentinel ends each stream, so that the connection ends with the answers.
const sentinel = "GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

func (m maker) stream() (raw string, cuts []int) {
	var b strings.Builder
	for range 1 + m.IntN(3) {
		r := m.request()
		for range m.IntN(3) {
			r = m.mutate(r)
		}
		b.WriteString(r)
	}
	raw = b.String() + sentinel
	for range m.IntN(3) {
		cuts = append(cuts, m.IntN(len(raw)+1))
	}
	slices.Sort(cuts)
	return raw, cuts
}

// TestDifferential sends thousands of requests, most of them a little
// malformed, through the whole gateway. What comes out behind must be the
// same requests to every parser, and exactly those that were answered.
func TestDifferential(t *testing.T) {
	const workers, each = 16, 250
	var passed, refused atomic.Int64
	var wg sync.WaitGroup
	taps := make([]*tap, workers)
	for w := range taps {
		u := newTap(t)
		taps[w] = u
		addr, _ := start(t, differentialPolicy(u), quiet)
		m := maker{rand.New(rand.NewPCG(1, uint64(w)))}
		// Most of the time goes by in waiting for requests that never end.
		wg.Go(func() {
			for i := 0; i < each && !t.Failed(); i++ {
				raw, cuts := m.stream()
				for _, a := range u.put(t, addr, raw, cuts) {
					if a.seq > 0 {
						passed.Add(1)
					} else {
						refused.Add(1)
					}
				}
			}
		})
	}
	wg.Wait()
	for _, u := range taps {
		u.judge(t)
	}
	if p, r := passed.Load(), refused.Load(); !t.Failed() && (p < workers*each/2 || r < workers*each/2) {
		t.Errorf("%d served and %d refused: the requests are not what they should be", p, r)
	}
}

// quiet keeps what attacks leave in the log out of the test's.
func quiet(o *Options) { o.Log = slog.New(slog.DiscardHandler) }

// TestDisguisedNames: programs that make variables of header fields map more
// than '_' to the hyphen. No spelling of a framing field passes, and none of
// a field that says who the client is reaches the upstream, in a trailer
// neither.
func TestDisguisedNames(t *testing.T) {
	u := newTap(t)
	addr, _ := start(t, differentialPolicy(u), quiet)
	for _, c := range []string{".", "_", "~", "!", "*", "'", "|"} {
		for _, name := range []string{"Content-Length", "Transfer-Encoding", "Content-Type"} {
			raw := "GET / HTTP/1.1\r\nHost: a\r\n" + strings.ReplaceAll(name, "-", c) + ": 5\r\n\r\n"
			if list := u.put(t, addr, raw, nil); len(list) != 1 || list[0].status != http.StatusBadRequest {
				t.Errorf("%q: %v", raw, list)
			}
		}
		for _, name := range []string{"X-Forwarded-For", "X-Real-IP", "X-Client-IP", "X-Original-URL", "Forwarded-For", "X-Forwarded-User"} {
			name := strings.Replace(name, "-", c, 1)
			u.put(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n"+name+": 6.6.6.6\r\nX.Other: kept\r\n\r\n"+sentinel, nil)
			u.put(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTrailer: "+name+"\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"+name+": 6.6.6.6\r\n\r\n"+sentinel, nil)
		}
	}
	u.put(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTrailer: X-Client-IP, X-Scheme\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Client-IP: 6.6.6.6\r\nX-Scheme: 6.6.6.6\r\n\r\n"+sentinel, nil)
	u.judge(t)
	raw := u.raw()
	if strings.Contains(raw, "6.6.6.6") {
		t.Errorf("the upstream saw an address that the client chose: %q", raw)
	}
	if !strings.Contains(strings.ToLower(raw), "\r\nx.other: kept\r\n") {
		t.Error("a name that is nobody's was dropped")
	}
}

// raw is what all the connections have brought.
func (u *tap) raw() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	var b strings.Builder
	for _, k := range u.all {
		b.Write(k.raw)
	}
	return b.String()
}

// TestOddBodies: an upstream that ignores the body of a DELETE reads it as the
// beginning of the next request on the connection. So there is none.
func TestOddBodies(t *testing.T) {
	u := newTap(t)
	addr, _ := start(t, differentialPolicy(u), quiet)
	for _, method := range []string{"DELETE", "OPTIONS", "DELETE", "POST"} {
		for range 5 {
			u.put(t, addr, method+" / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 25\r\n\r\nGET /smuggled HTTP/1.1\r\nX:"+sentinel, nil)
			u.put(t, addr, method+" / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"+sentinel, nil)
		}
	}
	u.judge(t)
	shared := 0
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, k := range u.all {
		list, _ := goReads(k.raw)
		for i, r := range list {
			if i+1 < len(list) && r.body != "" {
				shared++
				if r.method != http.MethodPost {
					t.Errorf("behind %s with a body the connection was used again: %q", r.method, k.raw)
				}
			}
		}
	}
	if shared == 0 {
		t.Error("no connection was used again, not even behind POST")
	}
}

// TestBoundedMemory: what a connection can make us hold before its request is
// judged is bounded, however slowly it comes and whatever it is.
func TestBoundedMemory(t *testing.T) {
	const connections, each = 200, 1 << 20
	u := newTap(t)
	p := differentialPolicy(u)
	p.Limits.HeaderRead, p.Limits.BodyGrace, p.Limits.BodyRead = 5*time.Second, 5*time.Second, 5*time.Second
	addr, _ := start(t, p, quiet)
	const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, attack := range []struct{ name, begin, more string }{
		{"one line", "GET / HTTP/1.1\r\nHost: a\r\nX: ", strings.Repeat("x", 1<<10)},
		{"many lines", "GET / HTTP/1.1\r\nHost: a\r\n", "X: " + strings.Repeat("x", 1<<10) + "\r\n"},
		{"an extension", post + "1;a=", strings.Repeat("x", 1<<10)},
		{"many extensions", post, "1;a=" + strings.Repeat("x", 1<<10) + "\r\nx\r\n"},
		{"a trailer", post + "1\r\nx\r\n0\r\nX-Sum: ", strings.Repeat("x", 1<<10)},
		{"a long size", post, strings.Repeat("0", 1<<10)},
	} {
		t.Run(attack.name, func(t *testing.T) {
			heap := watchHeap()
			conns := make([]net.Conn, connections)
			for i := range conns {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(5 * time.Second))
				_, _ = io.WriteString(c, attack.begin)
				conns[i] = c
			}
			// In rounds, so that all of them stand at the same place, and no
			// further than to where they are refused.
			open, most := connections, 0
			for sent := 0; sent < each && open > 0; sent += len(attack.more) {
				for i, c := range conns {
					if c == nil {
						continue
					}
					if _, err := io.WriteString(c, attack.more); err != nil {
						conns[i] = nil
						open--
						continue
					}
					most = max(most, sent)
				}
				time.Sleep(2 * time.Millisecond)
			}
			if grown := heap.grown(); grown > 80 {
				t.Errorf("%d connections made the heap grow by %d MiB", connections, grown)
			} else {
				t.Logf("%d MiB; the last connection was open after %d KiB", grown, most>>10)
			}
			if open > 0 {
				t.Errorf("%d connections are still open after %d KiB", open, each>>10)
			}
		})
	}
}

// FuzzDifferential is TestDifferential with the fuzzer's own requests. One
// gateway serves them all, so that one may meet another on a connection. Run
// it with -fuzzminimizetime 1x: what is covered depends on the time too.
func FuzzDifferential(f *testing.F) {
	m := maker{rand.New(rand.NewPCG(2, 2))}
	for range 50 {
		raw, _ := m.stream()
		f.Add(raw, uint16(7))
	}
	for _, s := range tokens {
		f.Add("POST / HTTP/1.1\r\nHost: a\r\n"+s+"\r\n5\r\nhello\r\n0\r\n\r\n", uint16(0))
	}
	u := newTap(f)
	p := differentialPolicy(u)
	p.Gateway.Listen, p.Gateway.Admin = "127.0.0.1:0", "off"
	at := make(chan string, 1)
	gw, err := New(Options{Policy: p, Log: slog.New(slog.DiscardHandler), Ready: func(public, _ net.Addr) { at <- public.String() }})
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- gw.Run(ctx) }()
	f.Cleanup(func() { cancel(); <-done })
	addr := <-at
	f.Fuzz(func(t *testing.T, raw string, cut uint16) {
		if len(raw) > 64<<10 {
			t.Skip()
		}
		raw += sentinel
		u.put(t, addr, raw, []int{int(cut) % len(raw)})
		u.judge(t)
		u.forget()
	})
}

// forget drops what has been judged.
func (u *tap) forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, k := range u.all {
		if _, rest := goReads(k.raw); rest == len(k.raw) {
			k.raw, k.whose, k.count = nil, nil, 0
		}
	}
	u.all = slices.DeleteFunc(u.all, func(k *tapped) bool { return k.raw == nil && k.closed })
}
