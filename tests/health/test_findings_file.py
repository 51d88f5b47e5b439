"""What stands, on the disk and back; and whatever else lies there is as good as nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from sentinel.core.errors import SentinelError
from sentinel.core.finding import Finding, GpuRef, Layer, Proof, Severity
from sentinel.health.findings_file import FINDINGS, Kept, load, save
from sentinel.health.quarantine import Acted
from sentinel.health.standing import Open, Standing

FINDING = Finding(
    component="xid",
    code="79",
    severity=Severity.CRITICAL,
    layer=Layer.HARDWARE,
    title="Xid 79",
    cause="it fell off the bus",
    next_step="reboot",
    gpu=GpuRef(uuid="GPU-1", index=0, pci_bus_id="00000000:01:00.0"),
    evidence=(
        Proof(read="NVRM: Xid", where="kernel log", at=100.25),
        Proof(read="again", where="kernel log"),
    ),
    quarantine=True,
    count=2,
    first_at=100.25,
    last_at=200.5,
)
KEPT = Kept(
    at=1000.5,
    boot_id="b",
    standing=Standing(open={FINDING.id: Open(finding=FINDING, clean_rounds=1, clean_since=900.0)}),
    unknown={"ecc": "it cannot be read"},
    acted=Acted(findings={FINDING.id: (100.25, 2)}),
)


def test_there_and_back(tmp_path: Path) -> None:
    save(tmp_path, KEPT)
    assert load(tmp_path) == KEPT
    node = replace(FINDING, gpu=None, component="node", first_at=None)
    save(tmp_path, replace(KEPT, standing=Standing(open={node.id: Open(finding=node)})))
    kept = load(tmp_path)
    assert kept is not None and kept.standing.findings == (node,)


def test_everybody_may_read_it(tmp_path: Path) -> None:
    save(tmp_path, KEPT)
    assert (tmp_path / FINDINGS).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"schema": 2}', '{"schema": 1, "at": "x"}'])
def test_what_is_none_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / FINDINGS).write_text(content)
    assert load(tmp_path) is None


def test_a_disk_that_will_not_take_it_is_said(tmp_path: Path) -> None:
    (tmp_path / FINDINGS).mkdir()
    with pytest.raises(SentinelError, match=r"cannot write .*findings\.json"):
        save(tmp_path, KEPT)
