"""The tests' own browser: what goes wrong on a page does not go unseen."""

import pytest
from playwright.sync_api import expect
from tests.real.dashboard.browser import Browser

pytestmark = [pytest.mark.real, pytest.mark.slow]

WRONGS = {
    "console, error": "console.error('somewhat is wrong')",
    "error of the page": "setTimeout(() => { throw new Error('nobody caught this'); })",
    "style-src": "document.body.append(Object.assign(document.createElement('style'), {innerText: 'p {}'}))",
    "img-src": "document.body.append(Object.assign(new Image(), {src: 'https://192.0.2.1/x.png'}))",
    "TrustedHTML": "try { document.body.innerHTML = '<b>x</b>'; } catch { /* it throws, too */ }",
}


@pytest.mark.parametrize("said", WRONGS)
def test_what_goes_wrong_on_a_page_fails_its_test(browser: Browser, said: str) -> None:
    page = browser.page("vic", "/queue")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    browser.assert_clean(page)
    with page.expect_event("pageerror" if said == "error of the page" else "console"):
        page.evaluate(f"() => {{ {WRONGS[said]}; }}")
    with pytest.raises(AssertionError, match=said):
        browser.assert_clean(page)
    browser.allow(page, ".*")


def test_what_is_asked_of_another_address_is_seen(browser: Browser) -> None:
    page = browser.page("vic", "/queue")
    page.evaluate("fetch('https://192.0.2.1/').catch(() => null)")
    with pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
        browser.assert_clean(page)
    browser.allow(page, ".*")
