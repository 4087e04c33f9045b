package jsonbody

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pavise-dev/pavise/guard"
)

// A Policy says how strictly JSON bodies are read. The zero Policy refuses
// whatever two parsers read differently, and what is out of bounds.
type Policy struct {
	// MaxBytes is the size of a JSON body, decoded, in bytes; 0 means 8 MiB.
	// So much of each request is held in memory while it is judged.
	MaxBytes int64 `yaml:"max_bytes,omitempty"`
	// MaxDepth is how deep objects and arrays may be nested; 0 means 64.
	MaxDepth int `yaml:"max_depth,omitempty"`
	// MaxKeys is the number of keys of a document; 0 means 10,000.
	MaxKeys int `yaml:"max_keys,omitempty"`
	// MaxObjectKeys is the number of keys of one object; 0 means 1,000.
	MaxObjectKeys int `yaml:"max_object_keys,omitempty"`
	// MaxValues is the number of values of a document, of any kind; 0 means
	// 1,000,000.
	MaxValues int `yaml:"max_values,omitempty"`
	// MaxString is the length of a string or key, in characters; 0 means
	// 10,000.
	MaxString int `yaml:"max_string,omitempty"`
	// MaxNumber is the length of a number, in characters; 0 means 128.
	MaxNumber int `yaml:"max_number,omitempty"`

	// AllowInvalidUTF8 lets pass strings that are not UTF-8, and documents in
	// UTF-16 and UTF-32, which are then not judged.
	AllowInvalidUTF8 bool `yaml:"allow_invalid_utf8,omitempty"`
	// AllowDuplicateKeys lets pass objects in which a key stands twice.
	AllowDuplicateKeys bool `yaml:"allow_duplicate_keys,omitempty"`
	// AllowAmbiguousKeys lets pass objects in which keys differ only by case
	// or by Unicode's normal form.
	AllowAmbiguousKeys bool `yaml:"allow_ambiguous_keys,omitempty"`
	// AllowAnyDepth lifts MaxDepth.
	AllowAnyDepth bool `yaml:"allow_any_depth,omitempty"`
	// AllowAnyCount lifts MaxKeys, MaxObjectKeys and MaxValues.
	AllowAnyCount bool `yaml:"allow_any_count,omitempty"`
	// AllowLongStrings lifts MaxString.
	AllowLongStrings bool `yaml:"allow_long_strings,omitempty"`
	// AllowAnyNumber lifts MaxNumber, and lets pass numbers that no float64
	// can hold.
	AllowAnyNumber bool `yaml:"allow_any_number,omitempty"`
	// AllowManyDocuments lets pass bodies of several documents; each is judged.
	AllowManyDocuments bool `yaml:"allow_many_documents,omitempty"`
	// AllowLaxSyntax lets pass what is not JSON. It is judged up to the place
	// where it ceases to be JSON.
	AllowLaxSyntax bool `yaml:"allow_lax_syntax,omitempty"`
	// AllowLoneSurrogates lets pass escapes such as \ud800 without their
	// other half.
	AllowLoneSurrogates bool `yaml:"allow_lone_surrogates,omitempty"`
	// AllowNUL lets pass \u0000.
	AllowNUL bool `yaml:"allow_nul,omitempty"`
	// AllowPrototypeKeys lets pass __proto__ and constructor.prototype.
	AllowPrototypeKeys bool `yaml:"allow_prototype_keys,omitempty"`
	// DangerouslyAllowOversize lets pass bodies above MaxBytes, unjudged.
	DangerouslyAllowOversize bool `yaml:"dangerously_allow_oversize,omitempty"`
	// Routes are the paths that differ.
	Routes []Route `yaml:"routes,omitempty"`
}

// A Route is a path that differs from the rest. A number that is 0 is the
// Policy's.
type Route struct {
	// Path is a path (/a/b), a tree (/a/b/) or has wildcards (/a/{id}).
	Path string `yaml:"path"`
	// MaxBytes is the size of a JSON body here, in bytes.
	MaxBytes int64 `yaml:"max_bytes,omitempty"`
	// MaxDepth is how deep objects and arrays may be nested here.
	MaxDepth int `yaml:"max_depth,omitempty"`
	// MaxKeys is the number of keys of a document here.
	MaxKeys int `yaml:"max_keys,omitempty"`
	// MaxObjectKeys is the number of keys of one object here.
	MaxObjectKeys int `yaml:"max_object_keys,omitempty"`
	// MaxValues is the number of values of a document here.
	MaxValues int `yaml:"max_values,omitempty"`
	// MaxString is the length of a string or key here, in characters.
	MaxString int `yaml:"max_string,omitempty"`
	// MaxNumber is the length of a number here, in characters.
	MaxNumber int `yaml:"max_number,omitempty"`
	// DangerouslyAllowAny passes every body on unjudged here.
	DangerouslyAllowAny bool `yaml:"dangerously_allow_any,omitempty"`
}

// defaults of the zero Policy.
const (
	defaultBytes      = 8 << 20
	defaultDepth      = 64
	defaultKeys       = 10_000
	defaultObjectKeys = 1_000
	defaultValues     = 1_000_000
	defaultString     = 10_000
	defaultNumber     = 128
)

// settings are a Policy or Route, checked and filled in.
type settings struct {
	bytes    int64
	bounds   bounds
	off      check
	oversize bool
	skip     bool
}

