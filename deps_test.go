package pavise_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pavise-dev/pavise"

// mayImport says what each package of the module may import of the module
// and of others: a name ending in "/" allows everything below it. The standard
// library is open to all. A package that is not listed is judged by its
// parent's line.
var mayImport = map[string][]string{
	"promise": {},
	"finding": {},
	"secret":  {},
	"guard":   {},

	"passwords":          {"secret", "golang.org/x/crypto/", "golang.org/x/sys/cpu", "golang.org/x/text/"},
	"passwords/estimate": {"secret", "github.com/trustelem/zxcvbn/"},
	"fieldcrypt":         {"secret", "golang.org/x/crypto/", "filippo.io/age/"},
	// The drivers are for whoever rotates a database, not for whoever seals.
	"fieldcrypt/rotate": {"fieldcrypt", "github.com/jackc/pgx/v5/", "github.com/go-sql-driver/mysql/", "modernc.org/sqlite"},
	// Nor is the queue for whoever rotates with one process.
	"fieldcrypt/rotate/jobs": {"fieldcrypt/rotate", "github.com/jackc/pgx/v5/", "github.com/riverqueue/river/"},
	"settings":               {"secret", "golang.org/x/crypto/", "github.com/goccy/go-yaml/", "github.com/pelletier/go-toml/v2/"},

	"guard/headers":     {"guard", "promise"},
	"guard/contenttype": {"guard", "promise"},
	"guard/jsonbody":    {"guard", "promise", "github.com/go-json-experiment/json/"},
	"guard/hosts":       {"guard", "promise"},
	"guard/https":       {"guard", "promise"},
	"guard/clientip":    {"guard", "promise"},
	"guard/limits":      {"guard", "promise"},
	"guard/rate":        {"guard", "promise"},
	"guard/origins":     {"guard", "promise"},
	"guard/wire":        {"guard", "promise"},
	"guard/apidocs":     {"guard", "promise"},

	"":            {"promise", "guard", "guard/", "github.com/goccy/go-yaml/"},
	"check/probe": {"finding", "promise", "check/internal/", "github.com/goccy/go-yaml/", "golang.org/x/net/html"},
	"check/audit": {"finding", "check/internal/", "github.com/pelletier/go-toml/v2/", "github.com/pandatix/go-cvss/", "github.com/CycloneDX/cyclonedx-go/",
		"github.com/openvex/go-vex/", "github.com/go-json-experiment/json/", "golang.org/x/mod/", "golang.org/x/vuln/"},
	"check/leaks": {"finding", "check/internal/"},
	// What checks share: no check imports another.
	"check/internal": {},
	"check/lint": {"finding", "check/internal/", "golang.org/x/text/unicode/norm", "github.com/goccy/go-yaml/", "github.com/pelletier/go-toml/v2/",
		"github.com/moby/buildkit/frontend/dockerfile/", "mvdan.cc/sh/v3/", "github.com/rogpeppe/go-internal/txtar"},
	"gateway":       {"", "guard", "promise", "finding", "gateway/", "github.com/fsnotify/fsnotify/", "github.com/prometheus/client_golang/"},
	"pavisetest":    {"promise", "finding", "check/probe"},
	"cmd/pavise":    {"", "promise", "finding", "pavisetest", "guard", "guard/", "check/", "gateway", "gateway/", "secret", "settings", "passwords", "fieldcrypt", "fieldcrypt/", "cmd/pavise/", "github.com/", "charm.land/", "golang.org/x/"},
	"examples":      {"", "guard/", "secret", "settings", "passwords", "fieldcrypt", "pavisetest", "check/probe", "finding", "gateway", "github.com/go-jose/go-jose/v4/", "github.com/microcosm-cc/bluemonday/", "github.com/jackc/pgx/v5/", "modernc.org/sqlite"},
	"bench":         {"fieldcrypt", "fieldcrypt/", "passwords", "secret", "settings", "github.com/jackc/pgx/v5/", "golang.org/x/crypto/", "", "guard", "guard/", "gateway", "gateway/", "promise"},
	"interop":       {"", "promise", "check/probe", "check/lint", "github.com/rogpeppe/go-internal/txtar", "gateway", "gateway/", "pavisetest"},
	"scripts":       {},
	"internal/docs": {"", "guard"},
}

// TestImports holds the house to its plan: a consumer who imports one guard
// gets a handful of packages and nobody else's code, checks know no guards,
// and nobody imports a command.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Standard", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		allowed, rule := lineFor(name)
		if allowed == nil {
			t.Errorf("package %q has no line in mayImport: say what it may import", name)
			continue
		}
		for _, imp := range p.Imports {
			if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") {
				continue // the standard library
			}
			short := imp
			if imp == module || strings.HasPrefix(imp, module+"/") {
				short = strings.TrimPrefix(strings.TrimPrefix(imp, module), "/")
				if strings.HasPrefix(short, rule+"/") && rule != "" {
					continue // a package's own parts
				}
			}
			if !slices.ContainsFunc(allowed, func(a string) bool {
				return a == short || strings.HasSuffix(a, "/") && strings.HasPrefix(short+"/", a)
			}) {
				t.Errorf("%s imports %s, which mayImport[%q] does not allow", name, imp, rule)
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d packages were seen", seen)
	}
}

// lineFor finds the line of the package or of the nearest parent that has one.
func lineFor(name string) (allowed []string, rule string) {
	for rule = name; ; {
		if allowed, ok := mayImport[rule]; ok && (rule != "" || name == "") {
			return allowed, rule
		}
		i := strings.LastIndex(rule, "/")
		if i < 0 {
			return nil, ""
		}
		rule = rule[:i]
	}
}
