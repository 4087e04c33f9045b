package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/pavise-dev/pavise"
	"github.com/pavise-dev/pavise/gateway"
)

func reportCommand(t *terminal) *cobra.Command {
	var file, admin, log, format string
	c := &cobra.Command{
		Use:   "report",
		Short: "Count what would have been refused, by rule and route",
		Long: `Count what was refused and what would have been refused in observe mode, by rule
and route. The counts come from a running gateway's admin address, or with --log
from its access log in JSON ("-" reads standard input).

A rule without rows has met nothing that it would refuse; pavise enforce RULE
makes it refuse.`,
		Example: "  pavise report\n  pavise report --admin 127.0.0.1:9180\n  pavise report --log access.log",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return &exitError{code: exitUsage, err: fmt.Errorf("--format %q is not text or json", format)}
			}
			l, err := loadPolicy(file)
			if err != nil {
				return err
			}
			var rep gateway.Report
			if log != "" {
				rep, err = reportFromLog(t, log)
			} else {
				if admin == "" {
					admin = l.policy.Gateway.Admin
				}
				if admin == "" {
					admin = pavise.DefaultAdmin
				}
				rep, err = reportFromAdmin(c.Context(), admin)
			}
			if err != nil {
				return err
			}
			if format == "json" {
				if rep.Tallies == nil {
					rep.Tallies = []gateway.Tally{} // a list, also where nothing is in it
				}
				enc := json.NewEncoder(t.out)
				enc.SetIndent("", "  ")
				return enc.Encode(rep)
			}
			t.report(rep)
			return nil
		},
	}
	policyFlag(c, &file)
	f := c.Flags()
	f.StringVar(&admin, "admin", "", "the gateway's admin address (default the policy's, or "+pavise.DefaultAdmin+")")
	f.StringVar(&log, "log", "", "an access log in JSON instead; - for standard input")
	f.StringVar(&format, "format", "text", "text or json")
	c.MarkFlagsMutuallyExclusive("admin", "log")
	completeWords(c, "format", "text", "json")
	return c
}

func reportFromAdmin(ctx context.Context, admin string) (rep gateway.Report, err error) {
	fail := func(err error) (gateway.Report, error) {
		return rep, &exitError{code: exitUnknown, err: fmt.Errorf("the gateway's admin address %s: %w", admin, err), hint: "is pavise up running? --admin names another address, --log reads its access log"}
	}
	if admin == "off" {
		return fail(errors.New("is off in the policy"))
	}
	if host, port, err := net.SplitHostPort(admin); err == nil && host == "" {
		admin = net.JoinHostPort("127.0.0.1", port)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/-/report", nil)
	if err != nil {
		return fail(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fail(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fail(fmt.Errorf("answers %s", res.Status))
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 64<<20)).Decode(&rep); err != nil {
		return fail(fmt.Errorf("does not answer with a report: %w", err))
	}
	return rep, nil
}

// longestRecord is more than a record of an access log has, whose path, query
// and reason are bounded.
const longestRecord = 256 << 10

// reportFromLog counts the records of an access log. Lines that are no such
// record are counted too, and said: a log that was not understood must not
// look like one in which nothing happened.
func reportFromLog(t *terminal, name string) (rep gateway.Report, err error) {
	in := t.in
	if name == "-" {
		name = "standard input"
	} else {
		f, err := os.Open(name)
		if err != nil {
			return rep, &exitError{code: exitUsage, err: fmt.Errorf("the access log cannot be read: %w", err), hint: "--log names a file that pavise up wrote, or - for standard input"}
		}
		defer f.Close()
		in = f
	}
	rows := map[[2]string]*gateway.Tally{}
	br := bufio.NewReaderSize(in, longestRecord)
	records, others := 0, 0
	for {
		data, more, err := br.ReadLine()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return rep, &exitError{code: exitUnknown, err: fmt.Errorf("%s: %w", name, err), hint: "--log names a file that pavise up wrote, or - for standard input"}
		}
		whole := !more
		for more && err == nil {
			_, more, err = br.ReadLine() // of somebody else: ours are shorter
		}
		var line struct {
			Time                                     time.Time
			Msg, Method, Path, Rule, Reason, Verdict string
			RequestID                                string `json:"request_id"`
		}
		if !whole || json.Unmarshal(data, &line) != nil || line.Msg != "request" || line.Verdict == "" {
			others++
			continue
		}
		records++
		if rep.Since.IsZero() {
			rep.Since = line.Time
		}
		if line.Rule == "" {
			continue
		}
		key := [2]string{line.Rule, line.Method + " " + gateway.Route(line.Path)}
		row := rows[key]
		if row == nil {
			row = &gateway.Tally{Rule: key[0], Route: key[1]}
			rows[key] = row
		}
		if line.Verdict == "would_refuse" {
			row.WouldRefuse++
		} else {
			row.Refused++
		}
		row.Reason, row.Last = line.Reason, line.Time
	}
	if others > 0 {
		t.notef("%d lines of %s are no records of an access log in JSON", others, name)
	}
	if records == 0 {
		return rep, &exitError{code: exitUnknown, err: fmt.Errorf("%s holds no record of an access log in JSON", name), hint: "gateway.access_log: json writes one"}
	}
	for _, row := range rows {
		rep.Tallies = append(rep.Tallies, *row)
	}
	gateway.SortTallies(rep.Tallies)
	return rep, nil
}

func (t *terminal) report(rep gateway.Report) {
	if len(rep.Tallies) == 0 {
		t.printf("nothing was refused and nothing would have been, since %s\n", rep.Since.Format(time.RFC3339))
		return
	}
	rule, route := len("rule"), len("route")
	for i := range rep.Tallies {
		// Paths are a client's own words, and a terminal obeys some of them.
		row := &rep.Tallies[i]
		row.Rule, row.Route, row.Reason = printable(row.Rule), printable(row.Route), printable(row.Reason)
	}
	for _, row := range rep.Tallies {
		rule, route = max(rule, len(row.Rule)), max(route, len(row.Route))
	}
	t.printf("since %s\n\n%-*s  %-*s  %12s  %8s  latest reason\n", rep.Since.Format(time.RFC3339), rule, "rule", route, "route", "would refuse", "refused")
	for _, row := range rep.Tallies {
		t.printf("%-*s  %-*s  %12d  %8d  %s\n", rule, row.Rule, route, row.Route, row.WouldRefuse, row.Refused, row.Reason)
	}
}
