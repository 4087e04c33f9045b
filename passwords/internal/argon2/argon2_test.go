package argon2

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/crypto/argon2"
)

func key(p Params, password, salt, secret, data []byte) []byte {
	return Key(p, password, salt, secret, data, make([]Block, p.Blocks()))
}

// TestRFC9106: the vectors of section 5.
func TestRFC9106(t *testing.T) {
	for kind, want := range map[Kind]string{
		D:  "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb",
		I:  "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8",
		ID: "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659",
	} {
		got := key(Params{kind, 3, 32, 4, 32}, bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 16), bytes.Repeat([]byte{3}, 8), bytes.Repeat([]byte{4}, 12))
		if hex.EncodeToString(got) != want {
			t.Errorf("kind %d: %x, want %s", kind, got, want)
		}
	}
}

// TestCompress: the assembly and the portable function agree, on every
// pattern of aliasing that is used.
func TestCompress(t *testing.T) {
	if !accelerated {
		t.Log("there is no assembly for this machine: the portable function is what the other tests test")
	}
	random := func() (b Block) {
		for i := range b {
			b[i] = rand.Uint64()
		}
		return b
	}
	for i := range 1000 {
		a, b, out, scratch := random(), random(), random(), random()
		xor := i%2 == 0
		want := out
		compressGeneric(&want, &a, &b, &scratch, xor)
		if compress(&out, &a, &b, &scratch, xor); out != want {
			t.Fatalf("xor %v: the two differ", xor)
		}
		want = b
		compressGeneric(&want, &a, &b, &scratch, false)
		if compress(&b, &a, &b, &scratch, false); b != want {
			t.Fatal("with the result in the place of an input the two differ")
		}
	}
}

// TestWiped: nothing of the password's hash stays in the memory that was lent.
func TestWiped(t *testing.T) {
	memory := make([]Block, 64)
	p := Params{ID, 2, 64, 2, 16}
	Key(p, []byte("password"), []byte("saltsalt"), nil, nil, memory)
	for _, b := range memory {
		if b != (Block{}) {
			t.Fatal("not wiped")
		}
	}
	// What was in it before makes no difference.
	for i := range memory {
		memory[i][0] = rand.Uint64()
	}
	if got := Key(p, []byte("password"), []byte("saltsalt"), nil, nil, memory); !bytes.Equal(got, key(p, []byte("password"), []byte("saltsalt"), nil, nil)) {
		t.Error("what was in the memory before makes a difference")
	}
}

// FuzzAgreesWithXCrypto: argon2i and argon2id of golang.org/x/crypto.
func FuzzAgreesWithXCrypto(f *testing.F) {
	f.Add([]byte("password"), []byte("saltsalt"), uint8(1), uint16(64), uint8(1), uint8(32))
	f.Add([]byte(""), []byte(""), uint8(2), uint16(8), uint8(1), uint8(4))
	f.Add([]byte("p"), []byte("s"), uint8(3), uint16(1111), uint8(5), uint8(200))
	f.Fuzz(func(t *testing.T, password, salt []byte, time uint8, memory uint16, threads, length uint8) {
		p := Params{Time: uint32(time%4) + 1, Memory: uint32(memory % 4096), Threads: threads%8 + 1, Length: max(uint32(length), 4)}
		for kind, theirs := range map[Kind]func([]byte, []byte, uint32, uint32, uint8, uint32) []byte{I: argon2.Key, ID: argon2.IDKey} {
			p.Kind = kind
			if got, want := key(p, password, salt, nil, nil), theirs(password, salt, p.Time, p.Memory, p.Threads, p.Length); !bytes.Equal(got, want) {
				t.Fatalf("%+v: %x, want %x", p, got, want)
			}
		}
	})
}

// BenchmarkArgon2 runs both in turn: the page's parameters, and those of one
// thread.
func BenchmarkArgon2(b *testing.B) {
	for _, threads := range []uint8{1, 4} {
		p := Params{ID, 3, 64 << 10, threads, 32}
		memory := make([]Block, p.Blocks())
		b.Run(fmt.Sprint("ours-wiping/p=", threads), func(b *testing.B) {
			for b.Loop() {
				Key(p, []byte("password"), []byte("saltsaltsaltsalt"), nil, nil, memory)
			}
		})
		b.Run(fmt.Sprint("xcrypto/p=", threads), func(b *testing.B) {
			for b.Loop() {
				argon2.IDKey([]byte("password"), []byte("saltsaltsaltsalt"), p.Time, p.Memory, p.Threads, p.Length)
			}
		})
	}
}
