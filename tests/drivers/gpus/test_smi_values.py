import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.drivers.gpus import smi_values as values

NO_VALUES = [
    None,
    "",
    "  ",
    "-",
    "N/A",
    "[N/A]",
    "[Not Supported]",
    "Not Supported",
    "ERR!",
    "[Unknown Error]",
    "Unknown Error",
    "[GPU requires reset]",
    "[GPU is lost]",
    "GPU is lost",
    "Requested functionality has been deprecated",
    "[Requested functionality has been deprecated]",
    "[Insufficient Permissions]",
]


@pytest.mark.parametrize("raw", NO_VALUES)
def test_what_is_no_value_is_unknown(raw: str | None) -> None:
    assert values.text(raw) is None
    assert values.number(raw, "W", "%", "C") is None
    assert values.memory(raw) is None
    assert values.whole(raw) is None
    assert values.flag(raw) is None


@pytest.mark.parametrize(
    ("raw", "bytes_"),
    [
        ("24576 MiB", 24576 * 2**20),
        ("24576", 24576 * 2**20),
        ("1.5 GiB", 3 * 2**29),
        ("2e3 MiB", 2000 * 2**20),
        ("512 KiB", 512 * 1024),
        ("100 B", 100),
        ("1 MB", 1_000_000),
        ("0 MiB", 0),
        ("-1 MiB", None),
        ("12 parsecs", None),
        ("1e999 MiB", None),
        ("nan", None),
        ("inf MiB", None),
    ],
)
def test_memory(raw: str, bytes_: int | None) -> None:
    assert values.memory(raw) == bytes_


def test_numbers_want_their_unit_or_none() -> None:
    assert values.number("66.92 W", "W") == 66.92
    assert values.number("38 %", "%") == 38
    assert values.number("6.692e+01 W", "W") == pytest.approx(66.92)
    assert values.number("66.92 mW", "W") is None
    assert values.number("-3 C", "C", negative=True) == -3
    assert values.number("-3 %", "%") is None


def test_only_a_broken_card_is_in_trouble() -> None:
    assert values.trouble("memory.used", "[GPU requires reset]") == "GPU requires reset"
    assert values.trouble("fan.speed", "[GPU is lost]") == "GPU is lost"
    assert values.trouble("power.draw", "[Unknown Error]") == "power.draw: Unknown Error"
    assert values.trouble("temperature.gpu", "ERR!") == "temperature.gpu: Unknown Error"
    assert values.trouble("fan.speed", "[Unknown Error]") is None
    assert values.trouble("memory.used", "[N/A]") is None
    assert values.trouble("memory.used", "12 MiB") is None


@given(st.text())
def test_any_text_is_a_value_or_unknown(raw: str) -> None:
    for found in (values.number(raw, "W"), values.memory(raw), values.whole(raw)):
        assert found is None or (math.isfinite(found) and found >= 0)
    values.text(raw)
    values.trouble("x", raw)
