package catalogue

// A Control is one thing that an API should do, with the rules of every tool
// that have to do with it: what enforces it, what looks for it in the source
// and what puts it to a running API.
type Control struct {
	ID    string // stable for ever
	Title string // what holds where the control is in place
	// Rules are the rules' ids, separated by spaces. One that ends in * takes
	// every rule of that beginning that no control names by its whole id, so
	// that the next of a family finds its place by itself.
	Rules string
	// Policy are keys of pavise.yaml, besides those of the guards' rules;
	// Packages those of this module that do it in the application; Commands
	// those of pavise that do it, besides what the rules are of.
	Policy, Packages, Commands string
	// Guide are the items of the hardening guide; see [guide].
	Guide string
	// Refs are those that no rule of the control names by itself: API1 to
	// API10 of OWASP's list of 2023, and requirements of ASVS 5.0.
	Refs string
}

// An Area holds the controls of one subject.
type Area struct {
	Title    string
	Controls []Control
}

// Areas are all controls, from the connection inwards.
func Areas() []Area {
	return []Area{
		{"Connection and framing", connection()},
		{"Transport, hosts and proxies", transport()},
		{"Response headers", headers()},
		{"Other origins and cookies", crossSite()},
		{"Authentication and tokens", authentication()},
		{"Accounts and passwords", accounts()},
		{"Authorization", authorization()},
		{"Bodies and input", input()},
		{"Injection", injection()},
		{"Files and uploads", files()},
		{"Limits", limits()},
		{"Errors, exposure and inventory", exposure()},
		{"Secrets", secrets()},
		{"Cryptography", cryptography()},
		{"Logging", logging()},
		{"Dependencies and pipeline", supply()},
		{"Containers and deployment", deployment()},
		{"The tools themselves", tools()},
	}
}

func connection() []Control {
	return []Control{
		{ID: "framing", Title: "A request ends where every server in the row says that it ends", Rules: "wire/framing wire/chunks wire/trailers wire/expect wire/get-body probe/framing-* probe/request-smuggling"},
		{ID: "request-head", Title: "The head of a request can be read in one way", Rules: "wire/line-endings wire/header-syntax wire/request-line wire/single-fields wire/underscores probe/framing-head"},
		{ID: "upgrades", Title: "A connection turns into nothing but what the API speaks", Rules: "wire/upgrade probe/upgrade"},
		{ID: "methods", Title: "Methods that are not served are refused, however they are asked for", Rules: "wire/methods probe/unlisted-methods probe/trace probe/method-override probe/head-as-get"},
		{ID: "paths", Title: "A path has one form, for the policy as for the router", Rules: "wire/path wire/encoded-slash wire/path-params probe/path-normalisation lint/nginx-alias-traversal"},
		{ID: "query", Title: "A query is taken apart in one way", Rules: "wire/query probe/parameter-twice"},
	}
}

func transport() []Control {
	return []Control{
		{ID: "trusted-hosts", Title: "The service answers to its own names only", Rules: "hosts/listed hosts/well-formed wire/host-header lint/no-host-check lint/host-wildcard lint/nginx-host lint/host-in-link probe/unknown-host probe/host-field", Guide: "deploy-hosts"},
		{ID: "https", Title: "Nothing is served over plain HTTP", Rules: "https/required https/redirect-host lint/no-https lint/nginx-plain-http probe/https-only", Policy: "gateway.tls gateway.plain", Guide: "deploy-https"},
		{ID: "tls-strength", Title: "TLS is of today, and its certificate is right", Rules: "lint/tls-old-version lint/tls-* lint/go-tls-old lint/nginx-tls lint/caddy-on-demand-open probe/tls-*", Policy: "gateway.tls.min_version"},
		{ID: "tls-outbound", Title: "Certificates of servers that the API asks are verified", Rules: "lint/tls-verify-off lint/go-tls-verify-off", Refs: "API10"},
		{ID: "client-address", Title: "Who is calling is not for the caller to say", Rules: "clientip/untrusted-dropped lint/forwarded-allow-all lint/proxy-headers-no-list lint/nginx-forwarded-for lint/nginx-real-ip-all lint/caddy-trust-all lint/traefik-insecure lint/go-trusted-proxies probe/forwarded-trusted", Guide: "deploy-server"},
		{ID: "address-no-authority", Title: "An address or a header lets nobody in", Rules: "clientip/untrusted-dropped lint/client-ip lint/go-client-ip lint/header-identity probe/address-authorises"},
	}
}

