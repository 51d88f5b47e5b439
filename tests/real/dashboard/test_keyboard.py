"""Without a mouse: the palette, the way through a page, a table, the heat map and a dialog.

And where one is, is seen.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.real.dashboard.browser import Browser
from tests.real.dashboard.screens import DARK, LIGHT, Look, stands_still
from tests.real.dashboard.seeded import Seeded

pytestmark = [pytest.mark.real, pytest.mark.slow]

MOST_STEPS = 250
# What Tab has to reach. Of radio buttons of one name it reaches the chosen one.
_REACHABLE = """() => {
  const all = [...document.querySelectorAll(
    "a[href], button:not([disabled]), input:not([disabled]), select:not([disabled]), textarea, [tabindex]")];
  const radios = new Set();
  const counts = (one) => {
    if (one.tabIndex < 0 || one.closest("[inert]")) return false;
    if (!one.checkVisibility({ visibilityProperty: true })) return false;
    if (one.type !== "radio") return true;
    const chosen = document.querySelector(`input[name="${one.name}"]:checked`) ?? one;
    if (chosen !== one || radios.has(one.name)) return false;
    return radios.add(one.name);
  };
  const found = all.filter(counts);
  found.forEach((one, nth) => (one.dataset.reachable = String(nth)));
  const named = (one) => one.getAttribute("aria-label") ?? one.textContent.trim().slice(0, 40);
  return found.map((one) => `${one.nodeName} ${named(one)}`);
}"""
_STILL_THERE = """() =>
  [...document.querySelectorAll("[data-reachable]")].map((one) => one.dataset.reachable)"""
_FOCUSED = """() => {
  const one = document.activeElement;
  return one === null || one === document.body ? null : one.dataset.reachable ?? "another";
}"""
# An outline, a shadow or a border that is not there without the focus: on it or on what it is drawn by.
_SEEN = """() => {
  const one = document.activeElement;
  const near = [one, one.parentElement, one.nextElementSibling, one.parentElement?.nextElementSibling,
    ...one.children].filter(Boolean);
  const end = (each) => { try { each.finish(); } catch { /* one that never ends */ } };
  const looks = () => {
    document.getAnimations().forEach(end);
    return near.map((each) => {
      const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor } = getComputedStyle(each);
      return [boxShadow, borderColor, ...(outlineStyle === "none" ? [] : [outlineWidth, outlineColor])];
    });
  };
  const count = () => one.parentElement.querySelectorAll("*").length + one.querySelectorAll("*").length;
  const [focused, parts] = [JSON.stringify(looks()), count()];
  one.blur();
  const without = JSON.stringify(looks()) === focused && count() === parts;
  one.focus({ focusVisible: true });
  return !without;
}"""


def palette(page: Page) -> Locator:
    return page.get_by_role("dialog").get_by_role("combobox")


def search(page: Page, words: str) -> None:
    page.keyboard.press("/")
    expect(palette(page)).to_be_focused()
    page.keyboard.type(words)


def focused(page: Page) -> Locator:
    return page.locator("*:focus")


# ---------------------------------------------------------------------- the palette


@pytest.mark.parametrize("keys", ["/", "Control+k"])
def test_palette_opens_and_goes_and_focus_is_where_it_was(onlooker: Browser, keys: str) -> None:
    page = onlooker.page(path="/nodes")
    stands_still(page)
    link = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Jobs")
    link.focus()
    page.keyboard.press(keys)
    expect(palette(page)).to_be_focused()
    expect(palette(page)).to_have_value("")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(link).to_be_focused()


def test_a_slash_in_a_field_is_a_slash(onlooker: Browser) -> None:
    page = onlooker.page(path="/nodes")
    field = page.get_by_role("textbox", name="Find nodes")
    field.focus()
    page.keyboard.type("a/b")
    expect(field).to_have_value("a/b")
    expect(page.get_by_role("dialog")).to_have_count(0)


def a_node(seeded: Seeded) -> tuple[str, str]:
    return "sim-003", "/nodes/sim-003"


def a_gpu(seeded: Seeded) -> tuple[str, str]:
    gpu = next(one for one in seeded.client.gpus() if one["node"] == "sim-002")
    return str(gpu["uuid"]), f"/gpus/{gpu['uuid']}"


def a_job(seeded: Seeded) -> tuple[str, str]:
    job = next(one for one in seeded.client.jobs() if any(letter.isdigit() for letter in one["id"]))
    return str(job["id"]), f"/jobs/{job['id']}"


def a_page(seeded: Seeded) -> tuple[str, str]:
    return "usag", "/usage"


def a_command(seeded: Seeded) -> tuple[str, str]:
    return "submit a job", "/jobs/new"


@pytest.mark.parametrize("thing", [a_node, a_gpu, a_job, a_page, a_command], ids=lambda one: one.__name__)
def test_palette_finds(onlooker: Browser, seeded: Seeded, thing: Callable[[Seeded], tuple[str, str]]) -> None:
    words, path = thing(seeded)
    page = onlooker.page(path="/settings")
    expect(page.get_by_role("heading", name="Settings", level=1)).to_be_visible()
    expect(page.get_by_role("banner")).to_contain_text("48 GPUs")
    search(page, words)
    first = page.get_by_role("dialog").get_by_role("option").first
    expect(first).to_have_attribute("aria-selected", "true")
    expect(first).to_contain_text(
        re.compile(re.escape(words.split("-")[-1]) if thing is a_node else ".", re.I)
    )
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(path) + r"(\?|$)"))
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_palette_is_walked_through_by_arrows(onlooker: Browser) -> None:
    page = onlooker.page(path="/settings")
    search(page, "alert")
    options = page.get_by_role("dialog").get_by_role("option")
    expect(options.nth(1)).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    assert palette(page).get_attribute("aria-activedescendant") == options.nth(1).get_attribute("id")
    page.keyboard.press("ArrowUp")
    expect(options.nth(0)).to_have_attribute("aria-selected", "true")
    page.keyboard.type(" no such thing")
    expect(options).to_have_count(0)
    page.keyboard.press("Enter")
    assert page.url.endswith("/settings")


# ---------------------------------------------------------------------- the way through a page


def test_one_begins_in_the_page_and_can_pass_the_navigation(onlooker: Browser) -> None:
    page = onlooker.page(path="/nodes")
    stands_still(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('#main').contains(document.activeElement)")
    page.get_by_role("banner").get_by_role("link").first.focus()
    page.keyboard.press("Shift+Tab")
    expect(focused(page)).to_have_attribute("href", "#main")
    expect(focused(page)).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


@pytest.mark.parametrize("look", (LIGHT, DARK), ids=lambda look: look.name)
@pytest.mark.parametrize("path", ["/", "/nodes", "/jobs/new", "/alerts"])
def test_tab_reaches_everything_and_is_seen(onlooker: Browser, path: str, look: Look) -> None:
    page = onlooker.page(path=path, scheme=look.scheme)
    stands_still(page)
    names: list[str] = page.evaluate(_REACHABLE)
    assert len(names) > 15
    page.locator("a[href='#main']").focus()
    reached = {int(page.evaluate(_FOCUSED))}
    unseen: list[str] = []
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        at = page.evaluate(_FOCUSED)
        if at is None:
            break
        if at == "another":  # came while we walked
            continue
        if not page.evaluate(_SEEN):
            unseen.append(names[int(at)])
        reached.add(int(at))
    there = {int(one) for one in page.evaluate(_STILL_THERE)}
    assert not unseen, f"nothing shows that the focus is on {unseen}"
    missed = [name for nth, name in enumerate(names) if nth not in reached and nth in there]
    assert not missed, f"Tab does not come to {missed}"


def test_a_row_of_a_table_is_walked_to_and_opened(onlooker: Browser) -> None:
    page = onlooker.page(path="/nodes")
    stands_still(page)
    rows = page.locator("#main tbody tr")
    rows.first.focus()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(rows.last).to_be_focused()
    page.keyboard.press("Home")
    expect(rows.first).to_be_focused()
    name = re.search(r"sim-\d+", rows.first.inner_text())
    assert name is not None
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/nodes/{name[0]}$"))
    page.go_back()
    expect(page.get_by_role("heading", name="Nodes", level=1)).to_be_visible()


def test_a_table_is_sorted_from_its_head(onlooker: Browser) -> None:
    page = onlooker.page(path="/nodes")
    stands_still(page)
    head = page.locator("#main thead").get_by_role("columnheader").first
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    was = head.get_attribute("aria-sort")
    assert was in ("ascending", "descending")
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending" if was == "ascending" else "ascending")


def test_heat_map_is_walked_through_and_opened(onlooker: Browser) -> None:
    page = onlooker.page()
    stands_still(page)
    heat = page.get_by_role("application")
    heat.focus()
    page.keyboard.press("Home")
    card = page.locator("#main").get_by_text(re.compile(r"GPU 0\b")).first
    expect(card).to_be_attached()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#main").get_by_text(re.compile(r"GPU 1\b")).first).to_be_attached()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/gpus/GPU-"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("GPU 1")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/nodes", "Join a machine"),
        ("/nodes/sim-001", "Drain"),
        ("/settings", "New token"),
        ("/settings?tab=users", "Add a user"),
    ],
)
def test_a_dialog_keeps_the_focus_and_gives_it_back(onlooker: Browser, path: str, name: str) -> None:
    page = onlooker.page(path=path)
    stands_still(page)
    button = page.locator("#main").get_by_role("button", name=re.compile(f"^{name}")).first
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.locator("*:focus")).to_have_count(1)
    for key in ("Tab", "Shift+Tab"):
        seen: set[str] = set()
        for _ in range(25):
            page.keyboard.press(key)
            assert page.evaluate("document.activeElement.closest('[role=dialog]') !== null"), (
                f"{key} leaves it"
            )
            seen.add(page.evaluate("document.activeElement.outerHTML.slice(0, 300)"))
        assert len(seen) > 1
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()
