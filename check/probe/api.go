package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pavise-dev/pavise/check/probe/internal/identity"
	"github.com/pavise-dev/pavise/check/probe/internal/openapi"
	"github.com/pavise-dev/pavise/check/probe/internal/traffic"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// Defaults of [APIOptions].
const (
	DefaultRate  = 200.0 // requests a second
	DefaultTotal = 5000  // requests a run
)

// APIOptions say which API is tested, and how.
type APIOptions struct {
	// URL is the root of the API: scheme, host and perhaps a port.
	URL string
	// Host is sent as the Host header field in place of the URL's own.
	Host string
	// Document is the file or URL of its OpenAPI document; empty means that it
	// is looked for where frameworks serve it.
	Document string
	// NoCrawl says not to find out what the API serves, by following its links,
	// where it has no document.
	NoCrawl bool
	// Description is the document itself, in place of Document.
	Description []byte
	// Routes are what the source serves: those that the document lacks are
	// operations too.
	Routes []Route
	// Identities are who calls, in the format of Web Fuzzing Commons'
	// auth.yaml; nil means that two users are registered, if the API lets
	// strangers do that.
	Identities []byte
	// Users are who calls, in place of Identities.
	Users []User
	// Authorize names the hosts that may be tested besides loopback ones.
	Authorize []string
	// Only and Skip are the checks that are made, as patterns: probe/bola-*.
	Only, Skip []string
	// Seed makes a run repeatable.
	Seed uint64
	// Rate and Total bound the requests, a second and in all; 0 means
	// DefaultRate and DefaultTotal.
	Rate  float64
	Total int
	// Intrusive also makes the checks that load the service or trip limits.
	Intrusive bool
	// ReadOnly sends nothing that writes.
	ReadOnly bool
	// DryRun says what would be asked, and sends nothing but what the plan
	// needs: the question for the document, and the crawl where there is none.
	DryRun             bool
	InsecureSkipVerify bool
	// Env looks a variable up that an identity's secret is read from; nil
	// means the environment's.
	Env func(string) (string, bool)
}

// A User is one who calls.
type User struct {
	Name string
	// Role is what the user may do, such as user (the default) or admin.
	Role string
	// Tenant that the user belongs to; empty means that there are none.
	Tenant string
	// Owns are ids of objects of the user, for an API where none can be made.
	Owns []string
	// Header and Cookies are the credentials.
	Header  http.Header
	Cookies []*http.Cookie
}

// An APIReport is what became of the checks.
type APIReport struct {
	URL     string      `json:"url"`
	Title   string      `json:"title,omitempty"`
	Seed    uint64      `json:"seed"`
	Results []APIResult `json:"results"`
	// Operations of the document, and Covered ones that answered a valid
	// request with 2xx.
	Operations int `json:"operations"`
	Covered    int `json:"covered"`
	// Uncovered says why the others did not.
	Uncovered []finding.Unclear `json:"uncovered,omitempty"`
	Requests  int               `json:"requests"`
	// Left are objects that were made and could not be deleted.
	Left     int      `json:"objects_left,omitempty"`
	Notes    []string `json:"notes,omitempty"`
	Plan     []string `json:"plan,omitempty"`
	Duration time.Duration
}

// An APIResult is what became of a check of one operation.
type APIResult struct {
	Check     string           `json:"check"`
	Claim     string           `json:"claim"`
	Operation string           `json:"operation,omitempty"`
	Verdict   string           `json:"verdict"`
	Severity  finding.Severity `json:"severity"`
	Got       string           `json:"got,omitempty"`
	Want      string           `json:"want,omitempty"`
	Reason    string           `json:"reason,omitempty"`
	// Steps are lines for a shell that show it, the last of them the one.
	Steps []string `json:"steps,omitempty"`
	// Response is the beginning of the answer that shows it.
	Response string   `json:"response,omitempty"`
	Fix      string   `json:"fix,omitempty"`
	Pavise   string   `json:"pavise,omitempty"`
	Refs     []string `json:"refs,omitempty"`
}

