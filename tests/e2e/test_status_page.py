"""The status page: what a browser is shown, what it may do with it, and what others may not do to it."""

import contextlib
import getpass
import http.client
import json
import os
import re
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.workstation import Workstation, eventually


@dataclass(frozen=True)
class Page:
    """An answer of the page's server."""

    code: int
    text: str
    headers: dict[str, str]


class Site:
    """A workstation with the page switched on."""

    def __init__(self, place: Workstation) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        web = f'[web]\nenabled = true\nlisten = "127.0.0.1:{self.port}"\nuser = "{getpass.getuser()}"\n'
        place.configure(place.service("chat"), rest=web)
        place.start()
        place.ready()
        self.place = place
        eventually(lambda: self.get("/healthz"), "the page is served")

    def get(self, path: str, method: str = "GET", **headers: str) -> Page | None:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            line.request(method, path, headers=headers)
            answer = line.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Page(code=answer.status, text=answer.read().decode(), headers=names)
        except OSError:
            return None
        finally:
            line.close()

    def page(self, path: str = "/") -> Page:
        found = self.get(path)
        assert found is not None
        return found

    def server(self) -> int:
        """The pid of the page's own process."""
        for pid in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if b"sentinel.arbiter.web" in words and f"127.0.0.1:{self.port}".encode() in words:
                    return int(pid)
        return 0


@pytest.fixture
def site(workstation: Workstation) -> Site:
    return Site(workstation)


def test_it_shows_who_has_the_gpus_and_what_was_paused(site: Site) -> None:
    assert "IDLE" in site.page().text
    site.place.granted()
    shown = eventually(lambda: "RESEARCH" in (p := site.page()).text and p, "research is shown")
    assert "chat" in shown.text
    assert "paused (stop)" in shown.text
    assert json.loads(site.page("/status.json").text)["state"] == "RESEARCH"
    assert site.page("/status.txt").text.startswith("RESEARCH")
    assert site.page("/main.html").text.startswith("<h1")


def test_what_users_wrote_is_text(site: Site) -> None:
    site.place.granted("--name", "<script>alert(1)</script>", command=("sh", "-c", "sleep 60", "<img src=x>"))
    eventually(lambda: "RESEARCH" in site.page().text, "research is shown")
    assert "<img" not in site.page().text
    assert "&lt;img src=x&gt;" in site.page().text


def test_it_needs_nothing_from_elsewhere_and_runs_only_its_own_script(site: Site) -> None:
    shown = site.page()
    policy = shown.headers["content-security-policy"]
    (nonce,) = set(re.findall(r'nonce="([^"]+)"', shown.text))
    assert f"script-src 'nonce-{nonce}'" in policy
    assert "default-src 'none'" in policy
    assert nonce not in site.page().text, "once is enough"
    assert not re.search(r'(src|href)="', shown.text)


def test_a_page_elsewhere_that_points_here_is_refused(site: Site) -> None:
    refused = site.get("/status.json", Host="evil.example")
    assert refused is not None
    assert refused.code == 421
    assert "state" not in refused.text


def test_it_is_read_only(site: Site) -> None:
    for method in ("POST", "PUT", "DELETE"):
        answer = site.get("/", method)
        assert answer is not None
        assert answer.code == 501
    assert site.page("/nothing").code == 404


def test_its_process_holds_no_gpu_rights_and_ends_with_the_arbiter(site: Site) -> None:
    pid = site.server()
    assert pid
    assert pid != site.place.status()["arbiter"]["pid"]
    site.place.kill()
    eventually(lambda: not site.server(), "it ended with the arbiter")


def test_it_comes_back_when_it_is_killed(site: Site) -> None:
    before = site.server()
    os.kill(before, signal.SIGKILL)
    eventually(lambda: site.server() not in (0, before) and site.get("/healthz"), "it is back", seconds=9)


def test_it_is_off_by_default(arbiter: Workstation) -> None:
    assert all(
        b"sentinel.arbiter.web" not in Path(f"/proc/{child}/cmdline").read_bytes()
        for child in Path(f"/proc/{arbiter.status()['arbiter']['pid']}/task")
        .joinpath(str(arbiter.status()["arbiter"]["pid"]), "children")
        .read_text()
        .split()
    )
