"""A Chromium to measure the dashboard in: signed in, of one size, with what it draws counted. Used by the
figures of the dashboard here. One at a time: two would measure each other.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, StorageState, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from bench.queue.controller import Controller
from bench.workstation.arbiter import BenchmarkError
from sentinel.api.dashboard_place import dashboard_folder

WIDTH, HEIGHT = 1440, 900
DRAWN = "sentinel:fleet-drawn"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_PATIENCE_MS = 60_000.0

# Counted in the page: how far apart frames were, the tasks and frames that the browser itself calls long, how
# long it took to read what the stream brought, how many rectangles were filled. Off until `on`.
_COUNTING = """
(() => {
  const seen = { on: false, frames: [], tasks: [], slow: [], parsed: [], filled: 0 };
  window.benchSeen = seen;
  let last = 0;
  const frame = (now) => {
    if (seen.on && last > 0) seen.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  const watch = (type, name) => new PerformanceObserver((list) => {
    if (seen.on) for (const entry of list.getEntries()) seen[name].push(entry.duration);
  }).observe({ type });
  watch("longtask", "tasks");
  watch("long-animation-frame", "slow");
  const parse = JSON.parse;
  JSON.parse = (text, reviver) => {
    if (!seen.on || typeof text !== "string" || !text.startsWith('{"at":')) return parse(text, reviver);
    const began = performance.now();
    const found = parse(text, reviver);
    seen.parsed.push(performance.now() - began);
    return found;
  };
  const fill = CanvasRenderingContext2D.prototype.fillRect;
  CanvasRenderingContext2D.prototype.fillRect = function (...args) {
    if (seen.on) seen.filled += 1;
    return fill.apply(this, args);
  };
})();
"""

# The page's policy forbids what would ask again and again from outside: the mark is waited for within.
_FIRST_DRAWN = """
([name, patience]) => new Promise((resolve) => {
  const seen = new PerformanceObserver((list) => {
    const [mark] = list.getEntriesByName(name);
    if (mark !== undefined) resolve({ at: mark.startTime, cells: mark.detail.cells });
  });
  seen.observe({ type: "mark", buffered: true });
  setTimeout(() => resolve({ at: null, cells: 0 }), patience);
})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chromium:
    """A running one. `pid` is the parent of its processes; `session`: what makes a page signed in."""

    browser: Browser
    pid: int
    version: str
    url: str
    session: StorageState

    @contextlib.contextmanager
    def page(self, *, counting: bool = False) -> Generator[Page]:
        """An empty one, signed in, that nothing was loaded into before: its cache is as cold as it gets."""
        context = self._context()
        try:
            context.set_default_timeout(_PATIENCE_MS)
            if counting:
                context.add_init_script(_COUNTING)
            yield context.new_page()
        finally:
            context.close()

    def _context(self) -> BrowserContext:
        return self.browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT},
            color_scheme="dark",
            ignore_https_errors=True,
            storage_state=self.session,
        )


def needed() -> str:
    """The browser's program; BenchmarkError where there is none, or no dashboard to look at."""
    program = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if program is None:
        raise BenchmarkError("there is no Chromium here; install it (Debian: apt install chromium)")
    if not (dashboard_folder() / "index.html").is_file():
        raise BenchmarkError("the dashboard is not built; run `make dashboard`")
    return program


@contextlib.contextmanager
def chromium(one: Controller) -> Generator[Chromium]:
    """One that is signed in to this controller as its admin."""
    program = needed()
    with sync_playwright() as playwright:
        before = set(_chromiums())
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]
        )
        try:
            pids = [pid for pid in _chromiums() if pid not in before]
            if not pids:
                raise BenchmarkError("the browser's process was not found")
            yield Chromium(
                browser=browser,
                pid=min(pids),
                version=browser.version,
                url=one.url,
                session=_signed_in(browser, one),
            )
        except PlaywrightError as error:
            raise BenchmarkError(f"the browser: {error.message.splitlines()[0]}") from error
        finally:
            browser.close()


def _signed_in(browser: Browser, one: Controller) -> StorageState:
    context = browser.new_context(ignore_https_errors=True)
    try:
        address = urlsplit(one.url)
        answer = context.request.post(
            f"{one.url}/api/v1/session",
            headers={"X-Sentinel-Csrf": "1", "Origin": f"{address.scheme}://{address.netloc}"},
            data={"token": one.env["SENTINEL_TOKEN"]},
        )
        if not answer.ok:
            raise BenchmarkError(f"nobody could sign in: {answer.status} {answer.text()[:200]}")
        # Whoever is signed in was here before; all that is gone of that is what was cached.
        page = context.new_page()
        page.goto(one.url)
        drawn_first(page)
        return context.storage_state()
    finally:
        context.close()


def drawn_first(page: Page) -> tuple[float, int]:
    """Waits until the map of the fleet was drawn for the first time: milliseconds since the navigation began,
    and how many cells had something in them."""
    found: dict[str, Any] = page.evaluate(_FIRST_DRAWN, [DRAWN, _PATIENCE_MS])
    if found["at"] is None:
        raise BenchmarkError(f"the map of the fleet was not drawn within {_PATIENCE_MS / 1000:g} s")
    return float(found["at"]), int(found["cells"])


def metrics(devtools: CDPSession) -> dict[str, float]:
    """What the page's main thread has done since it began, in seconds of the processor, by name."""
    return {one["name"]: float(one["value"]) for one in told(devtools, "Performance.getMetrics")["metrics"]}


def told(devtools: CDPSession, method: str, **given: str) -> dict[str, Any]:
    """What the browser answers to a call of its developer tools."""
    return cast("dict[str, Any]", devtools.send(method, given))  # pyright: ignore[reportUnknownMemberType]


def _chromiums() -> list[int]:
    """First processes of browsers that we began: those that are no part of another one."""
    found: list[int] = []
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True, timeout=10
    ).stdout
    parents: dict[int, int] = {}
    lines: dict[int, str] = {}
    for line in listed.splitlines():
        pid, parent, words = line.split(None, 2)
        parents[int(pid)], lines[int(pid)] = int(parent), words
    for pid, words in lines.items():
        program = Path(words.split()[0]).name
        if "chrom" in program and "--type=" not in words and "crashpad" not in program:
            above = pid
            while above in parents and above != os.getpid():
                above = parents[above]
            if above == os.getpid():
                found.append(pid)
    return found
