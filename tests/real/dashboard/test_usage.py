"""Who held GPUs, and computed nothing on them, is told once they have run a job."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.faults.stores.site import patiently
from tests.real.dashboard.browser import Browser
from tests.real.dashboard.house import PATIENCE, House

pytestmark = [pytest.mark.real, pytest.mark.slow]

GPUS, SECONDS = 2, 15


def test_who_held_gpus_is_in_the_report_with_what_they_wasted(browser: Browser, house: House) -> None:
    house.client().add_user("una", "member")
    house.until_job(house.submit(f"sleep {SECONDS}", "una", gpus=GPUS, node="lab2", name="idle"), "SUCCEEDED")
    # What nodes measure comes in pieces.
    patiently(lambda: "una" in {row["key"] for row in house.client().usage_report()["rows"]}, "it", PATIENCE)

    page = browser.page("vic", "/usage?range=24h")
    row = page.get_by_role("row").filter(has=page.get_by_role("cell", name="una", exact=True)).first
    expect(row).to_contain_text("GPU-h")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    (of_una,) = [one for one in rows if "una" in one.values()]
    held = [float(value) for name, value in of_una.items() if "hour" in name and value]
    assert 0 < max(held) <= GPUS * (SECONDS + 30) / 3600
