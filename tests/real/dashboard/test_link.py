"""The controller goes away while somebody looks: it is said, nothing old passes for new, and all comes back.

The pages are marked: whatever comes back, comes without loading the page anew.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from tests.faults.stores.site import Gate, patiently
from tests.real.dashboard.browser import Browser
from tests.real.dashboard.house import House
from tests.real.dashboard.screens import stands_still

pytestmark = [pytest.mark.real, pytest.mark.slow]

SOON_MS = 15_000
"""How long until a page says that it hears nothing; its tries are seconds apart."""
PAGES = ("/nodes", "/jobs", "/queue", "/alerts", "/usage", "/workstation")
BROKEN = ("Failed to load resource", r"net::ERR", "Unable to preload", "dynamically imported module")
"""What Chromium itself says on the console."""


@pytest.fixture
def site(house: House) -> Iterator[House]:
    """Its controller runs again afterwards."""
    yield house
    if not house.site.answers():
        house.restore()


@pytest.fixture
def gate(site: House) -> Iterator[Gate]:
    """What a test's job waits for, and never for longer than the test."""
    made = site.site.gate()
    yield made
    made.open()


def looked_at(browser: Browser, path: str, user: str = "admin") -> Page:
    page = browser.page(user, path)
    browser.allow(page, *BROKEN)
    page.evaluate("window.marked = true")
    return page


def is_the_same(page: Page) -> bool:
    return bool(page.evaluate("window.marked === true"))


def banner(page: Page) -> Locator:
    return page.get_by_role("alert").filter(has_text=re.compile(r"^The controller (does not|has not) answer"))


def is_lost(page: Page) -> None:
    expect(banner(page)).to_be_visible(timeout=SOON_MS)


def is_back(page: Page) -> None:
    expect(banner(page)).to_have_count(0)
    expect(page.locator("#main [data-stale], header [data-stale]")).to_have_count(0)
    assert is_the_same(page)


def opacity(one: Locator) -> float:
    """As it is seen: of the element and all around it."""
    return float(
        one.evaluate(
            """(one) => {
              let seen = 1;
              for (; one !== null; one = one.parentElement) seen *= Number(getComputedStyle(one).opacity);
              return seen;
            }"""
        )
    )


def test_fleet_says_since_when_and_is_greyed(browser: Browser, site: House) -> None:
    page = looked_at(browser, "/")
    figures = page.get_by_role("banner").get_by_text(re.compile(r"^\s*\d+\s*free", re.I)).first
    expect(figures).to_be_visible()
    assert opacity(figures) == 1
    site.cut()
    is_lost(page)
    around = banner(page).locator("..")
    since = around.locator("time")
    expect(since).to_have_text(re.compile(r"\d+ ?s ago"))
    was = since.inner_text()
    expect(since).not_to_have_text(was)  # it counts
    assert opacity(figures) < 1 and opacity(page.get_by_role("application")) < 1
    expect(page.locator("#main").get_by_text(re.compile(r"as of just now"))).to_have_count(0)
    site.restore()
    is_back(page)
    assert opacity(figures) == 1 and opacity(page.get_by_role("application")) == 1


def test_no_page_shows_what_is_old_as_new(browser: Browser, site: House) -> None:
    pages = [looked_at(browser, path) for path in PAGES]
    for page in pages:
        stands_still(page)
    site.cut()
    for page in pages:
        is_lost(page)
        expect(page.locator("#main [data-stale]").first).to_be_visible()
        expect(page.locator("#main").get_by_text(re.compile("as of just now"))).to_have_count(0)
    site.restore()
    for page in pages:
        is_back(page)


def test_a_page_that_was_not_loaded_yet_is_there_once_the_controller_is(
    browser: Browser, site: House
) -> None:
    page = looked_at(browser, "/")
    expect(page.get_by_role("heading", name="Fleet", level=1)).to_be_visible()
    site.cut()
    is_lost(page)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Queue").click()
    # Neither the browser's own page of an error, nor nothing.
    expect(banner(page)).to_be_visible()
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    site.restore()
    expect(banner(page)).to_have_count(0)
    anew = page.locator("#main").get_by_role("link", name=re.compile("anew|again|reload", re.I))
    again = anew.or_(page.locator("#main").get_by_role("button", name=re.compile("anew|again|reload", re.I)))
    heading = page.get_by_role("heading", name="Queue", level=1)
    expect(heading.or_(again.first).first).to_be_visible()
    if not heading.is_visible():
        again.first.click()
    expect(heading).to_be_visible()


def test_what_happened_meanwhile_is_there_without_loading_anew(
    browser: Browser, site: House, gate: Gate
) -> None:
    page = looked_at(browser, "/jobs?owner=ann", "ann")
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    site.client("ann")  # whose token is made while there is a controller
    site.cut()
    is_lost(page)
    site.restore()
    job = site.submit(gate.wait, "ann", name="meanwhile")
    row = page.get_by_role("row").filter(has_text=job)
    expect(row).to_contain_text("meanwhile")
    is_back(page)
    gate.open()
    site.until_job(job, "SUCCEEDED")
    expect(row).to_contain_text("succeeded", ignore_case=True)
    assert is_the_same(page)


