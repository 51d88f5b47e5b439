"""The collector is told what it is told, in a process of its own: it is the whole process's."""

import subprocess
import sys

CODE = """
import gc
from sentinel.server.collector import MIDDLE, NEWEST, OLDEST, collect_seldom
collect_seldom()
assert gc.isenabled() and gc.get_threshold() == (NEWEST, MIDDLE, OLDEST), gc.get_threshold()
assert gc.get_freeze_count() > 1000
class Ring: ...
import weakref
ring = Ring(); ring.itself = ring; gone = weakref.ref(ring); del ring
gc.collect()
assert gone() is None
"""


def test_cycles_are_still_collected_but_seldom() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True)