func headers() []Control {
	return []Control{
		{ID: "nosniff", Title: "Browsers guess no types", Rules: "headers/nosniff lint/no-security-headers probe/nosniff", Guide: "headers test-headers"},
		{ID: "no-frames", Title: "No other site frames a response", Rules: "headers/framing lint/no-security-headers probe/framing", Guide: "headers test-headers"},
		{ID: "hsts", Title: "Browsers come back by TLS only", Rules: "headers/hsts lint/hsts-* probe/hsts", Guide: "headers test-headers"},
		{ID: "content-security-policy", Title: "A response that is opened as a page may do nothing", Rules: "headers/csp lint/csp-* probe/csp probe/csp-*", Guide: "headers test-headers"},
		{ID: "isolation", Title: "Responses share nothing with other origins", Rules: "headers/isolation headers/cross-domain-policies headers/dns-prefetch"},
		{ID: "referrer", Title: "Addresses are not told to other sites", Rules: "headers/referrer probe/referrer-policy", Guide: "headers test-headers"},
		{ID: "permissions", Title: "Responses may not use camera, microphone and place", Rules: "headers/permissions probe/permissions-policy", Guide: "headers test-headers"},
		{ID: "xss-auditor", Title: "The old filter of browsers stays off", Rules: "headers/xss-auditor lint/xss-protection probe/xss-auditor", Guide: "headers"},
		{ID: "no-store", Title: "No cache keeps what is for one caller", Rules: "headers/no-store headers/no-store-authenticated lint/cache-public probe/no-store", Guide: "headers test-headers"},
		{ID: "no-banner", Title: "Responses do not say what the server is made of", Rules: "headers/server-token lint/server-banner lint/server-header-removed lint/nginx-server-tokens probe/server-banner probe/version-headers", Guide: "headers test-server deploy-server"},
		{ID: "headers-everywhere", Title: "Errors carry the same headers, and nothing that sets them can fail", Rules: "lint/headers-pop lint/base-http-middleware lint/nginx-add-header-always lint/nginx-add-header-lost probe/headers-survive-errors", Policy: "headers.preset", Guide: "headers test-headers"},
		{ID: "response-type", Title: "A response is of the type that it says", Rules: "probe/content-type"},
	}
}

func crossSite() []Control {
	return []Control{
		{ID: "cors", Title: "Pages of strangers read nothing", Rules: "origins/cors-listed lint/go-cors lint/nginx-cors-reflect lint/cors-* probe/cors-origin probe/cors-*"},
		{ID: "cors-preflight", Title: "Preflights grant what is needed", Rules: "origins/cors-preflight lint/cors-not-outermost probe/cors-preflight"},
		{ID: "csrf", Title: "Pages of other sites write nothing", Rules: "origins/cross-site lint/csrf lint/csrf-sibling probe/csrf"},
		{ID: "safe-get", Title: "GET changes nothing", Rules: "lint/get-side-effect probe/get-is-safe"},
		{ID: "websocket", Title: "WebSockets ask who calls, and from which page", Rules: "origins/websocket lint/websocket-no-auth lint/websocket-origin probe/websocket-*"},
		{ID: "cookies", Title: "Cookies that let their bearer in are kept from scripts, other sites and plain HTTP", Rules: "lint/cookie-* lint/go-cookie-flags lint/session-* probe/cookie-*", Policy: "headers.cookie_flags"},
	}
}

func authentication() []Control {
	return []Control{
		{ID: "authentication-required", Title: "Operations ask who calls", Rules: "lint/no-auth-route lint/go-no-auth lint/auth-bypass lint/exception-swallowed lint/not-awaited lint/check-skipped lint/signature-optional lint/go-signature-optional probe/anonymous-refused probe/signature-required probe/anonymous-write probe/www-authenticate probe/refusal-first", Guide: "test-anonymous"},
		{ID: "token-checked", Title: "A token that nobody was given is refused, and breaks nothing", Rules: "probe/token-checked probe/malformed-token", Guide: "test-invalid-token"},
		{ID: "token-signature", Title: "A token counts only with a signature by the server's own key and algorithm", Rules: "lint/jwt-verify-off lint/jwt-algorithms lint/go-jwt lint/python-jose probe/jwt-*", Guide: "test-invalid-token"},
		{ID: "token-expiry", Title: "Tokens end, and are taken by whom and for what they are meant", Rules: "lint/jwt-claims-off lint/jwt-long-expiry lint/jwt-no-expiry lint/go-jwt-no-expiry lint/jwt-* probe/jwt-claims probe/jwt-expires probe/token-ends probe/token-kind", Guide: "test-expired-token"},
		{ID: "token-key", Title: "The key of tokens cannot be guessed, and is not in the source", Rules: "lint/jwt-weak-key leaks/jwt-literal-key leaks/hmac-literal-key leaks/env-weak-key probe/jwt-key", Packages: "secret settings", Guide: "secrets"},
		{ID: "token-not-in-url", Title: "Credentials are not sent in addresses", Rules: "lint/token-in-query probe/token-in-query", Policy: "gateway.redact_query"},
		{ID: "session-end", Title: "A session that was ended is over", Rules: "lint/logout-idle lint/revocation-off probe/logout-revokes probe/password-change-revokes"},
		{ID: "session-start", Title: "A login begins a session of its own", Rules: "probe/session-fixation"},
		{ID: "constant-time", Title: "Secrets are compared in constant time", Rules: "lint/timing-compare lint/go-timing-compare", Packages: "secret"},
	}
}

