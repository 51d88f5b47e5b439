"""What an Xid of NVLink 5 (144 to 150) means: these codes say little, their fields say what to do.

Called by `xid`. A line reads

    149, [pid=…, name=…, ]NETIR_LINK_EVT Fatal XC0 i0 Link 08 (0x004505c6 0x00000000 …)

with a unit, the driver's own word, the link (-1: none), the first number that says which unit and in which
way it failed, and the second, the error's status. Older drivers give 4 numbers and the unit in the low 7 bits
of the first, newer ones 6 and in the low 10; the cause of a lost link is in bits 20 to 25 either way. The
rules follow NVIDIA's decode table. What matches no rule is judged by the driver's own word.
"""

import re
from dataclasses import dataclass
from enum import Enum

CODES = range(144, 151)

_LINE = re.compile(
    r"(?P<unit>[A-Z][A-Z0-9_]{2,30}(?:/[A-Z0-9_]{2,30})?)\s+(?P<word>Fatal|Nonfatal|Non-fatal)\b"
    r"(?:[^()]{0,40}?\bLink (?P<link>-?\d{1,3}))?[^()]{0,40}"
    r"\((?P<numbers>0x[0-9a-fA-F]{1,8}(?:\s+0x[0-9a-fA-F]{1,8})*)",
    re.ASCII,
)
_ALWAYS = 0x80000000


