"""Why a GPU of this node must not be given to a job, though the queue has it free. Pure. For `node_watch`.

Our own jobs do not block a GPU, however many of them share it, nor do the arbiter's inference services, which
step aside for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sentinel.agent.link.arbiter_view import Arbiter, ArbiterView, GpuView, NoArbiter, SilentArbiter
from sentinel.agent.link.processes import Ended, LeftBehind, Ours, Serving, Strange, Whose
from sentinel.core.gpu import Gpu, GpuProcess
from sentinel.core.node import Block, BlockKind
from sentinel.core.workload import Workload

_NO_VIEW = GpuView()


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What else is known while a GPU is judged."""

    whose: Mapping[int, Whose] = field(default_factory=dict[int, Whose])  # by pid
    workloads: Mapping[int, Workload] = field(default_factory=dict[int, Workload])  # by pid
    arbiter: Arbiter = field(default_factory=NoArbiter)
    own_pids: frozenset[int] = frozenset()  # of the supervisor, and of our jobs
    findings: Mapping[str, str] = field(default_factory=dict[str, str])  # UUID → what takes it out
    strangers: Mapping[str, str] = field(default_factory=dict[str, str])  # UUID → a job that only we know


def blocked(gpu: Gpu, around: Around, *, part_of: str | None = None) -> Block | None:
    """Why it must not be given out; None: it may be. Of several reasons the one that lasts longest.
    `part_of`: the UUID of its card, for a MIG device."""
    card = part_of or gpu.uuid
    view = around.arbiter.gpus.get(card, _NO_VIEW) if isinstance(around.arbiter, ArbiterView) else _NO_VIEW
    return (
        _quarantined(card, view, around)
        or _unreadable(gpu, view, around)
        or _leased(view, around)
        or _of_the_arbiter(part_of, around)
        or _with_a_stranger(gpu, card, around)
        or _held(gpu, view, around)
    )


def _quarantined(card: str, view: GpuView, around: Around) -> Block | None:
    # Where there is an arbiter its cordons alone decide: whoever lifted one knew of the finding.
    why = view.cordon if isinstance(around.arbiter, ArbiterView) else around.findings.get(card)
    return None if why is None else Block(kind=BlockKind.QUARANTINED, why=why)


def _unreadable(gpu: Gpu, view: GpuView, around: Around) -> Block | None:
    why = None
    if gpu.error is not None:
        why = f"the GPU answers with an error: {gpu.error}"
    elif not gpu.named:
        why = "the GPU does not tell its UUID"
    elif gpu.processes is None:
        why = "the driver does not say which processes are on it"
    elif isinstance(around.arbiter, SilentArbiter):
        why = f"the arbiter of its node does not answer: {around.arbiter.why}"
    elif not view.known:
        why = f"the arbiter of its node cannot read it: {view.why_unknown}"
    return None if why is None else Block(kind=BlockKind.UNKNOWN, why=why)


def _leased(view: GpuView, around: Around) -> Block | None:
    if not isinstance(around.arbiter, ArbiterView):
        return None
    for id in view.leases:
        lease = around.arbiter.leases.get(id)
        if lease is None or not lease.pids & around.own_pids:
            who = "somebody" if lease is None else lease.user
            what = f" ({lease.command})" if lease is not None and lease.command else ""
            return Block(kind=BlockKind.LEASED, why=f"{who}{what} has it by sentinel-request, lease {id}")
    return None


def _of_the_arbiter(part_of: str | None, around: Around) -> Block | None:
    if part_of is None or not isinstance(around.arbiter, ArbiterView):
        return None
    why = (
        "its node's arbiter gives out whole cards, no MIG devices (without it: sentinel agent --arbiter none)"
    )
    return Block(kind=BlockKind.LEASED, why=why)


def _with_a_stranger(gpu: Gpu, card: str, around: Around) -> Block | None:
    job = around.strangers.get(gpu.uuid) or around.strangers.get(card)
    if job is None:
        return None
    why = f"job {job}, which the controller does not know (a restored backup?), runs on it"
    return Block(kind=BlockKind.UNMANAGED, why=why)


def _held(gpu: Gpu, view: GpuView, around: Around) -> Block | None:
    for process in gpu.processes or ():
        if not process.kind.computes or process.pid in view.exempt:
            continue
        match around.whose.get(process.pid, Strange()):
            case Ours() | Ended() | Serving():
                continue
            case LeftBehind():
                why = f"{_name(process)} (pid {process.pid}) was left behind on it by a job that has ended"
            case Strange():
                why = _strange(process, around.workloads.get(process.pid))
        return Block(kind=BlockKind.UNMANAGED, why=why)
    return None


def _strange(process: GpuProcess, workload: Workload | None) -> str:
    if workload is None:
        return f"{_name(process)} (pid {process.pid}), which nobody queued, runs on it"
    user = f" of {workload.user}" if workload.user else ""
    return f"{workload.name}{user} (pid {process.pid}), which nobody queued, runs on it"


def _name(process: GpuProcess) -> str:
    return process.name or "a process"
