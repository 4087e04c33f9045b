package settings

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var plain = &analysis.Rule{
	ID: "lint/setting-plain-secret", Title: "A secret setting is a plain text", Severity: finding.Low, Kind: analysis.Posture,
	Refs:   []string{"CWE-532", "V16.2.5", "https://docs.pydantic.dev/latest/examples/secrets/"},
	Text:   "A str shows itself in a repr, a traceback and a log of the settings; SecretStr shows stars, and says where it is opened.",
	Fix:    "Type it SecretStr, and call get_secret_value() where it is used.",
	Pavise: "settings",
	File:   "app/config.py",
	Bad:    "from pydantic_settings import BaseSettings\n\n\nclass Settings(BaseSettings):\n    jwt_secret: str\n",
	Good:   "from pydantic import SecretStr\nfrom pydantic_settings import BaseSettings\n\n\nclass Settings(BaseSettings):\n    jwt_secret: SecretStr\n",
}

var fallback = &analysis.Rule{
	ID: "lint/setting-default-secret", Title: "A secret has a default", Severity: finding.High,
	Refs:   []string{"CWE-1188", "CWE-798", "API8", "V13.3.1"},
	Text:   "Where the environment is not set, or its name is misspelt, the application starts with a secret that is in the source.",
	Fix:    "Leave the default out, so that it does not start without the secret.",
	Pavise: "settings",
	File:   "app/config.py",
	Bad:    "import os\n\nSECRET_KEY = os.getenv(\"SECRET_KEY\", \"dev-secret-key\")\n",
	Good:   "import os\n\nSECRET_KEY = os.environ[\"SECRET_KEY\"]\n",
}

var literal = &analysis.Rule{
	ID: "lint/secret-literal", Title: "A secret is in the source", Severity: finding.High,
	Refs:   []string{"CWE-798", "CWE-321", "API8", "V13.3.1"},
	Text:   "Whoever reads the repository, its history, an image or a traceback has it, and it cannot be changed without a release.",
	Fix:    "Take it from the environment or a store of secrets, and make a new one: this one is known.",
	Pavise: "settings, pavise leaks",
	File:   "app/config.py",
	Bad:    "SECRET_KEY = \"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7\"\n",
	Good:   "import os\n\nSECRET_KEY = os.environ[\"SECRET_KEY\"]\n",
}

var logged = &analysis.Rule{
	ID: "lint/secret-logged", Title: "A secret goes into a log", Severity: finding.Medium,
	Refs: []string{"CWE-532", "API8", "V16.2.5"},
	Text: "Logs are read by more people than a database, copied to more places and kept for longer.",
	Fix:  "Log who and what, not the secret: an identifier, or nothing.",
	Bad:  "import logging\n\nlogger = logging.getLogger(__name__)\n\n\ndef login(username, password):\n    logger.info(\"login of %s with %s\", username, password)\n",
	Good: "import logging\n\nlogger = logging.getLogger(__name__)\n\n\ndef login(username, password):\n    logger.info(\"login of %s\", username)\n",
}

// Analyzer looks at settings and secrets.
var Analyzer = &analysis.Analyzer{Name: "settings", Rules: []*analysis.Rule{plain, fallback, literal, logged}, Run: run}
