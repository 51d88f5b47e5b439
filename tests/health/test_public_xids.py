"""Real kernel logs and lines that others published, and the catalogues (SENTINEL_REAL_DATA)."""

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from sentinel.core.finding import Bad, Ok
from sentinel.core.pci import pci_address
from sentinel.drivers.kernel_log.log_file import LogFile, open_log_file
from sentinel.health import nvlink5, sxid, xid
from sentinel.health.kernel_log import TELLING, LogRecord, records
from sentinel.health.sxid_catalog import SWITCH_CATALOG
from sentinel.health.xid_catalog import CATALOG
from sentinel.health.xid_line import xids

pytestmark = pytest.mark.data
FOLDER = Path(os.environ.get("SENTINEL_REAL_DATA", "/nonexistent"), "2_xid")
LOOSE = re.compile(rb"NVRM: Xid \([^)]*\): (\d+)")
RESETS = {
    "RESET_GPU",
    "RESTART_BM",
    "RESTART_VM",
    "CHECK_MECHANICALS",
    "WORKFLOW_XID_48",
    "WORKFLOW_NVLINK_ERR",
}


def rows(name: str) -> list[dict[str, Any]]:
    path = FOLDER / name
    assert path.exists(), path
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    return json.loads(path.read_text())


def logs() -> list[Path]:
    folder = FOLDER / "logs"
    return [path for path in sorted(folder.glob("*")) if path.suffix != ".md"] if folder.is_dir() else []


def read(line: str) -> list[LogRecord]:
    return list(records(line.splitlines()))


def test_every_line_has_exactly_its_codes_and_its_address() -> None:
    every = rows("lines/gpud_test_lines.jsonl")
    assert len(every) > 50
    for row in every:
        ours = [one for record in read(row["line"]) for one in xids(record.text)]
        switches = [one for record in read(row["line"]) for one in sxid.sxids(record.text)]
        assert [one.code for one in ours] == row["xid"], row
        assert [one.code for one in switches] == row["sxid"], row
        for one in (*ours, *switches):
            assert one.pci == pci_address(row["pci"]), row


def test_every_line_from_the_wild_has_its_code() -> None:
    every = rows("wild_lines/lines.jsonl")
    assert len(every) > 15
    for row in every:
        verdict = xid.findings(read(row["line"]))
        if row["xid"] is None:
            assert verdict == Ok(), row
            continue
        assert isinstance(verdict, Bad), row
        (one,) = verdict.findings
        assert one.code == str(row["xid"]), row
        assert one.gpu is not None
        assert one.gpu.pci_bus_id is not None
        assert one.evidence[0].read in row["line"].rstrip()


@pytest.mark.parametrize("path", logs(), ids=lambda path: path.name)
def test_a_log_gives_the_codes_that_it_has_and_a_clean_one_none(path: Path) -> None:
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
    told = [code.decode() for code in LOOSE.findall(raw)]
    log = open_log_file(str(path), wanted=TELLING)
    assert isinstance(log, LogFile)
    got = log.read()
    log.close()
    assert (got.lost, got.more) == (None, False)
    for lines in (got.lines, raw.splitlines()):
        verdict = xid.findings(records(lines))
        if not told:
            assert verdict == Ok()
            continue
        assert isinstance(verdict, Bad)
        assert {one.code for one in verdict.findings} == set(told)
        assert sum(one.count for one in verdict.findings) == len(told)
        assert sxid.findings(records(lines)) == Ok()


@pytest.mark.parametrize(
    "path", [path for path in logs() if "kubelet" not in path.name], ids=lambda path: path.name
)
def test_every_line_of_a_kernels_log_is_timed(path: Path) -> None:
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
    every = list(records(raw.splitlines()))
    untimed = [one.text for one in every if one.at is None and one.since_boot is None]
    assert len(untimed) <= 4, untimed  # headings of a crash dump, the command that somebody typed


def test_the_whole_catalogue_is_explained_and_its_resolutions_are_kept() -> None:
    published = rows("catalog/nvidia_xid_catalog.json")
    others = {row["code"] for row in rows("catalog/gpud_xid_actions.json")}
    assert {row["code"] for row in published} | others <= CATALOG.keys()
    for row in published:
        if row["immediate"] in RESETS:
            assert CATALOG[row["code"]].quarantine, row
        elif row["immediate"] in ("RESTART_APP", "IGNORE"):
            assert not CATALOG[row["code"]].quarantine, row


def test_our_words_are_our_own() -> None:
    published = {row["description"] for row in rows("catalog/gpud_sxid_actions.json")}
    published |= {row["description"] for row in rows("catalog/nvidia_xid_catalog.json")}
    long = {text for text in published if len(text.split()) > 5}
    ours = {entry.cause for entry in CATALOG.values()} | {entry.cause for entry in SWITCH_CATALOG.values()}
    assert not {text for text in long if any(text in one for one in ours)}


def test_every_switch_code_is_explained_and_as_grave_as_published() -> None:
    for row in rows("catalog/gpud_sxid_actions.json"):
        fatal = row["event_type"] == "Fatal" or bool(row.get("AlwaysFatal"))
        assert SWITCH_CATALOG[row["code"]].fatal == fatal, row


def test_every_rule_of_nvlink_5_is_kept() -> None:
    every = rows("catalog/nvlink5_xid144_150_rules.json")
    assert len(every) > 80
    for row in every:
        for pattern, numbers in ((row["IntrinfoPatternV1"], 6), (row["IntrinfoPatternV2"], 4)):
            first = int(pattern.replace("-", "0"), 2)
            fatal = not row["Severity"].startswith("Non")
            word = "Nonfatal" if fatal else "Fatal"  # the wrong one: the rule must decide
            rest = " 0x00000000" * (numbers - 2)
            line = f", {row['Unit']} {word} XC0 i0 Link 00 (0x{first:08x} 0x{row['ErrorStatus']:08x}{rest})"
            fault = nvlink5.decoded(row["Xid"], line)
            mild = "NOTHING" if row["Investigatory"] == "IGNORE" else "WATCH"
            remedy = {"RESET_GPU": "RESET", "XID_154_EVAL": "SEE_154"}.get(row["Resolution"], mild)
            assert fault is not None, row
            assert (fault.known, fault.remedy.name, fault.fatal) == (True, remedy, fatal), row
