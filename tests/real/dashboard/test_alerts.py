"""An alert's whole life in the pages: a rule is tried and written; it fires, is seen, silenced, told, over.

The GPUs of lab2 are at 35 °C while nobody uses them.
"""

import contextlib
import json
import re
import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.drivers.notifiers.receiver import Receiver
from tests.drivers.notifiers.test_webhook import signed_by
from tests.faults.stores.site import patiently
from tests.real.dashboard.browser import Browser
from tests.real.dashboard.house import PATIENCE, House

from sentinel.client import Client
from sentinel.core.clock import wall
from sentinel.core.errors import SentinelError

pytestmark = [pytest.mark.real, pytest.mark.slow]

RULE, CHANNEL = "lab2-warm", "desk"
METRIC = "gpu_temperature_celsius"
AN_HOUR = r"in (1 ?h|59 ?m)"
WARM = {
    "metric": METRIC,
    "op": ">",
    "threshold": 0,
    "severity": "warning",
    "scope": {"node": ["lab2"]},
    "annotations": {"summary": "GPU {gpu} of {node} is warm", "next_step": "Open a window."},
}


@pytest.fixture
def watched(house: House) -> Iterator[House]:
    """There is something to try a rule against. Whatever a test writes about alerts is gone afterwards."""
    client = house.client()
    patiently(lambda: client.preview_alert_rule(WARM, "1d")["times"] > 0, "lab2 is measured", PATIENCE)
    yield house
    clear(client)
    patiently(lambda: not client.alerts(rule=RULE), f"no alert of {RULE} stands", PATIENCE)


def clear(client: Client) -> None:
    client.put_alert_routes([], [])
    for one in client.silences():
        if one["state"] != "ended":
            client.end_silence(one["id"])
    for remove, name in ((client.remove_alert_rule, RULE), (client.remove_channel, CHANNEL)):
        with contextlib.suppress(SentinelError):
            remove(name)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver.running() as receiver:
        yield receiver


def marked(browser: Browser, path: str) -> Page:
    page = browser.page(path=path)
    page.evaluate("window.marked = true")
    return page


def is_the_same(page: Page) -> bool:
    return bool(page.evaluate("window.marked === true"))


def lines(page: Page) -> Locator:
    """Of the list of standing alerts."""
    return page.locator("#main").get_by_role("listitem").filter(has_text=re.compile(r"of lab2 is warm"))


def field(within: Page | Locator, label: str) -> Locator:
    return within.get_by_label(label, exact=True).and_(within.locator("input, textarea"))


def test_rule_is_tried_written_fires_is_changed_and_is_over(browser: Browser, watched: House) -> None:
    standing = marked(browser, "/alerts")
    expect(standing.get_by_role("heading", name="Alerts", level=1)).to_be_visible()
    expect(lines(standing)).to_have_count(0)

    rules = browser.page(path="/alerts/rules")
    rules.get_by_role("button", name="New rule").first.click()
    editor = rules.locator("#main").get_by_role("region", name="New rule")
    preview = editor.get_by_label("What it would have done")
    field(editor, "Name").fill(RULE)
    field(editor, "Metric").fill(METRIC)
    rules.keyboard.press("Escape")  # the list of metrics' names
    field(editor, "Threshold").fill("0")
    field(editor, "For at least").fill("0s")
    field(editor, "Only series with").fill("node=lab2")
    field(editor, "What it says").fill("GPU {gpu} of {node} is warm")
    field(editor, "What to do next").fill("Open a window.")
    expect(preview).to_contain_text(re.compile(r"Would have fired \w+"))
    expect(preview).to_contain_text("lab2")
    expect(preview).not_to_contain_text("lab1")
    field(editor, "Threshold").fill("1000")
    expect(preview).to_contain_text(re.compile(r"not once", re.I))
    field(editor, "Threshold").fill("0")
    editor.get_by_role("button", name=re.compile("^(Create|Save)")).click()
    expect(rules.get_by_role("region", name=f"Rule {RULE}")).to_be_visible()

    # It fires where somebody looks, who does nothing.
    expect(lines(standing)).to_have_count(2)
    expect(lines(standing).first).to_contain_text("firing")
    expect(lines(standing).first).to_contain_text(re.compile(r"\d+ °C"))
    assert is_the_same(standing)

    editor = rules.get_by_role("region", name=f"Rule {RULE}")
    field(editor, "Threshold").fill("1000")
    editor.get_by_role("button", name="Save").click()
    expect(lines(standing)).to_have_count(0)
    standing.get_by_role("switch", name="Over in the last day").check()
    expect(lines(standing)).to_have_count(2)
    expect(lines(standing).first.get_by_text("over", exact=True)).to_be_visible()
    assert is_the_same(standing)

    editor.get_by_role("button", name="Delete…").click()
    rules.get_by_role("dialog").get_by_role("button", name="Delete the rule").click()
    expect(rules.locator("#main").get_by_text(RULE)).to_have_count(0)
    with pytest.raises(SentinelError):
        watched.client().alert_rule(RULE)


