package passwords

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var weakHash = &analysis.Rule{
	ID: "lint/password-weak-hash", Title: "A password is hashed by what is made to be fast", Severity: finding.High,
	Refs:   []string{"CWE-916", "CWE-328", "API2", "V11.4.2", "https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html"},
	Text:   "A graphics card tries billions of MD5, SHA-1 or SHA-256 a second: of a stolen table, most passwords are read the same day.",
	Fix:    "Hash with argon2id, and upgrade old hashes at the next login.",
	Pavise: "passwords",
	Bad:    "import hashlib\n\n\ndef store(password):\n    return hashlib.sha256(password.encode()).hexdigest()\n",
	Good:   "from argon2 import PasswordHasher\n\n\ndef store(password):\n    return PasswordHasher().hash(password)\n",
}

var plainText = &analysis.Rule{
	ID: "lint/password-plain", Title: "A password is kept or compared as it is", Severity: finding.High,
	Refs:   []string{"CWE-256", "CWE-522", "API2", "V11.4.2"},
	Text:   "Whoever reads the table, a backup or a log of the database has all passwords, and those that people use elsewhere.",
	Fix:    "Keep a hash by argon2id, and compare with its verify.",
	Pavise: "passwords",
	Bad:    "def login(user, password):\n    return user.password == password\n",
	Good:   "def login(user, password):\n    return hasher.verify(user.password_hash, password)\n",
}

var weakArgon2 = &analysis.Rule{
	ID: "lint/weak-argon2", Title: "argon2 is set to be cheap", Severity: finding.Medium,
	Refs:   []string{"CWE-916", "API2", "V11.4.2", "RFC 9106 section 4"},
	Text:   "Below 19 MiB and two passes, or 46 MiB and one, a graphics card tries many at once. memory_cost is in KiB.",
	Fix:    "Leave the defaults of argon2-cffi alone: 64 MiB, three passes.",
	Pavise: "passwords",
	Bad:    "from argon2 import PasswordHasher\n\nhasher = PasswordHasher(time_cost=1, memory_cost=1024)\n",
	Good:   "from argon2 import PasswordHasher\n\nhasher = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4)\n",
}

var weakBcrypt = &analysis.Rule{
	ID: "lint/weak-bcrypt", Title: "bcrypt has few rounds", Severity: finding.Medium,
	Refs:   []string{"CWE-916", "API2", "V11.4.2"},
	Text:   "Each round less halves the work of whoever tries passwords; below 10 it is little.",
	Fix:    "Use 12 rounds or more, or argon2id.",
	Pavise: "passwords",
	Bad:    "import bcrypt\n\n\ndef store(password):\n    return bcrypt.hashpw(password, bcrypt.gensalt(rounds=4))\n",
	Good:   "import bcrypt\n\n\ndef store(password):\n    return bcrypt.hashpw(password, bcrypt.gensalt(rounds=12))\n",
}

var weakPBKDF2 = &analysis.Rule{
	ID: "lint/weak-pbkdf2", Title: "PBKDF2 has few iterations", Severity: finding.Medium,
	Refs:   []string{"CWE-916", "API2", "V11.4.2"},
	Text:   "OWASP asks for 600,000 iterations of HMAC-SHA-256 since 2023, because graphics cards got faster.",
	Fix:    "Use 600,000 iterations, or argon2id.",
	Pavise: "passwords",
	Bad:    "import hashlib\n\n\ndef derive(password, salt):\n    return hashlib.pbkdf2_hmac(\"sha256\", password, salt, 1000)\n",
	Good:   "import hashlib\n\n\ndef derive(password, salt):\n    return hashlib.pbkdf2_hmac(\"sha256\", password, salt, 600_000)\n",
}

