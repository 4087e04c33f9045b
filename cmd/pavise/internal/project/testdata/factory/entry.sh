#!/bin/sh
set -e
cat >/etc/motd <<EOF
uvicorn not:this
EOF
python -m granian --interface asgi --port 9000 shop.asgi:app # want command granian shop.asgi:app host= port=9000 workers= service=
exec "$@"
