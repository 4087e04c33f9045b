//go:build real

package audit

import (
	"testing"

	"github.com/pavise-dev/pavise/check/audit"
	"github.com/pavise-dev/pavise/check/audit/inventory"
)

// ours is what pavise audit finds in a file: the records, by name and version.
func ours(t *testing.T, database, file string) map[string][]string {
	t.Helper()
	r, err := audit.Run(t.Context(), audit.Options{Database: database, Inventory: inventory.Options{Paths: []string{file}}})
	if err != nil {
		t.Fatal(err)
	}
	if n := r.Inventory.Count(inventory.Unaudited); n > 0 {
		t.Errorf("%d pins are unaudited", n)
	}
	out := map[string][]string{}
	for i := range r.Vulnerabilities {
		v := &r.Vulnerabilities[i]
		key := inventory.NormalizeName(v.Package) + " " + v.Version
		out[key] = append(out[key], v.Records...)
	}
	return out
}
