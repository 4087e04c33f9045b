package pavise

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/goccy/go-yaml"
)

// Parse decodes a policy file. Keys that are not known, keys given twice and
// values of the wrong type are refused, with line, column and the piece of
// text. It decodes only; [New] checks what the values mean.
func Parse(data []byte) (Policy, error) {
	var p Policy
	dec := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	if err := dec.Decode(&p); err != nil && !errors.Is(err, io.EOF) {
		return Policy{}, fmt.Errorf("policy: %s", yaml.FormatError(err, false, true))
	}
	var more any
	if err := dec.Decode(&more); err == nil {
		return Policy{}, errors.New("policy: the file holds more than one YAML document")
	}
	return p, nil
}
