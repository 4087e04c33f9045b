package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// bench holds the servers of one run.
type bench struct {
	ctx    context.Context
	dir    string
	rounds int
	length time.Duration
	idle   int
	rows   int

	pavise, peer, caddy, nginx, wrk, python string
	processes                               []*exec.Cmd
}

// contestant is one server under load.
type contestant struct {
	name string
	url  string
	pid  int  // whose CPU time is charged to it
	crew bool // and that of its children, its workers
	rate []float64
	cpu  []float64 // µs a request
}

// prepare finds the peers and builds what is ours.
func (b *bench) prepare() error {
	var missing []string
	find := func(name string, env string) string {
		if p := os.Getenv(env); p != "" {
			return p
		}
		p, err := exec.LookPath(name)
		if err != nil {
			missing = append(missing, name)
		}
		return p
	}
	b.nginx = find("nginx", "PAVISE_NGINX")
	b.wrk = find("wrk", "PAVISE_WRK")
	b.caddy = find("caddy", "PAVISE_CADDY")
	b.python = find("python", "PAVISE_PYTHON")
	if len(missing) > 0 {
		return fmt.Errorf("%s not found; scripts/bench installs and runs all of it", strings.Join(missing, ", "))
	}
	b.pavise = filepath.Join(b.dir, "pavise")
	b.peer = filepath.Join(b.dir, "peer")
	for out, pkg := range map[string]string{b.pavise: "./cmd/pavise", b.peer: "./bench/peer"} {
		cmd := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-o", out, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", pkg, err, text)
		}
	}
	return nil
}

// start runs a server until the end of the bench.
func (b *bench) start(name string, env []string, argv ...string) (*exec.Cmd, error) {
	log, err := os.Create(filepath.Join(b.dir, name+".log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b.processes = append(b.processes, cmd)
	return cmd, nil
}

func (b *bench) stop() {
	for _, p := range b.processes {
		_ = syscall.Kill(-p.Process.Pid, syscall.SIGTERM)
	}
	time.Sleep(300 * time.Millisecond)
	for _, p := range b.processes {
		_ = syscall.Kill(-p.Process.Pid, syscall.SIGKILL)
		_ = p.Wait()
	}
	b.processes = nil
}

// port returns a free one.
func port() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// ready waits until a URL is answered 200.
func (b *bench) ready(url string) error {
	deadline := time.Now().Add(20 * time.Second)
	var last error
	for time.Now().Before(deadline) && b.ctx.Err() == nil {
		res, err := http.Get(url)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(res.Status)
		}
		last = err
		time.Sleep(50 * time.Millisecond)
	}
	logs, _ := filepath.Glob(filepath.Join(b.dir, "*.log"))
	for _, l := range logs {
		text, _ := os.ReadFile(l)
		fmt.Fprintf(os.Stderr, "-- %s\n%s\n", filepath.Base(l), tailOf(text))
	}
	return fmt.Errorf("%s is not answered: %w", url, last)
}

func tailOf(text []byte) []byte {
	if len(text) > 1500 {
		return text[len(text)-1500:]
	}
	return text
}

var (
	wrkRate     = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkRequests = regexp.MustCompile(`(\d+) requests in`)
	wrkBad      = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)`)
	wrkSocket   = regexp.MustCompile(`Socket errors: (.*)`)
	wrkLatency  = regexp.MustCompile(`(?m)^\s+(50|99)%\s+([\d.]+)(us|ms|s)`)
)

// load runs wrk for one round. A response that is not 2xx, or a socket error,
// makes the round void.
func (b *bench) load(url string, connections int, length time.Duration, extra ...string) (string, error) {
	args := append([]string{"-t1", "-c" + strconv.Itoa(connections), "-d" + length.String(), "--latency"}, extra...)
	out, err := exec.CommandContext(b.ctx, b.wrk, append(args, url)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("wrk %s: %w\n%s", url, err, out)
	}
	if m := wrkBad.FindSubmatch(out); m != nil {
		return "", fmt.Errorf("wrk %s: %s responses are errors", url, m[1])
	}
	if m := wrkSocket.FindSubmatch(out); m != nil {
		return "", fmt.Errorf("wrk %s: socket errors: %s", url, m[1])
	}
	return string(out), nil
}

// contest lets the contestants take turns.
func (b *bench) contest(cs []*contestant, connections int, extra ...string) error {
	for _, c := range cs { // warm up
		if _, err := b.load(c.url, connections, time.Second, extra...); err != nil {
			return err
		}
	}
	for round := range b.rounds {
		for i := range cs {
			c := cs[(i+round)%len(cs)]
			before := c.used()
			out, err := b.load(c.url, connections, b.length, extra...)
			if err != nil {
				return err
			}
			used := c.used() - before
			rate, _ := strconv.ParseFloat(wrkRate.FindStringSubmatch(out)[1], 64)
			n, _ := strconv.ParseFloat(wrkRequests.FindStringSubmatch(out)[1], 64)
			c.rate = append(c.rate, rate)
			c.cpu = append(c.cpu, used.Seconds()*1e6/n)
			fmt.Fprintf(os.Stderr, "round %d %-28s %8.0f/s %7.1f µs CPU\n", round+1, c.name, rate, used.Seconds()*1e6/n)
		}
	}
	return nil
}

// used is the CPU time that the contestant has used.
func (c *contestant) used() time.Duration {
	var ticks int64
	for _, p := range c.processes() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
		if err != nil {
			continue
		}
		_, after, _ := strings.Cut(string(text), ") ")
		f := strings.Fields(after)
		if len(f) < 13 {
			continue
		}
		user, _ := strconv.ParseInt(f[11], 10, 64)
		system, _ := strconv.ParseInt(f[12], 10, 64)
		ticks += user + system
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// processes are the contestant's own: nginx works in its children, while
// those of pavise are the service behind it.
func (c *contestant) processes() []int {
	all := []int{c.pid}
	if !c.crew {
		return all
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", c.pid, c.pid))
	if err != nil {
		return all
	}
	for f := range strings.FieldsSeq(string(text)) {
		if child, err := strconv.Atoi(f); err == nil {
			all = append(all, child)
		}
	}
	return all
}

// builtAs is the version of a program in Go by what the compiler noted; Caddy
// itself knows only how its own packagers built it.
func builtAs(file string) string {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	return info.Main.Version
}

func (b *bench) head(page *bytes.Buffer) {
	version := func(name string, args ...string) string {
		out, _ := exec.Command(name, args...).CombinedOutput()
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		return line
	}
	memory := ""
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int
		fmt.Sscanf(string(text), "MemTotal: %d", &kib)
		memory = fmt.Sprintf(", %d GiB of memory", (kib+512<<10)>>20)
	}
	fmt.Fprintf(page, "# Benchmarks\n\nMeasured on %s by `scripts/bench`, on a machine with %d cores%s (%s/%s). Load, proxy and\nupstream share the cores, so the figures are small and the **ratios** are what counts. The\ncontestants take turns: %d rounds of %s each; the table shows medians, and ± half the\ndistance between the quartiles.\n\n",
		time.Now().UTC().Format("2006-01-02"), runtime.NumCPU(), memory, runtime.GOOS, runtime.GOARCH, b.rounds, b.length)
	fmt.Fprintf(page, "%s; %s; Caddy %s; %s; wrk with one thread.\n\n", runtime.Version(), version(b.nginx, "-v"), builtAs(b.caddy), version(b.python, "--version"))
}
