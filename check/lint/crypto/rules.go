package crypto

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var weakRandom = &analysis.Rule{
	ID: "lint/weak-random", Title: "A secret is made of numbers that can be guessed", Severity: finding.High,
	Refs:   []string{"CWE-338", "CWE-330", "API2", "V11.5.1", "https://docs.python.org/3/library/random.html"},
	Text:   "random is for games and samples: from 624 of its numbers all others follow. uuid1 is the time and the address of the machine.",
	Fix:    "Use secrets: token_urlsafe(32), choice, randbelow.",
	Pavise: "pavise token",
	Bad:    "import random\nimport string\n\n\ndef reset_token():\n    return \"\".join(random.choices(string.ascii_letters, k=32))\n",
	Good:   "import secrets\n\n\ndef reset_token():\n    return secrets.token_urlsafe(32)\n",
}

var predictable = &analysis.Rule{
	ID: "lint/token-predictable", Title: "A token is reckoned from what others know", Severity: finding.High,
	Refs:   []string{"CWE-340", "CWE-330", "CWE-640", "API2", "V11.5.1", "https://cheatsheetseries.owasp.org/cheatsheets/Forgot_Password_Cheat_Sheet.html"},
	Text:   "An address, a number of a user and the second of a request are known to whoever made the request. A hash of them is known as well: who has the recipe reckons the token of somebody else, and needs no mail.",
	Fix:    "Make it with secrets.token_urlsafe(32), and keep its hash; or sign what it says with a key that nobody else has.",
	Pavise: "pavise token",
	Bad:    "import hashlib\nimport time\n\n\ndef reset_token(user):\n    return hashlib.sha256(f\"{user.email}:{int(time.time())}\".encode()).hexdigest()\n",
	Good:   "import secrets\n\n\ndef reset_token(user):\n    return secrets.token_urlsafe(32)\n",
}

var weakHash = &analysis.Rule{
	ID: "lint/weak-hash", Title: "MD5 or SHA-1 guards a token, a signature or a secret", Severity: finding.High,
	Refs: []string{"CWE-328", "CWE-327", "V11.4.1", "V11.4.3"},
	Text: "Two texts with the same MD5 or SHA-1 are made on a desk, and a signature that is a hash of a key and a text can be continued without the key.",
	Fix:  "Sign with HMAC-SHA-256, make tokens with secrets, and keep their SHA-256. Where no security hangs on it, say usedforsecurity=False.",
	Bad:  "import hashlib\n\n\ndef sign(body, secret):\n    return hashlib.md5(secret + body).hexdigest()\n",
	Good: "import hmac\n\n\ndef sign(body, secret):\n    return hmac.new(secret, body, \"sha256\").hexdigest()\n",
}

var weakCipher = &analysis.Rule{
	ID: "lint/weak-cipher", Title: "Data is encrypted with a broken cipher or mode", Severity: finding.High,
	Refs:   []string{"CWE-327", "V11.3.1", "V11.3.2"},
	Text:   "DES and RC4 are broken, 3DES, Blowfish and their like have blocks of 64 bits, and ECB shows which blocks are equal.",
	Fix:    "Use AES-GCM, ChaCha20-Poly1305 or Fernet.",
	Pavise: "fieldcrypt",
	Bad:    "from Crypto.Cipher import AES\n\n\ndef encrypt(key, data):\n    return AES.new(key, AES.MODE_ECB).encrypt(data)\n",
	Good:   "from cryptography.hazmat.primitives.ciphers.aead import AESGCM\n\n\ndef encrypt(key, nonce, data):\n    return AESGCM(key).encrypt(nonce, data, None)\n",
}

var staticIV = &analysis.Rule{
	ID: "lint/static-iv", Title: "Every text is encrypted with the same nonce", Severity: finding.High,
	Refs:   []string{"CWE-323", "CWE-329", "CWE-1204", "V11.3.4"},
	Text:   "Two texts under one key and nonce give away their difference, and with GCM the key that guards them against change.",
	Fix:    "Make a new one for each text, os.urandom(12), and put it in front of what is encrypted.",
	Pavise: "fieldcrypt",
	Bad:    "from cryptography.hazmat.primitives.ciphers.aead import AESGCM\n\n\ndef encrypt(key, data):\n    return AESGCM(key).encrypt(b\"0\" * 12, data, None)\n",
	Good:   "import os\n\nfrom cryptography.hazmat.primitives.ciphers.aead import AESGCM\n\n\ndef encrypt(key, data):\n    nonce = os.urandom(12)\n    return nonce + AESGCM(key).encrypt(nonce, data, None)\n",
}

var weakKey = &analysis.Rule{
	ID: "lint/weak-key", Title: "A key is too short", Severity: finding.High,
	Refs: []string{"CWE-326", "V11.2.3"},
	Text: "RSA and DSA below 2048 bits, and curves below 224, are within reach of who has the means.",
	Fix:  "Use Ed25519 or P-256, or RSA of 3072 bits.",
	Bad:  "from cryptography.hazmat.primitives.asymmetric import rsa\n\nkey = rsa.generate_private_key(public_exponent=65537, key_size=1024)\n",
	Good: "from cryptography.hazmat.primitives.asymmetric import rsa\n\nkey = rsa.generate_private_key(public_exponent=65537, key_size=3072)\n",
}

var timing = &analysis.Rule{
	ID: "lint/timing-compare", Title: "A secret is compared by ==", Severity: finding.Low,
	Refs: []string{"CWE-208", "API2", "V11.2.4"},
	Text: "== stops at the first letter that differs: the time of many answers tells how much of a guess was right.",
	Fix:  "Compare with hmac.compare_digest, or secrets.compare_digest.",
	Bad:  "import hmac\n\n\ndef verify(key, body, signature):\n    return hmac.new(key, body, \"sha256\").hexdigest() == signature\n",
	Good: "import hmac\n\n\ndef verify(key, body, signature):\n    return hmac.compare_digest(hmac.new(key, body, \"sha256\").hexdigest(), signature)\n",
}

// Analyzer looks at random numbers, hashes, ciphers and comparisons.
var Analyzer = &analysis.Analyzer{Name: "crypto", Rules: []*analysis.Rule{weakRandom, predictable, weakHash, weakCipher, staticIV, weakKey, timing}, Run: run}
