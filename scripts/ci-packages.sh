#!/usr/bin/env bash
# Installs what the suite needs from Debian and this machine lacks: `command package`, one pair a line.
set -euo pipefail

wanted() {
  cat <<'PAIRS'
curl curl
redis-server redis-server
pg_ctlcluster postgresql
chromium chromium
prometheus prometheus
promtool prometheus
haproxy haproxy
nginx nginx-light
wrk wrk
script bsdutils
slowhttptest slowhttptest
faketime faketime
docker-compose docker-compose
PAIRS
}

missing=$(wanted | while read -r program package; do
  command -v "$program" >/dev/null 2>&1 || [ -x "/usr/sbin/$program" ] || echo "$package"
done | sort -u | tr '\n' ' ')

if [ -z "${missing// /}" ]; then
  echo 'Nothing to install.'
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "Not a Debian machine; bring these yourself: $missing" >&2
  exit 0
fi

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# The programs are for private servers of the tests: no service may start by itself on its usual port.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod +x "$policy"
  trap 'as_root rm -f "$policy"' EXIT
fi

echo "Installing: $missing"
export DEBIAN_FRONTEND=noninteractive
as_root apt-get update -qq
# shellcheck disable=SC2086
as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
