"""What the agent of a simulated node would see on its GPUs. Pure. Called by `writing` and `live`."""

from sentinel.core.node import Node
from sentinel.core.workload import Category, Origin, Workload, WorkloadState
from sentinel.core.workload_json import workload_json
from sentinel.ports.store import NodeWorkload
from sentinel.server.seeding.fleet import CARD_OF, CARDS
from sentinel.server.seeding.timeline import QUEUE, Stint

IDLE_AFTER = 1800.0  # seconds


def workload(node: Node, stint: Stint, now: float) -> NodeWorkload:
    """Somebody who has GPUs there."""
    managed = stint.origin == QUEUE
    origin = Origin.SENTINEL if managed else Origin(stint.origin)
    container = origin is Origin.DOCKER
    cards = node.gpus or ()
    here = tuple(gpu for gpu in cards if gpu.index in stint.gpus)
    memory = CARD_OF.get(here[0].model or "", CARDS[0]).memory_bytes
    pid = 2000 + 100 * stint.gpus[0]
    seen = Workload(
        id=f"process:{pid}:{int(stint.start)}:{node.boot_id}" if managed else stint.key,
        origin=origin,
        category=Category.MANAGED if managed else Category.CONTAINER if container else Category.HOST,
        state=WorkloadState.RUNNING if stint.level else WorkloadState.IDLE,
        name=stint.name,
        user=stint.user,
        gpu_access=True,
        gpus=tuple(gpu.uuid for gpu in here),
        gpu_memory_bytes=round(memory * stint.memory) * len(here),
        gpu_utilization_percent=float(stint.level),
        image="pytorch/pytorch:2.5.1" if container else None,
        command="python train.py",
        pid=pid,
        pids=(pid,),
        started_at=stint.start,
        first_seen_at=stint.start,
        last_seen_at=now,
        idle_since=None if stint.level else stint.start + IDLE_AFTER,
        source="gpus",
        seen_running=True,
    )
    return NodeWorkload(
        node=node.id,
        id=seen.id,
        tenant=node.tenant,
        owner=seen.user,
        origin=origin.value,
        state=seen.state.value,
        data=workload_json(seen, {gpu.uuid: gpu.index for gpu in cards}),
    )
