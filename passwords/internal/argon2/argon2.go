// Package argon2 is Argon2 version 0x13 by RFC 9106: argon2d, argon2i and
// argon2id, with a secret and associated data, in memory that the caller
// lends and that is wiped.
//
// golang.org/x/crypto/argon2 has neither argon2d nor a secret, takes new
// memory for each hash, and leaves it as it was.
package argon2

import (
	"encoding/binary"
	"hash"
	"sync"

	"golang.org/x/crypto/blake2b"
)

// Kind is a variant of Argon2.
type Kind uint32

// The variants.
const (
	D  Kind = 0 // data-dependent: fast, and its timing tells something of the password
	I  Kind = 1 // data-independent
	ID Kind = 2 // I for the first half of the first pass, then D
)

// Version is the only one known here, 0x13.
const Version = 0x13

const (
	blockWords = 128
	// BlockSize is the size of the unit of memory, in bytes.
	BlockSize  = blockWords * 8
	syncPoints = 4
)

// A Block is a unit of memory.
type Block [blockWords]uint64

// Params are the inputs that are no secret.
type Params struct {
	Kind    Kind
	Time    uint32 // passes, at least 1
	Memory  uint32 // KiB, at least 8 for each thread
	Threads uint8  // lanes, at least 1
	Length  uint32 // of the tag, in bytes, at least 4
}

// Blocks is how many blocks a hash needs: Memory, rounded down to a multiple
// of four for each lane.
func (p Params) Blocks() int {
	lane := syncPoints * int(p.Threads)
	return max(int(p.Memory)/lane*lane, 2*lane)
}

// Key computes the tag. The memory has at least Blocks blocks, whose contents
// do not matter; they are wiped before Key returns.
func Key(p Params, password, salt, secret, data []byte, memory []Block) []byte {
	if p.Time < 1 || p.Threads < 1 || p.Length < 4 || p.Kind > ID {
		panic("argon2: parameters out of range")
	}
	memory = memory[:p.Blocks()]
	h0 := initial(p, password, salt, secret, data)
	defer clear(h0[:])
	defer clear(memory)
	lanes := uint32(p.Threads)
	f := &filler{p: p, memory: memory, lanes: lanes, lane: uint32(len(memory)) / lanes}
	f.segment = f.lane / syncPoints
	f.begin(&h0)
	for pass := range p.Time {
		for slice := range uint32(syncPoints) {
			f.slice(pass, slice)
		}
	}
	return f.tag()
}

// initial is H_0 of section 3.2, with room for two counters behind.
func initial(p Params, password, salt, secret, data []byte) (h0 [blake2b.Size + 8]byte) {
	h, err := blake2b.New512(nil)
	if err != nil {
		panic("argon2: " + err.Error()) // only a key can be wrong
	}
	put := func(n uint32) {
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], n)
		h.Write(b[:])
	}
	put(uint32(p.Threads))
	put(p.Length)
	put(p.Memory)
	put(p.Time)
	put(Version)
	put(uint32(p.Kind))
	for _, field := range [...][]byte{password, salt, secret, data} {
		put(uint32(len(field)))
		h.Write(field)
	}
	h.Sum(h0[:0])
	return h0
}

// filler fills the memory.
type filler struct {
	p       Params
	memory  []Block
	lanes   uint32
	lane    uint32 // blocks of a lane
	segment uint32 // blocks of a lane between two synchronisations
}

// begin makes the first two blocks of each lane.
func (f *filler) begin(h0 *[blake2b.Size + 8]byte) {
	var bytes [BlockSize]byte
	defer clear(bytes[:])
	for l := range f.lanes {
		binary.LittleEndian.PutUint32(h0[blake2b.Size+4:], l)
		for i := range uint32(2) {
			binary.LittleEndian.PutUint32(h0[blake2b.Size:], i)
			long(bytes[:], h0[:])
			b := &f.memory[l*f.lane+i]
			for w := range b {
				b[w] = binary.LittleEndian.Uint64(bytes[8*w:])
			}
		}
	}
}

