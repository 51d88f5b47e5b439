#!/bin/sh
# `make dashboard` and `make dev-web`: what the web dashboard is built from comes by dashboard/package-lock.json, by its
# hashes. Everything else works without it, and without Node.js.
set -eu
cd "$(dirname "$0")/../dashboard"
if ! command -v npm >/dev/null || ! node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)'; then
    echo "the dashboard needs Node.js 20 or newer and npm (Debian: apt-get install npm); all else works without" >&2
    exit 1
fi
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci
case $1 in
build) SENTINEL_DASHBOARD_OUT="$(cd .. && pwd)/src/sentinel/dashboard_files" npm run build ;;
dev) exec npm run dev ;;
esac
