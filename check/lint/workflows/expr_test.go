package workflows

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
)

func TestContexts(t *testing.T) {
	for text, want := range map[string]string{
		"github.event.issue.title":                          "[github.event.issue.title] []",
		"github.event['issue'].Title":                       "[github.event.issue.title] []",
		"github.event.commits[0].message":                   "[github.event.commits.*.message] []",
		"github.event.commits.*.message":                    "[github.event.commits.*.message] []",
		"matrix[format('a{0}', b)]":                         "[matrix.*] []",
		"a && b || c":                                       "[b c] []",
		"a && (b || c) && d":                                "[d] []",
		"a == 'x' && b || 'it''s c'":                        "[b] []",
		"!a || a.b != c":                                    "[] []",
		"contains(a, 'b') || format('{0}-{1}', c, d.e)":     "[c d.e] []",
		"toJSON(github.event) || join(fromJSON(a).b, ', ')": "[a] [github.event]",
		"a.b-c_d.e2":                                        "[a.b-c_d.e2] []",
		"(":                                                 "[] []",
		"a[":                                                "[a.*] []",
		"f(a":                                               "[] []",
		"join(a, , b)":                                      "[a b] []",
		"'open":                                             "[] []",
		strings.Repeat("(", 100) + "a":                      "[] []",
	} {
		values, whole := contexts(text)
		if got := fmt.Sprint(values, whole); got != want {
			t.Errorf("%s is %s, not %s", text, got, want)
		}
	}
}

func TestVariables(t *testing.T) {
	for word, want := range map[string]string{
		"$A":                             "[A]",
		"a-${B}-$C_1.x":                  "[B C_1]",
		"${#A} ${A:+x} ${A+x} \\$A $1 $": "[]",
		"${A:-b} ${A:0:4}":               "[A A]",
		"$(echo $A $(b)) $B":             "[B]",
		"$( $A":                          "[]",
		"${":                             "[]",
	} {
		if got := fmt.Sprint(variables(word)); got != want {
			t.Errorf("%s has %s, not %s", word, got, want)
		}
	}
}

// FuzzMask holds a mask to what is said of it: no expression is left that ends,
// and what was masked is what comes back.
func FuzzMask(f *testing.F) {
	f.Add("echo ${{ a.b[0] }} ${{ '}}' || (c && !d) }} ${{ f(x, ) }} ${{")
	f.Add("${{ toJSON(github) == 1 }}${{}}")
	f.Fuzz(func(t *testing.T, script string) {
		if strings.Contains(script, "__expression") {
			return
		}
		masked, words := mask(script)
		if len(exprs(masked)) > 0 && len(exprs(script)) == 0 {
			t.Fatalf("%q has expressions that %q has not", masked, script)
		}
		s := &step{words: words}
		if back := s.written(masked); !strings.Contains(script, "\n") && back != script {
			t.Fatalf("%q comes back as %q", script, back)
		}
	})
}

// FuzzAnalyzer holds the analyzer to never failing, and to speaking of places
// that are there.
func FuzzAnalyzer(f *testing.F) {
	for _, r := range Analyzer.Rules {
		f.Add([]byte(r.Bad))
		f.Add([]byte(r.Good))
	}
	f.Add([]byte("on: {pull_request_target: }\njobs: {a: {steps: [{uses: , run: }, {}, a, [b]], uses: x@, with: {ref: '${{'}}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, name := range []string{".github/workflows/a.yml", "action.yml", ".gitlab-ci.yml", ".pre-commit-config.yaml"} {
			p, _ := analysis.Load(context.Background(), []analysis.Source{{Path: name, Data: data}}, []string{name})
			lines := strings.Split(string(data), "\n")
			Analyzer.Run(&analysis.Pass{Project: p, Report: func(found analysis.Finding) {
				if found.File != name || found.Line < 1 || found.Line > len(lines) || found.Column < 1 || found.Column > len(lines[found.Line-1])+1 {
					t.Errorf("%s: %s is no place of %q", found.Rule.ID, found.Where(), data)
				}
			}})
		}
	})
}
