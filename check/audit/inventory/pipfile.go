package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// readPipfileLock reads a Pipfile.lock: a table of packages a category.
func readPipfileLock(s *source) error {
	data := bytes.TrimPrefix(s.data, []byte("\xef\xbb\xbf"))
	offsets := lineOffsets(data)
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := open(dec, '{'); err != nil {
		return fmt.Errorf("is not a Pipfile.lock: %w", err)
	}
	spec := ""
	for dec.More() {
		category, err := key(dec)
		if err != nil {
			return err
		}
		if category == "_meta" {
			var meta struct {
				Spec any `json:"pipfile-spec"`
			}
			if err := dec.Decode(&meta); err != nil {
				return fmt.Errorf("_meta: %w", err)
			}
			spec = textOf(meta.Spec)
			continue
		}
		if err := open(dec, '{'); err != nil {
			return fmt.Errorf("category %.40q: %w", category, err)
		}
		for dec.More() {
			name, err := key(dec)
			if err != nil {
				return err
			}
			line := offsets.line(int(dec.InputOffset()) - 1)
			var raw json.RawMessage
			if err := dec.Decode(&raw); err != nil {
				return err
			}
			s.pipfileEntry(line, category, name, raw)
		}
		if _, err := dec.Token(); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the end of the JSON")
	}
	return s.major(spec, "6")
}

func open(dec *json.Decoder, want json.Delim) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("wanted %s", want)
	}
	return nil
}

func key(dec *json.Decoder) (string, error) {
	t, err := dec.Token()
	if err != nil {
		return "", err
	}
	name, ok := t.(string)
	if !ok {
		return "", errors.New("wanted a name")
	}
	return name, nil
}

func (s *source) pipfileEntry(line int, category, name string, raw json.RawMessage) {
	d := Dependency{Ecosystem: PyPI, Name: name}
	if category != "default" {
		d.Groups = []string{category}
	}
	var p struct {
		Version, Markers, Git, Hg, Svn, File, Path, Ref string
		Editable                                        bool
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		s.unaudited(line, d, "the entry is not of the shape that Pipenv writes")
		return
	}
	if why, err := s.marker(p.Markers); err != nil {
		s.problem(line, "marker %q: %w", p.Markers, err)
	} else if why != "" {
		s.excluded(line, d, "%s", why)
		return
	}
	for kind, at := range map[string]string{"git": p.Git, "hg": p.Hg, "svn": p.Svn, "file": p.File, "path": p.Path} {
		if at != "" {
			d.Text = redactURL(kind + " " + at)
		}
	}
	version, pinned := strings.CutPrefix(strings.TrimLeft(p.Version, " "), "==")
	switch {
	case p.Path != "" && path.Clean(p.Path) == ".":
		s.excluded(line, d, "is the project itself")
	case pinned:
		d.Version = strings.TrimPrefix(version, "=")
		s.audited(line, d)
	case d.Text != "":
		s.locked(line, d, d.Text)
	default:
		s.unaudited(line, d, "the lock names no exact version")
	}
}
