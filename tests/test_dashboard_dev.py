"""`make dev-web`: pages from the sources, and everything else from the controller that SENTINEL_URL names,
which is trusted as SENTINEL_CA says. With the real Vite, against a controller whose answers are written here.
"""

import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from tests.client.fake_controller import FakeController, Reply, controller

ROOT = Path(__file__).parents[1]

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeController]:
    with controller(tmp_path) as fake:
        yield fake


@pytest.fixture(scope="module", autouse=True)
def packages() -> None:
    subprocess.run(["sh", "requirements/dashboard.sh", "packages"], cwd=ROOT, check=True, timeout=300)


@contextmanager
def served(**env: str) -> Iterator[str]:
    """Where Vite serves."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["npm", "run", "dev", "--", "--host", "127.0.0.1", "--port", str(port), "--strictPort"]
    process = subprocess.Popen(
        words,
        cwd=ROOT / "dashboard",
        env=os.environ | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 60
        while True:
            assert process.poll() is None and time.monotonic() < end
            try:
                with urllib.request.urlopen(url, timeout=5):
                    break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        os.killpg(process.pid, 15)
        process.communicate(timeout=30)


def test_the_controller_is_reached_and_trusted_by_its_authority(fake: FakeController, tmp_path: Path) -> None:
    fake.answers["GET health"] = {"status": "ok"}
    fake.answers["POST session"] = Reply(status=204)
    with served(SENTINEL_URL=fake.url, SENTINEL_CA=str(fake.ca)) as url:
        with urllib.request.urlopen(url, timeout=20) as page:
            assert '<div id="root">' in page.read().decode()
        with urllib.request.urlopen(f"{url}/api/v1/health", timeout=20) as answer:
            assert (answer.status, answer.read()) == (200, b'{"status": "ok"}')
        asked = urllib.request.Request(f"{url}/api/v1/session", method="POST", headers={"Origin": url})
        with urllib.request.urlopen(asked, timeout=20) as answer:
            assert answer.status == 204
        assert (
            fake.requests[-1].headers["Origin"] == fake.url
        )  # else the controller refuses it as another site's
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(str(stranger))
    before = len(fake.requests)
    with served(SENTINEL_URL=fake.url, SENTINEL_CA=str(stranger)) as url:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{url}/api/v1/health", timeout=20)
        refused.value.close()
        assert refused.value.code in (500, 502)
    assert len(fake.requests) == before


def test_a_stream_comes_through_piece_by_piece(fake: FakeController) -> None:
    read = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"data: one\n\n"
        if read.wait(20):  # the second is sent when the first has arrived
            yield b"data: two\n\n"

    fake.answers["GET events/stream"] = Reply(
        pieces=pieces(), headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    with (
        served(SENTINEL_URL=fake.url, SENTINEL_CA=str(fake.ca)) as url,
        urllib.request.urlopen(f"{url}/api/v1/events/stream", timeout=15) as answer,
    ):
        assert answer.readline() == b"data: one\n"
        read.set()
        assert answer.read() == b"\ndata: two\n\n"
