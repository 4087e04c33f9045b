package fieldcrypt_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/pavise-dev/pavise/fieldcrypt"
	"github.com/pavise-dev/pavise/secret"
)

func TestRingFile(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	pass := secret.New("correct horse battery staple")
	for name, c := range map[string]struct {
		lock   fieldcrypt.Lock
		unlock fieldcrypt.Unlock
	}{
		"in the clear":    {},
		"by a passphrase": {fieldcrypt.Lock{Passphrase: pass}, fieldcrypt.Unlock{Passphrase: pass}},
		"by a recipient":  {fieldcrypt.Lock{Recipient: identity.Recipient().String()}, fieldcrypt.Unlock{Identity: secret.New(identity.String())}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ring.json")
			r := ring(t, fieldcrypt.V1)
			if err := fieldcrypt.WriteRing(path, r, c.lock); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Fatalf("mode %v, %v", info.Mode(), err)
			}
			back, err := fieldcrypt.ReadRing(path, c.unlock)
			if err != nil || back.Text().Expose() != r.Text().Expose() {
				t.Fatalf("%v", err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if locked := c.lock.Recipient != "" || !c.lock.Passphrase.IsEmpty(); locked == strings.Contains(string(data), r.Primary().Export().Expose()) {
				t.Errorf("locked %v, and the material is in the file: %v", locked, !locked)
			}
			if locked := c.lock.Recipient != "" || !c.lock.Passphrase.IsEmpty(); locked {
				for why, u := range map[string]fieldcrypt.Unlock{"nothing": {}, "another passphrase": {Passphrase: secret.New("other")}, "no identity": {Identity: secret.New("AGE-SECRET-KEY-1X")}} {
					if _, err := fieldcrypt.ReadRing(path, u); err == nil || strings.Contains(err.Error(), "AGE-SECRET") {
						t.Errorf("%s: %v", why, err)
					}
				}
			}
			// Writing replaces: whoever has the old file open has all of it,
			// and nothing is left beside.
			if err := fieldcrypt.WriteRing(path, ring(t, fieldcrypt.Fernet), c.lock); err != nil {
				t.Fatal(err)
			}
			if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
				t.Errorf("%v, %v", entries, err)
			}
		})
	}
}

func TestRingFileRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ring.json")
	if _, err := fieldcrypt.ReadRing(path, fieldcrypt.Unlock{}); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "pavise keys new") {
		t.Errorf("missing: %v", err)
	}
	if err := fieldcrypt.WriteRing(path, ring(t, fieldcrypt.V1), fieldcrypt.Lock{}); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := fieldcrypt.ReadRing(path, fieldcrypt.Unlock{}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	if err := os.WriteFile(path, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := fieldcrypt.ReadRing(path, fieldcrypt.Unlock{}); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("a file of 2 MiB: %v", err)
	}
	if err := fieldcrypt.WriteRing(filepath.Join(dir, "none", "ring.json"), ring(t, fieldcrypt.V1), fieldcrypt.Lock{}); err == nil {
		t.Error("written into a folder that is not there")
	}
	if err := fieldcrypt.WriteRing(path, ring(t, fieldcrypt.V1), fieldcrypt.Lock{Passphrase: secret.New("a"), Recipient: "age1x"}); err == nil {
		t.Error("locked in two ways")
	}
}

// TestRingFromEnv: no key is made by accident.
func TestRingFromEnv(t *testing.T) {
	t.Setenv("PAVISE_TEST_RING", " ")
	if _, err := fieldcrypt.RingFromEnv("PAVISE_TEST_RING"); err == nil || !strings.Contains(err.Error(), "pavise keys new") {
		t.Errorf("%v", err)
	}
	r := ring(t, fieldcrypt.Fernet)
	t.Setenv("PAVISE_TEST_RING", r.Primary().Export().Expose())
	back, err := fieldcrypt.RingFromEnv("PAVISE_TEST_RING")
	if err != nil || back.Primary().ID != r.Primary().ID {
		t.Errorf("%v", err)
	}
}

// TestEnvelope: when the wrapping key is rotated, the data's keys and so the
// rows stay as they are.
func TestEnvelope(t *testing.T) {
	ctx := context.Background()
	r := ring(t, fieldcrypt.V1)
	where := fieldcrypt.Context{Table: "t"}
	token, err := r.Encrypt([]byte("value"), where)
	if err != nil {
		t.Fatal(err)
	}
	old, next := fieldcrypt.RingKMS(ring(t, fieldcrypt.V1)), fieldcrypt.RingKMS(ring(t, fieldcrypt.V1))
	text, err := r.TextWrapped(ctx, old)
	if err != nil || strings.Contains(text, r.Primary().Export().Expose()) {
		t.Fatalf("%v: %s", err, text)
	}
	if _, err := fieldcrypt.ParseRing(secret.New(text)); err == nil || !strings.Contains(err.Error(), "KMS") {
		t.Errorf("a wrapped ring opens without the KMS: %v", err)
	}
	rewrapped, err := fieldcrypt.Rewrap(ctx, text, old, next)
	if err != nil || rewrapped == text {
		t.Fatal(err)
	}
	if _, err := fieldcrypt.ParseWrapped(ctx, rewrapped, old); err == nil {
		t.Error("the former wrapping key still opens")
	}
	back, err := fieldcrypt.ParseWrapped(ctx, rewrapped, next)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := back.Decrypt(token, where); err != nil || string(got) != "value" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := fieldcrypt.ParseWrapped(ctx, r.Text().Expose(), next); err == nil {
		t.Error("a ring in the clear passes for a wrapped one")
	}
}

// TestExport: for Python, and only what Python can seal with.
func TestExport(t *testing.T) {
	r := ring(t, fieldcrypt.Fernet)
	first := r.Primary().Export().Expose()
	k, err := fieldcrypt.NewKey(fieldcrypt.Fernet, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if r, err = r.Add(k); err != nil {
		t.Fatal(err)
	}
	list, err := r.Export()
	if err != nil || list.Expose() != k.Export().Expose()+","+first {
		t.Errorf("%v", err)
	}
	if _, err := ring(t, fieldcrypt.V1).Export(); err == nil {
		t.Error("exported what Python does not know")
	}
}
