package limits

import "github.com/pavise-dev/pavise/guard"

// Rules documents everything that the guard enforces.
func Rules() []guard.Rule {
	return []guard.Rule{
		{
			ID:     "limits/body",
			Claim:  "a body that is too large is refused before it is read",
			Attack: "One request with an endless body, or a small one that decodes to gigabytes, fills the memory or the disk of the service.",
			Refs:   []string{"CWE-400", "CWE-770", "CWE-409", "API4:2023", "ASVS 5.0 V5.2.1", "ASVS 5.0 V15.2.2", "RFC 9110 section 15.5.14"},
			Loosen: "limits:\n  insecure_unlimited_body: true\n",
			Cost:   "A single client can fill the memory of a service that reads whole bodies, as most frameworks do.",
		},
		{
			ID:     "limits/encoding",
			Claim:  "a body is refused whose decoded size cannot be counted",
			Attack: "A few kilobytes of zstd, brotli or of gzip inside gzip decode to gigabytes behind every limit that counts bytes on the wire.",
			Refs:   []string{"CWE-409", "API4:2023", "ASVS 5.0 V15.2.2", "RFC 9110 section 8.4"},
			// The contenttype guard refuses every coding that it was not told
			// of, so it has to be told too.
			Loosen: "limits:\n  insecure_uncounted_encodings: true\ncontenttype:\n  allow_any_encoding: true\n",
			Cost:   "The size of what the service decodes is up to the client.",
		},
		{
			ID:     "limits/headers",
			Claim:  "a header with too many fields or bytes is refused",
			Attack: "Header fields are kept in memory, copied, logged and sent on by every hop, so each byte of them costs many times what it costs the client.",
			Refs:   []string{"CWE-770", "API4:2023", "RFC 6585 section 5"},
			Loosen: "limits:\n  insecure_unlimited_headers: true\n",
			Cost:   "A megabyte of header fields reaches the service with each request.",
		},
		{
			ID:     "limits/url",
			Claim:  "a URL that is too long is refused",
			Attack: "URLs are written to logs and traces and used as keys of caches: a long one fills those, and slow path matchers are slow on it.",
			Refs:   []string{"CWE-770", "CWE-1333", "API4:2023", "RFC 9110 section 15.5.15"},
			Loosen: "limits:\n  insecure_unlimited_url: true\n",
			Cost:   "URLs to a megabyte reach the service and the logs.",
		},
		{
			ID:     "limits/query",
			Claim:  "a query with too many parameters is refused",
			Attack: "Each parameter is an entry of a table in every framework; many thousands of them cost processor time, and quadratically so where their hashes collide.",
			Refs:   []string{"CWE-407", "CWE-770", "CVE-2011-4815", "API4:2023"},
			Loosen: "limits:\n  insecure_unlimited_query: true\n",
			Cost:   "A query as long as a URL may be holds thousands of parameters.",
		},
		{
			ID:     "limits/concurrency",
			Claim:  "more requests at once than the service can take are told to come back",
			Attack: "Requests that take long, sent faster than they end, use up memory, threads and database connections until nobody is served.",
			Refs:   []string{"CWE-770", "CWE-400", "API4:2023", "ASVS 5.0 V15.2.2", "RFC 9110 section 15.6.4"},
			Loosen: "limits:\n  insecure_unlimited_concurrency: true\n",
			Cost:   "Under load everything becomes slow together, instead of some requests being refused.",
		},
		{
			ID:     "limits/slow-body",
			Claim:  "a body that stops arriving is not waited for",
			Attack: "A client that sends a byte now and then holds a request, its memory and its place among those in flight (R-U-Dead-Yet).",
			Refs:   []string{"CWE-400", "CWE-770", "API4:2023", "RFC 9110 section 15.5.9"},
			Loosen: "limits:\n  insecure_slow_body: true\n",
			Cost:   "A few hundred bytes a minute from one client hold as many requests as he opens connections.",
		},
		{
			ID:     "limits/slow-headers",
			Claim:  "a request head that does not end is not waited for",
			Attack: "A client that sends a header byte now and then holds a connection for as long as it likes (Slowloris).",
			Refs:   []string{"CWE-400", "CVE-2007-6750", "API4:2023"},
			Loosen: "limits:\n  insecure_slow_headers: true\n",
			Cost:   "One client can hold all connections that the system allows.",
		},
	}
}
