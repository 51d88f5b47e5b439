"""A job from the form to its end: every step is seen on a page that nobody loads anew."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.faults.stores.site import patiently
from tests.real.dashboard.browser import Browser
from tests.real.dashboard.house import PATIENCE, House, words_of_python

pytestmark = [pytest.mark.real, pytest.mark.slow]

ALL_GPUS = {"lab1": 4, "lab2": 2}
TERMINAL = r"\033[2J\033[31mred\033[0m\033]0;owned\007\010\010 end"
"""Clears a terminal, colours, renames its window, deletes to the left."""
ATTACK = '<img src=x onerror="document.title=7*6">'


def test_a_job_is_watched_from_the_form_to_its_end(browser: Browser, house: House) -> None:
    gate = house.site.gate()
    page = browser.page("ann", "/jobs")
    page.get_by_role("button", name="Submit a job").click()
    preview = panel(page, "What would become of it")
    expect(preview).to_contain_text("Say what is to run")
    fill(page, Command=f"sh -c 'echo first words; {gate.wait}; echo last words'", Folder=folder(house))
    fill(page, Name="watched")
    expect(preview).to_contain_text("It would start now")
    assert house.client("ann").jobs(name="watched") == []  # asking keeps nothing
    stays(page)
    page.get_by_role("button", name="Submit", exact=True).click()

    expect(page.get_by_role("heading", name="watched", level=1)).to_be_visible()
    expect(state(page, "running")).to_be_visible()
    log = page.get_by_role("log")
    expect(log).to_contain_text("first words")
    expect(log).not_to_contain_text("last words")
    gate.open()
    expect(log).to_contain_text("last words")
    expect(state(page, "succeeded")).to_be_visible()
    expect(page.get_by_text("That is all of it.")).to_be_visible()

    story = panel(page, "What happened").get_by_role("listitem")
    expect(story.first).to_contain_text("Submitted")
    expect(story.last).to_contain_text("Succeeded")
    expect(panel(page, "What happened")).to_contain_text(re.compile(r"Runs on lab\d"))
    assert stayed(page)


def test_the_preview_says_what_is_in_the_way_and_the_job_starts_when_that_is_over(
    browser: Browser, house: House
) -> None:
    page = browser.page("ann", "/jobs/new")
    preview = panel(page, "What would become of it")
    fill(page, Command="sh -c 'echo it runs'", Folder=folder(house), Name="patient")
    expect(preview).to_contain_text("It would start now")

    holders = [
        house.submit("sleep 600", gpus=gpus, node=node, name=f"all-of-{node}")
        for node, gpus in ALL_GPUS.items()
    ]
    try:
        for id in holders:
            house.until_job(id, "RUNNING")
        # The form stands as it is, and what is said of it follows.
        expect(preview).not_to_contain_text("It would start now")
        expect(preview).to_contain_text("Thought to start")
        expect(preview.get_by_role("link", name=holders[0])).to_be_visible()
        stays(page)
        page.get_by_role("button", name="Submit", exact=True).click()
        expect(state(page, "queued")).to_be_visible()
        why = panel(page, "Why it waits")
        expect(why).to_contain_text("GPU")
        expect(why).to_contain_text("Ahead of it")
        expect(why.get_by_role("link", name=holders[0])).to_be_visible()
        expect(page.get_by_text("What it writes is shown here as it comes")).to_be_visible()
    finally:
        for id in holders:
            house.client().cancel(id)
    expect(state(page, "succeeded")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("log")).to_contain_text("it runs")
    assert stayed(page)


def test_a_job_that_fails_says_how(browser: Browser, house: House) -> None:
    page = browser.page("ann", "/jobs/new")
    page.get_by_text("Script", exact=True).first.click()
    fill(page, Script="echo nothing to load >&2\nexit 7", Folder=folder(house), Name="doomed")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(state(page, "failed")).to_be_visible()
    expect(page.locator("#main")).to_contain_text("exit code 7")
    expect(page.get_by_role("log")).to_contain_text("nothing to load")
    expect(panel(page, "What happened")).to_contain_text("Failed with exit code 7")
    page.goto(f"{house.url}/jobs?state=ended")
    row = page.get_by_role("row").filter(has_text="doomed").first
    expect(row).to_contain_text("failed")
    expect(row).to_contain_text(re.compile("exit code 7", re.IGNORECASE))


def test_a_job_is_canceled_only_once_that_is_confirmed(browser: Browser, house: House) -> None:
    id = house.submit("sleep 600", "ann", name="mistaken")
    page = browser.page("ann", f"/jobs/{id}")
    expect(state(page, "running")).to_be_visible()
    page.get_by_role("button", name="Cancel", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Cancel mistaken?")
    dialog.get_by_role("button", name="Let it be").click()
    expect(dialog).to_have_count(0)
    assert house.client().job(id)["state"] == "RUNNING"

    page.get_by_role("button", name="Cancel", exact=True).click()
    dialog.get_by_role("textbox", name="Why").fill("the wrong data")
    dialog.get_by_role("button", name="Cancel it").click()
    expect(state(page, "canceled")).to_be_visible()
    expect(page.locator("#main")).to_contain_text("the wrong data")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_have_count(0)
    house.until_job(id, "CANCELED")


def test_one_alike_is_asked_for_as_the_first_was(browser: Browser, house: House) -> None:
    given = {"name": "again", "gpus": 2, "time_limit": 3600.0, "priority": -5, "node": "lab1"}
    first = house.submit("echo $COLOUR", "ann", environment={"COLOUR": "green"}, **given)
    house.until_job(first, "SUCCEEDED")
    page = browser.page("ann", f"/jobs/{first}")
    page.get_by_role("link", name="Submit one alike").click()
    expect(field(page, "Name")).to_have_value("again")
    expect(field(page, "GPUs")).to_have_value("2")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(state(page, "succeeded")).to_be_visible()
    second = page.url.rpartition("/")[2]
    assert second != first
    expect(page.get_by_role("log")).to_contain_text("green")
    specs = [house.client("ann").job(id)["spec"] for id in (first, second)]
    assert specs[0] == specs[1]


def test_the_command_for_a_terminal_asks_for_the_same(browser: Browser, house: House) -> None:
    page = browser.page("ann", "/jobs/new")
    page.get_by_text("Script", exact=True).first.click()
    fill(page, Script='echo "it\'s $((6 * 7))"\ntrue', Folder=folder(house), Name="two ways")
    field(page, "Time limit").fill("90m")
    page.get_by_text("Resources", exact=True).click()
    fill(page, Memory="1.5GiB", CPUs="1")
    command = panel(page, "The same in a terminal").locator("code").first
    expect(command).to_contain_text("sentinel job submit")
    words = shlex.split(command.inner_text().replace("\\\n", " "))
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(state(page, "succeeded")).to_be_visible()
    expect(page.get_by_role("log")).to_contain_text("it's 42")
    first = page.url.rpartition("/")[2]
    done = subprocess.run(
        [*words_of_python(), *words[1:3], "--json", *words[3:]],
        env=house.environment_of("ann"),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done
    second = json.loads(done.stdout)["id"]
    house.until_job(second, "SUCCEEDED")
    assert house.client().job(first)["spec"] == house.client().job(second)["spec"]


def test_a_form_that_is_wrong_is_not_sent(browser: Browser, house: House) -> None:
    before = len(house.client().jobs())
    page = browser.page("ann", "/jobs/new")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_text("What is it to run?")).to_be_visible()
    fill(page, Command="true", Folder="not/whole", GPUs="0")
    expect(page.get_by_text("A whole path")).to_be_visible()
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_text("Something is missing or wrong above.")).to_be_visible()
    assert len(house.client().jobs()) == before


@pytest.mark.parametrize("width", [1440, 390])
def test_what_others_wrote_is_text_and_nothing_else(browser: Browser, house: House, width: int) -> None:
    script = Path(house.site.folder, "attack.sh")
    script.write_text(
        f"printf '%s\\n' '{ATTACK}'\nprintf '{TERMINAL}\\n'\n"
        'awk \'BEGIN { while (n++ < 10000) printf "x"; print " the end" }\'\n'
    )
    id = house.submit(f"sh {script}", "ann", name=f"{ATTACK}{'y' * 100}"[:128])
    house.until_job(id, "SUCCEEDED")
    page = browser.page("admin", f"/jobs/{id}", width=width, height=844)
    log = page.get_by_role("log")
    expect(log).to_contain_text(ATTACK)
    expect(log).to_contain_text("more characters)")  # a line is not endless
    for path in (f"/jobs/{id}", "/jobs", "/queue", "/events", f"/jobs/new?from={id}"):
        page.goto(house.url + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        if path == "/jobs":
            expect(page.get_by_role("link", name=ATTACK).first).to_be_visible()
        assert page.locator("img[src=x]").count() == 0, path
        assert page.title() not in ("42", "owned"), path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_list_follows_and_its_filter_is_in_the_address(browser: Browser, house: House) -> None:
    gate = house.site.gate()
    page = browser.page("ann", "/jobs?name=listed")
    expect(page.get_by_text("No job is like that")).to_be_visible()
    stays(page)
    id = house.submit(gate.wait, "ann", name="listed")
    row = page.get_by_role("row").filter(has_text=id)
    expect(row).to_contain_text("running")
    gate.open()
    expect(row).to_contain_text("succeeded")
    assert stayed(page)
    patiently(lambda: house.client().job(id)["state"] == "SUCCEEDED", "its end", PATIENCE)


# ---------------------------------------------------------------------- on the page


def folder(house: House) -> str:
    return str(house.site.folder)


def field(page: Page, name: str) -> Locator:
    return page.get_by_role("textbox", name=name, exact=True)


def fill(page: Page, **fields: str) -> None:
    """By their labels."""
    for name, value in fields.items():
        field(page, name).fill(value)


def state(page: Page, word: str) -> Locator:
    """The badge beside the title."""
    return page.get_by_role("heading", level=1).locator("..").get_by_text(word, exact=True)


def panel(page: Page, title: str) -> Locator:
    heading = page.get_by_role("heading", name=title, exact=True)
    return page.locator("section").filter(has=heading)


def stays(page: Page) -> None:
    """From now on it is not to be loaded anew: see `stayed`."""
    page.evaluate("window.stays = true")


def stayed(page: Page) -> bool:
    return bool(page.evaluate("window.stays === true"))
