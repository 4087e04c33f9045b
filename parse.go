package pavise

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
)

// Parse decodes a policy file. Keys that are not known, keys given twice and
// values of the wrong type are refused, with line, column and the piece of
// text. It decodes only; [New] checks what the values mean.
func Parse(data []byte) (p Policy, err error) {
	defer func() {
		// The YAML library panics on some malformed tags. A file that its
		// reader cannot read is a wrong file, and no reason to crash.
		if r := recover(); r != nil {
			p, err = Policy{}, errors.New("policy: the file is not YAML that can be read; look for a malformed tag (!...) or anchor (&...)")
		}
	}()
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // YAML 1.2 section 5.2 allows it, and editors write it
	dec := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	if err := dec.Decode(&p); err != nil && !errors.Is(err, io.EOF) {
		return Policy{}, fmt.Errorf("policy: %s", placed(data, yaml.FormatError(err, false, true)))
	}
	var more any
	if err := dec.Decode(&more); err == nil {
		return Policy{}, errors.New("policy: the file holds more than one YAML document")
	}
	return p, nil
}

var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// placed puts the place before a message that lacks it: what a type says of
// its own text, such as a duration, comes without one, but quotes the text.
func placed(data []byte, message string) string {
	if strings.HasPrefix(message, "[") {
		return message
	}
	text, err := strconv.Unquote(quoted.FindString(message))
	if err != nil {
		return message
	}
	for _, t := range lexer.Tokenize(string(data)) {
		if t.Value == text && t.Position != nil {
			return fmt.Sprintf("[%d:%d] %s", t.Position.Line, t.Position.Column, message)
		}
	}
	return message
}
