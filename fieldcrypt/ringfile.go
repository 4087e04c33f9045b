package fieldcrypt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/pavise-dev/pavise/secret"
)

// maxRing bounds the size of a ring's text, in bytes: some thousand keys.
const maxRing = 1 << 20

// ringText is the JSON form of a ring.
type ringText struct {
	Version int       `json:"pavise_key_ring"`
	Keys    []keyText `json:"keys"`
}

type keyText struct {
	ID       string     `json:"id"`
	Format   Format     `json:"format"`
	State    State      `json:"state"`
	Created  *time.Time `json:"created,omitempty"`
	Material string     `json:"material,omitempty"` // base64
	Wrapped  string     `json:"wrapped,omitempty"`  // base64, by a KMS
}

// ParseRing reads a ring from text: the JSON that [Ring.Text] writes, or Fernet
// keys separated by commas, spaces or lines, the first of which seals, as
// services keep them that use Python's MultiFernet.
//
// Its error joins every mistake, names the key by its place or id, and quotes
// nothing that could be material.
func ParseRing(text secret.String) (*Ring, error) {
	s := strings.TrimSpace(text.Expose())
	if s == "" {
		return nil, errors.New("fieldcrypt: the key ring is empty; pavise keys new makes one")
	}
	if !strings.HasPrefix(s, "{") {
		return parseList(s)
	}
	t, err := parseText(s)
	if err != nil {
		return nil, err
	}
	return t.ring(func(k keyText) ([]byte, error) {
		if k.Wrapped != "" {
			return nil, errors.New("is wrapped: ParseWrapped opens it with the KMS")
		}
		return decodeMaterial(k.Material)
	})
}

func parseList(s string) (*Ring, error) {
	var keys []Key
	var errs []error
	for i, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' }) {
		state := DecryptOnly
		if i == 0 {
			state = Primary
		}
		k, err := ParseKey(Fernet, state, time.Time{}, secret.New(word))
		if err != nil {
			errs = append(errs, fmt.Errorf("key %d: %w", i+1, err))
			continue
		}
		keys = append(keys, k)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("fieldcrypt: the list of Fernet keys: %w", err)
	}
	return NewRing(keys...)
}

func parseText(s string) (*ringText, error) {
	if len(s) > maxRing {
		return nil, fmt.Errorf("fieldcrypt: a key ring of more than %d bytes", maxRing)
	}
	dec := json.NewDecoder(strings.NewReader(s))
	dec.DisallowUnknownFields()
	var t ringText
	if err := dec.Decode(&t); err != nil {
		// encoding/json's errors can quote a value.
		return nil, fmt.Errorf("fieldcrypt: the key ring is not the JSON of one, near byte %d", dec.InputOffset())
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("fieldcrypt: something stands behind the key ring's JSON")
	}
	if t.Version != 1 {
		return nil, fmt.Errorf("fieldcrypt: pavise_key_ring: version %d is not known; this program reads version 1", t.Version)
	}
	return &t, nil
}

// ring makes the keys, whose material open finds.
func (t *ringText) ring(open func(keyText) ([]byte, error)) (*Ring, error) {
	var keys []Key
	var errs []error
	for i, kt := range t.Keys {
		material, err := open(kt)
		if err != nil {
			errs = append(errs, fmt.Errorf("keys[%d]: %w", i, err))
			continue
		}
		var created time.Time
		if kt.Created != nil {
			created = kt.Created.UTC()
		}
		k, err := newKey(kt.Format, kt.State, created, material)
		clear(material)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("keys[%d]: %w", i, err))
		case kt.ID != k.ID:
			errs = append(errs, fmt.Errorf("keys[%d]: its id is %s by its material, and another by the file: one of them was changed", i, k.ID))
		default:
			keys = append(keys, k)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("fieldcrypt: the key ring: %w", err)
	}
	return NewRing(keys...)
}

// Text returns the ring as JSON, with the material in the clear.
func (r *Ring) Text() secret.String {
	t, err := r.text(func(k Key, kt *keyText) error {
		kt.Material = k.Export().Expose()
		return nil
	})
	if err != nil {
		panic("fieldcrypt: " + err.Error()) // strings and times marshal
	}
	return secret.New(t)
}

func (r *Ring) text(put func(Key, *keyText) error) (string, error) {
	t := ringText{Version: 1}
	for _, k := range r.keys {
		kt := keyText{ID: k.ID, Format: k.Format, State: k.State}
		if !k.Created.IsZero() {
			kt.Created = &k.Created
		}
		if err := put(k, &kt); err != nil {
			return "", err
		}
		t.Keys = append(t.Keys, kt)
	}
	b, err := json.MarshalIndent(t, "", "  ")
	return string(b) + "\n", err
}

