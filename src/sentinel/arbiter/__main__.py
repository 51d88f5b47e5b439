"""sentinel-arbiter: who has the GPUs of this machine. Run by systemd as root, or by anyone to try out."""

import argparse
import fcntl
import os
import sys
from pathlib import Path

from sentinel import __version__
from sentinel.arbiter.config import Config, load
from sentinel.arbiter.daemon import Daemon
from sentinel.arbiter.sockets import inherited, listen
from sentinel.arbiter.statefile import StateFile
from sentinel.arbiter.wiring import real_ports
from sentinel.core.clock import boot_id
from sentinel.core.codec import DEFAULT_SOCKET, SOCKET_VARIABLE
from sentinel.core.config_file import DEFAULT_CONFIG
from sentinel.core.errors import SentinelError, UsageError


def main(arguments: list[str] | None = None) -> int:
    """Runs until SIGTERM or Ctrl-C. Exit 2: config or arguments are wrong; 1: it could not run."""
    options = _parser().parse_args(arguments)
    try:
        config = load(options.config)
        if options.check:
            print(f"{options.config}: good; {len(config.services)} services, gpus {config.gpus!r}")
            return 0
        lock = _only_one(config)
        listener = inherited() or listen(options.socket)
        try:
            state_file = StateFile(Path(config.state_file), boot_id())
            return Daemon(config, real_ports(), listener, state_file).run()
        finally:
            listener.close()
            os.close(lock)
    except SentinelError as error:
        print(f"sentinel-arbiter: {error.message}", file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sentinel-arbiter",
        description="Decides who has the GPUs of this machine: research gets them when it asks"
        " (sentinel-request), inference services step aside and come back.",
        epilog="Runs in the foreground. SIGHUP reads the config again; SIGTERM ends it: without a live"
        " lease inference is brought back first. Try it as any user with a config of your own and"
        " --socket; point the clients there with $SENTINEL_SOCKET.",
    )
    parser.add_argument("--config", default=DEFAULT_CONFIG, metavar="FILE", help="TOML file (%(default)s)")
    parser.add_argument(
        "--socket",
        default=os.environ.get(SOCKET_VARIABLE) or DEFAULT_SOCKET,
        metavar="PATH",
        help="Unix socket to listen on (%(default)s); systemd's own, if it hands one over",
    )
    parser.add_argument("--check", action="store_true", help="read the config, say what is wrong, end")
    parser.add_argument("--version", action="version", version=f"sentinel {__version__}")
    return parser


def _only_one(config: Config) -> int:
    """A lock beside the state file: two arbiters would each bring back what the other paused."""
    state = Path(config.state_file)
    path = state.with_name(f".{state.name}.lock")
    try:
        state.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise UsageError(
            f"cannot keep state in {state.parent}: {error.strerror}; set state_file in {config.file}"
        ) from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise SentinelError(f"another arbiter uses {state}; stop that one first") from None
    return fd


if __name__ == "__main__":
    sys.exit(main())
