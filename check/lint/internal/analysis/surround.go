package analysis

import (
	"strings"

	"github.com/pavise-dev/pavise/check/lint/internal/pyast"
)

// Surround calls f for each node below a list of statements, with the nodes
// that it stands in, the outermost first. They are good until f returns.
func Surround(body []pyast.Stmt, f func(n pyast.Node, in []pyast.Node)) {
	var in []pyast.Node
	var spans [][2]int
	pyast.Walk(body, func(n pyast.Node) bool {
		// The walk tells when it goes down, and not when it comes up.
		from, to := n.Pos(), n.End()
		for len(in) > 0 {
			if top := spans[len(in)-1]; top[0] <= from && to <= top[1] {
				break
			}
			in, spans = in[:len(in)-1], spans[:len(in)-1]
		}
		f(n, in)
		in, spans = append(in, n), append(spans, [2]int{from, to})
		return true
	})
}

// Sample tells whether a file of Python is one that does not run with real
// users: an example, a fixture, what fills a database for a demonstration.
func Sample(path string) bool {
	dirs := strings.Split(strings.ToLower(path), "/")
	for i, d := range dirs {
		d = strings.TrimSuffix(d, ".py")
		switch d {
		case "example", "examples", "fixtures", "mock", "mocks", "docs", "docs_src", "seeds", "load_tests", "e2e", "benchmarks", "locale", "locales", "stubs":
			return true
		}
		if i == len(dirs)-1 && Names(d, "seed", "seeds", "fixtures", "fixture", "mock", "mocks", "factories", "stub") {
			return true
		}
	}
	return false
}
