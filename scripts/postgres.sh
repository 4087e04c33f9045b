#!/bin/sh
# A PostgreSQL server of one's own, on loopback and a free port.
#
#   scripts/postgres.sh start DIR   makes DIR, starts a server whose data is in
#                                   it, and prints its DSN
#   scripts/postgres.sh stop DIR    stops it and removes DIR
#
# It installs Debian's package (as root or with sudo) if there is none. The
# server does not run as root: root's is run as the package's user postgres.
set -eu
[ $# -eq 2 ] || { echo "usage: scripts/postgres.sh start|stop DIR" >&2; exit 2; }
dir=$2
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
find_bin() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }
bin=$(find_bin)
if [ -z "$bin" ] || [ ! -x "$bin/postgres" ]; then
	{
		$sudo apt-get update -q
		# The package would start a server of its own.
		$sudo mkdir -p /etc/postgresql-common
		echo "create_main_cluster = false" | $sudo tee /etc/postgresql-common/createcluster.conf
		$sudo apt-get install -y -q --no-install-recommends postgresql
	} >&2
	bin=$(find_bin)
fi
as=
[ "$(id -u)" != 0 ] || as="setpriv --reuid=postgres --regid=postgres --clear-groups"
case $1 in
start)
	mkdir -p "$dir"
	[ -z "$as" ] || chown postgres "$dir"
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	{
		cd /
		$as "$bin/initdb" -D "$dir/data" -U pavise -A trust -E UTF8 --locale=C.UTF-8 >"$dir.log"
		# What is tested is what is written, not the disk: a machine that
		# loses its power loses the test with it.
		$as "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$dir -c fsync=off -c shared_buffers=256MB -c max_wal_size=2GB" start
	} >&2
	echo "postgres://pavise@127.0.0.1:$port/postgres"
	;;
stop)
	cd /
	[ ! -d "$dir/data" ] || $as "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true
	rm -rf "$dir" "$dir.log"
	;;
*)
	echo "usage: scripts/postgres.sh start|stop DIR" >&2
	exit 2
	;;
esac
