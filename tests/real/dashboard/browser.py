"""A Chromium that looks at the dashboard as somebody, and remembers all that goes wrong meanwhile.

    page = browser.page("ann", scheme="dark", width=390)     # signed in, on the fleet
    browser.allow(page, LINK_LOST)                           # what this test brings about itself

At the end of a test (`browser` in conftest) every page of it must be clean: nothing on the console, no error
of the page's, nothing that its Content-Security-Policy forbids, no request to any other address.
"""

import contextlib
import re
from collections.abc import Generator, Mapping
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    StorageState,
    expect,
    sync_playwright,
)
from tests.components.chromium import FLAGS, chromium

PATIENCE_MS = 30_000
NOT_SIGNED_IN = r"the server responded with a status of 401"
FORBIDDEN = r"the server responded with a status of 403"
GONE = r"the server responded with a status of 404"
LINK_LOST = r"net::ERR_(CONNECTION_|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE|HTTP2_|NETWORK_CHANGED)"
"""What Chromium says on the console of answers that a test itself brings about: for `Browser.allow`."""
_WATCH_POLICY = """document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} forbids ${event.blockedURI}, ${event.sourceFile}`));
"""
Scheme = Literal["light", "dark"]


class Browser:
    """For one site. `passwords` and `tokens` by name: how they sign in; a password goes first."""

    def __init__(
        self,
        program: Chromium,
        url: str,
        passwords: Mapping[str, str],
        tokens: Mapping[str, str] | None = None,
    ) -> None:
        self.url = url
        self._program, self._passwords, self._tokens = program, passwords, tokens or {}
        self._sessions: dict[str, StorageState] = {}
        self._pages: dict[Page, list[str]] = {}
        self._allowed: dict[Page, list[str]] = {}

    @classmethod
    @contextlib.contextmanager
    def running(
        cls, url: str, passwords: Mapping[str, str], tokens: Mapping[str, str] | None = None
    ) -> Generator["Browser"]:
        """One Chromium. Raises ComponentMissing."""
        path = chromium()
        expect.set_options(timeout=PATIENCE_MS)
        with sync_playwright() as playwright:
            program = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
            try:
                yield cls(program, url, passwords, tokens)
            finally:
                program.close()

    def elsewhere(self, url: str, tokens: Mapping[str, str]) -> "Browser":
        """The same Chromium, for another site. Whoever asked for it calls its `finish`."""
        return Browser(self._program, url, {}, tokens)

    # ------------------------------------------------------------------ pages

    def page(
        self,
        user: str = "admin",
        path: str = "/",
        *,
        scheme: Scheme = "light",
        width: int = 1440,
        height: int = 900,
    ) -> Page:
        """That user's, signed in, at that path."""
        if user not in self._sessions:
            first = self.stranger()
            self.sign_in(first, user)
            self._sessions[user] = first.context.storage_state()
            self._close(first)
        page = self._new(scheme, width, height, self._sessions[user])
        page.goto(self.url + path)
        expect(page.locator("#main")).to_be_visible()
        return page

    def stranger(
        self, path: str = "/", *, scheme: Scheme = "light", width: int = 1440, height: int = 900
    ) -> Page:
        """Nobody's: it shows the form to sign in. (Chromium says on the console that they are not known.)"""
        page = self.blank(scheme=scheme, width=width, height=height)
        page.goto(self.url + path)
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        return page

    def blank(self, *, scheme: Scheme = "light", width: int = 1440, height: int = 900) -> Page:
        """Nobody's, and it is nowhere yet."""
        page = self._new(scheme, width, height, None)
        self.allow(page, NOT_SIGNED_IN)
        return page

    def sign_in(self, page: Page, user: str) -> None:
        """By the form which that page shows."""
        if user in self._passwords:
            page.get_by_role("textbox", name="User").fill(user)
            page.locator("input[name=password]").fill(self._passwords[user])
        else:
            page.get_by_text("Token", exact=True).first.click()
            page.locator("input[name=token]").fill(self._tokens[user])
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#main")).to_be_visible()

    def forget(self, user: str) -> None:
        """The next page of theirs signs in anew: their sessions were ended."""
        self._sessions.pop(user, None)

    def _new(self, scheme: Scheme, width: int, height: int, state: StorageState | None) -> Page:
        context = self._program.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            ignore_https_errors=True,  # its authority is of its own making
            permissions=["clipboard-read", "clipboard-write"],
            storage_state=state,
            locale="en-GB",
        )
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(_WATCH_POLICY)
        page = context.new_page()
        self._watch(page)
        return page

    # ------------------------------------------------------------------ what goes wrong

    def _watch(self, page: Page) -> None:
        wrong = self._pages[page] = []
        own = urlsplit(self.url).netloc

        def console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                wrong.append(f"console, {message.type}: {message.text}")

        def request(asked: Request) -> None:
            parts = urlsplit(asked.url)
            if parts.scheme not in ("data", "blob") and parts.netloc != own:
                wrong.append(f"asks {asked.url}")

        page.on("console", console)
        page.on("request", request)
        page.on("pageerror", lambda error: wrong.append(f"error of the page: {error}"))
        page.on("websocket", lambda socket: wrong.append(f"opens {socket.url}"))

    def allow(self, page: Page, *patterns: str) -> None:
        """What a test brings about itself: regular expressions, each found in what is said."""
        self._allowed.setdefault(page, []).extend(patterns)

    def assert_clean(self, page: Page) -> None:
        allowed = self._allowed.get(page, [])
        wrong = [one for one in self._pages[page] if not any(re.search(each, one) for each in allowed)]
        assert not wrong, "\n".join(wrong)

    def _close(self, page: Page) -> None:
        self.assert_clean(page)
        page.context.close()
        del self._pages[page]
        self._allowed.pop(page, None)

    def seen(self) -> str:
        """What the open pages show, in words: for the log of a test that failed."""
        return "\n".join(f"--- {page.url}\n{_shown(page)}" for page in self._pages if not page.is_closed())

    def finish(self, *, failed: bool = False) -> None:
        """Closes all pages. Every one of them must be clean, of a test that went well."""
        pages = list(self._pages)
        try:
            if not failed:
                for page in pages:
                    self.assert_clean(page)
        finally:
            contexts: dict[BrowserContext, None] = {page.context: None for page in pages}
            for context in contexts:
                context.close()
            self._pages.clear()
            self._allowed.clear()


def _shown(page: Page) -> str:
    with contextlib.suppress(Exception):
        return page.locator("body").aria_snapshot(timeout=2000)[:6000]
    return "nothing that can be read"
