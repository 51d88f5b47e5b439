"""kill -9 of a process that keeps samples: what it acknowledged is there, and nothing counts twice."""

import random
import signal
import subprocess
import sys
from array import array
from pathlib import Path

import pytest
from tests.drivers.histories.cases import Clock, of

from sentinel.core.sample_batch import Batch, Column
from sentinel.core.series import Aggregate, Selector
from sentinel.drivers.histories.embedded import EmbeddedHistory

HOUR = 3600
START = 1_700_000_000 // HOUR * HOUR
METRIC = "gpu_temperature_celsius"
ROUNDS = 6

WRITER = """
import sys
from tests.faults.test_history_killed import minute, START
from tests.drivers.histories.cases import Clock
from sentinel.drivers.histories.embedded import EmbeddedHistory
clock = Clock(START)
history = EmbeddedHistory(sys.argv[1], clock=clock)
first = int(sys.argv[2])
for nth in range(first, 100_000):
    clock.now = START + 60 * nth + 60
    for count in (2, 4, 6):  # while it lasts, as agents do
        history.append([minute(nth, count)])
    print(nth, flush=True)
"""


def minute(nth: int, count: int = 6) -> Batch:
    """Six samples, each of the value that says which minute it is of; or the first of them."""
    return Batch(
        node="a",
        sequence=nth,
        times=tuple(START + 60 * nth + 10.0 * one for one in range(count)),
        columns=tuple(
            Column(metric=METRIC, labels=of("a", str(gpu)), values=array("f", [nth % 1000] * count))
            for gpu in range(4)
        ),
    )


def write_until_killed(path: Path, first: int, most: int) -> int:
    """The last minute that it said was kept."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(first)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged = first - 1
    for line in process.stdout:
        acknowledged = int(line)
        if acknowledged >= first + most:
            process.send_signal(signal.SIGKILL)
            break
    rest = process.stdout.read().split()
    process.stdout.close()
    assert process.wait(10) == -signal.SIGKILL
    return max([acknowledged, *map(int, rest)])


def test_what_was_acknowledged_is_there_and_nothing_twice(tmp_path: Path) -> None:
    path, chance = tmp_path / "history.db", random.Random(7)
    told = -1
    for _ in range(ROUNDS):
        # The minutes go on over the ends of hours, so that it dies while folding too. The last ones are
        # told again, as an agent does that got no answer.
        told = write_until_killed(path, max(0, told - 3), chance.randrange(40, 120))
        history = EmbeddedHistory(str(path), clock=Clock(START + 60 * (told + 2)))
        for step in (10, 60, HOUR):
            found = history.query(
                Selector(metric=METRIC), START, START + 60 * (told + 1), step, Aggregate.COUNT
            )
            assert len(found) == 4
            for one in found:
                counts = [value for _, value in one.points]
                assert None not in counts
                most, whole = step // 10, step / 10
                # Of the minute after, and of the hour that goes on, there may be what it had no time to say.
                assert counts[:-1] == [whole] * (len(counts) - 1)
                assert counts[-1] is not None and counts[-1] <= most
        sums = history.query(Selector(metric=METRIC), START, START + 60 * (told + 1), 60, Aggregate.SUM)
        assert [value for _, value in sums[0].points] == [6.0 * (nth % 1000) for nth in range(told + 1)]
        history.close()
    assert told > 4 * 60, "it has folded some hours"


DIES_FOLDING = """
import os, signal, sys
from tests.faults.test_history_killed import minute, START, HOUR
from tests.drivers.histories.cases import Clock
from sentinel.drivers.histories import folding
from sentinel.drivers.histories.embedded import EmbeddedHistory
clock = Clock(START + HOUR)
history = EmbeddedHistory(sys.argv[1], clock=clock)
history.append([minute(nth) for nth in range(60)])
put, left = folding.Blocks.put, int(sys.argv[2])
def dies(*args):
    global left
    put(*args)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
folding.Blocks.put = dies
history.purge(START + 2 * HOUR)
"""


@pytest.mark.parametrize("puts", [1, 2, 3])
def test_it_dies_folding(tmp_path: Path, puts: int) -> None:
    path = tmp_path / "history.db"
    done = subprocess.run([sys.executable, "-c", DIES_FOLDING, str(path), str(puts)], timeout=30)
    assert done.returncode == -signal.SIGKILL
    history = EmbeddedHistory(str(path), clock=Clock(START + HOUR))
    for _ in range(2):
        for step in (10, 60, HOUR):
            found = history.query(Selector(metric=METRIC), START, START + HOUR, step, Aggregate.COUNT)
            assert [sum(value or 0 for _, value in one.points) for one in found] == [360] * 4
        history.purge(START + 2 * HOUR)
    history.close()