// API tests an API by its OpenAPI document. Its error is about the options
// ([ErrOptions]), or says that the API cannot be tested at all.
func API(ctx context.Context, o APIOptions) (*APIReport, error) {
	start := time.Now()
	base, err := o.settle()
	if err != nil {
		return nil, err
	}
	client := traffic.New(traffic.Options{Base: base, Host: o.Host, Rate: o.Rate, Total: o.Total, Run: runName(), Secret: secretFor(base), InsecureSkipVerify: o.InsecureSkipVerify})
	defer client.Close()
	api, err := o.describe(ctx, client)
	if err != nil {
		return nil, err
	}
	var who []*identity.Identity
	var notes []string
	if !o.DryRun {
		if who, notes, err = o.identities(ctx, client, api.doc); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrIdentities, err)
		}
	}
	if err := api.asUser(ctx, client, who); err != nil {
		return nil, err
	}
	api.tell()
	doc := api.doc
	report := &APIReport{URL: base.String(), Title: doc.Title, Seed: o.Seed, Operations: len(doc.Operations), Notes: api.notes}
	report.Notes = append(report.Notes, hide(doc, o.Routes)...)
	checks := api.judged(o.chosen())
	if o.DryRun {
		for _, op := range doc.Operations {
			report.Plan = append(report.Plan, op.Name())
		}
		for _, c := range checks {
			report.Plan = append(report.Plan, c.ID+": "+c.Claim)
		}
		report.Requests = client.Sent()
		return report, nil
	}
	report.Notes = append(report.Notes, notes...)
	t := trial.New(trial.Options{Client: client, Document: doc, Identities: who, Seed: o.Seed, Intrusive: o.Intrusive, ReadOnly: o.ReadOnly})
	defer t.Close()
	var results []trial.Result
	var uncovered []finding.Unclear
	func() {
		// However it ends: cancelled, with all requests spent, or in a panic.
		defer func() { report.Left = t.Cleanup(context.WithoutCancel(ctx)) }()
		results, uncovered = t.Run(ctx, checks)
		doubt(ctx, t, results)
		api.doubt(results)
	}()
	report.Covered, _ = t.Coverage()
	report.Uncovered = slices.DeleteFunc(uncovered, func(u finding.Unclear) bool { return unserved(doc, u) })
	report.Requests = client.Sent()
	report.Duration = time.Since(start)
	for _, r := range results {
		report.Results = append(report.Results, shown(t, r))
	}
	return report, ctx.Err()
}

func (o *APIOptions) identities(ctx context.Context, client *traffic.Client, doc *openapi.Document) ([]*identity.Identity, []string, error) {
	if o.ReadOnly && o.Identities == nil && len(o.Users) == 0 {
		return nil, []string{"nobody was registered, because nothing is written: give users with --auth FILE"}, nil
	}
	if len(o.Users) == 0 {
		who, notes, err := identity.All(ctx, client, doc, o.Identities, o.Env, o.Seed)
		if err != nil || o.Identities == nil || o.ReadOnly {
			return who, notes, err
		}
		who, more, err := identity.Complete(ctx, client, doc, who, o.Seed)
		return who, append(notes, more...), err
	}
	var out []*identity.Identity
	for _, u := range o.Users {
		out = append(out, &identity.Identity{Name: u.Name, Role: u.Role, Tenant: u.Tenant, Owns: u.Owns, Header: u.Header, Cookies: u.Cookies})
	}
	return out, nil, nil
}

