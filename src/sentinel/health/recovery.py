"""What the driver itself says a GPU needs to recover: Xid 154. Called by `xid`.

    154, GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)

The names count, as the numbers behind them have changed between drivers.
"""

import re

from sentinel.core.finding import Layer
from sentinel.health.xid_catalog_entry import Action, Entry

_TO = re.compile(r"\bto 0x([0-9a-fA-F]{1,8}) \(([^()]{1,60})\)", re.ASCII)
_TITLE = "driver asks for recovery"


def asked_for(detail: str) -> Entry | None:
    """What the text behind the number 154 asks for; None when it cannot be told."""
    found = _TO.search(detail)
    if found is None:
        return None
    number, name = int(found[1], 16), found[2].strip().lower()
    if name == "none" or number == 0:
        return Entry(
            Layer.DRIVER, Action.NOTHING, "nothing to recover", "The driver says that the GPU needs nothing."
        )
    if "reboot" in name:
        return Entry(Layer.DRIVER, Action.REBOOT, _TITLE, "The driver says that the node must be rebooted.")
    if "reset" in name or "flr" in name:
        return Entry(Layer.DRIVER, Action.RESET, _TITLE, "The driver says that the GPU must be reset.")
    if "drain" in name:
        return Entry(
            Layer.DRIVER,
            Action.LINK,
            _TITLE,
            "The driver says that all peer-to-peer work of the GPU must end first.",
        )
    return None
