package argon2

// compressGeneric is the compression function G of section 3.5: out is P of
// (a XOR b), XOR a XOR b, and XOR what out held if xor is true.
func compressGeneric(out, a, b, scratch *Block, xor bool) {
	for i := range scratch {
		scratch[i] = a[i] ^ b[i]
	}
	if xor {
		for i := range out {
			out[i] ^= scratch[i]
		}
	} else {
		*out = *scratch
	}
	z := scratch
	for i := 0; i < blockWords; i += 16 {
		permute(&z[i], &z[i+1], &z[i+2], &z[i+3], &z[i+4], &z[i+5], &z[i+6], &z[i+7],
			&z[i+8], &z[i+9], &z[i+10], &z[i+11], &z[i+12], &z[i+13], &z[i+14], &z[i+15])
	}
	for i := 0; i < 16; i += 2 {
		permute(&z[i], &z[i+1], &z[i+16], &z[i+17], &z[i+32], &z[i+33], &z[i+48], &z[i+49],
			&z[i+64], &z[i+65], &z[i+80], &z[i+81], &z[i+96], &z[i+97], &z[i+112], &z[i+113])
	}
	for i := range out {
		out[i] ^= z[i]
	}
}

// permute is P of section 3.6, on sixteen words.
func permute(v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15 *uint64) {
	mix(v0, v4, v8, v12)
	mix(v1, v5, v9, v13)
	mix(v2, v6, v10, v14)
	mix(v3, v7, v11, v15)
	mix(v0, v5, v10, v15)
	mix(v1, v6, v11, v12)
	mix(v2, v7, v8, v13)
	mix(v3, v4, v9, v14)
}

// mix is GB: BLAKE2b's G with a multiplication in each addition.
func mix(pa, pb, pc, pd *uint64) {
	a, b, c, d := *pa, *pb, *pc, *pd
	a += b + 2*uint64(uint32(a))*uint64(uint32(b))
	d ^= a
	d = d>>32 | d<<32
	c += d + 2*uint64(uint32(c))*uint64(uint32(d))
	b ^= c
	b = b>>24 | b<<40
	a += b + 2*uint64(uint32(a))*uint64(uint32(b))
	d ^= a
	d = d>>16 | d<<48
	c += d + 2*uint64(uint32(c))*uint64(uint32(d))
	b ^= c
	b = b>>63 | b<<1
	*pa, *pb, *pc, *pd = a, b, c, d
}