func accounts() []Control {
	return []Control{
		{ID: "login-throttled", Title: "Logins cannot be tried without end", Rules: "rate/limited lint/login-unthrottled lint/login-unlimited lint/go-login-unthrottled probe/login-throttled", Policy: "rate.routes"},
		{ID: "no-enumeration", Title: "Nobody learns whether an account exists", Rules: "lint/user-enumeration lint/go-user-enumeration lint/user-timing probe/user-enumeration probe/user-timing", Packages: "passwords"},
		{ID: "reset-codes", Title: "Codes that reset a password are long, are not in the answer, and cannot be tried without end", Rules: "lint/weak-otp lint/reset-token-returned probe/reset-code probe/code-throttled"},
		{ID: "default-accounts", Title: "No account has a password that is known", Rules: "lint/default-account lint/hardcoded-credentials-check lint/go-hardcoded-user probe/default-accounts"},
		{ID: "password-hashing", Title: "Passwords are hashed by what is made for it, at a cost of today", Rules: "lint/password-plain lint/password-weak-hash lint/passlib lint/weak-argon2 lint/weak-bcrypt lint/weak-pbkdf2 lint/go-plain-password lint/go-bcrypt-cost lint/go-weak-hash", Packages: "passwords", Guide: "passwords"},
		{ID: "password-policy", Title: "Weak passwords are refused, and long ones are taken", Rules: "lint/password-policy lint/password-* probe/weak-passwords probe/long-passwords", Packages: "passwords", Guide: "passwords", Refs: "V6.2.11 V6.2.12"},
		{ID: "password-change", Title: "Who changes a password knows the old one", Rules: "lint/password-change-no-current probe/password-change-current"},
	}
}

func authorization() []Control {
	return []Control{
		{ID: "object-access", Title: "Nobody reads or changes another user's object", Rules: "lint/idor lint/idor-unused-user lint/default-allow lint/go-idor probe/bola-* probe/nested-object probe/lists-scoped probe/tenant-isolation", Guide: "test-idor"},
		{ID: "no-existence-oracle", Title: "Another user's object is answered as one that is not there", Rules: "probe/existence-oracle", Guide: "test-idor"},
		{ID: "owner-from-token", Title: "Who owns an object is not for the request to say", Rules: "lint/owner-from-body probe/owner-from-token"},
		{ID: "function-access", Title: "What is for administrators asks for the role", Rules: "lint/admin-no-role lint/decorator-order lint/go-admin-no-role lint/go-client-role probe/function-level probe/scope-enforced"},
		{ID: "mass-assignment", Title: "What is the server's to set is not set by a request", Rules: "lint/mass-assignment lint/go-mass-assignment lint/extra-allow probe/mass-assignment probe/mass-assignment-*", Guide: "input"},
		{ID: "data-exposure", Title: "Responses hold what the caller is to have, and no more", Rules: "lint/orm-returned lint/no-response-model lint/response-leaks lint/go-secret-exposed probe/secrets-in-responses probe/personal-data probe/undocumented-fields", Guide: "input"},
		{ID: "business-flows", Title: "Amounts are the server's, and what can be done once is done once", Rules: "lint/check-then-act lint/go-check-then-act lint/price-from-client lint/number-unbounded probe/negative-quantity probe/one-shot"},
	}
}

