"""How soon somebody sees the fleet, and what the browser had to fetch for that. Called by `page`."""

import statistics
from gzip import compress
from typing import Any

from playwright.sync_api import Page

from bench.dashboard.chromium import HEIGHT, WIDTH, Chromium, drawn_first, metrics, told
from bench.figure import Figure, percentile
from bench.workstation.arbiter import BenchmarkError
from sentinel.api.dashboard_place import dashboard_folder

PAINT_TARGET, SCRIPT_TARGET = 1500.0, 350.0

# What came over the wire, by kind, in kB, with the heads of the answers; streams go on, and are not in it.
_FETCHED = """
() => {
  const kind = (path) => (/\\.(js|css)$/.exec(path) ?? /^.(api)\\b/.exec(path) ?? ["", "other"])[1];
  const found = { js: 0, css: 0, api: 0, other: 0, files: 0 };
  const entries = (type) => performance.getEntriesByType(type);
  for (const one of [...entries("navigation"), ...entries("resource")]) {
    found[kind(new URL(one.name).pathname)] += one.transferSize / 1000;
    found.files += 1;
  }
  return found;
}
"""
_MOMENTS = """
() => {
  const [first] = performance.getEntriesByType("navigation");
  const first_paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null;
  return { answered: first.responseStart, parsed: first.domInteractive, first_paint };
}
"""


def first_paint(browser: Chromium, gpus: int, rounds: int) -> list[Figure]:
    """From the beginning of a navigation until the map of all GPUs was drawn, with nothing in any cache."""
    drawn: list[float] = []
    moments: list[dict[str, Any]] = []
    fetched: dict[str, float] = {}
    for _ in range(rounds):
        with browser.page() as page:
            devtools = page.context.new_cdp_session(page)
            told(devtools, "Performance.enable", timeDomain="threadTicks")
            drawn.append(_opened(page, browser, gpus))
            thread = 1000 * metrics(devtools)["TaskDuration"]
            moments.append({**page.evaluate(_MOMENTS), "main_thread": thread})
            page.wait_for_load_state("load")
            fetched = page.evaluate(_FETCHED)
    typical = _typical(moments)
    return [
        Figure(
            name=f"dashboard, {gpus:,} GPUs drawn, median",
            value=round(statistics.median(drawn)),
            unit="ms",
            how=f"navigation to every cell drawn; {_where(browser)}, nothing cached, {rounds} times",
            detail={
                "all_ms": [round(one) for one in drawn],
                "p95_ms": round(percentile(drawn, 95)),
                **typical,
            },
        ),
        Figure(
            name=f"dashboard, {gpus:,} GPUs drawn, worst",
            value=round(max(drawn)),
            unit="ms",
            target=PAINT_TARGET,
            how=f"the same; {typical['main_thread_ms']} ms of the page's own thread, at the median",
        ),
        *_scripts(fetched),
    ]


def _opened(page: Page, browser: Chromium, gpus: int) -> float:
    page.goto(f"{browser.url}/", wait_until="commit")
    took, cells = drawn_first(page)
    if cells != gpus:
        raise BenchmarkError(f"{cells} cells were drawn, of {gpus} GPUs")
    return took


def _typical(moments: list[dict[str, Any]]) -> dict[str, float | None]:
    """The median of each moment on the way; None where the browser told none."""
    found: dict[str, float | None] = {}
    for name in moments[0]:
        values = [one[name] for one in moments if one[name] is not None]
        found[f"{name}_ms"] = round(statistics.median(values)) if values else None
    return found


def _scripts(fetched: dict[str, float]) -> list[Figure]:
    """What the whole dashboard's JavaScript is when packed, and what the first page took of it."""
    files = sorted((dashboard_folder() / "assets").glob("*.js"))
    return [
        Figure(
            name="dashboard, JavaScript of all pages, packed",
            value=round(sum(len(compress(file.read_bytes(), 9)) for file in files) / 1000, 1),
            unit="kB",
            target=SCRIPT_TARGET,
            how=f"{len(files)} files, each by gzip -9",
        ),
        Figure(
            name="dashboard, JavaScript the first page took",
            value=round(fetched["js"], 1),
            unit="kB",
            target=SCRIPT_TARGET,
            how="what the browser received, heads of the answers included",
            detail={
                f"{kind}_kilobytes" if kind != "files" else kind: round(value, 1)
                for kind, value in fetched.items()
            },
        ),
    ]


def _where(browser: Chromium) -> str:
    return f"Chromium {browser.version.partition('.')[0]}, {WIDTH} by {HEIGHT}, no graphics card, TLS"
