package pavise

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/guard"
	"github.com/pavise-dev/pavise/guard/apidocs"
	"github.com/pavise-dev/pavise/guard/clientip"
	"github.com/pavise-dev/pavise/guard/contenttype"
	"github.com/pavise-dev/pavise/guard/headers"
	"github.com/pavise-dev/pavise/guard/hosts"
	"github.com/pavise-dev/pavise/guard/https"
	"github.com/pavise-dev/pavise/guard/jsonbody"
	"github.com/pavise-dev/pavise/guard/limits"
	"github.com/pavise-dev/pavise/guard/origins"
	"github.com/pavise-dev/pavise/guard/rate"
	"github.com/pavise-dev/pavise/guard/wire"
	"github.com/pavise-dev/pavise/promise"
)

// A Policy is what pavise.yaml says. It enforces, it promises and it proves:
// the same value goes to [New], makes [Policy.Promises], and is what a probe
// holds a running API to.
//
// The zero Policy is the strict one, in enforce mode. Every key that is set
// to loosen it is reported by [Policy.Loosened].
type Policy struct {
	// Version of the policy format; 0 means 1, the only one there is.
	Version int `yaml:"version,omitempty"`
	// Mode is what becomes of refusals: enforce (the default) or observe,
	// which logs and counts them and lets the request go on.
	Mode guard.Mode `yaml:"mode,omitempty"`
	// Modes overrides Mode for a guard ("hosts") or for one rule
	// ("hosts/listed").
	Modes map[string]guard.Mode `yaml:"modes,omitempty"`

	// Wire: requests that two HTTP parsers could read differently.
	Wire wire.Policy `yaml:"wire,omitempty"`
	// Headers of responses.
	Headers headers.Policy `yaml:"headers,omitempty"`
	// ClientIP: who is really calling, behind which proxies.
	ClientIP clientip.Policy `yaml:"clientip,omitempty"`
	// HTTPS: whether plain HTTP is redirected or refused.
	HTTPS https.Policy `yaml:"https,omitempty"`
	// Hosts: the names that are answered.
	Hosts hosts.Policy `yaml:"hosts,omitempty"`
	// Limits of size, time and concurrency.
	Limits limits.Policy `yaml:"limits,omitempty"`
	// Rate of requests for each client and route.
	Rate rate.Policy `yaml:"rate,omitempty"`
	// APIDocs: /docs, /redoc and /openapi.json.
	APIDocs apidocs.Policy `yaml:"apidocs,omitempty"`
	// Origins: cross-origin sharing and cross-site request forgery.
	Origins origins.Policy `yaml:"origins,omitempty"`
	// ContentType: the media types that a body may have.
	ContentType contenttype.Policy `yaml:"contenttype,omitempty"`
	// JSONBody: how strictly JSON is read.
	JSONBody jsonbody.Policy `yaml:"jsonbody,omitempty"`

	// Gateway settings; a handler wrapped by [New] has no use for them.
	Gateway Gateway `yaml:"gateway,omitempty"`

	// Settings of the service itself, for pavise settings.
	Settings Settings `yaml:"settings,omitempty"`

	// Audit of the dependencies, for pavise audit.
	Audit Audit `yaml:"audit,omitempty"`

	// Leaks of secrets in the source, for pavise leaks.
	Leaks Leaks `yaml:"leaks,omitempty"`

	// Lint of the source, for pavise lint.
	Lint Lint `yaml:"lint,omitempty"`

	// Check of everything at once, for pavise check.
	Check Check `yaml:"check,omitempty"`
}

// Gateway is what pavise up needs to know besides the guards' policies.
type Gateway struct {
	// Listen is the address to serve, such as "127.0.0.1:8000", ":443" or
	// "unix:/run/api.sock"; empty means 127.0.0.1:8000.
	Listen string `yaml:"listen,omitempty"`
	// Upstream is the API's address when pavise does not start it:
	// "http://127.0.0.1:9000", "https://api.internal" or "unix:/run/app.sock".
	Upstream string `yaml:"upstream,omitempty"`
	// Command starts the API, one word an item, instead of Upstream.
	Command []string `yaml:"command,omitempty"`
	// Workers is how many processes of Command run, each on its own socket;
	// 0 means 1.
	Workers int `yaml:"workers,omitempty"`
	// MaxRequests recycles a worker after about so many requests; 0 means
	// never.
	MaxRequests int `yaml:"max_requests,omitempty"`
	// ReadyPath is asked before a worker gets requests; empty means that an
	// accepted connection is enough.
	ReadyPath string `yaml:"ready_path,omitempty"`
	// StartTimeout is how long a worker may take to become ready; 0 means 30 s.
	StartTimeout time.Duration `yaml:"start_timeout,omitempty"`
	// GracefulTimeout is how long requests in flight may take to finish when
	// the gateway or a worker stops; 0 means 30 s.
	GracefulTimeout time.Duration `yaml:"graceful_timeout,omitempty"`
	// UpstreamTimeout is how long the API may take to begin its answer; 0
	// means 60 s.
	UpstreamTimeout time.Duration `yaml:"upstream_timeout,omitempty"`
	// TLS serves HTTPS; absent means plain HTTP.
	TLS *TLS `yaml:"tls,omitempty"`
	// Plain is a further address that is served without TLS, such as ":80", so
	// that the https guard can redirect from there; empty means none.
	Plain string `yaml:"plain,omitempty"`
	// H2C also serves HTTP/2 without TLS to clients that know beforehand.
	H2C bool `yaml:"h2c,omitempty"`
	// Admin is the address of health, readiness, metrics and the report;
	// empty means 127.0.0.1:9180, "off" means none.
	Admin string `yaml:"admin,omitempty"`
	// AccessLog is json (the default), text or off.
	AccessLog string `yaml:"access_log,omitempty"`
	// RedactQuery names further query keys whose values are never logged, by
	// case-insensitive match; the usual names of secrets always are redacted.
	RedactQuery []string `yaml:"redact_query,omitempty"`
}

