"""What it takes to find the Xids in a large kernel log: read, search, parse, judge."""

import tempfile
import time
from pathlib import Path

from bench.figure import Figure
from sentinel.core.finding import Bad
from sentinel.drivers.kernel_log.log_file import LogFile, open_log_file
from sentinel.health.kernel_log import TELLING, records
from sentinel.health.xid import findings

MEGABYTE = 1_000_000
SIZE, XIDS, TARGET_S = 100 * MEGABYTE, 1000, 3.0
_CODES = (13, 31, 43, 45, 48, 63, 79, 94, 119, 149)
_NOISE = (
    "[{at:>12.6f}] pcieport 0000:00:01.{number}: AER: Corrected error received: 0000:01:00.0\n"
    '[{at:>12.6f}] audit: type=1400 audit(1753325017.312:{number}): apparmor="STATUS" operation="open"\n'
    "[{at:>12.6f}] eth{number}: link becomes ready, 10 Gbps, full duplex, flow control: rx/tx\n"
)


def measure(quick: bool) -> list[Figure]:
    """Writes such a log to the disk first; that is not measured, and neither is a cold disk."""
    size = SIZE // 10 if quick else SIZE
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kernel.log")
        _write(path, size)
        began = time.perf_counter()
        log = open_log_file(str(path), wanted=TELLING)
        assert isinstance(log, LogFile)
        lines: list[bytes] = []
        while True:
            got = log.read()
            lines += got.lines
            if not got.more:
                break
        verdict = findings(records(lines))
        took = time.perf_counter() - began
        log.close()
        written = path.stat().st_size
    assert isinstance(verdict, Bad)
    counted = sum(finding.count for finding in verdict.findings)
    assert counted == XIDS, counted
    return [
        Figure(
            name="a kernel log of 100 MB with 1,000 Xids, scanned",
            value=round(took, 3),
            unit="s",
            target=TARGET_S,
            how=f"{written / MEGABYTE:.0f} MB of dmesg, {XIDS} Xids of {len(_CODES)} codes among them,"
            " from the page cache: read, searched, parsed and judged once",
            detail={"findings": len(verdict.findings), "xids": counted},
        )
    ]


def _write(path: Path, size: int) -> None:
    block = "".join(_NOISE.format(at=at / 7, number=at % 8) for at in range(1000))
    with path.open("w") as file:
        for place in range(XIDS):
            code = _CODES[place % len(_CODES)]
            file.write(
                f"[{1000 + place * 10:>12}.000000] NVRM: Xid (PCI:0000:{place % 8 + 1:02x}:00): {code},"
                f" pid={4000 + place}, name=python, Ch 00000008\n"
            )
            file.write(block[: max(1, size // XIDS - 90)].rpartition("\n")[0] + "\n")
