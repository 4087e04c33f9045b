package server

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/internal/deploy"
)

// order tells which of the starts of an application is spoken of.
var order = []string{"dockerfile", "procfile", "systemd", "kubernetes", "compose", "script", "makefile"}

// postures are told once an application: one of its starts that sets what is
// asked for is enough.
func (p *project) postures(starts []*start) {
	var names []string
	apps := map[string][]*start{}
	for _, s := range starts {
		// A configuration speaks for commands, of which there is none here.
		name := s.app[strings.LastIndexByte(s.app, '.')+1:]
		if s.cmd != nil && (s.cmd.Cond || s.server == "fastapi" && s.mode == "dev") && len(starts) > 1 {
			continue
		}
		if apps[name] == nil {
			names = append(names, name)
		}
		apps[name] = append(apps[name], s)
	}
	for _, name := range names {
		a := apps[name]
		slices.SortStableFunc(a, func(x, y *start) int { return cmp.Compare(x.rank(), y.rank()) })
		p.lacks(a, banner, !p.proxied, (*start).hidesServer)
		p.lacks(a, noLimits, !p.limited("UVICORN_LIMIT_CONCURRENCY", "UVICORN_LIMIT_MAX_REQUESTS", "UVICORN_TIMEOUT_KEEP_ALIVE"), (*start).limitsRequests)
		p.lacks(a, gunicornNoLimits, !p.limited(), (*start).recycles)
		p.lacks(a, noList, !p.set["FORWARDED_ALLOW_IPS"] && !p.set["UVICORN_FORWARDED_ALLOW_IPS"], (*start).lists)
	}
}

func (s *start) rank() int {
	switch {
	case s.cmd == nil && s.is("reload", "true"):
		return len(order) + 2
	case s.cmd == nil && !s.launched():
		return len(order) + 1
	case s.cmd == nil:
		return len(order)
	}
	return slices.Index(order, s.cmd.From)
}

// lacks reports the first start of an application, when none has what is asked
// for. What a start does not need, or may have unseen, holds too.
func (p *project) lacks(starts []*start, r *analysis.Rule, asked bool, has func(*start) (holds bool, key, problem string, edits []analysis.Edit)) {
	if !asked || p.Guarded(r) {
		return
	}
	for _, s := range starts {
		if holds, _, _, _ := has(s); holds || s.open {
			return
		}
	}
	for _, s := range starts {
		if _, key, problem, edits := has(s); problem != "" {
			s.say(r, r.Severity, key, edits, "%s", problem)
			return
		}
	}
}

// limited tells whether something else bounds requests.
func (p *project) limited(variables ...string) bool {
	return slices.ContainsFunc(variables, func(v string) bool { return p.set[v] }) ||
		slices.ContainsFunc(p.Deploy.Nginx, func(d *deploy.Directive) bool { return len(d.All("limit_conn")) > 0 })
}

// asgi tells whether gunicorn's workers are plain ones of uvicorn's.
func (s *start) asgi() bool {
	v := s.values["worker_class"]
	return s.server == "gunicorn" && v.known && strings.HasSuffix(v.text, "UvicornWorker") && (strings.HasPrefix(v.text, "uvicorn.") || strings.HasPrefix(v.text, "uvicorn_worker."))
}

func (s *start) hidesServer() (bool, string, string, []analysis.Edit) {
	switch {
	case s.server == "uvicorn":
		if s.is("server_header", "true") {
			return false, "server_header", "uvicorn sends Server: uvicorn", nil
		}
		if s.has("server_header") || s.setsServer() || s.set["UVICORN_SERVER_HEADER"] {
			return true, "", "", nil
		}
		if s.cmd == nil {
			return false, "", "uvicorn sends Server: uvicorn, and server_header is not False", s.argument("server_header=False")
		}
		return false, "", "uvicorn sends Server: uvicorn, and --no-server-header is not given", s.add("--no-server-header")
	case s.server == "fastapi" && s.mode == "run":
		return false, "", "fastapi run sends Server: uvicorn, and has no flag for it: start uvicorn with --no-server-header", nil
	case s.asgi():
		return false, "worker_class", "the workers send Server: uvicorn: derive one with CONFIG_KWARGS = {\"server_header\": False}", nil
	}
	return false, "", "", nil
}

// setsServer tells whether a header of the name is given.
func (s *start) setsServer() bool {
	if v, ok := s.values["headers"]; ok {
		return v.known || analysis.Mentions(v.expr, func(t string) bool { return strings.EqualFold(t, "server") })
	}
	v, ok := s.values["header"]
	return ok && strings.HasPrefix(strings.ToLower(v.text), "server:")
}

func (s *start) limitsRequests() (bool, string, string, []analysis.Edit) {
	switch {
	case s.server == "uvicorn":
		if s.has("limit_concurrency", "limit_max_requests", "timeout_keep_alive", "h11_max_incomplete_event_size") {
			return true, "", "", nil
		}
		return false, "", "uvicorn is given no bound of connections or of a worker's requests", nil
	case s.server == "fastapi" && s.mode == "run":
		return false, "", "fastapi run bounds neither connections nor a worker's requests, and has no flags for it", nil
	case s.server == "hypercorn" && !s.has("config", "keep_alive", "max_requests", "backlog", "graceful_timeout"):
		return false, "", "hypercorn is given no bound of a worker's requests", nil
	case s.server == "granian" && !s.has("backpressure", "workers_lifetime", "workers_max_rss", "backlog"):
		return false, "", "granian is given no bound of what a worker takes on", nil
	}
	return s.server == "hypercorn" || s.server == "granian", "", "", nil
}

// recycling are the settings of gunicorn that bound what a worker does.
var recycling = []string{"max_requests", "max_requests_jitter", "timeout", "worker_connections", "limit_request_line", "limit_request_fields", "limit_request_field_size", "keep_alive", "keepalive", "graceful_timeout"}

func (s *start) recycles() (bool, string, string, []analysis.Edit) {
	if s.server != "gunicorn" {
		return false, "", "", nil
	}
	if s.has(recycling...) {
		return true, "", "", nil
	}
	return false, "", "gunicorn is given no --max-requests, and no timeout of its own", nil
}

func (s *start) lists() (bool, string, string, []analysis.Edit) {
	if s.server != "uvicorn" && s.server != "fastapi" || !s.is("proxy_headers", "true") {
		return false, "", "", nil
	}
	if s.has("forwarded_allow_ips", "uds", "fd") || s.cmd != nil && s.cmd.From == "systemd" && !anyAddress(s.host()) {
		return true, "", "", nil
	}
	return false, "proxy_headers", "proxy headers are read, but only from 127.0.0.1, as no forwarded_allow_ips is given: behind " + s.proxyName() + " each client has the proxy's address", nil
}

// proxyName is what stands in front, as far as the project says.
func (p *project) proxyName() string {
	for _, n := range p.Deploy.Nginx {
		if len(n.All("proxy_pass")) > 0 {
			return path.Base(n.File)
		}
	}
	return "a proxy on another address"
}
