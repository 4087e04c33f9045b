package audit

import "context"

func reachPython(_ context.Context, _ Options, _ []Vulnerability, _ *Report) error { return nil }
