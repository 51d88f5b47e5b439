"""What a node's arbiter says, as JSON and back: what one tells is what all others read, and nothing worse."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.errors import ProtocolError
from sentinel.core.node_arbiter import (
    LONGEST_TEXT,
    MOST_GPUS,
    MOST_ROWS,
    Held,
    Hold,
    NodeArbiter,
    ServiceState,
    Standing,
    SteppingAside,
    Waiting,
    node_arbiter_from,
    node_arbiter_json,
    presentable,
)

SAID = NodeArbiter(
    standing=Standing.ANSWERS,
    services=(
        SteppingAside(
            name="chat",
            state=ServiceState.PAUSED,
            how="stop",
            why="lease L1 of ana (train)",
            since=1_700_000_000.25,
            gpus=("GPU-0",),
            freed_bytes=20 * 2**30,
        ),
    ),
    leases=(Held(id="L1", user="ana", gpus=("GPU-0",), since=None, command="train", job="j1"),),
    waiting=(Waiting(user="bob", why="GPU 0", since=1_700_000_001.0, command="eval"),),
    hold=Hold(by="root", why="maintenance", since=None),
)


def raw(**changes: Any) -> dict[str, Any]:
    return {**node_arbiter_json(SAID), **changes}


def test_it_comes_back_as_it_was() -> None:
    assert node_arbiter_from(json.loads(json.dumps(raw()))) == SAID
    for nothing in (Standing.NONE, Standing.SILENT):
        assert node_arbiter_from(node_arbiter_json(NodeArbiter(standing=nothing))).standing is nothing


def test_what_a_newer_version_adds_is_passed_over() -> None:
    assert node_arbiter_from(raw(colour="red")) == SAID


def test_what_a_terminal_would_act_on_is_not_taken_over() -> None:
    found = node_arbiter_from(raw(leases=[{**raw()["leases"][0], "command": "a\x1b[31mred\nb\x00"}]))
    assert found.leases[0].command == "a?[31mred b?"


SERVICE, LEASE, REQUEST = raw()["services"][0], raw()["leases"][0], raw()["waiting"][0]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"standing": "unknown"}, "an arbiter's standing"),
        ({"why": None}, "an arbiter's why"),
        ({"services": None}, "an arbiter's services"),
        ({"services": [7]}, "an arbiter's service"),
        ({"services": [SERVICE] * (MOST_ROWS + 1)}, "an arbiter's services"),
        ({"services": [{**SERVICE, "state": "asleep"}]}, "an arbiter's service's state"),
        ({"services": [{**SERVICE, "freed_bytes": -1}]}, "freed_bytes"),
        ({"services": [{**SERVICE, "freed_bytes": True}]}, "freed_bytes"),
        ({"services": [{**SERVICE, "gpus": ["GPU-0"] * (MOST_GPUS + 1)}]}, "gpus"),
        ({"services": [{**SERVICE, "gpus": [1]}]}, "gpus"),
        ({"services": [{**SERVICE, "since": "yesterday"}]}, "since"),
        ({"services": [{**SERVICE, "since": 1}]}, "since"),
        ({"leases": [{**LEASE, "user": "x" * (LONGEST_TEXT + 1)}]}, "an arbiter's lease's user"),
        ({"leases": [{**LEASE, "job": 1}]}, "job"),
        ({"waiting": [{**REQUEST, "command": None}]}, "an arbiter's request's command"),
        ({"hold": "root"}, "an arbiter's hold"),
    ],
)
def test_what_is_wrong_is_refused_and_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ProtocolError, match=named):
        node_arbiter_from(raw(**wrong))


ODD = st.text(max_size=2 * LONGEST_TEXT)


@given(text=ODD, rows=st.integers(0, 2 * MOST_ROWS), gpus=st.integers(0, 2 * MOST_GPUS), at=st.floats())
def test_whatever_an_arbiter_says_can_be_told(text: str, rows: int, gpus: int, at: float) -> None:
    some = (text,) * gpus
    odd = NodeArbiter(
        standing=Standing.ANSWERS,
        why=text,
        services=(
            SteppingAside(name=text, state=ServiceState.UNKNOWN, how=text, why=text, since=at, gpus=some),
        )
        * rows,
        leases=(Held(id=text, user=text, gpus=some, since=at, command=text),) * rows,
        waiting=(Waiting(user=text, why=text, since=at, command=text),) * rows,
        hold=Hold(by=text, why=text, since=at),
    )
    told = presentable(odd)
    came = node_arbiter_from(node_arbiter_json(told))
    assert replace(came, services=(), leases=(), waiting=(), hold=None).why == told.why
    assert (len(came.services), len(came.leases), len(came.waiting)) == (min(rows, MOST_ROWS),) * 3


def test_only_what_is_worth_it_is_told_at_once() -> None:
    counting = replace(SAID, services=(replace(SAID.services[0], why="starting for 4 s"),))
    assert counting.shape() == SAID.shape()
    back = replace(SAID, services=(replace(SAID.services[0], state=ServiceState.RUNNING),))
    for other in (back, replace(SAID, leases=()), replace(SAID, waiting=()), replace(SAID, hold=None)):
        assert other.shape() != SAID.shape()
