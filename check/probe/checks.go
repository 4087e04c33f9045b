package probe

import (
	"slices"

	"github.com/pavise-dev/pavise/check/probe/internal/checks/accounts"
	"github.com/pavise-dev/pavise/check/probe/internal/checks/authentication"
	"github.com/pavise-dev/pavise/check/probe/internal/checks/connection"
	"github.com/pavise-dev/pavise/check/probe/internal/checks/contract"
	"github.com/pavise-dev/pavise/check/probe/internal/checks/crosssite"
	"github.com/pavise-dev/pavise/check/probe/internal/checks/exposure"
	"github.com/pavise-dev/pavise/check/probe/internal/checks/injection"
	"github.com/pavise-dev/pavise/check/probe/internal/checks/limits"
	"github.com/pavise-dev/pavise/check/probe/internal/checks/objects"
	"github.com/pavise-dev/pavise/check/probe/internal/checks/responses"
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// An APICheck asks one thing of an API.
type APICheck = trial.Check

// checks are all there are, in the order in which they are made: what only
// reads first, what changes objects later, what locks out last.
func checks() []*trial.Check {
	return slices.Concat(
		responses.Checks(),
		crosssite.Checks(),
		authentication.Checks(),
		objects.Checks(),
		injection.Checks(),
		contract.Checks(),
		connection.Checks(),
		exposure.Checks(), // which looks at all errors that the others provoked
		accounts.Checks(),
		limits.Checks(),
	)
}

// APIChecks are all checks of an API.
func APIChecks() []*APICheck { return checks() }

// Descriptions are the checks in the shape that reports share.
func Descriptions() map[string]finding.Rule {
	out := map[string]finding.Rule{}
	for _, c := range checks() {
		out[c.ID] = finding.Rule{Short: c.Claim, Help: c.Fix}
	}
	return out
}
