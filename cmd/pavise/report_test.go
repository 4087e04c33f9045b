package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// A line of any length is a line: a stack trace in the log must not end the
// counting.
func TestReportReadsOnAfterALongLine(t *testing.T) {
	const record = `{"time":"2026-11-24T01:00:00Z","msg":"request","method":"GET","path":"/x","rule":"hosts/listed","reason":"r","verdict":"refused"}` + "\n"
	log := record + strings.Repeat("x", 3*longestRecord) + "\n" + strings.Repeat("y", longestRecord) + "\n" + record + strings.TrimSuffix(record, "\n")
	var stderr bytes.Buffer
	rep, err := reportFromLog(&terminal{in: strings.NewReader(log), out: io.Discard, err: &stderr}, "-")
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Tallies) != 1 || rep.Tallies[0].Refused != 3 {
		t.Errorf("got %+v", rep.Tallies)
	}
	if !strings.Contains(stderr.String(), "2 lines of standard input") {
		t.Errorf("said %q", &stderr)
	}
}
