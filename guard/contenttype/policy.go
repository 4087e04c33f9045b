package contenttype

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pavise-dev/pavise/guard"
)

// A Policy says which bodies are accepted. The zero Policy accepts JSON and
// the two form types, in UTF-8 and uncompressed, with bounded forms.
type Policy struct {
	// Types are the accepted media types, such as "application/json" or
	// "image/*". Empty means application/json, multipart/form-data and
	// application/x-www-form-urlencoded.
	Types []string `yaml:"types,omitempty"`
	// AllowJSONSuffix also accepts types that end in +json, such as
	// application/merge-patch+json.
	AllowJSONSuffix bool `yaml:"allow_json_suffix,omitempty"`
	// AllowAnyType accepts every media type.
	AllowAnyType bool `yaml:"allow_any_type,omitempty"`
	// AllowMissing accepts a body without a Content-Type.
	AllowMissing bool `yaml:"allow_missing,omitempty"`
	// AllowMalformed accepts a Content-Type that breaks the grammar; what
	// stands before its first semicolon is taken for the type.
	AllowMalformed bool `yaml:"allow_malformed,omitempty"`
	// AllowDuplicate accepts several types, in several fields or joined by
	// commas; each must be listed.
	AllowDuplicate bool `yaml:"allow_duplicate,omitempty"`
	// AllowAnyCharset accepts JSON and forms that declare another charset
	// than UTF-8.
	AllowAnyCharset bool `yaml:"allow_any_charset,omitempty"`
	// Encodings are the accepted content codings of requests: gzip, deflate.
	// Empty means none. A form is decoded here to be judged, and passed on
	// decoded.
	Encodings []string `yaml:"encodings,omitempty"`
	// AllowAnyEncoding accepts every Content-Encoding, also several. A form
	// in a coding other than gzip and deflate is then not judged.
	AllowAnyEncoding bool `yaml:"allow_any_encoding,omitempty"`
	// MaxDecodedBytes bounds a form that arrives in one of Encodings, after
	// decoding, in bytes; 0 means 10 MiB.
	MaxDecodedBytes int64 `yaml:"max_decoded_bytes,omitempty"`
	// Multipart bounds multipart/form-data bodies.
	Multipart Multipart `yaml:"multipart,omitempty"`
	// Form bounds application/x-www-form-urlencoded bodies.
	Form Form `yaml:"form,omitempty"`
	// Routes are the paths that differ.
	Routes []Route `yaml:"routes,omitempty"`
}

// Multipart bounds multipart/form-data bodies.
type Multipart struct {
	// InsecureUnchecked passes multipart bodies on unjudged.
	InsecureUnchecked bool `yaml:"insecure_unchecked,omitempty"`
	// MaxParts is the number of parts of a body; 0 means 1,000.
	MaxParts int `yaml:"max_parts,omitempty"`
	// MaxFieldBytes is the size of a part without a filename, in bytes; 0
	// means 1 MiB. Frameworks hold such parts in memory.
	MaxFieldBytes int64 `yaml:"max_field_bytes,omitempty"`
	// MaxFileBytes is the size of a part with a filename, in bytes; 0 means
	// 1 MiB, which ASGI servers hold in memory. Set more on the Routes that
	// take uploads.
	MaxFileBytes int64 `yaml:"max_file_bytes,omitempty"`
	// MaxPartHeaderBytes is the size of a part's header, in bytes, up to
	// 64 KiB; 0 means 8 KiB.
	MaxPartHeaderBytes int `yaml:"max_part_header_bytes,omitempty"`
	// MaxPartHeaders is the number of header fields of a part; 0 means 16.
	MaxPartHeaders int `yaml:"max_part_headers,omitempty"`
}

// Form bounds application/x-www-form-urlencoded bodies.
type Form struct {
	// InsecureUnchecked passes forms on unjudged.
	InsecureUnchecked bool `yaml:"insecure_unchecked,omitempty"`
	// MaxFields is the number of fields; 0 means 1,000.
	MaxFields int `yaml:"max_fields,omitempty"`
	// MaxKeyBytes is the length of a field's name, decoded, in bytes; 0 means
	// 1,024.
	MaxKeyBytes int64 `yaml:"max_key_bytes,omitempty"`
	// MaxValueBytes is the length of a field's value, decoded, in bytes; 0
	// means 1 MiB.
	MaxValueBytes int64 `yaml:"max_value_bytes,omitempty"`
}

