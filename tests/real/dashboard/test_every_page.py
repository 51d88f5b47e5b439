"""Each page, light, dark and on a phone: it opens, says what it is, holds still, fits and is clean.

It leaves a picture. What is clean is said in browser.py. And the pages of a controller to which nothing has
happened yet.
"""

import re
import struct
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from tests.faults.stores.site import Site
from tests.real.dashboard.browser import Browser
from tests.real.dashboard.house import PATIENCE, built_dashboard
from tests.real.dashboard.screens import (
    LIGHT,
    LOOKS,
    MOST_SHIFT,
    PHONE,
    SCREENS,
    Look,
    Screen,
    opened,
    picture,
    routes,
    shifts,
    stands_still,
    too_wide,
    width_of,
)
from tests.real.dashboard.seeded import Seeded

from sentinel.client.env_file import read_env_file

pytestmark = [pytest.mark.real, pytest.mark.slow]

EMPTY = {
    "/": "machine|node",
    "/nodes": "No machine has joined",
    "/workloads": "workload",
    "/workstation": "machine|node",
    "/jobs": "job",
    "/queue": "wait",
    "/usage": "used|usage|period",
    "/alerts": "Nothing is wrong|known whether",
    "/alerts/silences": "No silences",
    "/alerts/channels": "Nobody is told",
    "/alerts/deliveries": "Nothing was sent",
}
"""What a page says that has nothing to show: a pattern, case aside."""


def test_no_page_is_left_out() -> None:
    assert sorted(one.route for one in SCREENS) == sorted(routes())


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_it_opens_fits_and_holds_still(onlooker: Browser, seeded: Seeded, screen: Screen, look: Look) -> None:
    page = opened(onlooker, seeded, screen, look)
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_count(1)
    said = heading.inner_text()
    assert re.fullmatch(screen.heading, said), said
    assert page.title().endswith("Sentinel") and said in page.title(), page.title()
    expect(page.locator("#main").get_by_role("alert").filter(has_text="reached")).to_have_count(0)

    moved = shifts(page)
    total = sum(one["value"] for one in moved)
    print(f"{screen.name} {look.name}: layout shift {total:.3f}")
    assert total <= MOST_SHIFT, moved

    wide = width_of(page)
    assert wide <= look.width, f"{wide} px: {too_wide(page, look.width)}"

    path = picture(page, f"{screen.name}-{look.name}")
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    assert width == look.width and height >= look.height


def test_titles_tell_pages_apart(onlooker: Browser, seeded: Seeded) -> None:
    """Whoever has ten tabs open finds the one."""
    page = onlooker.page()
    titles: dict[str, str] = {}
    for screen in SCREENS:
        page.goto(seeded.url + seeded.address(screen.route))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        stands_still(page)  # a page about one thing is called after it once it knows it
        heading = page.get_by_role("heading", level=1).inner_text()
        expect(page).to_have_title(re.compile(re.escape(heading)))
        titles[screen.route] = page.title()
    # The workstation's page of a fleet is about one of its nodes, as is that node's.
    named = {title for route, title in titles.items() if route != "/workstation"}
    assert len(named) == len(titles) - 1, titles


@pytest.mark.parametrize("look", (LIGHT, PHONE), ids=lambda look: look.name)
@pytest.mark.parametrize("path", ["/no/such/page", "/jobs/a/b/c", "/alertz"])
def test_an_address_that_is_none_says_so(onlooker: Browser, look: Look, path: str) -> None:
    page = onlooker.page(path=path, width=look.width, height=look.height)
    expect(page.get_by_role("heading", name="No such page", level=1)).to_be_visible()
    expect(page.locator("#main")).to_contain_text(path)
    expect(page).to_have_title(re.compile("No such page"))
    assert width_of(page) <= look.width
    page.locator("#main").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Fleet", level=1)).to_be_visible()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/nodes/none-of-that-name", "none-of-that-name"),
        ("/gpus/GPU-00000000-0000-0000-0000-000000000000", "GPU-00000000"),
        ("/jobs/zzzzzzzzzz", "zzzzzzzzzz"),
        ("/alerts/0000000000000000", "0000000000000000"),
    ],
)
def test_what_is_not_there_is_said_by_its_name(onlooker: Browser, path: str, said: str) -> None:
    page = onlooker.page()
    onlooker.allow(page, "status of 404")
    page.goto(onlooker.url + path)
    expect(page.locator("#main")).to_contain_text(said)
    expect(
        page.locator("#main").get_by_text(re.compile(r"\b(no|not|none|unknown)\b", re.I)).first
    ).to_be_visible()
    expect(page.locator("#main").get_by_label("Loading")).to_have_count(0)


# ---------------------------------------------------------------------- nothing has happened yet


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A controller without nodes, jobs and channels."""
    with Site.made(tmp_path_factory.mktemp("bare")) as site:
        site.env["SENTINEL_DASHBOARD"] = str(built_dashboard())
        site.start(wait=False)
        site.await_answer(PATIENCE)
        yield site


@pytest.fixture(scope="module")
def newcomer(_chromium: Browser, bare: Site) -> Browser:
    token = read_env_file(bare.data / "client.env")["SENTINEL_TOKEN"]
    return _chromium.elsewhere(bare.url, {"admin": token})


@pytest.mark.parametrize("path", EMPTY)
def test_where_there_is_nothing_it_says_so_and_what_is_next(newcomer: Browser, path: str) -> None:
    for look in (LIGHT, PHONE):
        page = newcomer.page(path=path, scheme=look.scheme, width=look.width, height=look.height)
        stands_still(page)
        main = page.locator("#main")
        expect(main.get_by_text(re.compile(EMPTY[path], re.I)).first).to_be_visible()
        # A button, a link, or a command to copy.
        expect(main.locator("button, a, code").first).to_be_visible()
        assert "NaN" not in main.inner_text() and "undefined" not in main.inner_text()
        assert width_of(page) <= look.width
        name = path.strip("/").replace("/", "-") or "fleet"
        picture(page, f"empty-{name}-{look.name}")
    newcomer.finish()
