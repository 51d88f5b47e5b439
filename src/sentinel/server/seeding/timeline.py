"""Who had which simulated GPUs from when until when, and the jobs that come of it. Pure.

Called by `seed`, and by `life` for those who wait. Each node's GPUs are split into lanes; in each lane one
job follows another, with gaps, up to now. So no GPU is anybody's twice, however long the past is. A few lanes
are held by what nobody queued.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from sentinel.core.job import Cancel, Job, JobSpec, Placement
from sentinel.core.node import Node
from sentinel.core.workload import Origin
from sentinel.scheduling.lifecycle import Allocate, CancelAsked, Exited, Fact, Input, Running, move, submitted
from sentinel.server.seeding.fleet import USERS, an_id, group_of, lanes

QUEUE = "queue"
WAITING_SHARE = 0.06  # of the jobs asked for; they wait now
UNMANAGED_SHARE, EMPTY_SHARE = 0.05, 0.03  # of the lanes
BUSY_SHARE = 0.85  # of the time in a lane
RUNS_STILL = 0.85  # of the lanes, at the end
TRAINING = ("resnet-finetune", "llm-pretrain", "diffusion", "protein-fold", "asr-conformer", "rl-sweep",
            "embedding-index", "eval-suite", "climate-net", "tokenizer-ablation")  # fmt: skip
BY_HAND = ("jupyter", "vllm-test", "stable-diffusion-webui", "debug-shell")
LEVELS = (0, 20, 45, 60, 75, 85, 92, 97)  # percent that a GPU computes while somebody has it
LEVEL_WEIGHTS = (7, 6, 8, 12, 20, 22, 15, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stint:
    """Somebody has GPUs of a node from `start` to `end` (epoch; None: still). `key`: the job's id, or that of
    the workload; it says how busy they are (`level`, percent) and what of their memory is in use."""

    key: str
    node: str  # the name
    gpus: tuple[int, ...]  # indices
    start: float
    end: float | None
    user: str
    origin: str  # as `gpu_held` has it: QUEUE, or a workload's origin
    name: str

    @property
    def level(self) -> int:
        return load_of(self.key)[0]

    @property
    def memory(self) -> float:
        return load_of(self.key)[1]


@lru_cache(maxsize=1 << 16)
def load_of(key: str) -> tuple[int, float]:
    """The same whenever it is asked."""
    random = Random(key)  # noqa: S311 - for looks
    return random.choices(LEVELS, LEVEL_WEIGHTS)[0], random.uniform(0.15, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A fact of a job's life, and when it became one."""

    time: float
    job: Job
    fact: Fact
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """`jobs` are in their last state; `told` is in order of time."""

    stints: tuple[Stint, ...]
    jobs: tuple[Job, ...]
    told: tuple[Told, ...]


def timeline(random: Random, nodes: Sequence[Node], *, jobs: int, days: float, now: float) -> Timeline:
    """About `jobs` jobs: some wait, the others are spread over the lanes of all nodes."""
    waiting = round(jobs * WAITING_SHARE)
    start = now - days * 86400
    queue_lanes, stints = _lanes(random, nodes, start, now)
    all_jobs: list[Job] = []
    told: list[Told] = []
    for node, lane, first in queue_lanes:
        share = (jobs - waiting) / len(queue_lanes)
        for begin, end in _turns(random, share, start, now, first=first):
            stint = _stint(random, node, lane, begin, end)
            stints.append(stint)
            job, facts = _lived(random, node, stint)
            all_jobs.append(job)
            told += facts
    widest = max((len(node.gpus or ()) for node in nodes), default=1)
    for _ in range(waiting):
        job = waits(random, widest, now - random.expovariate(1 / 3600.0) - 5)
        all_jobs.append(job)
        told.append(Told(time=job.submitted_at, job=job, fact=submitted(job), source="/controller"))
    told.sort(key=lambda one: one.time)
    return Timeline(stints=tuple(stints), jobs=tuple(all_jobs), told=tuple(told))


def _lanes(
    random: Random, nodes: Sequence[Node], start: float, now: float
) -> tuple[list[tuple[Node, list[int], bool]], list[Stint]]:
    """Those that the queue's jobs have, with whether it is the first of its node; and who sits in others."""
    queue_lanes: list[tuple[Node, list[int], bool]] = []
    stints: list[Stint] = []
    for node in nodes:
        for place, lane in enumerate(_split(random, len(node.gpus or ()))):
            chance = random.random()
            if place and chance < UNMANAGED_SHARE:
                stints.append(_by_hand(random, node, list(lane), start, now))
            elif not place or chance > UNMANAGED_SHARE + EMPTY_SHARE:
                queue_lanes.append((node, list(lane), not place))
    return queue_lanes, stints


def _split(random: Random, gpus: int) -> Iterable[range]:
    at = 0
    for size in lanes(random, gpus):
        yield range(at, at + size)
        at += size


