"""A program of the user's that writes where it may not: an Xid that says nothing about the card's health.

The driver ends that program's work and nobody else's. It goes into the kernel's log, so `sentinel health`
tells of it until the next boot.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.gpu_hardware.card import FAULT, holder, sentinel

from sentinel.drivers.gpus.nvml_events import XidEvents
from sentinel.ports.gpu_events import XidEvent

pytestmark = pytest.mark.gpu

ILLEGAL_ADDRESS = "700"


def test_a_programs_own_fault(
    card: str, tmp_path: Path, verified: Callable[[str], None], figure: Callable[..., None]
) -> None:
    events, seen = XidEvents(), list[XidEvent | None]()
    try:
        assert events.wait(0.5) is None
        waiting = threading.Thread(target=lambda: seen.append(events.wait(20)))
        waiting.start()
        with holder(card) as other:
            began = time.time()
            done = subprocess.run([sys.executable, "-c", FAULT], capture_output=True, text=True, timeout=60)
            assert done.stdout.strip() == ILLEGAL_ADDRESS, done
            waiting.join(30)
            assert other.poll() is None
    finally:
        events.close()
    (event,) = seen
    print(event)
    assert event is not None and (event.code, event.gpu.uuid) == (31, card)
    figure("start of the program → its Xid is told", f"{event.at - began:.2f} s")
    text = sentinel("health", "--json", "--state-dir", str(tmp_path))
    findings = json.loads(text)["findings"]
    print(json.dumps(findings, indent=1)[:4000])
    mine = [one for one in findings if one["component"] == "xid"]
    assert mine and mine[0]["gpu"]["uuid"] == card
    verified("a program's own fault: Xid 31 by NVML's events, and in `sentinel health` by the kernel's log")