// settle checks the options and fills in what is not given.
func (o *APIOptions) settle() (*url.URL, error) {
	base, err := url.Parse(o.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.User != nil || base.RawQuery != "" || strings.Trim(base.Path, "/") != "" {
		return nil, fmt.Errorf("%w: the URL is not the root of an API: want http://host:port or https://host:port", ErrOptions)
	}
	base.Path = ""
	if !mayAttack(base, o.Authorize) {
		return nil, fmt.Errorf("%w: %s is no loopback address, and attacks are sent to hosts alone that are named: --authorize %s", ErrOptions, base.Hostname(), base.Hostname())
	}
	for _, patterns := range [][]string{o.Only, o.Skip} {
		for _, p := range patterns {
			if _, err := path.Match(p, ""); err != nil {
				return nil, fmt.Errorf("%w: %q is no pattern of checks", ErrOptions, p)
			}
			if !slices.ContainsFunc(checks(), func(c *trial.Check) bool { return matches([]string{p}, c.ID) }) {
				return nil, fmt.Errorf("%w: %q is no check of probe; pavise explain probe lists them", ErrOptions, p)
			}
		}
	}
	if o.Rate < 0 || o.Total < 0 {
		return nil, fmt.Errorf("%w: the bounds of requests are more than zero", ErrOptions)
	}
	if o.Rate == 0 {
		o.Rate = DefaultRate
	}
	if o.Total == 0 {
		o.Total = DefaultTotal
	}
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	return base, nil
}

// mayAttack tells whether a host is this machine, or one that is named.
func mayAttack(base *url.URL, authorized []string) bool {
	return traffic.Loopback(base.Hostname()) || slices.Contains(authorized, base.Hostname()) || slices.Contains(authorized, base.Host)
}

// MayAttack tells whether [API] would test a root: it is on this machine, or
// its host is among those that are authorized.
func MayAttack(root string, authorized []string) bool {
	base, err := url.Parse(root)
	return err == nil && mayAttack(base, authorized)
}

func matches(patterns []string, id string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if !strings.HasPrefix(p, "probe/") {
			p = "probe/" + p
		}
		ok, _ := path.Match(p, id)
		return ok
	})
}

func (o *APIOptions) chosen() []*trial.Check {
	return slices.DeleteFunc(checks(), func(c *trial.Check) bool {
		return len(o.Only) > 0 && !matches(o.Only, c.ID) || matches(o.Skip, c.ID) || c.Intrusive && !o.Intrusive
	})
}

// runName is written into every request's marker.
func runName() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b) // it does not fail
	return hex.EncodeToString(b)
}

// secretFor is what accounts follow from besides the seed: on this machine
// nothing, so that a run finds those of the last one. Elsewhere what stays
// behind must be closed to whoever guesses the seed.
func secretFor(base *url.URL) string {
	if traffic.Loopback(base.Hostname()) {
		return ""
	}
	return rand.Text()
}

// places are where frameworks serve their documents.
func places() []string {
	return []string{"/openapi.json", "/openapi.yaml", "/api/openapi.json", "/api/v1/openapi.json", "/v1/openapi.json", "/v3/api-docs", "/swagger.json", "/api-docs", "/docs/openapi.json", "/.well-known/openapi.json"}
}

// ErrNoDocument says that no OpenAPI document was found.
var ErrNoDocument = errors.New("no OpenAPI document was found")

const maxDocument = 16 << 20

// document reads the OpenAPI document, from a file, a URL, or where it is
// usually served.
func document(ctx context.Context, client *traffic.Client, name string) (data []byte, where string, err error) {
	if name != "" && !strings.HasPrefix(name, "http://") && !strings.HasPrefix(name, "https://") && !strings.HasPrefix(name, "/") || fileExists(name) {
		f, err := os.Open(name)
		if err != nil {
			return nil, name, fmt.Errorf("%w: the OpenAPI document: %w", ErrOptions, err)
		}
		defer f.Close()
		data, err = io.ReadAll(io.LimitReader(f, maxDocument+1))
		return data, name, err
	}
	candidates := places()
	if name != "" {
		u, err := url.Parse(name)
		if err != nil || u.Host != "" && u.Host != client.Base().Host {
			return nil, name, fmt.Errorf("%w: the OpenAPI document is read from the API or from a file, and %s is neither", ErrOptions, name)
		}
		candidates = []string{u.EscapedPath()}
	}
	var last error
	for _, p := range candidates {
		e, err := client.Send(ctx, &traffic.Request{Method: "GET", Path: p})
		var dial *net.OpError
		if errors.As(err, &dial) {
			return nil, p, fmt.Errorf("the API does not answer: %w", err)
		}
		if err != nil {
			last = err
			continue
		}
		// An application of one page answers with its index, whatever is asked for.
		if page := strings.Contains(e.Type(), "html") || bytes.HasPrefix(bytes.TrimSpace(e.Body), []byte("<")); page && name == "" {
			continue
		}
		if e.OK() && (strings.Contains(string(e.Body), "openapi") || strings.Contains(string(e.Body), "swagger")) {
			return e.Body, p, nil
		}
	}
	if last != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrNoDocument, last)
	}
	return nil, "", fmt.Errorf("%w at %s: name it with --openapi FILE", ErrNoDocument, strings.Join(candidates, ", "))
}

