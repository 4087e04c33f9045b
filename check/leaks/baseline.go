package leaks

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Baseline is a list of known leaks that says nothing of the secrets, and
// nothing of lines: an entry is an HMAC of rule, path and secret. The key is in
// the file, so that a secret of few possibilities could be guessed by whoever
// has it; it keeps entries of two projects apart.
type Baseline struct {
	key     []byte
	entries map[string]Entry
}

// An Entry is a known leak.
type Entry struct {
	Rule string `json:"rule"`
	Path string `json:"path"`
	ID   string `json:"id"`
}

type baselineFile struct {
	Version int     `json:"version"`
	Key     string  `json:"key"`
	Leaks   []Entry `json:"leaks"`
}

// NewBaseline makes an empty one.
func NewBaseline() *Baseline {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it does not fail
	return &Baseline{key: key, entries: map[string]Entry{}}
}

// ParseBaseline reads a file of one.
func ParseBaseline(data []byte) (*Baseline, error) {
	var f baselineFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("is no baseline: %w", err)
	}
	if f.Version != 1 {
		return nil, fmt.Errorf("is of version %d, and 1 is what is read", f.Version)
	}
	key, err := base64.RawURLEncoding.DecodeString(f.Key)
	if err != nil || len(key) != 32 {
		return nil, errors.New("has no key of 32 bytes")
	}
	b := &Baseline{key: key, entries: map[string]Entry{}}
	for _, e := range f.Leaks {
		b.entries[e.ID] = e
	}
	return b, nil
}

// id is an HMAC over parts whose lengths are in it.
func (b *Baseline) id(l *Leak) string {
	mac := hmac.New(sha256.New, b.key)
	for _, part := range []string{l.Rule, l.Path, l.secret} {
		fmt.Fprintf(mac, "%d:%s", len(part), part) //nolint:errcheck // a hash does not fail
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// Holds tells whether a leak is known.
func (b *Baseline) Holds(l Leak) bool {
	_, ok := b.entries[b.id(&l)]
	return ok
}

// Add makes leaks known.
func (b *Baseline) Add(leaks []Leak) {
	for i := range leaks {
		l := &leaks[i]
		b.entries[b.id(l)] = Entry{Rule: l.Rule, Path: l.Path, ID: b.id(l)}
	}
}

// Encode writes the file: the same for the same leaks, whatever their lines.
func (b *Baseline) Encode() []byte {
	f := baselineFile{Version: 1, Key: base64.RawURLEncoding.EncodeToString(b.key), Leaks: []Entry{}}
	for _, e := range b.entries {
		f.Leaks = append(f.Leaks, e)
	}
	slices.SortFunc(f.Leaks, func(a, c Entry) int {
		return strings.Compare(a.Path+"\x00"+a.Rule+"\x00"+a.ID, c.Path+"\x00"+c.Rule+"\x00"+c.ID)
	})
	out, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		panic("leaks: a baseline cannot be encoded") // it holds texts alone
	}
	return append(out, '\n')
}
