"""Xids in the text of a kernel log: which code, on which GPU, under whom. Called by `xid`.

    NVRM: Xid (PCI:0000:01:00): 79, pid=123, name=python, GPU has fallen off the bus.   now
    NVRM: Xid (0000:01:00): 31, Ch 00000003, engmask 00000101                           older
    NVRM: Xid (0001:00): 13, 0001 00000000                                              very old
    NVRM: GPU at PCI:0000:01:00: GPU-5f2a…                                              names a GPU

Several may stand on one line, with anything around them. What is in them is text of others: data only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sentinel.core.pci import pci_address
from sentinel.health.repeats import quoted

_XID = re.compile(r"NVRM:\s{0,8}Xid\s{0,4}\(([^()]{0,64})\)\s{0,4}:\s{0,4}(\d{1,9})(?!\d)", re.ASCII)
_PID = re.compile(r"\bpid='?(\d{1,10})\b", re.ASCII)
_NAME = re.compile(r"\bname='?([^,']{1,64}?)'?(?=,|\s*$)")
_GPU_AT = re.compile(r"NVRM: GPU at PCI:([0-9a-fA-F:.]{5,20}): (GPU-[0-9a-fA-F-]{8,40})", re.ASCII)
_UNKNOWN = "<unknown>"


@dataclass(frozen=True, slots=True, kw_only=True)
class XidLine:
    """One Xid. `detail`: what follows the number, up to the next Xid; `text`: all of it."""

    code: int
    pci: str | None
    text: str
    detail: str
    pid: int | None = None
    program: str | None = None


def xids(text: str) -> Iterator[XidLine]:
    """The Xids in one record's text, in order."""
    if "Xid" not in text:
        return
    found = list(_XID.finditer(text))
    for place, one in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(text)
        detail = text[one.end() : end]
        pid = _PID.search(detail)
        name = _NAME.search(detail)
        yield XidLine(
            code=int(one[2]),
            pci=pci_address(one[1].removeprefix("PCI:")),
            text=text[one.start() : end],
            detail=detail,
            pid=int(pid[1]) if pid else None,
            program=_program(name[1]) if name else None,
        )


def _program(name: str) -> str | None:
    name = name.strip()
    return None if not name or name == _UNKNOWN else quoted(name)


def gpu_named(text: str) -> tuple[str, str] | None:
    """(PCI address, UUID) where the driver says which GPU sits where; else None."""
    found = _GPU_AT.search(text) if "GPU at PCI" in text else None
    address = pci_address(found[1]) if found else None
    return (address, found[2]) if found and address else None
