// Package baseline keeps a list of findings that are known, so that a check
// speaks of new ones alone. The list says nothing of what stands in the files,
// and nothing of lines: an entry is an HMAC of the rule, the path and what was
// found, so that a thousand lines that come before change no byte of it.
package baseline

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

// A Baseline is what is known. Its key is in the file: it keeps entries of two
// projects apart, and does not hide what can be guessed from who has the file.
type Baseline struct {
	list    string // what the file calls its entries
	key     []byte
	entries map[string]Entry
}

// An Entry is a known finding.
type Entry struct {
	Rule string `json:"rule"`
	Path string `json:"path"`
	ID   string `json:"id"`
}

// The names that files have for their list of entries.
const (
	Findings = "findings"
	Leaks    = "leaks"
)

type file struct {
	Version  int      `json:"version"`
	Key      string   `json:"key"`
	Findings *[]Entry `json:"findings,omitempty"`
	Leaks    *[]Entry `json:"leaks,omitempty"`
}

// entries is the list of a name.
func (f *file) entries(list string) **[]Entry {
	if list == Leaks {
		return &f.Leaks
	}
	return &f.Findings
}

// New makes an empty one, whose file has a list of that name.
func New(list string) *Baseline {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it does not fail
	return &Baseline{list: list, key: key, entries: map[string]Entry{}}
}

// Parse reads a file of one.
func Parse(list string, data []byte) (*Baseline, error) {
	var f file
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
	b := &Baseline{list: list, key: key, entries: map[string]Entry{}}
	if known := *f.entries(list); known != nil {
		for _, e := range *known {
			b.entries[e.ID] = e
		}
	}
	return b, nil
}

// id is an HMAC over parts whose lengths are in it.
func (b *Baseline) id(rule, path, what string) string {
	mac := hmac.New(sha256.New, b.key)
	for _, part := range []string{rule, path, what} {
		fmt.Fprintf(mac, "%d:%s", len(part), part) //nolint:errcheck // a hash does not fail
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// Holds tells whether a finding is known.
func (b *Baseline) Holds(rule, path, what string) bool {
	_, ok := b.entries[b.id(rule, path, what)]
	return ok
}

// Add makes a finding known.
func (b *Baseline) Add(rule, path, what string) {
	id := b.id(rule, path, what)
	b.entries[id] = Entry{Rule: rule, Path: path, ID: id}
}

// Encode writes the file: the same for the same findings.
func (b *Baseline) Encode() []byte {
	list := []Entry{}
	for _, e := range b.entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, c Entry) int {
		return strings.Compare(a.Path+"\x00"+a.Rule+"\x00"+a.ID, c.Path+"\x00"+c.Rule+"\x00"+c.ID)
	})
	f := file{Version: 1, Key: base64.RawURLEncoding.EncodeToString(b.key)}
	*f.entries(b.list) = &list
	out, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		panic("baseline: it cannot be encoded") // it holds texts alone
	}
	return append(out, '\n')
}