class Remedy(Enum):
    """What a rule asks for, the mildest first."""

    NOTHING = 0
    WATCH = 1
    SEE_154 = 2
    RESET = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One line, decoded. `link` is None where it names none; `known`: a rule of the table matched."""

    unit: str
    link: int | None
    fatal: bool
    remedy: Remedy
    hardware: bool
    known: bool
    advice: str | None = None


_N, _W, _E, _R = Remedy.NOTHING, Remedy.WATCH, Remedy.SEE_154, Remedy.RESET

# Low bits of the first number: unit by the newer way (10 bits), by the older way (7 bits).
_UNITS: dict[str, tuple[int, int, int]] = {
    "SAW_MVB": (144, 0b0000100001, 0b0000001),
    "RLW_CTRL": (145, 0b0001100010, 0b0000011),
    "RLW_REMAP": (145, 0b0010000010, 0b0000100),
    "RLW_RSPCOL": (145, 0b0010100010, 0b0000101),
    "RLW_RXPIPE": (145, 0b0011000010, 0b0000110),
    "RLW_SRC_TRACK": (145, 0b0011100010, 0b0000111),
    "RLW_TAGSTATE": (145, 0b0100000010, 0b0001000),
    "TLW_CTRL": (146, 0b0100100011, 0b0001001),
    "TLW_RX_PIPE0": (146, 0b0101000011, 0b0001010),
    "TLW_RX_PIPE1": (146, 0b0101000011, 0b0001011),
    "TLW_TX_PIPE0": (146, 0b0101100011, 0b0001100),
    "TLW_TX_PIPE1": (146, 0b0101100011, 0b0001101),
    "TREX": (147, 0b0110000100, 0b0001110),
    "NVLPW": (148, 0b0000000101, 0b0001111),
    "NETIR_INT": (149, 0b0000000110, 0b0011000),
    "NETIR_BER_EVENT": (149, 0b1000100110, 0b0010011),
    "NETIR_LINK_DOWN": (149, 0b0111000110, 0b0010001),
    "NETIR_MFDE_EVENT": (149, 0b1001000110, 0b0010100),
    "MSE_WATCHDOG": (150, 0, 0),
}
_ALIASES = {
    "NVLPW_CTRL": "NVLPW",
    "NETIR": "NETIR_INT",
    "NETIR_LINK_EVT": "NETIR_LINK_DOWN",
    "TLW_RX": "TLW_RX_PIPE0",
    "TLW_TX": "TLW_TX_PIPE0",
}

# status → (remedy, is it hardware, fatal)
_Rules = dict[int, tuple[Remedy, bool, bool]]
_PIPE: _Rules = {1: (_N, True, False), 2: (_W, True, False), 4: (_R, True, True), _ALWAYS: (_W, False, False)}
_BY_STATUS: dict[str, _Rules] = {
    "SAW_MVB": {
        **dict.fromkeys((1, 8), (_W, True, False)),
        **dict.fromkeys((2, 16), (_R, True, True)),
        **dict.fromkeys((4, 32), (_N, True, False)),
    },
    "RLW_CTRL": {_ALWAYS: (_W, False, False)},
    "RLW_REMAP": dict.fromkeys((1, 2, 4, 8, 16, 32), (_E, False, False))
    | dict.fromkeys((64, 128), (_R, True, True))
    | dict.fromkeys((256, 512), (_N, True, False))
    | {_ALWAYS: (_W, False, False)},
    "RLW_RSPCOL": {1: (_N, True, False), 2: (_R, True, True), _ALWAYS: (_W, False, False)},
    "RLW_RXPIPE": dict.fromkeys((1, 2, 4), (_W, False, False))
    | {8: (_W, True, False), _ALWAYS: (_W, False, False)},
    "RLW_SRC_TRACK": dict.fromkeys((1, 16, 32), (_R, True, True))
    | {2: (_N, True, False), 4: (_E, True, False), 8: (_E, True, False), _ALWAYS: (_W, False, False)},
    "RLW_TAGSTATE": dict.fromkeys((2, 1 << 17, 1 << 20), (_R, True, True))
    | dict.fromkeys((1, 1 << 16), (_N, True, False))
    | {_ALWAYS: (_W, False, False)},
    "TLW_CTRL": _PIPE,
    "TLW_RX_PIPE0": _PIPE,
    "TLW_RX_PIPE1": _PIPE,
    "TLW_TX_PIPE0": _PIPE,
    "TLW_TX_PIPE1": _PIPE,
    "TREX": {1: (_W, False, False), _ALWAYS: (_W, False, False)},
    "NVLPW": {_ALWAYS: (_W, False, False)},
    "NETIR_INT": {0: (_R, True, True)},
    "NETIR_BER_EVENT": dict.fromkeys(range(4), (_W, True, False)),
    "NETIR_MFDE_EVENT": dict.fromkeys((1, 4, 5, 7), (_R, True, True)) | {3: (_N, False, False)},
    "MSE_WATCHDOG": {0: (_R, False, True)},
}
_BITS = frozenset(unit for unit in _BY_STATUS if unit[:3] in ("SAW", "RLW", "TLW"))
"""Units whose status is a set of bits; elsewhere it is a number."""

_SIGNAL = "look at cables, connectors and the link's signal"
_PEER = "look at the other end of the link first: it went away"
_SOFTWARE = "look at what software did to the link"
_ODD = "report it if it comes more than once a day"
_LINK_DOWN: dict[int, tuple[Remedy, bool, str | None]] = {
    0b000000: (_R, True, None),
    0b000001: (_R, True, _ODD),
    0b000010: (_R, True, _SIGNAL),
    0b000100: (_R, True, _SIGNAL),
    0b001010: (_R, True, _SIGNAL),
    0b001111: (_R, False, _SOFTWARE),
    0b010000: (_R, False, f"{_SOFTWARE}, and {_SIGNAL}"),
    0b010001: (_R, False, _SOFTWARE),
    0b010010: (_R, False, f"{_SOFTWARE}, and {_SIGNAL}"),
    0b010101: (_R, True, _PEER),
    0b010110: (_R, False, _SOFTWARE),
    **dict.fromkeys(range(32, 38), (_R, True, _PEER)),
    0b100110: (_W, False, _SOFTWARE),
    0b101000: (_W, False, "look at the host: it took the link down"),
    0b101010: (_R, True, _SIGNAL),
    0b101011: (_R, True, _SIGNAL),
}


def decoded(code: int, text: str) -> Fault | None:
    """The fields behind the number `code` of an Xid's line; None when there are none to be read."""
    found = _LINE.search(text) if code in CODES else None
    if found is None:
        return None
    numbers = [int(number, 16) for number in found["numbers"].split()]
    first, status = numbers[0], numbers[1] if len(numbers) > 1 else 0
    unit = _unit(code, found["unit"], first)
    fatal = found["word"] == "Fatal"
    link = int(found["link"]) if found["link"] is not None and int(found["link"]) >= 0 else None
    rule = _rule(unit, first, status) if unit else None
    if rule is None:
        remedy = _R if fatal else _W
        return Fault(unit=found["unit"], link=link, fatal=fatal, remedy=remedy, hardware=True, known=False)
    remedy, hardware, advice, rule_fatal = rule
    return Fault(
        unit=found["unit"],
        link=link,
        fatal=rule_fatal,
        remedy=remedy,
        hardware=hardware,
        known=True,
        advice=advice,
    )


def _unit(code: int, name: str, first: int) -> str | None:
    """The unit of the table that has this name and this number, by the newer way or the older; or None."""
    named = {_ALIASES.get(part, part) for part in name.split("/")}
    for unit in sorted(named & _UNITS.keys(), key=lambda unit: unit in _ALIASES.values()):
        xid, by_ten, by_seven = _UNITS[unit]
        if xid == code and (first & 0x3FF == by_ten or first & 0x7F == by_seven):
            return unit
    return None


def _rule(unit: str, first: int, status: int) -> tuple[Remedy, bool, str | None, bool] | None:
    cause = first >> 20 & 0x3F
    if unit == "NETIR_LINK_DOWN":
        down = _LINK_DOWN.get(cause) if status == 0 else None
        return down and (*down, True)
    rules = _BY_STATUS[unit]
    if cause != 0:
        return None
    if status in rules:
        matching = [rules[status]]
    elif unit in _BITS:
        matching = [rule for bit, rule in rules.items() if status & bit]
    else:
        matching = []
    if not matching:
        return None
    remedy, hardware, fatal = max(matching, key=lambda rule: rule[0].value)
    advice = _SIGNAL if unit == "NETIR_BER_EVENT" else None
    return remedy, hardware, advice, fatal
