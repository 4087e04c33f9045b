package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	xargon2 "golang.org/x/crypto/argon2"

	"github.com/pavise-dev/pavise/fieldcrypt"
	"github.com/pavise-dev/pavise/passwords"
	"github.com/pavise-dev/pavise/secret"
	"github.com/pavise-dev/pavise/settings"
)

// turn is about how long one contestant works before the next one does: short,
// since a machine that others share has half the speed in one second that it had
// in the one before. Each round has several.
const (
	turn  = 50 * time.Millisecond
	turns = 5
)

// duel is something that is done here and by a peer.
type duel struct {
	what string
	ours func() error
	with string       // who the peer is
	job  string       // what python.py calls it
	peer func() error // or else what does it in Go

	times       [2]int // in one turn, of ours and the peer's
	mine, other []float64
	ratio       []float64 // of two turns that follow each other
}

// run lets one of the two do it so many times, and returns the nanoseconds that
// one took.
func (d *duel) run(p *python, peer bool, times int) (float64, error) {
	switch {
	case !peer:
		return timed(times, d.ours)
	case d.peer != nil:
		return timed(times, d.peer)
	}
	return p.timed(d.job, times)
}

// warm finds how often each does it in a turn.
func (d *duel) warm(p *python) error {
	for i := range d.times {
		for n := 1; ; n *= 10 {
			ns, err := d.run(p, i == 1, n)
			if err != nil {
				return err
			}
			if ns*float64(n) > float64(turn)/10 {
				d.times[i] = max(1, int(float64(turn)/ns))
				break
			}
		}
	}
	return nil
}

// data measures what application code calls beside the Python packages that do
// the same, and Go's own where there is one.
func (b *bench) data(page *bytes.Buffer) error {
	duels, err := duels(b.ctx, b.dir)
	if err != nil {
		return err
	}
	p, err := startPython(b.ctx, filepath.Join(b.dir, "bench.env"))
	if err != nil {
		return err
	}
	defer p.stop()
	for _, d := range duels {
		if err := d.warm(p); err != nil {
			return fmt.Errorf("%s: %w", d.what, err)
		}
	}
	for round := range b.rounds * turns {
		for _, d := range duels {
			var ns [2]float64
			for k := range 2 {
				i := (k + round) % 2
				if ns[i], err = d.run(p, i == 1, d.times[i]); err != nil {
					return fmt.Errorf("%s: %w", d.what, err)
				}
			}
			d.mine, d.other, d.ratio = append(d.mine, ns[0]), append(d.other, ns[1]), append(d.ratio, ns[1]/ns[0])
		}
		if round%turns == turns-1 {
			fmt.Fprintf(os.Stderr, "round %d of %d\n", round/turns+1, b.rounds)
		}
	}
	fmt.Fprintf(page, "## Sealing, hashing and settings\n\nWhat application code calls, beside the packages that Python services have for it:\n%s.\nPython is one process, which takes the time itself. The two take %d turns of about %s each; the table shows\nmedians. The ratio is the median of the peer's time to ours in the turn beside it: above 1, pavise is faster.\n± is half the distance between the quartiles; on a machine that others share, another run has differed by\nas much as a third.\n\n", p.versions, b.rounds*turns, turn)
	var rows [][]string
	for _, d := range duels {
		rows = append(rows, []string{d.what, span(d.mine), d.with, span(d.other), fmt.Sprintf("%.2f ± %.0f %%", median(d.ratio), 100*spread(d.ratio))})
	}
	table(page, []string{"", "pavise", "peer", "its time", "ratio"}, rows)
	page.WriteString("The format `pavise` binds a value to its row and column, which Fernet cannot: those rows compare what\neach would seal a column with. For argon2id pavise keeps its memory from one hash to the next, wiped, and the\npeers ask for it each time; its assembly is for AVX2, and the wheel of argon2-cffi is built for SSE2.\n\n")
	return nil
}

