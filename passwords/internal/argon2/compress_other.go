//go:build !amd64 || purego

package argon2

func compress(out, a, b, scratch *Block, xor bool) { compressGeneric(out, a, b, scratch, xor) }

// accelerated says that compress is not the portable one.
const accelerated = false
