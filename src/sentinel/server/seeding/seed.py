"""`sentinel dev seed`: a simulated fleet and its past into a controller. Called by the server's `__main__`.

The history comes first, as it takes longest; then all that is there now, at once; then what was. So nodes are
as new as can be when the first look at them is taken: nothing is heard of them unless `live` goes on.
"""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from random import Random

from sentinel.core.bell import Bell
from sentinel.core.clock import boottime, wall
from sentinel.core.errors import UsageError
from sentinel.core.node import Node
from sentinel.core.units import show_duration
from sentinel.ports.history import History
from sentinel.ports.store import Store
from sentinel.server import pid_file, wiring
from sentinel.server.config import ServerConfig
from sentinel.server.first_run import admin_token
from sentinel.server.folders import Folders, make_folders
from sentinel.server.observing import observing
from sentinel.server.seeding.fleet import SIMULATED, nodes, unmanaged
from sentinel.server.seeding.live import SEEDED, feed
from sentinel.server.seeding.past import batches
from sentinel.server.seeding.timeline import QUEUE, Timeline, timeline
from sentinel.server.seeding.trouble import Trouble, trouble
from sentinel.server.seeding.writing import write_fleet

MOST_NODES, MOST_GPUS, MOST_DAYS, MOST_JOBS = 4096, 16, 90, 200_000
DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedOptions:
    """What was asked for. `every`: seconds, for `live`."""

    nodes: int
    gpus: int
    days: float
    jobs: int
    seed: int
    alerts: bool
    live: bool
    every: float
    force: bool
    as_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was written, as `--json` prints it. `history`: "kept", or "elsewhere": a Prometheus has it."""

    nodes: int
    gpus: int
    jobs: dict[str, int]  # by state
    events: int
    days: float
    series: int
    samples: int
    history: str
    seconds: float


def check(options: SeedOptions) -> None:
    """UsageError that says what is out of bounds."""
    for name, value, least, most in (
        ("nodes", options.nodes, 1, MOST_NODES),
        ("gpus", options.gpus, 1, MOST_GPUS),
        ("days", options.days, 0.05, MOST_DAYS),
        ("jobs", options.jobs, 0, MOST_JOBS),
        ("every", options.every, 0.5, 30),
    ):
        if not least <= value <= most:
            raise UsageError(f"--{name} is from {least:g} to {most:g}, not {value:g}")


def seed(config: ServerConfig, options: SeedOptions) -> int:
    """0 when it is done, or was ended as asked. SentinelError; what was written by then stays."""
    check(options)
    folders = config.folders
    make_folders(folders)
    running = pid_file.locked(folders.pid_file)
    if options.live and not running:
        raise UsageError(
            f"--live feeds a controller that runs, and none uses {folders.root}: start it first, with"
            f" sentinel server --data-dir {folders.root}"
        )
    lock = None if running else pid_file.take(folders.pid_file, "cannot seed")
    try:
        store = wiring.open_queue(config.database_url, migrate=not running)
        try:
            history = wiring.open_history(observing(config.path).history, folders)
            try:
                return _seed(store, history, folders, options)
            finally:
                history.close()
        finally:
            store.close()
    finally:
        if lock is not None:
            lock.release()


def _seed(store: Store, history: History, folders: Folders, options: SeedOptions) -> int:
    here = _simulated(store, options)
    if not here:
        report = _fill(store, history, folders, options)
        _say(report, folders, options)
    elif not options.live:
        raise UsageError(
            f"{len(here)} simulated nodes are there already: --live keeps them alive; for others, name a new"
            " folder with --data-dir"
        )
    if options.live:
        feed(store, history, folders, every=options.every, tell=_tell)
    return 0


def _simulated(store: Store, options: SeedOptions) -> Sequence[Node]:
    """The simulated nodes that there are. UsageError when there are real ones, unless that is wanted."""
    with store.read() as reader:
        known = reader.nodes()
    real = [node.name for node in known if node.agent_version != SIMULATED]
    if real and not options.force:
        shown = ", ".join(real[:3]) + (", …" if len(real) > 3 else "")
        raise UsageError(
            f"this controller has real nodes ({shown}), and jobs of theirs would be placed on simulated ones:"
            " name a folder of its own with --data-dir, or say --force"
        )
    return [node for node in known if node.agent_version == SIMULATED]


def _fill(store: Store, history: History, folders: Folders, options: SeedOptions) -> Report:
    began = boottime()
    with store.read() as reader:
        new = not reader.users()
    if new:
        admin_token(store, folders, wall())  # as the first start would: the first user is the admin
    now = wall()
    made = _made(options, now)
    series, samples, elsewhere = _write_history(history, made, now - options.days * DAY, now)
    # What took a while is older now; nobody waits for a beat of a node that was just written.
    late = wall()
    fresh = [node if node.name in made.silent else replace(node, last_seen_at=late) for node in made.nodes]
    write_fleet(store, fresh, made.timeline, made.findings, late, _tell)
    marked = json.dumps({"seed": options.seed, "hot": sorted(made.hot)})
    store.write(lambda tx: tx.set_meta(SEEDED, marked))
    _ring(folders)
    return Report(
        nodes=len(fresh),
        gpus=sum(len(node.gpus or ()) for node in fresh),
        jobs=dict(sorted(Counter(job.state.value for job in made.timeline.jobs).items())),
        events=len(made.timeline.told) + len(fresh),
        days=options.days,
        series=series,
        samples=samples,
        history="elsewhere" if elsewhere else "kept",
        seconds=round(boottime() - began, 1),
    )


def _made(options: SeedOptions, now: float) -> Trouble:
    """The same for the same seed and the same moment."""
    random = Random(options.seed)  # noqa: S311 - for looks
    start = now - options.days * DAY
    fleet = nodes(random, count=options.nodes, gpus=options.gpus, joined_at=start, now=now)
    lived = timeline(random, fleet, jobs=options.jobs, days=options.days, now=now)
    blocked = [_blocked(node, lived) for node in fleet]
    if options.alerts:
        return trouble(blocked, lived, now)
    return Trouble(nodes=tuple(blocked), timeline=lived, silent={}, findings={})


def _blocked(node: Node, lived: Timeline) -> Node:
    """With blocks where somebody is who queued for nothing."""
    held = {
        index: unmanaged(one.user, one.name)
        for one in lived.stints
        if one.node == node.name and one.end is None and one.origin != QUEUE
        for index in one.gpus
    }
    if not held:
        return node
    gpus = tuple(replace(gpu, blocked=held.get(gpu.index)) for gpu in node.gpus or ())
    return replace(node, gpus=gpus)


def _write_history(history: History, made: Trouble, start: float, now: float) -> tuple[int, int, bool]:
    """How many series and samples were told, and whether another server has the history."""
    series: set[object] = set()
    samples = 0
    stints = {
        node.name: [one for one in made.timeline.stints if one.node == node.name] for node in made.nodes
    }
    for number, node in enumerate(made.nodes):
        end = made.silent.get(node.name, now)
        told = list(batches(node, stints[node.name], start=start, end=end, hot=made.hot))
        if history.append(told).elsewhere:
            _tell("a Prometheus has the history, and takes no past from others: none is written")
            return 0, 0, True
        series.update((column.metric, column.labels) for batch in told for column in batch.columns)
        samples += sum(len(batch.times) * len(batch.columns) for batch in told)
        if (number + 1) % max(1, len(made.nodes) // 8) == 0:
            _tell(f"history of {number + 1} of {len(made.nodes)} nodes")
    return len(series), samples, False


def _ring(folders: Folders) -> None:
    """Whoever runs looks now."""
    try:
        bell = Bell(folders.bells)
    except OSError:
        return  # they look every second anyhow
    bell.ring()
    bell.close()


def _say(report: Report, folders: Folders, options: SeedOptions) -> None:
    if options.as_json:
        print(json.dumps(asdict(report)), flush=True)
        return
    print(
        f"{report.nodes} nodes with {report.gpus} GPUs, {sum(report.jobs.values())} jobs,"
        f" {show_duration(options.days * DAY)} of history ({report.samples} samples of"
        f" {report.series} series), in {report.seconds} s"
    )
    if not options.live:
        print(
            "Nothing is heard of these nodes from now on, so they fall silent. To keep them alive:\n"
            f"  sentinel server --data-dir {folders.root}\n"
            f"  sentinel dev seed --live --data-dir {folders.root}"
        )
    sys.stdout.flush()


def _tell(text: str) -> None:
    print(f"sentinel: {text}", file=sys.stderr, flush=True)
