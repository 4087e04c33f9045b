#!/bin/sh
# Makes sure that Debian's Chromium is there, for tests that show pages. It
# installs it (as root or with sudo; 124 MB, 15 seconds) if it is not.
set -eu
command -v chromium >/dev/null && exit 0
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
{
	$sudo apt-get update -q
	$sudo apt-get install -y -q --no-install-recommends chromium
} >&2
command -v chromium >/dev/null
