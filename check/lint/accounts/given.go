package accounts

import (
	"slices"

	"github.com/pavise-dev/pavise/check/lint/internal/pymodel"
)

// passwordGiven tells whether a call that makes an account gets a password that
// is in the source. Which argument is one, the parameters say where they are
// known; elsewhere it is the second text.
func passwordGiven(c *pymodel.Call) bool {
	if to := c.Target(); to != nil && to.Class == nil {
		return slices.ContainsFunc(to.Params[:min(len(to.Params), len(c.Args))], func(x *pymodel.Param) bool {
			if !passwordName(x.Name) && x.Name != "pw" {
				return false
			}
			text, ok := literal(c.Scope, c.Args[slices.Index(to.Params, x)], 0)
			return ok && real(text)
		})
	}
	var texts []string
	for _, a := range c.Args {
		if text, ok := literal(c.Scope, a, 0); ok {
			texts = append(texts, text)
		}
	}
	return len(texts) >= 2 && real(texts[1])
}