// RingFromEnv reads a ring from an environment variable, in the forms of
// [ParseRing]. A variable that is missing or empty is an error: no key is made
// in its place, since what it sealed would be lost with the process.
func RingFromEnv(name string) (*Ring, error) {
	text := os.Getenv(name)
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("fieldcrypt: the environment has no key ring in %s; make one with pavise keys new", name)
	}
	r, err := ParseRing(secret.New(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// Unlock opens a ring file that is encrypted with age. The zero value is for a
// file in the clear.
type Unlock struct {
	// Passphrase of the file, as age -p asks for one.
	Passphrase secret.String
	// Identity is the text of an age identity, AGE-SECRET-KEY-1…
	Identity secret.String
}

// ReadRing reads a ring from a file, in the clear or encrypted with age. The
// file must be readable by its owner alone. Its error names the file.
func ReadRing(path string, u Unlock) (*Ring, error) {
	data, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	if wrapped, ok := ageReader(data); ok {
		plain, err := u.open(wrapped)
		if err != nil {
			return nil, fmt.Errorf("fieldcrypt: %s: %w", path, err)
		}
		defer clear(plain)
		data = plain
	}
	r, err := ParseRing(secret.New(string(data)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("fieldcrypt: there is no key ring at %s; make one with pavise keys new --ring %s: %w", path, path, err)
		}
		return nil, fmt.Errorf("fieldcrypt: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("fieldcrypt: %w", err)
	}
	// Windows has no such bits; its files are private to a profile.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("fieldcrypt: %s can be read by others than its owner (mode %04o); run chmod 600 %s, and rotate the keys if others were there", path, mode, path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxRing+1))
	if err != nil {
		return nil, fmt.Errorf("fieldcrypt: %w", err)
	}
	if len(data) > maxRing {
		return nil, fmt.Errorf("fieldcrypt: %s is larger than a key ring, %d bytes", path, maxRing)
	}
	return data, nil
}

// ageReader recognises both forms of an age file.
func ageReader(data []byte) (io.Reader, bool) {
	switch {
	case bytes.HasPrefix(data, []byte(armor.Header)):
		return armor.NewReader(bytes.NewReader(data)), true
	case bytes.HasPrefix(data, []byte("age-encryption.org/")):
		return bytes.NewReader(data), true
	}
	return nil, false
}

func (u Unlock) open(r io.Reader) ([]byte, error) {
	var ids []age.Identity
	if !u.Identity.IsEmpty() {
		parsed, err := age.ParseIdentities(strings.NewReader(u.Identity.Expose()))
		if err != nil {
			return nil, errors.New("the age identity is not one") // age's error may quote it
		}
		ids = append(ids, parsed...)
	}
	if !u.Passphrase.IsEmpty() {
		id, err := age.NewScryptIdentity(u.Passphrase.Expose())
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, errors.New("the ring is encrypted with age, and neither a passphrase nor an identity is given")
	}
	plain, err := age.Decrypt(r, ids...)
	if err != nil {
		return nil, errors.New("the age file does not open with this passphrase or identity")
	}
	data, err := io.ReadAll(io.LimitReader(plain, maxRing+1))
	if err != nil {
		return nil, errors.New("the age file is damaged")
	}
	return data, nil
}

// Lock says how a ring file is encrypted. The zero value writes it in the
// clear.
type Lock struct {
	// Passphrase encrypts the file with age's scrypt.
	Passphrase secret.String
	// Recipient is an age public key, age1…; both cannot be given.
	Recipient string
}

// WriteRing writes a ring to a file that only its owner may read. The file
// is replaced as a whole: whoever reads it finds the old ring or the new one.
func WriteRing(path string, r *Ring, l Lock) error {
	data := []byte(r.Text().Expose())
	defer func() { clear(data) }()
	if !l.Passphrase.IsEmpty() || l.Recipient != "" {
		wrapped, err := l.seal(data)
		if err != nil {
			return fmt.Errorf("fieldcrypt: %s: %w", path, err)
		}
		clear(data)
		data = wrapped
	}
	return replacePrivate(path, data)
}

func (l Lock) seal(data []byte) ([]byte, error) {
	var to age.Recipient
	var err error
	switch {
	case l.Recipient != "" && !l.Passphrase.IsEmpty():
		return nil, errors.New("age encrypts to a passphrase or to recipients, not to both")
	case l.Recipient != "":
		to, err = age.ParseX25519Recipient(l.Recipient)
	default:
		to, err = age.NewScryptRecipient(l.Passphrase.Expose())
	}
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, to)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := a.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// replacePrivate puts a new file in the place of path, or leaves the old one.
func replacePrivate(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("fieldcrypt: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
			err = fmt.Errorf("fieldcrypt: %w", err)
		}
	}()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	// The name is safe only when the folder is.
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// RecipientOf returns the public key of an age identity, for [Lock].
func RecipientOf(identity secret.String) (string, error) {
	ids, err := age.ParseIdentities(strings.NewReader(identity.Expose()))
	if err != nil || len(ids) != 1 {
		return "", errors.New("want the text of one age identity, AGE-SECRET-KEY-1…")
	}
	x, ok := ids[0].(*age.X25519Identity)
	if !ok {
		return "", errors.New("the age identity is of another kind than AGE-SECRET-KEY-1…")
	}
	return x.Recipient().String(), nil
}
