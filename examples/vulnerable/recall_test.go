package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe"
	"github.com/pavise-dev/pavise/finding"
)

// start runs the service on a loopback port.
func start(t testing.TB) *service {
	t.Helper()
	s, err := newService()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.db.Close() })
	return s
}

func serve(t testing.TB) (url string) {
	t.Helper()
	addr := make(chan string, 1)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx, "127.0.0.1:0", func(a net.Addr) { addr <- a.String() }) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	select {
	case a := <-addr:
		return "http://" + a
	case err := <-done:
		t.Fatal(err)
		return ""
	}
}

// fast is for what is not measured.
func fast(url string) probe.APIOptions {
	return probe.APIOptions{URL: url, Seed: 1, Rate: 5000, Total: 20000}
}

func ask(t testing.TB, o probe.APIOptions) *probe.APIReport {
	t.Helper()
	r, err := probe.API(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	failed  = "fail"
	suspect = "suspect"
)

// of tells whether a result is about a flaw.
func (f flaw) of(r probe.APIResult) bool {
	return r.Check == "probe/"+f.check && (f.at == "" || r.Operation == f.at) && strings.Contains(r.Got, f.says) && (r.Verdict == failed || r.Verdict == suspect)
}

// found tells whether a report names a flaw, and whether with certainty.
func (f flaw) found(r *probe.APIReport) (found, certain bool) {
	for _, res := range r.Results {
		if f.of(res) {
			found, certain = true, certain || res.Verdict == failed
		}
	}
	return found, certain
}

// cookies are two users who call with the session's cookie.
func cookies(t testing.TB, url string) []probe.User {
	t.Helper()
	var out []probe.User
	for _, name := range []string{"carla", "dmitri"} {
		c := fmt.Sprintf(`{"email": "%s@example.com", "password": "a quay with sorrel", "name": "%s"}`, name, name)
		for _, path := range []string{"/register", "/login"} {
			res, err := http.Post(url+path, "application/json", strings.NewReader(c))
			if err != nil || res.StatusCode >= 300 {
				t.Fatal(err, path)
			}
			res.Body.Close()
			if path == "/login" {
				out = append(out, probe.User{Name: name, Cookies: res.Cookies()})
			}
		}
	}
	return out
}

// sound are the operations of which nothing may be found.
func sound(s *service) map[string]bool {
	out := map[string]bool{}
	for _, r := range s.routes() {
		if r.sound {
			out[r.name] = true
		}
	}
	return out
}

// falsely are findings of some weight about sound operations.
func falsely(sound map[string]bool, r *probe.APIReport) []string {
	var out []string
	for _, res := range r.Results {
		// The key that signs tokens is weak, whatever the operation.
		if res.Verdict == failed && res.Severity >= finding.Medium && sound[res.Operation] && res.Check != "probe/jwt-key" {
			out = append(out, fmt.Sprintf("%s of %s: got %s, want %s", res.Check, res.Operation, res.Got, res.Want))
		}
	}
	return out
}

// TestRecall: of the flaws that were planted 95 in 100 are found, and nothing
// of weight is found where there is nothing.
func TestRecall(t *testing.T) {
	s := start(t)
	url := serve(t)
	r := ask(t, fast(url))
	o := fast(url)
	o.Users, o.Only = cookies(t, url), []string{"probe/csrf", "probe/websocket-*", "probe/cookie-flags"}
	withCookie := ask(t, o)
	classes, order, all, hits := map[string][2]int{}, []string{}, 0, 0
	labelled := map[string]bool{}
	for _, f := range flaws() {
		labelled["probe/"+f.check+" "+f.at] = true
		if f.how == intrusive {
			continue
		}
		report := r
		if f.how == byCookie {
			report = withCookie
		}
		found, certain := f.found(report)
		class := class(f.n)
		if !slices.Contains(order, class) {
			order = append(order, class)
		}
		c := classes[class]
		all, c[0] = all+1, c[0]+1
		switch {
		case found && (certain || f.how == suspected):
			hits, c[1] = hits+1, c[1]+1
		case found:
			t.Logf("flaw %d, %s of %s, is suspected alone: %s", f.n, f.check, f.at, f.why)
		default:
			t.Logf("flaw %d, %s of %s, is not found: %s%s", f.n, f.check, f.at, f.why, reasons(report, f))
		}
		classes[class] = c
	}
	for _, class := range order {
		t.Logf("%-32s %3d of %3d", class, classes[class][1], classes[class][0])
	}
	t.Logf("recall: %d of %d; %d operations, %d covered; %d requests in %s", hits, all, r.Operations, r.Covered, r.Requests, r.Duration.Round(time.Millisecond))
	if 100*hits < 95*all {
		t.Errorf("%d of %d flaws were found, want 95 in 100", hits, all)
	}
	// The usual checklist: no question is answered as one would wish.
	for _, item := range probe.Checklist() {
		if got := r.Answer(item); got != "fail" {
			t.Errorf("%s %s", item.Question, got)
		}
	}
	for _, report := range []*probe.APIReport{r, withCookie} {
		for _, f := range falsely(sound(s), report) {
			t.Error("a false finding:", f)
		}
	}
	if testing.Verbose() {
		for _, res := range r.Results {
			if (res.Verdict == failed || res.Verdict == suspect) && res.Severity >= finding.Medium && !labelled[res.Check+" "+res.Operation] && !labelled[res.Check+" "] {
				t.Logf("beside the labels: %s %s %s of %s: %s", res.Verdict, res.Severity, res.Check, res.Operation, res.Got)
			}
		}
	}
}

// reasons are what the check said instead.
func reasons(r *probe.APIReport, f flaw) string {
	var out strings.Builder
	for _, res := range r.Results {
		if res.Check == "probe/"+f.check && (f.at == "" || res.Operation == f.at) {
			fmt.Fprintf(&out, "; %s of %q: %s%s", res.Verdict, res.Operation, res.Got, res.Reason)
		}
	}
	return out.String()
}

// class is the heading in flaws.go that a flaw stands below.
func class(n int) string {
	starts := map[int]string{1: "headers and banners", 11: "exposure", 28: "other sites and hosts", 39: "authentication and accounts", 61: "authorisation and objects", 75: "injection", 95: "input contract", 106: "limits", 112: "GraphQL", 115: "what hides"}
	best := 0
	for from := range starts {
		if from <= n && from > best {
			best = from
		}
	}
	return starts[best]
}

// fingerprint is what of a report does not depend on the clock: who is said to
// have which fault.
func fingerprint(r *probe.APIReport) string {
	lines := map[string]bool{}
	for _, res := range r.Results {
		if res.Verdict == failed || res.Verdict == suspect {
			lines[res.Verdict+" "+res.Severity.String()+" "+res.Check+" "+res.Operation] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(lines)), "\n")
}

func difference(a, b string) string {
	var out []string
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for _, line := range x {
		if !slices.Contains(y, line) {
			out = append(out, "- "+line)
		}
	}
	for _, line := range y {
		if !slices.Contains(x, line) {
			out = append(out, "+ "+line)
		}
	}
	return strings.Join(out, "\n")
}

// TestLabels: each flaw names a check that there is, an operation that is not
// sound, and a place in the source.
func TestLabels(t *testing.T) {
	s := start(t)
	ops, fine := map[string]bool{"GET /ws": true, "POST /graphql": true}, sound(s)
	for _, r := range s.routes() {
		if ops[r.name] {
			t.Errorf("%s is there twice", r.name)
		}
		ops[r.name] = true
	}
	checks := map[string]bool{}
	for _, c := range probe.APIChecks() {
		checks[c.ID] = true
	}
	seen := map[string]int{}
	for i, f := range flaws() {
		if f.n != i+1 || !checks["probe/"+f.check] || f.at != "" && !ops[f.at] || fine[f.at] || f.why == "" {
			t.Errorf("%+v", f)
		}
		if key := f.check + f.at + f.says; seen[key] > 0 {
			t.Errorf("flaws %d and %d cannot be told apart", seen[key], f.n)
		} else {
			seen[key] = f.n
		}
		file, names, _ := strings.Cut(f.where, " ")
		source, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
			continue
		}
		names, _, _ = strings.Cut(names, " (")
		for _, name := range strings.Split(names, ", ") {
			if !regexp.MustCompile(`(?m)^(func (\(s \*service\) )?|const )` + name + `\b`).Match(source) {
				t.Errorf("flaw %d: %s has no %s", f.n, file, name)
			}
		}
	}
	if len(flaws()) < 45 || len(fine) < 15 {
		t.Errorf("%d flaws and %d sound operations", len(flaws()), len(fine))
	}
}

// TestLoopbackOnly: nobody else is let near it.
func TestLoopbackOnly(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:0": true, "[::1]:0": true, "127.8.9.10:80": true,
		":8000": false, "0.0.0.0:8000": false, "[::]:8000": false, "192.0.2.1:8000": false, "localhost:8000": false, "example.com:80": false, "127.0.0.1": false,
	} {
		if err := loopback(addr); (err == nil) != want {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if err := run(t.Context(), "0.0.0.0:0", func(net.Addr) {}); err == nil || !strings.Contains(err.Error(), "vulnerable on purpose") {
		t.Errorf("%v", err)
	}
}
