"""Xid codes that come in families: one for each engine of a kind, and those that only old drivers wrote.

Read by `xid_catalog`. Which codes there are is NVIDIA's Xid catalogue; the words are ours.
"""

from sentinel.core.finding import Layer
from sentinel.health.xid_catalog_entry import Action, Entry

_COPY = (39, 40, 41, 70, 71, 72, 75, 76, 77, 85, *range(126, 136))
_DECODERS = (68, 83, 84, 88, 89, 96, 97, 98)
_ENCODERS = (47, 65, 73, 142)
_JPEG = (82, *range(99, 106))
_OPTICAL_FLOW = (86, 139)


def _engines(codes: tuple[int, ...], name: str, action: Action = Action.RESTART_APP) -> dict[int, Entry]:
    return {
        code: Entry(
            Layer.APPLICATION,
            action,
            f"{name} {number} exception",
            f"The GPU's {name} (no. {number}) met an error in what a program gave it to do.",
        )
        for number, code in enumerate(codes)
    }


_OLD = {
    1: "broken command stream (FIFO method)",
    2: "broken command stream (software method)",
    3: "broken command stream (unknown method)",
    4: "broken command stream (channel busy)",
    5: "command queue overflow",
    6: "broken command stream (parse error)",
    7: "bad address in the command stream",
    9: "driver set the GPU up wrongly",
    10: "single step",
    12: "driver mishandled an exception",
    15: "scan-line timeout",
    17: "bad parameter",
    20: "broken MPEG commands",
    21: "broken motion estimation commands",
    22: "broken video processor commands",
    23: "error logging switched on",
    24: "semaphore timed out",
    26: "framebuffer timed out",
    27: "video processor exception",
    28: "video processor exception (second kind)",
    29: "bitstream processor exception",
    30: "bad semaphore access",
    33: "security controller error",
    34: "video decoder exception",
    35: "video picture decoder exception",
    36: "video post-processor exception",
    42: "image compositor exception",
    49: "silent running: level set",
    50: "silent running: level changed",
    51: "silent running: stress test failed",
    52: "silent running: slowed by heat",
    53: "silent running: slower clocks by heat",
    55: "silent running: no temperature",
    87: "driver telemetry",
    90: "cache error",
    91: "reserved number",
}
_DISPLAY = {
    16: "display hung",
    19: "display missed a signal",
    56: "display channel exception",
    111: "display bundle error",
    112: "display supervisor error",
    113: "DisplayPort link did not train",
    114: "display ran out of pixels",
    115: "display core channel error",
    116: "display window channel error",
    117: "display cursor channel error",
    118: "display head error",
}
_FLASH = {
    122: "flash could not be read",
    123: "flash could not be written",
    124: "flash could not be erased",
    125: "InfoROM file system error",
}


def _family(
    titles: dict[int, str], layer: Layer, cause: str, action: Action = Action.ASK_SUPPORT
) -> dict[int, Entry]:
    return {code: Entry(layer, action, title, cause.format(title)) for code, title in titles.items()}


FAMILIES: dict[int, Entry] = {
    **_engines(_COPY, "copy engine"),
    **_engines(_DECODERS, "video decoder"),
    **_engines(_ENCODERS, "video encoder"),
    **_engines(_JPEG, "JPEG decoder"),
    **_engines(_OPTICAL_FLOW, "optical flow engine"),
    **_family(_OLD, Layer.DRIVER, "{}: a number of old drivers, which present ones should not write."),
    **_family(_DISPLAY, Layer.DRIVER, "{}: this concerns a screen on the GPU, not computing."),
    **_family(_FLASH, Layer.HARDWARE, "{}: the small memory with the board's own data gives trouble."),
    18: Entry(
        Layer.DRIVER,
        Action.ASK_SUPPORT,
        "bus mastering off",
        "The GPU may not access the computer's memory: bus mastering is off in its PCI settings.",
    ),
    106: Entry(Layer.DRIVER, Action.NOTHING, "test message", "A test of the board's management channel."),
    107: Entry(
        Layer.DRIVER, Action.NOTHING, "silent test message", "A test of the board's management channel."
    ),
    108: Entry(
        Layer.DRIVER,
        Action.WATCH,
        "NVLink address not translated",
        "A peer's address over NVLink could not be translated; most drivers do not write this.",
    ),
}
