package pavise

// Audit is what pavise audit goes by. No guard reads it.
type Audit struct {
	// Paths are files and folders to audit; empty means the folder of the
	// policy file.
	Paths []string `yaml:"paths,omitempty"`
	// Exclude are names and paths that are not searched, with * and ?.
	Exclude []string `yaml:"exclude,omitempty"`
	// Python is the version that the service runs on, such as "3.12";
	// dependencies whose environment marker is false there are excluded.
	// Empty means any.
	Python string `yaml:"python,omitempty"`
	// Platform is linux, darwin or windows; empty means any.
	Platform string `yaml:"platform,omitempty"`
	// FailOn is the severity from which a finding fails the run: any (the
	// default), low, medium, high or critical. What nobody scored always
	// does.
	FailOn string `yaml:"fail_on,omitempty"`
	// Strict also fails the run for what could not be told.
	Strict bool `yaml:"strict,omitempty"`
	// MaxAgeDays is how old the advisory database may be; 0 means 7.
	MaxAgeDays int `yaml:"max_age_days,omitempty"`
	// Ignore are vulnerabilities that were looked at and let be.
	Ignore []AuditIgnore `yaml:"ignore,omitempty"`
	// VEX are files of OpenVEX statements about the project.
	VEX []string `yaml:"vex,omitempty"`
}

// AuditIgnore is a vulnerability that is let be. One that has expired, or that
// matches nothing, is itself a finding.
type AuditIgnore struct {
	// ID is any of its names: CVE, GHSA, PYSEC, GO or MAL.
	ID string `yaml:"id"`
	// Package narrows it to one package.
	Package string `yaml:"package,omitempty"`
	// Reason is required.
	Reason string `yaml:"reason"`
	// Until is a date such as 2027-01-31, that day included, or fixed: as long
	// as there is no version to update to. Empty means for good.
	Until string `yaml:"until,omitempty"`
}

// Leaks is what pavise leaks goes by. No guard reads it.
type Leaks struct {
	// Exclude are names and paths that are not looked at, with * and ?.
	Exclude []string `yaml:"exclude,omitempty"`
	// Baseline is a file of leaks that are known, which do not count.
	Baseline string `yaml:"baseline,omitempty"`
	// FailOn is the severity from which a finding fails the run: any (the
	// default), low, medium, high or critical.
	FailOn string `yaml:"fail_on,omitempty"`
	// Archives is how deep archives are looked into: 0 (the default) is not,
	// 8 the most.
	Archives int `yaml:"archives,omitempty"`
	// Strict also fails the run for files that could not be read.
	Strict bool `yaml:"strict,omitempty"`
}

// Lint is what pavise lint goes by. No guard reads it.
type Lint struct {
	// Exclude are names and paths that are not looked at, with * and ?.
	Exclude []string `yaml:"exclude,omitempty"`
	// Skip are rules that are not asked, such as lint/idor, with *.
	Skip []string `yaml:"skip,omitempty"`
	// Allow are findings that are let be.
	Allow []LintAllow `yaml:"allow,omitempty"`
	// Baseline is a file of findings that are known, which do not count.
	Baseline string `yaml:"baseline,omitempty"`
	// FailOn is the severity from which a finding fails the run: any, low (the
	// default), medium, high or critical.
	FailOn string `yaml:"fail_on,omitempty"`
	// Strict also fails the run for files that could not be read or parsed.
	Strict bool `yaml:"strict,omitempty"`
}

// LintAllow lets findings be, by rule and path.
type LintAllow struct {
	// Rule is a rule such as lint/sql-built, or a pattern of rules with *.
	Rule string `yaml:"rule"`
	// Path is a path, a name or a folder, with * and ?; empty means everywhere.
	Path string `yaml:"path,omitempty"`
	// Reason is required.
	Reason string `yaml:"reason"`
}

// Check is what pavise check goes by. No guard reads it.
type Check struct {
	// Skip are areas that are not looked at: audit, leaks, lint, promises or
	// probe.
	Skip []string `yaml:"skip,omitempty"`
	// OpenAPI is the document of the API, a file; empty means that the API is
	// asked for it.
	OpenAPI string `yaml:"openapi,omitempty"`
	// Auth is who calls, a file in the format of Web Fuzzing Commons'
	// auth.yaml.
	Auth string `yaml:"auth,omitempty"`
	// Ignore are findings that were looked at and let be, of any area.
	Ignore []CheckIgnore `yaml:"ignore,omitempty"`
	// Baseline is a file of findings that are known, which do not count.
	Baseline string `yaml:"baseline,omitempty"`
	// FailOn is the severity from which a finding fails the run: any, low,
	// medium, high (the default) or critical.
	FailOn string `yaml:"fail_on,omitempty"`
	// Strict also fails the run for what could not be told.
	Strict bool `yaml:"strict,omitempty"`
}

// CheckIgnore lets findings be. One that has expired, or that matches nothing,
// is itself a finding.
type CheckIgnore struct {
	// Rule is a rule such as probe/bola-read, or a pattern of rules with *.
	Rule string `yaml:"rule"`
	// Where is a path, a folder or an operation such as "GET /orders"; empty
	// means everywhere.
	Where string `yaml:"where,omitempty"`
	// Reason is required.
	Reason string `yaml:"reason"`
	// Until is a date such as 2027-01-31, that day included; empty means for
	// good.
	Until string `yaml:"until,omitempty"`
}
