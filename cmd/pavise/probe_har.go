package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise/check/lint"
	"github.com/pavise-dev/pavise/check/probe"
)

// sourceRoutes are the routes of a source, for the probe.
func sourceRoutes(ctx context.Context, o lint.Options) ([]probe.Route, error) {
	found, err := lint.Routes(ctx, o)
	if err != nil {
		return nil, err
	}
	out := make([]probe.Route, 0, len(found))
	for _, r := range found {
		out = append(out, probe.Route{Method: r.Method, Path: r.Path, Where: fmt.Sprintf("%s:%d", r.File, r.Line)})
	}
	return out, nil
}

func replayCommand(t *terminal) *cobra.Command {
	r := &probeRun{t: t}
	var from []string
	var write string
	c := &cobra.Command{
		Use:   "replay FILE.har URL",
		Short: "Put the checklist to an API that has no OpenAPI document",
		Long: `Read recorded requests (HAR 1.2, as browsers and pavise probe record write them), make an
OpenAPI document of them, and do what pavise probe does with it.

Requests to the API become operations: segments of a path that are ids become parameters,
bodies become schemas, and what was sent with credentials is taken to need them. Files and
pages are left out. No credential is in the document; --write keeps it, to be corrected and
used with --openapi.

Nothing is sent again as it was recorded: requests are made from the schemas, about objects
of the run's own. Give the users with --auth, where strangers cannot register.

Exit codes: 0 all kept, 1 something broken, 2 wrong usage or policy, 3 could not tell.`,
		Example: `  pavise probe replay session.har http://127.0.0.1:8000
  pavise probe replay session.har http://127.0.0.1:8000 --from api.example.com --auth auth.yaml
  pavise probe replay session.har http://127.0.0.1:8000 --write openapi.json --dry-run`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if r.api.Document != "" {
				return &exitError{code: exitUsage, err: errors.New("--openapi is for an API that has a document"), hint: "pavise probe URL --openapi FILE"}
			}
			recording, err := readArchive(args[0], args[1], from)
			if err != nil {
				return err
			}
			if write != "" {
				if err := replaceFile(write, recording.Document); err != nil {
					return &exitError{code: exitUnknown, err: err, hint: "is the folder there, and writable?"}
				}
			}
			for _, n := range recording.Notes {
				t.notef("%s: %s", args[0], n)
			}
			t.notef("%d operations of %d requests; what was sent with credentials is taken to need them", recording.Operations, recording.Calls)
			r.api.Description = recording.Document
			return r.run(c.Context(), args[1])
		},
	}
	r.flags(c)
	c.Flags().StringSliceVar(&from, "from", nil, "the host that the recording was made at, if not the URL's; may be repeated")
	c.Flags().StringVar(&write, "write", "", "also write the OpenAPI document to a file")
	return c
}

func readArchive(name, target string, from []string) (*probe.Recording, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err, hint: "pavise probe record --listen 127.0.0.1:8081 URL -o session.har"}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, probe.MaxArchive+1))
	if err != nil {
		return nil, &exitError{code: exitUnknown, err: err}
	}
	recording, err := probe.FromHAR(data, target, from)
	switch {
	case errors.Is(err, probe.ErrOptions):
		return nil, probeError(err)
	case errors.Is(err, probe.ErrNotRecorded):
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("%s: %w", name, err), hint: "name the host of the recording with --from HOST"}
	case err != nil:
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("%s: %w", name, err), hint: "browsers save it in the network tab of their tools"}
	}
	return recording, nil
}

func recordCommand(t *terminal) *cobra.Command {
	r := &recordRun{t: t}
	c := &cobra.Command{
		Use:   "record URL",
		Short: "Record requests to an API, for pavise probe replay",
		Long: `Listen on a loopback port, pass every request on to the API, and write what passed as an
HTTP archive (HAR 1.2) on Ctrl-C.

Placeholders stand where credentials were: in header fields, cookies, parameters, and
members of bodies that are named so, and wherever their values come again. Other data of
whoever used the API is in the file: it can be read by its owner alone.

Exit codes: 0 it was written, 2 wrong usage, 3 nothing could be recorded.`,
		Example: `  pavise probe record --listen 127.0.0.1:8081 http://127.0.0.1:8000 -o session.har
  pavise probe record https://staging.example.com -o session.har`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return r.run(ctx, args[0])
		},
	}
	f := c.Flags()
	f.StringVar(&r.listen, "listen", "127.0.0.1:0", "the loopback address to listen on; port 0 is a free one")
	f.StringVarP(&r.output, "output", "o", "session.har", "the file to write")
	f.BoolVar(&r.insecure, "insecure-skip-verify", false, "accept any certificate of the API")
	return c
}

// recordRun is one call of the command.
type recordRun struct {
	t              *terminal
	listen, output string
	insecure       bool
}

func (r *recordRun) run(ctx context.Context, target string) (err error) {
	host, _, err := net.SplitHostPort(r.listen)
	if err != nil {
		return &exitError{code: exitUsage, err: fmt.Errorf("--listen: %w", err), hint: "--listen 127.0.0.1:8081"}
	}
	if a, err := netip.ParseAddr(host); (err != nil || !a.IsLoopback()) && !strings.EqualFold(host, "localhost") {
		return &exitError{code: exitUsage, err: fmt.Errorf("--listen %s is no loopback address, and a recorder is for this machine alone", r.listen), hint: "--listen 127.0.0.1:8081"}
	}
	recorder, err := probe.NewRecorder(target, r.insecure)
	if err != nil {
		return &exitError{code: exitUsage, err: err, hint: "pavise probe record http://127.0.0.1:8000"}
	}
	// Whether it can be written shows now, and not after an hour.
	tmp, err := os.CreateTemp(filepath.Dir(r.output), "."+filepath.Base(r.output)+".*")
	if err != nil {
		return &exitError{code: exitUnknown, err: err, hint: "is the folder there, and writable?"}
	}
	defer func() {
		_ = tmp.Close()
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	listener, err := net.Listen("tcp", r.listen)
	if err != nil {
		return &exitError{code: exitUnknown, err: err, hint: "is the port taken? --listen 127.0.0.1:0 takes a free one"}
	}
	server := &http.Server{Handler: recorder, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	r.t.notef("recording at http://%s; Ctrl-C writes %s", listener.Addr(), r.output)
	select {
	case err = <-done:
		return &exitError{code: exitUnknown, err: err}
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if server.Shutdown(grace) != nil {
		_ = server.Close()
	}
	return r.write(recorder, tmp)
}

func (r *recordRun) write(recorder *probe.Recorder, tmp *os.File) error {
	kept, lost := recorder.Count()
	if kept == 0 {
		return &exitError{code: exitUnknown, err: errors.New("nothing was recorded"), hint: "use the API through the recorder's address"}
	}
	data, err := recorder.Archive(version())
	if err == nil {
		_, err = tmp.Write(data)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if err == nil {
		err = os.Rename(tmp.Name(), r.output)
	}
	if err != nil {
		return &exitError{code: exitUnknown, err: err, hint: "is the folder there, and writable?"}
	}
	r.t.printf("%d requests are in %s; pavise probe replay %s URL\n", kept, printable(r.output), printable(r.output))
	if lost > 0 {
		r.t.notef("%d more were passed on and not recorded", lost)
	}
	return nil
}