func input() []Control {
	return []Control{
		{ID: "media-types", Title: "Bodies are of a type that the API reads", Rules: "contenttype/listed contenttype/well-formed contenttype/single contenttype/charset probe/media-type", Guide: "content-type test-content-type"},
		{ID: "media-type-required", Title: "A body says its type", Rules: "contenttype/present probe/media-type-required", Guide: "content-type test-content-type"},
		{ID: "json-strict", Title: "JSON is JSON by the letter, and can be read in one way", Rules: "jsonbody/* jsonbody/strict-syntax jsonbody/duplicate-keys jsonbody/single-document probe/json-strict", Guide: "input"},
		{ID: "json-bounded", Title: "JSON has a largest size, depth and number of values", Rules: "jsonbody/size jsonbody/depth jsonbody/keys jsonbody/string-length jsonbody/numbers probe/json-strict", Guide: "input"},
		{ID: "forms", Title: "Forms are well formed and bounded", Rules: "contenttype/multipart contenttype/form probe/multipart-limit", Guide: "content-type"},
		{ID: "strict-models", Title: "Members that nobody asked for are refused", Rules: "lint/model-* probe/unknown-field", Guide: "input"},
		{ID: "no-coercion", Title: "Values are of the type that is asked for", Rules: "probe/type-coercion", Guide: "input"},
		{ID: "bounds", Title: "Values have bounds", Rules: "lint/str-unbounded probe/schema-enforced probe/text-bounded probe/response-schema", Guide: "input"},
		{ID: "no-crash", Title: "Nothing that a client writes makes the API fail", Rules: "probe/input-crash", Guide: "input"},
	}
}

func injection() []Control {
	return []Control{
		{ID: "sql", Title: "Values are never part of a statement", Rules: "lint/sql-injection lint/sql-built lint/go-sql-injection probe/sql-injection probe/sql-injection-*", Guide: "test-sql"},
		{ID: "nosql-ldap", Title: "Values are never operators or filters", Rules: "lint/nosql-injection lint/ldap-injection probe/nosql-injection probe/ldap-injection"},
		{ID: "commands", Title: "Values are never part of a shell's command", Rules: "lint/command-injection lint/shell-true lint/go-command-injection probe/command-injection probe/command-injection-*"},
		{ID: "code-templates", Title: "Values are never run as code or as templates", Rules: "lint/code-execution lint/template-injection lint/go-template-injection probe/code-injection probe/template-injection"},
		{ID: "deserialization", Title: "What clients send makes no objects of its own choice", Rules: "lint/unsafe-deserialization lint/go-deserialization probe/deserialization probe/deserialization-*", Guide: "input", Refs: "API10"},
		{ID: "xss", Title: "Text of users is never markup", Rules: "lint/xss lint/autoescape-off lint/go-xss probe/reflected-xss probe/stored-xss", Guide: "test-xss"},
		{ID: "ssrf", Title: "A client does not choose whom the server asks", Rules: "lint/ssrf lint/go-ssrf probe/ssrf probe/ssrf-*"},
		{ID: "xml", Title: "XML names no entities", Rules: "lint/xxe probe/xxe", Refs: "API10"},
		{ID: "header-injection", Title: "Values never end a header field", Rules: "lint/header-injection lint/nginx-crlf probe/header-injection"},
		{ID: "mail-headers", Title: "Values never end a header of a mail", Rules: "lint/email-header-injection lint/go-email-header-injection"},
		{ID: "spreadsheets", Title: "Texts of users are no formulas in what is exported", Rules: "lint/csv-formula"},
		{ID: "open-redirect", Title: "No parameter sends a browser elsewhere", Rules: "lint/open-redirect lint/go-open-redirect probe/open-redirect"},
		{ID: "regular-expressions", Title: "No text keeps a pattern busy", Rules: "lint/redos probe/redos"},
	}
}

func files() []Control {
	return []Control{
		{ID: "path-traversal", Title: "Values never lead out of a folder", Rules: "lint/path-traversal lint/go-path-traversal lint/zip-slip lint/go-zip-slip probe/path-traversal"},
		{ID: "uploads", Title: "An upload has a name, a type and a size that the server chose", Rules: "contenttype/multipart lint/upload-* probe/upload-*"},
		{ID: "temporary-files", Title: "Files that the application makes are its own", Rules: "lint/mktemp lint/file-mode"},
		{ID: "files-served", Title: "No file of the repository, of settings or of backups is served", Rules: "lint/static-root lint/go-file-server lint/nginx-autoindex probe/files-served probe/directory-listing"},
	}
}