// A Route is a path that differs from the rest. What it leaves out is as in
// the Policy.
type Route struct {
	// Path is a path (/a/b), a tree (/a/b/) or has wildcards (/a/{id}).
	Path string `yaml:"path"`
	// Types replace the Policy's types here; empty means the Policy's.
	Types []string `yaml:"types,omitempty"`
	// AllowJSONSuffix also accepts types that end in +json here.
	AllowJSONSuffix bool `yaml:"allow_json_suffix,omitempty"`
	// AllowAnyType accepts every media type here.
	AllowAnyType bool `yaml:"allow_any_type,omitempty"`
	// AllowMissing accepts a body without a Content-Type here.
	AllowMissing bool `yaml:"allow_missing,omitempty"`
	// Encodings replace the Policy's content codings here; empty means the
	// Policy's.
	Encodings []string `yaml:"encodings,omitempty"`
	// Multipart replaces those bounds of the Policy that it sets.
	Multipart Multipart `yaml:"multipart,omitempty"`
	// Form replaces those bounds of the Policy that it sets.
	Form Form `yaml:"form,omitempty"`
}

// settings are a Policy or Route, checked and filled in.
type settings struct {
	types           []string // lower case; "image/" stands for image/*
	accept          string
	allowJSONSuffix bool
	allowAnyType    bool
	allowMissing    bool
	allowMalformed  bool
	allowDuplicate  bool
	allowAnyCharset bool
	encodings       []string
	allowAnyCoding  bool
	acceptEncoding  string
	maxDecoded      int64
	multipart       Multipart
	form            Form
}

func (p Policy) clone() Policy {
	p.Types = slices.Clone(p.Types)
	p.Encodings = slices.Clone(p.Encodings)
	p.Routes = slices.Clone(p.Routes)
	for i := range p.Routes {
		p.Routes[i].Types = slices.Clone(p.Routes[i].Types)
		p.Routes[i].Encodings = slices.Clone(p.Routes[i].Encodings)
	}
	return p
}

// mistake is an error about a key of the policy.
func mistake(key, format string, args ...any) error {
	return fmt.Errorf("contenttype."+key+": "+format, args...)
}

func (p Policy) settings(errs *[]error) *settings {
	s := &settings{
		allowJSONSuffix: p.AllowJSONSuffix, allowAnyType: p.AllowAnyType, allowMissing: p.AllowMissing,
		allowMalformed: p.AllowMalformed, allowDuplicate: p.AllowDuplicate, allowAnyCharset: p.AllowAnyCharset,
		allowAnyCoding: p.AllowAnyEncoding, maxDecoded: p.MaxDecodedBytes,
		multipart: p.Multipart, form: p.Form,
	}
	if s.types = checkTypes("", p.Types, errs); len(p.Types) == 0 {
		s.types = []string{"application/json", "multipart/form-data", "application/x-www-form-urlencoded"}
	}
	s.encodings = checkCodings("", p.Encodings, errs)
	if p.MaxDecodedBytes < 0 {
		*errs = append(*errs, mistake("max_decoded_bytes", "%d is negative", p.MaxDecodedBytes))
	}
	p.Multipart.check("", errs)
	p.Form.check("", errs)
	fill(&s.maxDecoded, 10<<20)
	fill(&s.multipart.MaxParts, 1000)
	fill(&s.multipart.MaxFieldBytes, 1<<20)
	fill(&s.multipart.MaxFileBytes, 1<<20)
	fill(&s.multipart.MaxPartHeaderBytes, 8<<10)
	fill(&s.multipart.MaxPartHeaders, 16)
	fill(&s.form.MaxFields, 1000)
	fill(&s.form.MaxKeyBytes, 1024)
	fill(&s.form.MaxValueBytes, 1<<20)
	s.finish()
	return s
}

