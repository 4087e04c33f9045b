package catalogue

// An item is something that somebody asks of an API: the hardening guide, or
// a list of OWASP.
type item struct {
	id, title string
	// done says what is done beyond the controls' rules, not what is left to
	// whoever runs the API.
	done, not string
}

// guide are the items of the usual page on hardening a FastAPI service, in
// its order.
func guide() []item {
	return []item{
		{"dependencies", "Dependency scanning", "`pavise audit` reads lock files, installed environments and bills of materials, writes CycloneDX and OpenVEX, and exits 1 where it finds something.",
			"Ecosystems other than PyPI and Go, C libraries within wheels, packages of an image's system, licences, and vulnerabilities that no advisory names."},
		{"secrets", "Secrets management", "The packages `settings` and `secret` stop a start without a secret, and print none.",
			"Where secrets live in production: no vault is run or set up here, and who may read it is not looked at. What never was in a file or in git."},
		{"encryption", "Encryption of data", "The package `fieldcrypt` seals fields, keeps a ring of keys and rotates them.",
			"Encryption of disks, backups and of the connection to the database. Whether a column without a telling name is sensitive. Ceremonies and hardware for keys."},
		{"content-type", "Content types", "", "What a body of the right type means: that is the application's."},
		{"input", "Strict input and serialization", "The guard `jsonbody` reads JSON by the letter before the application does; the models are the application's.",
			"Rules of the business about single values. Formats other than JSON, forms and multipart are let through by their type alone."},
		{"headers", "Security headers", "", "The content of a policy for pages that the API itself renders: the preset is for an API."},
		{"passwords", "Password hashing and policy", "The package `passwords` hashes, verifies, tells what needs a new hash, and judges strength.",
			"Hashes that are in the database already: they are not read. Second factors and passkeys."},
		{"test-anonymous", "Test: no credentials are refused", "That a stranger is refused is what counts; that it is a 401 which says what is wanted is a check of its own.",
			"Whether an operation that the document opens to all is meant to be open: that is for its owner to say."},
		{"test-invalid-token", "Test: an invalid token is refused", "", "Opaque tokens are tried changed and made up; how the issuer makes them is not seen."},
		{"test-expired-token", "Test: an expired token is refused", "An expired token can be made only where the key was guessed. Elsewhere the token is read for when it ends, and `pavise lint` looks whether that is verified.",
			"Where the key cannot be guessed, no expired token can be made, and nothing is proved of a running API."},
		{"test-idor", "Test: another user's object is not found", "Two users, objects that were made in the run, and texts that only this run wrote. That the answer is the one for an object that is not there is a check of its own.",
			"It needs two users, or a registration that is open, and objects that a request of the document can make."},
		{"test-content-type", "Test: another content type is answered with 415", "", "Operations that have no body in the document. Types that the document allows, and the application does not expect."},
		{"test-large-body", "Test: a large body is answered with 413", "As it comes, and compressed.",
			"Limits of what stands further out, such as a load balancer."},
		{"test-sql", "Test: SQL injection", "Judged by what differs from a benign twin, never by the status alone: a successful injection is a 200. No payload deletes or drops anything.", "A second request that reads what the first one stored, in general. `lint` follows the values in the source."},
		{"test-xss", "Test: cross-site scripting", "Judged by what a browser would do with the answer. Markup in JSON is no fault, since what puts it into a page must escape it.", "Pages of a front end elsewhere."},
		{"test-headers", "Test: security headers are there", "On every kind of response, errors included.", "Whether a policy is so strict that it breaks a page."},
		{"test-server", "Test: no server header", "Asked over a socket: a test client inside the process never sees the header that the server adds.", "By its behaviour, which server it is can still be told."},
		{"deploy-server", "Deployment: flags of uvicorn and gunicorn", "`pavise lint` reads the command lines of Dockerfiles, Compose, Kubernetes, units and scripts; `pavise up` starts the server behind a private socket.", "Settings of the kernel and of what balances the load."},
		{"deploy-hosts", "Deployment: trusted hosts", "", "Names in DNS that still lead to the service, or to nobody."},
		{"deploy-https", "Deployment: HTTPS", "", "Renewing certificates is left to what issues them."},
		{"deploy-docs", "Deployment: documentation is off", "", "Copies of the description elsewhere, such as in a public repository."},
		{"deploy-debug", "Deployment: debugging is off", "", "Debugging that is switched on while the service runs, by a way that nobody has written down."},
		{"deploy-logging", "Deployment: logging", "The gateway and the library write one record a request, with an id and without secrets.", "Where logs go, how long they are kept, who is alarmed. Whether the application writes down logins and refusals of its own."},
		{"deploy-container", "Deployment: containers", "", "The host, the cluster's own settings, and network policies. Images are read as Dockerfiles, not as layers."},
	}
}

