"""What takes a GPU out, and what does not: and that whoever brings one back is not overruled by old news."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.finding import Finding, GpuRef, Layer, Severity
from sentinel.health.quarantine import Acted, after, by_finding, orders

GPU = "GPU-1"
BAD = Finding(
    component="xid",
    code="79",
    severity=Severity.CRITICAL,
    layer=Layer.HARDWARE,
    title="the GPU fell off the bus",
    cause="c",
    next_step="n",
    gpu=GpuRef(uuid=GPU),
    quarantine=True,
    first_at=100.0,
)
OUT = {GPU: "quarantine: the GPU fell off the bus (79)"}


def test_a_hardware_fault_takes_the_gpu_out() -> None:
    (order,) = orders([BAD], {}, Acted())
    assert (order.gpu, order.findings) == (GPU, (BAD.id,))
    assert by_finding(order.reason) and "79" in order.reason


@pytest.mark.parametrize(
    "finding",
    [
        replace(BAD, quarantine=False),
        replace(BAD, gpu=None),
        replace(BAD, gpu=GpuRef(pci_bus_id="00000000:01:00.0")),
    ],
)
def test_nothing_else_does(finding: Finding) -> None:
    assert orders([finding], {}, Acted()) == ()


def test_a_gpu_that_is_out_is_left_alone_whoever_took_it_out() -> None:
    assert orders([BAD], {GPU: "fan replaced on Monday"}, Acted()) == ()


def test_nothing_is_done_while_the_arbiter_does_not_answer() -> None:
    assert orders([BAD], None, Acted()) == ()
    acted = after([BAD], OUT, Acted())
    assert after([BAD], None, acted) == acted


def test_who_brings_it_back_is_not_overruled_by_what_was_known() -> None:
    acted = after([BAD], OUT, Acted())
    assert orders([BAD], {}, acted) == ()


def test_but_by_what_happens_afterwards() -> None:
    acted = after([BAD], OUT, Acted())
    assert orders([replace(BAD, count=2)], {}, acted)
    assert orders([replace(BAD, first_at=500.0)], {}, acted)
    assert orders([replace(BAD, code="48")], {}, acted)


def test_what_is_gone_and_comes_again_is_new() -> None:
    acted = after([], {}, after([BAD], OUT, Acted()))
    assert orders([BAD], {}, acted)


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_a_round_that_follows_an_order_orders_nothing(known: list[bool]) -> None:
    """However often the arbiter is away, an order is given once and the cordon stays as it is."""
    acted, cordons, given_orders = Acted(), dict[str, str](), 0
    for answers in known:
        shown = cordons if answers else None
        for order in orders([BAD], shown, acted):
            cordons = {**cordons, order.gpu: order.reason}
            given_orders += 1
        acted = after([BAD], cordons if answers else None, acted)
    assert given_orders == int(any(known))
