package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// policy is the full default one, but for the numbers that would refuse a
// load from one address, and for the peer's own address as its host.
const policy = `version: 1
rate:
  limit: 1000000/s
  burst: 1000000
limits:
  concurrency: 20000
  keep_alive: 10m
gateway:
  access_log: "off"
`

const nginxUpstream = `
worker_processes 1;
daemon off;
pid %[1]s/up.pid;
error_log stderr;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path %[1]s/t1; proxy_temp_path %[1]s/t2; fastcgi_temp_path %[1]s/t3; uwsgi_temp_path %[1]s/t4; scgi_temp_path %[1]s/t5;
  keepalive_requests 100000000;
  server {
    listen 127.0.0.1:%[2]d;
    default_type application/json;
    location / { return 200 '{"id":1,"item":"lamp","count":2,"paid":true}'; }
  }
}
`

// nginxProxy does what the gateway's default policy does as far as nginx can:
// the same headers, the host check, the body limit, forwarding headers.
const nginxProxy = `
load_module modules/ngx_http_headers_more_filter_module.so;
worker_processes auto;
daemon off;
pid %[1]s/px.pid;
error_log stderr;
events { worker_connections 16384; }
http {
  access_log off;
  client_body_temp_path %[1]s/p1; proxy_temp_path %[1]s/p2; fastcgi_temp_path %[1]s/p3; uwsgi_temp_path %[1]s/p4; scgi_temp_path %[1]s/p5;
  keepalive_requests 100000000;
  keepalive_timeout 600s;
  client_max_body_size 10m;
  limit_req_zone $binary_remote_addr zone=all:10m rate=1000000r/s;
  upstream api { server 127.0.0.1:%[2]d; keepalive 256; keepalive_requests 100000000; }
  server { listen 127.0.0.1:%[3]d default_server; return 421; }
  server {
    listen 127.0.0.1:%[3]d;
    server_name 127.0.0.1 localhost;
    limit_req zone=all burst=1000000 nodelay;
    more_clear_headers Server X-Powered-By;
    more_set_headers 'X-Content-Type-Options: nosniff' 'X-Frame-Options: DENY' 'X-XSS-Protection: 0' 'Referrer-Policy: no-referrer' "Content-Security-Policy: default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox" 'Permissions-Policy: accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()' 'Cross-Origin-Opener-Policy: same-origin' 'Cross-Origin-Resource-Policy: same-origin' 'Cross-Origin-Embedder-Policy: require-corp' 'Origin-Agent-Cluster: ?1' 'X-Permitted-Cross-Domain-Policies: none' 'X-DNS-Prefetch-Control: off';
    location /api/ {
      more_set_headers 'Cache-Control: no-store';
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_pass http://api;
    }
    location = /docs { return 404; }
    location = /redoc { return 404; }
    location = /openapi.json { return 404; }
  }
}
`

const caddyfile = `{
	admin off
	auto_https off
	persist_config off
	log {
		level ERROR
	}
}
http://127.0.0.1:%d {
	request_body {
		max_size 10MB
	}
	header {
		-Server
		-X-Powered-By
		X-Content-Type-Options nosniff
		X-Frame-Options DENY
		X-XSS-Protection 0
		Referrer-Policy no-referrer
		Content-Security-Policy "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
		Permissions-Policy "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()"
		Cross-Origin-Opener-Policy same-origin
		Cross-Origin-Resource-Policy same-origin
		Cross-Origin-Embedder-Policy require-corp
		Origin-Agent-Cluster ?1
		Cache-Control no-store
	}
	reverse_proxy 127.0.0.1:%d {
		transport http {
			keepalive_idle_conns_per_host 256
		}
	}
}
`

