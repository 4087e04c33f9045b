// Package objects checks that an object is its owner's alone, and that what
// is written of it is the owner's to write.
package objects

import (
	"github.com/pavise-dev/pavise/check/probe/internal/trial"
	"github.com/pavise-dev/pavise/finding"
)

// Checks are those of this package.
func Checks() []*trial.Check {
	return []*trial.Check{
		{
			ID: "probe/bola-read", Claim: "nobody reads another user's object", Severity: finding.Critical,
			Refs: []string{"CWE-639", "API1", "V8.2.2"},
			Sure: "the object was made in this run, and its texts, or a value that it has and no other, came to another user twice; what the API's own lists show to all users, or a field calls public, is suspected at most",
			Fix:  "Look the object up by its id and its owner, and answer 404 where both do not fit.", Pavise: "lint/idor",
			Run: read,
		},
		{
			ID: "probe/existence-oracle", Claim: "another user's object is answered as one that is not there", Severity: finding.Low,
			Refs: []string{"CWE-203", "CWE-204", "API1"},
			Sure: "two objects that are not there were answered alike, and another user's otherwise, twice",
			Fix:  "Answer 404 with the same body for both.", Pavise: "lint/idor",
			Run: oracle,
		},
		{
			ID: "probe/bola-write", Claim: "nobody changes another user's object", Severity: finding.Critical,
			Refs: []string{"CWE-639", "API1", "V8.2.2"},
			Sure: "the owner's own request works; the owner read the object before and after another user's request, and it had changed, twice",
			Fix:  "Look the object up by its id and its owner before it is changed, in the same statement.", Pavise: "lint/idor",
			Run: write,
		},
		{
			ID: "probe/anonymous-write", Claim: "objects that take credentials to make take them to change", Severity: finding.High,
			Refs: []string{"CWE-306", "API2", "API5", "V8.2.1"},
			Sure: "the owner read the object before and after a request without credentials, and it had changed, twice",
			Fix:  "Ask who calls on every operation that writes.", Pavise: "lint/no-auth-route",
			Run: anonymousWrite,
		},
		{
			ID: "probe/nested-object", Claim: "an object is not reached through another's parent", Severity: finding.High,
			Refs: []string{"CWE-639", "API1", "V8.2.2"},
			Sure: "the child was made in this run and its texts came to another user below that user's own parent, twice, while its own path is refused",
			Fix:  "Look the child up by its id and that of its parent, and the parent by its owner.", Pavise: "lint/idor",
			Run: nested,
		},
		{
			ID: "probe/lists-scoped", Claim: "a list holds no other user's objects", Severity: finding.High,
			Refs: []string{"CWE-639", "API1", "V8.2.2"},
			Sure: "the object was made in this run, and its texts were in another user's list twice; lists that are shared by all that can be seen are suspected at most",
			Fix:  "Select by who calls, and ignore an owner in the query.", Pavise: "lint/idor-unused-user",
			Run: lists,
		},
		{
			ID: "probe/owner-from-token", Claim: "who owns an object is not for the request to say", Severity: finding.Critical,
			Refs: []string{"CWE-639", "API1", "API3", "V8.3.1"},
			Sure: "the owner is the caller where the request names none, and was another user, who sees the object, where the request said so, twice",
			Fix:  "Take the owner from the credentials, and leave the field out of what is taken.", Pavise: "lint/owner-from-body",
			Run: ownership,
		},
		{
			ID: "probe/tenant-isolation", Claim: "one tenant sees nothing of another", Severity: finding.Critical,
			Refs: []string{"CWE-639", "API1", "V8.4.1"},
			Sure: "the object was made in this run by a user of one tenant, and its texts came to a user of another twice",
			Fix:  "Select by tenant everywhere, in the database's own rules if it has them.",
			Run:  tenants,
		},
		{
			ID: "probe/function-level", Claim: "ordinary users are refused what is for administrators", Severity: finding.Critical,
			Refs: []string{"CWE-285", "CWE-862", "API5", "V8.2.1"},
			Sure: "a valid request of an ordinary user was answered with 2xx twice; it fails only where the roles of who calls are known, and is suspected otherwise",
			Fix:  "Ask for the role on every operation of a group, by default and not one at a time.", Pavise: "lint/admin-no-role",
			Run: functions,
		},
		{
			ID: "probe/mass-assignment", Claim: "what is the server's to set is not set by a request", Severity: finding.High,
			Refs: []string{"CWE-915", "API3", "V15.3.3"},
			Sure: "the field is none that the request may have, its value without it is another, and it held ours when the object was read again, twice; an API that keeps any field is not meant",
			Fix:  "Read requests into a type of their own that has the fields which a client may set, and refuse others.", Pavise: "lint/mass-assignment",
			Run: assign,
		},
		{
			ID: "probe/secrets-in-responses", Claim: "responses hold no passwords, hashes or keys", Severity: finding.High,
			Refs: []string{"CWE-213", "CWE-200", "API3", "V15.3.1"},
			Sure: "the value has the form of a hash or a private key, or is the password that was sent, or stands under a name that leaves no doubt; what gives credentials out is not meant",
			Fix:  "Answer with a type of its own that has the fields which are meant to be seen.", Pavise: "lint/response-leaks",
			Run: secrets,
		},
		{
			ID: "probe/undocumented-fields", Claim: "responses hold what the document says, and no more", Severity: finding.Low, Once: true,
			Refs: []string{"CWE-213", "API3", "API9", "V15.3.1"},
			Sure: "the document lists the response's members, says of none that there may be others, and the answer to a valid request has one that is not listed",
			Fix:  "Leave the field out of the response, or describe it.", Pavise: "lint/no-response-model",
			Run: undocumented,
		},
		personalCheck(),
		safeCheck(),
		{
			ID: "probe/one-shot", Claim: "what can be done once is done once, however fast it is asked", Severity: finding.Medium, Intrusive: true,
			Refs: []string{"CWE-362", "CWE-367", "API6", "V2.3.4", "V15.4.2"},
			Sure: "a second request after the first is refused, and of ten at the same time on another object several were answered with 2xx",
			Fix:  "Decide and change in one statement: a unique key, or a row that is locked.", Pavise: "lint/check-then-act",
			Run: oneShot,
		},
	}
}
