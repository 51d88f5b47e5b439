"""What axe says of every page and of every dialog and form, light and dark.

WCAG 2.1 A and AA, contrast of colours among them, and its good practice of headings and landmarks.

axe-core is the one that dashboard/package-lock.json pins.
"""

import re
from collections.abc import Callable, Mapping

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.components.missing import ComponentMissing
from tests.real.dashboard.browser import Browser
from tests.real.dashboard.house import PROJECT
from tests.real.dashboard.screens import DARK, LIGHT, SCREENS, Look, Screen, opened, picture, stands_still
from tests.real.dashboard.seeded import Seeded

pytestmark = [pytest.mark.real, pytest.mark.slow]

AXE = PROJECT / "dashboard/node_modules/axe-core/axe.min.js"
_LOOK = """async () => {
  const found = await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    resultTypes: ["violations"],
  });
  const say = ({ target, html, failureSummary }) => [target.join(" "), html.slice(0, 160), failureSummary];
  return found.violations.map(({ id, help, nodes }) =>
    [`${id}: ${help}`, ...nodes.slice(0, 5).flatMap(say)].join("\\n    "));
}"""
_SPOIL = """() => {
  const made = (name, has) => Object.assign(document.createElement(name), has);
  const title = made("h4", { textContent: "hardly seen" });
  title.style.color = "rgb(128 128 128 / .3)";
  document.querySelector("#main").append(made("img", { src: "data:," }), title);
}"""
LOOKS = (LIGHT, DARK)


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.exists():
        raise ComponentMissing(f"there is no {AXE}: run npm ci in {PROJECT}/dashboard")
    return AXE.read_text()


def assert_accessible(page: Page, axe: str) -> None:
    # The page's policy forbids a script of ours; what the browser's driver evaluates is not the page's.
    page.evaluate(axe)
    found = page.evaluate(_LOOK)
    assert not found, "\n".join(found)


def button(page: Page, name: str) -> Locator:
    """Within the page, the first of them whose name begins so."""
    return page.locator("#main").get_by_role("button", name=re.compile(rf"^{name}", re.I)).first


def by_button(name: str) -> Callable[[Page], Locator]:
    def open(page: Page) -> Locator:
        button(page, name).click()
        return page.get_by_role("dialog")

    return open


def by_row(page: Page) -> Locator:
    page.locator("#main tbody tr").first.click()
    return page.get_by_role("dialog")


def palette(page: Page) -> Locator:
    page.keyboard.press("/")
    return page.get_by_role("combobox", name="Search")


def my_menu(page: Page) -> Locator:
    page.get_by_role("button", name="Signed in as").click()
    return page.get_by_role("menu")


def is_there(name: str) -> Callable[[Page], Locator]:
    return lambda page: page.get_by_role("form", name=name).or_(page.get_by_role("region", name=name)).first


def columns(page: Page) -> Locator:
    button(page, "Choose columns").click()
    return page.get_by_role("group", name="Columns")


OPENED: Mapping[str, tuple[str, Callable[[Page], Locator]]] = {
    "palette": ("/", palette),
    "my-menu": ("/", my_menu),
    "columns": ("/nodes", columns),
    "join": ("/nodes?join=1", lambda page: page.get_by_role("dialog")),
    "drain": ("/nodes/:name", by_button("Drain")),
    "workload": ("/workloads", by_row),
    "cancel": ("/jobs/:id", by_button("Cancel")),
    "event": ("/events", by_row),
    "new-token": ("/settings", by_button("New token")),
    "add-user": ("/settings?tab=users", by_button("Add a user")),
    "about": ("/settings?tab=about", lambda page: page.get_by_role("tabpanel")),
    "seen-it": ("/alerts/:id", by_button("I have seen it")),
    "new-rule": ("/alerts/rules?new=1", is_there("New rule")),
    "rule": ("/alerts/rules?rule=warm", is_there("Rule warm")),
    "new-silence": ("/alerts/silences?new=1&match=severity%3Dinfo", is_there("New silence")),
    "end-silence": ("/alerts/silences", by_button("End")),
    "new-channel": ("/alerts/channels?new=1", is_there("New channel")),
}


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_page(onlooker: Browser, seeded: Seeded, axe: str, screen: Screen, look: Look) -> None:
    assert_accessible(opened(onlooker, seeded, screen, look), axe)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
@pytest.mark.parametrize("name", OPENED)
def test_what_opens_on_a_page(onlooker: Browser, seeded: Seeded, axe: str, name: str, look: Look) -> None:
    route, open = OPENED[name]
    path, _, asked = route.partition("?")
    page = onlooker.page(path=f"{seeded.address(path)}?{asked}", scheme=look.scheme)
    stands_still(page)
    expect(open(page)).to_be_visible()
    stands_still(page)
    picture(page, f"opened-{name}-{look.name}")
    assert_accessible(page, axe)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_form_to_sign_in(onlooker: Browser, axe: str, look: Look) -> None:
    page = onlooker.stranger(scheme=look.scheme)
    assert_accessible(page, axe)
    page.get_by_text("Token", exact=True).first.click()
    page.locator("input[name=token]").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    picture(page, f"opened-sign-in-{look.name}")
    assert_accessible(page, axe)


def test_axe_looks_at_all(onlooker: Browser, axe: str) -> None:
    """What is wrong is found: or the tests above say nothing."""
    page = onlooker.page()
    page.evaluate(_SPOIL)
    with pytest.raises(AssertionError) as caught:
        assert_accessible(page, axe)
    for rule in ("image-alt", "heading-order", "color-contrast"):
        assert f"{rule}: " in str(caught.value)
