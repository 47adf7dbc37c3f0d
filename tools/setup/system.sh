#!/bin/sh
# Install the servers and the browser that the tests drive, where they are missing.
set -eu

packages=""
[ -x /usr/sbin/mosquitto ] || packages="$packages mosquitto"
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || packages="$packages postgresql"
command -v chromium >/dev/null 2>&1 || packages="$packages chromium"
command -v promtool >/dev/null 2>&1 || packages="$packages prometheus"
command -v systemd-analyze >/dev/null 2>&1 || packages="$packages systemd"
[ -x /usr/sbin/dovecot ] || packages="$packages dovecot-imapd"
command -v strace >/dev/null 2>&1 || packages="$packages strace"
[ -n "$packages" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "the tests need:$packages. Install them, or run 'make test' as root on Debian." >&2
    exit 1
fi
echo "installing$packages"
apt-get update -qq
# The distribution would start servers of its own on the standard ports: the tests start theirs.
printf '#!/bin/sh\nexit 101\n' > /tmp/phonehome-policy-rc.d
[ -e /usr/sbin/policy-rc.d ] || { install -m 755 /tmp/phonehome-policy-rc.d /usr/sbin/policy-rc.d; made=1; }
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
[ -z "${made:-}" ] || rm -f /usr/sbin/policy-rc.d
