package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/guard"
)

func TestPipelining(t *testing.T) {
	addr := serve(t, mustNew(t, Policy{}), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond) // so that the next request is read meanwhile
		echo(w, r)
	}))
	post := "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
	raw := "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n" + post + "POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi\r\nHEAD /4 HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, piece := range []int{1, 5, 1 << 20} {
		all := talkIn(t, addr, raw, piece, false)
		if len(all) != 4 {
			t.Fatalf("in pieces of %d: %d answers, want 4", piece, len(all))
		}
		for i, a := range all[:3] {
			if a.StatusCode != http.StatusOK || !strings.Contains(a.body, fmt.Sprintf("uri /%d\n", i+1)) {
				t.Errorf("answer %d: %d %s", i, a.StatusCode, a.body)
			}
		}
	}
}

// A refusal takes its turn behind the answers to earlier requests, does not
// disturb them, and is the last word.
func TestRefusalInThePipeline(t *testing.T) {
	var canceled atomic.Bool
	addr := serve(t, mustNew(t, Policy{}), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
			canceled.Store(true)
		case <-time.After(100 * time.Millisecond):
		}
		echo(w, r)
	}))
	raw := "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\nHost: a\n\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n" + strings.Repeat("x", 100<<10)
	all := talk(t, addr, raw)
	if len(all) != 2 || all[0].StatusCode != http.StatusOK || all[1].StatusCode != http.StatusBadRequest || !all[1].ours() || !all[1].closed {
		t.Fatalf("got %+v", all)
	}
	if canceled.Load() {
		t.Error("the refused request ended the one before it")
	}
	if !all[1].Close {
		t.Error("the refusal does not say that it closes the connection")
	}
}

// Half a head, and then nothing more: no bare answer either.
func TestCutOff(t *testing.T) {
	addr := serve(t, mustNew(t, Policy{}), http.HandlerFunc(echo))
	for _, tt := range []struct {
		raw  string
		want int
	}{
		{"G", 400},
		{"GET / HTTP/1.1\r", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello", 400},
		{chunkedPost + "5\r\nhello\r\n", 400},
		{chunkedPost + "5\r\nhello\r\n0\r\n", 400},
		{chunkedPost, 400},
		{"", 0},
		{"\r\n", 0},
	} {
		all := talkIn(t, addr, tt.raw, 1<<20, true)
		if tt.want == 0 {
			if len(all) != 0 {
				t.Errorf("%q: got %+v, want no answer", tt.raw, all)
			}
			continue
		}
		if len(all) != 1 || all[0].StatusCode != tt.want || !all[0].ours() || !strings.Contains(all[0].body, `"rule":"wire/`) {
			t.Errorf("%q: got %+v, want %d", tt.raw, all, tt.want)
		}
	}
}

// A chunk that turns out to be malformed while the handler reads: the refusal
// is the answer, whatever the handler makes of its read error.
func TestBrokenBodyLater(t *testing.T) {
	began := make(chan bool, 1)
	for name, h := range map[string]http.HandlerFunc{
		"answers 500": func(w http.ResponseWriter, r *http.Request) {
			began <- true
			_, err := io.ReadAll(r.Body)
			var ref *guard.Refusal
			if !errors.As(err, &ref) {
				t.Errorf("Read failed with %v", err)
			}
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte("oops"))
		},
		"aborts": func(_ http.ResponseWriter, r *http.Request) {
			began <- true
			_, _ = io.ReadAll(r.Body)
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			addr := serve(t, mustNew(t, Policy{}), h)
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, _ = io.WriteString(c, chunkedPost+"5\r\nhello\r\n")
			<-began
			_, _ = io.WriteString(c, "5;\nworld\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
			all := answers(c, "POST ")
			if len(all) != 1 || all[0].StatusCode != http.StatusBadRequest || !strings.Contains(all[0].body, "wire/chunks") || !all[0].closed {
				t.Fatalf("got %+v", all)
			}
		})
	}
}

func TestExpectContinue(t *testing.T) {
	addr := serve(t, mustNew(t, Policy{}), http.HandlerFunc(echo))
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	br := bufio.NewReader(c)
	line, err := br.ReadString('\n')
	if err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	_, _ = br.ReadString('\n')
	_, _ = io.WriteString(c, "hello")
	res, err := http.ReadResponse(br, nil)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("got %v, %v", res, err)
	}
}

