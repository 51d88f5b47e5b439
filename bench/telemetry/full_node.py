"""A node as busy as they come: 8 cards of the NVML stand-in with 40 real processes on each.

Used by `snapshot` and `scrape`. The processes sleep; they are there so that whoever looks up their owners
finds 320 different ones in /proc, as on a real node.
"""

import os
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.fakes.cards import SERVER, Link, Occupant, cards
from tests.fakes.nvml_stand_in import NvmlStandIn, compiler

from bench.workstation.arbiter import BenchmarkError

CARDS, PROCESSES, LINKS = 8, 40, 18


@contextmanager
def full_node() -> Generator[NvmlStandIn]:
    """The stand-in that shows it. The processes are gone afterwards.

    What share of its card a process has is another at each look, so nobody gets by with what it read before.
    """
    if compiler() is None:
        raise BenchmarkError("the NVML stand-in needs a C compiler (Debian: apt-get install gcc)")
    running: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="sentinel-bench-node-") as folder:
        try:
            while len(running) < CARDS * PROCESSES:
                running.append(subprocess.Popen(["sleep", "3600"]))
            nvml = NvmlStandIn(Path(folder, "state"))
            pids = iter(process.pid for process in running)
            nvml.show(
                replace(
                    card, sensors=SERVER, utilization=80, links=(Link(),) * LINKS, serial="0", vbios="0"
                ).having(*[Occupant(pid=next(pids), memory_mib=1000, sm=-2) for _ in range(PROCESSES)])
                for card in cards(CARDS)
            )
            yield nvml
        finally:
            for process in running:
                process.kill()
            for process in running:
                process.wait()


def surroundings(nvml: NvmlStandIn) -> dict[str, str]:
    """The environment of a process that reads this node and imports what this one can."""
    return os.environ | nvml.environment
