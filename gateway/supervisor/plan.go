package supervisor

import (
	"errors"
	"fmt"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Address is where an upstream process listens.
type Address struct {
	Network string // "unix" or "tcp"
	Address string // the socket's path, or host:port
}

func (a Address) String() string { return a.Network + ":" + a.Address }

// A Plan is how a command line is turned into processes that listen where
// they are told. It comes from [Read], which starts nothing and looks at
// nothing but its argument.
type Plan struct {
	// Server is the server that was recognised: "uvicorn", "gunicorn",
	// "hypercorn", "granian", "fastapi", or "" for a command that is not
	// known.
	Server string
	// Network is what the command is able to listen on: "unix" or "tcp".
	Network string
	// Workers and MaxRequests are what the command line itself asked for,
	// and the supervisor does instead; 0 if it did not ask.
	Workers, MaxRequests int
	// KeepAlive is how long the server leaves an idle connection open. The
	// gateway has to close it earlier: a request that is sent while the
	// server closes is lost, and one with a body cannot simply be repeated.
	KeepAlive time.Duration
	// Notes say what was changed on the command line and why, one sentence
	// each. None holds a value of the command line.
	Notes []string
	// Unset are environment variables that would undo the plan.
	Unset []string

	// probesHTTP says that the server listens before it has loaded the
	// application, so that only an answer means ready.
	probesHTTP bool
	// rolls says that SIGHUP means: replace every process, one by one.
	rolls bool

	argv   []string // with placeholders, if it has any
	insert int      // where the flags of the address go, or -1
	flags  func(Address) []string
	env    func(Address) []string
	// defaults are environment variables over which the user's own win.
	defaults []string
}

// At returns the command line that listens at addr, and what to add to its
// environment, as "KEY=value".
func (p *Plan) At(addr Address) (argv, env []string) {
	argv = make([]string, 0, len(p.argv)+10)
	for i, arg := range p.argv {
		if i == p.insert {
			argv = append(argv, p.flags(addr)...)
		}
		argv = append(argv, fill(arg, addr))
	}
	if p.insert == len(p.argv) {
		argv = append(argv, p.flags(addr)...)
	}
	if p.env != nil {
		env = p.env(addr)
	}
	return argv, env
}

// fill writes the address into the placeholders of one argument.
func fill(s string, addr Address) string {
	if addr.Network == "unix" {
		return strings.ReplaceAll(s, "{socket}", addr.Address)
	}
	host, port, err := net.SplitHostPort(addr.Address)
	if err != nil {
		return s
	}
	return strings.NewReplacer("{port}", port, "{host}", host).Replace(s)
}

// placeholders says which placeholders some text has.
func placeholders(text []string) (socket, port bool) {
	for _, s := range text {
		socket = socket || strings.Contains(s, "{socket}")
		port = port || strings.Contains(s, "{port}")
	}
	return socket, port
}

// Read makes a plan for a command line. env holds further strings in which
// placeholders count, such as the values of extra environment variables; it
// may be nil.
//
// A command with {socket} or {port} is taken at its word: nothing is added.
// Otherwise uvicorn, gunicorn, hypercorn, granian and `fastapi run` are
// recognised, also as `python -m uvicorn`, behind a path, and behind such
// starters as `env`, `uv run` and `poetry run`. Any other command gets PORT
// and HOST in its environment.
func Read(command, env []string) (*Plan, error) {
	if len(command) == 0 || command[0] == "" {
		return nil, errors.New("command: empty; write what starts the upstream, such as: uvicorn app.main:app")
	}
	for i, arg := range command {
		if strings.ContainsRune(arg, 0) {
			return nil, fmt.Errorf("command[%d]: a NUL byte; no process can be given one", i)
		}
	}
	const guess = 5 * time.Second // the default of uvicorn and Node.js, and no server has much less
	socket, port := placeholders(append(slices.Clone(command), env...))
	switch {
	case socket && port:
		return nil, errors.New("command: both {socket} and {port}; an upstream listens at one of them, write one")
	case socket:
		return &Plan{Network: "unix", KeepAlive: guess, argv: slices.Clone(command), insert: -1}, nil
	case port:
		return &Plan{Network: "tcp", KeepAlive: guess, argv: slices.Clone(command), insert: -1}, nil
	}
	name, at := Find(command)
	srv, known := servers()[name]
	if !known {
		return &Plan{
			Network:   "tcp",
			KeepAlive: guess,
			argv:      slices.Clone(command),
			insert:    -1,
			env: func(a Address) []string {
				host, port, _ := net.SplitHostPort(a.Address)
				return []string{"HOST=" + host, "PORT=" + port}
			},
			Notes: []string{fmt.Sprintf("%q is not a server that we know: it gets HOST and PORT in its environment and has to listen there; write {socket} or {port} into the command to pass the address in another way", path.Base(command[0]))},
		}, nil
	}
	p := &Plan{
		Server:     name,
		Network:    srv.network,
		Unset:      slices.Clone(srv.unset),
		KeepAlive:  srv.keepAlive,
		probesHTTP: srv.listensEarly,
		rolls:      true,
		env:        srv.env,
		defaults:   srv.defaults,
	}
	if srv.note != "" {
		p.Notes = append(p.Notes, srv.note)
	}
	if err := p.rewrite(srv, command, at); err != nil {
		return nil, err
	}
	return p, nil
}

// What becomes of a flag that the user wrote.
type action int

const (
	actListen   action = iota // dropped: we say where to listen
	actTLS                    // dropped: we terminate TLS
	actForward                // dropped: the server trusts us and no other
	actDrop                   // dropped: we say the same, or it has no meaning any more
	actHTTP                   // dropped: we speak HTTP/1.1
	actWorkers                // becomes Workers
	actRequests               // becomes MaxRequests
	actReload                 // kept, with a warning
	actNoProxy                // kept, and we do not say the opposite
	actAlive                  // kept, and we do not say another
	actRefuse                 // an error
)

// A flag is one that has to do with what the supervisor does.
type flag struct {
	act   action
	value bool   // takes a value
	why   string // for actRefuse
}

// A server is what we know about one kind.
type server struct {
	network      string
	sub          []string        // the subcommands that serve, if it has any
	flags        map[string]flag // by name, short ones too
	abbreviates  bool            // takes --bin for --bind, as Python's argparse does
	listensEarly bool
	unset        []string
	note         string
	keepAlive    time.Duration // what we tell it, or else its own default
	add          func(a Address, w written) []string
	env          func(Address) []string
	defaults     []string
}

// written is what the user's command line said that our flags depend on.
type written struct {
	noProxy bool
	alive   bool // how long idle connections live
	sub     string
}

// servers lists the servers. The flags were checked against uvicorn 0.54,
// gunicorn 27.0, hypercorn 0.18, granian 2.8 and fastapi-cli 0.0.34.
//
// Trust: the address is ours alone (a socket in a directory of mode 0700, or
// a loopback port), so whoever connects over the socket is us, and the
// server may believe the one X-Forwarded-For and -Proto that we send. Over
// TCP only 127.0.0.1 is believed.
func servers() map[string]server {
	value := func(act action) flag { return flag{act: act, value: true} }
	plain := func(act action) flag { return flag{act: act} }
	// Long enough that the gateway is always the one who closes.
	const alive, seconds = 75 * time.Second, "75"
	const daemon = "a daemon leaves its parent, so nothing could watch it, drain it or stop it"
	unix := func(a Address) string { return "unix:" + a.Address }
	return map[string]server{
		"uvicorn": {
			network: "unix",
			flags: map[string]flag{
				"--host": value(actListen), "--port": value(actListen), "--uds": value(actListen), "--fd": value(actListen),
				"--workers":            value(actWorkers),
				"--limit-max-requests": value(actRequests), "--limit-max-requests-jitter": value(actDrop),
				"--reload":             plain(actReload),
				"--timeout-keep-alive": value(actAlive),
				"--proxy-headers":      plain(actDrop), "--no-proxy-headers": plain(actNoProxy), "--forwarded-allow-ips": value(actForward),
				"--server-header": plain(actDrop), "--no-server-header": plain(actDrop),
				"--ssl-keyfile": value(actTLS), "--ssl-certfile": value(actTLS), "--ssl-keyfile-password": value(actTLS),
				"--ssl-version": value(actTLS), "--ssl-cert-reqs": value(actTLS), "--ssl-ca-certs": value(actTLS), "--ssl-ciphers": value(actTLS),
			},
			// UVICORN_FD would win over --uds, a certificate would have the
			// socket speak TLS. The others are not needed, and confuse.
			unset: []string{"UVICORN_HOST", "UVICORN_PORT", "UVICORN_UDS", "UVICORN_FD", "UVICORN_WORKERS", "WEB_CONCURRENCY",
				"UVICORN_LIMIT_MAX_REQUESTS", "UVICORN_SSL_KEYFILE", "UVICORN_SSL_CERTFILE", "UVICORN_SSL_KEYFILE_PASSWORD"},
			keepAlive: alive,
			add: func(a Address, w written) []string {
				out := []string{"--uds", a.Address, "--workers", "1", "--no-server-header"}
				if !w.alive {
					out = append(out, "--timeout-keep-alive", seconds)
				}
				if !w.noProxy {
					// A unix peer has no address, so only '*' matches it.
					out = append(out, "--proxy-headers", "--forwarded-allow-ips", "*")
				}
				return out
			},
		},
		"gunicorn": {
			network:      "unix",
			abbreviates:  true,
			listensEarly: true,
			flags: map[string]flag{
				// --bind adds to the list, so the user's own must go.
				"-b": value(actListen), "--bind": value(actListen),
				"-w": value(actWorkers), "--workers": value(actWorkers),
				"--max-requests": value(actRequests), "--max-requests-jitter": value(actDrop),
				"--reload":              plain(actReload),
				"--keep-alive":          value(actAlive),
				"--forwarded-allow-ips": value(actForward),
				"--certfile":            value(actTLS), "--keyfile": value(actTLS), "--ca-certs": value(actTLS), "--ciphers": value(actTLS),
				"--ssl-version": value(actTLS), "--cert-reqs": value(actTLS),
				"-D": {act: actRefuse, why: daemon}, "--daemon": {act: actRefuse, why: daemon},
				"--proxy-protocol": {act: actRefuse, why: "the gateway does not send the PROXY protocol to its upstreams"},
				"--protocol":       {act: actRefuse, value: true, why: "the gateway speaks HTTP to its upstreams, and gunicorn does so by default"},
			},
			unset:     []string{"WEB_CONCURRENCY"},
			keepAlive: alive,
			add: func(a Address, w written) []string {
				out := []string{"--bind", unix(a), "--workers", "1", "--forwarded-allow-ips", "*"}
				if !w.alive {
					out = append(out, "--keep-alive", seconds)
				}
				return out
			},
		},
		"hypercorn": {
			network:      "unix",
			abbreviates:  true,
			listensEarly: true,
			flags: map[string]flag{
				"-b": value(actListen), "--bind": value(actListen), "--insecure-bind": value(actListen), "--quic-bind": value(actListen),
				"-w": value(actWorkers), "--workers": value(actWorkers),
				"--max-requests": value(actRequests), "--max-requests-jitter": value(actDrop),
				"--reload":     plain(actReload),
				"--keep-alive": value(actAlive),
				"--certfile":   value(actTLS), "--keyfile": value(actTLS), "--keyfile-password": value(actTLS), "--ca-certs": value(actTLS),
				"--ciphers": value(actTLS), "--cert-reqs": value(actTLS), "--verify-mode": value(actTLS),
				"-D": {act: actRefuse, why: daemon}, "--daemon": {act: actRefuse, why: daemon},
			},
			note:      `hypercorn reads no forwarded headers by itself: wrap the application in hypercorn.middleware.ProxyFixMiddleware(app, mode="legacy", trusted_hops=1) if it needs the client's address or scheme`,
			keepAlive: alive,
			add: func(a Address, w written) []string {
				out := []string{"--bind", unix(a), "--workers", "1"}
				if !w.alive {
					out = append(out, "--keep-alive", seconds)
				}
				return out
			},
		},
		"granian": {
			network:      "unix",
			listensEarly: true,
			flags: map[string]flag{
				"--host": value(actListen), "--port": value(actListen), "--uds": value(actListen), "--uds-permissions": value(actDrop),
				"--workers":         value(actWorkers),
				"--http":            value(actHTTP),
				"--reload":          plain(actReload),
				"--ssl-certificate": value(actTLS), "--ssl-keyfile": value(actTLS), "--ssl-keyfile-password": value(actTLS),
				"--ssl-protocol-min": value(actTLS), "--ssl-ca": value(actTLS), "--ssl-crl": value(actTLS),
				"--ssl-client-verify": plain(actTLS), "--no-ssl-client-verify": plain(actTLS),
			},
			unset: []string{"GRANIAN_HOST", "GRANIAN_PORT", "GRANIAN_UDS", "GRANIAN_UDS_PERMISSIONS", "GRANIAN_WORKERS", "GRANIAN_HTTP",
				"GRANIAN_SSL_CERTIFICATE", "GRANIAN_SSL_KEYFILE", "GRANIAN_SSL_KEYFILE_PASSWORD", "GRANIAN_SSL_CA", "GRANIAN_SSL_CLIENT_VERIFY"},
			// A worker of granian's now and then never ends although it has
			// closed everything, and by itself granian waits for ever
			// (emmett-framework/granian#875). It is stopped when it has no
			// requests any more, so the wait may be short. As a variable,
			// because older versions refuse a flag that they do not know.
			defaults:  []string{"GRANIAN_WORKERS_KILL_TIMEOUT=5"},
			note:      `granian reads no forwarded headers by itself: wrap the application with granian.utils.proxies.wrap_asgi_with_proxy_headers(app, trusted_hosts="*") if it needs the client's address or scheme`,
			keepAlive: 30 * time.Second, // its timeout of reading a head
			add: func(a Address, _ written) []string {
				return []string{"--uds", a.Address, "--workers", "1", "--http", "1"}
			},
		},
		"fastapi": {
			network: "tcp", // it has no flag for a unix socket
			sub:     []string{"run", "dev"},
			flags: map[string]flag{
				"--host": value(actListen), "--port": value(actListen),
				"--workers":             value(actWorkers),
				"--reload":              plain(actReload),
				"--proxy-headers":       plain(actDrop),
				"--no-proxy-headers":    plain(actNoProxy),
				"--forwarded-allow-ips": value(actForward),
			},
			unset:     []string{"WEB_CONCURRENCY"},
			note:      "`fastapi run` cannot listen on a unix socket, so its port on 127.0.0.1 is open to every process of this machine; `uvicorn` with the same application is not",
			keepAlive: 5 * time.Second, // uvicorn's default, with no flag for it
			add: func(a Address, w written) []string {
				host, port, _ := net.SplitHostPort(a.Address)
				out := []string{"--host", host, "--port", port}
				if w.sub == "run" {
					out = append(out, "--workers", "1")
				}
				return out
			},
			// Older versions have no --forwarded-allow-ips; all of them
			// hand this variable on to uvicorn.
			env: func(Address) []string { return []string{"FORWARDED_ALLOW_IPS=127.0.0.1"} },
		},
	}
}

// rewrite takes away from the command line what the supervisor decides, and
// remembers where its own flags go. at is the index of the server's name.
func (p *Plan) rewrite(srv server, command []string, at int) error {
	var (
		mistakes []error
		gone     = map[action][]string{}
		w        written
		out      = slices.Clone(command[:at+1])
		rest     = command[at+1:]
		end      = -1 // where "--" stands in out
	)
	if len(srv.sub) > 0 {
		w.sub = rest[0] // Find saw that it is one of srv.sub
		out, rest = append(out, rest[0]), rest[1:]
		if w.sub == "dev" {
			p.Notes = append(p.Notes, "`fastapi dev` reloads when files change and shows tracebacks; it is not for production")
		}
	}
	for i := 0; i < len(rest); i++ {
		arg := rest[i]
		if arg == "--" {
			end = len(out)
			out = append(out, rest[i:]...)
			break
		}
		name, val, glued := srv.split(arg)
		f, ours := srv.flags[name]
		if !ours {
			out = append(out, arg)
			continue
		}
		if f.value && !glued && f.act != actRefuse {
			if i++; i == len(rest) {
				mistakes = append(mistakes, fmt.Errorf("command: %s: its value is missing", name))
				break
			}
			val = rest[i]
		}
		switch f.act {
		case actRefuse:
			mistakes = append(mistakes, fmt.Errorf("command: %s: %s; leave it out", name, f.why))
		case actReload:
			out = append(out, arg)
			gone[f.act] = append(gone[f.act], name)
		case actNoProxy:
			out = append(out, arg)
			w.noProxy = true
		case actAlive:
			out = append(out, arg)
			if !glued {
				out = append(out, val)
			}
			n, err := strconv.Atoi(val)
			if err != nil || n < 0 || n > 1<<20 {
				mistakes = append(mistakes, fmt.Errorf("command: %s: %.20q is not a number of seconds", name, val))
				continue
			}
			w.alive, p.KeepAlive = true, time.Duration(n)*time.Second
		case actWorkers, actRequests:
			n, err := strconv.Atoi(val)
			if err != nil || n < 0 {
				mistakes = append(mistakes, fmt.Errorf("command: %s: %.20q is not a number of 0 or more", name, val))
				continue
			}
			if f.act == actWorkers {
				p.Workers = n
			} else {
				p.MaxRequests = n
			}
			gone[f.act] = append(gone[f.act], name)
		default:
			gone[f.act] = append(gone[f.act], name)
		}
	}
	if err := errors.Join(mistakes...); err != nil {
		return err
	}
	for _, n := range []struct {
		act  action
		text string
	}{
		{actListen, "dropped: the upstream listens at a private address that is chosen for it"},
		{actTLS, "dropped: the gateway terminates TLS, and the way to the upstream does not leave this machine"},
		{actForward, "replaced: the upstream believes the forwarded headers of the gateway and of nobody else"},
		{actHTTP, "replaced: the gateway speaks HTTP/1.1 to its upstreams"},
		{actWorkers, "taken over: the gateway runs that many processes, each on its own address, and gives a request to the least busy"},
		{actRequests, "taken over: the gateway replaces a process after that many requests, without dropping one"},
		{actReload, "kept: a reload drops the requests that are under way, so it is not for production"},
	} {
		if names := gone[n.act]; len(names) > 0 {
			slices.Sort(names)
			p.Notes = append(p.Notes, strings.Join(slices.Compact(names), ", ")+" "+n.text)
		}
	}
	if w.noProxy {
		p.Notes = append(p.Notes, "--no-proxy-headers kept: the application sees neither the client's address nor its scheme")
	}
	p.argv, p.insert = out, len(out)
	if end >= 0 {
		p.insert = end
	}
	p.flags = func(a Address) []string { return srv.add(a, w) }
	return nil
}

// split takes one argument apart: --name=value, --name, -n, -nvalue. name is
// the flag's full name if it is one of ours.
func (srv server) split(arg string) (name, value string, glued bool) {
	if !strings.HasPrefix(arg, "-") || arg == "-" {
		return "", "", false
	}
	if !strings.HasPrefix(arg, "--") {
		if f, ok := srv.flags[arg[:2]]; ok && len(arg) > 2 {
			if !f.value {
				return arg[:2], "", false
			}
			return arg[:2], strings.TrimPrefix(arg[2:], "="), true
		}
		return arg, "", false
	}
	name, value, glued = strings.Cut(arg, "=")
	if _, ok := srv.flags[name]; ok || !srv.abbreviates || len(name) < 4 {
		return name, value, glued
	}
	// argparse takes any prefix that is unique. One that is not unique it
	// refuses itself, so there is nothing to get wrong by choosing here,
	// except that the choice must not depend on the order of a map.
	found := ""
	for full := range srv.flags {
		if strings.HasPrefix(full, name) && (found == "" || len(full) < len(found) || len(full) == len(found) && full < found) {
			found = full
		}
	}
	if found != "" {
		name = found
	}
	return name, value, glued
}
