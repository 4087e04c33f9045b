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

func TestPrintable(t *testing.T) {
	for s, want := range map[string]string{
		"plain “text” ä": "plain “text” ä", "": "", `a "b" \c`: `a "b" \c`,
		"\x1b[2J": `\x1b[2J`, "a\nb": `a\nb`, "\u202ex": `\u202ex`, "\xff": `\xff`, "\u009b2J": `\u009b2J`,
	} {
		if got := printable(s); got != want {
			t.Errorf("%q is printed as %s, want %s", s, got, want)
		}
	}
}
