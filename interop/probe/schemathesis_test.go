//go:build real

// Package probe holds pavise probe against a peer. scripts/test prepares it.
package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pavise-dev/pavise/check/probe"
)

// environment is where scripts/test has put a program's surroundings.
func environment(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv(name)
	if dir == "" {
		t.Fatalf("%s is not set: run scripts/test", name)
	}
	return dir
}

// serve starts a server at a free port, of those that the system gives to
// nobody, and stops it at the end of the test.
func serve(t *testing.T, dir string, command func(port string) []string) (url string) {
	t.Helper()
	port := ""
	for range 100 {
		port = strconv.Itoa(20000 + rand.IntN(12000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			_ = l.Close()
			break
		}
	}
	argv := command(port)
	cmd := exec.Command(argv[0], argv[1:]...)
	var log bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	})
	url = "http://127.0.0.1:" + port
	for range 300 {
		if res, err := http.Get(url + "/openapi.json"); err == nil {
			res.Body.Close()
			return url
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the server ended: %v\n%s", err, log.String())
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatal("the server does not answer")
	return ""
}

// A failure is what schemathesis found in one answer.
type failure struct {
	kind, operation, message string
	status                   int    // of the answer
	how                      string // the request is not valid
	in                       string // the part of it that is not
	empty                    bool   // the answer has no body
}

// schemathesis tests an API as a user who calls with a token.
func schemathesis(t *testing.T, url, token string, flags ...string) (found []failure, cases int, took time.Duration) {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.ndjson")
	argv := append([]string{
		"run", url + "/openapi.json", "--phases", "examples,coverage,fuzzing", "--max-examples", "6", "--seed", "1", "--no-shrink",
		"--continue-on-failure", "--generation-database", "none", "--request-timeout", "5", "--no-color", "--warnings", "off",
		"--header", "Authorization: Bearer " + token, "--report", "ndjson", "--report-ndjson-path", report,
		"--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance," +
			"negative_data_rejection,missing_required_header,unsupported_method,ignored_auth",
	}, flags...)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(environment(t, "PAVISE_PROBE_PEERS"), "bin", "schemathesis"), argv...)
	cmd.Dir = t.TempDir()
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took = time.Since(start)
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) { // 1: it found something
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := os.Open(report)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for events := json.NewDecoder(f); ; {
		var event struct {
			ScenarioFinished struct {
				Recorder struct {
					Cases map[string]struct {
						Value struct {
							Meta struct {
								Phase struct {
									Data struct {
										Scenario, Description string
										Location              string `json:"parameter_location"`
									}
								}
							}
						}
					}
					Checks map[string][]struct {
						Status string
						Info   struct {
							Failure struct{ Type, Operation, Message string }
						} `json:"failure_info"`
					}
					Interactions map[string]struct {
						Response struct {
							Status  int `json:"status_code"`
							Content struct {
								Base64 string `json:"$base64"`
							}
						}
					}
				}
			}
		}
		if err := events.Decode(&event); errors.Is(err, io.EOF) {
			return found, cases, took
		} else if err != nil {
			t.Fatal(err)
		}
		r := event.ScenarioFinished.Recorder
		cases += len(r.Cases)
		for _, id := range slices.Sorted(maps.Keys(r.Checks)) {
			for _, c := range r.Checks[id] {
				if c.Status != "success" {
					d, answer := r.Cases[id].Value.Meta.Phase.Data, r.Interactions[id].Response
					found = append(found, failure{c.Info.Failure.Type, c.Info.Failure.Operation, c.Info.Failure.Message,
						answer.Status, d.Scenario + " " + d.Description, d.Location, answer.Content.Base64 == ""})
				}
			}
		}
	}
}

