"""Every page of the dashboard by its route, how one waits until it stands still, and its picture. Used by
test_every_page and test_accessibility.

Pictures go to build/screens, or where SENTINEL_SCREENS says: PAGE-LOOK.png.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect
from tests.real.dashboard.browser import Browser, Scheme
from tests.real.dashboard.house import PROJECT
from tests.real.dashboard.seeded import Seeded

FOLDER_VARIABLE = "SENTINEL_SCREENS"
ROUTES_FILE = PROJECT / "dashboard/src/shell/routes.ts"
_ROUTE = re.compile(r'\{ path: "([^"]+)", page: "[^"]+"')
MOST_SHIFT = 0.1
"""What is called good of a page: https://web.dev/cls. Each page here has to be as good while it loads."""

# Nothing arrives for a while: what a page asked for has come and is drawn. Streams stay open.
_STILL = """async () => {
  const ends = () => performance.getEntriesByType("resource").map((one) => one.responseEnd);
  const begun = performance.now() - 200;
  while (performance.now() - Math.max(begun, ...ends()) < 500) await new Promise((go) => setTimeout(go, 50));
  await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
}"""
_SHIFTS = """() => new Promise((tell) => {
  const where = ({ x, y, width, height }) => `${[x, y].map(Math.round)} ${[width, height].map(Math.round)}`;
  const say = ({ node, previousRect: was, currentRect: is }) =>
    `${node?.nodeName}.${node?.className} ${where(was)} -> ${where(is)}`;
  const counts = (one) => !one.hadRecentInput;
  const seen = (one) => ({ value: one.value, moved: one.sources.map(say) });
  const observer = new PerformanceObserver((list) => tell(list.getEntries().filter(counts).map(seen)));
  observer.observe({ type: "layout-shift", buffered: true });
  setTimeout(() => tell([]), 200);
})"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """`heading`: a pattern that the page's heading fits whole."""

    route: str
    heading: str

    @property
    def name(self) -> str:
        """Of its picture: `alerts-id` for /alerts/:id."""
        return self.route.strip("/").replace("/", "-").replace(":", "") or "fleet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    name: str
    scheme: Scheme
    width: int
    height: int


LIGHT = Look(name="light", scheme="light", width=1440, height=900)
DARK = Look(name="dark", scheme="dark", width=1440, height=900)
PHONE = Look(name="phone", scheme="light", width=390, height=844)
LOOKS = (LIGHT, DARK, PHONE)

SCREENS = tuple(
    Screen(route=route, heading=heading)
    for route, heading in (
        ("/", "Fleet"),
        ("/nodes", "Nodes"),
        ("/nodes/:name", r"sim-\d+"),
        ("/gpus/:uuid", r".*GPU \d.*"),
        ("/workloads", "Workloads"),
        ("/workstation", r"Workstation|sim-\d+"),
        ("/jobs", "Jobs"),
        ("/jobs/new", "Submit a job"),
        ("/jobs/:id", r"[a-z][\w-]+-\d+"),
        ("/queue", "Queue"),
        ("/usage", "Usage"),
        ("/alerts", "Alerts"),
        ("/alerts/rules", "(Alert )?[Rr]ules"),
        ("/alerts/silences", "Silences"),
        ("/alerts/channels", "Channels"),
        ("/alerts/routes", "(Alert )?[Rr]outes"),
        ("/alerts/deliveries", "Deliveries"),
        ("/alerts/:id", ".+"),
        ("/events", "Events"),
        ("/settings", "Settings"),
    )
)


def routes() -> list[str]:
    """As the dashboard has them."""
    return _ROUTE.findall(ROUTES_FILE.read_text())


def opened(browser: Browser, seeded: Seeded, screen: Screen, look: Look) -> Page:
    """That page, loaded anew, once it stands still."""
    path = seeded.address(screen.route)
    page = browser.page(path=path, scheme=look.scheme, width=look.width, height=look.height)
    stands_still(page)
    return page


def stands_still(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.evaluate(_STILL)
    expect(page.locator("#main").get_by_label("Loading")).to_have_count(0)
    page.evaluate(_STILL)


def shifts(page: Page) -> list[dict[str, Any]]:
    """What moved since it was opened by itself, and how much."""
    return page.evaluate(_SHIFTS)


def width_of(page: Page) -> int:
    """Of the whole document: more than the window's is a page that scrolls sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth"))


def too_wide(page: Page, width: int) -> list[str]:
    """The elements that stick out of a page that scrolls sideways: for whoever has to mend it."""
    return page.evaluate(
        """(width) => [...document.querySelectorAll("body *")]
          .filter((one) => one.getBoundingClientRect().right > width + 1)
          .map((one) => `${one.nodeName}.${one.className}`).slice(0, 8)""",
        width,
    )


def picture(page: Page, name: str) -> Path:
    folder = Path(os.environ.get(FOLDER_VARIABLE) or PROJECT / "build/screens")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    page.screenshot(path=path, full_page=True, animations="disabled")
    return path
