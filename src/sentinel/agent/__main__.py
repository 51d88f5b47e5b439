"""sentinel-agent: what runs on this node, kept up to date and served. Run by systemd, or by `sentinel agent`.

`sentinel-agent join` makes this machine a node of a controller, whose jobs `run` then runs here; `run
--standalone` does without one. `sentinel-agent scan` is one look, for a timer. Parsed with the standard
library: the agent does without the extra that the `sentinel` command needs.
"""

import argparse
import io
import json
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentinel import __version__
from sentinel.agent import wiring
from sentinel.agent.config import (
    JOB_USERS,
    AgentConfig,
    LinkConfig,
    Overrides,
    link_config,
    load,
    node_dir,
)
from sentinel.core.clock import boot_id, rfc3339
from sentinel.core.errors import ApiUnavailable, SentinelError, UsageError
from sentinel.core.event import event_json
from sentinel.core.inventory import SourceState
from sentinel.core.notify import Journal
from sentinel.core.units import parse_duration
from sentinel.inventory.keeper import Pass

if TYPE_CHECKING:
    from sentinel.agent.link.joining import Machine
    from sentinel.agent.link.membership import Membership

_INTERRUPTED = 130
_ALWAYS, _UNLESS_JOINED = "always", "unless-joined"


def main(arguments: list[str] | None = None) -> int:
    """Exit 0: done; 2: asked or configured wrongly; 75: another one is at it; 1: it could not be done."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        if options.command == "join":
            return _join(options)
        if options.command == "supervise":
            return _supervise(options)
        config = load(options.config, _overrides(options))
        return _scan(config, options) if options.command == "scan" else _agent(config, options)
    except SentinelError as error:
        text = "".join(c if c.isprintable() else "?" for c in error.message)
        print(f"sentinel: {text}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED


def _agent(config: AgentConfig, options: argparse.Namespace) -> int:
    from sentinel.agent.assembly import agent_parts  # a scan, every 30 seconds, does without
    from sentinel.agent.daemon import Agent

    journal = Journal(name="sentinel-agent")
    node_of = _node_of(options, journal)
    return Agent(lambda changed: agent_parts(config, changed, journal, node_of), journal).run()


def _node_of(options: argparse.Namespace, journal: Journal) -> "tuple[LinkConfig, Membership] | None":
    """What makes this machine a node; None: it runs without a controller."""
    folder = node_dir(options.node_dir)
    if options.standalone == _ALWAYS:
        if options.controller is not None:
            raise UsageError("--standalone and --controller contradict each other; give one")
        return None
    from sentinel.agent.link.membership import membership_in

    membership = membership_in(folder)
    if options.controller is None and membership is None:
        if options.standalone == _UNLESS_JOINED:
            return None
        raise UsageError(
            "this machine has joined no controller yet: sentinel agent join URL --token T "
            "(or watch it without one: sentinel agent --standalone)"
        )
    settings = link_config(
        folder=folder,
        controller=options.controller,
        token_file=options.join_token_file,
        name=options.name,
        run_as=options.run_jobs_as,
        users=options.job_users,
        arbiter=options.arbiter,
        starts_supervisor=options.supervisor == "start",
        address=options.address,
        share_gpus=not options.no_share_gpus,
    )
    if settings.controller is not None or membership is None:
        return settings, _joined_by_then(settings, str(settings.controller), journal)
    return settings, membership


def _joined_by_then(settings: LinkConfig, url: str, journal: Journal) -> "Membership":
    from sentinel.agent.link.joining import joined_by_then
    from sentinel.agent.link.reach import Reluctance

    return joined_by_then(
        settings.folder,
        url.rstrip("/"),
        settings.token_file,
        _machine(settings.name),
        wiring.keys(),
        Reluctance(journal).heard,
    )


def _join(options: argparse.Namespace) -> int:
    from sentinel.agent.link.joining import join, read_token
    from sentinel.agent.link.reach import plain

    token = options.token or read_token(Path(options.token_file))
    url = options.url.rstrip("/")
    folder = node_dir(options.node_dir)
    try:
        done = join(folder, url, token, _machine(options.name), wiring.keys())
    except ApiUnavailable as error:
        raise SentinelError(plain(error)) from None
    known = done.membership
    if done.already:
        print(f"{known.name} has joined {url} already (node {known.node})")
    else:
        print(f"{known.name} has joined {url} (node {known.node})")
    where = "" if folder == node_dir(None) else f" --node-dir {folder}"
    print(f"what follows, unless it runs: systemctl restart sentinel-agent, or sentinel agent run{where}")
    return 0


def _supervise(options: argparse.Namespace) -> int:
    from sentinel.agent.link.membership import membership_in
    from sentinel.agent.link.supervisor_start import SupervisorSettings, become_supervisor

    settings = link_config(
        folder=node_dir(options.node_dir),
        run_as=options.run_jobs_as,
        users=options.job_users,
        arbiter=options.arbiter,
    )
    name = None
    with suppress(SentinelError):  # it is for messages alone
        if (membership := membership_in(settings.folder)) is not None:
            name = membership.name
    become_supervisor(
        SupervisorSettings(
            folder=settings.folder,
            name=name,
            run_as=settings.run_as,
            users=settings.users,
            arbiter=settings.arbiter,
        )
    )


def _machine(name: str | None) -> "Machine":
    from sentinel.agent.link.joining import Machine

    return Machine(name=name or platform.node(), boot_id=boot_id(), version=__version__)


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
    run.add_argument(
        "--standalone",
        nargs="?",
        const=_ALWAYS,
        choices=(_ALWAYS, _UNLESS_JOINED),
        help="without a controller; unless-joined: only while this machine has joined none",
    )
    run.add_argument("--controller", metavar="URL", help="join this one first, if this machine has not yet")
    run.add_argument("--join-token-file", metavar="FILE", help="what to join it with")
    run.add_argument(
        "--supervisor",
        choices=("start", "wait"),
        default="start",
        help="when there is no supervisor of jobs: start one, or wait for the unit that does",
    )
    run.add_argument(
        "--address",
        metavar="ADDRESS",
        help="how other nodes reach this one (its own on the way to the controller)",
    )
    run.add_argument("--no-share-gpus", action="store_true", help="no job here gets less than a whole GPU")
    run.add_argument("--listen", metavar="HOST:PORT", help="where to serve metrics (127.0.0.1:9400); none")
    run.add_argument("--interval", metavar="TIME", help="between two samples (1s)")
    join = commands.add_parser("join", help="make this machine a node of a controller")
    join.add_argument("url", metavar="URL", help="the controller's address: https://HOST:PORT")
    token = join.add_mutually_exclusive_group(required=True)
    token.add_argument("--token", metavar="T", help="from `sentinel token create --join`")
    token.add_argument("--token-file", metavar="FILE", help="a file that holds it: others see no arguments")
    supervise = commands.add_parser("supervise", help="be the supervisor of this node's jobs, for its unit")
    for one in (run, supervise):
        user = one.add_mutually_exclusive_group()
        user.add_argument("--run-jobs-as", metavar="USER", help="the Unix user of all jobs (the agent's own)")
        user.add_argument("--job-users", metavar="FILE", help=f"whose jobs run as whom ({JOB_USERS})")
        one.add_argument("--arbiter", metavar="SOCKET", help="whom jobs ask for their GPUs; none: nobody")
    for one in (run, join):
        one.add_argument("--name", metavar="NAME", help=f"what the node is to be called ({platform.node()})")
    for one in (run, join, supervise):
        one.add_argument("--node-dir", metavar="DIR", help="where a node keeps its key and its jobs' records")
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
