"""What somebody may not do is not offered, and is refused when their page asks for it all the same."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.real.dashboard.browser import FORBIDDEN, Browser
from tests.real.dashboard.house import House

pytestmark = [pytest.mark.real, pytest.mark.slow]

JOB = {"command": ["true"], "cwd": "/tmp", "gpus": 1}
RULE = {"name": "mine", "metric": "gpu_temperature_celsius", "op": ">", "threshold": 1}
Asked = tuple[str, str, Any]
OF_OPERATORS: tuple[Asked, ...] = (
    ("POST", "/nodes/lab1/drain", {"why": "for fun"}),
    ("POST", "/nodes/lab1/resume", None),
    ("PUT", "/alert-rules/mine", RULE),
)
OF_ADMINS: tuple[Asked, ...] = (
    ("POST", "/nodes/join-command", {}),
    ("DELETE", "/nodes/lab1", None),
    ("POST", "/users", {"name": "eve", "role": "admin"}),
    ("PATCH", "/users/{me}", {"role": "admin"}),
    ("POST", "/tokens", {"owner": "admin"}),
)
_ASK = """async ([method, path, body]) => {
  const headers = {"X-Sentinel-Csrf": "1", ...(body === null ? {} : {"Content-Type": "application/json"})};
  const sent = body === null ? null : JSON.stringify(body);
  return (await fetch("/api/v1" + path, {method, headers, body: sent})).status;
}"""


def ask(page: Page, method: str, path: str, body: Any = None) -> int:
    """The status of what that page, with its session, is answered."""
    return int(page.evaluate(_ASK, [method, path, body]))


@pytest.fixture
def running(house: House) -> Iterator[str]:
    """A job of the admin's that runs."""
    id = house.submit("echo secret; sleep 600", name="of-admin", node="lab1")
    house.until_job(id, "RUNNING")
    yield id
    house.client().cancel(id)
    house.until_job(id, "CANCELED")


def test_a_viewer_looks_and_does_nothing(browser: Browser, house: House, running: str) -> None:
    page = browser.page("vic", "/jobs")
    expect(page.get_by_role("link", name="of-admin")).to_be_visible()  # what is read is everybody's
    expect(page.get_by_role("button", name="Submit a job")).to_have_count(0)
    page.goto(f"{house.url}/jobs/new")
    expect(page.locator("#main")).to_contain_text("your role is viewer")
    expect(page.get_by_role("textbox")).to_have_count(0)

    page.goto(f"{house.url}/jobs/{running}")
    expect(page.get_by_text("Its owner and operators alone can read it")).to_be_visible()
    expect(page.get_by_role("log")).to_have_count(0)
    nothing_offered(page, "Cancel", "Run again", "Submit one alike")
    page.goto(f"{house.url}/nodes")
    expect(page.get_by_role("link", name="lab1")).to_be_visible()
    nothing_offered(page, "Join a machine", "What to do with", "Drain", "Remove", "Resume")
    page.goto(f"{house.url}/nodes/lab1")
    expect(page.get_by_role("heading", name="lab1", level=1)).to_be_visible()
    nothing_offered(page, "Drain", "Remove", "Resume")
    page.goto(f"{house.url}/settings?tab=users")
    expect(page.get_by_role("tab", name="Tokens")).to_be_visible()
    expect(page.get_by_role("tab", name="Users")).to_have_count(0)
    page.goto(f"{house.url}/alerts/rules")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    nothing_offered(page, "New rule", "Add a rule", "Make a rule")

    browser.allow(page, FORBIDDEN)
    assert ask(page, "POST", "/jobs", JOB) == 403
    assert ask(page, "POST", f"/jobs/{running}/cancel", {}) == 403
    assert ask(page, "GET", f"/jobs/{running}/logs") == 403
    for method, path, body in (*OF_OPERATORS, *OF_ADMINS):
        assert ask(page, method, path.format(me="vic"), body) == 403, (method, path)
    assert house.client().job(running)["state"] == "RUNNING"


def test_a_member_has_their_own_jobs_in_hand_and_no_one_elses(
    browser: Browser, house: House, running: str
) -> None:
    own = house.submit("sleep 600", "ann", name="of-ann", node="lab1")
    house.until_job(own, "RUNNING")
    page = browser.page("ann", f"/jobs/{own}")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_visible()
    page.goto(f"{house.url}/jobs/{running}")
    expect(page.get_by_role("heading", name="of-admin", level=1)).to_be_visible()
    expect(page.get_by_text("Its owner and operators alone can read it")).to_be_visible()
    nothing_offered(page, "Cancel", "Run again")
    page.goto(f"{house.url}/nodes/lab1")
    expect(page.get_by_role("heading", name="lab1", level=1)).to_be_visible()
    nothing_offered(page, "Drain", "Remove", "Resume")

    browser.allow(page, FORBIDDEN)
    assert ask(page, "POST", f"/jobs/{running}/cancel", {}) == 403
    assert ask(page, "GET", f"/jobs/{running}/logs") == 403
    for method, path, body in (*OF_OPERATORS, *OF_ADMINS):
        assert ask(page, method, path.format(me="ann"), body) == 403, (method, path)
    assert ask(page, "POST", f"/jobs/{own}/cancel", {"why": "seen"}) in (200, 202, 204)
    house.until_job(own, "CANCELED")
    assert house.client().job(running)["state"] == "RUNNING"


def test_another_site_cannot_ask_in_ones_name(browser: Browser, house: House) -> None:
    """What changes something carries a header that a foreign page cannot add."""
    page = browser.page("admin", "/")
    browser.allow(page, FORBIDDEN)
    bare = "fetch('/api/v1/nodes/lab1/drain', {method: 'POST', body: '{}'}).then((answer) => answer.status)"
    assert page.evaluate(bare) == 403
    assert house.client().node("lab1")["drained"] is None


def nothing_offered(page: Page, *words: str) -> None:
    for word in words:
        for role in ("button", "link"):
            expect(page.locator("#main").get_by_role(role, name=word)).to_have_count(0)
