"""Signing in and out, and a session that ends while somebody looks."""

import re
import subprocess

import pytest
from playwright.sync_api import Page, expect
from tests.real.dashboard.browser import LINK_LOST, NOT_SIGNED_IN, Browser
from tests.real.dashboard.house import PATIENCE, House, words_of_python

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_by_password_one_comes_to_the_page_that_was_asked_for(browser: Browser, house: House) -> None:
    page = browser.stranger("/jobs?owner=ann")
    browser.sign_in(page, "ann")
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    expect(page.get_by_role("textbox", name="Owner")).to_have_value("ann")
    assert page.url == f"{house.url}/jobs?owner=ann"
    assert is_signed_in_as(page, "ann")


def test_by_token(browser: Browser, house: House) -> None:
    token = str(house.client().create_token("for the browser", owner="vic")["token"])
    page = browser.stranger()
    page.get_by_text("Token", exact=True).first.click()
    page.locator("input[name=token]").fill(f"  {token}\n")  # as it was copied
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#main")).to_be_visible()
    assert is_signed_in_as(page, "vic")
    assert token not in page.evaluate(
        "document.cookie + JSON.stringify({...localStorage, ...sessionStorage})"
    )


def test_the_address_that_a_terminal_prints_signs_in_once(browser: Browser, house: House) -> None:
    printed = subprocess.run(
        [*words_of_python(), "dashboard"],
        env=house.environment_of("ann"),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    address = re.search(r"https://\S+#code=\S+", printed.stdout)
    assert address is not None, printed
    page = browser.blank()
    page.goto(address[0])
    expect(page.locator("#main")).to_be_visible()
    assert is_signed_in_as(page, "ann")
    assert page.url == f"{house.url}/"
    page.reload()
    expect(page.locator("#main")).to_be_visible()

    other = browser.blank()
    other.goto(address[0])
    expect(other.get_by_role("alert")).to_contain_text("used")
    expect(other.get_by_role("button", name="Sign in")).to_be_visible()
    assert "code" not in other.url


@pytest.mark.parametrize(
    ("user", "password"), [("ann", "not hers"), ("nobody", "somewhat"), ("'; --", "<b>x</b>")]
)
def test_what_is_wrong_lets_nobody_in_and_is_said(browser: Browser, user: str, password: str) -> None:
    page = browser.stranger("/nodes")
    page.get_by_role("textbox", name="User").fill(user)
    page.locator("input[name=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()
    said = page.get_by_role("alert")
    expect(said).to_contain_text("password")
    assert "ann" not in said.inner_text() and password not in said.inner_text()  # nor who there is
    expect(page.get_by_role("textbox", name="User")).to_have_value(user)
    expect(page.locator("#main")).to_have_count(0)
    assert page.url.endswith("/nodes")


def test_who_signs_out_leaves_nothing_behind(browser: Browser) -> None:
    page = browser.stranger("/settings")
    browser.sign_in(page, "ann")
    page.get_by_role("button", name="Signed in as ann").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.locator("#main")).to_have_count(0)
    assert page.context.cookies() == []


def test_a_session_that_is_ended_elsewhere_leads_to_the_form_and_back(browser: Browser, house: House) -> None:
    page = browser.stranger("/jobs?state=ended&name=train")
    browser.sign_in(page, "ann")
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    browser.allow(page, NOT_SIGNED_IN, LINK_LOST)  # its event stream is broken off
    session = str(page.evaluate("fetch('/api/v1/whoami').then((answer) => answer.json())")["token_id"])
    house.client().revoke_token(session)
    # Nobody touches the page: what it asks for by itself is refused.
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=60_000)
    browser.sign_in(page, "ann")
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("train")


def is_signed_in_as(page: Page, name: str) -> bool:
    return page.get_by_role("button", name=f"Signed in as {name}").is_visible()
