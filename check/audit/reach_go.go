package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/vuln/scan"

	"github.com/pavise-dev/pavise/check/audit/advisories"
	"github.com/pavise-dev/pavise/check/audit/inventory"
)

// reach marks vulnerabilities with how the project uses them.
func reach(ctx context.Context, db *advisories.DB, o Options, inv *inventory.Inventory, all []Vulnerability, r *Report) error {
	var modules []string
	for _, f := range inv.Files {
		if f.Format == "go.mod" {
			modules = append(modules, filepath.Dir(filepath.FromSlash(f.Path)))
		}
	}
	if len(modules) > 0 && slices.ContainsFunc(all, func(v Vulnerability) bool { return v.Ecosystem == inventory.Go }) {
		if err := reachGo(ctx, db, o, modules, all, r); err != nil {
			return err
		}
	}
	return reachPython(ctx, o, all, r)
}

// reachGo has govulncheck's library analyse each module against the records
// of our own database, so that nothing is asked of the network.
func reachGo(ctx context.Context, db *advisories.DB, o Options, modules []string, all []Vulnerability, r *Report) error {
	if _, err := exec.LookPath("go"); err != nil {
		r.Notes = append(r.Notes, "Go reachability was not looked for: there is no go command")
		return nil
	}
	dir, err := os.MkdirTemp("", "pavise-vulndb-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if n, err := exportGo(db, dir, all); err != nil || n == 0 {
		return err
	}
	for i, module := range modules {
		o.Progress("following calls in "+module, int64(i), int64(len(modules)))
		levels, err := govulncheck(ctx, module, dir)
		if err != nil {
			r.Notes = append(r.Notes, fmt.Sprintf("Go reachability of %s could not be told: %v", module, err))
			continue
		}
		for j := range all {
			v := &all[j]
			if v.Ecosystem != inventory.Go || !slices.ContainsFunc(v.Where, func(p inventory.Place) bool {
				return filepath.Dir(filepath.FromSlash(p.File)) == module
			}) {
				continue
			}
			found := NotImported
			for _, id := range v.Records {
				if l := levels[id]; reachRank(l) > reachRank(found) {
					found = l
				}
			}
			// In several modules: the furthest that one of them goes.
			if reachRank(found) > reachRank(v.Reach) {
				v.Reach = found
			}
		}
	}
	return nil
}

// exportGo writes the records of what was found as files that govulncheck
// reads as a database.
func exportGo(db *advisories.DB, dir string, all []Vulnerability) (n int, err error) {
	for i := range all {
		if all[i].Ecosystem != inventory.Go {
			continue
		}
		pkg, err := db.Lookup(string(inventory.Go), all[i].Package)
		if err != nil {
			return n, err
		}
		if pkg == nil {
			continue
		}
		v, err := advisories.ParseVersion(string(inventory.Go), all[i].Version)
		if err != nil {
			continue
		}
		for _, m := range pkg.Match(v) {
			a, err := db.Advisory(m)
			if err != nil {
				return n, err
			}
			data, err := db.Source(a)
			if err != nil {
				return n, err
			}
			if data == nil || !goID(a.ID) {
				continue
			}
			n++
			if err := os.WriteFile(filepath.Join(dir, a.ID+".json"), data, 0o600); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// goID keeps an advisory's ID from being a path.
func goID(id string) bool {
	rest, ok := strings.CutPrefix(id, "GO-")
	return ok && strings.Trim(rest, "0123456789-") == ""
}

func reachRank(r Reach) int {
	return slices.Index([]Reach{"", NotImported, NotSeenImported, Imported, Called}, r)
}

// govulncheck returns how far the module reaches, by the advisory's ID.
func govulncheck(ctx context.Context, module, db string) (map[string]Reach, error) {
	var out, errs bytes.Buffer
	c := scan.Command(ctx, "-json", "-db", "file://"+filepath.ToSlash(db), "-C", module, "./...")
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(""), &out, &errs
	// The build must not be changed, nor fetched, by looking at it.
	c.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOPROXY=off", "GOTOOLCHAIN=local")
	if err := c.Start(); err != nil {
		return nil, err
	}
	if err := c.Wait(); err != nil {
		if line, _, _ := strings.Cut(strings.TrimSpace(errs.String()), "\n"); line != "" {
			return nil, fmt.Errorf("%w: %s", err, line)
		}
		return nil, err
	}
	levels := map[string]Reach{}
	dec := json.NewDecoder(&out)
	for {
		var m struct {
			Finding *struct {
				OSV   string `json:"osv"`
				Trace []struct {
					Package  string `json:"package"`
					Function string `json:"function"`
				} `json:"trace"`
			} `json:"finding"`
		}
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return levels, nil
		} else if err != nil {
			return nil, err
		}
		if m.Finding == nil || len(m.Finding.Trace) == 0 {
			continue
		}
		level := NotImported
		switch frame := m.Finding.Trace[0]; {
		case frame.Function != "":
			level = Called
		case frame.Package != "":
			level = Imported
		}
		if reachRank(level) > reachRank(levels[m.Finding.OSV]) {
			levels[m.Finding.OSV] = level
		}
	}
}
