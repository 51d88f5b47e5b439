"""What is wrong, as lines above the processes of `sentinel top`: what the agent's rounds of health left.

Called by `owners` at every look; the file is read when it was replaced.
"""

from collections.abc import Sequence
from pathlib import Path

from sentinel.core.finding import Finding, Severity
from sentinel.core.units import show_duration
from sentinel.health.findings_file import FINDINGS, Kept, load

SHOWN = 3
STALE_SECONDS = 120.0


class FindingNotes:
    """Reads STATE_DIR/findings.json. Without one there is nothing to say: nobody looks."""

    def __init__(self, folder: Path, boot_id: str) -> None:
        self._folder, self._boot_id = folder, boot_id
        self._stamp = (-1, -1)
        self._kept: Kept | None = None

    def lines(self, wall: float) -> list[str]:
        """At most SHOWN and one more; information is left out."""
        self._refresh()
        kept = self._kept
        if kept is None or kept.boot_id != self._boot_id:
            return []
        age = wall - kept.at
        late = f" (as of {show_duration(age)} ago)" if age > STALE_SECONDS else ""
        return lines_of(kept.standing.findings, late)

    def _refresh(self) -> None:
        try:
            found = (self._folder / FINDINGS).stat()
            stamp = (found.st_ino, found.st_mtime_ns)
        except OSError:
            stamp = (0, 0)
        if stamp != self._stamp:
            self._stamp, self._kept = stamp, load(self._folder)


def lines_of(findings: Sequence[Finding], late: str = "") -> list[str]:
    """The findings that somebody should look at, the worst first."""
    serious = [one for one in findings if one.severity is not Severity.INFO]
    lines = [f"{one.severity.value}: {_where(one)}{one.title}{late}" for one in serious[:SHOWN]]
    if len(serious) > SHOWN:
        lines.append(f"and {len(serious) - SHOWN} findings more: sentinel health")
    return lines


def _where(one: Finding) -> str:
    if one.gpu is None:
        return ""
    return f"GPU {one.gpu.index}: " if one.gpu.index is not None else f"{one.gpu.name}: "