func limits() []Control {
	return []Control{
		{ID: "body-size", Title: "Bodies have a largest size", Rules: "limits/body lint/no-body-limit lint/go-body-limit lint/nginx-body-size lint/upload-unbounded lint/body-limit-length probe/body-limit probe/upload-bounded", Guide: "test-large-body"},
		{ID: "decompression", Title: "Compressed bodies are bounded by what comes out of them", Rules: "limits/encoding contenttype/encoding lint/go-unpack-unbounded probe/decompression-limit", Guide: "test-large-body"},
		{ID: "head-size", Title: "Addresses and headers have a largest size", Rules: "limits/headers limits/url limits/query probe/head-limit"},
		{ID: "slow-clients", Title: "Nobody is waited for without end", Rules: "limits/slow-headers limits/slow-body lint/go-server-timeouts probe/slow-client", Policy: "limits.write limits.total", Guide: "deploy-server"},
		{ID: "concurrency", Title: "The server takes on what it can do", Rules: "limits/concurrency lint/server-no-limits lint/gunicorn-no-limits lint/gunicorn-timeout-off probe/many-connections", Policy: "gateway.workers gateway.max_requests", Guide: "deploy-server"},
		{ID: "rate", Title: "A client that asks too often is told to wait", Rules: "rate/limited rate/announced probe/rate-limit"},
		{ID: "rate-not-spoofable", Title: "A client stays one client", Rules: "rate/not-spoofable probe/rate-limit-address"},
		{ID: "paging", Title: "A list gives no more at once than a bound", Rules: "lint/unbounded-page probe/paging-capped"},
		{ID: "graphql-cost", Title: "One request to GraphQL does the work of one", Rules: "probe/graphql-bounds"},
		{ID: "outbound-timeouts", Title: "Calls of other servers end", Rules: "lint/no-timeout lint/go-default-client", Policy: "gateway.upstream_timeout", Refs: "API10"},
	}
}

func exposure() []Control {
	return []Control{
		{ID: "docs-closed", Title: "Strangers cannot read the API's description", Rules: "apidocs/closed lint/docs-exposed probe/docs-open probe/graphql-*", Guide: "deploy-docs"},
		{ID: "inventory", Title: "Nothing is served that the description lacks", Rules: "lint/hidden-route probe/hidden-routes probe/unlisted-operations probe/old-versions probe/declared-security"},
		{ID: "operations-closed", Title: "Routes of operations and profiling are closed to strangers", Rules: "lint/go-pprof lint/nginx-internal-exposed lint/debug-route-info lint/env-exposed lint/caddy-admin-open probe/debug-routes", Policy: "gateway.admin"},
		{ID: "debug-off", Title: "Debugging is off", Rules: "lint/debug-* lint/uvicorn-reload lint/server-debug-log lint/go-debug-mode probe/debug-mode", Guide: "deploy-debug"},
		{ID: "errors", Title: "Errors tell nothing of what is inside", Rules: "lint/error-detail lint/go-error-detail probe/verbose-errors"},
	}
}

func secrets() []Control {
	return []Control{
		{ID: "secrets-in-source", Title: "No secret is in the source or in git's history", Rules: "leaks/* lint/secret-literal lint/go-secret-literal", Packages: "settings secret", Guide: "secrets"},
		{ID: "settings-fail-closed", Title: "A secret that is not set stops the start", Rules: "leaks/fallback-secret leaks/env-placeholder lint/setting-default-secret lint/go-secret-default", Policy: "settings.fields", Packages: "settings", Guide: "secrets"},
		{ID: "settings-typed", Title: "Secrets have a type that does not print", Rules: "lint/setting-plain-secret", Packages: "secret settings", Guide: "secrets"},
		{ID: "secret-files", Title: "Files of secrets are not in git, not in images and not readable by others", Rules: "leaks/env-tracked leaks/env-in-history leaks/env-in-image leaks/key-file leaks/key-in-history leaks/secret-mode lint/gitignore-secrets lint/image-env-copied", Guide: "secrets"},
		{ID: "env-example", Title: "The example of .env names what is read, and holds no secret", Rules: "leaks/env-example-missing leaks/env-example-unread", Guide: "secrets"},
		{ID: "deployment-secrets", Title: "No secret is written in images and manifests", Rules: "lint/image-secret lint/compose-plain-secret lint/k8s-plain-secret", Guide: "secrets deploy-container"},
		{ID: "secret-side-channels", Title: "Secrets are not compressed beside what clients send", Rules: "lint/gzip-secrets"},
	}
}