func (route Route) settings(base *settings, i int, errs *[]error) *settings {
	s := *base
	at := fmt.Sprintf("routes[%d].", i)
	if len(route.Types) > 0 {
		s.types = checkTypes(at, route.Types, errs)
		s.allowAnyType = false // a list of its own is meant
	}
	if len(route.Encodings) > 0 {
		s.encodings = checkCodings(at, route.Encodings, errs)
	}
	s.allowJSONSuffix = s.allowJSONSuffix || route.AllowJSONSuffix
	s.allowAnyType = s.allowAnyType || route.AllowAnyType
	s.allowMissing = s.allowMissing || route.AllowMissing
	route.Multipart.check(at, errs)
	route.Form.check(at, errs)
	s.multipart.InsecureUnchecked = s.multipart.InsecureUnchecked || route.Multipart.InsecureUnchecked
	override(&s.multipart.MaxParts, route.Multipart.MaxParts)
	override(&s.multipart.MaxFieldBytes, route.Multipart.MaxFieldBytes)
	override(&s.multipart.MaxFileBytes, route.Multipart.MaxFileBytes)
	override(&s.multipart.MaxPartHeaderBytes, route.Multipart.MaxPartHeaderBytes)
	override(&s.multipart.MaxPartHeaders, route.Multipart.MaxPartHeaders)
	s.form.InsecureUnchecked = s.form.InsecureUnchecked || route.Form.InsecureUnchecked
	override(&s.form.MaxFields, route.Form.MaxFields)
	override(&s.form.MaxKeyBytes, route.Form.MaxKeyBytes)
	override(&s.form.MaxValueBytes, route.Form.MaxValueBytes)
	s.finish()
	return &s
}

func fill[N int | int64](field *N, value N) {
	if *field == 0 {
		*field = value
	}
}

func override[N int | int64](field *N, value N) {
	if value != 0 {
		*field = value
	}
}

// finish makes the two header values that tell a client what is accepted.
func (s *settings) finish() {
	var names []string
	for _, t := range s.types {
		if strings.HasSuffix(t, "/") {
			t += "*"
		}
		names = append(names, t)
	}
	s.accept = strings.Join(names, ", ")
	if s.allowAnyType {
		s.accept = "*/*"
	}
	s.acceptEncoding = strings.Join(append([]string{"identity"}, s.encodings...), ", ")
}

// lists reports whether typ, of any case, is accepted.
func (s *settings) lists(typ string) bool {
	if s.allowAnyType {
		return true
	}
	for _, t := range s.types {
		if strings.EqualFold(t, typ) || strings.HasSuffix(t, "/") && len(typ) > len(t) && strings.EqualFold(t, typ[:len(t)]) {
			return true
		}
	}
	return s.allowJSONSuffix && hasJSONSuffix(typ)
}

func checkTypes(at string, types []string, errs *[]error) []string {
	var out []string
	for i, t := range types {
		name := strings.ToLower(t)
		bad := func(format string, args ...any) {
			*errs = append(*errs, mistake(fmt.Sprintf("%stypes[%d]", at, i), format, args...))
		}
		tree, isTree := strings.CutSuffix(name, "/*")
		switch m, ok := parseMediaType(name); {
		case name == "*/*" || name == "*":
			bad("%q is every type; allow_any_type says that", t)
		case isTree && isToken(tree):
			name = tree + "/"
		case !ok || m.typ != name || strings.Contains(name, "*"):
			bad("%q is not a media type such as application/json, without parameters", t)
		case slices.Contains(out, name):
			bad("%q is given twice", t)
		}
		out = append(out, name)
	}
	return out
}

func checkCodings(at string, codings []string, errs *[]error) []string {
	var out []string
	for i, c := range codings {
		name := strings.ToLower(c)
		key := fmt.Sprintf("%sencodings[%d]", at, i)
		switch {
		case name != "gzip" && name != "deflate":
			*errs = append(*errs, mistake(key, "%q is not gzip or deflate, the codings that can be looked into", c))
		case slices.Contains(out, name):
			*errs = append(*errs, mistake(key, "%q is given twice", c))
		}
		out = append(out, name)
	}
	return out
}

func (m Multipart) check(at string, errs *[]error) {
	at += "multipart."
	notNegative(errs, at+"max_parts", int64(m.MaxParts))
	notNegative(errs, at+"max_field_bytes", m.MaxFieldBytes)
	notNegative(errs, at+"max_file_bytes", m.MaxFileBytes)
	notNegative(errs, at+"max_part_header_bytes", int64(m.MaxPartHeaderBytes))
	notNegative(errs, at+"max_part_headers", int64(m.MaxPartHeaders))
	if m.MaxPartHeaderBytes > 64<<10 {
		*errs = append(*errs, mistake(at+"max_part_header_bytes", "%d is more than 65536: a part's header is held in memory until it is judged", m.MaxPartHeaderBytes))
	}
}