// set takes the numbers that are not 0, and returns every mistake.
func (s *settings) set(at string, maxBytes int64, depth, keys, objectKeys, values, str, number int) error {
	var errs []error
	one := func(key string, n int, field *int) {
		if n < 0 {
			errs = append(errs, fmt.Errorf("jsonbody.%s%s: %d is negative", at, key, n))
		}
		if n != 0 {
			*field = n
		}
	}
	if maxBytes < 0 || maxBytes > 1<<30 {
		errs = append(errs, fmt.Errorf("jsonbody.%smax_bytes: %d is not between 0 and 1073741824: a body is held in memory while it is judged", at, maxBytes))
	}
	if maxBytes != 0 {
		s.bytes = maxBytes
	}
	one("max_depth", depth, &s.bounds.depth)
	one("max_keys", keys, &s.bounds.keys)
	one("max_object_keys", objectKeys, &s.bounds.objectKeys)
	one("max_values", values, &s.bounds.values)
	one("max_string", str, &s.bounds.str)
	one("max_number", number, &s.bounds.number)
	return errors.Join(errs...)
}

func defaultSettings() settings {
	return settings{bytes: defaultBytes, bounds: bounds{
		depth: defaultDepth, keys: defaultKeys, objectKeys: defaultObjectKeys, values: defaultValues, str: defaultString, number: defaultNumber,
	}}
}

func (p Policy) settings() (settings, error) {
	s := defaultSettings()
	err := s.set("", p.MaxBytes, p.MaxDepth, p.MaxKeys, p.MaxObjectKeys, p.MaxValues, p.MaxString, p.MaxNumber)
	for _, b := range p.switches() {
		if b.on {
			s.off |= b.check
		}
	}
	s.oversize = p.DangerouslyAllowOversize
	return s, err
}

// A toggle turns one check off.
type toggle struct {
	on     bool
	check  check
	rule   string
	key    string
	effect string
}

func (p Policy) switches() []toggle {
	return []toggle{
		{p.AllowInvalidUTF8, checkUTF8, "jsonbody/utf8", "allow_invalid_utf8", "documents in other encodings, unjudged, and strings that are not UTF-8 reach the API"},
		{p.AllowDuplicateKeys, checkDuplicate, "jsonbody/duplicate-keys", "allow_duplicate_keys", "two parsers may take two values for one key"},
		{p.AllowAmbiguousKeys, checkAmbiguous, "jsonbody/ambiguous-keys", "allow_ambiguous_keys", "parsers that ignore case may take the other of two values"},
		{p.AllowAnyDepth, checkDepth, "jsonbody/depth", "allow_any_depth", "a parser that recurses can be brought down by brackets"},
		{p.AllowAnyCount, checkKeys, "jsonbody/keys", "allow_any_count", "only the size bounds how many keys and values the API builds"},
		{p.AllowLongStrings, checkString, "jsonbody/string-length", "allow_long_strings", "strings are as long as the body"},
		{p.AllowAnyNumber, checkNumbers, "jsonbody/numbers", "allow_any_number", "numbers can become infinite, or take quadratic time to read"},
		{p.AllowManyDocuments, checkSingle, "jsonbody/single-document", "allow_many_documents", "what follows the first document is read by some parsers and not by others"},
		{p.AllowLaxSyntax, checkSyntax, "jsonbody/strict-syntax", "allow_lax_syntax", "what is not JSON reaches the API, unjudged from there on"},
		{p.AllowLoneSurrogates, checkSurrogates, "jsonbody/surrogates", "allow_lone_surrogates", "strings that cannot be written out again reach the API"},
		{p.AllowNUL, checkNUL, "jsonbody/nul", "allow_nul", "strings that end early elsewhere reach the API"},
		{p.AllowPrototypeKeys, checkPrototype, "jsonbody/prototype-keys", "allow_prototype_keys", "keys that change JavaScript prototypes reach the API"},
	}
}

// Loosened returns every place where p is weaker than the zero Policy.
func (p Policy) Loosened() []guard.Loosening {
	var all []guard.Loosening
	add := func(on bool, rule, key, effect string) {
		if on {
			all = append(all, guard.Loosening{Rule: rule, Key: "jsonbody." + key, Effect: effect})
		}
	}
	for _, b := range p.switches() {
		add(b.on, b.rule, b.key, b.effect)
	}
	add(p.DangerouslyAllowOversize, "jsonbody/size", "dangerously_allow_oversize", "bodies above the size reach the API unjudged")
	numbers := func(at string, maxBytes int64, depth, keys, objectKeys, values, str, number int) {
		const more = "larger documents reach the API than by default"
		add(maxBytes > defaultBytes, "jsonbody/size", at+"max_bytes", more)
		add(depth > defaultDepth, "jsonbody/depth", at+"max_depth", more)
		add(keys > defaultKeys, "jsonbody/keys", at+"max_keys", more)
		add(objectKeys > defaultObjectKeys, "jsonbody/keys", at+"max_object_keys", more)
		add(values > defaultValues, "jsonbody/keys", at+"max_values", more)
		add(str > defaultString, "jsonbody/string-length", at+"max_string", more)
		add(number > defaultNumber, "jsonbody/numbers", at+"max_number", more)
	}
	numbers("", p.MaxBytes, p.MaxDepth, p.MaxKeys, p.MaxObjectKeys, p.MaxValues, p.MaxString, p.MaxNumber)
	for i, r := range p.Routes {
		at := fmt.Sprintf("routes[%d].", i)
		numbers(at, r.MaxBytes, r.MaxDepth, r.MaxKeys, r.MaxObjectKeys, r.MaxValues, r.MaxString, r.MaxNumber)
		add(r.DangerouslyAllowAny, "jsonbody/strict-syntax", at+"dangerously_allow_any", "every body reaches this path unjudged")
	}
	return all
}

func (p Policy) clone() Policy {
	p.Routes = slices.Clone(p.Routes)
	return p
}
