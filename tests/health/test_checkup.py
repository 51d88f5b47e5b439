"""Whether a GPU may come back: nothing bad, and what is needed known to be well."""

from dataclasses import replace

import pytest

from sentinel.core.finding import Finding, GpuRef, Layer, Severity
from sentinel.core.gpu import Gpu
from sentinel.core.gpu_sensors import GpuSensors
from sentinel.health.checkup import Burn, Result, Step, checkup, passed

SENSORS = GpuSensors(
    sm_clock_hertz=1.9e9,
    sm_clock_max_hertz=2e9,
    pcie_width=16,
    pcie_width_max=16,
    pcie_generation=4,
    pcie_generation_max=4,
)
CARD = Gpu(index=0, uuid="GPU-1", memory_total_bytes=2**36, memory_used_bytes=0, sensors=SENSORS)


def finding(component: str, severity: Severity = Severity.CRITICAL) -> Finding:
    return Finding(
        component=component,
        code="x",
        severity=severity,
        layer=Layer.HARDWARE,
        title="bad",
        cause="c",
        next_step="n",
        gpu=GpuRef(uuid="GPU-1"),
    )


def results(steps: tuple[Step, ...]) -> dict[str, Result]:
    return {step.name: step.result for step in steps}


def test_a_card_that_is_well_and_was_loaded_passes() -> None:
    steps = checkup(CARD, [], CARD, Burn.PASSED, "100 products")
    assert set(results(steps).values()) == {Result.OK} and passed(steps)


def test_at_rest_clocks_say_nothing_and_hinder_nothing() -> None:
    steps = checkup(CARD, [], None, Burn.NOT_ASKED)
    assert results(steps)["clocks"] is Result.UNKNOWN and results(steps)["load"] is Result.UNKNOWN
    assert passed(steps)


@pytest.mark.parametrize(
    "component", ["gpu", "ecc", "remapping", "retired", "memory", "thermal", "power", "clocks"]
)
def test_what_the_sensors_find_keeps_it_out(component: str) -> None:
    assert not passed(checkup(CARD, [finding(component)], None, Burn.NOT_ASKED))
    assert passed(checkup(CARD, [finding(component, Severity.INFO)], None, Burn.NOT_ASKED))


@pytest.mark.parametrize(
    "card",
    [
        None,
        replace(CARD, error="GPU is lost"),
        replace(CARD, memory_total_bytes=None),
        replace(CARD, memory_used_bytes=None),
    ],
)
def test_a_card_that_does_not_answer_stays_out(card: Gpu | None) -> None:
    assert not passed(checkup(card, [], None, Burn.NOT_ASKED))


@pytest.mark.parametrize(
    "sensors",
    [replace(SENSORS, sm_clock_hertz=3e8), replace(SENSORS, pcie_generation=1)],
)
def test_slow_under_load_stays_out(sensors: GpuSensors) -> None:
    slow = replace(CARD, sensors=sensors)
    assert not passed(checkup(slow, [], slow, Burn.PASSED))
    assert passed(checkup(slow, [], None, Burn.NOT_ASKED)), "at rest that is how it should be"


def test_a_load_that_failed_keeps_it_out_and_none_that_could_be_run_does_not() -> None:
    assert not passed(checkup(CARD, [], CARD, Burn.FAILED, "wrong result in round 10"))
    assert passed(checkup(CARD, [], None, Burn.NO_LIBRARY))
