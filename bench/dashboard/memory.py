"""Whether the dashboard keeps more and more while it is left open. Called by `page`."""

from dataclasses import dataclass

from playwright.sync_api import CDPSession

from bench.dashboard.chromium import Chromium, drawn_first, told
from bench.figure import Figure

GROWTH_TARGET = 1.0
_TEN_MINUTES = 600.0
_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the page holds once all that nobody needs was thrown away."""

    heap_mib: float
    nodes: int
    listeners: int


def heap(browser: Chromium, gpus: int, first: float, second: float) -> list[Figure]:
    """The heap after `first` and after `second` seconds of updates, garbage collected before each."""
    with browser.page() as page:
        page.goto(f"{browser.url}/")
        drawn_first(page)
        devtools = page.context.new_cdp_session(page)
        page.wait_for_timeout(1000 * first)
        before = _held(devtools)
        page.wait_for_timeout(1000 * (second - first))
        after = _held(devtools)
    grown = after.heap_mib - before.heap_mib
    later = after.heap_mib + grown / (second - first) * (_TEN_MINUTES - second)
    return [
        Figure(
            name=f"dashboard, JS heap grows in {second - first:g} s",
            value=round(grown, 2),
            unit="MiB",
            target=GROWTH_TARGET,
            how=f"{gpus:,} GPUs at 1 Hz, garbage collected at {first:g} s and at {second:g} s",
            detail={
                "heap_mib": [round(before.heap_mib, 2), round(after.heap_mib, 2)],
                "dom_nodes": [before.nodes, after.nodes],
                "listeners": [before.listeners, after.listeners],
            },
        ),
        Figure(
            name="dashboard, JS heap after 10 min",
            value=round(max(later, after.heap_mib), 1),
            unit="MiB",
            how="worked out from that growth, were it to go on; not waited for",
        ),
    ]


def _held(devtools: CDPSession) -> Held:
    # The second one takes what the first one's finalisers let go of.
    for _ in range(2):
        told(devtools, "HeapProfiler.collectGarbage")
    used = told(devtools, "Runtime.getHeapUsage")["usedSize"]
    counted = told(devtools, "Memory.getDOMCounters")
    return Held(heap_mib=used / _MIB, nodes=counted["nodes"], listeners=counted["jsEventListeners"])