// A head that dribbles in is answered 408, on a fresh connection and on one
// that was used before, and the idle time has nothing to do with it.
func TestSlowHead(t *testing.T) {
	addr := serve(t, mustNew(t, Policy{}), http.HandlerFunc(echo), func(s *http.Server) {
		s.ReadHeaderTimeout, s.IdleTimeout = 200*time.Millisecond, time.Minute
	})
	for _, before := range []string{"", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"} {
		start := time.Now()
		all := talk(t, addr, before+"GET / HTTP/1.1\r\nHos")
		if before != "" {
			if len(all) == 0 || all[0].StatusCode != http.StatusOK {
				t.Fatalf("got %+v", all)
			}
			all = all[1:]
			if len(all) == 0 {
				continue // talk was not patient enough; see below
			}
		}
		if len(all) != 1 || all[0].StatusCode != http.StatusRequestTimeout || !all[0].ours() {
			t.Errorf("after %q: got %+v", before, all)
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("it took %s", d)
		}
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	br := bufio.NewReader(c)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := http.ReadResponse(br, nil); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond) // idle for longer than a head may take
	_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
	for range 4 {
		_, _ = io.WriteString(c, "G")
		time.Sleep(100 * time.Millisecond)
	}
	rest, err := io.ReadAll(br)
	if err != nil || !strings.Contains(string(rest), "408 ") {
		t.Errorf("got %q, %v", rest, err)
	}
}

func upgrade(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/plain" || r.Header.Get("Upgrade") == "" {
			echo(w, r)
			return
		}
		time.Sleep(50 * time.Millisecond) // what the client sends ahead arrives before the answer
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = io.Copy(c, rw)
	}
}

func TestUpgrade(t *testing.T) {
	addr := serve(t, mustNew(t, Policy{}), upgrade(t))
	ask := "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	frames := "\x81\x05hello\r\n\r\nGET / HTTP/1.1\nnot HTTP \x00"
	for _, piece := range []int{1, 1 << 20} { // with and without bytes sent ahead of the 101
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		for rest := ask + frames; rest != ""; {
			n := min(piece, len(rest))
			_, _ = io.WriteString(c, rest[:n])
			rest = rest[n:]
		}
		br := bufio.NewReader(c)
		_ = c.SetDeadline(time.Now().Add(3 * time.Second))
		res, err := http.ReadResponse(br, nil)
		if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("got %v, %v", res, err)
		}
		got := make([]byte, len(frames))
		if _, err := io.ReadFull(br, got); err != nil || string(got) != frames {
			t.Fatalf("got %q, %v", got, err)
		}
		_, _ = io.WriteString(c, "more")
		if _, err := io.ReadFull(br, got[:4]); err != nil || string(got[:4]) != "more" {
			t.Fatalf("got %q, %v", got[:4], err)
		}
		c.Close()
	}
}

// An upgrade that the handler does not take leaves no tunnel: what follows is
// judged as requests.
func TestFakeUpgrade(t *testing.T) {
	addr := serve(t, mustNew(t, Policy{}), upgrade(t))
	ask := "GET /plain HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	all := talk(t, addr, ask+"POST /admin HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"+ask+"GET //admin HTTP/1.1\r\nHost: a\r\n\r\nGET /\x00 HTTP/1.1\r\n\r\n")
	var got []int
	for _, a := range all {
		got = append(got, a.StatusCode)
	}
	if fmt.Sprint(got) != "[200 200 200 400 400]" {
		t.Fatalf("got %v", got)
	}
}

func TestHEADIsRefusedWithoutABody(t *testing.T) {
	addr := serve(t, mustNew(t, Policy{}), http.HandlerFunc(echo))
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "HEAD / HTTP/1.1\nHost: a\n\n")
	all, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(all), "HTTP/1.1 400 ") || !strings.HasSuffix(string(all), "\r\n\r\n") {
		t.Fatalf("got %q, %v", all, err)
	}
}

// The client gets its answer though it is still sending, and is not reset.
func TestGentleClose(t *testing.T) {
	addr := serve(t, mustNew(t, Policy{}), http.HandlerFunc(echo))
	for range 20 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(c, "GET / HTTP/1.1\nHost: a\n\n"+strings.Repeat("x", 200<<10))
			sent <- err
		}()
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		all, err := io.ReadAll(c)
		if err != nil || !strings.HasPrefix(string(all), "HTTP/1.1 400 ") {
			t.Fatalf("got %.40q, %v", all, err)
		}
		c.Close()
	}
}

