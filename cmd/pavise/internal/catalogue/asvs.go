package catalogue

import "fmt"

// A section is one of a chapter of ASVS 5.0.0. Its requirements are numbered
// from 1 without a gap: V1.1.1, V1.1.2 and so on.
type section struct {
	id, title    string
	requirements int
}

// sections are all of ASVS 5.0.0, by number and title alone, so that a
// reference can be held to what there is. The titles are of the OWASP
// Application Security Verification Standard, © OWASP Foundation,
// CC BY-SA 4.0.
func sections() []section {
	return []section{
		{"V1.1", "Encoding and Sanitization Architecture", 2},
		{"V1.2", "Injection Prevention", 10},
		{"V1.3", "Sanitization", 12},
		{"V1.4", "Memory, String, and Unmanaged Code", 3},
		{"V1.5", "Safe Deserialization", 3},
		{"V2.1", "Validation and Business Logic Documentation", 3},
		{"V2.2", "Input Validation", 3},
		{"V2.3", "Business Logic Security", 5},
		{"V2.4", "Anti-automation", 2},
		{"V3.1", "Web Frontend Security Documentation", 1},
		{"V3.2", "Unintended Content Interpretation", 3},
		{"V3.3", "Cookie Setup", 5},
		{"V3.4", "Browser Security Mechanism Headers", 8},
		{"V3.5", "Browser Origin Separation", 8},
		{"V3.6", "External Resource Integrity", 1},
		{"V3.7", "Other Browser Security Considerations", 5},
		{"V4.1", "Generic Web Service Security", 5},
		{"V4.2", "HTTP Message Structure Validation", 5},
		{"V4.3", "GraphQL", 2},
		{"V4.4", "WebSocket", 4},
		{"V5.1", "File Handling Documentation", 1},
		{"V5.2", "File Upload and Content", 6},
		{"V5.3", "File Storage", 3},
		{"V5.4", "File Download", 3},
		{"V6.1", "Authentication Documentation", 3},
		{"V6.2", "Password Security", 12},
		{"V6.3", "General Authentication Security", 8},
		{"V6.4", "Authentication Factor Lifecycle and Recovery", 6},
		{"V6.5", "General Multi-factor authentication requirements", 8},
		{"V6.6", "Out-of-Band authentication mechanisms", 4},
		{"V6.7", "Cryptographic authentication mechanism", 2},
		{"V6.8", "Authentication with an Identity Provider", 4},
		{"V7.1", "Session Management Documentation", 3},
		{"V7.2", "Fundamental Session Management Security", 4},
		{"V7.3", "Session Timeout", 2},
		{"V7.4", "Session Termination", 5},
		{"V7.5", "Defenses Against Session Abuse", 3},
		{"V7.6", "Federated Re-authentication", 2},
		{"V8.1", "Authorization Documentation", 4},
		{"V8.2", "General Authorization Design", 4},
		{"V8.3", "Operation Level Authorization", 3},
		{"V8.4", "Other Authorization Considerations", 2},
		{"V9.1", "Token source and integrity", 3},
		{"V9.2", "Token content", 4},
		{"V10.1", "Generic OAuth and OIDC Security", 2},
		{"V10.2", "OAuth Client", 3},
		{"V10.3", "OAuth Resource Server", 5},
		{"V10.4", "OAuth Authorization Server", 16},
		{"V10.5", "OIDC Client", 5},
		{"V10.6", "OpenID Provider", 2},
		{"V10.7", "Consent Management", 3},
		{"V11.1", "Cryptographic Inventory and Documentation", 4},
		{"V11.2", "Secure Cryptography Implementation", 5},
		{"V11.3", "Encryption Algorithms", 5},
		{"V11.4", "Hashing and Hash-based Functions", 4},
		{"V11.5", "Random Values", 2},
		{"V11.6", "Public Key Cryptography", 2},
		{"V11.7", "In-Use Data Cryptography", 2},
		{"V12.1", "General TLS Security Guidance", 5},
		{"V12.2", "HTTPS Communication with External Facing Services", 2},
		{"V12.3", "General Service to Service Communication Security", 5},
		{"V13.1", "Configuration Documentation", 4},
		{"V13.2", "Backend Communication Configuration", 6},
		{"V13.3", "Secret Management", 4},
		{"V13.4", "Unintended Information Leakage", 7},
		{"V14.1", "Data Protection Documentation", 2},
		{"V14.2", "General Data Protection", 8},
		{"V14.3", "Client-side Data Protection", 3},
		{"V15.1", "Secure Coding and Architecture Documentation", 5},
		{"V15.2", "Security Architecture and Dependencies", 5},
		{"V15.3", "Defensive Coding", 7},
		{"V15.4", "Safe Concurrency", 4},
		{"V16.1", "Security Logging Documentation", 1},
		{"V16.2", "General Logging", 5},
		{"V16.3", "Security Events", 4},
		{"V16.4", "Log Protection", 3},
		{"V16.5", "Error Handling", 4},
		{"V17.1", "TURN Server", 2},
		{"V17.2", "Media", 8},
		{"V17.3", "Signaling", 2},
	}
}

// standard are the ids of all requirements of ASVS 5.0.0.
func standard() map[string]bool {
	out := map[string]bool{}
	for _, s := range sections() {
		for n := range s.requirements {
			out[fmt.Sprintf("%s.%d", s.id, n+1)] = true
		}
	}
	return out
}
