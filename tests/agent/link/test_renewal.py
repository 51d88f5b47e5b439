"""Certificates are renewed in time, and a renewal that fails breaks nothing."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.agent.link.fake_controller import FakeController

from sentinel.agent.link.controller import Controller
from sentinel.agent.link.joining import Machine, join
from sentinel.agent.link.membership import CERTIFICATE, Credentials
from sentinel.agent.link.renewal import Renewal, due
from sentinel.core.clock import wall
from sentinel.core.errors import SentinelError
from sentinel.core.notify import Journal
from sentinel.drivers.certificates import request as keys

DAY = 86400.0


def test_when_less_than_a_third_is_left() -> None:
    assert not due(0.0, 30 * DAY, 20 * DAY)
    assert due(0.0, 30 * DAY, 20 * DAY + 1)
    assert due(0.0, 30 * DAY, 40 * DAY)


class Desk:
    def __init__(self, folder: Path) -> None:
        (folder / "c").mkdir()
        self.server = FakeController(folder / "c").start()
        token = self.server.join_token()
        machine = Machine(name="gpu-01", boot_id="b", version="1")
        self.node = folder / "node"
        membership = join(self.node, self.server.url, token, machine, keys).membership
        self.credentials = Credentials(self.node, membership)
        self.controller = Controller(self.credentials)
        self.written = io.StringIO()
        self.now, self.today = 0.0, wall()
        self.renewal = Renewal(
            self.credentials, lambda: keys, Journal(self.written), lambda: self.now, lambda: self.today
        )

    def certificate(self) -> bytes:
        return (self.node / CERTIFICATE).read_bytes()

    def renewals(self) -> int:
        return sum(path.endswith("/renew") for _, path in self.server.asked)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.controller.close()
    desk.server.stop()


def test_it_is_renewed_when_due_and_used_from_then_on(desk: Desk) -> None:
    old = desk.certificate()
    desk.renewal.look(desk.controller)
    assert desk.certificate() == old and desk.renewals() == 0
    desk.now, desk.today = 700.0, desk.today + 25 * DAY
    desk.renewal.look(desk.controller)
    assert desk.certificate() != old and desk.credentials.generation == 1
    assert "was renewed" in desk.written.getvalue()
    desk.controller.report([])
    assert desk.controller._generation == 1


def test_one_that_cannot_be_had_is_tried_again_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    old = desk.certificate()
    desk.today += 25 * DAY
    desk.server.refuse(503, "not now")
    desk.renewal.look(desk.controller)
    desk.renewal.look(desk.controller)
    assert desk.renewals() == 1 and desk.certificate() == old
    assert desk.written.getvalue().count("could not be renewed") == 1
    desk.server.refusal = None
    desk.now = 700.0
    desk.renewal.look(desk.controller)
    assert desk.certificate() != old


def test_one_that_does_not_fit_is_not_kept(desk: Desk) -> None:
    old = desk.certificate()
    other: Any = desk.server.authority.issue_node(keys.signing_request(keys.new_key(), "x"), "n1")
    with pytest.raises(SentinelError):
        desk.credentials.renewed(other)
    assert desk.certificate() == old and desk.credentials.generation == 0
    assert desk.controller.report([]) == []
