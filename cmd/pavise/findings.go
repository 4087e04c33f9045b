package main

import (
	"fmt"

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
