package kubernetes

import (
	"testing"

	"github.com/pavise-dev/pavise/check/lint/internal/analysistest"
)

func TestSamples(t *testing.T) { analysistest.Run(t, Analyzer) }
