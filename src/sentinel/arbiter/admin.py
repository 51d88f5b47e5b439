"""sentinel-admin: what only root (or the config's admin_group) may ask of the arbiter."""

import argparse
import json
import sys
from typing import Any

from sentinel import __version__
from sentinel.core.arbiter_client import Channel
from sentinel.core.errors import SentinelError


def main(arguments: list[str] | None = None) -> int:
    """Exit 0 when it was done, 1 when it was refused or did not work, 69 when there is no arbiter."""
    options = _parser().parse_args(arguments)
    try:
        answer = Channel(timeout=30).ask(_message(options))
    except SentinelError as error:
        if options.json:
            print(json.dumps({"ok": False, "error": error.message}))
        else:
            print(f"sentinel-admin: {error.message}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    if options.json:
        print(json.dumps({"ok": True, "message": answer.get("message", "")}))
    else:
        print(answer.get("message", "done"))
    return 0


def _message(options: argparse.Namespace) -> dict[str, Any]:
    message: dict[str, Any] = {"cmd": options.cmd}
    for key in ("reason", "lease", "gpu", "keep_running"):
        if getattr(options, key, None):
            message[key] = getattr(options, key)
    return message


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sentinel-admin",
        description="Overrides the arbiter. For root and members of the config's admin_group.",
        epilog="See who has what first: sentinel-status.",
    )
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    parser.add_argument("--version", action="version", version=f"sentinel {__version__}")
    commands = parser.add_subparsers(dest="cmd", required=True, metavar="COMMAND")
    pause = commands.add_parser("pause", help="take the GPUs from inference until resume")
    pause.add_argument("--reason", default="", help="shown to everyone who asks why")
    commands.add_parser(
        "resume", help="end a pause; also brings inference back although readings are unknown"
    )
    commands.add_parser("reload", help="read the config again; a bad one changes nothing")
    evict = commands.add_parser("evict", help="end a lease and its processes (TERM, then KILL)")
    evict.add_argument("lease", metavar="LEASE", help="its id, from sentinel-status")
    evict.add_argument("--keep-running", action="store_true", help="end the lease, leave its processes be")
    cordon = commands.add_parser("cordon", help="no new lease on a GPU")
    cordon.add_argument("gpu", metavar="GPU", help="index or UUID")
    cordon.add_argument("--reason", required=True, help="shown to everyone who asks why")
    uncordon = commands.add_parser("uncordon", help="the GPU takes leases again")
    uncordon.add_argument("gpu", metavar="GPU", help="index or UUID")
    return parser


if __name__ == "__main__":
    sys.exit(main())
