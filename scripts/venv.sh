#!/bin/sh
# Makes a Python virtual environment once, and prints its path.
#
#   scripts/venv.sh NAME REQUIREMENTS
#
# makes .cache/venv-NAME with what the file REQUIREMENTS lists. A file whose
# first line is "# no-deps" lists everything, in versions that their own
# metadata would not allow together. It is made
# anew only when that file or the Python changes. PYTHON names another
# interpreter than python3. Standard output holds the path and nothing else.
set -eu

[ $# -eq 2 ] || { echo "usage: scripts/venv.sh NAME REQUIREMENTS" >&2; exit 2; }
name=$1
case $name in
'' | *[!A-Za-z0-9._-]* | .*) echo "venv.sh: NAME may hold letters, digits, '.', '_' and '-' only: $name" >&2; exit 2 ;;
esac
[ -f "$2" ] || { echo "venv.sh: no such file: $2" >&2; exit 2; }
requirements=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
python=${PYTHON:-python3}

root=$(cd "$(dirname "$0")/.." && pwd)
venv=$root/.cache/venv-$name
mkdir -p "$root/.cache"

# What the environment depends on. The path is part of it, because scripts in
# an environment name their interpreter by its full path.
stamp() {
	{ cat "$requirements"; "$python" -c 'import sys; print(sys.version, sys.executable)'; echo "$venv"; } | cksum
}
want=$(stamp)
fresh() { [ -x "$venv/bin/python" ] && [ "$(cat "$venv/.stamp" 2>/dev/null)" = "$want" ]; }

if fresh; then
	echo "$venv"
	exit 0
fi

# Several tests may ask at once: one makes it, the others wait. The lock goes
# with the process that holds it, however that ends.
exec 9>"$root/.cache/venv-$name.lock"
"$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
if fresh; then
	echo "$venv"
	exit 0
fi

# The stamp is written last, so a run that was cut short is not taken for a
# finished one.
rm -rf "$venv"
alone=
[ "$(head -n 1 "$requirements")" != "# no-deps" ] || alone=--no-deps
{
	"$python" -m venv "$venv"
	"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
		--root-user-action=ignore $alone --requirement "$requirements"
} >&2
echo "$want" >"$venv/.stamp.new"
mv "$venv/.stamp.new" "$venv/.stamp"
echo "$venv"