// Without the listener's connection in the request's context, a stand-in
// still does not pass.
func TestStandInWithoutContext(t *testing.T) {
	g := mustNew(t, Policy{})
	addr := serve(t, g, http.HandlerFunc(echo), func(s *http.Server) { s.ConnContext = nil })
	all := talk(t, addr, "GET / HTTP/1.1\nHost: a\n\n")
	if len(all) != 1 || all[0].StatusCode != http.StatusBadRequest {
		t.Fatalf("got %+v", all)
	}
}

func TestMaxHeaderBytesOfTheServer(t *testing.T) {
	addr := serve(t, mustNew(t, Policy{}), http.HandlerFunc(echo), func(s *http.Server) { s.MaxHeaderBytes = 4 << 10 })
	all := talk(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("a", 10<<10)+"\r\n\r\n")
	if len(all) != 1 || all[0].StatusCode != http.StatusRequestHeaderFieldsTooLarge || !all[0].ours() {
		t.Fatalf("got %+v", all)
	}
}

func TestH2C(t *testing.T) {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: &protocols}}
	for _, allow := range []bool{true, false} {
		addr := serve(t, mustNew(t, Policy{AllowH2C: allow}), http.HandlerFunc(echo), func(s *http.Server) {
			s.Protocols = new(http.Protocols)
			s.Protocols.SetHTTP1(true)
			s.Protocols.SetUnencryptedHTTP2(true)
		})
		req, _ := http.NewRequest(http.MethodGet, "http://"+addr+"/x", nil)
		req.Header["X_under"] = []string{"1"}
		res, err := client.Do(req)
		if (err == nil) != allow {
			t.Fatalf("allow_h2c %v: %v", allow, err)
		}
		if err == nil {
			b, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.ProtoMajor != 2 || strings.Contains(strings.ToLower(string(b)), "x_under") {
				t.Errorf("got %v %s", res, b)
			}
			for target, want := range map[string]int{"/a//b": 400, "/%2e%2e/x": 400, "/a%2fb": 400, "/a;b": 400, "/?a;b": 400, "/%61": 200} {
				res, err := client.Get("http://" + addr + target)
				if err != nil || res.StatusCode != want {
					t.Errorf("%s: got %v, %v, want %d", target, res, err, want)
				}
			}
		}
		if all := talk(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"); len(all) != 1 || all[0].StatusCode != http.StatusOK {
			t.Errorf("HTTP/1.1: %+v", all)
		}
	}
}

func TestTLS(t *testing.T) {
	ts := httptest.NewUnstartedServer(nil) // for its certificate
	ts.StartTLS()
	defer ts.Close()
	g := mustNew(t, Policy{})
	l := listen(t)
	guarded := g.TLSListener(l, &tls.Config{Certificates: ts.TLS.Certificates})
	srv := &http.Server{Handler: marked(g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil {
			t.Error("the request does not know of TLS")
		}
		echo(w, r)
	}))), ConnContext: g.ConnContext}
	go func() { _ = srv.Serve(guarded) }()
	defer srv.Close()
	addr := l.Addr().String()

	slow, err := net.Dial("tcp", addr) // says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()

	config := ts.Client().Transport.(*http.Transport).TLSClientConfig
	for _, h2 := range []bool{true, false} {
		var protocols http.Protocols
		protocols.SetHTTP1(!h2)
		protocols.SetHTTP2(h2)
		tr := &http.Transport{TLSClientConfig: config.Clone(), Protocols: &protocols}
		res, err := (&http.Client{Transport: tr, Timeout: 3 * time.Second}).Post("https://"+addr+"/x", "text/plain", strings.NewReader("hi"))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		tr.CloseIdleConnections()
		if res.StatusCode != http.StatusOK || (res.ProtoMajor == 2) != h2 || !strings.Contains(string(b), `body "hi"`) {
			t.Errorf("h2 %v: got %v %s", h2, res, b)
		}
	}
	config = config.Clone()
	config.InsecureSkipVerify = true
	c, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\nHost: a\n\n")
	if all := answers(c, "GET "); len(all) != 1 || all[0].StatusCode != http.StatusBadRequest || !all[0].ours() {
		t.Errorf("bare LF in TLS: %+v", all)
	}
	if all := talk(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); len(all) != 1 || all[0].StatusCode != http.StatusBadRequest || !all[0].ours() || !strings.Contains(all[0].body, "TLS_REQUIRED") {
		t.Errorf("plain HTTP: %+v", all)
	}
}