var passlib = &analysis.Rule{
	ID: "lint/passlib", Title: "passlib is not maintained", Severity: finding.Low, Kind: analysis.Posture,
	Refs:   []string{"CWE-1104", "https://foss.heptapod.net/python-libs/passlib/-/issues/187"},
	Text:   "Its last release is of 2020: it asks bcrypt for an attribute that is gone, and imports crypt, which Python 3.13 does not have.",
	Fix:    "Use argon2-cffi or pwdlib; existing hashes stay readable.",
	Pavise: "passwords",
	Bad:    "from passlib.context import CryptContext\n\ncontext = CryptContext(schemes=[\"argon2\"])\n",
	Good:   "from pwdlib import PasswordHash\n\nhasher = PasswordHash.recommended()\n",
}

var jose = &analysis.Rule{
	ID: "lint/python-jose", Title: "python-jose is in use", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-1104", "CVE-2024-33663", "CVE-2024-33664"},
	Text: "It went years without a release while confusion of algorithms (CVE-2024-33663) was known; FastAPI's own documentation moved to PyJWT.",
	Fix:  "Use PyJWT.",
	Bad:  "from jose import jwt\n\nprint(jwt)\n",
	Good: "import jwt\n\nprint(jwt)\n",
}

var enumeration = &analysis.Rule{
	ID: "lint/user-enumeration", Title: "The answer tells whether a user exists", Severity: finding.Medium,
	Refs: []string{"CWE-204", "API2", "V6.3.8"},
	Text: "Login, reset and registration that say \"no such user\" make a list of users for whoever asks.",
	Fix:  "Answer alike for an unknown user and a wrong password; of a reset, say that a mail was sent if there is an account.",
	Bad:  "from fastapi import FastAPI, HTTPException\n\napp = FastAPI()\n\n\n@app.post(\"/login\")\ndef login(form: Form):\n    user = find(form.name)\n    if not user:\n        raise HTTPException(404, \"User not found\")\n",
	Good: "from fastapi import FastAPI, HTTPException\n\napp = FastAPI()\n\n\n@app.post(\"/login\")\ndef login(form: Form):\n    user = find(form.name)\n    if not user:\n        raise HTTPException(401, \"Incorrect username or password\")\n",
}

var timing = &analysis.Rule{
	ID: "lint/user-timing", Title: "An unknown user is refused faster", Severity: finding.Low,
	Refs:   []string{"CWE-208", "API2", "V6.3.8"},
	Text:   "Where there is no user, no hash is computed: the answer comes a hundred milliseconds earlier, and tells so.",
	Fix:    "Verify against a dummy hash where there is no user.",
	Pavise: "passwords",
	Bad:    "def authenticate(name, password):\n    user = get_user(name)\n    if not user:\n        return None\n    if not verify_password(password, user.password_hash):\n        return None\n    return user\n",
	Good:   "def authenticate(name, password):\n    user = get_user(name)\n    if not user:\n        verify_password(password, DUMMY_HASH)\n        return None\n    if not verify_password(password, user.password_hash):\n        return None\n    return user\n",
}

var policy = &analysis.Rule{
	ID: "lint/password-policy", Title: "A new password may be short", Severity: finding.Medium, Kind: analysis.Posture,
	Refs:   []string{"CWE-521", "API2", "V6.2.1", "V6.2.4", "NIST SP 800-63B section 3.1.1"},
	Text:   "A model that takes a new password bounds neither its length nor what it is.",
	Fix:    "Ask for 8 characters at least (15 without a second factor), 128 at most, and refuse common passwords.",
	Pavise: "passwords",
	Bad:    "from fastapi import FastAPI\nfrom pydantic import BaseModel\n\napp = FastAPI()\n\n\nclass UserCreate(BaseModel):\n    name: str\n    password: str\n\n\n@app.post(\"/users\")\ndef create(body: UserCreate):\n    pass\n",
	Good:   "from fastapi import FastAPI\nfrom pydantic import BaseModel, Field\n\napp = FastAPI()\n\n\nclass UserCreate(BaseModel):\n    name: str\n    password: str = Field(min_length=8, max_length=128)\n\n\n@app.post(\"/users\")\ndef create(body: UserCreate):\n    pass\n",
}
