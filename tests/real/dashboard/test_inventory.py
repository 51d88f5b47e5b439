"""Somebody uses a GPU and has asked nobody: that is shown, with how it is known, and no job starts there."""

import os
import pwd
import re

import pytest
from playwright.sync_api import expect
from tests.real.dashboard.browser import Browser
from tests.real.dashboard.house import House

pytestmark = [pytest.mark.real, pytest.mark.slow]

MINUTE = 60_000


def test_a_stray_process_is_listed_with_its_evidence_and_is_gone_when_it_ends(
    browser: Browser, house: House
) -> None:
    me = pwd.getpwuid(os.geteuid()).pw_name
    page = browser.page("vic", "/workloads?node=lab1&strays=1")
    pid = house.hold("lab1", gpu=3, memory="12GiB")
    row = page.get_by_role("row").filter(has_text="lab1").filter(has_text="12")
    expect(row).to_contain_text(me, timeout=MINUTE)
    expect(row).to_contain_text(re.compile(r"12(\.0)?\s+GiB"))
    row.click()
    details = page.get_by_role("dialog")
    expect(details).to_contain_text("Whose is it?")
    expect(details).to_contain_text(f"user of its process: {me}")
    expect(details).to_contain_text("kernel")
    expect(details).to_contain_text(str(pid))
    assert "open=" in page.url

    uuid = next(gpu["uuid"] for gpu in house.client().node("lab1")["gpus"] if gpu["index"] == 3)
    other = browser.page("ann", f"/gpus/{uuid}")
    expect(other.get_by_role("heading", name="GPU 3 of lab1", level=1)).to_be_visible()
    expect(other.locator("#main")).to_contain_text("not queued", timeout=MINUTE)
    id = house.submit("true", "ann", node="lab1", gpus=4, name="wants-all-four")
    try:
        other.goto(f"{house.url}/jobs/{id}")
        expect(other.locator("#main")).to_contain_text("Why it waits")
        expect(other.locator("#main")).to_contain_text(re.compile("nobody queued|not queued|unmanaged"))
        house.site.send(pid)
        house.until_job(id, "SUCCEEDED")
    finally:
        house.site.send(pid)
    page.goto(f"{house.url}/workloads?node=lab1&strays=1&state=running")
    expect(row).to_have_count(0, timeout=MINUTE)
