"""Machines that join, are drained, fall silent and go."""

import os
import shlex
import signal
import subprocess

import pytest
from playwright.sync_api import expect
from tests.real.dashboard.browser import GONE, Browser
from tests.real.dashboard.house import PATIENCE, House, words_of_python

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_the_command_of_the_dialog_lets_a_machine_join_and_its_whole_life_is_seen(
    browser: Browser, house: House
) -> None:
    page = browser.page("admin", "/nodes")
    page.get_by_role("button", name="Join a machine").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Make the command").click()
    command = dialog.locator("code").filter(has_text="agent join")
    expect(dialog).to_contain_text("Waiting for it")
    dialog.get_by_role("button", name="Copy").click()
    words = shlex.split(command.inner_text())
    assert shlex.split(page.evaluate("navigator.clipboard.readText()")) == words
    assert words[:4] == ["sentinel", "agent", "join", house.url]

    node_dir = house.folder_of("lab3")
    where = ["--name", "lab3", "--node-dir", str(node_dir)]
    joined = subprocess.run(
        [*words_of_python(), *words[1:], *where],
        env=house.site.env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert joined.returncode == 0, joined.stderr
    pid = house.run_agent("lab3", gpus=1)
    expect(dialog.get_by_role("link", name="lab3")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    row = page.get_by_role("row").filter(has_text="lab3")
    expect(row).to_contain_text("up")

    # It goes without a word: what is there now is not known, and is not shown as known.
    house.site.send(pid, signal.SIGKILL)
    os.kill(int((node_dir / "supervisor.lock").read_text()), signal.SIGKILL)
    expect(row).to_contain_text("silent", timeout=60_000)
    row.get_by_role("link", name="lab3").click()
    expect(page.get_by_text("It has not been heard of")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="GPU 0")).to_contain_text("unknown")

    browser.allow(page, GONE)  # the node's own page may ask for it once more
    page.get_by_role("button", name="Remove", exact=True).click()
    remove = dialog.get_by_role("button", name="Remove")
    expect(remove).to_be_disabled()
    dialog.get_by_role("textbox", name="Type lab3").fill("lab3")
    remove.click()
    expect(page.get_by_role("heading", name="Nodes", level=1)).to_be_visible()
    expect(row).to_have_count(0)
    house.names.remove("lab3")
    assert "lab3" not in {node["name"] for node in house.client().nodes()}


def test_a_node_is_drained_and_resumed(browser: Browser, house: House) -> None:
    gate = house.site.gate()
    first = house.submit(gate.wait, "ann", node="lab2", name="goes-on")
    house.until_job(first, "RUNNING")
    page = browser.page("admin", "/nodes/lab2")
    page.get_by_role("button", name="Drain", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("One job runs there now, and will go on")
    dialog.get_by_role("textbox", name="Why").fill("a new fan")
    dialog.get_by_role("button", name="Drain").click()
    main = page.locator("#main")
    expect(main).to_contain_text("No new job starts there; 1 job still runs")
    expect(main).to_contain_text("a new fan")
    assert house.client().job(first)["state"] == "RUNNING"

    second = house.submit("true", "ann", node="lab2", name="has-to-wait")
    member = browser.page("ann", f"/jobs/{second}")
    expect(member.locator("#main")).to_contain_text("drained")
    member.goto(f"{house.url}/nodes/lab2")
    expect(member.locator("#main")).to_contain_text("a new fan")
    expect(member.get_by_role("button", name="Resume", exact=True)).to_have_count(0)

    gate.open()
    expect(main).to_contain_text("it may be worked on")
    page.get_by_role("button", name="Resume", exact=True).click()
    dialog.get_by_role("button", name="Resume").click()
    expect(main).to_contain_text("jobs may start there")
    expect(main).not_to_contain_text("a new fan")
    house.until_job(second, "SUCCEEDED")