// TLS names a certificate. It is loaded again when the files change.
type TLS struct {
	// Cert is the file of the PEM certificate chain.
	Cert string `yaml:"cert"`
	// Key is the file of the PEM private key.
	Key string `yaml:"key"`
	// MinVersion is "1.2" or "1.3"; empty means 1.2, of which only AEAD
	// suites with forward secrecy are offered.
	MinVersion string `yaml:"min_version,omitempty"`
}

// Defaults of [Gateway].
const (
	DefaultListen          = "127.0.0.1:8000"
	DefaultAdmin           = "127.0.0.1:9180"
	DefaultStartTimeout    = 30 * time.Second
	DefaultGracefulTimeout = 30 * time.Second
	DefaultUpstreamTimeout = 60 * time.Second
)

// check returns every mistake in the gateway's own keys.
func (g Gateway) check() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("gateway."+key+": "+format, args...))
	}
	if g.Listen != "" && !strings.HasPrefix(g.Listen, "unix:") {
		if _, _, err := net.SplitHostPort(g.Listen); err != nil {
			bad("listen", "%q is not an address: want host:port, :port or unix:/path", g.Listen)
		}
	}
	if g.Plain != "" {
		if _, _, err := net.SplitHostPort(g.Plain); err != nil {
			bad("plain", "%q is not an address: want host:port or :port", g.Plain)
		}
		if g.TLS == nil {
			bad("plain", "is for a redirect to TLS, and there is no gateway.tls")
		}
	}
	if g.Admin != "" && g.Admin != "off" {
		if _, _, err := net.SplitHostPort(g.Admin); err != nil {
			bad("admin", "%q is not an address: want host:port or off", g.Admin)
		}
	}
	if g.Upstream != "" && len(g.Command) > 0 {
		bad("command", "given together with gateway.upstream: the API either runs elsewhere or is started here")
	}
	if g.Workers < 0 || g.Workers > 1024 {
		bad("workers", "%d is not between 0 and 1024", g.Workers)
	}
	if g.MaxRequests < 0 {
		bad("max_requests", "%d is negative", g.MaxRequests)
	}
	for _, d := range []struct {
		key string
		d   time.Duration
	}{{"start_timeout", g.StartTimeout}, {"graceful_timeout", g.GracefulTimeout}, {"upstream_timeout", g.UpstreamTimeout}} {
		if d.d < 0 {
			bad(d.key, "%s is negative", d.d)
		}
	}
	if t := g.TLS; t != nil {
		if t.Cert == "" || t.Key == "" {
			bad("tls", "needs both cert and key, the paths of two PEM files")
		}
		if !slices.Contains([]string{"", "1.2", "1.3"}, t.MinVersion) {
			bad("tls.min_version", "%q is not 1.2 or 1.3", t.MinVersion)
		}
	}
	if !slices.Contains([]string{"", "json", "text", "off"}, g.AccessLog) {
		bad("access_log", "%q is not json, text or off", g.AccessLog)
	}
	return errors.Join(errs...)
}

// filled returns the policy with what one section needs to know of another.
func (p Policy) filled() Policy {
	p.Hosts.Listen = p.Gateway.Listen
	if p.Hosts.Listen == "" {
		p.Hosts.Listen = DefaultListen
	}
	p.HTTPS.Hosts = p.Hosts.Names()
	if p.HTTPS.Port == 0 && p.Gateway.TLS != nil {
		// A redirect leads to where we serve TLS ourselves.
		if _, port, err := net.SplitHostPort(p.Gateway.Listen); err == nil {
			p.HTTPS.Port, _ = strconv.Atoi(port)
		}
	}
	p.Wire.AllowH2C = p.Wire.AllowH2C || p.Gateway.H2C
	observed := modes{all: p.Mode, by: p.Modes}.of("apidocs/closed") == guard.Observe
	if p.APIDocs.Open || len(p.APIDocs.OpenTo) > 0 || observed {
		// The pages that are shown must also work in a browser.
		p.Headers = p.Headers.WithDocs("/docs", "/docs/oauth2-redirect", "/redoc")
	}
	return p
}

// Promises returns what a client outside can rely on under this policy. A
// policy that does not hold together makes one promise, which nobody can
// test.
func (p Policy) Promises() []promise.Promise {
	g, err := New(p)
	if err != nil {
		return []promise.Promise{invalid(err)}
	}
	return g.Promises()
}

// InFront are the guards that a policy enforces for every request, by the
// names of their sections. One that only observes is none of them, nor one
// with a key that lets what it is for happen after all. Rate is one where a
// route has a limit of its own: what all requests share stops no guessing of
// passwords.
func (p Policy) InFront() map[string]bool {
	out := map[string]bool{}
	m := modes{all: p.Mode, by: p.Modes}
	for _, r := range Rules() {
		name, _, _ := strings.Cut(r.ID, "/")
		holds, seen := out[name]
		out[name] = (holds || !seen) && m.of(r.ID) != guard.Observe
	}
	for _, l := range p.Loosened() {
		name, key, _ := strings.Cut(l.Key, ".")
		if key == "open" || strings.Contains(key, "insecure_") || strings.Contains(key, "dangerously_") {
			out[name] = false
		}
	}
	if len(p.Rate.Routes) == 0 {
		out["rate"] = false
	}
	out["gateway"] = true
	return out
}
