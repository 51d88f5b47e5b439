import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.health.xid_logs import NODE, by_key, found, line, only, who

from sentinel.core.finding import Bad, GpuRef, Layer, Ok, Severity, Unsure, finding_json
from sentinel.health import xid
from sentinel.health.kernel_log import LogRecord, records
from sentinel.health.xid import XidLog, findings
from sentinel.health.xid_catalog import CATALOG, explained
from sentinel.health.xid_line import xids

BUS_1 = "00000000:01:00.0"


@pytest.mark.parametrize(
    ("text", "code", "pci"),
    [
        ("NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.", 79, BUS_1),
        ("NVRM: Xid (PCI:0000:01:00.0): 79, x", 79, BUS_1),
        ("NVRM: Xid (PCI:0000:AF:00): 79", 79, "00000000:AF:00.0"),
        ("NVRM: Xid (PCI:0000:af:00): 79", 79, "00000000:AF:00.0"),
        ("NVRM: Xid (PCI:10002:01:00): 79", 79, "00010002:01:00.0"),
        ("NVRM: Xid (0000:03:00): 31, Ch 00000001, engmask 00000101", 31, "00000000:03:00.0"),
        ("NVRM: Xid (0003:00): 13, 0001 00000000", 13, "00000000:03:00.0"),
        ("host kernel: NVRM: Xid (PCI:0000:01:00): 8, Channel 00000020", 8, BUS_1),
        ("NVRM: Xid (odd): 5, x", 5, None),
    ],
)
def test_old_and_new_forms(text: str, code: int, pci: str | None) -> None:
    (one,) = xids(text)
    assert (one.code, one.pci) == (code, pci)


@pytest.mark.parametrize(
    "text",
    [
        "NVRM: Xid",
        "NVRM: Xid (PCI:0000:01:00): ",
        "NVRM: Xid (PCI:0000:01:00): abc",
        "NVRM: Xid (PCI:0000:01:00",
        "nvidia-nvswitch0: SXid (PCI:0000:05:00.0): 20034, Fatal",
        "Xid 79 is what people write about",
        "NVRM: Xid (PCI:0000:01:00): " + "7" * 40,
    ],
)
def test_what_is_none(text: str) -> None:
    assert list(xids(text)) == []
    assert findings(records([text])) == Ok()


@pytest.mark.parametrize(
    ("detail", "pid", "program"),
    [
        (", pid=123, name=python3, Ch 00000008", 123, "python3"),
        (", pid='<unknown>', name=<unknown>, GPU has fallen off the bus.", None, None),
        (", pid=11436, name=cache_mgr_main, RLW_SRC_TRACK Nonfatal", 11436, "cache_mgr_main"),
        (", pid=876766, name=ray::WorkerDict, Ch 1", 876766, "ray::WorkerDict"),
        (", pid=2075, name=Web Content, Ch 1", 2075, "Web Content"),
        (", pid=1659,", 1659, None),
        (", Ch 00000020, engmask 00000101", None, None),
        (", pid=7, name=a\x1b[31mb, Ch 1", 7, "a\ufffd[31mb"),
    ],
)
def test_whose_work_it_was(detail: str, pid: int | None, program: str | None) -> None:
    (one,) = xids(line(13, detail=detail))
    assert (one.pid, one.program) == (pid, program)


def test_several_on_one_line_are_told_apart() -> None:
    text = line(62, detail=", 32260b5e") + " " + line(45, bus=2, who=who(9))
    assert [(one.code, one.pci, one.pid) for one in xids(text)] == [
        (62, BUS_1, None),
        (45, "00000000:02:00.0", 9),
    ]


def test_one_finding_a_code_and_gpu_with_all_that_is_known() -> None:
    lines = [line(79, at=at, detail=f", number {at}") for at in range(100, 120)]
    verdict = findings(records(lines), gpus=NODE, booted_at=1_700_000_000.0)
    (one,) = by_key(verdict).values()
    assert isinstance(verdict, Bad)
    assert one.gpu == NODE[BUS_1]
    assert (one.count, one.first_at, one.last_at) == (20, 1_700_000_100.0, 1_700_000_119.0)
    assert [proof.read.rpartition(" ")[2] for proof in one.evidence] == [str(at) for at in range(110, 120)]
    assert one.evidence[0].at == 1_700_000_110.0
    assert one.evidence[0].where == "kernel log"
    assert one.id == "xid-79-GPU-1"
    shown = finding_json(one)
    assert (shown["code"], shown["severity"], shown["quarantine"]) == ("79", "critical", True)