// class are the checks of ours that would say the same.
func (f failure) class() []string {
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(f.how, w) })
	}
	switch f.kind {
	case "ServerError":
		return []string{"input-crash", "malformed-token"}
	case "UndefinedStatusCode":
		if f.status >= 500 {
			return []string{"input-crash", "malformed-token"}
		}
		return []string{"response-schema"}
	case "UndefinedContentType":
		return []string{"response-schema", "content-type"}
	case "JsonSchemaError":
		if strings.Contains(f.message, "Additional properties are not allowed") {
			return []string{"undocumented-fields"}
		}
		return []string{"response-schema"}
	case "IgnoredAuth":
		return []string{"anonymous-refused", "token-checked"}
	case "UnsupportedMethodResponse":
		if strings.HasPrefix(f.message, "Unsupported method TRACE") {
			return []string{"trace"}
		}
		return []string{"unlisted-methods"}
	case "AcceptedNegativeData", "MissingHeaderNotRejected":
		switch {
		case has("unexpected_properties") || has("additionalProperties") && !has("required"):
			return []string{"unknown-field"}
		case has("Invalid syntax"):
			return []string{"json-strict"}
		case has("Missing Content-Type", "media type"):
			return []string{"media-type", "media-type-required"}
		}
		return []string{"schema-enforced", "type-coercion"}
	}
	return nil
}

// words are what a check that speaks once for the API says of such a request.
func (f failure) words() []string {
	for _, w := range []struct{ theirs, ours string }{
		{"missing", "missing"}, {"`required`", "missing"},
		{"above_max_length", "longer than the maximum"}, {"`maxLength`", "longer than the maximum"},
		{"below_min_length", "shorter than the minimum"}, {"`minLength`", "shorter than the minimum"},
		{"above_maximum", "above the maximum"}, {"`maximum`", "above the maximum"},
		{"below_minimum", "below the minimum"}, {"`minimum`", "below the minimum"},
	} {
		if f.kind == "AcceptedNegativeData" && strings.Contains(f.how, w.theirs) {
			return []string{w.ours}
		}
	}
	if f.kind == "AcceptedNegativeData" && (strings.Contains(f.how, "incorrect_type") || strings.Contains(f.how, "`type`")) {
		return []string{"where the schema has", "for an integer", "for a boolean", "for a text"}
	}
	return []string{""}
}

// differs is why what schemathesis finds is no finding of ours.
func (f failure) differs() string {
	switch {
	case f.kind == "UndefinedStatusCode" && f.status >= 400 && f.status < 500:
		return "a refusal that the document does not name harms nobody: we compare what succeeds"
	case f.kind == "JsonSchemaError" && f.status >= 400:
		return "the form of an error harms nobody: we compare what succeeds"
	case f.kind == "AcceptedNegativeData" && f.in == "query" && slices.Contains(f.class(), "unknown-field"):
		return "a parameter that nobody reads is no member that is bound"
	case f.kind == "UndefinedContentType" && f.empty:
		return "a body that is not there is of no type"
	case f.kind == "AcceptedNegativeData" && strings.Contains(f.how, "format"):
		return "a format may be no more than a note"
	}
	return ""
}

// A told is what our report says.
type told struct {
	once      map[string]bool              // a check speaks of the API as a whole
	failed    map[string]map[string]string // what was got, by check and operation
	uncovered map[string]string
}

func tell(r *probe.APIReport) *told {
	o := &told{once: map[string]bool{}, failed: map[string]map[string]string{}, uncovered: map[string]string{}}
	for _, c := range probe.APIChecks() {
		o.once[c.ID], o.failed[c.ID] = c.Once, map[string]string{}
	}
	for _, res := range r.Results {
		if res.Verdict == "fail" || res.Verdict == "suspect" {
			o.failed[res.Check][res.Operation] += res.Got + "\n"
		}
	}
	for _, u := range r.Uncovered {
		o.uncovered[u.Where] = u.Problem
	}
	return o
}

// says tells whether we say the same: of the operation, or once for the API.
func (o *told) says(f failure) (byName, once bool) {
	said := func(got string) bool {
		return slices.ContainsFunc(f.words(), func(w string) bool { return strings.Contains(got, w) })
	}
	for _, c := range f.class() {
		c = "probe/" + c
		for operation, got := range o.failed[c] {
			byName = byName || operation == f.operation && said(got)
			once = once || o.once[c] && said(got)
		}
	}
	return byName, once
}

