"""GPU memory that is held and left unused for long. Listed in `components` as "idle".

The inventory knows how long; this makes it a finding, so that it is told beside the others. Nothing is
broken, so it is information, and somebody's to decide about.
"""

from sentinel.core.clock import rfc3339
from sentinel.core.finding import Bad, Finding, GpuRef, Layer, Ok, Proof, Severity, Unsure, Verdict
from sentinel.core.inventory import Inventory, SourceState
from sentinel.core.units import show_duration, show_size
from sentinel.core.workload import Workload, WorkloadState
from sentinel.health.condition import Condition
from sentinel.health.view import HealthView, ref

HELD = Condition(
    component="idle",
    code="idle.held",
    severity=Severity.INFO,
    layer=Layer.APPLICATION,
    title="GPU memory is held and not used",
    about="A workload holds GPU memory and has left the GPU unused for longer than the inventory's idle "
    "time.",
    next_step="Ask the owner whether it is still needed: sentinel workloads shows whose it is and since "
    "when.",
)
CONDITIONS = (HELD,)


def check(view: HealthView) -> Verdict:
    """Unsure without an inventory that could read the GPUs."""
    inventory = view.inventory
    if inventory is None:
        return Unsure("there is no inventory; the agent or sentinel scan makes one")
    idle = [one for one in inventory.workloads if _idle(one)]
    findings = tuple(_finding(view, inventory, gpu, idle) for gpu in _gpus(idle))
    report = inventory.sources.get("gpus")
    if report is None or report.state is not SourceState.OK:
        return Unsure(
            "the inventory could not read the GPUs" + (f": {report.why}" if report else ""), findings
        )
    return Bad(findings) if findings else Ok()


def _idle(one: Workload) -> bool:
    return one.state is WorkloadState.IDLE and one.idle_since is not None


def _gpus(idle: list[Workload]) -> list[str | None]:
    return list(dict.fromkeys(uuid for one in idle for uuid in one.gpus or (None,)))


def _finding(view: HealthView, inventory: Inventory, uuid: str | None, idle: list[Workload]) -> Finding:
    on = [one for one in idle if uuid in (one.gpus or (None,))]
    longest = max(inventory.scanned_at - (one.idle_since or inventory.scanned_at) for one in on)
    some = "1 workload holds" if len(on) == 1 else f"{len(on)} workloads hold"
    cause = f"{some} memory and left it unused for {show_duration(max(longest, 0.0))}"
    proofs = tuple(_proof(one, inventory.scanned_at) for one in on)
    return HELD.found(_ref(view, inventory, uuid), cause, proofs, count=len(on))


def _proof(one: Workload, at: float) -> Proof:
    name = "".join(letter if letter.isprintable() else "?" for letter in one.name)[:64]
    since = rfc3339(one.idle_since) if one.idle_since is not None else "unknown"
    held = show_size(one.gpu_memory_bytes)
    return Proof(
        read=f"{name} of {one.user or 'unknown'}: {held}, idle since {since}", where="inventory", at=at
    )


def _ref(view: HealthView, inventory: Inventory, uuid: str | None) -> GpuRef | None:
    if uuid is None:
        return None
    found = next((gpu for gpu in view.gpus or () if gpu.uuid == uuid), None)
    if found:
        return ref(found)
    index = next((gpu.index for gpu in inventory.gpus if gpu.uuid == uuid), None)
    return GpuRef(uuid=uuid, index=index)
