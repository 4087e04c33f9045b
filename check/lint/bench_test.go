package lint

import (
	"context"
	"os"
	"testing"
)

// BenchmarkRun reads the project that PAVISE_LINT_TREE names, or this one.
func BenchmarkRun(b *testing.B) {
	root := os.Getenv("PAVISE_LINT_TREE")
	if root == "" {
		root = "../.."
	}
	for b.Loop() {
		r, err := Run(context.Background(), Options{Paths: []string{root}})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(r.Bytes)
	}
}