def _turns(
    random: Random, share: float, start: float, now: float, *, first: bool
) -> list[tuple[float, float | None]]:
    """When the jobs of a lane began and ended. The first lane of a node has one that runs now, so that no
    node is free for those who wait for a whole one."""
    count = max(int(first), int(share + random.random()))
    if count == 0:
        return []
    lengths = [random.lognormvariate(0, 0.7) for _ in range(count)]
    gaps = [random.lognormvariate(0, 0.7) for _ in range(count)]
    whole = now - start
    busy = whole * BUSY_SHARE / sum(lengths)
    idle = whole * (1 - BUSY_SHARE) / sum(gaps)
    turns: list[tuple[float, float | None]] = []
    at = start
    for length, gap in zip(lengths, gaps, strict=True):
        begin = at + gap * idle
        at = begin + length * busy
        turns.append((begin, at))
    if first or random.random() < RUNS_STILL:
        turns[-1] = (turns[-1][0], None)
    else:
        turns[-1] = (turns[-1][0], now - min(random.expovariate(1 / 1800.0) + 60, (now - turns[-1][0]) / 2))
    return turns


def _stint(random: Random, node: Node, lane: Sequence[int], start: float, end: float | None) -> Stint:
    return Stint(
        key=an_id(random),
        node=node.name,
        gpus=tuple(lane),
        start=start,
        end=end,
        user=random.choice(USERS),
        origin=QUEUE,
        name=f"{random.choice(TRAINING)}-{random.randrange(100):02}",
    )


def _by_hand(random: Random, node: Node, lane: Sequence[int], start: float, now: float) -> Stint:
    pid = 2000 + 100 * lane[0]
    return Stint(
        key=f"process:{pid}:{random.getrandbits(32)}:{node.boot_id}",
        node=node.name,
        gpus=tuple(lane),
        start=random.uniform(start, now - min(3600.0, (now - start) / 2)),
        end=None,
        user=random.choice(USERS),
        origin=random.choice((Origin.DOCKER, Origin.HOST)).value,
        name=random.choice(BY_HAND),
    )


def waits(random: Random, gpus: int, submitted_at: float) -> Job:
    """A job in line for so many GPUs of one node."""
    user = random.choice(USERS)
    spec = JobSpec(
        command=("python", "train.py", "--seed", str(random.randrange(1000))),
        cwd=f"/home/{user}",
        gpus=gpus,
        name=f"{random.choice(TRAINING)}-{random.randrange(100):02}",
        priority=random.choice((0, 0, 0, 0, 10, -10)),
    )
    return Job(id=an_id(random), owner=user, account=group_of(user), spec=spec, submitted_at=submitted_at)


def _lived(random: Random, node: Node, stint: Stint) -> tuple[Job, list[Told]]:
    """The job of a stint, taken through the table of moves, and all that was told of it."""
    cards = node.gpus or ()
    source = f"/nodes/{node.name}"
    waited = min(random.lognormvariate(4.5, 1.5), 6 * 3600.0)
    spec = JobSpec(
        command=("python", "train.py", "--seed", str(random.randrange(1000))),
        cwd=f"/home/{stint.user}",
        gpus=len(stint.gpus),
        name=stint.name,
    )
    job = Job(
        id=stint.key,
        owner=stint.user,
        account=group_of(stint.user),
        spec=spec,
        submitted_at=stint.start - 3 - waited,
    )
    told = [Told(time=job.submitted_at, job=job, fact=submitted(job), source="/controller")]
    placement = Placement(
        node=node.id,
        gpus=tuple(cards[index].uuid for index in stint.gpus),
        token=f"{random.getrandbits(128):032x}",
    )
    steps: list[tuple[float, Input, str]] = [
        (stint.start - 3, Allocate(placement=placement, node_name=node.name), "/controller"),
        (stint.start, Running(token=placement.token, started_at=stint.start), source),
    ]
    if stint.end is not None:
        steps += [(time, what, source) for time, what in _ended(random, stint, placement.token)]
    for time, what, by in steps:
        made = move(job, what, time)
        assert made is not None, "each step of a new job moves it"
        job = made.job
        told += [Told(time=time, job=job, fact=fact, source=by) for fact in made.facts]
    return job, told


def _ended(random: Random, stint: Stint, token: str) -> list[tuple[float, Input]]:
    assert stint.end is not None
    chance = random.random()
    if chance < 0.08:
        asked = stint.end - 4
        cancel = Cancel(by=stint.user, at=asked)
        stopped = Exited(token=token, exit_code=None, signal=15, stopped=True, ended_at=stint.end)
        return [(asked, CancelAsked(cancel=cancel)), (stint.end, stopped)]
    if chance < 0.18:
        code, signal = random.choice(((1, None), (1, None), (2, None), (None, 9)))
        return [(stint.end, Exited(token=token, exit_code=code, signal=signal, ended_at=stint.end))]
    return [(stint.end, Exited(token=token, exit_code=0, signal=None, ended_at=stint.end))]
