"""Samples of a real agent reach its controller, with whatever certificate the node has by then."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.link.fake_controller import FakeController
from tests.agent.link.test_process import AgentProcess
from tests.e2e.workstation import eventually

from sentinel.agent.link.joining import Machine, join
from sentinel.agent.link.membership import CERTIFICATE, Membership
from sentinel.agent.record.door import Door
from sentinel.core.errors import ApiError, ApiUnavailable, SentinelError
from sentinel.core.sample_batch import decode
from sentinel.drivers.certificates import request as keys

PATIENCE = 20.0


class Site:
    def __init__(self, folder: Path) -> None:
        (folder / "c").mkdir()
        self.controller = FakeController(folder / "c").start()
        self.folder = folder / "node"
        machine = Machine(name="gpu-01", boot_id="b", version="1")
        self.membership: Membership = join(
            self.folder, self.controller.url, self.controller.join_token(), machine, keys
        ).membership
        self.door = Door(self.folder, self.membership)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.door.close()
    if site.controller._server is not None:
        site.controller.stop()


def test_it_sends(site: Site) -> None:
    assert site.door.samples(b"one") is False
    assert site.door.samples(b"two") is False
    assert site.controller.samples == [b"one", b"two"]


def test_another_certificate_is_used_from_then_on(site: Site) -> None:
    site.door.samples(b"one")
    before = site.door._controller
    certificate = site.folder / CERTIFICATE
    renewed = site.folder / "renewed.pem"
    shutil.copy(certificate, renewed)
    renewed.replace(certificate)
    site.door.samples(b"two")
    site.door.samples(b"three")
    assert site.door._controller is not before
    assert site.controller.samples == [b"one", b"two", b"three"]


def test_what_is_wrong_is_an_error_of_ours(site: Site) -> None:
    site.controller.refuse(503, "busy")
    with pytest.raises(ApiError, match="busy"):
        site.door.samples(b"one")
    site.controller.refusal = None
    (site.folder / CERTIFICATE).rename(site.folder / "away")
    with pytest.raises(SentinelError, match="cannot read"):
        site.door.samples(b"one")
    (site.folder / "away").rename(site.folder / CERTIFICATE)
    assert site.door.samples(b"one") is False
    site.controller.stop()
    with pytest.raises(ApiUnavailable):
        site.door.samples(b"two")


def test_an_agent_tells_what_its_cards_measure(tmp_path: Path) -> None:
    agent = AgentProcess(tmp_path)
    try:
        agent.start("--name", "gpu-by-name")
        eventually(lambda: len(agent.controller.samples) >= 2, "it sends a second row", PATIENCE)
        first, second = (decode(one) for one in agent.controller.samples[:2])
        assert first.node == second.node == "gpu-by-name"
        assert (len(first.times), len(second.times)) == (1, 2)
        assert (first.sequence, first.times[0]) == (second.sequence, second.times[0])
        assert second.times[1] - second.times[0] == pytest.approx(10, abs=2)
        power = [one for one in second.columns if one.metric == "gpu_power_watts"]
        assert len(power) == 8 and all(value == value for one in power for value in one.values)
        assert "Traceback" not in agent.journal() and "warning" not in agent.journal()
    finally:
        agent.close()
