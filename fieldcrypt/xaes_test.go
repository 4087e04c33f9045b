package fieldcrypt

import (
	"bytes"
	"crypto/sha3"
	"encoding/hex"
	"testing"
)

// TestXAES: the vectors of the C2SP specification.
func TestXAES(t *testing.T) {
	for _, v := range []struct {
		key             byte
		data, encrypted string
	}{
		{1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		x, err := newXAES(bytes.Repeat([]byte{v.key}, keySize))
		if err != nil {
			t.Fatal(err)
		}
		nonce, want := []byte("ABCDEFGHIJKLMNOPQRSTUVWX"), []byte("XAES-256-GCM")
		got, err := x.seal(nil, nonce, want, []byte(v.data))
		if err != nil || hex.EncodeToString(got) != v.encrypted {
			t.Errorf("sealed %x, %v, want %s", got, err, v.encrypted)
		}
		if back, err := x.open(nil, nonce, got, []byte(v.data)); err != nil || !bytes.Equal(back, want) {
			t.Errorf("opened %q, %v", back, err)
		}
	}
}

// TestXAESAccumulated: ten thousand random values, by the specification's
// randomized test.
func TestXAESAccumulated(t *testing.T) {
	source, sum := sha3.NewSHAKE128(), sha3.NewSHAKE128()
	read := func(n int) []byte {
		b := make([]byte, n)
		_, _ = source.Read(b)
		return b
	}
	for range 10_000 {
		x, err := newXAES(read(keySize))
		if err != nil {
			t.Fatal(err)
		}
		nonce := read(nonceSize)
		plaintext := read(int(read(1)[0]))
		data := read(int(read(1)[0]))
		sealed, err := x.seal(nil, nonce, plaintext, data)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = sum.Write(sealed)
	}
	var got [32]byte
	_, _ = sum.Read(got[:])
	if want := "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"; hex.EncodeToString(got[:]) != want {
		t.Errorf("got %x, want %s", got, want)
	}
}
