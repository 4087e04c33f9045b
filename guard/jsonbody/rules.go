package jsonbody

import "github.com/pavise-dev/pavise/guard"

// Rules documents what this guard enforces.
func Rules() []guard.Rule {
	return []guard.Rule{
		{
			ID:     "jsonbody/utf8",
			Claim:  "JSON that is not UTF-8 is refused",
			Attack: "Python reads JSON in UTF-16 and UTF-32 unasked, past every filter that reads UTF-8; of bytes that are no characters each parser makes something else.",
			Refs:   []string{"CWE-176", "CWE-173", "ASVS 5.0 V1.5.3", "RFC 8259 section 8.1"},
			Loosen: "jsonbody:\n  allow_invalid_utf8: true\n",
			Cost:   "Documents in UTF-16 and UTF-32 are not judged at all.",
		},
		{
			ID:     "jsonbody/duplicate-keys",
			Claim:  "JSON objects in which a key stands twice are refused",
			Attack: `{"role":"user","role":"admin"}: a check that takes the first value and an app that takes the last see two roles. Escapes such as "\u0072ole" hide it.`,
			Refs:   []string{"CWE-436", "ASVS 5.0 V1.5.3", "CVE-2017-12635", "RFC 8259 section 4", "RFC 7493 section 2.3"},
			Loosen: "jsonbody:\n  allow_duplicate_keys: true\n",
			Cost:   "Whatever checks the body before the app may have checked another value.",
		},
		{
			ID:     "jsonbody/ambiguous-keys",
			Claim:  "JSON objects with keys that differ only by case or by Unicode normal form are refused",
			Attack: "Go's encoding/json matches keys without regard to case and lets the last one win, and stores that normalise make two keys one.",
			Refs:   []string{"CWE-178", "CWE-436", "CWE-180", "ASVS 5.0 V1.5.3", "RFC 8259 section 8.3"},
			Loosen: "jsonbody:\n  allow_ambiguous_keys: true\n",
			Cost:   "Services that ignore case may take the other value.",
		},
		{
			ID:     "jsonbody/depth",
			Claim:  "JSON that is nested too deeply is refused",
			Attack: "Ten thousand brackets exhaust the stack of a parser that recurses, or of the code that walks what it built.",
			Refs:   []string{"CWE-674", "CWE-400", "OWASP API4:2023", "ASVS 5.0 V15.2.2", "RFC 8259 section 9"},
			Loosen: "jsonbody:\n  allow_any_depth: true\n",
			Cost:   "A few kilobytes can end in a RecursionError or a crash.",
		},
		{
			ID:     "jsonbody/keys",
			Claim:  "JSON with too many keys or values is refused",
			Attack: "Objects and small values cost the app many times their bytes, and keys chosen to collide make a hash table a list.",
			Refs:   []string{"CWE-770", "CWE-407", "OWASP API4:2023", "ASVS 5.0 V15.2.2", "RFC 8259 section 9"},
			Loosen: "jsonbody:\n  allow_any_count: true\n",
			Cost:   "Memory and time are bounded by the size of the body alone.",
		},
		{
			ID:     "jsonbody/string-length",
			Claim:  "JSON with too long a string is refused",
			Attack: "Megabytes in a field for which the app has no maximum reach its regular expressions, hashes and database.",
			Refs:   []string{"CWE-770", "CWE-1284", "OWASP API4:2023", "RFC 8259 section 9"},
			Loosen: "jsonbody:\n  allow_long_strings: true\n",
			Cost:   "Each field needs a maximum of its own in the app.",
		},
		{
			ID:     "jsonbody/numbers",
			Claim:  "JSON numbers that are infinite to some parsers or too long are refused",
			Attack: "1e999 is infinity to Python and JavaScript and passes comparisons; reading an integer of a million digits takes Python quadratic time (CVE-2020-10735).",
			Refs:   []string{"CWE-1339", "CWE-400", "OWASP API4:2023", "CVE-2020-10735", "RFC 8259 section 6"},
			Loosen: "jsonbody:\n  allow_any_number: true\n",
			Cost:   "The app has to check every number for infinity and length.",
		},
		{
			ID:     "jsonbody/single-document",
			Claim:  "anything after the JSON document is refused",
			Attack: "Go's json.Decoder reads the first document and leaves the rest, so that a second one passes unseen to whoever reads on.",
			Refs:   []string{"CWE-436", "ASVS 5.0 V1.5.3", "RFC 8259 section 2"},
			Loosen: "jsonbody:\n  allow_many_documents: true\n",
			Cost:   "What follows the first document is the app's problem.",
		},
		{
			ID:     "jsonbody/strict-syntax",
			Claim:  "what is not JSON by the letter is refused",
			Attack: "NaN, comments, trailing commas, byte order marks and hexadecimal numbers are errors to one parser and values to another; NaN passes every comparison that should stop it.",
			Refs:   []string{"CWE-436", "CWE-20", "ASVS 5.0 V1.5.3", "RFC 8259"},
			Loosen: "jsonbody:\n  allow_lax_syntax: true\n",
			Cost:   "A body is judged only up to the place where it ceases to be JSON, so that any rule can be evaded behind a comment.",
		},
		{
			ID:     "jsonbody/surrogates",
			Claim:  "lone surrogates in JSON strings are refused",
			Attack: `"\ud800" is no character: Python keeps it and fails when the string is written out, others replace it, so that two different strings become one.`,
			Refs:   []string{"CWE-176", "ASVS 5.0 V1.5.3", "RFC 8259 section 8.2", "RFC 7493 section 2.1"},
			Loosen: "jsonbody:\n  allow_lone_surrogates: true\n",
			Cost:   "A stored string can make every later response with it fail.",
		},
		{
			ID:     "jsonbody/nul",
			Claim:  "NUL characters in JSON strings are refused",
			Attack: `"admin\u0000x" ends at the NUL for C code and file systems, and PostgreSQL refuses it with an error that the app does not expect.`,
			Refs:   []string{"CWE-158", "CWE-626"},
			Loosen: "jsonbody:\n  allow_nul: true\n",
			Cost:   "Strings end early elsewhere, or raise errors from the database.",
		},
		{
			ID:     "jsonbody/prototype-keys",
			Claim:  "JSON keys that reach a JavaScript prototype are refused",
			Attack: `{"__proto__":{"isAdmin":true}} merged into an object gives every object of the process that property.`,
			Refs:   []string{"CWE-1321", "CVE-2019-10744"},
			Loosen: "jsonbody:\n  allow_prototype_keys: true\n",
			Cost:   "JavaScript that merges what the app stores or passes on can be changed from outside.",
		},
		{
			ID:     "jsonbody/size",
			Claim:  "JSON bodies above the size are refused",
			Attack: "A document has to be held in memory as a whole, here and in the app, where it takes many times its bytes.",
			Refs:   []string{"CWE-770", "OWASP API4:2023", "ASVS 5.0 V15.2.2", "RFC 9110 section 15.5.14"},
			Loosen: "jsonbody:\n  dangerously_allow_oversize: true\n",
			Cost:   "A body can be made to escape every other rule of this guard by making it large.",
		},
	}
}
