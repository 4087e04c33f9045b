package rate

import "github.com/pavise-dev/pavise/guard"

// Rules documents everything that the guard enforces.
func Rules() []guard.Rule {
	return []guard.Rule{
		{
			ID:     "rate/limited",
			Claim:  "a client that sends too many requests is told to wait",
			Attack: "One client tries every password, walks through every object, or keeps the service busy by itself.",
			Refs:   []string{"CWE-770", "CWE-799", "CWE-307", "API4:2023", "ASVS 5.0 V2.4.1", "RFC 6585 section 4"},
			// Without a limit for everything there is nothing to announce
			// either, but that is the other rule's key.
			Loosen: "rate:\n  insecure_unlimited: true\n",
			Cost:   "A single client can send as many requests as its line carries.",
		},
		{
			ID:     "rate/announced",
			Claim:  "responses tell the limit and what is left of it",
			Attack: "A client that cannot see the limit finds it by being refused, and retries at once: honest clients become the load.",
			Refs:   []string{"CWE-799", "API4:2023", "draft-ietf-httpapi-ratelimit-headers"},
			Loosen: "rate:\n  allow_unannounced: true\n",
			Cost:   "Clients learn of the limit only by being refused.",
		},
		{
			ID:     "rate/not-spoofable",
			Claim:  "a client cannot pass for many clients by a header that it sends itself",
			Attack: "Each request carries another X-Forwarded-For, and counts as another client's first.",
			Refs:   []string{"CWE-348", "CWE-290", "API4:2023", "ASVS 5.0 V4.1.3", "ASVS 5.0 V15.3.4"},
			// Whom a request is counted for is the clientip guard's answer.
			Loosen: "clientip:\n  dangerously_trust_everyone: true\n",
			Cost:   "Every limit for a client is one for whoever asks to be limited.",
		},
	}
}
