package inventory

import (
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
)

// userinfo is what stands before the @ of an address, and secretQuery what a
// query says after a name that sounds like a secret's.
var (
	userinfo    = lazy.Regexp(`(?i)([a-z][a-z0-9+.-]*://)[^/?#\s]*@`)
	secretQuery = lazy.Regexp(`(?i)([?&;][^=&#\s]*(?:token|key|secret|pass|pwd|auth|sig|credential)[^=&#\s]*=)[^&#\s]*`)
)

// redactURL replaces credentials in whatever addresses a text holds: an
// inventory is printed, uploaded and kept.
func redactURL(s string) string {
	if !strings.ContainsAny(s, "@?") {
		return s
	}
	return secretQuery().ReplaceAllString(userinfo().ReplaceAllString(s, "${1}****@"), "${1}****")
}
