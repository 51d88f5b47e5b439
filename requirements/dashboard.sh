#!/bin/sh
# The web dashboard from its sources. The Makefile calls it, and hatch_build.py for a wheel; from anywhere.
#
#   ready    builds src/sentinel/dashboard_files where it is older than its sources. Where that cannot be
#            done it says so in one line and ends with 0: all else works without a dashboard
#   build    the same, but ends with 1 and shows what failed
#   promises ends with 1 where what was built breaks one that dashboard/scripts/budget.mjs holds it to
#   packages fetches what it is built from, and no more
#   check    the dashboard's own checks
#   dev      serves it while it is worked on
#
# What it is built from comes by dashboard/package-lock.json, by its hashes. All that is said goes to stderr, but
# for `check` and `dev`: `make demo` promises that its last line on stdout is its own.
set -eu
cd "$(dirname "$0")/.."
mode=$1
built=src/sentinel/dashboard_files
work=build/dashboard # git knows it as something that is built; on the file system that it is moved to
case $mode in ready | build | packages) exec 1>&2 ;; esac

say() { printf 'dashboard: %s\n' "$*" >&2; }
give_up() {
    if [ "$mode" != ready ]; then
        [ ! -s "${log:-}" ] || cat "$log" >&2
        say "$*"
        exit 1
    fi
    is="is not built"
    [ ! -e "$built/index.html" ] || is="is older than its sources"
    say "$is: $*. All else works without it"
    exit 0
}

# What was built is as old as its index.html, which is given the time at which the build began.
is_old() {
    [ -e "$built/index.html" ] || return 0
    [ ! -e PKG-INFO ] || return 1 # a source distribution, which brings what was built of these very sources
    [ -n "$(find dashboard/src dashboard/public dashboard/index.html dashboard/package.json dashboard/package-lock.json \
        dashboard/vite.config.ts dashboard/tsconfig.json dashboard/scripts/budget.mjs \
        ! -name '*.test.ts' ! -name '*.test.tsx' -newer "$built/index.html")" ]
}

has_node() { { command -v node && command -v npm; } >/dev/null 2>&1; }
needs_node() {
    if ! has_node; then
        give_up "it needs Node.js 20.19 or newer and npm, and there is none; install them (Debian: apt-get install npm), then make dashboard"
    fi
    # As Vite has it: of each of its lines the first that can load modules either way.
    node -e 'const [a, b] = process.versions.node.split(".").map(Number);
        process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)' 2>/dev/null ||
        give_up "it needs Node.js 20.19, 22.12 or newer, and this is $(node --version 2>/dev/null || echo broken); install a newer one, then make dashboard"
}

needs_packages() {
    if [ dashboard/node_modules/.package-lock.json -nt dashboard/package-lock.json ]; then return; fi
    say "fetching what it is built from; a minute, once"
    # A registry that cannot be reached is given up within a minute or two, not after the ten that npm takes.
    (cd dashboard && npm ci --no-audit --no-fund --loglevel=error --fetch-retries=1 \
        --fetch-retry-mintimeout=1000 --fetch-timeout=30000) >"$log" 2>&1 ||
        give_up "npm could not fetch what it is built from ($(reason)); make dashboard tries again and shows what npm said"
}
reason() {
    sed -n 's/^npm error code //p' "$log" | grep . || echo "npm ci failed"
}

build() {
    say "building it from its sources"
    new=$work/new.$$
    touch "$work/began.$$"
    (cd dashboard && SENTINEL_DASHBOARD_OUT="../$work/new.$$" npm run --silent bundle) >"$log" 2>&1 ||
        give_up "it could not be built; make dashboard shows why"
    touch -r "$work/began.$$" "$new/index.html"
    # First what the new page needs, then the page, then away with what the old one needed: whoever is served in between,
    # or finds this killed in between, has a whole one.
    mkdir -p "$built/assets"
    ls "$new/assets" >"$new/names"
    mv -f "$new"/assets/* "$built/assets/"
    mv -f "$new/index.html" "$built/index.html"
    for file in "$built"/assets/*; do
        grep -qxF -- "${file##*/}" "$new/names" || rm -f -- "$file"
    done
    say "done"
}

keeps_promises() { (cd dashboard && SENTINEL_DASHBOARD_OUT="../$built" npm run --silent budget) >"$log" 2>&1; }

case $mode in ready | build) is_old || exit 0 ;; esac
if [ "$mode" = check ] && ! has_node; then
    say "not checked: its checks need Node.js 20.19 or newer and npm, and there is none"
    exit 0
fi
needs_node
[ -w dashboard ] && [ -w src/sentinel ] || give_up "nothing can be written in $(pwd); copy the project to a folder of your own"
if command -v flock >/dev/null; then
    exec 9<requirements/dashboard.sh
    flock 9 # two makes in one tree take turns
    rm -rf "$work"/new.* "$work"/began.* "$work"/log.* # of those that were killed
fi
mkdir -p "$work"
log=$work/log.$$
trap 'rm -rf "$work/new.$$" "$work/began.$$" "$work/log.$$"' EXIT
trap 'exit 130' INT TERM HUP
case $mode in
ready | build)
    is_old || exit 0
    needs_packages
    build
    keeps_promises || sed 's/^/dashboard: /' "$log"
    ;;
promises)
    keeps_promises || give_up "what was built breaks a promise; the lines above say which"
    cat "$log"
    ;;
packages) needs_packages ;;
check)
    needs_packages
    exec 9<&-
    (cd dashboard && npm run --silent check)
    ;;
dev)
    needs_packages
    rm -f "$log"
    cd dashboard
    exec 9<&-
    exec npm run dev
    ;;
esac