// slice fills one segment of every lane. Lanes do not read what another one
// writes at the time, so they run at once.
func (f *filler) slice(pass, slice uint32) {
	if f.lanes == 1 {
		f.fill(pass, slice, 0)
		return
	}
	var wg sync.WaitGroup
	for l := range f.lanes {
		wg.Go(func() { f.fill(pass, slice, l) })
	}
	wg.Wait()
}

// fill fills a segment, section 3.4.
func (f *filler) fill(pass, slice, l uint32) {
	var input, addresses, scratch Block
	independent := f.p.Kind == I || f.p.Kind == ID && pass == 0 && slice < syncPoints/2
	if independent {
		input = Block{uint64(pass), uint64(l), uint64(slice), uint64(len(f.memory)), uint64(f.p.Time), uint64(f.p.Kind)}
	}
	next := func() {
		input[6]++
		var zero Block
		compress(&addresses, &zero, &input, &scratch, false)
		compress(&addresses, &zero, &addresses, &scratch, false)
	}
	first := uint32(0)
	if pass == 0 && slice == 0 {
		first = 2 // begin made them
		if independent {
			next()
		}
	}
	for i := first; i < f.segment; i++ {
		at := slice*f.segment + i
		current := l*f.lane + at
		previous := current - 1
		if at == 0 {
			previous += f.lane
		}
		var random uint64
		if independent {
			if i%blockWords == 0 {
				next()
			}
			random = addresses[i%blockWords]
		} else {
			random = f.memory[previous][0]
		}
		compress(&f.memory[current], &f.memory[previous], &f.memory[f.reference(pass, slice, l, i, random)], &scratch, pass > 0)
	}
}

// reference chooses the block to mix in, section 3.4.2.
func (f *filler) reference(pass, slice, l, i uint32, random uint64) uint32 {
	refLane := uint32(random>>32) % f.lanes
	if pass == 0 && slice == 0 {
		refLane = l
	}
	// How many blocks there are to choose from, and where they begin.
	area, start := 3*f.segment, ((slice+1)%syncPoints)*f.segment
	if pass == 0 {
		area, start = slice*f.segment, 0
	}
	if refLane == l {
		area += i - 1
	} else if i == 0 {
		area--
	}
	x := random & 0xffffffff
	y := (uint64(area) * ((x * x) >> 32)) >> 32
	position := (uint64(start) + uint64(area) - 1 - y) % uint64(f.lane)
	return refLane*f.lane + uint32(position)
}

// tag hashes the last blocks of all lanes.
func (f *filler) tag() []byte {
	var last Block
	for l := range f.lanes {
		b := &f.memory[(l+1)*f.lane-1]
		for w := range last {
			last[w] ^= b[w]
		}
	}
	var bytes [BlockSize]byte
	for w, v := range last {
		binary.LittleEndian.PutUint64(bytes[8*w:], v)
	}
	out := make([]byte, f.p.Length)
	long(out, bytes[:])
	clear(last[:])
	clear(bytes[:])
	return out
}

// long is H', the hash of any length of section 3.3.
func long(out, in []byte) {
	var length [4]byte
	binary.LittleEndian.PutUint32(length[:], uint32(len(out)))
	if len(out) <= blake2b.Size {
		h, err := blake2b.New(len(out), nil)
		if err != nil {
			panic("argon2: " + err.Error())
		}
		h.Write(length[:])
		h.Write(in)
		h.Sum(out[:0])
		return
	}
	var v [blake2b.Size]byte
	defer clear(v[:])
	h, err := blake2b.New512(nil)
	if err != nil {
		panic("argon2: " + err.Error())
	}
	h.Write(length[:])
	h.Write(in)
	h.Sum(v[:0])
	n := copy(out, v[:blake2b.Size/2])
	for len(out)-n > blake2b.Size {
		v = blake2b.Sum512(v[:])
		n += copy(out[n:], v[:blake2b.Size/2])
	}
	var rest hash.Hash
	if rest, err = blake2b.New(len(out)-n, nil); err != nil {
		panic("argon2: " + err.Error())
	}
	rest.Write(v[:])
	rest.Sum(out[n:n])
}