// write puts a configuration into the bench's folder.
func (b *bench) write(name, text string) (string, error) {
	path := filepath.Join(b.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// cheap starts an upstream that costs next to nothing.
func (b *bench) cheap() (int, int, error) {
	p, err := port()
	if err != nil {
		return 0, 0, err
	}
	conf, err := b.write("upstream.conf", fmt.Sprintf(nginxUpstream, b.dir, p))
	if err != nil {
		return 0, 0, err
	}
	cmd, err := b.start("upstream", nil, b.nginx, "-c", conf, "-p", b.dir)
	if err != nil {
		return 0, 0, err
	}
	return p, cmd.Process.Pid, b.ready(fmt.Sprintf("http://127.0.0.1:%d/", p))
}

// service starts an upstream that costs what a small service in Go does.
func (b *bench) service() (int, int, error) {
	p, err := port()
	if err != nil {
		return 0, 0, err
	}
	cmd, err := b.start("service", nil, b.peer, "-listen", fmt.Sprintf("127.0.0.1:%d", p))
	if err != nil {
		return 0, 0, err
	}
	return p, cmd.Process.Pid, b.ready(fmt.Sprintf("http://127.0.0.1:%d/api/orders/1", p))
}

// gateway starts pavise up in front of a port.
func (b *bench) gateway(name string, args ...string) (*contestant, error) {
	p, err := port()
	if err != nil {
		return nil, err
	}
	file, err := b.write("pavise.yaml", policy)
	if err != nil {
		return nil, err
	}
	argv := append([]string{b.pavise, "up", "--policy", file, "--listen", fmt.Sprintf("127.0.0.1:%d", p), "--admin", "off"}, args...)
	cmd, err := b.start("pavise", nil, argv...)
	if err != nil {
		return nil, err
	}
	c := &contestant{name: name, url: fmt.Sprintf("http://127.0.0.1:%d/api/orders/1", p), pid: cmd.Process.Pid}
	return c, b.ready(c.url)
}

func (b *bench) nginxPeer(upstream int) (*contestant, error) {
	p, err := port()
	if err != nil {
		return nil, err
	}
	conf, err := b.write("proxy.conf", fmt.Sprintf(nginxProxy, b.dir, upstream, p))
	if err != nil {
		return nil, err
	}
	cmd, err := b.start("nginx", nil, b.nginx, "-c", conf, "-p", "/usr/share/nginx")
	if err != nil {
		return nil, err
	}
	c := &contestant{name: "nginx, headers-more", url: fmt.Sprintf("http://127.0.0.1:%d/api/orders/1", p), pid: cmd.Process.Pid, crew: true}
	return c, b.ready(c.url)
}

func (b *bench) caddyPeer(upstream int) (*contestant, error) {
	p, err := port()
	if err != nil {
		return nil, err
	}
	conf, err := b.write("Caddyfile", fmt.Sprintf(caddyfile, p, upstream))
	if err != nil {
		return nil, err
	}
	cmd, err := b.start("caddy", []string{"XDG_DATA_HOME=" + b.dir, "XDG_CONFIG_HOME=" + b.dir}, b.caddy, "run", "--config", conf, "--adapter", "caddyfile")
	if err != nil {
		return nil, err
	}
	c := &contestant{name: "Caddy", url: fmt.Sprintf("http://127.0.0.1:%d/api/orders/1", p), pid: cmd.Process.Pid}
	return c, b.ready(c.url)
}

func (b *bench) reverseProxy(upstream int) (*contestant, error) {
	p, err := port()
	if err != nil {
		return nil, err
	}
	cmd, err := b.start("peer", nil, b.peer, "-listen", fmt.Sprintf("127.0.0.1:%d", p), "-upstream", fmt.Sprintf("http://127.0.0.1:%d", upstream))
	if err != nil {
		return nil, err
	}
	c := &contestant{name: "httputil.ReverseProxy, bare", url: fmt.Sprintf("http://127.0.0.1:%d/api/orders/1", p), pid: cmd.Process.Pid}
	return c, b.ready(c.url)
}

// everyone starts all proxies in front of one upstream, which start starts.
func (b *bench) everyone(start func() (port, pid int, err error)) ([]*contestant, error) {
	up, pid, err := start()
	if err != nil {
		return nil, err
	}
	gw, err := b.gateway("pavise, full default policy", "--upstream", fmt.Sprintf("http://127.0.0.1:%d", up))
	if err != nil {
		return nil, err
	}
	ng, err := b.nginxPeer(up)
	if err != nil {
		return nil, err
	}
	ca, err := b.caddyPeer(up)
	if err != nil {
		return nil, err
	}
	rp, err := b.reverseProxy(up)
	if err != nil {
		return nil, err
	}
	return []*contestant{gw, ng, ca, rp, {name: "no proxy", url: fmt.Sprintf("http://127.0.0.1:%d/api/orders/1", up), pid: pid, crew: true}}, nil
}

// proxies compares throughput twice. In front of an upstream that costs
// nothing a proxy's own cost is all there is to see, which no user ever sees;
// in front of a service the ratios are what a user gets.
func (b *bench) proxies(page *bytes.Buffer) error {
	page.WriteString("## Requests a second and CPU a request\n\nKeep-alive, 32 connections, 44 bytes of JSON. nginx and Caddy set the same headers and the\nsame body limit; nginx also checks the host. Neither reads requests strictly, limits rates by\nroute, or judges bodies.\n\n")
	for _, t := range []struct {
		text  string
		start func() (int, int, error)
	}{
		{"In front of a small JSON service in Go (`net/http` and `encoding/json`):", b.service},
		{"In front of an upstream that costs next to nothing (nginx `return`):", b.cheap},
	} {
		if err := b.contestants(page, t.text, t.start); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) contestants(page *bytes.Buffer, text string, start func() (int, int, error)) error {
	defer b.stop()
	cs, err := b.everyone(start)
	if err != nil {
		return err
	}
	if err := b.contest(cs, 32); err != nil {
		return err
	}
	page.WriteString(text + "\n\n")
	b.result(page, cs, 1)
	return nil
}

// result prints a contest, with the ratio to the contestant at index base.
func (b *bench) result(page *bytes.Buffer, cs []*contestant, base int) {
	var rows [][]string
	for _, c := range cs {
		rows = append(rows, []string{
			c.name,
			fmt.Sprintf("%.0f ± %.0f %%", median(c.rate), 100*spread(c.rate)),
			fmt.Sprintf("%.2f", median(c.rate)/median(cs[base].rate)),
			fmt.Sprintf("%.0f", median(c.cpu)),
		})
	}
	table(page, []string{"", "requests/s", "ratio to " + cs[base].name, "its CPU a request, µs"}, rows)
}

func (b *bench) fastapi(name, mode string) (*contestant, error) {
	p, err := port()
	if err != nil {
		return nil, err
	}
	cmd, err := b.start(name, []string{"PAVISE_BENCH=" + mode}, b.python, "-m", "uvicorn", "--app-dir", "bench/guide", "app:app", "--host", "127.0.0.1", "--port", strconv.Itoa(p), "--no-access-log", "--log-level", "warning")
	if err != nil {
		return nil, err
	}
	c := &contestant{name: name, url: fmt.Sprintf("http://127.0.0.1:%d/api/orders/1", p), pid: cmd.Process.Pid}
	return c, b.ready(c.url)
}

func (b *bench) guide(page *bytes.Buffer) error {
	defer b.stop()
	mine, err := b.fastapi("FastAPI with the guide's middleware", "guide")
	if err != nil {
		return err
	}
	gw, err := b.gateway("bare FastAPI behind pavise", "--", b.python, "-m", "uvicorn", "--app-dir", "bench/guide", "app:app", "--no-access-log", "--log-level", "warning")
	if err != nil {
		return err
	}
	bare, err := b.fastapi("bare FastAPI", "bare")
	if err != nil {
		return err
	}
	// The same process as the bare contestant's, which has nothing else to do
	// while it is nginx's turn.
	_, at, _ := strings.Cut(strings.TrimPrefix(bare.url, "http://"), ":")
	at, _, _ = strings.Cut(at, "/")
	upstream, err := strconv.Atoi(at)
	if err != nil {
		return err
	}
	ng, err := b.nginxPeer(upstream)
	if err != nil {
		return err
	}
	ng.name = "bare FastAPI behind nginx"
	cs := []*contestant{gw, mine, bare, ng}
	if err := b.contest(cs, 32); err != nil {
		return err
	}
	page.WriteString("## In front of FastAPI, and against middleware in the process\n\nOne uvicorn worker (uvloop, httptools) each. The guide's middleware has its crash repaired;\npavise enforces its full default policy, of which the middleware is a part; nginx is\nconfigured as above.\n\n")
	b.result(page, cs, 1)
	post := filepath.Join(b.dir, "post.lua")
	if err := os.WriteFile(post, []byte("wrk.method='POST'\nwrk.body='{\"item\":\"lamp\",\"count\":2}'\nwrk.headers['Content-Type']='application/json'\n"), 0o600); err != nil {
		return err
	}
	for _, c := range cs {
		c.rate, c.cpu = nil, nil
		c.url = strings.TrimSuffix(c.url, "/1")
	}
	if err := b.contest(cs, 32, "-s", post); err != nil {
		return err
	}
	page.WriteString("The same with a small JSON body posted, which pavise and the guide's middleware judge\nstrictly, and nginx does not:\n\n")
	b.result(page, cs, 1)
	return nil
}

func (b *bench) latency(page *bytes.Buffer) error {
	defer b.stop()
	cs, err := b.everyone(b.cheap)
	if err != nil {
		return err
	}
	p50, p99 := make([][]float64, len(cs)), make([][]float64, len(cs))
	for round := range b.rounds {
		for k := range cs {
			i := (k + round) % len(cs)
			out, err := b.load(cs[i].url, 1, b.length)
			if err != nil {
				return err
			}
			for _, m := range wrkLatency.FindAllStringSubmatch(out, -1) {
				v, _ := strconv.ParseFloat(m[2], 64)
				v *= map[string]float64{"us": 1, "ms": 1e3, "s": 1e6}[m[3]]
				if m[1] == "50" {
					p50[i] = append(p50[i], v)
				} else {
					p99[i] = append(p99[i], v)
				}
			}
		}
	}
	page.WriteString("## Added latency\n\nOne connection, one request at a time. What a proxy adds is its figure less that of no proxy.\n\n")
	last := len(cs) - 1
	var rows [][]string
	for i, c := range cs {
		rows = append(rows, []string{c.name,
			fmt.Sprintf("%.0f", median(p50[i])), fmt.Sprintf("%+.0f", median(p50[i])-median(p50[last])),
			fmt.Sprintf("%.0f", median(p99[i])), fmt.Sprintf("%+.0f", median(p99[i])-median(p99[last]))})
	}
	table(page, []string{"", "p50, µs", "added", "p99, µs", "added"}, rows)
	return nil
}

func (b *bench) memory(page *bytes.Buffer) error {
	defer b.stop()
	cs, err := b.everyone(b.cheap)
	if err != nil {
		return err
	}
	fmt.Fprintf(page, "## Memory of idle connections\n\n%d connections that have each been answered once and are kept open.\n\n", b.idle)
	var rows [][]string
	for _, c := range cs[:len(cs)-1] {
		before := c.resident()
		conns, err := open(c.url, b.idle)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		time.Sleep(2 * time.Second) // a garbage collection may come or not, as it does in production
		after := c.resident()
		for _, conn := range conns {
			conn.Close()
		}
		rows = append(rows, []string{c.name, fmt.Sprintf("%.1f", float64(before)/1024), fmt.Sprintf("%.1f", float64(after)/1024), fmt.Sprintf("%.1f", float64(after-before)/float64(b.idle))})
		time.Sleep(time.Second)
	}
	table(page, []string{"", "before, MiB", "with them, MiB", "KiB a connection"}, rows)
	return nil
}

// open opens keep-alive connections that have each got one answer.
func open(url string, n int) ([]net.Conn, error) {
	addr, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	var conns []net.Conn
	fail := func(err error) ([]net.Conn, error) {
		for _, c := range conns {
			c.Close()
		}
		return nil, err
	}
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return fail(err)
		}
		conns = append(conns, c)
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := fmt.Fprintf(c, "GET /%s HTTP/1.1\r\nHost: %s\r\n\r\n", path, addr); err != nil {
			return fail(err)
		}
		br := bufio.NewReaderSize(c, 4096)
		length := -1
		for {
			line, err := br.ReadString('\n')
			if err != nil {
				return fail(err)
			}
			if v, ok := strings.CutPrefix(strings.ToLower(line), "content-length:"); ok {
				length, _ = strconv.Atoi(strings.TrimSpace(v))
			}
			if strings.TrimSpace(line) == "" {
				break
			}
		}
		if length < 0 {
			return fail(fmt.Errorf("an answer without a length"))
		}
		if _, err := io.CopyN(io.Discard, br, int64(length)); err != nil {
			return fail(err)
		}
	}
	return conns, nil
}

// resident is the contestant's memory, in KiB.
func (c *contestant) resident() int64 {
	var kib int64
	for _, p := range c.processes() {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p))
		if i := bytes.Index(text, []byte("VmRSS:")); i >= 0 {
			var n int64
			fmt.Sscanf(string(text[i:]), "VmRSS: %d", &n)
			kib += n
		}
	}
	return kib
}