func fileExists(name string) bool {
	info, err := os.Stat(name)
	return name != "" && err == nil && info.Mode().IsRegular()
}

// maxShown bounds the part of a response that is shown.
const maxShown = 600

// shown is a result for a report: without secrets, with what shows it.
func shown(t *trial.Trial, r trial.Result) APIResult {
	secrets := t.Secrets()
	out := APIResult{
		Check: r.Check.ID, Claim: r.Check.Claim, Operation: r.Operation, Verdict: r.Verdict.String(), Severity: r.Check.Severity,
		Got: secrets.Mask(r.Got), Want: r.Want, Reason: secrets.Mask(r.Reason),
	}
	if r.Severity != finding.Unknown {
		out.Severity = r.Severity
	}
	if r.Verdict != trial.Fail && r.Verdict != trial.Suspect {
		return out
	}
	out.Fix, out.Pavise, out.Refs = r.Check.Fix, r.Check.Pavise, r.Check.Refs
	for _, e := range r.Shown {
		out.Steps = append(out.Steps, t.Client.Curl(e.Request, secrets))
	}
	if n := len(r.Shown); n > 0 {
		e := r.Shown[n-1]
		var b strings.Builder
		fmt.Fprintf(&b, "%s %d\n", e.Proto, e.Status)
		_ = e.Header.Write(&b)
		fmt.Fprintf(&b, "\n%s", e.Body[:min(len(e.Body), maxShown)])
		out.Response = secrets.Mask(strings.ToValidUTF8(b.String(), "�"))
	}
	return out
}

// Findings are the failures as findings. Suspicions are of a severity that
// fails no run by default.
func (r *APIReport) Findings() []finding.Finding {
	var out []finding.Finding
	for _, res := range r.Results {
		if res.Verdict != trial.Fail.String() && res.Verdict != trial.Suspect.String() {
			continue
		}
		f := finding.Finding{Rule: res.Check, Where: r.URL, Severity: res.Severity, Refs: res.Refs, Fix: res.Fix}
		if res.Operation != "" {
			method, p, _ := strings.Cut(res.Operation, " ")
			f.Where = method + " " + r.URL + p
		}
		f.Problem = fmt.Sprintf("got %s, want %s", res.Got, res.Want)
		if res.Verdict == trial.Suspect.String() {
			f.Severity = finding.Info
			f.Problem = "suspected: " + f.Problem
		}
		if n := len(res.Steps); n > 0 {
			f.Problem += "; shown by " + res.Steps[n-1]
		}
		if res.Pavise != "" {
			f.Fix = strings.TrimSuffix(f.Fix, ".") + ". Pavise: " + res.Pavise
		}
		out = append(out, f)
	}
	return out
}

// Count is how many results have a verdict.
func (r *APIReport) Count(verdict string) int {
	n := 0
	for _, res := range r.Results {
		if res.Verdict == verdict {
			n++
		}
	}
	return n
}

// Document reads an API's OpenAPI document from where frameworks serve it.
func Document(ctx context.Context, root, host string) ([]byte, error) {
	base, err := url.Parse(root)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	client := traffic.New(traffic.Options{Base: base, Host: host, Run: runName()})
	defer client.Close()
	data, _, err := document(ctx, client, "")
	return data, err
}
