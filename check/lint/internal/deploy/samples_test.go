package deploy

// samples are real-looking files of each kind.
var samples = map[string]string{
	"Dockerfile": `# syntax=docker/dockerfile:1
ARG PYTHON=3.13
ARG VARIANT=${PYTHON}-slim
ARG REGISTRY
FROM node:24 AS web
RUN npm ci && \
    # a comment in between
    npm run build

FROM --platform=$BUILDPLATFORM python:${VARIANT} AS Base
ENV PORT=8000 HOST="0.0.0.0"
ENV WORKERS 4
ARG TOKEN TAG="1.2"
RUN <<EOF
set -e
pip install uvicorn
curl -sSL https://example.com/install | sh
EOF
COPY <<-DATA /etc/app.conf
	a = b
	DATA
USER app:app

FROM base
COPY --from=web --chown=app /dist /srv/web
ENTRYPOINT ["poetry", "run"]
CMD ["uvicorn", "app.main:app", "--host=0.0.0.0", "--port", "8000"]
`,
	"compose.yaml": `x-common: &common
  restart: always
  environment: &env
    LOG_LEVEL: info
    MODE: common
x-limits: &limits
  mem_limit: 1g
  restart: "no"
services:
  api:
    <<: [*common, *limits]
    image: shop/api:1.2
    environment:
      <<: *env
      MODE: api
    command: sh -c "exec uvicorn app:app --port 80 --proxy-headers"
  jobs:
    <<: *common
    restart: never
    entrypoint: [uv, run]
    command:
      - gunicorn
      - --workers=2
      - shop:app
  old:
    environment:
      - A=b=c
      - INHERITED
`,
	"deploy/api.yaml": `apiVersion: v1
kind: List
items:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: api}
    spec:
      template:
        spec:
          initContainers:
            - name: migrate
              command: [alembic, upgrade, head]
          containers:
            - name: api
              command: ["uvicorn"]
              args: ["app:app", "--workers", "2"]
              env:
                - name: MODE
                  value: "production"
                - name: PASSWORD
                  valueFrom: {secretKeyRef: {name: api, key: password}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - name: nightly
---
# nothing
---
apiVersion: v1
kind: ConfigMap
metadata: {name: api}
data:
  MODE: production
  nginx.conf: |
    server { }
`,
	"templates/api.yaml": `{{- if .Values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.name" . }}-api
  labels:
{{ include "shop.labels" . | indent 4 }}
  {{- /* a comment, with }} in it
  kind: Nothing
  */}}
spec:
  template:
    spec:
      securityContext: {{- toYaml .Values.security | nindent 8 }}
      {{- if .Values.host }}
      hostNetwork: true
      {{- else }}
      hostNetwork: false
      {{- end }}
      containers:
        - name: api
          image: "{{ .Values.image }}:{{ .Values.tag }}"
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
          env:
            {{- range $k, $v := .Values.env }}
            - name: {{ $k }}
              value: {{ $v | quote }}
            {{- end }}
            - name: MODE
              value: production
{{- end }}
`,
	".github/workflows/ci.yml": `name: ci
on: [push]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - run: |
          pip install .
          pytest
`,
	".pre-commit-config.yaml": "repos:\n  - repo: https://example.com/hooks\n    rev: v1\n    hooks: [{id: check}]\n",
	".gitlab-ci.yml":          "test:\n  script:\n    - pytest\n",
	"traefik.yml":             "entryPoints:\n  web:\n    address: \":80\"\n",
	"nginx.conf": `user nginx;
http {
    # a comment; with { in it
    log_format main '$remote_addr {"a": "$request"}'
                    '$status';
    server_tokens off;
    map $http_upgrade $connection { default upgrade; '' close; }
    server {
        listen 443 ssl;
        server_name ~^(?<name>.+)\.example\.com$;
        add_header X-A "b; c" always;
        location ~ \.php${suffix} {
            proxy_set_header Host $host;
            proxy_pass http://${upstream}:8000;
        }
    }
}
`,
	"Caddyfile": `{
	admin off
}

example.com, www.example.com {
	# a comment
	header {
		-Server
		X-A "b c"
	}
	reverse_proxy /api/* {$UPSTREAM:localhost:8000} {
		header_up Host {host}
	}
}
`,
	"pyproject.toml":   "[project]\nname = \"shop\"\ndependencies = [\"fastapi==0.120.0\", \"uvicorn\"]\n[tool.ruff.lint]\nselect = [\"S\"]\n",
	"Procfile":         "# what runs\nweb: FORWARDED_ALLOW_IPS=10.0.0.1 gunicorn shop:app -w 2\nworker: python -m jobs\n",
	"api.service":      "[Service]\nEnvironment=\"MODE=production\"\nEnvironment=A=b\nExecStart=-/srv/venv/bin/uvicorn app:app --uds /run/api.sock\n",
	"supervisord.conf": "[program:api]\ncommand = hypercorn app:app --bind 0.0.0.0:8000\nautostart=true\n",
	"start.sh": `#!/bin/bash
set -e
MODE=production
export WORKERS=2
if [ -n "$DEBUG" ]; then
  exec fastapi dev app/main.py
fi
echo uvicorn starts
exec env A=b uvicorn "app.main:app" --port "${PORT:-8000}"
`,
	".gitignore":       "# what stays\n.env\n*.pem\n",
	".dockerignore":    ".git\n!src\n",
	"requirements.txt": "fastapi==0.120.0 --hash=sha256:00\nuvicorn\n",
}
