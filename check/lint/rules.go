package lint

import (
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/check/lint/access"
	"github.com/pavise-dev/pavise/check/lint/accounts"
	"github.com/pavise-dev/pavise/check/lint/apidocs"
	"github.com/pavise-dev/pavise/check/lint/awaits"
	"github.com/pavise-dev/pavise/check/lint/columns"
	"github.com/pavise-dev/pavise/check/lint/compose"
	"github.com/pavise-dev/pavise/check/lint/cookies"
	"github.com/pavise-dev/pavise/check/lint/cors"
	"github.com/pavise-dev/pavise/check/lint/crypto"
	"github.com/pavise-dev/pavise/check/lint/debug"
	"github.com/pavise-dev/pavise/check/lint/docker"
	"github.com/pavise-dev/pavise/check/lint/errors"
	"github.com/pavise-dev/pavise/check/lint/execution"
	"github.com/pavise-dev/pavise/check/lint/exposure"
	"github.com/pavise-dev/pavise/check/lint/files"
	"github.com/pavise-dev/pavise/check/lint/goaccess"
	"github.com/pavise-dev/pavise/check/lint/gocrypto"
	"github.com/pavise-dev/pavise/check/lint/godata"
	"github.com/pavise-dev/pavise/check/lint/goinput"
	"github.com/pavise-dev/pavise/check/lint/goserver"
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/check/lint/jwt"
	"github.com/pavise-dev/pavise/check/lint/kubernetes"
	"github.com/pavise-dev/pavise/check/lint/middleware"
	"github.com/pavise-dev/pavise/check/lint/models"
	"github.com/pavise-dev/pavise/check/lint/output"
	"github.com/pavise-dev/pavise/check/lint/passwords"
	"github.com/pavise-dev/pavise/check/lint/proxy"
	"github.com/pavise-dev/pavise/check/lint/repository"
	"github.com/pavise-dev/pavise/check/lint/server"
	"github.com/pavise-dev/pavise/check/lint/settings"
	"github.com/pavise-dev/pavise/check/lint/sql"
	"github.com/pavise-dev/pavise/check/lint/ssrf"
	"github.com/pavise-dev/pavise/check/lint/tls"
	"github.com/pavise-dev/pavise/check/lint/workflows"
	"github.com/pavise-dev/pavise/finding"
)

// analyzers are all there are.
func analyzers() []*analysis.Analyzer {
	return []*analysis.Analyzer{
		apidocs.Analyzer,
		awaits.Analyzer,
		columns.Analyzer,
		compose.Analyzer,
		debug.Analyzer,
		docker.Analyzer,
		goaccess.Analyzer,
		gocrypto.Analyzer,
		godata.Analyzer,
		goinput.Analyzer,
		goserver.Analyzer,
		jwt.Analyzer,
		kubernetes.Analyzer,
		proxy.Analyzer,
		repository.Analyzer,
		server.Analyzer,
		tls.Analyzer,
		workflows.Analyzer,
		// These follow what clients send, which is worked out meanwhile.
		access.Analyzer,
		accounts.Analyzer,
		cookies.Analyzer,
		cors.Analyzer,
		crypto.Analyzer,
		errors.Analyzer,
		execution.Analyzer,
		exposure.Analyzer,
		files.Analyzer,
		middleware.Analyzer,
		models.Analyzer,
		output.Analyzer,
		passwords.Analyzer,
		settings.Analyzer,
		sql.Analyzer,
		ssrf.Analyzer,
	}
}

// unusedAllow is of the comments themselves.
var unusedAllow = &Rule{
	ID: "lint/unused-allow", Title: "A comment allows what is not found", Severity: finding.Info, Kind: analysis.Vulnerability,
	Refs: []string{"CWE-1164"},
	Text: "A comment that lets a finding be, where there is none, or that gives no reason, hides the next one that comes to stand there.",
	Fix:  "Take it away, or name the rule and give the reason: # pavise:allow lint/RULE why it is fine here.",
	Bad:  "x = 1  # pavise:allow lint/debug-on\n",
	Good: "from fastapi import FastAPI\n\napp = FastAPI(debug=True)  # pavise:allow lint/debug-on a demonstration\n",
}

// Rules are all rules, by their names.
func Rules() []*Rule {
	out := []*Rule{unusedAllow}
	for _, a := range analyzers() {
		out = append(out, a.Rules...)
	}
	slices.SortFunc(out, func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Descriptions are the rules in the shape that reports share.
func Descriptions() map[string]finding.Rule {
	out := map[string]finding.Rule{}
	for _, r := range Rules() {
		out[r.ID] = finding.Rule{Short: r.Title, Help: r.Text + " " + r.Fix}
	}
	return out
}
