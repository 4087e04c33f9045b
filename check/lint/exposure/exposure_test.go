package exposure

import (
	"testing"

	"github.com/pavise-dev/pavise/check/lint/internal/analysistest"
)

func TestSamples(t *testing.T) { analysistest.Run(t, Analyzer) }

func TestMentions(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "create tabl": false, "create table": true, "x\nCREATE TABLE t": true, "Create Table": true, "create\ttable": false, "#reate table": false, "ccreate table": true,
	} {
		if mentions(text, "create table") != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
