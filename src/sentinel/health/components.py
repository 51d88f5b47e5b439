"""The components of health, in one table: what each looks at, when that is bad, and its codes.

`round` runs them; `sentinel health --list` and the documentation print them. A new component is one file
with `CONDITIONS` and `check`, and one entry here. Which findings take a GPU out of scheduling, and why:

- **Out** (`quarantine`): the card lost data or cannot be talked to, and only a reset or a new card helps.
  That is ecc.uncorrected, remap.failure, retired.many and the codes of `gpu`.
- **Not out**: it is slow, hot or badly connected, something waits for a reset at leisure, or it is
  somebody's doing. Work goes on, and the finding says what to do. Nor is a finding about the node: it names
  no GPU, and where GPUs cannot be read none is given out anyway.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sentinel.core.finding import Bad, Ok, Unsure, Verdict
from sentinel.health import (
    clocks,
    ecc,
    fan,
    idle_held,
    lost,
    memory,
    mismatch,
    node,
    nvlink,
    pcie,
    persistence,
    power,
    remapping,
    retired,
    straggler,
    thermal,
    zombies,
)
from sentinel.health.condition import Condition
from sentinel.health.sxid_catalog import SWITCH_CATALOG
from sentinel.health.view import HealthView
from sentinel.health.xid_catalog import CATALOG


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """`about` is a paragraph; `codes` has a line for each code it can find."""

    name: str
    about: str
    codes: Mapping[str, str]
    check: Callable[[HealthView], Verdict]


def _component(
    name: str, conditions: tuple[Condition, ...], check: Callable[[HealthView], Verdict], about: str
) -> Component:
    return Component(name=name, about=about, codes={one.code: one.about for one in conditions}, check=check)


def from_kernel_log(name: str) -> Callable[[HealthView], Verdict]:
    """The part of `view.kernel_findings` that is the component `name`'s."""

    def check(view: HealthView) -> Verdict:
        told = view.kernel_findings
        if told is None:
            return Unsure("the kernel's log was not read")
        if isinstance(told, Ok):
            return told
        own = tuple(finding for finding in told.findings if finding.component == name)
        if isinstance(told, Unsure):
            return Unsure(told.why, own, told.gpus)
        return Bad(own) if own else Ok()

    return check


ALL: tuple[Component, ...] = (
    _component(
        "driver",
        mismatch.CONDITIONS,
        mismatch.check,
        "Whether the driver can be talked to at all. Bad when it was upgraded without a reboot, is not "
        "loaded, "
        "finds no card, or its devices cannot be opened.",
    ),
    _component(
        "gpu",
        lost.CONDITIONS,
        lost.check,
        "Whether each card answers. Bad when it says that it is lost, requires a reset or lacks power, "
        "answers "
        "with errors, or was here earlier and is no longer listed.",
    ),
    Component(
        name="xid",
        about="Errors that the driver writes to the kernel's log about a GPU, each with a number (Xid). "
        "Whether one "
        "is bad, and for whom, is by the number and by how often it comes.",
        codes={str(code): entry.title for code, entry in CATALOG.items()},
        check=from_kernel_log("xid"),
    ),
    Component(
        name="sxid",
        about="The same for NVSwitches (SXid).",
        codes={f"sxid:{code}": entry.title for code, entry in SWITCH_CATALOG.items()},
        check=from_kernel_log("sxid"),
    ),
    _component(
        "ecc",
        ecc.CONDITIONS,
        ecc.check,
        "Errors of the GPU's memory by its own count. Bad when one could not be corrected since the "
        "driver was "
        f"loaded, or more than {ecc.CORRECTED_PER_HOUR:g} an hour are corrected.",
    ),
    _component(
        "remapping",
        remapping.CONDITIONS,
        remapping.check,
        "Row remapping, by which cards since Ampere replace bad rows of memory. Bad when one failed or "
        "waits for "
        "a reset.",
    ),
    _component(
        "retired",
        retired.CONDITIONS,
        retired.check,
        "Retired pages, by which older cards keep bad memory out of use. Bad when one waits for a reset, or "
        f"{retired.MOST_PAGES} of the 64 that there is room for are used.",
    ),
    _component(
        "thermal",
        thermal.CONDITIONS,
        thermal.check,
        "Temperatures against the card's own limits, and whether heat holds its clocks down. Bad when it "
        "does, or "
        f"is within {thermal.NEAR_CELSIUS:g} °C of doing so.",
    ),
    _component(
        "power",
        power.CONDITIONS,
        power.check,
        "Whether power holds the clocks down. Bad when the power supply brakes the card. Being at the "
        "power limit "
        "is normal under load, and told only where that limit was lowered.",
    ),
    _component(
        "clocks",
        clocks.CONDITIONS,
        clocks.check,
        'Clocks under load. Bad when they stay low and the card names no reason, or only "hardware '
        'slowdown".',
    ),
    _component(
        "pcie",
        pcie.CONDITIONS,
        pcie.check,
        "The link to the processor. Bad when it repeats packets or, under load, runs at a lower "
        "generation than "
        "it could. A narrow link is information, and bad when it or its like was wider.",
    ),
    _component(
        "nvlink",
        nvlink.CONDITIONS,
        nvlink.check,
        "The links between GPUs. Bad when one was up before, when others of the model have more up, or at "
        "errors.",
    ),
    _component(
        "memory",
        memory.CONDITIONS,
        memory.check,
        "GPU memory in use while no process is on the card, for longer than it takes to be freed.",
    ),
    _component(
        "fan",
        fan.CONDITIONS,
        fan.check,
        f"Fans. Bad when one stands still at {fan.HOT_CELSIUS:g} °C or more, on a card that has fans.",
    ),
    _component(
        "persistence",
        persistence.CONDITIONS,
        persistence.check,
        "Whether the driver keeps the card ready between users.",
    ),
    _component(
        "straggler",
        straggler.CONDITIONS,
        straggler.check,
        f"Cards of one model, compared under like load where there are {straggler.EQUALS} or more. Bad "
        "when one is "
        "clearly slower.",
    ),
    _component(
        "idle",
        idle_held.CONDITIONS,
        idle_held.check,
        "Workloads that hold GPU memory and leave it unused, by the inventory.",
    ),
    _component(
        "process",
        zombies.CONDITIONS,
        zombies.check,
        f"Processes on a GPU that have been dead or stuck in the kernel for {zombies.LASTING:g} s.",
    ),
    _component(
        "node",
        node.CONDITIONS,
        node.check,
        "Disks that jobs write to, and RAM. Bad when one is nearly used up.",
    ),
)