// span is the median of times, in three digits, and how far they spread.
func span(all []float64) string {
	ns := median(all)
	unit, name := 1.0, "ns"
	switch {
	case ns >= 1e6:
		unit, name = 1e6, "ms"
	case ns >= 1e3:
		unit, name = 1e3, "µs"
	}
	digits := 0
	if ns/unit < 100 {
		digits = 1
	}
	if ns/unit < 10 {
		digits = 2
	}
	return fmt.Sprintf("%.*f %s ± %.0f %%", digits, ns/unit, name, 100*spread(all))
}

// timed returns the nanoseconds that one of so many took.
func timed(times int, f func() error) (float64, error) {
	start := time.Now()
	for range times {
		if err := f(); err != nil {
			return 0, err
		}
	}
	return float64(time.Since(start)) / float64(times), nil
}

// python is a process that does as it is told, and says how long it took.
type python struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      *bufio.Reader
	versions string
}

func startPython(ctx context.Context, dotenv string) (*python, error) {
	dir := os.Getenv("PAVISE_DATA_PEERS")
	if dir == "" {
		return nil, errors.New("PAVISE_DATA_PEERS names no virtual environment; scripts/bench makes one")
	}
	p := &python{cmd: exec.CommandContext(ctx, filepath.Join(dir, "bin", "python"), "bench/python.py", dotenv)}
	p.cmd.Env = append(os.Environ(), inEnviron...)
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if p.versions, err = p.line(); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *python) stop() {
	_ = p.in.Close()
	_ = p.cmd.Wait()
}

func (p *python) line() (string, error) {
	s, err := p.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("bench/python.py has ended: %w", err)
	}
	return strings.TrimSpace(s), nil
}

func (p *python) timed(job string, times int) (float64, error) {
	if _, err := fmt.Fprintf(p.in, "%s %d\n", job, times); err != nil {
		return 0, err
	}
	s, err := p.line()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(s, 64)
}

// application is the twin of the class in python.py.
type application struct {
	Name     string
	Debug    bool
	Host     string
	Port     int
	Workers  int
	Timeout  float64
	Ratio    float64
	Level    string
	Origins  []string
	Region   string
	Database string
	Pool     int
	Cache    string
	Queue    string
	Retries  int
	Backoff  float64
	Bucket   string
	Sender   string
	Trace    bool
	Token    string
}

var (
	inEnviron = []string{
		"BENCH_NAME=orders", "BENCH_DEBUG=false", "BENCH_HOST=0.0.0.0", "BENCH_PORT=8443", "BENCH_WORKERS=4",
		"BENCH_TIMEOUT=2.5", "BENCH_RATIO=0.75", "BENCH_LEVEL=info", `BENCH_ORIGINS=["https://a.example","https://b.example"]`, "BENCH_REGION=eu-1",
	}
	inDotEnv = []string{
		"# of this machine", "BENCH_DATABASE=postgres://db/orders", "BENCH_POOL=10", "BENCH_CACHE=redis://cache/0", "BENCH_QUEUE='orders in'", "BENCH_RETRIES=3",
		"BENCH_BACKOFF=1.5", `BENCH_BUCKET="receipts"`, "BENCH_SENDER=shop@a.example", "BENCH_TRACE=true", "BENCH_TOKEN=t-0123456789",
	}
)