def test_gpus_are_kept_apart_and_an_unknown_one_keeps_its_address() -> None:
    keys = found([line(48), line(48, bus=2), line(63), line(48, bus=9)], NODE).keys()
    assert keys == {("48", "GPU-1"), ("48", "GPU-2"), ("63", "GPU-1"), ("48", "00000000:09:00.0")}


def test_the_log_itself_may_name_the_gpu() -> None:
    uuid = "GPU-5f2a9c00-1111-2222-3333-444455556666"
    one = only(f"NVRM: GPU at PCI:0000:01:00: {uuid}", line(79))
    assert one.gpu == GpuRef(uuid=uuid, pci_bus_id=BUS_1)


@pytest.mark.parametrize("code", [8, 11, 13, 25, 31, 32, 43, 45, 68, 69, 80, 137])
def test_an_applications_fault_takes_nothing_out(code: int) -> None:
    one = only(line(code, who=who(5)))
    assert (one.layer, one.quarantine) == (Layer.APPLICATION, False)
    assert one.severity is not Severity.CRITICAL
    if code != 45:
        assert "python (pid 5)" in one.cause


@pytest.mark.parametrize(
    "code", [46, 48, 54, 62, 64, 74, 79, 95, 109, 119, 120, 136, 140, 143, 155, 158, 172]
)
def test_a_fault_that_needs_a_reset_or_hands_takes_the_gpu_out(code: int) -> None:
    one = only(line(code))
    assert (one.severity, one.quarantine) == (Severity.CRITICAL, True)
    assert one.layer in (Layer.HARDWARE, Layer.DRIVER)


@pytest.mark.parametrize(
    ("code", "severity"), [(63, "info"), (92, "warning"), (94, "warning"), (121, "warning")]
)
def test_a_hardware_fault_that_is_harmless_once_takes_nothing_out(code: int, severity: str) -> None:
    one = only(line(code))
    assert (one.layer, one.severity, one.quarantine) == (Layer.HARDWARE, severity, False)


def test_a_code_of_the_future_is_a_warning() -> None:
    one = only(line(4711))
    assert (one.code, one.severity, one.quarantine) == ("4711", Severity.WARNING, False)
    assert "not in the catalogue of this version" in one.cause


def test_the_clean_up_after_a_fault_is_its_consequence() -> None:
    both = found([line(62, at=100), line(45, at=101, who=who(5)), line(45, at=102, who=who(6))])
    clean_up = both["45", BUS_1]
    assert "consequence of Xid 62" in clean_up.cause
    assert (clean_up.severity, clean_up.count, clean_up.quarantine) == (Severity.INFO, 2, False)
    assert "consequence" in found([line(62), line(45)])["45", BUS_1].cause
    assert "consequence" not in found([line(62, at=100), line(45, at=900)])["45", BUS_1].cause
    assert "consequence" not in found([line(62, at=100, bus=2), line(45, at=101)])["45", BUS_1].cause


@pytest.mark.parametrize(
    ("to", "severity", "quarantine"),
    [
        ("0x1 (GPU Reset Required)", "critical", True),
        ("0x2 (Node Reboot Required)", "critical", True),
        ("0x4 (Drain and Reset)", "critical", True),
        ("0x3 (Drain P2P)", "critical", True),
        ("0x1 (PF FLR)", "critical", True),
        ("0x0 (None)", "info", False),
        ("0x9 (Something New)", "warning", False),
    ],
)
def test_what_the_driver_asks_for(to: str, severity: str, quarantine: bool) -> None:
    one = only(line(154, detail=f", GPU recovery action changed from 0x0 (None) to {to}"))
    assert (one.severity, one.quarantine) == (severity, quarantine)


def test_the_newest_of_what_the_driver_asks_for_counts() -> None:
    one = only(
        line(154, detail=", GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)"),
        line(154, detail=", GPU recovery action changed from 0x2 (Node Reboot Required) to 0x0 (None)"),
    )
    assert (one.count, one.severity, one.quarantine) == (2, Severity.INFO, False)


def test_the_worst_comes_first() -> None:
    verdict = findings(records([line(63), line(13), line(79)]))
    assert isinstance(verdict, Bad)
    assert [one.code for one in verdict.findings] == ["79", "13", "63"]


def test_what_could_not_be_read_is_unsure_and_never_ok() -> None:
    assert findings([], unread="the log was cut") == Unsure("the log was cut")
    verdict = findings(records([line(79)]), unread="the log was cut")
    assert isinstance(verdict, Unsure)
    assert [one.code for one in verdict.findings] == ["79"]


def test_evidence_is_short_and_obeyed_by_no_terminal() -> None:
    one = only(line(13, detail=", \x1b]0;evil\x07 \u202e" + "x" * 1000))
    (proof,) = one.evidence
    assert len(proof.read) == 300
    assert proof.read.isprintable()


