package main

// A flaw is one that was planted.
type flaw struct {
	n int
	// check of pavise probe that should find it, without probe/.
	check string
	// at is the operation that it is in; empty is the API as a whole.
	at string
	// where it is in the source.
	where, why string
	// says is a part of what tells it from others of the same check.
	says string
	how  how
}

// how a flaw is found.
type how int

const (
	plainly how = iota
	// suspected: nobody outside can be sure of it, so that a suspicion is all
	// that is wanted.
	suspected
	// intrusive checks alone find it.
	intrusive
	// byCookie: it is there for those who call with the session's cookie.
	byCookie
)

// flaws are all that are planted, by class.
func flaws() []flaw {
	return []flaw{
		// What every answer should carry, and should not.
		{1, "nosniff", "", "weak.go careless", "browsers may guess another type", "", plainly},
		{2, "framing", "", "weak.go careless", "pages may be shown in frames", "", plainly},
		{3, "csp", "", "weak.go careless", "pages may run scripts from anywhere", "", plainly},
		{4, "referrer-policy", "", "weak.go careless", "addresses are told to other sites", "", plainly},
		{5, "permissions-policy", "", "weak.go careless", "pages may use camera and position", "", plainly},
		{6, "no-store", "", "weak.go careless", "what is one user's own may be cached", "", plainly},
		{7, "server-banner", "", "weak.go careless", "Server names a product and its version", "", plainly},
		{8, "version-headers", "", "weak.go careless", "X-Powered-By names the framework", "", plainly},
		{9, "xss-auditor", "", "weak.go careless", "the old filter is switched on", "", plainly},
		{10, "content-type", "", "weak.go weak", "JSON is sent as text/html", "JSON as text/html", plainly},

		// What is shown that should not be.
		{11, "verbose-errors", "", "weak.go careless", "a panic is answered with its trace", "a trace of Go", plainly},
		{12, "verbose-errors", "GET /products/search", "weak.go found", "the database's words are passed on", "words of a database", plainly},
		{13, "docs-open", "", "weak.go hidden", "the documentation is open to strangers", "", plainly},
		{14, "debug-routes", "", "weak.go hidden", "metrics are open", "/metrics", plainly},
		{15, "debug-routes", "", "weak.go hidden", "profiles are open", "/debug/pprof/", plainly},
		{16, "debug-routes", "", "weak.go hidden", "variables are open", "/debug/vars", plainly},
		{17, "files-served", "", "weak.go hidden", "the settings' file is served", "/.env", plainly},
		{18, "directory-listing", "", "weak.go hidden", "a directory is listed", "/static/", plainly},
		{19, "hidden-routes", "", "weak.go hidden", "an old route hands out all users", "/users", plainly},
		{20, "old-versions", "GET /v2/rates", "weak.go hidden", "the version before is still served", "", plainly},
		{21, "unlisted-methods", "GET /coupons", "weak.go hidden", "PATCH is there and not in the document", "", plainly},
		{22, "method-override", "", "weak.go careless", "a field makes DELETE of POST", "", plainly},
		{23, "path-normalisation", "GET /admin/accounts", "weak.go hidden", "a slash more, and nobody asks for a token", "", plainly},
		{24, "trace", "", "weak.go careless", "TRACE repeats the fields", "", plainly},
		{25, "declared-security", "GET /announcements", "weak.go weak", "the document says that it is open, and it is not", "", plainly},
		{26, "undocumented-fields", "", "weak.go found", "the purchase price is in the answer", "cost", plainly},
		{27, "response-schema", "GET /exchange", "weak.go weak", "a number is sent as a text", "", plainly},

		// Other sites, hosts and forwarding.
		{28, "cors-origin", "", "weak.go careless", "every origin is allowed, with credentials", "with credentials", plainly},
		{29, "cors-preflight", "", "weak.go careless", "preflights allow every field, unused methods, and a day", "", plainly},
		{30, "cors-vary", "", "weak.go careless", "Vary: Origin is missing", "", plainly},
		{31, "cookie-flags", "POST /login", "weak.go login", "the session's cookie has no flags", "", plainly},
		{32, "csrf", "POST /orders", "weak.go lax", "a form of another site makes orders with the cookie", "", byCookie},
		{33, "unknown-host", "", "weak.go weak (GET /where)", "any Host is answered, and comes back in a link", "comes back", plainly},
		{34, "forwarded-trusted", "GET /where", "weak.go weak", "the client is who X-Forwarded-For says", "", plainly},
		{35, "address-authorises", "GET /internal/summary", "weak.go within", "X-Forwarded-For: 127.0.0.1 opens it", "", plainly},
		{36, "open-redirect", "GET /out", "weak.go weak", "it leads to wherever next says", "", plainly},
		{37, "websocket-origin", "GET /ws", "weak.go socket", "pages of every origin open a WebSocket with the cookie", "", byCookie},
		{38, "websocket-anonymous", "GET /ws", "weak.go socket", "nobody is asked who opens a WebSocket", "", suspected},

		// Who calls.
		{39, "anonymous-refused", "GET /reports", "weak.go weak", "the document asks for a token, and the handler does not", "", plainly},
		{40, "token-checked", "GET /stats", "weak.go weak", "any token will do", "", plainly},
		{41, "malformed-token", "GET /account", "weak.go caller, subject", "an empty token breaks the handler", "", plainly},
		{42, "jwt-signature", "GET /account", "weak.go subject", "the signature is not compared", "", plainly},
		{43, "jwt-algorithm", "GET /account", "weak.go subject", "alg none is taken", "none", plainly},
		{44, "jwt-key", "", "weak.go signingKey", "the key is the word secret", "", plainly},
		{45, "jwt-claims", "GET /account", "weak.go subject", "exp is not looked at", "", plainly},
		{46, "jwt-key-source", "GET /account", "weak.go subject", "kid is not looked at, and any key of HMAC will do", "", plainly},
		{47, "token-in-query", "", "weak.go caller", "a token is taken from the URL", "", plainly},
		{48, "www-authenticate", "", "weak.go user", "401 does not say what is wanted", "", plainly},
		{49, "refusal-first", "POST /wallets", "weak.go newWallet", "the body is judged before the token", "", plainly},
		{50, "logout-revokes", "POST /logout", "weak.go weak", "nothing ends with the session", "", plainly},
		{51, "login-throttled", "POST /login", "weak.go login", "passwords may be tried without end", "", plainly},
		{52, "user-enumeration", "POST /login", "weak.go login", "another text for accounts that exist", "", plainly},
		{53, "user-enumeration", "POST /password/forgot", "weak.go forgot", "another status for accounts that exist", "", plainly},
		{54, "user-timing", "POST /login", "weak.go login", "a login takes longer for accounts that exist", "", intrusive},
		{55, "weak-passwords", "POST /register", "weak.go register", "every password is taken", "", plainly},
		{56, "long-passwords", "POST /register", "weak.go register", "passphrases of more than 40 bytes are refused", "", plainly},
		{57, "reset-code", "POST /password/forgot", "weak.go forgot", "the code is in the answer", "", plainly},
		{58, "password-change-current", "POST /account/password", "weak.go changePassword", "the old password is not asked for", "", plainly},
		{59, "password-change-revokes", "POST /account/password", "weak.go changePassword", "other sessions go on", "", plainly},
		{60, "default-accounts", "POST /login", "service.go newService", "admin@example.com has the password admin", "", intrusive},

		// Whose things are.
		{61, "bola-read", "GET /orders/{id}", "weak.go anyOne", "everybody reads every order", "", plainly},
		{62, "bola-write", "PUT /orders/{id}", "weak.go changeAny", "everybody changes every order", "", plainly},
		{63, "bola-write", "DELETE /orders/{id}", "weak.go deleteAny", "everybody deletes every order", "", plainly},
		{64, "existence-oracle", "GET /messages/{id}", "weak.go forbidden", "403 for what is there, 404 for what is not", "", plainly},
		{65, "lists-scoped", "GET /messages", "weak.go weak", "the list is of all users", "", plainly},
		{66, "owner-from-token", "POST /invoices", "weak.go invoice", "the body says whose it is", "", plainly},
		{67, "nested-object", "GET /projects/{id}/tasks/{task}", "weak.go task", "another's task is read below one's own project", "", plainly},
		{68, "anonymous-write", "PUT /bookmarks/{id}", "weak.go weak", "nobody is asked who changes a bookmark", "", plainly},
		{69, "function-level", "GET /admin/accounts", "weak.go weak", "users list all accounts", "", suspected},
		{70, "mass-assignment", "PATCH /account", "weak.go changeAccount", "users set their own role", "role", plainly},
		{71, "mass-assignment", "POST /register", "weak.go register", "whoever registers chooses a role", "role", plainly},
		{72, "mass-assignment", "POST /wallets", "weak.go newWallet", "users set their own balance", "balance", plainly},
		{73, "secrets-in-responses", "GET /account", "weak.go profile", "the password's hash is in the answer", "password_hash", plainly},
		{74, "one-shot", "POST /vouchers/{id}/redeem", "weak.go redeem", "a voucher is redeemed several times at once", "", intrusive},

		// Languages within values.
		{75, "sql-injection", "GET /products/search", "weak.go search", "a quote ends the text, and the database complains", "", plainly},
		{76, "sql-injection", "GET /products/{sku}", "weak.go product", "a condition may be added, without a word of complaint", "", plainly},
		{77, "sql-injection", "GET /coupons", "weak.go coupons", "a condition that always holds finds all", "", plainly},
		{78, "sql-injection", "GET /products", "weak.go products", "the order is an expression", "", plainly},
		{79, "sql-injection", "GET /reviews", "weak.go reviews", "a number is an expression", "", plainly},
		{80, "nosql-injection", "POST /people/search", "sandbox.go matches", "an operator matches everybody", "", plainly},
		{81, "ldap-injection", "GET /directory", "weak.go directory", "parentheses are part of the filter", "", plainly},
		{82, "command-injection", "POST /tools/ping", "sandbox.go shell", "the host is part of a command", "", plainly},
		{83, "template-injection", "POST /tools/greeting", "sandbox.go fillIn", "the greeting is a template", "", plainly},
		{84, "code-injection", "POST /tools/calc", "sandbox.go evaluate", "the expression may define functions", "", plainly},
		{85, "path-traversal", "GET /files", "sandbox.go readFile", "the path leads out of its directory", "", plainly},
		{86, "ssrf", "POST /webhooks/test", "sandbox.go fetch", "internal addresses are called", "", plainly},
		{87, "xxe", "POST /import", "sandbox.go readXML", "entities are fetched", "", plainly},
		{88, "header-injection", "GET /prefs/language", "weak.go language", "a line's end begins another field", "", plainly},
		{89, "reflected-xss", "GET /hello", "weak.go weak", "the name is markup", "", plainly},
		{90, "stored-xss", "GET /guestbook", "weak.go guestbook", "what was written is markup", "", plainly},
		{91, "upload-inline", "POST /uploads", "weak.go uploaded", "files are shown as pages of the API", "", plainly},
		{92, "upload-name", "POST /uploads", "weak.go upload", "a file's name may be a path", "", suspected},
		{93, "upload-type", "POST /uploads", "weak.go upload", "pages are taken as files", "", suspected},
		{94, "redos", "GET /slugs", "sandbox.go repeats", "an expression with repetition in repetition", "", intrusive},

		// What is taken.
		{95, "media-type", "", "weak.go lax", "bodies of every type are read as JSON", "text/plain", plainly},
		{96, "media-type-required", "", "weak.go lax", "bodies without a type are read as JSON", "", plainly},
		{97, "schema-enforced", "", "weak.go make", "what the document forbids is stored", "", plainly},
		{98, "unknown-field", "", "weak.go lax", "unknown members are taken", "", plainly},
		{99, "type-coercion", "", "weak.go str", "numbers become texts", "", plainly},
		{100, "json-strict", "", "weak.go lax", "a member may come twice", "comes twice", plainly},
		{101, "text-bounded", "", "weak.go weak", "texts have no longest length", "", plainly},
		{102, "input-crash", "GET /pages", "weak.go pages", "a number that is too large breaks the handler", "", plainly},
		{103, "parameter-twice", "GET /catalog", "weak.go catalog", "one valid value lets another through", "", plainly},
		{104, "head-as-get", "GET /statements", "weak.go weak", "HEAD is not asked for a token", "", plainly},
		{105, "paging-capped", "GET /events", "weak.go events", "a list may be of any length", "", plainly},

		// How much is taken.
		{106, "body-limit", "", "weak.go lax", "bodies may be of any size", "", plainly},
		{107, "decompression-limit", "", "weak.go careless", "10 kB may become 64 MiB", "", plainly},
		{108, "multipart-limit", "POST /uploads", "weak.go upload", "forms may have any number of parts", "", plainly},
		{109, "upload-bounded", "POST /uploads", "weak.go upload", "files may be of any size", "", suspected},
		{110, "rate-limit", "", "weak.go careless", "one client is answered without end", "", intrusive},
		{111, "slow-client", "", "main.go run", "a connection may take a minute for its head", "", intrusive},

		// GraphQL.
		{112, "graphql-introspection", "POST /graphql", "weak.go resolve", "it describes itself to strangers", "", plainly},
		{113, "graphql-bounds", "POST /graphql", "weak.go graph", "a hundred queries are one request", "", plainly},
		{114, "graphql-suggestions", "POST /graphql", "weak.go resolve", "it suggests names", "", plainly},

		// What hides: filters that are nearly right, errors that say nothing, ids in
		// other places.
		{115, "sql-injection", "POST /products/filter", "hard.go filter", "a condition in a body of JSON, without a word of complaint", "", plainly},
		{116, "sql-injection", "POST /tickets", "hard.go ticket", "a quote breaks an INSERT, and nothing is said", "", plainly},
		{117, "sql-injection", "GET /stock", "hard.go stock", "a header field is part of the statement", "", plainly},
		{118, "sql-injection", "GET /authors", "hard.go authors", "a condition after LIKE, without a word of complaint", "", plainly},
		{119, "sql-injection", "GET /authors/{id}", "hard.go author", "a number of the path is an expression", "", plainly},
		{120, "sql-injection", "GET /ranking", "hard.go ranking", "the direction is a part of ORDER BY", "", plainly},
		{121, "sql-injection", "POST /partner/login", "hard.go partner", "a condition signs in", "", plainly},
		{122, "nosql-injection", "GET /pets", "hard.go pets", "an operator in the name of a parameter", "", plainly},
		{123, "path-traversal", "GET /themes", "hard.go theme", "../ is taken away once", "", plainly},
		{124, "path-traversal", "GET /attachments", "hard.go attachment", "the path must begin as it should, and goes on as it likes", "", plainly},
		{125, "path-traversal", "GET /media/{file}", "hard.go media", "a segment is unescaped to a path", "", plainly},
		{126, "command-injection", "POST /tools/lookup", "hard.go lookup", "$( ) within quotes, where what ends commands is filtered", "", plainly},
		{127, "ssrf", "POST /avatars", "hard.go avatar", "another spelling of 127.0.0.1, and no answer is shown", "", plainly},
		{128, "xxe", "POST /rss", "hard.go rss", "entities that the document names are written out", "", plainly},
		{129, "open-redirect", "GET /return", "hard.go back", "// begins as a path does", "", plainly},
		{130, "open-redirect", "GET /exit", "hard.go leave", "the own name is in it, before an @ or a dot", "", plainly},
		{131, "template-injection", "GET /banner", "hard.go banner", "another language of templates", "", plainly},
		{132, "reflected-xss", "GET /picture", "hard.go picture", "a quote ends an attribute", "", plainly},
		{133, "stored-xss", "GET /posts/{id}/page", "hard.go postPage", "what was posted is markup of its page", "", plainly},
		{134, "bola-read", "GET /documents/{document_id}", "hard.go document", "who knows the name reads it", "", plainly},
		{135, "mass-assignment", "PUT /documents/{document_id}", "hard.go changeDocument", "authors approve their own documents", "approved", plainly},
		{136, "bola-read", "GET /document-status", "hard.go documentStatus", "the id is in the query", "", plainly},
		{137, "bola-read", "POST /document-export", "hard.go exportDocument", "the id is in the body", "", plainly},
		{138, "lists-scoped", "GET /reminders", "hard.go reminders", "the query says whose list it is", "", plainly},
		{139, "bola-write", "POST /reminders/{id}/close", "hard.go closeReminder", "everybody closes every reminder", "", plainly},
		{140, "bola-read", "GET /members/{user_id}/settings", "hard.go settings", "the settings of every user", "", plainly},
		{141, "bola-write", "PUT /members/{user_id}/settings", "hard.go changeSettings", "the settings of every user", "", plainly},
		{142, "secrets-in-responses", "GET /integrations", "hard.go hard", "a secret is listed", "", plainly},
		{143, "function-level", "GET /staff/salaries", "hard.go hard", "users list salaries", "", suspected},
		{144, "input-crash", "POST /shipments", "hard.go shipment", "zero in a list of a list breaks the handler", "", plainly},
		{145, "paging-capped", "GET /log", "hard.go lines", "a list may be of any length", "", plainly},
		{146, "ssrf", "POST /thumbnails", "hard.go thumbnail", "its own redirect leads it to internal addresses", "", plainly},
		{147, "xxe", "POST /labels", "hard.go label", "XML is read where JSON is documented", "", plainly},
		{148, "deserialization", "POST /baskets/restore", "restore.go restoreBasket", "an object calls what it names", "", plainly},
		{149, "deserialization-time", "POST /baskets/restore", "restore.go restoreBasket", "an object makes it wait", "", intrusive},
	}
}