// duels prepares what is measured.
func duels(ctx context.Context, dir string) ([]*duel, error) {
	var all []*duel
	for _, size := range []int{32, 1024} {
		sealing, err := sealingDuels(size)
		if err != nil {
			return nil, err
		}
		all = append(all, sealing...)
	}
	hashing, err := hashingDuels(ctx)
	if err != nil {
		return nil, err
	}
	all = append(all, hashing...)

	dotenv := filepath.Join(dir, "bench.env")
	if err := os.WriteFile(dotenv, []byte(strings.Join(inDotEnv, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	load := func() error {
		// The whole environment, as the peer looks through it.
		environ := append(os.Environ(), inEnviron...)
		a, err := settings.Load[application](ctx, settings.Options{Prefix: "BENCH_", Environ: environ, DotEnv: []string{dotenv}})
		if err == nil && (a.Token != "t-0123456789" || len(a.Origins) != 2 || a.Port != 8443) {
			err = fmt.Errorf("the settings are %+v", a)
		}
		return err
	}
	return append(all, &duel{what: "settings: 20 fields, half of them from a .env file", ours: load, with: "pydantic-settings", job: "settings"}), nil
}

func sealingDuels(size int) ([]*duel, error) {
	var all []*duel
	where := fieldcrypt.Context{Table: "users", Column: "ssn", PrimaryKey: "42"}
	for _, format := range []fieldcrypt.Format{fieldcrypt.Fernet, fieldcrypt.V1} {
		key, err := fieldcrypt.NewKey(format, time.Now())
		if err != nil {
			return nil, err
		}
		ring, err := fieldcrypt.NewRing(key)
		if err != nil {
			return nil, err
		}
		value := bytes.Repeat([]byte("v"), size)
		token, err := ring.Encrypt(value, where)
		if err != nil {
			return nil, err
		}
		name := map[fieldcrypt.Format]string{fieldcrypt.Fernet: "Fernet", fieldcrypt.V1: "format `pavise`"}[format]
		all = append(all,
			&duel{what: fmt.Sprintf("%s: seal %d bytes", name, size), with: "cryptography, Fernet", job: fmt.Sprintf("fernet seal %d", size), ours: func() error {
				_, err := ring.Encrypt(value, where)
				return err
			}},
			&duel{what: fmt.Sprintf("%s: open %d bytes", name, size), with: "cryptography, Fernet", job: fmt.Sprintf("fernet open %d", size), ours: func() error {
				_, err := ring.Decrypt(token, where)
				return err
			}})
	}
	return all, nil
}

// The same password and salt as in python.py.
const (
	benchPassword = "correct horse battery staple"
	benchSalt     = "0123456789abcdef"
)

func hashingDuels(ctx context.Context) ([]*duel, error) {
	h, err := passwords.New(passwords.Policy{})
	if err != nil {
		return nil, err
	}
	password := secret.New(benchPassword)
	current, err := h.Hash(ctx, password)
	if err != nil {
		return nil, err
	}
	verify := func(stored string) func() error {
		return func() error {
			r, err := h.Verify(ctx, password, stored)
			if err == nil && !r.OK {
				err = errors.New("the password is not right")
			}
			return err
		}
	}
	const (
		crypted = "$2b$12$abcdefghijklmnopqrstuu0sDWleciW5uGBGYwxpcgAsh9WK4bWNy"
		scrypt  = "$scrypt$ln=15,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$9rcVF+DZ8uU77qz3H/v29+n2g8c877AOCRXSQvC/fs3Pc4zxIt0cGPunMU7eTb/r8Lrt0GQ9DdIyJEVBIp7OBg"
		pbkdf2  = "$pbkdf2-sha256$600000$MDEyMzQ1Njc4OWFiY2RlZg$bEpkaq0Q0Get1ft52QeKFtqD1Q.BZwqOdZOySebZSTY"
	)
	const low = "argon2id, 64 MiB, t=3, p=4: "
	hash := func() error {
		_, err := h.Hash(ctx, password)
		return err
	}
	return []*duel{
		{what: low + "hash", ours: hash, with: "argon2-cffi (the reference, in C)", job: "argon2 hash"},
		{what: low + "hash", ours: hash, with: "golang.org/x/crypto", peer: func() error {
			xargon2.IDKey([]byte(benchPassword), []byte(benchSalt), 3, 64<<10, 4, 32)
			return nil
		}},
		{what: low + "verify", ours: verify(current), with: "argon2-cffi (the reference, in C)", job: "argon2 verify"},
		{what: "bcrypt, cost 12: verify", ours: verify(crypted), with: "bcrypt (in Rust)", job: "bcrypt verify"},
		{what: "scrypt, 32 MiB, r=8, p=1: verify", ours: verify(scrypt), with: "hashlib (OpenSSL)", job: "scrypt"},
		{what: "PBKDF2-SHA-256, 600,000 iterations: verify", ours: verify(pbkdf2), with: "hashlib (OpenSSL)", job: "pbkdf2"},
	}, nil
}
