//go:build real

package audit

import (
	"testing"

	"github.com/pavise-dev/pavise/check/audit"
	"github.com/pavise-dev/pavise/check/audit/inventory"
)

// ours is what pavise audit finds in a file for the Python that pip-audit runs
// on: the records, by name and version, and how many requirements it read.
func ours(t *testing.T, database, file string) (found map[string][]string, audited int) {
	t.Helper()
	r, err := audit.Run(t.Context(), audit.Options{Database: database, Inventory: inventory.Options{Paths: []string{file}, Python: "3.11", Platform: "linux"}})
	if err != nil {
		t.Fatal(err)
	}
	if n := r.Inventory.Count(inventory.Unaudited); n > 0 {
		t.Errorf("%d pins are unaudited", n)
	}
	found = map[string][]string{}
	for i := range r.Vulnerabilities {
		v := &r.Vulnerabilities[i]
		key := inventory.NormalizeName(v.Package) + " " + v.Version
		found[key] = append(found[key], v.Records...)
	}
	return found, r.Inventory.Count(inventory.Audited)
}