func cryptography() []Control {
	return []Control{
		{ID: "column-encryption", Title: "Columns of what is sensitive are encrypted", Rules: "lint/column-clear lint/encrypted-cache-ok", Packages: "fieldcrypt", Guide: "encryption"},
		{ID: "encryption-key", Title: "The key of encrypted data is kept, and can be changed", Rules: "lint/fernet-generated-key lint/fernet-no-rotation leaks/fernet-key-at-import", Packages: "fieldcrypt", Guide: "encryption"},
		{ID: "ciphers", Title: "Ciphers, modes and nonces are sound", Rules: "lint/weak-cipher lint/static-iv lint/go-weak-cipher lint/weak-key", Packages: "fieldcrypt", Guide: "encryption"},
		{ID: "hashes", Title: "Nothing is guarded by MD5 or SHA-1", Rules: "lint/weak-hash lint/go-weak-hash"},
		{ID: "randomness", Title: "Secrets are made of numbers that cannot be guessed", Rules: "lint/weak-random lint/token-predictable lint/go-weak-random", Packages: "secret"},
	}
}

func logging() []Control {
	return []Control{
		{ID: "access-log", Title: "What was asked is written down", Rules: "lint/no-access-log", Policy: "gateway.access_log", Guide: "deploy-logging", Refs: "V16.2.1 V16.2.4 V16.3.3"},
		{ID: "secrets-not-logged", Title: "Secrets are not written to logs", Rules: "lint/secret-logged lint/go-secret-logged lint/workflow-secret-echo", Policy: "gateway.redact_query", Packages: "secret", Guide: "deploy-logging"},
		{ID: "log-injection", Title: "Text of requests begins no line of the log", Rules: "lint/log-injection", Policy: "gateway.access_log", Guide: "deploy-logging"},
	}
}

func supply() []Control {
	return []Control{
		{ID: "known-vulnerabilities", Title: "No dependency has a known vulnerability", Rules: "audit/vulnerable audit/malicious", Guide: "dependencies", Refs: "V15.2.1"},
		{ID: "audit-runs", Title: "A pipeline looks for them, and fails", Rules: "lint/no-audit lint/audit-ineffective", Guide: "dependencies"},
		{ID: "pinned", Title: "What is installed is held by version and hash", Rules: "audit/unpinned lint/requirements-* lint/git-dependency-branch lint/index-*", Guide: "dependencies"},
		{ID: "bill-of-materials", Title: "What the service is made of is written down", Commands: "audit", Guide: "dependencies", Refs: "V15.1.2"},
		{ID: "pipeline", Title: "The pipeline runs nothing that outsiders wrote, with no more rights than it needs", Rules: "lint/action-unpinned lint/workflow-*"},
	}
}

func deployment() []Control {
	return []Control{
		{ID: "bind-address", Title: "The server listens where it must", Rules: "lint/bind-all lint/compose-ports", Policy: "gateway.listen", Guide: "deploy-server"},
		{ID: "image", Title: "An image runs as nobody in particular, on a base that is held", Rules: "lint/image-*", Guide: "deploy-container"},
		{ID: "compose", Title: "Containers of Compose do not have the host in their hands", Rules: "lint/compose-*", Guide: "deploy-container"},
		{ID: "cluster-roles", Title: "A program may do in the cluster what it needs to, and no more", Rules: "lint/k8s-role-all lint/k8s-role-secrets", Guide: "deploy-container"},
		{ID: "kubernetes", Title: "Pods are restricted", Rules: "lint/k8s-*", Guide: "deploy-container"},
		{ID: "proxies", Title: "The proxy in front is set with care", Rules: "lint/nginx-forwarded-for lint/nginx-real-ip-all lint/nginx-host lint/nginx-plain-http lint/nginx-tls lint/nginx-body-size lint/nginx-server-tokens lint/nginx-add-header-always lint/nginx-add-header-lost lint/nginx-alias-traversal lint/nginx-crlf lint/nginx-cors-reflect lint/nginx-internal-exposed lint/nginx-autoindex lint/nginx-* lint/caddy-admin-open lint/caddy-on-demand-open lint/caddy-trust-all lint/caddy-* lint/traefik-insecure lint/traefik-*", Guide: "deploy-server"},
	}
}

func tools() []Control {
	return []Control{
		{ID: "exceptions", Title: "Every exception has a reason, and goes when it is not needed any more", Rules: "audit/ignore-expired audit/ignore-unused lint/unused-allow", Policy: "check.ignore audit.ignore lint.allow"},
	}
}
