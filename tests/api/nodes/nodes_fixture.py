"""Jobs and nodes for the tests of this folder."""

from dataclasses import replace

from sentinel.core.job import Cancel, Job, JobSpec, JobState, Placement
from sentinel.core.node import Node, NodeGpu, NodeState
from sentinel.drivers.stores.memory import MemoryStore

NOW = 1_700_000_000.0


def node(id: str = "node000001", name: str = "gpu1", state: NodeState = NodeState.UP) -> Node:
    gpus = (NodeGpu(uuid="GPU-0", index=0, model="A"), NodeGpu(uuid="GPU-1", index=1, model="A"))
    return Node(id=id, name=name, joined_at=NOW, state=state, boot_id="boot", agent_version="1", gpus=gpus)


def job(
    id: str = "job0000001", state: JobState = JobState.QUEUED, token: str = "t1", on: str = "node000001"
) -> Job:
    made = Job(id=id, owner="ada", spec=JobSpec(command=("true",), cwd="/"), submitted_at=NOW, state=state)
    if not state.placed:
        return made
    placement = Placement(node=on, gpus=("GPU-0",), token=token)
    return replace(made, placement=placement, attempt=1, node="gpu1", gpus=placement.gpus)


CANCEL = Cancel(by="bob", at=NOW)


def put(store: MemoryStore, *jobs: Job, environment: dict[str, str] | None = None) -> int:
    """Adds or replaces them; the store's revision after that."""

    def work(tx):  # type: ignore[no-untyped-def]
        for one in jobs:
            if tx.job(one.id) is None:
                tx.add_job(one, environment or {})
            else:
                tx.put_job(one)
        return tx.revision()

    return store.write(work)