// api are the items of the OWASP API Security Top 10 of 2023.
func api() []item {
	return []item{
		{"API1", "Broken Object Level Authorization", "", "Whether sharing that works is meant. Objects that no user of the probe can make or list."},
		{"API2", "Broken Authentication", "", "Second factors, flows through a browser, devices, and the identity provider itself."},
		{"API3", "Broken Object Property Level Authorization", "", "Which properties a role should see, where no document or name tells."},
		{"API4", "Unrestricted Resource Consumption", "", "What an operation costs at third parties (mails, messages, calls of models), and alarms on spending."},
		{"API5", "Broken Function Level Authorization", "", "Roles beyond user and administrator, unless users of them are named to the probe."},
		{"API6", "Unrestricted Access to Sensitive Business Flows", "", "Business logic: which flow hurts when it is automated, and telling people from programs. What can be done once, amounts and prices are looked at; the rest is for people who know the business."},
		{"API7", "Server Side Request Forgery", "", "Requests that a later job makes, which are not seen in time. What the network lets out: egress rules are the best fence, and are not looked at."},
		{"API8", "Security Misconfiguration", "", "Clouds, clusters, hosts and databases. What Pavise reads is the application, its proxy, image, manifests and workflows."},
		{"API9", "Improper Inventory Management", "", "Other hosts, environments and versions that nobody names. Retirement plans, and which data goes to whom."},
		{"API10", "Unsafe Consumption of APIs", "",
			"What other services answer, and where their redirects lead: no rule is of this item alone, and these controls are what there is for calls that the API makes."},
	}
}

// asvs are the chapters of ASVS 5.0.
func asvs() []item {
	return []item{
		{"V1", "Encoding and Sanitization", "", "Sanitizers of rich text and of SVG, formulas in spreadsheets, XPath, LaTeX, JNDI, mail, the protocols of caches, format strings and memory safety."},
		{"V2", "Validation and Business Logic", "", "Business logic: the order of steps, limits of the business other than amounts below nothing, whole transactions, approvals by two, and people's own pace. Combinations of values that make no sense together."},
		{"V3", "Web Frontend Security", "", "The front end's own code, its scripts from elsewhere, and browsers that are too old. Reports of broken policies, the list of hosts that browsers know for HSTS, JSONP, and applications that share a host."},
		{"V4", "API and Web Service", "", "Signatures of single messages, WebSockets without TLS or with tokens of their own, and framing that only HTTP/2 and HTTP/3 have. The cost of GraphQL is tried, not proved."},
		{"V5", "File Handling", "", "Scanners for malware. Quotas of files for each user. What is inside archives, beyond names and sizes, and inside pictures. The names under which files are handed out."},
		{"V6", "Authentication", "", "Second factors beyond the length of a one-time code, passkeys, devices, identity proofing, recovery by staff, notices to users, and identity providers."},
		{"V7", "Session Management", "", "Sessions that lie idle, or have no end of their own and are no JWT. A new session at each login. Lists of sessions for the user, ends that staff decide, and sessions across several applications."},
		{"V8", "Authorization", "", "Rules that hang on context, such as place, time or device, rights that were taken away a moment ago, services behind that are asked in a caller's name, and the written-down rules themselves."},
		{"V9", "Self-contained Tokens", "", "Tokens of other kinds than JWT are tried as opaque ones. Which audiences an issuer writes into its tokens."},
		{"V10", "OAuth and OIDC", "", "Clients, authorization servers and identity providers: Pavise neither is one nor tries one. Of an API that takes their tokens, whether a token is bound to who sends it, and how strongly who calls was authenticated."},
		{"V11", "Cryptography", "", "An inventory of all cryptography, plans for what comes after quanta, key pairs beyond their length, key exchange other than that of TLS, ceremonies and hardware for keys, and data in use."},
		{"V12", "Secure Communication", "", "TLS between services inside and to databases, mutual TLS, revocation, Encrypted Client Hello, and the lists of a public key infrastructure of one's own."},
		{"V13", "Configuration", "", "Accounts with which services talk to each other, beyond root and placeholders. How often secrets change, vaults, and rules of the network for what may go out."},
		{"V14", "Data Protection", "", "Which data is sensitive, how long it is kept, what goes to third parties, what is masked, what pictures and documents say of whoever made them, caches that are made to keep a page as a file, and storage in browsers."},
		{"V15", "Secure Coding and Architecture", "", "Times within which components must be updated, sandboxes for dangerous ones, redirects that the application's own calls follow, and concurrency beyond what can be done once."},
		{"V16", "Security Logging and Error Handling", "", "An inventory of what is logged, clocks, the protection of logs, where they go, what holds when another service fails, and whether the application writes down its own events of security, such as logins."},
		{"V17", "WebRTC", "", "The whole chapter: no TURN, media or signalling server is looked at."},
	}
}
