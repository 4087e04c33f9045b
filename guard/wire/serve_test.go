package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sort"
	"strings"
	"testing"
	"time"
)

// echo answers with what reached it, one line a fact.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "body: "+err.Error())
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\nhost %s\nuri %s\n", r.Method, r.URL.RequestURI(), r.Proto, r.Host, r.RequestURI)
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(r.Header[name], "|"))
	}
	names = names[:0]
	for name := range r.Trailer {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(&b, "trailer %s: %s\n", name, strings.Join(r.Trailer[name], "|"))
	}
	fmt.Fprintf(&b, "body %q\n", body)
	_, _ = io.WriteString(w, b.String())
}

func mustNew(t testing.TB, p Policy) *Guard {
	t.Helper()
	g, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// marked marks every answer that went through the handler's outermost layer,
// so that a test can tell net/http's own.
func marked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Ours", "yes")
		next.ServeHTTP(w, r)
	})
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serve serves h behind g and returns its address.
func serve(t testing.TB, g *Guard, h http.Handler, change ...func(*http.Server)) string {
	t.Helper()
	l := listen(t)
	srv := &http.Server{
		Handler: marked(g.Wrap(h)), ConnContext: g.ConnContext, ErrorLog: log.New(io.Discard, "", 0),
		ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second,
	}
	for _, f := range change {
		f(srv)
	}
	go func() { _ = srv.Serve(g.Listener(l)) }()
	t.Cleanup(func() { _ = srv.Close() })
	return l.Addr().String()
}

type answer struct {
	*http.Response
	body   string
	closed bool // the connection ended behind it
}

func (a answer) ours() bool { return a.Header.Get("X-Ours") == "yes" }

// talk sends raw on a connection of its own and returns the answers, until
// the connection ends or is silent.
func talk(t testing.TB, addr, raw string) []answer {
	t.Helper()
	return talkIn(t, addr, raw, len(raw), false)
}

func talkIn(t testing.TB, addr, raw string, piece int, half bool) []answer {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		for rest := raw; rest != ""; {
			n := min(piece, len(rest))
			if _, err := io.WriteString(c, rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
		if half {
			_ = c.(*net.TCPConn).CloseWrite()
		}
	}()
	return answers(c, raw)
}

func answers(c net.Conn, raw string) []answer {
	var all []answer
	br := bufio.NewReader(c)
	method, _, _ := strings.Cut(raw, " ")
	wait := 3 * time.Second
	for {
		_ = c.SetReadDeadline(time.Now().Add(wait))
		res, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			if len(all) > 0 && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
				all[len(all)-1].closed = true
			}
			return all
		}
		var body bytes.Buffer
		_, _ = io.Copy(&body, res.Body)
		if res.StatusCode != http.StatusContinue {
			all = append(all, answer{Response: res, body: body.String()})
		}
		wait = 150 * time.Millisecond
	}
}
