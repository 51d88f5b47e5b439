import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.finding import Bad, Finding, GpuRef, Ok, Severity, Unsure
from sentinel.health import xid
from sentinel.health.kernel_log import records
from sentinel.health.sxid import SXidLog, findings, sxids
from sentinel.health.sxid_catalog import SWITCH_CATALOG

HEAD = "nvidia-nvswitch3: SXid (PCI:0000:05:00.0): "


def only(*lines: str) -> Finding:
    verdict = findings(records(lines))
    assert isinstance(verdict, Bad)
    (one,) = verdict.findings
    return one


def test_a_fatal_one() -> None:
    one = only(f"[131453.740743] {HEAD}20034, Fatal, Link 30 LTSSM Fault Up")
    assert one.code == "sxid:20034"
    assert one.gpu == GpuRef(pci_bus_id="00000000:05:00.0")
    assert (one.severity, one.quarantine) == (Severity.CRITICAL, True)
    assert "NVSwitch 3" in one.title
    assert "Links: 30." in one.cause


def test_the_lines_own_word_counts_before_the_catalogue() -> None:
    mild = only(f"{HEAD}12028, Non-fatal, Link 32 egress non-posted PRIV error (First)")
    assert (mild.severity, mild.quarantine) == (Severity.WARNING, False)
    assert "not fatal here" in mild.cause
    worse = only(f"{HEAD}22013, Fatal, Link 57 Minion Link DLREQ interrupt")
    assert (worse.severity, worse.quarantine) == (Severity.CRITICAL, True)
    silent = only(f"{HEAD}12028, error")
    assert (silent.severity, silent.quarantine) == (Severity.CRITICAL, True)


def test_a_corrected_error_is_information() -> None:
    one = only(f"{HEAD}11012, Non-fatal, Link 1 ingress header ECC limit")
    assert (one.severity, one.quarantine) == (Severity.INFO, False)


def test_details_of_the_same_fault_are_evidence_and_not_counted() -> None:
    one = only(
        f"{HEAD}12028, Non-fatal, Link 32 egress non-posted PRIV error (First)",
        f"{HEAD}12028, Severity 0 Engine instance 32 Sub-engine instance 00",
        f"{HEAD}12028, Data {{0x00140004, 0x00100000, 0x00140004}}",
        f"{HEAD}12028, Non-fatal, Link 33 egress non-posted PRIV error (First)",
    )
    assert (one.count, len(one.evidence)) == (2, 4)
    assert "Links: 32, 33." in one.cause


def test_an_unknown_code_is_a_warning() -> None:
    one = only(f"{HEAD}99999, Some error")
    assert (one.severity, one.quarantine) == (Severity.WARNING, False)
    assert "not in the catalogue of this version" in one.cause


def test_switches_are_kept_apart_and_several_may_stand_on_a_line() -> None:
    text = f"{HEAD}20034, Fatal, Link 1 x nvidia-nvswitch1: SXid (PCI:0000:0a:00.0): 20034, Fatal, Link 2 y"
    verdict = findings(records([text]))
    assert isinstance(verdict, Bad)
    assert [one.id for one in verdict.findings] == [
        "sxid-sxid:20034-00000000:05:00.0",
        "sxid-sxid:20034-00000000:0A:00.0",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "SXid",
        f"{HEAD}xyz, Fatal error",
        "nvidia-nvswitch0: SXid (invalid): some error",
        "NVRM: Xid (PCI:0:1:0): 79",
    ],
)
def test_what_is_none(text: str) -> None:
    assert list(sxids(text)) == []
    assert findings(records([text])) == Ok()


def test_an_sxid_is_never_taken_for_an_xid() -> None:
    assert xid.findings(records([f"{HEAD}20034, Fatal, Link 30 LTSSM Fault Up"])) == Ok()


def test_times_and_what_could_not_be_read() -> None:
    log = SXidLog(booted_at=1000.0)
    for record in records([f"[  5.000000] {HEAD}20001, Non-fatal, Link 4 TX Replay Error"]):
        log.add(record)
    verdict = log.verdict(unread="28 records were overwritten")
    assert isinstance(verdict, Unsure)
    (one,) = verdict.findings
    assert (one.first_at, one.last_at, one.severity) == (1005.0, 1005.0, Severity.INFO)


def test_every_code_is_explained_in_plain_words() -> None:
    assert len(SWITCH_CATALOG) >= 92
    for entry in SWITCH_CATALOG.values():
        assert entry.cause.endswith(".")
        assert not (entry.fatal and entry.harmless)
        assert entry.next_step


@given(st.text(max_size=100), st.integers(0, 99999), st.sampled_from(["Fatal", "Non-fatal"]))
def test_noise_is_survived(noise: str, code: int, word: str) -> None:
    noise = noise.replace("SXid", "")
    (one,) = sxids(f"{noise} {HEAD}{code}, {word}, Link 3 x")
    assert (one.code, one.fatal, one.link) == (code, word == "Fatal", 3)
