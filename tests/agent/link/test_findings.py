"""Findings as a beat tells them."""

from dataclasses import replace

from sentinel.agent.link.findings import MOST, MOST_BYTES, REFRESH, ToldFindings, told_findings
from sentinel.core.finding import Finding, GpuRef, Layer, Proof, Severity, finding_from

ONE = Finding(
    component="thermal",
    code="hot",
    severity=Severity.WARNING,
    layer=Layer.HARDWARE,
    title="hot",
    cause="",
    next_step="",
    gpu=GpuRef(uuid="GPU-0"),
    last_at=1.0,
)


def test_until_health_has_looked_nothing_is_told_and_then_even_that_all_is_well() -> None:
    told = ToldFindings()
    assert told.due(0.0) is None
    assert told.look(()) and told.due(0.0) == []
    told.told([], 0.0)
    assert told.due(0.0) == [], "that was another list"


def test_what_arrived_is_told_again_when_others_stand_and_now_and_then() -> None:
    told = ToldFindings()
    assert told.look([ONE])
    rows = told.due(0.0)
    assert rows is not None and [one["id"] for one in rows] == [ONE.id]
    assert told.due(1.0) is not None, "it has not arrived yet"
    told.told(rows, 1.0)
    assert told.due(1.0) is None
    restless = replace(ONE, count=7, last_at=2.0, evidence=(Proof(read="x", where="y"),))
    assert not told.look([restless]) and told.due(2.0) is None
    again = told.due(1.0 + REFRESH)
    assert again is not None and again[0]["count"] == 7
    told.told(again, 1.0 + REFRESH)
    assert told.look([replace(ONE, severity=Severity.CRITICAL)])
    assert told.due(2.0 + REFRESH) is not None
    assert told.look(()) and told.due(2.0 + REFRESH) == []


def test_what_changed_while_it_was_on_its_way_is_told_next() -> None:
    told = ToldFindings()
    told.look([ONE])
    rows = told.due(0.0)
    told.look([ONE])  # the same, looked at anew
    assert rows is not None
    told.told(rows, 0.0)
    assert told.due(0.0) is None
    told.look(())
    none = told.due(0.0)
    told.look([ONE])
    assert none == []
    told.told(none, 0.0)
    assert told.due(0.0) is not None


def test_when_not_all_fit_the_worst_come_first_and_each_can_be_read() -> None:
    many = [replace(ONE, code=str(number), severity=Severity.INFO) for number in range(MOST + 50)]
    worst = replace(ONE, severity=Severity.CRITICAL)
    rows = told_findings([*many, worst])
    assert len(rows) == MOST and rows[0]["id"] == worst.id
    proofs = tuple(Proof(read="ü" * 500, where="kernel log") for _ in range(10))
    rows = told_findings([replace(one, evidence=proofs) for one in many])
    assert len(rows) == MOST and all(one["evidence"] == [] for one in rows)
    assert told_findings([replace(worst, evidence=proofs)])[0]["evidence"] != []
    endless = [replace(one, cause="ü" * 5000, title="\x1b" * 900, next_step="x" * 5000) for one in many]
    rows = told_findings(endless)
    assert 10 < len(rows) < MOST and len(str(rows)) < MOST_BYTES
    assert all(finding_from(one) for one in rows)