def test_alert_is_seen_and_silenced_and_loud_again(browser: Browser, watched: House) -> None:
    client = watched.client()
    client.put_alert_rule(RULE, WARM)
    standing = marked(browser, "/alerts")
    expect(lines(standing)).to_have_count(2)
    page = browser.page(path="/alerts")
    lines(page).first.get_by_role("link").first.click()
    main = page.locator("#main")
    expect(page).to_have_url(re.compile(r"/alerts/[0-9a-f]{16}$"))
    expect(main.get_by_role("heading", name=re.compile("of lab2 is warm"))).to_be_visible()
    expect(main).to_contain_text("Open a window.")
    expect(main).to_contain_text(re.compile(r"> 0"))
    expect(main.get_by_role("link", name="lab2").first).to_have_attribute("href", "/nodes/lab2")
    expect(main.get_by_role("link", name=re.compile(r"^GPU \d$")).first).to_be_visible()

    main.get_by_role("button", name="I have seen it…").click()
    dialog = page.get_by_role("dialog")
    field(dialog, "What is being done about it").fill("the window is being opened")
    dialog.get_by_role("button", name="I have seen it").click()
    expect(main).to_contain_text(re.compile(r"Seen by\s*admin"))
    expect(main).to_contain_text("the window is being opened")
    expect(lines(standing).filter(has_text="the window is being opened")).to_have_count(1)

    main.get_by_role("link", name="Silence…").or_(main.get_by_role("button", name="Silence…")).click()
    form = main.get_by_role("form", name="New silence")
    expect(field(form, "Whom it keeps quiet")).to_have_value(re.compile(rf"rule={RULE}"))
    field(form, "Whom it keeps quiet").fill(f"rule={RULE}")
    expect(form).to_contain_text(re.compile(r"2 (of|alerts?)\b"))
    form.get_by_role("button", name=re.compile("^(Add|Silence)")).click()
    expect(form).to_contain_text(re.compile("why", re.I))  # it wants to be told
    field(form, "Why").fill("we know that it is July")
    form.get_by_role("button", name=re.compile("^(Add|Silence)")).click()
    silence = main.get_by_role("listitem").filter(has_text="we know that it is July")
    expect(silence).to_contain_text("admin")
    expect(silence).to_contain_text(re.compile(rf"ends\s*{AN_HOUR}"))

    # It stands, and is shown as kept quiet: by whom, why and until when.
    expect(lines(standing).first).to_contain_text("silenced")
    expect(lines(standing).last).to_contain_text("we know that it is July")
    lines(standing).first.get_by_role("link").first.click()
    alert = standing.locator("#main")
    expect(alert).to_contain_text(re.compile(r"silence"))
    expect(alert).to_contain_text("we know that it is July")
    expect(alert).to_contain_text(re.compile(AN_HOUR))

    silence.get_by_role("button", name="End…").click()
    page.get_by_role("dialog").get_by_role("button", name="End it").click()
    expect(main.get_by_role("listitem").filter(has_text="in force")).to_have_count(0)
    expect(alert.get_by_text("we know that it is July")).to_have_count(0)
    assert is_the_same(standing)