def test_a_flood_of_different_faults_is_bounded_and_said() -> None:
    log = XidLog()
    for bus in range(256):
        for device in range(32):
            log.add(LogRecord(text=f"NVRM: Xid (PCI:0000:{bus:02x}:{device:02x}): 79"))
    verdict = log.verdict()
    assert isinstance(verdict, Unsure)
    assert len(verdict.findings) == xid.MOST


def test_what_comes_after_a_verdict_is_in_the_next() -> None:
    log = XidLog(gpus=NODE)
    assert log.verdict() == Ok()
    for code in (13, 79):
        for record in records([line(code)]):
            log.add(record)
        assert ("13", "GPU-1") in by_key(log.verdict())
    assert len(by_key(log.verdict())) == 2
    assert isinstance(log.verdict(unread="cut"), Unsure)


# ------------------------------------------------------------------- NVML's events


def test_an_event_is_the_same_finding_as_a_line() -> None:
    log = XidLog(gpus=NODE)
    log.add_event(79, NODE[BUS_1], 1_700_000_000.0)
    (told,) = by_key(log.verdict()).values()
    (read,) = by_key(findings(records([line(79)]), gpus=NODE)).values()
    assert (told.id, told.severity, told.cause, told.quarantine) == (read.id, read.severity, read.cause, True)
    assert (told.count, told.last_at) == (1, 1_700_000_000.0)
    assert told.evidence[0].where == "NVML event"


def test_a_fault_that_both_tell_of_counts_once() -> None:
    log = XidLog(gpus=NODE, booted_at=1_700_000_000.0)
    log.add_event(13, NODE[BUS_1], 1_700_000_102.0)
    for record in records([line(13, at=100, who=who(5))]):
        log.add(record)
    log.add_event(13, NODE[BUS_1], 1_700_000_500.0)
    (one,) = by_key(log.verdict()).values()
    assert (one.count, one.last_at) == (2, 1_700_000_500.0)
    assert [proof.where for proof in one.evidence] == ["kernel log", "NVML event"]
    assert by_key(log.verdict()) == {("13", "GPU-1"): one}, "judging changes nothing"


# ---------------------------------------------------------------------- catalogue


def test_every_code_is_explained_in_plain_words() -> None:
    assert set(CATALOG) == set(range(1, 174))
    for code in CATALOG:
        entry = explained(code)
        assert entry is not None
        assert entry.title
        assert entry.cause.endswith(".")
        assert entry.action.next_step.endswith(".")
        if entry.layer is Layer.APPLICATION:
            assert not entry.quarantine


# --------------------------------------------------------------------- hypothesis

NOISE = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=60)
XID_LINES = st.builds(
    lambda code, bus, pid: line(code, bus=bus, who=who(pid)),
    st.integers(1, 200),
    st.integers(1, 4),
    st.integers(1, 9),
)
LOOSE = re.compile(r"NVRM: Xid \([^)]*\): (\d+)")


@given(st.lists(st.one_of(XID_LINES, NOISE), max_size=30))
def test_noise_between_lines_changes_nothing(lines: list[str]) -> None:
    log = "\n".join(lines)
    told = [int(code) for code in LOOSE.findall(log)]
    every = found(log.splitlines())
    assert sum(one.count for one in every.values()) == len(told)
    assert {int(code) for code, _ in every} == set(told)


@given(st.lists(XID_LINES, min_size=1, max_size=8), NOISE, st.booleans())
def test_lines_run_into_one_another_are_still_told_apart(lines: list[str], noise: str, first: bool) -> None:
    noise = noise.replace("\x1b", "")
    text = f" {noise} ".join(lines)
    codes = [int(LOOSE.findall(one)[0]) for one in lines]
    assert [one.code for one in xids(f"{noise}{text}" if first else text)] == codes


@given(XID_LINES, st.integers(0, 80))
def test_a_line_cut_off_anywhere_gives_its_code_or_nothing_of_another_gpu(text: str, keep: int) -> None:
    (whole,) = xids(text)
    for one in xids(text[:keep]):
        assert str(whole.code).startswith(str(one.code))
        assert one.pci == whole.pci


@given(st.permutations([line(79, at=5), line(13, at=1, bus=2), line(63, at=3), line(94, at=4, bus=2)]))
def test_the_order_of_what_interleaves_does_not_matter(lines: list[str]) -> None:
    first = found([line(79, at=5), line(13, at=1, bus=2), line(63, at=3), line(94, at=4, bus=2)])
    assert found(lines) == first