// agree holds both reports against each other.
func agree(t *testing.T, theirs []failure, r *probe.APIReport) {
	t.Helper()
	o := tell(r)
	type key struct{ operation, kind, checks string }
	seen := map[key]string{}
	for _, f := range theirs {
		k := key{f.operation, f.kind, strings.Join(f.class(), ", ")}
		byName, once := o.says(f)
		what := "?"
		switch {
		case byName:
			what = "by name"
		case f.differs() != "":
			what = "on purpose: " + f.differs()
		case once:
			what = "once for the API"
		case f.status >= 500 && strings.Contains(o.uncovered[f.operation], "answers "+strconv.Itoa(f.status)):
			what = "as uncovered"
		case seen[k] != "?":
			t.Errorf("schemathesis finds %s of %s (%d, %s %s) and none of %s says so: %s", f.kind, f.operation, f.status, f.how, f.in, k.checks, f.message)
		}
		if seen[k] == "" || what == "?" {
			seen[k] = what
		}
	}
	count := map[string]int{}
	for _, what := range seen {
		count[what]++
	}
	t.Logf("%d findings of schemathesis, by operation and class:", len(seen))
	for _, what := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%4d %s", count[what], what)
	}
	if len(seen) < 8 {
		t.Errorf("schemathesis finds next to nothing: does it run?")
	}
}

func compare(t *testing.T, start func() (url, token string), flags ...string) {
	t.Helper()
	// Each has a service of its own, because both write.
	url, token := start()
	theirs, cases, took := schemathesis(t, url, token, flags...)
	url, _ = start()
	r, err := probe.API(t.Context(), probe.APIOptions{URL: url, Seed: 1, Rate: 5000, Total: 20000})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("schemathesis: %d failures in %d cases, %s", len(theirs), cases, took.Round(100*time.Millisecond))
	t.Logf("probe: %d failures and %d suspicions in %d requests, %s", r.Count("fail"), r.Count("suspect"), r.Requests, r.Duration.Round(100*time.Millisecond))
	agree(t, theirs, r)
}

// TestFastAPI: what schemathesis finds in examples/fastapi we find too.
func TestFastAPI(t *testing.T) {
	python := filepath.Join(environment(t, "PAVISE_FASTAPI"), "bin", "python")
	// What takes as long or is as large as it is asked to would take all of
	// the time.
	flags := []string{"--exclude-path", "/slow", "--exclude-path", "/events", "--exclude-path", "/download", "--exclude-path", "/large"}
	compare(t, func() (url, token string) {
		url = serve(t, "../../examples/fastapi", func(port string) []string {
			return []string{python, "-m", "uvicorn", "app.main:app", "--host", "127.0.0.1", "--port", port}
		})
		return url, "1.192fe6d7e6bf3a52b93e7987d482f3d5de7c300b4068433db02f433be654bbb4" // alice's
	}, flags...)
}

// TestVulnerable: and in examples/vulnerable.
func TestVulnerable(t *testing.T) {
	program := filepath.Join(t.TempDir(), "vulnerable")
	if out, err := exec.Command("go", "build", "-o", program, "../../examples/vulnerable").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	compare(t, func() (url, token string) {
		url = serve(t, "", func(port string) []string { return []string{program, "-addr", "127.0.0.1:" + port} })
		var answer struct{ Token string }
		for _, path := range []string{"/register", "/login"} {
			res, err := http.Post(url+path, "application/json", strings.NewReader(`{"email": "greta@example.com", "password": "a quay with sorrel", "name": "greta"}`))
			if err != nil {
				t.Fatal(err)
			}
			err = json.NewDecoder(res.Body).Decode(&answer)
			res.Body.Close()
			if err != nil || res.StatusCode >= 300 {
				t.Fatal(path, res.Status, err)
			}
		}
		return url, answer.Token
	})
}
