package deploy

import (
	"bytes"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// A TOML is a file of it.
type TOML struct {
	File string
	Root map[string]any
	Data []byte
}

func readTOML(file string, data []byte) (*TOML, error) {
	t := &TOML{File: file, Data: data}
	return t, toml.Unmarshal(data, &t.Root)
}

// Get is what stands below keys; nil when it is not there.
func (t *TOML) Get(keys ...string) any {
	var at any = t.Root
	for _, k := range keys {
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[k]
	}
	return at
}

// Texts are those of a list.
func (t *TOML) Texts(keys ...string) []string {
	list, _ := t.Get(keys...).([]any)
	var out []string
	for _, x := range list {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Line is where a text first stands, or 1.
func (t *TOML) Line(text string) int {
	i := bytes.Index(t.Data, []byte(text))
	if i < 0 {
		return 1
	}
	return bytes.Count(t.Data[:i], []byte("\n")) + 1
}

// LineOf is where a line of a file stands that begins with a text, or 1.
func (l *Lines) LineOf(prefix string) int {
	for i, s := range l.Lines {
		if strings.HasPrefix(s, prefix) {
			return i + 1
		}
	}
	return 1
}