func TestShutdown(t *testing.T) {
	g := mustNew(t, Policy{})
	l := listen(t)
	srv := &http.Server{Handler: g.Wrap(http.HandlerFunc(echo)), ConnContext: g.ConnContext}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(g.Listener(l)) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		t.Fatal(err)
	}
}

// The client that goes away ends the context of its request.
func TestClientGone(t *testing.T) {
	done := make(chan bool)
	addr := serve(t, mustNew(t, Policy{}), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(done)
	}))
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	time.Sleep(20 * time.Millisecond)
	c.Close()
	select {
	case <-done:
	case <-time.After(3 * time.Second):
		t.Fatal("the handler was not told")
	}
}

// loop gives a connection the same input again and again.
type loop struct {
	script
	again []byte
}

func (l *loop) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		l.rest = l.again
	}
	return l.script.Read(p)
}

const benchGet = "GET /items/42?full=1 HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: curl/8.5.0\r\nAccept: application/json\r\nAuthorization: Bearer 0123456789abcdef0123456789abcdef\r\nAccept-Encoding: gzip, br\r\nConnection: keep-alive\r\n\r\n"

func TestAllocs(t *testing.T) {
	for name, raw := range map[string]string{
		"GET":     benchGet,
		"POST":    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
		"chunked": chunkedPost + "5;a=b\r\nhello\r\n0\r\n\r\n",
	} {
		c := mustNew(t, Policy{}).conn(&loop{script: script{piece: 1 << 20}, again: []byte(raw)})
		buf := make([]byte, 4096)
		n := testing.AllocsPerRun(1000, func() {
			if _, err := c.Read(buf); err != nil {
				t.Fatal(err)
			}
		})
		if n > 0 {
			t.Errorf("%s: %v allocations a Read, want 0", name, n)
		}
	}
	g := mustNew(t, Policy{})
	r := httptest.NewRequest(http.MethodGet, "/items/42?full=1", nil)
	if n := testing.AllocsPerRun(1000, func() {
		if g.Check(r) != nil {
			t.Fatal("refused")
		}
	}); n > 0 {
		t.Errorf("Check: %v allocations, want 0", n)
	}
}

// What an idle connection costs.
func TestIdleMemory(t *testing.T) {
	const count = 2000
	g := mustNew(t, Policy{})
	conns := make([]*conn, count)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	buf := make([]byte, 4096)
	for i := range conns {
		conns[i] = g.conn(&script{rest: []byte(benchGet), piece: 1 << 20})
		for conns[i].in != nil || !conns[i].served {
			if _, err := conns[i].Read(buf); err != nil {
				t.Fatal(err)
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := int64(after.HeapAlloc-before.HeapAlloc) / count
	t.Logf("%d bytes an idle connection", each)
	if each > 1500 {
		t.Errorf("%d bytes an idle connection, want at most 1500", each)
	}
	runtime.KeepAlive(conns)
}

func BenchmarkRead(b *testing.B) {
	buf := make([]byte, 4096)
	b.Run("guarded", func(b *testing.B) {
		c := mustNew(b, Policy{}).conn(&loop{script: script{piece: 1 << 20}, again: []byte(benchGet)})
		b.ReportAllocs()
		b.SetBytes(int64(len(benchGet)))
		for b.Loop() {
			_, _ = c.Read(buf)
		}
	})
	b.Run("raw", func(b *testing.B) {
		c := &loop{script: script{piece: 1 << 20}, again: []byte(benchGet)}
		b.ReportAllocs()
		for b.Loop() {
			_, _ = c.Read(buf)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	g := mustNew(b, Policy{})
	r := httptest.NewRequest(http.MethodGet, "/items/42?full=1", nil)
	b.ReportAllocs()
	for b.Loop() {
		_ = g.Check(r)
	}
}

// BenchmarkServer serves small GETs over loopback, with the guard and without.
func BenchmarkServer(b *testing.B) {
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	run := func(b *testing.B, addr string) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		buf := make([]byte, 4096)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := io.WriteString(c, benchGet); err != nil {
				b.Fatal(err)
			}
			if _, err := c.Read(buf); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("guarded", func(b *testing.B) { run(b, serve(b, mustNew(b, Policy{}), ok)) })
	b.Run("raw", func(b *testing.B) {
		l := listen(b)
		srv := &http.Server{Handler: marked(ok), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second}
		go func() { _ = srv.Serve(l) }()
		defer srv.Close()
		run(b, l.Addr().String())
	})
}
