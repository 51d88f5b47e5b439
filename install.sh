#!/bin/sh
# Installs Sentinel on this machine, or takes it off again. Works offline, from a copy of the repository. Every
# step can be repeated: after an interruption, run it once more. The arbiter is started; all else is for you to
# switch on.
#
#   /opt/sentinel/lib              the Python package (a link; each installation has a folder of its own)
#   /opt/sentinel/extra            yours: optional libraries, kept by upgrades (docs/guides/install.md says which)
#   /usr/local/bin/sentinel-*      the commands
#   /etc/sentinel/config.toml      written once, then yours
#   /etc/systemd/system/sentinel.{service,socket}      the arbiter
#   /etc/systemd/system/sentinel-{agent.service,scan.service,scan.timer}   to enable: one of agent and timer
#   /etc/systemd/system/sentinel-supervisor.service    the jobs of a node; sentinel-agent starts it
#   /etc/systemd/system/sentinel-server.service        the controller, on one machine, as the user sentinel-server
#   /var/lib/sentinel              state: who holds what, what is paused; the node's key and jobs
#   /var/lib/sentinel-server       the controller's database, logs and keys
set -eu
umask 022
export LC_ALL=C

usage() {
    cat <<'EOF'
usage: install.sh [--dry-run] [--python PATH]
       install.sh --uninstall [--purge] [--force] [--dry-run]

Installs Sentinel from this folder and starts its arbiter (root; no network needed).

  --uninstall     bring inference back, stop all of it and remove it; config and state stay
  --purge         with --uninstall: remove config, state and logs too, but for a controller's data
  --force         with --uninstall: even if research holds GPUs (inference then stays paused) or jobs run
                  (they run on, and nobody will know how they end)
  --dry-run       say what would be done, do nothing
  --python PATH   the Python (3.11 or newer) to run on; by default the system's own
  --prefix DIR    install below DIR and leave systemd alone (for trying out; needs no root)

exit codes: 0 done; 2 wrong usage, or not root; 1 it could not be done, the last line says why
EOF
}

say() { printf 'install.sh: %s\n' "$*"; }
die() { # die CODE MESSAGE
    code=$1
    shift
    printf 'install.sh: %s\n' "$*" >&2
    exit "$code"
}
run() { # run COMMAND…: does it, or says so
    if [ "$dry" = yes ]; then
        printf '+ %s\n' "$*"
    else
        "$@"
    fi
}
put() { # put MODE FILE: standard input becomes FILE, at once or not at all
    if [ "$dry" = yes ]; then
        cat >/dev/null
        printf '+ write %s (mode %s)\n' "$2" "$1"
        return
    fi
    mkdir -p "$(dirname "$2")"
    cat >"$2.new"
    chmod "$1" "$2.new"
    mv -f "$2.new" "$2"
}

# ------------------------------------------------------------------ Python

# Prints nothing and succeeds when the Python in $1 is new enough, and every user can run it.
suits() {
    "$1" -I -S - <<'EOF' 2>/dev/null
import os, stat, sys
if sys.version_info < (3, 11):
    sys.exit("old")
for path in (os.path.abspath(sys.executable), os.path.realpath(sys.executable), os.path.realpath(os.__file__)):
    while path != "/":
        path = os.path.dirname(path)
        if not os.stat(path).st_mode & stat.S_IXOTH:
            sys.exit("private")
EOF
}

# Sets $python. The name without a version comes first: it survives the next release of the system.
find_python() {
    if [ -n "$python" ]; then
        suits "$python" || die 1 "--python $python is not a Python 3.11 or newer that every user can run"
    else
        for candidate in /usr/bin/python3 /usr/local/bin/python3 /usr/bin/python3.?? /usr/local/bin/python3.?? \
            "$(command -v python3 2>/dev/null || true)"; do
            if [ -x "$candidate" ] && suits "$candidate"; then
                python=$candidate
                break
            fi
        done
        [ -n "$python" ] ||
            die 1 "no Python 3.11 or newer that every user can run; install one, or name it with --python PATH"
    fi
    # A shim (pyenv, asdf) is a script, and a first line cannot name a script.
    python=$("$python" -I -S -c 'import sys; print(sys.executable)')
    case $python in
    *' '* | '') die 1 "the path of that Python cannot stand in a script's first line: '$python'" ;;
    esac
}

