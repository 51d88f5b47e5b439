"""A machine with an inference service: who has the GPUs, what was paused for whom, what is next.

Read as by somebody who has never seen the product: the sentences are what is tested. The arbiter, its
service, the agent and the jobs are real processes; the cards are simulated.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.e2e.workstation import Workstation, eventually
from tests.real.dashboard.browser import Browser
from tests.real.dashboard.house import PATIENCE, House

pytestmark = [pytest.mark.real, pytest.mark.slow]

SOON = 60_000
"""Milliseconds. Nodes tell every few seconds, and the page asks as often."""


@pytest.fixture(scope="module")
def desk(house: House) -> Iterator[Workstation]:
    """A node of that name with two GPUs, and with "chat", which runs on both."""
    place = Workstation()
    try:
        place.configure(arbiter="grant_timeout = 30")
        place.start()
        eventually(lambda: place.is_now("running"), "chat runs", PATIENCE)
        agent = house.add_node("desk", 2, arbiter=str(place.socket), claims=place.claims)
        yield place
        house.remove_node("desk", agent)
    finally:
        place.close()


def test_inference_makes_room_for_a_job_and_comes_back(
    browser: Browser, house: House, desk: Workstation
) -> None:
    page = browser.page("vic", "/workstation?node=desk")
    expect(now(page)).to_contain_text("chat", timeout=SOON)
    expect(paused(page)).to_contain_text("Nothing is paused")
    expect(following(page)).to_contain_text("Nobody waits")

    gate = house.site.gate()
    first = house.submit(gate.wait, "ann", gpus=2, node="desk", name="training")
    expect(now(page)).to_contain_text("ann runs training", timeout=SOON)
    expect(now(page)).not_to_contain_text("chat")
    expect(paused(page)).to_contain_text("chat", timeout=SOON)
    expect(paused(page)).to_contain_text("It is paused: its GPUs are with training of ann")
    assert not desk.answers()

    second = house.submit("true", "ann", gpus=2, node="desk", name="evaluation")
    expect(following(page)).to_contain_text("evaluation of ann", timeout=SOON)
    expect(following(page)).to_contain_text("no time limit")
    expect(following(page)).to_contain_text("start not known")
    gate.open()
    expect(following(page)).to_contain_text("Nobody waits", timeout=SOON)
    expect(paused(page)).to_contain_text("Nothing is paused", timeout=SOON)
    expect(now(page)).to_contain_text("chat")
    for id in (first, second):
        house.until_job(id, "SUCCEEDED")
    eventually(desk.answers, "chat answers", PATIENCE)


def test_what_was_lent_on_the_machine_itself_is_told(
    browser: Browser, house: House, desk: Workstation
) -> None:
    page = browser.page("ann", "/workstation?node=desk", width=390, height=844)
    expect(now(page)).to_contain_text("chat", timeout=SOON)
    lent = desk.granted(command=("sleep", "601"))
    expect(now(page)).to_contain_text("on the machine itself", timeout=SOON)
    expect(now(page)).to_contain_text("sleep 601")
    expect(paused(page)).to_contain_text("chat", timeout=SOON)
    expect(paused(page)).to_contain_text("on the machine itself")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    lent.terminate()
    expect(paused(page)).to_contain_text("Nothing is paused", timeout=SOON)


def test_a_gpu_that_was_taken_out_is_shown_with_its_reason(
    browser: Browser, house: House, desk: Workstation
) -> None:
    desk.admin("cordon", gpu="1", reason="its fan is dead")
    try:
        page = browser.page("ann", "/workstation?node=desk")
        expect(page.locator("#main")).to_contain_text("quarantined", timeout=SOON)
        expect(page.locator("#main")).to_contain_text("its fan is dead")
        page.goto(f"{house.url}/nodes/desk")
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name="GPU 1"))
        expect(row).to_contain_text("quarantined")
        id = house.submit("true", "ann", gpus=2, node="desk", name="wants-both")
        page.goto(f"{house.url}/jobs/{id}")
        expect(page.locator("#main")).to_contain_text("its fan is dead")
    finally:
        desk.admin("uncordon", gpu="1")
    house.until_job(id, "SUCCEEDED")


def now(page: Page) -> Locator:
    return page.get_by_role("region", name=re.compile("Who has the GPUs? now"))


def paused(page: Page) -> Locator:
    return page.get_by_role("region", name="What was paused, and why")


def following(page: Page) -> Locator:
    return page.get_by_role("region", name="What is next")