def test_events_come_in_whole_and_once(browser: Browser, site: House, gate: Gate) -> None:
    job = site.submit(gate.wait, "ann", name="through the break")
    site.until_job(job, "RUNNING")
    page = looked_at(browser, f"/events?subject={job}")
    rows = page.locator("#main tbody tr").filter(has_text=job)
    expect(rows).to_have_count(len(told_of(site, job)))
    site.cut()
    is_lost(page)
    gate.open()  # it ends while nobody hears of it
    site.restore()
    site.until_job(job, "SUCCEEDED")
    told = told_of(site, job)
    expect(rows).to_have_count(len(told))
    is_back(page)
    # As the API has them: the newest comes first here.
    times = rows.locator("time").evaluate_all("all => all.map((one) => one.dateTime)")
    assert [one[:19] for one in times] == [str(event["time"])[:19] for event in reversed(told)]


def told_of(site: House, job: str) -> list[dict[str, Any]]:
    return site.client().past_events(subject=job, limit=None)


def test_a_form_says_that_it_cannot_be_sent_and_keeps_what_was_typed(browser: Browser, site: House) -> None:
    page = looked_at(browser, "/jobs/new", "ann")
    command = page.get_by_role("textbox", name="Command")
    command.fill("echo typed before the break")
    page.get_by_role("textbox", name="Folder").fill(str(site.site.folder))
    page.get_by_role("textbox", name="Name", exact=True).fill("typed")
    site.cut()
    is_lost(page)
    submit = page.get_by_role("button", name="Submit", exact=True)
    submit.click()
    expect(page.locator("form").get_by_role("alert")).to_contain_text(re.compile("controller", re.I))
    expect(command).to_have_value("echo typed before the break")
    site.restore()
    expect(banner(page)).to_have_count(0)
    expect(command).to_have_value("echo typed before the break")
    submit.click()
    expect(page).to_have_url(re.compile(r"/jobs/(?!new)\w+$"))
    assert is_the_same(page)
    named = [one["id"] for one in site.client().jobs(owner="ann", limit=None) if one["name"] == "typed"]
    assert named == [page.url.rpartition("/")[2]]  # once, however often it was sent


def test_a_laptop_that_slept_shows_nothing_of_before_as_now(browser: Browser, site: House) -> None:
    page = browser.page("ann", "/about:blank")
    browser.allow(page, *BROKEN)
    page.clock.install()
    page.goto(f"{site.url}/jobs?owner=ann")
    page.evaluate("window.marked = true")
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    page.context.set_offline(True)
    page.clock.fast_forward("08:00:00")
    is_lost(page)
    expect(banner(page).locator("..").locator("time")).to_have_text(re.compile(r"^8 ?h"))
    page.context.set_offline(False)
    job = site.submit("true", "ann", name="at night")
    expect(page.get_by_role("row").filter(has_text=job)).to_be_visible()
    is_back(page)


def test_a_slow_answer_is_waited_for_and_not_taken_for_nothing(browser: Browser, site: House) -> None:
    page = looked_at(browser, "/")
    held: list[Route] = []
    page.route(re.compile(r"/api/v1/jobs\?"), lambda route: held.append(route))
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Jobs").click()
    main = page.locator("#main")
    expect(main.get_by_label("Loading").first).to_be_visible()
    patiently(lambda: page.evaluate("1") and held, "it asks")
    expect(main.get_by_text(re.compile("no jobs?|nothing|no such", re.I))).to_have_count(0)
    for route in list(held):
        route.continue_()
    page.unroute_all()
    expect(main.get_by_label("Loading")).to_have_count(0)
    assert is_the_same(page)


def test_a_refusal_says_what_to_do_and_is_got_over(browser: Browser, site: House) -> None:
    page = looked_at(browser, "/nodes")
    expect(page.get_by_role("row").filter(has_text="lab1")).to_be_visible()
    page.route(re.compile(r"/api/v1/(nodes|leases)"), busy)
    said = page.locator("#main").get_by_role("alert").first
    expect(said).to_contain_text("the store is busy", ignore_case=True)
    expect(said).to_contain_text("wait a minute", ignore_case=True)
    expect(page.get_by_role("row").filter(has_text="lab1")).to_be_visible()
    expect(page.locator("#main [data-stale]").first).to_be_visible()
    page.unroute_all()
    is_back(page)
    expect(page.locator("#main").get_by_role("alert")).to_have_count(0)


def busy(route: Route) -> None:
    body = {"type": "about:blank", "title": "Busy", "status": 503, "detail": "the store is busy"}
    route.fulfill(status=503, content_type="application/problem+json", json={**body, "hint": "wait a minute"})
