//go:build amd64 && !purego

package argon2

import "golang.org/x/sys/cpu"

// accelerated says that compress is not the portable one.
var accelerated = cpu.X86.HasAVX2

// compressAVX2 is compressGeneric with AVX2. No two of its blocks may overlap
// but a and b, and out and a.
//
//go:noescape
func compressAVX2(out, a, b, scratch *Block, xor bool)

func compress(out, a, b, scratch *Block, xor bool) {
	if accelerated {
		compressAVX2(out, a, b, scratch, xor)
		return
	}
	compressGeneric(out, a, b, scratch, xor)
}