def test_channel_is_tried_and_told_by_a_route(browser: Browser, watched: House, receiver: Receiver) -> None:
    page = browser.page(path="/alerts/channels")
    main = page.locator("#main")
    main.get_by_role("button", name="New channel").first.click()
    form = main.get_by_role("form", name="New channel")
    key, path = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
    form.get_by_role("button", name=re.compile("^Add")).click()
    expect(field(form, "Name")).to_have_attribute("aria-invalid", "true")
    field(form, "Name").fill(CHANNEL)
    passwords = form.locator("input[type=password]")
    passwords.nth(0).fill(f"{receiver.url}/{path}")
    passwords.nth(1).fill(key)
    form.get_by_role("button", name=re.compile("^Add")).click()
    line = main.get_by_role("listitem").filter(has_text=CHANNEL)
    line.get_by_role("button", name="Send a test").click()
    expect(line).to_contain_text("The test message was taken")
    (told,) = receiver.told
    assert told.path == f"/{path}" and signed_by(key, told, wall())

    receiver.status = 500
    browser.allow(page, "status of 502")
    line.get_by_role("button", name="Send a test").click()
    expect(line.get_by_role("alert")).to_contain_text("500")
    receiver.status = 200
    page.reload()  # what the page knows, it has from the controller now
    expect(line).to_be_visible()
    assert key not in page.content() and path not in page.content()

    page.goto(f"{watched.url}/alerts/routes")
    main.get_by_role("button", name="New route").first.click()
    field(main, "Name").fill("of-the-lab")
    field(main, "Which alerts").fill(f"rule={RULE}")
    field(main, "Waits for company").fill("0s")
    main.get_by_role("button", name=re.compile("^Save")).click()
    expect(main.get_by_role("button", name=re.compile("^Save"))).to_have_count(0)
    (route,) = watched.client().alert_routes()["routes"]
    assert (route["name"], route["channels"], route["matches"]) == ("of-the-lab", [CHANNEL], {"rule": [RULE]})

    receiver.told.clear()
    watched.client().put_alert_rule(RULE, WARM)
    patiently(lambda: receiver.told, "somebody is told", PATIENCE)
    assert {one["rule"] for one in json.loads(receiver.told[0].body)["alerts"]} == {RULE}
    page.goto(f"{watched.url}/alerts")
    lines(page).first.get_by_role("link").first.click()
    expect(main).to_contain_text(CHANNEL)  # who was told
    page.goto(f"{watched.url}/alerts/deliveries")
    expect(main).to_contain_text(CHANNEL)

    watched.client().put_alert_routes([], [])
    page.goto(f"{watched.url}/alerts/channels")
    line.get_by_role("button", name="Remove…").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove it").click()
    expect(line).to_have_count(0)
    assert watched.client().channels() == []


def test_what_is_wrong_with_a_rule_is_said_at_its_field(browser: Browser, watched: House) -> None:
    page = browser.page(path="/alerts/rules?new=1")
    editor = page.locator("#main").get_by_role("region", name="New rule")
    create = editor.get_by_role("button", name=re.compile("^(Create|Save)"))
    create.click()
    for label in ("Name", "Metric", "Threshold"):
        expect(field(editor, label)).to_have_attribute("aria-invalid", "true")
    for label, text in (
        ("Name", RULE),
        ("Metric", METRIC),
        ("Threshold", "30"),
        ("Labels added to its alerts", "severity=bad"),
    ):
        field(editor, label).fill(text)
        page.keyboard.press("Escape")
    create.click()
    wrong = field(editor, "Labels added to its alerts")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_accessible_description(re.compile("by itself"))
    wrong.fill("team=lab")
    expect(wrong).not_to_have_attribute("aria-invalid", "true")

    # What only the controller knows is said in its words, and nothing that was typed is lost.
    browser.allow(page, "status of 422")
    field(editor, "What it says").fill("x" * 5000)
    create.click()
    expect(editor.get_by_text(re.compile("at most 4096 characters")).first).to_be_visible()
    expect(field(editor, "Name")).to_have_value(RULE)
    assert RULE not in [one["name"] for one in watched.client().alert_rules()]
    field(editor, "What it says").fill("it is warm")
    create.click()
    expect(page.get_by_role("region", name=f"Rule {RULE}")).to_be_visible()
    assert watched.client().alert_rule(RULE)["annotations"] == {"summary": "it is warm"}


def test_who_may_not_write_is_offered_nothing(browser: Browser, watched: House) -> None:
    watched.client().put_alert_rule(RULE, WARM)
    page = browser.page("vic", "/alerts")
    expect(lines(page)).to_have_count(2)
    main = page.locator("#main")
    writes = main.get_by_role(
        "button", name=re.compile("New|Delete|Save|Create|Add|Silence|seen|Send|Remove|End", re.I)
    )
    for path in ("", "/rules", f"/rules?rule={RULE}", "/silences", "/channels", "/routes", "/deliveries"):
        page.goto(f"{watched.url}/alerts{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(main.get_by_label("Loading")).to_have_count(0)
        expect(writes).to_have_count(0)
    page.goto(f"{watched.url}/alerts")
    lines(page).first.get_by_role("link").first.click()
    expect(main).to_contain_text("Open a window.")
    expect(writes).to_have_count(0)
