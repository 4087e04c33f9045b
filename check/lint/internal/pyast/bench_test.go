package pyast

import (
	"os"
	"testing"
)

// BenchmarkParse reads the test's own writer of trees, which is as most code is.
func BenchmarkParse(b *testing.B) {
	data, err := os.ReadFile("testdata/dump.py")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
