package compose

import (
	"github.com/pavise-dev/pavise/check/lint/internal/analysis"
	"github.com/pavise-dev/pavise/finding"
)

var privileged = &analysis.Rule{
	ID: "lint/compose-privileged", Title: "A container may do what the host may", Severity: finding.High,
	Refs: []string{"CWE-250", "API8", "V13.2.2"},
	Text: "A privileged container sees all devices and has all capabilities; SYS_ADMIN alone is enough to mount the host's disk. Whoever takes over the process has the host.",
	Fix:  "Leave privileged out, drop ALL capabilities, and add back the few that are needed.",
	File: "compose.yaml",
	Bad:  "services:\n  api:\n    image: shop/api:1.2\n    privileged: true\n    user: app\n    mem_limit: 1g\n",
	Good: "services:\n  api:\n    image: shop/api:1.2\n    cap_drop: [ALL]\n    mem_limit: 1g\n",
}

var socket = &analysis.Rule{
	ID: "lint/compose-docker-socket", Title: "A container has the host in its hands", Severity: finding.High,
	Refs: []string{"CWE-250", "CWE-668", "API8", "V13.2.2"},
	Text: "Who can write to Docker's socket can start a privileged container, and has the host. Mounting it read-only protects the file, not what is asked through it. The host's root or /etc give as much.",
	Fix:  "Put a proxy in front of the socket that lets through only what is read, and mount no folder of the host but what is needed.",
	File: "compose.yaml",
	Bad:  "services:\n  api:\n    image: shop/api:1.2\n    user: app\n    mem_limit: 1g\n    volumes:\n      - /var/run/docker.sock:/var/run/docker.sock\n",
	Good: "services:\n  api:\n    image: shop/api:1.2\n    user: app\n    mem_limit: 1g\n    volumes:\n      - data:/var/lib/shop\n",
}

var host = &analysis.Rule{
	ID: "lint/compose-host", Title: "A container shares a namespace of the host", Severity: finding.Medium,
	Refs: []string{"CWE-653", "API8"},
	Text: "On the host's network a container reaches all that listens on localhost only, and listens on all interfaces itself; with the host's processes or memory it can read those of others.",
	Fix:  "Use a network of Compose, and publish the one port.",
	File: "compose.yaml",
	Bad:  "services:\n  api:\n    image: shop/api:1.2\n    user: app\n    mem_limit: 1g\n    network_mode: host\n",
	Good: "services:\n  api:\n    image: shop/api:1.2\n    user: app\n    mem_limit: 1g\n    networks: [inner]\n",
}

var plain = &analysis.Rule{
	ID: "lint/compose-plain-secret", Title: "A secret is written in the Compose file", Severity: finding.High,
	Refs:   []string{"CWE-798", "CWE-1188", "API8", "V13.3.1"},
	Text:   "Whoever reads the repository, or docker inspect on the host, knows it; and every installation that nobody changed has the same.",
	Fix:    "Write ${NAME:?} so that nothing starts without it, or use secrets: and a variable that ends in _FILE. Then replace the secret, for it is known.",
	Pavise: "settings",
	File:   "compose.yaml",
	Bad:    "services:\n  api:\n    image: shop/api:1.2\n    user: app\n    mem_limit: 1g\n    environment:\n      JWT_SECRET: q8Zt2vLw7Rk1\n",
	Good:   "services:\n  api:\n    image: shop/api:1.2\n    user: app\n    mem_limit: 1g\n    environment:\n      JWT_SECRET: ${JWT_SECRET:?}\n",
}

var ports = &analysis.Rule{
	ID: "lint/compose-ports", Title: "A database is published to the network", Severity: finding.Medium,
	Refs: []string{"CWE-668", "API8"},
	Text: "A published port listens on all interfaces of the host, and Docker opens it past the rules of ufw and firewalld. Services of one Compose file reach each other without.",
	Fix:  "Leave ports out, or publish 127.0.0.1:5432:5432.",
	File: "compose.yaml",
	Bad:  "services:\n  db:\n    image: postgres:18\n    restart: always\n    user: postgres\n    mem_limit: 1g\n    ports: [\"5432:5432\"]\n",
	Good: "services:\n  db:\n    image: postgres:18\n    restart: always\n    user: postgres\n    mem_limit: 1g\n    ports: [\"127.0.0.1:5432:5432\"]\n",
}

var limits = &analysis.Rule{
	ID: "lint/compose-no-limits", Title: "No service has a limit", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-770", "API4", "V15.2.2"},
	Text: "One service that leaks or is flooded takes the memory of all, and the kernel ends whichever it likes.",
	Fix:  "Set deploy.resources.limits, or mem_limit and pids_limit, for each service.",
	File: "compose.yaml",
	Bad:  "services:\n  api:\n    image: shop/api:1.2\n    user: app\n",
	Good: "services:\n  api:\n    image: shop/api:1.2\n    user: app\n    deploy:\n      resources:\n        limits:\n          memory: 512M\n",
}

var rooted = &analysis.Rule{
	ID: "lint/compose-root", Title: "No service gives up what it does not need", Severity: finding.Low, Kind: analysis.Posture,
	Refs: []string{"CWE-250", "API8", "V13.2.2"},
	Text: "As started here, each service has Docker's default capabilities, may gain privileges by setuid, and may change its own files.",
	Fix:  "Set user, read_only: true with a tmpfs for /tmp, cap_drop: [ALL] and security_opt: [no-new-privileges:true].",
	File: "compose.yaml",
	Bad:  "services:\n  api:\n    image: shop/api:1.2\n    mem_limit: 1g\n",
	Good: "services:\n  api:\n    image: shop/api:1.2\n    mem_limit: 1g\n    read_only: true\n    cap_drop: [ALL]\n",
}
