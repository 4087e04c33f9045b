package execution

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var command = &analysis.Rule{
	ID: "lint/command-injection", Title: "Request data is part of a command", Severity: finding.Critical,
	Refs: []string{"CWE-78", "V1.2.5"},
	Text: "A shell runs what stands behind a semicolon; who chooses the program needs no shell.",
	Fix:  "Give the program and its arguments as a list, without a shell: subprocess.run([\"ping\", \"-c\", \"1\", \"--\", host]).",
	Bad:  "import os\n\nfrom fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get(\"/ping\")\ndef ping(host: str):\n    os.system(f\"ping -c 1 {host}\")\n",
	Good: "import subprocess\n\nfrom fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get(\"/ping\")\ndef ping(host: str):\n    subprocess.run([\"ping\", \"-c\", \"1\", \"--\", host], check=True)\n",
}

var shell = &analysis.Rule{
	ID: "lint/shell-true", Title: "A command for a shell is put together from values", Severity: finding.Medium,
	Refs: []string{"CWE-78", "V1.2.5"},
	Text: "A space or a semicolon in a value makes another command of it.",
	Fix:  "Leave the shell out and give a list, or quote each value with shlex.quote.",
	Bad:  "import subprocess\n\n\ndef pack(name):\n    subprocess.run(f\"tar czf {name}.tgz {name}\", shell=True)\n",
	Good: "import subprocess\n\n\ndef pack(name):\n    subprocess.run([\"tar\", \"czf\", f\"{name}.tgz\", \"--\", name])\n",
}

var code = &analysis.Rule{
	ID: "lint/code-execution", Title: "Request data is run as code", Severity: finding.Critical,
	Refs: []string{"CWE-95", "CWE-470", "V1.3.2"},
	Text: "What is evaluated can do all that the application can: read its keys, and run programs.",
	Fix:  "Parse what is expected (ast.literal_eval, json.loads, a table of functions by name) and run nothing.",
	Bad:  "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get(\"/sum\")\ndef total(formula: str):\n    return eval(formula)\n",
	Good: "import ast\n\nfrom fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get(\"/sum\")\ndef total(values: str):\n    return sum(ast.literal_eval(values))\n",
}

var deserialization = &analysis.Rule{
	ID: "lint/unsafe-deserialization", Title: "Objects are made from what a client sends", Severity: finding.Critical,
	Refs: []string{"CWE-502", "V1.5.2"},
	Text: "pickle and its like, and YAML with a full loader, run functions that the data names.",
	Fix:  "Take JSON, or yaml.safe_load; for models, a format that holds numbers only, such as safetensors, or weights_only=True.",
	Bad:  "import pickle\n\nfrom fastapi import FastAPI, Request\n\napp = FastAPI()\n\n\n@app.post(\"/load\")\nasync def load(request: Request):\n    return pickle.loads(await request.body())\n",
	Good: "import json\n\nfrom fastapi import FastAPI, Request\n\napp = FastAPI()\n\n\n@app.post(\"/load\")\nasync def load(request: Request):\n    return json.loads(await request.body())\n",
}

var template = &analysis.Rule{
	ID: "lint/template-injection", Title: "Request data is a template", Severity: finding.Critical,
	Refs: []string{"CWE-1336", "V1.3.7"},
	Text: "A template is code: {{ … }} in it reaches Python's objects, and from there the system.",
	Fix:  "Keep templates in files, and pass request data to them as values.",
	Bad:  "from fastapi import FastAPI\nfrom jinja2 import Template\n\napp = FastAPI()\n\n\n@app.get(\"/hello\")\ndef hello(name: str):\n    return Template(f\"Hello {name}\").render()\n",
	Good: "from fastapi import FastAPI\nfrom jinja2 import Template\n\napp = FastAPI()\n\n\n@app.get(\"/hello\")\ndef hello(name: str):\n    return Template(\"Hello {{ name }}\").render(name=name)\n",
}
