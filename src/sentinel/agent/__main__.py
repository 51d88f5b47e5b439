"""sentinel-agent: what runs on this node, kept up to date and served. Run by systemd, or by `sentinel agent`.

`sentinel-agent scan` is one look, for a timer. Parsed with the standard library: the agent does without the
extra that the `sentinel` command needs.
"""

import argparse
import io
import json
import os
import sys
from typing import Any

from sentinel import __version__
from sentinel.agent import wiring
from sentinel.agent.config import AgentConfig, Overrides, load
from sentinel.core.clock import rfc3339
from sentinel.core.errors import SentinelError, UsageError
from sentinel.core.event import event_json
from sentinel.core.inventory import SourceState
from sentinel.core.notify import Journal
from sentinel.core.units import parse_duration
from sentinel.inventory.keeper import Pass

_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Exit 0: done; 2: asked or configured wrongly; 75: another one is at it; 1: it could not be done."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        config = load(options.config, _overrides(options))
        return _scan(config, options) if options.command == "scan" else _agent(config, options)
    except SentinelError as error:
        text = "".join(c if c.isprintable() else "?" for c in error.message)
        print(f"sentinel: {text}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED


def _agent(config: AgentConfig, options: argparse.Namespace) -> int:
    if not options.standalone:
        raise UsageError("an agent runs without a controller so far; say so: sentinel agent --standalone")
    from sentinel.agent.assembly import agent_parts  # a scan, every 30 seconds, does without
    from sentinel.agent.daemon import Agent

    journal = Journal(name="sentinel-agent")
    return Agent(lambda changed: agent_parts(config, changed, journal), journal).run()


def _scan(config: AgentConfig, options: argparse.Namespace) -> int:
    keeper = wiring.keeper(config, lambda text: print(f"sentinel: {text}", file=sys.stderr))
    keeper.open()
    done = keeper.keep()
    for text in done.trouble:
        print(f"sentinel: {text}", file=sys.stderr)
    if options.json:
        print(json.dumps(_result(done), indent=2))
    else:
        print(_summary(done))
    sys.stdout.flush()
    # A source that hangs keeps its thread, and perhaps a driver's own exit handler: nothing waits for those.
    sys.stderr.flush()
    if wiring.something_hangs():
        os._exit(1 if done.trouble else 0)
    return 1 if done.trouble else 0


def _result(done: Pass) -> dict[str, Any]:
    sources = done.inventory.sources
    return {
        "scanned_at": rfc3339(done.inventory.scanned_at),
        "events": [event_json(event) for event in done.events],
        "sources": {name: report.state.value for name, report in sources.items()},
        "workloads": len(done.inventory.workloads),
    }


def _summary(done: Pass) -> str:
    running = [one for one in done.inventory.workloads if not one.state.stopped]
    on_gpus = sum(bool(one.gpu_memory_bytes or one.pids) for one in running)
    lines = [f"{len(running)} workloads, {on_gpus} of them on GPUs; {len(done.events)} changes"]
    for name, report in done.inventory.sources.items():
        if report.state is SourceState.UNKNOWN:
            why = "".join(c if c.isprintable() else "?" for c in report.why)
            lines.append(f"{name}: unknown: {why}")
    return "\n".join(lines)


def _overrides(options: argparse.Namespace) -> Overrides:
    interval = getattr(options, "interval", None)
    return Overrides(
        state_dir=options.state_dir,
        docker_host=options.docker_host,
        podman_host=options.podman_host,
        gpus=options.gpus,
        listen=getattr(options, "listen", None),
        interval=None if interval is None else parse_duration(interval),
        mark=False if options.no_mark else None,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sentinel-agent", description="What runs on the GPUs of this machine, kept up to date."
    )
    parser.add_argument("--version", action="version", version=f"sentinel {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="keep the inventory up to date and serve metrics, for ever")
    run.add_argument("--standalone", action="store_true", help="without a controller")
    run.add_argument("--listen", metavar="HOST:PORT", help="where to serve metrics (127.0.0.1:9400)")
    run.add_argument("--interval", metavar="TIME", help="between two samples (1s)")
    scan = commands.add_parser("scan", help="one look at what runs here")
    scan.add_argument("--json", action="store_true", help="the events of this scan as JSON")
    for one in (run, scan):
        one.add_argument("--config", metavar="FILE", help="config file (/etc/sentinel/config.toml)")
        one.add_argument("--state-dir", metavar="DIR", help="where the inventory is kept")
        one.add_argument("--docker-host", metavar="URL", help="Docker's socket, unix:///PATH")
        one.add_argument("--podman-host", metavar="URL", help="Podman's socket, unix:///PATH")
        one.add_argument("--gpus", metavar="SOURCE", help="auto, nvml, smi or simulated:N")
        one.add_argument("--no-mark", action="store_true", help="mark nothing that is discovered")
    return parser


if __name__ == "__main__":
    sys.exit(main())
