"""Findings as JSON and back: what one node tells is what all others read, and nothing worse."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.errors import ProtocolError
from sentinel.core.finding import (
    Finding,
    GpuRef,
    Layer,
    Proof,
    Severity,
    finding_from,
    finding_json,
    presentable,
)

FOUND = Finding(
    component="xid",
    code="79",
    severity=Severity.CRITICAL,
    layer=Layer.HARDWARE,
    title="the card fell off the bus",
    cause="It does not answer.",
    next_step="Reseat it.",
    gpu=GpuRef(uuid="GPU-1", index=1, pci_bus_id="00000000:01:00.0"),
    evidence=(Proof(read="NVRM: Xid 79", where="kernel log", at=1_700_000_000.25),),
    quarantine=True,
    count=3,
    first_at=1_700_000_000.25,
    last_at=None,
)


def raw(**changes: Any) -> dict[str, Any]:
    return {**finding_json(FOUND), **changes}


def test_it_comes_back_as_it_was() -> None:
    assert finding_from(json.loads(json.dumps(raw()))) == FOUND
    node = replace(FOUND, gpu=None, evidence=())
    assert finding_from(finding_json(node)) == node


def test_what_a_newer_version_adds_is_passed_over() -> None:
    assert finding_from(raw(colour="red")) == FOUND


def test_its_id_is_made_here_and_not_told() -> None:
    assert finding_from(raw(id="another")).id == FOUND.id


def test_what_a_terminal_would_act_on_is_not_taken_over() -> None:
    found = finding_from(raw(title="a\x1b[31mred\nb\x00", cause="\ud800"))
    assert (found.title, found.cause) == ("a?[31mred b?", "?")


@pytest.mark.parametrize(
    "wrong",
    [
        {"component": None},
        {"title": 7},
        {"title": "x" * 201},
        {"cause": "x" * 1001},
        {"severity": "fatal"},
        {"severity": ["info"]},
        {"layer": None},
        {"gpu": "GPU-1"},
        {"gpu": {"uuid": 1}},
        {"gpu": {"index": -1}},
        {"gpu": {"index": True}},
        {"evidence": None},
        {"evidence": [1]},
        {"evidence": [{"read": "x"}]},
        {"evidence": [{"read": "x", "where": "y", "at": "yesterday"}]},
        {"evidence": [{"read": "x", "where": "y", "at": None}] * 11},
        {"quarantine": 1},
        {"count": 1.5},
        {"count": 1 << 54},
        {"first_at": 17},
        {"last_at": "9999-12-31T23:59:59-23:00"},
        {"last_at": "0001-01-01T00:00:00Z"},
    ],
)
def test_what_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="a finding"):
        finding_from(raw(**wrong))


@pytest.mark.parametrize("found", [None, [], "x", 1])
def test_nor_is_what_is_no_object(found: object) -> None:
    with pytest.raises(ProtocolError):
        finding_from(found)


TEXTS = st.text(st.characters(), max_size=20) | st.just("ü" * 1500) | st.just("a\n\x1b" * 900)
TIMES = st.none() | st.floats(-1e12, 1e12)
PROOFS = st.builds(Proof, read=TEXTS, where=TEXTS, at=TIMES)
FINDINGS = st.builds(
    Finding,
    component=TEXTS,
    code=TEXTS,
    severity=st.sampled_from(Severity),
    layer=st.sampled_from(Layer),
    title=TEXTS,
    cause=TEXTS,
    next_step=TEXTS,
    gpu=st.none()
    | st.builds(
        GpuRef, uuid=st.none() | TEXTS, index=st.none() | st.integers(0, 99), pci_bus_id=st.none() | TEXTS
    ),
    evidence=st.lists(PROOFS, max_size=12).map(tuple),
    quarantine=st.booleans(),
    count=st.integers(0, 1 << 40),
    first_at=TIMES,
    last_at=TIMES,
)


@given(FINDINGS)
def test_whatever_health_found_can_be_told_and_means_the_same_to_all(finding: Finding) -> None:
    told = json.loads(json.dumps(finding_json(presentable(finding))))
    heard = finding_from(told)
    assert finding_json(heard) == told, "it is kept as it was told, and so is no change the next time"
    assert (heard.severity, heard.layer, heard.quarantine) == (
        finding.severity,
        finding.layer,
        finding.quarantine,
    )
