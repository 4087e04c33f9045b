package fieldcrypt

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func sealStream(t testing.TB, r *Ring, c Context, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := must[io.WriteCloser](t)(r.EncryptTo(&out, c))
	for len(plain) > 0 {
		n := min(len(plain), 10_007)
		if m, err := w.Write(plain[:n]); err != nil || m != n {
			t.Fatal(m, err)
		}
		plain = plain[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func openStream(r *Ring, c Context, sealed io.Reader) ([]byte, error) {
	o, err := r.DecryptFrom(sealed, c)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(o)
}

func TestStream(t *testing.T) {
	r := newRing(t, V1)
	c := Context{Table: "files", PrimaryKey: "1"}
	for _, n := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize, 3*chunkSize + 5} {
		want := bytes.Repeat([]byte{7, 1, 3}, n/3+1)[:n]
		sealed := sealStream(t, r, c, want)
		if overhead := len(sealed) - n; overhead != 40+16*max(1, (n+chunkSize-1)/chunkSize) {
			t.Errorf("%d bytes: %d more", n, overhead)
		}
		for _, src := range []io.Reader{bytes.NewReader(sealed), iotest.OneByteReader(bytes.NewReader(sealed))} {
			if got, err := openStream(r, c, src); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes: %d came back, %v", n, len(got), err)
			}
		}
	}
	if _, err := newRing(t, Fernet).EncryptTo(io.Discard, c); err == nil {
		t.Error("a stream with a Fernet key")
	}
}

// TestStreamForgeries: nothing can be cut off, added, moved or changed.
func TestStreamForgeries(t *testing.T) {
	r := newRing(t, V1)
	c := Context{Table: "files", PrimaryKey: "1"}
	plain := bytes.Repeat([]byte("0123456789abcdef"), 3*chunkSize/16)
	sealed := sealStream(t, r, c, plain)
	const head, chunk = 40, chunkSize + tagSize
	swapped := bytes.Clone(sealed)
	copy(swapped[head:], sealed[head+chunk:head+2*chunk])
	copy(swapped[head+chunk:], sealed[head:head+chunk])
	flip := func(i int) []byte {
		b := bytes.Clone(sealed)
		b[i] ^= 1
		return b
	}
	for name, b := range map[string][]byte{
		"the last chunk cut off": sealed[:head+2*chunk],
		"a byte cut off":         sealed[:len(sealed)-1],
		"all chunks cut off":     sealed[:head],
		"the head cut":           sealed[:head-1],
		"nothing":                {},
		"a byte added":           append(bytes.Clone(sealed), 0),
		"a chunk added":          append(bytes.Clone(sealed), sealed[head:head+chunk]...),
		"chunks swapped":         swapped,
		"magic":                  flip(0),
		"key id":                 flip(5),
		"salt":                   flip(20),
		"first chunk":            flip(head + 3),
		"last tag":               flip(len(sealed) - 1),
	} {
		if _, err := openStream(r, c, bytes.NewReader(b)); !errors.Is(err, ErrDecrypt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := openStream(r, Context{Table: "files", PrimaryKey: "2"}, bytes.NewReader(sealed)); !errors.Is(err, ErrDecrypt) {
		t.Errorf("in another place: %v", err)
	}
	gone := errors.New("the disk is gone")
	if _, err := openStream(r, c, io.MultiReader(bytes.NewReader(sealed[:head+chunk/2]), iotest.ErrReader(gone))); !errors.Is(err, gone) {
		t.Errorf("a source's own error: %v", err)
	}
}

// TestStreamWriteErrors: a write that failed fails for good, also on Close.
func TestStreamWriteErrors(t *testing.T) {
	r := newRing(t, V1)
	full := errors.New("full")
	w := must[io.WriteCloser](t)(r.EncryptTo(&limited{n: chunkSize, err: full}, Context{}))
	_, err := w.Write(make([]byte, 3*chunkSize))
	if !errors.Is(err, full) || !errors.Is(w.Close(), full) {
		t.Errorf("%v", err)
	}
	w = must[io.WriteCloser](t)(r.EncryptTo(io.Discard, Context{}))
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Error(err)
	}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("written to a closed stream")
	}
}

type limited struct {
	n   int
	err error
}

func (l *limited) Write(p []byte) (int, error) {
	if l.n -= len(p); l.n < 0 {
		return 0, l.err
	}
	return len(p), nil
}

// FuzzStream: whatever opens is what was sealed.
func FuzzStream(f *testing.F) {
	r := newRing(f, V1)
	sealed := sealStream(f, r, Context{}, []byte("a short one"))
	f.Add(sealed)
	f.Add(sealed[:len(sealed)-1])
	f.Add(append(bytes.Clone(sealed), sealed[40:]...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := openStream(r, Context{}, bytes.NewReader(b)); (err == nil) != bytes.Equal(b, sealed) {
			t.Fatalf("%v", err)
		}
	})
}
