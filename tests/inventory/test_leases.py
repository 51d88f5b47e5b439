"""What the arbiter's status says about pids, in every form that it may come in."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.arbiter import FakeArbiter

from sentinel.core.codec import SOCKET_VARIABLE
from sentinel.core.errors import SourceAbsent, SourceUnknown
from sentinel.inventory.leases import ask_arbiter, leases_of
from sentinel.inventory.observation import Covered, Leases

STATUS: dict[str, Any] = {
    "leases": [{"id": "l1", "user": "ann", "pid": 10}, {"id": "l2", "user": "bob", "pid": None}],
    "gpus": [
        {
            "index": 0,
            "processes": [
                {"pid": 11, "lease": "l1", "service": None},
                {"pid": 12, "lease": None, "service": "chat"},
                {"pid": 13, "lease": None, "service": None},
            ],
        },
        {"index": 1, "processes": [{"pid": 11, "lease": "l1"}, {"pid": 14, "lease": "l2"}]},
    ],
}
ANN, BOB = Covered(lease="l1", user="ann"), Covered(lease="l2", user="bob")
KEYS = st.sampled_from(["leases", "gpus", "processes", "id", "user", "pid", "lease", "service"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["l1", "ann", ""]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


def test_who_holds_a_lease_and_what_runs_under_it() -> None:
    assert leases_of(STATUS) == Leases(covered={10: ANN, 11: ANN, 14: BOB}, services={12: "chat"})


def test_a_lease_that_is_not_listed_names_nobody() -> None:
    status = {"leases": [], "gpus": [{"processes": [{"pid": 11, "lease": "l1"}]}]}
    assert leases_of(status) == Leases()


def test_a_service_is_no_research_even_if_it_says_so() -> None:
    row = {"pid": 10, "lease": "l1", "service": "chat"}
    found = leases_of({"leases": [{"id": "l1", "user": "ann"}], "gpus": [{"processes": [row]}]})
    assert found == Leases(services={10: "chat"})


@pytest.mark.parametrize("status", [None, [], "status", {}, {"leases": None}, {"gpus": {"processes": []}}])
def test_nothing_in_our_form_is_nothing(status: object) -> None:
    assert leases_of(status) == Leases()


@given(VALUES)
def test_no_status_can_do_harm(status: object) -> None:
    found = leases_of(status)
    assert all(type(pid) is int for pid in (*found.covered, *found.services))


# ------------------------------------------------------------------ asking


@pytest.fixture
def arbiter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeArbiter]:
    standing = FakeArbiter(tmp_path / "s", STATUS)
    monkeypatch.setenv(SOCKET_VARIABLE, str(standing.path))
    yield standing
    standing.close()


@pytest.mark.usefixtures("arbiter")
def test_it_asks_the_arbiter() -> None:
    assert ask_arbiter(10.0).services == {12: "chat"}


def test_without_a_socket_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SOCKET_VARIABLE, str(tmp_path / "s"))
    with pytest.raises(SourceAbsent, match="no arbiter"):
        ask_arbiter(10.0)


def test_one_that_is_down_is_unknown_and_not_absent(arbiter: FakeArbiter) -> None:
    arbiter.close()  # which leaves the socket's name
    with pytest.raises(SourceUnknown):
        ask_arbiter(10.0)


def test_one_that_does_not_answer_is_not_waited_for(arbiter: FakeArbiter) -> None:
    arbiter.deaf = True
    began = time.monotonic()
    with pytest.raises(SourceUnknown, match="does not answer"):
        ask_arbiter(0.1)
    assert time.monotonic() - began < 5.0
