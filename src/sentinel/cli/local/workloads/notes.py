"""What has to be said above every view of an inventory: how old it is, which sources did not answer. Pure.

Called by `sentinel workloads` and `sentinel top`.
"""

from sentinel.cli.local.duration_text import age_text
from sentinel.cli.local.inventory_file import HOW
from sentinel.cli.text_width import cell
from sentinel.core.inventory import Inventory, SourceReport, SourceState

STALE_SECONDS = 90.0  # three rounds of the 30 s timer
_CLOCK_SLACK = 5.0

_PARTS = {
    "gpus": "GPU memory and use are not known now",
    "processes": "host processes are shown as last seen",
    "arbiter": "who has a lease is not known now",
}


def notes(inventory: Inventory, now: float, *, boot_id: str | None = None) -> list[str]:
    """Sentences, each a line of any length; the worst first. `boot_id`: of the machine that shows them."""
    return [*age_notes(inventory, now, boot_id=boot_id), *source_notes(inventory, now)]


def age_notes(inventory: Inventory, now: float, *, boot_id: str | None = None) -> list[str]:
    """Whether the inventory is too old to be believed."""
    age = now - inventory.scanned_at
    if age < -_CLOCK_SLACK:
        return [
            f"clock: this was written {age_text(-age)} in the future; is the clock of this machine right?"
        ]
    if age <= STALE_SECONDS:
        return []
    restarted = "" if boot_id in (None, inventory.boot_id) else ", before this machine was last started"
    return [f"old: nobody has looked for {age_text(age)}{restarted}; {HOW}"]


def source_notes(inventory: Inventory, now: float) -> list[str]:
    """Which sources did not answer, and which are not here."""
    reports = sorted(inventory.sources.items())
    found = [_unknown(name, one, now) for name, one in reports if one.state is SourceState.UNKNOWN]
    absent = [cell(name) for name, one in reports if one.state is SourceState.ABSENT]
    return [*found, f"not on this machine: {', '.join(absent)}"] if absent else found


def _unknown(name: str, report: SourceReport, now: float) -> str:
    since = "" if report.since is None else f" since {age_text(now - report.since)}"
    why = cell(report.why).rstrip(".;") or "it did not answer"
    part = _PARTS.get(name, "its workloads are shown as last seen")
    return f"{cell(name)}: unknown{since}: {why}; {part}"
