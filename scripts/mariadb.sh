#!/bin/sh
# A MariaDB server of one's own, on loopback and a free port.
#
#   scripts/mariadb.sh start DIR   makes DIR, starts a server whose data is in
#                                  it, and prints its DSN
#   scripts/mariadb.sh stop DIR    stops it and removes DIR
#
# It installs Debian's package (as root or with sudo) if there is none.
set -eu
[ $# -eq 2 ] || { echo "usage: scripts/mariadb.sh start|stop DIR" >&2; exit 2; }
dir=$2
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
PATH=$PATH:/usr/sbin:/usr/local/sbin
if ! command -v mariadbd >/dev/null; then
	{
		$sudo apt-get update -q
		$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends mariadb-server
	} >&2
fi
as=
[ "$(id -u)" != 0 ] || as="setpriv --reuid=mysql --regid=mysql --clear-groups"
case $1 in
start)
	mkdir -p "$dir"
	[ -z "$as" ] || chown mysql "$dir"
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	{
		cd /
		$as mariadb-install-db --no-defaults --auth-root-authentication-method=normal --datadir="$dir/data" --skip-test-db
		$as mariadbd --no-defaults --datadir="$dir/data" --socket="$dir/sock" --pid-file="$dir/pid" --bind-address=127.0.0.1 --port="$port" \
			--innodb-flush-log-at-trx-commit=0 --log-error="$dir/log" >/dev/null 2>&1 &
		i=0
		until mariadb --no-defaults --socket="$dir/sock" -u root -e "CREATE DATABASE IF NOT EXISTS pavise; CREATE USER IF NOT EXISTS pavise@'127.0.0.1' IDENTIFIED BY 'pavise'; GRANT ALL ON pavise.* TO pavise@'127.0.0.1'" 2>/dev/null; do
			i=$((i + 1))
			[ "$i" -lt 150 ] || { cat "$dir/log"; exit 1; }
			sleep 0.2
		done
	} >&2
	echo "mysql://pavise:pavise@127.0.0.1:$port/pavise"
	;;
stop)
	cd /
	[ ! -f "$dir/pid" ] || kill "$(cat "$dir/pid")" 2>/dev/null || true
	i=0
	while [ -f "$dir/pid" ] && [ "$i" -lt 50 ]; do
		i=$((i + 1))
		sleep 0.2
	done
	rm -rf "$dir"
	;;
*)
	echo "usage: scripts/mariadb.sh start|stop DIR" >&2
	exit 2
	;;
esac
