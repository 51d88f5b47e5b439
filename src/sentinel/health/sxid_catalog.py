"""Every SXid code that NVIDIA documents for NVSwitches, explained. For `sxid` and `sentinel health --list`.

Which codes there are and which are fatal is in NVIDIA's fabric manager guide; the words are ours. What the
log's own line says of its fault, fatal or not, counts before this.
"""

from dataclasses import dataclass

_ECC_CORRECTED = (
    *(11012, 11021, 11022, 11023, 12021, 12023, 15008, 15011, 19049, 19055, 19057, 19059, 19062, 19065),
    *(19068, 19071, 24001, 24002, 24003),
)
_FATAL = {
    10003: "interrupt that nothing handles",
    11001: "incoming: command not valid",
    11004: "incoming: access list not valid",
    11009: "incoming: virtual channel not valid",
    11013: "incoming header: double-bit error",
    11018: "incoming route table: double-bit error",
    11019: "incoming lane table: double-bit error",
    11020: "incoming control: parity error",
    12001: "outgoing: crossbar overflow",
    12002: "outgoing: packet on a wrong route",
    12020: "outgoing: packets out of order",
    12022: "outgoing input: double-bit error",
    12024: "outgoing output: double-bit error",
    12025: "outgoing: too many credits",
    12026: "outgoing: request to a wrong address",
    12027: "outgoing: answer to a wrong address",
    12028: "outgoing: access without the right to",
    12031: "outgoing credits: parity error",
    12032: "outgoing: kind of packet does not fit",
    14017: "request got no answer in time",
    15001: "routing buffer over or under its size",
    15006: "routing counter over or under its size",
    15009: "routing table: double-bit error",
    15010: "routing: parity error",
    15012: "routing input: double-bit error",
    15013: "routing credits: parity error",
    19047: "switch core headers: double-bit error",
    19048: "switch core data: double-bit error",
    19054: "header memory: double-bit error",
    19056: "data memory 0: double-bit error",
    19058: "data memory 1: double-bit error",
    19060: "request headers: double-bit error",
    19061: "request data: double-bit error",
    19063: "answer headers: double-bit error",
    19064: "answer data: double-bit error",
    19066: "shared headers: double-bit error",
    19067: "shared data: double-bit error",
    19069: "second answer headers: double-bit error",
    19070: "second answer data: double-bit error",
    19084: "switch core lost its heartbeat",
    20034: "link went down by itself",
    22003: "link controller halted",
    22011: "link controller: external error",
    24004: "request tracker 0: double-bit error",
    24005: "request tracker 0, time data: double-bit error",
    24006: "request tracker 1: double-bit error",
    24007: "request tracker: no answer in time",
}
_BUFFERS = (
    "incoming buffer overflow",
    "incoming buffer underflow",
    "outgoing credit overflow",
    "outgoing credit underflow",
    "incoming burst error",
    "incoming sticky error",
    "gaps in what comes in",
)
_WARNING = {
    10001: "access without the right to",
    10002: "access timed out",
    10004: "too hot: slowed down",
    10005: "cool again",
    12030: "outgoing control: parity error",
    20009: "link: many damaged packets",
    20012: "link: broken or uneven connection",
}
_HARMLESS = {20001: "link: packet sent again", 22013: "link controller: routine signal"}

_RESET_ALL = (
    "Stop what uses NVLink, then reset all GPUs and NVSwitches together (or reboot), and restart the fabric "
    "manager. If it comes back, have the baseboard checked."
)
_WATCH = "Watch for repeats and for fatal SXids after it; check cooling and link connections."
_NOTHING = "Nothing needs doing; note it if it comes often."


@dataclass(frozen=True, slots=True)
class SwitchEntry:
    """One code. `fatal`: to the fabric, unless the line says otherwise; `harmless`: nothing needs doing."""

    title: str
    cause: str
    fatal: bool = False
    harmless: bool = False

    @property
    def next_step(self) -> str:
        return next_step(fatal=self.fatal, harmless=self.harmless)


def next_step(*, fatal: bool, harmless: bool) -> str:
    """What to do after such an SXid."""
    if fatal:
        return _RESET_ALL
    return _NOTHING if harmless else _WATCH


def _fatal(title: str) -> SwitchEntry:
    return SwitchEntry(title, f"NVSwitch, {title}: work over NVLink fails or hangs.", fatal=True)


def _warning(title: str) -> SwitchEntry:
    return SwitchEntry(
        title, f"NVSwitch, {title}: the fabric goes on, but it may be the first sign of worse."
    )


def _harmless(title: str) -> SwitchEntry:
    return SwitchEntry(title, f"NVSwitch, {title}: the switch dealt with it by itself.", harmless=True)


SWITCH_CATALOG: dict[int, SwitchEntry] = dict(
    sorted(
        {
            **{code: _harmless("single-bit error, corrected") for code in _ECC_CORRECTED},
            **{code: _fatal(title) for code, title in _FATAL.items()},
            **{23001 + place: _fatal(title) for place, title in enumerate(_BUFFERS)},
            **{23010 + place: _fatal(title) for place, title in enumerate(_BUFFERS)},
            23008: _fatal("incoming packet to a wrong address"),
            23009: _fatal("incoming packet: parity error"),
            23017: _fatal("incoming credits: parity error"),
            **{code: _warning(title) for code, title in _WARNING.items()},
            **{code: _harmless(title) for code, title in _HARMLESS.items()},
        }.items()
    )
)


def explained(code: int) -> SwitchEntry | None:
    """What is known of `code`; None when it is not in the catalogue of this version."""
    return SWITCH_CATALOG.get(code)