func (f Form) check(at string, errs *[]error) {
	at += "form."
	notNegative(errs, at+"max_fields", int64(f.MaxFields))
	notNegative(errs, at+"max_key_bytes", f.MaxKeyBytes)
	notNegative(errs, at+"max_value_bytes", f.MaxValueBytes)
}

func notNegative(errs *[]error, key string, n int64) {
	if n < 0 {
		*errs = append(*errs, mistake(key, "%d is negative", n))
	}
}

// Loosened returns every place where p is weaker than the zero Policy.
func (p Policy) Loosened() []guard.Loosening {
	var all []guard.Loosening
	add := func(on bool, rule, key, effect string) {
		if on {
			all = append(all, guard.Loosening{Rule: rule, Key: "contenttype." + key, Effect: effect})
		}
	}
	const (
		anyType   = "bodies of every media type reach the API"
		noType    = "bodies without a type reach the API, which may guess"
		coded     = "compressed bodies reach the API"
		unchecked = "is passed on without being judged"
		more      = "larger forms reach the API than by default"
	)
	extra := func(types []string) bool {
		return slices.ContainsFunc(types, func(t string) bool {
			return !slices.Contains([]string{"application/json", "multipart/form-data", "application/x-www-form-urlencoded"}, strings.ToLower(t))
		})
	}
	bounds := func(prefix string, m Multipart, f Form) {
		add(m.InsecureUnchecked, "contenttype/multipart", prefix+"multipart.insecure_unchecked", "multipart "+unchecked)
		add(m.MaxParts > 1000, "contenttype/multipart", prefix+"multipart.max_parts", more)
		add(m.MaxFieldBytes > 1<<20, "contenttype/multipart", prefix+"multipart.max_field_bytes", more)
		add(m.MaxFileBytes > 1<<20, "contenttype/multipart", prefix+"multipart.max_file_bytes", more)
		add(m.MaxPartHeaderBytes > 8<<10, "contenttype/multipart", prefix+"multipart.max_part_header_bytes", more)
		add(m.MaxPartHeaders > 16, "contenttype/multipart", prefix+"multipart.max_part_headers", more)
		add(f.InsecureUnchecked, "contenttype/form", prefix+"form.insecure_unchecked", "a form "+unchecked)
		add(f.MaxFields > 1000, "contenttype/form", prefix+"form.max_fields", more)
		add(f.MaxKeyBytes > 1024, "contenttype/form", prefix+"form.max_key_bytes", more)
		add(f.MaxValueBytes > 1<<20, "contenttype/form", prefix+"form.max_value_bytes", more)
	}
	add(extra(p.Types), "contenttype/listed", "types", "bodies of further media types reach the API")
	add(p.AllowJSONSuffix, "contenttype/listed", "allow_json_suffix", "every +json type reaches the API")
	add(p.AllowAnyType, "contenttype/listed", "allow_any_type", anyType)
	add(p.AllowMissing, "contenttype/present", "allow_missing", noType)
	add(p.AllowMalformed, "contenttype/well-formed", "allow_malformed", "the API parses a header on which parsers differ")
	add(p.AllowDuplicate, "contenttype/single", "allow_duplicate", "the API and what stands before it may each take another type for the type")
	add(p.AllowAnyCharset, "contenttype/charset", "allow_any_charset", "bodies in a charset that filters do not read reach the API")
	add(len(p.Encodings) > 0, "contenttype/encoding", "encodings", coded)
	add(p.AllowAnyEncoding, "contenttype/encoding", "allow_any_encoding", coded+", in any coding")
	add(p.MaxDecodedBytes > 10<<20, "contenttype/encoding", "max_decoded_bytes", more)
	bounds("", p.Multipart, p.Form)
	for i, r := range p.Routes {
		at := fmt.Sprintf("routes[%d].", i)
		add(extra(r.Types), "contenttype/listed", at+"types", "bodies of further media types reach this path")
		add(r.AllowJSONSuffix, "contenttype/listed", at+"allow_json_suffix", "every +json type reaches this path")
		add(r.AllowAnyType, "contenttype/listed", at+"allow_any_type", anyType)
		add(r.AllowMissing, "contenttype/present", at+"allow_missing", noType)
		add(len(r.Encodings) > 0, "contenttype/encoding", at+"encodings", coded)
		bounds(at, r.Multipart, r.Form)
	}
	return all
}
