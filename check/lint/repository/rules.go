package repository

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

const app = "from fastapi import FastAPI\n\napp = FastAPI()\n"

var ignored = &analysis.Rule{
	ID: "lint/gitignore-secrets", Title: "Git does not pass over files of secrets", Severity: finding.Medium, Kind: analysis.Posture,
	Refs:   []string{"CWE-538", "CWE-312", "API8", "V13.3.1"},
	Text:   "The next git add . takes .env or a key, and what was pushed once stays in the history of all who have it.",
	Fix:    "Add .env, .env.*, !.env.example, *.pem and *.key to .gitignore.",
	Pavise: "pavise leaks",
	Bad:    "-- app/main.py --\n" + app + "-- .gitignore --\n__pycache__/\n",
	Good:   "-- app/main.py --\n" + app + "-- .gitignore --\n__pycache__/\n.env*\n!.env.example\n*.pem\n*.key\n",
}

var unpinned = &analysis.Rule{
	ID: "lint/requirements-unpinned", Title: "Versions of what is required are not held", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-1357", "API8"},
	Text: "Two builds of one commit may hold different software; a version that breaks or betrays arrives with the next build, and an audit looks at other versions than those that run.",
	Fix:  "Keep a lock file, as uv lock, poetry lock or pip-compile --generate-hashes write it, and install by it.",
	File: "requirements.txt",
	Bad:  "fastapi\nuvicorn>=0.30\n",
	Good: "fastapi==0.121.0\nuvicorn==0.38.0\n",
}

var unhashed = &analysis.Rule{
	ID: "lint/requirements-no-hash", Title: "Nothing says what the required versions are made of", Severity: finding.Info, Kind: analysis.Posture,
	Refs: []string{"CWE-494", "V15.2.4", "https://pip.pypa.io/en/stable/topics/secure-installs/"},
	Text: "A version's files are taken as the index, or a mirror of it, gives them, and what versions they require in turn is open.",
	Fix:  "Write hashes: pip-compile --generate-hashes, or uv export, and install with --require-hashes.",
	File: "requirements.txt",
	Bad:  "fastapi==0.121.0\n",
	Good: "fastapi==0.121.0 \\\n    --hash=sha256:8bdf1656741c8ee8424d0e8a1a4b9d7b0e6b8a3f9c2a4f1e3d5c7b9a8f6e4d2c\n",
}

var unwatched = &analysis.Rule{
	ID: "lint/no-audit", Title: "Nobody watches for known vulnerabilities", Severity: finding.Medium, Kind: analysis.Posture,
	Refs:   []string{"CWE-1395", "API8", "V15.2.1"},
	Text:   "Vulnerabilities of what is depended on become known every week, and those who look for them read the same lists.",
	Fix:    "Run an audit in every build and once a day, and let it fail: pavise audit, pip-audit, govulncheck, osv-scanner. Let Dependabot or Renovate bring the new versions.",
	Pavise: "pavise audit",
	Bad:    "-- requirements.txt --\nfastapi==0.121.0\n-- .github/workflows/ci.yml --\non: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: pytest\n",
	Good:   "-- requirements.txt --\nfastapi==0.121.0\n-- .github/workflows/ci.yml --\non: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: pip-audit -r requirements.txt\n",
}

var indexes = &analysis.Rule{
	ID: "lint/index-url-http", Title: "Packages are fetched without a check of who gives them", Severity: finding.High,
	Refs: []string{"CWE-319", "CWE-494", "CWE-295", "API8", "V15.2.4"},
	Text: "Without TLS, or with a host that is trusted whatever its certificate, whoever is on the way gives packages of his own, whose code runs when they are installed.",
	Fix:  "Use https://, and give pip the certificate of your own authority by --cert rather than --trusted-host.",
	File: "requirements.txt",
	Bad:  "--index-url http://pypi.example.com/simple\nfastapi==0.121.0\n",
	Good: "--index-url https://pypi.example.com/simple\nfastapi==0.121.0\n",
}

var extra = &analysis.Rule{
	ID: "lint/index-extra", Title: "Two indexes are asked for every package", Severity: finding.Low,
	Refs: []string{"CWE-427", "CWE-1357", "API8", "V15.2.4", "https://pip.pypa.io/en/stable/cli/pip_install/#cmdoption-extra-index-url"},
	Text: "pip takes the highest version that any index has: whoever registers the name of a private package at PyPI, with a higher version, has his code installed.",
	Fix:  "Use one index that stands for both, hashes, or uv, which asks the indexes in their order and takes a package from the first that has it.",
	File: "requirements.txt",
	Bad:  "--extra-index-url https://pypi.example.com/simple\nfastapi==0.121.0\n",
	Good: "--index-url https://pypi.example.com/simple\nfastapi==0.121.0\n",
}

var gitRefs = &analysis.Rule{
	ID: "lint/git-dependency-branch", Title: "A dependency is whatever a repository holds", Severity: finding.Medium,
	Refs: []string{"CWE-829", "CWE-1357", "API8"},
	Text: "What is pushed to that repository, by whoever may or has found out how, is in the next build; no audit knows its version.",
	Fix:  "Name the 40 digits of a commit behind @, or use a release.",
	File: "requirements.txt",
	Bad:  "shop @ git+https://github.com/example/shop.git@main\n",
	Good: "shop @ git+https://github.com/example/shop.git@08c6903cd8c0fde910a37f88322edcfb5dd907a8\n",
}
