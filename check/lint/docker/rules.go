package docker

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var root = &analysis.Rule{
	ID: "lint/image-root", Title: "The image runs as root", Severity: finding.Medium, Kind: analysis.Posture,
	Refs: []string{"CWE-250", "API8", "V13.2.2", "https://docs.docker.com/build/building/best-practices/#user"},
	Text: "Whoever takes over the process is root in the container: free to change its files, to open raw sockets, and one hole of the kernel or one careless mount away from the host.",
	Fix:  "Set USER to a number that is not 0, so that Kubernetes can tell too, before the last CMD or ENTRYPOINT.",
	File: "Dockerfile",
	Bad:  "FROM python:3.13-slim\nCOPY app /srv/app\nCMD [\"python\", \"-m\", \"app\"]\n",
	Good: "FROM python:3.13-slim\nCOPY app /srv/app\nUSER 10001:10001\nCMD [\"python\", \"-m\", \"app\"]\n",
}

var latest = &analysis.Rule{
	ID: "lint/image-latest", Title: "The image is built on whatever is the latest", Severity: finding.Medium,
	Refs: []string{"CWE-1357", "API8"},
	Text: "Without a tag, or with latest, two builds of one commit may hold different software; an update that breaks or betrays arrives with the next build, and nobody can say which one runs.",
	Fix:  "Name a version, and its digest.",
	File: "Dockerfile",
	Bad:  "FROM python\nUSER 10001\n",
	Good: "FROM python:3.13-slim\nUSER 10001\n",
}

var digest = &analysis.Rule{
	ID: "lint/image-no-digest", Title: "The base images are named by tags alone", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-494", "API8", "https://docs.docker.com/build/building/best-practices/#pin-base-image-versions"},
	Text: "A tag can be moved to another image, by its owner or by whoever has taken over the account. A digest names one image for ever.",
	Fix:  "Write the digest behind the tag, as in python:3.13-slim@sha256:…, and let a bot renew it.",
	File: "Dockerfile",
	Bad:  "FROM python:3.13-slim\nUSER 10001\n",
	Good: "FROM python:3.13-slim@sha256:6544e0e002b40ae0f59bc3618b07c1e48064c4faed3a15ae2fbd2e8f663e8283\nUSER 10001\n",
}

var copied = &analysis.Rule{
	ID: "lint/image-env-copied", Title: "Secrets are copied into the image", Severity: finding.High,
	Refs:   []string{"CWE-538", "API8", "V13.3.1", "V13.4.1"},
	Text:   "Whoever can pull the image can read all that was ever copied into it: a later rm hides a file and removes nothing, for the layer stays.",
	Fix:    "Give secrets to the container when it runs, or to one RUN by --mount=type=secret, and list .env, .git and keys in .dockerignore.",
	Pavise: "pavise leaks",
	File:   "Dockerfile",
	Bad:    "FROM python:3.13-slim\nCOPY .env /srv/.env\nUSER 10001\n",
	Good:   "FROM python:3.13-slim\nCOPY .env.example /srv/.env.example\nUSER 10001\n",
}

var secret = &analysis.Rule{
	ID: "lint/image-secret", Title: "A secret is written into the image", Severity: finding.High,
	Refs:   []string{"CWE-798", "API8", "V13.3.1", "https://docs.docker.com/reference/build-checks/secrets-used-in-arg-or-env/"},
	Text:   "Values of ENV are in the image for whoever pulls it, and those of ARG are in its history.",
	Fix:    "Set the variable when the container runs; what the build needs, give to one RUN by --mount=type=secret. Then replace the secret, for it is known.",
	Pavise: "settings",
	File:   "Dockerfile",
	Bad:    "FROM python:3.13-slim\nENV JWT_SECRET=q8Zt2vLw7Rk1\nUSER 10001\n",
	Good:   "FROM python:3.13-slim\nENV JWT_SECRET=\"\"\nUSER 10001\n",
}

var pipe = &analysis.Rule{
	ID: "lint/image-pipe-shell", Title: "What is downloaded is run unseen", Severity: finding.Low,
	Refs: []string{"CWE-494", "API8"},
	Text: "Whoever answers for that address decides what is in the image, today or at any later build. A download that breaks off is run up to where it broke.",
	Fix:  "Download a version to a file, compare its sha256 with one that is written here, and run that; or copy the tool from an image by its digest.",
	File: "Dockerfile",
	Bad:  "FROM debian:12\nRUN curl -sSL https://sh.example.com/install | sh\nUSER 10001\n",
	Good: "FROM debian:12\nRUN curl -sSLo /tmp/i https://sh.example.com/1.2/install && echo \"9f86d081  /tmp/i\" | sha256sum -c && sh /tmp/i\nUSER 10001\n",
}

var sudo = &analysis.Rule{
	ID: "lint/image-sudo", Title: "The image has sudo", Severity: finding.Medium,
	Refs: []string{"CWE-250", "API8"},
	Text: "sudo undoes USER: whoever takes over the process becomes root again.",
	Fix:  "Do what needs root in RUN before USER, and leave sudo out. An entrypoint that has to begin as root drops it with setpriv.",
	File: "Dockerfile",
	Bad:  "FROM debian:12\nRUN apt-get update && apt-get install -y sudo\nUSER 10001\n",
	Good: "FROM debian:12\nRUN apt-get update && apt-get install -y libpq5\nUSER 10001\n",
}

var addURL = &analysis.Rule{
	ID: "lint/image-add-url", Title: "A download is added without a checksum", Severity: finding.Low,
	Refs: []string{"CWE-494", "API8"},
	Text: "Nothing notices when the address gives something else at the next build.",
	Fix:  "Add --checksum=sha256:… to ADD.",
	File: "Dockerfile",
	Bad:  "FROM debian:12\nADD https://example.com/model.bin /srv/\nUSER 10001\n",
	Good: "FROM debian:12\nADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/model.bin /srv/\nUSER 10001\n",
}

var writable = &analysis.Rule{
	ID: "lint/image-chmod-777", Title: "Files of the image can be changed by all", Severity: finding.Low,
	Refs: []string{"CWE-732", "API8"},
	Text: "Whoever takes over the process may change the files, whichever user it runs as: code among them, and it then runs at the next start.",
	Fix:  "Give what has to be written to the one user, with COPY --chown or chown, and leave the rest to root.",
	File: "Dockerfile",
	Bad:  "FROM debian:12\nRUN chmod -R 777 /srv\nUSER 10001\n",
	Good: "FROM debian:12\nRUN chown -R 10001 /srv/data\nUSER 10001\n",
}
