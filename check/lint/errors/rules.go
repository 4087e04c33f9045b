package errors

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

const head = "from fastapi import FastAPI, HTTPException\n\napp = FastAPI()\n\n\n"

var detail = &analysis.Rule{
	ID: "lint/error-detail", Title: "An error is answered with its own text", Severity: finding.Medium,
	Refs:   []string{"CWE-209", "CWE-550", "API8", "V16.5.1"},
	Text:   "What goes wrong inside says much about the inside: statements of SQL with their values, hosts, paths, versions, and at times a password in an address.",
	Fix:    "Log the error with logger.exception, and answer with a fixed text and perhaps a number to find it by.",
	Pavise: "probe/verbose-errors",
	Bad:    head + "@app.get(\"/items\")\ndef items():\n    try:\n        return load()\n    except Exception as e:\n        raise HTTPException(500, detail=str(e))\n",
	Good:   head + "@app.get(\"/items\")\ndef items():\n    try:\n        return load()\n    except Exception:\n        logger.exception(\"items\")\n        raise HTTPException(500, detail=\"something went wrong\")\n",
}

var swallowed = &analysis.Rule{
	ID: "lint/exception-swallowed", Title: "A check that fails counts as passed", Severity: finding.Medium,
	Refs: []string{"CWE-636", "CWE-755", "V16.5.3"},
	Text: "Whatever makes the check raise, a token that is no token or a database that is away, lets the caller in.",
	Fix:  "Catch only what you expect, and refuse: return False, or raise.",
	Bad:  "def verify_token(token):\n    try:\n        decode(token)\n    except Exception:\n        pass\n    return True\n",
	Good: "def verify_token(token):\n    try:\n        decode(token)\n    except InvalidToken:\n        return False\n    return True\n",
}

var env = &analysis.Rule{
	ID: "lint/env-exposed", Title: "A route answers with the settings", Severity: finding.High,
	Refs:   []string{"CWE-200", "CWE-497", "API8", "V15.2.3"},
	Text:   "The environment and the settings hold passwords of databases, keys of other services and the key that signs tokens.",
	Fix:    "Take the route away, or answer with the few values that clients need, by name.",
	Pavise: "",
	Bad:    "import os\n\n" + head + "@app.get(\"/debug\")\ndef debug():\n    return dict(os.environ)\n",
	Good:   "import os\n\n" + head + "@app.get(\"/info\")\ndef info():\n    return {\"region\": os.environ[\"REGION\"]}\n",
}

var info = &analysis.Rule{
	ID: "lint/debug-route-info", Title: "A route tells what the server is made of", Severity: finding.Medium,
	Refs: []string{"CWE-497", "API8", "V13.4.6"},
	Text: "Versions of the system, of Python and of packages say which known holes are worth a try.",
	Fix:  "Take the route away, or ask who calls.",
	Bad:  "import sys\n\n" + head + "@app.get(\"/version\")\ndef version():\n    return {\"python\": sys.version}\n",
	Good: head + "@app.get(\"/version\")\ndef version():\n    return {\"version\": __version__}\n",
}
