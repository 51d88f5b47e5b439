"""How smoothly a page of the dashboard is drawn while its figures change each second. Called by `page`."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from bench.dashboard.chromium import Chromium, metrics, told
from bench.figure import Figure, percentile

FRAME_TARGET = 50.0
_BEGIN = "Object.assign(benchSeen, { on: true, frames: [], tasks: [], slow: [], parsed: [], filled: 0 })"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was counted in a page over `seconds`. All in milliseconds but `filled`, a count."""

    seconds: float
    frames: Sequence[float]
    tasks: Sequence[float]
    slow: Sequence[float]
    parsed: Sequence[float]
    filled: int
    thread: dict[str, float]

    @property
    def longest(self) -> float:
        """What somebody who looks may have noticed: the widest gap between two frames, the longest frame."""
        return max((*self.frames, *self.slow), default=0.0)

    def detail(self) -> dict[str, Any]:
        """What a figure says beside the longest frame."""
        updates = len(self.parsed)
        return {
            "seconds": self.seconds,
            "frames": len(self.frames),
            "gap_p99_ms": round(percentile(self.frames, 99), 1) if self.frames else None,
            "long_tasks": len(self.tasks),
            "long_task_p95_ms": round(percentile(self.tasks, 95), 1) if self.tasks else None,
            "long_task_worst_ms": round(max(self.tasks), 1) if self.tasks else None,
            "long_frames": len(self.slow),
            "updates": updates,
            "parse_ms": round(statistics.median(self.parsed), 2) if updates else None,
            "filled_per_update": round(self.filled / updates) if updates else None,
            "script_ms_per_update": round(1000 * self.thread["ScriptDuration"] / updates, 1)
            if updates
            else None,
            "main_thread_percent": round(100 * self.thread["TaskDuration"] / self.seconds, 1),
        }


def looked_at(page: Page, seconds: float) -> Seen:
    """A page that was loaded with counting on, for so long."""
    devtools = page.context.new_cdp_session(page)
    told(devtools, "Performance.enable", timeDomain="threadTicks")
    page.evaluate(_BEGIN)
    before = metrics(devtools)
    page.wait_for_timeout(1000 * seconds)
    after = metrics(devtools)
    found: dict[str, Any] = page.evaluate("Object.assign(benchSeen, { on: false })")
    devtools.detach()
    return Seen(
        seconds=seconds,
        thread={name: after[name] - before[name] for name in ("TaskDuration", "ScriptDuration")},
        **{name: found[name] for name in ("frames", "tasks", "slow", "parsed", "filled")},
    )


def seen_at(browser: Chromium, address: str, seconds: float, settle: float) -> Seen:
    """The page at `address` while it is kept up to date, from `settle` seconds after it was loaded."""
    with browser.page(counting=True) as page:
        page.goto(browser.url + address)
        page.wait_for_timeout(1000 * settle)
        return looked_at(page, seconds)


def figure(name: str, seen: Seen) -> Figure:
    return Figure(
        name=name,
        value=round(seen.longest, 1),
        unit="ms",
        target=FRAME_TARGET,
        how=_said(seen),
        detail=seen.detail(),
    )


def _said(seen: Seen) -> str:
    tasks = seen.tasks
    worst = f", p95 {percentile(tasks, 95):.0f} ms, worst {max(tasks):.0f} ms" if tasks else ""
    return (
        f"in {seen.seconds:g} s, {len(seen.parsed)} updates; tasks over 50 ms: {len(tasks)}{worst}; "
        f"main thread {100 * seen.thread['TaskDuration'] / seen.seconds:.1f} %"
    )
