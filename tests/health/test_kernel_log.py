from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.health.kernel_log import LONGEST, LogRecord, records

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC).timestamp()
SAID = "NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus."


def epoch(*when: int) -> float:
    return datetime(*when, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("line", "at", "since_boot"),
    [
        (f"4,3964,206764307,-;{SAID}", None, 206.764307),
        (f"4,3964,206764307,-,caller=T113;{SAID}", None, 206.764307),
        (f"[131453.740743] {SAID}", None, 131453.740743),
        (f"[    1.000001][  T113] {SAID}", None, 1.000001),
        (f"<6>[  201.650687] {SAID}", None, 201.650687),
        (f"[Sat Oct 12 18:35:32 2024] {SAID}", epoch(2024, 10, 12, 18, 35, 32), None),
        (f"[Thu Jul  4 06:05:04 2024] {SAID}", epoch(2024, 7, 4, 6, 5, 4), None),
        (
            f"kern  :warn  : 2025-01-21T04:41:44,500000+00:00 {SAID}",
            epoch(2025, 1, 21, 4, 41, 44) + 0.5,
            None,
        ),
        (f"kern  :err   : [  416.096726] {SAID}", None, 416.096726),
        (f"2024-10-12T18:35:32+0200 host kernel: {SAID}", epoch(2024, 10, 12, 16, 35, 32), None),
        (f"2024-10-12T18:35:32.250+02:00 host kernel: {SAID}", epoch(2024, 10, 12, 16, 35, 32) + 0.25, None),
        (f"2024-10-12 18:35:32 host kernel: {SAID}", epoch(2024, 10, 12, 18, 35, 32), None),
        (f"Feb 01 14:25:31 archbox kernel: {SAID}", epoch(2026, 2, 1, 14, 25, 31), None),
        (f"Feb  1 14:25:31 archbox kernel: {SAID}", epoch(2026, 2, 1, 14, 25, 31), None),
        (
            f"Nov 22 14:56:47 a-b-1 kernel: [94558.087626] {SAID}",
            epoch(2025, 11, 22, 14, 56, 47),
            94558.087626,
        ),
        (f"Feb 29 01:00:00 host kernel: {SAID}", epoch(2024, 2, 29, 1), None),
        (f"[94558.087626] host kernel: {SAID}", None, 94558.087626),
        (f"kernel: [16450076.435584] {SAID}", None, 16450076.435584),
        (
            f"\x1b[32m[  416.096726] \x1b[0m\x1b[33mNVRM: \x1b[0m{SAID.removeprefix('NVRM: ')}",
            None,
            416.096726,
        ),
        (f"{SAID}\r\n", None, None),
        (f"[Sat Foo 12 18:35:32 2024] {SAID}", None, None),
        (f"2024-13-45T18:35:32Z {SAID}", None, None),
    ],
)
def test_the_time_of_every_format_is_read_and_the_message_is_what_follows(
    line: str, at: float | None, since_boot: float | None
) -> None:
    for given_line in (line, line.encode()):
        (record,) = records([given_line], now=NOW)
        assert record.at == at
        assert record.since_boot == since_boot
        assert record.text.endswith(SAID)
        if at is not None or since_boot is not None:
            assert record.text == SAID


def test_syslog_times_are_unknown_without_a_now_and_in_the_zone_that_is_given() -> None:
    line = "Feb 01 14:25:31 host kernel: hello"
    assert next(records([line])).at is None
    (east,) = records([line], now=NOW, zone=timezone(timedelta(hours=2)))
    assert east.at == epoch(2026, 2, 1, 12, 25, 31)


def test_a_kmsg_record_keeps_its_fields_to_itself_and_shows_what_was_escaped() -> None:
    lines = [
        b"6,1,1000000,-;caf\\xc3\\xa9 and \\x1b[31m",
        b" SUBSYSTEM=pci",
        b" DEVICE=+pci:0000:01:00.0",
        b"4,2,2000000,c;next",
        b"",
    ]
    assert list(records(lines)) == [
        LogRecord(text="café and \x1b[31m", since_boot=1.0),
        LogRecord(text="next", since_boot=2.0),
    ]
    assert [record.text for record in records(["[1.0] one", "  a = b"])] == ["one", "  a = b"]


def test_a_cut_line_ends_before_a_number_that_may_be_half() -> None:
    line = "x" * (LONGEST - 40) + " NVRM: Xid (PCI:0000:01:00): "
    line += "1" * 100
    (record,) = records([line])
    assert record.text.endswith("(PCI:0000:01:00):")


@given(st.lists(st.one_of(st.binary(max_size=200), st.text(max_size=200)), max_size=20))
def test_no_bytes_make_it_raise(lines: list[bytes | str]) -> None:
    for record in records(lines, now=NOW):
        assert record.text is not None


STAMPS = st.sampled_from(
    [
        "",
        "[1.5] ",
        "<6>[ 1.5] ",
        "Feb 01 14:25:31 h kernel: ",
        "4,1,1,-;",
        "kern  :warn  : ",
        "[Sat Oct 12 18:35:32 2024] ",
    ]
)


@given(STAMPS, st.text(max_size=60))
def test_whatever_is_said_behind_a_stamp_is_kept(stamp: str, noise: str) -> None:
    noise = "".join(one for one in noise if one.isalnum())
    (record,) = records([f"{stamp}a{noise} {SAID}"], now=NOW)
    assert record.text.endswith(f"{noise} {SAID}")


@given(st.floats(), STAMPS)
def test_no_now_makes_it_raise(now: float, stamp: str) -> None:
    assert len(list(records([f"{stamp}hello"], now=now))) == 1
