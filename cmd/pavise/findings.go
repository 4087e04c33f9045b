package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pavise-dev/pavise/finding"
)

// thresholdOf reads the severity from which findings fail a run, as a flag or
// the policy gives it.
func thresholdOf(failOn string) (s finding.Severity, err error) {
	switch failOn {
	case "", "any":
		return finding.Info, nil
	case "low", "medium", "high", "critical":
		return s, s.UnmarshalText([]byte(failOn))
	}
	return s, fmt.Errorf("fail-on %q is not any, low, medium, high or critical", failOn)
}

// writeReport replaces the file of a report.
func writeReport(name string, data []byte) error {
	if err := replaceFile(name, data); err != nil {
		return &exitError{code: exitUnknown, err: fmt.Errorf("the report could not be written: %w", err), hint: "is the folder there, and writable?"}
	}
	return nil
}

// runFormats are those of [finding.Run].
func runFormats() []string {
	var out []string
	for _, f := range finding.Formats() {
		out = append(out, string(f))
	}
	return out
}

// write writes a run to a file, or to the terminal: in quiet, text only if
// there is something.
func (t *terminal) write(run finding.Run, format, file string, quiet bool) error {
	if file == "" {
		if quiet && format == "text" && len(run.Findings) == 0 && len(run.Unknowns) == 0 {
			return nil
		}
		return finding.Write(t.out, finding.Format(format), run)
	}
	var b bytes.Buffer
	if err := finding.Write(&b, finding.Format(format), run); err != nil {
		return err
	}
	return writeReport(file, b.Bytes())
}

// addKnown adds to a baseline, whose key stays: parse reads the file if there
// is one, encode makes what replaces it.
func addKnown(file string, parse func([]byte) error, encode func() []byte) error {
	data, err := os.ReadFile(file)
	if err == nil {
		err = parse(data)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &exitError{code: exitUsage, err: fmt.Errorf("%s: %w", file, err), hint: "name another file with --baseline"}
	}
	if err := replaceFile(file, encode()); err != nil {
		return &exitError{code: exitUnknown, err: err, hint: "is the folder there, and writable?"}
	}
	return nil
}
