"""The dashboard in a real browser: how soon it shows 1,024 GPUs, how smoothly they change, what that costs.

A real controller with 128 simulated nodes of `sentinel dev seed --live --every 1`, and one Chromium,
headless, that draws without a graphics card and is signed in. All share this machine: a frame that came late
may have waited for the nodes. So an empty page is counted beside, before and after: what is late there is the
machine's. What the page's own thread used of the processor is stated beside: that does not grow when the
machine is busy. No peer is measured: Grafana is in no registry that this project installs from.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from bench.dashboard.chromium import Chromium, chromium, drawn_first, needed
from bench.dashboard.frames import FRAME_TARGET, Seen, figure, seen_at
from bench.dashboard.memory import heap
from bench.dashboard.paint import first_paint
from bench.dashboard.streams import CPU_TARGET, GPUS, NODES, WATCHERS, alive, watched
from bench.figure import Figure, percentile
from bench.process_time import cpu_seconds
from bench.queue.controller import Controller, server

COLOURS = ("util", "memory", "temperature", "owner", "health", "state")
GROUPS = ("node", "model", "user")
MANY_NODES, MANY_JOBS = 512, 10_000


def measure(quick: bool) -> list[Figure]:
    """All of it; `quick`: 128 GPUs, briefly."""
    needed()
    nodes = 16 if quick else NODES
    gpus = nodes * GPUS
    with server() as one, alive(one, nodes, jobs=200 if quick else MANY_JOBS), chromium(one) as browser:
        figures = first_paint(browser, gpus, 2 if quick else 7)
        figures += _smooth(browser, one, quick)
        figures += _beside_others(browser, one, quick)
        figures += heap(browser, gpus, *((2.0, 5.0) if quick else (30.0, 120.0)))
    return figures if quick else [*figures, *_four_times()]


def _smooth(browser: Chromium, one: Controller, quick: bool) -> list[Figure]:
    """Every way to look at the fleet, and the pages that draw most beside it."""
    long, short, settle = (2.0, 1.2, 0.5) if quick else (30.0, 5.0, 2.0)
    ways = list(itertools.product(COLOURS, GROUPS))
    ways = ways[:2] if quick else ways
    empty = seen_at(browser, "/api/v1/health", short, 0.2)
    fleet = seen_at(browser, "/", long, settle)
    each = {
        f"{colour} by {by}": seen_at(browser, f"/?colour={colour}&by={by}", short, settle)
        for colour, by in ways
    }
    with one.client() as client:
        name = client.nodes()[0]["name"]
    node = seen_at(browser, f"/nodes/{name}", long, settle)
    jobs = seen_at(browser, "/jobs", long, settle)
    empty_again = seen_at(browser, "/api/v1/health", short, 0.2)
    return [
        Figure(
            name="an empty page, longest frame",
            value=round(max(empty.longest, empty_again.longest), 1),
            unit="ms",
            how="the machine's own share: no dashboard in it, before and after",
            detail={"before": empty.detail(), "after": empty_again.detail()},
        ),
        figure("dashboard, fleet, longest frame", fleet),
        _worst_way(each, short),
        figure("dashboard, a node's charts, longest frame", node),
        figure(f"dashboard, jobs ({200 if quick else MANY_JOBS:,}), longest frame", jobs),
        _long_tasks([fleet, node, jobs, *each.values()]),
    ]


def _worst_way(each: dict[str, Seen], seconds: float) -> Figure:
    way, worst = max(each.items(), key=lambda one: one[1].longest)
    return Figure(
        name="dashboard, any colouring and grouping",
        value=round(worst.longest, 1),
        unit="ms",
        target=FRAME_TARGET,
        how=f"longest frame of {len(each)} ways to look at the fleet, {seconds:g} s each; here {way}",
        detail={name: seen.detail() for name, seen in each.items()},
    )


def _long_tasks(all_seen: Sequence[Seen]) -> Figure:
    tasks = [task for seen in all_seen for task in seen.tasks]
    seconds = sum(seen.seconds for seen in all_seen)
    return Figure(
        name="dashboard, long tasks, p95",
        value=round(percentile(tasks, 95), 1) if tasks else 0.0,
        unit="ms",
        how=f"{len(tasks)} over 50 ms in {seconds:g} s of the above, worst {max(tasks, default=0):.0f} ms",
        detail={"count": len(tasks), "worst_ms": round(max(tasks, default=0.0), 1)},
    )


def _beside_others(browser: Chromium, one: Controller, quick: bool) -> list[Figure]:
    """What the controller and the browser use while one looks by Chromium and many by streams alone."""
    seconds = 2.0 if quick else 30.0
    with browser.page() as page:
        page.goto(f"{browser.url}/")
        drawn_first(page)
        page.wait_for_timeout(2000)
        before = cpu_seconds(browser.pid)
        cpu, heard = watched(one, WATCHERS, seconds)
        used = cpu_seconds(browser.pid) - before
    return [
        Figure(
            name=f"controller, {WATCHERS} follow, one by Chromium",
            value=round(cpu, 1),
            unit="%",
            target=None if quick else CPU_TARGET,
            how=f"% of one core, all its processes, {seconds:g} s, each GPU anew each second",
            detail=heard,
        ),
        Figure(
            name="Chromium, the fleet at 1 Hz",
            # A little more than `seconds` went by: the others come, and say what they heard.
            value=round(100 * used / seconds, 1),
            unit="%",
            how="% of one core at most, all its processes, painting without a graphics card included",
        ),
    ]


def _four_times() -> list[Figure]:
    """How each cost grows: four times as many GPUs, a quarter of which change each second."""
    gpus = MANY_NODES * GPUS
    with server() as one, alive(one, MANY_NODES, every=4), chromium(one) as browser:
        median, *_ = first_paint(browser, gpus, 3)
        seen = seen_at(browser, "/", 20.0, 3.0)
    grown = figure(f"dashboard, {gpus:,} GPUs, longest frame", seen)
    return [median, replace(grown, target=None)]