# ------------------------------------------------------------------ installing

# The package goes into a folder of its own, and the link to it is switched last: no moment without a library.
install_library() {
    fresh=$opt/lib-$(date +%s)-$$
    say "copying the package to $fresh"
    run mkdir -p "$opt/extra" "$fresh"
    run cp -R "$source/src/sentinel" "$fresh/"
    run find "$fresh" -name __pycache__ -prune -exec rm -rf {} +
    run chmod -R u=rwX,go=rX "$fresh"
    run "$python" -I -S -m compileall -q "$fresh/sentinel"
}

switch_library() {
    if [ -d "$opt/lib" ] && [ ! -L "$opt/lib" ]; then run rm -rf "$opt/lib"; fi
    run ln -s "$(basename "$fresh")" "$fresh.link"
    run mv -Tf "$fresh.link" "$opt/lib"
    for old in "$opt"/lib-*; do
        # -L too: an interrupted installation may leave a link to nowhere.
        if { [ -e "$old" ] || [ -L "$old" ]; } && [ "$old" != "$fresh" ]; then run rm -rf "$old"; fi
    done
}

# launcher NAME OPTIONS MODULE: the clients start without site-packages (-S), which saves them a tenth of their start;
# all others keep them, to find nvidia-ml-py and other extras if they are installed. What is in extra/ goes before
# the distribution's own, which may be too old, and after the standard library.
launcher() {
    extra=
    [ "$2" = -IS ] || extra="installed = [path for path in sys.path if path.endswith(\"-packages\")]
sys.path[:] = [*(path for path in sys.path if path not in installed), \"$opt/extra\", *installed]"
    put 0755 "$bin/$1" <<EOF
#!$python $2
import sys
sys.path.insert(0, "$opt/lib")
$extra
from $3 import main
sys.exit(main())
EOF
}

install_commands() {
    say "writing the commands to $bin (on $python)"
    launcher sentinel-request -IS sentinel.arbiter.request
    launcher sentinel-status -IS sentinel.arbiter.status
    launcher sentinel-admin -IS sentinel.arbiter.admin
    launcher sentinel-arbiter -I sentinel.arbiter.__main__
    launcher sentinel-agent -I sentinel.agent.__main__
    launcher sentinel-server -I sentinel.server.__main__
    launcher sentinel -I sentinel.cli.main
    launcher ds01-workloads -I sentinel.cli.ds01
}

has_unit() { systemctl cat -- "$1" >/dev/null 2>&1; }

install_config() {
    if [ -e "$etc/config.toml" ]; then
        say "keeping $etc/config.toml"
        return
    fi
    off='# '
    if [ -z "$prefix" ] && has_unit ollama.service; then
        off=
        say "found ollama.service: it will step aside for research"
    fi
    say "writing $etc/config.toml"
    put 0644 "$etc/config.toml" <<EOF
# Sentinel's arbiter. After a change: systemctl reload sentinel (a mistake is named, and changes nothing).

[arbiter]
gpus = "auto"             # NVML if nvidia-ml-py is installed, else nvidia-smi; "simulated:2" to try it out
resume_delay = "5s"       # how long after research has ended inference comes back
# grant_timeout = "60s"   # how long inference may take to leave the GPUs before a request is refused
# admin_group = "gpu"     # who may use sentinel-admin, besides root

# One [[service]] for each inference server on this machine. It is stopped when research asks for its GPUs,
# and started again afterwards.

${off}[[service]]
${off}name = "ollama"
${off}driver = "systemd"
${off}unit = "ollama.service"
${off}evict = ["stop"]

# [[service]]
# name = "vllm"
# driver = "systemd"
# unit = "vllm.service"
# gpus = [0, 1]           # the GPUs it uses; without this line, all of them
# stop_timeout = "10s"    # then SIGKILL
# start_timeout = "5m"    # loading a large model takes its time
EOF
}

check_config() {
    [ "$dry" = yes ] && return
    if ! "$python" -I -c 'import sys
sys.path.insert(0, sys.argv.pop(1))
from sentinel.arbiter.__main__ import main
sys.exit(main())' "$fresh" --check --config "$etc/config.toml"; then
        rm -rf "$fresh"
        die 1 "this version cannot use $etc/config.toml; what was installed goes on. Mend it and run this again"
    fi
}

# The controller's user, for its unit. Whoever never runs one has a user without a shell or a home, and no more.
make_user() {
    if id -u "$user" >/dev/null 2>&1; then return; fi
    say "making the system user $user, for the controller"
    run useradd --system --user-group --no-create-home --home-dir / --shell /usr/sbin/nologin "$user" ||
        say "that did not work; sentinel-server.service needs the user $user: make it before you start that"
}

# Names of the scopes of jobs that run here, one a line.
jobs() { systemctl list-units --plain --no-legend --state=active 'sentinel-job-*.scope' 2>/dev/null | sed 's/ .*//'; }

install_units() {
    say "writing sentinel.service, sentinel.socket and $(echo "$optional" | sed 's/ /, /g') to $units"
    for unit in sentinel.socket sentinel.service $optional; do
        put 0644 "$units/$unit" <"$source/deploy/systemd/$unit"
    done
    [ -n "$prefix" ] && return
    make_user
    run systemctl daemon-reload
    run systemctl enable --quiet sentinel.socket sentinel.service
    say "starting the arbiter"
    # `restart` also starts; leases and what is paused live on in the state file.
    run systemctl restart sentinel.service ||
        die 1 "the arbiter did not start; see: journalctl -u sentinel"
    # Enabled or not is the administrator's; one that runs is to run from the new library.
    for unit in sentinel-server sentinel-agent; do
        run systemctl try-restart "$unit.service" || say "$unit did not start again; see: journalctl -u $unit"
    done
    # Jobs outlive their supervisor, but their exit codes may not.
    if [ -z "$(jobs)" ]; then
        run systemctl try-restart sentinel-supervisor.service ||
            say "the supervisor did not start again; see: journalctl -u sentinel-supervisor"
    else
        say "jobs run: their supervisor stays the old one. When none does: systemctl restart sentinel-supervisor"
    fi
}

install() {
    [ -d "$source/src/sentinel/arbiter" ] || die 1 "run it from a copy of the repository: no src/sentinel in $source"
    find_python
    install_library
    install_config
    check_config
    switch_library
    install_commands
    install_units
    if [ "$dry" = yes ]; then
        say "that is what would be done"
    elif [ -n "$prefix" ]; then
        say "installed below $prefix"
    else
        say "done. Who has the GPUs: sentinel-status. With the GPU: sentinel-request COMMAND"
        say "to see what runs on them, too: systemctl enable --now sentinel-agent (or sentinel-scan.timer)"
        say "for a queue of jobs, here or from another machine: docs/guides/install.md, \"A queue\""
    fi
}

# ------------------------------------------------------------------ uninstalling

# Prints who holds GPUs, one a line; nothing when nobody does, or the arbiter does not answer.
holders() {
    "$bin/sentinel-status" --json 2>/dev/null | "$1" -I -S -c 'import json, sys
try:
    leases = json.load(sys.stdin)["leases"]
except ValueError:
    leases = []
for lease in leases:
    print("  %s of %s (pid %s)" % (lease["id"], lease["user"], lease["pid"]))' || true
}

# Before anything is stopped: what cannot be seen any more afterwards.
check_jobs() {
    running=$(jobs)
    if [ -n "$running" ] && [ "$force" = no ] && [ "$dry" = no ]; then
        printf '%s\n' "$running" | sed 's/^/  /' >&2
        die 1 "jobs of the queue run, see above; drain this node and let them end, or use --force (they run on)"
    fi
}

stop_the_rest() {
    for unit in sentinel-server.service sentinel-agent.service sentinel-supervisor.service sentinel-scan.timer \
        sentinel-slurm-exporter.service; do
        if has_unit "$unit"; then run systemctl disable --quiet --now "$unit"; fi
    done
    if has_unit sentinel-scan.service; then run systemctl stop sentinel-scan.service; fi
}

# Stopping the arbiter brings inference back, unless research holds the GPUs.
stop_arbiter() {
    has_unit sentinel.service || return 0
    if [ "$dry" = yes ]; then
        run systemctl disable --now sentinel.service sentinel.socket
        return
    fi
    if grep -q '"ours": *true' "$var/state.json" 2>/dev/null && ! systemctl -q is-active sentinel.service; then
        say "starting the arbiter once more, as it left inference paused"
        systemctl start sentinel.service || say "it does not start; what it had paused stays paused"
    fi
    python=$(sed -n '1s/^#!\([^ ]*\).*/\1/p' "$bin/sentinel-status" 2>/dev/null || true)
    who=
    [ -x "$python" ] && who=$(holders "$python")
    if [ -n "$who" ] && [ "$force" = no ]; then
        printf '%s\n' "$who" >&2
        die 1 "research holds GPUs, see above; let it end, or use --force (inference then stays paused)"
    fi
    [ -z "$who" ] || say "research holds GPUs: start what is paused by hand when it has ended (sentinel-status)"
    say "stopping the arbiter, which brings inference back"
    systemctl disable --quiet --now sentinel.service sentinel.socket
}

uninstall() {
    if [ -z "$prefix" ]; then
        check_jobs
        stop_arbiter
        stop_the_rest
    fi
    say "removing the commands, the package and the units"
    for name in sentinel-request sentinel-status sentinel-admin sentinel-arbiter sentinel-agent sentinel-server \
        sentinel ds01-workloads; do
        # Only what is ours: pip puts commands of the same names elsewhere, and may have put one here.
        if grep -qF "\"$opt/lib\"" "$bin/$name" 2>/dev/null; then run rm -f "$bin/$name"; fi
    done
    for unit in sentinel.service sentinel.socket $optional; do run rm -f "$units/$unit"; done
    [ -n "$prefix" ] || run systemctl daemon-reload
    run rm -rf "$opt"
    if [ "$purge" = yes ]; then
        say "removing config, state and logs"
        run rm -rf "$etc" "$var" "$log"
    elif [ -e "$etc" ] || [ -e "$var" ]; then
        say "keeping $etc and $var (--uninstall --purge removes them)"
    fi
    if [ -e "$data" ]; then
        say "keeping $data, the queue's database: if nobody needs it any more, remove it and the user $user"
    elif [ "$purge" = yes ] && [ -z "$prefix" ] && id -u "$user" >/dev/null 2>&1; then
        run userdel "$user" || say "the user $user could not be removed"
    fi
    say "$([ "$dry" = yes ] && echo 'that is what would be done' || echo 'done')"
}

# ------------------------------------------------------------------ arguments

action=install dry=no purge=no force=no prefix='' python=''
while [ $# -gt 0 ]; do
    case $1 in
    --uninstall) action=uninstall ;;
    --purge) purge=yes ;;
    --force) force=yes ;;
    --dry-run) dry=yes ;;
    --python | --prefix)
        [ -n "${2:-}" ] || die 2 "$1 needs a value"
        if [ "$1" = --python ]; then python=$2; else prefix=${2%/}; fi
        shift
        ;;
    --help | -h)
        usage
        exit 0
        ;;
    *) die 2 "unknown option $1; see install.sh --help" ;;
    esac
    shift
done
if [ "$action" = install ] && [ "$purge$force" != nono ]; then
    die 2 "--purge and --force go with --uninstall"
fi
case $prefix in
'' | /*) ;;
*) die 2 "--prefix needs an absolute path" ;;
esac

source=$(cd "$(dirname "$0")" && pwd)
opt=$prefix/opt/sentinel bin=$prefix/usr/local/bin etc=$prefix/etc/sentinel
optional="sentinel-agent.service sentinel-scan.service sentinel-scan.timer sentinel-supervisor.service sentinel-server.service"
optional="$optional sentinel-slurm-exporter.service"
units=$prefix/etc/systemd/system var=$prefix/var/lib/sentinel log=$prefix/var/log/sentinel
data=$prefix/var/lib/sentinel-server user=sentinel-server

if [ -z "$prefix" ] && [ "$dry" = no ]; then
    [ "$(id -u)" = 0 ] || die 2 "this needs root: sudo $0"
fi
if [ -z "$prefix" ] && [ ! -d /run/systemd/system ]; then
    die 1 "this machine is not run by systemd; start sentinel-arbiter yourself (docs/guides/install.md says how)"
fi
$action
