#!/bin/sh
# Makes .venv with everything a developer needs. The Makefile calls it, from the project's root, when
# the lock file, pyproject.toml or this script changed. All it says goes to stderr: `make demo` promises
# that its last line on stdout is its own.
#
#   PYTHON=python3.12 make dev     picks the interpreter by hand
set -eu
exec 1>&2

venv=.venv
lock=requirements/dev.txt

say() { printf 'set-up: %s\n' "$*"; }
die() { say "$*"; exit 1; }
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
newer() { [ -n "$(find "$1" -newer "$2")" ]; }
ready() {
    [ -e "$venv/.ready" ] && new_enough "$venv/bin/python" || return 1
    for input in "$lock" pyproject.toml "$0"; do
        if newer "$input" "$venv/.ready"; then return 1; fi
    done
}

choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        new_enough "$PYTHON" || die "PYTHON=$PYTHON is not a Python 3.11 or newer"
        python=$PYTHON
        return
    fi
    for python in python3 python3.13 python3.12 python3.11 python3.14; do
        if new_enough "$python"; then return; fi
    done
    die "needs Python 3.11 or newer and found none (looked for python3, python3.13, python3.12, python3.11)"
}

make_venv() {
    choose_python
    say "making $venv with $python ($("$python" -c 'import platform; print(platform.python_version())')); a minute or two, once"
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv --clear "$venv"
    elif "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m venv --without-pip --clear "$venv" # as on Debian without python3-venv
    else
        die "$python has neither ensurepip nor pip; install one (Debian: apt-get install python3-venv)"
    fi
}

[ -w . ] || die "cannot write in $(pwd); copy the project to a folder of your own"
if command -v flock >/dev/null; then
    exec 9<"$0"
    flock 9 # two makes in one tree take turns
fi
if ready; then exit 0; fi
quiet=--quiet
if ! new_enough "$venv/bin/python"; then
    quiet=
    make_venv
fi

# Where the environment has no pip of its own, the pip of the Python that made it fills it.
pip() { "$venv/bin/python" -m pip "$@"; }
if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
    choose_python
    pip() { "$python" -m pip --python "$venv/bin/python" "$@"; }
fi

say "installing what $lock pins${quiet:+ and is not there yet}"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1
pip install $quiet --progress-bar off --require-hashes --requirement "$lock" ||
    die "the packages did not install; the lines above say why. 'make dev' tries again"
pip install --quiet --no-deps --no-build-isolation --editable . ||
    die "the project itself did not install into $venv; the lines above say why"
touch "$venv/.ready"
say "done"