var benchLine = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op.*?\s(\d+) B/op\s+(\d+) allocs/op`)

func (b *bench) allocations(page *bytes.Buffer) error {
	page.WriteString("## Each guard, and each tool\n\nGo benchmarks (of a guard: a passing request), `go test -bench . -benchmem ./guard/... ./gateway/... ./fieldcrypt ./passwords/... .`\n\n")
	cmd := exec.CommandContext(b.ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchmem", "-benchtime", "200ms", "./guard/...", "./gateway/...", "./fieldcrypt", "./passwords/...", ".")
	cmd.Env = append(os.Environ(), "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	var rows [][]string
	pkg := ""
	for line := range strings.SplitSeq(string(out), "\n") {
		if p, ok := strings.CutPrefix(line, "pkg: github.com/pavise-dev/pavise"); ok {
			pkg = strings.TrimPrefix(strings.TrimSpace(p), "/")
			continue
		}
		if m := benchLine.FindStringSubmatch(line); m != nil {
			rows = append(rows, []string{pkg, m[1], m[2], m[3], m[4]})
		}
	}
	if len(rows) == 0 {
		return fmt.Errorf("no benchmark ran\n%s", out)
	}
	table(page, []string{"package", "benchmark", "ns", "bytes", "allocations"}, rows)
	return nil
}
