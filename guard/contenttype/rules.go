package contenttype

import "github.com/pavise-dev/pavise/guard"

// Rules documents what this guard enforces.
func Rules() []guard.Rule {
	return []guard.Rule{
		{
			ID:     "contenttype/listed",
			Claim:  "a body of a media type that the API does not read is refused",
			Attack: "An app that reads a body by its looks reads a text/plain form post, which any web page may send with the user's cookies and without a preflight, as JSON; FastAPI before 0.65.2 did (CVE-2021-32677).",
			Refs:   []string{"CWE-436", "CWE-352", "CVE-2021-32677", "ASVS 5.0 V3.5.2", "RFC 9110 section 15.5.16"},
			Loosen: "contenttype:\n  allow_any_type: true\n",
			Cost:   "Parsers that nobody meant to offer, such as XML and YAML, can be reached, and simple cross-site requests too.",
		},
		{
			ID:     "contenttype/present",
			Claim:  "a body without a media type is refused",
			Attack: "FastAPI before 0.132 read a body without a type as JSON, so that a web page could post JSON without a preflight by sending a Blob without a type.",
			Refs:   []string{"CWE-352", "ASVS 5.0 V3.5.2", "RFC 9110 section 8.3"},
			Loosen: "contenttype:\n  allow_missing: true\n",
			Cost:   "The app guesses what a body is, and a cross-site page chooses what it guesses.",
		},
		{
			ID:     "contenttype/well-formed",
			Claim:  "a malformed Content-Type is refused",
			Attack: "A header that breaks the grammar is read differently by each parser, and a backtracking one can be stopped with it: a=\\\\\\\\… cost python-multipart 0.0.6 minutes (CVE-2024-24762).",
			Refs:   []string{"CWE-1333", "CWE-436", "CVE-2024-24762", "RFC 9110 section 8.3.1"},
			Loosen: "contenttype:\n  allow_malformed: true\n",
			Cost:   "The app's own header parser has to stand what attackers write.",
		},
		{
			ID:     "contenttype/single",
			Claim:  "more than one Content-Type is refused",
			Attack: "Of two types, in two fields or joined by a comma, one component takes the first and another the last, so that what was checked is not what is parsed.",
			Refs:   []string{"CWE-436", "CWE-444", "RFC 9110 section 5.3"},
			Loosen: "contenttype:\n  allow_duplicate: true\n",
			Cost:   "The app may parse a body as another type than the one that was judged here.",
		},
		{
			ID:     "contenttype/encoding",
			Claim:  "a body in a content coding that was not asked for is refused",
			Attack: "A few kilobytes that unpack to gigabytes behind every byte limit, and content that passes a filter which does not unpack.",
			Refs:   []string{"CWE-409", "ASVS 5.0 V15.2.2", "RFC 9110 section 15.5.16"},
			Loosen: "contenttype:\n  allow_any_encoding: true\n",
			Cost:   "Whoever unpacks has to bound it, and forms in codings other than gzip and deflate are not judged.",
		},
		{
			ID:     "contenttype/charset",
			Claim:  "JSON and forms in a declared charset other than UTF-8 are refused",
			Attack: "A body in IBM037 or UTF-7 shows a filter other characters than the app that obeys the parameter.",
			Refs:   []string{"CWE-176", "CWE-173", "ASVS 5.0 V1.5.3", "RFC 8259 section 8.1", "RFC 7578 section 4.6"},
			Loosen: "contenttype:\n  allow_any_charset: true\n",
			Cost:   "What was judged as UTF-8 may be read as something else.",
		},
		{
			ID:     "contenttype/multipart",
			Claim:  "multipart forms that are malformed or without bound are refused",
			Attack: "Fields without a filename that fill the memory (CVE-2024-47874), files that the event loop itself writes to the disk while all other requests wait (CVE-2025-54121), thousands of parts, file names with paths, and delimiters that two parsers see in two places.",
			Refs:   []string{"CWE-770", "CWE-22", "CWE-436", "CVE-2024-47874", "CVE-2024-53981", "CVE-2025-54121", "RFC 7578"},
			Loosen: "contenttype:\n  multipart:\n    insecure_unchecked: true\n",
			Cost:   "The app's own multipart parser has to stand what attackers write.",
		},
		{
			ID:     "contenttype/form",
			Claim:  "forms that are malformed or without bound are refused",
			Attack: "A raw semicolon that is a separator to one parser (CVE-2021-23336), broken percent escapes, bytes that are not UTF-8, JSON that calls itself a form and so goes past whoever judges JSON, and a million fields.",
			Refs:   []string{"CWE-436", "CWE-770", "ASVS 5.0 V1.5.3", "CVE-2021-23336"},
			Loosen: "contenttype:\n  form:\n    insecure_unchecked: true\n",
			Cost:   "Fields can be smuggled past whatever else reads the form, and their number is the app's problem.",
		},
	}
}
