"""The controller's process. `sentinel server`, `up`, `down`, `backup`, `restore`, `dev seed` become this one.

Parsed with the standard library: what runs for months does without the `sentinel` command's extra.
"""

import argparse
import sys
from importlib.util import find_spec

from sentinel import __version__
from sentinel.core.errors import SentinelError, UsageError
from sentinel.server.config import ServerConfig, load

SERVER_LISTEN, UP_LISTEN = "0.0.0.0:8443", "127.0.0.1:8443"
LIBRARIES = (
    "fastapi uvicorn httptools uvloop websockets sse-starlette sqlalchemy alembic argon2-cffi cryptography"
    " prometheus-client"
)
_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Exit 0: done, or ended as asked; 2: asked or configured wrongly; 1: it could not be done."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except SentinelError as error:
        text = "".join(c if c.isprintable() else "?" for c in error.message)
        print(f"sentinel: {text}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    # The first stands for the extra; the second was not part of it from the beginning.
    if find_spec("sqlalchemy") is None or find_spec("prometheus_client") is None:
        raise UsageError(
            f"the controller needs more libraries: pip install --target /opt/sentinel/extra {LIBRARIES}"
            " (or, in an environment of your own: pip install 'sentinel-gpu[server]')"
        )
    match options.command:
        case "server":
            from sentinel.server.running import run_controller

            return run_controller(_config(options, SERVER_LISTEN), "sentinel-server")
        case "up":
            from sentinel.server.up import UpOptions, up

            more = UpOptions(gpus=options.gpus, run_jobs_as=options.run_jobs_as, arbiter=options.arbiter)
            return up(_config(options, UP_LISTEN), more)
        case "down":
            from sentinel.server.down import down

            return down(_config(options, UP_LISTEN).folders)
        case "backup":
            from sentinel.server.backup import backup

            print(backup(_config(options, UP_LISTEN), options.to))
            return 0
        case "seed":
            from sentinel.server.seeding.seed import SeedOptions, seed

            asked = {name: getattr(options, name) for name in SeedOptions.__slots__}
            return seed(_config(options, UP_LISTEN), SeedOptions(**asked))
        case _:
            from sentinel.server.backup import restore

            aside = restore(_config(options, UP_LISTEN), options.file)
            print("restored; " + (f"what was there is {aside}" if aside else "there was nothing before"))
            return 0


def _config(options: argparse.Namespace, default_listen: str) -> ServerConfig:
    return load(
        config=options.config,
        data_dir=options.data_dir,
        listen=getattr(options, "listen", None),
        database=getattr(options, "database", None),
        names=getattr(options, "name", None) or (),
        default_listen=default_listen,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sentinel-server", description="The controller: queue, API, scheduler."
    )
    parser.add_argument("--version", action="version", version=f"sentinel {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    server = commands.add_parser("server", help="run the controller")
    up = commands.add_parser("up", help="run the controller and this machine's agent")
    down = commands.add_parser("down", help="end all of it, jobs included")
    backup = commands.add_parser("backup", help="copy database and certificate authority into a file")
    restore = commands.add_parser("restore", help="put a backup in the place of what is there")
    seed = commands.add_parser("seed", help="fill it with simulated nodes and a past")
    for one in (server, up, down, backup, restore, seed):
        one.add_argument("--config", metavar="FILE", help="config file (/etc/sentinel/config.toml)")
        one.add_argument(
            "--data-dir",
            metavar="DIR",
            help="where all is kept (~/.local/share/sentinel; as root /var/lib/sentinel-server)",
        )
    for one in (server, up, backup, restore, seed):
        one.add_argument(
            "--database", metavar="URL", help="PostgreSQL instead of SQLite; better in $SENTINEL_DATABASE"
        )
    for one, default in ((server, SERVER_LISTEN), (up, UP_LISTEN)):
        one.add_argument("--listen", metavar="HOST:PORT", help=f"where the API listens ({default})")
        one.add_argument(
            "--name",
            metavar="HOST",
            action="append",
            help="a name or address it is reached under; repeatable",
        )
    up.add_argument("--gpus", metavar="SOURCE", help="auto, nvml, smi or simulated:N")
    up.add_argument("--run-jobs-as", metavar="USER", help="the Unix user of all jobs (by default you)")
    up.add_argument("--arbiter", metavar="SOCKET", help="the arbiter's socket, or none")
    backup.add_argument("--to", metavar="FILE", help="by default in DIR/backups")
    restore.add_argument("file", metavar="FILE", help="what `backup` wrote")
    _seed_options(seed)
    return parser


def _seed_options(seed: argparse.ArgumentParser) -> None:
    seed.add_argument("--nodes", type=int, default=128, metavar="N")
    seed.add_argument("--gpus", type=int, default=8, metavar="N", help="of each node")
    seed.add_argument("--days", type=float, default=1.0, metavar="N", help="of the past")
    seed.add_argument("--jobs", type=int, default=2000, metavar="N", help="in all")
    seed.add_argument("--seed", type=int, default=1, metavar="N", help="another number, another fleet")
    seed.add_argument("--alerts", action="store_true", help="with something wrong")
    seed.add_argument("--live", action="store_true", help="keep the nodes alive until Ctrl-C")
    seed.add_argument("--every", type=float, default=10.0, metavar="SECONDS", help="for --live")
    seed.add_argument("--force", action="store_true", help="beside real nodes")
    seed.add_argument("--json", action="store_true", dest="as_json", help="for programs")


if __name__ == "__main__":
    sys.exit(main())
