import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.finding import Bad, Finding, Layer, Severity
from sentinel.health.kernel_log import records
from sentinel.health.nvlink5 import CODES, Remedy, decoded
from sentinel.health.xid import findings


def detail(unit: str, word: str, first: int, status: int, *, newer: bool = True, link: int = 8) -> str:
    zeros = " 0x00000000" * (4 if newer else 2)
    return f", {unit} {word} XC0 i0 Link {link:02d} (0x{first:08x} 0x{status:08x}{zeros})"


def only(*lines: str) -> Finding:
    verdict = findings(records(lines))
    assert isinstance(verdict, Bad)
    (found,) = verdict.findings
    return found


@pytest.mark.parametrize(
    ("code", "unit", "first", "newer", "status", "remedy"),
    [
        (149, "NETIR_LINK_EVT", 0x004505C6, True, 0, Remedy.RESET),
        (149, "NETIR_LINK_EVT", 0x026001C6, True, 0, Remedy.WATCH),  # somebody shut the link down
        (149, "NETIR_LINK_EVT/NETIR_LINK_DOWN", 0x02500011, False, 0, Remedy.RESET),
        (149, "NETIR_BER_EVENT", 0x00086226, True, 1, Remedy.WATCH),
        (149, "NETIR", 0x000FE406, True, 0, Remedy.RESET),
        (149, "NETIR_MFDE_EVENT", 0x14, False, 3, Remedy.NOTHING),
        (145, "RLW_SRC_TRACK", 0x040868E2, True, 8, Remedy.SEE_154),
        (145, "RLW_REMAP", 0x4, False, 0x40, Remedy.RESET),
        (145, "RLW_REMAP", 0x4, False, 0x100, Remedy.NOTHING),
        (145, "RLW_TAGSTATE", 0x8, False, 0x3, Remedy.RESET),  # two at once: the worse of them
        (144, "SAW_MVB", 0x1, False, 4, Remedy.NOTHING),
        (150, "MSE_WATCHDOG", 0, False, 0, Remedy.RESET),
    ],
)
def test_the_fields_decide_whatever_the_word_says(
    code: int, unit: str, first: int, newer: bool, status: int, remedy: Remedy
) -> None:
    for word in ("Fatal", "Nonfatal"):
        fault = decoded(code, detail(unit, word, first, status, newer=newer))
        assert fault is not None
        assert (fault.known, fault.remedy, fault.link) == (True, remedy, 8)


@pytest.mark.parametrize(
    ("unit", "first", "status"),
    [("SAW_MVB", 0x3, 0x80000000), ("FUTURE_UNIT", 0x1, 1), ("NETIR_LINK_EVT", 0x3F0001C6, 0)],
)
def test_what_no_rule_knows_is_judged_by_the_drivers_word(unit: str, first: int, status: int) -> None:
    code = 149 if unit.startswith("NETIR") else 144
    for word, remedy in (("Fatal", Remedy.RESET), ("Nonfatal", Remedy.WATCH)):
        fault = decoded(code, detail(unit, word, first, status))
        assert fault is not None
        assert (fault.known, fault.remedy) == (False, remedy)


def test_a_rule_of_another_code_does_not_apply() -> None:
    fault = decoded(145, detail("NETIR_LINK_EVT", "Nonfatal", 0x004505C6, 0))
    assert fault is not None
    assert not fault.known


def test_no_link_is_named_by_minus_one() -> None:
    fault = decoded(149, ", NETIR Fatal XC0 i0 Link -1 (0x000fe406 0x0 0x0 0x0 0x0 0x0)")
    assert fault is not None
    assert fault.link is None


def test_the_worst_line_makes_the_finding() -> None:
    head = "NVRM: Xid (PCI:0008:01:00): 149"
    found = only(
        head + detail("NETIR_BER_EVENT", "Nonfatal", 0x00086226, 1),
        head + detail("NETIR_LINK_EVT", "Fatal", 0x021425C6, 0, link=1),
        head + detail("NETIR_BER_EVENT", "Nonfatal", 0x00086226, 1),
    )
    assert (found.count, found.severity, found.layer, found.quarantine) == (
        3,
        Severity.CRITICAL,
        Layer.HARDWARE,
        True,
    )
    assert "link 1" in found.cause
    assert "other end" in found.next_step


def test_without_fields_nothing_is_concluded() -> None:
    found = only("NVRM: Xid (PCI:0008:01:00): 149, pid=12, name=python")
    assert (found.severity, found.quarantine) == (Severity.WARNING, False)


@given(st.sampled_from(CODES), st.text(max_size=120), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_any_numbers_and_any_noise_are_survived(code: int, noise: str, first: int, status: int) -> None:
    decoded(code, noise)
    fault = decoded(code, detail("RLW_REMAP", "Fatal", first, status) + noise)
    assert fault is not None
    assert fault.unit == "RLW_REMAP"
